"""Journal entries into the readings of settled instants, in source time.

A reading counts for the instant that ends the interval in which it was measured. An instant is settled once every
gateway that keeps coming has gone `lag` beyond it; only then are its readings cleaned, in order of time. So readings
may come in any order within the lag, and what is settled is the same. What comes later is counted, and stays in the
journal.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from twin.clean.block import BAD, Block, is_bad, joined
from twin.clean.cleaner import Cleaner
from twin.clean.recipe import Recipe
from twin.errors import PlantError, SnapshotError
from twin.journal.entries import Entry
from twin.live.source import MICRO, Source
from twin.protocol import FrameError, Hello, decode_from_gateway, rows

AHEAD = 5 * MICRO
"""A reading this far in the future, times the rate of a replay, is not believed to be of its time [us]."""
LONGEST_TICK = 2 * MICRO
"""Ticks are a second apart: a clock that has moved further in between, times the rate of a replay, has jumped [us]."""
UNCERTAIN_FACTOR = 10.0
"""By how much larger the variance of an uncertain reading is taken."""


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


class Arrivals:
    """Takes entries in journal order; gives settled bins.

    Parameters
    ----------
    recipe : Recipe
        How readings are cleaned; its tags are those of the plant. Intervals take the place of its grids.
    every, lag : float
        Length of an interval, and how late a reading may be [s].
    credible : (low, high), optional
        What each tag of the recipe can show at all, SI; a reading beyond is Bad, and counted.
    """

    def __init__(
        self, recipe: Recipe, every: float, lag: float, credible: tuple[np.ndarray, np.ndarray] | None = None
    ) -> None:
        self.cleaner = Cleaner(Recipe(tuple(steps._replace(align=None) for steps in recipe.tags)))
        self.every, self.lag = round(every * MICRO), round(lag * MICRO)
        m = len(self.cleaner.tags)
        self._low, self._high = credible or (np.full(m, -np.inf), np.full(m, np.inf))
        self.sources: dict[str, Source] = {}
        self.begin = 0
        """Start of the first interval [us UTC]; 0 until something is settled."""
        self.settled = 0
        """End of the last interval given [us UTC]."""
        self.clock = 0
        """The clock of the last tick [us UTC]."""
        self.passed = 0
        """How much time the last tick told of; a clock that jumps doesn't count [us]."""
        self.counts = dict.fromkeys(
            ("late", "unknown_tag", "wrong_unit", "future", "impossible", "lost", "unreadable"), 0
        )
        self.last = np.zeros(m, np.int64)
        """When each tag was last heard of in what is settled [us UTC]; 0 where never."""
        self._pending: list[Block] = []
        self._cleaned: list[Block] = []

    def put(self, entry: Entry) -> None:
        """Take the next entry of the journal."""
        if entry.kind == "tick":
            self._tick(entry)
        elif entry.gateway:
            source = self.sources.setdefault(entry.gateway, Source())
            source.missed, source.gone = 0, entry.kind == "bye"
            if entry.kind == "hello":
                self._greet(source, entry)
            elif entry.kind == "gap":
                lost = msgspec.msgpack.decode(entry.body)
                count = int(lost["last"]) - int(lost["first"]) + 1
                self.counts["lost"] += count
                source.note_loss(count)
            elif entry.kind == "data":
                self._take(source, entry)

    def _tick(self, entry: Entry) -> None:
        """Note which gateways are heard of, and how much time has passed."""
        alive = msgspec.msgpack.decode(entry.body).get("alive", [])
        for name, source in self.sources.items():
            source.idle += 1
            source.missed = 0 if name in alive else source.missed + 1
        rate = max((source.rate for source in self.sources.values()), default=1.0)
        self.passed = min(max(entry.clock - self.clock, 0), round(LONGEST_TICK * rate)) if self.clock else 0
        self.clock = entry.clock

    def _greet(self, source: Source, entry: Entry) -> None:
        """Learn which of its tags are ours, and their units."""
        try:
            hello = decode_from_gateway(entry.body)
        except FrameError:
            hello = None
        source.run = entry.run
        source.learn(())
        if not isinstance(hello, Hello):
            self.counts["unreadable"] += 1
            return
        source.offset = hello.now - entry.clock
        source.rate = hello.rate if hello.clock == "replay" else 1.0
        source.learn([self._number(tag.n, tag.u) for tag in hello.tags])

    def _number(self, name: str, unit: str) -> int:
        """Return which tag this is, or -1; from now on it comes in this unit."""
        number = self.cleaner.find(name)
        if number is None:
            self.counts["unknown_tag"] += 1
            return -1
        if unit and unit != self.cleaner.conversions()[number][1]:
            self._clean_pending()  # what came until now is in the other unit
        try:
            return self.cleaner.declare(name, unit)
        except PlantError:  # what it sends under this name measures something else: none of it is used
            self.counts["wrong_unit"] += 1
            return -1

    def _take(self, source: Source, entry: Entry) -> None:
        """Keep what is of our tags, and neither late nor of the future."""
        try:
            _, readings = rows(entry.body)
        except FrameError:
            self.counts["unreadable"] += 1
            return
        mine = source.mine
        kept = [row for row in readings if row[0] in mine]
        if not kept:
            return
        index, time, value, quality = zip(*kept, strict=True)
        block = Block.of([mine[i] for i in index], time, value, quality)
        future = block.time > entry.clock + round(AHEAD * max(1.0, source.rate))
        if future.any():
            self.counts["future"] += int(future.sum())
            source.offset = max(source.offset, int(block.time.max()) - entry.clock)
            block = block.part(~future)
        if block.tag.size:
            self._keep(source, block)

    def _keep(self, source: Source, block: Block) -> None:
        source.reach(int(block.time.min()), int(block.time.max()))
        late = block.time <= self.settled if self.begin else np.zeros(block.tag.size, np.bool_)
        if late.any():
            self.counts["late"] += int(late.sum())
            source.note_late(int(late.sum()), self.settled - int(block.time.min()), self.settled)
            block = block.part(~late)
        if block.tag.size:
            self._pending.append(block)

    def mark(self) -> int:
        """Return the time up to which every gateway that keeps coming has come, less the lag [us UTC].

        One that is far behind the others, as after an outage or with a clock that went back, is not waited for.
        """
        coming = [source for source in self.sources.values() if source.comes]
        newest = max((source.progress for source in coming), default=0)
        return min((s.progress for s in coming if s.near(newest)), default=self.settled + self.lag) - self.lag

    def due(self) -> Iterator[Bin]:
        """Yield the intervals that are settled and have readings, in order."""
        mark = self.mark()
        if not self.begin:
            first = min((int(block.time.min()) for block in self._cleaned + self._pending), default=mark)
            if first >= mark:
                return
            self.begin = self.settled = (first - 1) // self.every * self.every
        end = self.begin + (mark - self.begin) // self.every * self.every
        if end <= self.settled:
            return
        pending, cleaned = joined(self._pending), joined(self._cleaned)
        ready, done = pending.time <= end, cleaned.time <= end
        self._pending, self._cleaned = _if_any(pending.part(~ready)), _if_any(cleaned.part(~done))
        self.settled = end
        block = joined([cleaned.part(done), self._clean(pending.part(ready))])
        np.maximum.at(self.last, block.tag, block.time)
        yield from self._binned(block)

    def provisional(self) -> Iterator[Bin]:
        """Yield the intervals behind the settled ones, by what has come so far; nothing is kept."""
        if not self.begin:
            return
        before, counts = self.cleaner.state(), dict(self.counts)
        bins = list(self._binned(joined([*self._cleaned, self._clean(joined(self._pending))])))
        self.cleaner.restore(before)
        self.counts = counts
        yield from bins

    def _clean_pending(self) -> None:
        if self._pending:
            self._cleaned.append(self._clean(joined(self._pending)))
            self._pending.clear()

    def _clean(self, block: Block) -> Block:
        """Return readings cleaned in order of time, whichever came first."""
        if not block.tag.size:
            return block
        clean = self.cleaner.put(_ordered(block))
        beyond = ~is_bad(clean.quality) & ((clean.value < self._low[clean.tag]) | (clean.value > self._high[clean.tag]))
        if beyond.any():
            self.counts["impossible"] += int(beyond.sum())
            clean.quality[beyond] = BAD
        return clean

    def _binned(self, block: Block) -> Iterator[Bin]:
        number = -((self.begin - block.time) // self.every)  # an interval holds its end, not its start
        order = np.lexsort((block.quality, block.value, block.time, block.tag, number))
        number, block = number[order], block.part(order)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        for i, start in enumerate(starts):
            stop = starts[i + 1] if i + 1 < starts.size else number.size
            yield self._bin(int(number[start]), block.part(slice(int(start), int(stop))))

    def _bin(self, number: int, block: Block) -> Bin:
        m = len(self.cleaner.tags)
        severity = block.quality >> np.uint32(30)
        value, inflation = np.full(m, np.nan), np.ones(m)
        quality = np.zeros(m, np.uint32)
        quality[block.tag] = block.quality
        for which, factor in ((severity == 1, UNCERTAIN_FACTOR), (severity == 0, 1.0)):
            count = np.bincount(block.tag[which], minlength=m)
            has = count > 0
            with np.errstate(over="ignore"):
                sums = np.bincount(block.tag[which], weights=block.value[which], minlength=m)
            value[has] = sums[has] / count[has]
            inflation[has], quality[has] = factor, 0
            np.maximum.at(quality, block.tag[which], block.quality[which])
        endless = np.isinf(value)  # numbers whose sum is none
        value[endless], quality[endless] = np.nan, BAD
        total = np.bincount(block.tag, minlength=m).astype(np.int64)
        return Bin(self.begin + number * self.every, value, inflation, quality, total)

    def state(self) -> dict[str, Any]:
        """Return everything that the next bins depend on."""
        return {
            "cleaner": self.cleaner.state(),
            "sources": {name: source.state() for name, source in self.sources.items()},
            "numbers": [self.begin, self.settled, self.clock, self.passed],
            "counts": dict(self.counts),
            "last": self.last.copy(),
            "pending": _columns(self._pending),
            "cleaned": _columns(self._cleaned),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises
        ------
        SnapshotError
            If it is of another recipe or version.
        """
        try:
            sources = {str(name): Source.of(said) for name, said in state["sources"].items()}
            begin, settled, clock, passed = (int(number) for number in state["numbers"])
            counts = {name: int(state["counts"][name]) for name in self.counts}
            last = np.asarray(state["last"], np.int64)
            pending, cleaned = (_if_any(_block(*state[name])) for name in ("pending", "cleaned"))
            if last.shape != self.last.shape:
                raise ValueError(f"{last.size} tags")
            self.cleaner.restore(state["cleaner"])
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as err:
            raise SnapshotError(f"arrivals: {err}: not what this version writes; start from the journal") from None
        self.sources, self.counts, self.last = sources, counts, last.copy()
        self.begin, self.settled, self.clock, self.passed = begin, settled, clock, passed
        self._pending, self._cleaned = pending, cleaned


def _ordered(block: Block) -> Block:
    """Return readings in one order, however they came: by time, tag, status and value."""
    return block.part(np.lexsort((block.value, block.quality, block.tag, block.time)))


def _if_any(block: Block) -> list[Block]:
    return [block] if block.tag.size else []


def _block(tag: Any, time: Any, value: Any, quality: Any) -> Block:
    block = Block.of(tag, time, value, quality)
    if {column.shape for column in block} != {(block.tag.size,)}:
        raise ValueError("columns of unequal length")
    return block


def _columns(blocks: Sequence[Block]) -> list[np.ndarray]:
    block = _ordered(joined(blocks))
    return [block.tag.astype(np.int64), block.time, block.value, block.quality]
