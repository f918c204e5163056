"""An ensemble filter's members as arrays: read, set, let wander, drawn anew, replaced where they failed.

What is drawn is made uncorrelated with all that the members are already believed to be (second-order exact sampling):
correlations that members have by chance would drain, an instant after the other, the spread of all that the readings
don't see.

References
----------
Pham (2001), Stochastic methods for sequential data assimilation in strongly nonlinear systems.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math

import numpy as np
from numba import njit

from twin.compiled import COMPILED, INNER
from twin.estimate.sigma import failed, standardised, value_of

LEAST_SHARE = 1e-9
"""A direction that keeps less than this share of its length beside others is one of theirs."""


@njit(**INNER)
def dots(rows, count, vector, out):
    """Write the products of the first `count` rows with a vector, four at a time: sums of one order, no waiting."""
    size = vector.size
    for k in range(0, count - count % 4, 4):
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for i in range(size):
            x = vector[i]
            a += rows[k, i] * x
            b += rows[k + 1, i] * x
            c += rows[k + 2, i] * x
            d += rows[k + 3, i] * x
        out[k], out[k + 1], out[k + 2], out[k + 3] = a, b, c, d
    for k in range(count - count % 4, count):
        a = 0.0
        for i in range(size):
            a += rows[k, i] * vector[i]
        out[k] = a


@njit(**INNER)
def append_direction(basis, count, vector, products):
    """Add what a vector has beyond orthonormal rows as a row of length 1; return how many rows there are then."""
    before, after, row = 0.0, 0.0, basis[count]
    for i in range(vector.size):
        row[i] = vector[i]
        before += vector[i] * vector[i]
    for _ in range(2):  # twice is enough: the second time takes away what rounding left
        dots(basis, count, row, products)
        for k in range(count):
            for i in range(vector.size):
                row[i] -= products[k] * basis[k, i]
    for i in range(vector.size):
        after += row[i] * row[i]
    if not after > LEAST_SHARE * LEAST_SHARE * before:
        return count
    for i in range(vector.size):
        row[i] /= math.sqrt(after)
    return count + 1


@njit(**INNER)
def gather(z, width, places, biases, x):
    """Write standardised unknowns, biases, followers and, if there are rows for it, what instruments read."""
    n, nb, p = places.kind.size, places.biases, places.followers.size
    known, members = n + nb + p, x.shape[1]
    for i in range(n):
        pick(z, width, places.cells[places.first[i], 1], x[i])
        for member in range(members):
            x[i, member] = standardised(places, i, x[i, member])
    for j in range(nb):
        for member in range(members):
            x[n + j, member] = biases[j, member]
    for k in range(p):
        pick(z, width, places.followers[k], x[n + nb + k])
    for j in range(x.shape[0] - known):
        pick(z, width, places.outputs[j], x[known + j])
        if j < nb:
            for member in range(members):
                x[known + j, member] += biases[j, member]


@njit(**INNER)
def pick(z, width, row, out):
    """Write a row of every member."""
    for block in range(z.shape[0]):
        begin = block * width
        for lane in range(min(width, out.size - begin)):
            out[begin + lane] = z[block, row, lane]


@njit(**INNER)
def centred(x, mean):
    """Take the members' mean from every row, and write it."""
    for r in range(x.shape[0]):
        total = 0.0
        for i in range(x.shape[1]):
            total += x[r, i]
        mean[r] = total / x.shape[1]
        for i in range(x.shape[1]):
            x[r, i] -= mean[r]


@njit(**INNER)
def put(z, width, places, bounds, i, values):
    """Set unknown i of every member to standardised values; return how many stay, as they would leave bounds."""
    first, low, high, refused = places.first[i], -math.inf, math.inf, 0
    last = first
    while last < places.cells.shape[0] and places.cells[last, 0] == i:
        row = places.cells[last, 1]
        if row < places.states:
            low, high = max(low, bounds[0, row]), min(high, bounds[1, row])
        last += 1
    for block in range(z.shape[0]):
        begin = block * width
        for lane in range(min(width, values.size - begin)):
            value = value_of(places, i, values[begin + lane])
            if low <= value <= high:
                for k in range(first, last):
                    z[block, places.cells[k, 1], lane] = value
            else:
                refused += 1
    return refused


@njit(**INNER)
def _directions(x, draws, chosen, replaced, directions):
    """Make draws uncorrelated with each other and with the rows of x; write which are, each of variance 1.

    Parameters
    ----------
    x : (known, members)
        Deviations from the mean.
    draws : (w, members)
        Standard normal numbers.
    chosen : int64, (w,)
        Rows of x that the draws are for.
    replaced : bool
        Whether those rows are to be replaced, and so no matter.
    directions : (w, members)
        A row of zeros where the members are too few.
    """
    known, members = x.shape
    basis, products = np.empty((1 + known + chosen.size, members)), np.empty(1 + known + chosen.size)
    basis[0, :] = 1.0 / math.sqrt(members)
    count = 1
    for r in range(known):
        matters = True
        for w in range(chosen.size):
            matters = matters and not (replaced and chosen[w] == r)
        if matters:
            count = append_direction(basis, count, x[r], products)
    for w in range(chosen.size):
        before = count
        count = append_direction(basis, count, draws[w], products)
        length = math.sqrt(members - 1.0) if count > before else 0.0
        for member in range(members):
            directions[w, member] = length * basis[before, member]


@njit(**INNER)
def walk(z, width, places, bounds, biases, wander, step, walkers, draws):
    """Let unknowns wander for `step` seconds, by draws that are uncorrelated with all that is believed.

    Parameters
    ----------
    walkers : int64, (w,)
        Unknowns that wander.
    draws : (w, members)
        Standard normal numbers.
    """
    if not walkers.size:
        return
    members, known = draws.shape[1], places.kind.size + places.biases + places.followers.size
    x, mean, directions = np.empty((known, members)), np.empty(known), np.empty(draws.shape)
    gather(z, width, places, biases, x)
    centred(x, mean)
    _directions(x, draws, walkers, False, directions)
    for w in range(walkers.size):
        i = walkers[w]
        size = math.sqrt(wander[i] * step)
        for member in range(members):
            directions[w, member] = mean[i] + x[i, member] + size * directions[w, member]
        put(z, width, places, bounds, i, directions[w])


@njit(**COMPILED)
def redraw(z, width, places, bounds, biases, chosen, sizes, centres, draws):
    """Draw unknowns and biases of every member anew.

    Parameters
    ----------
    chosen : int64, (w,)
        Unknowns, and biases behind them.
    sizes, centres : (w,)
        Standard deviation and mean; a mean that is no number is that of the members.
    draws : (w, members)
        Standard normal numbers.
    """
    n, members, known = places.kind.size, draws.shape[1], places.kind.size + places.biases + places.followers.size
    x, mean, directions = np.empty((known, members)), np.empty(known), np.empty(draws.shape)
    gather(z, width, places, biases, x)
    centred(x, mean)
    _directions(x, draws, chosen, True, directions)
    for w in range(chosen.size):
        i = chosen[w]
        centre = mean[i] if math.isnan(centres[w]) else centres[w]
        for member in range(members):
            directions[w, member] = centre + sizes[w] * directions[w, member]
        if i < n:
            put(z, width, places, bounds, i, directions[w])
        else:
            for member in range(members):
                biases[i - n, member] = directions[w, member]


@njit(**COMPILED)
def belief_of(z, width, places, biases, x, mean):
    """Write the members' standardised unknowns, biases and followers: deviations from the mean, and the mean."""
    gather(z, width, places, biases, x)
    centred(x, mean)


@njit(**INNER)
def copy_member(z, c, width, biases, origin, target):
    """Make a member a copy of another one."""
    from_block, from_lane, block, lane = origin // width, origin % width, target // width, target % width
    for r in range(z.shape[1]):
        z[block, r, lane] = z[from_block, r, from_lane]
    for r in range(c.shape[1]):
        c[block, r, lane] = c[from_block, r, from_lane]
    for j in range(biases.shape[0]):
        biases[j, target] = biases[j, origin]


@njit(**INNER)
def replace_failed(z, c, width, members, biases, parents):
    """Make each failed member a copy of one that lives; write it and another one as its parents; return how many.

    Where fewer than two live, nothing is done and -1 returned.
    """
    alive, count = np.empty(members, np.int64), 0
    for member in range(members):
        parents[member, 0], parents[member, 1] = -1, -1
        if not failed(c, width, member):
            alive[count] = member
            count += 1
    if count < 2:
        return -1
    for member in range(members):
        if failed(c, width, member):
            parents[member, 0] = alive[member % count]
            apart = 1 + ((count - 1) // 2 + member // count) % (count - 1)  # no two have the same ones
            parents[member, 1] = alive[(member + apart) % count]
            copy_member(z, c, width, biases, parents[member, 0], member)
    return members - count


@njit(**INNER)
def breed(x, steady, parents):
    """Let a replaced member's steady unknowns and biases deviate as both of its parents do together.

    By these shares of two independent deviations it deviates as much as each of them.
    """
    for member in range(x.shape[1]):
        if parents[member, 0] >= 0:
            for r in range(steady.size):
                if steady[r]:
                    x[r, member] = 0.8 * x[r, parents[member, 0]] + 0.6 * x[r, parents[member, 1]]
