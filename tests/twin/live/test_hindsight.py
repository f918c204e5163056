"""Forecasts are as wide as those before should have been, each tag and distance by itself."""

import numpy as np
import pytest

from twin.live.hindsight import DISTANCES, FIRST, MOST, NOTED, Hindsight

TIMES = np.array([1.0, 60.0, 300.0, 600.0])


def lived(off: np.ndarray, minutes: int, *, silent: range = range(0)) -> Hindsight:
    """Return what has judged a forecast a minute, whose readings came `off` standard deviations away."""
    found = Hindsight(off.size)
    flat = np.ones((off.size, TIMES.size))
    for second in range(60 * minutes):
        if second % NOTED == 0:
            found.note(float(second), TIMES, 0.0 * flat, flat)
        found.see(float(second), np.full(off.size, np.nan) if second in silent else off)
    return found


def factors(hindsight: Hindsight, tags: int) -> np.ndarray:
    return hindsight.widened(DISTANCES, np.ones((tags, DISTANCES.size)))


def test_what_was_too_narrow_is_widened_by_as_much_and_what_was_not_is_left() -> None:
    found = factors(lived(np.array([2.0, 1.0]), 240), 2)
    assert found[0, 1:] == pytest.approx(2.0, rel=0.01)
    assert found[1, 1:] == pytest.approx(1.0, rel=0.01)
    assert found[:, 0].tolist() == [1.0, 1.0]


def test_before_anything_came_due_it_is_taken_to_be_somewhat_too_narrow() -> None:
    assert factors(Hindsight(1), 1)[0, 1:] == pytest.approx(np.sqrt(FIRST))


def test_a_distance_that_was_never_reached_keeps_what_it_is_taken_for() -> None:
    found = factors(lived(np.array([4.0]), 4), 1)[0]
    assert found[1] > 2.0
    assert found[-1] == pytest.approx(np.sqrt(FIRST))


def test_readings_that_are_missing_judge_nothing() -> None:
    assert factors(lived(np.array([4.0]), 30, silent=range(1800)), 1)[0, 1:] == pytest.approx(np.sqrt(FIRST))


def test_one_wild_reading_counts_for_no_more_than_is_believed() -> None:
    assert factors(lived(np.array([1e9]), 240), 1)[0, 1:] == pytest.approx(MOST, rel=0.05)


def test_what_was_forecast_by_a_clock_that_went_back_is_let_go_of() -> None:
    found = Hindsight(1)
    found.note(1e6, TIMES, np.zeros((1, 4)), np.ones((1, 4)))
    found.see(0.0, np.array([9.0]))
    found.note(0.0, TIMES, np.zeros((1, 4)), np.ones((1, 4)))
    for second in range(100):
        found.see(float(second), np.array([9.0]))
    assert factors(found, 1)[0, 1] > 3.0
