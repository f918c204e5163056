"""Factors of covariances that have lost a direction, and the solutions that go with them."""

import numpy as np
import pytest
from numba import njit

from twin.estimate.algebra import cholesky, unwhiten, whiten


@njit
def factored(a, upper):
    return cholesky(a, len(a), upper)


@njit
def solved(upper, vector):
    whiten(upper, len(vector), vector)
    unwhiten(upper, len(vector), vector)


def covariance(rank: int, size: int, seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(rank, size)) * 10.0 ** (np.arange(size) - 3.0)
    return root.T @ root


def test_a_factor_squares_to_the_matrix_over_many_decades() -> None:
    a, upper = covariance(9, 6, 1), np.empty((6, 6))
    assert factored(a, upper) == 0
    scale = np.sqrt(np.outer(np.diag(a), np.diag(a)))
    assert np.abs((upper.T @ upper - a) / scale).max() < 1e-14
    assert np.array_equal(upper, np.triu(upper))


@pytest.mark.parametrize("known", [0, 3, 5])
def test_what_is_known_exactly_stays_known_and_is_counted(known: int) -> None:
    a, upper = covariance(9, 6, 2), np.empty((6, 6))
    a[known, :] = a[:, known] = 0.0
    assert factored(a, upper) == 1
    assert not upper[known].any()
    assert not upper[:, known].any()
    scale = np.sqrt(np.outer(np.diag(a), np.diag(a))) + 1e-300
    assert np.abs((upper.T @ upper - a) / scale).max() < 1e-14


def test_a_matrix_of_lower_rank_loses_just_the_directions_that_it_lacks() -> None:
    # A pivot is what is left of a diagonal; below 1e-13 of it, it is rounding.
    a, upper = covariance(4, 6, 3), np.empty((6, 6))
    assert factored(a, upper) == 2
    scale = np.sqrt(np.outer(np.diag(a), np.diag(a)))
    assert np.abs((upper.T @ upper - a) / scale).max() < 1e-12


def test_whitening_twice_solves_the_equations_and_gives_nothing_where_nothing_varies() -> None:
    a, upper = covariance(9, 5, 4), np.empty((5, 5))
    factored(a, upper)
    exact = np.arange(1.0, 6.0)
    x = a @ exact
    solved(upper, x)
    assert x == pytest.approx(exact, rel=1e-6)  # the condition number is 1e10
    a[2, :] = a[:, 2] = 0.0
    factored(a, upper)
    x = np.ones(5)
    solved(upper, x)
    assert x[2] == 0.0
    assert np.isfinite(x).all()
