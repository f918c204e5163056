"""Recorded runs to look into: tags as arrays, happenings, and where every number came from.

A file is a head of 512 bytes, which HDF5 takes for its user block, and an HDF5 file. The head says what the
file is, how long it is, and the SHA-256 of the rest: a cut or altered file is refused before HDF5 sees it.
"""

import hashlib
import stat
from collections.abc import Iterator
from functools import cached_property
from html import escape
from json import loads
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py
import numpy as np

from twin.documents import GOOD, Column, Document, Frame, Happening, Schema, Start, Stop
from twin.errors import DataError, unknown
from twin.summary import Summary, Tally

FORMAT = "equipment-twin run"
VERSION = 1
HEAD = 512

TIME = "time"
"""Dataset of a stream beside the groups of its tags."""

_BLOCK = 2**20
_ROWS = 8192


def head(body: bytes | memoryview) -> bytes:
    """Return the 512 bytes that stand before `body`."""
    digest = hashlib.sha256(body).hexdigest()
    return f"{FORMAT} {VERSION}\nbytes {len(body)}\nsha256 {digest}\n".encode().ljust(HEAD - 1, b" ") + b"\n"


def content_hash(file: Any) -> str:
    """Return a hash of every dataset of an open HDF5 file: names, types, shapes and numbers, in order of name."""
    names: list[str] = []
    file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
    digest = hashlib.sha256()
    for name in sorted(names):
        data = file[name]
        digest.update(f"{name}\0{data.dtype.str}\0{data.shape}\0".encode())
        for block in _blocks(data):
            digest.update(np.ascontiguousarray(block).tobytes())
    return digest.hexdigest()


def _blocks(data: Any) -> Iterator[np.ndarray]:
    """Yield a dataset in pieces of bounded size that don't depend on how it is chunked."""
    if data.ndim < 2:
        for first in range(0, data.shape[0], _ROWS):
            yield data[first : first + _ROWS]
        return
    for row in range(data.shape[0]):
        for first in range(0, data.shape[1], _ROWS):
            yield data[row, first : first + _ROWS]


def group_name(name: str) -> str:
    """Return the name of a tag's group: its own, but for what HDF5 reads as a path and for the stream's times."""
    if name == TIME:
        return "%74ime"
    return name.replace("%", "%25").replace("/", "%2F") if name.strip(".") else name.replace(".", "%2E")


class Trace(NamedTuple):
    """What one tag recorded, in `unit`; `time` is of shape (n,) [s], the others (members, n).

    `quality` holds OPC UA status codes: `value` is a measurement where it is 0.
    """

    time: np.ndarray
    value: np.ndarray
    truth: np.ndarray
    quality: np.ndarray
    unit: str

    @property
    def good(self) -> np.ndarray:
        """Return where `value` is a measurement."""
        return np.asarray(self.quality == GOOD)


class Run:
    """A recorded run, read when asked for.

    >>> with Run.load(Path("run.h5")) as run:  # doctest: +SKIP
    ...     run["TI-101"].value
    """

    def __init__(self, path: Path, file: Any) -> None:
        self.path, self._file = path, file

    @classmethod
    def load(cls, path: Path) -> "Run":
        """Open a recorded run after checking it whole.

        Raises
        ------
        DataError
            If the file can't be read, is no recorded run, is of another version, is cut off or was altered.
        """
        _check_whole(path)
        try:
            found = cls(path, h5py.File(path, "r"))
        except OSError:
            raise DataError(f"{path}: holds no HDF5 file that can be opened; record the run again") from None
        try:
            found._check_content()
        except Exception as err:  # whatever h5py and numpy raise on a file of other content
            found.close()
            said = err.args[0] if err.args else type(err).__name__
            raise DataError(f"{path}: is no run as twin records them: {said}; record the run again") from None
        return found

    def _check_content(self) -> None:
        """Raise anything where what the other methods read isn't there, or has another type or shape."""
        missing = [name for name in _META if name not in self._file.attrs]
        if missing:
            raise KeyError(f"there is no attribute {missing[0]!r}")
        meta = self.meta
        for name, kind in _META.items():
            if not isinstance(meta[name], kind):
                raise TypeError(f"attribute {name!r} is {type(meta[name]).__name__}")
        _check_data(self._file["happenings"], (), ("time", "member", "name"))
        _check_data(self._file["parameters"], (), ("path", "role", "value", "unit", "source_kind", "source"))
        for stream in self._file.get("tags", {}).values():
            float(stream.attrs["period"])
            _check_data(stream[TIME], (), None)
        for column, (stream, tag) in zip(self.tags.values(), self._groups.values(), strict=True):
            if not all(isinstance(text, str) for text in (column.name, column.unit, column.reads, column.doc)):
                raise TypeError(f"tag {column.name!r} is not described in text")
            for name in ("value", "truth", "quality"):
                _check_data(tag[name], (meta["members"],), None, stream[TIME].shape[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; arrays that were read stay."""
        self._file.close()

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What was run, from what, by which versions, and how it ended."""
        found = {name: value.item() if hasattr(value, "item") else value for name, value in self._file.attrs.items()}
        for name in ("assets_sha256", "overrides", "solver", "versions"):
            found[name] = loads(found[name])
        return found

    @cached_property
    def _groups(self) -> dict[str, tuple[Any, Any]]:
        streams = self._file.get("tags", {}).values()
        pairs = ((stream, tag) for stream in streams for tag in stream.values() if isinstance(tag, h5py.Group))
        return {tag.attrs["name"]: (stream, tag) for stream, tag in pairs}

    @property
    def tags(self) -> dict[str, Column]:
        """Every tag by name: unit, what it reads, limits."""
        return {name: _column(tag) for name, (_, tag) in self._groups.items()}

    def __getitem__(self, name: str) -> Trace:
        """Return what a tag recorded."""
        if name not in self._groups:
            raise DataError(f"{self.path}: {unknown('tag', name, self._groups)}")
        stream, tag = self._groups[name]
        return Trace(stream["time"][:], tag["value"][:], tag["truth"][:], tag["quality"][:], tag.attrs["unit"])

    @property
    def happenings(self) -> list[Happening]:
        """Every transition in the order in which they took place."""
        return [Happening(float(t), int(m), n.decode()) for t, m, n in self._file["happenings"][:]]

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Every number the run started from: path, role, value (SI), unit, and where it came from."""
        rows = self._file["parameters"][:]
        return [
            {n: v.decode() if isinstance(v, bytes) else float(v) for n, v in zip(rows.dtype.names, row, strict=True)}
            for row in rows
        ]

    def documents(self) -> Iterator[Document]:
        """Yield the run as it was put into the recorder, in larger blocks."""
        meta = self.meta
        start = (meta["plant"], meta["plant_text"], meta["seed"], meta["members"], meta["until"], meta["overrides"])
        yield Start(*start)
        step = max(_BLOCK // meta["members"], 1)
        for name, stream in self._file.get("tags", {}).items():
            tags = [tag for tag in stream.values() if isinstance(tag, h5py.Group)]
            yield Schema(name, float(stream.attrs["period"]), tuple(_column(tag) for tag in tags))
            for first in range(0, stream["time"].shape[0], step):
                part = slice(first, first + step)
                blocks = (np.stack([tag[n][:, part] for tag in tags]) for n in ("value", "truth", "quality"))
                yield Frame(name, first, stream["time"][part], *blocks)
        yield from self.happenings
        yield Stop(meta["time"], meta["ending"], meta["message"])

    def summary(self) -> Summary:
        """Return ranges, limits crossed and happenings."""
        tally = Tally()
        for document in self.documents():
            tally.put(document)
        return tally.summary()

    def content_hash(self) -> str:
        """Return the hash of all that was recorded; equal for runs with the same numbers."""
        return content_hash(self._file)

    def to_pandas(self, member: int = 0) -> Any:
        """Return a table of values by time, a column a tag; missing readings are missing there.

        Raises
        ------
        DataError
            If pandas isn't installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise DataError("to_pandas: pandas isn't installed; `pip install pandas`, or use run[tag].value") from None
        columns = {}
        for name in self.tags:
            trace = self[name]
            values = np.where(trace.good[member], trace.value[member], np.nan)
            columns[name] = pd.Series(values, index=pd.Index(trace.time, name="time"))
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        meta = self.meta
        return f"<Run {self.path}: {meta['plant']}, {meta['time']:g} s, {meta['members']} members, seed {meta['seed']}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(c.unit)}</td><td>{escape(c.reads)}</td><td>{escape(c.doc)}</td></tr>"
            for name, c in self.tags.items()
        )
        titles = "".join(f"<th>{title}</th>" for title in ("tag", "unit", "reads", ""))
        return f"<p>{escape(repr(self))}</p><table><tr>{titles}</tr>{rows}</table>"


def _column(tag: Any) -> Column:
    a = tag.attrs
    return Column(a["name"], a["unit"], a["reads"], a["long_name"], float(a["low"]), float(a["high"]))


_META: dict[str, type | tuple[type, ...]] = {
    "plant": str,
    "plant_text": str,
    "plant_sha256": str,
    "content_sha256": str,
    "ending": str,
    "message": str,
    "seed": int,
    "members": int,
    "until": float,
    "time": float,
    "assets_sha256": dict,
    "overrides": dict,
    "solver": dict,
    "versions": dict,
}


def _check_data(data: Any, before: tuple[int, ...], fields: tuple[str, ...] | None, rows: int | None = None) -> None:
    """Raise TypeError where `data` is no dataset of these fields, or of numbers, with shape ``(*before, rows)``."""
    if not isinstance(data, h5py.Dataset) or data.dtype.names != fields or (not fields and data.dtype.kind not in "fu"):
        raise TypeError(f"{data.name} is of another kind")
    if data.shape[:-1] != before or len(data.shape) != len(before) + 1 or rows not in (None, data.shape[-1]):
        raise TypeError(f"{data.name} is of shape {data.shape}")


def is_whole(path: Path) -> bool:
    """Return whether a file has the head of a recorded run, of any version, and the length that it says.

    Raises
    ------
    OSError
        If the file can't be read.
    """
    with path.open("rb") as file:
        lines = file.read(HEAD).split(b"\n")
    if not lines[0].startswith(f"{FORMAT} ".encode()) or len(lines) < 2:
        return False
    return lines[1] == f"bytes {path.stat().st_size - HEAD}".encode()


def _check_whole(path: Path) -> None:
    """Refuse a file whose head doesn't fit the rest."""
    try:
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            raise DataError(f"{path}: is no regular file; name a recorded run")
        with path.open("rb") as file:
            head = file.read(HEAD)
            if not head.startswith(f"{FORMAT} ".encode()) or len(head) < HEAD:
                raise DataError(f"{path}: is no recorded run; `twin run --out` writes one")
            said = dict(line.rpartition(b" ")[::2] for line in head.split(b"\n")[:3])
            found = said.get(FORMAT.encode(), b"?").decode(errors="replace")
            if found != str(VERSION):
                raise DataError(f"{path}: is of version {found}, this twin reads {VERSION}; use the twin that wrote it")
            expected, length = int(said[b"bytes"]), path.stat().st_size - HEAD
            if length < expected:
                raise DataError(f"{path}: is cut off: {length} of {expected} bytes are there; copy it again")
            if length > expected:
                raise DataError(f"{path}: has {length - expected} bytes too many; copy it again")
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the path") from None
    except (KeyError, ValueError):
        raise DataError(f"{path}: its head is damaged; copy it again") from None
    if digest.hexdigest().encode() != said.get(b"sha256"):
        raise DataError(f"{path}: was altered after it was recorded: its checksum differs; copy it again")
