"""Answers of a fitted plant: they carry what its data leave open, and say where a change leaves what was calibrated."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.answer import Range
from scenarios.conclude import conclude
from scenarios.scenario import Scenario, scenario
from scenarios.sweep import Settings, series, sweep
from tests.plants import EQUIPMENT
from tests.twin.calibrate.bench import plant, record, study
from twin.calibrate.fitted_file import written
from twin.calibrate.fitting import Ways, fit
from twin.errors import PlantError
from twin.read import parse

ASKED = """\
scenario: asked
question: {en: How far does it go?}
plant: fitted.yaml
for: 1000 s
replications: 200
assume: {it.push: 1 m}
report: [it.x]
variants:
  as_is: {}
  pushed: {it.push: 19 m}
  later: {set: {it.lag: 90 s}, schedule: [{at: "Mon 00:10", set: {it.push: 50 cm, it.first: 1, it.aside: 0 m}},
                                          {at: "Mon 00:12", set: {it.lag: -50 %}}]}
"""


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(fit(study(plant(tmp_path_factory.mktemp("plant")), record()), Ways(starts=2, blocks=0)), "made", "")


def asked(folder: Path, fitted: str, **changes: str) -> Scenario:
    (folder / "fitted.yaml").write_text(fitted, encoding="utf-8")
    text = ASKED + "".join(f"{key}: {value}\n" for key, value in changes.items())
    return scenario(parse(text, "asked.yaml"), text, folder, EQUIPMENT)


def test_an_answer_is_as_unsure_as_the_fit_and_its_variants_are_the_same_machines(tmp_path: Path, text: str) -> None:
    # After 140 time constants x = first second push: its deviation is the estimate's times second and push.
    question = asked(tmp_path, text)
    fitted = question.plant.fitted
    assert fitted is not None
    first, second = fitted.numbers["it.first"], question.plant.value("it.second")
    swept = sweep(question, Settings(tmp_path / "results", workers=1))
    found, pushed = (series(swept.outcome, name, 200, "it.x") for name in ("as_is", "pushed"))
    assert found.std() == pytest.approx(second * first.deviation, rel=0.15), "three standard errors of a deviation"
    assert found.mean() == pytest.approx(second * first.value, abs=3.0 * second * first.deviation / np.sqrt(200.0))
    np.testing.assert_allclose(pushed, 19.0 * found, rtol=1e-6)
    told = conclude(question, Settings(tmp_path / "results"), swept).variants[0].numbers["it.x"]
    assert (told.p5, told.p95) == tuple(np.quantile(found, (0.05, 0.95)))


def test_what_is_changed_stands_beside_what_was_calibrated(tmp_path: Path, text: str) -> None:
    question = asked(tmp_path, text)
    fitted = question.plant.fitted
    assert fitted is not None
    low, high = fitted.ranges["it.push"]
    push = record().values["push"]
    assert (low, high) == (push.min(), push.max())
    settings = Settings(tmp_path / "results", workers=1)
    as_is, pushed, later = conclude(question, settings, sweep(question, settings)).variants
    assert as_is.ranges == [Range("it.push", 1.0, "m", "outside", low, high)]
    assert pushed.ranges == [Range("it.push", 19.0, "m", "outside", low, high)]
    number = fitted.numbers["it.first"]
    lag = fitted.numbers["it.lag"]
    assert later.ranges[1:] == [
        Range("it.lag", 90.0, "s", "outside", lag.low, lag.high),
        Range("it.push", 0.5, "m", "inside", low, high, "600 s"),
        Range("it.first", 1.0, "1", "outside", number.low, number.high, "600 s"),
        Range("it.aside", 0.0, "m", "never calibrated", at="600 s"),
        Range("it.lag", 0.5 * lag.value, "s", "outside", lag.low, lag.high, "720 s"),
    ]


def test_what_is_drawn_is_told_among_the_assumptions(tmp_path: Path, text: str) -> None:
    question = asked(tmp_path, text, uncertain="{it.side: 0.25}")
    settings = Settings(tmp_path / "results", workers=1)
    told = conclude(question, settings, sweep(question, settings)).assumptions
    assert list(told) == ["it.first", "it.lag", "it.push", "it.side"]
    assert question.plant.fitted is not None
    lag = question.plant.fitted.numbers["it.lag"]
    assert told["it.lag"] == f"{lag.value:.4g} ± {lag.deviation:.2g} s (fit, within its bounds)"
    assert told["it.side"] == "± 0.25"


def test_a_number_is_not_uncertain_twice(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        PlantError, match=r"asked\.yaml:\d+: uncertain: it\.lag: follower was fitted, .*; remove it here"
    ):
        asked(tmp_path, text, uncertain="{it.lag: 5 %}")
