"""Times as files write them."""

import numpy as np
import pytest

from twin.clean.clock import Clock
from twin.errors import PlantError


def read(form: str, *texts: str, zone: str = "UTC", start: int | None = None) -> list[str]:
    times = Clock(form, zone, start).read(texts)
    assert times.wrong == {}
    return [str(time) for time in times.utc.astype("datetime64[us]")]


@pytest.mark.parametrize(
    ("form", "text", "zone", "expected"),
    [
        ("iso", "2020-03-09 10:14:33", "Asia/Seoul", "2020-03-09T01:14:33.000000"),
        ("iso", "2020-03-09T10:14:33.123456", "UTC", "2020-03-09T10:14:33.123456"),
        ("iso", "2020/3/9 1:14", "UTC", "2020-03-09T01:14:00.000000"),
        ("iso", "2020-03-09 10:14:33,5", "UTC", "2020-03-09T10:14:33.500000"),
        ("iso", "2020-03-09T10:14:33+09:00", "", "2020-03-09T01:14:33.000000"),
        ("iso", "2020-03-09T10:14:33Z", "Asia/Seoul", "2020-03-09T10:14:33.000000"),
        ("iso", "2020-03-09", "+09:00", "2020-03-08T15:00:00.000000"),
        ("%Y-%m-%d %p %I:%M:%S", "2020-03-09 오후 12:14:33", "UTC", "2020-03-09T12:14:33.000000"),
        ("%Y-%m-%d %p %I:%M:%S", "2020-03-09 오전 12:14:33", "UTC", "2020-03-09T00:14:33.000000"),
        ("%d.%m.%Y %H:%M", "09.03.2020 10:14", "UTC", "2020-03-09T10:14:00.000000"),
        ("%d-%b-%y %H:%M:%S.%f", "09-Mar-20 10:14:33.25", "UTC", "2020-03-09T10:14:33.250000"),
        ("%Y%m%d%H%M%S", "20200309101433", "UTC", "2020-03-09T10:14:33.000000"),
        ("unix_s", "1583748873.25", "", "2020-03-09T10:14:33.250000"),
        ("unix_s", "1.583748873e9", "", "2020-03-09T10:14:33.000000"),
        ("unix_ms", "1583748873250", "", "2020-03-09T10:14:33.250000"),
        ("unix_us", "1583748873250001", "", "2020-03-09T10:14:33.250001"),
        ("unix", "1583748873.25", "", "2020-03-09T10:14:33.250000"),
        ("unix", "1583748873250", "", "2020-03-09T10:14:33.250000"),
        ("unix", "1583748873250001", "", "2020-03-09T10:14:33.250001"),
        ("unix", "1583748873250001499", "", "2020-03-09T10:14:33.250001"),
        ("unix", "978307200", "", "2001-01-01T00:00:00.000000"),
        ("unix", "4102444799999999999", "", "2100-01-01T00:00:00.000000"),
        ("unix_ns", "1583748873250001499", "", "2020-03-09T10:14:33.250001"),
    ],
)
def test_a_time_is_read_as_written(form: str, text: str, zone: str, expected: str) -> None:
    assert read(form, text, zone=zone) == [expected]


def test_elapsed_time_counts_from_the_start() -> None:
    shown = read("elapsed_s", "0", "4.5", start=1_000_000)
    assert shown == ["1970-01-01T00:00:01.000000", "1970-01-01T00:00:05.500000"]
    assert read("elapsed_s", "1.5e-05", start=0) == ["1970-01-01T00:00:00.000015"]
    with pytest.raises(PlantError, match="elapsed_s counts from the start of the recording; say when"):
        Clock("elapsed_s")


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("iso", "gestern", "time 'gestern' does not read as iso"),
        ("iso", "2020-02-30 00:00:00", "there is no day 2020-02-30"),
        ("iso", "2020-03-09 24:00", "the clock ends at 23:59:59"),
        ("iso", "1969-12-31 23:59", "is not between 1970 and 2200"),
        ("iso", "NaT", "does not read as iso"),
        ("iso", "today", "does not read as iso"),
        ("%Y-%m-%d %p %I:%M:%S", "2020-03-09 오후 13:00:00", "there is no hour 13 on a clock of 12"),
        ("unix_s", "12:00", "'12:00' is no number (unix_s)"),
        ("unix_s", "nan", "'nan' is no number (unix_s)"),
        ("unix_s", "1_000", "is no number"),
        ("unix_s", "1583748873250", "is not between 1970 and 2200; is the format 'unix_s' right?"),
        ("unix", "978307199", "is in no unit from s to ns a time between 2001 and 2100"),
        ("unix", "5e18", "is in no unit from s to ns a time between 2001 and 2100"),
        ("unix", "4102444800", "is in no unit from s to ns a time between 2001 and 2100"),
        ("unix_s", "9e99", "is not between 1970 and 2200"),
        ("iso", "2020-03-09T10:14:33+99:00", "there is no zone +99:00"),
    ],
)
def test_what_is_no_time_is_said_by_row(form: str, text: str, said: str) -> None:
    times = Clock(form, "UTC").read(["2020-03-09 10:14:33" if form == "iso" else text, text])
    assert said in times.wrong[1]


def test_local_times_without_a_zone_are_refused() -> None:
    with pytest.raises(PlantError, match="2020-03-09 10:14:33 says no zone; give one, as Asia/Seoul or UTC"):
        Clock("iso").read(["2020-03-09 10:14:33"])


def test_a_local_time_that_never_was_is_named() -> None:
    times = Clock("iso", "Europe/Berlin").read(["2023-03-26 02:30:00"])
    said = "local time 2023-03-26 02:30:00 never was in Europe/Berlin: clocks went forward over it"
    assert times.wrong == {0: said}


@pytest.mark.parametrize(("form", "day"), [("%d.%m.%Y %H:%M:%S", "29.10.2023"), ("iso", "2023-10-29")])
def test_the_hour_that_comes_twice_is_counted(form: str, day: str) -> None:
    times = Clock(form, "Europe/Berlin").read([f"{day} 02:30:00", f"{day} 02:00:00"])
    assert (times.twice, np.diff(times.utc).tolist()) == (2, [1_800_000_000])


def test_numpys_own_times_and_numbers_are_read() -> None:
    stamps = np.array(["2020-03-09T10:14:33.25"], "datetime64[ms]")
    assert Clock("iso", "Asia/Seoul").read(stamps).utc[0] == 1583716473250000
    assert Clock("unix_s").read(np.array([1583748873.25])).utc[0] == 1583748873250000
    assert Clock("unix_us").read(np.array([1583748873250001])).utc[0] == 1583748873250001


@pytest.mark.parametrize("form", ["%Q", "%H:%M", "%Y-%m-%d %I:%M", "%Y-%Y-%m-%d", "is", ""])
def test_a_format_that_gives_no_instant_is_refused(form: str) -> None:
    with pytest.raises(PlantError):
        Clock(form, "UTC")
