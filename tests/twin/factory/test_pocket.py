"""An instrument's pocket: the closed forms of a first-order lag, whatever the block length."""

import numpy as np
import pytest

from twin.factory.pocket import Pockets


def felt(lag: float, period: float, samples: np.ndarray) -> np.ndarray:
    return Pockets(np.array([lag]), period).felt(samples[None, None, :])[0, 0]


@pytest.mark.parametrize("lag", [0.3, 8.0, 500.0])
def test_a_ramp_is_followed_as_the_closed_form_says(lag: float) -> None:
    t = np.arange(200) * 0.5
    assert felt(lag, 0.5, 2.0 * t + 5.0) == pytest.approx(5.0 + 2.0 * (t - lag * -np.expm1(-t / lag)), rel=1e-12)


def test_after_a_step_the_rest_decays_by_the_exponential() -> None:
    t = np.arange(60.0)
    shown = felt(8.0, 1.0, np.where(t < 1.0, 0.0, 1.0))
    # Between two samples truth moves linearly: after the ramp of one period, the closed form is a pure decay.
    rest = 1.0 - shown[1]
    assert shown[1] == pytest.approx(1.0 - 8.0 * -np.expm1(-1.0 / 8.0), rel=1e-12)
    assert 1.0 - shown[1:] == pytest.approx(rest * np.exp(-(t[1:] - 1.0) / 8.0), rel=1e-12)


def test_a_long_block_is_that_of_its_parts_bit_for_bit() -> None:
    samples = np.random.default_rng(3).normal(size=(3, 4, 50))
    whole, parts = (Pockets(np.array([5.0, 0.0, 0.7]), 1.0) for _ in range(2))
    expected = whole.felt(samples)
    got = np.concatenate([parts.felt(samples[:, :, a:b]) for a, b in ((0, 1), (1, 1), (1, 20), (20, 50))], axis=2)
    assert np.array_equal(got, expected)
    assert np.array_equal(expected[1], samples[1])
