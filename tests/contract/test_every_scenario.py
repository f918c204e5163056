"""Every shipped scenario can be read, asks in both languages, and each of its variants runs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.branch import evaluate
from scenarios.library import HERE
from scenarios.results import Failed
from scenarios.scenario import load
from scenarios.sweep import branches_of, cases_of, common_of, variants_of

FILES = sorted(HERE.glob("*.yaml"))
HANGUL = re.compile("[가-힣]")


@pytest.fixture(params=FILES, ids=lambda file: file.stem)
def file(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_it_is_called_as_its_file_and_asks_in_both_languages(file: Path) -> None:
    scenario = load(file)
    assert scenario.name == file.stem
    assert scenario.question["en"].endswith("?")
    assert HANGUL.search(scenario.question["ko"])
    for measure in scenario.measures:
        assert HANGUL.search(measure.korean), measure.name
        assert not HANGUL.search(measure.english), measure.name


def test_every_variant_runs_and_has_every_number(file: Path) -> None:
    scenario = replace(load(file), length=1200.0, replications=1)
    variants = scenario.variants
    if scenario.vary:
        variants = tuple(variants_of(scenario.vary, cases_of(scenario, scenario.vary)))
    for branch, result in zip(
        branches := branches_of(variants, 1), evaluate(common_of(scenario, None), branches), strict=True
    ):
        assert not isinstance(result, Failed), f"{branch.key}: {result}"
        assert set(scenario.report) <= set(result)


def test_there_are_six_at_least() -> None:
    assert len(FILES) >= 6
