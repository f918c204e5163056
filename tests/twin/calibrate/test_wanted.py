"""What is to be estimated and which part of a record counts: as written by hand, and as refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.twin.calibrate.bench import PLANT, plant, record
from twin.calibrate.compared import part_of
from twin.calibrate.record import Record
from twin.calibrate.study import near
from twin.calibrate.wanted import Begin, Window, candidates, chosen, time_of, wanted, window_of
from twin.clean.recording_file import FitEntry
from twin.errors import DataError, PlantError, TwinError
from twin.read import parse


@pytest.mark.parametrize(
    ("text", "window"),
    [("20", Window(rows=20)), ("300s", Window(seconds=300.0)), ("300 s", Window(seconds=300.0)),
     ("5min", Window(seconds=300.0)), ("1.5h", Window(seconds=5400.0)), ("0", Window()),
     ("2e1s", Window(seconds=20.0))],
)  # fmt: skip
def test_a_beginning_is_rows_or_a_time_with_its_unit_beside_it_or_apart(text: str, window: Window) -> None:
    assert window_of(text) == window


@pytest.mark.parametrize("text", ["-3", "-3s", "", "nan", "inf s", "5 m", "1e12s", "9" * 30, "٣", "3 s s", "20 rows"])
def test_a_beginning_that_is_neither_is_refused(text: str) -> None:
    with pytest.raises(TwinError):
        window_of(text)


def test_a_bare_time_is_in_seconds() -> None:
    assert time_of("90") == time_of("1.5min") == time_of(" 1.5 min ") == 90.0


@pytest.mark.parametrize(
    ("since", "until"),
    [("1min", "2min"), ("60", "120s"), ("1970-01-01T00:01:00", "1970-01-01T00:02:00+00:00"),
     ("1970-01-01T09:01:00+09:00", "1970-01-01T09:02:00+09:00")],
)  # fmt: skip
def test_a_part_lies_between_durations_from_the_first_row_or_instants(since: str, until: str) -> None:
    whole = record(300)
    part = part_of(whole, (since, until))
    assert part.times.tolist() == list(range(61))
    assert part.epoch == 60_000_000
    assert part.values["place"].tolist() == whole.values["place"][60:121].tolist()


@pytest.mark.parametrize(
    ("span", "says"),
    [(("2min", "1min"), "--from 2min: isn't before --until 1min"), (("yesterday", None), "--from: 'yesterday' is neit"),
     ((None, "1e400"), "--until: '1e400' is neither"), (("295s", None), "5 rows in this span, at least 10"),
     (("nan", None), "neither"), ((None, "0001-01-01"), "0 rows"), (("9999-12-31T23:59:59", None), "0 rows"),
     ((None, "-5s"), "0 rows")],
)  # fmt: skip
def test_a_part_that_is_none_is_refused_by_name(span: tuple[str | None, str | None], says: str) -> None:
    with pytest.raises(DataError, match=says):
        part_of(record(300), span)


def test_an_instant_before_the_file_is_no_limit() -> None:
    assert len(part_of(record(300), ("0001-01-01T00:00:00+23:59", None)).times) == 300


@pytest.mark.parametrize(
    ("path", "says"),
    [("it.nope", "no quantity 'nope'"), ("nope.x", "no asset 'nope'"), ("it.x", "is no parameter or held input"),
     ("", "no asset"), ("it", "no quantity")],
)  # fmt: skip
def test_what_cannot_be_estimated_is_refused_by_name(tmp_path: Path, path: str, says: str) -> None:
    with pytest.raises(PlantError, match=f"--free: .*{says}"):
        chosen(plant(tmp_path), [path], {})


def test_a_parameter_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlantError, match=r"--free: it\.lag: named twice; drop one"):
        chosen(plant(tmp_path), ["it.lag", "it.first", "it.lag"], {})


def test_spreads_come_from_the_recording_or_are_a_share_of_the_value(tmp_path: Path) -> None:
    found = chosen(plant(tmp_path), ["it.lag", "it.first"], {"it.lag": 2.0})
    assert [free.spread for free in found] == [2.0, pytest.approx(0.3 * 2.0)]


def test_a_state_begins_like_a_tag_that_measures_the_same(tmp_path: Path) -> None:
    text = PLANT.replace("it: {is: follower", "tank: {is: tank}\n  it: {is: follower")
    machine = plant(tmp_path, text.replace("tags:", "tags:\n  warmth: {reads: tank.T, unit: degC}"))
    entry = FitEntry.model_validate({"score": ["place"], "start": {"it.x": {"spread": "1 m", "like": "warmth"}}})
    says = r"r\.yaml:\d: fit\.start\.it\.x\.like: warmth reads tank\.T in K, it\.x is in m; name a tag that measures"
    with pytest.raises(PlantError, match=says):
        wanted(machine, entry, parse("score: [place]\nstart:\n  it.x: {spread: 1 m, like: warmth}\n", "r.yaml"))


def test_every_parameter_away_from_zero_and_its_bounds_is_a_candidate(tmp_path: Path) -> None:
    assert sorted(candidates(plant(tmp_path))) == ["it.first", "it.lag", "it.second", "it.side"]


def places(readings: list[float], period: float = 0.01) -> Record:
    times = period * np.arange(len(readings))
    return Record("r.csv", "0" * 64, 0, times, {"place": np.array(readings)})


def test_a_rate_is_that_of_a_parabola_at_the_first_row(tmp_path: Path) -> None:
    machine, begin = plant(tmp_path), Begin("it.x", 1.0, rate_of="place")
    time = 0.01 * np.arange(40)
    bent = 3.0 - 0.4 * time + 5.0 * time**2
    bent[20:] = 99.0  # later than what tells a rate
    assert near(machine, places(bent.tolist()), begin) == pytest.approx(-0.4, rel=1e-9)
    gaps = np.where(np.isin(np.arange(40), [0, 3, 4, 11]), np.nan, bent)
    assert near(machine, places(gaps.tolist()), begin) == pytest.approx(-0.4, rel=1e-9)


def test_few_readings_tell_the_rate_of_a_straight_line_and_one_none(tmp_path: Path) -> None:
    machine, begin = plant(tmp_path), Begin("it.x", 1.0, rate_of="place")
    assert near(machine, places([1.0, 1.02, 1.04, 1.06]), begin) == pytest.approx(2.0)
    with pytest.raises(DataError, match=r"r\.csv: place: 1 usable readings among the first 20 tell no rate; begin els"):
        near(machine, places([1.0, *[float("nan")] * 30, 2.0]), begin)
