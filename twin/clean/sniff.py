"""How a table of text is laid out, guessed from its first lines: separator, header, units, how numbers are written."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from twin.clean.numbers import MISSING_WORDS
from twin.errors import DataError, PlantError

SEPARATORS = (";", "\t", "|", ",")
"""In order of preference: a comma is the decimal sign of half the world."""

SAMPLE_LINES = 300
"""What a layout is guessed from; a header stands among them."""

NAMES = {";": "semicolon", "\t": "tab", "|": "bar", ",": "comma", " ": "space"}

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,' \u00a0\u202f\u2019]\d+)*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_TIMELIKE = re.compile(r"\d{1,4}[-/.:]\d{1,2}([-/.:].*)?|\d{4}년.*")
_GROUPS = re.compile(
    r"[+-]?[1-9]\d{0,2}(?P<sign>[.,' \u00a0\u202f\u2019])\d{3}(?:(?P=sign)\d{3})*(?P<rest>[.,]\d*)?", re.ASCII
)
_DECIMAL = re.compile(r"[+-]?\d*(?P<sign>[.,])\d*(?:[eE][+-]?\d+)?", re.ASCII)


class Row(NamedTuple):
    """A line of the sample: its number and its cells."""

    line: int
    cells: list[str]


class Layout(NamedTuple):
    """Number of the header's line, 0 if there is none, and of the units' line, 0 if there is none; columns; units."""

    header: int
    units_line: int
    columns: tuple[str, ...]
    units: tuple[str, ...]


def split(lines: Sequence[str], separator: str) -> list[Row]:
    """Return the rows of a sample; a row is named by its last line."""
    reader = csv.reader(lines, delimiter=separator, strict=False)
    found = []
    try:
        for cells in reader:
            found.append(Row(reader.line_num, cells))
    except csv.Error:
        return found
    return found


def find_separator(lines: Sequence[str], name: str) -> str:
    """Return the separator with which most lines have the same number of cells, more than one.

    Raises
    ------
    DataError
        If there is none: a table has at least a time and a value.
    """
    best, best_share = "", 0.0
    for separator in SEPARATORS:
        counts = Counter(len(row.cells) for row in split(lines, separator) if any(map(str.strip, row.cells)))
        if not counts:
            continue
        width, times = counts.most_common(1)[0]
        share = times / sum(counts.values())
        if width > 1 and share > best_share:
            best, best_share = separator, share
    if not best:
        raise DataError(f"{name}: no separator gives a table; say which: format: {{separator: ';'}}, or tab, or space")
    return best


def width_of(rows: Sequence[Row]) -> int:
    """Return how many cells most rows have."""
    counts = Counter(len(row.cells) for row in rows if any(map(str.strip, row.cells)))
    return counts.most_common(1)[0][0] if counts else 0


def find_layout(rows: Sequence[Row], header: int | None, units: bool | None) -> Layout:
    """Return where header and units stand; `header` is its line if known, 0 for none, `units` whether there are any."""
    width = width_of(rows)
    full = [row for row in rows if len(row.cells) == width and any(map(str.strip, row.cells))]
    if header is None:
        first = full[0].cells if full else []
        header = 0 if not full or any(is_number(cell) or is_time(cell) for cell in first) else full[0].line
    if header == 0:
        return Layout(0, 0, tuple(f"#{n}" for n in range(1, width + 1)), ("",) * width)
    head = next((row for row in rows if row.line == header), Row(header, []))
    columns = tuple(cell.strip() for cell in head.cells)
    rest = [row.cells for row in rows if row.line > header and len(row.cells) == len(columns)]
    line = next((row.line for row in rows if row.line > header and any(map(str.strip, row.cells))), 0)
    below = next((row.cells for row in rows if row.line == line), [])
    if units is None:
        units = len(below) == len(columns) and _are_units(below, [cells for cells in rest if cells is not below])
    said = tuple(cell.strip() for cell in below) if units else ("",) * len(columns)
    return Layout(header, line if units else 0, columns, said)


def _are_units(cells: Sequence[str], after: Sequence[Sequence[str]]) -> bool:
    """Return whether a row holds units: text, above columns of numbers."""
    if not after or any(is_number(cell) or is_time(cell) for cell in cells):
        return False
    numeric = [n for n, cell in enumerate(after[0]) if is_number(cell)]
    said = [cells[n].strip() for n in numeric]
    return any(said) and not any(text.lower() in MISSING_WORDS and text not in ("-", "--") for text in said)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, however it is written."""
    return _NUMBER.fullmatch(cell.strip()) is not None


def is_time(cell: str) -> bool:
    """Return whether a cell looks like a date or a time of day."""
    return _TIMELIKE.fullmatch(cell.strip()) is not None and not is_number(cell)


def find_style(rows: Sequence[Row], name: str) -> tuple[str, str]:
    """Return decimal sign and thousands separator, empty if there is none.

    Raises
    ------
    DataError
        If numbers can be read two ways.
    """
    decimals: dict[str, int] = {}
    thousands: dict[str, int] = {}
    unclear: list[tuple[str, int, str]] = []
    for row in rows:
        for cell in (cell.strip() for cell in row.cells):
            if groups := _GROUPS.fullmatch(cell):
                sign, rest, several = groups["sign"], groups["rest"], cell.count(groups["sign"]) > 1
                if sign in ".," and not rest and not several:
                    unclear.append((sign, row.line, cell))
                    continue
                thousands.setdefault(sign, row.line)
                if rest:
                    decimals.setdefault(rest[0], row.line)
            elif found := _DECIMAL.fullmatch(cell):
                decimals.setdefault(found["sign"], row.line)
    both = set(decimals) & set(thousands) or (set(decimals) if len(decimals) > 1 else set())
    if both:
        lines = ", ".join(f"{sign!r} in line {line}" for sign, line in {**thousands, **decimals}.items())
        raise DataError(f"{name}: the decimal sign changes: {lines}; mend the file, or say: format: {{decimal: ','}}")
    decimal = next(iter(decimals), "")
    group = next(iter(thousands), "")
    for sign, line, cell in unclear:
        if sign == decimal or (sign == "." and not decimal and group != "."):
            continue
        if sign != group:
            raise DataError(
                f"{name}:{line}: {cell!r:.40} may have a decimal sign or thousands; say which: "
                f"format: {{decimal: '{sign}'}} or format: {{thousands: '{sign}'}}"
            )
    return decimal or ("," if group == "." else "."), {"\u00a0": " ", "\u202f": " ", "\u2019": "'"}.get(group, group)


def header_line(text: str) -> int | None:
    """Return the line of the header, 0 for none, None where it has to be found."""
    if text == "auto":
        return None
    if text in ("no", "none", "0"):
        return 0
    if not text.isdecimal() or not 0 < int(text) <= SAMPLE_LINES:
        raise PlantError(f"format.header: {text!r:.20} is no line up to {SAMPLE_LINES}; give its number, or no")
    return int(text)
