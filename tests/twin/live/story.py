"""Entries of a journal as ingest would have written them, told step by step, and readings to tell."""

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from twin.journal import Draft, Entry, Journal
from twin.plant import Plant
from twin.protocol import Data, Hello, Row, Tag, encode_json
from twin.protocol import batch as packed
from twin.protocol import encode as encoded
from twin.service import Action
from twin.shipped import path_of
from twin.units import scale

T0 = 1_772_366_400_000_000
"""2026-03-01T12:00:00Z [us]."""
SECOND = 1_000_000

Reading = tuple[str, int, float, int]
"""Tag, source time [us], value in the tag's unit, status."""


@cache
def station() -> Plant:
    """Return the plant that the tests of the live twin watch."""
    return Plant.load(path_of("cooling_station"))


def units(plant: Plant) -> dict[str, str]:
    """Return the unit of each tag as a gateway declares it."""
    return {tag.name: tag.unit for tag in plant.tags.values()}


def readings(plant: Plant, shown: Mapping[str, float], seconds: int, seed: int = 1, first: int = 1) -> list[Reading]:
    """Return a reading of every tag every second: `shown` (SI), in the tag's unit and with its noise."""
    stream, found = np.random.default_rng(seed), list[Reading]()
    for k in range(first, first + seconds):
        for tag in plant.tags.values():
            factor, zero = scale(tag.unit, plant.quantity(tag.reads).unit)
            value = shown.get(tag.name, 1.0) + tag.noise * stream.standard_normal()
            found.append((tag.name, T0 + k * SECOND, (value - zero) / factor, 0))
    return found


class Story:
    """Entries one after the other; `time` is what ingest's clock, and the source's, says next."""

    def __init__(self, time: int = T0) -> None:
        self.entries: list[Entry] = []
        self.number = 0
        self.time, self.received = time, time
        self.tags: dict[str, list[str]] = {}
        self.seqs: dict[str, int] = {}
        self.json = False

    def add(self, kind: Any, gateway: str, body: bytes, seq: int = 0) -> "Story":
        """Add any entry."""
        run = 7 if gateway else 0
        self.number += 1
        self.entries.append(Entry(self.number, kind, gateway, run, seq, self.received, self.time, body))
        return self

    def take(self) -> list[Entry]:
        """Return the entries since the last time."""
        entries, self.entries = self.entries, []
        return entries

    def wait(self, seconds: float) -> "Story":
        """Let time pass."""
        self.time += round(seconds * SECOND)
        self.received += round(seconds * SECOND)
        return self

    def hello(self, gateway: str, tags: Mapping[str, str], *, ahead: float = 0.0, rate: float = 0.0) -> "Story":
        """Let a gateway declare its tags; its clock may be ahead [s], or that of a replay."""
        self.tags[gateway] = list(tags)
        said = Hello(1, gateway, 7, 1, [Tag(n, u) for n, u in tags.items()], self.time + round(ahead * SECOND))
        if rate:
            said.clock, said.rate = "replay", rate
        return self.add("hello", gateway, encode_json(said) if self.json else encoded(said))

    def data(self, gateway: str, rows: Iterable[Reading]) -> "Story":
        """Let a gateway send a batch."""
        seq = self.seqs[gateway] = self.seqs.get(gateway, 0) + 1
        indexed = [(self.tags[gateway].index(name), time, value, status) for name, time, value, status in rows]
        if self.json:
            return self.add("data", gateway, encode_json(Data(seq, [Row(*row) for row in indexed])), seq)
        return self.add("data", gateway, packed(seq, indexed), seq)

    def gap(self, gateway: str, count: int) -> "Story":
        """Let a gateway declare batches lost."""
        first = self.seqs.get(gateway, 0) + 1
        self.seqs[gateway] = first + count - 1
        return self.add("gap", gateway, msgspec.msgpack.encode({"first": first, "last": first + count - 1}))

    def bye(self, gateway: str) -> "Story":
        """Let a gateway leave."""
        return self.add("bye", gateway, msgspec.msgpack.encode({"t": "bye"}))

    def tick(self, *alive: str, seconds: float = 1.0) -> "Story":
        """Let a second pass, after which these gateways are heard of."""
        self.wait(seconds)
        return self.add("tick", "", msgspec.msgpack.encode({"alive": list(alive)}))

    def action(self, kind: Any, target: str, text: str = "because", minutes: float = 0.0) -> "Story":
        """Let a person act."""
        role: Any = "maintainer" if kind == "maintenance" else "engineer"
        return self.add("action", "", msgspec.msgpack.encode(Action(kind, "Kim", role, target, minutes, text)))

    def stream(self, gateway: str, rows: Sequence[Reading], behind: float = 0.2) -> "Story":
        """Let a gateway send each second's readings a moment later, with a tick a second."""
        times = sorted({time for _, time, _, _ in rows})
        for time in times:
            self.time = self.received = max(self.time, time + round(behind * SECOND))
            self.data(gateway, [row for row in rows if row[1] == time])
            self.tick(gateway, seconds=0.5)
        return self

    def journal(self, folder: Path) -> Path:
        """Write the entries into a journal."""
        with Journal.open(folder, reserve=0) as journal:
            journal.append([Draft(*entry[1:]) for entry in self.entries])
        return folder


def chunked(rows: Sequence[Reading], cuts: Sequence[int], stream: random.Random, lag: float) -> list[list[Reading]]:
    """Return readings in the batches that leave at `cuts`, each delayed at random by less than `lag` [s]."""
    batches: list[list[Reading]] = [[] for _ in cuts]
    shuffled = list(rows)
    stream.shuffle(shuffled)
    for row in shuffled:
        leaves = row[1] + round(stream.uniform(0.0, lag - 1e-3) * SECOND)
        batches[next((i for i, cut in enumerate(cuts) if cut >= leaves), len(cuts) - 1)].append(row)
    return batches
