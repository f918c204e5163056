"""`twin what-if`, as it is typed: exit codes, messages, files."""

import json
import os
from pathlib import Path

import pytest

from tests.command import run
from tests.scenarios.asked import EQUIPMENT, ask

WRONG, DONE = 3, 0


def asked(folder: Path, **changes: str | None) -> list[str | Path]:
    """Return the arguments that run a small scenario."""
    ask(folder, variants="{as_is: {}, slow: {press.speed: 0.02}}", **changes)
    return ["what-if", folder / "asked.yaml", "--out", folder / "out", "--workers", "1", "--assets", EQUIPMENT]


def test_an_answer_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *asked(tmp_path), "--json")
    assert code == DONE
    said = json.loads(out.splitlines()[-1])
    assert (said["ending"], said["failed"]) == ("done", 0)
    assert said["numbers"]["as_is"]["line.done"] == [3.0, 3.0, 3.0]
    answer = json.loads((tmp_path / "out/answer.json").read_text())
    assert answer["basis"]["results"] == said["results"]
    progress = json.loads((tmp_path / "out/progress.json").read_text())
    assert (progress["done"], progress["total"], progress["ending"]) == (6, 6, "done")
    assert (tmp_path / "out/report.en.html").is_file()
    assert (tmp_path / "out/report.ko.html").is_file()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--set", "fast:press.speed=2"], "no variant 'fast'"),
        (["--set", "press.speed=2"], "write VARIANT:PATH=VALUE"),
        (["--set", "slow:press.spede=2"], "did you mean 'speed'"),
        (["--set", "slow:press.speed=99"], "press.speed: 99 is outside"),
        (["--set", "slow:flow.mil.takes=5 s"], "no place 'mil'"),
        (["--set", "assume:press.works=1"], "mill drives it"),
        (["--precision", "line.wip:1%"], "no reported number 'line.wip'"),
        (["--precision", "0%"], "give a positive number"),
        (["--precision", "1%", "--replications", "4"], "both say how often"),
        (["--for", "1000000h"], "longer than"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    code, _, err = run(capsys, *asked(tmp_path), *more)
    assert code != DONE
    assert said in " ".join(err.split())
    assert not (tmp_path / "out/answer.json").exists()


def test_a_scenario_that_there_is_not_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("slower_spindel", tmp_path / "nope.yaml"):
        code, _, err = run(capsys, "what-if", name, "--out", tmp_path / "out")
        assert code == WRONG, err
    assert not (tmp_path / "out").exists()


def test_a_number_may_be_changed_by_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, *asked(tmp_path), "--set", "slow:press.speed=1", "--json")
    assert code == DONE
    assert json.loads(out.splitlines()[-1])["numbers"]["slow"]["line.done"][0] == 3.0


def test_a_folder_of_another_question_is_refused_and_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = asked(tmp_path)
    assert run(capsys, *arguments)[0] == DONE
    before = (tmp_path / "out/answer.json").read_bytes()
    code, _, err = run(capsys, *arguments, "--seed", "2")
    assert code != DONE
    assert "other" in err
    assert (tmp_path / "out/answer.json").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = asked(tmp_path)
    (tmp_path / "out").write_text("a file")
    code, _, err = run(capsys, *arguments)
    assert code != DONE
    assert "can't be made" in err


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = asked(tmp_path)
    (tmp_path / "out").mkdir(mode=0o500)
    code, _, err = run(capsys, *arguments)
    assert code != DONE
    assert "can't be written" in err


def test_scenarios_are_listed_and_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "what-if", "list", "--json")
    assert code == DONE
    found = json.loads(out.splitlines()[-1])["scenarios"]
    assert "slower_spindle" in [each["name"] for each in found]
    assert not [each for each in found if "error" in each]
    asked(tmp_path)
    code, out, _ = run(capsys, "what-if", "describe", tmp_path / "asked.yaml", "--assets", EQUIPMENT)
    assert code == DONE
    assert "slow: press.speed: 0.02" in out
