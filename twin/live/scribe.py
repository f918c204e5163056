"""Writes what the twin said, instant by instant, into a file that can be rebuilt from the journal at any time."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from twin.errors import DataError
from twin.history import trends
from twin.history.reader import DAMAGED, FORMAT, History, unreadable
from twin.history.row import Row
from twin.history.trends import MICRO
from twin.live.instant import Instant
from twin.monitor.life import Change
from twin.pack import pack

_SCHEMA = """
create table if not exists about(name text primary key, value blob) without rowid;
create table if not exists instants(time integer primary key, body blob not null);
create table if not exists changes(entry integer, number integer, time real, body blob, primary key(entry, number))
  without rowid;
create table if not exists standing(id text primary key, body blob) without rowid;
create table if not exists live(name text primary key, body blob) without rowid;
"""


class HistoryFull(DataError):  # noqa: N818 - it says what is the matter
    """The disk is full: nothing was written, and the same may be tried again."""


class Scribe(History):
    """Writes instants and changes of advisories; written twice they are written once.

    Parameters
    ----------
    folder : Path
        The data folder of the twin.

    Raises
    ------
    DataError
        If the file can't be opened.
    """

    def __init__(self, folder: Path) -> None:
        self._listed: list[tuple[str, bytes]] | None = None
        super().__init__(folder)
        self._inode = self.path.stat().st_ino
        self._every = float(self.about("every") or 1.0)

    def _open(self) -> None:
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        # Derived: what a power cut takes is written again from the journal.
        self._db.execute("pragma synchronous=normal")
        if not self._db.execute("select 1 from sqlite_schema limit 1").fetchone():
            self._db.executescript(f"begin immediate;{_SCHEMA}{trends.SCHEMA}pragma user_version={FORMAT};")
            begun = pack(time.time_ns())  # whoever reads sees that it is another than before
            self._db.execute("insert or ignore into live values('begun',?)", (begun,))
            self._db.execute("commit")
        self._check_format()

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
        """Note what the columns are.

        Raises
        ------
        DataError
            If it can't be written.
        """
        with self._transaction():
            self._db.executemany(
                "insert or replace into about values(?,?)",
                [(name, msgspec.msgpack.encode(value)) for name, value in values.items()],
            )
        self._every = float(values.get("every", self._every))

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
        rows = [(round(i.time * MICRO), row_of(i).packed()) for _, i in instants if np.isfinite(i.expected).any()]
        told = list(_numbered(instants))
        if not rows and not told:
            return
        listed = [(a.id, msgspec.msgpack.encode(a)) for a in standing]
        with self._transaction():
            self._db.executemany("insert or replace into instants values(?,?)", rows)
            self._db.executemany(
                "insert or replace into changes values(?,?,?,?)",
                [(entry, number, c.time, msgspec.msgpack.encode(c)) for entry, number, c in told],
            )
            if rows:
                trends.summarise(self._db, self._every, rows[-1][0] / MICRO)
            if listed != self._listed:  # sizes and outlooks change while nothing else does
                self._db.execute("delete from standing")
                self._db.executemany("insert into standing values(?,?)", listed)
        self._listed = listed

    def show(self, **values: Any) -> None:
        """Replace what is shown under these names, of what is never kept.

        Raises
        ------
        DataError
            If it can't be written.
        """
        with self._transaction():
            self._db.executemany(
                "insert or replace into live values(?,?)", [(name, pack(value)) for name, value in values.items()]
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all of what is inside, or nothing."""
        try:
            self._db.execute("begin immediate")
            yield
            self._db.execute("commit")
        except sqlite3.Error as err:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise self._unwritten(err) from None

    def sync(self) -> None:
        """Let a power cut leave what was written until now, before a snapshot says that it was."""
        try:
            self._db.execute("pragma wal_checkpoint(passive)").fetchone()
        except sqlite3.Error as err:
            raise self._unwritten(err) from None

    def _unwritten(self, err: sqlite3.Error) -> DataError:
        name = getattr(err, "sqlite_errorname", "")
        if name in DAMAGED:
            return unreadable(self.path, err)
        full = name == "SQLITE_FULL"
        return (HistoryFull if full else DataError)(
            f"{self.path}: history can't be written: {err}; make room, or check its rights"
        )


def row_of(instant: Instant) -> Row:
    """Return what history keeps of an instant."""
    v = instant.verdict
    return Row(
        instant.time, instant.reading, instant.quality, instant.expected, instant.deviation, instant.fit,
        v.suspicious, [list(c) for c in v.candidates], instant.believed,
    )  # fmt: skip


def _numbered(instants: Sequence[tuple[int, Instant]]) -> Iterator[tuple[int, int, Change]]:
    """Yield changes, each with its entry and its number among those of the same entry."""
    entry, number = 0, 0
    for at, instant in instants:
        for change in instant.changes:
            entry, number = (at, number + 1) if at == entry else (at, 0)
            yield entry, number, change
