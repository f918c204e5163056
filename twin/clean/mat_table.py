"""Tables in MATLAB files of version 5: numeric vectors of one length, first read by a child process."""

import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twin.clean.apart import answer, looked_at
from twin.clean.encoding import open_regular
from twin.clean.notes import Notes
from twin.clean.numbers import Style
from twin.clean.recording_file import FormatEntry
from twin.clean.table import ROWS, Piece, check_columns, missing_words
from twin.errors import DataError

MAX_BYTES = 256 << 20
"""A file that is larger is not read."""
MAX_ALL = 1 << 30
"""Vectors that claim more together are not read."""
MAX_COLUMNS = 5_000

_CLASSES = ("double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HEADER = 128
"""Bytes before the first variable: text, version, and the order of bytes."""


class MatTable:
    """The vectors of one length, n x 1 or 1 x n, among the variables of a MATLAB file.

    Scalars, matrices, text, cells, structures and complex numbers are no columns, nor are vectors of another
    length than most have; the notes name them.

    Raises
    ------
    DataError
        If the file is no such file, is too large, or holds no vectors.
    """

    def __init__(self, path: Path, how: FormatEntry, notes: Notes) -> None:
        self.path = path
        self.style = Style(missing=missing_words(how))
        self.units: Mapping[str, str] = {}
        _check_kind(path)
        said = looked_at(path, "twin.clean.mat_table", "SciPy")
        self.columns = tuple(said["columns"])
        notes.fact("rows", said["rows"])
        notes.fact("no columns of readings", ", ".join(said["others"]) or "none")

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these vectors."""
        check_columns(wanted, self.columns, self.path.name)
        columns = {name: values.ravel() for name, values in _load(str(self.path), list(wanted)).items()}
        rows = min((values.size for values in columns.values()), default=0)
        for first in range(0, rows, ROWS):
            last = min(first + ROWS, rows)
            cells = {name: values[first:last] for name, values in columns.items()}
            yield Piece(np.arange(first + 1, last + 1), cells)


def _check_kind(path: Path) -> None:
    """Refuse what is no MATLAB file of version 5, by its first bytes."""
    with open_regular(path) as file:
        header, size = file.read(_HEADER), path.stat().st_size
        rest = file.read(1024)
    if header.startswith(_HDF5) or header[124:128] == b"\x00\x02IM" or _HDF5 in rest:
        raise DataError(
            f"{path}: is of MATLAB version 7.3, which is HDF5 inside; save it with -v7, or its columns as HDF5 or CSV"
        )
    if header[124:128] not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise DataError(f"{path}: is no MATLAB file of version 5 to 7; save it in MATLAB with -v7, or as CSV")
    if size > MAX_BYTES:
        raise DataError(f"{path}: is over {MAX_BYTES >> 20} MiB; split it, or save it as HDF5 or Parquet")


def _load(path: str, names: list[str]) -> dict[str, np.ndarray]:
    """Return variables by name; what a variable's header says need not be true of its values."""
    from scipy.io import loadmat

    with warnings.catch_warnings(action="ignore"):  # about variables that aren't asked for
        found = loadmat(path, variable_names=names, mat_dtype=False)
    return {name: np.asarray(found[name]) for name in names}


def _inspect(path: str) -> dict[str, Any]:
    """Return the vectors of a file after reading all of them, and the names of what is no column."""
    from scipy.io import whosmat

    with warnings.catch_warnings(action="ignore"):
        variables = whosmat(path)
    if len(variables) > MAX_COLUMNS:
        raise DataError(f"holds more than {MAX_COLUMNS} variables; this is no table of readings")
    lengths = {
        name: max(shape)
        for name, shape, kind in variables
        if kind in _CLASSES and len(shape) == 2 and min(shape) == 1 < max(shape)
    }
    if sum(8 * length for length in lengths.values()) > MAX_ALL:
        raise DataError(f"its vectors claim over {MAX_ALL >> 30} GiB; split the file")
    values = _load(path, list(lengths))
    vectors = {n: v for n, v in values.items() if v.dtype.kind in "biuf" and v.shape in ((v.size, 1), (1, v.size))}
    if not vectors:
        raise DataError("holds no numeric vectors; save each signal as one column, n x 1")
    common = Counter(vector.size for vector in vectors.values()).most_common(2)
    if len(common) == 2 and common[0][1] == common[1][1]:
        raise DataError(f"as many vectors have {common[0][0]} values as {common[1][0]}; save one table in a file")
    columns = [name for name, vector in vectors.items() if vector.size == common[0][0]]
    others = sorted({name for name, _, _ in variables} - set(columns))
    return {"columns": columns, "others": others, "rows": common[0][0]}


if __name__ == "__main__":
    answer(_inspect, sys.argv[1:])
