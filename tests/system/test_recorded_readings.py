"""The twin of the water loop on what its bench has really read: told in time, of the right thing, and not in vain.

Tolerances of flow and evidence were chosen with these files' labels in view; `benchmarks.recordings` has a table.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.recordings import TEACHING, Told, told_of, watched
from twin.clean.draft import draft
from twin.clean.recording import Recording

pytestmark = pytest.mark.data
SOON = 60.0
FILES = {"valve1/1": "fault_candidates", "valve1/13": "fault_candidates", "other/5": "fault"}
"""What is told of each: a valve that closes can't be told from what else takes flow, a rotor out of balance can."""


@pytest.fixture(scope="module", params=FILES)
def told(request: pytest.FixtureRequest, recordings: Path) -> tuple[str, Told]:
    """Return a file's name and what the twin tells of it."""
    return request.param, watched(recordings / "skab" / f"{request.param}.csv")


def test_an_advisory_comes_within_a_minute_of_the_label(told: tuple[str, Told]) -> None:
    delay = told[1].delay
    assert delay is not None
    assert delay <= SOON


def test_nothing_is_told_before_anything_happens(told: tuple[str, Told]) -> None:
    assert told[1].early == []
    assert told[1].onset > told[1].times[TEACHING]


def test_it_says_what_the_readings_can_tell(told: tuple[str, Told]) -> None:
    assert told[1].codes[0] == FILES[told[0]]


def test_the_advisory_ends_with_the_anomaly(told: tuple[str, Told]) -> None:
    end = told[1].times[told[1].labelled].max()
    assert len(told[1].spans) == 1
    assert abs(told[1].spans[0][1] - end) <= SOON


def test_a_plant_drafted_from_the_file_alone_tells_of_the_anomaly_too(recordings: Path, tmp_path: Path) -> None:
    file = recordings / "skab" / "valve1" / "1.csv"
    draft(file, tmp_path / "ours")
    drafted = Recording.load(tmp_path / "ours" / "recording.yaml")
    onset = watched(file).onset
    spans = told_of(drafted).spans
    assert [begin > onset for begin, _ in spans] == [True]
    assert spans[0][0] < onset + 300.0


def longer(file: Path, rows: int, out: Path) -> Path:
    """Write the file with its last taught rows once more behind those that teach; what comes later comes later."""
    head, *lines = file.read_text().splitlines()
    times = np.array([line.partition(";")[0] for line in lines], "datetime64[s]")
    again = slice(TEACHING - rows, TEACHING)
    passed = times[TEACHING] - times[TEACHING - rows]
    moved = np.concatenate([times[:TEACHING], times[again] + passed, times[TEACHING:] + passed])
    rest = [line.partition(";")[2] for line in [*lines[:TEACHING], *lines[again], *lines[TEACHING:]]]
    shown = (str(time).replace("T", " ") for time in moved)
    out.write_text("\n".join([head, *(f"{time};{line}" for time, line in zip(shown, rest, strict=True))]) + "\n")
    return out


@pytest.mark.parametrize(("name", "rows"), [("valve1/1", 300), ("valve1/13", 37), ("other/5", 150)])
def test_more_healthy_rows_change_hardly_a_later_decision(
    recordings: Path, tmp_path: Path, name: str, rows: int
) -> None:
    file = recordings / "skab" / f"{name}.csv"
    before = watched(file).alarmed[TEACHING:]
    after = watched(longer(file, rows, tmp_path / "longer.csv")).alarmed[TEACHING + rows :]
    assert before.any()
    assert np.mean(before != after) <= 0.01
