"""The compiled loop of an ensemble filter: for every instant scatter, advance, replace what failed, correct.

Members keep their own states, modes and due times from one instant to the next: a correction moves each member's
unknowns, followers and biases, and nothing else of it. The correction is the square-root one of Whitaker and Hamill,
a reading at a time: no noise is drawn for readings. As what unknowns wander by is uncorrelated with all else (see
`twin.estimate.members`), the members' mean and covariance are on a linear plant those of the Kalman filter.

References
----------
Evensen (2003), The ensemble Kalman filter: theoretical formulation and practical implementation. Whitaker and Hamill
(2002), Ensemble data assimilation without perturbed observations.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin.compiled import COMPILED, INNER
from twin.drive import FLAG, RUNNING, TP, T
from twin.estimate.bank import weigh
from twin.estimate.correct import choose, factor_of, gated
from twin.estimate.cycle import SETTLED, adapt
from twin.estimate.members import breed, centred, dots, gather, put, replace_failed, walk
from twin.estimate.sigma import advanced, settle


class Belief(NamedTuple):
    """What is believed beside the members' own rows; all of it changes in place.

    Attributes
    ----------
    biases : (biases, members)
        Constant error of each instrument, SI.
    noise, outliers : (m,)
        As in `twin.estimate.cycle.Moments`.
    """

    biases: np.ndarray
    noise: np.ndarray
    outliers: np.ndarray


@njit(**INNER)
def innovate(x, mean, offset, readings, chosen, count, shift, prior):
    """Write innovations and the covariance of what was expected."""
    for a in range(count):
        j = offset + chosen[a]
        shift[a] = readings[chosen[a]] - mean[j]
        for b in range(a + 1):
            total = 0.0
            for i in range(x.shape[1]):
                total += x[j, i] * x[offset + chosen[b], i]
            prior[a, b] = prior[b, a] = total / (x.shape[1] - 1)


@njit(**INNER)
def correct(x, mean, offset, readings, chosen, count, used, held):
    """Move mean and deviations by one reading after the other."""
    members = x.shape[1]
    seen, products = np.empty(members), np.empty(x.shape[0])
    for a in range(count):
        j = offset + chosen[a]
        for i in range(members):
            seen[i] = x[j, i]
        dots(x, x.shape[0], seen, products)
        variance = products[j] / (members - 1)
        if not variance > 0.0:
            continue
        total = variance + used[chosen[a]]
        shift, share = readings[chosen[a]] - mean[j], 1.0 / (1.0 + math.sqrt(used[chosen[a]] / total))
        for r in range(x.shape[0]):
            gain = products[r] / ((members - 1) * total)
            if r < held.size:
                gain *= held[r]
            mean[r] += gain * shift
            for i in range(members):
                x[r, i] -= share * gain * seen[i]


@njit(**INNER)
def write_back(z, width, places, bounds, biases, x, mean):
    """Set members' unknowns, biases and followers; what would leave its bounds stays where it was.

    `x` and `mean` are then what the members are.
    """
    n, nb, members = places.kind.size, places.biases, x.shape[1]
    values, refused = np.empty(members), 0
    for i in range(n):
        for member in range(members):
            values[member] = mean[i] + x[i, member]
        refused += put(z, width, places, bounds, i, values)
    for j in range(nb):
        for member in range(members):
            biases[j, member] = mean[n + j] + x[n + j, member]
    for k in range(places.followers.size):
        row, r = places.followers[k], n + nb + k
        for member in range(members):
            moved = mean[r] + x[r, member]
            if bounds[0, row] <= moved <= bounds[1, row]:
                z[member // width, row, member % width] = moved
    if refused:
        gather(z, width, places, biases, x)
        centred(x, mean)


@njit(**INNER)
def _expect(x, mean, offset, noise, predicted, deviation):
    """Write what outputs are expected to read, and the standard deviation of a reading about it."""
    for j in range(predicted.size):
        total = 0.0
        for i in range(x.shape[1]):
            total += x[offset + j, i] * x[offset + j, i]
        variance = total / (x.shape[1] - 1) + (noise[j] if noise[j] < math.inf else 0.0)
        predicted[j], deviation[j] = mean[offset + j], math.sqrt(variance)


@njit(**INNER)
def _compare(
    z, width, places, hypotheses, suspicions, belief, tuning, steady, bounds, readings, inflation, parents, now, step,
    k, trace,
):  # fmt: skip
    """Compare what the advanced members read with the readings, and correct them."""
    members, m = parents.shape[0], places.outputs.size
    offset = places.kind.size + places.biases + places.followers.size
    x, mean = np.empty((offset + m, members)), np.empty(offset + m)
    gather(z, width, places, belief.biases, x)
    centred(x, mean)
    noise = belief.noise * (1.0 + tuning.heat * math.exp(-now / tuning.cooling))
    _expect(x, mean, offset, noise, trace.predicted[k], trace.deviation[k])
    for j in range(m):
        noise[j] *= inflation[j]
    chosen, shift, used = np.empty(m, np.int64), np.empty(m), np.empty(m)
    count = choose(readings, noise, chosen)
    prior, total, root = np.empty((count, count)), np.empty((count, count)), np.empty((count, count))
    innovate(x, mean, offset, readings, chosen, count, shift, prior)
    trace.fit[k, 2] = gated(prior, noise, shift, chosen, count, used, belief.outliers)
    factor_of(prior, noise, chosen, count, total, root)
    signs, gain = np.empty((0, m)), np.empty((0, 0))
    trace.fit[k, 0] = weigh(
        hypotheses, suspicions, signs, shift, chosen, count, root, gain, 0, now, step, tuning.temper, tuning.memory,
    )  # fmt: skip
    trace.fit[k, 1] = count
    correct(x, mean, offset, readings, chosen, count, used, tuning.held)
    breed(x, steady, parents)
    write_back(z, width, places, bounds, belief.biases, x, mean)
    if tuning.adapt > 0.0 and now > SETTLED * tuning.cooling:
        adapt(belief, tuning, prior, shift, chosen, count, now)
    for r in range(trace.mean.shape[1]):
        spread = 0.0
        for i in range(members):
            spread += x[r, i] * x[r, i]
        trace.mean[k, r], trace.spread[k, r] = mean[r], math.sqrt(spread / (members - 1))


@njit(**COMPILED)
def assimilate(
    address, tables, constants, z, c, shape, program, places, hypotheses, tuning, steady, belief, suspicions, walkers,
    draws, offset, times, readings, inflation, trace,
):  # fmt: skip
    """Take in the readings of K instants, one after the other; return how many were done.

    Parameters
    ----------
    z, c : (blocks, rows, width)
        State and control rows of the members.
    steady : bool, (n + biases,)
        Which unknowns and biases are no states.
    walkers : int64, (w,)
    draws : (K, w, members)
    offset, times, readings, inflation
        As `twin.estimate.cycle.assimilate` takes them.
    """
    width, members = shape.width, draws.shape[2]
    parents = np.empty((members, 2), np.int64)
    for k in range(times.size):
        until = times[k] + offset
        step = until - c[0, T, 0]
        walk(z, width, places, program.bounds, belief.biases, tuning.wander, step, walkers, draws[k])
        settle(z, width, members, places)
        for member in range(members):
            block, lane = member // width, member % width
            c[block, TP, lane], c[block, FLAG, lane] = c[block, T, lane], RUNNING
        advanced(address, tables, constants, z, c, members, until, shape, program)
        trace.lost[k] = replace_failed(z, c, width, members, belief.biases, parents)
        if trace.lost[k] < 0:
            return k
        _compare(
            z, width, places, hypotheses, suspicions, belief, tuning, steady, program.bounds, readings[k],
            inflation[k], parents, times[k], step, k, trace,
        )  # fmt: skip
    return times.size
