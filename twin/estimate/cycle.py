"""The compiled loop of a sigma-point filter: for every instant spread, advance, compare, weigh hypotheses, correct."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin.compiled import COMPILED, INNER
from twin.estimate.algebra import cholesky, lean
from twin.estimate.bank import place_shadows, signatures, weigh
from twin.estimate.correct import GATE, SPIKE, choose, covariance_of, factor_of, gains, gated, joseph
from twin.estimate.sigma import advanced, differences, failed, inside, place, settle, spread, standardised

ALIGNED = 8
"""Members are advanced in vectors of as many: copies of the centre fill the last one, which would go one by one."""
SETTLED = 15.0
"""Multiples of the cooling time after which the noise is adapted."""


class Moments(NamedTuple):
    """What is believed of the unknowns (n) and the instruments' biases; all of it changes in place.

    Attributes
    ----------
    mean : (n + biases,)
        Unknowns standardised, biases in SI.
    covariance : (n + biases, n + biases + followers)
        Its last columns say how followers, which have no uncertainty of their own, lean on the unknowns.
    noise : (m,)
        Variance of each reading about what the twin says: the instrument's own, and what the model leaves unsaid.
    outliers : int64, (m,)
        How many readings in a row were beyond the gate.
    """

    mean: np.ndarray
    covariance: np.ndarray
    noise: np.ndarray
    outliers: np.ndarray


class Tuning(NamedTuple):
    """What the filter is told and never changes.

    Attributes
    ----------
    wander : (n + biases,)
        Variance that an unknown or a bias gains each second.
    least, most : (m,)
        Bounds of the adaptive `noise`.
    adapt : float
        Share of the newest innovation in `noise`; 0 holds it.
    temper, memory : float
        As `twin.estimate.bank.weigh` takes them.
    held : float64, (n + biases,)
        1 where an unknown is corrected, 0 where it is held: while a fault is suspected, nothing learns it away.
    heat, cooling : float
        At time 0 readings count as if their noise were ``1 + heat`` times its variance; it cools with this time
        constant [s]. A first guess that is far off would otherwise be corrected along tangents that don't hold.
    """

    wander: np.ndarray
    least: np.ndarray
    most: np.ndarray
    adapt: float
    temper: float
    memory: float
    held: np.ndarray
    heat: float
    cooling: float


class Trace(NamedTuple):
    """What each of K instants showed; written by the loop.

    Attributes
    ----------
    predicted, deviation : (K, m)
        What was expected before the reading was seen, and the standard deviation of a reading about it.
    mean, spread : (K, n + biases)
        What was believed after it.
    fit : (K, 3)
        Normalised innovation squared, its degrees of freedom, readings beyond the gate.
    lost : int64, (K,)
        Members that failed; -1 where the centre did, and the filter stopped.
    """

    predicted: np.ndarray
    deviation: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    fit: np.ndarray
    lost: np.ndarray


@njit(**INNER)
def _grow(moments, tuning, step):
    """Let unknowns wander for `step` seconds."""
    for i in range(moments.mean.size):
        moments.covariance[i, i] += tuning.wander[i] * step


@njit(**INNER)
def _expect(first, second, offset, mean, noise, predicted, deviation):
    """Write what outputs are expected to read, and the standard deviation of a reading about it."""
    for j in range(predicted.size):
        variance = noise[j] if noise[j] < math.inf else 0.0
        for array in (first, second):
            for k in range(array.shape[0]):
                variance += array[k, offset + j] * array[k, offset + j]
        predicted[j], deviation[j] = mean[offset + j], math.sqrt(variance)


@njit(**INNER)
def adapt(moments, tuning, prior, shift, chosen, count, now):
    """Move the noise towards what the innovations show beyond the belief's own variance; faster while it is young."""
    share = max(tuning.adapt, 1.0 / (30.0 + now))
    for a in range(count):
        j = chosen[a]
        bound = GATE * GATE * (prior[a, a] + moments.noise[j])
        seen = min(shift[a] * shift[a], bound) - prior[a, a]
        moved = moments.noise[j] + share * (seen - moments.noise[j])
        moments.noise[j] = min(max(moved, tuning.least[j]), tuning.most[j])


@njit(**INNER)
def _correct(z, width, places, bounds, moments, mean, gain, shift, count):
    """Move the centre, its followers and the belief by the gain."""
    size, n = moments.mean.size, places.kind.size
    for j in range(size):
        moved = mean[j]
        for a in range(count):
            moved += gain[a, j] * shift[a]
        moments.mean[j] = moved
    for i in range(n):
        if not inside(places, bounds, i, moments.mean[i]):  # a correction along a tangent doesn't hold that far
            moments.mean[i] = mean[i]
        if not inside(places, bounds, i, moments.mean[i]):
            moments.mean[i] = standardised(places, i, z[0, places.cells[places.first[i], 1], 0])
        place(z, width, 0, places, i, moments.mean[i])
    for k in range(places.followers.size):
        row, moved = places.followers[k], mean[size + k]
        for a in range(count):
            moved += gain[a, size + k] * shift[a]
        if bounds[0, row] <= moved <= bounds[1, row]:  # a follower relaxes by itself: it isn't pushed over its bounds
            z[0, row, 0] = moved


@njit(**INNER)
def _compare(
    z, c, width, places, hypotheses, suspicions, moments, tuning, bounds, factor, readings,
    inflation, now, step, k, trace,
):  # fmt: skip
    """Compare what the advanced members read with the readings, and correct the belief."""
    size, p, m = moments.mean.size, places.followers.size, places.outputs.size
    n, h, columns = places.kind.size, hypotheses.rows.size, size + p
    first, second = np.empty((size, columns + m)), np.empty((size, columns + m))
    mean = np.empty(columns + m)
    for j in range(n, size):
        mean[j] = moments.mean[j]
    noise = moments.noise * (1.0 + tuning.heat * math.exp(-now / tuning.cooling))
    trace.lost[k] = differences(z, c, width, places, factor, noise, first, second, mean)
    _expect(first, second, columns, mean, noise, trace.predicted[k], trace.deviation[k])
    for j in range(m):
        noise[j] *= inflation[j]
    chosen, shift = np.empty(m, np.int64), np.empty(m)
    count = choose(readings, noise, chosen)
    for a in range(count):
        shift[a] = readings[chosen[a]] - mean[columns + chosen[a]]
    prior, total, root = np.empty((count, count)), np.empty((count, count)), np.empty((count, count))
    gain, used = np.empty((count, columns)), np.empty(m)
    covariance_of(first, second, columns, chosen, count, prior)
    trace.fit[k, 2] = gated(prior, noise, shift, chosen, count, used, moments.outliers)
    factor_of(prior, used, chosen, count, total, root)
    gains(first, second, columns, columns, chosen, count, root, gain)
    for a in range(count):
        for j in range(size):
            gain[a, j] *= tuning.held[j]
    for a in range(count):
        if 0 < moments.outliers[chosen[a]] <= SPIKE:  # it tells no more of a fault than one at the gate
            noise[chosen[a]] = shift[a] * shift[a] / (GATE * GATE) - prior[a, a]
    factor_of(prior, noise, chosen, count, total, root)
    signs = np.empty((h, m))
    signatures(z, c, width, places, hypotheses, suspicions.trail, 1 + 2 * n, signs)
    trace.fit[k, 0] = weigh(
        hypotheses, suspicions, signs, shift, chosen, count, root, gain, columns, now, step, tuning.temper,
        tuning.memory,
    )  # fmt: skip
    trace.fit[k, 1] = count
    _correct(z, width, places, bounds, moments, mean, gain, shift, count)
    joseph(first, second, size, columns, chosen, count, gain, used, moments.covariance)
    if tuning.adapt > 0.0 and now > SETTLED * tuning.cooling:
        adapt(moments, tuning, prior, shift, chosen, count, now)


@njit(**COMPILED)
def assimilate(
    address, tables, constants, z, c, shape, program, places, hypotheses, tuning, moments, suspicions, offset, times,
    readings, inflation, trace,
):  # fmt: skip
    """Take in the readings of K instants, one after the other; return how many were done.

    Parameters
    ----------
    z, c : (blocks, rows, width)
        State and control rows; the first member is the centre, all others are overwritten.
    offset : float
        What is added to a time of the readings to get a time of the members [s].
    times : (K,)
        Strictly ascending [s].
    readings : (K, m)
        SI; NaN where nothing was read.
    inflation : (K, m)
        By how much each reading's variance is larger than that of a good one.
    """
    n, h, width, size = places.kind.size, hypotheses.rows.size, shape.width, moments.mean.size
    factor = np.empty((size, moments.covariance.shape[1]))
    spare = min(-(1 + 2 * n + h) % ALIGNED, z.shape[0] * width - (1 + 2 * n + h))
    for k in range(times.size):
        step = times[k] + offset - c[0, 0, 0]
        _grow(moments, tuning, step)
        cholesky(moments.covariance, size, factor)
        lean(moments.covariance, size, factor)
        members = spread(z, c, width, places, moments.mean, factor, n, h + spare)
        place_shadows(z, width, places, hypotheses, suspicions.trail, moments.mean, 1 + 2 * n)
        settle(z, width, members, places)
        advanced(address, tables, constants, z, c, members, times[k] + offset, shape, program)
        if failed(c, width, 0):
            trace.lost[k] = -1
            return k
        _compare(
            z, c, width, places, hypotheses, suspicions, moments, tuning, program.bounds, factor, readings[k],
            inflation[k], times[k], step, k, trace,
        )  # fmt: skip
        for j in range(size):
            trace.mean[k, j] = moments.mean[j]
            trace.spread[k, j] = math.sqrt(max(moments.covariance[j, j], 0.0))
    return times.size
