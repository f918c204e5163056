"""What comes next: machines drawn from the belief and run ahead, until a limit is passed or the horizon is reached."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from twin.declare import Asset
from twin.ensemble import Ensemble
from twin.errors import SimulationError
from twin.estimate.algebra import factored
from twin.estimate.sigma import LOGARITHMIC
from twin.estimate.unscented import UnscentedFilter
from twin.streams import member_seeds, normal

MEMBERS = 32
STEPS = 48
WALKED = 3
"""Steps after which what wanders is moved: setting it takes longer than a step."""
PASSED = 0.95
"""Once this share of members has passed a limit or a guard nobody looks further: what a trip does comes later."""
QUANTILES = (0.05, 0.5, 0.95)


class Trend(NamedTuple):
    """How a fault grows: its path, severity now and change a second with their standard deviations, SI.

    What has grown for `seen` seconds may stop at any time: it goes on for `d` more with probability
    ``seen / (seen + d)``, as for any duration of which nothing is known but that it is looked at at no special moment
    (Gott 1993, Nature 363, 315). Infinite where it can't stop.
    """

    path: str
    severity: float
    deviation: float
    rate: float
    rate_deviation: float
    seen: float = np.inf


class Crossing(NamedTuple):
    """When something is passed, if it is: a tag's limit or a guard; times from now [s].

    Attributes
    ----------
    what : str
        The tag, or ``asset.guard``.
    limit : float
        SI; NaN for a guard.
    above : bool
        Whether it is passed upwards.
    early, middle, late : float
        Of the members that pass it 5, 50 and 95 % have passed it by then.
    probability : float
        Of its being passed within the horizon.
    """

    what: str
    limit: float
    above: bool
    early: float
    middle: float
    late: float
    probability: float


class Outlook(NamedTuple):
    """Bands of every tag over the horizon, and what is passed, the soonest first.

    Attributes
    ----------
    times : (k,)
        From now [s].
    bands : (3, tags, k)
        5, 50 and 95 % of what the instruments would show, without their noise, SI.
    crossings : tuple of Crossing
    """

    times: np.ndarray
    bands: np.ndarray
    crossings: tuple[Crossing, ...]


def outlook(
    belief: UnscentedFilter,
    limits: Mapping[str, tuple[float, float]],
    horizon: float,
    *,
    trend: Trend | None = None,
    key: str = "ahead",
    wandering: bool = False,
) -> Outlook:
    """Run members drawn from the belief ahead.

    The plant goes on as it runs now: set points, loads and what else moves from outside stay, faults stay or follow
    their trend. With `wandering` what the belief lets wander goes on to wander, and the middle band is what becomes of
    its mean. What is drawn beyond the bounds of a quantity stands at them. A member that fails counts as one that has
    passed everything it was going to pass.

    Parameters
    ----------
    limits : mapping
        Lowest and highest value of a tag, SI.
    key : str
        Names the random stream: the same key draws the same members.

    Returns
    -------
    Outlook
        At times that lie closer at the beginning; it ends where nearly every member has passed something.

    Raises
    ------
    SimulationError
        If every member fails.
    """
    drawn = _drawn(belief, trend, key, centred=wandering)
    times = horizon * (np.arange(1, STEPS + 1) / STEPS) ** 2
    walk = _walk(belief, times, key) if wandering else None
    shown, guards = _run(belief, limits, drawn, trend, times, walk)
    times = times[: shown.shape[2]]
    names = [t.name for t in belief.tags]
    crossings = [*_limits(names, limits, shown, times), *_guards(guards, belief.plant.assets)]
    crossings.sort(key=lambda c: (c.middle, -c.probability, c.what))
    bands = np.quantile(shown, QUANTILES, axis=1)
    if wandering:
        bands[1] = shown[:, 0]
    return Outlook(times, bands, tuple(crossings))


class _Drawn(NamedTuple):
    """Members drawn from the belief, and each one's severity of the fault, its change a second, and for how long.

    Unknowns of each are `inner`, as the filter counts them, (unknowns, members).
    """

    members: Ensemble
    inner: np.ndarray
    severities: np.ndarray
    rates: np.ndarray
    durations: np.ndarray


def _run(
    belief: UnscentedFilter,
    limits: Mapping[str, tuple[float, float]],
    drawn: _Drawn,
    trend: Trend | None,
    times: np.ndarray,
    walk: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what instruments show, (tags, members, times reached), and when each member passes which guard."""
    members, begin = drawn.members, drawn.members.time
    known = belief.moments.mean[len(belief.unknowns) :]
    bias = known if known.size else np.zeros(len(belief.tags))  # where no instrument can be off, none is believed to be
    bounds = np.array([limits.get(t.name, (-np.inf, np.inf)) for t in belief.tags])
    shown: list[np.ndarray] = []
    guards: dict[str, np.ndarray] = {}
    for k, ahead in enumerate(times):
        if walk is not None and k % WALKED == 0:
            for i in np.flatnonzero(walk[:, k].any(axis=1)):
                _put(belief, members, int(i), drawn.inner[i] + walk[i, k])
        if trend is not None:
            low, high = belief.plant.quantity(trend.path).bounds
            members.set(
                trend.path, np.clip(drawn.severities + drawn.rates * np.minimum(ahead, drawn.durations), low, high)
            )
        try:
            members.advance(begin + ahead)
        except SimulationError:
            if len(members.failures()) == members.members:
                raise
        for event in members.take_happenings():
            passed = guards.setdefault(event.name, np.full(members.members, np.inf))
            passed[event.member] = min(passed[event.member], event.time - begin)
        shown.append(np.array([members.get(t.reads) + bias[j] for j, t in enumerate(belief.tags)]))
        beyond = (shown[-1] < bounds[:, :1]) | (shown[-1] > bounds[:, 1:])
        tripped = [float(np.isfinite(passed).mean()) for passed in guards.values()]
        if max([float(beyond.mean(axis=1).max(initial=0.0)), *tripped]) >= PASSED:
            break
    return np.stack(shown, axis=2), guards


def drawn(belief: UnscentedFilter, count: int, *, trend: Trend | None = None, key: str = "ahead") -> Ensemble:
    """Return machines drawn from the belief: the one that is believed most, and others that it might be.

    Parameters
    ----------
    trend : Trend, optional
        A fault that is believed; it stays as it is.
    key : str
        Names the random stream.
    """
    found = _drawn(belief, trend, key, centred=True, count=count)
    if trend is not None:
        low, high = belief.plant.quantity(trend.path).bounds
        found.members.set(trend.path, np.clip(found.severities, low, high))
    return found.members


def _drawn(
    belief: UnscentedFilter, trend: Trend | None, key: str, *, centred: bool = False, count: int = MEMBERS
) -> _Drawn:
    """Draw members from the belief; the first is what is believed most where they are to be `centred`."""
    state = belief.state()
    members = Ensemble(belief.plant, count, belief.compiled)
    members.restore(state["z"], state["c"])
    mean, covariance = belief.moments.mean, belief.moments.covariance
    size = mean.size
    factor = factored(np.ascontiguousarray(covariance), size)
    draws = normal(member_seeds(0, count), key, "belief", 0, size + 3)
    if centred:
        draws[0] = 0.0
    away = draws[:, :size] @ factor
    inner = (mean + away[:, :size])[:, : len(belief.unknowns)].T
    for i in range(len(belief.unknowns)):
        _put(belief, members, i, inner[i])
    followers = [belief.compiled.layout.states[row] for row in belief.places.followers]
    for k, path in enumerate(followers):
        low, high = belief.plant.quantity(path).bounds
        members.set(path, np.clip(members.get(path) + away[:, size + k], low, high))
    if trend is None:
        return _Drawn(members, inner, *np.zeros((3, count)))
    severities = trend.severity + trend.deviation * draws[:, size]
    rates = trend.rate + trend.rate_deviation * draws[:, size + 1]
    return _Drawn(members, inner, severities, rates, _durations(trend.seen, draws[:, size + 2]))


def _put(belief: UnscentedFilter, members: Ensemble, i: int, u: np.ndarray) -> None:
    """Give members an unknown, as the filter counts it."""
    base, scale = belief.places.base[i], belief.places.scale[i]
    values = base * np.exp(scale * u) if belief.places.kind[i] == LOGARITHMIC else base + scale * u
    for path in belief.unknowns[i].paths:
        low, high = belief.plant.quantity(path).bounds
        members.set(path, np.clip(values, low, high))


def _walk(belief: UnscentedFilter, times: np.ndarray, key: str) -> np.ndarray:
    """Return how far each unknown has wandered at each time, as the filter counts it, (unknowns, times, members)."""
    count = len(belief.unknowns)
    draws = normal(member_seeds(0, MEMBERS), key, "wander", 0, count * times.size).T.reshape(count, times.size, MEMBERS)
    draws[:, :, 0] = 0.0  # the first member stands for what is believed most
    steps = np.sqrt(np.diff(times, prepend=0.0)[:, None] * belief.wander[:count, None, None])
    return np.cumsum(steps * draws, axis=1)


def _durations(seen: float, draws: np.ndarray) -> np.ndarray:
    """Return for how long each member's fault goes on growing: the quantiles of ``seen / (seen + d)``, in drawn order.

    Quantiles rather than draws: with few members the share that goes on for long is then what it should be.
    """
    if not np.isfinite(seen):
        return np.full(draws.size, np.inf)
    going_on = (np.argsort(np.argsort(draws, kind="stable"), kind="stable") + 0.5) / draws.size
    return np.asarray(seen * (1.0 / going_on - 1.0))


def _limits(
    names: list[str], limits: Mapping[str, tuple[float, float]], shown: np.ndarray, times: np.ndarray
) -> list[Crossing]:
    found = []
    for j, name in enumerate(names):
        low, high = limits.get(name, (-np.inf, np.inf))
        for limit, above in ((low, False), (high, True)):
            if np.isfinite(limit):
                beyond = shown[j] > limit if above else shown[j] < limit
                first = np.where(beyond.any(axis=1), times[beyond.argmax(axis=1)], np.inf)
                found += _crossing(name, limit, above, first)
    return found


def _guards(guards: Mapping[str, np.ndarray], assets: Mapping[str, type[Asset]]) -> list[Crossing]:
    return [c for name in sorted(guards) for c in _crossing(name, np.nan, True, guards[name])]


def _crossing(what: str, limit: float, above: bool, first: np.ndarray) -> list[Crossing]:
    """Return the crossing if at least one member in twenty passes."""
    probability = float(np.isfinite(first).mean())
    if probability < QUANTILES[0]:
        return []
    ordered = np.sort(first[np.isfinite(first)])
    early, middle, late = (float(ordered[min(int(q * ordered.size), ordered.size - 1)]) for q in QUANTILES)
    return [Crossing(what, limit, above, early, middle, late, probability)]
