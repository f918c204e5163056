"""SQLite's write-ahead log, read as bytes: whether what was acknowledged is still readable in it.

SQLite takes a log up to its first frame whose checksum is wrong and drops the rest without a word. That is right after
a power cut, which can only tear the transaction that was being written; it is silence about damage where more follow.
Format: https://www.sqlite.org/fileformat2.html#walformat
"""

import os
from pathlib import Path
from struct import Struct, unpack
from typing import BinaryIO

HEADER, FRAME = Struct(">8I"), Struct(">6I")
_MAGIC = 0x377F0682
_MOST_PAGE = 65536
_CHUNK = 2**20


def of(path: Path) -> Path:
    """Return the path of the log of a database."""
    return path.with_name(f"{path.name}-wal")


def rewrite(path: Path) -> None:
    """Write the log's bytes over themselves and wait until they are on disk.

    After an fsync that failed, the system's cache may hold what the disk doesn't, and the next fsync succeeds without
    writing it: what a restart reads and reports as stored must be written again.
    """
    try:
        handle = os.open(of(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        at = 0
        while piece := os.pread(handle, _CHUNK, at):
            at += os.pwrite(handle, piece, at)
        os.fsync(handle)
    finally:
        os.close(handle)


def unreadable(path: Path) -> int:
    """Return how many transactions stand behind the first damaged frame of a database's log.

    One may have been torn by a power cut before it was acknowledged. Two or more can't.
    """
    try:
        with of(path).open("rb") as file:
            return _beyond(file)
    except FileNotFoundError:
        return 0


def _beyond(file: BinaryIO) -> int:
    """Walk the frames of the log's present generation, which its salts tell from older ones."""
    raw = file.read(HEADER.size)
    if len(raw) < HEADER.size:
        return 0
    magic, _, page, _, *salts, one, two = HEADER.unpack(raw)
    if magic & ~1 != _MAGIC or not 512 <= page <= _MOST_PAGE:
        return 0  # never a header that was synced, so there is nothing behind it
    words = ">" if magic & 1 else "<"
    sums = _summed((0, 0), raw[:24], words)
    valid, beyond = sums == (one, two), 0
    while len(raw := file.read(FRAME.size + page)) == FRAME.size + page:
        number, size, *its, one, two = FRAME.unpack_from(raw)
        if its != salts:
            valid = False
            continue
        if valid:
            sums = _summed(_summed(sums, raw[:8], words), raw[FRAME.size :], words)
            valid = sums == (one, two) and number > 0
        if not valid:
            beyond += size != 0
    return beyond


def _summed(sums: tuple[int, int], raw: bytes, words: str) -> tuple[int, int]:
    """Return the log's checksum continued over `raw`."""
    first, second = sums
    numbers = iter(unpack(f"{words}{len(raw) // 4}I", raw))
    for even, odd in zip(numbers, numbers, strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
