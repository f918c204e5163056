"""`twin clean`, `twin init` and `twin feed`: what people see, exit codes, and that readings arrive whole."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command import run
from tests.live import LOOPBACK, Serving, until
from tests.twin.clean.bench import PLANT
from twin.protocol import Data, Hello, decode_from_gateway

TEXT = """\
recording: bench
plant: plant.yaml
file: f.csv
time: {columns: t, zone: UTC}
columns: {p: {tag: PI, unit: bar}, T: TI}
recipe: {tags: {PI: {range: {high: 5}}}}
"""
ROWS = 2_000


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    (tmp_path / "plant.yaml").write_text(PLANT)
    (tmp_path / "bench.yaml").write_text(TEXT)
    lines = "".join(f"2024-01-01 00:{n // 60 % 60:02d}:{n % 60:02d};{n % 6}.5;20\n" for n in range(ROWS))
    (tmp_path / "f.csv").write_text("t;p;T\n" + lines)
    return tmp_path


def test_a_recording_is_cleaned_written_and_reported(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "clean", bench / "bench.yaml", "--out", bench / "o.csv")
    assert (code, err) == (0, "")
    assert f"PI: {ROWS // 6} times: outside its range" in out
    assert (bench / "o.csv").read_text().count("\n") == 2 * ROWS + 1
    code, out, _ = run(capsys, "clean", bench / "bench.yaml", "--report", "json")
    found = json.loads(out)
    assert code == 0
    assert found["totals"][0] == {
        "tag": "PI",
        "arrived": ROWS,
        "good": ROWS - ROWS // 6,
        "uncertain": 0,
        "bad": ROWS // 6,
    }
    assert "범위를 벗어남" in run(capsys, "clean", bench / "bench.yaml", "--language", "ko")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("clean", "skabb"), 3, "no recording 'skabb'; did you mean 'skab'?"),
        (("clean", "b/bench.yaml", "--file", "b/none.csv"), 4, "there is no file"),
        (("clean", "b/bench.yaml", "--out", "b/f.csv"), 4, "exists; name another file"),
        (("clean", "b/bench.yaml", "--out", "b/f.txt"), 4, "name it with one of"),
        (("feed", "b/bench.yaml"), 2, "missing option '--to'"),
        (("feed", "b/bench.yaml", "--to", "nowhere"), 4, "nowhere"),
        (("feed", "b/bench.yaml", "--to", "tcp://127.0.0.1:9", "--patience", "0.1"), 4, "is `twin live --replay`"),
        (("init", "b/new", "--from", "b/none.csv"), 4, "No such file"),
        (("init", "b", "--from", "b/f.csv"), 4, "plant.yaml: exists"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(
    bench: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, said: str
) -> None:
    words = [word.replace("b/", f"{bench}/") if word.startswith("b/") else word for word in arguments]
    found, _, err = run(capsys, *[str(bench) if word == "b" else word for word in words])
    assert found == code
    assert said in err
    assert err.count("\n") == 1


def test_a_draft_passes_the_checks_that_it_names(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bench / "d.csv").write_text((bench / "f.csv").read_text().replace("t;p;T", "time;압력(bar);온도(℃)"))
    code, out, _ = run(capsys, "init", bench / "new", "--from", bench / "d.csv")
    assert code == 0
    assert "tag pressure reads" in out
    assert run(capsys, "check", bench / "new" / "plant.yaml")[0] == 0
    code, out, _ = run(capsys, "clean", bench / "new" / "recording.yaml", "--report", "json")
    assert {total["tag"]: total["arrived"] for total in json.loads(out)["totals"]} == {
        "pressure": ROWS,
        "temperature": ROWS,
    }


def journaled(serving: Serving) -> tuple[dict[str, str], list[list[Any]]]:
    """Return the declared units and all readings of a journal."""
    units: dict[str, str] = {}
    rows: list[list[Any]] = []
    for entry in serving.entries():
        if entry.kind in ("hello", "data"):
            said = decode_from_gateway(entry.body)
            if isinstance(said, Hello):
                units = {tag.n: tag.u for tag in said.tags}
            elif isinstance(said, Data):
                rows += [[row.tag, row.time, row.value, row.quality] for row in said.r]
    return units, rows


def test_a_fed_file_is_in_the_journal_raw_whole_and_in_order(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Serving(bench / "data", LOOPBACK, replay=True) as serving:
        code, out, err = run(capsys, "feed", bench / "bench.yaml", "--to", serving.address, "--speed", "2000", "--json")
        assert code == 0, err
        said = json.loads(out.splitlines()[-1])
        assert (said["readings"], said["not_taken"], said["ending"]) == (2 * ROWS, 0, "done")
        units, rows = journaled(serving)
    assert units == {"PI": "bar", "TI": "degC"}
    assert len(rows) == 2 * ROWS
    assert [row[2] for row in rows[:4]] == [0.5, 20.0, 1.5, 20.0]
    assert (np.diff([row[1] for row in rows]) >= 0).all()


def test_a_twin_that_takes_no_replays_says_so(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Serving(bench / "data", LOOPBACK, replay=False) as serving:
        code, _, err = run(capsys, "feed", bench / "bench.yaml", "--to", serving.address, "--speed", "100")
    assert code == 4
    assert "replay" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_feed_that_is_asked_to_end_says_how_far_it_came_and_leaves_nothing(bench: Path, number: int) -> None:
    (bench / "tmp").mkdir()
    with Serving(bench / "data", LOOPBACK, replay=True) as serving:
        feed = [sys.executable, "-c", "from twin.cli import main; main()", "feed", str(bench / "bench.yaml")]
        process = subprocess.Popen(
            [*feed, "--to", serving.address, "--loop", "yes", "--speed", "50"],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(bench / "tmp")},
        )  # fmt: skip
        until(lambda: any(entry.kind == "data" for entry in serving.entries()))
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
        assert process.returncode == 130, err
        assert re.fullmatch(r"interrupted: \d+ readings up to 2024-01-01T.*; .*\n", err), err
        assert serving.entries()[-1].kind in ("bye", "tick")
    assert list((bench / "tmp").iterdir()) == []
