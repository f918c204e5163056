"""The shards of a data set in a folder: put there whole or not at all, and found again by who goes on."""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from scenarios.dataset.shard import fault_of
from scenarios.results import Results, unpacked
from twin.errors import DataError, SnapshotError

SHARDS, SUFFIX, LOCK, TEMPORARY = "shards", ".h5", ".lock", ".tmp"


def shard_name(index: int) -> str:
    """Return what a shard is called, as a branch and as a file without its suffix."""
    return f"shard-{index:05d}"


class ShardStore:
    """The folder of shards, held for as long as some may be put there.

    Raises
    ------
    SnapshotError
        If it holds shards of another data set.
    DataError
        If it is in use, or can't be written.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self.files: dict[str, str] = {}
        self.damaged: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise DataError(f"{folder}: can't be written: {err.strerror or err}; choose another folder") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise DataError(f"{folder}: another `make` writes here; wait for its end, or choose another one") from None
        try:
            self._look()
        except OSError as err:
            self.close()
            raise DataError(f"{folder}: can't be read: {err.strerror or err}; choose another folder") from None
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        """Find what is there: damaged shards are made again, those of another data set refused."""
        for path in sorted(self.folder.iterdir()):
            if path.name.endswith(TEMPORARY):
                path.unlink()
            elif path.suffix == SUFFIX:
                with path.open("rb") as file:
                    data = file.read()
                if (said := fault_of(data, self.identity)).startswith("belongs"):
                    raise SnapshotError(f"{path}: {said}; choose another folder, or remove this one")
                if said:
                    self.damaged.append(path.name)
                    path.unlink()
                else:
                    self.files[path.stem] = path.name

    def put(self, data: bytes, keys: Sequence[str]) -> None:
        """Keep shards, as a worker packed them."""
        for key, result in unpacked(data).items():
            if key in keys:
                self._write(key, np.asarray(result["file"]).tobytes())

    def _write(self, key: str, body: bytes) -> None:
        name, temporary = f"{key}{SUFFIX}", ""
        try:
            handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=TEMPORARY)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(self.folder / name)
        except OSError as err:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise DataError(
                f"{self.folder}: can't be written: {err.strerror or err}; make room and run it again with --resume: "
                f"{len(self.files)} finished shards are kept"
            ) from None
        self.files[key] = name

    def results(self, keys: Sequence[str]) -> Results:
        """Return which shards there are; their numbers are in their files alone."""
        return Results(self.folder, {key: self.files[key] for key in keys if key in self.files})

    def close(self) -> None:
        """Let go of the folder."""
        (self.folder / LOCK).unlink(missing_ok=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()
