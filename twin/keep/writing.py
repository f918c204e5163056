"""Writing an archive under a temporary name; nothing of it is left where that fails."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from twin.errors import DataError
from twin.keep.sink import Sink
from twin.keep.tables import FILTERS, FORMAT, ROWS, TABLES, VERSION, hdf5_type
from twin.recorder import LIBVER

PREFIX, SUFFIX = ".", ".tmp"


class Digest:
    """The SHA-256 of every column of every table, which does not depend on how they are compressed."""

    def __init__(self) -> None:
        self._columns = {(t, c): hashlib.sha256() for t, columns in TABLES.items() for c in columns}

    def put(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take the next rows of a table."""
        for name, values in columns.items():
            self._columns[table, name].update(np.ascontiguousarray(values).data.cast("B") if values.size else b"")

    def hexdigest(self) -> str:
        """Return the hash of all."""
        each = "".join(f"{t}/{c} {digest.hexdigest()}\n" for (t, c), digest in self._columns.items())
        return hashlib.sha256(each.encode()).hexdigest()


class Written:
    """A file that is being written, in a folder where it gets its name later; a context that leaves nothing behind.

    Parameters
    ----------
    folder : pathlib.Path
        Where it will stand.

    Raises
    ------
    DataError
        If it can't be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            self._handle, name = tempfile.mkstemp(dir=folder, prefix=PREFIX, suffix=SUFFIX)
        except OSError as err:
            raise unwritable(folder, err) from None
        self.path: Path | None = Path(name)
        self._sink = Sink(self._handle)
        self._digest = Digest()
        self._rows = dict.fromkeys(TABLES, 0)
        self._file = h5py.File(self._sink, "w", libver=LIBVER, track_order=True, rdcc_nbytes=0)
        try:
            self._lay_out()
        except BaseException:
            self.discard()
            raise

    def _lay_out(self) -> None:
        with self._honest():
            for table, columns in TABLES.items():
                group = self._file.create_group(table, track_order=True)
                for column, kind in columns.items():
                    group.create_dataset(
                        column, shape=(0,), maxshape=(None,), dtype=hdf5_type(kind), chunks=(ROWS[table],), **FILTERS
                    )

    def put(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Append rows to a table.

        Raises
        ------
        DataError
            If the disk is full, or fails.
        """
        begin = self._rows[table]
        end = self._rows[table] = begin + next(iter(columns.values())).size
        for name, values in columns.items():
            with self._honest():
                data = self._file[table][name]
                data.resize((end,))
                data[begin:] = values.view(data.dtype)
        self._digest.put(table, columns)

    def content(self) -> str:
        """Return the hash of all that was put."""
        return self._digest.hexdigest()

    def finish(self, attributes: Mapping[str, Any]) -> Path:
        """Complete the file and return where it is, once it is on disk.

        Raises
        ------
        DataError
            If the disk is full, or fails.
        """
        with self._honest():
            self._file.attrs.update({"format": FORMAT, "format_version": VERSION, **attributes})
            self._file.close()
        assert self.path is not None  # noqa: S101 - a file is finished once
        try:
            os.fchmod(self._handle, 0o444)  # archived is archived
            os.fsync(self._handle)
            os.posix_fadvise(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)  # it shall be read back from the disk
        except OSError as err:
            raise unwritable(self.folder, err) from None
        return self.path

    def discard(self) -> None:
        """Forget the file, unless it has got its name."""
        with suppress(OSError, RuntimeError, ValueError):
            self._file.close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self.path is not None:
            self.path.unlink(missing_ok=True)
            self.path = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.discard()

    @contextmanager
    def _honest(self) -> Iterator[None]:
        """Raise what the disk said, also where HDF5 stumbles over it."""
        try:
            yield
        except (OSError, RuntimeError, ValueError):
            if self._sink.error is None:
                raise
        if self._sink.error is not None:
            raise unwritable(self.folder, self._sink.error)


def unwritable(folder: Path, error: OSError) -> DataError:
    """Return the error that says why nothing can be written into `folder`."""
    return DataError(f"{folder}: can't be written: {error.strerror}; make room, or check the rights and the disk")


def synced(folder: Path) -> None:
    """Wait until the names in a folder are on disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
