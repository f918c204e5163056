"""Readings of one tag on a grid of whole periods: means of the period before, held, or between neighbours."""

from typing import NamedTuple

import numpy as np

from twin.clean.block import BAD, NEVER, UNCERTAIN
from twin.clean.recipe import Align


class Point(NamedTuple):
    """A reading on the grid, and the number of the reading whose arrival settled it."""

    by: int
    time: int
    value: float
    quality: int


class Pending(NamedTuple):
    """Of every tag, shape (tags,): what is known of the grid's next point.

    For means `time` is the period's end, `value` the sum of the usable readings, `usable` how many, `bad` how
    many others, `quality` the worst of the usable, `last_value` and `last_quality` those of the last bad one.
    For the others it is the newest reading, with a `usable` of 1.
    """

    time: np.ndarray
    value: np.ndarray
    quality: np.ndarray
    usable: np.ndarray
    bad: np.ndarray
    last_value: np.ndarray
    last_quality: np.ndarray

    @classmethod
    def new(cls, tags: int) -> "Pending":
        """Return the memory of tags that have said nothing."""
        whole, real, code = (np.zeros(tags, kind) for kind in (np.int64, np.float64, np.uint32))
        return cls(np.full(tags, NEVER), real, code, whole, whole.copy(), real.copy(), code.copy())


class Reading(NamedTuple):
    """One reading and its number in the order of arrival."""

    by: int
    time: int
    value: float
    quality: int


def aligned(align: Align, readings: list[Reading], memory: Pending, tag: int) -> tuple[list[Point], list[Reading]]:
    """Return the points of the grid that are settled now, and readings after silences too long to bridge."""
    if align.by == "mean":
        return _means(align, readings, memory, tag), []
    state: Reading | None = None
    if memory.usable[tag]:
        state = Reading(-1, int(memory.time[tag]), float(memory.value[tag]), int(memory.quality[tag]))
    points: list[Point] = []
    broken: list[Reading] = []
    for reading in readings:
        if state is None:
            if align.by == "linear" and reading.time % align.every == 0:
                points.append(Point(*reading))
        elif reading.time - state.time > align.over:
            broken.append(reading)
            points += _edge(align, state, reading)
        else:
            points += _between(align, state, reading)
        state = reading
    if state is not None:
        _remember(memory, tag, state)
    return points, broken


def _remember(memory: Pending, tag: int, state: Reading) -> None:
    memory.time[tag], memory.value[tag], memory.quality[tag], memory.usable[tag] = (*state[1:], 1)


def _between(align: Align, a: Reading, b: Reading) -> list[Point]:
    """Return the points in ``[a, b)`` for held readings, in ``(a, b]`` for straight lines."""
    if align.by == "last":
        times = range(-(-a.time // align.every) * align.every, b.time, align.every)
        return [Point(b.by, time, a.value, a.quality) for time in times]
    times = range((a.time // align.every + 1) * align.every, b.time + 1, align.every)
    worst = b.quality if b.quality >> 30 > a.quality >> 30 else a.quality
    return [Point(*b) if time == b.time else Point(b.by, time, _line(a, b, time), worst) for time in times]


def _line(a: Reading, b: Reading, time: int) -> float:
    """Return the value between two readings; one that is Bad lends its neighbour's no weight but its status."""
    share = (time - a.time) / (b.time - a.time)
    return a.value + share * (b.value - a.value)


def _edge(align: Align, a: Reading, b: Reading) -> list[Point]:
    """Return the points that a silence leaves: those at which a reading stands by itself."""
    if align.by == "linear":
        return [Point(*b)] if b.time % align.every == 0 else []
    start = -(-a.time // align.every) * align.every
    return [Point(b.by, time, a.value, a.quality) for time in range(start, a.time + align.over + 1, align.every)]


def _means(align: Align, readings: list[Reading], memory: Pending, tag: int) -> list[Point]:
    points: list[Point] = []
    end, total, worst = int(memory.time[tag]), float(memory.value[tag]), int(memory.quality[tag])
    count, bad = int(memory.usable[tag]), int(memory.bad[tag])
    last = float(memory.last_value[tag]), int(memory.last_quality[tag])
    for by, time, value, quality in readings:
        due = (time // align.every + 1) * align.every
        if due != end:
            if count or bad:
                points.append(_mean(by, end, (total, count, worst), bad, last))
            end, total, count, worst, bad = due, 0.0, 0, 0, 0
        if quality >= BAD:
            bad, last = bad + 1, (value, quality)
        else:
            total, count = total + value, count + 1
            worst = quality if quality >> 30 > worst >> 30 else worst
    memory.time[tag], memory.value[tag], memory.quality[tag], memory.usable[tag] = end, total, worst, count
    memory.bad[tag], memory.last_value[tag], memory.last_quality[tag] = bad, *last
    return points


def _mean(by: int, end: int, sums: tuple[float, int, int], bad: int, last: tuple[float, int]) -> Point:
    total, count, worst = sums
    if not count:
        return Point(by, end, *last)
    return Point(by, end, total / count, worst if worst or not bad else UNCERTAIN)


def settled(align: Align, memory: Pending, tag: int, by: int) -> list[Point]:
    """Return what is still to come once nothing more arrives, and forget it."""
    if not memory.usable[tag] and not memory.bad[tag]:
        return []
    end, count = int(memory.time[tag]), int(memory.usable[tag])
    value, quality = float(memory.value[tag]), int(memory.quality[tag])
    bad, last = int(memory.bad[tag]), (float(memory.last_value[tag]), int(memory.last_quality[tag]))
    memory.usable[tag] = memory.bad[tag] = 0
    if align.by == "mean":
        return [_mean(by, end, (value, count, quality), bad, last)]
    if align.by == "last" and end % align.every == 0:
        return [Point(by, end, value, quality)]
    return []
