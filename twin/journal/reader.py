"""Reading a journal while it is written: short read transactions that never hold the writer up."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twin.errors import DataError
from twin.journal import log, store
from twin.journal.entries import Entry
from twin.journal.folder import check_file
from twin.journal.opening import check_format

MOST_BYTES = 16 * 2**20
"""Bodies that are read at once, a longer last one aside."""

_ENTRIES = f"SELECT {store.FIELDS}, chain FROM entries WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
_HELLOS_BEFORE = f"""SELECT {store.FIELDS}, chain FROM entries WHERE id IN
    (SELECT max(id) FROM entries WHERE kind = 'hello' AND id < ?1 GROUP BY gateway, run)
    UNION ALL SELECT {store.FIELDS}, chain FROM kept WHERE NOT EXISTS (SELECT 1 FROM entries AS e
    WHERE e.kind = 'hello' AND e.gateway = kept.gateway AND e.run = kept.run AND e.id < ?1) ORDER BY id"""  # noqa: S608


class Reader:
    """The journal of a data folder, open for reading; any number of processes may.

    Every entry is checked against the hash chain before it is handed out.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path, self._db = path, db
        self.identity: bytes = db.execute(store.ANCHOR).fetchone()[2]

    @classmethod
    def open(cls, folder: Path) -> "Reader":
        """Open the journal of `folder`, which may be read-only.

        Raises
        ------
        DataError
            If there is no journal, it can't be read, or it is of another format.
        """
        path = folder / store.FILE
        db = connected(path)
        try:
            check_format(path, db)
            return cls(path, db)
        except BaseException as err:
            db.close()
            if isinstance(err, store.ERRORS):
                raise store.failure(path, err) from None
            raise

    def entries(self, after: int, limit: int = 1000) -> list[Entry]:
        """Return the entries that follow `after`, at most `limit` and some megabytes; none at the end.

        Raises
        ------
        DataError
            If entries behind `after` are pruned, the journal ends before `after`, or an entry is damaged.
        """
        found: list[Entry] = []
        size = 0
        with self._reading() as db:
            chain = self._chain_at(after)
            for *fields, stored in db.execute(_ENTRIES, (after, limit)):
                after += 1
                if fields[0] != after or not store.follows(chain, tuple(fields), stored):
                    raise self._damaged(after, fields)
                found.append(Entry(*fields))
                chain, size = stored, size + len(found[-1].body)
                if size >= MOST_BYTES:
                    break
        return found

    def last(self) -> int:
        """Return the id of the last entry, 0 if there was none."""
        with self._reading() as db:
            return _last(db)

    def first(self) -> int:
        """Return the id of the first entry that is not pruned; `last` + 1 where none is left."""
        with self._reading() as db:
            return int(db.execute(store.ANCHOR).fetchone()[0])

    def chain(self, number: int) -> bytes:
        """Return the chain's value after entry `number`: who remembers both can tell this journal from another.

        Raises
        ------
        DataError
            If that entry and the next are pruned, or the journal ends before it.
        """
        with self._reading():
            return self._chain_at(number)

    def hellos(self, before: int | None = None) -> list[Entry]:
        """Return the latest hello of every gateway and run, or the one in force when entry `before` was written."""
        with self._reading() as db:
            rows = db.execute(store.LATEST_HELLOS) if before is None else db.execute(_HELLOS_BEFORE, (before,))
            return [Entry(*row[:-1]) for row in rows]

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement on the journal's tables."""
        with self._reading() as db:
            return db.execute(statement, values).fetchall()

    def close(self) -> None:
        """Close the file; closing twice is no error."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _chain_at(self, number: int) -> bytes:
        first, chain, _ = self._db.execute(store.ANCHOR).fetchone()
        if number == first - 1:
            return bytes(chain)
        if number < first:
            raise DataError(
                f"{self.path}: the entries up to {first - 1} were pruned, and {number + 1} is asked for; "
                "begin with a snapshot or an archive"
            )
        found = self._db.execute("SELECT chain FROM entries WHERE id = ?", (number,)).fetchone()
        if found is None:
            last = _last(self._db)
            raise DataError(
                f"{self.path}: the journal ends with entry {last}, and {number} is asked for; "
                "this is another journal, or it lost its end: name the right folder"
                if number > last
                else f"{self.path}: entry {number} is missing; see `twin journal verify {self.path.parent}`"
            )
        return bytes(found[0])

    def _damaged(self, number: int, fields: list[Any]) -> DataError:
        what = f"it reads as {fields[1]!r} {fields[4]} of {fields[2]!r}" if fields[0] == number else "it is missing"
        return DataError(
            f"{self.path}: entry {number} is damaged, {what}; see `twin journal verify {self.path.parent}`"
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection within a transaction that sees one state of the journal."""
        try:
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except store.ERRORS as err:
            raise store.failure(self.path, err) from None


def connected(path: Path, *, lenient: bool = False) -> sqlite3.Connection:
    """Return a connection that only reads; nothing needs to be written beside a journal that nobody writes.

    Parameters
    ----------
    path : pathlib.Path
        The journal's file.
    lenient : bool, optional
        Whether SQLite shall read what it can of a file that is cut short or whose tables are damaged.

    Raises
    ------
    DataError
        If there is no such file, or it can't be read.
    """
    if not check_file(path):
        raise DataError(f"{path.parent}: holds no journal ({path.name}); check the path, or start the twin there")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: is empty; start the twin there, it makes a journal of it")
    try:
        return _tried(path, "mode=ro", lenient=lenient)
    except store.ERRORS as err:
        needs_log = getattr(err, "sqlite_errorname", "").startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY"))
        if not needs_log or _logged(path):
            raise store.failure(path, err) from None
    try:
        return _tried(path, "mode=ro&immutable=1", lenient=lenient)
    except store.ERRORS as err:
        raise store.failure(path, err) from None


def follow(
    reader: Reader,
    after: int,
    *,
    done: Callable[[], bool],
    every: float = 0.05,
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[list[Entry]]:
    """Yield batches of entries as they are written.

    Parameters
    ----------
    reader : Reader
        Of the journal.
    after : int
        Id of the last entry that is known.
    done : callable
        Asked before each look until it is true: what was written before that is still handed out.
    every : float, optional
        How long to wait at the end before looking again [s].
    wait : callable, optional
        How.
    """
    end: int | None = None  # known once it is done: a writer may never stop
    while end is None or after < end:
        if end is None and done():
            end = reader.last()
        elif batch := reader.entries(after):
            yield batch
            after = batch[-1].id
        else:
            wait(every)


def _last(db: sqlite3.Connection) -> int:
    return int(
        db.execute("SELECT max(coalesce((SELECT max(id) FROM entries), 0), first - 1) FROM anchor").fetchone()[0]
    )


def _logged(path: Path) -> bool:
    """Return whether the file's log holds anything."""
    try:
        return log.of(path).stat().st_size > 0
    except FileNotFoundError:
        return False


def _tried(path: Path, mode: str, *, lenient: bool) -> sqlite3.Connection:
    db = store.connect(path, mode)
    try:
        if lenient:  # nothing is written: the connection only reads
            db.execute("PRAGMA writable_schema = ON")
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        db.close()
        raise
    return db
