"""Random numbers of a flow, compiled: the bits of `twin.streams`, so that a fork and any driver draw the same.

The k-th number of a stream is a function of the stream's start and k. Every law but the Erlang, normal and lognormal
ones takes one uniform number and turns it round by its quantile function.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import math

import numpy as np
from numba import njit, uint64

from twin.compiled import BARE, INLINED
from twin.flow.records import Law
from twin.flow.views import numbers, streams
from twin.lanemath import cos, exp, log, pow

_GOLDEN, _FIRST, _SECOND = uint64(0x9E3779B97F4A7C15), uint64(0xBF58476D1CE4E5B9), uint64(0x94D049BB133111EB)
_CONSTANT, _EXPONENTIAL, _UNIFORM, _TRIANGULAR, _WEIBULL, _ERLANG, _NORMAL, _LOGNORMAL, _EMPIRICAL = map(int, Law)


@njit(**INLINED)
def uniform(start, k):
    """Return the k-th number of a stream, in (0, 1)."""
    z = start + _GOLDEN * uint64(k + 1)
    z = (z ^ (z >> uint64(30))) * _FIRST
    z = (z ^ (z >> uint64(27))) * _SECOND
    z = z ^ (z >> uint64(31))
    return (np.float64(z >> uint64(12)) + 0.5) * 2.0**-52


@njit(**INLINED)
def standard(start, k):
    """Return the k-th normal number of a stream by Box and Muller, of two uniform ones."""
    return math.sqrt(-2.0 * log(uniform(start, 2 * k))) * cos(2.0 * math.pi * uniform(start, 2 * k + 1))


@njit(**BARE)
def draw(member, s):
    """Return the next number of a member's stream s.

    ``a``, ``b``, ``c`` are: constant value; exponential mean; uniform low, high; triangular low, mode, high; Weibull
    scale, shape; Erlang mean, phases; normal mean, deviation, least; lognormal mean and deviation of the logarithm;
    empirical: the table's quantiles at equal distances of probability, with lines between them.
    """
    stream = streams(member)[s]
    k, start, a, b, c = stream.index, stream.start, stream.a, stream.b, stream.c
    stream.index = k + 1
    law = stream.law
    if law == _EXPONENTIAL:
        return -a * log(uniform(start, k))
    if law == _CONSTANT:
        return a
    if law == _UNIFORM:
        return a + (b - a) * uniform(start, k)
    if law == _TRIANGULAR:
        u, turn = uniform(start, k), (b - a) / (c - a)
        return a + math.sqrt(u * (c - a) * (b - a)) if u < turn else c - math.sqrt((1.0 - u) * (c - a) * (c - b))
    if law == _WEIBULL:
        return a * pow(-log(uniform(start, k)), 1.0 / b)
    if law == _ERLANG:
        phases, total = int(b), 0.0
        for i in range(phases):
            total -= log(uniform(start, k * phases + i))
        return a / phases * total
    if law == _NORMAL:
        return max(a + b * standard(start, k), c)
    if law == _LOGNORMAL:
        return exp(a + b * standard(start, k))
    place = uniform(start, k) * (stream.count - 1)
    i = int(place)
    low, high = numbers(member)[stream.first + i], numbers(member)[stream.first + i + 1]
    return low + (place - i) * (high - low)


@njit(**INLINED)
def following(member, s):
    """Return the next uniform number of a member's stream s."""
    stream = streams(member)[s]
    stream.index += 1
    return uniform(stream.start, stream.index - 1)


@njit(**INLINED)
def choice(u, table, first, count):
    """Return which of `count` cumulative probabilities from `first` on a uniform number falls to."""
    for i in range(count - 1):
        if u < table[first + i]:
            return i
    return count - 1


@njit(**INLINED)
def branch(u, table, first, count):
    """Return which of `count` edges from `first` on a uniform number falls to, by their shares."""
    for i in range(count - 1):
        if u < table[first + i].share:
            return i
    return count - 1
