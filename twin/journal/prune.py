"""Forgetting the oldest entries: the chain's beginning moves on, in steps between which the writer can append."""

import sqlite3
import time

from twin.errors import DataError
from twin.journal import store
from twin.journal.writer import Journal

MOST_ENTRIES, MOST_BYTES, MOST_PAGES = 250, 2 * 2**20, 250
"""What a transaction takes away at most: entries, their bodies [byte], and pages given back to the disk."""

_SIZES = "SELECT id, length(body) FROM entries WHERE id < ? ORDER BY id LIMIT ?"
_KEPT = f"""INSERT OR REPLACE INTO kept
    ({store.FIELDS}, holds, crc, chain, before)
    SELECT {store.FIELDS}, holds, crc, chain, coalesce(
        (SELECT chain FROM entries AS e WHERE e.id = entries.id - 1), (SELECT chain FROM anchor)) FROM entries
    WHERE id IN (SELECT max(id) FROM entries WHERE kind = 'hello' AND id < ? GROUP BY gateway, run)"""  # noqa: S608
_SUMS = """SELECT count(*), sum(holds), sum(length(body)), max(seq), gateway, run, kind FROM entries WHERE id < ?
    GROUP BY gateway, run, kind"""
_LESS = """UPDATE heads SET entries = entries - ?, holds = holds - ?, bytes = bytes - ?, pruned = max(pruned, ?)
    WHERE gateway = ? AND run = ? AND kind = ?"""
_MOVED = "UPDATE anchor SET first = ?1, chain = (SELECT chain FROM entries WHERE id = ?1 - 1)"


def prune(journal: Journal, before: int, *, seconds: float = 0.05, spare: int = 64 * 2**20) -> int:
    """Delete entries with ids below `before`, the oldest first, and give their disk space back.

    Nothing is asked here: whoever calls has made sure that an archive and a snapshot cover them. Every step is a
    transaction of its own that leaves a whole journal: the anchor holds the chain's value where the entries begin,
    and hellos that are in force there are kept. Call it again between appends until nothing is left to do.

    Parameters
    ----------
    journal : Journal
        Open for appending.
    before : int
        The first id that stays.
    seconds : float, optional
        How long one call may take, beyond a first step of some milliseconds.
    spare : int, optional
        Bytes that stay with the file for entries to come, as moving pages about costs as much as writing them.

    Returns
    -------
    int
        Entries and pages that are left to delete or give back; 0 when all is done.

    Raises
    ------
    DataError
        If `before` is beyond the end; or as `Journal.append` does.
    """
    if before > journal.last() + 1:
        raise DataError(f"{journal.path}: prune before {before}: the journal ends with {journal.last()}; ask for less")
    until = time.monotonic() + seconds
    left = _left(journal, before, spare)
    while left:
        _step(journal, before, spare)
        left = _left(journal, before, spare)
        if time.monotonic() >= until:
            break
    if not left:
        journal.checkpoint()  # only now the file gets shorter
    return left


def _left(journal: Journal, before: int, spare: int) -> int:
    return max(before - journal.first(), 0) + _pages(journal, spare)


def _pages(journal: Journal, spare: int) -> int:
    unused = int(journal.query("PRAGMA freelist_count")[0][0])
    return max(unused - spare // store.PAGE, 0)


def _step(journal: Journal, before: int, spare: int) -> None:
    """Take away as much as one transaction may."""
    if journal.first() < before:
        with journal.transaction() as db:
            freed = _delete(db, before)
        journal.logged(freed // 8)  # pages of bodies are only listed as free, not written
    else:
        pages = min(_pages(journal, spare), MOST_PAGES)
        with journal.transaction() as db:
            for _ in range(pages):  # sqlite3 stops after the first page, however many it is asked for
                db.execute("PRAGMA incremental_vacuum(1)").fetchall()
        journal.logged(2 * pages * store.PAGE)


def _delete(db: sqlite3.Connection, before: int) -> int:
    """Delete some entries and return how long their bodies were; the trigger lets go what is before the anchor."""
    cut = freed = 0
    for number, size in db.execute(_SIZES, (before, MOST_ENTRIES)).fetchall():
        cut, freed = number + 1, freed + size
        if freed >= MOST_BYTES:
            break
    db.execute(_KEPT, (cut,))
    db.executemany(_LESS, db.execute(_SUMS, (cut,)).fetchall())
    db.execute(_MOVED, (cut,))
    db.execute("DELETE FROM entries WHERE id < ?", (cut,))
    return freed
