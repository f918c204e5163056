"""The single writer of a journal: one transaction and one fsync for a batch of entries."""

import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twin.errors import DataError
from twin.journal import store
from twin.journal.entries import KINDS, Draft, Entry, JournalFull
from twin.journal.folder import claimed, free, prepared, unwritable
from twin.journal.opening import opened
from twin.journal.rejects import Rejects
from twin.journal.store import link

CHECKPOINT = 16 * 2**20
"""Bytes of the write-ahead log after which its pages are copied into the file."""

_FRAME = store.PAGE + 24
"""Bytes that a page takes in the log."""


class Journal:
    """The journal of a data folder, open for appending.

    After an error other than `JournalFull` nothing more is taken: what the disk holds is only known after a restart.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, lock: int, reserve: int | None) -> None:
        self.path, self._db, self._lock, self._reserve = path, db, lock, reserve
        self._broken: DataError | None = None
        self._logged = 0
        first, self._chain, self.identity = db.execute(store.ANCHOR).fetchone()
        self._last: int = first - 1
        if (found := db.execute("SELECT id, chain FROM entries ORDER BY id DESC LIMIT 1").fetchone()) is not None:
            self._last, self._chain = found
        self._rejects = Rejects(db)

    @classmethod
    def open(cls, folder: Path, *, reserve: int | None = None) -> "Journal":
        """Open the journal of `folder`, which is made where there is none.

        Parameters
        ----------
        folder : pathlib.Path
            The folder above it must exist.
        reserve : int, optional
            Bytes of the disk that are left free; unless given, the larger of 512 MiB and 5 % of the disk.

        Raises
        ------
        DataError
            If another process writes it, the folder or the file can't be written, the file is no journal or one of
            another format, or its end is damaged.
        """
        lock = claimed(folder)
        try:
            path = prepared(folder)
            return cls(path, opened(path), lock, reserve)
        except BaseException as err:
            os.close(lock)
            if isinstance(err, store.ERRORS):
                raise store.failure(folder / store.FILE, err) from None
            if isinstance(err, OSError):
                raise unwritable(folder, err) from None
            raise

    def append(self, drafts: Sequence[Draft]) -> int:
        """Store `drafts` in one transaction and return the last id once it is on disk.

        Raises
        ------
        JournalFull
            If the disk is full: nothing was stored, and the same drafts may come again.
        DataError
            If a draft doesn't follow on what is stored, then nothing was stored; or if input or output failed: it is
            never retried, and the process must end without acknowledging.
        """
        self._check_usable()
        if not drafts:
            return self._last
        rows, heads = self._rows(drafts)
        size = sum(len(draft.body) for draft in drafts)
        if free(self.path.parent, self._reserve) < size + self._rejects.waiting:
            raise JournalFull(
                f"{self.path}: the disk is nearly full, nothing was stored; make room, what was refused may come again"
            )
        with self.transaction() as db:
            db.executemany(store.ADD_ENTRY, rows)
            db.executemany(store.ADD_TO_HEAD, heads)
            beside, kept = self._rejects.waiting, self._rejects.store()
        self._rejects.stored(kept)
        self._last, self._chain = rows[-1][0], rows[-1][-1]
        self.logged(size + beside + _FRAME * (3 * len(drafts) + 4))
        return self._last

    def have(self, gateway: str, run: int) -> int:
        """Return the last sequence number that is stored or declared lost, 0 if there is none."""
        return int(self._one(store.HAVE, gateway, run)[0])

    def crc_of(self, gateway: str, run: int, seq: int) -> int | None:
        """Return the CRC-32 of the stored data frame; None where it is declared lost, pruned or not there."""
        what = "SELECT crc FROM entries WHERE kind = 'data' AND gateway = ? AND run = ? AND seq = ?"
        found = self._one(what, gateway, run, seq)
        return None if found is None else int(found[0])

    def hellos(self) -> list[Entry]:
        """Return the latest hello of every gateway and run, in their order."""
        with self._errors():
            return [Entry(*row[:-1]) for row in self._db.execute(store.LATEST_HELLOS)]

    def actions(self, most: int) -> list[Entry]:
        """Return the latest actions, at most so many, in their order."""
        latest = f"SELECT {store.FIELDS} FROM entries WHERE kind = 'action' ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._errors():
            return [Entry(*row) for row in self._db.execute(latest, (most,))][::-1]

    def last(self) -> int:
        """Return the id of the last entry, 0 if there was none."""
        return self._last

    def first(self) -> int:
        """Return the id of the first entry that is not pruned; `last` + 1 where none is left."""
        return int(self._one(store.ANCHOR)[0])

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement on the journal's tables."""
        with self._errors():
            return self._db.execute(statement, values).fetchall()

    def reject(self, gateway: str, received: int, reason: str, frame: bytes) -> None:
        """Keep a refused frame for people to look at, beside the truth and within a quota.

        It is stored with the next batch that is appended; the oldest are dropped and counted.
        """
        self._rejects.add(gateway, received, reason, frame)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction that is stored whole or not at all.

        Raises
        ------
        JournalFull, DataError
            As `append` does.
        """
        self._check_usable()
        with self._errors():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as err:
                if not (isinstance(err, store.ERRORS) and store.is_full(err)):
                    self._broken = DataError(f"{self.path}: writing failed before ({err!r}); start again")
                with suppress(*store.ERRORS):  # SQLite may have done it; what it can't undo, it will on opening
                    self._db.execute("ROLLBACK")
                raise

    def checkpoint(self) -> None:
        """Copy the log's pages into the file as far as readers let us, so that the log can begin anew.

        Raises
        ------
        DataError
            If input or output failed.
        """
        self._check_usable()
        self._logged = 0
        try:
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except store.ERRORS as err:
            if not store.is_full(err):  # what is in the log is safe there
                self._broken = store.failure(self.path, err)
                raise self._broken from None

    def close(self) -> None:
        """Give the folder free; closing twice is no error."""
        if self._lock < 0:
            return
        try:
            if self._broken is None and self._rejects.waiting:
                with suppress(DataError), self.transaction():  # beside the truth: not worth an error
                    self._rejects.store()
        finally:
            self._db.close()
            os.truncate(self._lock, 0)
            os.close(self._lock)
            self._lock, self._broken = -1, DataError(f"{self.path}: is closed; open it again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _check_usable(self) -> None:
        if self._broken is not None:
            raise self._broken

    def logged(self, size: int) -> None:
        """Count what a transaction added to the log [byte], and checkpoint it when that is enough."""
        self._logged += size
        if self._logged >= CHECKPOINT:
            self.checkpoint()

    def _rows(self, drafts: Sequence[Draft]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows that `drafts` become, and what each head gains; refuse what doesn't follow."""
        rows: list[tuple[Any, ...]] = []
        heads: dict[tuple[str, int, str], list[int]] = {}
        have: dict[tuple[str, int], int] = {}
        number, chain = self._last, self._chain
        for draft in drafts:
            number += 1
            holds = self._held(draft, have)
            chain = link(chain, (number, *draft))
            rows.append((number, *draft, holds, zlib.crc32(draft.body), chain))
            head = heads.setdefault((draft.gateway, draft.run, draft.kind), [0, 0, 0, 0, 0])
            head[0], head[1] = number, max(head[1], draft.seq)
            head[2], head[3], head[4] = head[2] + 1, head[3] + holds, head[4] + len(draft.body)
        return rows, [(*key, *sums) for key, sums in heads.items()]

    def _held(self, draft: Draft, have: dict[tuple[str, int], int]) -> int:
        """Return what a draft holds; refuse one that isn't the next of its run."""
        where = f"{self.path}: {draft.kind} {draft.seq} of {draft.gateway!r}"
        if draft.kind not in KINDS:
            raise DataError(f"{where}: there is no such kind; this is a defect of twin, report it")
        try:
            holds = store.count(draft.kind, draft.body)
        except ValueError as err:
            raise DataError(f"{where}: can't be read ({err}); this is a defect of twin, report it") from None
        if draft.kind not in ("data", "gap"):
            return holds
        key = draft.gateway, draft.run
        before = have[key] if key in have else self.have(*key)
        first = draft.seq if draft.kind == "data" else draft.seq - holds + 1
        if first != before + 1 or holds < (draft.kind == "gap"):
            raise DataError(f"{where}: does not follow on {before}; this is a defect of twin, report it")
        have[key] = draft.seq
        return holds

    def _one(self, statement: str, *values: Any) -> Any:
        return next(iter(self.query(statement, *values)), None)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except store.ERRORS as err:
            raise store.failure(self.path, err) from None
