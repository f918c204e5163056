"""Tables in HDF5 files: plain datasets side by side, looked at by a child process before anything is read here.

HDF5 files can name other files to be read or written, claim sizes that no disk holds and make the library
loop for ever. So links, external storage, virtual datasets, objects and unknown filters are refused by what the file
says of itself, and a child with little memory and time reads every wanted byte first.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from twin.clean.apart import answer, looked_at
from twin.clean.notes import Notes
from twin.clean.numbers import Style
from twin.clean.recording_file import FormatEntry
from twin.clean.table import ROWS, Cells, Piece, check_columns, missing_words
from twin.errors import DataError

MAX_BYTES = 1 << 30
"""A dataset that claims to be larger is not read."""
MAX_ALL = 4 << 30
MAX_COLUMNS = 5_000

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
_KINDS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.STRING)


class Hdf5Table:
    """The datasets of one length in a group of an HDF5 file.

    Raises
    ------
    DataError
        If the file is not HDF5, or holds what is refused.
    """

    def __init__(self, path: Path, how: FormatEntry, notes: Notes) -> None:
        self.path, self._group = path, how.group
        self.style = Style(missing=missing_words(how))
        said = looked_at(path, "twin.clean.hdf5_table", "HDF5", how.group)
        self.columns = tuple(said["columns"])
        self.units: Mapping[str, str] = said["units"]
        notes.fact("group", how.group)
        notes.fact("rows", said["rows"])

    def pieces(self, wanted: Sequence[str]) -> Iterator[Piece]:
        """Yield the rows in order, with these datasets."""
        check_columns(wanted, self.columns, self.path.name)
        with h5py.File(self.path, "r") as file:
            columns = {name: file[self._group][name] for name in wanted}
            for name, dataset in columns.items():  # again: the file may be another one by now
                _check(dataset, name)
            rows = min((dataset.shape[0] for dataset in columns.values()), default=0)
            for first in range(0, rows, ROWS):
                last = min(first + ROWS, rows)
                cells = {name: _cells(dataset[first:last]) for name, dataset in columns.items()}
                yield Piece(np.arange(first + 1, last + 1), cells)


def _cells(values: np.ndarray) -> Cells:
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    return values


def _check(dataset: Any, name: str) -> None:
    """Refuse a dataset that is not plain, by what it says of itself."""
    if not isinstance(dataset, h5py.Dataset):
        raise DataError(f"{name!r} is no dataset")
    made = dataset.id.get_create_plist()
    if made.get_external_count():
        raise DataError(f"dataset {name!r} is stored in another file; copy its numbers into this one")
    if made.get_layout() == h5py.h5d.VIRTUAL:
        raise DataError(f"dataset {name!r} is put together from others; copy its numbers into this one")
    kind = dataset.id.get_type()
    if kind.get_class() not in _KINDS or (kind.get_class() == h5py.h5t.STRING and kind.is_variable_str()):
        raise DataError(f"dataset {name!r} holds neither numbers nor text of fixed length; convert it")
    foreign = [made.get_filter(n)[0] for n in range(made.get_nfilters()) if made.get_filter(n)[0] not in _FILTERS]
    if foreign:
        raise DataError(f"dataset {name!r} uses filter {foreign[0]}; compress it with gzip or not at all")
    if len(dataset.shape) != 1:
        raise DataError(f"dataset {name!r} has {len(dataset.shape)} dimensions; one value a row is read")
    if dataset.shape[0] * kind.get_size() > MAX_BYTES:
        raise DataError(f"dataset {name!r} claims over {MAX_BYTES >> 30} GiB; split the file")


def _inspect(path: str, place: str) -> dict[str, Any]:
    """Return the columns of a group after reading all of them; links are looked at, never followed."""
    with h5py.File(path, "r") as file:
        group = file["/"]
        for step in filter(None, place.split("/")):
            if not group.id.links.exists(step.encode()):
                raise DataError(f"no group {place!r}; say which: format: {{group: /name}}")
            _hard(group, step)
            group = group[step]
            if not isinstance(group, h5py.Group):
                raise DataError(f"{place!r} is no group; say which: format: {{group: /name}}")
        names = [name.decode("utf-8", "replace") for name in group.id]
        if len(names) > MAX_COLUMNS:
            raise DataError(f"{place!r} holds more than {MAX_COLUMNS} datasets; this is no table of readings")
        found = {}
        for name in names:
            _hard(group, name)
            kind = h5py.h5o.get_info(group.id, name.encode()).type
            if kind == h5py.h5o.TYPE_DATASET:
                _check(group[name], name)
                found[name] = group[name]
        lengths = {dataset.shape[0] for dataset in found.values()}
        if len(lengths) != 1:
            raise DataError(f"{place!r} holds no datasets of one length; say which group: format: {{group: /name}}")
        if sum(dataset.shape[0] * dataset.dtype.itemsize for dataset in found.values()) > MAX_ALL:
            raise DataError(f"its datasets claim over {MAX_ALL >> 30} GiB; split the file")
        for dataset in found.values():
            for first in range(0, dataset.shape[0], 1 << 20):
                dataset[first : first + (1 << 20)]
        return {"columns": list(found), "units": {n: _unit(d) for n, d in found.items()}, "rows": lengths.pop()}


def _hard(group: Any, name: str) -> None:
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DataError(f"{name!r} is a link to elsewhere; copy its numbers into this file")


def _unit(dataset: Any) -> str:
    """Return the attribute ``unit`` or ``units`` where it is plain text of fixed length."""
    for name in (b"unit", b"units"):
        if h5py.h5a.exists(dataset.id, name):
            attribute = h5py.h5a.open(dataset.id, name)
            kind = attribute.get_type()
            if kind.get_class() == h5py.h5t.STRING and not kind.is_variable_str() and kind.get_size() <= 100:
                return str(dataset.attrs[name.decode()].astype(bytes).tobytes().decode("utf-8", "replace"))[:40]
    return ""


if __name__ == "__main__":
    answer(_inspect, sys.argv[1:])
