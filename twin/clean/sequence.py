"""Tests that look back, over the readings of many tags at once: order, standing still, Hampel's window.

Readings come sorted by tag, in order of arrival within each: a *run* is the readings of one tag, and begins
at one of `starts`. What a test remembers of a tag from one block to the next is one row of its memory, so
the result does not depend on where a stream is cut.
"""

from typing import NamedTuple

import numpy as np

from twin.clean.block import NEVER, Block

MAD = 1.4826
"""What makes the median absolute deviation of normal noise its standard deviation."""


class Standing(NamedTuple):
    """How each reading stands to those of its tag before it, shape (n,).

    `fresh` ones are newer than all before; `late` ones are older than one before. Of one instant, the first
    reading is fresh; another is `again` where it says the same, else in `conflict`. `silence` is the time
    since the newest before [us], 0 for the first.
    """

    fresh: np.ndarray
    late: np.ndarray
    again: np.ndarray
    conflict: np.ndarray
    silence: np.ndarray


class Heads(NamedTuple):
    """The newest reading of every tag as it came, shape (tags,)."""

    time: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    @classmethod
    def new(cls, tags: int) -> "Heads":
        """Return the memory of tags that have said nothing."""
        return cls(np.full(tags, NEVER), np.zeros(tags), np.zeros(tags, np.uint32))


def run_starts(tag: np.ndarray) -> np.ndarray:
    """Return where each run of equal tags begins."""
    return np.concatenate([[0], np.flatnonzero(tag[1:] != tag[:-1]) + 1])


def standing(rows: Block, starts: np.ndarray, heads: Heads) -> Standing:
    """Return how each reading stands to those before it; `heads` then tell the newest of all."""
    before = np.empty_like(rows.time)
    before[1:] = rows.time[:-1]
    before[starts] = heads.time[rows.tag[starts]]
    stops = np.append(starts[1:], rows.time.size)
    backwards = rows.time < before
    if backwards.any():
        for run in np.unique(np.searchsorted(starts, np.flatnonzero(backwards), "right") - 1):
            part = slice(starts[run], stops[run])
            known = np.concatenate([before[starts[run], None], rows.time[part]])
            before[part] = np.maximum.accumulate(known)[:-1]
    late, same = rows.time < before, rows.time == before
    fresh = ~(late | same)
    newest = np.maximum.accumulate(np.where(fresh, np.arange(fresh.size), -1))
    again = np.zeros_like(same)
    if same.any():
        inside = newest >= np.repeat(starts, stops - starts)
        value = np.where(inside, rows.value[newest], heads.value[rows.tag])
        quality = np.where(inside, rows.quality[newest], heads.quality[rows.tag])
        equal = (rows.value == value) | (np.isnan(rows.value) & np.isnan(value))
        again = same & equal & (rows.quality == quality)
    silence = np.where(before == NEVER, 0, rows.time - before)
    last = newest[stops - 1]
    moved = last >= starts
    for head, column in zip(heads, rows[1:], strict=True):
        head[rows.tag[starts[moved]]] = column[last[moved]]
    return Standing(fresh, late, again, same & ~again, silence)


class Still(NamedTuple):
    """Of every tag: the value it stands at, since when, and for how many readings; shape (tags,)."""

    value: np.ndarray
    since: np.ndarray
    readings: np.ndarray

    @classmethod
    def new(cls, tags: int) -> "Still":
        """Return the memory of tags that have said nothing."""
        return cls(np.full(tags, np.nan), np.full(tags, NEVER), np.zeros(tags, np.int64))


def still(rows: Block, memory: Still) -> tuple[np.ndarray, np.ndarray]:
    """Return for how many readings, and for how long [us], each tag has stood at its value; `memory` goes on."""
    starts = run_starts(rows.tag)
    first = rows.tag[starts]
    before = np.empty_like(rows.value)
    before[1:] = rows.value[:-1]
    before[starts] = memory.value[first]
    moved = rows.value != before
    begins = moved.copy()
    begins[starts] = True
    index = np.arange(rows.tag.size)
    begin = np.maximum.accumulate(np.where(begins, index, 0))
    carried = ~moved[begin]
    count = index - begin + 1 + np.where(carried, memory.readings[rows.tag], 0)
    since = np.where(carried, memory.since[rows.tag], rows.time[begin])
    ends = np.append(starts[1:], rows.tag.size) - 1
    for kept, column in zip(memory, (rows.value, since, count), strict=True):
        kept[first] = column[ends]
    return count, rows.time - since


class Window(NamedTuple):
    """Of every tag: its last values, shape (tags, longest window - 1), their number, and the time of the last."""

    values: np.ndarray
    filled: np.ndarray
    time: np.ndarray

    @classmethod
    def new(cls, tags: int, longest: int) -> "Window":
        """Return the memory of tags that have said nothing."""
        return cls(np.zeros((tags, max(longest - 1, 0))), np.zeros(tags, np.int64), np.full(tags, NEVER))


def deviation(rows: Block, window: int, gap: np.ndarray, memory: Window) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each reading is from the median of the last `window`, and their scale, both NaN where too few.

    A silence longer than the tag's `gap` [us] empties the window: what was before says nothing of what is now.

    Parameters
    ----------
    rows : Block
        Readings of tags with this window only.
    gap : numpy.ndarray
        By tag, shape (tags,).
    """
    starts = run_starts(rows.tag)
    first = rows.tag[starts]
    count = _since_gap(rows, starts, gap, memory)
    kept, run = window - 1, np.zeros(rows.tag.size, np.intp)
    run[starts[1:]] = 1
    place = np.arange(rows.tag.size) + (np.cumsum(run) + 1) * kept
    line = np.empty(rows.tag.size + starts.size * kept)
    line[place] = rows.value
    line[place[starts][:, None] + np.arange(-kept, 0)] = memory.values[first, memory.values.shape[1] - kept :]
    seen = np.sort(line[(place - kept)[:, None] + np.arange(window)], axis=1)
    median = seen[:, window // 2]
    scale = MAD * np.sort(np.abs(seen - median[:, None]), axis=1)[:, window // 2]
    ends = np.append(starts[1:], rows.tag.size) - 1
    memory.values[first, memory.values.shape[1] - kept :] = line[place[ends][:, None] + np.arange(1 - kept, 1)]
    memory.filled[first], memory.time[first] = count[ends], rows.time[ends]
    few = count < window
    return np.where(few, np.nan, np.abs(rows.value - median)), np.where(few, np.nan, scale)


def _since_gap(rows: Block, starts: np.ndarray, gap: np.ndarray, memory: Window) -> np.ndarray:
    """Return how many readings of its tag, itself among them, there were since the last long silence."""
    before = np.empty_like(rows.time)
    before[1:] = rows.time[:-1]
    before[starts] = memory.time[rows.tag[starts]]
    silent = (before == NEVER) | ((gap[rows.tag] > 0) & (rows.time - before > gap[rows.tag]))
    begins = silent.copy()
    begins[starts] = True
    index = np.arange(rows.tag.size)
    begin = np.maximum.accumulate(np.where(begins, index, 0))
    return np.asarray(index - begin + 1 + np.where(silent[begin], 0, memory.filled[rows.tag]))
