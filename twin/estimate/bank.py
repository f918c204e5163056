"""The compiled bank of hypotheses: for every declared fault and every instrument, how well it explains what is left.

Each hypothesis is one scalar, the severity b of its fault, beside the filter that knows of no fault: Friedland's
separate-bias estimation. What a unit of b does to the state is carried by a shadow member, so the sensitivities are
the kernel's own; what it does to the readings is their difference. Evidence is the log-likelihood ratio against no
fault, summed as Page's CUSUM does, so that it starts anew whenever it falls to zero.

References
----------
Friedland (1969), Treatment of bias in recursive filtering. Willsky and Jones (1976), A generalized likelihood ratio
approach to the detection and estimation of jumps. Page (1954), Continuous inspection schemes.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin.compiled import INNER
from twin.estimate.algebra import whiten
from twin.estimate.sigma import failed, gather, place


class Hypotheses(NamedTuple):
    """What may be wrong: a declared fault, or an instrument.

    Attributes
    ----------
    rows : int64, (h,)
        Row of ``z`` of the fault, or -1.
    instruments : int64, (h,)
        Which instrument is off, or -1.
    unit : float64, (h,)
        SI severity of b = 1.
    low : float64, (h,)
        Least b: 0 for a fault that has one sign.
    wander : float64, (h,)
        Variance that b gains each second.
    """

    rows: np.ndarray
    instruments: np.ndarray
    unit: np.ndarray
    low: np.ndarray
    wander: np.ndarray


class Suspicions(NamedTuple):
    """What is believed of each hypothesis; all arrays are over hypotheses.

    Attributes
    ----------
    size, variance : (h,)
        Severity b and its variance.
    evidence : (h,)
        CUSUM of the log-likelihood ratio.
    onset : (h,)
        When the evidence was last zero [s].
    trail : (h, n + biases + p)
        What a unit of b has done to unknowns, biases and followers.
    rest : (h + 1, m)
        Smoothed normalised innovations that the hypothesis leaves; the last row is that of no fault.
    excess : (2,)
        CUSUM of what any explanation could gain, and when it was last zero [s].
    before : (h,)
        Severity up to where the filter was held; `size` counts from there.
    """

    size: np.ndarray
    variance: np.ndarray
    evidence: np.ndarray
    onset: np.ndarray
    trail: np.ndarray
    rest: np.ndarray
    excess: np.ndarray
    before: np.ndarray


def unsuspecting(hypotheses: int, columns: int, outputs: int) -> Suspicions:
    """Return suspicions of nothing."""
    h, m = hypotheses, outputs
    trail, rest = np.zeros((h, columns)), np.zeros((h + 1, m))
    return Suspicions(np.zeros(h), np.zeros(h), np.zeros(h), np.zeros(h), trail, rest, np.zeros(2), np.zeros(h))


DRIFT = 1.1
"""Innovations this many times as large as they should be are no excess yet."""


REACH = 0.3
"""A shadow stands so near the centre that no unknown is further off than this share of its spread: tangents hold."""


@njit(**INNER)
def _share(trail, n):
    """Return the share of a unit at which a shadow stands."""
    most = REACH
    for k in range(n):
        most = max(most, abs(trail[k]))
    return REACH / most


@njit(**INNER)
def place_shadows(z, width, places, hypotheses, trail, mean, first):
    """Let member ``first + i`` be the centre as a share of a unit of hypothesis i would have left it."""
    n, biases = places.kind.size, places.biases
    for i in range(hypotheses.rows.size):
        member = first + i
        block, lane = member // width, member % width
        share = _share(trail[i], n)
        for k in range(n):
            place(z, width, member, places, k, mean[k] + share * trail[i, k])
        for k in range(places.followers.size):
            z[block, places.followers[k], lane] += share * trail[i, n + biases + k]
        if hypotheses.rows[i] >= 0:
            z[block, hypotheses.rows[i], lane] += share * hypotheses.unit[i]


@njit(**INNER)
def signatures(z, c, width, places, hypotheses, trail, first, signs):
    """Update the trails by what the shadows became, and write what a unit of each does to the readings, (h, m)."""
    n, m, p, biases = places.kind.size, places.outputs.size, places.followers.size, places.biases
    centre, shadow = np.empty(n + p + m), np.empty(n + p + m)
    gather(z, width, places, 0, centre)
    for i in range(hypotheses.rows.size):
        if failed(c, width, first + i):
            signs[i, :] = 0.0
            continue
        gather(z, width, places, first + i, shadow)
        share = _share(trail[i], n)
        for k in range(n):
            trail[i, k] = (shadow[k] - centre[k]) / share
        for k in range(p):
            trail[i, n + biases + k] = (shadow[n + k] - centre[n + k]) / share
        for j in range(m):
            signs[i, j] = (shadow[n + p + j] - centre[n + p + j]) / share + (trail[i, n + j] if j < biases else 0.0)
        if hypotheses.instruments[i] >= 0:
            signs[i, hypotheses.instruments[i]] += hypotheses.unit[i]


@njit(**INNER)
def weigh(hypotheses, state, signs, shift, chosen, count, factor, gain, columns, now, step, temper, memory):
    """Update severities, evidence and what is left after each, by this instant's innovations.

    Parameters
    ----------
    factor : upper factor of the innovations' covariance
    temper : float
        By how much evidence counts: 1 if innovations are as white as the model says, less if they aren't.
    memory : float
        Share of the new innovation in the smoothed ones.
    """
    white, sign = np.empty(count), np.empty(count)
    for a in range(count):
        white[a] = shift[a]
    whiten(factor, count, white)
    total = 0.0
    for a in range(count):
        total += white[a] * white[a]
    state.excess[0] = max(0.0, state.excess[0] + temper * 0.5 * (total - DRIFT * count))
    if state.excess[0] == 0.0:
        state.excess[1] = now
    _smooth(state.rest[-1], shift, chosen, count, factor, memory)
    left = np.empty(count)
    for i in range(hypotheses.rows.size):
        for a in range(count):
            sign[a] = signs[i, chosen[a]]
        for a in range(count):
            left[a] = shift[a] - sign[a] * state.size[i]
        _smooth(state.rest[i], left, chosen, count, factor, memory)
        whiten(factor, count, sign)
        power, match = 0.0, 0.0
        for a in range(count):
            power += sign[a] * sign[a]
            match += sign[a] * white[a]
        _weigh_one(hypotheses, state, i, power, match, step, temper)
        if state.evidence[i] == 0.0:  # not yet, or no more: whatever comes starts now, and has left no trail
            state.size[i], state.variance[i], state.trail[i, :], state.onset[i] = 0.0, 0.0, 0.0, now
            state.before[i] = 0.0
            continue
        for a in range(count):
            weight = signs[i, chosen[a]]
            if weight != 0.0:
                for j in range(columns):
                    state.trail[i, j] -= weight * gain[a, j]
    return total


@njit(**INNER)
def _weigh_one(hypotheses, state, i, power, match, step, temper):
    """Update one hypothesis by the power of its signature and its match with the innovation."""
    before = state.variance[i] + hypotheses.wander[i] * step
    b = max(state.size[i], hypotheses.low[i])
    error = match - power * b  # signature times what b leaves of the innovation
    weight = before / (1.0 + before * power)
    gained = b * match - 0.5 * b * b * power + 0.5 * error * error * weight - 0.5 * math.log1p(before * power)
    if b <= hypotheses.low[i] and error < 0.0:  # it would have to shrink below nothing: no evidence for it
        gained = min(gained, -0.5 * math.log1p(before * power))
    state.evidence[i] = max(0.0, state.evidence[i] + temper * gained)
    state.size[i] = max(b + weight * error, hypotheses.low[i])
    state.variance[i] = weight


@njit(**INNER)
def _smooth(rest, shift, chosen, count, factor, memory):
    """Blend normalised innovations into the smoothed ones."""
    for a in range(count):
        # A column of the factor squares to the variance.
        variance = 0.0
        for k in range(a + 1):
            variance += factor[k, a] * factor[k, a]
        if variance > 0.0:
            j = chosen[a]
            rest[j] += memory * (shift[a] / math.sqrt(variance) - rest[j])
