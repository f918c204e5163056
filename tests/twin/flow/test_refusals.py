"""What can't work is refused by name, with what to do; what can't go on is told while it runs."""

import re
from typing import Any

import pytest

from twin.errors import PlantError, SimulationError
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
from twin.flow.laws import constant, exponential, uniform
from twin.flow.line import Line

IN, OUT = Source(name="in", to=("m",), every=constant(1.0)), Sink(name="out")
ONE = constant(1.0)


def with_station(**more: Any) -> tuple[Block, ...]:
    """Return a line of one station."""
    return IN, Station(**({"name": "m", "to": ("out",), "takes": ONE} | more)), OUT


def two_ways(**more: Any) -> tuple[Block, ...]:
    """Return a station that gives to a station of two servers and to a sink."""
    side = Station(name="side", to=("out",), takes=ONE, servers=2)
    return IN, Station(**({"name": "m", "to": ("side", "out"), "takes": ONE} | more)), side, OUT


def typed(**more: Any) -> tuple[Block, ...]:
    """Return a station for parts of types a and b, and two sinks."""
    return (
        Source(name="in", to=("m",), every=ONE, shares={"a": 1.0, "b": 1.0}),
        Station(**({"name": "m", "to": ("out", "other"), "takes": ONE} | more)), OUT, Sink(name="other"),
    )  # fmt: skip


def joined(joins: dict[str, int], **more: Any) -> tuple[Block, ...]:
    """Return two sources, and a station that puts together what comes from them."""
    other = Source(name="in2", to=("m",), every=ONE)
    return IN, other, Station(**({"name": "m", "to": ("out",), "takes": ONE, "joins": joins} | more)), OUT


def ordered(*orders: Order, **more: Any) -> tuple[Block, ...]:
    """Return a line with orders."""
    return Source(name="in", to=("m",), orders=orders, **more), Station(name="m", to=("out",), takes=ONE), OUT


WAITS = "are more than there are besides its other needs, and it would wait for ever; need fewer, or have more"
ENDLESS = "takes them without end; give it `every`, or a station that takes time before that"
REFUSED: list[tuple[tuple[Block, ...], str]] = [
    ((IN, *with_station()[1:], Sink(name="out")), "flow: block out is there twice; give one of them another name"),
    ((Source(name="in", to=("x",)), *with_station()[1:]), "flow: in: no block 'x'; there are in, m, out"),
    ((*with_station(), Buffer(name="b", to=("c",)), Buffer(name="c", to=("b",))),
     "flow: b: no sink can be reached from it; give it a way out with `to`"),
    ((*with_station(), Source(name="in2", to=("in",))),
     "flow: in: a source takes no parts; give them to a buffer or a station"),
    ((*with_station(), Buffer(name="b", to=("m",))), "flow: b: nothing gives it parts; name it in some block's `to`"),
    ((Buffer(name="b", to=("m",)), Station(name="m", to=("b", "out"), takes=ONE), OUT),
     "flow: there is no source; add one"),
    ((Source(name="in", to=("b",)), Buffer(name="b", to=("m",), capacity=0.5), *with_station()[1:]),
     "flow: b: capacity 0.5; give 1 or more, or leave it out"),
    ((Source(name="in", to=("b",)), Conveyor(name="b", to=("m",), takes=1.0, capacity=0), *with_station()[1:]),
     "flow: b: capacity 0; give 1 to 1000000"),
    ((Source(name="in", to=("b",)), Buffer(name="b", to=("m",), capacity=1, order="lifo"), *with_station()[1:]),
     "flow: b: no order 'lifo'; did you mean 'fifo'?"),
    ((Source(name="in", to=("b",)), Conveyor(name="b", to=("m",), takes=0.0, capacity=1), *with_station()[1:]),
     "flow: b: takes 0 s; give a positive time"),
    (ordered(Order(name="o", count=1), every=ONE),
     "flow: in: it has orders, and `every` or `shares` too; keep one of them"),
    (ordered(Order(name="o", count=1), Order(name="o", count=2)),
     "flow: order o is there twice; give one of them another name"),
    ((*ordered(Order(name="o", count=1)), Source(name="in2", to=("m",), orders=(Order(name="o", count=2),))),
     "flow: order o is there twice; give one of them another name"),
    ((Source(name="in", to=("a",)), Buffer(name="a", to=("b",), capacity=2), Buffer(name="b", to=("a", "out")), OUT),
     f"flow: in: it makes parts as they are taken, and b {ENDLESS}"),
    ((Source(name="in", to=("a",), every=ONE), Buffer(name="a", to=("b",)), Buffer(name="b", to=("a", "out")), OUT),
     "flow: a: through buffers alone parts come back to it; put a station between them"),
    (ordered(Order(name="o", count=0)), "flow: in: order o: count 0; give 1 to 10000000"),
    (ordered(Order(name="o", count=1, release=5.0, due=4.0)),
     "flow: in: order o: released at 5 s, due at 4 s; mend the dates"),
    (with_station(batch=0), "flow: m: batch 0, servers 1; give 1 or more of each"),
    (with_station(servers=0), "flow: m: batch 1, servers 0; give 1 or more of each"),
    (with_station(fails=ONE), "flow: m: give `fails` and `repair`, or neither"),
    (with_station(spoils=1.5), "flow: m: spoils 1.5; give a probability from 0 to 1"),
    (with_station(mends=-0.5), "flow: m: mends -0.5; give a probability from 0 to 1"),
    (typed(inspects=Inspection(detects=2.0)), "flow: m: detects 2; give a probability from 0 to 1"),
    (typed(inspects=Inspection(rejects=float("nan"))), "flow: m: rejects nan; give a probability from 0 to 1"),
    (with_station(inspects=Inspection()),
     "flow: m: it inspects, so `to` names two blocks: for good and for bad parts"),
    (typed(inspects=Inspection(), shares=(0.5, 0.5)),
     "flow: m: shares and inspects both say where parts go; keep one of them"),
    (two_ways(inspects=Inspection()),
     "flow: m: inspects lead to a station with several servers; put a buffer before it"),
    (two_ways(gives={"side": 1, "out": 1}),
     "flow: m: gives lead to a station with several servers; put a buffer before it"),
    (typed(shares=(0.5, 0.6)), "flow: m: shares [0.5, 0.6]; give one for each of `to`, 1 together"),
    (typed(shares=(float("nan"), 1.0)), "flow: m: shares [nan, 1.0]; give one for each of `to`, 1 together"),
    (typed(shares=(1.0,)), "flow: m: shares [1.0]; give one for each of `to`, 1 together"),
    (typed(shares=(1.5, -0.5)),
     "flow: m: shares are positive, and of blocks with one server; put a buffer before others"),
    (two_ways(shares=(0.5, 0.5)),
     "flow: m: shares are positive, and of blocks with one server; put a buffer before others"),
    (with_station(service=Service(takes=ONE, every=0.0)), "flow: m: service every 0 s; give a positive time"),
    (with_station(shift="late"), "flow: m: no shift 'late'; there is day"),
    (joined({"in": 1, "x": 1}), "flow: m: joins: no block that gives it parts 'x'; there are in, in2"),
    (joined({"in": 0, "in2": 1}), "flow: m: joins: in: 0; give 1 or more"),
    (joined({"in": 1}), "flow: m: joins: in2 gives it parts too; say how many it takes of them"),
    (joined({"in": 1, "in2": 1}, batch=2), "flow: m: it joins parts, and has a batch; keep one of them"),
    ((IN, *two_ways(name="m", to=("side",))[1:3], Station(name="n", to=("out",), takes=ONE, joins={"side": 1}), OUT,
      Source(name="in2", to=("n",), every=ONE)), "flow: n: joins: no block that gives it parts 'side'; there is in2"),
    ((Source(name="in", to=("s",), every=ONE), Station(name="s", to=("m",), takes=ONE, servers=2),
      Station(name="m", to=("out",), takes=ONE, joins={"s": 1}), OUT),
     "flow: m: joins: s has several servers; put a buffer behind it"),
    (typed(gives={"out": 1, "x": 1}), "flow: m: gives: no block in `to` 'x'; there are other, out"),
    (typed(gives={"out": 0, "other": 1}), "flow: m: gives: out: 0; give 1 or more"),
    (typed(gives={"out": 1}), "flow: m: gives: say how many parts go to each of `to`; it takes one apart at a time"),
    (typed(gives={"out": 1, "other": 1}, batch=2),
     "flow: m: gives: say how many parts go to each of `to`; it takes one apart at a time"),
    (typed(routes={"c": "out"}), "flow: m: routes: no type of part 'c'; there are a, b"),
    (typed(routes={"a": "x", "b": "out"}), "flow: m: routes: no block in `to` 'x'; there are other, out"),
    (typed(routes={"a": "out"}), "flow: m: routes: where does a b go? give every type a block"),
    (typed(takes={"a": ONE, "c": ONE}), "flow: m: takes: no type of part 'c'; there are a, b"),
    (typed(takes={"a": ONE}), "flow: m: takes: it says nothing of type 'b'; give its time"),
    (typed(ideal={"a": 1.0}), "flow: m: ideal is by type, and `takes` is not; give both alike"),
    (with_station(needs={"play": ()}),
     "flow: m: needs: no task 'play'; there are repair, service, setup, work"),
    (with_station(needs={"work": (Need(pools=("x",)),)}),
     "flow: m: needs: work: no crew or tool 'x'; there are crew, tool"),
    (with_station(needs={"work": (Need(pools=()),)}), "flow: m: needs: work: 1 of []; name pools, and give 1 or more"),
    (with_station(needs={"work": (Need(pools=("crew",), amount=0),)}),
     "flow: m: needs: work: 0 of ['crew']; name pools, and give 1 or more"),
    (with_station(needs={"work": (Need(pools=("crew", "tool"), amount=3),)}),
     f"flow: m: needs: work: 3 of crew or tool {WAITS}"),
    (with_station(needs={"repair": (Need(pools=("tool",)), Need(pools=("tool",)))}),
     f"flow: m: needs: repair: 1 of tool {WAITS}"),
    ((Source(name="in", to=("m",), shares={"a": -1.0}), *with_station()[1:]),
     "flow: in: shares [-1.0]; give numbers that aren't negative, and not all 0"),
    ((Source(name="in", to=("m",), priorities={"x": 1.0}, shares={"a": 1.0}), *with_station()[1:]),
     "flow: in: priorities: no type of part 'x'; there is a"),
    ((Source(name="in", to=("out",)), OUT),
     f"flow: in: it makes parts as they are taken, and out {ENDLESS}"),
    ((Source(name="in", to=("b",)), Buffer(name="b", to=("m",)), *with_station()[1:]),
     f"flow: in: it makes parts as they are taken, and b {ENDLESS}"),
    ((Source(name="in", to=("m",), every=constant(0.0)), *with_station(takes=constant(0.0))[1:]),
     f"flow: in: it makes parts as they are taken, and out {ENDLESS}"),
    ((ordered(Order(name="o", count=1))[0], with_station()[1], Sink(name="out", scraps=True)),
     "flow: in: its orders can only be scrapped; let parts reach a sink that doesn't"),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "said"), REFUSED)
def test_blocks_that_cannot_work_are_refused_by_name(blocks: tuple[Block, ...], said: str) -> None:
    flow = Flow(blocks, (Pool(name="crew", size=2), Pool(name="tool", size=1)),
                (Shift(name="day", switches=(1.0, 2.0), period=3.0, on=True),))  # fmt: skip
    with pytest.raises(PlantError, match=f"^{re.escape(said)}"):
        Line(flow)


def shift(*switches: float, period: float = 10.0) -> tuple[tuple[Pool, ...], tuple[Shift, ...]]:
    """Return a shift."""
    return (), (Shift(name="day", switches=switches, period=period, on=True),)


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (((Pool(name="crew", size=0),), ()), "flow: crew: size 0; give 1 to 10000"),
        (((Pool(name="crew", size=1, shift="day"),), ()), "flow: crew: no shift 'day'"),
        (((Pool(name="p", size=1), Pool(name="p", size=1)), ()),
         "flow: crew or tool p is there twice; give one of them another name"),
        (((), shift(1.0, 2.0)[1] * 2), "flow: shift day is there twice; give one of them another name"),
        (shift(1.0), "flow: shift day: begins and ends don't match; give as many of each"),
        (shift(), "flow: shift day: begins and ends don't match; give as many of each"),
        (shift(0.0, 1.0), "flow: shift day: times [0.0, 1.0] don't ascend within its period 10 s; mend them"),
        (shift(2.0, 2.0), "flow: shift day: times [2.0, 2.0] don't ascend within its period 10 s; mend them"),
        (shift(2.0, 12.0), "flow: shift day: times [2.0, 12.0] don't ascend within its period 10 s; mend them"),
        (shift(2.0, 4.0, period=float("inf")),
         "flow: shift day: times [2.0, 4.0] don't ascend within its period inf s; mend them"),
        (shift(float("nan"), 4.0), "flow: shift day: times [nan, 4.0] don't ascend within its period 10 s; mend them"),
    ],
)  # fmt: skip
def test_crews_and_shifts_that_make_no_sense_are_refused_by_name(
    rest: tuple[tuple[Pool, ...], tuple[Shift, ...]], said: str
) -> None:
    with pytest.raises(PlantError, match=f"^{re.escape(said)}"):
        Line(Flow(with_station(), *rest))


def test_a_source_may_be_endless_where_something_takes_time() -> None:
    for between in (
        Station(name="m", to=("out",), takes=uniform(0.0, 1.0)),
        Conveyor(name="m", to=("out",), takes=1.0, capacity=1),
    ):
        line = Line([Source(name="in", to=("m",)), between, OUT])
        line.run(parts=10)
        assert line.out == 10


def test_a_loop_that_fills_up_is_told_with_who_holds_parts_even_with_crews_and_belts() -> None:
    flow = Flow(
        (
            Source(name="in", to=("m",)),
            Station(name="m", to=("out", "belt"), takes=ONE, shares=(0.1, 0.9),
                    needs={"work": (Need(pools=("crew",)),)}),
            Conveyor(name="belt", to=("n",), takes=4.0, capacity=2), Station(name="n", to=("m",), takes=ONE), OUT,
        ),
        (Pool(name="crew", size=1),),
    )  # fmt: skip
    with pytest.raises(
        SimulationError,
        match=r"^flow: t = 1e\+06 s: nothing will ever move again: m, belt, n hold parts that nobody takes; give them "
        "another way out, or more room$",
    ):
        Line(flow).run(1e6)


def test_a_flow_that_stands_still_is_told_though_shifts_go_on() -> None:
    line = Line(Flow(
        (
            Source(name="in", to=("m",)),
            Station(name="m", to=("out", "n"), takes=ONE, shares=(0.1, 0.9), shift="day"),
            Station(name="n", to=("m",), takes=ONE), OUT,
        ),
        shifts=(Shift(name="day", switches=(8.0, 24.0), period=24.0, on=True),),
    ))  # fmt: skip
    other = line.fork()
    with pytest.raises(SimulationError, match="nothing will ever move again: m, n hold parts that nobody takes"):
        line.run(parts=1000)
    with pytest.raises(SimulationError, match="nothing will ever move again: m, n hold parts that nobody takes"):
        other.traced(parts=1000)


def test_a_run_ends_once_its_orders_are_done_though_shifts_go_on() -> None:
    blocks = ordered(Order(name="o", count=2), Order(name="late", count=1, release=5e6))
    line = Line(Flow((*blocks[:1], Station(name="m", to=("out",), takes=ONE, shift="day"), OUT),
                     shifts=(Shift(name="day", switches=(8.0, 24.0), period=24.0, on=True),)))  # fmt: skip
    line.run(parts=4)
    assert line.out == 3
    assert line.floor.orders["finished"][0].tolist() == [2.0, 5_000_017.0]


def test_a_run_into_the_past_is_refused() -> None:
    line = Line(with_station(takes=exponential(1.0)))
    line.run(10.0)
    with pytest.raises(SimulationError, match=r"^flow: t = 10 s: can't run until 9 s; give a later time$"):
        line.run(9.0)
