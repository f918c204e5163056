"""Which entries the next archive is made of."""

from pathlib import Path

import pytest

from tests.archives import HOUR, MINUTE, SECOND, T0, at, hello, more, tick
from tests.journals import opened
from twin.journal import Reader
from twin.keep.hours import number, text
from twin.keep.span import GRACE, LEAST_TICKS, MOST_TICKS, Span, Watch, fresh

NOON = T0 // HOUR


def look(folder: Path, watch: Watch | None = None) -> Span | None:
    with Reader.open(folder) as reader:
        return (watch or Watch()).look(reader, fresh(reader))


def ticks(folder: Path, *clocks: int) -> None:
    more(folder, *(tick(clock) for clock in clocks))


def test_an_hour_is_complete_once_the_clock_is_the_grace_beyond_it(tmp_path: Path) -> None:
    watch = Watch()
    ticks(tmp_path, T0, T0 + HOUR, T0 + HOUR + GRACE - 1)
    assert look(tmp_path, watch) is None
    ticks(tmp_path, T0 + HOUR + GRACE)
    assert look(tmp_path, watch) == look(tmp_path) == Span(0, 1, None, 3, NOON, NOON + 1)


def test_the_next_span_begins_with_what_was_held_back(tmp_path: Path) -> None:
    ticks(tmp_path, T0, T0 + HOUR, T0 + HOUR + GRACE, T0 + 2 * HOUR + GRACE)
    with Reader.open(tmp_path) as reader:
        first = fresh(reader)
        state = type(first)(first.journal, 2, reader.chain(2).hex(), 2, text(NOON + 1))
        assert Watch().look(reader, state) == Span(2, 2, NOON + 1, 3, NOON + 1, NOON + 2)


def test_a_pause_of_hours_ends_a_span(tmp_path: Path) -> None:
    ticks(tmp_path, T0, T0 + 30 * HOUR + GRACE)
    assert look(tmp_path) == Span(0, 1, None, 1, NOON, NOON + 30)


def test_a_clock_that_goes_to_and_fro_makes_no_archive_a_second(tmp_path: Path) -> None:
    watch, late = Watch(), T0 + 100 * HOUR
    with opened(tmp_path) as journal:
        for n in range(LEAST_TICKS):
            journal.append([tick(late + n * SECOND if n % 2 == 0 else T0)])
    assert look(tmp_path, watch) is None
    ticks(tmp_path, T0)
    assert look(tmp_path, watch) == Span(0, 1, None, LEAST_TICKS, late // HOUR, None)


def test_a_clock_that_stands_still_ends_a_span_after_two_hours(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append([tick(T0)] * MOST_TICKS)
    assert look(tmp_path) is None
    ticks(tmp_path, T0)
    assert look(tmp_path) == Span(0, 1, None, MOST_TICKS, NOON, None)


def test_without_ticks_nothing_is_complete(tmp_path: Path) -> None:
    more(tmp_path, at(T0, hello()), at(T0 + 9 * HOUR, hello()), at(T0 + 9 * HOUR, hello()))
    assert look(tmp_path) is None
    ticks(tmp_path, T0 + 9 * HOUR)
    assert look(tmp_path) is None


def test_many_entries_are_looked_at_in_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.keep.span._STEP", 2)
    ticks(tmp_path, *(T0 + n * MINUTE for n in range(70)))
    assert look(tmp_path) == Span(0, 1, None, 62, NOON, NOON + 1)


@pytest.mark.parametrize("hour", [0, NOON, 70_389_527])
def test_hours_are_read_as_they_are_written(hour: int) -> None:
    assert number(text(hour)) == hour
