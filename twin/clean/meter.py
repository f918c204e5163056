"""What one tag shows into what it measures: mode numbers, counters, calibrations; a tag at a time, for few have any."""

from typing import NamedTuple

import numpy as np

from twin.clean.recipe import Calibration, Counter


class Count(NamedTuple):
    """Of every tag: the last number a counter showed, what it had counted before its last reset, and its turns."""

    shown: np.ndarray
    base: np.ndarray
    turns: np.ndarray

    @classmethod
    def new(cls, tags: int) -> "Count":
        """Return the memory of counters that have shown nothing."""
        return cls(np.full(tags, np.nan), np.zeros(tags), np.zeros(tags, np.int64))


class Counted(NamedTuple):
    """Totals, and where the counter rolled over, was reset, jumped, or showed what it can't; shape (n,)."""

    total: np.ndarray
    rollover: np.ndarray
    reset: np.ndarray
    jump: np.ndarray
    impossible: np.ndarray


def counted(counter: Counter, shown: np.ndarray, fresh: np.ndarray, memory: Count, tag: int) -> Counted:
    """Return what a counter has counted in all, from the finite numbers it shows; `memory` goes on.

    A smaller number than before is a rollover where the step over the modulus is no larger than
    `counter.largest`, else a reset: the total then goes on from where it was. A reading that is not
    `fresh` is counted back from the newest one.
    """
    impossible = (shown < 0.0) | (shown >= counter.modulus)
    rollover, reset, jump = (np.zeros_like(fresh) for _ in range(3))
    at = np.flatnonzero(fresh & ~impossible)
    before = np.concatenate([memory.shown[tag, None], shown[at]])
    step = np.diff(before)
    base, turns = float(memory.base[tag]), int(memory.turns[tag])
    already = np.full(at.size + 1, _already(base, turns, counter))
    for down in np.flatnonzero(step < 0.0):
        if step[down] + counter.modulus <= counter.largest:
            rollover[at[down]], turns = True, turns + 1
        else:
            reset[at[down]] = True
            base, turns = _already(base, turns, counter) + float(before[down]), 0
        already[down + 1 :] = _already(base, turns, counter)
    if counter.jumps:
        jump[at] = step > counter.largest
    total = shown.copy()
    total[at] = already[1:] + shown[at]
    aside = np.flatnonzero(~fresh & ~impossible)
    newest = np.searchsorted(at, aside)  # how many of those that follow came before
    back = (
        np.mod(before[newest] - shown[aside], counter.modulus)
        if counter.modulus < np.inf
        else before[newest] - shown[aside]
    )
    total[aside] = np.where(np.isnan(before[newest]), shown[aside], already[newest] + before[newest] - back)
    memory.shown[tag], memory.base[tag], memory.turns[tag] = before[-1], base, turns
    return Counted(total, rollover, reset, jump, impossible)


def _already(base: float, turns: int, counter: Counter) -> float:
    """Return what had been counted when the counter last showed zero."""
    return base + (turns * counter.modulus if turns else 0.0)


def calibrated(calibrations: tuple[Calibration, ...], shown: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return what should be shown, which calibration held at each time, and where it was beyond its points."""
    since = np.array([calibration.since for calibration in calibrations], np.int64)
    piece = np.searchsorted(since, time, "right") - 1
    true, beyond = shown.copy(), np.zeros(shown.size, np.bool_)
    for number in np.unique(piece):
        calibration, here = calibrations[number], piece == number
        if calibration.shown:
            true[here], beyond[here] = _between(calibration, shown[here])
        else:
            true[here] = shown[here] * calibration.gain + calibration.offset
    return true, piece, beyond


def _between(calibration: Calibration, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return values on the straight lines between points, the outer ones prolonged, and where they are."""
    x, y = np.array(calibration.shown), np.array(calibration.true)
    left = np.clip(np.searchsorted(x, shown, "right") - 1, 0, x.size - 2)
    slope = (y[left + 1] - y[left]) / (x[left + 1] - x[left])
    return y[left] + slope * (shown - x[left]), (shown < x[0]) | (shown > x[-1])


def decoded(codes: tuple[tuple[float, float], ...], shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values that mode numbers stand for, and where there is no such mode; the number stays there."""
    known, value = np.array(codes).T
    place = np.clip(np.searchsorted(known, shown), 0, known.size - 1)
    unknown = known[place] != shown
    return np.where(unknown, shown, value[place]), unknown


def mapped(quality: tuple[tuple[int, int], ...], said: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the statuses that a source's own numbers stand for, and where it said one that isn't explained.

    Below 65536 there is no OPC UA status but Good: such a number is the source's own.
    """
    known, meant = np.array(sorted(quality), np.uint32).T
    place = np.clip(np.searchsorted(known, said), 0, known.size - 1)
    found = known[place] == said
    foreign = ~found & (said != 0) & (said < 1 << 16)
    return np.where(found, meant[place], said), foreign
