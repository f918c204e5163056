"""What the diagnosis says of one instant: each condition that holds, or nearly holds."""

import math
from typing import NamedTuple

from twin.errors import SimulationError


class Condition(NamedTuple):
    """Something that is not as it should be, at one settled instant.

    Attributes
    ----------
    key : str
        Stable identity: ``pump_1.wear``, ``TI-101``, or either behind a kind, ``limit:TI-101``.
    code : str
        Code of the message, one of `twin.monitor.texts.codes`.
    size : float
        How far from normal, in sigma, its sign the direction; 1 and 0 where there is no more than yes and no.
    probability : float
        Of the explanation that `code` gives.
    since : float
        Since when it holds, source time [s].
    values : dict
        Parameters of the text.
    about : tuple of str
        Assets and tags it is about beside those that its key names: their start, stop and maintenance touch it.
    """

    key: str
    code: str
    size: float
    probability: float
    since: float
    values: dict[str, float | str]
    about: tuple[str, ...] = ()


def keyed_on(key: str, name: str) -> bool:
    """Return whether `key` is the tag or asset `name`, a quantity of it, or either behind a kind."""
    return any(subject == name or subject.startswith(f"{name}.") for subject in (key, key.partition(":")[2]) if subject)


def checked(condition: Condition) -> Condition:
    """Return the condition with every number a float.

    Raises
    ------
    SimulationError
        If it has no key, or a number that decides about it is not finite.
    """
    if not condition.key:
        raise SimulationError(f"monitor: a condition {condition.code!r} without a key; give it a stable identity")
    numbers = {"size": condition.size, "probability": condition.probability, "since": condition.since}
    for name, number in numbers.items():
        if not math.isfinite(number):
            raise SimulationError(f"monitor: {condition.key}: {name} is {number}; leave out what can't be computed")
    if not 0.0 <= condition.probability <= 1.0:
        raise SimulationError(f"monitor: {condition.key}: probability {condition.probability} is outside [0, 1]")
    values = {n: v if isinstance(v, str) else float(v) for n, v in condition.values.items()}
    return condition._replace(
        size=float(condition.size),
        probability=float(condition.probability),
        since=float(condition.since),
        values=values,
        about=tuple(condition.about),
    )
