"""A recorded file at the pace of a clock, as a gateway would have sent it: raw, in the source's units."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from twin.clean.block import BAD, Block
from twin.clean.names import wire_names
from twin.clean.reader import blocks
from twin.clean.recording import Recording
from twin.quality import HIGHEST

Row = tuple[str, int, float | None, int]

BATCH = 5_000
"""Readings of a batch at most, as EQT/1 has it."""
BEAT = 0.05
"""Readings that are due within so long are sent together [s]."""
MOST_WAITING = 256
"""Batches that the twin hasn't taken, at which the file waits for it."""
LATE = 2.0
"""A file so far behind its speed says so [s]."""
KNOWN = 40
"""Blocks that are read ahead to learn how long a recording is."""


class Taker(Protocol):
    """What a gateway does for a feed."""

    @property
    def waiting(self) -> int:
        """How many batches aren't known to be with the twin."""
        ...

    def put_many(self, batches: Iterable[Iterable[Row]]) -> None:
        """Store and send batches."""
        ...


@dataclass(frozen=True)
class Wall:
    """A monotonic clock and how to wait on it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = field(default=time.sleep)


class Progress(NamedTuple):
    """How far a feed has come: readings handed on, source time of the last [us UTC], wall time taken [s]."""

    readings: int
    time: int
    taken: float


class Film(NamedTuple):
    """Blocks to be fed, and the first and the last instant [us UTC]; the last is None where it isn't known yet."""

    first: int
    last: int | None
    blocks: Iterator[Block]


def tags_of(recording: Recording) -> dict[str, str]:
    """Return the unit, once calibrated, of each tag that a recording feeds, by the name it travels by."""
    wire = wire_names(steps.tag for steps in recording.recipe.tags)
    found = {}
    for column in recording.columns:
        steps = recording.recipe.tags[column.tag]
        found[wire[steps.tag]] = column.unit or steps.unit or steps.shown
    return found


def film(recording: Recording, *, loop: bool = False) -> Film | None:
    """Return a recording's readings, again and again with `loop`, or None where it has none."""
    source = blocks(recording)
    ahead = list(itertools.islice(source, KNOWN))
    if not ahead:
        return None
    whole = len(ahead) < KNOWN
    first, last = int(ahead[0].time[0]), int(ahead[-1].time[-1])
    if not loop:
        return Film(first, last if whole else None, itertools.chain(ahead, source))

    def again() -> Iterator[Block]:
        shift, end, step = 0, first, 1
        for turn in itertools.count():
            for block in itertools.chain(ahead, source) if turn == 0 else blocks(recording):
                moved = block._replace(time=block.time + shift)
                rises = np.diff(moved.time, prepend=end)
                step = int(rises[rises > 0][-1]) if (rises > 0).any() else step
                end = int(moved.time[-1])
                yield moved
            shift = end + step - first

    return Film(first, None, again())


def play(
    recording: Recording,
    reel: Film,
    gateway: Taker,
    *,
    speed: float,
    began: float,
    wall: Wall = Wall(),
    tell: Callable[[str], None] = lambda _: None,
    after: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Hand readings to a gateway when they are due, `speed` source seconds a wall second; never drop any.

    Parameters
    ----------
    gateway : Taker
        Takes batches; where it holds too many, the file waits.
    began : float
        Wall time of the first reading, by `wall`.
    tell : callable
        Called once with a sentence if the speed can't be kept.
    after : callable
        Called after each hand-over, and while waiting.
    """
    names = list(wire_names(steps.tag for steps in recording.recipe.tags).values())
    done, told = Progress(0, reel.first, 0.0), False
    for block in reel.blocks:
        sent = 0
        while sent < block.tag.size:
            elapsed = wall.now() - began
            due = int(np.searchsorted(block.time, reel.first + elapsed * speed * 1e6, "right"))
            if gateway.waiting >= MOST_WAITING or due <= sent:
                ahead = (int(block.time[sent]) - reel.first) / 1e6 / speed - elapsed
                wall.wait(min(max(ahead, BEAT), 0.25))
                after(done._replace(taken=wall.now() - began))
                continue
            stop = min(due, sent + 8 * BATCH)
            gateway.put_many(_batches(block.part(slice(sent, stop)), names))
            behind = elapsed - (int(block.time[stop - 1]) - reel.first) / 1e6 / speed
            done = Progress(done.readings + stop - sent, int(block.time[stop - 1]), wall.now() - began)
            sent = stop
            after(done)
            if not told and behind > LATE and math.isfinite(behind):
                told = True
                tell(f"can't keep {speed:g} x: {behind:.1f} s behind; every reading is sent, but late")
    return done


def _batches(block: Block, names: list[str]) -> Iterator[list[Row]]:
    """Yield rows as EQT/1 sends them; a status that OPC UA keeps free may not travel, and is Bad."""
    quality = np.where(block.quality > HIGHEST, BAD, block.quality)
    columns = block.tag.tolist(), block.time.tolist(), block.value.tolist(), quality.tolist()
    rows = [(names[tag], at, value, int(code)) for tag, at, value, code in zip(*columns, strict=True)]
    for first in range(0, len(rows), BATCH):
        yield rows[first : first + BATCH]
