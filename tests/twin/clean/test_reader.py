"""The readings of a recording, and what was mended or left out on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.twin.clean.bench import PI, TI, XI, plant
from twin.clean import reader
from twin.clean.block import BAD, GOOD, STATUSES, Block, joined
from twin.clean.notes import Notes
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording
from twin.errors import DataError

HEAD = "recording: r\nplant: plant.yaml\nfile: f.csv\n"
WIDE = HEAD + "time: {columns: t, zone: UTC}\ncolumns: {p: {tag: PI, unit: bar}, T: TI}\n"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    plant(tmp_path)

    def run(text: str, data: str | bytes) -> tuple[Block, Notes, Recording]:
        (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "f.csv").write_bytes(data if isinstance(data, bytes) else data.encode())
        recording, notes = Recording.load(tmp_path / "r.yaml"), Notes()
        return joined(list(blocks(recording, notes))), notes, recording

    return run


def day(text: str) -> int:
    return int(np.datetime64(f"2024-01-01T{text}", "us").astype(np.int64))


def test_every_cell_is_a_reading_in_order_of_time_and_columns(read: Any) -> None:
    block, notes, _ = read(WIDE, "t;p;T;x\n2024-01-01 00:00:00;1.5;20;9\n2024-01-01 00:00:01;1.6;;9\n")
    assert block.tag.tolist() == [PI, TI, PI]
    assert block.value.tolist() == [1.5, 20.0, 1.6], "raw: in the source's units"
    assert block.time.tolist() == [day("00:00:00"), day("00:00:00"), day("00:00:01")]
    assert notes.facts["columns not used"] == "x"
    assert [(c.trouble, c.place, c.times) for c in notes.counts()] == [("empty", "T", 1)]


def test_missing_and_unreadable_cells_are_bad_readings_by_their_lines(read: Any) -> None:
    rows = "".join(
        f"2024-01-01 00:00:{n:02d};{v};1\n" for n, v in enumerate(["1", "NaN", "null", "kaputt", "1_0", "inf"])
    )
    block, notes, recording = read(WIDE, "t;p;T\n" + rows)
    pressure = block.part(block.tag == PI)
    np.testing.assert_array_equal(pressure.value, [1.0, np.nan, np.nan, np.nan, np.nan, np.inf])
    assert pressure.quality.tolist() == [GOOD, BAD, BAD, BAD, BAD, GOOD]
    counts = {count.trouble: [(e.line, e.said) for e in count.examples] for count in notes.counts()}
    assert counts == {"missing": [(3, "NaN"), (4, "null")], "unreadable": [(5, "kaputt"), (6, "1_0")]}
    assert recording.cleaner().put(pressure).quality.tolist() == [GOOD, BAD, BAD, BAD, BAD, BAD]


def test_a_column_that_hardly_holds_numbers_is_refused_with_its_first_line(read: Any) -> None:
    rows = "".join(f"2024-01-01 00:00:{n:02d};{n},5;1.0\n" for n in range(30))
    with pytest.raises(DataError, match=r"f\.csv.*decimal sign changes"):
        read(WIDE, "t;p;T\n" + rows)
    text = WIDE.replace("time:", "format: {decimal: '.'}\ntime:")
    with pytest.raises(DataError, match=r"f\.csv:2: column 'p': 30 of 30 cells are no numbers, the first is '0,5'"):
        read(text, "t;p;T\n" + rows)


def test_rows_out_of_order_are_sorted_and_counted(read: Any) -> None:
    block, notes, _ = read(WIDE, "t;p;T\n" + "".join(f"2024-01-01 00:00:0{n};{n};1\n" for n in (2, 1, 3, 0)))
    assert block.part(block.tag == PI).value.tolist() == [0.0, 1.0, 2.0, 3.0]
    (count,) = notes.counts()
    assert (count.trouble, count.times, [e.line for e in count.examples]) == ("disorder", 2, [3, 5])


def test_equal_times_keep_the_order_of_lines_and_are_judged_by_the_cleaner(read: Any) -> None:
    lines = "t;p;T\n2024-01-01 00:00:01;1;5\n2024-01-01 00:00:01;1;6\n2024-01-01 00:00:00;0;5\n"
    block, _, recording = read(WIDE, lines)
    engine = recording.cleaner()
    out = engine.put(block)
    causes = {(f.tag, f.cause): f.times for f in engine.tally.findings()}
    assert causes == {("PI", "duplicate"): 1, ("TI", "conflict"): 1}
    assert out.part(out.tag == TI).quality.tolist() == [GOOD, GOOD, BAD]


def test_disorder_that_reaches_too_far_is_refused_rather_than_passed_on(
    read: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reader, "HELD", 10)
    start = np.datetime64("2024-01-01T00:00:00")
    rows = [f"{start + n};1;2\n" for n in range(50_000)]
    block, _, _ = read(WIDE, "t;p;T\n" + "".join(rows))
    assert block.tag.size == 100_000
    with pytest.raises(DataError, match="a time is older than one over 10 readings before; sort the file by time"):
        read(WIDE, "t;p;T\n" + "".join([*rows, rows[5]]))


def test_a_time_that_cannot_be_read_is_refused_or_counted(read: Any) -> None:
    lines = "t;p;T\n2024-01-01 00:00:00;1;2\n2024-01-32 00:00:00;1;2\n2024-01-01 00:00:02;1;2\n"
    with pytest.raises(DataError, match=r"f\.csv:3: time '2024-01-32 00:00:00': there is no day 2024-01-32; mend"):
        read(WIDE, lines)
    block, notes, _ = read(WIDE.replace("time:", "format: {broken: skip}\ntime:"), lines)
    assert (block.tag.size, notes.times("bad_time")) == (4, 1)


def test_a_time_that_the_clocks_jumped_over_is_named(read: Any) -> None:
    with pytest.raises(DataError, match=r"f\.csv:2: local time 2023-03-26 02:30:00 never was in Europe/Berlin"):
        read(WIDE.replace("UTC", "Europe/Berlin"), "t;p;T\n2023-03-26 02:30:00;1;2\n")


def test_the_hour_that_comes_twice_is_told_apart_and_counted(read: Any) -> None:
    lines = "".join(f"2023-10-29 02:{m}:00;{n};2\n" for n, m in enumerate(("00", "30", "00", "30")))
    block, notes, _ = read(WIDE.replace("UTC", "Europe/Berlin"), "t;p;T\n" + lines)
    assert np.diff(block.part(block.tag == PI).time).tolist() == [1_800_000_000] * 3
    assert notes.times("twice") == 4


def test_date_and_time_in_two_columns_are_joined(read: Any) -> None:
    text = WIDE.replace("columns: t,", "columns: [일자, 시각],")
    block, _, _ = read(text, "일자;시각;p;T\n2024-01-01;00:00:01;1;2\n".encode("cp949"))
    assert block.time.tolist() == [day("00:00:01")] * 2


def test_a_file_in_other_units_than_the_recording_says_is_refused(read: Any) -> None:
    lines = "t;p;T\n;kPa;℃\n2024-01-01 00:00:00;150;20\n"
    with pytest.raises(DataError, match=r"column 'p' is in 'kPa' there and in 'bar' in the recording; say which"):
        read(WIDE, lines)
    block, _, _ = read(WIDE.replace("unit: bar", "unit: kPa"), lines)
    assert block.value.tolist() == [150.0, 20.0]


def test_modes_written_out_and_quality_words_are_read(read: Any) -> None:
    text = HEAD + (
        "time: {columns: t, zone: UTC}\ncolumns: {m: {tag: XI, words: {RUN: 1, STOP: 0}, quality: q}}\n"
        "recipe: {tags: {XI: {quality: {OK: good, ERR: BadSensorFailure}, codes: {0: 0, 1: 5}}}}\n"
    )
    rows = zip(("RUN", "STOP", "RUN", "FAULT"), ("OK", "err", "huh", ""), strict=True)
    lines = "".join(f"2024-01-01 00:00:0{n};{m};{q}\n" for n, (m, q) in enumerate(rows))
    block, notes, recording = read(text, "t;m;q\n" + lines)
    failure, configuration = STATUSES["BadSensorFailure"], STATUSES["BadConfigurationError"]
    assert block.quality.tolist() == [GOOD, failure, configuration, BAD]
    assert notes.times("quality_unknown") == 1
    assert recording.cleaner().put(block).value[:1].tolist() == [5.0]


@pytest.mark.parametrize(
    ("said", "code"),
    [("0", 0), ("192", 192), ("Good", 0), ("bad", BAD), ("2147483648", BAD), ("UncertainLastUsableValue", 0x40900000)],
)
def test_a_quality_column_without_a_map_holds_status_codes_or_their_names(read: Any, said: str, code: int) -> None:
    text = HEAD + "time: {columns: t, zone: UTC}\ncolumns: {p: {tag: PI, quality: q}}\n"
    assert read(text, f"t;p;q\n2024-01-01 00:00:00;1;{said}\n")[0].quality.tolist() == [code]


def test_a_file_with_one_reading_a_line_names_its_tags(read: Any) -> None:
    text = HEAD + (
        "time: {columns: t, format: unix_s}\nlong: {tag: 태그, value: v, quality: q}\n"
        "columns: {P-7: {tag: PI, unit: kPa}, M: {tag: XI, words: {on: 1}}}\n"
    )
    lines = "t,태그,v,q\n5,P-7,150,0\n5,X-1,1,0\n6,M,on,64\n6,P-7,,0\n7,X-1,2,0\n"
    block, notes, _ = read(text, lines)
    assert block.tag.tolist() == [PI, XI]
    assert (block.value.tolist(), block.quality.tolist()) == ([150.0, 1.0], [0, 64])
    counts = [(c.trouble, c.place, c.times, c.examples[0].line if c.examples else 0) for c in notes.counts()]
    assert ("unknown_tag", "X-1", 2, 3) in counts
    assert ("empty", "P-7", 1, 0) in counts


def test_labels_stay_apart_from_readings(read: Any) -> None:
    text = WIDE + "labels: {anomaly: 이상}\n"
    block, notes, recording = read(text, "t;p;T;이상\n2024-01-01 00:00:01;1;2;1\n2024-01-01 00:00:00;1;2;0\n")
    assert set(block.tag.tolist()) == {PI, TI}
    found = labels(recording)
    assert found.time.tolist() == [day("00:00:00"), day("00:00:01")]
    assert found.marks["anomaly"].tolist() == [0.0, 1.0]
    assert "이상" not in notes.facts["columns not used"]


def test_blocks_are_of_bounded_size_and_the_same_readings_however_cut(read: Any) -> None:
    rows = "".join(f"2024-01-01 00:{n // 60:02d}:{n % 60:02d};{n}.5;1\n" for n in range(300))
    whole, _, recording = read(WIDE, "t;p;T\n" + rows)
    parts = list(blocks(recording, size=7))
    assert max(part.tag.size for part in parts) == 7
    for one, other in zip(joined(parts), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_recording_without_its_file_says_so(read: Any, tmp_path: Path) -> None:
    recording = read(WIDE, "t;p;T\n2024-01-01 00:00:01;1;2\n")[2]
    (tmp_path / "f.csv").unlink()
    with pytest.raises(DataError, match=r"r: there is no file .*f\.csv.*; name another with --file"):
        list(blocks(recording))


MEAN = HEAD + "time: {columns: t, zone: UTC}\ncolumns: {p: {tag: PI, unit: bar, mean: [a, b]}}\n"


def test_a_column_that_the_file_lacks_is_the_mean_of_others_and_the_report_says_so(read: Any) -> None:
    block, notes, _ = read(MEAN, "t;a;b\n2024-01-01 00:00:00;1.5;2\n2024-01-01 00:00:01;1;3\n")
    assert block.value.tolist() == [1.75, 2.0]
    assert block.tag.tolist() == [PI, PI]
    assert notes.facts["p is the mean of"] == "a, b"
    assert notes.facts["columns not used"] == "none"


def test_a_column_that_is_there_is_read_and_no_mean_made(read: Any) -> None:
    block, notes, _ = read(MEAN, "t;a;b;p\n2024-01-01 00:00:00;1.5;2;9\n")
    assert block.value.tolist() == [9.0]
    assert "p is the mean of" not in notes.facts
    assert notes.facts["columns not used"] == "a, b"


def test_a_mean_of_what_is_missing_is_none_and_says_what_stood_there(read: Any) -> None:
    rows = "".join(f"2024-01-01 00:00:{n:02d};{a};{b}\n" for n, (a, b) in enumerate([(1, 2), (1, ""), (1, "NaN")]))
    block, notes, _ = read(MEAN, "t;a;b\n" + rows)
    np.testing.assert_array_equal(block.value, [1.5, np.nan])
    assert block.quality.tolist() == [GOOD, BAD]
    counts = {count.trouble: (count.place, [e.said for e in count.examples]) for count in notes.counts()}
    assert counts == {"empty": ("p", []), "missing": ("p", ["1, NaN"])}


def test_a_mean_of_a_column_that_is_not_there_either_is_refused(read: Any) -> None:
    said = r"f\.csv: has neither column 'p' nor 'b', which its mean is of; name others under mean"
    with pytest.raises(DataError, match=said):
        read(MEAN, "t;a\n2024-01-01 00:00:00;1.5\n")
