"""Opening a journal for its writer: made whole or not at all, checked at its end, durable before it is believed."""

import os
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

from twin.errors import DataError
from twin.journal import log, store
from twin.journal.folder import check_file, named

TAIL = 100
"""Entries at the end that are checked against their chain; `verify` checks all."""


def opened(path: Path) -> sqlite3.Connection:
    """Return a connection to the journal, which is made where there is none.

    Raises
    ------
    DataError
        If it is no journal, one of another format, or damaged as far as can be told without reading all of it.
    sqlite3.Error
        If SQLite can't read or write it.
    """
    if not check_file(path) or path.stat().st_size == 0:
        _make(path)
    check_log(path)
    try:
        log.rewrite(path)
    except OSError as err:
        raise DataError(f"{log.of(path)}: can't be written: {err.strerror}; check the rights and the disk") from None
    db = store.connect(path, "mode=rw")
    try:
        check_format(path, db)
        _set(path, db)
        check_tail(path, db)
        _shorten(db)
    except BaseException:
        db.close()
        raise
    return db


def check_log(path: Path) -> None:
    """Refuse a write-ahead log of which SQLite would drop what was acknowledged."""
    wal = log.of(path)
    try:
        torn = log.unreadable(path)
    except OSError as err:
        raise DataError(f"{wal}: can't be read: {err.strerror}; check the rights and the disk") from None
    if torn > 1:
        raise DataError(
            f"{wal}: is damaged, and {torn} batches behind that can't be read; "
            "copy the folder, then move this file away to go on without them"
        )


def check_format(path: Path, db: sqlite3.Connection) -> None:
    """Refuse a database that is no journal, one of another format, or one whose tables were changed."""
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != store.APPLICATION:
        raise DataError(f"{path}: is a database, but no journal of a twin; move it away, or name another folder")
    if version != store.FORMAT:
        raise DataError(
            f"{path}: is a journal of format {version}, and this version reads {store.FORMAT}; "
            "use the version that wrote it, or begin another folder"
        )
    found = {row[0] for row in db.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
    if found != set(store.SCHEMA):
        raise DataError(f"{path}: its tables aren't those of a journal; see `twin journal verify {path.parent}`")


def check_tail(path: Path, db: sqlite3.Connection) -> None:
    """Refuse a journal whose last entries don't follow from each other, or aren't those that were counted."""
    first, chain, _ = db.execute(store.ANCHOR).fetchone() or (0, b"", b"")
    last, counted = db.execute("SELECT coalesce(max(id), 0), (SELECT max(last) FROM heads) FROM entries").fetchone()
    last = max(last, first - 1)
    damaged = DataError(f"{path}: its end is damaged; see `twin journal verify {path.parent}`")
    if first < 1 or last != (counted or 0):
        raise damaged
    begin = max(first, last - TAIL + 1)
    if begin > first:
        (chain,) = db.execute("SELECT chain FROM entries WHERE id = ?", (begin - 1,)).fetchone() or (b"",)
    number = begin
    for *entry, crc, stored in db.execute(f"SELECT {store.FIELDS}, crc, chain FROM entries WHERE id >= ?", (begin,)):  # noqa: S608
        if entry[0] != number or not store.follows(chain, tuple(entry), stored) or zlib.crc32(entry[-1]) != crc:
            raise damaged
        number, chain = number + 1, stored
    if number != last + 1:
        raise damaged


def _shorten(db: sqlite3.Connection) -> None:
    """Copy the log into the file; on a full disk it waits in the log, which is on disk too."""
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as err:
        if not store.is_full(err):
            raise


def _make(path: Path) -> None:
    """Make an empty journal beside `path` and give it that name once it is whole and on disk."""
    if any((path.parent / "snapshots").glob("*.twin")):
        raise DataError(
            f"{path}: is gone, and snapshots of a twin that followed it are there; "
            "bring it back, or move the folder snapshots away to begin anew"
        )
    for left in (log.of(path), path.with_name(f"{path.name}-journal")):
        if left.exists() and left.stat().st_size:  # SQLite would write it over what we make
            raise DataError(f"{left}: is there without its journal; bring {path.name} back, or move it away")
    new = path.with_name(f"{path.name}.new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        new.with_name(f"{new.name}{suffix}").unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(store.connect(new, "mode=rw")) as db:
        for setting in (*store.CREATION, store.SETTINGS[0]):
            db.execute(setting).fetchall()
    with closing(store.connect(new, "mode=rw")) as db:  # SQLite may pass over an error of the change to a log
        identity = os.urandom(16)
        _set(new, db)
        db.execute("BEGIN IMMEDIATE")
        for statement in store.SCHEMA:
            db.execute(statement)
        db.execute("INSERT INTO anchor VALUES (1, 1, ?, ?)", (store.genesis(identity), identity))
        db.execute(f"PRAGMA application_id = {store.APPLICATION}")
        db.execute(f"PRAGMA user_version = {store.FORMAT}")
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    named(new, path)


def _set(path: Path, db: sqlite3.Connection) -> None:
    """Make the settings of a connection that writes; whether the file is made for a log is read from it."""
    db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        raise DataError(f"{path}: can't hold a write-ahead log; check the disk, or name a folder on a local one")
    for setting in store.SETTINGS:
        db.execute(setting).fetchall()
