"""Ingest is found where it says it is, and said to be gone where it is."""

import json
import os
from pathlib import Path

import pytest

from twin.errors import DataError
from twin.live import station
from twin.live.group import Group, Part
from twin.live.station import address, parts

SERVES = """
import json, os, sys, time
from pathlib import Path
file = Path(sys.argv[2]) / "ingest.json"
file.with_suffix(".new").write_text(json.dumps({"pid": os.getpid(), "address": "tcp://127.0.0.1:4711"}))
file.with_suffix(".new").replace(file)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "serves.py").write_text(SERVES)
    (tmp_path / "fails.py").write_text("raise SystemExit('no room')")
    (tmp_path / "mute.py").write_text("import time; time.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_a_twin_is_ingest_twin_and_recorder_of_one_folder(tmp_path: Path) -> None:
    wanted = parts("p.yaml", tmp_path, "tcp://127.0.0.1:*", replay=True, recording="skab", assets=Path("mine"))
    assert [part.name for part in wanted] == ["ingest", "twin", "recorder"]
    assert all(str(tmp_path) in part.arguments for part in wanted)
    assert "--replay" in wanted[0].arguments
    assert "--recording" in wanted[1].arguments
    assert "--replay" not in parts("p.yaml", tmp_path, "tcp://127.0.0.1:*")[0].arguments


def test_where_ingest_listens_is_where_it_will_listen_again(tmp_path: Path) -> None:
    stale = {"pid": os.getpid(), "address": "tcp://127.0.0.1:1"}
    (tmp_path / "ingest.json").write_text(json.dumps(stale))
    with Group(tmp_path) as group:
        group.start(Part("ingest", ("serves", "--data", str(tmp_path), "--listen", "tcp://127.0.0.1:*")))
        assert address(tmp_path, group) == "tcp://127.0.0.1:4711"
        assert group.parts["ingest"].arguments[-1] == "tcp://127.0.0.1:4711"
        group.kill()


def test_an_ingest_that_ended_is_said_with_its_last_words(tmp_path: Path) -> None:
    with Group(tmp_path) as group:
        group.start(Part("ingest", ("fails",)))
        group.processes["ingest"].wait()
        with pytest.raises(DataError, match="ingest: ended with code 1: no room"):
            address(tmp_path, group)


def test_an_ingest_that_says_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "PATIENCE", 0.1)
    with Group(tmp_path) as group:
        group.start(Part("ingest", ("mute",)))
        with pytest.raises(DataError, match=r"ingest\.json: ingest did not start within 0\.1 s; see .*ingest\.log"):
            address(tmp_path, group)
        group.kill()


def test_the_programs_of_a_twin_are_modules_that_are_there() -> None:
    from importlib.util import find_spec

    for part in parts("p.yaml", Path("d"), "tcp://127.0.0.1:*"):
        assert find_spec(f"{part.arguments[0]}.__main__") is not None
