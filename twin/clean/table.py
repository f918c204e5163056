"""A table of any kind of file, as the reader of recordings sees it: columns by name, rows in pieces."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from twin.clean.names import plain
from twin.clean.notes import Notes
from twin.clean.numbers import MISSING_WORDS, Style
from twin.clean.recording_file import FormatEntry
from twin.errors import DataError, unknown

ROWS = 20_000
"""Rows of a piece."""

Cells = Sequence[str] | np.ndarray
"""A column of a piece: text, or numbers or times as NumPy has them."""


class Piece(NamedTuple):
    """Some rows: the line of each, shape (n,), and the wanted columns."""

    line: np.ndarray
    cells: Mapping[str, Cells]


class Table(Protocol):
    """A table that is read once, from its beginning."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns in their order."""
        ...

    @property
    def units(self) -> Mapping[str, str]:
        """What the file itself says of units, by column."""
        ...

    @property
    def style(self) -> Style:
        """How numbers in text are written."""
        ...

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these columns."""
        ...


def open_table(path: Path, how: FormatEntry, notes: Notes) -> Table:
    """Return the table in a file, by its format or else by its name.

    Raises
    ------
    DataError
        If the file can't be read, or is no such table.
    """
    kind = how.type if how.type != "auto" else _KINDS.get(path.suffix.lower(), "csv")
    notes.fact("file", path.name)
    notes.fact("type", kind)
    if kind == "parquet":
        from twin.clean.parquet_table import ParquetTable

        return ParquetTable(path, notes)
    if kind == "hdf5":
        from twin.clean.hdf5_table import Hdf5Table

        return Hdf5Table(path, how, notes)
    if kind == "xlsx":
        from twin.clean.xlsx_table import XlsxTable

        return XlsxTable(path, how, notes)
    if kind == "matlab":
        from twin.clean.mat_table import MatTable

        return MatTable(path, how, notes)
    from twin.clean.csv_table import CsvTable

    return CsvTable(path, how, notes)


_KINDS = {".parquet": "parquet", ".pq": "parquet", ".h5": "hdf5", ".hdf5": "hdf5", ".mat": "matlab", ".xlsx": "xlsx"}


def check_columns(wanted: Sequence[str], columns: Sequence[str], where: str) -> None:
    """Refuse columns that a table doesn't have, or has twice."""
    for name in wanted:
        if name not in columns:
            raise no_column(where, name, columns)
        if list(columns).count(name) > 1:
            places = ", ".join(f"#{n}" for n, column in enumerate(columns, 1) if column == name)
            raise DataError(f"{where}: column {name!r} stands several times; name it by its place: {places}")


def no_column(where: str, name: str, columns: Sequence[str]) -> DataError:
    """Return the error for a column that isn't there; names come from the file, and may be anything."""
    return DataError(f"{where}: {unknown('column', name, [plain(column)[:60] for column in columns[:100]])}")


def place_of(name: str, columns: Sequence[str]) -> int:
    """Return the place of a column, given by its name or as ``#3``."""
    if name not in columns and name.startswith("#") and name[1:].isdecimal() and 0 < int(name[1:]) <= len(columns):
        return int(name[1:]) - 1
    return list(columns).index(name)


def missing_words(how: FormatEntry) -> tuple[str, ...]:
    """Return the words for what is missing."""
    return tuple(how.missing) if how.missing is not None else MISSING_WORDS
