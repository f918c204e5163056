"""Drafts: whatever the file holds, both files pass their own checks, and what is a guess says so."""

from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.clean.draft import draft, quoted
from twin.clean.notes import Notes
from twin.clean.reader import blocks
from twin.clean.recording import Recording
from twin.clean.recording_file import FormatEntry
from twin.clean.survey import without_absent
from twin.errors import DataError
from twin.plant import Plant
from twin.read import parse

KOREAN = [
    "일자",
    "시각",
    "토출압력(bar)",
    "유량(㎥/h)",
    "모터전류(A)",
    "수온(℃)",
    "운전상태",
    "비고",
    "진동(mm/s)",
    "이상",
]


def rows(count: int = 120) -> list[list[str]]:
    return [
        [
            "2024-05-01",
            f"{n // 60:02d}:{n % 60:02d}:00",
            f"{3 + n % 7 / 10}",
            f"{12 + n % 5 / 10}",
            f"{8 + n % 3 / 10}",
            f"{35 + n / 100}",
            "정지" if n % 40 == 0 else "운전",
            f"메모 {n}",
            f"{1 + n % 9 / 10}",
            str(int(n > 100)),
        ]
        for n in range(count)
    ]


def korean_file(path: Path, encoding: str = "utf-8") -> Path:
    lines = [";".join(KOREAN), *(";".join(row).replace(".", ",") for row in rows())]
    path.write_bytes("\n".join(lines).replace("㎥", "m3").encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
def test_a_korean_file_becomes_a_plant_and_a_recording(tmp_path: Path, encoding: str) -> None:
    said = draft(korean_file(tmp_path / "기록.csv", encoding), tmp_path / "new")
    plant, recording = Plant.load(tmp_path / "new" / "plant.yaml"), Recording.load(tmp_path / "new" / "recording.yaml")
    reads = {tag.name: tag.reads.partition(".")[2] for tag in plant.tags.values()}
    assert {"pressure", "flow", "current", "temperature", "state"} <= set(reads)
    assert (reads["pressure"], reads["current"], reads["flow"]) == ("dp", "current", "delivered")
    assert recording.units["pressure"] == "bar"
    assert (recording.time.columns, recording.time.zone) == (["일자", "시각"], "Asia/Seoul")
    assert recording.labels == {"이상": "이상"}
    notes = Notes()
    assert sum(block.tag.size for block in blocks(recording, notes)) == 120 * 5
    assert notes.times("unreadable") == 0
    text = "\n".join(said)
    assert "the zone is a guess: Asia/Seoul" in text
    assert '"비고": not guessed: it holds text' in text
    assert '"진동(mm/s)": not guessed' in text
    drafted = (tmp_path / "new" / "recording.yaml").read_text(encoding="utf-8")
    assert '# not guessed: "비고"' in drafted
    assert "# guess: from the quantiles of this file" in drafted


def test_a_workbook_becomes_a_plant_and_a_recording(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([*KOREAN[2:6], "time"])
    for n, row in enumerate(rows()):
        book.active.append([*map(float, row[2:6]), f"2024-05-01 00:{n // 60:02d}:{n % 60:02d}"])
    book.save(tmp_path / "f.xlsx")
    draft(tmp_path / "f.xlsx", tmp_path / "new")
    recording = Recording.load(tmp_path / "new" / "recording.yaml")
    assert sum(block.tag.size for block in blocks(recording)) == 480


@pytest.mark.parametrize(
    ("times", "form"),
    [
        (["13.02.2024 10:00:00", "13.02.2024 10:00:05"], "%d.%m.%Y %H:%M:%S"),
        (["02/13/2024 10:00", "02/13/2024 10:01"], "%m/%d/%Y %H:%M"),
        (["2024-02-13 오전 10:00:00", "2024-02-13 오전 10:00:01"], "%Y-%m-%d %p %I:%M:%S"),
        (["2024-02-13T10:00:00Z", "2024-02-13T10:00:01Z"], "iso"),
        (["20240213100000", "20240213100001"], "%Y%m%d%H%M%S"),
        (["1707818400", "1707818401"], "unix_s"),
        (["1707818400000", "1707818400001"], "unix_ms"),
        (["0.0", "0.5"], "elapsed_s"),
    ],
)
def test_the_format_of_time_is_found(tmp_path: Path, times: list[str], form: str) -> None:
    (tmp_path / "f.csv").write_text("time;pressure (bar)\n" + "".join(f"{time};1.5\n" for time in times))
    draft(tmp_path / "f.csv", tmp_path / "new")
    assert Recording.load(tmp_path / "new" / "recording.yaml").time.format == form


def test_a_date_that_reads_two_ways_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("time;pressure (bar)\n02/03/2024 10:00;1.5\n02/03/2024 10:01;1.5\n")
    assert any("it would read as %d/%m/%Y %H:%M too" in line for line in draft(tmp_path / "f.csv", tmp_path / "new"))


def test_columns_named_as_a_shipped_plants_tags_read_the_same(tmp_path: Path) -> None:
    lines = "".join(f"{n},21.5,21.6,20.1,True,False\n" for n in range(0, 300, 3))
    (tmp_path / "f.csv").write_text("time,t1,t2,t3,heater_on,fan_on\n" + lines)
    draft(tmp_path / "f.csv", tmp_path / "new")
    reads = {tag.name: tag.reads for tag in Plant.load(tmp_path / "new" / "plant.yaml").tags.values()}
    assert (reads["t1"], reads["t3"], reads["heater_on"]) == ("chamber.T_sensor", "chamber.T_room", "chamber.heater")
    drafted = (tmp_path / "new" / "recording.yaml").read_text(encoding="utf-8")
    assert 'words: {"True": 1}' in drafted


def test_drafts_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "plant.yaml").write_text("mine")
    with pytest.raises(DataError, match=r"plant\.yaml: exists; name another folder"):
        draft(korean_file(tmp_path / "f.csv"), tmp_path / "new")
    assert (tmp_path / "new" / "plant.yaml").read_text() == "mine"


def test_a_file_in_the_folder_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    draft(korean_file(tmp_path / "data" / "f.csv"), tmp_path)
    assert Recording.load(tmp_path / "recording.yaml").file == tmp_path / "data" / "f.csv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a;b\n1;2\n", "no column reads as time"),
        ("time;x;y\n2024-01-01 00:00:00;1;2\n", "no column says what it measures"),
        ("time;x\n", "holds no rows below its header"),
    ],
)
def test_a_file_that_says_too_little_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        draft(tmp_path / "f.csv", tmp_path / "new")
    assert not (tmp_path / "new").exists()


HOSTILE = [
    "=cmd|' /C calc'!A0 pressure",
    "a: {b}",
    '"',
    "\\",
    "#",
    "- x",
    "x\ttemp",
    "&a *b",
    "!!python/x",
    "\u2028flow",
    "%",
]


def test_hostile_headers_are_only_names(tmp_path: Path) -> None:
    heads = [head.replace('"', '""') for head in HOSTILE]
    lines = ",".join(["time", "pressure (bar)", *(f'"{head}"' for head in heads)]) + "\n"
    values = ",".join(["1.5"] * (len(HOSTILE) + 1))
    lines += "".join(f"2024-01-01 00:00:{n:02d},{values}\n" for n in range(60))
    (tmp_path / "f.csv").write_text(lines, encoding="utf-8")
    draft(tmp_path / "f.csv", tmp_path / "new")
    plant, recording = Plant.load(tmp_path / "new" / "plant.yaml"), Recording.load(tmp_path / "new" / "recording.yaml")
    assert all(name.isascii() and name.replace("_", "").isalnum() for name in plant.tags)
    assert sum(block.tag.size for block in blocks(recording)) == 60 * len(recording.columns)


@given(st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_back_from_yaml(text: str) -> None:
    clean = "".join("?" if "\ud800" <= c <= "\udfff" else c for c in text)
    line = f"{quoted(text)}: {quoted(text)}  # {quoted(text)}\n"
    assert "\n" not in line[:-1]
    assert parse(line, "x") == {clean: clean}


def drafted(tmp_path: Path, lines: list[str], how: FormatEntry | None = None) -> tuple[str, Recording]:
    """Return what is said of a file of these lines, and the recording that is drafted."""
    (tmp_path / "f.csv").write_text("\n".join(lines) + "\n")
    said = "\n".join(draft(tmp_path / "f.csv", tmp_path / "new", how))
    return said, Recording.load(tmp_path / "new" / "recording.yaml")


def test_lines_of_odd_lengths_are_told_and_skipped_by_the_draft_too(tmp_path: Path) -> None:
    lines = ["time,temperature (degC)", *(f"2024-05-01 08:00:{n:02d},{20 + n % 3}" for n in range(30))]
    lines[7] += ",9,9"
    said, recording = drafted(tmp_path, lines)
    assert "1 lines have too many or too few cells: skipped and counted" in said
    assert recording.format.broken == "skip"
    notes = Notes()
    assert sum(block.tag.size for block in blocks(recording, notes)) == 29
    assert notes.times("ragged") == 1


@pytest.mark.parametrize("word", ["3.402823E+38", "-9999"])
def test_a_number_that_means_no_value_is_named_and_left_out_of_the_range(tmp_path: Path, word: str) -> None:
    cells = [word if n % 20 == 0 else str(20 + n % 7) for n in range(200)]
    lines = ["time,temperature (degC)", *(f"2024-05-01 08:{n // 60:02d}:{n % 60:02d},{c}" for n, c in enumerate(cells))]
    said, recording = drafted(tmp_path, lines)
    assert f"{float(word):g} looks like 'no value'" in said
    assert "range: {low: -100, high: 146}" in (tmp_path / "new" / "recording.yaml").read_text()
    assert recording.plant.tags["temperature"].noise < 20.0


def test_a_number_seen_once_or_twice_is_no_word_for_nothing() -> None:
    values = np.array([*np.linspace(1.0, 2.0, 50), 900.0, 900.0])
    kept, absent = without_absent(values)
    assert (kept.size, absent) == (52, ())


def test_what_cannot_be_found_out_can_be_said(tmp_path: Path) -> None:
    lines = ["time;temperature (degC)", *(f"2024-05-01 08:00:{n:02d};29,85{n % 10}" for n in range(30))]
    with pytest.raises(DataError, match="may have a decimal sign or thousands"):
        drafted(tmp_path, lines)
    assert not (tmp_path / "new").exists()
    said, recording = drafted(tmp_path, lines, FormatEntry(decimal=","))
    assert recording.format.decimal == ","
    assert "decimal sign: ," in said


def test_a_draft_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Recording, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draft(korean_file(tmp_path / "f.csv"), tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
