"""The trial before a twin starts: what the tags can tell of unknowns and faults."""

import numpy as np
import pytest

from tests.plants import EQUIPMENT
from tests.twin.estimate.linear import STEPS, TAGS, UNKNOWNS, cascade
from twin.catalogue import find
from twin.errors import PlantError
from twin.estimate.ground import ground
from twin.estimate.trial import HORIZON, LOOKS, Trial
from twin.estimate.unscented import UnscentedFilter
from twin.plant import Estimation, Plant, Tag, Unknown

ASIDE = Unknown("it.aside", ("it.aside",), 1.0, 0.0, relative=False)
INFLOW = UNKNOWNS[2]


def trial(*unknowns: Unknown) -> Trial:
    return ground(cascade(unknowns), solver=STEPS).trial


def test_an_unknown_that_no_tag_sees_is_left_out_and_said() -> None:
    found = ground(cascade((*UNKNOWNS, ASIDE)), solver=STEPS)
    assert [u.name for u in found.unknowns] == ["it.a", "it.b", "it.inflow"]
    assert found.trial.left["it.aside"] == 1.0
    assert found.trial.left["it.inflow"] < 0.05


def test_where_no_tag_sees_any_unknown_the_plant_is_refused() -> None:
    gauge = {"LI-9": Tag("LI-9", "it.c", "m", 1.0, noise=0.2)}
    known = tuple(u for u in UNKNOWNS if u.name != "it.inflow")
    with pytest.raises(PlantError, match="cascade: estimate: no tag sees any unknown; add a tag or widen a spread"):
        # The level aside is named by its tag, but the file says that it is known to a hair.
        ground(cascade((*known, Unknown("it.c", ("it.c",), 1e-9, 0.0, relative=False)), tags=gauge), solver=STEPS)


def test_states_that_keep_what_disturbs_them_are_unknowns_and_those_that_follow_others_are_not() -> None:
    found = ground(cascade((INFLOW,)), solver=STEPS)
    assert found.trial.remembered == ("it.a", "it.b")
    assert [u.name for u in found.unknowns] == ["it.a", "it.b", "it.inflow"]
    followers = {path for path, row in found.compiled.layout.rows.items() if row in found.places.followers}
    assert followers == {"it.y", "it.c"}


def test_a_state_that_forgets_within_seconds_is_seen_in_those() -> None:
    # Its disturbance is gone e^-6-fold before the first look of a trial that looks every half minute.
    assert HORIZON / LOOKS * 0.2 == 6.0
    assert trial(INFLOW).left["it.a"] < 0.6


def test_a_shared_unknown_moves_all_its_paths() -> None:
    cls = find("cascade", EQUIPMENT)
    shared = Unknown("weather", ("one.rain", "two.rain"), 1.0, 0.0, relative=False)
    tags = {
        "LI-1": Tag("LI-1", "one.total", "m", 1.0, noise=0.1),
        "LI-2": Tag("LI-2", "two.total", "m", 1.0, noise=0.1),
    }
    told = Estimation(settle=0.0, unknowns=(shared,))
    plant = Plant("pair", {"one": cls, "two": cls}, solver=STEPS, tags=tags, estimation=told)
    found = UnscentedFilter(plant, ("one.rain", "two.rain"), solver=STEPS, suspect=False)
    for k in range(60):
        trace = found.assimilate(np.array([k + 1.0]), np.array([[4.0, 4.0]]))
    assert trace.predicted[0, 2] == trace.predicted[0, 3] != 0.0
    assert trace.deviation[0, 2] == trace.deviation[0, 3] > 0.0
    # Both tags tell of the one number: it is known twice as well as by one of them.
    assert "weather" in found.names


def test_faults_that_look_alike_are_named_and_no_others() -> None:
    assert trial(INFLOW).alike == (("it.seep", "it.drip"),)


def test_a_fault_that_no_tag_sees_is_said_and_not_suspected() -> None:
    found = trial(INFLOW)
    assert found.unseen == ("it.crack",)
    assert set(found.faults) == {"it.seep", "it.drip", "it.hole"}


def test_a_faults_unit_moves_some_tag_by_five_standard_deviations() -> None:
    # A steady loss s of the upper one lowers b by s/0.2 and a by s/0.3: the total by 25/3 s.
    units = trial(INFLOW).faults
    assert units["it.seep"] == pytest.approx(5.0 * min(0.2 * 0.2, 0.3 / (1 / 0.2 + 1 / 0.3)), rel=1e-6)
    assert units["it.hole"] == pytest.approx(5.0 * min(0.2 * 0.2, 0.3 * 0.2), rel=1e-6)


def test_what_the_tags_leave_of_an_unknown_is_what_least_squares_leave() -> None:
    # The inflow alone, by its steady effect from every look on, each for thirty readings: 1/sqrt(1 + effect'effect).
    quiet = {"LI-1": TAGS["LI-1"]._replace(noise=200.0)}
    only = Unknown("it.inflow", ("it.inflow",), 5.0, 0.0, relative=False)
    levels = (Unknown(f"it.{s}", (f"it.{s}",), 1e-9, 0.0, relative=False) for s in "abc")
    found = ground(cascade((only, *levels), tags=quiet), solver=STEPS).trial
    effect = 5.0 / 0.2 / 200.0
    assert found.left["it.inflow"] == pytest.approx(1.0 / np.sqrt(1.0 + LOOKS * 30.0 * effect**2), rel=1e-2)
