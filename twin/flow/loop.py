"""The two drivers' compiled halves: a loop of its own for sweeps, and a step for a clock that others hold."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from enum import IntEnum

import numpy as np
from numba import njit

from twin.compiled import COMPILED, INLINED
from twin.flow.draws import draw
from twin.flow.moves import fire, settle
from twin.flow.records import NONE, Kind


class Ending(IntEnum):
    """Why a loop ended."""

    TIME = 0
    PARTS = 1
    ROOM = 2
    """There are too few unused parts: make room, and go on."""
    TRACE = 3
    """The trace is full: empty it, and go on."""


_SOURCE = int(Kind.SOURCE)
_TIME, _PARTS, _ROOM, _TRACE = map(int, Ending)


@njit(**INLINED)
def first(due):
    """Return the timer that goes off next: of those at one instant the first."""
    k = 0
    for i in range(1, due.size):
        if due[i] < due[k]:
            k = i
    return k


@njit(**COMPILED)
def run(world, blocks, parts, streams, edges, numbers, due, spent, owners, until, wanted, timers, times):
    """Let timers go off until a time, or until so many parts have left; note each in a trace while it has room.

    Parameters
    ----------
    until : float
        Timers at this very time go off too.
    wanted : int
        Parts that leave; negative for any number.
    timers, times : int64, float64, (k,)
        The trace; of length 0 for none.

    Returns
    -------
    ending, events : int
    """
    events = 0
    while True:
        if wanted >= 0 and world[0].out >= wanted:
            return _PARTS, events
        k = first(due)
        t = due[k]
        if t == np.inf or not t <= until:
            world[0].time = max(world[0].time, until) if until < np.inf else world[0].time
            return _TIME, events
        if world[0].room <= blocks.size:
            return _ROOM, events
        if 0 < timers.size <= events:
            return _TRACE, events
        world[0].time = t
        fire(world, blocks, parts, streams, edges, numbers, due, spent, owners, k)
        if timers.size > 0:
            timers[events] = k
            times[events] = t
        events += 1
        world[0].events += 1


@njit(**COMPILED)
def step(world, blocks, parts, streams, edges, numbers, due, spent, owners, timer):
    """Let a timer go off at its time; return which is next, when, and how much room there is."""
    world[0].time = due[timer]
    fire(world, blocks, parts, streams, edges, numbers, due, spent, owners, timer)
    world[0].events += 1
    k = first(due)
    return k, due[k], world[0].room


@njit(**COMPILED)
def opened(world, blocks, parts, streams, edges, numbers, due, spent, owners):
    """Start what starts by itself: the first part of every source comes, every station's first failure is drawn."""
    for k in range(blocks.size):
        block = blocks[k]
        if block.timer != NONE and block.kind == _SOURCE:
            due[block.timer] = world[0].time + draw(streams, block.work, numbers)
        if block.fail != NONE:
            blocks[k].left = draw(streams, block.fail, numbers)
    settle(world, blocks, parts, streams, edges, numbers, due, spent)


@njit(**COMPILED)
def begun(world, blocks, parts, streams, edges, numbers, due, spent, owners):
    """Return as `step` does, before any timer goes off."""
    k = first(due)
    return k, due[k], world[0].room
