"""History holds every instant once, however often it is written."""

import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from twin.documents import Advisory
from twin.errors import DataError
from twin.history.reader import FILE, Damaged, History
from twin.history.row import Row
from twin.live.diagnosis import Verdict
from twin.live.instant import Instant
from twin.live.scribe import HistoryFull, Scribe
from twin.monitor.life import Change


def change(time: float, subject: str = "TI-1") -> Change:
    return Change(time, "adv-1", "normal", "unacknowledged", "twin", "", "raised", subject)


def instant(time: float, *changes: Change, expected: float = 1.0) -> Instant:
    array = np.array([time, np.nan])
    verdict = Verdict(True, (("pump_1.wear", 0.7),), 4.0, time - 1.0)
    quality = np.array([0, 2**31], np.uint32)
    return Instant(
        time, array, quality, array * 0 + expected, array + 1, verdict, (), changes, 0.9, np.array([[time], [0.1]])
    )


def advisory(key: str, values: dict[str, float | str] | None = None) -> Advisory:
    return Advisory(
        id="adv-1", key=key, code="stale", state="unacknowledged", priority=2, size=1.0, peak=1.0, probability=1.0,
        since=1.0, raised=1.0, changed=1.0, values=values or {}, about=(), hidden_by="", by="", reason="", until=1e9,
        note="",
    )  # fmt: skip


def everything(folder: Path) -> list[object]:
    with sqlite3.connect(folder / FILE) as db:
        names = ("instants", "changes", "standing")
        return [db.execute(f"select * from {name} order by 1, 2").fetchall() for name in names]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history:
        history.describe(tags=["TI-1"], noise=[0.5])
        history.add([(3, instant(1.5)), (4, instant(2.5, change(2.5)))], [advisory("TI-1")])
    with History(tmp_path) as history:
        rows = list(history.rows())
        assert [row.time for row in rows] == [1.5, 2.5]
        assert isinstance(rows[0], Row)
        assert rows[1].quality.tolist() == [0, 2**31]
        assert np.isnan(rows[1].reading[1])
        assert (rows[0].fit, rows[0].suspicious, rows[0].candidates) == (0.9, True, [["pump_1.wear", 0.7]])
        assert history.changes() == [change(2.5)]
        assert [a.key for a in history.standing()] == ["TI-1"]
        assert (history.about("tags"), history.about("noise"), history.about("other")) == (["TI-1"], [0.5], None)
        assert [row.time for row in history.rows(1.5)] == [2.5]
        assert [row.time for row in history.rows(until=1.5)] == [1.5]


def test_written_twice_and_cut_otherwise_it_is_written_once(tmp_path: Path) -> None:
    told = [
        (1, instant(1.0, change(1.0), change(1.0, "TI-2"))), (1, instant(2.0, change(2.0, "TI-3"))),
        (4, instant(3.0)), (6, instant(4.0, change(4.0))), (9, instant(9.0, change(9.0, "TI-9"))),
    ]  # fmt: skip
    once, twice = tmp_path / "once", tmp_path / "twice"
    for folder in (once, twice):
        folder.mkdir()
    with Scribe(once) as history:
        history.add(told, [advisory("TI-9")])
    with Scribe(twice) as history:
        history.add(told[:2], [advisory("TI-3")])
        history.add(told[2:4], [advisory("TI-1")])
    with Scribe(twice) as history:  # killed, and taken up after entry 0
        history.add(told[:3], [advisory("TI-3")])
        history.add(told[3:], [advisory("TI-9")])
    assert everything(once) == everything(twice)
    with History(twice) as history:
        assert [said.subject for said in history.changes()] == ["TI-1", "TI-2", "TI-3", "TI-1", "TI-9"]


def test_an_instant_without_readings_leaves_its_changes_alone(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0)), (2, instant(1.0, change(1.0), expected=np.nan))], [])
        assert len(list(history.rows())) == len(history.changes()) == 1


def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0, change(1.0)))], [advisory("TI-1")])
        before = everything(tmp_path)
        history.add([], [])
        history.add([(2, instant(2.0, expected=np.nan))], [])
        assert everything(tmp_path) == before


def test_a_reader_sees_whole_instants_while_it_is_written(tmp_path: Path) -> None:
    with Scribe(tmp_path) as writer, History(tmp_path) as reader:
        for k in range(20):
            writer.add([(k, instant(float(k), change(float(k))))], [advisory(f"TI-{k}")])
            assert len(list(reader.rows())) == len(reader.changes()) == k + 1
            assert [a.key for a in reader.standing()] == [f"TI-{k}"]


def test_where_there_is_no_history_a_reader_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"history\.sqlite: is not there: no twin has followed"):
        History(tmp_path)


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(DataError, match=r"is damaged, or no history \(file is not a database\); move it away"):
        Scribe(tmp_path)


@pytest.mark.parametrize("kind", [History, Scribe])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: type[History]) -> None:
    os.mkfifo(tmp_path / FILE)
    with pytest.raises(DataError, match="is no regular file; move it away"):
        kind(tmp_path)


def test_a_file_that_is_taken_away_is_noticed(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history:
        history.check()
        (tmp_path / FILE).rename(tmp_path / "elsewhere")
        with pytest.raises(DataError, match="was moved away or deleted; the twin begins it anew"):
            history.check()
        (tmp_path / FILE).touch()
        with pytest.raises(DataError, match="was moved away"):
            history.check()


def test_tables_that_are_not_there_are_no_defect(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history, sqlite3.connect(tmp_path / FILE) as db:
        db.execute("drop table standing")
        with pytest.raises(Damaged, match="no such table: standing"):
            history.standing()


def test_a_history_that_cannot_be_written_says_so_and_holds_what_it_held(tmp_path: Path) -> None:
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0))], [])
        before = everything(tmp_path)
        history._db.execute("pragma max_page_count=1")
        with pytest.raises(HistoryFull, match="history can't be written: database or disk is full; make room"):
            history.add([(n, instant(float(n), change(float(n)))) for n in range(2, 2000)], [])
        assert everything(tmp_path) == before
        history._db.execute("pragma max_page_count=1000000")
        history.add([(2, instant(2.0))], [])
        history.sync()
        assert [row.time for row in history.rows()] == [1.0, 2.0]
