"""What is kept of one instant, and of the instants of an interval together."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twin.pack import pack, unpack
from twin.quality import BAD, UNCERTAIN

NOTHING = 3
"""Quality of a tag that has read nothing, beside 0 good, 1 uncertain and 2 bad."""


class Row(NamedTuple):
    """An instant.

    Attributes
    ----------
    time : float
        Source time [s since 1970, UTC].
    reading : (m,)
        What each tag read, SI; NaN where nothing that counts.
    quality : uint32, (m,)
        OPC UA status codes.
    expected, deviation : (outputs,)
        What the twin expected of tags and watched quantities before it saw them, and the standard deviation of a
        reading about it, SI.
    fit : float
        Normalised innovation squared over its degrees of freedom.
    suspicious : bool
    candidates : list
        Faults and tags that may explain what is off, each with its probability.
    believed : (2, unknowns)
        Value of each unknown and its standard deviation after the readings were seen, SI.
    """

    time: float
    reading: np.ndarray
    quality: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    fit: float
    suspicious: bool
    candidates: list[list[Any]]
    believed: np.ndarray = np.zeros((2, 0))

    def packed(self) -> bytes:
        """Return the row as bytes."""
        return pack(list(self))

    @classmethod
    def unpacked(cls, body: bytes) -> "Row":
        """Return the row that `packed` made."""
        return cls(*unpack(body))


class Columns(NamedTuple):
    """Rows or intervals side by side, in order of time.

    Attributes
    ----------
    times : (k,)
        Of instants; of intervals their middle [s].
    low, high, mean : (m, k)
        Least, most and mean of what each tag read, SI; NaN where nothing that counts.
    read : uint32, (m, k)
        How many readings that is.
    expected, deviation : (outputs, k)
    quality : uint8, (m, k)
        0 good, 1 uncertain, 2 bad, 3 nothing; of an interval the worst.
    believed : (2, unknowns, k)
    fit : (k,)
    """

    times: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    read: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    quality: np.ndarray
    believed: np.ndarray
    fit: np.ndarray


class Bucket(NamedTuple):
    """An interval: how many `instants` it has, and the fields of `Columns` for it."""

    time: float
    instants: int
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    read: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    quality: np.ndarray
    believed: np.ndarray
    fit: float

    def packed(self) -> bytes:
        """Return the interval as bytes."""
        return pack(list(self))

    @classmethod
    def unpacked(cls, body: bytes) -> "Bucket":
        """Return the interval that `packed` made."""
        return cls(*unpack(body))


def shown_quality(status: np.ndarray, reading: np.ndarray) -> np.ndarray:
    """Return 0 good, 1 uncertain, 2 bad or 3 nothing for OPC UA status codes of readings; uint8, same shape."""
    severity = np.where(status & BAD, 2, np.where(status & UNCERTAIN, 1, 0))
    return np.where(np.isnan(reading) & (severity < 2), NOTHING, severity).astype(np.uint8)


def of_row(row: Row) -> Bucket:
    """Return an instant as an interval of its own."""
    quality = shown_quality(row.quality, row.reading)
    read = np.isfinite(row.reading).astype(np.uint32)
    return Bucket(
        row.time, 1, row.reading, row.reading, row.reading, read, row.expected, row.deviation, quality, row.believed,
        row.fit,
    )  # fmt: skip


def merged(parts: Sequence[Bucket], middle: float) -> Bucket:
    """Return intervals as one: extremes and means of readings, means of what was expected, the worst quality."""
    weights, read = np.array([part.instants for part in parts], float), np.array([part.read for part in parts])
    return Bucket(
        middle,
        int(weights.sum()),
        _least([part.low for part in parts]),
        -_least([-part.high for part in parts]),
        mean([part.mean for part in parts], read),
        read.sum(axis=0, dtype=np.uint32),
        mean([part.expected for part in parts], weights),
        mean([part.deviation for part in parts], weights),
        _worst([part.quality for part in parts]),
        mean([part.believed for part in parts], weights),
        float(np.array([part.fit for part in parts]) @ weights / weights.sum()),
    )


def side_by_side(parts: Sequence[Bucket]) -> Columns:
    """Return intervals side by side; of those whose shape is another's than the last one's, the last ones alone."""
    shapes = [(part.low.shape, part.expected.shape, part.believed.shape) for part in parts]
    kept = [part for part, shape in zip(parts, shapes, strict=True) if shape == shapes[-1]]
    if not kept:
        none = np.zeros((0, 0))
        return Columns(
            np.zeros(0), none, none, none, none.astype(np.uint32), none, none, none.astype(np.uint8),
            np.zeros((2, 0, 0)), np.zeros(0),
        )  # fmt: skip
    low, high, means, read, expected, deviation, quality, believed = (
        np.stack([getattr(part, name) for part in kept], axis=-1) for name in Columns._fields[1:-1]
    )
    times, fit = np.array([part.time for part in kept]), np.array([part.fit for part in kept])
    return Columns(times, low, high, means, read, expected, deviation, quality, believed, fit)


def _least(values: list[np.ndarray]) -> np.ndarray:
    """Return the least of each, without NaN unless there is nothing else."""
    least = np.fmin.reduce(values)
    return np.asarray(least)


def mean(values: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return means weighted along the first axis, without NaN unless there is nothing else."""
    stacked = np.array(values)
    heavy = weights.reshape(*weights.shape, *(1,) * (stacked.ndim - weights.ndim)) * np.isfinite(stacked)
    total = heavy.sum(axis=0)
    summed = (np.where(np.isfinite(stacked), stacked, 0.0) * heavy).sum(axis=0)
    return np.where(total > 0.0, summed / np.where(total > 0.0, total, 1.0), np.nan)


def _worst(values: list[np.ndarray]) -> np.ndarray:
    """Return the worst quality; nothing counts only where there was nothing else."""
    stacked = np.array(values)
    nothing = (stacked == NOTHING).all(axis=0)
    return np.where(nothing, NOTHING, np.where(stacked == NOTHING, 0, stacked).max(axis=0)).astype(np.uint8)
