"""Intervals say of many instants what a screen can show of them, whenever and however they were written."""

from pathlib import Path

import numpy as np
import pytest

from twin.history.reader import FILE, History
from twin.history.row import NOTHING, Row, merged, of_row, shown_quality, side_by_side
from twin.history.trends import kept
from twin.live.diagnosis import Verdict
from twin.live.instant import Instant
from twin.live.scribe import Scribe
from twin.quality import BAD, GOOD, UNCERTAIN

NOTE = Verdict(False, (), 0.0, 0.0)
T0 = 1_700_000_000.0


def instants(count: int, every: float = 1.0, first: int = 0) -> list[tuple[int, Instant]]:
    found = []
    for k in range(first, first + count):
        reading = np.array([np.sin(0.1 * k), float(k)])
        body = Instant(
            T0 + k * every, reading, np.zeros(2, np.uint32), reading + 0.5, np.full(2, 0.25), NOTE, (), (), 1.0,
            np.array([[k / 10.0], [0.1]]),
        )  # fmt: skip
        found.append((k, body))
    return found


def written(folder: Path, count: int, every: float = 1.0, cuts: tuple[int, ...] = ()) -> History:
    with Scribe(folder) as scribe:
        scribe.describe(every=every)
        said = instants(count, every)
        for start, end in zip((0, *cuts), (*cuts, count), strict=True):
            scribe.add(said[start:end], [])
    return History(folder)


def test_a_short_span_is_shown_instant_by_instant(tmp_path: Path) -> None:
    with written(tmp_path, 300) as history:
        found = history.trend(T0 - 1.0, T0 + 299.0, 750)
    assert found.times.tolist() == [T0 + k for k in range(300)]
    assert np.array_equal(found.low, found.high)
    assert found.low[1].tolist() == list(range(300))
    assert found.believed[0, 0, -1] == 29.9


def test_no_extreme_is_lost_in_a_long_span(tmp_path: Path) -> None:
    count = 20_000
    with written(tmp_path, count) as history:
        found = history.trend(T0 - 1.0, T0 + count, 100)
    truth = np.sin(0.1 * np.arange(count))
    assert found.times.size <= 210
    assert (found.low[0].min(), found.high[0].max()) == (truth.min(), truth.max())
    assert (found.low[1].min(), found.high[1].max()) == (0.0, count - 1.0)
    assert np.all(np.diff(found.times) > 0.0)


def test_intervals_tell_means_of_what_was_expected(tmp_path: Path) -> None:
    count = 20_000
    with written(tmp_path, count) as history:
        found = history.trend(T0 - 1.0, T0 + count, 100)
    # what was expected of the second tag grows by one a second: its mean over an interval is that of its middle
    middle = found.times - T0 + 0.5
    assert found.expected[1][1:-4] == pytest.approx(middle[1:-4] + 0.5, abs=1.0)
    assert found.deviation == pytest.approx(0.25)


def test_cut_anywhere_and_written_twice_intervals_are_the_same(tmp_path: Path) -> None:
    for name, cuts in (("once", ()), ("cut", (17, 18, 700, 1201))):
        (tmp_path / name).mkdir()
        written(tmp_path / name, 1500, cuts=cuts).close()
    with Scribe(tmp_path / "cut") as scribe:
        scribe.add(instants(800, first=700), [])  # killed, and taken up behind instant 700
    with History(tmp_path / "once") as once, History(tmp_path / "cut") as cut:
        for points in (10, 50, 300):
            one, other = (h.trend(T0 - 1.0, T0 + 1500.0, points) for h in (once, cut))
            for a, b in zip(one, other, strict=True):
                assert np.array_equal(a, b, equal_nan=True)


def test_a_hole_of_weeks_makes_no_intervals(tmp_path: Path) -> None:
    with Scribe(tmp_path) as scribe:
        scribe.describe(every=1.0)
        scribe.add(instants(100), [])
        scribe.add(instants(100, first=3_000_000), [])
    with History(tmp_path) as history:
        found = history.trend(T0 - 1.0, T0 + 4e6, 100)
    assert found.times.size < 20
    assert found.high[1].max() == 3_000_099.0


def test_instants_far_apart_are_kept_in_long_intervals_alone() -> None:
    assert kept(0.1) == (2, 10, 30, 120, 600)
    assert kept(1.0) == (10, 30, 120, 600)
    assert kept(60.0) == (600,)
    assert kept(3600.0) == (600,)


def test_the_worst_quality_is_shown_and_nothing_only_where_nothing_else_was() -> None:
    status = np.array([GOOD, UNCERTAIN, BAD, GOOD], np.uint32)
    reading = np.array([1.0, 1.0, np.nan, np.nan])
    assert shown_quality(status, reading).tolist() == [0, 1, 2, NOTHING]
    empty = np.full(4, np.nan)
    row = Row(0.0, reading, status, reading, reading, 1.0, False, [])
    nothing = Row(1.0, empty, np.zeros(4, np.uint32), reading, reading, 1.0, False, [])
    assert merged([of_row(row), of_row(nothing)], 0.5).quality.tolist() == [0, 1, 2, NOTHING]


def test_rows_of_another_plant_are_left_out_of_one_picture() -> None:
    two, three = (np.zeros(n) for n in (2, 3))
    rows = [Row(float(k), a, a.astype(np.uint32), a, a, 1.0, False, []) for k, a in enumerate((two, three, three))]
    assert side_by_side([of_row(row) for row in rows]).times.tolist() == [1.0, 2.0]
    assert side_by_side([]).times.size == 0


def test_what_is_shown_now_is_replaced_and_read_while_it_is_written(tmp_path: Path) -> None:
    with Scribe(tmp_path) as scribe:
        scribe.describe(every=1.0)
        with History(tmp_path) as history:
            assert history.live("status") is None
            before = history.version()
            scribe.show(status={"entry": 1}, head=[[1.0, *[np.zeros(1)] * 4, 1.0, False, [], np.zeros((2, 1))]])
            assert history.version() != before
            scribe.show(status={"entry": 2})
            assert history.live("status") == {"entry": 2}
            assert [row.time for row in history.head()] == [1.0]


def test_what_is_no_history_says_what_to_do(tmp_path: Path) -> None:
    with Scribe(tmp_path):
        pass
    with History(tmp_path) as history, pytest.raises(Exception, match=rf"{FILE}: says nothing of its plant"):
        history.plan()
