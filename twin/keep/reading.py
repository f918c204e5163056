"""Reading an archive: checked for what no archive has before a number of it is read, then tag by tag or in order.

HDF5 files can name other files to be read, claim sizes that no disk holds and ask for foreign filters. So each dataset
is looked at first: nothing is followed, and nothing is read but whole chunks that are there, with their checksums.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py
import msgspec
import numpy as np

from twin.errors import DataError, unknown
from twin.keep.manifest import Record, sha256_of
from twin.keep.tables import FORMAT, ROWS, TABLES, VERSION, hdf5_type
from twin.keep.writing import Digest

MEMORY, SECONDS = 4 << 30, 3600
"""What a child may use that looks at files of unknown origin: bytes, and for each file seconds of its processor."""

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_AT_ONCE = 1 << 20
_MOST_LOOKED_AT = 500


class Trace(NamedTuple):
    """What one tag of one gateway read, in the order in which it came.

    Attributes
    ----------
    gateway, unit : str
        Who sent it, and in what.
    time, received : numpy.ndarray
        When it was measured and when it arrived [us UTC].
    value, quality : numpy.ndarray
        As received; quality is an OPC UA status code, Bad where the value is no number.
    """

    gateway: str
    unit: str
    time: np.ndarray
    received: np.ndarray
    value: np.ndarray
    quality: np.ndarray


class Archive:
    """An archive, open for reading.

    >>> with Archive(Path("2026-03-01T10.h5")) as archive:  # doctest: +SKIP
    ...     archive["TI-101"][0].value
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError:
            raise DataError(f"{path}: holds no HDF5 file that can be opened; see `twin archive verify`") from None
        try:
            self.attributes = {n: v.item() if hasattr(v, "item") else v for n, v in self._file.attrs.items()}
            if self.attributes.get("format") != FORMAT or self.attributes.get("format_version") != VERSION:
                raise ValueError(f"its format is {str(self.attributes.get('format'))[:40]!r}")
            groups = {table: inner(self._file, table, h5py.Group) for table in TABLES}
            self._data = {t: {c: _checked(groups[t], t, c) for c in columns} for t, columns in TABLES.items()}
            self.rows = {table: _rows(table, columns) for table, columns in self._data.items()}
        except Exception as err:  # whatever h5py raises on a file of other content
            self.close()
            raise DataError(f"{path}: is no archive as twin writes them: {_said(err)}; move it away") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; arrays that were read stay."""
        self._file.close()

    def read(self, table: str, begin: int = 0, end: int | None = None) -> dict[str, np.ndarray]:
        """Return rows of a table.

        Raises
        ------
        DataError
            If their checksums are wrong.
        """
        try:
            return {name: data[begin:end] for name, data in self._data[table].items()}
        except (OSError, ValueError, RuntimeError) as err:
            raise DataError(f"{self.path}: {table} can't be read: {_said(err)}; bring a copy back") from None

    def pieces(self, table: str, at_once: int = _AT_ONCE) -> Iterator[dict[str, np.ndarray]]:
        """Yield the rows of a table, some at a time."""
        for begin in range(0, self.rows[table], at_once):
            yield self.read(table, begin, begin + at_once)

    def content(self) -> str:
        """Return the hash of all numbers, for which all of them are read."""
        digest = Digest()
        for table in TABLES:
            for piece in self.pieces(table):
                digest.put(table, piece)
        return digest.hexdigest()

    def columns(self) -> list[tuple[str, str, str]]:
        """Return name, unit and gateway of every column."""
        found = self.read("columns")
        return [(n.decode(), u.decode(), g.decode()) for n, u, g in zip(*found.values(), strict=True)]

    def tags(self) -> list[str]:
        """Return the names of the tags of which there are readings."""
        return sorted({name for name, _, _ in self.columns()})

    def __getitem__(self, name: str) -> list[Trace]:
        """Return what was received under a tag's name, for each gateway and unit.

        Raises
        ------
        DataError
            If there is nothing, or it can't be read.
        """
        columns = self.columns()
        mine = [i for i, column in enumerate(columns) if column[0] == name]
        if not mine:
            raise DataError(f"{self.path}: {unknown('tag', name, self.tags())}")
        index, received = self.read("index"), self.read("frames")["received"]
        found = []
        for i in mine:
            spans = np.flatnonzero(index["column"] == i)
            begins, counts = index["begin"][spans].tolist(), index["count"][spans].tolist()
            blocks = [self.read("readings", b, b + n) for b, n in zip(begins, counts, strict=True)]
            whole = {c: np.concatenate([block[c] for block in blocks]) for c in TABLES["readings"]}
            _, unit, gateway = columns[i]
            when = received[whole["frame"]]
            found.append(Trace(gateway, unit, whole["time"], when, whole["value"], whole["quality"]))
        return found

    def blocks(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the readings in the order of the journal's entries, some at a time; `column` says whose they are."""
        index = self.read("index")
        column, begin, count = index["column"], index["begin"], index["count"].astype(np.int64)
        new = np.flatnonzero(np.diff(column.astype(np.int64)) <= 0) + 1  # a block is sorted by column
        edges = [0, *new.tolist(), column.size] if column.size else []
        for first, last in pairwise(edges):
            block = self.read("readings", int(begin[first]), int(begin[last - 1] + count[last - 1]))
            block["column"] = np.repeat(column[first:last], count[first:last])
            order = np.argsort(block["frame"], kind="stable")
            yield {name: values[order] for name, values in block.items()}

    def record(self) -> Record:
        """Return what a manifest says of this file, once all of it was read and found whole.

        Raises
        ------
        DataError
            If it isn't what was written.
        """
        said = self.attributes
        found: dict[str, Any] = {name: said.get(name) for name in Record.__struct_fields__ if name in said}
        found |= {name: found.get(name) or None for name in ("held", "hold")}
        found["received"] = (said.get("received_first"), said.get("received_last"))
        file = {"name": self.path.name, "bytes": self.path.stat().st_size, "sha256": sha256_of(self.path)}
        try:
            record = msgspec.convert(found | file, Record)
        except msgspec.ValidationError as err:
            raise DataError(f"{self.path}: its attributes are no archive's: {err}; move it away") from None
        if self.content() != record.content:
            raise DataError(f"{self.path}: its numbers aren't those that were written; bring a copy back")
        return record


def attributes(record: Record, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of the file that a record describes; `record` gets them back."""
    plain: dict[str, Any] = msgspec.structs.asdict(record)
    for name in ("name", "bytes", "sha256"):
        del plain[name]
    plain["received_first"], plain["received_last"] = plain.pop("received")
    return {**{name: "" if value is None else value for name, value in plain.items()}, **about}


def looked_at(paths: Sequence[Path]) -> dict[Path, Record | DataError]:
    """Return what files of unknown origin are, as a child process with little memory finds them."""
    found: dict[Path, Record | DataError] = {}
    while rest := [path for path in paths if path not in found]:
        child = [sys.executable, "-m", "twin.keep.reading", *(str(path.resolve()) for path in rest[:_MOST_LOOKED_AT])]
        done = subprocess.run(child, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        for path, line in zip(rest, done.stdout.splitlines(), strict=False):
            said = json.loads(line)
            found[path] = DataError(said["error"]) if "error" in said else msgspec.convert(said, Record)
        broken = next(path for path in [*rest, None] if path not in found)
        if broken is not None and (done.returncode or not done.stdout):
            found[broken] = DataError(f"{broken}: HDF5 breaks down over it; move it away")
    return found


def inner(group: Any, name: str, kind: type) -> Any:
    """Return what a group of an HDF5 file holds under a name; links are looked at, never followed.

    Raises
    ------
    ValueError
        If it is a link, missing, or of another kind.
    """
    if name not in group.id or group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise ValueError(f"{group.name}: {name} is a link, or missing")
    found = group[name]
    if not isinstance(found, kind):
        raise ValueError(f"{group.name}: {name} is no {kind.__name__.lower()}")
    return found


def _checked(group: Any, table: str, column: str) -> Any:
    """Return a dataset that is plain, by what it says of itself."""
    data = inner(group, column, h5py.Dataset)
    made = data.id.get_create_plist()
    if made.get_external_count() or made.get_layout() != h5py.h5d.CHUNKED:
        raise ValueError(f"{table}/{column} is stored elsewhere")
    filters = {made.get_filter(n)[0] for n in range(made.get_nfilters())}
    if filters != _FILTERS:
        raise ValueError(f"{table}/{column} has filters {sorted(filters)}")
    if data.dtype != hdf5_type(TABLES[table][column]) or data.ndim != 1 or data.chunks != (ROWS[table],):
        raise ValueError(f"{table}/{column} is {data.dtype} of shape {data.shape}, in chunks of {data.chunks}")
    if data.id.get_num_chunks() != -(-data.shape[0] // ROWS[table]):
        raise ValueError(f"{table}/{column} claims {data.shape[0]} rows that aren't there")
    return data


def _rows(table: str, columns: Mapping[str, Any]) -> int:
    counts = {data.shape[0] for data in columns.values()}
    if len(counts) != 1:
        raise ValueError(f"the columns of {table} are of different lengths")
    return int(counts.pop())


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _child(paths: Sequence[str]) -> None:
    """Print what each file is, or why it is none, as JSON."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in paths:
        used = resource.getrusage(resource.RUSAGE_SELF)
        most = round(used.ru_utime + used.ru_stime) + SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
        try:
            with Archive(Path(path)) as archive:
                said: Any = msgspec.to_builtins(archive.record())
        except (DataError, OSError, ValueError, IndexError, MemoryError) as err:
            said = {"error": str(err)[:1000]}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _child(sys.argv[1:])
