"""What can't work is refused before it runs, by name; and every server becomes a block of its own."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf, isfinite

from twin.errors import PlantError, unknown
from twin.flow.blocks import Block, Buffer, Conveyor, Flow, Shift, Sink, Source, Station
from twin.flow.records import Task

TASKS = tuple(task.name.lower() for task in Task)
ORDERS = ("fifo", "priority", "due")


def expanded(flow: Flow) -> Flow:
    """Return a flow with every server a block of its own, ``mill.1`` for the first of station ``mill``.

    Raises
    ------
    PlantError
        If a name is there twice or leads nowhere, a part could never leave, or a number makes no sense.
    """
    names = [block.name for block in flow.blocks]
    _once("block", names)
    _once("crew or tool", [pool.name for pool in flow.pools])
    _once("shift", [shift.name for shift in flow.shifts])
    _once("order", [order.name for block in flow.blocks if isinstance(block, Source) for order in block.orders])
    side_by_side = {
        block.name: [f"{block.name}.{i + 1}" for i in range(block.servers)]
        for block in flow.blocks if isinstance(block, Station) and block.servers > 1
    }  # fmt: skip
    found: list[Block] = []
    for block in flow.blocks:
        if isinstance(block, Sink):
            found.append(block)
            continue
        for name in block.to:
            _known("block", block.name, name, names)
        if isinstance(block, Station):
            _check_station(block, flow, side_by_side)
        to = tuple(each for name in block.to for each in side_by_side.get(name, [name]))
        found += [replace(block, name=name, to=to) for name in side_by_side.get(block.name, [block.name])]
    _check_ways(found)
    for shift in flow.shifts:
        _check_shift(shift)
    for pool in flow.pools:
        if not 1 <= pool.size <= 10_000:
            raise PlantError(f"flow: {pool.name}: size {pool.size}; give 1 to 10000")
        _check_keeps(pool.name, pool.shift, flow)
    return replace(flow, blocks=tuple(found))


def _once(kind: str, names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise PlantError(f"flow: {kind} {name} is there twice; give one of them another name")


def _known(kind: str, where: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        raise PlantError(f"flow: {where}: {unknown(kind, name, names)}")


def _check_ways(blocks: Sequence[Block]) -> None:
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
        _check_numbers(block)
    if not any(isinstance(block, Source) for block in blocks):
        raise PlantError("flow: there is no source; add one")
    for block in blocks:
        if isinstance(block, Source):
            _check_ends(block, {each.name: each for each in blocks})
    _check_rounds({block.name: block.to for block in blocks if isinstance(block, Buffer)})


def _check_rounds(buffers: Mapping[str, Collection[str]]) -> None:
    for name in buffers:
        reached, more = set[str](), [name]
        while more:
            after = {to for to in buffers[more.pop()] if to in buffers} - reached
            reached |= after
            more += after
        if name in reached:
            raise PlantError(f"flow: {name}: through buffers alone parts come back to it; put a station between them")


def _check_ends(source: Source, blocks: Mapping[str, Block]) -> None:
    """Refuse parts without end at one instant, and orders that are scrapped and made again for ever."""
    reached, more = {source.name}, [source.name]
    stays = not source.orders and (source.every is None or source.every.mean == 0.0)
    while more:
        block = blocks[more.pop()]
        if stays and (isinstance(block, Sink) or (isinstance(block, Buffer) and not isfinite(block.capacity))):
            raise PlantError(
                f"flow: {source.name}: it makes parts as they are taken, and {block.name} takes them without end; "
                "give it `every`, or a station that takes time before that"
            )
        if isinstance(block, Sink) or (stays and _takes_time(block)):
            continue
        more += [name for name in block.to if name not in reached]
        reached |= set(block.to)
    ends = [blocks[name] for name in reached]
    if source.orders and all(block.scraps for block in ends if isinstance(block, Sink)):
        raise PlantError(f"flow: {source.name}: its orders can only be scrapped; let parts reach a sink that doesn't")


def _takes_time(block: Block) -> bool:
    if not isinstance(block, Station):
        return isinstance(block, Conveyor)
    laws = block.takes.values() if isinstance(block.takes, Mapping) else [block.takes]
    return all(law.mean > 0.0 for law in laws)


def _check_numbers(block: Block) -> None:
    if isinstance(block, Conveyor) and not 1 <= block.capacity <= 1_000_000:
        raise PlantError(f"flow: {block.name}: capacity {block.capacity:g}; give 1 to 1000000")
    if isinstance(block, Buffer) and not block.capacity >= 1:
        raise PlantError(f"flow: {block.name}: capacity {block.capacity:g}; give 1 or more, or leave it out")
    if isinstance(block, Buffer) and sum(block.holds.values()) > block.capacity:
        held = sum(block.holds.values())
        raise PlantError(f"flow: {block.name}: holds {held}, with room for {block.capacity:g}; take out some")
    if isinstance(block, Buffer) and block.order not in ORDERS:
        raise PlantError(f"flow: {block.name}: {unknown('order', block.order, ORDERS)}")
    if isinstance(block, Conveyor) and not (isfinite(block.takes) and block.takes > 0.0):
        raise PlantError(f"flow: {block.name}: takes {block.takes:g} s; give a positive time")
    if isinstance(block, Source):
        _check_source(block)


def _check_source(source: Source) -> None:
    if source.orders and (source.every is not None or source.shares):
        raise PlantError(f"flow: {source.name}: it has orders, and `every` or `shares` too; keep one of them")
    for order in source.orders:
        where = f"flow: {source.name}: order {order.name}"
        if not 1 <= order.count <= 10_000_000:
            raise PlantError(f"{where}: count {order.count}; give 1 to 10000000")
        if not (isfinite(order.release) and order.release >= 0.0 and order.due > order.release):
            raise PlantError(f"{where}: released at {order.release:g} s, due at {order.due:g} s; mend the dates")


def _check_station(station: Station, flow: Flow, side_by_side: Mapping[str, Sequence[str]]) -> None:
    name = station.name
    if station.batch < 1 or station.servers < 1:
        raise PlantError(f"flow: {name}: batch {station.batch}, servers {station.servers}; give 1 or more of each")
    if (station.fails is None) != (station.repair is None):
        raise PlantError(f"flow: {name}: give `fails` and `repair`, or neither")
    for word in ("spoils", "mends"):
        _probability(name, word, getattr(station, word))
    if station.inspects is not None:
        _probability(name, "detects", station.inspects.detects)
        _probability(name, "rejects", station.inspects.rejects)
        if len(station.to) != 2:
            raise PlantError(f"flow: {name}: it inspects, so `to` names two blocks: for good and for bad parts")
    ways = [word for word in ("shares", "inspects", "routes", "gives") if getattr(station, word)]
    if len(ways) > 1:
        raise PlantError(f"flow: {name}: {' and '.join(ways)} both say where parts go; keep one of them")
    if ways and ways != ["shares"] and any(to in side_by_side for to in station.to):
        raise PlantError(f"flow: {name}: {ways[0]} lead to a station with several servers; put a buffer before it")
    if station.shares and (len(station.shares) != len(station.to) or not abs(sum(station.shares) - 1.0) <= 1e-9):
        raise PlantError(f"flow: {name}: shares {list(station.shares)}; give one for each of `to`, 1 together")
    if station.shares and (any(to in side_by_side for to in station.to) or min(station.shares) < 0.0):
        raise PlantError(
            f"flow: {name}: shares are positive, and of blocks with one server; put a buffer before others"
        )
    _check_joins(station, flow, side_by_side)
    _check_needs(station, flow)
    _check_keeps(name, station.shift, flow)
    service = station.service
    if service is not None and not service.every > 0.0:
        raise PlantError(f"flow: {name}: service every {service.every:g} s; give a positive time")


def _check_joins(station: Station, flow: Flow, side_by_side: Mapping[str, Sequence[str]]) -> None:
    name = station.name
    givers = [b.name for b in flow.blocks if not isinstance(b, Sink) and name in b.to]
    for giver, count in station.joins.items():
        _known("block that gives it parts", f"{name}: joins", giver, givers)
        if giver in side_by_side:
            raise PlantError(f"flow: {name}: joins: {giver} has several servers; put a buffer behind it")
        if count < 1:
            raise PlantError(f"flow: {name}: joins: {giver}: {count}; give 1 or more")
    if station.joins and (missing := [giver for giver in givers if giver not in station.joins]):
        raise PlantError(f"flow: {name}: joins: {missing[0]} gives it parts too; say how many it takes of them")
    if station.joins and station.batch > 1:
        raise PlantError(f"flow: {name}: it joins parts, and has a batch; keep one of them")
    for to, count in station.gives.items():
        _known("block in `to`", f"{name}: gives", to, station.to)
        if count < 1:
            raise PlantError(f"flow: {name}: gives: {to}: {count}; give 1 or more")
    if station.gives and (len(station.gives) < len(station.to) or station.batch > 1):
        raise PlantError(f"flow: {name}: gives: say how many parts go to each of `to`; it takes one apart at a time")
    for kind, to in station.routes.items():
        _known("type of part", f"{name}: routes", kind, flow.types)
        _known("block in `to`", f"{name}: routes", to, station.to)
    if station.routes and (missing := [kind for kind in flow.types if kind not in station.routes]):
        raise PlantError(f"flow: {name}: routes: where does a {missing[0]} go? give every type a block")


def _check_needs(station: Station, flow: Flow) -> None:
    for task, needs in station.needs.items():
        where = f"flow: {station.name}: needs: {task}"
        _known("task", f"{station.name}: needs", task, TASKS)
        free = {pool.name: pool.size for pool in flow.pools}
        for need in needs:
            for name in need.pools:
                _known("crew or tool", f"{station.name}: needs: {task}", name, free)
            if not need.pools or need.amount < 1:
                raise PlantError(f"{where}: {need.amount} of {list(need.pools)}; name pools, and give 1 or more")
            pool = next((name for name in need.pools if free[name] >= need.amount), "")
            if not pool:
                raise PlantError(
                    f"{where}: {need.amount} of {' or '.join(need.pools)} are more than there are besides its other "
                    "needs, and it would wait for ever; need fewer, or have more"
                )
            free[pool] -= need.amount


def _check_shift(shift: Shift) -> None:
    ordered = [0.0, *shift.switches]
    if len(shift.switches) % 2 or not shift.switches:
        raise PlantError(f"flow: shift {shift.name}: begins and ends don't match; give as many of each")
    if not all(a < b for a, b in pairwise(ordered)) or not shift.switches[-1] <= shift.period < inf:
        raise PlantError(
            f"flow: shift {shift.name}: times {list(shift.switches)} don't ascend within its period "
            f"{shift.period:g} s; mend them"
        )


def _check_keeps(name: str, shift: str, flow: Flow) -> None:
    if shift:
        _known("shift", name, shift, [each.name for each in flow.shifts])


def _probability(name: str, word: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise PlantError(f"flow: {name}: {word} {value:g}; give a probability from 0 to 1")


def found_types(names: Iterable[str], types: Sequence[str], where: str) -> None:
    """Refuse names that are no types of parts."""
    for name in names:
        _known("type of part", where, name, types)
