"""`twin detect`: rows of a recorded file judged as the live twin would, scores where there are labels, and refusals."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command import run
from twin.live.pointwise import Points, delay

PLANT = """\
plant: bench
assets:
  tank: {is: tank, with: {outlet_area: 0 m2}}
tags:
  LI: {reads: tank.level, unit: cm, every: 1 s, noise: 0.2 cm}
  TI: {reads: tank.T, unit: degC, every: 1 s, noise: 0.1 K}
estimate:
  unknown: {tank.level: {spread: 20 cm, wander: 1 mm}, tank.T: {spread: 10 K, wander: 0.1 K}}
  tolerance: {LI: 5 %, TI: 2 K}
  confirm: 1 s
  release: 10 s
"""
TEXT = """\
recording: bench
plant: plant.yaml
file: f.csv
time: {columns: t, zone: UTC}
columns: {level: {tag: LI, unit: cm}, T: TI}
labels: {anomaly: anomaly}
"""
ROWS, TEACH = 400, 150
LOW = range(250, 330)
"""Rows at which the level is 10 cm lower than it was, and that are labelled."""


def lines(level: np.ndarray, warmth: np.ndarray, labels: bool = True) -> str:
    """Return a file of these readings, a row each second."""
    head = "t;level;T;anomaly\n" if labels else "t;level;T\n"
    label = (f";{float(k in LOW)}" if labels else "" for k in range(level.size))
    return head + "".join(
        f"2024-01-01 00:{k // 60:02d}:{k % 60:02d};{a:.3f};{b:.3f}{c}\n"
        for k, (a, b, c) in enumerate(zip(level, warmth, label, strict=True))
    )


def measured(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return level and temperature of a tank at rest that is a tenth of a metre lower for a while."""
    stream = np.random.default_rng(seed)
    level = 52.0 + 0.2 * stream.standard_normal(ROWS)
    level[LOW.start : LOW.stop] -= 10.0
    return level, 21.0 + 0.1 * stream.standard_normal(ROWS)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    (tmp_path / "plant.yaml").write_text(PLANT)
    (tmp_path / "bench.yaml").write_text(TEXT)
    (tmp_path / "f.csv").write_text(lines(*measured()))
    return tmp_path


def detected(capsys: pytest.CaptureFixture[str], bench: Path, *more: str | Path) -> dict[str, Any]:
    code, out, err = run(capsys, "detect", bench / "bench.yaml", "--teach", str(TEACH), "--json", *more)
    assert code == 0, err
    said: dict[str, Any] = json.loads(out.splitlines()[-1])
    return said


def test_what_deviates_is_told_row_by_row_and_scored_by_the_labels(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = detected(capsys, bench, "--out", bench / "o.csv")
    with (bench / "o.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["time"] for row in rows[:2]] == ["2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:01.000000Z"]
    assert len(rows) == said["rows"] == ROWS
    advised = np.array([row["advisory"] == "1" for row in rows])
    assert not advised[: LOW.start].any()
    assert advised[LOW.start + 10 : LOW.stop].all()
    assert not advised[LOW.stop + 60 :].any()
    assert [bool(row["cause"]) for row in rows] == advised.tolist()
    assert {row["cause"].partition(":")[0] for row in rows if row["cause"]} <= {"unknown", "sensor", "fault"}
    score = np.array([float(row["score"]) for row in rows])
    assert (score[:TEACH] == 0.0).all()
    assert score[LOW.start + 10 : LOW.stop].min() > 1.0 > score[TEACH : LOW.start].max()
    truth = np.isin(np.arange(ROWS), LOW)
    counts = Points.of(advised[TEACH:], truth[TEACH:])
    assert {name: said[name] for name in Points._fields} == counts._asdict()
    assert said["f1"] == pytest.approx(counts.tp / (counts.tp + 0.5 * (counts.fp + counts.fn)))
    assert said["far"] == counts.fp / (counts.fp + counts.tn)
    assert said["mar"] == counts.fn / len(LOW)
    assert said["delay_s"] == float(np.argmax(advised) - LOW.start)
    assert said["baselines"]["always"]["mar"] == 0.0
    assert said["baselines"]["rows_573_973"]["mar"] == 1.0
    assert [span["begin"] for span in said["advisories"]] == [rows[int(np.argmax(advised))]["time"]]


def test_no_row_depends_on_a_later_one(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    detected(capsys, bench, "--out", bench / "whole.csv")
    kept = LOW.start + 7
    text = (bench / "f.csv").read_text().splitlines(keepends=True)
    (bench / "f.csv").write_text("".join(text[: 1 + kept]))
    detected(capsys, bench, "--out", bench / "part.csv")
    assert (bench / "whole.csv").read_text().startswith((bench / "part.csv").read_text())


def test_a_file_without_labels_is_judged_and_not_scored(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bench / "f.csv").write_text(lines(*measured(), labels=False))
    said = detected(capsys, bench)
    assert len(said["advisories"]) == 1
    assert [said[name] for name in ("f1", "far", "mar", "tp", "delay_s", "baselines")] == [None] * 6
    assert said["unscored"] == "the file has no column 'anomaly': nothing is scored"


def test_a_constant_tag_and_a_gap_are_named(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    level, warmth = measured()
    text = lines(level, np.full_like(warmth, 21.0)).splitlines(keepends=True)
    (bench / "f.csv").write_text("".join(text[:200] + text[230:]))
    said = detected(capsys, bench)
    assert "TI: never changes" in said["notes"][0]
    assert said["notes"][1].startswith("1 gaps, the longest of 31 s before 2024-01-01T00:03:49")


def test_people_see_scores_beside_those_of_detectors_that_see_nothing(
    bench: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "detect", bench / "bench.yaml", "--teach", str(TEACH))
    assert code == 0
    assert "400 rows, 150 of them teach" in out
    assert "2024-01-01T00:04:1" in out
    assert [line.split()[0] for line in out.splitlines()[-3:]] == ["twin", "always", "rows_573_973"]


@pytest.mark.parametrize(
    ("change", "arguments", "code", "said"),
    [
        ((), ("--teach", "400"), 4, "f.csv: 400 rows, and 400 should teach: none is left"),
        ((), ("--teach", "20"), 4, "too few to tell a healthy plant from another; give --teach 61 or more"),
        ((), ("--teach", "0"), 2, "--teach"),
        ((), ("--out", "none/o.csv"), 4, "can't be written: No such file or directory"),
        ((), ("--out", "f.csv"), 4, "is already there"),
        ((), ("--out", "o.h5"), 4, "name it with .csv"),
        ((), ("--file", "none.csv"), 4, "there is no file"),
        (("f.csv", ";level;", ";height;"), ("--teach", "150"), 4, "no column 'level'"),
        (("bench.yaml", "unit: cm", "unit: bar"), (), 3, "bar"),
        (("bench.yaml", "tag: LI", "tag: LX"), (), 3, "no tag 'LX'"),
        (("plant.yaml", "estimate:", ""), ("--teach", "150"), 3, "has no section 'estimate'"),
        (("bench.yaml", "{anomaly: anomaly}", "{anomaly: level}"), ("--teach", "40000"), 4, "400 rows"),
    ],
)
def test_what_goes_wrong_is_one_line_that_says_what_to_do(
    bench: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, ...],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    if change:
        name, old, new = change
        text = (bench / name).read_text()
        (bench / name).write_text(text.replace(old, new) if new else text.partition(old)[0])
    words = [f"{bench}/{word}" if Path(word).suffix in (".csv", ".h5") else word for word in arguments]
    found, out, err = run(capsys, "detect", bench / "bench.yaml", *words)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert not [file for file in bench.iterdir() if file.name.startswith((".", "o."))]


def test_a_file_in_which_nothing_moves_is_refused(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bench / "f.csv").write_text(lines(np.full(ROWS, 52.0), np.full(ROWS, 21.0)))
    code, out, err = run(capsys, "detect", bench / "bench.yaml", "--teach", str(TEACH), "--out", bench / "o.csv")
    assert (code, out) == (4, "")
    assert "no tag moves in the 150 rows that teach" in err
    assert not (bench / "o.csv").exists()


def test_a_file_without_any_anomaly_has_no_f1(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    level, warmth = measured()
    level[LOW.start : LOW.stop] += 10.0
    (bench / "f.csv").write_text(lines(level, warmth).replace(";1.0\n", ";0.0\n"))
    said = detected(capsys, bench)
    assert (said["f1"], said["mar"], said["far"], said["delay_s"]) == (None, None, 0.0, None)
    assert said["unscored"].startswith("no row is labelled as anomalous")


def test_points_and_delay_of_a_few_rows_are_those_counted_by_hand() -> None:
    advised = np.array([1, 0, 0, 1, 1, 0], bool)
    anomaly = np.array([0, 0, 1, 1, 0, 0], bool)
    found = Points.of(advised, anomaly)
    assert found == (1, 2, 2, 1)
    assert (found.f1, found.far, found.mar) == (2.0 / 5.0, 0.5, 0.5)
    assert delay(np.arange(6) * 1_500_000, advised, anomaly) == 1.5
    assert delay(np.arange(6), np.zeros(6, bool), anomaly) is None
