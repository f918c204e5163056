"""The sink that writes a run into one immutable file: whole under a temporary name, verified, then renamed.

The HDF5 part is built in memory: where HDF5 itself meets a full disk, it crashes the process that closes the
file. Rows are compressed as they come, so memory holds what the file will.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from twin.archive import FORMAT, VERSION, Run, content_hash, group_name, head, is_whole
from twin.declare import Due, Output, Quantity
from twin.documents import Document, Frame, Happening, Schema, Start, Stop
from twin.errors import DataError
from twin.plant import Plant
from twin.provenance import asset_hashes, versions

LIBVER = ("v110", "v110")
"""Metadata with checksums, readable by HDF5 1.10 and later."""
CHUNK = 8192
"""Numbers in a chunk of a dataset."""
LEAST_ROWS = 64
"""Rows in a chunk, however many members there are."""

_FILTERS = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}


class Recorder:
    """A sink that writes ``run.h5``; nothing stands at `path` until the run is whole there.

    Use it in a ``with`` block: a run that doesn't reach its `Stop` leaves nothing behind.

    Parameters
    ----------
    path : pathlib.Path
        A recorded run that is already there is replaced; anything else is refused: other files, links, devices.
    plant : Plant
        With the values that are run.

    Raises
    ------
    DataError
        If `path` can't be written, at once rather than after the run; or a name can't be stored; or the disk is full.
    """

    def __init__(self, path: Path, plant: Plant) -> None:
        _check_names(plant)
        self.path, self._plant = path, plant
        self._temporary: Path | None = _reserved(path)
        self._file = h5py.File(path.name, "w", driver="core", backing_store=False, libver=LIBVER, track_order=True)
        self._streams: dict[str, Schema] = {}
        self._pending: dict[str, list[Frame]] = {}
        self._happenings: list[Happening] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def discard(self) -> None:
        """Forget a run that is not finished."""
        if self._file:
            self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None

    def put(self, document: Document) -> None:
        """Record the document; `Stop` writes the file."""
        match document:
            case Start():
                self._begin(document)
            case Schema():
                self._streams[document.stream] = document
                self._lay_out(document)
            case Frame():
                self._pending[document.stream].append(document)
                self._append(document.stream, self._rows)
            case Happening():
                self._happenings.append(document)
            case Stop():
                self._finish(document)

    def _begin(self, start: Start) -> None:
        solver = self._plant.solver._asdict()
        self._members = start.members
        self._rows = max(CHUNK // start.members, LEAST_ROWS)
        self._file.attrs.update(
            {
                "format": FORMAT,
                "format_version": VERSION,
                "plant": start.plant,
                "plant_text": start.text,
                "plant_sha256": hashlib.sha256(start.text.encode()).hexdigest(),
                "assets_sha256": dumps(asset_hashes(self._plant), sort_keys=True),
                "seed": start.seed,
                "members": start.members,
                "until": start.until,
                "overrides": dumps(start.overrides, sort_keys=True),
                "solver": dumps({k: None if v == np.inf else v for k, v in solver.items()}, sort_keys=True),
                "versions": dumps(versions(), sort_keys=True),
            }
        )
        self._table("parameters", _parameters(self._plant))

    def _lay_out(self, schema: Schema) -> None:
        self._pending[schema.stream] = []
        group = self._file.require_group("tags").create_group(schema.stream, track_order=True)
        group.attrs["period"] = schema.period
        self._empty(group, "time", np.float64, ()).attrs["unit"] = "s"
        for column in schema.columns:
            tag = group.create_group(group_name(column.name))
            tag.attrs.update(
                {
                    "name": column.name,
                    "unit": column.unit,
                    "long_name": column.doc,
                    "source": f"{column.reads}: {column.doc}",
                    "reads": column.reads,
                    "period": schema.period,
                    "low": column.low,
                    "high": column.high,
                }
            )
            for name, kind in (("value", np.float64), ("truth", np.float64), ("quality", np.uint32)):
                self._empty(tag, name, kind, (self._members,))

    def _empty(self, group: Any, name: str, kind: type[np.generic], shape: tuple[int, ...]) -> Any:
        chunk = (*(min(n, CHUNK // self._rows) for n in shape), self._rows)
        return group.create_dataset(
            name, shape=(*shape, 0), maxshape=(*shape, None), dtype=kind, chunks=chunk, **_FILTERS
        )

    def _append(self, stream: str, rows: int) -> None:
        """Write the waiting frames as far as they fill whole chunks of `rows`: a chunk is compressed once."""
        frames = self._pending[stream]
        if (count := sum(frame.times.size for frame in frames)) < rows:
            return
        first, kept = frames[0].first, count - count % rows
        whole = Frame(
            stream,
            first,
            *(np.concatenate([getattr(f, n) for f in frames], axis=-1) for n in ("times", "value", "truth", "quality")),
        )
        self._write_rows(whole, kept)
        rest = (a[..., kept:] for a in (whole.times, whole.value, whole.truth, whole.quality))
        self._pending[stream] = [Frame(stream, first + kept, *rest)]

    def _write_rows(self, frame: Frame, count: int) -> None:
        group, end = self._file["tags"][frame.stream], frame.first + count
        group["time"].resize((end,))
        group["time"][frame.first :] = frame.times[:count]
        for i, column in enumerate(self._streams[frame.stream].columns):
            tag = group[group_name(column.name)]
            for name, rows in (("value", frame.value), ("truth", frame.truth), ("quality", frame.quality)):
                tag[name].resize((self._members, end))
                tag[name][:, frame.first :] = rows[i][:, :count]

    def _finish(self, stop: Stop) -> None:
        for stream in self._streams:
            self._append(stream, 1)
        happenings = [(h.time, h.member, h.name) for h in self._happenings]
        self._table("happenings", table_of(("time", "member", "name"), happenings))
        self._file.attrs.update({"time": stop.time, "ending": stop.ending, "message": stop.message})
        content = content_hash(self._file)
        self._file.attrs["content_sha256"] = content
        self._file.flush()
        body = self._file.id.get_file_image()
        self._file.close()
        assert self._temporary is not None  # noqa: S101 - a recorder records once
        try:
            _write(self._temporary, head(body), body)
            _check(self._temporary, self.path, content)
            self._settle()
            _sync_folder(self.path.parent)
        except OSError as err:
            raise DataError(
                f"{self.path}: can't be written: {err.strerror}; make room or name another folder"
            ) from None
        finally:
            self.discard()

    def _settle(self) -> None:
        """Give the file its name, unless something that is no run has got that name meanwhile."""
        assert self._temporary is not None  # noqa: S101 - a recorder records once
        try:
            _check_replaceable(self.path)
        except DataError as err:
            kept, self._temporary = self._temporary, None
            raise DataError(f"{err}; the run is kept in {kept}") from None
        self._temporary.replace(self.path)

    def _table(self, name: str, rows: np.ndarray) -> None:
        self._file.create_dataset(name, data=rows, chunks=(max(len(rows), 1),), maxshape=(None,), **_FILTERS)


def _reserved(path: Path) -> Path:
    """Return a new, empty file beside `path`, which shows that the folder can be written."""
    try:
        if not path.parent.is_dir():
            raise DataError(f"{path}: there is no folder {path.parent}; make it first")
        _check_replaceable(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        os.close(handle)
    except OSError as err:
        raise DataError(f"{path}: can't be written: {err.strerror}; name another folder") from None
    return Path(name)


def _check_replaceable(path: Path) -> None:
    """Refuse a path at which anything stands but a recorded run in a file of its own; nothing may stand there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: is a folder; name a file in it")
    if stat.S_ISLNK(mode):
        raise DataError(f"{path}: is a symbolic link; name the file itself")
    if not stat.S_ISREG(mode):
        raise DataError(f"{path}: is no regular file; name a file")
    if not is_whole(path):
        raise DataError(f"{path}: is no recorded run; choose another name, so that it isn't overwritten")


def _check_names(plant: Plant) -> None:
    """Refuse names that HDF5 can't hold, or that nobody could type to read them back."""
    for kind, names in (("plant", [plant.name]), ("tag", [*plant.tags])):
        for name in names:
            if not name.strip() or not name.isprintable():
                raise DataError(f"{kind} {name!r}: can't be recorded under this name; use letters, digits, signs")


def _write(path: Path, *parts: bytes) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)  # recorded is recorded


def _check(written: Path, path: Path, content: str) -> None:
    """Read back what was written, and compare it with what should have been."""
    with Run.load(written) as run:
        if run.meta["content_sha256"] != content or run.content_hash() != content:
            raise DataError(f"{path}: what was written reads back differently; check the disk")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # the rename itself
    finally:
        os.close(handle)


def table_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> np.ndarray:
    """Return rows as a structured array: texts as UTF-8 of the length of the longest, numbers as they are."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    encoded = [[v.encode() if isinstance(v, str) else v for v in column] for column in columns]

    def kind(column: list[Any]) -> Any:
        if not column:
            return np.float64
        if isinstance(column[0], bytes):
            return h5py.string_dtype("utf-8", max(1, *map(len, column)))
        return np.int64 if isinstance(column[0], int) else np.float64

    kinds = np.dtype([(name, kind(column)) for name, column in zip(names, encoded, strict=True)])
    return np.array(list(zip(*encoded, strict=True)), kinds)


def _parameters(plant: Plant) -> np.ndarray:
    """Return every number that a plant starts from, as a table."""

    def row(path: str, quantity: Quantity) -> tuple[Any, ...]:
        kind, text = map(str, quantity.source or ("", ""))
        if path in plant.values:
            kind, text = "plant", "the plant file or a change of it"
        return path, type(quantity).__name__.lower(), plant.value(path), quantity.unit, kind, text

    rows = [
        row(f"{asset}.{name}", quantity)
        for asset, cls in plant.assets.items()
        for name, quantity in cls.quantities().items()
        if not isinstance(quantity, Output | Due) and f"{asset}.{name}" not in plant.wires
    ]
    return table_of(("path", "role", "value", "unit", "source_kind", "source"), rows)
