"""The gateway's buffer on disk: what was put in is there after any crash, until the twin has it on its own disk."""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from twin.errors import DataError
from twin.protocol import MAX_RUN, FrameError, Tag, renumber

FORMAT = 1
"""Raised when the tables change."""
APPLICATION = 0x74776762
"""What the header of a buffer's file says it is: `twgb`."""
MOST_BYTES = 1 << 30
"""Frames held unless said otherwise; about a week of 100 readings a second."""
MOST_ASIDE = 64 << 20
"""Refused frames that are kept for a person; beyond it the oldest go."""

_LAZY = 64  # batches that may be deleted a little later, with the next that is stored
_SETTINGS = (
    "PRAGMA locking_mode = EXCLUSIVE",  # a second process on this buffer is refused, and a crash leaves no lock
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA trusted_schema = OFF",
)
_SCHEMA = (
    "CREATE TABLE batches (seq INTEGER PRIMARY KEY, frame BLOB NOT NULL) STRICT",
    """CREATE TABLE aside (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, seq INTEGER NOT NULL, frame BLOB NOT NULL,
    UNIQUE (run, seq)) STRICT""",
    """CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), run INTEGER NOT NULL, next INTEGER NOT NULL,
    dropped INTEGER NOT NULL, tags BLOB NOT NULL) STRICT""",
)


class _Held(NamedTuple):
    """What is kept in memory as well: replaced by each change, and back again where that fails."""

    run: int
    first: int
    next: int
    size: int
    dropped: int
    undeleted: int


class Buffer:
    """Batches by their seq in an SQLite file; a `twin.gateway.sender.Store`.

    One thread at a time may use it. After a failure of the disk it takes nothing more.

    Parameters
    ----------
    path : Path
        The file; it is made where there is none.
    most_bytes : int
        Frames held at most [byte]; beyond it the oldest are dropped, which the twin is told.

    Raises
    ------
    DataError
        If the file can't be read or written, is no buffer, or is used by another process.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path, self._most = path, most_bytes
        self._failed = self._inside = False
        self._held = _Held(0, 1, 1, 0, 0, 0)
        if not path.parent.is_dir():
            raise DataError(f"{path}: there is no folder {path.parent}; make it")
        with self._errors():
            self._db = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
        try:
            with self._errors():
                self._open()
                self._load()
        except BaseException:
            self._db.close()
            raise

    @property
    def run(self) -> int:
        """Random number of 63 bits, made once when the buffer is created."""
        return self._held.run

    @property
    def dropped(self) -> int:
        """How many batches were dropped for want of room, ever."""
        return self._held.dropped

    @property
    def held_bytes(self) -> int:
        """How many bytes of frames are held."""
        return self._held.size

    def aside(self) -> list[tuple[int, int, bytes]]:
        """Return run, seq and frame of the batches that the twin refused."""
        with self._errors():
            return list(self._db.execute("SELECT run, seq, frame FROM aside ORDER BY id"))

    def tags(self) -> list[Tag]:
        """Return the tags that the batches' indexes refer to; none in a new buffer."""
        with self._errors():
            (packed,) = self._db.execute("SELECT tags FROM state").fetchone()
        try:
            return msgspec.msgpack.decode(packed, type=list[Tag])
        except msgspec.DecodeError as err:
            raise DataError(f"{self.path}: its list of tags is damaged ({err}); move the file away") from None

    def declare(self, tags: list[Tag]) -> None:
        """Keep the list of tags."""
        with self.transaction():
            self._db.execute("UPDATE state SET tags = ?", (msgspec.msgpack.encode(tags),))

    def first(self) -> int:
        """Return the oldest seq held, or `next` where none is."""
        return self._held.first

    def next(self) -> int:
        """Return the seq of the next batch: 1 in a new buffer, never going back within a run."""
        return self._held.next

    def body(self, seq: int) -> bytes:
        """Return the frame of a batch that is held."""
        with self._errors():
            found = self._db.execute("SELECT frame FROM batches WHERE seq = ?", (seq,)).fetchone()
        if found is None or seq < self._held.first:
            raise DataError(f"{self.path}: batch {seq} is not held; this is a defect of twin, report it")
        return bytes(found[0])

    def store(self, seq: int, frame: bytes) -> None:
        """Keep a batch, whose `seq` is `next`; where there is no room drop the oldest: `first` tells."""
        if seq != self._held.next:
            raise DataError(f"{self.path}: batch {seq} can't follow on {self._held.next - 1}; this is a defect of twin")
        with self.transaction():
            self._drop(len(frame))
            held = self._held
            self._db.execute("DELETE FROM batches WHERE seq < ?", (held.first,))
            self._db.execute("INSERT INTO batches VALUES (?, ?)", (seq, frame))
            self._db.execute("UPDATE state SET next = ?, dropped = ?", (seq + 1, held.dropped))
            self._held = held._replace(next=seq + 1, size=held.size + len(frame), undeleted=0)

    def delete_to(self, seq: int) -> None:
        """Delete every batch up to `seq`, this one too, now or with the next one stored.

        After a crash some may be back; the twin has them, and is not bothered by them.
        """
        held = self._held
        if seq < held.first:
            return
        self._held = held._replace(
            first=seq + 1,
            size=held.size - self._size("seq BETWEEN ? AND ?", held.first, seq),
            undeleted=held.undeleted + seq + 1 - held.first,
        )
        if self._held.undeleted >= _LAZY:
            self.tidy()

    def tidy(self) -> None:
        """Delete from the disk what `delete_to` left there."""
        if self._held.undeleted:
            with self.transaction():
                self._db.execute("DELETE FROM batches WHERE seq < ?", (self._held.first,))
                self._held = self._held._replace(undeleted=0)

    def set_aside(self, seq: int, frame: bytes) -> None:
        """Put `frame` in the place of a refused batch, which is kept apart; of one seq only the first is."""
        with self.transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO aside (run, seq, frame) SELECT ?, seq, frame FROM batches WHERE seq = ?",
                (self._held.run, seq),
            )
            kept = self._db.execute("SELECT id, length(frame) FROM aside ORDER BY id DESC").fetchall()
            total = 0
            for number, size in kept:
                total += size
                if total > MOST_ASIDE:
                    self._db.execute("DELETE FROM aside WHERE id <= ?", (number,))
                    break
            before = self._size("seq = ?", seq)
            self._db.execute("UPDATE batches SET frame = ? WHERE seq = ?", (frame, seq))
            self._held = self._held._replace(size=self._held.size + len(frame) - before)

    def new_run(self, run: int) -> None:
        """Keep `run`, and number what is held 1, 2, ... by `twin.protocol.renumber`, all or nothing."""
        with self.transaction():
            held = self._held
            self._db.execute("DELETE FROM batches WHERE seq < ?", (held.first,))
            # A new number is never higher than the old one, so none is in the way of another.
            for number, old in enumerate(range(held.first, held.next), 1):
                try:
                    frame = renumber(self.body(old), number)
                except FrameError as err:
                    raise DataError(f"{self.path}: batch {old} is damaged ({err}); move the file away") from None
                self._db.execute("UPDATE batches SET seq = ?, frame = ? WHERE seq = ?", (number, frame, old))
            self._db.execute("UPDATE state SET run = ?, next = ?", (run, held.next - held.first + 1))
            self._load()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Store everything within at once, or nothing of it; one within another is part of it.

        Raises
        ------
        DataError
            If the disk is full, then nothing was stored and it may be tried again; if the disk failed, then nothing
            more is taken.
        """
        if self._inside:
            yield
            return
        if self._failed:
            raise DataError(f"{self.path}: writing failed before; see to the disk, and start again")
        self._inside, before = True, self._held
        try:
            with self._errors():
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
        except BaseException as err:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._held = before
            self._failed = isinstance(err.__cause__, sqlite3.Error) and not _is_full(err.__cause__)
            raise
        finally:
            self._inside = False

    def close(self) -> None:
        """Let other processes have the file; closing twice is no error."""
        with suppress(DataError, sqlite3.ProgrammingError):
            self.tidy()
        self._db.close()

    def _open(self) -> None:
        for setting in _SETTINGS:
            self._db.execute(setting)
        self._db.execute("BEGIN EXCLUSIVE")
        if self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
            for statement in _SCHEMA:
                self._db.execute(statement)
            run = 1 + secrets.randbelow(MAX_RUN)
            self._db.execute("INSERT INTO state VALUES (1, ?, 1, 0, ?)", (run, msgspec.msgpack.encode([])))
            self._db.execute(f"PRAGMA application_id = {APPLICATION}")
            self._db.execute(f"PRAGMA user_version = {FORMAT}")
        self._db.execute("COMMIT")
        about = [self._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if about != [APPLICATION, FORMAT]:
            raise DataError(f"{self.path}: is no buffer of this version of twin; name another file")

    def _load(self) -> None:
        """Take from the disk what is kept in memory as well."""
        run, end, dropped = self._db.execute("SELECT run, next, dropped FROM state").fetchone()
        first, last, count = self._db.execute("SELECT min(seq), max(seq), count(*) FROM batches").fetchone()
        if first is None:
            first, last = end, end - 1
        if (last, count) != (end - 1, end - first):
            raise DataError(f"{self.path}: batches are missing in the middle; move the file away, and begin a new one")
        self._held = _Held(run, first, end, self._size("seq >= ?", first), dropped, 0)

    def _drop(self, room: int) -> None:
        """Let go of the oldest batches until `room` bytes are free."""
        held = self._held
        while held.size + room > self._most and held.first < held.next:
            size = held.size - self._size("seq = ?", held.first)
            held = held._replace(first=held.first + 1, size=size, dropped=held.dropped + 1)
        self._held = held

    def _size(self, where: str, *values: int) -> int:
        with self._errors():
            found = self._db.execute(f"SELECT total(length(frame)) FROM batches WHERE {where}", values)  # noqa: S608
            return int(found.fetchone()[0])

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what SQLite complains of."""
        try:
            yield
        except sqlite3.Error as err:
            name = getattr(err, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                what = "another process uses this buffer; every gateway needs its own"
            elif _is_full(err):
                what = "the disk is full; make room, then put the readings again"
            elif name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
                what = f"is no buffer, or damaged ({err}); move it away, and begin a new one"
            else:
                what = f"can't be used: {err}; check the rights and the disk"
            raise DataError(f"{self.path}: {what}") from err


def _is_full(err: BaseException | None) -> bool:
    return isinstance(err, sqlite3.Error) and getattr(err, "sqlite_errorname", "") == "SQLITE_FULL"
