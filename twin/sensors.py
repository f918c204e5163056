"""What instruments show of the truth: noise, bias, drift, resolution, delay, gaps and getting stuck."""

from typing import NamedTuple

import numpy as np

from twin.documents import BAD, BAD_WAITING_FOR_INITIAL_DATA, GOOD
from twin.plant import Tag
from twin.streams import normal, uniform


class Carry(NamedTuple):
    """What an instrument remembers between two blocks of samples.

    Attributes
    ----------
    late : numpy.ndarray
        Truths not shown yet, shape (members, up to the delay).
    good : numpy.ndarray
        Last good value, shape (members,); ``initial`` until there is one.
    stuck : numpy.ndarray
        Value at which the instrument stands still, shape (members,).
    """

    late: np.ndarray
    good: np.ndarray
    stuck: np.ndarray

    @classmethod
    def new(cls, members: int, initial: float = 0.0) -> "Carry":
        """Return the memory of an instrument that has seen nothing."""
        return cls(np.empty((members, 0)), np.full(members, initial), np.full(members, initial))


class Readings(NamedTuple):
    """Values (SI) and OPC UA status codes of shape (members, n), and what the next block needs."""

    value: np.ndarray
    quality: np.ndarray
    carry: Carry


def readings(
    tag: Tag, truth: np.ndarray, first: int, seeds: np.ndarray, carry: Carry | None = None, *, zero: float = 0.0
) -> Readings:
    """Return what the instrument `tag` shows of the truth.

    ``value[i] = round(truth[i - delay] + bias + drift * time[i] + noise[i])``, held from `stuck_after` on.
    A stuck instrument says ``Good``: that is what makes it a fault. A missing reading is ``Bad`` and
    repeats the last good value, and so is one that is no finite number; before the first good one the value
    is `zero`, never the truth. The result of
    a long block is that of its parts, bit for bit, where each part gets the `carry` of the one before.

    Parameters
    ----------
    truth : numpy.ndarray
        Sampled quantity, SI, shape (members, n).
    first : int
        Number of the first sample, counted from the start of the run.
    seeds : numpy.ndarray
        One for each member, uint64; see `twin.streams.member_seeds`.
    carry : Carry, optional
        What the call for the samples before returned; omitted for the first samples of a run.
    zero : float
        SI value at which the instrument's scale reads zero: readings are whole multiples of the quantum
        away from it.
    """
    members, count = truth.shape
    carry = carry or Carry.new(members, zero)
    index = np.arange(first, first + count)
    queue = np.concatenate([carry.late, truth], axis=1)
    late = queue[:, max(queue.shape[1] - tag.delay, 0) :]
    absent = min(max(tag.delay - carry.late.shape[1], 0), count)  # nothing has come through the delay yet
    shown = np.concatenate([np.full((members, absent), zero), queue[:, : count - absent]], axis=1)
    value = _measured(tag, shown, index, seeds, zero)
    value, stuck = _held(tag, value, index, carry.stuck)
    quality = np.where(np.isfinite(value), np.uint32(GOOD), np.uint32(BAD))
    quality[:, :absent] = BAD_WAITING_FOR_INITIAL_DATA
    if tag.dropout:
        lost = uniform(seeds, tag.name, "dropout", first, count) < tag.dropout
        quality[lost & (quality == GOOD)] = BAD
    value, good = _filled(value, quality == GOOD, carry.good)
    return Readings(value, quality, Carry(late.copy(), good, stuck))


def _measured(tag: Tag, shown: np.ndarray, index: np.ndarray, seeds: np.ndarray, zero: float) -> np.ndarray:
    """Return `shown` with the instrument's errors; not finite where these overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        value = shown + (tag.bias + tag.drift * (index * tag.every))
        if tag.noise:
            value = value + tag.noise * normal(seeds, tag.name, "noise", int(index[0]) if index.size else 0, index.size)
        if tag.quantum:
            value = zero + np.round((value - zero) / tag.quantum) * tag.quantum
    return np.asarray(value)


def _held(tag: Tag, value: np.ndarray, index: np.ndarray, stuck: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `value` that no longer moves after `stuck_after`, and the value at which it stands."""
    free = int(np.count_nonzero(index * tag.every <= tag.stuck_after))
    if not value.shape[1]:
        return value, stuck
    last = value[:, free - 1].copy() if free else stuck
    return np.concatenate([value[:, :free], np.repeat(last[:, None], index.size - free, axis=1)], axis=1), last


def _filled(value: np.ndarray, good: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return `value` with the last good one in place of what isn't, and the last good one."""
    extended = np.concatenate([before[:, None], value], axis=1)
    last = np.where(good, np.arange(1, value.shape[1] + 1), 0)
    last = np.maximum.accumulate(last, axis=1) if last.shape[1] else last
    filled = np.take_along_axis(extended, last, axis=1)
    return filled, filled[:, -1].copy() if filled.shape[1] else before
