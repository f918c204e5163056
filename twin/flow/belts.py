"""What conveyors do, compiled: parts keep a distance, and a belt that can't accumulate stops as a whole."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.compiled import BARE
from twin.flow.parts import append, become, mark, remove
from twin.flow.records import NONE, State
from twin.flow.views import blocks, due, edges, parts, world

_IDLE, _BUSY, _BLOCKED = int(State.IDLE), int(State.BUSY), int(State.BLOCKED)


@njit(**BARE)
def put_on(member, k, p):
    """Put a part on a belt whose entrance is free."""
    block, t = blocks(member)[k], world(member)[0].time
    parts(member)[p].ready = t + block.transit
    append(member, k, p)
    block.shut = 1
    due(member)[block.clock] = t + block.gap
    if block.held == 1:
        due(member)[block.timer] = parts(member)[p].ready
        become(member, k, _BUSY)


@njit(**BARE)
def arrived(member, k):
    """Let the first part be at the end; a belt that can't accumulate stops until it is taken."""
    block = blocks(member)[k]
    block.ready = 1
    block.went = world(member)[0].time
    if block.stops:
        block.gate = due(member)[block.clock]
        due(member)[block.clock] = np.inf
    become(member, k, _BLOCKED)
    mark(member, k)


@njit(**BARE)
def opened_up(member, k):
    """Let a belt's entrance be free."""
    block = blocks(member)[k]
    block.shut = 0
    for e in range(block.ins, block.ins + block.in_count):
        mark(member, edges(member)[e].to)


@njit(**BARE)
def taken_off(member, k):
    """Take the first part off a belt, and let it go on."""
    block, t = blocks(member)[k], world(member)[0].time
    waited, late = t - block.went, t > parts(member)[block.head].ready
    block.ready = 0
    remove(member, k, NONE, block.head)
    if block.stops:
        due(member)[block.clock] = block.gate + waited
        p = block.head
        while p != NONE and waited > 0.0:
            parts(member)[p].ready += waited
            p = parts(member)[p].next
    if block.head == NONE:
        become(member, k, _IDLE)
    else:
        ready = parts(member)[block.head].ready
        if late and not block.stops:
            ready = max(ready, t + block.gap)  # what stood behind it moves up
        due(member)[block.timer] = max(ready, t)
        become(member, k, _BUSY)
