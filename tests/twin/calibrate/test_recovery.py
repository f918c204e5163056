"""Fits to simulated records find again what made them, as often as their intervals say."""

import numpy as np
import pytest

from tests.twin.calibrate import bench
from twin.calibrate.fitting import Ways, fit
from twin.calibrate.levenberg import solve
from twin.calibrate.repeated import Repeated, repeated
from twin.calibrate.study import Study
from twin.calibrate.wanted import Free, Wanted, Window

FITS, ROWS = 200, 120
IDLE = "it.side"
"""Gain of an input that stays at 0 throughout."""
SPREADS = {"it.first": 0.4, "it.lag": 1.0, "it.x": 0.3, IDLE: 0.3}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return the study of a follower whose gain, lag and start are unknown, and one gain that nothing excites."""
    plant = bench.plant(tmp_path_factory.mktemp("recovery"))
    free = tuple(Free(path, spread) for path, spread in SPREADS.items())
    return Study(plant, [bench.record(ROWS)], Wanted(("place",), Window(rows=5), free, ()))


@pytest.fixture(scope="module")
def recovered(study: Study) -> tuple[np.ndarray, np.ndarray, Repeated]:
    """Return what was true, what was read and what was found, fit by fit."""
    rng = np.random.default_rng(3)
    truth = study.start() + study.box.spread * rng.standard_normal((FITS, len(study.names)))
    clean = np.array([
        bench.followed(
            study.records[0].values["push"], study.records[0].times, begin, gain=1.5 * first, lag=lag,
        ) for first, lag, begin, _ in truth
    ])  # fmt: skip
    data = clean + bench.NOISE * rng.standard_normal(clean.shape)
    return truth, data, repeated(study, data)


def test_intervals_cover_the_truth_of_a_closed_form_as_often_as_they_say(study, recovered):
    truth, _, found = recovered
    covered = (found.low <= truth) & (truth <= found.high)
    for name in ("it.first", "it.lag", "it.x"):
        assert 0.90 <= covered[:, study.names.index(name)].mean() <= 0.99, name
    # 600 intervals: three standard deviations of a share of 0.95 are 0.027.
    assert abs(covered[:, :3].mean() - 0.95) <= 0.027
    assert found.converged.all()


def test_what_nothing_excites_is_named_in_every_fit(study, recovered):
    _, _, found = recovered
    assert [tuple(each.name for each in held) for held in found.held] == FITS * [(IDLE,)]
    assert np.isnan(found.found[:, study.names.index(IDLE)]).all()


def test_one_of_many_fits_is_what_a_fit_alone_finds(study, recovered):
    _, data, found = recovered
    for k in range(3):
        record = study.records[0]._replace(values={**study.records[0].values, "place": data[k]})
        alone = fit(Study(study.plant, [record], study.wanted), Ways(starts=1, blocks=0))
        assert [each.name for each in alone.held] == [each.name for each in found.held[k]]
        for each in alone.estimates:
            which = study.names.index(each.name)
            width = each.high - each.low
            # Both stop where the cost gains less than a millionth: far within a deviation.
            assert abs(found.found[k, which] - each.value) < 1e-2 * width
            assert abs((found.high - found.low)[k, which] / width - 1.0) < 1e-2


def test_two_factors_that_only_act_together_are_named_in_every_fit(study):
    free = (Free("it.first", 0.4), Free("it.second", 0.3), Free("it.lag", 1.0))
    both = Study(study.plant, study.records, study.wanted._replace(free=free))
    data = study.data + bench.NOISE * np.random.default_rng(4).standard_normal((20, len(study.data)))
    for held in repeated(both, data).held:
        assert len(held) == 1
        assert {held[0].name, held[0].partner} == {"it.first", "it.second"}


def test_a_problem_in_which_everything_is_held_stays_where_it_is(study):
    start = study.start()[None]
    held = np.ones((1, len(study.names)), bool)
    solved = solve(study, study.box, study.problems(start, study.weight(study.spread_of_data()), held))
    assert solved.converged.all()
    assert np.array_equal(solved.found, start)
    assert not solved.jacobian.any()
