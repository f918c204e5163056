"""Local times into UTC: offsets of a zone, the hour that comes twice in autumn and the one that never comes."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from twin.errors import PlantError

HOUR = 3_600_000_000
DAY = 24 * HOUR
DISORDER = 60_000_000
"""A step back in local time by more than this, within the hour that comes twice, begins its second pass [us]."""
EARLIEST, LATEST = 0, 7_258_118_400_000_000
"""1970 to 2200 [us]: a time outside is a mistake."""

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Shifts(NamedTuple):
    """When a zone's offset changed [us UTC], and the offsets [us], one more, in order of time."""

    at: np.ndarray
    offset: np.ndarray


class Resolved(NamedTuple):
    """Instants [us UTC], and which local times came twice or never; shape (n,)."""

    utc: np.ndarray
    twice: np.ndarray
    never: np.ndarray


def zone_of(name: str) -> tzinfo:
    """Return the zone called `name`: UTC, an offset as +09:00, or a name as Asia/Seoul.

    Raises
    ------
    PlantError
        If there is no such zone on this machine.
    """
    if name.upper() in ("UTC", "Z"):
        return UTC
    if found := _OFFSET.fullmatch(name):
        shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
        if shift < timedelta(hours=24):
            return timezone(shift if found[1] == "+" else -shift)
    try:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", name):
            raise ValueError(name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PlantError(
            f"no time zone {name!r:.60}; write UTC, an offset like +09:00 or a name like Asia/Seoul "
            "(names need the system's time zone data, or the package tzdata)"
        ) from None


class LocalTime:
    """Turns local times of one zone into UTC, row after row.

    An hour that comes twice is told apart by the order of rows: its second pass begins where local time steps
    back by over a minute, or stands still between rows that were half an hour or more apart.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._before: int | None = None
        self._step = 0
        self._second = False

    def utc(self, local: np.ndarray) -> Resolved:
        """Return instants for local times [us since 1970 on the local clock], shape (n,), in order of rows."""
        if not local.size:
            return Resolved(local, np.zeros(0, np.bool_), np.zeros(0, np.bool_))
        shifts = _shifts(self._zone, int(local.min()) // DAY - 2, int(local.max()) // DAY + 3)
        old, new = shifts.offset[:-1], shifts.offset[1:]
        piece = np.searchsorted(shifts.at + np.maximum(old, new), local, "right")
        utc = local - shifts.offset[piece]
        twice, never = (np.zeros(local.size, np.bool_) for _ in range(2))
        near = np.flatnonzero(piece < shifts.at.size)
        next_ = piece[near]
        odd = local[near] >= (shifts.at + np.minimum(old, new))[next_]
        twice[near], never[near] = odd & (new < old)[next_], odd & (new > old)[next_]
        second = self._second_pass(local, twice)
        utc[second] = local[second] - shifts.offset[piece[second] + 1]
        return Resolved(utc, twice, never)

    def _second_pass(self, local: np.ndarray, twice: np.ndarray) -> np.ndarray:
        """Return which rows are in the second pass of an hour that comes twice."""
        step = np.diff(local, prepend=local[0] if self._before is None else self._before)
        index = np.arange(local.size)
        rise = np.maximum.accumulate(np.where(step > 0, index, -1))
        usual = np.concatenate([[self._step], np.where(rise >= 0, step[rise], self._step)])
        begins = twice & ((step < -DISORDER) | ((step == 0) & (usual[:-1] >= HOUR // 2) & (index > 0)))
        if self._before is not None:
            begins[0] |= bool(twice[0]) and step[0] == 0 and self._step >= HOUR // 2
        begun = np.maximum.accumulate(np.where(begins, index, -1))
        ended = np.maximum.accumulate(np.where(twice, -1, index))
        second = twice & ((begun > ended) | ((begun == ended) & self._second))
        self._before, self._step, self._second = int(local[-1]), int(usual[-1]), bool(second[-1])
        return np.asarray(second)


@cache
def _shifts(zone: tzinfo, first: int, last: int) -> Shifts:
    """Return when the zone's offset changes between two days since 1970."""
    offset = [_offset(zone, first * DAY)]
    at: list[int] = []
    if zone is UTC or isinstance(zone, timezone):
        last = first
    for day in range(first, last):
        low, high = day * DAY, (day + 1) * DAY
        if (other := _offset(zone, high)) == offset[-1]:
            continue
        while high - low > 1_000_000:
            middle = (low + high) // 2 // 1_000_000 * 1_000_000
            low, high = (low, middle) if _offset(zone, middle) == other else (middle, high)
        at.append(high)
        offset.append(other)
    return Shifts(np.array(at, np.int64), np.array(offset, np.int64))


def _offset(zone: tzinfo, utc: int) -> int:
    shift = (_EPOCH + timedelta(microseconds=utc)).astimezone(zone).utcoffset()
    return 0 if shift is None else shift // timedelta(microseconds=1)
