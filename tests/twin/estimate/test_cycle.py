"""Both filters on a linear plant, where the Kalman filter says in closed form what may be believed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from tests.twin.estimate.linear import PLAIN, STEPS, TAGS, UNKNOWNS, cascade, kalman, run, sizes
from twin.estimate.choose import Filter
from twin.estimate.ensemble_filter import EnsembleFilter
from twin.estimate.unscented import UnscentedFilter
from twin.plant import Plant, Tag, Unknown

Make = Callable[[Plant], Filter]
OFF = {"LI-1": 0.5, "LI-2": 0.4}
"""What the instruments may be off by [m]."""


def unscented(plant: Plant) -> Filter:
    return UnscentedFilter(plant, suspect=False, settings=PLAIN, solver=STEPS)


def ensemble(plant: Plant) -> Filter:
    return EnsembleFilter(plant, settings=PLAIN, solver=STEPS)


both = pytest.mark.parametrize("make", [unscented, ensemble])


@both
@pytest.mark.parametrize("accuracy", [{}, OFF])
def test_on_a_linear_plant_the_belief_is_the_kalman_filters(make: Make, accuracy: dict[str, float]) -> None:
    # Both are exact there, up to rounding and the Runge-Kutta error of the slow modes, 3e-14 a step.
    found, truth = make(cascade(accuracy=accuracy)), run(80, 3)
    trace = found.assimilate(truth.times, truth.readings)
    exact = kalman(truth.readings, accuracy=(accuracy.get("LI-1", 0.0), accuracy.get("LI-2", 0.0)))
    n = trace.mean.shape[1]
    deviation = np.sqrt(np.diagonal(exact.covariance, axis1=1, axis2=2))[:, :n]
    assert n == len(UNKNOWNS) + len(accuracy)
    assert not trace.fit[:, 2].any()
    assert trace.mean * sizes()[:n] == pytest.approx(exact.mean[:, :n], abs=1e-9)
    assert trace.spread * sizes()[:n] == pytest.approx(deviation, rel=1e-9)
    assert trace.predicted == pytest.approx(exact.predicted, abs=1e-9)
    covariance = found.moments.covariance[:n, :n] * np.outer(sizes()[:n], sizes()[:n])
    assert covariance == pytest.approx(exact.covariance[-1][:n, :n], abs=1e-10)


@both
def test_the_fit_is_the_innovation_over_its_covariance(make: Make) -> None:
    truth = run(400, 8)
    trace = make(cascade()).assimilate(truth.times, truth.readings)
    assert (trace.fit[:, 1] == 2).all()
    low, high = chi2.ppf((1e-4, 1.0 - 1e-4), 800)
    assert low < trace.fit[:, 0].sum() < high


@both
def test_missing_readings_do_not_touch_the_belief(make: Make) -> None:
    truth = run(40, 5)
    readings = truth.readings.copy()
    readings[10:20, 0], readings[15:25, 1] = np.nan, np.inf
    trace = make(cascade()).assimilate(truth.times, readings)
    exact = kalman(readings)
    assert trace.mean * sizes()[:3] == pytest.approx(exact.mean[:, :3], abs=1e-9)
    assert trace.fit[10:25, 1].tolist() == [1] * 5 + [0] * 5 + [1] * 5


@both
def test_a_reading_with_inflated_variance_counts_as_little_as_such_a_worse_instrument(make: Make) -> None:
    truth = run(30, 6)
    worse = {name: tag._replace(noise=3.0 * tag.noise) for name, tag in TAGS.items()}
    inflated = make(cascade()).assimilate(truth.times, truth.readings, np.full((30, 2), 9.0))
    other = make(cascade(tags=worse)).assimilate(truth.times, truth.readings)
    assert inflated.mean == pytest.approx(other.mean, abs=1e-12)
    assert inflated.spread == pytest.approx(other.spread, abs=1e-12)


@both
def test_a_spike_is_no_news(make: Make) -> None:
    truth = run(60, 7)
    spiked = truth.readings.copy()
    spiked[40, 1] += 50.0
    clean, other = (make(cascade()).assimilate(truth.times, r) for r in (truth.readings, spiked))
    assert other.fit[40, 2] == 1
    missed = truth.readings.copy()
    missed[40, 1] = np.nan
    without = make(cascade()).assimilate(truth.times, missed)
    # Beyond the gate a reading counts for a millionth of one that would stand at the gate.
    assert other.mean == pytest.approx(without.mean, abs=1e-5)
    assert np.abs(other.mean - clean.mean).max() < 3.0 * clean.spread[40].max()


@both
def test_a_change_that_persists_is_believed(make: Make) -> None:
    moving = (UNKNOWNS[0], UNKNOWNS[1], UNKNOWNS[2]._replace(wander=30.0))
    truth = run(400, 9, unknowns=moving)
    changed = truth.readings.copy()
    changed[200:] += (20.0, 20.0 + 40.0 / 3.0)  # as if 4 m/s more had come in for long
    trace = make(cascade(moving)).assimilate(truth.times, changed)
    assert trace.fit[200:202, 2].tolist() == [2, 2]
    left = np.abs(changed[-50:] - trace.predicted[-50:]) / trace.deviation[-50:]
    assert left.mean() < 1.5  # of normal innovations it is 0.8


@both
def test_instants_at_once_are_those_of_single_calls_bit_for_bit(make: Make) -> None:
    truth = run(300, 2)
    whole, parts = make(cascade(accuracy=OFF)), make(cascade(accuracy=OFF))
    expected = whole.assimilate(truth.times, truth.readings)
    got = [parts.assimilate(truth.times[k : k + 1], truth.readings[k : k + 1]) for k in range(300)]
    for name in expected._fields:
        assert np.concatenate([getattr(t, name) for t in got]).tobytes() == getattr(expected, name).tobytes(), name
    for name, array in whole.state().items():
        assert parts.state()[name].tobytes() == array.tobytes(), name


@both
def test_a_filter_that_starts_again_does_the_same_again(make: Make) -> None:
    truth, found = run(20, 2), make(cascade())
    first = found.assimilate(truth.times, truth.readings)
    found.start()
    again = found.assimilate(truth.times, truth.readings)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, again, strict=True))


@both
def test_a_fast_state_follows_the_slow_ones_without_an_uncertainty_of_its_own(make: Make) -> None:
    # No wandering: then the gauge is a linear function of the unknowns, and what it believes of them is exact.
    still = tuple(u._replace(wander=0.0) for u in UNKNOWNS)
    truth = run(40, 4, unknowns=still)
    trace = make(cascade(still)).assimilate(truth.times, truth.readings)
    exact = kalman(truth.readings, still)
    assert trace.mean * sizes()[:3] == pytest.approx(exact.mean[:, :3], abs=1e-9)


@both
def test_normalised_errors_are_as_large_as_they_should_be(make: Make) -> None:
    runs, instants = 60, 30
    found, total = make(cascade(accuracy=OFF)), np.zeros(instants)
    rng = np.random.default_rng(4)
    for seed in range(runs):
        truth = run(instants, seed)
        off = np.array([OFF["LI-1"], OFF["LI-2"]]) * rng.normal(size=2)
        found.start()
        for k in range(instants):
            found.assimilate(truth.times[k : k + 1], truth.readings[k : k + 1] + off)
            true = np.concatenate([truth.states[k, [0, 1, 4]], off]) / sizes()
            error = found.moments.mean - true
            total[k] += error @ np.linalg.solve(found.moments.covariance[:5, :5], error)
    low, high = chi2.ppf((0.005, 0.995), 5 * runs) / runs
    inside = np.mean((total / runs > low) & (total / runs < high))
    assert inside >= 0.9  # instants are no independent trials: one unlucky half-minute in fifty is allowed


@both
def test_a_state_near_its_bound_is_not_corrected_over_it(make: Make) -> None:
    values = {"it.a": -999.8, "it.b": -999.8, "it.y": -999.8, "it.upper": 0.2, "it.inflow": -199.96}
    tags = {"LI-3": Tag("LI-3", "it.a", "m", 1.0, noise=0.05)}
    edge = replace(cascade((Unknown("it.a", ("it.a",), 0.3, 6.0, relative=False),), tags=tags), values=values)
    trace = make(edge).assimilate(np.arange(1.0, 9.0), np.full((8, 1), -1000.5))
    assert not (trace.lost < 0).any()
    assert (values["it.a"] + 0.3 * trace.mean[:, 0] >= -1000.0).all()
