"""Going through a journal that may be damaged: every entry is found whole, found wrong, or missed by its number."""

import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from twin.journal import store
from twin.journal.entries import Entry

PATIENCE = 20_000
"""Unreadable ids that are tried one by one before steps get longer."""
MOST_ON_A_PAGE = 40
"""More entries than a page can hold: a damaged number must not have us look for ever."""

_COLUMNS = f"SELECT {store.FIELDS}, holds, crc, chain FROM entries"  # noqa: S608
_RANGE = f"{_COLUMNS} WHERE id BETWEEN ? AND ? ORDER BY id"
_SINGLE = f"{_COLUMNS} WHERE id = ?"

Row = tuple[Any, ...]


class Step(NamedTuple):
    """One id on the way: its entry where it could be read, and what is wrong with it, empty where nothing is.

    `holds` is what the entry was counted as.
    """

    id: int
    entry: Entry | None
    wrong: str
    holds: int = 0


def walk(db: sqlite3.Connection, first: int, last: int, chain: bytes | None) -> Iterator[Step]:
    """Yield a step for every id from `first` to `last`.

    Parameters
    ----------
    db : sqlite3.Connection
        Within a read transaction.
    first, last : int
        The ids where to begin and to end.
    chain : bytes or None
        The chain's value before `first`, None where it isn't known.
    """
    before: bytes | None = chain
    computed: bytes | None = None  # what the entry before should have left, if it was wrong
    for number, row in rows(db, first, last):
        if row is None:
            yield Step(number, None, "can't be read")
            before = computed = None
            continue
        *fields, holds, crc, stored = row
        wrong = _content(fields, holds, crc)
        linked = before is None or store.follows(before, tuple(fields), stored)
        if not linked and not (computed is not None and store.follows(computed, tuple(fields), stored)):
            wrong = wrong or "is not what was written: it doesn't follow on the entry before"
            computed = store.linked(before, tuple(fields)) if before is not None else None
        else:
            computed = None
        yield Step(number, _entry(fields), wrong, holds if isinstance(holds, int) else 0)
        before = stored if isinstance(stored, bytes) else None


def rows(db: sqlite3.Connection, first: int, last: int) -> Iterator[tuple[int, Row | None]]:
    """Yield every id from `first` to `last` with its row, None where it is missing or SQLite can't read it."""
    number = first
    while number <= last:
        try:
            for row in db.execute(_RANGE, (number, last)):
                if row[0] < number:
                    break  # a page that points back
                for missing in range(number, min(row[0], number + PATIENCE)):
                    yield missing, _single(db, missing)
                for missing in range(number + PATIENCE, row[0]):
                    yield missing, None
                yield row[0], row
                number = row[0] + 1
        except store.ERRORS:
            pass
        if number > last:
            return
        stop = _readable(db, number, last)
        for missing in range(number, stop):
            yield missing, None
        number = stop
        if number <= last:
            yield number, _single(db, number)
            number += 1


def _readable(db: sqlite3.Connection, number: int, last: int) -> int:
    """Return the next id that can be read, `last` + 1 if there is none."""
    for near in range(number, min(last + 1, number + PATIENCE)):
        if _single(db, near) is not None:
            return near
    low, step = number + PATIENCE - 1, 1
    while low + step <= last and _single(db, low + step) is None:
        low, step = low + step, 2 * step
    if low + step > last and _single(db, last) is None:
        return last + 1
    high = min(low + step, last)
    while high - low > 1:  # entries of one damaged page are neighbours
        middle = (low + high) // 2
        low, high = (middle, high) if _single(db, middle) is None else (low, middle)
    return high


def _single(db: sqlite3.Connection, number: int) -> Row | None:
    try:
        found: Row | None = db.execute(_SINGLE, (number,)).fetchone()
    except store.ERRORS:
        return None
    return found


def _content(fields: list[Any], holds: Any, crc: Any) -> str:
    """Return what is wrong with a row that can be told from itself."""
    if _entry(fields) is None:
        return "holds values of wrong types"
    kind, body = fields[1], fields[-1]
    if zlib.crc32(body) != crc:
        return "has another CRC-32 than its body"
    try:
        counted = store.count(kind, body)
    except ValueError:
        return "has a body that can't be read"
    return "" if counted == holds else "is counted wrongly"


def _entry(fields: list[Any]) -> Entry | None:
    types = (int, str, str, int, int, int, int, bytes)
    return Entry(*fields) if all(isinstance(v, t) for v, t in zip(fields, types, strict=True)) else None
