"""Whether a twin still follows its plant, or has lost it, or never had it."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from twin.estimate.cycle import Trace
from twin.monitor.condition import Condition
from twin.plant import Estimation

BAND = 1.959963984540054
LOST_INSTANTS = 20
"""After so many instants in a row with a third of the readings beyond the gate the twin has lost its plant."""
MEMORY = 300.0
"""How long an instant counts in the share of readings beyond their bands [s]."""
MISFIT = 0.35
"""A share like this, of which 0.05 should be, is that of another plant."""


class Fit:
    """Counts what doesn't fit; `since` says when it became too much [s], NaN while it isn't."""

    def __init__(self, estimation: Estimation) -> None:
        self.commission, self.weight = estimation.commission, min(estimation.every / MEMORY, 1.0)
        self.rough = 0
        self.beyond = 0.0
        self.since = math.nan

    @property
    def lost(self) -> bool:
        """Return whether the readings are those of another plant."""
        return self.rough >= LOST_INSTANTS or self.beyond >= MISFIT

    def see(self, now: float, reading: np.ndarray, trace: Trace, *, suspicious: bool) -> None:
        """Take note of an instant of `trace`, its only one; while something is suspected readings may be away."""
        if now <= self.commission / 5.0:
            return
        self.rough = self.rough + 1 if trace.fit[0, 2] * 3.0 > trace.fit[0, 1] else 0
        away = np.abs(reading - trace.predicted[0, : reading.size]) / trace.deviation[0, : reading.size]
        counted = away[np.isfinite(away)]
        if counted.size and now > self.commission and not suspicious:
            self.beyond += self.weight * (float(np.mean(counted > BAND)) - self.beyond)
        self.since = (now if math.isnan(self.since) else self.since) if self.lost else math.nan

    def lose(self) -> None:
        """Note that nothing of what was believed is left: the twin begins anew."""
        self.rough, self.since = LOST_INSTANTS, 0.0

    def conditions(self, epoch: float) -> Iterator[Condition]:
        """Yield the advisory about it; `epoch` turns times into source time [s]."""
        if self.lost:
            since = epoch + self.since
            yield Condition("twin:diverged", "diverged", 1.0, 1.0, since, {"since": since})

    def state(self) -> list[float]:
        """Return everything, as plain numbers."""
        return [float(self.rough), self.beyond, self.since]

    def restore(self, state: Sequence[float]) -> None:
        """Go on from what `state` returned."""
        self.rough, self.beyond, self.since = int(state[0]), float(state[1]), float(state[2])
