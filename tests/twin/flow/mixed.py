"""Flows in which every feature has a part, other ones for every seed; and what tests read off a flow."""

from collections.abc import Callable, Iterator

import numpy as np

from twin.flow.blocks import (
    Block,
    Buffer,
    Conveyor,
    Flow,
    Inspection,
    Need,
    Order,
    Pool,
    Service,
    Shift,
    Sink,
    Source,
    Station,
)  # fmt: skip
from twin.flow.laws import Distribution, constant, erlang, exponential, uniform
from twin.flow.line import Line
from twin.flow.records import NONE, State

Law = Callable[[float], Distribution]


def mixed(seed: int, *, ties: bool = False, assembly: bool = True) -> Flow:
    """Return a flow with crews, shifts, belts, rework, orders and maintenance; with `assembly` joins and parts too.

    With `ties` every time is a multiple of half a second, so that much happens at one instant and sums are exact.
    """
    random = np.random.default_rng(seed)

    def time(mean: float) -> Distribution:
        if ties:
            return constant(0.5 * max(round(2.0 * mean * random.uniform(0.6, 1.4)), 1))
        laws: tuple[Law, ...] = (exponential, constant, lambda m: erlang(m, 3), lambda m: uniform(0.5 * m, 1.5 * m))
        return laws[int(random.integers(4))](mean)

    def crew(*pools: str) -> tuple[Need, ...]:
        return (Need(pools=pools, amount=1 + int(random.integers(2))),)

    order = ("fifo", "priority", "due")[seed % 3]
    orders = tuple(
        Order(name=f"o{i}", count=int(random.integers(5, 30)), type="ab"[i % 2], release=20.0 * i, due=20.0 * i + 150.0,
              priority=float(random.integers(3)))
        for i in range(8)
    )  # fmt: skip
    shop: list[Block] = [
        Source(name="orders", to=("raw",), orders=orders),
        Source(name="walk-in", to=("desk",), every=time(9.0), shares={"a": 2.0, "b": 1.0}, priorities={"b": 1.0},
               loses=True),
        Buffer(name="raw", to=("mill",), order=order),
        Buffer(name="desk", to=("mill",), order="priority", capacity=1),
        Station(
            name="mill", to=("wip",), takes={"a": time(2.0), "b": time(3.0)}, ideal=1.0, servers=2, setup=time(1.5),
            fails=time(40.0), repair=time(4.0), service=Service(takes=time(3.0), every=120.0, renews=bool(seed % 2)),
            spoils=0.2, mends=0.5, shift="day", needs={"setup": crew("fitters"), "work": crew("hands", "fitters"),
                                                       "repair": crew("fitters"), "service": crew("fitters")},
        ),
        Conveyor(name="wip", to=("check",), takes=6.0, capacity=4, accumulating=bool(random.integers(2))),
        Station(name="check", to=("sort", "mend"), takes=time(1.0), ideal=1.0,
                inspects=Inspection(detects=0.9, rejects=0.05), needs={"work": (Need(pools=("gauge",)),)}),
        Station(name="mend", to=("raw", "scrap"), takes=time(2.0), ideal=1.0, mends=0.7, shares=(0.7, 0.3),
                needs={"work": (Need(pools=("hands",)), Need(pools=("gauge",)))}),
    ]  # fmt: skip
    shop += _assembled(time) if assembly else [
        Station(name="sort", to=("oven", "out"), takes=time(1.0), ideal=1.0, routes={"a": "oven", "b": "out"})
    ]  # fmt: skip
    shop += [
        Station(name="oven", to=("out",), takes=time(5.0), ideal=1.0, batch=2, calendar=True, fails=time(50.0),
                repair=time(3.0), service=Service(takes=time(2.0), every=40.0, operating=True), shift="night"),
        Sink(name="scrap", scraps=True), Sink(name="out"),
    ]  # fmt: skip
    return Flow(
        tuple(shop),
        pools=(Pool(name="hands", size=3, shift="day"), Pool(name="fitters", size=2), Pool(name="gauge", size=1)),
        shifts=(Shift(name="day", switches=(40.0, 45.0, 80.0, 90.0), period=90.0, on=True),
                Shift(name="night", switches=(10.0, 100.0), period=110.0, on=False)),
    )  # fmt: skip


def _assembled(time: Law) -> list[Block]:
    return [
        Station(name="sort", to=("cases", "saw"), takes=time(1.0), ideal=1.0, routes={"a": "cases", "b": "saw"}),
        Buffer(name="cases", to=("pack",), capacity=3),
        Source(name="screws", to=("belt",)),
        Conveyor(name="belt", to=("pack",), takes=4.0, capacity=8),
        Station(name="pack", to=("out",), takes=time(2.0), ideal=1.0, joins={"cases": 1, "belt": 3}, fails=time(30.0),
                repair=time(3.0), needs={"work": (Need(pools=("hands", "fitters")),)}),
        Station(name="saw", to=("oven", "out"), takes=time(2.0), ideal=1.0, gives={"oven": 2, "out": 1}, shift="day"),
    ]  # fmt: skip


def times(line: Line, name: str) -> dict[str, float]:
    """Return the time that a block has spent in each state that it was in [s]."""
    return {state: time for state, time in line.counted(name).spent.items() if time}


def held(line: Line) -> Iterator[tuple[int, int]]:
    """Yield block and part of all parts that blocks hold, in the order of their lists."""
    for k, block in enumerate(line.floor.blocks[0]):
        p = int(block["head"])
        while p != NONE:
            yield k, p
            p = int(line.floor.parts[0, p]["next"])


def became(line: Line, name: str, state: State) -> list[float]:
    """Return when a block came to be in a state, as far as it was logged [s]."""
    rows = line.floor.log[0, : int(line.floor.world["logged"][0, 0])]
    rows = rows[rows["block"] == line.names.index(name)]
    fresh = (rows["state"][1:] == state) & (rows["state"][:-1] != state)
    found: list[float] = rows["time"][1:][fresh].tolist()
    return found
