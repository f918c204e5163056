"""A run's signals and labels over time, as many points as a screen shows: the least and the most of each interval."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from viz.payload import told

MOST_POINTS = 2000
AS_THEY_ARE = 2
"""Up to so many rows for each point are shown as they are."""


class Series(NamedTuple):
    """What a run has in every row.

    Attributes
    ----------
    every : float
        Between rows [s].
    signals : numpy.ndarray
        Measured values, shape (rows, channels); NaN where there is none.
    clean : numpy.ndarray or None
        What the instruments measure, of the same shape.
    sensor : numpy.ndarray or None
        What is wrong with each instrument, of the same shape; 0 nothing.
    severity, rul, mode, anomaly : numpy.ndarray or None
        Shape (rows,); remaining useful life in s, NaN where it isn't known.
    """

    every: float
    signals: np.ndarray
    clean: np.ndarray | None = None
    sensor: np.ndarray | None = None
    severity: np.ndarray | None = None
    rul: np.ndarray | None = None
    mode: np.ndarray | None = None
    anomaly: np.ndarray | None = None

    def remaining(self) -> tuple[float, float] | None:
        """Return the remaining useful life in the first and the last row that it is known in [s]."""
        known = self.rul[np.isfinite(self.rul)] if self.rul is not None else np.empty(0)
        return (float(known[0]), float(known[-1])) if known.size else None

    def worst(self) -> float | None:
        """Return the greatest severity."""
        known = self.severity[np.isfinite(self.severity)] if self.severity is not None else np.empty(0)
        return float(known.max()) if known.size else None


def segments(codes: np.ndarray, every: float) -> list[tuple[float, float, int]]:
    """Return from when until when a code stands [s], and the code, in the order of time; a row lasts until the next."""
    if not codes.size:
        return []
    edges = [0, *(np.flatnonzero(np.diff(codes.astype(np.int64))) + 1).tolist(), codes.size]
    return [(a * every, b * every, int(codes[a])) for a, b in pairwise(edges)]


def trend(series: Series, channels: list[int], begin: float, end: float, points: int) -> dict[str, Any]:
    """Return a span of a run for the charts.

    Parameters
    ----------
    channels : list of int
        Which channels.
    begin, end : float
        The span [s]; a row beyond either end is with it, so that lines run to the edge.
    points : int
        How many intervals there are at most; of so few rows each is shown.

    Returns
    -------
    dict
        Times [s]; of each interval the least and the most that was measured and that was true, the share of missing
        values, the code of an instrument's fault; severity and remaining useful life; the rows of an interval.
    """
    rows = series.signals.shape[0]
    first = int(np.clip(np.floor(begin / series.every), 0, rows - 1))
    last = int(np.clip(np.ceil(end / series.every) + 1, first + 1, rows))
    count = last - first
    single = count <= AS_THEY_ARE * points
    starts = np.arange(count) if single else np.unique(np.linspace(0, count, points, endpoint=False).astype(int))
    sizes = np.diff(np.append(starts, count))
    part = slice(first, last)
    middle = (first + starts + 0.5 * (sizes - 1)) * series.every
    return {
        "t": np.round(middle, 6).tolist(), "rows": count, "each": int(sizes.max()), "every": series.every,
        "severity": _ends(series.severity, part, starts)[1], "rul": _ends(series.rul, part, starts)[0],
        "charts": [_chart(series, channel, part, starts, sizes) for channel in channels],
    }  # fmt: skip


def _chart(series: Series, channel: int, part: slice, starts: np.ndarray, sizes: np.ndarray) -> dict[str, Any]:
    values = series.signals[part, channel]
    low, high = _ends(series.signals[:, channel], part, starts)
    clean = None if series.clean is None else series.clean[:, channel]
    true_low, true_high = _ends(clean, part, starts)
    missing = np.add.reduceat(np.isnan(values).astype(np.int64), starts)
    faulty = None if series.sensor is None else np.maximum.reduceat(series.sensor[part, channel], starts).tolist()
    return {
        "channel": channel, "low": low, "high": high, "true_low": true_low, "true_high": true_high,
        "missing": (missing / sizes).round(4).tolist(), "faulty": faulty,
    }  # fmt: skip


def _ends(values: np.ndarray | None, part: slice, starts: np.ndarray) -> tuple[Any, Any]:
    """Return the least and the most of each interval, None where there is no number; None where there is no series."""
    if values is None:
        return None, None
    shown = values[part].astype(float)
    return told(np.fmin.reduceat(shown, starts)), told(np.fmax.reduceat(shown, starts))
