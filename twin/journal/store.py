"""The journal's file: its tables and settings, its hash chain, and how it is opened and complained about."""

import hashlib
import sqlite3
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from twin.errors import DataError
from twin.journal.entries import JournalFull, Kind

FILE = "journal.sqlite"
LOCK = "ingest.lock"

APPLICATION = 0x74776A6C
"""What the header of a journal's file says it is: `twjl`."""
FORMAT = 1
"""Raised when the tables or the chain change."""

PAGE = 4096
CREATION = (f"PRAGMA page_size = {PAGE}", "PRAGMA auto_vacuum = INCREMENTAL")
"""Said to a new file before anything else, or they have no effect."""

MOST_LOG = 64 * 2**20
"""Bytes of the write-ahead log that stay on disk once it was longer."""

SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA wal_autocheckpoint = 0",  # SQLite swallows the errors of the checkpoints it makes on its own
    f"PRAGMA journal_size_limit = {MOST_LOG}",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA recursive_triggers = ON",  # or INSERT OR REPLACE would delete past the trigger
)
"""Said to every connection that writes."""

_COLUMNS = """
    kind TEXT NOT NULL, gateway TEXT NOT NULL, run INTEGER NOT NULL, seq INTEGER NOT NULL,
    received INTEGER NOT NULL, clock INTEGER NOT NULL, holds INTEGER NOT NULL, crc INTEGER NOT NULL,
    chain BLOB NOT NULL"""

SCHEMA = (
    # `holds`: the readings of a data frame, the frames that a gap declares lost; `crc`: CRC-32 of the body.
    f"CREATE TABLE entries (id INTEGER PRIMARY KEY,{_COLUMNS}, body BLOB NOT NULL) STRICT",
    "CREATE UNIQUE INDEX frames ON entries (gateway, run, seq) WHERE kind = 'data'",
    "CREATE INDEX hellos ON entries (gateway, run, id) WHERE kind = 'hello'",
    "CREATE INDEX actions ON entries (id) WHERE kind = 'action'",
    # What entries add up to, in the transaction that stores them. `last`, `seq`: the latest ever; `pruned`: the latest
    # `seq` before the anchor; `entries`, `holds`, `bytes`: sums over what isn't pruned.
    """CREATE TABLE heads (
    gateway TEXT NOT NULL, run INTEGER NOT NULL, kind TEXT NOT NULL, last INTEGER NOT NULL, seq INTEGER NOT NULL,
    pruned INTEGER NOT NULL, entries INTEGER NOT NULL, holds INTEGER NOT NULL, bytes INTEGER NOT NULL,
    PRIMARY KEY (gateway, run, kind)) STRICT, WITHOUT ROWID""",
    # Where the chain begins: the first id that isn't pruned, and the chain's value before it.
    """CREATE TABLE anchor (
    one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL, chain BLOB NOT NULL, journal BLOB NOT NULL)
    STRICT""",
    # Hellos that were in force at the anchor; `before`: the chain's value before each.
    f"""CREATE TABLE kept (id INTEGER NOT NULL,{_COLUMNS}, body BLOB NOT NULL, before BLOB NOT NULL,
    PRIMARY KEY (gateway, run)) STRICT""",
    """CREATE TABLE rejects (
    id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, received INTEGER NOT NULL, reason TEXT NOT NULL,
    crc INTEGER NOT NULL, frame BLOB NOT NULL) STRICT""",
    """CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
    WHEN NEW.id IS NOT 1 + coalesce((SELECT max(id) FROM entries), (SELECT first - 1 FROM anchor))
    BEGIN SELECT RAISE(ABORT, 'entries are added at the end'); END""",
    """CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END""",
    """CREATE TRIGGER entries_remain BEFORE DELETE ON entries
    WHEN OLD.id >= (SELECT first FROM anchor)
    BEGIN SELECT RAISE(ABORT, 'entries are never deleted, except before the anchor'); END""",
    """CREATE TRIGGER anchor_holds BEFORE UPDATE ON anchor
    WHEN NEW.first <= OLD.first OR NEW.journal IS NOT OLD.journal
    OR NEW.chain IS NOT (SELECT chain FROM entries WHERE id = NEW.first - 1)
    BEGIN SELECT RAISE(ABORT, 'the anchor moves forward along the chain'); END""",
    """CREATE TRIGGER anchor_remains BEFORE DELETE ON anchor
    BEGIN SELECT RAISE(ABORT, 'the anchor is never deleted'); END""",
)

FIELDS = "id, kind, gateway, run, seq, received, clock, body"
"""The columns of an `Entry`, in its order."""

ADD_ENTRY = f"INSERT INTO entries ({FIELDS}, holds, crc, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
ADD_TO_HEAD = """INSERT INTO heads VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last,
    seq = max(seq, excluded.seq), entries = entries + excluded.entries, holds = holds + excluded.holds,
    bytes = bytes + excluded.bytes"""
HAVE = "SELECT coalesce(max(seq), 0) FROM heads WHERE gateway = ? AND run = ? AND kind IN ('data', 'gap')"
ANCHOR = "SELECT first, chain, journal FROM anchor"
LATEST_HELLOS = f"""SELECT {FIELDS}, chain FROM entries WHERE id IN (SELECT last FROM heads WHERE kind = 'hello')
    UNION ALL SELECT {FIELDS}, chain FROM kept WHERE id IN (SELECT last FROM heads WHERE kind = 'hello')
    ORDER BY id"""  # noqa: S608

ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What sqlite3 raises; the second where a message quotes damaged text."""

_HEADER = struct.Struct(">QqqqqHH")


class _Frame(msgspec.Struct):
    r: list[msgspec.Raw] = []


class _Gap(msgspec.Struct):
    first: int
    last: int


_FROM_JSON = msgspec.json.Decoder(_Frame)
_FROM_PACK = msgspec.msgpack.Decoder(_Frame)
_GAP = msgspec.msgpack.Decoder(_Gap)


def genesis(journal: bytes) -> bytes:
    """Return the chain's value before entry 1 of the journal with this identity."""
    return hashlib.sha256(b"equipment-twin journal %d\0" % FORMAT + journal).digest()


def link(before: bytes, entry: tuple[Any, ...]) -> bytes:
    """Return the chain's value after `entry`: SHA-256 over the value before and every field.

    Parameters
    ----------
    before : bytes
        The chain's value before the entry.
    entry : tuple
        The fields of an `Entry`, in its order.
    """
    number, kind, gateway, run, seq, received, clock, body = entry
    who, what = gateway.encode("utf-8", "surrogateescape"), kind.encode("utf-8", "surrogateescape")
    header = _HEADER.pack(number, run, seq, received, clock, len(what), len(who))
    return hashlib.sha256(b"".join((before, header, what, who, body))).digest()


def follows(before: bytes, entry: tuple[Any, ...], chain: Any) -> bool:
    """Return whether `chain` is the chain's value after `entry`, whatever a damaged row holds in their place."""
    return isinstance(chain, bytes) and linked(before, entry) == chain


def linked(before: bytes, entry: tuple[Any, ...]) -> bytes | None:
    """Return the chain's value after `entry`, None where a damaged row holds what no entry can."""
    try:
        return link(before, entry)
    except (AttributeError, TypeError, ValueError, struct.error):
        return None


def lost(body: bytes) -> tuple[int, int]:
    """Return the first and the last sequence number that the body of a gap declares lost.

    Raises
    ------
    ValueError
        If it is no such body.
    """
    try:
        gap = _GAP.decode(body)
    except msgspec.MsgspecError as err:
        raise ValueError(str(err)) from None
    return gap.first, gap.last


def count(kind: Kind, body: bytes) -> int:
    """Return how many readings a data frame holds, or how many frames a gap declares lost; 0 for other kinds.

    Raises
    ------
    ValueError
        If the body can't be read.
    """
    if kind == "gap":
        first, last = lost(body)
        return last - first + 1
    if kind != "data":
        return 0
    try:
        return len((_FROM_JSON if body[:1] == b"{" else _FROM_PACK).decode(body).r)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise ValueError(str(err)) from None


def moment(microseconds: int) -> str:
    """Return a time as ISO 8601 text in UTC; one beyond the calendar as its number."""
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} us"
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection that begins no transaction on its own; `mode` is what SQLite's URIs call it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=5.0, isolation_level=None)


def failure(path: Path, error: Exception) -> DataError:
    """Return what SQLite says as one of our errors, with what to do about it."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    if is_full(error):
        return JournalFull(f"{path}: the disk is full, nothing was stored; make room, what was refused may come again")
    if name.startswith("SQLITE_NOTADB"):
        return DataError(f"{path}: is no database; move it away, or name another folder")
    if name.startswith("SQLITE_CORRUPT") or isinstance(error, UnicodeDecodeError):
        return DataError(f"{path}: is damaged or cut short ({error}); see `twin journal verify {path.parent}`")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return DataError(f"{path}: can't be opened ({error}); check the rights of the file and its folder")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
        return DataError(f"{path}: another program holds it ({error}); end that program")
    if name.startswith("SQLITE_IOERR"):
        return DataError(f"{path}: input or output failed ({name}); check the disk, then start again")
    return DataError(f"{path}: {error} ({name}); see `twin journal verify {path.parent}`")


def is_full(error: BaseException) -> bool:
    """Return whether nothing but room is missing."""
    return getattr(error, "sqlite_errorname", None) in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")
