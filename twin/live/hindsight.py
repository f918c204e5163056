"""How far off forecasts were that have come due, by tag and distance: the next are as wide as those should have been.

Members that are run ahead know what the belief is unsure of. They know nothing of what the plant file gets wrong, which
the filter corrects with every reading and a forecast can't.
"""

from collections import deque
from typing import NamedTuple

import numpy as np

DISTANCES = np.array([0.0, 30.0, 60.0, 120.0, 300.0, 600.0])
"""How far ahead forecasts are judged; the first by definition is right [s]."""
NOTED = 60.0
"""Time between forecasts that are judged [s]."""
KEEP = 1.0 - 1.0 / 30.0
"""What remains of what was judged before with every new one: half an hour."""
FIRST, TRUST = 2.0, 4.0
"""Square of how much too narrow a forecast is taken to be at first, and as how many judged ones that counts."""
LEAST, MOST = 0.7, 10.0


class _Due(NamedTuple):
    """A forecast that hasn't come due altogether; `next` is the first distance at which it wasn't judged yet."""

    at: float
    times: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    next: int


class Hindsight:
    """Judges forecasts by the readings that came.

    Parameters
    ----------
    tags : int
        How many.
    """

    def __init__(self, tags: int) -> None:
        self._squares = np.full((DISTANCES.size, tags), FIRST * TRUST)
        self._counts = np.full((DISTANCES.size, tags), TRUST)
        self._due: deque[_Due] = deque()

    def note(self, at: float, times: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> None:
        """Take a forecast made at a source time [s]: times from then, means and deviations of a reading, (tags, k)."""
        if not self._due or at - self._due[-1].at >= NOTED:
            self._due.append(_Due(at, times, mean, deviation, 1))

    def see(self, time: float, reading: np.ndarray) -> None:
        """Judge what came due by the readings of an instant; NaN where there is none."""
        kept = deque[_Due]()
        for due in self._due:
            place = due.next
            while place < DISTANCES.size and time - due.at >= DISTANCES[place]:
                if time - due.at < DISTANCES[place] + 0.5 * NOTED:  # readings may have been missing since
                    self._judge(place, due, time, reading)
                place += 1
            if place < DISTANCES.size and time >= due.at:
                kept.append(due._replace(next=place))
        self._due = kept

    def _judge(self, place: int, due: _Due, time: float, reading: np.ndarray) -> None:
        away = time - due.at
        mean = np.array([np.interp(away, due.times, row) for row in due.mean])
        deviation = np.array([np.interp(away, due.times, row) for row in due.deviation])
        off = (reading - mean) / deviation
        known = np.isfinite(off)
        self._squares[place, known] = KEEP * self._squares[place, known] + np.clip(off[known], -MOST, MOST) ** 2
        self._counts[place, known] = KEEP * self._counts[place, known] + 1.0

    def widened(self, times: np.ndarray, deviation: np.ndarray) -> np.ndarray:
        """Return the deviations that a forecast should have, (tags, k), by what became of those before."""
        factor = np.clip(np.sqrt(self._squares / self._counts), LEAST, MOST)
        factor[0] = 1.0
        wider: np.ndarray = deviation * np.array([np.interp(times, DISTANCES, column) for column in factor.T])
        return wider
