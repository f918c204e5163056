"""What a journal holds, in numbers, and for how long the disk will take more of it."""

import math
from pathlib import Path
from typing import NamedTuple

from twin.journal import log
from twin.journal.entries import KINDS, Kind
from twin.journal.folder import free
from twin.journal.reader import Reader

WINDOW = 3600.0
"""Time over which the present rate is taken [s]."""
SAMPLE = 2000
"""Latest entries whose size stands for those of the window."""

_HEADS = "SELECT gateway, run, kind, last, seq, entries, holds, bytes FROM heads ORDER BY gateway, run"
_SAMPLE = """SELECT count(*), coalesce(sum(length(body)), 0), coalesce(sum(holds), 0) FROM
    (SELECT body, holds FROM entries ORDER BY id DESC LIMIT ?)"""
_AT = "SELECT id, received FROM entries WHERE id >= ? ORDER BY id LIMIT 1"
_REJECTS = "SELECT gateway, count(*) FROM rejects GROUP BY gateway"


class Amount(NamedTuple):
    """Entries of a kind, and the length of their bodies [byte]."""

    entries: int
    bytes: int


class Source(NamedTuple):
    """What came from a gateway.

    `seq` is the latest of its latest run, `received` when it was heard of last [us UTC] and None where that is pruned;
    `lost` counts frames that its `gaps` declare lost, `rejects` refused frames that are still kept.
    """

    runs: int
    seq: int
    frames: int
    readings: int
    gaps: int
    lost: int
    rejects: int
    received: int | None


class Rate(NamedTuple):
    """What was written per second over the last hour, as far as there is one: entries, readings, bytes of the file."""

    entries: float
    readings: float
    bytes: float


class Stats(NamedTuple):
    """What a journal holds.

    `first` and `last` are ids; `since` and `until` when those were received [us UTC]; `bytes` what the files take on
    disk; `dropped` counts refused frames that had to make room; `days_left` is infinite where nothing is written.
    """

    path: Path
    first: int
    last: int
    since: int | None
    until: int | None
    bytes: int
    kinds: dict[Kind, Amount]
    gateways: dict[str, Source]
    dropped: int
    rate: Rate
    days_left: float


def stats(folder: Path, *, reserve: int | None = None) -> Stats:
    """Return what the journal of `folder` holds, also while it is written.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    reserve : int, optional
        Bytes of the disk that the writer leaves free, as `Journal.open` has it.

    Raises
    ------
    DataError
        If there is no journal, or it can't be read.
    """
    with Reader.open(folder) as reader:
        first, last = reader.first(), reader.last()
        heads = reader.query(_HEADS)
        kinds = {kind: _amount(heads, kind) for kind in KINDS}
        kept, highest = reader.query("SELECT count(*), coalesce(max(id), 0) FROM rejects")[0]
        return Stats(
            reader.path, first, last, _received(reader, first), _received(reader, last), _on_disk(reader.path), kinds,
            _gateways(reader, heads), highest - kept, rate(reader), days_left(reader, reserve=reserve),
        )  # fmt: skip


def rate(reader: Reader) -> Rate:
    """Return what is written per second."""
    first, last = reader.first(), reader.last()
    ends = reader.query(_AT, last)
    if not ends or first >= last:
        return Rate(0.0, 0.0, 0.0)
    until = ends[0][1]
    low, high = first - 1, last - 1  # what was received an hour before, or is last but one, and first within
    while high - low > 1:  # ids are ordered as they were received, but for a clock that was set
        middle = (low + high) // 2
        low, high = (low, middle) if reader.query(_AT, middle)[0][1] >= until - WINDOW * 1e6 else (middle, high)
    begin, since = reader.query(_AT, high)[0]
    if until <= since:
        return Rate(0.0, 0.0, 0.0)
    per_second = (last - begin) / (until - since) * 1e6
    number, size, holds = reader.query(_SAMPLE, SAMPLE)[0]
    return Rate(per_second, per_second * holds / number, per_second * size / number * _overhead(reader))


def days_left(reader: Reader, *, reserve: int | None = None) -> float:
    """Return for how many days the disk takes what is written at the present rate; infinite where nothing is.

    Parameters
    ----------
    reader : Reader
        Of the journal.
    reserve : int, optional
        Bytes of the disk that the writer leaves free, as `Journal.open` has it.
    """
    room, written = free(reader.path.parent, reserve), rate(reader).bytes
    if room <= 0:
        return 0.0
    return room / written / 86400.0 if written > 0.0 else math.inf


def _overhead(reader: Reader) -> float:
    """Return how many bytes of the file a byte of a body takes."""
    pages, unused, size = (
        reader.query(what)[0][0]
        for what in ("PRAGMA page_count", "PRAGMA freelist_count", "SELECT coalesce(sum(bytes), 0) FROM heads")
    )
    each = reader.query("PRAGMA page_size")[0][0]
    return max((pages - unused) * each / size, 1.0) if size else 1.0


def _amount(heads: list[tuple[str, int, str, int, int, int, int, int]], kind: str) -> Amount:
    mine = [head for head in heads if head[2] == kind]
    return Amount(sum(head[5] for head in mine), sum(head[7] for head in mine))


def _gateways(
    reader: Reader, heads: list[tuple[str, int, str, int, int, int, int, int]]
) -> dict[str, Source]:  # fmt: skip
    rejects = dict(reader.query(_REJECTS))
    found = {}
    for name in sorted({head[0] for head in heads if head[2] not in ("tick", "action")} | rejects.keys()):
        mine = [head for head in heads if head[0] == name and head[2] not in ("tick", "action")]
        latest = max(mine, key=lambda head: head[3], default=None)
        data, gaps = ([head for head in mine if head[2] == kind] for kind in ("data", "gap"))
        found[name] = Source(
            runs=len({head[1] for head in mine}),
            seq=max((h[4] for h in mine if latest and h[1] == latest[1]), default=0),
            frames=sum(head[5] for head in data),
            readings=sum(head[6] for head in data),
            gaps=sum(head[5] for head in gaps),
            lost=sum(head[6] for head in gaps),
            rejects=rejects.get(name, 0),
            received=_received(reader, latest[3]) if latest else None,
        )
    return found


def _received(reader: Reader, number: int) -> int | None:
    found = reader.query("SELECT received FROM entries WHERE id = ?", number)
    return int(found[0][0]) if found else None


def _on_disk(path: Path) -> int:
    files = (path, log.of(path), path.with_name(f"{path.name}-shm"))
    return sum(file.stat().st_size for file in files if file.exists())
