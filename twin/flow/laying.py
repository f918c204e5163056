"""From blocks as they are declared to records: names become numbers."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite
from typing import Any

import numpy as np

from twin.errors import PlantError
from twin.flow.blocks import Block, Buffer, Conveyor, Flow, Link, Sink, Source, Station
from twin.flow.checking import ORDERS, TASKS, expanded, found_types
from twin.flow.floor import Floor
from twin.flow.laws import Distribution, constant
from twin.flow.records import (
    BLOCK,
    CALENDAR,
    CLAIM,
    EDGE,
    LOG,
    NONE,
    ORDER,
    PART,
    POOL,
    STREAM,
    WORLD,
    Bond,
    Kind,
    Routing,
    State,
)  # fmt: skip
from twin.seeds import starts

ENDLESS = 2**62
"""Capacity of what has no bound."""
ROOM = 64
"""Parts that there is room for at first, beside four for each block."""
_KINDS = {
    Source: Kind.SOURCE, Buffer: Kind.BUFFER, Station: Kind.STATION, Sink: Kind.SINK, Conveyor: Kind.CONVEYOR,
}  # fmt: skip
_NAMES = (
    "head", "tail", "timer", "clock", "plan", "setup", "last", "fail", "repair", "service", "route", "mix", "quality",
    "calendar", "needs", "ideal", "prior",
)  # fmt: skip
"""Numbers of other things, or none."""


class Laid:
    """The records of a flow, and what each number stands for.

    Attributes
    ----------
    flow : Flow
        With every server a block of its own.
    names : list of str
        Of blocks.
    types : list of str
        Of parts.
    orders : list of str
    stock : list of tuple
        Buffer, part type and how many of it are there from the start.
    bonds : list of tuple
        Of stations and equipment: the fields of a `BOND`, with a path in place of the row.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = expanded(flow)
        self.names = [block.name for block in self.flow.blocks]
        self.types = self.flow.types
        self.orders = [order.name for b in self.flow.blocks if isinstance(b, Source) for order in b.orders]
        self._purposes: list[tuple[str, str]] = []
        self._streams: list[tuple[object, ...]] = []
        self._numbers: list[float] = []
        self._choices: list[int] = []
        self._claims: list[tuple[int, int, int, int]] = []
        self._owners: list[int] = []
        self._orders: list[tuple[object, ...]] = []
        self.stock: list[tuple[int, int, int]] = []
        self.bonds: list[tuple[Bond, int, str, float, int, int]] = []
        self._arrays = self._laid()

    def floor(self, seeds: np.ndarray) -> Floor:
        """Return a member for each seed, at time 0, before anything has moved."""
        count = len(seeds)
        floor = Floor(self._arrays).spread(count)
        floor.streams["start"][:] = self.starts(seeds)
        floor.roomier(ROOM + 4 * len(self.names))
        return floor

    @property
    def structure(self) -> str:
        """Return what has to be the same where one flow goes on from another: all but numbers."""
        blocks = [(type(b).__name__, b.name, getattr(b, "to", ())) for b in self.flow.blocks]
        shifts = [len(shift.switches) for shift in self.flow.shifts]
        pools = [pool.name for pool in self.flow.pools]
        parts = [
            blocks,
            self._owners,
            self._purposes,
            self._claims,
            self._choices,
            self.types,
            self.orders,
            shifts,
            pools,
        ]
        return repr([*parts, [(int(what), k, path) for what, k, path, *_ in self.bonds]])

    def starts(self, seeds: np.ndarray) -> np.ndarray:
        """Return where each seed's streams start, uint64 of shape (seeds, streams)."""
        found = np.empty((len(seeds), len(self._purposes)), np.uint64)
        for s, (name, purpose) in enumerate(self._purposes):
            found[:, s] = starts(seeds, name, purpose)
        return found

    def _laid(self) -> dict[str, np.ndarray]:
        flow, n = self.flow, len(self.names)
        blocks = np.zeros(n, BLOCK)
        for field in _NAMES:
            blocks[field] = NONE
        blocks["left"], blocks["old"], blocks["every"], blocks["capacity"], blocks["pace"] = inf, inf, inf, 1, 1.0
        edges = self._edges(blocks)
        for k, block in enumerate(flow.blocks):
            blocks[k]["kind"] = _KINDS[type(block)]
            self._lay(k, blocks[k], edges, block)
        blocks["dirty"] = blocks["endless"]
        calendars = np.zeros(len(flow.shifts), CALENDAR)
        for c, shift in enumerate(flow.shifts):
            first = self._table(shift.switches)
            calendars[c] = (first, len(shift.switches), 0, 0.0, shift.period, shift.on)
            self._timer(n + c)
        pools = np.zeros(len(flow.pools), POOL)
        for r, pool in enumerate(flow.pools):
            pools[r] = (pool.size, pool.size, 0, self._calendar(pool.shift), 0.0, 0.0)
        due = np.full(len(self._owners), inf)
        due[len(due) - len(calendars) :] = [shift.switches[0] for shift in flow.shifts]
        world = np.zeros(1, WORLD)
        world["free"], world["low"], world["high"], world["blocks"] = NONE, 0, n - 1, n
        world["timers"], world["pools"], world["calendars"] = len(due), len(pools), len(calendars)
        world["orders"], world["margin"] = len(self._orders), n + int(edges["wants"].sum())
        own = {
            "world": world, "blocks": blocks, "parts": np.zeros(0, PART), "edges": edges, "due": due,
            "streams": np.array(self._streams, STREAM), "spent": np.zeros(n * len(State)), "pools": pools,
            "claims": np.array(self._claims, CLAIM), "calendars": calendars, "orders": np.array(self._orders, ORDER),
            "log": np.zeros(0, LOG),
        }  # fmt: skip
        shared = {"numbers": np.array(self._numbers), "owners": np.array(self._owners, np.int64)}
        shared["choices"] = np.array(self._choices, np.int64)
        return {name: array[None] for name, array in own.items()} | shared

    def _edges(self, blocks: np.ndarray) -> np.ndarray:
        place = {name: k for k, name in enumerate(self.names)}
        declared = self.flow.blocks
        outs = [[] if isinstance(b, Sink) else [place[name] for name in b.to] for b in declared]
        ins: list[list[int]] = [[] for _ in outs]
        for k, block in enumerate(declared):
            if isinstance(block, Station) and block.joins:
                ins[k] = [place[name] for name in block.joins]
        for k, after in enumerate(outs):
            for to in after:
                if k not in ins[to]:
                    ins[to].append(k)
        edges: list[tuple[int, float, int, int]] = []
        for column, count, found, word in (("outs", "out_count", outs, "gives"), ("ins", "in_count", ins, "joins")):
            for k, others in enumerate(found):
                blocks[k][column], blocks[k][count] = len(edges), len(others)
                wants = getattr(declared[k], word, {})
                edges += [(to, 1.0, wants.get(self.names[to], 0), 0) for to in others]
        return np.array(edges, EDGE)

    def _lay(self, k: int, row: Any, edges: np.ndarray, block: Block) -> None:
        if isinstance(block, Buffer):
            row["capacity"] = int(block.capacity) if isfinite(block.capacity) else ENDLESS
            row["ranked"] = ORDERS.index(block.order)
            found_types(block.holds, self.types, f"{block.name}: holds")
            self.stock += [(k, self.types.index(kind), count) for kind, count in block.holds.items()]
        elif isinstance(block, Source):
            self._lay_source(k, row, block)
        elif isinstance(block, Conveyor):
            row["capacity"], row["transit"], row["gap"] = block.capacity, block.takes, block.takes / block.capacity
            row["stops"] = not block.accumulating
            row["timer"], row["clock"] = self._timer(k), self._timer(k)
        elif isinstance(block, Station):
            self._lay_station(k, row, block)
            self._lay_ways(row, edges, block)
        else:
            row["scraps"] = block.scraps

    def _lay_source(self, k: int, row: Any, source: Source) -> None:
        row["endless"], row["loses"] = source.every is None, source.loses
        row["work"] = self._stream(source.name, "every", source.every or constant(0.0))
        if source.every is not None or source.orders:
            row["timer"] = self._timer(k)
        if source.shares:
            row["mix"] = self._mix(source.name, [source.shares.get(name, 0.0) for name in self.types])
        if source.priorities:
            found_types(source.priorities, self.types, f"{source.name}: priorities")
            row["prior"] = self._table([source.priorities.get(name, 0.0) for name in self.types])
        row["first_order"], row["order_count"] = len(self._orders), len(source.orders)
        for order in source.orders:
            kind = self.types.index(order.type)
            self._orders.append((
                order.release, order.due, order.priority, kind, order.count, order.count, 0, 0, inf, k,
            ))  # fmt: skip

    def _lay_station(self, k: int, row: Any, station: Station) -> None:
        name = station.name
        row["timer"] = self._timer(k)
        row["capacity"] = sum(station.joins.values()) or station.batch
        row["joins"] = bool(station.joins)
        if isinstance(station.takes, Mapping):
            row["by_type"] = 1
            found_types(station.takes, self.types, f"{name}: takes")
            laws = [(f"takes {kind}", law) for kind, law in self._by_type(name, station.takes)]
        else:
            laws = [("takes", station.takes)]
        row["work"] = len(self._streams)  # of the first type; the others' follow
        for purpose, law in laws:
            self._stream(name, purpose, law)
        row["ideal"] = self._table(self._ideal(station, [law.mean for _, law in laws]))
        if isinstance(station.setup, Mapping):
            found_types(station.setup, self.types, f"{name}: setup")
            row["setups_by_type"], row["setup"] = 1, len(self._streams)
            for kind, law in self._by_type(name, station.setup, "setup"):
                self._stream(name, f"setup {kind}", law)
        elif station.setup is not None:
            row["setup"] = self._stream(name, "setup", station.setup)
        if station.fails is not None and station.repair is not None:
            row["fail"] = self._stream(name, "fails", station.fails)
            row["repair"] = self._stream(name, "repair", station.repair)
            row["clock"] = self._timer(k) if station.calendar else NONE
        if station.service is not None:
            row["service"], row["renews"] = self._stream(name, "service", station.service.takes), station.service.renews
            row["every"], row["old"] = (
                station.service.every,
                station.service.every if station.service.operating else inf,
            )
            timed = isfinite(station.service.every) and not station.service.operating
            row["plan"] = self._timer(k) if timed else NONE
        row["spoils"], row["heals"] = station.spoils, station.mends
        if station.link is not None:
            self._lay_link(k, station.link)
        if station.spoils or station.mends or (station.link is not None and station.link.spoils):
            row["quality"] = self._stream(name, "quality", constant(0.0))
        row["calendar"] = self._calendar(station.shift)
        if station.needs:
            row["needs"] = self._needs(station)

    def _lay_link(self, k: int, link: Link) -> None:
        """Lay what joins a station to its equipment; what it heeds before what it drives."""
        add = self.bonds.append
        for what, paths in ((Bond.TRIP, link.trips), (Bond.TOOL, link.tools)):
            for path in paths:
                add((what, k, path, 0.0, 0, 0))
        if link.pace is not None:
            add((Bond.PACE, k, link.pace[0], link.pace[1], 0, 0))
        if link.spoils is not None:
            path, at, shares = link.spoils
            add((Bond.SPOILS, k, path, 0.0, self._table([*at, *shares]), len(at)))
        if link.worn is not None:
            add((Bond.WORN, k, link.worn[0], link.worn[1], 0, 0))
        for path, value in link.resets.items():
            add((Bond.RESET, k, path, value, 0, 0))
        for path, values in link.drives.items():
            add((Bond.DRIVE, k, path, 0.0, self._table([values[state.name.lower()] for state in State]), len(State)))

    def _lay_ways(self, row: Any, edges: np.ndarray, station: Station) -> None:
        """Lay to which of several blocks a station's parts go."""
        if station.shares:
            row["routing"], row["route"] = Routing.SHARE, self._stream(station.name, "route", constant(0.0))
            first = int(row["outs"])
            edges["share"][first : first + len(station.to)] = np.cumsum(station.shares)
        elif station.inspects is not None:
            row["routing"], row["route"] = Routing.QUALITY, self._stream(station.name, "inspects", constant(0.0))
            row["detects"], row["rejects"] = station.inspects.detects, station.inspects.rejects
        elif station.routes:
            row["routing"] = Routing.TYPE
            row["route"] = self._table([float(station.to.index(station.routes[kind])) for kind in self.types])
        elif station.gives:
            row["routing"] = Routing.EACH

    def _ideal(self, station: Station, means: list[float]) -> list[float]:
        """Return planned run times, one or by type as the times of work are."""
        if not isinstance(station.ideal, Mapping):
            return means if station.ideal is None else [station.ideal] * len(means)
        found_types(station.ideal, self.types, f"{station.name}: ideal")
        if len(means) < len(self.types):
            raise PlantError(f"flow: {station.name}: ideal is by type, and `takes` is not; give both alike")
        return [station.ideal.get(kind, mean) for kind, mean in zip(self.types, means, strict=True)]

    def _by_type(
        self, name: str, given: Mapping[str, Distribution], key: str = "takes"
    ) -> Iterator[tuple[str, Distribution]]:
        for kind in self.types:
            if kind not in given:
                raise PlantError(f"flow: {name}: {key}: it says nothing of type {kind!r}; give its time")
            yield kind, given[kind]

    def _needs(self, station: Station) -> int:
        place = {pool.name: r for r, pool in enumerate(self.flow.pools)}
        rows: list[int] = []
        for task in TASKS:
            needs = station.needs.get(task, ())
            rows += [len(self._claims), len(needs)]
            for need in needs:
                self._claims.append((len(self._choices), len(need.pools), need.amount, NONE))
                self._choices += [place[pool] for pool in need.pools]
        self._choices += rows
        return len(self._choices) - len(rows)

    def _timer(self, owner: int) -> int:
        self._owners.append(owner)
        return len(self._owners) - 1

    def _calendar(self, shift: str) -> int:
        return [each.name for each in self.flow.shifts].index(shift) if shift else NONE

    def _table(self, values: Sequence[float]) -> int:
        self._numbers += values
        return len(self._numbers) - len(values)

    def _stream(self, name: str, purpose: str, law: Distribution) -> int:
        first = self._table(law.table)
        self._purposes.append((name, purpose))
        self._streams.append((0, 0, int(law.law), law.a, law.b, law.c, first, len(law.table)))
        return len(self._streams) - 1

    def _mix(self, name: str, shares: Sequence[float]) -> int:
        if not all(share >= 0.0 for share in shares) or not 0.0 < sum(shares) < inf:
            raise PlantError(f"flow: {name}: shares {list(shares)}; give numbers that aren't negative, and not all 0")
        self._purposes.append((name, "mix"))
        first = self._table((np.cumsum(shares) / sum(shares)).tolist())
        self._streams.append((0, 0, 0, 0.0, 0.0, 0.0, first, len(shares)))
        return len(self._streams) - 1
