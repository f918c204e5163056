"""Instruments: each error does what its declaration says, whatever the blocks in which they are read."""

import numpy as np
import pytest

from twin.documents import BAD, BAD_WAITING_FOR_INITIAL_DATA, GOOD
from twin.plant import Tag
from twin.sensors import Carry, Readings, readings
from twin.streams import member_seeds

SEEDS = member_seeds(1, 2)
TRUTH = np.stack([np.linspace(10.0, 20.0, 40), np.linspace(-3.0, 5.0, 40)])


def tag(**errors: float) -> Tag:
    return Tag("LI-1", "tank.level", "m", 0.5)._replace(**errors)  # type: ignore[arg-type]


def read(**errors: float) -> Readings:
    return readings(tag(**errors), TRUTH, 0, SEEDS)


def test_an_instrument_without_errors_shows_the_truth() -> None:
    shown = read()
    assert shown.value.tobytes() == TRUTH.tobytes()
    assert (shown.quality == GOOD).all()
    assert shown.quality.dtype == np.uint32


def test_bias_and_drift_grow_as_declared() -> None:
    # Derived: after sample i of period 0.5 s the error is bias + drift * i / 2; one rounding each.
    expected = TRUTH + 0.25 + 0.01 * np.arange(40) * 0.5
    np.testing.assert_allclose(read(bias=0.25, drift=0.01).value, expected, rtol=1e-15, atol=1e-15)


def test_readings_are_whole_multiples_of_the_quantum_from_the_zero_of_the_scale() -> None:
    celsius = readings(tag(quantum=0.5), TRUTH + 280.0, 0, SEEDS, zero=273.15).value - 273.15
    np.testing.assert_allclose(celsius / 0.5, np.round(celsius / 0.5), atol=1e-10)
    assert np.abs(celsius + 273.15 - TRUTH - 280.0).max() <= 0.25 + 1e-10


def test_noise_has_the_declared_standard_deviation() -> None:
    error = readings(tag(noise=0.3), np.zeros((2, 20_000)), 0, SEEDS).value
    # The standard deviation of n normal numbers scatters by 1/sqrt(2 n): 4 of these.
    assert error.std() == pytest.approx(0.3, rel=4.0 / np.sqrt(2 * error.size))
    assert abs(error.mean()) < 4 * 0.3 / np.sqrt(error.size)


def test_a_delay_shows_earlier_truth_and_waits_for_it_at_the_start() -> None:
    shown = read(delay=3)
    assert (shown.quality[:, :3] == BAD_WAITING_FOR_INITIAL_DATA).all()
    assert (shown.quality[:, 3:] == GOOD).all()
    assert shown.value[:, 3:].tobytes() == TRUTH[:, :-3].tobytes()
    assert (shown.value[:, :3] == 0.0).all()


def test_a_stuck_instrument_shows_its_last_reading_and_calls_it_good() -> None:
    shown = read(stuck_after=5.0, noise=0.1)
    free = read(noise=0.1)
    assert shown.value[:, :11].tobytes() == free.value[:, :11].tobytes()
    assert (shown.value[:, 11:] == shown.value[:, 10:11]).all()
    assert (shown.quality == GOOD).all()


def test_a_missing_reading_is_bad_and_repeats_the_last_good_one() -> None:
    shown = read(dropout=0.4)
    lost = shown.quality == BAD
    assert 0 < lost.sum() < lost.size
    for member in range(2):
        last = 0.0
        for i in range(40):
            if not lost[member, i]:
                last = TRUTH[member, i]
            assert shown.value[member, i] == last


def test_the_truth_never_shows_through_a_bad_reading() -> None:
    shown = read(dropout=1.0)
    assert (shown.quality == BAD).all()
    assert (shown.value == 0.0).all()
    assert np.isfinite(read(dropout=0.5, delay=2).value).all()


@pytest.mark.parametrize("cuts", [(1,), (7, 8, 9), (0, 20, 40), tuple(range(1, 40))])
def test_readings_do_not_depend_on_the_blocks_in_which_they_are_taken(cuts: tuple[int, ...]) -> None:
    errors = {"noise": 0.1, "bias": 1.0, "drift": 0.1, "quantum": 0.05, "dropout": 0.3, "delay": 4, "stuck_after": 9.0}
    whole = read(**errors)
    carry: Carry | None = None
    values, qualities = [], []
    for first, last in zip((0, *cuts), (*cuts, 40), strict=True):
        part = readings(tag(**errors), TRUTH[:, first:last], first, SEEDS, carry)
        values.append(part.value)
        qualities.append(part.quality)
        carry = part.carry
    assert np.concatenate(values, axis=1).tobytes() == whole.value.tobytes()
    assert np.concatenate(qualities, axis=1).tobytes() == whole.quality.tobytes()


def test_a_members_readings_do_not_depend_on_its_company() -> None:
    alone = readings(tag(noise=0.1, dropout=0.3), TRUTH[1:], 0, SEEDS[1:])
    assert alone.value.tobytes() == read(noise=0.1, dropout=0.3).value[1].tobytes()


def test_nothing_is_read_where_nothing_was_sampled() -> None:
    shown = readings(tag(noise=1.0, delay=2, stuck_after=0.0, dropout=0.5), np.empty((2, 0)), 0, SEEDS)
    assert shown.value.shape == shown.quality.shape == (2, 0)


@pytest.mark.parametrize(
    "errors",
    [{"noise": 1e308}, {"bias": 1e308, "drift": 1e308}, {"quantum": 1e-320}],
)
def test_a_reading_that_overflows_is_bad_and_repeats_the_last_good_one(errors: dict[str, float]) -> None:
    shown = read(**errors)
    assert np.isfinite(shown.value).all()
    assert set(np.unique(shown.quality)) <= {GOOD, BAD}
    assert (shown.quality == BAD).any()


def test_a_truth_that_is_no_number_shows_as_a_bad_reading() -> None:
    truth = TRUTH.copy()
    truth[0, 3:5], truth[1, 7] = np.nan, np.inf
    shown = readings(tag(), truth, 0, SEEDS)
    assert np.argwhere(shown.quality == BAD).tolist() == [[0, 3], [0, 4], [1, 7]]
    assert shown.value[0, 2:6].tolist() == [*TRUTH[0, [2, 2, 2, 5]]]
    assert shown.value[1, 7] == TRUTH[1, 6]
