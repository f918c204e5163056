"""Tables of text: read in one pass, every line that is not plain data named and counted."""

import csv
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from twin.clean.encoding import ENCODINGS, detect, open_regular
from twin.clean.notes import Notes
from twin.clean.numbers import Style
from twin.clean.recording_file import FormatEntry
from twin.clean.sniff import (
    NAMES,
    SAMPLE_LINES,
    Layout,
    Row,
    find_layout,
    find_separator,
    find_style,
    header_line,
    split,
    width_of,
)
from twin.clean.table import ROWS, Piece, check_columns, missing_words, no_column, place_of
from twin.errors import DataError, PlantError, unknown

MAX_BYTES = 16 << 30
"""Larger files of text are not read: they belong into Parquet."""
MAX_LINE = 1 << 20
MAX_COLUMNS = 5_000
SAMPLE_CHARACTERS = 1 << 20
"""Characters of which the layout is guessed at most."""


class CsvTable:
    """A table of text in a file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    how : FormatEntry
        What is known of how it is written; the rest is found in its first lines.
    notes : Notes
        Takes what was found, and every line that is left out.

    Raises
    ------
    DataError
        If it is no regular file, too large, in no known encoding, or no table.
    """

    def __init__(self, path: Path, how: FormatEntry, notes: Notes) -> None:
        self.path, self.how, self.notes = path, how, notes
        with open_regular(path) as file:
            if file.seek(0, 2) > MAX_BYTES:
                raise DataError(f"{path}: larger than {MAX_BYTES >> 30} GiB; split it, or convert it to Parquet")
        self.encoding = _known_encoding(how.encoding) if how.encoding != "auto" else detect(path)
        sample = self._sample()
        self._separator = _character(how.separator) if how.separator != "auto" else find_separator(sample, path.name)
        rows = split(sample, self._separator)
        if width_of(rows) > MAX_COLUMNS:
            raise DataError(f"{path.name}: has more than {MAX_COLUMNS} columns; this is no table of readings")
        self.layout = find_layout(rows, header_line(how.header), {"yes": True, "no": False}.get(how.units_row))
        self.columns = self.layout.columns
        self.units = {c: u for c, u in zip(self.columns, self.layout.units, strict=False) if u}
        self.style = self._find_style(rows, self.layout)
        for name, said in (
            ("encoding", self.encoding),
            ("separator", NAMES.get(self._separator, self._separator)),
            ("decimal sign", self.style.decimal),
            ("thousands", self.style.thousands or "none"),
            ("header", f"line {self.layout.header}" if self.layout.header else "none"),
        ):
            notes.fact(name, said)

    def _find_style(self, rows: Sequence[Row], layout: Layout) -> Style:
        decimal, thousands = self.how.decimal, self.how.thousands
        if decimal == "auto" and thousands == "auto":
            data = [row for row in rows if row.line > max(layout.header, layout.units_line)]
            found_decimal, found_thousands = find_style(data, self.path.name)
            return Style(found_decimal, found_thousands, missing_words(self.how))
        sign = decimal if decimal != "auto" else "," if thousands == "." else "."
        group = thousands if thousands != "auto" else ""
        if sign == group:
            raise PlantError(f"{self.path.name}: {sign!r} can't be decimal sign and thousands; drop one of them")
        return Style(sign, group, missing_words(self.how))

    def _open(self) -> TextIO:
        return TextIOWrapper(open_regular(self.path), self.encoding, newline="")

    def _sample(self) -> list[str]:
        with self._open() as file:
            try:
                lines: list[str] = []
                left = SAMPLE_CHARACTERS
                while left > 0 and len(lines) < SAMPLE_LINES and (line := file.readline(left)):
                    lines.append(line)
                    left -= len(line)
            except UnicodeDecodeError as err:
                raise self._undecodable(err, 1) from None
        if not any(line.strip() for line in lines):
            raise DataError(f"{self.path}: is empty; name a file with readings")
        return lines

    def _undecodable(self, err: UnicodeDecodeError, line: int) -> DataError:
        return DataError(
            f"{self.path.name}:{line}: after it, bytes are no {self.encoding} ({err.reason}); name the right encoding"
        )

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these columns.

        Raises
        ------
        DataError
            If a column isn't there, or a line is broken and not to be skipped.
        """
        check_columns([name for name in wanted if not name.startswith("#")], self.columns, self.path.name)
        places = {name: self._place(name) for name in wanted}
        rows = self._rows()
        while piece := list(islice(rows, ROWS)):
            columns = list(zip(*(row.cells for row in piece), strict=True))
            lines = np.array([row.line for row in piece], np.int64)
            yield Piece(lines, {name: columns[place] for name, place in places.items()})

    def _place(self, name: str) -> int:
        try:
            return place_of(name, self.columns)
        except ValueError:
            raise no_column(self.path.name, name, self.columns) from None

    def _rows(self) -> Iterator[Row]:
        """Yield the lines that are plain data."""
        width, head = len(self.columns), list(self.columns)
        data_from = max(self.layout.header, self.layout.units_line)
        pending: Row | None = None
        with self._open() as file:
            reader = csv.reader(self._lines(file), delimiter=self._separator, strict=True)
            try:
                for cells in reader:
                    if pending is not None:
                        self._ragged(pending, last=False)
                        pending = None
                    line = reader.line_num
                    if line > data_from and len(cells) == width and cells[0].strip() not in ("", head[0]):
                        yield Row(line, cells)
                        continue
                    plain = self._plain(Row(line, cells), head)
                    if plain is not None and len(plain.cells) != width:
                        pending = plain
                    elif plain is not None:
                        yield plain
            except UnicodeDecodeError as err:
                raise self._undecodable(err, reader.line_num) from None
            except csv.Error as err:
                raise DataError(f"{self.path.name}:{reader.line_num}: {err}; mend the quotes") from None
        if pending is not None:
            self._ragged(pending, last=True)

    def _lines(self, file: TextIO) -> Iterator[str]:
        number = 0
        while line := file.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE:
                raise DataError(f"{self.path.name}:{number}: longer than {MAX_LINE} characters; this is no table")
            yield line

    def _plain(self, row: Row, head: list[str]) -> Row | None:
        """Return a row that holds data, without the separator at its end; count and leave out any other."""
        line, cells = row
        if line < self.layout.header:
            self.notes.count("preamble", line=line, said=self._separator.join(cells))
        elif not any(cell.strip() for cell in cells):
            self.notes.count("empty_line", line=line)
        elif line == self.layout.units_line:
            self.notes.count("units_row", line=line, said=self._separator.join(cells))
        elif self.layout.header and [cell.strip() for cell in cells] == head:
            if line != self.layout.header:
                self.notes.count("repeated_header", line=line)
        elif len(cells) == len(head) + 1 and not cells[-1].strip():
            self.notes.count("trailing_cell", line=line)
            return Row(line, cells[:-1])
        else:
            return row
        return None

    def _ragged(self, row: Row, *, last: bool) -> None:
        """Refuse or count a line with too many or too few cells; a last line that is cut off is counted."""
        line, cells = row
        said = self._separator.join(cells)
        if last and len(cells) < len(self.columns) and not self._ends_with_newline():
            self.notes.count("truncated", line=line, said=said)
        elif self.how.broken == "skip":
            self.notes.count("ragged", line=line, said=said)
        else:
            other = next((s for s in NAMES if s != self._separator and len(said.split(s)) == len(self.columns)), "")
            mixed = f"; it fits with {NAMES[other]} as separator: separators are mixed" if other else ""
            raise DataError(
                f"{self.path.name}:{line}: {len(cells)} cells, the header has {len(self.columns)}{mixed}; "
                "mend the line, or say: format: {broken: skip}"
            )

    def _ends_with_newline(self) -> bool:
        with open_regular(self.path) as file:
            file.seek(max(0, file.seek(0, 2) - 4))
            return file.read().replace(b"\0", b"").endswith((b"\n", b"\r"))


def _known_encoding(name: str) -> str:
    if name.lower().replace("_", "-") not in ENCODINGS:
        raise PlantError(f"format.encoding: {unknown('encoding', name, ENCODINGS)}")
    return name.lower().replace("_", "-")


def _character(separator: str) -> str:
    found = {"tab": "\t", "space": " ", "\\t": "\t"}.get(separator, separator)
    if len(found) != 1 or found in '\r\n"' or found.isalnum():
        raise PlantError(f"format.separator: {separator!r:.20} is no single character; write ';', tab or space")
    return found
