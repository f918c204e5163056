"""Scores of plants whose errors are known by hand, and the band that they predict."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.plants import EQUIPMENT
from tests.twin.calibrate.bench import GAIN, LAG, NOISE, PLANT, plant, record, study, wanted, written
from twin.calibrate import fitted_file
from twin.calibrate.compared import compared
from twin.calibrate.fitting import Ways, fit
from twin.calibrate.record import Record
from twin.calibrate.scoring import beginning, score, tag_score
from twin.calibrate.wanted import Window
from twin.clean.recording import Recording
from twin.errors import DataError, PlantError
from twin.plant import Plant

TRUE = PLANT.replace("first: 2", f"first: {GAIN / 1.5}").replace("lag: 5 s", f"lag: {LAG} s")


@pytest.fixture
def true(tmp_path: Path) -> Plant:
    """Return the machine itself."""
    return plant(tmp_path, TRUE)


def test_the_machine_itself_scores_nothing_where_there_is_no_noise(true: Plant) -> None:
    found = score(true, record(noise=0.0), wanted()).tags["place"]
    # The prior of 0.5 m pulls the beginning of 0.4 m by as much as the noise that first rows are given lets it.
    assert found.rmse < 1e-3
    assert found.max < 1e-2
    assert found.nrmse == pytest.approx(found.rmse / record(noise=0.0).values["place"][5:].std())


def test_with_noise_the_machine_itself_scores_the_noise(true: Plant) -> None:
    found = score(true, record(), wanted()).tags["place"]
    assert found.rmse == pytest.approx(NOISE, rel=4.0 / np.sqrt(600))
    assert abs(found.bias) < 4.0 * NOISE / np.sqrt(300)


def test_a_transmitter_that_reads_too_high_shows_as_bias_of_the_run(true: Plant) -> None:
    made = record(noise=0.0)
    made.values["place"] = made.values["place"] + 0.25
    found = score(true, made, wanted(), Window()).tags["place"]
    exact = score(true, record(noise=0.0), wanted(), Window()).tags["place"]
    assert found.bias == pytest.approx(exact.bias - 0.25, abs=1e-12), "the run is lower than the readings"


def test_errors_are_those_by_hand() -> None:
    read = np.array([1.0, np.nan, 3.0, 4.0])
    found = tag_score(read, np.array([2.0, 9.0, 3.0, 2.0]), np.full(4, 1.5))
    assert found.rmse == pytest.approx(np.sqrt((1 + 0 + 4) / 3))
    assert found.bias == pytest.approx((1 + 0 - 2) / 3)
    assert found.max == 2.0
    assert found.nrmse == pytest.approx(found.rmse / np.std([1, 3, 4]))
    assert found.coverage == pytest.approx(2 / 3)
    assert found.band == 1.5


def test_rows_that_initialise_are_not_scored(true: Plant) -> None:
    clean, spoilt = record(noise=0.0), record(noise=0.0)
    spoilt.values["place"][:10] += 5.0
    found = score(true, spoilt, wanted()._replace(start=()), Window(rows=10))
    assert (found.initialised, found.scored) == (10, 290)
    assert found.tags["place"] == score(true, clean, wanted()._replace(start=()), Window(rows=10)).tags["place"]


@pytest.mark.parametrize(("window", "rows"), [(Window(seconds=20.0), 20), (Window(rows=1), 1), (Window(), 0)])
def test_rows_initialise_as_many_as_said(true: Plant, window: Window, rows: int) -> None:
    found = score(true, record(), wanted(), window)
    assert (found.initialised, found.scored) == (rows, 300 - rows)


def test_the_beginning_is_found_from_the_first_rows_alone(true: Plant) -> None:
    whole, cut = record(noise=0.0), record(noise=0.0)
    cut.values["place"][20:] += 3.0
    starts = [score(true, made, wanted(), Window(rows=20)).start["it.x"] for made in (whole, cut)]
    assert starts[0] == pytest.approx(0.4, abs=0.01)
    # Only how far the tag moves, by which unfitted plants weigh their first rows, may differ.
    assert starts[1] == pytest.approx(starts[0], abs=0.02)


def test_first_rows_that_no_beginning_explains_are_believed_less(true: Plant) -> None:
    """A swing that the plant has no cause for leads the beginning astray by less than if it were believed."""
    straight, swung = record(), record()
    swung.values["place"][:20] += 0.5 * np.sin(np.arange(20))
    begun = {name: beginning(true, made, wanted(), 20) for name, made in (("straight", straight), ("swung", swung))}
    assert begun["swung"].covariance[0, 0] > 9.0 * begun["straight"].covariance[0, 0]
    prior = wanted().start[0].spread
    assert begun["swung"].covariance[0, 0] < prior**2, "what the rows say still counts"


def test_the_band_of_a_fitted_plant_covers_what_it_should_on_other_records(tmp_path: Path) -> None:
    covered = []
    for seed in range(3):
        made = fit(study(plant(tmp_path), record(seed=seed)), Ways(starts=2, blocks=0))
        path = tmp_path / f"{seed}.yaml"
        path.write_text(fitted_file.written(made, "followed", ""))
        other = score(Plant.load(path, EQUIPMENT), record(seed=100 + seed, begin=-0.3), wanted())
        covered.append(other.tags["place"].coverage)
    # 900 rows tell a share of 95 % to 0.7 %; that of a band fitted to 300 rows, whose width is known to 4 %, to 1 %.
    assert 0.92 <= float(np.mean(covered)) <= 0.98


def test_scores_are_in_the_units_of_the_recording(tmp_path: Path) -> None:
    recording = Recording.load(written(tmp_path, record()), assets=EQUIPMENT)
    told = compared(recording, plant(tmp_path, TRUE)).as_dict()
    metres = score(plant(tmp_path, TRUE), record(), wanted()).tags["place"]
    assert told["tags"]["place"]["unit"] == "mm"
    assert told["tags"]["place"]["rmse"] == pytest.approx(1e3 * metres.rmse, rel=1e-6)
    assert told["tags"]["place"]["bias"] == pytest.approx(1e3 * metres.bias, rel=1e-4)
    assert told["baselines"]["persistence"]["place"]["unit"] == "mm"


def test_an_estimated_beginning_stays_inside_the_plants_bounds(true: Plant) -> None:
    edge = record(begin=99.99)
    edge.values["place"][:40] = np.minimum(edge.values["place"][:40], 99.9)
    found = score(true, edge, wanted(), Window(rows=2))
    assert np.isfinite(found.halfwidth["place"]).all()


@pytest.mark.parametrize("rows", [299, 300, 10**6])
def test_a_beginning_that_leaves_nothing_to_score_is_refused(true: Plant, rows: int) -> None:
    with pytest.raises(DataError, match="shorten --initialise"):
        score(true, record(), wanted(), Window(rows=rows))


def test_a_tag_without_readings_behind_the_beginning_is_refused(true: Plant) -> None:
    made: Record = record()
    made.values["place"][100:] = np.nan
    with pytest.raises(DataError, match="place: no usable reading behind the first 100 rows"):
        score(true, made, wanted(), Window(rows=100))


def test_a_linear_model_of_other_tags_is_refused(tmp_path: Path) -> None:
    recording = Recording.load(written(tmp_path, record()), assets=EQUIPMENT)
    made = fit(study(plant(tmp_path), record()), Ways(starts=2, blocks=0))
    path = tmp_path / "fitted.yaml"
    path.write_text(fitted_file.written(made, "followed", ""))
    machine = Plant.load(path, EQUIPMENT)
    assert machine.fitted is not None
    for linear, says in (
        ('{"period": 1, "drives": [], "models": {}}', "no tag 'place'"),
        ("[" * 100_000, "is no JSON"),
    ):
        with pytest.raises(PlantError, match=f"fitted.linear: .*{says}.*fit again"):
            compared(recording, replace(machine, fitted=machine.fitted._replace(linear=linear)))
