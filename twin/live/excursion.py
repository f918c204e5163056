"""How far readings stand from what is expected of them, as shares of what the plant tolerates, and when they came back.

Statistics tell whether readings differ from what is expected, and given time they tell any difference. Whether it
matters is the plant's to say, as a share of the operating point. An excursion is over when readings have come most of
the way back: the operating point that they come back to needn't be the one that they left. What is left then, or when
the twin has learnt all that it will, counts as usual from there on, until the twin has learnt that too.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from twin.errors import SnapshotError
from twin.plant import Tolerance

MEMORY = 6.0
"""Time over which deviations are smoothed [s]."""
SPIKE = 4.0
"""Until an excursion stands a deviation counts as this many times what is tolerated at most: one reading makes none."""
HALF = 0.5
"""Share of what is tolerated from which a deviation may be the beginning of an excursion."""
RETURNED = 1.0 / 3.0
"""Share of an excursion's peak below which readings are back."""
BACK = 30.0
"""How long they must be before that counts [s]: what moves slowly pauses on its way."""
RELEARN = 300.0
"""Time constant with which what counts as usual follows what the twin has still to learn [s]."""
NEVER = Tolerance(math.inf, math.inf, relative=False)


class Excursion:
    """Smoothed deviations of a plant's tags, and the largest of the excursion that stands.

    Parameters
    ----------
    tags : sequence of str
    tolerance : mapping
        By tag; a tag without one never counts. Where it is empty every excursion lasts as long as its evidence.
    every : float
        Time between instants; after a longer silence an instant counts as two of them [s].
    """

    def __init__(self, tags: Sequence[str], tolerance: Mapping[str, Tolerance], every: float = 1.0) -> None:
        told = [tolerance.get(tag, NEVER) for tag in tags]
        self._low, self._high = np.array([t.low for t in told]), np.array([t.high for t in told])
        self._relative = np.array([t.relative for t in told], bool)
        self._longest = 2.0 * every
        self.declared = bool(tolerance)
        self.shift = np.zeros(len(told))
        """Smoothed deviations from what is usual, SI."""
        self.usual = np.zeros(len(told))
        """What readings stand off what is expected with nothing wrong, SI; 0 where the twin knows its plant."""
        self._room = np.full((2, len(told)), math.inf)
        self.peak = 0.0
        """The largest of the excursion that stands; 0 where none does."""
        self.left = 0.0
        """When readings last were within half of what is tolerated, before the excursion that stands [s]."""
        self.turned = self.time = 0.0
        """When readings last weren't back yet, and the newest instant [s]."""

    def see(self, now: float, reading: np.ndarray, expected: np.ndarray) -> None:
        """Take in an instant; a reading that isn't there is NaN.

        Parameters
        ----------
        now : float
            Since the first reading [s].
        reading, expected : (tags,)
            SI.
        """
        usual = expected + self.usual
        off = reading - usual
        scale = np.where(self._relative, np.abs(usual), 1.0)
        least = np.where(scale > 0.0, scale, math.inf)  # where nothing is expected, no share of it is a limit
        self._room = np.array([self._low, self._high]) * least
        if not self.peak:
            most = SPIKE * self._room.min(axis=0)
            off = np.clip(off, -most, most)
        seen = np.isfinite(off)
        passed = min(max(now - self.time, 0.0), self._longest)
        if not self.peak:
            learnt = seen & (self.usual != 0.0)
            self.usual[learnt] += (1.0 - math.exp(-passed / RELEARN)) * off[learnt]
        self.shift[seen] += (1.0 - math.exp(-passed / MEMORY)) * (off[seen] - self.shift[seen])
        self.time = now
        if not self.peak and self.size < HALF:
            self.left = now

    @property
    def size(self) -> float:
        """The largest deviation, over what is tolerated of it."""
        return float((np.array([-self.shift, self.shift]) / self._room).max(initial=0.0))

    def begins(self) -> bool:
        """Return whether some reading is further off than is tolerated; then an excursion stands."""
        if not self.declared:
            return True
        if self.size >= 1.0:
            self.peak, self.turned = self.size, self.time
        return self.size >= 1.0

    def lasts(self) -> bool:
        """Return whether the excursion that stands isn't over."""
        self.peak = max(self.peak, self.size)
        if self.size >= RETURNED * self.peak:
            self.turned = self.time
        return not self.declared or self.time - self.turned < BACK

    def end(self) -> None:
        """Let no excursion stand."""
        self.peak = 0.0

    def settle(self) -> None:
        """Take as usual whatever readings stand off now by half of what is tolerated or more, either way."""
        left = self.shift + self.usual
        self.usual = np.where(np.abs(left) >= HALF * self._room.min(axis=0), left, 0.0)
        self.shift = left - self.usual

    def state(self) -> dict[str, Any]:
        """Return everything that the next instant depends on."""
        arrays = {"shift": self.shift, "usual": self.usual, "room": self._room}
        return {**{name: array.copy() for name, array in arrays.items()}, "numbers": self._numbers()}

    def _numbers(self) -> list[float]:
        return [self.peak, self.left, self.turned, self.time]

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises
        ------
        SnapshotError
            If it is of other tags.
        """
        arrays = [state[name].copy() for name in ("shift", "usual", "room")]
        if [a.shape for a in arrays] != [self.shift.shape, self.usual.shape, self._room.shape]:
            raise SnapshotError("excursion: of other tags; start anew")
        self.shift, self.usual, self._room = arrays
        self.peak, self.left, self.turned, self.time = (float(number) for number in state["numbers"])
