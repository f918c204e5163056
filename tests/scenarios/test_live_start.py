"""From now: a live twin is forked where it stands and left as it was; what was predicted is compared with what came."""

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from scenarios.answer import encoded
from scenarios.branch import evaluate
from scenarios.conclude import conclude
from scenarios.library import path_of
from scenarios.live_start import MACHINES, Fork, forked, keep, kept
from scenarios.review import review
from scenarios.scenario import Scenario, load
from scenarios.sweep import Settings, branches_of, common_of, sweep
from tests.twin.live.story import SECOND, T0, Story, readings, station, units
from twin.errors import DataError, PlantError, SnapshotError
from twin.live import process
from twin.live.twin import LiveTwin

SEOUL = ZoneInfo("Asia/Seoul")


class AtTheEnd(Event):
    """Stops a twin that has taken all there is."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a twin that has lived through 90 s."""
    judged = LiveTwin(station()).filter
    shown = dict(zip((tag.name for tag in judged.tags), judged.shown.tolist(), strict=True))
    told = Story().hello("gw", units(station())).stream("gw", readings(station(), shown, 90))
    folder = told.bye("gw").tick().journal(tmp_path_factory.mktemp("live") / "data")
    process.follow(folder, station(), stop=AtTheEnd())
    return folder


@pytest.fixture(scope="module")
def fork(data: Path) -> Fork:
    return forked(asked("second_pump_on_standby"), data)


def asked(name: str) -> Scenario:
    return load(path_of(name))


def contents(folder: Path) -> dict[str, str]:
    files = [folder / "journal.sqlite", *sorted((folder / "snapshots").iterdir())]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_fork_is_of_now_and_of_many_machines_whose_time_begins(data: Path, fork: Fork) -> None:
    assert T0 + 80 * SECOND < fork.time * 1e6 <= T0 + 90 * SECOND
    assert (fork.start.members, fork.start.time) == (MACHINES, 0.0)
    assert "live twin at" in fork.said


def test_the_twin_that_is_forked_is_left_as_it_was(data: Path) -> None:
    before = contents(data)
    forked(asked("second_pump_on_standby"), data)
    assert contents(data) == before


def test_machines_differ_by_what_is_not_known_and_a_branch_starts_with_one_of_them(fork: Fork) -> None:
    scenario = replace(fork.scenario, length=30.0, report=("tank.load", "mean(TI-101)"), curves=(), uncertain=())
    branches = branches_of(scenario.variants[:1], 6)
    found = evaluate(common_of(scenario, fork.start), branches)
    loads = [float(np.asarray(each["tank.load"])) for each in found if not isinstance(each, tuple)]
    row = fork.start.z_names.index("tank.load")
    assert loads == fork.start.z[row, :6].tolist()
    assert len(set(loads)) == 6


def test_the_same_instant_by_replay_is_the_same_start(data: Path, fork: Fork) -> None:
    at = datetime.fromtimestamp(fork.time, SEOUL).isoformat()
    again = forked(asked("second_pump_on_standby"), data, at)
    assert (again.time, again.start.digest) == (fork.time, fork.start.digest)
    earlier = forked(asked("second_pump_on_standby"), data, datetime.fromtimestamp(fork.time - 30.0, SEOUL).isoformat())
    assert earlier.time == fork.time - 30.0
    assert earlier.start.digest != fork.start.digest


def test_what_a_scenario_does_on_sunday_is_as_far_off_as_sunday_is(data: Path) -> None:
    found = forked(asked("clean_the_exchanger"), data)
    now = datetime.fromtimestamp(found.time, SEOUL)
    for variant, day, hour in (("tonight", 0, 22), ("sunday", 6, 10)):
        steps = next(each for each in found.scenario.variants if each.name == variant).schedule
        then = datetime.fromtimestamp(found.time - now.second - now.microsecond / 1e6 + steps[0].at, SEOUL)
        assert (then.weekday(), then.hour, then.minute) == (day, hour, 0)


def test_a_start_that_was_kept_is_gone_on_from(fork: Fork, tmp_path: Path) -> None:
    assert kept(fork.scenario, tmp_path) is None
    keep(fork, tmp_path)
    again = kept(asked("second_pump_on_standby"), tmp_path)
    assert again is not None
    assert (again.time, again.said, again.start.digest) == (fork.time, fork.said, fork.start.digest)
    assert again.scenario.plant.name == "cooling_station"


def test_a_scenario_of_another_plant_is_refused(data: Path) -> None:
    with pytest.raises(
        PlantError, match="its twin is of cooling_station, and the scenario crew_size asks machining_cell"
    ):
        forked(asked("crew_size"), data)


def test_a_time_before_or_behind_the_recording_is_refused(data: Path) -> None:
    with pytest.raises(SnapshotError, match=r"its readings end before .*; give an earlier time"):
        forked(asked("second_pump_on_standby"), data, "2030-01-01T00:00")
    with pytest.raises(PlantError, match="is no time; write it as"):
        forked(asked("second_pump_on_standby"), data, "yesterday")


def test_a_folder_without_a_twin_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="history"):
        forked(asked("second_pump_on_standby"), tmp_path)
    for file in data.glob("history.sqlite*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(SnapshotError, match="no snapshot of a twin that has settled"):
        forked(asked("second_pump_on_standby"), tmp_path)


@pytest.fixture(scope="module")
def predicted(data: Path, fork: Fork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an answer about the last 40 s of what was recorded."""
    out = tmp_path_factory.mktemp("predicted")
    at = datetime.fromtimestamp(fork.time - 40.0, SEOUL).isoformat()
    before = forked(asked("second_pump_on_standby"), data, at)
    keep(before, out)
    scenario = replace(before.scenario, length=38.0, replications=8, uncertain=(), report=("mean(TI-101)",))
    settings = Settings(out / "results", workers=1, start=before.start, start_said=before.said, start_time=before.time)
    (out / "answer.json").write_bytes(encoded(conclude(scenario, settings, sweep(scenario, settings))))
    return out


def test_what_was_predicted_is_compared_with_what_came(data: Path, predicted: Path) -> None:
    """Nothing changes in this story, so the tank stays as warm as it was, within its thermometer's noise of 0.1 K."""
    found = review(predicted, data)
    tank = next(each for each in found.curves if each.tag == "TI-101")
    assert (found.variant, tank.path, tank.unit) == ("both_pumps", "tank.T", "K")
    assert 35 <= tank.instants <= 40  # one reading a second, for 38 s
    assert abs(tank.bias) < 0.1
    assert 0.0 <= tank.inside <= 1.0


def test_the_pump_that_was_not_stopped_tells_which_variant_was_done(data: Path, predicted: Path) -> None:
    done, other = (review(predicted, data, name) for name in ("both_pumps", "one_pump"))
    error = {found.variant: {each.tag: each.error for each in found.curves} for found in (done, other)}
    assert error["both_pumps"]["TI-111"] <= error["one_pump"]["TI-111"] + 0.1


def test_a_review_of_what_did_not_start_live_is_refused(data: Path, predicted: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no whole answer"):
        review(tmp_path, data)
    with pytest.raises(PlantError, match="no variant 'both_pump'; did you mean 'both_pumps'"):
        review(predicted, data, "both_pump")
    (tmp_path / "answer.json").write_bytes((predicted / "answer.json").read_bytes())
    with pytest.raises(SnapshotError, match="did not start from a live twin"):
        review(tmp_path, data)


def test_a_start_that_cannot_be_kept_is_told(fork: Fork, tmp_path: Path) -> None:
    (tmp_path / "start.json").mkdir()
    with pytest.raises(DataError, match=r"start\.json: can't be written"):
        keep(fork, tmp_path)
