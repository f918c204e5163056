"""No second, no part and nobody's hour gets lost in flows that mix every feature, whoever holds the clock."""

import math
from dataclasses import replace

import numpy as np
import pytest
import simpy

from tests.twin.flow.mixed import held, mixed
from twin.flow import counts, loop
from twin.flow.blocks import Flow, Source, Station
from twin.flow.crews import ASKS, HOLDS
from twin.flow.floor import OWN
from twin.flow.laying import Laid
from twin.flow.line import Line
from twin.flow.records import NONE, Task

LENGTH = 400.0
PARTED, JOINED = {"saw": 2}, {"pack": 3}
"""Parts more, or fewer, for each work done."""


@pytest.mark.parametrize("seed", range(64))
def test_both_drivers_go_through_the_same_events_of_every_feature(seed: int) -> None:
    flow = mixed(seed, ties=seed % 2 == 0)
    alone, shared = Line(flow, seed), Line(flow, seed)
    alone.run(parts=120)
    env = simpy.Environment()
    env.run(env.process(shared.process(env, 120)))
    assert env.now == shared.now == alone.now
    assert alone.floor.tobytes() == shared.floor.tobytes()


def test_random_flows_use_every_feature() -> None:
    counted: dict[str, float] = {}
    states: dict[str, float] = {}
    for seed in range(16):
        line = Line(mixed(seed, ties=seed % 2 == 0), seed)
        line.run(LENGTH)
        for name in line.names:
            found = line.counted(name)
            for field in ("lost", "failures", "setups", "services", "late", "bad", "spoilt", "mended"):
                counted[field] = counted.get(field, 0) + getattr(found, field)
            for state, time in found.spent.items():
                states[state] = states.get(state, 0.0) + time
        assert line.counted("pack").passed
        assert line.counted("saw").passed
    assert min(counted.values()) > 0
    assert min(time for state, time in states.items() if state != "tool") > 0.0


@pytest.mark.parametrize("seed", range(32))
def test_every_second_of_every_block_is_in_some_state(seed: int) -> None:
    ties = seed % 2 == 0
    line = Line(mixed(seed, ties=ties), seed)
    for begun in (0.0, 130.5):
        line.run(begun + LENGTH)
        for name in line.names:
            found = math.fsum(line.counted(name).spent.values())
            if ties:
                assert found == line.now - line.begun
            else:  # each event adds a difference of two times, each rounded once
                assert abs(found - (line.now - line.begun)) <= line.events * np.spacing(line.now)
        line.forget()


@pytest.mark.parametrize("seed", range(32))
def test_what_comes_into_a_block_leaves_it_or_is_there(seed: int) -> None:
    line = Line(mixed(seed, ties=seed % 2 == 0), seed)
    line.run(LENGTH)
    assert line.out > 50
    blocks, given, taken = line.floor.blocks[0], 0, 0
    for k, (name, block) in enumerate(zip(line.names, line.laid.flow.blocks, strict=True)):
        found, row = line.counted(name), blocks[k]
        done = round(found.planned)  # the planned time of each is a second
        more = PARTED.get(name, 0) * done - JOINED.get(name, 0) * done
        assert found.entered + more == found.passed + found.lost + row["held"], name
        given += 0 if isinstance(block, Source) else found.entered
        taken += 0 if name in ("out", "scrap") else found.passed
    assert given == taken
    lists = [k for k, _ in held(line)]
    assert [lists.count(k) for k in range(len(blocks))] == blocks["held"].tolist()
    assert line.floor.world["room"][0, 0] + len(lists) == line.floor.parts.shape[1]


@pytest.mark.parametrize("seed", range(32))
def test_what_is_inside_over_time_is_how_long_parts_have_stayed(seed: int) -> None:
    """Little's law as an identity: of what has left the lead times, of what is still there the time until now."""
    line = Line(mixed(seed, ties=seed % 2 == 0, assembly=False), seed)
    line.run(LENGTH)
    stayed = sum(line.counted(name).lead for name in ("out", "scrap"))
    stayed += sum(line.now - float(line.floor.parts[0, p]["born"]) for _, p in held(line))
    area = float(counts.areas(line.floor).sum())
    assert area == pytest.approx(stayed, rel=4.0 * line.events * np.finfo(float).eps)
    assert area / line.now == pytest.approx(sum(line.counted(name).held for name in line.names), rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_flow_that_is_empty_at_both_ends_held_throughput_times_lead_time(seed: int) -> None:
    flow = mixed(seed, ties=seed % 2 == 0, assembly=False)
    made = (block for block in flow.blocks if block.name not in ("walk-in", "desk"))  # orders only, which end
    blocks = tuple(replace(b, batch=1) if isinstance(b, Station) and b.name == "oven" else b for b in made)
    line = Line(Flow(blocks, flow.pools, flow.shifts), seed)
    line.run(3000.0)
    assert not list(held(line))
    rate = line.out / line.now
    lead = sum(line.counted(name).lead for name in ("out", "scrap")) / line.out
    mean = sum(line.counted(name).held for name in line.names)
    assert mean == pytest.approx(rate * lead, rel=4.0 * line.events * np.finfo(float).eps)
    assert (line.floor.orders["done"] == line.floor.orders["count"]).all()


@pytest.mark.parametrize("seed", range(6))
def test_after_every_event_crews_are_where_they_are_counted_and_nobody_free_is_asked_for(seed: int) -> None:
    line = Line(mixed(seed, ties=seed % 2 == 0), seed)
    floor = line.floor
    sizes = np.array([pool.size for pool in line.laid.flow.pools])
    worked = np.zeros(len(sizes))
    for _ in range(1000):
        before = line.now
        used = floor.pools["used"][0].copy()
        if loop.step(floor.place(), -1) == loop.ROOM:
            floor.roomier(256)
        worked += used * (line.now - before)
        blocks, claims = floor.blocks[0], floor.claims[0]
        assert (floor.pools["used"][0] >= 0).all()
        assert (floor.pools["used"][0] <= sizes).all()
        assert (blocks["asks"] == ASKS).sum() == floor.world["asking"][0, 0]
        counted = np.zeros(len(sizes), int)
        for block in blocks[blocks["asks"] > 0]:
            first, count = floor.choices[block["needs"] + 2 * block["task"] :][:2]
            asked = claims[first : first + count]
            free = floor.pools["here"][0] - floor.pools["used"][0]
            if block["asks"] == HOLDS:
                np.add.at(counted, asked["pool"], asked["amount"])
                continue
            for claim in asked:  # who asks couldn't have all of it
                pools = floor.choices[claim["first"] :][: claim["count"]]
                fit = next((r for r in pools if free[r] >= claim["amount"]), NONE)
                if fit == NONE:
                    break
                free[fit] -= claim["amount"]
            else:
                pytest.fail(f"t = {line.now}: {Task(block['task']).name} could be begun")
        assert (counted == floor.pools["used"][0]).all()
    assert counts.staffed(floor)[0] == pytest.approx(worked, rel=1e-12)


def test_members_of_one_floor_go_as_they_would_alone_whatever_room_they_share() -> None:
    seeds = np.arange(4, dtype=np.uint64)
    laid = Laid(mixed(2))
    floor, nothing = laid.floor(seeds), (np.zeros(0, np.int64), np.zeros(0))
    for member in range(4):
        loop.opened(floor.place(member))
    for until in (3.0, 100.0, LENGTH):
        for member in (2, 0, 3, 1):
            while loop.run(floor.place(member), until, -1, *nothing)[0] == loop.Ending.ROOM:
                floor.roomier(17)
    for member in range(4):
        line = Line(mixed(2), member)
        line.run(LENGTH)
        for name in OWN:
            if name not in ("world", "parts"):
                assert (getattr(floor, name)[member] == getattr(line.floor, name)[0]).all(), name


def test_the_log_has_every_state_and_level() -> None:
    line = Line(mixed(4, ties=True), 4)
    line.run(100.0)
    line.forget()
    line.floor.logging(100_000)
    first = line.floor.blocks[0].copy()
    line.run(300.0)
    log = line.floor.log[0, : int(line.floor.world["logged"][0, 0])]
    for k, (name, block) in enumerate(zip(line.names, line.laid.flow.blocks, strict=True)):
        rows = log[log["block"] == k]
        at = np.concatenate([[100.0], rows["time"], [300.0]])
        levels, states = np.concatenate([first["held"][[k]], rows["held"]]), np.concatenate(
            [first["state"][[k]], rows["state"]])  # fmt: skip
        found = line.counted(name)
        assert float(np.diff(at) @ levels) == counts.areas(line.floor)[0, k]
        if isinstance(block, Station):
            assert np.bincount(states, np.diff(at), 9).tolist() == [*found.spent.values()]


def test_a_log_that_is_full_changes_nothing_else() -> None:
    logged, plain = Line(mixed(1), 1), Line(mixed(1), 1)
    logged.floor.logging(10)
    logged.run(200.0)
    plain.run(200.0)
    assert logged.floor.world["logged"][0, 0] == 10 + len(logged.names)  # and where each block stood
    for name in ("blocks", "parts", "due", "spent", "pools", "orders", "streams"):
        assert getattr(logged.floor, name).tobytes() == getattr(plain.floor, name).tobytes()
