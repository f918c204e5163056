"""Refused frames, kept for people to look at: beside the truth, within a quota, the oldest dropped and counted."""

import sqlite3
import zlib
from collections import deque

QUOTA = 64 * 2**20
"""Bytes of refused frames that are kept."""
MOST_WAITING = 2**20
"""Bytes that wait in memory for the next batch."""
LONGEST = 2**20
"""Bytes of a frame that are kept."""
_COST = 256
"""What a row takes beside its frame, at most."""

_ADD = "INSERT INTO rejects (id, gateway, received, reason, crc, frame) VALUES (?, ?, ?, ?, ?, ?)"
_SIZE = "SELECT coalesce(max(id), 0), count(*), coalesce(sum(length(frame)), 0) FROM rejects"
_OLDEST = "SELECT id, length(frame) FROM rejects ORDER BY id LIMIT 1000"


class Rejects:
    """The side table of a connection: frames wait in memory until the next batch is stored, in its transaction.

    So a flood of bad frames costs no fsync of its own. Every frame has its number: those missing were dropped.
    """

    def __init__(self, db: sqlite3.Connection, quota: int = QUOTA) -> None:
        self._db, self._quota = db, quota
        last, rows, size = (int(n) for n in db.execute(_SIZE).fetchone())
        self._last, self._size = last, size + rows * _COST
        self._waiting: deque[tuple[int, str, int, str, int, bytes]] = deque()
        self.waiting = 0

    def add(self, gateway: str, received: int, reason: str, frame: bytes) -> None:
        """Keep a frame until the next batch is stored; the oldest that wait make room for it."""
        if len(frame) > LONGEST:
            reason, frame = f"{reason} (only its first {LONGEST} bytes are kept)", frame[:LONGEST]
        self._last += 1
        self._waiting.append((self._last, _plain(gateway), received, _plain(reason), zlib.crc32(frame), frame))
        self.waiting += len(frame) + _COST
        while self.waiting > MOST_WAITING and len(self._waiting) > 1:
            self.waiting -= len(self._waiting.popleft()[-1]) + _COST

    def store(self) -> int:
        """Add what waits to the table and keep its quota, within a transaction; return the table's new size."""
        self._db.executemany(_ADD, self._waiting)
        size = self._size + self.waiting
        while size > self._quota:
            last, freed = 0, 0
            for number, length in self._db.execute(_OLDEST).fetchall():
                last, freed = number, freed + length + _COST
                if size - freed <= self._quota:
                    break
            self._db.execute("DELETE FROM rejects WHERE id <= ?", (last,))
            size -= freed
        return size

    def stored(self, size: int) -> None:
        """Forget what waited, once the transaction is on disk."""
        self._waiting.clear()
        self._size, self.waiting = size, 0


def _plain(text: str) -> str:
    """Return text that can be stored, whatever was sent."""
    return text.encode("utf-8", "backslashreplace").decode()[:1000]
