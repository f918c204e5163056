"""How a detector does on labelled rows, point by point, beside two detectors that look at no reading."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np

HABIT = (573, 973)
"""Rows that a detector alarms which has learnt when files of the SKAB bench are labelled, and nothing of the bench."""


class Points(NamedTuple):
    """Rows by what was said and what is right: right alarms, false ones, rightly silent rows, missed ones."""

    tp: int
    fp: int
    tn: int
    fn: int

    @classmethod
    def of(cls, advised: np.ndarray, anomaly: np.ndarray) -> Self:
        """Return the counts of rows, bool, (n,), each."""
        a, b = advised, anomaly
        return cls(*(int(np.sum(which)) for which in (a & b, a & ~b, ~a & ~b, ~a & b)))

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing is labelled."""
        return 2.0 * self.tp / (2.0 * self.tp + self.fp + self.fn) if self.tp + self.fn else None

    @property
    def far(self) -> float | None:
        """Share of the healthy rows that are alarmed; None where there are none."""
        return self.fp / (self.fp + self.tn) if self.fp + self.tn else None

    @property
    def mar(self) -> float | None:
        """Share of the labelled rows that aren't alarmed; None where there are none."""
        return self.fn / (self.tp + self.fn) if self.tp + self.fn else None

    def as_dict(self) -> dict[str, Any]:
        """Return scores and counts by name."""
        return {"f1": self.f1, "far": self.far, "mar": self.mar, **self._asdict()}


def _always(rows: np.ndarray) -> np.ndarray:
    return np.ones(rows.size, bool)


def _habit(rows: np.ndarray) -> np.ndarray:
    return np.asarray((rows >= HABIT[0]) & (rows <= HABIT[1]))


BASELINES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"always": _always, "rows_573_973": _habit}
)
"""Detectors that look at no reading: they turn the numbers of rows in their file, from 0, into alarms."""


def delay(time: np.ndarray, advised: np.ndarray, anomaly: np.ndarray) -> float | None:
    """Return how long after the first label's begin an advisory stood [s]; None where none did, or nothing is labelled.

    Parameters
    ----------
    time : int64, (n,)
        [us].
    advised, anomaly : bool, (n,)
    """
    if not anomaly.any():
        return None
    begin = int(np.argmax(anomaly))
    after = np.flatnonzero(advised[begin:])
    return float(time[begin + after[0]] - time[begin]) / 1e6 if after.size else None
