"""What a what-if run came to is judged and shown in units of its size; the command is asked what there is to ask."""

import sys
from pathlib import Path

import pytest

from tests.viz import stand_in
from twin.errors import DataError
from viz.answers import Number, Range, Told, Variant, apart, scale_of, verdict
from viz.questions import Questions


@pytest.mark.parametrize(
    ("better", "low", "high", "found"),
    [("more", 1.0, 2.0, "better"), ("more", -2.0, -1.0, "worse"), ("less", 1.0, 2.0, "worse"), ("", 1.0, 2.0, "other"),
     ("more", -1.0, 2.0, "unclear"), ("more", 0.0, 0.0, "unclear"), ("more", None, None, "unclear")],
)  # fmt: skip
def test_a_difference_is_judged_only_where_its_interval_leaves_no_doubt(
    better: str, low: float | None, high: float | None, found: str
) -> None:
    middle = None if low is None or high is None else 0.5 * (low + high)
    assert verdict(Told("x", "x", "x", better=better), Number(middle, low, high, 9)) == found


@pytest.mark.parametrize(
    ("verdicts", "found"),
    [([], ""), (["inside"], "inside"), (["inside", "never calibrated"], "never calibrated"),
     (["inside", "outside", "never calibrated"], "outside"), (["<b>"], "")],
)  # fmt: skip
def test_a_variant_stands_where_its_furthest_change_stands(verdicts: list[str], found: str) -> None:
    assert Variant("v", ranges=[Range(each) for each in verdicts]).calibration == found


def test_two_runs_differ_where_their_intervals_do_not_meet() -> None:
    assert apart(Number(1.0, 0.5, 1.5), Number(3.0, 2.5, 3.5))
    assert not apart(Number(1.0, 0.5, 1.5), Number(2.0, 1.5, 2.5))
    assert not apart(Number(1.0, 0.5, 1.5), Number())


@pytest.mark.parametrize(
    ("unit", "value", "shown", "factor"),
    [("s", 7200.0, "h", 3600.0), ("s", 60.0, "s", 1.0), ("J", 3.6e6, "kWh", 3.6e6), ("K", 300.0, "°C", 1.0),
     ("1", 0.5, "", 1.0), ("", 5.0, "KRW", 1.0)],
)  # fmt: skip
def test_numbers_are_shown_in_units_of_their_size(unit: str, value: float, shown: str, factor: float) -> None:
    found = scale_of(Told("x", "x", "x", unit), [Number(value)], "KRW")
    assert (found.unit, found.factor) == (shown, factor)


def test_the_command_is_asked_once_for_what_is_known(control: Path, tmp_path: Path) -> None:
    counted = (
        f"import os, sys; open({str(tmp_path / 'asked')!r}, 'a').write('x'); os.execv(sys.executable, sys.argv[1:])"
    )
    command = (sys.executable, "-c", counted, *stand_in.command(control))
    questions = Questions(command)
    for _ in range(3):
        found = questions.scenarios()
        assert found is not None
        assert [one.name for one in found] == ["slower_spindle", "broken"]
    assert (tmp_path / "asked").read_text() == "x"
    described = questions.describe("slower_spindle")
    assert described is not None
    assert described.settings() == {
        "assume:bearing_1.lubricant_loss": "0.3", "slower:spindle_1.speed_set": "-10 %",
        "slower:flow.rack_1.capacity": "40",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["--help", "../x", "nothing", "", "slower_spindle "])
def test_only_a_scenario_of_the_list_is_described(control: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such scenario"):
        Questions(stand_in.command(control)).describe(name)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ('import sys; print(\'{"error": "a: b; c", "exit_code": 3}\'); sys.exit(3)', "a: b; c"),
        ("import sys; print('x: y; z', file=sys.stderr); sys.exit(4)", "x: y; z"),
        ("import sys; sys.exit(1)", "exit code 1"),
        ("print('no json')", "is not understood"),
    ],
)
def test_a_command_that_cannot_answer_is_quoted(program: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        Questions((sys.executable, "-c", program)).scenarios()


def test_a_command_that_is_not_there_is_told() -> None:
    with pytest.raises(DataError, match="can't be asked"):
        Questions(("/nowhere/twin",)).scenarios()


def test_what_is_asked_as_the_view_ends_is_broken_off() -> None:
    questions = Questions((sys.executable, "-c", "import time; time.sleep(600)"))
    assert questions.scenarios(wait=0.0) is None
    questions.close()
    with pytest.raises(DataError):
        questions.scenarios()
