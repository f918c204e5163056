"""The hybrid clock, forks and snapshots."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.plants import one
from twin.engine import Simulation, fork
from twin.errors import DataError, SimulationError, SnapshotError
from twin.plant import Tag
from twin.snapshot import Snapshot, rebased


def test_a_process_wakes_at_the_instant_a_guard_crosses():
    seen = []

    def watcher(sim):
        yield sim.when("it.below_first")
        seen.append((sim.now, sim["it.x"]))

    Simulation(one("oscillator"), behaviours=[watcher]).run(until=2.0)
    ((time, x),) = seen
    assert time == pytest.approx(math.acos(0.25), abs=1e-9)
    assert x == pytest.approx(0.25, abs=1e-9)


def test_a_process_that_sets_an_input_changes_what_follows():
    def pusher(sim):
        yield sim.timeout(1.0)
        sim["it.push"] = 2.0

    sim = Simulation(one("oscillator"), behaviours=[pusher])
    sim.run(until=2.0)
    # the push moves the centre to x = 2 from t = 1 on
    centre, x, v = 2.0, math.cos(1.0), -math.sin(1.0)
    assert sim["it.x"] == pytest.approx(centre + (x - centre) * math.cos(1.0) + v * math.sin(1.0), abs=1e-9)


def test_events_of_simpy_and_of_the_plant_share_one_clock():
    order = []

    def before(sim):
        yield sim.timeout(math.acos(0.25) - 1e-6)
        order.append("before")

    def watcher(sim):
        yield sim.when("it.below_first")
        order.append("crossing")

    def later(sim):
        yield sim.timeout(math.acos(0.25) + 1e-6)
        order.append("after")

    Simulation(one("oscillator"), behaviours=[later, watcher, before]).run(until=2.0)
    assert order == ["before", "crossing", "after"]


@pytest.mark.parametrize("method", ["rk4", "dp5", "rodas4"])
@pytest.mark.parametrize("when", [0.5, 1.318116071652818, 1.4])
def test_a_run_restored_before_at_and_after_an_event_goes_on_bit_for_bit(method, when):
    plant = one("oscillator", method, tags={"x": Tag("x", "it.x", "m", 0.25)})
    whole = Simulation(plant)
    whole.run(until=when)
    taken = whole.snapshot()
    restored = Simulation(plant, start=taken)
    for sim in (whole, restored):
        sim.run(until=3.0)
    assert restored.snapshot().digest == whole.snapshot().digest
    assert restored.happenings == [h for h in whole.happenings if h.time > when]


def test_a_snapshot_restores_in_another_process_and_time_zone(tmp_path):
    plant = one("timer")
    sim = Simulation(plant, seed=7)
    sim.run(until=1.0)
    sim.snapshot().save(tmp_path / "now.snapshot")
    sim.run(until=2.0)
    code = (
        "from pathlib import Path\nfrom tests.plants import one\nfrom twin.engine import Simulation\n"
        "from twin.snapshot import Snapshot\nimport sys\n"
        "sim = Simulation(one('timer'), start=Snapshot.load(Path(sys.argv[1])))\n"
        "sim.run(until=2.0)\nprint(sim.snapshot().digest)"
    )
    environment = {**os.environ, "TZ": "Asia/Seoul", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path / "now.snapshot")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert found.stdout.strip() == sim.snapshot().digest


def test_every_branch_of_a_fork_goes_on_as_the_original():
    sim = Simulation(one("oscillator"))
    sim.run(until=1.0)
    branches = sim.fork(70)
    branches.advance(2.0)
    sim.run(until=2.0)
    for mine, theirs in zip(sim.ensemble.member_state(), branches.member_state(), strict=True):
        assert np.array_equal(np.repeat(mine, 70, axis=1), theirs)


def test_branches_do_not_disturb_the_run_they_came_from():
    sim = Simulation(one("oscillator"))
    sim.run(until=1.0)
    before = sim.snapshot().digest
    branches = fork(sim.snapshot(), sim.plant, 3)
    branches.set("it.w", 2.0)
    branches.advance(5.0)
    assert sim.snapshot().digest == before


def test_a_snapshot_is_refused_while_a_foreign_process_runs():
    sim = Simulation(one("oscillator"))

    def endless():
        while True:
            yield sim.timeout(1.0)

    sim.process(endless())
    sim.run(until=0.5)
    with pytest.raises(
        SnapshotError, match="oscillator: a running Python process can't be copied; pass it as one of `behaviours`"
    ):
        sim.snapshot()


def test_waiting_for_an_event_of_many_members_is_refused():
    sim = Simulation(one("oscillator"), members=2)
    with pytest.raises(SimulationError, match=r"it\.below_first: 2 members pass it at different times"):
        sim.when("it.below_first")


def test_a_snapshot_of_another_plant_is_refused():
    taken = Simulation(one("oscillator")).snapshot()
    with pytest.raises(SnapshotError, match=r"^timer: the snapshot is of oscillator [0-9a-f]{12}, not of this plant"):
        Simulation(one("timer"), start=taken)


def test_a_rebased_snapshot_maps_by_name_and_lists_what_it_defaulted():
    sim = Simulation(one("oscillator"))
    sim.run(until=1.0)
    other = Simulation(one("oscillator", step=5e-4, tags={"x": Tag("x", "it.x", "m", 0.5)}))
    moved, defaulted = rebased(sim.snapshot(), *other.ensemble.member_state(), other.ensemble.layout)
    assert defaulted == ("sample:0.5",)
    again = Simulation(other.plant, start=moved)
    assert again["it.x"] == sim["it.x"]


@pytest.mark.parametrize("harm", ["cut", "flip", "text"])
def test_a_damaged_snapshot_is_refused(tmp_path, harm):
    path = tmp_path / "now.snapshot"
    Simulation(one("oscillator")).snapshot().save(path)
    raw = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif harm == "flip":
        raw[raw.index(b"oscillator") + 3] ^= 1
        path.write_bytes(raw)
    else:
        path.write_text("not a snapshot")
    with pytest.raises(
        DataError, match=r"now\.snapshot: (not a whole snapshot|snapshot can't be read|numbers don't match)"
    ):
        Snapshot.load(path)


def test_a_snapshot_that_can_not_be_written_leaves_nothing(tmp_path):
    with pytest.raises(DataError, match=r"missing/now\.snapshot: snapshot can't be written: No such file or directory"):
        Simulation(one("oscillator")).snapshot().save(tmp_path / "missing" / "now.snapshot")
    assert list(tmp_path.iterdir()) == []
