"""Events beside a file, and advisories that followed them."""

from pathlib import Path

import pytest

from scenarios.validation import events_text
from scenarios.validation.events import Announced, Attended, Raised, begins
from scenarios.validation.sources import Events
from twin.clean.recording import Recording
from twin.errors import DataError

LID = Events(file="events.csv", time="time", event="event", begins="Lid Opened", teach=100)
RUN = Attended(
    "run.csv", "0" * 64, 500, (100.0, 200.0, 300.0),
    (Raised(50.0, "early", None), Raised(112.0, "lid", 12.0), Raised(150.0, "lid", 50.0), Raised(301.0, "lid", 1.0)),
)  # fmt: skip


def test_the_first_advisory_before_the_next_event_counts() -> None:
    assert RUN.delays() == [12.0, None, 1.0]


def test_a_file_without_a_list_has_no_delays() -> None:
    assert RUN._replace(events=None).delays() == []


def test_a_page_tells_what_was_missed_and_what_nothing_explains() -> None:
    other = Attended("other.csv", "0" * 64, 500, None, (Raised(5.0, "why", None),))
    found = Announced(LID, (RUN, other), (("short.csv", "too short"),))
    text = "\n".join(events_text.found_events(found))
    assert "| run.csv | 3 | 12, —, 1 | 4 |" in text
    assert "| other.csv | no list |  | 1 |" in text
    limits = " ".join(events_text.limits(found))
    for said in ("3 events", "1 of 3 events were followed by no", "other.csv: 1 advisories", "short.csv was not"):
        assert said in limits


def test_a_list_is_read_in_the_time_of_its_recording(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text("time,event\n1611327598000000000,Lid Closed\n1611327658000000000,Lid Opened\n", encoding="utf-8")
    assert begins(Recording.load("incubator_2020"), file, LID) == [1611327658 * 10**6]


@pytest.mark.parametrize(
    ("text", "said"),
    [("when,event\n1,Lid Opened\n", "can't be read"), ("time,event\nnoon,Lid Opened\n", "'noon' is no number")],
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "events.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        begins(Recording.load("incubator_2020"), file, LID)
