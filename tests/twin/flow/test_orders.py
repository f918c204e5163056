"""Orders and ranks, worked by hand: what is begun when, which part goes first, what comes late."""

import math

import numpy as np
import pytest
import simpy

from tests.twin.flow.mixed import times
from twin.flow.blocks import Block, Buffer, Order, Sink, Source, Station
from twin.flow.laws import Distribution, constant, exponential
from twin.flow.line import Line

SEEDS = 20


def shop(*orders: Order, buffer: str = "fifo", capacity: float = 1) -> list[Block]:
    """Return orders, a buffer, and a station that takes 10 s a part."""
    return [
        Source(name="in", to=("b",), orders=orders), Buffer(name="b", to=("m",), order=buffer, capacity=capacity),
        Station(name="m", to=("out",), takes=constant(10.0)), Sink(name="out"),
    ]  # fmt: skip


def finished(line: Line) -> list[float]:
    """Return when each order was done [s]."""
    found: list[float] = line.floor.orders["finished"][0].tolist()
    return found


def test_of_the_orders_released_the_lowest_priority_is_begun_first() -> None:
    """m has its first part at 0, the buffer its second; c is released at 15, so the part taken at 20 is c's."""
    line = Line(shop(Order(name="a", count=3, priority=2.0), Order(name="b", count=2, priority=1.0),
                     Order(name="c", count=1, priority=0.0, release=15.0)))  # fmt: skip
    line.run(60.0)
    assert finished(line) == [60.0, 20.0, 40.0]  # b, b, a in the buffer from 10 on, c, a, a


def test_a_part_is_begun_for_the_order_that_counts_when_it_is_taken() -> None:
    """What isn't taken yet isn't begun: at 10 the station takes a part of b, released at 5, before another of a."""
    line = Line([
        Source(name="in", to=("m",), orders=(Order(name="a", count=3, priority=1.0),
                                             Order(name="b", count=1, release=5.0))),
        Station(name="m", to=("out",), takes=constant(10.0)), Sink(name="out"),
    ])  # fmt: skip
    line.run(40.0)
    assert finished(line) == [40.0, 20.0]
    assert line.counted("out").lead == 40.0  # each from when it was taken
    assert line.counted("in").held == 0.0


def test_orders_of_one_priority_are_begun_as_they_stand_in_the_file() -> None:
    line = Line(shop(Order(name="a", count=1), Order(name="b", count=1), Order(name="c", count=1)))
    line.run(30.0)
    assert finished(line) == [10.0, 20.0, 30.0]


def test_a_source_rests_until_the_next_order_is_released() -> None:
    line = Line(shop(Order(name="a", count=1, release=7.0), Order(name="b", count=1, release=100.0)))
    line.run(110.0)
    assert finished(line) == [17.0, 110.0]
    assert times(line, "m") == {"idle": 7.0 + 83.0, "busy": 20.0}


def test_parts_are_late_that_leave_after_their_due_date() -> None:
    """Due dates, worked by hand: three parts until 30, two until 45, at 10 s each in turn; on the dot isn't late."""
    line = Line(shop(Order(name="a", count=3, due=30.0), Order(name="b", count=2, due=45.0)))
    line.run(100.0)
    assert finished(line) == [30.0, 50.0]
    assert line.counted("out").late == 1


def test_a_buffer_by_due_date_lets_the_most_urgent_part_go_first() -> None:
    """At 0 the station has a part of a; then what is due at 20, 40, 90 and the rest of a, due at 100."""
    orders = (
        Order(name="a", count=2, due=100.0), Order(name="b", count=1, due=90.0), Order(name="c", count=1, due=20.0),
        Order(name="d", count=1, due=40.0),
    )  # fmt: skip
    line = Line(shop(*orders, buffer="due", capacity=math.inf))
    line.run(60.0)
    assert finished(line) == [50.0, 40.0, 20.0, 30.0]
    fifo = Line(shop(*orders, capacity=math.inf))
    fifo.run(60.0)
    assert finished(fifo) == [20.0, 30.0, 40.0, 50.0]
    assert (line.counted("out").late, fifo.counted("out").late) == (0, 2)


def test_parts_of_one_rank_leave_a_buffer_as_they_came() -> None:
    orders = tuple(Order(name=f"{k}", count=1, priority=float(k % 2)) for k in range(6))
    line = Line(shop(*orders, buffer="priority", capacity=math.inf))
    line.run(60.0)
    assert finished(line) == [10.0, 40.0, 20.0, 50.0, 30.0, 60.0]


def test_thousands_of_parts_at_one_instant_have_room() -> None:
    """They are 50 times as many as there was room for at first; both drivers make more in the midst of an instant."""
    blocks = shop(Order(name="a", count=4000), Order(name="b", count=1000, release=35.0), capacity=math.inf)
    alone, shared = Line(blocks), Line(blocks)
    alone.run(parts=6)
    env = simpy.Environment()
    env.run(env.process(shared.process(env, 6)))
    assert alone.floor.blocks["held"].sum() == 5000 - 6
    assert alone.floor.tobytes() == shared.floor.tobytes()
    roomy = Line(blocks)
    roomy.floor.roomier(10_000)
    roomy.run(parts=6)
    for name in ("blocks", "due", "orders", "spent"):
        assert getattr(roomy.floor, name).tobytes() == getattr(alone.floor, name).tobytes()


def test_an_endless_source_fills_a_buffer_of_any_size_at_once() -> None:
    line = Line([Source(name="in", to=("b",)), Buffer(name="b", to=("m",), capacity=700),
                 Station(name="m", to=("out",), takes=constant(1.0)), Sink(name="out")])  # fmt: skip
    line.run(2.0)
    assert line.floor.blocks["held"][0].tolist() == [0, 700, 1, 0]
    assert line.out == 2


def test_once_every_order_is_done_both_drivers_end() -> None:
    line, env = Line(shop(Order(name="a", count=2))), simpy.Environment()
    env.run(env.process(line.process(env)))
    assert (env.now, line.now, line.out) == (20.0, 20.0, 2)
    alone = Line(shop(Order(name="a", count=2)))
    alone.run(parts=100)
    assert alone.now == 20.0


def classes(takes: Distribution, order: str = "priority") -> list[Block]:
    """Return two classes of parts, one of which goes first, before one server."""
    return [
        Source(name="in", to=("b",), every=exponential(1.0), shares={"first": 0.3, "second": 0.7},
               priorities={"second": 1.0}),
        Buffer(name="b", to=("m",), order=order), Station(name="m", to=("fork",), takes=takes),
        Station(name="fork", to=("firsts", "seconds"), takes=constant(0.0),
                routes={"first": "firsts", "second": "seconds"}),
        Sink(name="firsts"), Sink(name="seconds"),
    ]  # fmt: skip


@pytest.mark.parametrize(("takes", "second_moment"), [(exponential(0.8), 2.0 * 0.64), (constant(0.8), 0.64)])
def test_who_goes_first_waits_as_cobham_says(takes: Distribution, second_moment: float) -> None:
    """Cobham (1954), Operations Research 2, 70-76: W_k = W_0 / ((1 - s_(k-1)) (1 - s_k)), s_k the load of ranks 1 to k.

    W_0 is what is left, on average, of the work that a part finds begun: half of rate by second moment.
    """
    rest = 0.5 * 1.0 * second_moment
    first, both = 0.3 * 0.8, 0.8
    expected = {"firsts": rest / (1.0 - first), "seconds": rest / ((1.0 - first) * (1.0 - both))}
    found: dict[str, list[float]] = {name: [] for name in expected}
    for seed in range(SEEDS):
        line = Line(classes(takes), seed)
        line.run(2000.0)
        line.forget()
        line.run(40_000.0)
        for name, waits in found.items():
            out = line.counted(name)
            waits.append(out.lead / out.passed - 0.8)
    for name, waits in found.items():
        assert abs(np.mean(waits) - expected[name]) <= 3.0 * np.std(waits, ddof=1) / math.sqrt(SEEDS), name


def test_what_buffers_hold_at_the_start_counts_for_its_order_and_leaves_first() -> None:
    """Two of five are there: the line makes three more, 10 s each; the last is out after the five are worked on."""
    line = Line([
        Source(name="in", to=("b",), orders=(Order(name="five", count=5),)),
        Buffer(name="b", to=("m",), capacity=4, holds={"": 2}),
        Station(name="m", to=("out",), takes=constant(10.0)), Sink(name="out"),
    ])  # fmt: skip
    line.run(100.0)
    order = line.floor.orders[0, 0]
    assert (line.out, order["done"], order["left"], order["finished"]) == (5, 5, 0, 50.0)
    assert line.counted("in").entered == 3


def test_a_setup_takes_as_long_as_the_type_that_is_changed_to_says() -> None:
    """One a, two b, one a, one after the other: 5 s to b, none between two of them, 20 s back to a."""
    orders = [Order(name=f"{k}", count=n, type=t) for k, (t, n) in enumerate([("a", 1), ("b", 2), ("a", 1)])]
    line = Line([
        Source(name="in", to=("m",), orders=tuple(orders)),
        Station(name="m", to=("out",), takes=constant(10.0), setup={"a": constant(20.0), "b": constant(5.0)}),
        Sink(name="out"),
    ])  # fmt: skip
    line.run(200.0)
    assert line.floor.orders["finished"][0].tolist() == [10.0, 35.0, 65.0]
    assert line.counted("m").spent["setup"] == 25.0
