"""People and tools: who asks first has them first, all of what a task needs or nothing; by hand and by theory."""

import math
from typing import Any

import numpy as np
import pytest

from tests.twin.flow.mixed import times
from twin.flow.blocks import Block, Flow, Need, Pool, Sink, Source, Station
from twin.flow.laws import constant, exponential
from twin.flow.line import Line

SEEDS = 20
ONE = (Need(pools=("crew",)),)


def stations(needs: dict[str, dict[str, tuple[Need, ...]]], *pools: Pool, **more: Any) -> Flow:
    """Return stations side by side that take 10 s a part, as much as they can, with what they need."""
    blocks: list[Block] = [Source(name="in", to=tuple(needs))]
    blocks += [
        Station(name=name, to=("out",), takes=constant(10.0), needs=need, **more) for name, need in needs.items()
    ]
    return Flow((*blocks, Sink(name="out")), pools=pools)


def test_two_stations_take_turns_with_one_crew() -> None:
    line = Line(stations({"a": {"work": ONE}, "b": {"work": ONE}}, Pool(name="crew", size=1)))
    line.run(60.0)
    # Each time it has finished it asks anew, and the other has asked before.
    assert times(line, "a") == {"busy": 30.0, "waiting": 30.0}
    assert times(line, "b") == {"busy": 30.0, "waiting": 30.0}
    assert line.floor.pools["area"][0, 0] == 60.0


def test_who_asked_first_is_served_first_wherever_it_stands_in_the_file() -> None:
    """b asks at 1, a at 2, c at 3, while d has the crew until 10."""
    blocks: list[Block] = []
    for name, after in (("a", 2.0), ("b", 1.0), ("c", 3.0), ("d", 0.5)):
        blocks += [Source(name=f"to {name}", to=(name,), every=constant(after)),
                   Station(name=name, to=("out",), takes=constant(9.5), needs={"work": ONE})]  # fmt: skip
    line = Line(Flow((*blocks, Sink(name="out")), pools=(Pool(name="crew", size=1),)))
    trace = [(name, t) for name, t in line.traced(48.0) if name in "abcd"]
    assert trace == [("d", 10.0), ("b", 19.5), ("a", 29.0), ("c", 38.5), ("d", 48.0)]


def test_a_station_takes_all_that_it_needs_or_nothing_and_may_be_passed_meanwhile() -> None:
    """a needs two hands and the crane; b, with a hand, and c, with the crane, finish in turns and begin anew."""
    needs = {
        "b": {"work": (Need(pools=("hand",)),)}, "c": {"work": (Need(pools=("crane",)),)},
        "a": {"work": (Need(pools=("hand",), amount=2), Need(pools=("crane",)))},
    }  # fmt: skip
    line = Line(stations(needs, Pool(name="hand", size=2), Pool(name="crane", size=1)))
    line.run(95.0)
    assert line.floor.pools["used"][0].tolist() == [1, 1]
    assert times(line, "a") == {"waiting": 95.0}
    assert times(line, "b") == times(line, "c") == {"busy": 95.0}


def test_claims_in_opposite_order_never_lock_each_other() -> None:
    tools = Pool(name="p", size=1), Pool(name="q", size=1)
    p, q = Need(pools=("p",)), Need(pools=("q",))
    line = Line(stations({"a": {"work": (p, q)}, "b": {"work": (q, p)}}, *tools))
    line.run(1000.0)
    assert line.out == 100
    assert times(line, "a") == {"busy": 500.0, "waiting": 500.0}


def test_a_need_is_met_by_the_first_pool_that_has_so_many() -> None:
    needs = {name: {"work": (Need(pools=("day", "relief")),)} for name in "abc"}
    line = Line(stations(needs, Pool(name="day", size=1), Pool(name="relief", size=1)))
    line.run(10.0 - 1.0)
    assert times(line, "c") == {"waiting": 9.0}
    assert [line.floor.claims["pool"][0, k] for k in range(3)] == [0, 1, -1]
    line.run(300.0)
    assert line.out == 60


def test_setup_and_work_ask_for_people_of_their_own() -> None:
    """Parts a, b, a, b: 4 s of setup by the fitter and 10 s of work by the hand, who are never needed at once."""
    line = Line(Flow(
        (
            Source(name="in", to=("m",), shares={"a": 1.0, "b": 1.0}),
            Station(name="m", to=("out",), takes=constant(10.0), setup=constant(4.0),
                    needs={"setup": (Need(pools=("fitter",)),), "work": (Need(pools=("hand",)),)}),
            Sink(name="out"),
        ),
        pools=(Pool(name="fitter", size=1), Pool(name="hand", size=1)),
    ))  # fmt: skip
    line.run(parts=200)
    line.run(math.nextafter(line.now, math.inf))
    setups = line.counted("m").setups
    assert setups > 60
    fitter, hand = line.floor.pools["area"][0]
    assert times(line, "m")["setup"] == pytest.approx(fitter, abs=4.0)
    assert times(line, "m")["busy"] == pytest.approx(hand, abs=10.0)
    assert "waiting" not in times(line, "m")


def test_one_repairer_repairs_in_the_order_of_failures() -> None:
    """a fails at 10, b at 11, c at 12 and each is down for 5 s of repair: until 15, 20, 25."""
    blocks: list[Block] = [Source(name="in", to=("a", "b", "c"))]
    blocks += [
        Station(name=name, to=("out",), takes=constant(100.0), fails=constant(after), repair=constant(5.0),
                needs={"repair": ONE})
        for name, after in (("a", 10.0), ("b", 11.0), ("c", 12.0))
    ]  # fmt: skip
    line = Line(Flow((*blocks, Sink(name="out")), pools=(Pool(name="crew", size=1),)))
    line.run(25.0)
    # a fails again at 25, after 10 s of work since 15.
    assert [times(line, name)["down"] for name in "abc"] == [5.0, 9.0, 13.0]
    assert [line.counted(name).failures for name in "abc"] == [2, 1, 1]
    assert line.floor.pools["used"][0, 0] == 1


def test_a_crew_that_is_waited_for_is_no_time_of_operation() -> None:
    """a has the crew for the first 10 s; b begins at 10, and fails 7 s later, after 7 s of its own work."""
    line = Line(Flow(
        (
            Source(name="in", to=("a", "b")),
            Station(name="a", to=("out",), takes=constant(10.0), needs={"work": ONE}),
            Station(name="b", to=("out",), takes=constant(10.0), needs={"work": ONE}, fails=constant(7.0),
                    repair=constant(1.0)),
            Sink(name="out"),
        ),
        pools=(Pool(name="crew", size=1),),
    ))  # fmt: skip
    line.run(17.5)
    assert times(line, "b") == {"waiting": 10.0, "busy": 7.0, "down": 0.5}
    assert times(line, "a") == {"busy": 10.5, "waiting": 7.0}  # b's people left it when it failed
    line.run(27.0)
    # b, repaired at 18, waits for a until 27, and finishes 3 s later.
    assert times(line, "b") == {"waiting": 10.0 + 9.0, "busy": 7.0, "down": 1.0}
    line.run(30.0)
    assert line.counted("b").passed == 1


@pytest.mark.parametrize(("machines", "repairers"), [(4, 1), (6, 2)])
def test_machines_wait_for_repair_as_the_machine_repair_model_says(machines: int, repairers: int) -> None:
    """Kleinrock (1975), Queueing Systems I, section 3.8: a birth and death chain of the machines that are down.

    p_n is as (1 / fails)^n machines! / (machines - n)! / prod(min(i, repairers) / repair).
    """
    fails, repair = 10.0, 4.0
    shares = [1.0]
    for n in range(machines):
        shares.append(shares[-1] * (machines - n) / fails * repair / min(n + 1, repairers))
    down = sum(n * share for n, share in enumerate(shares)) / sum(shares)
    used = sum(min(n, repairers) * share for n, share in enumerate(shares)) / sum(shares)
    blocks = (
        Source(name="in", to=("m",)),
        Station(name="m", to=("out",), takes=exponential(1.0), servers=machines, fails=exponential(fails),
                repair=exponential(repair), needs={"repair": ONE}),
        Sink(name="out"),
    )  # fmt: skip
    found, worked = [], []
    for seed in range(SEEDS):
        line = Line(Flow(blocks, pools=(Pool(name="crew", size=repairers),)), seed)
        line.run(500.0)
        line.forget()
        line.run(10_500.0)
        found.append(sum(line.counted(f"m.{k + 1}").spent["down"] for k in range(machines)) / 10_000.0)
        pool = line.floor.pools[0, 0]
        worked.append((pool["area"] + pool["used"] * (line.now - pool["stamp"])) / 10_000.0)
    for values, mean in ((found, down), (worked, used)):
        assert abs(np.mean(values) - mean) <= 3.0 * np.std(values, ddof=1) / math.sqrt(SEEDS)
