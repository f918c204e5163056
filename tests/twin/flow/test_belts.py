"""Conveyors, worked by hand: when parts get on, how they close up, and what a belt does that can't accumulate."""

import numpy as np
import pytest

from tests.twin.flow.mixed import became, mixed, times
from twin.flow.blocks import Block, Buffer, Conveyor, Sink, Source, Station
from twin.flow.laws import constant, exponential
from twin.flow.line import Line
from twin.flow.records import State


def belt(*, accumulating: bool, to: str = "m") -> Conveyor:
    """Return a belt of 10 s with room for five: 2 s from one part to the next."""
    return Conveyor(name="belt", to=(to,), takes=10.0, capacity=5, accumulating=accumulating)


def arrivals(line: Line) -> list[float]:
    """Return when parts came to the end of the belt [s]."""
    return became(line, "belt", State.BLOCKED)


@pytest.mark.parametrize("accumulating", [True, False])
def test_a_part_is_on_a_free_belt_as_long_as_it_takes(accumulating: bool) -> None:
    line = Line([Source(name="in", to=("belt",), every=constant(4.0)), belt(accumulating=accumulating, to="out"),
                 Sink(name="out")])  # fmt: skip
    line.run(34.0)
    assert line.counted("out").passed == 6  # that came at 4, 8, ... 24
    assert line.counted("out").lead == 60.0
    assert times(line, "belt") == {"idle": 4.0, "busy": 30.0}


@pytest.mark.parametrize("accumulating", [True, False])
def test_parts_get_on_no_closer_than_there_is_room_for(accumulating: bool) -> None:
    line = Line([Source(name="in", to=("belt",)), belt(accumulating=accumulating, to="m"),
                 Station(name="m", to=("out",), takes=constant(0.5)), Sink(name="out")])  # fmt: skip
    line.run(20.25)
    assert line.counted("belt").entered == 11  # at 0, 2, ... 20
    assert line.counted("m").entered == 6  # at 10, 12, ... 20
    assert line.floor.blocks["held"][0, line.names.index("belt")] == 5


def oven(*, accumulating: bool) -> list[Block]:
    """Return a belt before an oven that takes three parts at a time, for 20 s."""
    return [
        Source(name="in", to=("belt",)), belt(accumulating=accumulating, to="oven"),
        Station(name="oven", to=("out",), takes=constant(20.0), batch=3), Sink(name="out"),
    ]  # fmt: skip


@pytest.mark.parametrize("accumulating", [True, False])
def test_parts_that_stood_one_behind_the_other_come_one_behind_the_other(accumulating: bool) -> None:
    """Three come at 10, 12, 14; from 16 on one waits until the oven is empty at 34, and two more follow 2 s apart."""
    line = Line(oven(accumulating=accumulating))
    line.floor.logging(1000)
    line.run(82.0)
    assert arrivals(line) == [10.0, 12.0, 14.0, 16.0, 36.0, 38.0, 40.0, 60.0, 62.0, 64.0]
    assert line.counted("oven").passed == 9  # at 34, 58, 82
    assert times(line, "oven") == {"idle": 14.0 + 4.0 + 4.0, "busy": 60.0}


def slow(*, accumulating: bool) -> list[Block]:
    """Return a belt on which parts come every 4 s, before a station that takes 25 s."""
    return [
        Source(name="in", to=("belt",), every=constant(4.0)), belt(accumulating=accumulating),
        Station(name="m", to=("out",), takes=constant(25.0)), Sink(name="out"),
    ]  # fmt: skip


def test_parts_close_up_on_a_belt_that_accumulates() -> None:
    """They get on at 4, 8, ... 24, and then no more fit. The first is taken at 14, the next two at 39 and 64.

    The third would have come at 22, has closed up by 39, and follows 2 s behind the second.
    """
    line = Line(slow(accumulating=True))
    line.floor.logging(1000)
    line.run(70.0)
    assert arrivals(line) == [14.0, 18.0, 41.0, 66.0]
    assert line.counted("belt").entered == 6 + 2  # one for each that was taken at 39 and 64


def test_a_belt_that_cannot_accumulate_stops_with_all_that_is_on_it() -> None:
    """On it at 4, 8, 12, 16; it stops at 18 with the second at its end, for 21 s, and goes on at 39.

    The third, due at 22, comes at 43. Until 39 nobody gets on: the fifth part, of 20, does so then, and is due at 49.
    """
    line = Line(slow(accumulating=False))
    line.floor.logging(1000)
    line.run(39.0)
    assert line.counted("belt").entered == 5
    line.run(70.0)
    assert arrivals(line) == [14.0, 18.0, 43.0, 68.0]
    assert times(line, "belt") == {"idle": 4.0, "busy": 10.0 + 4.0 + 4.0 + 4.0, "blocked": 21.0 + 21.0 + 2.0}


def test_an_entrance_that_was_shut_when_the_belt_stopped_stays_so_as_much_longer() -> None:
    """On it at 3, 6, ... 15; the second stands at its end from 16 to 113, when there was 1 s left to the next place.

    So the part of 18 gets on at 114, and the third, due at 19, comes at 116.
    """
    line = Line([
        Source(name="in", to=("belt",), every=constant(3.0)), belt(accumulating=False),
        Station(name="m", to=("out",), takes=constant(100.0)), Sink(name="out"),
    ])  # fmt: skip
    line.floor.logging(1000)
    line.run(113.5)
    assert line.counted("belt").entered == 5
    line.run(116.0)
    assert line.counted("belt").entered == 6
    assert times(line, "in") == {"idle": 18.0 + 2.0, "blocked": 114.0 - 18.0}
    assert arrivals(line) == [13.0, 16.0, 116.0]


@pytest.mark.parametrize("seed", range(16))
def test_what_leaves_a_belt_never_leaves_closer_than_there_is_room_for(seed: int) -> None:
    line = Line([
        Source(name="in", to=("belt",), every=exponential(3.0)), belt(accumulating=seed % 2 == 0),
        Station(name="m", to=("b",), takes=exponential(1.0), fails=exponential(30.0), repair=exponential(20.0)),
        Buffer(name="b", to=("n",), capacity=4),
        Station(name="n", to=("out",), takes=exponential(2.5)), Sink(name="out"),
    ], seed)  # fmt: skip
    line.floor.logging(200_000)
    line.run(5000.0)
    came = np.array(arrivals(line))
    assert len(came) > 1000
    assert np.diff(came).min() >= 2.0 - 4.0 * np.spacing(5000.0)
    assert line.counted("out").lead >= 10.0 * line.out


def test_belts_of_random_flows_hold_no_more_than_fits() -> None:
    for seed in range(8):
        line = Line(mixed(seed), seed)
        line.floor.logging(100_000)
        line.run(400.0)
        for name, room in (("wip", 4), ("belt", 8)):
            log = line.floor.log[0, : int(line.floor.world["logged"][0, 0])]
            assert log["held"][log["block"] == line.names.index(name)].max() <= room
