"""Small dense linear algebra in one fixed order of operations: the same bits whatever library or thread count."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math

import numpy as np
from numba import njit

from twin.compiled import COMPILED, INNER

LEAST_PIVOT = 1e-13
"""Relative to a diagonal's own size: below it a direction is taken as known exactly."""


@njit(**INNER)
def cholesky(a, n, upper):
    """Write the factor ``upper' upper = a`` of the leading n rows of a symmetric, non-negative matrix.

    A direction without variance gets a row of zeros: what is known exactly stays known. Returns how many there are.
    """
    vanished = 0
    for i in range(n):
        for j in range(n):
            upper[i, j] = a[i, j] if j >= i else 0.0
    for k in range(n):
        pivot = upper[k, k]
        if pivot > LEAST_PIVOT * a[k, k]:
            root = 1.0 / math.sqrt(pivot)
            for j in range(k, n):
                upper[k, j] *= root
        else:
            vanished += 1
            for j in range(k, n):
                upper[k, j] = 0.0
        for i in range(k + 1, n):
            factor = upper[k, i]
            if factor != 0.0:
                for j in range(i, n):
                    upper[i, j] -= factor * upper[k, j]
    return vanished


@njit(**INNER)
def lean(a, n, upper):
    """Write behind an upper factor of n rows what its directions do to the further columns of `a`."""
    for i in range(n):
        inverse = 1.0 / upper[i, i] if upper[i, i] > 0.0 else 0.0
        for j in range(n, a.shape[1]):
            upper[i, j] = a[i, j]
        for k in range(i):
            factor = upper[k, i]
            if factor != 0.0:
                for j in range(n, a.shape[1]):
                    upper[i, j] -= factor * upper[k, j]
        for j in range(n, a.shape[1]):
            upper[i, j] *= inverse


@njit(**INNER)
def whiten(upper, n, vector):
    """Replace `vector` by the solution of ``upper' x = vector``; a vanished direction gives zero."""
    for i in range(n):
        vector[i] = vector[i] / upper[i, i] if upper[i, i] > 0.0 else 0.0
        for j in range(i + 1, n):
            vector[j] -= upper[i, j] * vector[i]


@njit(**INNER)
def unwhiten(upper, n, vector):
    """Replace `vector` by the solution of ``upper x = vector``; a vanished direction gives zero."""
    for i in range(n - 1, -1, -1):
        rest = vector[i]
        for k in range(i + 1, n):
            rest -= upper[i, k] * vector[k]
        vector[i] = rest / upper[i, i] if upper[i, i] > 0.0 else 0.0


@njit(**INNER)
def add_products(left, right, count, rows, width, total):
    """Add the sum of ``outer(left[k], right[k])`` over the first `count` rows to `total`."""
    for k in range(count):
        for i in range(rows):
            factor = left[k, i]
            if factor != 0.0:
                for j in range(width):
                    total[i, j] += factor * right[k, j]


@njit(**COMPILED)
def factored(a, n):
    """Return an upper factor of the leading n rows of `a`, and behind it what its directions do to further columns."""
    upper = np.zeros_like(a)
    cholesky(a, n, upper)
    lean(a, n, upper)
    return upper
