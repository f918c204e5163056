"""The section `estimate` of a plant file: what its patterns mean, and each thing that can be wrong with it."""

from pathlib import Path

import pytest

from twin.errors import PlantError
from twin.plant import Estimation, Plant, Tolerance

HEAD = """\
plant: pair
assets:
  upper: {is: tank, with: {flow_in: 1 l/s}}
  lower: {is: tank}
  valve: {is: control_valve}
wires: {lower.flow_in: upper.drain, lower.T_in: upper.T}
tags:
  LI-1: {reads: lower.level, unit: m, every: 1 s, noise: 2 mm}
  TI-1: {reads: lower.T, unit: degC, every: 1 s, noise: 0.1 K, quantum: 0.5 K}
estimate:
"""
LINE = HEAD.count("\n") + 1
ASSUMED = "  assume: [valve.stuck]\n"


def loaded(tmp_path: Path, *lines: str, assumed: str = ASSUMED) -> Estimation:
    path = tmp_path / "pair.yaml"
    path.write_text(HEAD + "".join(f"  {line}\n" for line in lines) + assumed)
    estimation = Plant.load(path).estimation
    assert estimation is not None
    return estimation


def test_a_section_that_says_nothing_is_full_of_defaults(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.filter, found.every, found.lag, found.settle, found.rtol) == ("unscented", 1.0, 2.0, 600.0, 1e-4)
    assert found.unknowns == ()
    assert found.assumed == ("valve.stuck",)


def test_a_wildcard_means_every_parameter_that_is_not_zero(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'unknown: {"*": 3 %}')
    names = {u.name for u in found.unknowns}
    assert {"upper.area", "lower.area", "valve.kvs"} <= names
    assert not {"upper.caught", "upper.flow_in", "upper.level", "valve.stuck", "upper.leak"} & names
    assert all(u.relative and u.spread == pytest.approx(0.03) and u.wander == 0.0 for u in found.unknowns)


def test_an_input_or_a_state_is_unknown_where_it_is_named(tmp_path: Path) -> None:
    found = loaded(tmp_path, "unknown: {upper.load: {spread: 5 kW, wander: 2 kW}, lower.level: 5 cm, upper.T_amb: 2 K}")
    assert [(u.name, u.spread, u.wander, u.relative) for u in found.unknowns] == [
        ("upper.load", 5000.0, 2000.0, False),
        ("lower.level", pytest.approx(0.05), 0.0, False),
        ("upper.T_amb", 2.0, 0.0, False),
    ]


def test_several_share_one_number_under_its_name(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        'unknown: {ambient: {of: "*.T_amb", spread: 3 K}, bores: {of: ["*.outlet_area"], spread: 2 %}}',
    )
    assert [(u.name, u.paths) for u in found.unknowns] == [
        ("ambient", ("upper.T_amb", "lower.T_amb")),
        ("bores", ("upper.outlet_area", "lower.outlet_area")),
    ]


def test_where_patterns_overlap_the_last_one_holds(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'unknown: {"*.area": 3 %, upper.area: 10 %}')
    assert {u.name: u.spread for u in found.unknowns} == pytest.approx({"lower.area": 0.03, "upper.area": 0.1})
    shared = loaded(tmp_path, 'unknown: {"*.area": 3 %, areas: {of: "*.area", spread: 5 %}}')
    assert [u.name for u in shared.unknowns] == ["areas"]


def test_what_is_known_is_taken_away(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'unknown: {"upper.*": 3 %}', 'known: ["*.height", "*level"]')
    names = {u.name for u in found.unknowns}
    assert "upper.area" in names
    assert not {"upper.height", "upper.low_level", "upper.suction_level"} & names


def test_an_instrument_is_off_by_three_times_its_noise_or_step_unless_said(tmp_path: Path) -> None:
    assert loaded(tmp_path).accuracy == {"LI-1": pytest.approx(6e-3), "TI-1": pytest.approx(1.5)}
    assert loaded(tmp_path, 'accuracy: {"*": "0", "TI-*": 0.2 K}').accuracy == {"LI-1": 0.0, "TI-1": pytest.approx(0.2)}


def test_what_is_tolerated_is_a_share_or_a_size_either_way_or_one_way(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'tolerance: {"*": 5 %, LI-1: {low: 2 cm}, TI-1: {low: 1 K, high: 2 K}}').tolerance
    assert found["LI-1"] == Tolerance(0.02, float("inf"), relative=False)
    assert found["TI-1"] == Tolerance(1.0, 2.0, relative=False)
    assert loaded(tmp_path, 'tolerance: {"?I-1": 5 %}').tolerance["TI-1"] == Tolerance(0.05, 0.05, relative=True)
    assert loaded(tmp_path).tolerance == {}


def test_delays_and_the_weight_of_evidence_are_the_plants_to_say(tmp_path: Path) -> None:
    found = loaded(tmp_path, "commission: 1 min", "confirm: 2 s", "release: 30 s", "temper: 0.5")
    assert (found.commission, found.confirm, found.release, found.temper) == (60.0, 2.0, 30.0, 0.5)


def test_what_wanders_can_be_held_all_the_same(tmp_path: Path) -> None:
    found = loaded(tmp_path, "unknown: {upper.area: {spread: 3 %, wander: 1 %, held: true}, lower.area: 3 %}")
    assert [u.held for u in found.unknowns] == [True, False]


WRONG = [
    ("filter: kalman", "estimate.filter: no filter 'kalman'; there are ensemble, unscented"),
    ("filter: unscentd", "estimate.filter: no filter 'unscentd'; did you mean 'unscented'?"),
    ("every: 0 s", "estimate.every: 0 s: give 1 ms to 1 h"),
    ("every: 2 h", "estimate.every: 2 h: give 1 ms to 1 h"),
    ("every: nan s", "estimate.every: "),
    ("every: 3 m", "estimate.every: "),
    ("lag: -1 s", "estimate.lag: -1 s: give 0 s to one day"),
    ("settle: 2 day", "estimate.settle: 2 day: give 0 s to one day"),
    ("rtol: 0.1", "estimate.rtol: 0.1: give 1e-12 to 1e-2"),
    ("rtol: 0", "estimate.rtol: 0: give 1e-12 to 1e-2"),
    ("unknown: {upper.aera: 3 %}", "estimate.unknown.upper.aera: no parameter, state or held input has this name"),
    ("unknown: {lower.flow_in: 3 %}", "estimate.unknown.lower.flow_in: no parameter, state or held input"),
    ("unknown: {upper.drain: 3 %}", "estimate.unknown.upper.drain: no parameter, state or held input"),
    ("unknown: {valve.stuck: 3 %}", "estimate.unknown.valve.stuck: no parameter, state or held input"),
    ("unknown: {upper.leak: 3 %}", "estimate.unknown.upper.leak: no parameter, state or held input"),
    ("unknown: {upper.load: 3 %}", "a share of upper.load, which is 0, is nothing; give a spread in W"),
    ("unknown: {upper.area: 0 %}", "spread 0 %, wander 0: give a spread above 0"),
    ("unknown: {upper.area: -3 %}", "give a spread above 0"),
    ("unknown: {upper.area: nan %}", "estimate.unknown.upper.area"),
    ("unknown: {upper.area: 3 kg}", "estimate.unknown.upper.area.spread: "),
    ("unknown: {upper.area: lots}", "estimate.unknown.upper.area.spread: "),
    ("unknown: {upper.area: {spread: 3 %, wander: 1 m2}}", "write spread and wander alike, both in % or both in m2"),
    ("unknown: {upper.area: {spread: 3 %, wander: -1 %}}", "give a spread above 0"),
    ('unknown: {mix: {of: ["*.area", "*.height"], spread: 3 %}}', "share a number between like quantities"),
    (
        "unknown: {upper.area: {spread: 3 %, sprad: 1}}",
        "upper.area: no key 'sprad'; did you mean 'spread'?",
    ),
    ("unknown: {upper.area: {wander: 3 %}}", "estimate.unknown.upper.area: 'spread' is missing; add it"),
    ("known: [upper.area]", "estimate.known: 'upper.area' takes nothing away; drop it"),
    ("accuracy: {LI-2: 1 mm}", "estimate.accuracy: no tag 'LI-2'; did you mean 'LI-1'"),
    ("accuracy: {LI-1: 1 K}", "estimate.accuracy.LI-1: "),
    ("accuracy: {LI-1: -1 mm}", "estimate.accuracy.LI-1: -1 mm: give 0 or more"),
    ("commission: 2 day", "estimate.commission: 2 day: give 0 s to one day"),
    ("confirm: -1 s", "estimate.confirm: -1 s: give 0 s to one day"),
    ("release: nan s", "estimate.release: "),
    ("temper: 2", "estimate.temper: 2: give 0.001 to 1"),
    ("unknown: {upper.area: {spread: 3 %, held: true}}", "what doesn't wander is held anyway; drop it"),
    ("tolerance: {LI-2: 1 mm}", "estimate.tolerance.LI-2: no tag 'LI-2'; did you mean 'LI-1'"),
    ("tolerance: {LI-1: 1 K}", "estimate.tolerance.LI-1: "),
    ("tolerance: {LI-1: 0 %}", "estimate.tolerance.LI-1: 0 % 0 %: give more than 0"),
    ("tolerance: {LI-1: nan %}", "estimate.tolerance.LI-1"),
    ("tolerance: {LI-1: {low: 2 %, high: 1 mm}}", "give low, high or both, both in % or both in m"),
    ("tolerance: {LI-1: {}}", "give low, high or both, both in % or both in m"),
    ("accurcy: {LI-1: 1 mm}", "estimate: no key 'accurcy'; did you mean 'accuracy'?"),
]


@pytest.mark.parametrize(("line", "message"), WRONG, ids=[line for line, _ in WRONG])
def test_what_is_wrong_is_told_with_file_line_and_what_to_do(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(PlantError) as caught:
        loaded(tmp_path, line)
    where, _, what = str(caught.value).partition(": ")
    assert where == f"pair.yaml:{LINE}" or where.endswith(f"/pair.yaml:{LINE}")
    assert message in what


def test_a_mode_assumed_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=rf"pair.yaml:{LINE}: estimate.assume: no memory 'valve.stuk'.*'valve.stuck'"):
        loaded(tmp_path, assumed="  assume: [valve.stuk]\n")


def test_the_unscented_filter_is_refused_with_its_line_where_a_mode_is_hidden(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=rf"pair.yaml:{LINE}: estimate.filter: .*no tag reads 'stuck' of valve"):
        loaded(tmp_path, "filter: unscented", assumed="")
    assert loaded(tmp_path, "filter: ensemble", assumed="").filter == "ensemble"
