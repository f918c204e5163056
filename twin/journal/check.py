"""Whether a journal holds what was written: structure, chain, checksums, sequence numbers, and what they add up to."""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from twin.errors import DataError
from twin.journal import log, store
from twin.journal.entries import Entry
from twin.journal.opening import check_format
from twin.journal.reader import connected
from twin.journal.walk import MOST_ON_A_PAGE, Step, walk

MOST_NAMED = 20
"""Damaged entries that a verdict names; it counts them all."""

Progress = Callable[[int, int], None]


class Damage(NamedTuple):
    """An entry that isn't what was written, or isn't there.

    `gateway`, `run` and `seq` are as far as they can be told: ``"?"`` and 0 where they can't. It was received between
    `since` and `until` [us UTC], which are when its readable neighbours were; None where it has none.
    """

    id: int
    gateway: str
    run: int
    seq: int
    since: int | None
    until: int | None
    wrong: str


class Verdict(NamedTuple):
    """What `verify` found.

    Attributes
    ----------
    path : pathlib.Path
        The journal's file.
    first, last : int
        Ids of the entries that should be there; `last` is before `first` where there are none.
    whole, damaged, later : int
        Entries that are what was written, that are not, and whole ones behind the first that is not.
    bytes : int
        Length of the whole entries' bodies.
    named : tuple of Damage
        The first damaged entries.
    faults : tuple of str
        What else is wrong: structure, sums, kept hellos, refused frames, the write-ahead log.
    notes : tuple of str
        What is worth knowing, and no damage.
    """

    path: Path
    first: int
    last: int
    whole: int
    damaged: int
    later: int
    bytes: int
    named: tuple[Damage, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the journal holds what was written, and nothing else."""
        return not self.damaged and not self.faults


def verify(folder: Path, progress: Progress | None = None) -> Verdict:
    """Return whether the journal of `folder` holds what was written, also while it is.

    It reads all of it, in one read transaction: until it is done the write-ahead log of a writer grows.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    progress : callable, optional
        Called with how many entries are done, of how many.

    Raises
    ------
    DataError
        If there is no journal, or the file can't be read at all.
    """
    path = folder / store.FILE
    with _lenient(path) as db:
        check = _Check(path, db)
        check.log()
        check.structure()
        first, last, chain = check.bounds()
        for step in walk(db, first, last, chain):
            check.take(step)
            if progress is not None and step.id % 256 == 0:
                progress(step.id - first, last - first + 1)
        check.sums()
        check.kept(first)
        check.rejects()
        return check.verdict(first, last)


def whole(folder: Path, after: int = 0) -> Iterator[Step]:
    """Yield every entry behind `after` that should be there, as far as it can be read, with what is wrong with it."""
    path = folder / store.FILE
    with _lenient(path) as db:
        first, last, chain = _Check(path, db).bounds()
        yield from walk(db, max(first, after + 1), last, chain if after < first else None)


class _Check:
    """One verification: what was found so far."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path, self._db = path, db
        self._faults: list[str] = []
        self._notes: list[str] = []
        self._named: list[Damage] = []
        self._whole = self._damaged = self._later = self._bytes = 0
        self._received: int | None = None
        self._open = 0  # damages named since the last whole entry
        self._sums: dict[tuple[str, int, str], list[int]] = {}
        self._have: dict[tuple[str, int], int] = {}
        self._heads = {(r[0], r[1], r[2]): list(r[3:]) for r in self._rows("SELECT * FROM heads", "heads")}
        for (gateway, run, kind), (_, _, pruned, *_) in self._heads.items():
            if kind in ("data", "gap"):
                self._have[gateway, run] = max(pruned, self._have.get((gateway, run), 0))

    def log(self) -> None:
        """Look for what SQLite drops without a word."""
        torn = log.unreadable(self.path)
        where = f"the end of {log.of(self.path).name}"
        if torn == 1:
            self._notes.append(
                f"{where}: one batch can't be read: a power cut tore it before it was acknowledged, or it is damaged"
            )
        elif torn:
            self._faults.append(f"{where}: is damaged, and {torn} batches behind that can't be read")

    def structure(self) -> None:
        """Let SQLite check its own pages and indices; what it passes over for us, it doesn't for others."""
        try:
            connected(self.path).close()
        except DataError as err:
            self._faults.append(f"structure: it can't be opened: {_said(self.path, err)}")
        try:
            check_format(self.path, self._db)
        except DataError as err:
            self._faults.append(f"structure: {_said(self.path, err)}")
        except store.ERRORS as err:
            self._faults.append(f"structure: its tables can't be read: {err}")
        said = [str(row[0]) for row in self._rows("PRAGMA integrity_check(5)", "structure")]
        self._faults += [f"structure: {' '.join(line.split())}" for text in said if text != "ok" for line in (text,)]

    def bounds(self) -> tuple[int, int, bytes | None]:
        """Return the first and the last id that should be there, and the chain's value before the first."""
        anchor = self._rows(store.ANCHOR, "anchor")
        first, chain, journal = anchor[0] if anchor else (1, None, None)
        if not (isinstance(first, int) and first >= 1 and isinstance(journal, bytes) and isinstance(chain, bytes)):
            self._faults.append("anchor: is damaged")
            first, chain = 1, None
        elif first == 1 and chain != store.genesis(journal):
            self._faults.append("anchor: does not hold the beginning of the chain")
        counted = max((head[0] for head in self._heads.values() if isinstance(head[0], int)), default=0)
        found = self._rows("SELECT max(id) FROM entries", "entries")
        last = found[0][0] if found and isinstance(found[0][0], int) else (counted if not found else 0)
        pages = self._rows("PRAGMA page_count", "structure")
        most = first + MOST_ON_A_PAGE * (pages[0][0] if pages else 0)
        if max(last, first - 1) != counted:
            self._faults.append(f"entries: the last one is {last}, and {counted} were counted")
        return first, min(last, most), chain

    def take(self, step: Step) -> None:
        """Count one entry."""
        entry, wrong = step.entry, step.wrong
        if entry is not None and not wrong:
            wrong = self._sequence(entry, step.holds)
        if wrong or entry is None:
            self._damaged += 1
            if len(self._named) < MOST_NAMED:
                self._named.append(self._damage(step.id, entry, wrong))
                self._open += 1
            return
        for n in range(len(self._named) - self._open, len(self._named)):
            self._named[n] = self._named[n]._replace(until=entry.received)
        self._open, self._received = 0, entry.received
        self._whole, self._bytes = self._whole + 1, self._bytes + len(entry.body)
        self._later += self._damaged > 0
        sums = self._sums.setdefault((entry.gateway, entry.run, entry.kind), [0, 0, 0, 0, 0])
        sums[:2] = entry.id, max(sums[1], entry.seq)
        sums[2:] = sums[2] + 1, sums[3] + step.holds, sums[4] + len(entry.body)

    def sums(self) -> None:
        """Compare what the entries add up to with what was counted when they were stored."""
        if self._damaged:
            return
        for key in sorted({*self._heads, *self._sums}, key=str):
            last, seq, pruned, *counted = self._heads.get(key, [0] * 6)
            its_last, its_seq, *found = self._sums.get(key, [last, pruned, 0, 0, 0])
            if [last, seq, *counted] != [its_last, max(its_seq, pruned), *found]:
                gateway, run, kind = key
                self._faults.append(
                    f"heads: {kind} of {gateway!r}, run {run}: was counted as {counted}, and is {found}"
                )

    def kept(self, first: int) -> None:
        """Check the hellos in force where the entries begin."""
        ids = set()
        for *fields, crc, chain, before in self._rows(f"SELECT {store.FIELDS}, crc, chain, before FROM kept", "kept"):  # noqa: S608
            good = isinstance(before, bytes) and store.follows(before, tuple(fields), chain)
            if not (good and zlib.crc32(fields[-1]) == crc and fields[0] < first):
                self._faults.append(f"kept: the hello of {fields[2]!r} is damaged")
            ids.add(fields[0])
        for (gateway, _, kind), (last, *_) in self._heads.items():
            if kind == "hello" and isinstance(last, int) and last < first and last not in ids:
                self._faults.append(f"kept: the hello of {gateway!r} is missing")

    def rejects(self) -> None:
        """Check the refused frames."""
        table = "SELECT gateway, crc, frame FROM rejects ORDER BY id"
        for gateway, crc, frame in self._rows(table, "rejects"):
            if not isinstance(frame, bytes) or zlib.crc32(frame) != crc:
                self._faults.append(f"rejects: a frame of {gateway!r} is damaged")

    def verdict(self, first: int, last: int) -> Verdict:
        """Return what was found."""
        faults = tuple(dict.fromkeys(self._faults))
        counts = self._whole, self._damaged, self._later, self._bytes
        return Verdict(self.path, first, last, *counts, tuple(self._named), faults, tuple(self._notes))

    def _sequence(self, entry: Entry, holds: int) -> str:
        """Return what is wrong with the sequence number; behind damage it begins anew."""
        if entry.kind not in ("data", "gap"):
            return ""
        key = entry.gateway, entry.run
        due = self._have.get(key, 0) + 1
        first = entry.seq if entry.kind == "data" else entry.seq - holds + 1
        self._have[key] = entry.seq
        return "" if first == due or self._damaged else f"has sequence number {first} where {due} was due"

    def _damage(self, number: int, entry: Entry | None, wrong: str) -> Damage:
        """Return a damaged entry by the names that the index still holds."""
        found: list[Any] = []
        if len(self._named) == 0:  # the index isn't sorted by id: one search is enough
            index = "SELECT gateway, run, seq FROM entries INDEXED BY frames WHERE kind = 'data' AND id = ?"
            found = self._rows(index, "", number)
        if not found:
            found = [(entry.gateway, entry.run, entry.seq)] if entry is not None else [("?", 0, 0)]
        gateway, run, seq = found[0]
        return Damage(number, gateway, run, seq, self._received, None, wrong)

    def _rows(self, statement: str, where: str, *values: Any) -> list[Any]:
        """Return the rows of a statement; what SQLite says against it is a fault of `where`."""
        try:
            return self._db.execute(statement, values).fetchall()
        except store.ERRORS as err:
            if where:
                self._faults.append(f"{where}: {err}")
            return []


def _said(path: Path, error: DataError) -> str:
    """Return what an error says is wrong, without where and what to do."""
    return str(error).removeprefix(f"{path}: ").rpartition(";")[0]


@contextmanager
def _lenient(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that reads what it can, within one transaction."""
    db = connected(path, lenient=True)
    try:
        db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        db.execute("BEGIN")
        yield db
    except store.ERRORS as err:
        raise store.failure(path, err) from None
    finally:
        db.close()
