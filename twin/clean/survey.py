"""What a file of readings seems to hold: which columns are times, what the others measure, and how they move."""

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from twin.clean.clock import Clock, joined_cells
from twin.clean.guess import is_time_name, said
from twin.clean.notes import Notes
from twin.clean.numbers import EMPTY, READ, UNREADABLE, numbers
from twin.clean.recording_file import FormatEntry
from twin.clean.table import Cells, Table, open_table
from twin.errors import DataError, TwinError

ROWS = 200_000
"""Rows that are looked at."""
TRIED = 2_000
"""Rows on which formats of time are tried."""
MOST_WORDS = 8
"""Different words up to which a column of text is a mode."""

FORMATS = (
    "iso",
    "%Y-%m-%d %p %I:%M:%S",
    "%Y. %m. %d. %p %I:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y%m%d%H%M%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
)
_COUNTS = {"unix_s": (1e8, 1e10), "unix_ms": (1e11, 1e13), "unix_us": (1e14, 1e16), "unix_ns": (1e17, 1e19)}
_LABELS = ("anomaly", "changepoint", "label", "fault", "class", "이상", "고장", "라벨", "레이블")
_ON = ("true", "on", "run", "running", "yes", "open", "1", "운전", "가동", "켜짐", "열림")


class Timing(NamedTuple):
    """The columns of time and their format; what else reads them; median period [s]; whether times say a zone."""

    columns: tuple[str, ...]
    format: str
    others: tuple[str, ...]
    period: float
    zoned: bool


class Column(NamedTuple):
    """One column: its key in a recording, header, role, guessed kind and unit, words of a mode, and its numbers.

    `absent` are numbers that seem to say that there is no reading; they are not among `values`.
    """

    key: str
    header: str
    role: Literal["number", "mode", "label", "text", "empty"]
    kind: str
    unit: str
    words: tuple[str, ...]
    values: np.ndarray
    absent: tuple[float, ...] = ()


class Survey(NamedTuple):
    """What a file seems to hold, and what was found out about how it is written; lines of odd lengths are `ragged`."""

    path: Path
    timing: Timing
    columns: tuple[Column, ...]
    facts: dict[str, str]
    korean: bool
    ragged: int


FAR, TWICE, BEYOND = 20.0, 3, 1e30
"""Beyond so many quartile distances from the middle, so often the same: no reading. Beyond the last: none ever."""
MOST_ABSENT = 4
"""Such numbers that are named."""


def survey(path: Path, how: FormatEntry | None = None) -> Survey:
    """Return what a file seems to hold, from its first rows; `how` says how it is written, as far as that is known.

    Raises
    ------
    DataError
        If it can't be read, or no column of it can be read as time.
    """
    notes = Notes()
    table = open_table(path, (how or FormatEntry()).model_copy(update={"broken": "skip"}), notes)
    keys = [name if _is_plain(name, table.columns) else f"#{n}" for n, name in enumerate(table.columns, 1)]
    cells = _read(table, keys)
    if not cells or not len(cells[keys[0]]):
        raise DataError(f"{path}: holds no rows below its header; name a file with readings")
    timing = _timing(path, keys, table, cells)
    columns = tuple(
        _column(key, name, table, cells[key])
        for key, name in zip(keys, table.columns, strict=True)
        if key not in timing.columns
    )
    korean = any("\uac00" <= character <= "\ud7a3" for name in table.columns for character in name)
    return Survey(path, timing, columns, notes.facts, korean, notes.times("ragged"))


def _is_plain(name: str, columns: tuple[str, ...]) -> bool:
    """Return whether a column can be called by its name in a recording."""
    known = list(columns).count(name) == 1 and name.strip() and name.isprintable()
    return bool(known) and len(name) <= 100 and not name.startswith("#")


def _read(table: Table, keys: list[str]) -> dict[str, list[str]]:
    """Return the first rows as text, whatever they are; Parquet and HDF5 know columns by name only."""
    found: dict[str, list[str]] = {key: [] for key in keys}
    for piece in table.pieces(keys):
        for key in keys:
            found[key] += _texts(piece.cells[key])
        if len(found[keys[0]]) >= ROWS:
            break
    return found


def _texts(cells: Cells) -> list[str]:
    return [str(cell) for cell in cells.tolist()] if isinstance(cells, np.ndarray) else list(cells)


def _timing(path: Path, keys: list[str], table: Table, cells: dict[str, list[str]]) -> Timing:
    """Return the column that reads as time, one that is called so first."""
    names = dict(zip(keys, table.columns, strict=True))
    order = sorted(keys, key=lambda key: not is_time_name(names[key]))
    for key in order:
        text = [cell.strip() for cell in cells[key][:TRIED]]
        if all(map(_may_be_date, text)):
            clock = next((other for other in keys if other != key and _is_clock(cells[other][:TRIED])), "")
            pair = joined_cells([text, cells[clock][:TRIED]]) if clock and ":" not in text[0] else []
            for columns, tried in (((key,), text), ((key, clock), pair)):
                if tried and (found := _formats(tried)):
                    if columns == (key,) and pair and _period(tried, found[0]) == 0.0:
                        continue  # a date that stands beside its time of day
                    return _timed(columns, found, tried)
    for key in order:
        text = [cell.strip() for cell in cells[key][:TRIED]]
        if counted := _count(text, is_time_name(names[key]), table):
            return _timed((key,), (counted,), text)
    heads = ", ".join(repr(name) for name in table.columns[:8])
    raise DataError(f"{path}: no column reads as time (columns {heads:.200}); give one, such as 2024-05-01 08:00:00")


def _may_be_date(cell: str) -> bool:
    """Return whether a cell may be a date, at a glance."""
    return any(sign in cell[1:] for sign in ":-/.") or (cell.isdecimal() and len(cell) == 14)


def _is_clock(cells: list[str]) -> bool:
    """Return whether cells are times of day without a date."""
    return bool(cells) and all(":" in cell and len(cell.strip()) <= 15 and cell.strip()[:1].isdigit() for cell in cells)


def _formats(text: list[str]) -> tuple[str, ...]:
    """Return the formats that read every cell, those first that never go back."""
    reads = [form for form in FORMATS if not Clock(form, "UTC").read(text).wrong]
    return tuple(sorted(reads, key=lambda form: bool((np.diff(Clock(form, "UTC").read(text).utc) < 0).any())))


def _count(text: list[str], named: bool, table: Table) -> str:
    """Return the format of a column of numbers that count time, or nothing."""
    value, state = numbers(text, table.style)
    if not text or (state != READ).any() or not np.isfinite(value).all() or (np.diff(value) < 0).any():
        return ""
    for form, (low, high) in _COUNTS.items():
        if low <= value[0] and value[-1] < high:
            return form
    return "elapsed_s" if named and value[0] >= 0.0 and value[-1] < 1e8 and value[-1] > value[0] else ""


def _period(text: list[str], form: str) -> float:
    """Return the median step [s], 0 where time stands still more often than not."""
    return _step(Clock(form, "UTC", 0).read(text).utc)


def _step(utc: np.ndarray) -> float:
    return float(np.median(np.abs(np.diff(utc)))) / 1e6 if utc.size > 1 else 0.0


def _timed(columns: tuple[str, ...], forms: tuple[str, ...], text: list[str]) -> Timing:
    zoned = forms[0].startswith("unix")
    if not zoned and not forms[0].startswith("elapsed"):
        try:
            Clock(forms[0]).read(text)
            zoned = True
        except TwinError:
            zoned = False
    return Timing(columns, forms[0], forms[1:], _period(text, forms[0]), zoned)


def _column(key: str, header: str, table: Table, cells: list[str]) -> Column:
    kind, unit = said(header, table.units.get(header, ""))
    value, state = numbers(cells, table.style)
    filled = int((state != EMPTY).sum())
    if not filled:
        return Column(key, header, "empty", kind, unit, (), value)
    if any(word in header.lower() for word in _LABELS):
        return Column(key, header, "label", "", "", (), value[state == READ])
    if 2 * int((state == UNREADABLE).sum()) > filled:
        words = sorted({cell.strip() for cell in cells if cell.strip()})
        modes = tuple(words) if len(words) <= MOST_WORDS and all(len(word) <= 40 for word in words) else ()
        return Column(key, header, "mode" if modes else "text", kind if not modes else "state", "", modes, value[:0])
    values, absent = without_absent(value[np.isfinite(value)])
    return Column(key, header, "number", kind, unit, (), values, absent)


def without_absent(values: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the numbers without those that seem to say that there is none, and which these are.

    Loggers write -9999 or the largest number that they have where they have no value: far beyond all others, and again
    and again the same. Nothing that is measured is beyond 1e30.
    """
    beyond = np.abs(values) >= BEYOND
    absent, values = set(values[beyond].tolist()), values[~beyond]
    while values.size:
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        ends = [end for end in (values.min(), values.max()) if abs(end - middle) > FAR * (high - low) > 0.0]
        odd = [float(end) for end in ends if np.count_nonzero(values == end) >= TWICE]
        if not odd:
            break
        absent.update(odd)
        values = values[~np.isin(values, odd)]
    return values, tuple(sorted(absent)[:MOST_ABSENT])


def mode_numbers(words: tuple[str, ...]) -> dict[str, int]:
    """Return a number for each word of a mode: 1 for what sounds like on, else counted."""
    on = [word for word in words if word.lower() in _ON]
    if len(on) == 1 and len(words) <= 2:
        return {word: int(word in on) for word in words}
    return {word: n for n, word in enumerate(words)}
