"""Gate, gain and Joseph's form: what a reading may do to a belief."""

from fractions import Fraction

import numpy as np
import pytest
from numba import njit

from twin.estimate.algebra import cholesky
from twin.estimate.correct import GATE, choose, covariance_of, factor_of, gains, gated, joseph

TINY = 1e-9
"""Bierman's epsilon: its square is lost beside 1."""


@njit
def updated(covariance, reads, noise):
    """Correct by scalar readings, one after the other; return the least diagonal and determinant on the way."""
    n = len(covariance)
    first, second, upper = np.zeros((n, n + 1)), np.zeros((n, n + 1)), np.empty((n, n))
    prior, total, root, gain = np.empty((1, 1)), np.empty((1, 1)), np.empty((1, 1)), np.empty((1, n))
    chosen, least = np.zeros(1, np.int64), np.inf
    for k in range(len(reads)):
        cholesky(covariance, n, upper)
        second[:, :] = 0.0
        for i in range(n):
            first[i, :n] = upper[i]
            first[i, n] = 0.0
            for j in range(n):
                first[i, n] += upper[i, j] * reads[k, j]
        covariance_of(first, second, n, chosen, 1, prior)
        factor_of(prior, noise, chosen, 1, total, root)
        gains(first, second, n, n, chosen, 1, root, gain)
        joseph(first, second, n, n, chosen, 1, gain, noise, covariance)
        for i in range(n):
            least = min(least, covariance[i, i])
        least = min(least, covariance[0, 0] * covariance[1, 1] - covariance[0, 1] * covariance[1, 0])
    return least


def naive(covariance: np.ndarray, reads: np.ndarray, noise: float) -> float:
    """Correct by ``P - K S K'``; return the least diagonal and determinant on the way."""
    least = np.inf
    for h in reads:
        total = h @ covariance @ h + noise
        gain = covariance @ h / total
        covariance = covariance - np.outer(gain, gain) * total
        least = min(least, *np.diag(covariance), np.linalg.det(covariance))
    return float(least)


def bierman(updates: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the prior and the readings of Bierman (1977), section V: two almost equal looks at two numbers."""
    reads = np.empty((updates, 2))
    reads[0::2], reads[1::2] = (1.0, TINY), (1.0, 1.0)
    return np.eye(2) / TINY**2, reads


def test_the_covariance_stays_positive_over_a_hundred_thousand_updates_where_the_naive_form_loses_it() -> None:
    prior, reads = bierman(100_000)
    assert naive(prior, reads[:100], 1.0) < 0.0
    assert updated(prior, reads, np.ones(1)) > 0.0


def test_the_corrected_covariance_is_that_of_exact_arithmetic() -> None:
    updates = 1000
    covariance, reads = bierman(updates)
    updated(covariance, reads, np.ones(1))
    information = [[Fraction(TINY) ** 2 * (i == j) for j in range(2)] for i in range(2)]
    for h in ((Fraction(1), Fraction(TINY)), (Fraction(1), Fraction(1))):
        for i in range(2):
            for j in range(2):
                information[i][j] += updates // 2 * h[i] * h[j]
    (a, b), (_, c) = information
    determinant = a * c - b * b
    exact = np.array(
        [[float(c / determinant), float(-b / determinant)], [float(-b / determinant), float(a / determinant)]]
    )
    # The first reading leaves variances that are eighteen decades apart: half of the sixteen digits are lost.
    assert covariance == pytest.approx(exact, rel=1e-8)


@njit
def gate(prior, noise, shift, outliers):
    chosen = np.arange(len(shift))
    used = np.empty(len(shift))
    rejected = gated(prior, noise, shift, chosen, len(shift), used, outliers)
    return rejected, used


def test_a_reading_within_the_gate_keeps_its_noise_and_one_beyond_it_is_left_out_twice() -> None:
    prior, noise, outliers = np.diag([3.0, 3.0]), np.array([1.0, 1.0]), np.zeros(2, np.int64)
    edge = 2.0 * GATE
    for expected in (1, 1):
        rejected, used = gate(prior, noise, np.array([0.99 * edge, 1.01 * edge]), outliers)
        assert rejected == expected
        assert used[0] == 1.0
        assert used[1] > 1e5 * edge**2 / GATE**2
    rejected, used = gate(prior, noise, np.array([0.0, 1.01 * edge]), outliers)
    assert (rejected, outliers.tolist()) == (1, [0, 3])
    assert (1.01 * edge) ** 2 == pytest.approx(GATE**2 * (prior[1, 1] + used[1]))  # as if it stood at the gate


@njit
def chosen_of(readings, noise):
    chosen = np.full(len(readings), -1)
    return choose(readings, noise, chosen), chosen


def test_only_readings_that_are_finite_numbers_of_instruments_are_chosen() -> None:
    count, chosen = chosen_of(np.array([np.nan, 1.0, np.inf, -np.inf, 0.0]), np.array([1.0, 1.0, 1.0, 1.0, np.inf]))
    assert (count, chosen[:count].tolist()) == (1, [1])
