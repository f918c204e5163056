"""Members around a mean: placed, advanced, and read back as divided differences.

Directions are rows of an upper Cholesky factor; members stand at plus and minus `SPREAD` standard deviations of
each. The mean is that of the unscented transform, the covariance that of second-order divided differences, which
can't lose its positive definiteness as negative weights can.

References
----------
Julier and Uhlmann (2004), Unscented filtering and nonlinear estimation. Norgaard, Poulsen and Ravn (2000), New
developments in state estimation for nonlinear systems (the second-order terms). Bierman (1977), Factorization methods
for discrete sequential estimation (Joseph's form).
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from twin.compiled import INNER
from twin.drive import DONE, FLAG, RUNNING, TP, WATCHED, T, advance

SPREAD = math.sqrt(3.0)
"""Standard deviations at which members stand; three is the kurtosis of a normal distribution."""

LOPSIDED = 4.0
"""A member that moves the outputs this many times as far as its twin has left for another regime."""

LINEAR, LOGARITHMIC, LOGISTIC = 0, 1, 2


class Places(NamedTuple):
    """Where unknowns, instruments and followers are in a member's rows.

    Attributes
    ----------
    kind : int64, (n,)
        How an unknown's standardised value u gives its value: LINEAR ``base + scale u``, LOGARITHMIC
        ``base exp(scale u)``, LOGISTIC between `low` and `high`.
    base, scale, low, high : float64, (n,)
    cells : int64, (cells, 2)
        Unknown and row of ``z``: an unknown may stand in several rows. The first of an unknown is read back.
    first : int64, (n,)
        Index of an unknown's first cell.
    outputs : int64, (m,)
        Rows that are looked at: those that instruments read, then others.
    biases : int
        How many of the first outputs have a bias of their own, which is an unknown too.
    followers : int64, (p,)
        Rows of states that are no unknowns: they keep to the others by themselves.
    states : int64
        Number of states, the first rows.
    previous : int64
        First row of the copy of the states that the driver locates events with.
    persistent : int64
        Number of rows that are a member's state.
    """

    kind: np.ndarray
    base: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    cells: np.ndarray
    first: np.ndarray
    outputs: np.ndarray
    biases: int
    followers: np.ndarray
    states: int
    previous: int
    persistent: int


@njit(**INNER)
def value_of(places, i, u):
    """Return the SI value of unknown i at the standardised value u."""
    if places.kind[i] == LINEAR:
        return places.base[i] + places.scale[i] * u
    if places.kind[i] == LOGARITHMIC:
        return places.base[i] * math.exp(places.scale[i] * u)
    odds = math.exp(-places.scale[i] * u) * (places.high[i] - places.base[i]) / (places.base[i] - places.low[i])
    return places.low[i] + (places.high[i] - places.low[i]) / (1.0 + odds)


@njit(**INNER)
def standardised(places, i, value):
    """Return the standardised value at which unknown i has this SI value."""
    if places.kind[i] == LINEAR:
        return (value - places.base[i]) / places.scale[i]
    if places.kind[i] == LOGARITHMIC:
        return math.log(value / places.base[i]) / places.scale[i]
    low, high, base = places.low[i], places.high[i], places.base[i]
    return math.log((value - low) / (high - value) * (high - base) / (base - low)) / places.scale[i]


@njit(**INNER)
def copy_centre(z, c, width, members, places):
    """Make every member a copy of the first."""
    for block in range(z.shape[0]):
        lanes = min(width, members - block * width)
        for r in range(places.persistent):
            value = z[0, r, 0]
            for lane in range(lanes):
                z[block, r, lane] = value
        for r in range(c.shape[1]):
            value = c[0, r, 0]
            for lane in range(lanes):
                c[block, r, lane] = value
        for lane in range(lanes):
            c[block, TP, lane], c[block, FLAG, lane] = c[block, T, lane], RUNNING


@njit(**INNER)
def place(z, width, member, places, i, u):
    """Set unknown i of a member to the standardised value u."""
    block, lane = member // width, member % width
    value = value_of(places, i, u)
    k = places.first[i]
    while k < places.cells.shape[0] and places.cells[k, 0] == i:
        z[block, places.cells[k, 1], lane] = value
        k += 1


@njit(**INNER)
def inside(places, bounds, i, u):
    """Return whether the states that unknown i stands in may have its standardised value u."""
    value, k = value_of(places, i, u), places.first[i]
    while k < places.cells.shape[0] and places.cells[k, 0] == i:
        row = places.cells[k, 1]
        if row < places.states and not bounds[0, row] <= value <= bounds[1, row]:
            return False
        k += 1
    return True


@njit(**INNER)
def settle(z, width, members, places):
    """Let the driver's copy of the states be the states as they were placed."""
    for block in range(z.shape[0]):
        lanes = min(width, members - block * width)
        for r in range(places.states):
            for lane in range(lanes):
                z[block, places.previous + r, lane] = z[block, r, lane]


@njit(**INNER)
def spread(z, c, width, places, mean, factor, n, shadows):
    """Copy the first member and place pairs of members around `mean`; return how many members there are.

    The 2 n members after the first are pairs; the `shadows` behind them are copies of the first.
    """
    members = 1 + 2 * n + shadows
    for i in range(n):
        place(z, width, 0, places, i, mean[i])
    copy_centre(z, c, width, members, places)
    for k in range(n):
        for i in range(k, n):  # row k of an upper factor starts at column k: earlier unknowns stay at the mean
            away = SPREAD * factor[k, i]
            place(z, width, 1 + 2 * k, places, i, mean[i] + away)
            place(z, width, 2 + 2 * k, places, i, mean[i] - away)
        _follow(z, width, places, 1 + 2 * k, SPREAD, factor, k, n + places.biases)
        _follow(z, width, places, 2 + 2 * k, -SPREAD, factor, k, n + places.biases)
    return members


@njit(**INNER)
def _follow(z, width, places, member, size, factor, k, offset):
    """Move a member's followers by what direction k does to them."""
    block, lane = member // width, member % width
    for j in range(places.followers.size):
        z[block, places.followers[j], lane] += size * factor[k, offset + j]


@njit(**INNER)
def failed(c, width, member):
    """Return whether a member's numbers stopped meaning anything."""
    flag = c[member // width, FLAG, member % width]
    return flag > DONE and flag != WATCHED


@njit(**INNER)
def gather(z, width, places, member, out):
    """Write a member's standardised unknowns, then its followers, then what its instruments read."""
    block, lane = member // width, member % width
    n, p = places.kind.size, places.followers.size
    for i in range(n):
        out[i] = standardised(places, i, z[block, places.cells[places.first[i], 1], lane])
    for k in range(p):
        out[n + k] = z[block, places.followers[k], lane]
    for k in range(places.outputs.size):
        out[n + p + k] = z[block, places.outputs[k], lane]


@njit(**INNER)
def advanced(address, tables, constants, z, c, members, until, shape, program):
    """Advance the members to `until`; what happens on the way isn't kept."""
    samples = np.empty((1, members, 1))
    counts = np.zeros((program.periods.size, members), np.int64)
    log = np.empty((64 + program.watched.size, 3))
    full = True
    while full:
        _, full = advance(address, tables, constants, z, c, members, until, shape, program, samples, counts, log)


@njit(**INNER)
def differences(z, c, width, places, factor, noise, first, second, mean):
    """Write divided differences of every column, and the columns' mean; return how many pairs were lost.

    Columns are the n unknowns, the instruments' biases, the followers, the outputs. A pair with a member
    that failed counts one-sidedly, or not at all; so does one with a member far beyond the other, which left for
    another regime of the plant (a check valve that closes, a trip): it says nothing of where the centre is.

    Parameters
    ----------
    factor : (n + biases, n + biases)
        Upper factor that the members were placed by; a bias adds to its reading and needs no member.
    first, second : (n + biases, columns)
        First differences are a root of the covariance, second ones what curvature adds to it.
    mean : (columns,)
        Holds the biases' mean already.
    """
    n, m, p, biases = places.kind.size, places.outputs.size, places.followers.size, places.biases
    centre, plus, minus = np.empty(n + p + m), np.empty(n + p + m), np.empty(n + p + m)
    gather(z, width, places, 0, centre)
    bend = np.zeros(n + p + m)
    first[:, :], second[:, :] = 0.0, 0.0
    lost = 0
    for k in range(n):
        up, down = failed(c, width, 1 + 2 * k), failed(c, width, 2 + 2 * k)
        gather(z, width, places, 1 + 2 * k, plus)
        gather(z, width, places, 2 + 2 * k, minus)
        if not (up or down):
            above, below = _away(plus, centre, n + p, noise), _away(minus, centre, n + p, noise)
            up, down = above > LOPSIDED * (1.0 + below), below > LOPSIDED * (1.0 + above)
        lost += _pair(up, down, centre, plus, minus, n, biases, first[k], second[k], bend)
    _add_biases(factor, n, biases, p, first)
    for j in range(n + p + m):
        column = j if j < n else j + biases
        mean[column] = centre[j] + bend[j] / (2.0 * SPREAD * SPREAD)
    for j in range(biases):
        mean[n + biases + p + j] += mean[n + j]
    return lost


@njit(**INNER)
def _away(member, centre, offset, noise):
    """Return how far a member's outputs are from the centre's at most, in standard deviations of their noise."""
    most = 0.0
    for j in range(noise.size):
        if noise[j] < math.inf:
            most = max(most, abs(member[offset + j] - centre[offset + j]) / math.sqrt(noise[j]))
    return most


@njit(**INNER)
def _pair(up, down, centre, plus, minus, n, biases, first, second, bend):
    """Write the differences of one pair; return 1 where it is lost."""
    curved = math.sqrt(SPREAD * SPREAD - 1.0) / (2.0 * SPREAD * SPREAD)
    if up and down:
        return 1
    for j in range(centre.size):
        column = j if j < n else j + biases
        if up:
            first[column] = (centre[j] - minus[j]) / SPREAD
        elif down:
            first[column] = (plus[j] - centre[j]) / SPREAD
        else:
            first[column] = (plus[j] - minus[j]) / (2.0 * SPREAD)
            second[column] = curved * (plus[j] + minus[j] - 2.0 * centre[j])
            bend[j] += plus[j] + minus[j] - 2.0 * centre[j]
    return 0


@njit(**INNER)
def _add_biases(factor, n, biases, p, first):
    """Add what the directions say of the instruments' biases, to biases and readings."""
    for k in range(n + biases):
        for j in range(biases):
            first[k, n + j] = factor[k, n + j]
            first[k, n + biases + p + j] += factor[k, n + j]
