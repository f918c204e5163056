"""Entries of a span into archives by the hour of their readings' source time, with bounded memory.

What it hands out depends on the entries alone, not on how they are read: going through them once more compares what
was written with the journal, value by value.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from twin.journal.entries import Entry
from twin.keep.hours import HOUR
from twin.keep.part import Batch, Column, Part
from twin.keep.span import Span
from twin.keep.tables import Store
from twin.protocol import LATEST, FrameError, Hello, decode_from_gateway, rows
from twin.quality import HIGHEST

AT_ONCE = 1 << 16
"""Readings that become arrays together."""
BLOCK = 1 << 20
"""Readings that wait in memory to be sorted."""
MOST_OTHERS = 50
"""Other hours of a span that get an archive of their own; what is of yet another one is filed under the span's."""
MOST_COLUMNS = 250_000
"""Tags, with their units and gateways, after which a span ends early."""

_ROW = np.dtype([("tag", "<i8"), ("time", "<i8"), ("value", "<f8"), ("quality", "<i8")])


class _Known:
    """What a gateway called its tags, and which columns of the span they are; -1 until there is a reading."""

    def __init__(self, entry: Entry) -> None:
        said = decode_from_gateway(entry.body)
        self.columns = [Column(tag.n, tag.u, entry.gateway) for tag in said.tags] if isinstance(said, Hello) else []
        self.numbers = np.full(len(self.columns), -1, np.int64)


class Sorter:
    """Takes the entries of a span in order.

    Parameters
    ----------
    span : Span
        What is taken.
    hellos : list of Entry
        Those in force where it starts.
    store : callable
        Returns where the archive of an hour goes.
    """

    def __init__(self, span: Span, hellos: list[Entry], store: Callable[[int], Store]) -> None:
        self.span = span
        self.strays = self.unreadable = 0
        self.resume = span.through + 1
        self._store = store
        self._columns: list[Column] = []
        self._numbers: dict[Column, int] = {}
        self.parts = {span.hour: Part(store(span.hour), self._columns)}
        self._known: dict[tuple[str, int], _Known] = {}
        self._frames: list[tuple[Entry, _Known]] = []
        self._sizes: list[int] = []
        self._rows: list[Any] = []
        for hello in hellos:
            self._greet(hello)

    @property
    def full(self) -> bool:
        """Return whether there are more columns than one span may have."""
        return len(self._columns) > MOST_COLUMNS

    def take(self, entry: Entry) -> None:
        """Take the next entry."""
        if entry.kind == "data":
            self._data(entry)
        else:
            if entry.id > self.span.after:
                self.parts[self.span.hour].entry(entry)
            if entry.kind == "hello":
                self._greet(entry)
        if len(self._rows) >= AT_ONCE or len(self._sizes) >= AT_ONCE:
            self._sort()

    def end(self, through: int) -> None:
        """Write the rest; `through` is the last entry that was taken."""
        self._sort()
        self.resume = min(self.resume, through + 1)
        for part in self.parts.values():
            part.end()

    def _greet(self, entry: Entry) -> None:
        try:
            self._known[entry.gateway, entry.run] = _Known(entry)
        except FrameError:  # written by another version: what follows is kept as it came
            self._known.pop((entry.gateway, entry.run), None)

    def _data(self, entry: Entry) -> None:
        known = self._known.get((entry.gateway, entry.run))
        try:
            found = rows(entry.body)[1]
        except FrameError:
            found, known = [], None
        if known is None:
            self._keep(entry)
            return
        self._frames.append((entry, known))
        self._sizes.append(len(found))
        self._rows += found

    def _keep(self, entry: Entry) -> None:
        """Keep a batch that can't be understood as it came."""
        if entry.id > self.span.after:
            self.parts[self.span.hour].entry(entry)
            self.unreadable += 1

    def _sort(self) -> None:
        """Turn what has gathered into arrays, and hand it to the archives."""
        if not self._frames:
            return
        frames, sizes = self._frames, np.array(self._sizes, np.int64)
        frame = np.repeat(np.arange(sizes.size), sizes)
        try:
            tag, time, value, quality = _arrays(self._rows)
            wrong = (tag < 0) | (tag >= np.array([k.numbers.size for _, k in frames])[frame])
        except (TypeError, ValueError, OverflowError):
            tag = time = value = quality = np.zeros(frame.size, np.int64)
            wrong = np.ones(frame.size, bool)
        self._frames, self._sizes, self._rows = [], [], []
        bad = np.unique(frame[wrong])
        for i in bad:
            self._keep(frames[i][0])
        good = ~np.isin(frame, bad)
        column = self._numbered(frames, frame[good], tag[good])
        entries = [entry for entry, _ in frames]
        batch = Batch(entries, sizes, frame[good], column, time[good], value[good], quality[good])
        self._hand_out(batch, bad)
        self._make_room()

    def _numbered(self, frames: list[tuple[Entry, _Known]], frame: np.ndarray, tag: np.ndarray) -> np.ndarray:
        """Return the columns of readings; a tag gets its number with its first reading."""
        knowns = list({id(known): known for _, known in frames}.values())
        ends = np.cumsum([known.numbers.size for known in knowns])
        begin = {id(known): int(end) - known.numbers.size for known, end in zip(knowns, ends, strict=True)}
        at = np.array([begin[id(known)] for _, known in frames], np.int64)[frame] + tag
        numbers = np.concatenate([known.numbers for known in knowns])
        for new in np.unique(at[numbers[at] < 0]):
            i = int(np.searchsorted(ends, new, side="right"))
            local = int(new) - begin[id(knowns[i])]
            column = knowns[i].columns[local]
            number = self._numbers.setdefault(column, len(self._columns))
            if number == len(self._columns):
                self._columns.append(column)
            numbers[new] = knowns[i].numbers[local] = number
        return np.asarray(numbers[at])

    def _hand_out(self, batch: Batch, bad: np.ndarray) -> None:
        after, _, held, _, main, hold = self.span[:6]
        number = np.array([entry.id for entry in batch.frames], np.int64)
        before = number[batch.frame] <= after
        hour = batch.time // HOUR
        later = ~before & (hour == (-1 if hold is None else hold))
        taken = np.where(before, hour == (-1 if held is None else held), ~later)
        if later.any():
            self.resume = min(self.resume, int(number[batch.frame[later]].min()))
        empty = (batch.counts == 0) & (number > after)
        empty[bad] = False
        mine = taken.copy()
        for h in np.unique(hour[taken]).tolist():
            rows = taken & (hour == h)
            if h != main and h not in self.parts and len(self.parts) <= MOST_OTHERS:
                self.parts[h] = Part(self._store(h), self._columns)
            if h != main and h in self.parts:
                self.parts[h].add(batch, rows, np.unique(batch.frame[rows]))
                mine &= ~rows
            elif h != main:
                self.strays += int(rows.sum())
        of_mine = np.union1d(np.unique(batch.frame[mine]), np.flatnonzero(empty))
        self.parts[main].add(batch, mine, of_mine)

    def _make_room(self) -> None:
        """Let the largest archives write what waits in memory."""
        while sum(part.waiting for part in self.parts.values()) >= BLOCK:
            max(self.parts.values(), key=lambda part: part.waiting).flush()


def _arrays(readings: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return tag, time, value and quality of readings; the tag is -1 where no gateway may send the rest."""
    found = np.fromiter(readings, _ROW, len(readings))  # three times as fast as a column at a time
    tag, time, value, quality = (np.ascontiguousarray(found[name]) for name in _ROW.names or ())
    odd = (time < 0) | (time > LATEST) | (quality < 0) | (quality > HIGHEST)
    return np.where(odd, -1, tag), time, value, quality.astype(np.uint32)
