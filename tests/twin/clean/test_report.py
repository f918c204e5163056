"""Reports: everything that was found is said, in either language, and nothing a terminal obeys."""

import json
from pathlib import Path

import pytest

from tests.twin.clean.bench import LI, PI, cleaner, mixed, plant, series
from twin.clean.names import plain
from twin.clean.notes import TROUBLES, Notes
from twin.clean.report import Report, written
from twin.clean.tally import CAUSES


@pytest.fixture
def report(tmp_path: Path) -> Report:
    notes = Notes()
    notes.fact("encoding", "cp949")
    notes.count("ragged", line=7, said="1;2\x1b[31m")
    notes.count("empty", 3, place="온도")
    engine = cleaner(plant(tmp_path), "tags: {PI: {range: {high: 5}}}")
    engine.put(mixed(series(PI, [1.0, 9.0]), series(LI, [1.0])))
    return Report.of("r", notes, engine)


def test_a_report_says_what_was_found_how_often_when_and_with_which_value(report: Report) -> None:
    text = report.text()
    assert "encoding: cp949" in text
    assert "1 times: too many or too few cells: line skipped (line 7 '1;2\\x1b[31m')" in text
    assert "3 times [온도]: empty cell: no reading" in text
    assert "PI bar -> Pa" in text
    assert "PI: 1 times: outside its range: flagged, value kept, first 1970-01-01T00:16:41Z" in text
    assert "(1970-01-01T00:16:41Z 9)" in text


def test_a_report_can_be_read_in_korean(report: Report) -> None:
    text = report.text("ko")
    assert "인코딩: cp949" in text
    assert "PI: 1 회: 범위를 벗어남" in text


def test_a_report_is_plain_data_too(report: Report) -> None:
    found = json.loads(json.dumps(report.as_dict()))
    assert found["findings"][0] == {
        "tag": "PI",
        "found": "range",
        "means": "outside its range: flagged, value kept",
        "times": 1,
        "first": "1970-01-01T00:16:41Z",
        "last": "1970-01-01T00:16:41Z",
        "examples": [{"time": "1970-01-01T00:16:41Z", "value": 9.0}],
    }
    assert {total["tag"]: total["bad"] for total in found["totals"]} == {"LI": 0, "PI": 1}
    assert found["lines"][0]["examples"] == [{"line": 7, "said": "1;2\x1b[31m"}]


def test_every_finding_has_a_sentence_in_both_languages() -> None:
    for english, korean in [*CAUSES.values(), *TROUBLES.values()]:
        assert english.isascii()
        assert any("\uac00" <= letter <= "\ud7a3" for letter in korean)


def test_a_terminal_is_shown_nothing_that_it_obeys() -> None:
    assert plain("a\x1b]0;x\x07\u202eb\n") == "a\ufffd]0;x\ufffd\ufffdb\ufffd"


def test_instants_are_written_in_utc() -> None:
    assert written(1_000_001) == "1970-01-01T00:00:01.000001Z"


def test_a_file_with_endless_names_fills_no_memory() -> None:
    notes = Notes()
    for n in range(30_000):
        notes.count("unknown_tag", place=f"tag {n}", line=n)
    assert len(notes.counts()) <= 10_001
    assert notes.times("unknown_tag") == 30_000
