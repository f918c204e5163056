"""Tables in Excel workbooks: values only, no formula is computed and nothing linked is fetched."""

import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from twin.clean.encoding import open_regular
from twin.clean.notes import Notes
from twin.clean.numbers import Style
from twin.clean.recording_file import FormatEntry
from twin.clean.sniff import Row, find_layout, header_line
from twin.clean.table import ROWS, Piece, check_columns, missing_words, no_column, place_of
from twin.errors import DataError, unknown

MAX_BYTES = 256 << 20
"""A workbook that unpacks to more is not opened."""
SAMPLE_ROWS = 300

T = TypeVar("T")


class XlsxTable:
    """A sheet of a workbook.

    Raises
    ------
    DataError
        If openpyxl isn't installed, or the file is no workbook, unpacks to too much, or has no such sheet.
    """

    def __init__(self, path: Path, how: FormatEntry, notes: Notes) -> None:
        self.path, self.how, self.notes = path, how, notes
        self.style = Style(missing=missing_words(how))
        self._name = how.sheet
        sample = list(islice(self._rows(), SAMPLE_ROWS))
        header = header_line(how.header)
        self.layout = find_layout(sample, header, {"yes": True, "no": False}.get(how.units_row))
        self.columns = self.layout.columns
        self.units: Mapping[str, str] = {c: u for c, u in zip(self.columns, self.layout.units, strict=False) if u}
        if not self.columns:
            raise DataError(f"{path}: the sheet {self._name!r} is empty; name another: format: {{sheet: ...}}")
        notes.fact("sheet", self._name)
        notes.fact("header", f"line {self.layout.header}" if self.layout.header else "none")

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these columns as text."""
        check_columns([name for name in wanted if not name.startswith("#")], self.columns, self.path.name)
        places = {name: self._place(name) for name in wanted}
        width, rows = len(self.columns), self._data()
        while piece := list(islice(rows, ROWS)):
            cells = list(zip(*((row.cells + [""] * width)[:width] for row in piece), strict=True))
            lines = np.array([row.line for row in piece], np.int64)
            yield Piece(lines, {name: cells[place] for name, place in places.items()})

    def _place(self, name: str) -> int:
        try:
            return place_of(name, self.columns)
        except ValueError:
            raise no_column(self.path.name, name, self.columns) from None

    def _data(self) -> Iterator[Row]:
        for row in self._rows():
            if row.line <= self.layout.header:
                if row.line < self.layout.header and any(row.cells):
                    self.notes.count("preamble", line=row.line, said=" ".join(row.cells))
            elif not any(row.cells):
                self.notes.count("empty_line", line=row.line)
            elif row.line == self.layout.units_line:
                self.notes.count("units_row", line=row.line, said=" ".join(row.cells))
            elif self.layout.header and tuple(row.cells[: len(self.columns)]) == self.columns:
                self.notes.count("repeated_header", line=row.line)
            else:
                yield row

    def _rows(self) -> Iterator[Row]:
        """Yield the rows of the sheet as text, without the empty cells at their end."""
        with closing(_workbook(self.path)) as book:
            known = [sheet.title for sheet in book.worksheets]  # but for sheets that hold a chart
            if self._name not in ("", *known):
                raise DataError(f"{self.path.name}: {unknown('sheet', self._name, known)}")
            if not known:
                raise DataError(f"{self.path.name}: has no sheet of cells; name another workbook")
            self._name = self._name or known[0]
            try:
                for line, cells in enumerate(_quietly(book[self._name].iter_rows(values_only=True)), 1):
                    texts = [_text(cell) for cell in cells]
                    while texts and not texts[-1]:
                        texts.pop()
                    yield Row(line, texts)
            except (ValueError, KeyError, TypeError, AttributeError, SyntaxError) as err:  # openpyxl on damaged sheets
                raise DataError(f"{self.path.name}: damaged sheet {self._name!r}: {err}; save it again") from None


def _quietly(rows: Iterator[T]) -> Iterator[T]:
    """Yield rows without openpyxl's warnings, of styles and of dates that it can't tell; their cells show it."""
    while True:
        with warnings.catch_warnings(action="ignore"):
            try:
                row = next(rows)
            except StopIteration:
                return
        yield row


def _workbook(path: Path) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise DataError("Excel workbooks need openpyxl; install equipment-twin[tables]") from None
    with open_regular(path) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except (zipfile.BadZipFile, OSError, ValueError):
            raise DataError(f"{path}: is no workbook (.xlsx); save it as one, or as CSV") from None
    if unpacked > MAX_BYTES:
        raise DataError(f"{path}: unpacks to over {MAX_BYTES >> 20} MiB; save it as CSV or Parquet")
    try:
        with warnings.catch_warnings(action="ignore"):
            return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as err:  # openpyxl raises whatever the parts of a damaged workbook lead to
        raise DataError(f"{path}: damaged workbook: {type(err).__name__}: {err}; save it again") from None


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return repr(cell) if isinstance(cell, float) else str(cell).strip()
