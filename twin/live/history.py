"""What the twin said, instant by instant, in a file that can be rebuilt from the journal at any time."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

import msgspec
import numpy as np

from twin.documents import Advisory
from twin.errors import DataError
from twin.live.pack import pack, unpack
from twin.live.twin import Instant
from twin.monitor.life import Change

FILE = "history.sqlite"
T = TypeVar("T")
_SCHEMA = """
create table if not exists about(name text primary key, value blob) without rowid;
create table if not exists instants(time integer primary key, body blob not null);
create table if not exists changes(entry integer, number integer, time real, body blob, primary key(entry, number))
  without rowid;
create table if not exists standing(id text primary key, body blob) without rowid;
"""


DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


class Damaged(DataError):  # noqa: N818 - it says what is the matter
    """It is no history, or not a whole one; what is in it is derived."""


class HistoryFull(DataError):  # noqa: N818 - it says what is the matter
    """The disk is full: nothing was written, and the same may be tried again."""


class Row(NamedTuple):
    """An instant as history keeps it; arrays as `Instant` has them."""

    time: float
    reading: np.ndarray
    quality: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    fit: float
    suspicious: bool
    candidates: list[list[Any]]


class History:
    """Writes instants and changes of advisories; written twice they are written once.

    Parameters
    ----------
    folder : Path
        The data folder of the twin.
    write : bool
        False opens what a twin is writing, to read it.

    Raises
    ------
    DataError
        If the file can't be opened.
    """

    def __init__(self, folder: Path, *, write: bool = True) -> None:
        self.path = folder / FILE
        self._listed: list[tuple[str, bytes]] | None = None
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_file()):
            raise DataError(f"{self.path}: is no regular file; move it away")
        if not write and not self.path.exists():
            raise DataError(f"{self.path}: is not there: no twin has followed a plant in this folder; see `twin live`")
        try:
            self._open(write)
        except sqlite3.Error as err:
            raise _unreadable(self.path, err) from None
        self._inode = self.path.stat().st_ino

    def _open(self, write: bool) -> None:
        if write:
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            # Derived: what a power cut takes is written again from the journal.
            self._db.execute("pragma synchronous=normal")
            self._db.executescript(_SCHEMA)
        else:
            self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            self._db.execute("select 1 from instants limit 1")

    def check(self) -> None:
        """Refuse to go on where the file that is written was moved away or deleted.

        Raises
        ------
        DataError
            If it was.
        """
        try:
            there = self.path.stat().st_ino == self._inode
        except OSError:
            there = False
        if not there:
            raise DataError(f"{self.path}: was moved away or deleted; the twin begins it anew")

    def describe(self, **values: Any) -> None:
        """Note what the columns are."""
        with self._db:
            for name, value in values.items():
                self._db.execute("insert or replace into about values(?,?)", (name, msgspec.msgpack.encode(value)))

    def about(self, name: str) -> Any:
        """Return what was noted under a name; None where nothing was."""
        found = self._read("select value from about where name=?", (name,)).fetchone()
        return msgspec.msgpack.decode(found[0]) if found else None

    def add(self, instants: Sequence[tuple[int, Instant]], standing: Sequence[Any]) -> None:
        """Write instants, each with the number of the entry that settled it, in one transaction.

        Parameters
        ----------
        standing : sequence of Advisory
            What stands after the last of them, as it is now.

        Raises
        ------
        HistoryFull
            If the disk is full.
        DataError
            If it can't be written for another reason.
        """
        rows = [(round(i.time * 1e6), pack(_kept(i))) for _, i in instants if np.isfinite(i.expected).any()]
        told = list(_numbered(instants))
        if not rows and not told:
            return
        listed = [(a.id, msgspec.msgpack.encode(a)) for a in standing]
        try:
            self._db.execute("begin immediate")
            self._db.executemany("insert or replace into instants values(?,?)", rows)
            self._db.executemany(
                "insert or replace into changes values(?,?,?,?)",
                [(entry, number, c.time, msgspec.msgpack.encode(c)) for entry, number, c in told],
            )
            if listed != self._listed:  # sizes and outlooks change while nothing else does
                self._db.execute("delete from standing")
                self._db.executemany("insert into standing values(?,?)", listed)
            self._db.execute("commit")
            self._listed = listed
        except sqlite3.Error as err:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise self._unwritten(err) from None

    def rows(self, after: float = -1e18, until: float = 1e18) -> Iterator[Row]:
        """Yield the instants in (after, until], source time [s]."""
        span = (round(max(after, -9e12) * 1e6), round(min(until, 9e12) * 1e6))
        for (body,) in self._read("select body from instants where time>? and time<=? order by time", span):
            yield Row(*unpack(body))

    def changes(self, entry: int | None = None) -> list[Change]:
        """Return every transition of an advisory in order, or those alone that an entry of the journal caused."""
        span = (0, 2**62) if entry is None else (entry, entry)
        found = self._db.execute("select body from changes where entry between ? and ? order by entry, number", span)
        return [self._decoded(body, Change) for (body,) in found]

    def standing(self) -> list[Advisory]:
        """Return the advisories that stand."""
        found = self._read("select body from standing order by id")
        return [self._decoded(body, Advisory) for (body,) in found]

    def newest(self) -> float | None:
        """Return the source time of the last instant [s]; None where there is none."""
        (last,) = self._read("select max(time) from instants").fetchone()
        return None if last is None else last / 1e6

    def _read(self, statement: str, given: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, given)
        except sqlite3.Error as err:
            raise _unreadable(self.path, err) from None

    def _decoded(self, body: bytes, kind: type[T]) -> T:
        try:
            return msgspec.msgpack.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise DataError(f"{self.path}: holds no {kind.__name__} ({err}); delete it, it is written again") from None

    def sync(self) -> None:
        """Let a power cut leave what was written until now, before a snapshot says that it was."""
        try:
            self._db.execute("pragma wal_checkpoint(passive)").fetchone()
        except sqlite3.Error as err:
            raise self._unwritten(err) from None

    def _unwritten(self, err: sqlite3.Error) -> DataError:
        name = getattr(err, "sqlite_errorname", "")
        if name in DAMAGED:
            return _unreadable(self.path, err)
        full = name == "SQLITE_FULL"
        return (HistoryFull if full else DataError)(
            f"{self.path}: history can't be written: {err}; make room, or check its rights"
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


def _unreadable(path: Path, err: sqlite3.Error) -> DataError:
    """Return what is to be said of a file that SQLite can't read, or is no history."""
    name = getattr(err, "sqlite_errorname", "")
    if name == "SQLITE_READONLY":
        return DataError(f"{path}: can't be read without the right to write into {path.parent}; ask its owner")
    if name in DAMAGED or (isinstance(err, sqlite3.OperationalError) and "no such" in str(err)):
        return Damaged(f"{path}: is damaged, or no history ({err}); move it away, and the twin begins it anew")
    return DataError(f"{path}: can't be opened: {err}; check the folder and its rights")


def _numbered(instants: Sequence[tuple[int, Instant]]) -> Iterator[tuple[int, int, Change]]:
    """Yield changes, each with its entry and its number among those of the same entry."""
    entry, number = 0, 0
    for at, instant in instants:
        for change in instant.changes:
            entry, number = (at, number + 1) if at == entry else (at, 0)
            yield entry, number, change


def _kept(instant: Instant) -> list[Any]:
    v = instant.verdict
    return [
        instant.time, instant.reading, instant.quality, instant.expected, instant.deviation, instant.fit,
        v.suspicious, [list(c) for c in v.candidates],
    ]  # fmt: skip
