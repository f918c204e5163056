"""Tables in Parquet files, of plain columns only: numbers, truth values, times and text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin.clean.encoding import open_regular
from twin.clean.notes import Notes
from twin.clean.numbers import Style
from twin.clean.table import ROWS, Cells, Piece, check_columns
from twin.errors import DataError

MAX_GROUP = 1 << 30
"""A group of rows that claims to be larger is not unpacked [bytes]."""
MAX_BYTES = 64 << 30


class ParquetTable:
    """A table in a Parquet file.

    Raises
    ------
    DataError
        If pyarrow isn't installed, or the file can't be read, claims too much or holds other than plain columns.
    """

    def __init__(self, path: Path, notes: Notes) -> None:
        parquet = _parquet()
        self.path = path
        self.units: Mapping[str, str] = {}
        self.style = Style()
        with open_regular(path) as file:
            if file.seek(0, 2) > MAX_BYTES:
                raise DataError(f"{path}: larger than {MAX_BYTES >> 30} GiB; split it")
        try:
            self._file = parquet.ParquetFile(path, memory_map=False)
            schema, meta = self._file.schema_arrow, self._file.metadata
            largest = max((meta.row_group(n).total_byte_size for n in range(meta.num_row_groups)), default=0)
        except (OSError, ValueError) as err:  # pyarrow's own errors are of these
            raise DataError(f"{path}: no Parquet file that can be read: {_line(err)}; write it again") from None
        if largest > MAX_GROUP:
            raise DataError(f"{path}: a group of rows unpacks to over {MAX_GROUP >> 30} GiB; write smaller groups")
        self.columns = tuple(schema.names)
        self._types = {field.name: field.type for field in schema}
        notes.fact("rows", meta.num_rows)

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these columns; a null is an empty cell.

        Raises
        ------
        DataError
            If a column isn't there or is no plain one, or the file is damaged.
        """
        check_columns(wanted, self.columns, self.path.name)
        for name in wanted:
            if not _is_plain(self._types[name]):
                raise DataError(
                    f"{self.path.name}: column {name!r} is {self._types[name]}; give numbers, times or text"
                )
        row = 1
        batches = self._file.iter_batches(ROWS, columns=list(dict.fromkeys(wanted)))
        while True:
            try:
                batch = next(batches, None)
            except (OSError, ValueError) as err:
                raise DataError(f"{self.path.name}: damaged after row {row}: {_line(err)}; write it again") from None
            if batch is None:
                return
            lines = np.arange(row, row + batch.num_rows)
            yield Piece(lines, {name: _cells(batch.column(name)) for name in wanted})
            row += batch.num_rows


def _parquet() -> Any:
    try:
        from pyarrow import parquet
    except ImportError:
        raise DataError("Parquet needs pyarrow; install equipment-twin[tables]") from None
    return parquet


def _is_plain(kind: Any) -> bool:
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    tests = types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string
    return any(test(inner) for test in tests) or types.is_timestamp(inner)


def _cells(column: Any) -> Cells:
    """Return a column as numbers, times or text; what is null as an empty text, which numbers then become too."""
    import pyarrow as pa
    from pyarrow import types

    kind = column.type
    if types.is_timestamp(kind):
        zoned = kind.tz is not None
        values = column.cast(pa.timestamp("us", kind.tz), safe=False)
        times = values.to_numpy(zero_copy_only=False).astype("datetime64[us]")
        if not zoned and not column.null_count:
            return np.asarray(times)
        return ["" if np.isnat(time) else f"{time}{'Z' if zoned else ''}" for time in times]
    if types.is_boolean(kind) or types.is_dictionary(kind) or not _is_number(kind):
        return ["" if value is None else str(value) for value in column.to_pylist()]
    if column.null_count:
        return ["" if value is None else repr(value) for value in column.to_pylist()]
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind))


def _line(err: Exception) -> str:
    return " ".join(str(err).split())[:160]
