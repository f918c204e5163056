"""Failures, repair and maintenance, worked by hand, and availability by its formula."""

import math
from typing import Any

import numpy as np
import pytest
from numba import njit

from tests.twin.flow.mixed import times
from twin.flow import loop
from twin.flow.blocks import Block, Flow, Need, Order, Pool, Service, Sink, Source, Station
from twin.flow.laws import constant, exponential, weibull
from twin.flow.line import Line
from twin.flow.moves import settle
from twin.flow.records import Halt
from twin.flow.stations import due_for_service, freed, halted, paced

SEEDS = 20


def machine(**more: Any) -> list[Block]:
    """Return a machine that takes 10 s a part, of which there are always more."""
    return [
        Source(name="in", to=("m",)),
        Station(name="m", to=("out",), takes=constant(10.0), **more),
        Sink(name="out"),
    ]


def test_a_failure_in_operation_keeps_the_work_done_and_counts_no_idle_time() -> None:
    """Parts every 20 s: work from 20 to 30 and 40 to 45, when 15 s of operation are over; 6 s later the other 5."""
    line = Line([
        Source(name="in", to=("m",), every=constant(20.0)),
        Station(name="m", to=("out",), takes=constant(10.0), fails=constant(15.0), repair=constant(6.0)),
        Sink(name="out"),
    ])  # fmt: skip
    assert [t for name, t in line.traced(56.0) if name == "m"] == [30.0, 45.0, 51.0, 56.0]
    assert times(line, "m") == {"idle": 20.0 + 10.0, "busy": 20.0, "down": 6.0}


def test_a_failure_by_the_calendar_comes_while_nothing_is_to_be_done() -> None:
    line = Line([
        Source(name="in", to=("m",), every=constant(20.0)),
        Station(name="m", to=("out",), takes=constant(10.0), fails=constant(15.0), repair=constant(6.0), calendar=True),
        Sink(name="out"),
    ])  # fmt: skip
    # Down from 15 to 21, when the part of 20 is taken, from 36 to 42, when that of 41 is, and from 57 on.
    line.run(60.0)
    assert line.counted("m").failures == 3
    assert times(line, "m") == {"idle": 15.0 + 5.0 + 5.0, "busy": 20.0, "down": 6.0 + 6.0 + 3.0}


def test_a_setup_is_no_time_of_operation() -> None:
    line = Line([
        Source(name="in", to=("m",), orders=(Order(name="x", count=1, type="a"), Order(name="y", count=1, type="b"))),
        Station(name="m", to=("out",), takes=constant(10.0), setup=constant(8.0), fails=constant(14.0),
                repair=constant(1.0)),
        Sink(name="out"),
    ])  # fmt: skip
    assert [t for name, t in line.traced(29.0) if name == "m"] == [10.0, 18.0, 22.0, 23.0, 29.0]


def test_a_failure_due_as_work_ends_comes_with_the_next_work() -> None:
    """After 10 s of work its first part is done, and the second begins with a failure."""
    line = Line(machine(fails=constant(10.0), repair=constant(3.0)))
    line.run(22.5)
    assert times(line, "m") == {"busy": 19.5, "down": 3.0}
    assert line.counted("m").failures == 1
    assert line.out == 1


def test_maintenance_by_the_calendar_begins_between_two_parts() -> None:
    """Due at 25, begun at 30, over at 34; due again at 59, begun at 64."""
    line = Line(machine(service=Service(takes=constant(4.0), every=25.0)))
    line.run(68.0)
    assert times(line, "m") == {"busy": 60.0, "maintenance": 8.0}
    assert line.counted("m").services == 2


def test_maintenance_by_operating_time_counts_work_only() -> None:
    """Parts every 20 s: 25 s of work are over at 65, in the third part, which is done at 70."""
    line = Line([
        Source(name="in", to=("m",), every=constant(20.0)),
        Station(name="m", to=("out",), takes=constant(10.0),
                service=Service(takes=constant(4.0), every=25.0, operating=True)),
        Sink(name="out"),
    ])  # fmt: skip
    line.run(74.0)
    assert line.counted("m").services == 1
    assert times(line, "m") == {"idle": 20.0 + 10.0 + 10.0, "busy": 30.0, "maintenance": 4.0}
    line.run(134.0)  # the parts of 80, 100 and 120
    assert line.counted("m").services == 2


@pytest.mark.parametrize(("renews", "failures"), [(True, 0), (False, 2)])
def test_maintenance_renews_what_would_have_failed(renews: bool, failures: int) -> None:
    line = Line(machine(fails=constant(35.0), repair=constant(1.0),
                        service=Service(takes=constant(2.0), every=30.0, operating=True, renews=renews)))  # fmt: skip
    line.run(80.0)
    assert line.counted("m").failures == failures
    assert line.counted("m").services == 2


@pytest.mark.parametrize(("renews", "failures"), [(True, 0), (False, 1)])
def test_by_the_calendar_too(renews: bool, failures: int) -> None:
    """Maintained from 30 to 35: renewed, it would fail at 80; else at 45."""
    line = Line(machine(fails=constant(45.0), repair=constant(1.0), calendar=True,
                        service=Service(takes=constant(5.0), every=25.0, renews=renews)))  # fmt: skip
    line.run(60.0)
    assert line.counted("m").failures == failures


def test_what_fails_by_the_calendar_does_not_fail_while_it_is_maintained() -> None:
    """Due to fail at 32, while maintained from 30 to 35: the next failure is drawn then, for 64."""
    line = Line(machine(fails=constant(32.0), repair=constant(1.0), calendar=True,
                        service=Service(takes=constant(5.0), every=25.0, renews=False)))  # fmt: skip
    line.run(63.0)
    assert (line.counted("m").failures, line.counted("m").services) == (0, 1)
    line.run(64.0)
    assert line.counted("m").failures == 1


def test_maintenance_waits_for_people_and_repair_too() -> None:
    """The fitter maintains n from 10 to 30; m, empty at 10 too, waits with its maintenance until 30."""
    fitter = (Need(pools=("fitter",)),)
    service = Service(takes=constant(20.0), every=9.0)
    line = Line(Flow(
        (
            Source(name="in", to=("n", "m")),
            Station(name="n", to=("out",), takes=constant(10.0), service=service, needs={"service": fitter}),
            Station(name="m", to=("out",), takes=constant(10.0), service=service, needs={"service": fitter}),
            Sink(name="out"),
        ),
        pools=(Pool(name="fitter", size=1),),
    ))  # fmt: skip
    line.run(50.0)
    assert times(line, "n") == {"busy": 20.0, "maintenance": 20.0 + 10.0}
    assert times(line, "m") == {"busy": 10.0, "maintenance": 40.0}


def test_maintenance_due_as_work_ends_comes_after_the_next_work() -> None:
    """At one instant the work's timer goes off before that of the plan, and the next part is there already."""
    line = Line(machine(service=Service(takes=constant(4.0), every=10.0)))
    line.run(24.0)
    assert times(line, "m") == {"busy": 20.0, "maintenance": 4.0}


@njit(error_model="numpy", _nrt=False)
def told(member, what, why, pace):  # type: ignore[no-untyped-def]
    """Let the equipment of station 1 say something, as the kernel of the physics does."""
    if what == 0:
        halted(member, 1, why)
    elif what == 1:
        freed(member, 1, why)
    elif what == 2:
        paced(member, 1, pace)
    else:
        due_for_service(member, 1)
    settle(member)


HALTED, FREED, PACED, WORN = range(4)
"""What is said."""


def after(line: Line, *said: tuple[float, int, int, float]) -> None:
    """Say at these times what a station's equipment does; until then nobody minds if nothing moves."""
    for t, what, why, pace in said:
        loop.run(line.floor.place(), t, -1, np.zeros(0, np.int64), np.zeros(0))
        told(line.floor.place(), what, why, pace)


@pytest.mark.parametrize(("why", "state"), [(Halt.TRIP, "down"), (Halt.TOOL, "tool")])
def test_equipment_that_stands_still_puts_work_off_by_as_long(why: Halt, state: str) -> None:
    line = Line(machine())
    after(line, (4.0, HALTED, why, 0.0), (4.5, HALTED, why, 0.0), (9.0, FREED, why, 0.0))
    assert line.traced(26.0) == [("m", 15.0), ("m", 25.0)]
    assert times(line, "m") == {"busy": 21.0, state: 5.0}


def test_of_two_reasons_to_stand_still_the_last_one_counts() -> None:
    line = Line(machine())
    after(line, (4.0, HALTED, Halt.TRIP, 0.0), (6.0, HALTED, Halt.TOOL, 0.0), (8.0, FREED, Halt.TRIP, 0.0),
          (9.0, FREED, Halt.TOOL, 0.0))  # fmt: skip
    assert line.traced(16.0) == [("m", 15.0)]
    assert times(line, "m") == {"busy": 11.0, "down": 4.0, "tool": 1.0}


def test_a_trip_of_an_empty_station_keeps_parts_out_and_of_a_finished_one_keeps_them_in() -> None:
    line = Line([Source(name="in", to=("m",), every=constant(10.0)),
                 Station(name="m", to=("n",), takes=constant(2.0)),
                 Station(name="n", to=("out",), takes=constant(25.0)), Sink(name="out")])  # fmt: skip
    after(line, (8.0, HALTED, Halt.TRIP, 0.0), (13.0, FREED, Halt.TRIP, 0.0))
    line.run(14.5)
    assert times(line, "m") == {"idle": 8.0, "down": 5.0, "busy": 1.5}
    # Done at 15, n has it until 40; the next, of 23, is done at 25, and stays until the trip is over at 44.
    after(line, (30.0, HALTED, Halt.TRIP, 0.0), (44.0, FREED, Halt.TRIP, 0.0))
    assert times(line, "m") == {"idle": 8.0 + 8.0, "down": 5.0 + 14.0, "busy": 4.0, "blocked": 5.0}


def test_work_goes_on_at_the_pace_of_the_equipment() -> None:
    """A quarter of the work is done at 2.5, half of it at 7.5 at half the pace, the rest by 10 at twice the pace."""
    line = Line(machine())
    after(line, (2.5, PACED, 0, 0.5), (7.5, PACED, 0, 2.0))
    assert line.traced(15.5) == [("m", 10.0), ("m", 15.0)]


def test_at_no_pace_nothing_is_finished() -> None:
    line = Line(machine())
    after(line, (4.0, PACED, 0, 0.0), (50.0, PACED, 0, 1.0))
    assert line.traced(56.5) == [("m", 56.0)]
    assert times(line, "m") == {"busy": 56.5}


def test_a_setup_takes_its_time_at_any_pace() -> None:
    line = Line([
        Source(name="in", to=("m",), orders=(Order(name="x", count=1, type="a"), Order(name="y", count=1, type="b"))),
        Station(name="m", to=("out",), takes=constant(10.0), setup=constant(8.0)), Sink(name="out"),
    ])  # fmt: skip
    after(line, (14.0, PACED, 0, 2.0))
    assert line.traced(30.0) == [("m", 18.0), ("m", 23.0)]


def test_a_pace_that_changes_between_two_works_holds_for_the_next() -> None:
    line = Line([
        Source(name="in", to=("m",), every=constant(10.0)), Station(name="m", to=("n",), takes=constant(4.0)),
        Station(name="n", to=("out",), takes=constant(27.0)), Sink(name="out"),
    ])  # fmt: skip
    after(line, (5.0, PACED, 0, 2.0))  # while it has nothing, and while it is blocked from 22 on
    after(line, (24.0, PACED, 0, 0.5))
    assert [t for name, t in line.traced(50.0) if name == "m"] == [39.0 + 8.0]


def test_a_trip_in_a_setup_or_a_maintenance_ends_neither() -> None:
    """A setup goes on where it was; a maintenance goes on meanwhile."""
    line = Line([
        Source(name="in", to=("m",), orders=(Order(name="x", count=1, type="a"), Order(name="y", count=1, type="b"))),
        Station(name="m", to=("out",), takes=constant(10.0), setup=constant(8.0),
                service=Service(takes=constant(6.0), every=20.0)),
        Sink(name="out"),
    ])  # fmt: skip
    after(line, (14.0, HALTED, Halt.TRIP, 0.0), (19.0, FREED, Halt.TRIP, 0.0))
    assert line.traced(33.0) == [("m", 20.0), ("m", 23.0), ("m", 33.0)]
    after(line, (34.0, HALTED, Halt.TRIP, 0.0), (36.0, FREED, Halt.TRIP, 0.0))
    assert line.traced(39.0) == [("m", 39.0)]
    assert times(line, "m") == {"busy": 20.0, "setup": 8.0, "down": 5.0 + 2.0, "maintenance": 1.0 + 3.0}


def test_a_failure_in_operation_does_not_wait_for_a_slower_pace() -> None:
    line = Line(machine(fails=constant(8.0), repair=constant(1.0)))
    after(line, (4.0, PACED, 0, 0.5))
    assert line.traced(16.5) == [("m", 8.0), ("m", 9.0)]
    assert line.traced(17.0)[0] == ("m", 17.0)  # of the work 4 s were left at 8, and are 8 s at this pace


def test_people_stay_with_equipment_that_trips_and_leave_it_when_it_fails() -> None:
    crew = (Need(pools=("crew",)),)
    flow = Flow(
        (
            Source(name="in", to=("m", "n")),
            Station(name="m", to=("out",), takes=constant(10.0), needs={"work": crew}, calendar=True,
                    fails=constant(20.0), repair=constant(5.0)),
            Station(name="n", to=("out",), takes=constant(10.0), needs={"work": crew}), Sink(name="out"),
        ),
        pools=(Pool(name="crew", size=1),),
    )  # fmt: skip
    line = Line(flow)
    after(line, (4.0, HALTED, Halt.TRIP, 0.0))
    line.run(19.0)
    assert times(line, "n") == {"waiting": 19.0}
    line.run(24.0)  # m fails at 20, tripped as it is
    assert times(line, "n") == {"waiting": 20.0, "busy": 4.0}
    after(line, (26.0, FREED, Halt.TRIP, 0.0))
    line.run(37.0)  # n has them until 30; m has 6 s of work left
    assert times(line, "m") == {"busy": 4.0 + 6.0, "down": 22.0, "waiting": 4.0 + 1.0}


def test_worn_equipment_is_maintained_as_soon_as_the_station_is_empty() -> None:
    line = Line(machine(service=Service(takes=constant(3.0))))
    after(line, (4.0, WORN, 0, 0.0))
    line.run(14.0)
    assert times(line, "m") == {"busy": 11.0, "maintenance": 3.0}
    assert line.counted("m").services == 1


def availability(**more: Any) -> tuple[float, float]:
    """Return which share of what it isn't idle a machine is up, and the standard error over seeds."""
    found = []
    for seed in range(SEEDS):
        line = Line(machine(**more), seed)
        line.run(500.0)
        line.forget()
        line.run(100_500.0)
        found.append(1.0 - line.counted("m").spent["down"] / 100_000.0)
    return float(np.mean(found)), float(np.std(found, ddof=1) / math.sqrt(SEEDS))


@pytest.mark.parametrize("calendar", [True, False])
def test_a_machine_that_always_works_is_up_as_mtbf_and_mttr_say(calendar: bool) -> None:
    mean, error = availability(fails=exponential(80.0), repair=weibull(20.0, 1.5), calendar=calendar)
    mttr = 20.0 * math.gamma(1.0 + 1.0 / 1.5)
    assert abs(mean - 80.0 / (80.0 + mttr)) <= 3.0 * error


def test_a_machine_that_works_half_the_time_fails_half_as_often_in_operation() -> None:
    """Up 80 s of work, that is 160 s, then 20 s down, in which work that waits is caught up on."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for calendar, shares in found.items():
        for seed in range(SEEDS):
            line = Line([
                Source(name="in", to=("m",), every=exponential(40.0)),
                Station(name="m", to=("out",), takes=constant(10.0), fails=exponential(80.0), repair=constant(20.0),
                        calendar=calendar),
                Sink(name="out"),
            ], seed)  # fmt: skip
            line.run(200_000.0)
            m = line.counted("m")
            shares.append(m.spent["down"] / (m.spent["busy"] if not calendar else line.now - m.spent["down"]))
    for shares in found.values():
        assert abs(np.mean(shares) - 20.0 / 80.0) <= 3.0 * np.std(shares, ddof=1) / math.sqrt(SEEDS)


def test_with_constant_times_availability_is_exact() -> None:
    for calendar in (True, False):
        line = Line(machine(fails=constant(75.0), repair=constant(25.0), calendar=calendar))
        line.run(10_000.0)
        assert line.counted("m").spent["down"] == 2500.0
