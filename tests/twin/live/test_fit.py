"""A twin that doesn't fit its plant says so; one that does is left alone."""

import math

import numpy as np
import pytest

from tests.twin.live.story import station
from twin.estimate.cycle import Trace
from twin.live.fit import LOST_INSTANTS, MEMORY, MISFIT, Fit

TAGS = 20


@pytest.fixture
def fit() -> Fit:
    estimation = station().estimation
    assert estimation is not None
    return Fit(estimation)


def instant(away: np.ndarray, crowd: int = 0) -> tuple[np.ndarray, Trace]:
    """Return readings and what was expected of them, apart by so many deviations of 2."""
    nothing, fit = np.zeros((1, TAGS)), np.array([[20.0, 20.0, float(crowd)]])
    trace = Trace(nothing, np.full((1, TAGS), 2.0), nothing, nothing, fit, np.zeros(1, np.int64))
    return 2.0 * away, trace


def shown(fit: Fit, away: np.ndarray, seconds: range, *, suspicious: bool = False, crowd: int = 0) -> list[float]:
    """Return at which seconds the twin is lost."""
    lost = []
    for now in seconds:
        fit.see(float(now), *instant(away, crowd), suspicious=suspicious)
        lost += [float(now)] if fit.lost else []
    return lost


def test_one_reading_in_twenty_beyond_its_band_is_as_it_should_be(fit: Fit) -> None:
    away = np.array([3.0, *[0.5] * 19])
    assert shown(fit, away, range(0, 20_000, 1)) == []
    assert fit.beyond == pytest.approx(0.05, abs=1e-3)
    assert list(fit.conditions(0.0)) == []


def test_half_of_the_readings_beyond_their_bands_are_told_once_enough_of_them_were_seen(fit: Fit) -> None:
    away = np.array([3.0] * 10 + [0.5] * 10)
    lost = shown(fit, away, range(2000))
    # An average with that memory, of halves since the commissioning, reaches the limit after -M ln(1 - limit/0.5).
    assert lost[0] - fit.commission == pytest.approx(-MEMORY * math.log(1.0 - MISFIT / 0.5), rel=0.01)
    (told,) = fit.conditions(1e9)
    assert (told.code, told.since) == ("diverged", 1e9 + lost[0])


def test_what_is_suspected_is_no_misfit(fit: Fit) -> None:
    assert shown(fit, np.full(TAGS, 3.0), range(3000), suspicious=True) == []


def test_a_third_beyond_the_gate_is_told_within_seconds(fit: Fit) -> None:
    assert shown(fit, np.zeros(TAGS), range(1000, 1000 + LOST_INSTANTS + 1), crowd=7)[0] == 999.0 + LOST_INSTANTS


def test_a_reading_that_is_not_there_counts_for_nothing(fit: Fit) -> None:
    away = np.full(TAGS, np.nan)
    assert shown(fit, away, range(2000)) == []
    assert fit.beyond == 0.0


def test_it_goes_on_where_it_was(fit: Fit) -> None:
    shown(fit, np.full(TAGS, 3.0), range(700))
    other = Fit(station().estimation)  # type: ignore[arg-type]
    other.restore(fit.state())
    assert shown(fit, np.full(TAGS, 0.5), range(700, 900)) == shown(other, np.full(TAGS, 0.5), range(700, 900))
    assert np.array_equal(fit.state(), other.state(), equal_nan=True)
