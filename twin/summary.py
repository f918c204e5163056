"""What a run amounts to: the range of every tag, limits crossed, happenings counted."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from twin.documents import GOOD, Column, Document, Ending, Frame, Happening, Schema, Start, Stop


class TagRange(NamedTuple):
    """Good readings of a tag over all members, in its unit: range, mean, last of member 0, how many were good."""

    unit: str
    least: float
    mean: float
    most: float
    last: float
    good: int
    missing: int


class Crossing(NamedTuple):
    """The first good reading beyond an alarm limit: when [s], in which member."""

    tag: str
    limit: str
    level: float
    unit: str
    time: float
    member: int


class Summary(NamedTuple):
    """What a run amounts to; `elapsed` is wall time [s] without compiling, 0 where it isn't known."""

    plant: str
    seed: int
    members: int
    time: float
    ending: Ending
    message: str
    tags: dict[str, TagRange]
    crossings: tuple[Crossing, ...]
    happenings: dict[str, int]
    elapsed: float = 0.0

    @property
    def speed(self) -> float:
        """Simulated seconds a second of wall time, for each member."""
        return self.time / self.elapsed if self.elapsed > 0.0 else 0.0


@dataclass
class _Running:
    """Statistics of one tag so far."""

    column: Column
    least: float = np.inf
    most: float = -np.inf
    total: float = 0.0
    last: float = np.nan
    good: int = 0
    rows: int = 0
    crossed: dict[str, Crossing] = field(default_factory=dict)

    def add(self, times: np.ndarray, value: np.ndarray, good: np.ndarray) -> None:
        """Count a block of shape (members, n)."""
        kept = value[good]
        self.rows += value.size
        self.good += kept.size
        if not kept.size:
            return
        self.least, self.most = min(self.least, float(kept.min())), max(self.most, float(kept.max()))
        self.total += float(kept.sum())
        if good[0].any():
            self.last = float(value[0][good[0]][-1])
        for limit, level, beyond in (
            ("low", self.column.low, value < self.column.low),
            ("high", self.column.high, value > self.column.high),
        ):
            found = np.argwhere((beyond & good).T)  # the earliest time first
            if len(found) and limit not in self.crossed:
                row, member = found[0]
                crossing = Crossing(self.column.name, limit, level, self.column.unit, float(times[row]), int(member))
                self.crossed[limit] = crossing

    def range(self) -> TagRange:
        """Return the statistics; NaN where nothing was good."""
        least, most = (self.least, self.most) if self.good else (np.nan, np.nan)
        mean = self.total / self.good if self.good else np.nan
        return TagRange(self.column.unit, least, mean, most, self.last, self.good, self.rows - self.good)


class Tally:
    """A sink that keeps a `Summary` of what it was given, and no rows."""

    def __init__(self) -> None:
        self._start = Start("", "", 0, 0, 0.0)
        self._stop = Stop(0.0)
        self._streams: dict[str, list[_Running]] = {}
        self._happenings: Counter[str] = Counter()

    def put(self, document: Document) -> None:
        """Count what the document holds."""
        match document:
            case Start():
                self._start = document
            case Schema():
                self._streams[document.stream] = [_Running(column) for column in document.columns]
            case Frame():
                for i, running in enumerate(self._streams[document.stream]):
                    running.add(document.times, document.value[i], document.quality[i] == GOOD)
            case Happening():
                self._happenings[document.name] += 1
            case Stop():
                self._stop = document

    def summary(self, elapsed: float = 0.0) -> Summary:
        """Return what was counted so far."""
        tags = [running for stream in self._streams.values() for running in stream]
        crossings = sorted((c for tag in tags for c in tag.crossed.values()), key=lambda c: (c.time, c.tag))
        start, stop = self._start, self._stop
        return Summary(
            start.plant,
            start.seed,
            start.members,
            stop.time,
            stop.ending,
            stop.message,
            {tag.column.name: tag.range() for tag in tags},
            tuple(crossings),
            dict(self._happenings),
            elapsed,
        )
