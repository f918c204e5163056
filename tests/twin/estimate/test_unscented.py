"""The unscented filter as a whole: what it corrects, holds, renews, keeps and goes on from."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.twin.estimate.linear import PLAIN, STEPS, TAGS, UNKNOWNS, cascade, run
from twin.errors import PlantError, SimulationError, SnapshotError
from twin.estimate.choose import Filter
from twin.estimate.ensemble_filter import EnsembleFilter
from twin.estimate.unscented import UnscentedFilter
from twin.plant import Tag

OFF = {"LI-1": 0.5, "LI-2": 0.4}
KINDS = ("unscented", "ensemble")

GO_ON = """
import sys
import numpy as np
from tests.twin.estimate.linear import run
from tests.twin.estimate.test_unscented import digest, made
found, truth = made(sys.argv[1]), run(60, 12)
found.restore(dict(np.load(sys.argv[2])))
found.assimilate(truth.times[30:], truth.readings[30:])
print(digest(found))
"""


def made(kind: str, **more: object) -> Filter:
    plant = cascade(accuracy=OFF, **more)
    if kind == "ensemble":
        return EnsembleFilter(plant, solver=STEPS)
    return UnscentedFilter(plant, solver=STEPS)


def digest(found: Filter) -> str:
    whole = b"".join(name.encode() + array.tobytes() for name, array in sorted(found.state().items()))
    return hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_goes_on_bit_for_bit_in_a_fresh_process(kind: str, tmp_path: Path, repository: Path) -> None:
    found, truth = made(kind), run(60, 12)
    found.assimilate(truth.times[:30], truth.readings[:30])
    found.hold(True)
    np.savez(tmp_path / "state.npz", **found.state())
    found.assimilate(truth.times[30:], truth.readings[30:])
    command = [sys.executable, "-c", GO_ON, kind, str(tmp_path / "state.npz")]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest(found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_whole_and_not_the_filters_own_memory(kind: str) -> None:
    found, truth = made(kind), run(20, 1)
    found.assimilate(truth.times[:10], truth.readings[:10])
    before = found.state()
    found.assimilate(truth.times[10:], truth.readings[10:])
    after = digest(found)
    found.restore({name: array.copy() for name, array in before.items()})
    found.assimilate(truth.times[10:], truth.readings[10:])
    assert digest(found) == after


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_of_another_estimation_is_refused(kind: str) -> None:
    other = UnscentedFilter(cascade(UNKNOWNS[:2]), solver=STEPS, suspect=False)
    with pytest.raises(SnapshotError, match="cascade: the belief is of another plant or estimation; start anew"):
        made(kind).restore(other.state())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_learns_nothing_that_does_not_move_by_itself(kind: str) -> None:
    steady = (*UNKNOWNS[:2], UNKNOWNS[2]._replace(wander=0.0))
    plant, truth = cascade(steady, accuracy=OFF), run(60, 5, unknowns=steady)
    make = EnsembleFilter if kind == "ensemble" else UnscentedFilter
    found = make(plant, settings=PLAIN, solver=STEPS)
    found.assimilate(truth.times[:30], truth.readings[:30])
    before = found.moments.mean.copy()
    found.hold(True)
    assert found.holding
    found.assimilate(truth.times[30:50], truth.readings[30:50] + 1.0)
    held = found.moments.mean.copy()
    assert held[2:5] == pytest.approx(before[2:5], abs=1e-12)
    assert np.abs(held[:2] - before[:2]).min() > 1e-3
    found.hold(False)
    found.assimilate(truth.times[50:], truth.readings[50:] + 1.0)
    assert np.abs(found.moments.mean[2:5] - held[2:5]).min() > 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_what_wanders_is_held_too_where_the_plant_says_so(kind: str) -> None:
    assert UNKNOWNS[2].wander > 0.0
    told = (*UNKNOWNS[:2], UNKNOWNS[2]._replace(held=True))
    plant, truth = cascade(told, accuracy=OFF), run(60, 5, unknowns=told)
    make = EnsembleFilter if kind == "ensemble" else UnscentedFilter
    found = make(plant, settings=PLAIN, solver=STEPS)
    found.assimilate(truth.times[:30], truth.readings[:30])
    before = found.moments.mean.copy()
    found.hold(True)
    found.assimilate(truth.times[30:], truth.readings[30:] + 1.0)
    assert found.moments.mean[2] == pytest.approx(before[2], abs=1e-12)
    assert np.abs(found.moments.mean[:2] - before[:2]).min() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_replaced_is_believed_as_the_file_says_again(kind: str) -> None:
    found, truth = made(kind), run(60, 5)
    found.assimilate(truth.times, truth.readings)
    learnt = found.moments
    mean, covariance = learnt.mean.copy(), learnt.covariance.copy()
    found.renew("LI-2")
    anew = found.moments
    assert anew.mean[4] == pytest.approx(0.0, abs=1e-12)
    assert anew.covariance[4, 4] == pytest.approx(OFF["LI-2"] ** 2)
    assert anew.covariance[4, :4] == pytest.approx(np.zeros(4), abs=1e-12)
    assert anew.mean[:4] == pytest.approx(mean[:4], abs=1e-12)
    assert anew.covariance[:4, :4] == pytest.approx(covariance[:4, :4], abs=1e-12)
    found.renew("it")
    anew = found.moments
    assert np.diag(anew.covariance)[:3] == pytest.approx([1.0, 1.0, 1.0])
    assert anew.mean[2] == pytest.approx(0.0, abs=1e-12)  # a parameter is new; a level is where it was
    assert anew.mean[:2] == pytest.approx(mean[:2], abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_of_what_moves_the_plant_is_mirrored_and_not_estimated(kind: str) -> None:
    tags = {**TAGS, "FC-1": Tag("FC-1", "it.rain", "m/s", 1.0)}
    found = made(kind, tags=tags)
    assert [t.name for t in found.commands] == ["FC-1"]
    assert [t.name for t in found.tags] == ["LI-1", "LI-2"]
    nothing = np.full((1, 2), np.nan)
    dry = found.assimilate(np.array([1.0]), nothing).predicted
    found.start()
    found.command({"FC-1": 2.0, "LI-1": 77.0})
    wet = found.assimilate(np.array([1.0]), nothing).predicted
    assert wet[0, 1] - dry[0, 1] > 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_watched_is_expected_with_its_spread_and_corrects_nothing(kind: str) -> None:
    truth = run(20, 5)
    make = EnsembleFilter if kind == "ensemble" else UnscentedFilter
    with_, without = make(cascade(), ("it.c", "it.a"), solver=STEPS), make(cascade(), solver=STEPS)
    a, b = with_.assimilate(truth.times, truth.readings), without.assimilate(truth.times, truth.readings)
    assert a.predicted.shape == (20, 4)
    assert a.predicted[:, :2].tobytes() == b.predicted.tobytes()
    assert a.mean.tobytes() == b.mean.tobytes()
    assert not a.predicted[:, 2].any()
    assert (a.deviation[:, 3] > 0.1).all()
    assert (a.deviation[5:, 3] < 1.5).all()


def test_a_plant_that_says_nothing_of_its_estimation_is_refused() -> None:
    with pytest.raises(PlantError, match="cascade: has no section 'estimate'; say in its file what isn't known"):
        UnscentedFilter(replace(cascade(), estimation=None))


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_plant_is_told_by_time_place_and_value(kind: str) -> None:
    found = made(kind, tags={**TAGS, "FC-1": Tag("FC-1", "it.rain", "m/s", 1.0)})
    found.command({"FC-1": 900.0})
    with pytest.raises(SimulationError, match=r"t = \S+ s: member 0: it\.\w = .* left its bounds .*: start it anew"):
        found.assimilate(np.arange(1.0, 60.0), np.full((59, 2), np.nan))
