"""The twin of the water loop on what its bench has really read: told in time, of the right thing, and not in vain.

Nothing in the plant, the recipe or the twin is fitted to these files; `benchmarks.recordings` has a table of all.
"""

from pathlib import Path

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
    _, spans, _ = told_of(drafted)
    assert [begin > onset for begin, _ in spans] == [True]
    assert spans[0][0] < onset + 300.0
