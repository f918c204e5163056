"""What a recipe says of every tag, as columns of shape (tags,) that whole blocks are tested against."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from twin.clean.recipe import Steps

_PLAIN = Steps("", "", "")


class Columns(NamedTuple):
    """Limits by tag; where a tag has no such test, a limit that nothing exceeds.

    `may_stand` holds the values at which a tag may stand still, `mapped`, `metered` and `windows` which tags
    have a map of statuses, which have codes, a counter or a calibration, and which Hampel windows there are.
    """

    gap: np.ndarray
    low: np.ndarray
    high: np.ndarray
    outside: np.ndarray
    has_stuck: np.ndarray
    stuck_count: np.ndarray
    stuck_over: np.ndarray
    stuck_code: np.ndarray
    spike_window: np.ndarray
    spike_k: np.ndarray
    spike_least: np.ndarray
    spike_code: np.ndarray
    on_grid: np.ndarray
    may_stand: dict[int, tuple[float, ...]]
    mapped: np.ndarray
    metered: np.ndarray
    windows: tuple[int, ...]

    @classmethod
    def of(cls, tags: tuple[Steps, ...]) -> "Columns":
        """Return the columns of a recipe's tags."""

        def column(kind: type, pick: Callable[[Steps], Any]) -> np.ndarray:
            return np.array([pick(steps) for steps in tags], kind)

        def which(pick: Callable[[Steps], bool]) -> np.ndarray:
            return np.flatnonzero(column(np.bool_, pick))

        return cls(
            column(np.int64, lambda s: s.gap),
            column(np.float64, lambda s: s.range.low),
            column(np.float64, lambda s: s.range.high),
            column(np.uint32, lambda s: s.range.outside),
            column(np.bool_, lambda s: s.stuck is not None),
            column(np.int64, lambda s: s.stuck.readings if s.stuck else 0),
            column(np.int64, lambda s: s.stuck.over if s.stuck else 0),
            column(np.uint32, lambda s: s.stuck.quality if s.stuck else 0),
            column(np.int64, lambda s: s.spike.window if s.spike else 0),
            column(np.float64, lambda s: s.spike.k if s.spike else np.inf),
            column(np.float64, lambda s: s.spike.least if s.spike else np.inf),
            column(np.uint32, lambda s: s.spike.quality if s.spike else 0),
            column(np.bool_, lambda s: s.align is not None),
            {n: s.stuck.allow for n, s in enumerate(tags) if s.stuck and s.stuck.allow},
            which(lambda s: bool(s.quality)),
            which(lambda s: bool(s.codes or s.counter) or s.calibrations != _PLAIN.calibrations),
            tuple(sorted({s.spike.window for s in tags if s.spike})),
        )
