"""Times, distributions, weekdays and shifts as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.flow.blocks import Shift
from twin.flow.laws import (
    Distribution,
    constant,
    empirical,
    erlang,
    exponential,
    lognormal,
    normal,
    triangular,
    weibull,
)
from twin.flow.laws import uniform as uniform_law
from twin.flow.words import (
    DAY,
    DAYS,
    LONGEST,
    WEEK,
    clock,
    days_of,
    distribution,
    instant,
    moment,
    seconds,
    shift,
    weekday,
    whole,
)  # fmt: skip

HOUR = 3600.0


def hours(found: Shift) -> float:
    """Return how long a shift is on in its period [s]."""
    on, last, total = found.on, 0.0, 0.0
    for time in (*found.switches, found.period):
        total += (time - last) * on
        on, last = not on, time
    return total


def is_on(found: Shift, time: float) -> bool:
    """Return whether a shift is on just after a time of its first period [s]."""
    return found.on ^ (sum(switch <= time for switch in found.switches) % 2 == 1)


def written(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("90 s", constant(90.0)),
        ("1.5 min", constant(90.0)),
        ("90", constant(90.0)),
        ("0 s", constant(0.0)),
        ("constant(90 s)", constant(90.0)),
        ("exponential(12 h)", exponential(12 * HOUR)),
        ("Exponential( 12 h )", exponential(12 * HOUR)),
        ("uniform(1 s, 2 s)", uniform_law(1.0, 2.0)),
        ("triangular(30 s, 40 s, 1 min)", triangular(30.0, 40.0, 60.0)),
        ("weibull(400 h, 2)", weibull(400 * HOUR, 2.0)),
        ("erlang(90 s, 3)", erlang(90.0, 3)),
        ("normal(90 s, 5 s)", normal(90.0, 5.0)),
        ("lognormal(15 min, 10 min)", lognormal(900.0, 600.0)),
        ("empirical(3 s, 1 s, 2 s)", empirical([1.0, 2.0, 3.0])),
    ],
)
def test_a_distribution_is_the_law_that_is_written(text: str, law: Distribution) -> None:
    assert distribution(text) == law


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a number with a unit"),
        ("-1 s", "not a time from 0"),
        ("nan", "not a finite number"),
        ("inf s", "not a finite number"),
        ("1e10 s", "not a time from 0 to 1e+09 s"),
        ("90 m", "measures something else"),
        ("½ s", "not a number with a unit"),
        ("expnential(1 s)", "did you mean 'exponential'"),
        ("normal(9 s)", "normal takes 2 numbers, not 1"),
        ("normal(9 s, 0 s)", "give a finite number that is positive"),
        ("exponential(0 s)", "give a finite number that is positive"),
        ("exponential(1 s", "not a number with a unit"),
        ("uniform(2 s, 1 s)", "is not below"),
        ("triangular(1 s, 3 s, 2 s)", "don't ascend"),
        ("erlang(9 s, 2.5)", "give a whole number"),
        ("erlang(9 s, 1e300)", "phases; give 1 to 1000"),
        ("empirical(1 s)", "give two at least"),
        ("1e-300 s", "shorter than 1e-06 s"),
        ("exponential(1e-300 s)", "shorter than 1e-06 s"),
        ("weibull(1 s, 1e-3)", "longer than 1e+09 s"),
        ("lognormal(1e-200 s, 1e9 s)", "longer than 1e+09 s"),
    ],
)
def test_what_makes_no_distribution_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(TwinError, match=re.escape(said)):
        distribution(text)


def test_a_long_number_of_phases_is_not_printed_in_full() -> None:
    with pytest.raises(TwinError) as caught:
        distribution("erlang(9 s, 1e300)")
    assert len(str(caught.value)) < 100


@given(st.floats(0.0, LONGEST))
def test_a_time_that_is_written_in_full_is_read_to_the_bit(value: float) -> None:
    assert seconds(f"{value!r} s") == value


@pytest.mark.parametrize(("text", "time"), [("06:00", 6.0), ("6:30", 6.5), ("24:00", 24.0), (" 0:00 ", 0.0)])
def test_a_clock_tells_the_time_of_day(text: str, time: float) -> None:
    assert clock(text) == time * HOUR


@pytest.mark.parametrize("text", ["", "6", "24:01", "25:00", "06:60", "-1:00", "06:00:00", "٠٦:00", "6.5"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(TwinError, match="no time of day"):
        clock(text)


@pytest.mark.parametrize(("text", "day"), [("Mon", 0), ("monday", 0), ("Tues", 1), ("THU", 3), (" Sun ", 6)])
def test_a_weekday_is_its_name_or_the_beginning_of_it(text: str, day: int) -> None:
    assert weekday(text) == day


@pytest.mark.parametrize("text", ["", "M", "Monkey", "Fry", "월", "Mon-Tue"])
def test_what_is_no_weekday_is_refused(text: str) -> None:
    with pytest.raises(TwinError, match="no weekday"):
        weekday(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", [0, 1, 2, 3, 4, 5, 6]),
        ("Mon-Fri", [0, 1, 2, 3, 4]),
        ("Fri-Mon", [0, 4, 5, 6]),
        ("Mon, Wed,Sat", [0, 2, 5]),
        ("Sun", [6]),
        ("Mon-Mon", [0]),
    ],
)
def test_days_are_ranges_and_lists_also_over_the_week_s_end(text: str, days: list[int]) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize("text", ["", "Mon,,Tue", "Mon-", "-Mon", "Mon-Wed-Fri", "Mon, Mon", "Mon-Wed, Wed"])
def test_days_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(TwinError):
        days_of(text)


def test_an_instant_is_a_duration_or_the_next_such_time_of_the_week() -> None:
    begins = moment("Wed 06:00")
    assert instant("8 h", begins) == 8 * HOUR
    assert instant("Fri 14:00", begins) == 56 * HOUR
    assert instant("Mon 06:00", begins) == 5 * DAY
    assert instant("Wed 06:00", begins) == WEEK


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 12 ", 12), ("007", 7)])
def test_a_whole_number_is_written_in_digits(text: str, number: int) -> None:
    assert whole(text, 1, 100) == number


@pytest.mark.parametrize("text", ["", "0", "101", "-1", "1.5", "1e1", "²", "٣", "9" * 5000])
def test_what_is_no_whole_number_in_range_is_refused_briefly(text: str) -> None:
    with pytest.raises(TwinError, match="give a whole number from 1 to 100") as caught:
        whole(text, 1, 100)
    assert len(str(caught.value)) < 200


def test_a_shift_is_on_between_its_hours_on_its_days_but_in_breaks() -> None:
    found = shift("early", "Mon-Fri", ("06:00", "14:00"), ["10:00-10:15"], moment("Mon 00:00"))
    for day in range(7):
        for time, on in ((5.99, 0), (6.0, 1), (9.99, 1), (10.0, 0), (10.24, 0), (10.25, 1), (13.99, 1), (14.0, 0)):
            assert is_on(found, day * DAY + time * HOUR) == (on and day < 5), (day, time)


def test_a_night_shift_of_sunday_ends_on_monday_wherever_the_week_is_entered() -> None:
    for begins in ("Mon 00:00", "Mon 03:00", "Sun 23:00", "Thu 12:00"):
        found = shift("night", "Sun", ("22:00", "06:00"), [], moment(begins))
        for text, on in (("Sun 21:59", False), ("Sun 22:00", True), ("Mon 05:59", True), ("Mon 06:00", False)):
            assert is_on(found, (moment(text) - moment(begins)) % WEEK) == on, (begins, text)


def test_shifts_that_touch_are_one() -> None:
    found = shift("two days", "Mon-Tue", ("06:00", "06:00"), [], 0.0)
    assert found.switches == (6 * HOUR, 54 * HOUR)


@pytest.mark.parametrize(
    ("days", "times", "breaks", "said"),
    [
        ("daily", ("00:00", "24:00"), [], "never ends"),
        ("daily", ("06:00", "06:00"), [], "never ends"),
        ("Mon", ("06:00", "14:00"), ["15:00-16:00"], "lies not within"),
        ("Mon", ("06:00", "14:00"), ["06:00-07:00"], "lies not within"),
        ("Mon", ("06:00", "14:00"), ["11:00-10:00"], "lies not within"),
        ("Mon", ("06:00", "14:00"), ["10:00-11:00", "10:30-11:30"], "lies not within"),
        ("Mon", ("06:00", "14:00"), ["10:00"], "no time of day"),
    ],
)
def test_a_shift_that_makes_no_sense_is_refused(
    days: str, times: tuple[str, str], breaks: list[str], said: str
) -> None:
    with pytest.raises(TwinError, match=said):
        shift("s", days, times, breaks, 0.0)


@st.composite
def shifts(draw: st.DrawFn) -> tuple[list[int], int, int, list[tuple[int, int]], int]:
    """Return days, start and length, breaks after the start, and when the run begins, in minutes."""
    days = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6, unique=True))
    length = draw(st.integers(4, 1440))
    ends = sorted(draw(st.lists(st.integers(1, length - 1), max_size=4, unique=True)))
    breaks = list(zip(ends[::2], ends[1::2], strict=False))
    return days, draw(st.integers(0, 1439)), length, breaks, draw(st.integers(0, 7 * 1440 - 1))


@given(shifts())
def test_a_week_holds_a_shift_s_hours_less_its_breaks_whenever_a_run_begins(
    drawn: tuple[list[int], int, int, list[tuple[int, int]], int],
) -> None:
    days, start, length, breaks, begins = drawn
    found = shift(
        "s", ", ".join(DAYS[day] for day in days), (written(start), written((start + length) % 1440)),
        [f"{written((start + a) % 1440)}-{written((start + b) % 1440)}" for a, b in breaks], 60.0 * begins,
    )  # fmt: skip
    assert hours(found) == 60.0 * len(days) * (length - sum(b - a for a, b in breaks))
    assert all(a < b for a, b in zip((0.0, *found.switches), found.switches, strict=False))
    assert found.switches[-1] <= found.period == WEEK
    minute = (days[0] * 1440 + start - begins) % (7 * 1440)
    assert is_on(found, 60.0 * minute)
