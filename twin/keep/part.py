"""One archive in the making: readings gather until a block is sorted by tag, everything goes out in whole chunks."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from twin.journal.entries import Entry
from twin.keep.tables import ROWS, Store, array

_MOST_BODIES = 4 << 20


class Column(NamedTuple):
    """A tag as a gateway declared it."""

    name: str
    unit: str
    gateway: str


class Batch(NamedTuple):
    """Readings of some frames: `frame` says of which, `column` is a number that the span has given."""

    frames: Sequence[Entry]
    counts: np.ndarray
    frame: np.ndarray
    column: np.ndarray
    time: np.ndarray
    value: np.ndarray
    quality: np.ndarray


class Part:
    """Takes what belongs into one archive.

    Parameters
    ----------
    store : Store
        Where the rows go.
    known : sequence of Column
        What the numbers of columns stand for; it may grow.
    """

    def __init__(self, store: Store, known: Sequence[Column]) -> None:
        self.store, self._known = store, known
        self.waiting = self.readings = self.frames = self.entries = self.gaps = 0
        self.since = self.until = 0
        self._written = 0
        self._rows: dict[str, list[np.ndarray]] = {"column": [], "time": [], "value": [], "quality": [], "frame": []}
        self._columns: dict[int, int] = {}
        self._sources: dict[tuple[str, int], int] = {}
        self._bodies = bytearray()
        self._entries: list[tuple[int, str, int, int, int, int, int]] = []
        self._shelf: dict[str, list[dict[str, np.ndarray]]] = {}

    @property
    def tags(self) -> int:
        """Return of how many tags there are readings."""
        return len({self._known[number][:1] + self._known[number][2:] for number in self._columns})

    def add(self, batch: Batch, rows: np.ndarray, frames: np.ndarray) -> None:
        """Take some rows of a batch.

        Parameters
        ----------
        batch : Batch
            From which.
        rows : numpy.ndarray
            Which rows, a mask.
        frames : numpy.ndarray
            The frames that these rows are of, and such as have none.
        """
        number = np.zeros(len(batch.frames), np.uint32)
        number[frames] = np.arange(self.frames, self.frames + frames.size)
        self._note([batch.frames[i] for i in frames], batch.counts[frames])
        taken = int(np.count_nonzero(rows))
        if not taken:
            return
        time = batch.time[rows]
        low, high = int(time.min()), int(time.max())
        self.since, self.until = (min(self.since, low), max(self.until, high)) if self.readings else (low, high)
        for name, values in zip(
            self._rows,
            (batch.column[rows], time, batch.value[rows], batch.quality[rows], number[batch.frame[rows]]),
            strict=True,
        ):
            self._rows[name].append(values)
        self.waiting += taken
        self.readings += taken

    def entry(self, entry: Entry) -> None:
        """Take an entry as it came."""
        source = self._source(entry.gateway, entry.run)
        size = len(entry.body)
        self._entries.append((entry.id, entry.kind, entry.received, entry.clock, source, entry.seq, size))
        self._bodies += entry.body
        self.entries += 1
        self.gaps += entry.kind == "gap"
        if len(self._entries) >= ROWS["entries"] or len(self._bodies) >= _MOST_BODIES:
            self._put_entries()

    def flush(self) -> None:
        """Write the block of readings that have gathered."""
        if not self.waiting:
            return
        rows = {name: np.concatenate(values) for name, values in self._rows.items()}
        for values in self._rows.values():
            values.clear()
        found, inverse = np.unique(rows.pop("column"), return_inverse=True)
        local = np.array([self._columns.setdefault(int(n), len(self._columns)) for n in found], np.uint32)
        column = local[inverse]
        order = np.argsort(column, kind="stable")
        self._put("readings", {name: values[order] for name, values in rows.items()})
        columns, begin, count = np.unique(column[order], return_index=True, return_counts=True)
        index = {"column": columns, "begin": begin + self._written, "count": count}
        self._put("index", {name: array("index", name, values) for name, values in index.items()})
        self._written += self.waiting
        self.waiting = 0

    def end(self) -> None:
        """Write the rest."""
        self.flush()
        self._put_entries()
        used = [self._known[number] for number in self._columns]
        self._table("columns", ("name", "unit", "gateway"), used)
        self._table("sources", ("gateway", "run"), list(self._sources))
        for table in self._shelf:
            self._out(table, 1)

    def _note(self, frames: Sequence[Entry], counts: np.ndarray) -> None:
        rows = [
            (f.id, f.received, f.clock, self._source(f.gateway, f.run), f.seq, n)
            for f, n in zip(frames, counts.tolist(), strict=True)
        ]
        self._table("frames", ("entry", "received", "clock", "source", "seq", "readings"), rows)
        self.frames += len(rows)

    def _put_entries(self) -> None:
        names = ("entry", "kind", "received", "clock", "source", "seq", "length")
        self._table("entries", names, self._entries)
        self._put("bodies", {"body": np.frombuffer(bytes(self._bodies), np.uint8)})
        self._entries.clear()
        self._bodies.clear()

    def _source(self, gateway: str, run: int) -> int:
        return self._sources.setdefault((gateway, run), len(self._sources))

    def _table(self, table: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        if rows:
            columns = zip(*rows, strict=True)
            self._put(table, {name: array(table, name, c) for name, c in zip(names, columns, strict=True)})

    def _put(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Take rows of a table; they go out as far as they fill chunks, which are compressed once."""
        if next(iter(columns.values())).size:
            self._shelf.setdefault(table, []).append(dict(columns))
            self._out(table, ROWS[table])

    def _out(self, table: str, chunk: int) -> None:
        shelf = self._shelf[table]
        count = sum(next(iter(piece.values())).size for piece in shelf)
        if count < chunk:
            return
        whole = {name: np.concatenate([piece[name] for piece in shelf]) for name in shelf[0]}
        kept = count - count % chunk
        self.store.put(table, {name: values[:kept] for name, values in whole.items()})
        shelf[:] = [{name: values[kept:].copy() for name, values in whole.items()}] if kept < count else []
