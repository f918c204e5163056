"""A disk that can lose power, fail to sync or fill up, beneath the journal's real writer.

apsw lets Python stand between SQLite and its files; its connections take the place of sqlite3's, so that what is tested
is the writer's own code with its own statements and settings.

References
----------
The method of SQLite's crash tests: https://www.sqlite.org/testing.html#crash_testing
"""

import errno
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import apsw
import pytest

from twin.journal import opening, store

PIECE = 4096
"""Bytes that are written whole or not at all, as far as nothing was synced."""


FOLDER = ""
"""What a sync of the folder is recorded for: only it makes names and deletions last."""


class Operation(NamedTuple):
    """What was asked of the disk, or what the journal promised in between (`ack`, with the last id)."""

    kind: Literal["write", "truncate", "delete", "rename", "sync", "ack"]
    file: str
    at: int = 0
    data: bytes = b""


class Disk:
    """Records what is asked of it; `refuse` is asked before each write and sync, and may raise."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.log: list[Operation] = []
        self.refuse: Callable[[Operation], None] = lambda operation: None

    @contextmanager
    def beneath(self) -> Iterator[None]:
        """Let every journal that is opened to be written within the block stand on this disk."""
        name, plain = f"disk {id(self)}", store.connect
        system = _System(name, self)

        def connect(path: Path, mode: str) -> Any:
            return Connection(path, name) if mode == "mode=rw" else plain(path, mode)

        with self._monkeypatch.context() as patch:
            patch.setattr(store, "connect", connect)
            patch.setattr(opening, "named", self._named)
            yield
        system.unregister()

    def _named(self, old: Path, new: Path) -> None:
        try:
            self.take(Operation("rename", old.name, data=new.name.encode()))
            old.rename(new)
            self.take(Operation("sync", FOLDER))
        except apsw.Error:
            raise OSError(errno.EIO, os.strerror(errno.EIO)) from None

    def take(self, operation: Operation) -> None:
        """Record what is about to be done."""
        self.refuse(operation)
        self.log.append(operation)

    def count(self, kind: str) -> int:
        """Return how often it was asked for."""
        return sum(operation.kind == kind for operation in self.log)

    def lose_power(self, when: int, chance: random.Random, folder: Path) -> int:
        """Write what is left of the files after the first `when` operations; return the last id that was promised.

        What was synced is there, and of the rest each piece with even odds, whatever its order.
        """
        log = self.log[:when]
        synced = {operation.file: n for n, operation in enumerate(log) if operation.kind == "sync"}
        files: dict[str, bytearray] = {}
        for n, (kind, name, at, data) in enumerate(log):
            safe = n < synced.get(name, -1)
            if kind == "write":
                content = files.setdefault(name, bytearray())
                for begin, piece in _pieces(at, data):
                    if safe or chance.random() < 0.5:
                        content.extend(bytes(max(begin - len(content), 0)))
                        content[begin : begin + len(piece)] = piece
            elif kind == "truncate" and (safe or chance.random() < 0.5):
                content = files.setdefault(name, bytearray())
                del content[at:]
                content.extend(bytes(at - len(content)))
            elif kind == "delete" and (n < synced.get(FOLDER, -1) or chance.random() < 0.5):
                files.pop(name, None)
            elif kind == "rename" and (n < synced.get(FOLDER, -1) or chance.random() < 0.5) and name in files:
                files[data.decode()] = files.pop(name)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return max((operation.at for operation in log if operation.kind == "ack"), default=0)


def _pieces(at: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    end = at + len(data)
    while at < end:
        stop = min(end, at - at % PIECE + PIECE)
        yield at, data[len(data) - (end - at) : len(data) - (end - stop)]
        at = stop


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._disk, self._name = disk, Path(path).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.take(Operation("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._disk.take(Operation("truncate", self._name, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.take(Operation("sync", self._name))
        super().xSync(flags)


class _System(apsw.VFS):
    def __init__(self, name: str, disk: Disk) -> None:
        self._disk = disk
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        self._disk.take(Operation("delete", Path(filename).name))
        super().xDelete(filename, syncdir)
        if syncdir:
            self._disk.take(Operation("sync", FOLDER))


class _Cursor:
    """An apsw cursor as sqlite3 has it."""

    def __init__(self, cursor: apsw.Cursor) -> None:
        self._cursor = cursor

    def fetchone(self) -> Any:
        with _translated():
            return self._cursor.fetchone()

    def fetchall(self) -> Any:
        with _translated():
            return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        while (row := self.fetchone()) is not None:
            yield row


class Connection:
    """An apsw connection as the writer knows it from sqlite3."""

    def __init__(self, path: Path, vfs: str) -> None:
        with _translated():
            self._db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, vfs=vfs)

    def execute(self, statement: str, values: Any = ()) -> _Cursor:
        with _translated():
            return _Cursor(self._db.execute(statement, tuple(values)))

    def executemany(self, statement: str, values: Any) -> _Cursor:
        with _translated():
            return _Cursor(self._db.executemany(statement, values))

    def close(self) -> None:
        with suppress(apsw.Error):  # as sqlite3 does
            self._db.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except apsw.Error as err:
        code = getattr(err, "extendedresult", 0)
        names = {**apsw.mapping_result_codes, **apsw.mapping_extended_result_codes}
        said = sqlite3.OperationalError(str(err))
        said.sqlite_errorname = str(names.get(code, names.get(code & 0xFF, "SQLITE_ERROR")))
        raise said from None


def failure(kind: type[apsw.Error], code: int) -> apsw.Error:
    """Return what a file raises to fail with `code`."""
    error = kind("as the test asks")
    error.extendedresult = code
    return error
