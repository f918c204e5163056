"""From a scenario to its answer: common random numbers, precision, designs, resumption, failures, workers."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.answer import Answer, encoded
from scenarios.conclude import conclude
from scenarios.scenario import Scenario
from scenarios.sweep import Settings, Swept, series, sweep
from tests.scenarios.asked import ask
from tests.scenarios.sweeps import pressing

DRAWN = "exponential(100 s)"


def run(asked: Scenario, folder: Path, workers: int = 1, presses: tuple[int, ...] = ()) -> Swept:
    return sweep(asked, settings(folder, workers, presses))


def settings(folder: Path, workers: int = 1, presses: tuple[int, ...] = ()) -> Settings:
    return Settings(folder, workers=workers, progress=pressing(*presses))


def answered(asked: Scenario, folder: Path, workers: int = 1) -> Answer:
    return conclude(asked, settings(folder), run(asked, folder, workers))


def values(swept: Swept, variant: str, name: str = "line.done") -> list[float]:
    return series(swept.outcome, variant, swept.replications, name).tolist()


def test_variants_alike_differ_by_nothing_at_all(tmp_path: Path) -> None:
    asked = ask(tmp_path, DRAWN, replications="5", variants="{as_is: {}, same: {}, other: {press.speed: 0.2}}")
    found = answered(asked, tmp_path / "results")
    same, other = (next(v for v in found.variants if v.name == name) for name in ("same", "other"))
    difference = same.differences["line.done"]
    assert (difference.middle, difference.low, difference.high) == (0.0, 0.0, 0.0)
    assert other.differences["line.done"].middle != 0.0
    assert found.variants[0].numbers["line.done"].low != found.variants[0].numbers["line.done"].high


def test_another_variant_changes_nobody_s_numbers(tmp_path: Path) -> None:
    few = ask(tmp_path, DRAWN, replications="4", variants="{as_is: {}, slow: {press.speed: 0.5}}")
    many = ask(
        tmp_path, DRAWN, replications="4",
        variants="{more: {flow.rack.capacity: 9}, as_is: {}, hot: {press.power: 1 kW}, slow: {press.speed: 0.5}}",
    )  # fmt: skip
    one, other = run(few, tmp_path / "few"), run(many, tmp_path / "many")
    for name in ("as_is", "slow"):
        assert values(one, name) == values(other, name)


def test_a_sweep_stops_once_it_is_precise_enough_or_at_its_most(tmp_path: Path) -> None:
    wide = ask(tmp_path, DRAWN, replications=None, precision="{of: line.done, within: 50 %, most: 40}")
    assert run(wide, tmp_path / "wide").replications == 16
    narrow = ask(tmp_path, DRAWN, replications=None, precision="{of: line.done, within: 0.01 %, most: 40}")
    assert run(narrow, tmp_path / "narrow").replications == 40


def test_what_fails_every_time_is_not_tried_up_to_the_most(tmp_path: Path) -> None:
    asked = ask(
        tmp_path, replications=None, precision="{of: line.done, within: 1 %, most: 1000}",
        variants="{as_is: {}, hot: {press.E: 999999999999999.5}}",
    )  # fmt: skip
    assert run(asked, tmp_path / "results").replications == 16


def test_a_branch_that_fails_is_told_and_the_rest_answered(tmp_path: Path) -> None:
    asked = ask(tmp_path, variants="{as_is: {}, hot: {press.E: 999999999999999.5}}")
    found = answered(asked, tmp_path / "results")
    as_is, hot = found.variants
    assert as_is.numbers["line.done"].middle == 3.0
    assert hot.numbers["line.done"].middle is None
    assert list(hot.failures) == ["hot/0", "hot/1", "hot/2"]
    assert all("left its bounds" in reason for reason in hot.failures.values())


@pytest.mark.parametrize(
    ("design", "count"),
    [
        ("design: grid, over: {press.speed: [0.5, +50 %], flow.rack.capacity: [1, 2, 3]}", 6),
        ("design: latin_hypercube, count: 5, over: {press.speed: {low: 0.5, high: 2}}", 5),
        ("design: sobol, count: 4, over: {flow.rack.capacity: {low: 1, high: 9}}", 4),
        ("design: one_at_a_time, over: {press.speed: {low: 0.5, high: 2}, press.power: {low: 0, high: 1 kW}}", 5),
        ("design: sensitivity, count: 4, over: {press.speed: {low: 0.1, high: 1}, press.power: {low: 0, high: 9}}", 16),
        ("design: optimise, count: 10, goal: maximise mill.made, over: {press.speed: {low: 0.01, high: 1}}", 0),
    ],
)
def test_a_design_is_run_case_by_case(tmp_path: Path, design: str, count: int) -> None:
    asked = ask(tmp_path, "10 s", vary=f"{{{design}}}", report="[mill.made]", replications="2", length="10 min")
    found = answered(asked, tmp_path / "results")
    assert len(found.variants) == count or (count == 0 and 1 <= len(found.variants) <= 10)
    assert all(v.numbers["mill.made"].size == 2 for v in found.variants)
    if "one_at" in design:
        swings = {swing.factor: swing for swing in found.swings}
        assert swings["press.speed"].low < swings["press.speed"].high
        assert swings["press.power"].low == swings["press.power"].high
    if "optimise" in design:
        assert found.best is not None
        best = max(v.numbers["mill.made"].middle or 0.0 for v in found.variants)
        assert next(v for v in found.variants if v.name == found.best.variant).numbers["mill.made"].middle == best
    if "sensitivity" in design:
        assert {index.factor for index in found.indices} == {"press.speed", "press.power"}


def test_a_sweep_that_was_interrupted_goes_on_to_the_same_answer_byte_for_byte(tmp_path: Path) -> None:
    asked = ask(tmp_path, DRAWN, replications="40", variants="{as_is: {}, slow: {press.speed: 0.2}}")
    whole = encoded(answered(asked, tmp_path / "whole"))
    stopped = run(asked, tmp_path / "parts", presses=(1,))
    assert stopped.outcome.ending == "interrupted"
    assert 0 < len(stopped.outcome.results) < 80
    assert encoded(answered(asked, tmp_path / "parts")) == whole


def test_two_workers_come_to_the_same_bytes_as_one(tmp_path: Path) -> None:
    asked = ask(
        tmp_path, DRAWN, replications="40", curves="[press.E]", variants="{as_is: {}, slow: {press.speed: 0.2}}"
    )
    assert encoded(answered(asked, tmp_path / "one", 1)) == encoded(answered(asked, tmp_path / "two", 2))


def test_a_curve_goes_from_the_first_instant_to_the_last(tmp_path: Path) -> None:
    (curve,) = answered(ask(tmp_path, curves="[press.E]"), tmp_path / "results").variants[0].curves
    assert (len(curve.times), curve.times[0], curve.times[-1]) == (97, 0.0, 3600.0)
    assert curve.middle[0] == 0.0
    assert np.all(np.diff(curve.middle) >= 0.0)
