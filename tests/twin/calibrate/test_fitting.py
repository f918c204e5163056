"""Fits of a simulated machine: parameters are recovered, intervals cover them, and what can't be told is named."""

from pathlib import Path

import numpy as np
import pytest

from tests.twin.calibrate.bench import GAIN, LAG, NOISE, PLANT, followed, plant, pushes, record, study
from twin.calibrate.fitting import Fit, Ways, fit
from twin.errors import DataError, SimulationError

FEW = Ways(starts=4, blocks=0)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return fit(study(plant(tmp_path_factory.mktemp("plant")), record()))


def test_parameters_are_recovered_within_their_intervals(fitted: Fit) -> None:
    found = {each.name: each for each in fitted.estimates}
    assert list(found) == ["it.first", "it.lag", "it.x"]
    for name, truth in (("it.first", GAIN / 1.5), ("it.lag", LAG), ("it.x", 0.4)):
        assert found[name].low < truth < found[name].high
        assert found[name].high - found[name].low == pytest.approx(2 * 1.97 * found[name].deviation, rel=0.01)
    assert found["it.lag"].deviation < 0.01 * LAG
    assert fitted.converged
    assert not fitted.held


def test_residuals_of_the_right_plant_are_the_noise_and_forget_at_once(fitted: Fit) -> None:
    # 300 rows tell a standard deviation to 1 / sqrt(600).
    assert fitted.sigma[0] == pytest.approx(NOISE, rel=4.0 / np.sqrt(600))
    assert fitted.memory[0] < 1.5
    assert fitted.left_out is not None
    assert fitted.left_out[0] > fitted.sigma[0]


def test_deviations_are_those_of_repeated_experiments(tmp_path: Path) -> None:
    machine = plant(tmp_path)
    fits = [fit(study(machine, record(seed=1)._replace(values=again(k))), FEW) for k in range(20)]
    values = np.array([[each.value for each in made.estimates] for made in fits])
    told = np.array([[each.deviation for each in made.estimates] for made in fits]).mean(axis=0)
    # 20 experiments tell a standard deviation to 1 / sqrt(40).
    np.testing.assert_allclose(values.std(axis=0, ddof=1) / told, 1.0, atol=3.0 / np.sqrt(40))


def again(seed: int) -> dict[str, np.ndarray]:
    """Return the same experiment with other noise."""
    push = pushes(300, 1)
    noise = NOISE * np.random.default_rng([9, seed]).standard_normal(300)
    return {"push": push, "place": followed(push, np.arange(300.0), 0.4) + noise}


def test_the_same_fit_twice_has_the_same_bits(fitted: Fit) -> None:
    other = fit(study(fitted.study.plant, record()))
    assert other.found.tobytes() == fitted.found.tobytes()
    assert other.covariance.tobytes() == fitted.covariance.tobytes()


def test_one_of_two_factors_is_held_and_named_with_its_partner(tmp_path: Path) -> None:
    made = fit(study(plant(tmp_path), record(), first=0.4, second=0.3, lag=2.0), FEW)
    held = next(iter(made.held))
    assert {held.name, held.partner} == {"it.first", "it.second"}
    values = {each.name: each.value for each in made.estimates}
    factor = {"it.first": 2.0, "it.second": 1.5}[held.name]
    assert factor * values[held.partner] == pytest.approx(GAIN, rel=0.01), "the other makes up for it"


def test_what_the_record_does_not_excite_is_held_and_named(tmp_path: Path) -> None:
    made = fit(study(plant(tmp_path), record(), first=0.4, lag=2.0, side=0.5), FEW)
    assert [each.name for each in made.held] == ["it.side"]
    assert "don't excite it" in made.held[0].why
    assert "it.side" not in made.study.names


def test_a_fit_in_which_nothing_can_be_told_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"nothing can be told .*it\.side: the data don't excite it"):
        fit(study(plant(tmp_path), record(), side=0.5), FEW)


def test_a_parameter_at_its_bound_is_said_to_be(tmp_path: Path) -> None:
    push = pushes(300, 1)
    backwards = record()._replace(values={"push": push, "place": again(0)["place"] * -1.0})
    made = fit(study(plant(tmp_path), backwards, first=1.0), FEW)
    found = {each.name: each for each in made.estimates}
    assert found["it.first"].value == 0.0
    assert found["it.first"].note == "at its lower bound"
    assert found["it.first"].low == 0.0


def test_records_share_parameters_and_begin_each_for_itself(tmp_path: Path) -> None:
    other = record(seed=2, begin=-0.7)._replace(name="other.csv")
    made = fit(study(plant(tmp_path), record(), other), FEW)
    found = {each.name: each for each in made.estimates}
    assert list(found) == ["it.first", "it.lag", "it.x of followed.csv", "it.x of other.csv"]
    assert found["it.lag"].low < LAG < found["it.lag"].high
    assert found["it.x of other.csv"].low < -0.7 < found["it.x of other.csv"].high
    alone = fit(study(made.study.plant, record()), FEW).estimates[1].deviation
    assert found["it.lag"].deviation == pytest.approx(alone / np.sqrt(2.0), rel=0.3)


def test_outliers_hardly_move_a_robust_fit(tmp_path: Path) -> None:
    spoilt = record()
    spoilt.values["place"][::12] += 1.0
    made = fit(study(plant(tmp_path), spoilt), Ways(starts=4, blocks=0, robust=True))
    plain = fit(study(plant(tmp_path), spoilt), FEW)
    gain = [each.estimates[0].value * 1.5 for each in (made, plain)]
    assert abs(gain[0] - GAIN) < 0.01 * GAIN
    assert abs(gain[0] - GAIN) < abs(gain[1] - GAIN)


def test_no_start_that_can_be_simulated_is_an_error_with_what_to_check(tmp_path: Path) -> None:
    machine = plant(tmp_path, PLANT.replace("second: 1.5", "second: 900"))
    with pytest.raises(SimulationError, match=r"no start can be simulated over followed\.csv: .*check units"):
        fit(study(machine, record()), FEW)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda y: 0.0 * y + 1.0, "place: all its readings are 1, so nothing can be learnt from it; give a part in wh"),
        (lambda y: np.where(np.arange(300) < 7, y, np.nan), "place: 7 usable readings, 3 unknowns need 10; give a lo"),
        (lambda y: y * np.nan, "place: 0 usable readings"),
        (
            lambda y: y + 1e6,
            r"half of its readings are beyond 1e\+06, outside \[-100, 100\] of it\.x; check its",
        ),
        (lambda y: np.where(np.arange(300) == 7, 1e300, y), r"place: a reading of 1e\+300; give the tag a range"),
    ],
)
def test_readings_that_nothing_can_be_learnt_from_are_refused(tmp_path: Path, spoil: object, says: str) -> None:
    made = record()
    made.values["place"] = spoil(made.values["place"])  # type: ignore[operator]
    with pytest.raises(DataError, match=says):
        study(plant(tmp_path), made)
