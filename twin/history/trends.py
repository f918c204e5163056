"""Intervals of 2 s to 10 min beside the instants, so that a week opens as fast as a minute."""

import sqlite3
from collections.abc import Iterator

from twin.history.row import Bucket, Row, merged, of_row

LENGTHS = (2, 10, 30, 120, 600)
"""Lengths of intervals [s]."""
LEAST = 4.0
"""Intervals shorter than this many instants are not kept."""
MICRO = 10**6
BEGINNING = -(2**40)
"""Before any instant [s]."""
SCHEMA = """
create table if not exists trends(length integer, start integer, body blob, primary key(length, start)) without rowid;
"""


def kept(every: float) -> tuple[int, ...]:
    """Return which lengths are kept of instants that are `every` seconds apart."""
    return tuple(length for length in LENGTHS if length >= LEAST * every) or LENGTHS[-1:]


def summarise(db: sqlite3.Connection, every: float, newest: float) -> None:
    """Write every interval that is over and not written yet; in the caller's transaction.

    Parameters
    ----------
    newest : float
        Time of the newest instant [s]; an interval that it lies behind is over.
    """
    finer = 0
    for length in kept(every):
        last = db.execute("select max(start) from trends where length=?", (length,)).fetchone()[0]
        start = _next(db, finer, BEGINNING if last is None else last + length, length)
        while start is not None and start + length <= newest:
            parts = list(_parts(db, finer, start, start + length))
            body = merged(parts, start + 0.5 * length).packed()
            db.execute("insert or replace into trends values(?,?,?)", (length, start, body))
            start = _next(db, finer, start + length, length)
        finer = length


def _next(db: sqlite3.Connection, finer: int, start: int, length: int) -> int | None:
    """Return the start of the first interval from `start` on that has anything in it."""
    if finer:
        statement = "select min(start) from trends where length=? and start>=?"
        found = db.execute(statement, (finer, start)).fetchone()[0]
        return None if found is None else found // length * length
    # An instant counts for the interval that it ends, like its readings.
    found = db.execute("select min(time) from instants where time>?", (start * MICRO,)).fetchone()[0]
    return None if found is None else (-(-found // (length * MICRO)) - 1) * length


def _parts(db: sqlite3.Connection, finer: int, start: int, end: int) -> Iterator[Bucket]:
    if finer:
        statement = "select body from trends where length=? and start>=? and start<? order by start"
        for (body,) in db.execute(statement, (finer, start, end)):
            yield Bucket.unpacked(body)
    else:
        statement = "select body from instants where time>? and time<=? order by time"
        for (body,) in db.execute(statement, (start * MICRO, end * MICRO)):
            yield of_row(Row.unpacked(body))
