"""Lid openings of the incubator, found by the live monitor in a run of which it knows the beginning alone."""

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest

from tests.command import run

pytestmark = pytest.mark.data
TEACH = 100
SOON = 60.0
LINGER = 300.0
"""How long a lid that was open is felt: the wall takes minutes to be warm again [s]."""


def begins(capsys: pytest.CaptureFixture[str], file: Path) -> list[float]:
    """Return when the monitor raised advisories over a file, in seconds of the epoch."""
    code, out, _ = run(capsys, "detect", "incubator_2020", "--file", file, "--teach", TEACH, "--json")
    assert code == 0
    return [datetime.fromisoformat(each["begin"]).timestamp() for each in json.loads(out)["advisories"]]


def test_every_lid_opening_is_told_within_a_minute_and_nothing_else_is(
    recordings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = recordings / "incubator" / "20210122_lid_opening_kalman"
    with (folder / "events.csv").open(newline="", encoding="utf-8") as file:
        events = [(int(row["time"]) * 1e-9, row["event"]) for row in csv.DictReader(file)]
    opened = [time for time, event in events if event == "Lid Opened"]
    told = begins(capsys, folder / "lid_opening_experiment_jan_2021.csv")
    assert all(any(0.0 <= begin - time <= SOON for begin in told) for time in opened)
    assert all(any(0.0 <= begin - time <= LINGER for time in opened) for begin in told)


def test_a_run_with_the_lid_shut_raises_nothing(recordings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert begins(capsys, recordings / "incubator" / "20201221_controller_tunning" / "exp2_ht20_hg30.csv") == []
