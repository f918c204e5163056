"""From blocks as they are declared to records: names become numbers, and what can't work is refused by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, isfinite

import numpy as np

from twin.errors import PlantError, unknown
from twin.flow.blocks import Block, Buffer, Sink, Source, Station
from twin.flow.laws import Distribution, constant
from twin.flow.records import BLOCK, EDGE, NONE, PART, STREAM, WORLD, Floor, Kind, Routing, State
from twin.streams import starts

ENDLESS = 2**62
"""Capacity of what has no bound."""
ROOM = 64
"""Parts that there is room for at first, beside four for each block."""
_KINDS = {Source: Kind.SOURCE, Buffer: Kind.BUFFER, Station: Kind.STATION, Sink: Kind.SINK}


def expanded(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks with every server a block of its own, ``mill.1`` for the first of station ``mill``.

    Raises
    ------
    PlantError
        If a name is there twice or leads nowhere, or a part could never leave.
    """
    names = [block.name for block in blocks]
    for name in names:
        if names.count(name) > 1:
            raise PlantError(f"flow: {name} is there twice; give one of them another name")
    side_by_side = {
        block.name: [f"{block.name}.{i + 1}" for i in range(block.servers)]
        for block in blocks if isinstance(block, Station) and block.servers > 1
    }  # fmt: skip
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, Sink):
            found.append(block)
            continue
        for name in block.to:
            if name not in names:
                raise PlantError(f"flow: {block.name}: {unknown('block', name, names)}")
        to = tuple(each for name in block.to for each in side_by_side.get(name, [name]))
        own = [replace(block, name=name, to=to) for name in side_by_side.get(block.name, [block.name])]
        found += own
    _check(found)
    return found


def _check(blocks: Sequence[Block]) -> None:
    to = {block.name: () if isinstance(block, Sink) else block.to for block in blocks}
    leaves = {block.name for block in blocks if isinstance(block, Sink)}
    while more := {name for name, after in to.items() if name not in leaves and leaves & set(after)}:
        leaves |= more
    entered = {name for after in to.values() for name in after}
    for block in blocks:
        if block.name not in leaves:
            raise PlantError(f"flow: {block.name}: no sink can be reached from it; give it a way out with `to`")
        if isinstance(block, Source) and block.name in entered:
            raise PlantError(f"flow: {block.name}: a source takes no parts; give them to a buffer or a station")
        if not isinstance(block, Source) and block.name not in entered:
            raise PlantError(f"flow: {block.name}: nothing gives it parts; name it in some block's `to`")
        if isinstance(block, Buffer) and not block.capacity >= 1:
            raise PlantError(f"flow: {block.name}: capacity {block.capacity:g}; give 1 or more, or leave it out")
        if isinstance(block, Station):
            _check_station(block)
    if not any(isinstance(block, Source) for block in blocks):
        raise PlantError("flow: there is no source; add one")


def _check_station(station: Station) -> None:
    name = station.name
    if station.batch < 1 or station.servers < 1:
        raise PlantError(f"flow: {name}: batch {station.batch}, servers {station.servers}; give 1 or more of each")
    if (station.fails is None) != (station.repair is None):
        raise PlantError(f"flow: {name}: give `fails` and `repair`, or neither")
    if station.shares and (len(station.shares) != len(station.to) or abs(sum(station.shares) - 1.0) > 1e-9):
        raise PlantError(f"flow: {name}: shares {list(station.shares)}; give one for each of `to`, 1 together")


class Laid:
    """The records of blocks, and what each number stands for.

    Attributes
    ----------
    names : list of str
        Of blocks.
    types : list of str
        Of parts.
    floor : Floor
        At time 0, before anything has moved.
    """

    def __init__(self, declared: Sequence[Block], seed: int) -> None:
        self.declared = expanded(declared)
        self.names = [block.name for block in self.declared]
        self.types = _types(self.declared)
        self._seed = np.array([seed % 2**64], np.uint64)
        self._streams: list[tuple[object, ...]] = []
        self._numbers: list[float] = []
        self.floor = self._floor()

    def _floor(self) -> Floor:
        n = len(self.declared)
        blocks = np.zeros(n, BLOCK)
        for field in ("head", "tail", "timer", "setup", "last", "fail", "repair", "route", "mix"):
            blocks[field] = NONE
        blocks["left"], blocks["capacity"], blocks["state"] = inf, 1, State.IDLE
        edges, owners, due = self._edges(blocks), list[int](), list[float]()
        for k, block in enumerate(self.declared):
            blocks[k]["kind"] = _KINDS[type(block)]
            if isinstance(block, Station) or (isinstance(block, Source) and block.every is not None):
                blocks[k]["timer"] = len(owners)
                owners.append(k)
                due.append(inf)
            self._lay(blocks[k], edges, block)
        streams = np.array(self._streams, STREAM)
        blocks["dirty"] = blocks["endless"]
        world = np.zeros(1, WORLD)
        world["free"], world["low"], world["high"] = NONE, 0, n - 1
        floor = Floor(
            world, blocks, np.zeros(0, PART), streams, edges, np.array(self._numbers), np.array(due),
            np.zeros((n, len(State))), np.array(owners, np.int64),
        )  # fmt: skip
        return roomier(floor, ROOM + 4 * n)

    def _edges(self, blocks: np.ndarray) -> np.ndarray:
        place = {name: k for k, name in enumerate(self.names)}
        outs = [[] if isinstance(b, Sink) else [place[name] for name in b.to] for b in self.declared]
        ins: list[list[int]] = [[] for _ in outs]
        for k, after in enumerate(outs):
            for to in after:
                if k not in ins[to]:
                    ins[to].append(k)
        edges: list[int] = []
        for column, count, found in (("outs", "out_count", outs), ("ins", "in_count", ins)):
            for k, others in enumerate(found):
                blocks[k][column], blocks[k][count] = len(edges), len(others)
                edges += others
        return np.array([(to, 1.0) for to in edges], EDGE)

    def _lay(self, row: np.void, edges: np.ndarray, block: Block) -> None:
        if isinstance(block, Buffer):
            row["capacity"] = int(block.capacity) if isfinite(block.capacity) else ENDLESS
        if isinstance(block, Source):
            row["endless"], row["loses"] = block.every is None, block.loses
            row["work"] = self._stream(block.name, "every", block.every or constant(0.0))
            if block.shares:
                row["mix"] = self._mix(block.name, [block.shares.get(name, 0.0) for name in self.types])
        if isinstance(block, Station):
            self._lay_station(row, edges, block)

    def _lay_station(self, row: np.void, edges: np.ndarray, station: Station) -> None:
        row["capacity"] = station.batch
        if isinstance(station.takes, Mapping):
            row["by_type"] = 1
            laws = [(f"takes {kind}", law) for kind, law in self._by_type(station.name, station.takes)]
        else:
            laws = [("takes", station.takes)]
        row["work"] = len(self._streams)  # of the first type; the others' follow
        for purpose, law in laws:
            self._stream(station.name, purpose, law)
        if station.setup is not None:
            row["setup"] = self._stream(station.name, "setup", station.setup)
        if station.fails is not None and station.repair is not None:
            row["fail"] = self._stream(station.name, "fails", station.fails)
            row["repair"] = self._stream(station.name, "repair", station.repair)
        if station.shares:
            row["routing"], row["route"] = Routing.SHARE, self._stream(station.name, "route", constant(0.0))
            first = int(row["outs"])
            edges["share"][first : first + len(station.to)] = np.cumsum(station.shares)

    def _by_type(self, name: str, takes: Mapping[str, Distribution]) -> Iterator[tuple[str, Distribution]]:
        for kind in self.types:
            if kind not in takes:
                raise PlantError(f"flow: {name}: takes: it says nothing of type {kind!r}; give its time")
            yield kind, takes[kind]

    def _stream(self, name: str, purpose: str, law: Distribution) -> int:
        start = int(starts(self._seed, name, purpose)[0])
        first = len(self._numbers)
        self._numbers += law.table
        self._streams.append((start, 0, int(law.law), law.a, law.b, law.c, first, len(law.table)))
        return len(self._streams) - 1

    def _mix(self, name: str, shares: Sequence[float]) -> int:
        if not all(share >= 0.0 for share in shares) or not 0.0 < sum(shares) < inf:
            raise PlantError(f"flow: {name}: shares {list(shares)}; give numbers that aren't negative, and not all 0")
        start = int(starts(self._seed, name, "mix")[0])
        first = len(self._numbers)
        self._numbers += (np.cumsum(shares) / sum(shares)).tolist()
        self._streams.append((start, 0, 0, 0.0, 0.0, 0.0, first, len(shares)))
        return len(self._streams) - 1


def _types(blocks: Sequence[Block]) -> list[str]:
    """Return the types of parts that sources name, in their order; one without a name where none does."""
    found = dict.fromkeys(name for block in blocks if isinstance(block, Source) for name in block.shares)
    return [*found] or [""]


def roomier(floor: Floor, more: int) -> Floor:
    """Return a floor with room for more parts; nothing else about it changes."""
    had = floor.parts.size
    parts = np.zeros(had + more, PART)
    parts[:had] = floor.parts
    parts["next"][had:] = np.arange(had + 1, had + more + 1)
    parts["next"][-1] = floor.world["free"][0]
    floor.world["free"], floor.world["room"] = had, floor.world["room"] + more
    return floor._replace(parts=parts)
