"""Stations and their equipment: what each does to the other, at which instant, against what is worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from tests.twin.flow.pressing import line, read
from twin.engine import Simulation, fork, snapshot
from twin.ensemble import Ensemble
from twin.errors import SimulationError, SnapshotError
from twin.flow.counts import spent
from twin.flow.records import State
from twin.plant import Plant
from twin.snapshot import Snapshot
from twin.streams import member_seeds

METHODS = ("rk4", "rodas4")
POWER = 500.0
EVENT = 1e-9
"""How late an event is located, ten times as much for several in a row [s]."""


def after(plant: Plant, time: float, seed: int = 1) -> Simulation:
    """Return a run that has come to a time."""
    run = Simulation(plant, seed=seed)
    run.run(until=time)
    return run


def number(run: Simulation, field: str, block: str = "mill") -> float:
    flow = run.ensemble.flow
    assert flow is not None
    return float(flow.floor.blocks[field][0, flow.laid.names.index(block)])


def times(run: Simulation, block: str = "mill") -> dict[str, float]:
    """Return the time in each state [s]."""
    flow = run.ensemble.flow
    assert flow is not None
    flow.stand(np.array([run.now]))
    found = spent(flow.floor)[0, flow.laid.names.index(block)]
    return {state.name.lower(): float(found[state]) for state in State if found[state]}


def joules(seconds: float) -> object:
    """Return what the press takes in while it works so long; each event may be late by `EVENT`."""
    return pytest.approx(POWER * seconds, abs=POWER * EVENT * 100.0)


@pytest.mark.parametrize("method", METHODS)
def test_equipment_works_from_the_very_instant_at_which_its_station_does(method: str) -> None:
    # A part every 100 s, 40 s of work: on from 100 to 140, from 200 to 240.
    run = Simulation(read(line(source=", every: 100 s"), method=method))
    for time, works, energy in ((99.0, 0, 0), (101.0, 1, 1), (139.0, 1, 39), (141.0, 0, 40), (239.5, 1, 79.5)):
        run.run(until=time)
        assert run["press.works"] == works, time
        assert run["press.E"] == joules(energy)
    run.run(until=1e4)
    assert run["press.E"] == joules(40 * 99)


@pytest.mark.parametrize("method", METHODS)
def test_work_that_a_trip_interrupts_goes_on_with_what_was_left(method: str) -> None:
    # 40 s parts without end; a trip after each 100 s of work, for 30 s: 130 s in all, seven times, and 90 s of work.
    run = after(read(line("trips: [press.tripped]"), method=method, values="limit: 100 s"), 1000.0)
    assert run["press.E"] == joules(790)
    assert number(run, "failures") == 7
    assert number(run, "passed") == 790 // 40
    assert times(run) == pytest.approx({"busy": 790.0, "down": 210.0}, abs=100 * EVENT)


@pytest.mark.parametrize("method", METHODS)
def test_a_change_of_the_tool_is_no_failure(method: str) -> None:
    run = after(read(line("changes: [press.changing]"), method=method, values="life: 100 s"), 1000.0)
    assert number(run, "failures") == 0
    # 120 s in all, eight times, and 40 s of work.
    assert times(run) == pytest.approx({"busy": 840.0, "tool": 160.0}, abs=100 * EVENT)


def test_any_of_several_trips_holds_a_station_and_counts_once() -> None:
    # After 100 s of work 30 s, after 130 s of work 20 s: at 100-130 and 160-180, at 250-280 and 340-360.
    run = after(read(line("trips: [press.tripped, press.changing]"), values="limit: 100 s, life: 130 s"), 365.0)
    assert number(run, "failures") == 4
    assert times(run) == pytest.approx({"busy": 265.0, "down": 100.0}, abs=100 * EVENT)


def test_trips_that_overlap_are_one_failure() -> None:
    # From 100 s on for 30 s; nothing else works meanwhile, but what holds it may be two things: its memory, its alarm.
    run = after(read(line("trips: [press.tripped, press.tripped]"), values="limit: 100 s"), 129.0)
    assert number(run, "failures") == 1


def test_a_station_heeds_what_is_computed_like_what_is_remembered() -> None:
    run = after(read(line("trips: [press.alarm]"), values="limit: 100 s"), 1000.0)
    assert run["press.E"] == joules(790)


def test_an_event_that_somebody_waits_for_is_seen_by_the_flow_too() -> None:
    plant = read(line("trips: [press.tripped]"), values="limit: 100 s")
    run = Simulation(plant, seed=1)
    run.when("press.worn")
    run.run(until=1000.0)
    assert run["press.E"] == after(plant, 1000.0)["press.E"]


@pytest.mark.parametrize("method", METHODS)
def test_at_nine_tenths_of_the_speed_work_takes_that_much_longer(method: str) -> None:
    run = after(read(line("pace: {by: press.speed, at: 1}"), method=method, values="speed: 0.9"), 1000.0)
    assert number(run, "passed") == int(1000.0 * 0.9 / 40.0)


@pytest.mark.parametrize("method", METHODS)
def test_a_speed_that_changes_in_the_midst_of_work_changes_what_is_left(method: str) -> None:
    # 20 of 40 s are done at 20 s; the rest takes 40 s at half the speed, and the next part 80 s.
    slower = "schedule:\n  - {at: 20 s, set: {press.speed: 0.5}}\n"
    run = Simulation(read(line("pace: {by: press.speed, at: 1}"), method=method, more=slower))
    for time, passed in ((59.9, 0), (60.1, 1), (139.9, 1), (140.1, 2)):
        run.run(until=time)
        assert number(run, "passed") == passed, time


def test_at_no_speed_work_waits_until_there_is_some() -> None:
    stop = "schedule:\n  - {at: 10 s, set: {press.speed: 0}}\n  - {at: 110 s, set: {press.speed: 1}}\n"
    run = Simulation(read(line("pace: {by: press.speed, at: 1}"), more=stop))
    run.run(until=139.9)
    assert number(run, "passed") == 0
    run.run(until=140.1)
    assert number(run, "passed") == 1


@pytest.mark.parametrize(("wear", "spoilt"), [(0.0, 0), (50.0, 0), (300.0, 1)])
def test_parts_are_spoilt_by_what_a_table_says_of_the_equipment(wear: float, spoilt: int) -> None:
    # Flat beyond its ends: nothing up to 100 s of wear, all from 200 s on.
    plant = read(
        line("spoils: {by: press.wear, at: [100 s, 200 s], is: [0, 1]}; batch: 2"),
        values=f"wear: {wear} s",
    )
    run = after(plant, 45.0)  # one batch, and too little wear to come to another part of the table
    assert number(run, "spoilt") == 2 * spoilt


def test_between_two_points_of_a_table_the_probability_is_on_the_line() -> None:
    plant = read(line("spoils: {by: press.speed, at: [1, 2, 4], is: [0, 10 %, 90 %]}", takes="1 s"), values="speed: 3")
    count = 10_000
    run = after(plant, count + 0.5)
    assert number(run, "made") == count
    assert abs(number(run, "spoilt") - 0.5 * count) <= 3.0 * np.sqrt(0.25 * count)


@pytest.mark.parametrize("method", METHODS)
def test_equipment_that_is_worn_is_maintained_once_its_station_is_empty_and_is_new_then(method: str) -> None:
    service = "service: {takes: 10 s, when: {press.wear: 100 s}, resets: {press.wear: 0 s}}"
    run = Simulation(read(line(service), method=method))
    # Worn at 100 s, in the third part, which is done at 120 s; at 130 s it begins again.
    for time, wear in ((119.0, 119.0), (125.0, 120.0), (131.0, 1.0)):
        run.run(until=time)
        assert run["press.wear"] == pytest.approx(wear, abs=100 * EVENT), time
    run.run(until=1300.0)
    assert number(run, "services") == 10
    assert times(run) == pytest.approx({"busy": 1200.0, "maintenance": 100.0}, abs=100 * EVENT)


def mixed() -> Plant:
    """Return two stations with much that is drawn, trips, a crew and a shift."""
    return read(
        "  begins: Mon 05:50\n  shifts: {early: {from: '06:00', to: '06:30', breaks: ['06:10-06:12']}}\n"
        "  crews: {men: {size: 1, shift: early}}\n  line:\n"
        "    raw: {is: source, to: mill, every: exponential(50 s)}\n"
        "    mill: {is: station, to: rack, takes: 'lognormal(40 s, 20 s)', trips: [press.tripped], "
        "pace: {by: press.speed, at: 1}, fails: exponential(5 min), repair: 1 min, needs: {repair: men}, "
        "drives: {press.works: {busy: 1, else: 0}}}\n"
        "    rack: {is: buffer, to: saw, capacity: 3}\n"
        "    saw: {is: station, to: done, takes: exponential(45 s), changes: [other.changing], "
        "drives: {other.works: {busy: 1, else: 0}}, spoils: 20 %, needs: {work: men}}\n"
        "    done: {is: sink}\n",
        values="limit: 100 s",
    )


def states(ensemble: Ensemble) -> list[bytes]:
    """Return the bytes of each member's state, of its parts only where they are used: room may differ."""
    z, c = ensemble.member_state()
    flow = ensemble.flow
    assert flow is not None
    names = ("blocks", "streams", "edges", "due", "spent", "claims", "pools", "calendars", "orders")
    return [
        z[:, m].tobytes() + c[:, m].tobytes() + b"".join(getattr(flow.floor, name)[m].tobytes() for name in names)
        for m in range(ensemble.members)
    ]


def test_a_member_among_others_has_the_same_bits_as_alone() -> None:
    plant, seeds = mixed(), member_seeds(3, 5)
    together = Ensemble(plant, 5, seeds=seeds)
    together.advance(1800.0)
    assert len(set(states(together))) == 5
    for m in (0, 3):
        alone = Ensemble(plant, 1, seeds=seeds[m : m + 1])
        alone.advance(1800.0)
        assert states(alone)[0] == states(together)[m]


@pytest.mark.parametrize("stop", [0.5, 700.0, 1260.0])
def test_a_run_that_goes_on_from_a_saved_snapshot_ends_in_the_same_bytes(tmp_path: Path, stop: float) -> None:
    plant = mixed()
    whole = Simulation(plant, seed=7)
    whole.run(until=stop)
    whole.run(until=2000.0)
    first = Simulation(plant, seed=7)
    first.run(until=stop)
    first.snapshot().save(tmp_path / "state")
    second = Simulation(plant, Snapshot.load(tmp_path / "state"))
    second.run(until=2000.0)
    assert second.snapshot().digest == whole.snapshot().digest


def test_twenty_forks_that_nothing_is_changed_in_are_the_same() -> None:
    plant = mixed()
    found = after(plant, 700.0, seed=7).fork(20)
    found.advance(2000.0)
    assert len(set(states(found))) == 1
    whole = Simulation(plant, seed=7)
    whole.run(until=700.0)
    whole.run(until=2000.0)
    assert states(found)[0] == states(whole.ensemble)[0]


def test_a_snapshot_of_another_flow_is_refused() -> None:
    start = after(read(line()), 100.0).snapshot()
    for other in (
        read(line("setup: 5 s")), read(line("trips: [press.tripped]")), read(line(source=", every: 10 s")),
        read(line().replace("done", "out")),
    ):  # fmt: skip
        with pytest.raises(SnapshotError, match="not of this plant"):
            Simulation(other, start)


def with_numbers(*, capacity: int, size: int, count: int) -> Plant:
    return read(
        line(
            "needs: {work: men}",
            source=f", orders: {{o: {{count: {count}, due: 1 h}}}}",
            top=f"  crews: {{men: {{size: {size}}}}}\n",
        )
        .replace("to: done", "to: rack")
        .replace("done: {is: sink}", "")
        + f"    rack: {{is: buffer, to: saw, capacity: {capacity}}}\n"
        "    saw: {is: station, to: done, takes: 100 s, needs: {work: men}}\n    done: {is: sink}\n"
    )


def finished(run: Simulation) -> float:
    flow = run.ensemble.flow
    assert flow is not None
    return float(flow.floor.orders["finished"][0, 0])


def test_a_flow_whose_numbers_alone_are_others_goes_on_from_a_snapshot() -> None:
    start = after(with_numbers(capacity=1, size=2, count=3), 250.0).snapshot()
    assert finished(Simulation(with_numbers(capacity=1, size=2, count=3), start)) == np.inf
    for capacity, size, count, parts in ((1, 2, 3, 3), (4, 2, 3, 3), (1, 1, 3, 3), (1, 2, 9, 9), (1, 2, 2, 2)):
        run = Simulation(with_numbers(capacity=capacity, size=size, count=count), start)
        run.run(until=5000.0)
        # What was begun is done, however many are wanted by then.
        assert number(run, "passed", "saw") == max(parts, 3), (capacity, size, count)
        assert finished(run) < 5000.0


def test_an_order_of_which_fewer_are_wanted_than_are_done_is_finished_and_one_of_more_is_not() -> None:
    start = after(with_numbers(capacity=1, size=2, count=3), 350.0).snapshot()
    assert finished(Simulation(with_numbers(capacity=1, size=2, count=1), start)) <= 350.0
    run = after(with_numbers(capacity=1, size=2, count=3), 400.0)
    assert finished(run) == pytest.approx(340.0)
    more = Simulation(with_numbers(capacity=1, size=2, count=4), run.snapshot())
    assert finished(more) == np.inf
    more.run(until=1000.0)
    assert finished(more) == pytest.approx(540.0)


def test_a_flow_that_makes_its_equipment_and_is_made_by_it_without_end_in_no_time_is_told() -> None:
    # Work trips the press, and the trip ends as soon as there is no work.
    plant = read(line("trips: [press.works]"))
    with pytest.raises(SimulationError, match="without end in no time"):
        after(plant, 100.0)


def test_parts_that_go_round_without_end_in_no_time_are_told_and_never_hang() -> None:
    plant = read(
        "  line:\n    raw: {is: source, to: mill, every: 10 s}\n"
        "    mill: {is: station, to: [saw, done], takes: 0 s, shares: [1, 0]}\n"
        "    saw: {is: station, to: mill, takes: 0 s}\n    done: {is: sink}\n"
    )
    with pytest.raises(SimulationError, match="without end in no time"):
        after(plant, 100.0)


def test_room_for_parts_grows_as_an_endless_buffer_fills() -> None:
    plant = read(
        "  line:\n    raw: {is: source, to: rack, every: 1 s}\n    rack: {is: buffer, to: mill}\n"
        "    mill: {is: station, to: done, takes: 100 s, drives: {press.works: {busy: 1, else: 0}}}\n"
        "    done: {is: sink}\n"
    )
    run = after(plant, 5000.5)
    assert number(run, "held", "rack") == 5000 - 50
    assert run["press.E"] == joules(4999.5)
    several = Ensemble(plant, 3, seeds=member_seeds(1, 1).repeat(3))
    several.advance(5000.5)
    assert len(set(states(several))) == 1
    assert states(several)[0] == states(run.ensemble)[0]


def test_stations_that_finish_at_one_instant_switch_their_equipment_at_that_instant() -> None:
    plant = read(
        "  line:\n    raw: {is: source, to: [mill, saw], every: 50 s}\n"
        "    mill: {is: station, to: done, takes: 90 s, drives: {press.works: {busy: 1, else: 0}}}\n"
        "    saw: {is: station, to: done, takes: 40 s, drives: {other.works: {busy: 1, else: 0}}}\n"
        "    done: {is: sink}\n"
    )
    # Parts at 50, 100, 150 s and so on: mill from 50 to 140 and saw from 100 to 140, and again every 100 s.
    run = Simulation(plant)
    for time, works in ((99.0, (1, 0)), (139.9, (1, 1)), (140.1, (0, 0)), (150.1, (1, 0)), (240.1, (0, 0))):
        run.run(until=time)
        assert (run["press.works"], run["other.works"]) == works, time
    assert run["press.E"] == joules(180)
    assert run["other.E"] == joules(80)


def test_a_snapshot_of_several_members_is_gone_on_from_by_as_many() -> None:
    plant, seeds = mixed(), member_seeds(3, 4)
    whole = Ensemble(plant, 4, seeds=seeds)
    whole.advance(600.0)
    found = fork(snapshot(whole), plant, 4)
    for each in (whole, found):
        each.advance(1200.0)
    assert states(whole) == states(found)
