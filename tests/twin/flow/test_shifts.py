"""What the end of a shift cuts in two, worked by hand."""

from typing import Any

import pytest

from tests.twin.flow.mixed import times
from twin.flow.blocks import Flow, Need, Order, Pool, Service, Shift, Sink, Source, Station
from twin.flow.laws import constant
from twin.flow.line import Line

CREW = (Need(pools=("crew",)),)
DAY = Shift(name="day", switches=(15.0, 40.0), period=40.0, on=True)
"""On from 0 to 15, off until 40, on until 55, and so on."""


def one(shifts: tuple[Shift, ...] = (DAY,), pools: tuple[Pool, ...] = (), **station: Any) -> Line:
    """Return a line of one station that takes 10 s a part, and has the shift `day` unless another is given."""
    station = {"takes": constant(10.0), "shift": "day"} | station
    return Line(Flow(
        (Source(name="in", to=("m",), shares={"a": 1.0}), Station(name="m", to=("out",), **station), Sink(name="out")),
        pools, shifts,
    ))  # fmt: skip


def test_work_that_a_shift_ends_goes_on_where_it_was_in_the_next() -> None:
    line = one()
    assert [t for name, t in line.traced(95.0) if name == "m"] == [10.0, 45.0, 55.0, 90.0]
    # The part finished at the very end of the shift, at 55, has left; the next is begun at 55, and cut short at once.
    assert times(line, "m") == {"busy": 15.0 + 15.0 + 15.0, "off": 50.0}
    assert line.counted("m").entered == 5


def test_a_shift_that_begins_off_keeps_a_station_from_its_first_part() -> None:
    line = one((Shift(name="day", switches=(8.0, 20.0), period=24.0, on=False),))
    line.run(7.5)
    assert times(line, "m") == {"off": 7.5}
    assert line.counted("m").entered == 0
    line.run(24.0 + 8.0 + 12.0)
    assert times(line, "m") == {"off": 8.0 + 12.0, "busy": 24.0}


def test_a_break_shorter_than_the_work_left_puts_its_end_off_by_as_much() -> None:
    line = one((Shift(name="day", switches=(4.0, 7.0), period=1000.0, on=True),))
    assert [t for name, t in line.traced(24.0) if name == "m"] == [13.0, 23.0]
    assert times(line, "m") == {"busy": 21.0, "off": 3.0}


def test_several_breaks_cut_one_work() -> None:
    line = one((Shift(name="day", switches=(2.0, 3.0, 5.0, 6.0), period=6.0, on=True),))
    # Of every 6 s it works 4: two periods and 2 s of the next make 10.
    assert [t for name, t in line.traced(15.0) if name == "m"] == [14.0]


def test_a_setup_that_a_shift_ends_goes_on_where_it_was() -> None:
    line = Line(Flow(
        (
            Source(name="in", to=("m",), orders=(Order(name="x", count=1, type="a"),
                                                 Order(name="y", count=1, type="b"))),
            Station(name="m", to=("out",), takes=constant(10.0), setup=constant(8.0), shift="day"), Sink(name="out"),
        ),
        shifts=(DAY,),
    ))  # fmt: skip
    line.run(53.0)  # setup from 10 to 15 and from 40 to 43, work until 53
    assert line.out == 2
    assert times(line, "m") == {"busy": 20.0, "setup": 8.0, "off": 25.0}


def test_a_finished_part_stays_until_the_next_shift_if_nobody_took_it_before() -> None:
    line = Line(Flow(
        (
            Source(name="in", to=("m",)), Station(name="m", to=("n",), takes=constant(10.0), shift="day"),
            Station(name="n", to=("out",), takes=constant(18.0)), Sink(name="out"),
        ),
        shifts=(Shift(name="day", switches=(22.0, 40.0), period=1000.0, on=True),),
    ))  # fmt: skip
    line.run(40.0)  # n has a part from 10 to 28; m is blocked from 20 on, off from 22, and gives at 40
    assert times(line, "m") == {"busy": 20.0, "blocked": 2.0, "off": 18.0}
    assert times(line, "n") == {"idle": 10.0 + 12.0, "busy": 18.0}


def test_a_repair_goes_on_after_the_shift() -> None:
    """Failed at 12, it is repaired at 32; the 8 s of work left begin at 40."""
    line = one(fails=constant(12.0), repair=constant(20.0))
    assert [t for name, t in line.traced(50.0) if name == "m"] == [10.0, 12.0, 32.0, 48.0]
    assert times(line, "m") == {"busy": 12.0 + 10.0, "down": 3.0, "off": 25.0}


def test_by_the_calendar_it_fails_off_shift_too() -> None:
    """Failed at 20, while off: the repair takes until 50, 10 s of them in the next shift."""
    line = one(fails=constant(20.0), repair=constant(30.0), calendar=True)
    line.run(55.0)
    assert line.counted("m").failures == 1
    assert times(line, "m") == {"busy": 15.0 + 5.0, "off": 25.0, "down": 10.0}


def test_a_maintenance_due_off_shift_is_begun_with_the_next() -> None:
    """Due at 20, off at 15 in the midst of a part, which is finished at 45; then maintained until 48."""
    line = one(service=Service(takes=constant(3.0), every=20.0))
    line.run(50.0)
    assert times(line, "m") == {"busy": 15.0 + 5.0 + 2.0, "off": 25.0, "maintenance": 3.0}


def test_a_maintenance_due_while_an_empty_station_is_off_waits_for_the_shift() -> None:
    line = Line(Flow(
        (
            Source(name="in", to=("m",), orders=(Order(name="o", count=1, release=41.0),)),
            Station(name="m", to=("out",), takes=constant(10.0), shift="day",
                    service=Service(takes=constant(3.0), every=20.0)),
            Sink(name="out"),
        ),
        shifts=(DAY,),
    ))  # fmt: skip
    line.run(53.0)
    assert times(line, "m") == {"idle": 15.0, "off": 25.0, "maintenance": 3.0, "busy": 10.0}


def test_a_maintenance_goes_on_after_the_shift() -> None:
    """Maintained from 10 to 18; due again at 27, while off, it is maintained from 40 to 48."""
    line = one(service=Service(takes=constant(8.0), every=9.0))
    line.run(50.0)
    assert times(line, "m") == {"busy": 10.0 + 2.0, "maintenance": 5.0 + 8.0, "off": 25.0}


def test_a_crew_finishes_what_it_is_at_when_its_own_shift_ends() -> None:
    """The station has no shift: the crew's ends at 15, in the midst of the second part, which is done at 20."""
    line = one(pools=(Pool(name="crew", size=1, shift="day"),), needs={"work": CREW}, shift="")
    line.run(45.0)
    assert times(line, "m") == {"busy": 25.0, "waiting": 20.0}


def test_a_station_off_lets_its_crew_go_and_asks_anew() -> None:
    """m's people go to n, which asked before; m, back at 40, waits until n is done with its part."""
    line = Line(Flow(
        (
            Source(name="in", to=("m", "n")),
            Station(name="m", to=("out",), takes=constant(20.0), needs={"work": CREW}, shift="day"),
            Station(name="n", to=("out",), takes=constant(30.0), needs={"work": CREW}), Sink(name="out"),
        ),
        pools=(Pool(name="crew", size=1),), shifts=(DAY,),
    ))  # fmt: skip
    line.run(50.0)
    assert times(line, "m") == {"busy": 15.0 + 5.0, "off": 25.0, "waiting": 5.0}
    assert times(line, "n") == {"waiting": 15.0 + 5.0, "busy": 30.0}


def test_a_shift_that_ends_while_a_station_waits_for_its_crew_ends_the_waiting() -> None:
    line = Line(Flow(
        (
            Source(name="in", to=("n", "m")),
            Station(name="n", to=("out",), takes=constant(30.0), needs={"work": CREW}),
            Station(name="m", to=("out",), takes=constant(20.0), needs={"work": CREW}, shift="day"), Sink(name="out"),
        ),
        pools=(Pool(name="crew", size=1),), shifts=(DAY,),
    ))  # fmt: skip
    line.run(30.0)
    assert line.floor.world["asking"][0, 0] == 0
    line.run(60.0)  # n has the crew from 30 on again, for nobody else asked, until 60
    assert times(line, "m") == {"waiting": 15.0 + 15.0, "off": 25.0 + 5.0}
    assert times(line, "n") == {"busy": 60.0}


def test_crew_and_station_of_one_shift_stop_and_go_on_together() -> None:
    line = one(pools=(Pool(name="crew", size=1, shift="day"),), needs={"work": CREW})
    assert [t for name, t in line.traced(95.0) if name == "m"] == [10.0, 45.0, 55.0, 90.0]
    assert times(line, "m") == {"busy": 45.0, "off": 50.0}


def test_a_station_and_its_crew_of_other_shifts_work_while_both_are_there() -> None:
    """m from 0 to 15 and from 40 on, the crew from 12 to 50: work from 12 to 15, and its other 7 s from 40 on."""
    late = Shift(name="late", switches=(12.0, 50.0), period=100.0, on=False)
    line = one((DAY, late), (Pool(name="crew", size=1, shift="late"),), needs={"work": CREW})
    assert [t for name, t in line.traced(54.0) if name == "m"] == [47.0]
    assert times(line, "m") == {"waiting": 12.0, "busy": 3.0 + 14.0, "off": 25.0}


@pytest.mark.parametrize("first", ["m", "n"])
def test_who_has_waited_for_a_crew_is_served_before_those_whom_the_same_shift_lets_ask(first: str) -> None:
    """n, without a shift, asks from 0 on for the crew that comes at 8; m comes at 8 with it, and asks after n."""
    day = Shift(name="day", switches=(8.0, 30.0), period=100.0, on=False)
    m = Station(name="m", to=("out",), takes=constant(5.0), needs={"work": CREW}, shift="day")
    n = Station(name="n", to=("out",), takes=constant(5.0), needs={"work": CREW})
    line = Line(Flow(
        (Source(name="in", to=("m", "n")), *((m, n) if first == "m" else (n, m)), Sink(name="out")),
        (Pool(name="crew", size=1, shift="day"),), (day,),
    ))  # fmt: skip
    trace = [(name, t) for name, t in line.traced(20.0) if name in "mn"]
    assert trace == [("n", 13.0), ("m", 18.0)]
