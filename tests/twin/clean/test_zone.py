"""Local times: the hour that comes twice, the one that never comes, and zones that aren't there."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.clean.zone import LocalTime, zone_of
from twin.errors import PlantError

MINUTE = 60_000_000


def local(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]").astype(np.int64)


def shown(utc: np.ndarray) -> list[str]:
    return [str(time)[5:16] for time in utc.astype("datetime64[us]")]


def test_the_hour_that_comes_twice_is_told_apart_by_the_order_of_rows() -> None:
    clock = LocalTime(zone_of("Europe/Berlin"))
    times = [f"2023-10-29T0{h}:{m}:00" for h, m in ((1, 45), (2, 15), (2, 45), (2, 15), (2, 45), (3, 15))]
    found = clock.utc(local(*times))
    assert shown(found.utc) == [
        "10-28T23:45",
        "10-29T00:15",
        "10-29T00:45",
        "10-29T01:15",
        "10-29T01:45",
        "10-29T02:15",
    ]
    assert found.twice.tolist() == [False, True, True, True, True, False]
    assert not found.never.any()


def test_hourly_rows_repeat_a_time_when_clocks_go_back() -> None:
    found = LocalTime(zone_of("Europe/Berlin")).utc(local(*(f"2023-10-29T0{h}:00:00" for h in (1, 2, 2, 3))))
    assert shown(found.utc) == ["10-28T23:00", "10-29T00:00", "10-29T01:00", "10-29T02:00"]


def test_a_small_disorder_of_rows_begins_no_second_pass() -> None:
    times = ("2023-10-29T02:30:00", "2023-10-29T02:29:30", "2023-10-29T02:30:30", "2023-10-29T02:30:30")
    assert shown(LocalTime(zone_of("Europe/Berlin")).utc(local(*times)).utc) == [
        f"10-29T00:{m}" for m in (30, 29, 30, 30)
    ]


def test_where_rows_are_cut_into_pieces_does_not_matter() -> None:
    start = datetime(2023, 10, 28, 22, tzinfo=UTC)
    utc = np.array([(start + timedelta(minutes=7 * n)).timestamp() * 1e6 for n in range(60)], np.int64)
    zone = ZoneInfo("Europe/Berlin")
    wall = local(*(datetime.fromtimestamp(t / 1e6, zone).replace(tzinfo=None).isoformat() for t in utc))
    for size in (1, 2, 7, 60):
        clock = LocalTime(zone)
        found = np.concatenate([clock.utc(wall[n : n + size]).utc for n in range(0, 60, size)])
        np.testing.assert_array_equal(found, utc)


def test_a_time_that_the_clock_jumped_over_never_was() -> None:
    found = LocalTime(zone_of("Europe/Berlin")).utc(
        local("2023-03-26T01:59:59", "2023-03-26T02:00:00", "2023-03-26T02:59:59", "2023-03-26T03:00:00")
    )
    assert found.never.tolist() == [False, True, True, False]


ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Seoul", "Australia/Lord_Howe", "UTC", "+05:30"])


@given(name=ZONES, start=st.integers(0, 3_000_000_000), step=st.integers(1, 30_000))
def test_rising_instants_come_back_from_local_time(name: str, start: int, step: int) -> None:
    zone = zone_of(name)
    utc = (start + step * np.arange(40)) * 1_000_000
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    moments = [(epoch + timedelta(microseconds=int(t))).astimezone(zone) for t in utc]
    wall = local(*(moment.replace(tzinfo=None).isoformat() for moment in moments))
    found = LocalTime(zone).utc(wall)
    assert not found.never.any()
    once = ~found.twice
    np.testing.assert_array_equal(found.utc[once], utc[once])


def test_korea_kept_summer_time_in_1988() -> None:
    found = LocalTime(zone_of("Asia/Seoul")).utc(local("1988-07-01T12:00:00", "1990-07-01T12:00:00"))
    assert shown(found.utc) == ["07-01T02:00", "07-01T03:00"]


@pytest.mark.parametrize("name", ["Asia/Soul", "KST!", "../../etc/passwd", "/etc/localtime", "+99:00", "", "Asia"])
def test_a_zone_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(PlantError, match="no time zone"):
        zone_of(name)


def test_a_fixed_offset_needs_no_zone_data() -> None:
    assert LocalTime(zone_of("-03:30")).utc(np.array([0])).utc.tolist() == [210 * MINUTE]
