"""Journal entries into the readings of settled instants, in source time.

A reading counts for the instant that ends the interval in which it was measured. An instant is settled once every
gateway that is alive has gone `lag` beyond it, so readings may come in any order within the lag and the settled
readings are the same. What comes later is counted, and stays in the journal.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from twin.clean.block import Block, joined
from twin.clean.cleaner import Cleaner
from twin.clean.recipe import Recipe
from twin.errors import PlantError, SnapshotError
from twin.journal.entries import Entry
from twin.protocol import FrameError, Hello, decode_from_gateway, rows

SILENT = 3_000_000
"""A gateway from which nothing has come for this long doesn't hold back the others [us of ingest's clock]."""
AHEAD = 5_000_000
"""A reading this far in the future is not believed to be of its time [us]."""
UNCERTAIN_FACTOR = 10.0
"""By how much larger the variance of an uncertain reading is taken."""
MICRO = 1_000_000


class Bin(NamedTuple):
    """What the tags read in one interval.

    Attributes
    ----------
    end : int
        Its end [us UTC].
    value : numpy.ndarray
        Mean of the good readings of each tag, or of the uncertain ones where there are no good; NaN where
        neither, SI, (m,).
    inflation : numpy.ndarray
        By how much larger than a good one's the variance is, (m,).
    quality : numpy.ndarray
        OPC UA status of the worst reading that `value` has in it, or of the last bad one, uint32, (m,).
    readings : numpy.ndarray
        Readings of each tag, int64, (m,).
    """

    end: int
    value: np.ndarray
    inflation: np.ndarray
    quality: np.ndarray
    readings: np.ndarray


class Source:
    """What is known of one gateway."""

    def __init__(self) -> None:
        self.run = 0
        self.tags: list[int] = []
        self.progress = 0
        self.received = 0
        self.alive = True
        self.offset = 0

    def state(self) -> list[Any]:
        """Return everything, as plain numbers."""
        return [self.run, self.tags, self.progress, self.received, self.alive, self.offset]

    @classmethod
    def of(cls, state: list[Any]) -> "Source":
        """Return what `state` returned."""
        self = cls()
        self.run, self.tags, self.progress, self.received, self.alive, self.offset = state
        return self


class Arrivals:
    """Takes entries in journal order; gives settled bins.

    Parameters
    ----------
    recipe : Recipe
        How readings are cleaned; its tags are those of the plant.
    every, lag : float
        Length of an interval, and how late a reading may be [s].
    """

    def __init__(self, recipe: Recipe, every: float, lag: float) -> None:
        self.cleaner = Cleaner(recipe)
        self.every, self.lag = round(every * MICRO), round(lag * MICRO)
        self.sources: dict[str, Source] = {}
        self.begin = 0
        """Start of the first interval [us UTC]; 0 until there is a reading."""
        self.settled = 0
        """End of the last interval given [us UTC]."""
        self.clock = 0
        """The newest clock of the source [us UTC]."""
        self.counts = dict.fromkeys(("late", "unknown_tag", "wrong_unit", "future", "lost", "unreadable"), 0)
        self.last = np.zeros(len(self.cleaner.tags), np.int64)
        self._pending: list[Block] = []

    def put(self, entry: Entry) -> None:
        """Take the next entry of the journal."""
        self.clock = max(self.clock, entry.clock)
        if entry.kind == "tick":
            self._tick(entry)
        elif entry.kind == "gap":
            first_last = msgspec.msgpack.decode(entry.body)
            self.counts["lost"] += int(first_last["last"]) - int(first_last["first"]) + 1
        elif entry.gateway:
            source = self.sources.setdefault(entry.gateway, Source())
            source.received, source.alive = entry.received, entry.kind != "bye"
            if entry.kind == "hello":
                self._greet(source, entry)
            elif entry.kind == "data":
                self._take(source, entry)

    def _tick(self, entry: Entry) -> None:
        """Note which gateways are alive."""
        alive = msgspec.msgpack.decode(entry.body).get("alive", [])
        for name, source in self.sources.items():
            source.alive = name in alive and entry.received - source.received < SILENT

    def _greet(self, source: Source, entry: Entry) -> None:
        """Learn which of its tags are ours, and their units."""
        hello = decode_from_gateway(entry.body)
        if not isinstance(hello, Hello):
            self.counts["unreadable"] += 1
            return
        source.run, source.tags = entry.run, []
        source.offset = hello.now - entry.clock
        for tag in hello.tags:
            number = -1
            if self.cleaner.find(tag.n) is None:
                self.counts["unknown_tag"] += 1
            else:
                try:
                    number = self.cleaner.declare(tag.n, tag.u)
                except PlantError:  # what it sends under this name measures something else: none of it is used
                    self.counts["wrong_unit"] += 1
            source.tags.append(number)

    def _take(self, source: Source, entry: Entry) -> None:
        """Clean a batch and keep what isn't late."""
        try:
            _, readings = rows(entry.body)
        except FrameError:
            self.counts["unreadable"] += 1
            return
        if not readings:
            return
        index, time, value, quality = zip(*readings, strict=True)
        known = np.array([*source.tags, -1], np.int64)
        tag = known[np.minimum(np.array(index, np.int64), len(source.tags))]
        block = Block.of(tag, time, np.array(value, float), np.array(quality, np.uint32)).part(tag >= 0)
        if not block.tag.size:
            return
        future = block.time > entry.clock + AHEAD
        self.counts["future"] += int(future.sum())
        newest = block.time[~future].max(initial=0)
        source.progress = max(source.progress, int(newest))
        clean = self.cleaner.put(block.part(~future))
        np.maximum.at(self.last, clean.tag, clean.time)
        if not self.begin and clean.tag.size:
            self.begin = (int(clean.time.min()) - 1) // self.every * self.every
            self.settled = self.begin
        late = clean.time <= self.settled
        self.counts["late"] += int(late.sum())
        if not late.all():
            self._pending.append(clean.part(~late))

    def mark(self) -> int:
        """Return the time up to which every living gateway has come, less the lag [us UTC]."""
        ahead = [s.progress for s in self.sources.values() if s.alive and s.progress]
        return (min(ahead) if ahead else 0) - self.lag

    def due(self) -> Iterator[Bin]:
        """Yield the intervals that are settled and have readings, in order."""
        end = self.begin + (self.mark() - self.begin) // self.every * self.every
        if not self.begin or end <= self.settled:
            return
        pending = joined(self._pending)
        ready = pending.time <= end
        self._pending = [pending.part(~ready)] if not ready.all() else []
        yield from self._binned(pending.part(ready))
        self.settled = end

    def provisional(self) -> Iterator[Bin]:
        """Yield the intervals behind the settled ones, by what has come so far; nothing is kept."""
        yield from self._binned(joined(self._pending))

    def _binned(self, block: Block) -> Iterator[Bin]:
        number = -((self.begin - block.time) // self.every)  # an interval holds its end, not its start
        order = np.lexsort((block.time, block.tag, number))
        number, block = number[order], block.part(order)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        for i, start in enumerate(starts):
            stop = starts[i + 1] if i + 1 < starts.size else number.size
            yield self._bin(int(number[start]), block.part(slice(int(start), int(stop))))

    def _bin(self, number: int, block: Block) -> Bin:
        m = len(self.cleaner.tags)
        severity = block.quality >> np.uint32(30)
        good, fair = severity == 0, severity == 1
        counts = {name: np.bincount(block.tag[w], minlength=m) for name, w in (("good", good), ("fair", fair))}
        value, inflation = np.full(m, np.nan), np.ones(m)
        quality = np.zeros(m, np.uint32)
        quality[block.tag] = block.quality
        for which, has, factor in (
            (fair, (counts["good"] == 0) & (counts["fair"] > 0), UNCERTAIN_FACTOR),
            (good, counts["good"] > 0, 1.0),
        ):
            sums = np.bincount(block.tag[which], weights=block.value[which], minlength=m)
            number_of = np.bincount(block.tag[which], minlength=m)
            value[has] = sums[has] / number_of[has]
            inflation[has] = factor
        quality[counts["good"] > 0] = 0
        total = np.bincount(block.tag, minlength=m).astype(np.int64)
        return Bin(self.begin + number * self.every, value, inflation, quality, total)

    def state(self) -> dict[str, Any]:
        """Return everything that the next bins depend on."""
        pending = joined(self._pending)
        return {
            "cleaner": self.cleaner.state(),
            "sources": {name: source.state() for name, source in self.sources.items()},
            "numbers": [self.begin, self.settled, self.clock],
            "counts": dict(self.counts),
            "last": self.last.copy(),
            "pending": [pending.tag.astype(np.int64), pending.time, pending.value, pending.quality],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises
        ------
        SnapshotError
            If it is of another recipe or version.
        """
        try:
            self.cleaner.restore(state["cleaner"])
            self.sources = {name: Source.of(list(s)) for name, s in state["sources"].items()}
            self.begin, self.settled, self.clock = state["numbers"]
            self.counts, self.last = dict(state["counts"]), state["last"].copy()
            self._pending = [Block.of(*state["pending"])]
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            raise SnapshotError(f"arrivals: {err}: not what this version writes; start from the journal") from None
