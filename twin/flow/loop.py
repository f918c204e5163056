"""The two drivers' compiled halves: a loop of its own for sweeps, and a step for a clock that others hold."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from enum import IntEnum

import numpy as np
from numba import njit

from twin.compiled import BARE, COMPILED, INLINED
from twin.flow.draws import draw
from twin.flow.moves import fire, settle
from twin.flow.parts import appear, append, fresh, mark, next_release
from twin.flow.records import NONE, Halt, Kind
from twin.flow.stations import supply
from twin.flow.views import blocks, calendars, due, orders, parts, pools, world

CALLED = {**COMPILED, "_nrt": False}


class Ending(IntEnum):
    """Why a loop ended."""

    TIME = 0
    PARTS = 1
    ROOM = 2
    """There are too few unused parts: make room, and go on."""
    TRACE = 3
    """The trace is full: empty it, and go on."""
    STILL = 4
    """Shifts have begun and ended some thousand times, and nothing else will ever happen."""


ROOM, ENOUGH = -1.0, -2.0
"""What `step` returns in place of a time: make room and ask again; so many parts have left."""
_SOURCE, _STATION, _OFF = int(Kind.SOURCE), int(Kind.STATION), int(Halt.OFF)
_TIME, _PARTS, _ROOM, _TRACE, _STILL = map(int, Ending)
_SWITCHES = 4000
"""Begins and ends of shifts in turn without anything else, by when all that shifts have in common has come about."""


@njit(**INLINED)
def first(member):
    """Return the timer that goes off next: of those at one instant the first."""
    k, times = 0, due(member)
    for i in range(1, world(member)[0].timers):
        if times[i] < times[k]:
            k = i
    return k


@njit(**BARE)
def waits(member):
    """Return whether nothing but shifts is due."""
    now, soonest = world(member)[0], np.inf
    for i in range(now.timers - now.calendars):
        soonest = min(soonest, due(member)[i])
    return soonest == np.inf


@njit(**CALLED)
def run(member, until, wanted, timers, times):
    """Let timers go off until a time, or until so many parts have left; note each in a trace while it has room.

    Parameters
    ----------
    member : int
        Address of the member's addresses.
    until : float
        Timers at this very time go off too.
    wanted : int
        Parts that have left; negative for any number.
    timers, times : int64, float64, (k,)
        The trace; of length 0 for none.

    Returns
    -------
    ending, events : int
    """
    events, still, now = 0, 0, world(member)[0]
    while True:
        if now.high >= now.low and now.room > now.margin:
            settle(member)
        if wanted >= 0 and now.out >= wanted:
            return _PARTS, events
        if now.high >= now.low:
            return _ROOM, events
        k = first(member)
        t = due(member)[k]
        if t == np.inf or not t <= until:
            now.time = max(now.time, until) if until < np.inf else now.time
            return _TIME, events
        if now.room <= now.margin:
            return _ROOM, events
        if 0 < timers.size <= events:
            return _TRACE, events
        still = still + 1 if k >= now.timers - now.calendars else 0
        if still > _SWITCHES and until == np.inf:
            if waits(member):
                return _STILL, events
            still = 0
        now.time = t
        fire(member, k)
        if timers.size > 0:
            timers[events] = k
            times[events] = t
        events += 1
        now.events += 1


@njit(**INLINED)
def following(member, wanted):
    """Return when the next timer goes off, or what else is to be done first."""
    now = world(member)[0]
    if now.high >= now.low and now.room > now.margin:
        settle(member)
    if wanted >= 0 and now.out >= wanted:
        return ENOUGH
    return ROOM if now.room <= now.margin else due(member)[first(member)]


@njit(**CALLED)
def begun(member, wanted):
    """Return as `step` does, before any timer goes off."""
    return following(member, wanted)


@njit(**CALLED)
def step(member, wanted):
    """Let the next timer go off; return when the one after it does (never: infinity), or `ROOM`, or `ENOUGH`."""
    k, now = first(member), world(member)[0]
    now.time = due(member)[k]
    fire(member, k)
    now.events += 1
    return following(member, wanted)


@njit(**BARE)
def shifted(member):
    """Let crews and stations stand as their shifts have them now."""
    now = world(member)[0]
    for r in range(now.pools):
        pool = pools(member)[r]
        pool.here = pool.size if pool.calendar == NONE or calendars(member)[pool.calendar].on else 0
    for k in range(now.blocks):
        block = blocks(member)[k]
        if block.calendar != NONE and not calendars(member)[block.calendar].on:
            block.halt |= _OFF
            appear(member, k)


@njit(**CALLED)
def opened(member):
    """Start what starts by itself: first parts, first failures, orders, maintenance plans and shifts."""
    now, times = world(member)[0], due(member)
    for k in range(now.blocks):
        block = blocks(member)[k]
        if block.kind == _SOURCE and block.timer != NONE:
            times[block.timer] = (
                next_release(member, k) if block.order_count > 0 else now.time + draw(member, block.work)
            )
        if block.kind == _STATION and block.fail != NONE:
            if block.clock != NONE:
                times[block.clock] = now.time + draw(member, block.fail)
            else:
                block.left = draw(member, block.fail)
        if block.kind == _STATION and block.plan != NONE:
            times[block.plan] = now.time + block.every
    shifted(member)
    settle(member)


@njit(**CALLED)
def refreshed(member):
    """Let crews stand as their sizes and shifts have them, and whatever may now move or begin do so."""
    now = world(member)[0]
    for r in range(now.pools):
        pool = pools(member)[r]
        pool.here = pool.size if pool.calendar == NONE or calendars(member)[pool.calendar].on else 0
    if now.asking > 0:
        supply(member)
    for k in range(now.blocks):
        mark(member, k)
    settle(member)


@njit(**CALLED)
def stocked(member, k, kind, count):
    """Let a buffer hold so many parts of a type from the start; they belong to the first open order of that type."""
    now = world(member)[0]
    for _ in range(count):
        p = fresh(member)
        part = parts(member)[p]
        part.type, part.order, part.rank, part.born, part.due = kind, NONE, 0.0, now.time, np.inf
        for o in range(now.orders):
            order = orders(member)[o]
            if part.order == NONE and order.left > 0 and order.type == kind and order.release <= now.time:
                part.order, part.rank, part.due = o, order.rank, order.due
                order.left -= 1
        append(member, k, p)
        mark(member, k)
