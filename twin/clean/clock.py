"""Times as files write them, into microseconds UTC: formats, counts since 1970, elapsed time, joined columns."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import NamedTuple

import numpy as np

from twin.clean.zone import EARLIEST, LATEST, LocalTime, zone_of
from twin.errors import PlantError, unknown

COUNTS = {"unix_s": 10**6, "unix_ms": 10**3, "unix_us": 1, "elapsed_s": 10**6, "elapsed_ms": 10**3}
"""Formats that count from 1970 or from the recording's start, and microseconds in one of each."""
FORMATS = ("iso", "unix", "unix_ns", *COUNTS)

_MAGNITUDES = tuple(Decimal(unit) for unit in ("1000000", "1000", "1", "0.001"))
"""Microseconds in the units that `unix` tells apart: a second, ms, us and ns."""
_SINCE, _UNTIL = 978_307_200 * 10**6, 4_102_444_800 * 10**6  # 2001 and 2100: in these years no two units agree

_ISO = re.compile(
    r"(?P<Y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"
    r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?\s*(?P<z>Z|[+-]\d{2}:?\d{2})?"
)
_DIRECTIVES = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "p": r"(?P<p>AM|PM|am|pm|오전|오후)",
    "M": r"(?P<M>\d{1,2})",
    "S": r"(?P<S>\d{1,2})",
    "f": r"(?P<f>\d{1,9})",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_AFTERNOON = ("PM", "pm", "오후")


class Times(NamedTuple):
    """Instants [us UTC] of rows, what is wrong with some of them, and how many stood in an hour that came twice."""

    utc: np.ndarray
    wrong: dict[int, str]
    twice: int


class Clock:
    """Reads the time column of one recording, row after row.

    Parameters
    ----------
    form : str
        ``iso``, one of `COUNTS`, ``unix_ns``, ``unix`` (each count's size says whether it is of s, ms, us or ns, for
        the years 2001 to 2099), or directives as in ``%d.%m.%Y %H:%M:%S``.
    zone : str
        Of local times; empty where the format counts, or every time says its own.
    start : int
        Instant that elapsed times count from [us UTC].

    Raises
    ------
    PlantError
        If there is no such format or zone, or one is missing: that of the zone when the first time is read.
    """

    def __init__(self, form: str, zone: str = "", start: int | None = None) -> None:
        counts = form in COUNTS or form in ("unix", "unix_ns")
        self._pattern = None if counts else _ISO if form == "iso" else _compiled(form)
        self._form, self._zone_name = form, zone
        if form.startswith("elapsed") and start is None:
            raise PlantError(f"{form} counts from the start of the recording; say when: start: 2024-05-01T08:00:00Z")
        self._start = start or 0
        self._zone = LocalTime(zone_of(zone)) if zone else None

    def read(self, cells: Sequence[str] | np.ndarray) -> Times:
        """Return instants of the next rows, from text, numbers or NumPy's times."""
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
            return self._from_local(cells.astype("datetime64[us]").astype(np.int64), {}, np.ones(cells.size, np.bool_))
        texts = cells if not isinstance(cells, np.ndarray) else [_plain(cell) for cell in cells.tolist()]
        if self._pattern is None:
            return self._from_counts(texts)
        quick = _quick(texts) if self._form == "iso" else None
        if quick is not None:
            return self._from_local(quick, {}, np.ones(len(texts), np.bool_), texts)
        return self._from_text(texts, self._pattern)

    def _from_counts(self, texts: Sequence[str]) -> Times:
        wrong: dict[int, str] = {}
        utc = np.zeros(len(texts), np.int64)
        unit = Decimal(COUNTS.get(self._form, 1)) if self._form != "unix_ns" else Decimal("0.001")
        for row, text in enumerate(texts):
            if not _NUMBER.fullmatch(text.strip()):
                wrong[row] = f"{text!r:.60} is no number ({self._form})"
                continue
            number = Decimal(text.strip())
            told = _unit_told(number) if self._form == "unix" else unit
            if told is None:
                wrong[row] = f"{text!r:.60} is in no unit from s to ns a time between 2001 and 2100"
                continue
            utc[row] = min(max(int((number * told).to_integral_value()) + self._start, -1), LATEST)
        outside = np.flatnonzero((utc < EARLIEST) | (utc >= LATEST)).tolist()
        return Times(utc, {**{row: self._beyond(texts[row]) for row in outside}, **wrong}, 0)

    def _beyond(self, said: object) -> str:
        return f"{said!s:.60} is not between 1970 and 2200; is the format {self._form!r} right?"

    def _from_text(self, texts: Sequence[str], pattern: re.Pattern[str]) -> Times:
        local, wrong = np.zeros(len(texts), np.int64), {}
        zoned = np.zeros(len(texts), np.bool_)
        for row, text in enumerate(texts):
            found = pattern.fullmatch(text.strip())
            if found is None:
                wrong[row] = f"time {text!r:.60} does not read as {self._form}"
                continue
            try:
                local[row], zoned[row] = _moment(found.groupdict())
            except ValueError as err:
                wrong[row] = f"time {text!r:.60}: {err}"
        return self._from_local(local, wrong, ~zoned, texts)

    def _from_local(
        self, local: np.ndarray, wrong: dict[int, str], bare: np.ndarray, texts: Sequence[str] | None = None
    ) -> Times:
        """Return instants, those of `bare` times by the zone."""

        def said(row: int) -> str:
            return texts[row] if texts is not None else str(local[row].astype("datetime64[us]"))

        utc, twice = local.copy(), 0
        good = np.ones(local.size, np.bool_)
        good[list(wrong)] = False
        inside = np.flatnonzero(bare & good & (local >= EARLIEST) & (local < LATEST))
        if inside.size and self._zone is None:
            raise PlantError(f"time {said(int(inside[0])):.60} says no zone; give one, as Asia/Seoul or UTC")
        if inside.size and self._zone is not None:
            resolved = self._zone.utc(local[inside])
            utc[inside], twice = resolved.utc, int(resolved.twice.sum())
            for row in inside[resolved.never].tolist():
                wrong[row] = f"local time {said(row):.60} never was in {self._zone_name}: clocks went forward over it"
        for row in np.flatnonzero(good & ((utc < EARLIEST) | (utc >= LATEST))).tolist():
            wrong.setdefault(row, self._beyond(said(row)))
        return Times(utc, wrong, twice)


def _unit_told(number: Decimal) -> Decimal | None:
    """Return the unit [us] in which a count since 1970 is a likely time, or None."""
    return next((unit for unit in _MAGNITUDES if _SINCE <= number * unit < _UNTIL), None)


def _plain(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)


def _quick(texts: Sequence[str]) -> np.ndarray | None:
    """Return ISO times without zones that are all of one length by NumPy's own reader, or None."""
    length = len(texts[0]) if texts else 0
    if length not in (19, 23, 26) or any(len(text) != length for text in texts):
        return None
    if not set("".join(texts)) <= set("0123456789-:T ."):
        return None
    try:
        return np.array(texts, "datetime64[us]").astype(np.int64)
    except ValueError:
        return None


def _compiled(form: str) -> re.Pattern[str]:
    pieces = re.split(r"%(.)", form)
    for letter in pieces[1::2]:
        if letter not in _DIRECTIVES:
            raise PlantError(f"{form!r:.60}: {unknown('directive', '%' + letter, ['%' + d for d in _DIRECTIVES])}")
    letters = [letter for letter in pieces[1::2] if letter != "%"]
    if not letters:
        raise PlantError(f"{unknown('time format', form, FORMATS)}, or write one like %d.%m.%Y %H:%M:%S")
    day = {"Y", "y"} & set(letters) and {"m", "b"} & set(letters) and "d" in letters
    if len(letters) != len(set(letters)) or not day or ("I" in letters) != ("p" in letters):
        raise PlantError(f"{form!r:.60} needs year, month and day, each once, and %I and %p only together; mend it")
    plain = [r"\s+".join(map(re.escape, re.split(r"\s+", piece))) for piece in pieces[::2]]
    known = [_DIRECTIVES[letter] for letter in pieces[1::2]]
    return re.compile("".join(a + b for a, b in zip(plain, [*known, ""], strict=True)))


def _moment(parts: dict[str, str | None]) -> tuple[int, bool]:
    """Return microseconds since 1970 on the clock that was read, or in UTC where it says its zone, and which."""
    year = int(parts.get("Y") or 0) or 2000 + int(parts.get("y") or 0)
    name = (parts.get("b") or "").lower()
    month = _MONTHS.index(name) + 1 if name in _MONTHS else int(parts.get("m") or 0)
    days = _days(year, month, int(parts.get("d") or 0))
    hour = int(parts.get("H") or 0)
    if parts.get("p"):
        hour = int(parts.get("I") or 0)
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no hour {hour} on a clock of 12")
        hour = hour % 12 + (12 if parts["p"] in _AFTERNOON else 0)
    minute, second = int(parts.get("M") or 0), int(parts.get("S") or 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("the clock ends at 23:59:59")
    fraction = int((parts.get("f") or "0").ljust(6, "0")[:6])
    local = (((days * 24 + hour) * 60 + minute) * 60 + second) * 10**6 + fraction
    zone = parts.get("z")
    if not zone:
        return local, False
    if zone == "Z":
        return local, True
    shift = int(zone[1:3]) * 60 + int(zone[-2:])
    if shift >= 24 * 60 or int(zone[-2:]) > 59:
        raise ValueError(f"there is no zone {zone}")
    return local - (1 if zone[0] == "+" else -1) * shift * 60 * 10**6, True


@cache
def _days(year: int, month: int, day: int) -> int:
    try:
        return date(year, month, day).toordinal() - 719_163
    except ValueError:
        raise ValueError(f"there is no day {year:04d}-{month:02d}-{day:02d}") from None


def joined_cells(columns: Iterable[Sequence[str]], *, by: str = " ") -> list[str]:
    """Return the cells of several columns, row by row, as one text each."""
    return [by.join(cell.strip() for cell in row) for row in zip(*columns, strict=True)]
