"""Readings as text: all of them, under their own names, and nothing that a spreadsheet would reckon."""

import csv
import io
import json
import math
from pathlib import Path

import msgspec
import pytest

from tests.journals import RUN, T0, data, draft, filled, gap, hello, opened
from twin.errors import DataError
from twin.journal import prune, store
from twin.journal.export import ALL, Choice, Exported, cell, export, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def exported(folder: Path, choice: Choice = ALL, **options: object) -> tuple[list[dict[str, str]], Exported]:
    """Return the CSV's rows as a program reads them."""
    out: list[str] = []
    done = export(folder, out.append, choice, **options)  # type: ignore[arg-type]
    return [*csv.DictReader(io.StringIO("".join(out)))], done


def flip(folder: Path, body: bytes) -> None:
    """Damage an entry."""
    raw = bytearray((folder / store.FILE).read_bytes())
    raw[raw.index(body) + len(body) // 2] ^= 1
    (folder / store.FILE).write_bytes(raw)


def test_every_reading_is_written_with_its_name_time_unit_and_quality(folder: Path) -> None:
    rows = [
        (0, T0, 0.1 + 0.2, 0),
        (1, T0 + 1, -1e-9, 0x40000000),
        (0, T0 + 2, 7.0, 0x80310000),
        (1, T0, 1.0, 0x40920000),
    ]
    with opened(folder) as journal:
        journal.append([hello(), draft("data", "gw1", 1, msgspec.msgpack.encode({"t": "data", "seq": 1, "r": rows}))])
    found, done = exported(folder)
    assert done == Exported(readings=4, lost=0, damaged=0)
    assert found[0] == {
        "tag": "TI-1", "time": "2026-03-01T12:00:00.000000Z", "value": "0.30000000000000004", "unit": "degC",
        "quality": "Good",
    }  # fmt: skip
    assert [(r["tag"], float(r["value"]), r["quality"]) for r in found[1:]] == [
        ("PI-2", -1e-9, "Uncertain"), ("TI-1", 7.0, "BadNoCommunication"), ("PI-2", 1.0, "0x40920000"),
    ]  # fmt: skip


def test_what_is_no_number_is_bad_and_never_passes_for_one(folder: Path) -> None:
    said = b'{"t":"data","seq":1,"r":[[0,1,null,0]]}'
    rows = [(0, T0, math.nan, 0), (0, T0, math.inf, 0x40000000)]
    packed = msgspec.msgpack.encode({"t": "data", "seq": 2, "r": rows})
    with opened(folder) as journal:
        journal.append([hello(), draft("data", "gw1", 1, said), draft("data", "gw1", 2, packed)])
    assert [(r["value"], r["quality"]) for r in exported(folder)[0]] == [("nan", "Bad"), ("nan", "Bad"), ("inf", "Bad")]
    out: list[str] = []
    export(folder, out.append, form="jsonl")
    lines = [json.loads(line) for line in "".join(out).splitlines()]
    assert [line["value"] for line in lines] == [None] * 3
    assert lines[0] == {
        "tag": "TI-1", "time": "1970-01-01T00:00:00.000001Z", "value": None, "unit": "degC", "quality": "Bad",
    }  # fmt: skip


def test_names_are_those_of_the_hello_before(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append(
            [hello(tags=("A", "B")), data(1, 2), hello(tags=("C", "D")), data(2, 2), hello(run=9), data(3, 1)]
        )
        journal.append([hello(tags=("E", "F"))])
    assert [row["tag"] for row in exported(folder)[0]] == ["A", "B", "C", "D", "C"]
    with opened(folder) as journal:
        assert prune(journal, 4, seconds=9.0) == 0
    assert [row["tag"] for row in exported(folder)[0]] == ["C", "D", "C"], "also behind pruned hellos"


def test_a_choice_of_tags_and_times_is_kept_to(folder: Path) -> None:
    filled(folder, 30)
    everything, _ = exported(folder)
    chosen, done = exported(folder, Choice(T0 + 5_000_000, T0 + 7_000_000, frozenset({"TI-1"})))
    since, until = "2026-03-01T12:00:05.000000Z", "2026-03-01T12:00:07.000000Z"
    assert chosen == [row for row in everything if row["tag"] == "TI-1" and since <= row["time"] < until]
    assert done.readings == len(chosen) == 20


def test_a_tag_that_never_was_is_refused(folder: Path) -> None:
    filled(folder, 5)
    with pytest.raises(DataError, match=r"no tag 'TI-2'; did you mean 'TI-1'"):
        export(folder, print, Choice(tags=frozenset({"TI-1", "TI-2"})))


def test_declared_loss_is_counted(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(), gap(1, 7), data(8), gap(9, 9)])
    assert exported(folder)[1] == Exported(readings=20, lost=8, damaged=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("degC", "degC"), ("", ""), ("-", "'-"), ("=1+1", "'=1+1"), ("@SUM", "'@SUM"), ("+x", "'+x"), ("\tx", "'\tx"),
        ("\rx", '"\'\rx"'), ("\0x", "'\0x"), ("a,b", '"a,b"'), ('a"b', '"a""b"'), ("a\nb", '"a\nb"'), ("m3/h", "m3/h"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(text: str, expected: str) -> None:
    assert cell(text) == expected
    read = next(csv.reader(io.StringIO(expected + "\n", newline="")), [""])
    assert (read or [""])[0].lstrip("'") == text.lstrip("'")


def test_damage_ends_an_export_unless_it_is_skipped(folder: Path) -> None:
    entries = filled(folder, 10)
    flip(folder, entries[7].body)
    with pytest.raises(DataError, match="entry 8 is damaged"):
        exported(folder)
    found, done = exported(folder, skip_damaged=True)
    assert done.damaged == 1
    lost = len(store._FROM_PACK.decode(entries[7].body).r)
    assert len(found) == done.readings == 10 * 25 - lost


def test_readings_whose_names_are_lost_are_left_out(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(tags=("A", "B")), data(1, 2), hello(tags=("C", "D")), data(2, 2)])
        journal.append([hello(tags=("E", "F")), data(3, 2)])
    flip(folder, hello(tags=("C", "D")).body)
    found, done = exported(folder, skip_damaged=True)
    assert [row["tag"] for row in found] == ["A", "B", "E", "F"]
    assert done == Exported(readings=4, lost=0, damaged=2)


def test_progress_is_told(folder: Path) -> None:
    filled(folder, 100)
    seen: list[tuple[int, int]] = []
    export(folder, lambda text: None, progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1][1] == 313


def interrupt(length: int, out: Path) -> None:
    assert length == 4
    assert not out.exists()
    raise KeyboardInterrupt


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(KeyboardInterrupt), written(out) as file:
        interrupt(file.write("half"), out)
    assert [*tmp_path.iterdir()] == []
    with written(out) as file:
        file.write("whole")
    assert [f.name for f in tmp_path.iterdir()] == ["out.csv"]
    with pytest.raises(DataError, match=r"out\.csv: is already there; choose another name"), written(out):
        raise AssertionError
    assert out.read_text() == "whole"
    with pytest.raises(DataError, match="can't be written: No such file or directory"), written(tmp_path / "no" / "x"):
        raise AssertionError


def test_what_is_written_meanwhile_waits_for_the_next_export(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(), *(data(n, 2) for n in range(1, 400))])
        seq = 400

        def write(text: str) -> None:
            nonlocal seq
            journal.append([data(seq, 2)])
            seq += 1

        assert export(folder, write).readings == 798
    assert journal.path.exists()
    assert exported(folder)[1].readings == 2 * (seq - 1)


def test_another_runs_numbers_do_not_mix(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(run=RUN), hello(run=9, tags=("X", "Y")), data(1, 1), data(1, 1, run=9)])
    assert [row["tag"] for row in exported(folder)[0]] == ["TI-1", "X"]
