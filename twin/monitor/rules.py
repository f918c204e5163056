"""How large and how long a condition must be before it is told, and before it is taken back."""

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from twin.errors import TwinError, unknown


class Rule(Struct, frozen=True):
    """When a condition of one code counts.

    It begins at `on` sigma. It ends below `off` sigma and below `fraction` of the largest size of this excursion, so
    that a small excursion ends further down. Begin and end must last `on_delay` and `off_delay` [s]. `priority` is 1
    (act now), 2 or 3; a text that says how soon to act sets its own.
    """

    on: float = 4.0
    off: float = 3.0
    fraction: float = 0.5
    on_delay: float = 10.0
    off_delay: float = 60.0
    priority: int = 2


def _yes_or_no(on_delay: float, off_delay: float, priority: int = 2) -> Rule:
    """Return the rule for what has size 1 or 0."""
    return Rule(1.0, 1.0, 1.0, on_delay, off_delay, priority)


DEFAULT: Mapping[str, Rule] = {
    "fault": Rule(),
    "fault_candidates": Rule(),
    "unknown": Rule(on_delay=20.0),
    "sensor": Rule(priority=3),
    "limit_ahead": _yes_or_no(20.0, 120.0, 1),
    "stale": _yes_or_no(0.0, 10.0),
    "gap": _yes_or_no(0.0, 60.0, 3),
    "diverged": _yes_or_no(0.0, 60.0),
    "starting": _yes_or_no(0.0, 10.0, 3),
    "unobservable": _yes_or_no(0.0, 60.0, 3),
    "clock": _yes_or_no(5.0, 60.0, 3),
    "late": _yes_or_no(5.0, 60.0, 3),
}
"""What holds unless a plant says otherwise."""

URGENT, SOON = 600.0, 8 * 3600.0
"""What must be done within these [s] has priority 1 and 2."""


class Rules(Struct, frozen=True):
    """Rules of a plant.

    Attributes
    ----------
    codes : dict
        Rule of each message code.
    settling : float
        How long conditions of an asset are suppressed after its start, stop or maintenance [s].
    settlings : dict
        The same for single assets.
    longest_shelf : float
        Longest time for which an advisory can be shelved [s].
    longest_off_delay : float
        To this the off delay grows of what comes and goes: it doubles with each time within the hour [s].
    """

    codes: dict[str, Rule] = field(default_factory=lambda: dict(DEFAULT))
    settling: float = 120.0
    settlings: dict[str, float] = {}
    longest_shelf: float = 8 * 3600.0
    longest_off_delay: float = 3600.0

    def of(self, code: str) -> Rule:
        """Return the rule of a message code."""
        if code not in self.codes:
            raise TwinError(f"monitor: {unknown('message code', code, self.codes)}")
        return self.codes[code]

    def settling_of(self, asset: str) -> float:
        """Return for how long an asset's conditions mean little after a start, a stop or maintenance [s]."""
        return self.settlings.get(asset, self.settling)

    def off_delay(self, code: str, told: int) -> float:
        """Return how long the end of a condition must last that was told `told` times within the hour [s]."""
        delay = self.of(code).off_delay
        return delay if told < 2 else max(delay, min(delay * 2.0 ** min(told - 1, 60), self.longest_off_delay))

    def priority(self, code: str, values: Mapping[str, float | str]) -> int:
        """Return 1 (act now), 2 or 3."""
        within = values.get("within")
        if not isinstance(within, float):
            return self.of(code).priority
        return 1 if within <= URGENT else 2 if within <= SOON else 3


def confirmed(confirm: float, release: float) -> Rules:
    """Return the rules of a plant whose deviations are told after `confirm`, and their end after `release` [s].

    What no declaration explains takes twice as long to be told: an explanation may still come.
    """
    delays = dict.fromkeys(("fault", "fault_candidates", "sensor"), confirm) | {"unknown": 2.0 * confirm}
    told = {code: replace(DEFAULT[code], on_delay=delay, off_delay=release) for code, delay in delays.items()}
    return Rules({**DEFAULT, **told})
