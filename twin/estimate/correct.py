"""The compiled correction: innovations, gate, gain, and the covariance in Joseph's form."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math

import numpy as np
from numba import njit

from twin.compiled import INNER
from twin.estimate.algebra import add_products, cholesky

GATE = 3.290526731491926
"""Normalised innovation beyond which a reading is no longer taken at its word: 99.9 % of a normal distribution."""


SPIKE = 2
"""So many readings in a row beyond the gate are no news yet."""


@njit(**INNER)
def choose(readings, noise, chosen):
    """Write which instruments have a reading; return how many."""
    count = 0
    for j in range(readings.size):
        if math.isfinite(readings[j]) and noise[j] < math.inf:
            chosen[count] = j
            count += 1
    return count


@njit(**INNER)
def covariance_of(first, second, offset, chosen, count, out):
    """Write the covariance of the chosen readings without their noise."""
    out[:count, :count] = 0.0
    picked = np.empty((first.shape[0], count))
    for array in (first, second):
        for k in range(first.shape[0]):
            for a in range(count):
                picked[k, a] = array[k, offset + chosen[a]]
        add_products(picked, picked, first.shape[0], count, count, out)


@njit(**INNER)
def gains(first, second, columns, offset, chosen, count, factor, gain):
    """Write the gain, (count, columns): the cross covariance divided by the readings' covariance."""
    gain[:count, :columns] = 0.0
    for array in (first, second):
        for k in range(first.shape[0]):
            for a in range(count):
                weight = array[k, offset + chosen[a]]
                if weight != 0.0:
                    for j in range(columns):
                        gain[a, j] += weight * array[k, j]
    for a in range(count):
        _scale(gain, a, columns, factor[a, a])
        for b in range(a + 1, count):
            _subtract(gain, b, a, columns, factor[a, b])
    for a in range(count - 1, -1, -1):
        for b in range(a + 1, count):
            _subtract(gain, a, b, columns, factor[a, b])
        _scale(gain, a, columns, factor[a, a])


@njit(**INNER)
def _scale(gain, a, columns, pivot):
    inverse = 1.0 / pivot if pivot > 0.0 else 0.0
    for j in range(columns):
        gain[a, j] *= inverse


@njit(**INNER)
def _subtract(gain, a, b, columns, weight):
    if weight != 0.0:
        for j in range(columns):
            gain[a, j] -= weight * gain[b, j]


@njit(**INNER)
def joseph(first, second, size, columns, chosen, count, gain, noise, covariance):
    """Write the corrected covariance as a sum of squares, which can't turn negative whatever the gain.

    Parameters
    ----------
    covariance : (size, columns)
        Its first `size` columns are the unknowns' own, the others say how followers lean on them.
    """
    covariance[:, :] = 0.0
    for array in (first, second):
        for k in range(first.shape[0]):
            for a in range(count):
                weight = array[k, columns + chosen[a]]
                if weight != 0.0:
                    for j in range(columns):
                        array[k, j] -= weight * gain[a, j]
        add_products(array, array, first.shape[0], size, columns, covariance)
    weighted = np.empty((count, size))
    for a in range(count):
        for j in range(size):
            weighted[a, j] = gain[a, j] * noise[chosen[a]]
    add_products(weighted, gain, count, size, columns, covariance)


@njit(**INNER)
def gated(prior, noise, shift, chosen, count, used, outliers):
    """Write the noise to use: a reading beyond the gate weighs as little as one that would stand at the gate.

    `outliers` counts in a row. The first ones are left out altogether: a spike is no news.
    """
    for j in range(used.size):
        used[j] = noise[j]
    rejected = 0
    for a in range(count):
        j = chosen[a]
        variance = prior[a, a] + noise[j]
        if shift[a] * shift[a] > GATE * GATE * variance:
            outliers[j] += 1
            rejected += 1
            wanted = shift[a] * shift[a] / (GATE * GATE)
            used[j] = 1e6 * wanted if outliers[j] <= SPIKE else wanted - prior[a, a]
        else:
            outliers[j] = 0
    return rejected


@njit(**INNER)
def factor_of(prior, noise, chosen, count, total, factor):
    """Write the factor of the chosen readings' covariance with their noise."""
    for a in range(count):
        for b in range(count):
            total[a, b] = prior[a, b]
        total[a, a] += noise[chosen[a]]
    cholesky(total, count, factor)
