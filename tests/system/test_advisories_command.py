"""`twin advisories` and `twin act`: what a twin has to say, and what people answer."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.command import run
from tests.live import until
from tests.system.test_live_commands import AtTheEnd, ended, processes, started
from tests.twin.live.story import Story, readings, station, units
from twin.history.reader import FILE
from twin.live.process import follow

Told = Callable[..., dict[str, Any]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Return what asks for advisories as a program does."""

    def asked(*arguments: str | Path) -> dict[str, Any]:
        code, out, err = run(capsys, "advisories", *arguments, "--json")
        assert (code, err) == (0, "")
        return dict(json.loads(out.splitlines()[-1]))

    return asked


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told") / "data"
    story = Story().hello("gw", units(station())).stream("gw", readings(station(), {}, 30))
    story.action("comment", "pump_2", "sounds rough")
    follow(story.journal(folder), station(), stop=AtTheEnd())
    return folder


def test_what_stands_is_told_in_whole_sentences(data: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(data)
    codes = [advisory["code"] for advisory in found["advisories"]]
    assert "starting" in codes
    for advisory in found["advisories"]:
        assert all(advisory["text"][line] for line in ("headline", "why", "outlook", "do", "tell_more"))
    _, shown, _ = run(capsys, "advisories", data)
    for advisory in found["advisories"]:
        assert advisory["id"] in shown
        assert advisory["text"]["headline"] in shown.replace("\n", " ")
    assert "changes" not in found


def test_korean_is_told_in_korean(data: Path, told: Told) -> None:
    english, korean = told(data), told(data, "--language", "ko")
    assert [a["id"] for a in english["advisories"]] == [a["id"] for a in korean["advisories"]]
    assert all(any("가" <= letter <= "힣" for letter in a["text"]["headline"]) for a in korean["advisories"])


def test_the_log_tells_what_people_did(data: Path, told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    (done,) = [change for change in told(data, "--log")["changes"] if change["by"] != "twin"]
    assert (done["cause"], done["subject"], done["text"]) == ("comment", "pump_2", "sounds rough")
    assert "sounds rough" in run(capsys, "advisories", data, "--log")[1]


def test_where_no_twin_was_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "advisories", tmp_path)
    assert code == 4
    assert "history.sqlite: is not there: no twin has followed a plant in this folder" in err


def test_a_damaged_history_is_told_from_an_empty_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(data / FILE) as whole, sqlite3.connect(tmp_path / FILE) as copy:
        whole.backup(copy)
        copy.execute("update standing set body = x'c1'")
    code, _, err = run(capsys, "advisories", tmp_path)
    assert code == 4
    assert "holds no Advisory" in err
    assert "move it away" in err


@pytest.mark.slow
def test_an_action_is_answered_with_what_the_twin_made_of_it(
    tmp_path: Path, told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    live = started("live", "cooling_station", "--listen", "tcp://127.0.0.1:*", "--data", data, folder=tmp_path)
    try:
        until(lambda: (data / "twin.json").exists(), 60)
        code, out, _ = run(capsys, "act", data, "comment", "pump_2", "--text", "sounds rough", "--who", "Kim")
        assert code == 0
        assert "sounds rough" in out
        code, out, err = run(capsys, "act", data, "acknowledge", "adv-9", "--who", "Kim", "--json")
        assert code == json.loads(out)["exit_code"] == 4
        assert "adv-9: refused: no such advisory, asset or tag; see `twin advisories" in err
    finally:
        assert ended(live) == 130
    assert not processes(data)
    causes = [change["cause"] for change in told(data, "--log")["changes"]]
    assert causes == ["comment", "refused_target"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["comment", "한글", "--text", "x"], "target: '한글' can't be stored; name an advisory as adv-2"),
        (["comment", "adv-1", "--text", "two\nlines"], "text: 'two\\nlines' can't be stored; say it on one line"),
        (["comment", "adv-1", "--text", "x" * 2001], "say it on one line, up to 2000 characters"),
        (["shelve", "adv-1", "--text", "x", "--minutes", "nan"], "minutes: nan; give 0 to 525600, a year"),
        (["shelve", "adv-1", "--text", "x"], "shelve adv-1: for how long? give minutes (--minutes) > 0"),
        (["bypass", "TI-101", "--text", "x"], "role operator may not bypass; ask the engineer or maintainer"),
    ],
)
def test_an_action_that_cannot_be_stored_is_wrong_usage(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    code, _, err = run(capsys, "act", data, *arguments, "--who", "Kim")
    assert code == 2
    assert why in " ".join(err.split())


def test_what_is_no_text_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "act", data, "comment", "adv-1", "--text", "\udcff", "--who", "Kim")
    assert code == 4  # there is no ingest to ask; one that is there never sees it
    assert "defect" not in err
