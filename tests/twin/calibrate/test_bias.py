"""Instruments that read too high: their bias is told from the machine, written down, and scored with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.plants import EQUIPMENT
from tests.twin.calibrate.bench import GAIN, LAG, NOISE, plant, record, study, wanted, written
from twin import unknowns
from twin.calibrate import fitted_file
from twin.calibrate.compared import compared, wanted_of
from twin.calibrate.fitting import Fit, Ways, fit
from twin.calibrate.freerun import FreeRun, Roles
from twin.calibrate.record import Record
from twin.calibrate.scoring import score
from twin.calibrate.study import Study
from twin.calibrate.wanted import Free, chosen
from twin.clean.recording import Recording
from twin.errors import PlantError
from twin.plant import Plant

BIAS = 0.25
WAYS = Ways(starts=2, blocks=0)


def shown() -> Record:
    """Return a record of an instrument that reads 25 cm too high."""
    made = record()
    return made._replace(values={**made.values, "place": made.values["place"] + BIAS})


@pytest.fixture
def fitted(tmp_path: Path) -> Fit:
    free = (*wanted(first=0.4, lag=2.0).free, Free("place.bias", 0.5))
    return fit(Study(plant(tmp_path), [shown()], wanted(), free), WAYS)


def test_a_bias_is_found_beside_what_the_machine_is(fitted: Fit) -> None:
    found = {each.name: each for each in fitted.estimates}
    assert found["place.bias"].low <= BIAS <= found["place.bias"].high
    assert found["it.lag"].low <= LAG <= found["it.lag"].high
    assert found["it.first"].low <= GAIN / 1.5 <= found["it.first"].high
    # The mean of 300 readings is known to the noise over their root; the other unknowns take their share.
    assert NOISE / np.sqrt(300) < found["place.bias"].deviation < 0.2 * BIAS


def test_without_it_the_machine_seems_another(tmp_path: Path, fitted: Fit) -> None:
    without = fit(study(plant(tmp_path), shown()), WAYS)
    assert without.sigma[0] > 3.0 * fitted.sigma[0]


def test_the_fitted_plant_carries_it_and_is_scored_with_it(tmp_path: Path, fitted: Fit) -> None:
    path = tmp_path / "fitted.yaml"
    path.write_text(fitted_file.written(fitted, "followed", ""))
    known = Plant.load(path, EQUIPMENT)
    assert known.tags["place"].bias == pytest.approx(BIAS, abs=0.02)
    assert known.fitted is not None
    assert known.fitted.numbers["place.bias"].value == pytest.approx(known.tags["place"].bias, rel=1e-12)
    assert score(known, shown(), wanted()).tags["place"].rmse == pytest.approx(NOISE, rel=0.2)
    text = path.read_text().replace("bias: ", "bias: 1")
    path.write_text(text)
    with pytest.raises(PlantError, match=r"place\.bias: was estimated as .*fit again"):
        Plant.load(path, EQUIPMENT)


def test_the_bias_that_a_plant_declares_is_in_its_runs(tmp_path: Path) -> None:
    made, free_of = record(30), plant(tmp_path)
    high = replace(free_of, tags={**free_of.tags, "place": free_of.tags["place"]._replace(bias=BIAS)})
    true, off = (FreeRun(each, made, Roles(("push",), ("place",)))(("it.first",), np.array([[2.0]]))
                 for each in (free_of, high))  # fmt: skip
    np.testing.assert_array_equal(off, true + BIAS)


def test_a_recording_names_it_with_its_spread(tmp_path: Path) -> None:
    path = written(tmp_path, record())
    path.write_text(path.read_text().replace("it.lag: 2 s", "it.lag: 2 s, place.bias: 5 cm"))
    recording = Recording.load(path, assets=EQUIPMENT)
    assert wanted_of(recording, recording.plant).free[-1] == ("place.bias", pytest.approx(0.05))
    assert compared(recording, recording.plant).score.scored == 295


def test_a_bias_that_nothing_tells_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"push\.bias: can't be estimated: push isn't compared; name it in fit\.score"):
        Study(plant(tmp_path), [record()], wanted(), (Free("push.bias", 0.1),))
    for path in ("nowhere.bias", "place.drift"):
        with pytest.raises(PlantError, match=f"--free: {path}"):
            chosen(plant(tmp_path), [path], {path: 0.1})


def test_a_bias_of_which_nobody_says_how_large_it_may_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"place\.bias: nothing tells how large it may be; say it in the recording"):
        chosen(plant(tmp_path), ["place.bias"], {})


def test_a_quantity_comes_before_a_bias_of_the_same_name(tmp_path: Path) -> None:
    known = plant(tmp_path)
    tag = known.tags["place"]._replace(name="it")
    alike = replace(known, tags={**known.tags, "it": tag})
    assert unknowns.biased(alike, "place.bias") == "place"
    assert unknowns.biased(alike, "it.bias") == ""
