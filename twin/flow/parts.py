"""Parts and what blocks hold of them, compiled: time by state, lists, and which blocks may move something."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.compiled import BARE, INLINED
from twin.flow.draws import choice, following
from twin.flow.records import NONE, Halt, Kind, Phase, Rank, State
from twin.flow.views import blocks, log, numbers, orders, parts, spent, streams, world

STATES = len(State)
_IDLE, _SETUP, _BUSY, _BLOCKED, _DOWN, _WAITING, _MAINTENANCE, _OFF, _TOOL = map(int, State)
_EMPTY, _IN_SETUP, _IN_WORK, _DONE = map(int, Phase)
_H_OFF, _H_FAILED, _H_SERVICE, _H_TRIP, _H_TOOL, _H_CREW = map(int, Halt)
_STATION, _DUE = int(Kind.STATION), int(Rank.DUE)


@njit(**INLINED)
def state_of(phase, halt):
    """Return what a station does."""
    if halt != 0:
        if halt & _H_OFF:
            return _OFF
        if halt & (_H_FAILED | _H_TRIP):
            return _DOWN
        if halt & _H_SERVICE:
            return _MAINTENANCE
        return _TOOL if halt & _H_TOOL else _WAITING
    if phase == _IN_WORK:
        return _BUSY
    if phase == _DONE:
        return _BLOCKED
    return _SETUP if phase == _IN_SETUP else _IDLE


@njit(**BARE)
def note(member, k):
    """Write down what a block does and holds from now on, while there is room."""
    now = world(member)[0]
    if now.logged < now.log:
        line, block = log(member)[now.logged], blocks(member)[k]
        line.time, line.block, line.state, line.held = now.time, k, block.state, block.held
        now.logged += 1


@njit(**INLINED)
def become(member, k, state):
    """Let a block be in a state from now on."""
    block = blocks(member)[k]
    if state != block.state:
        t = world(member)[0].time
        spent(member)[k * STATES + block.state] += t - block.since
        block.state = state
        block.since = t
        if world(member)[0].log > 0:
            note(member, k)


@njit(**INLINED)
def appear(member, k):
    """Let a station be in the state that its phase and halts make."""
    block = blocks(member)[k]
    become(member, k, state_of(block.phase, block.halt))


@njit(**INLINED)
def hold(member, k, change):
    """Count what a block holds, and over time."""
    block, t = blocks(member)[k], world(member)[0].time
    block.area += block.held * (t - block.stamp)
    block.stamp = t
    block.held += change
    if world(member)[0].log > 0:
        note(member, k)


@njit(**INLINED)
def mark(member, k):
    """Note that something may move from a block."""
    now = world(member)[0]
    blocks(member)[k].dirty = 1
    now.low = min(now.low, k)
    now.high = max(now.high, k)


@njit(**INLINED)
def fresh(member):
    """Return an unused part."""
    now = world(member)[0]
    p = now.free
    part = parts(member)[p]
    now.free = part.next
    now.room -= 1
    part.next = NONE
    part.target = NONE
    part.via = NONE
    part.bad = 0
    return p


@njit(**INLINED)
def retire(member, p):
    """Let a part be unused."""
    now = world(member)[0]
    parts(member)[p].next = now.free
    now.free = p
    now.room += 1


@njit(**BARE)
def wanted_order(member, k):
    """Return the order of which a source makes the next part: of those released the first in rank, or none."""
    block, t, best = blocks(member)[k], world(member)[0].time, NONE
    for o in range(block.first_order, block.first_order + block.order_count):
        order = orders(member)[o]
        if order.left > 0 and order.release <= t and (best == NONE or order.rank < orders(member)[best].rank):
            best = o
    return best


@njit(**BARE)
def next_release(member, k):
    """Return when the next order of a source may be begun."""
    block, t, time = blocks(member)[k], world(member)[0].time, np.inf
    for o in range(block.first_order, block.first_order + block.order_count):
        release = orders(member)[o].release
        if t < release < time:
            time = release
    return time


@njit(**BARE)
def made(member, k, o):
    """Return a new part of a source, for an order or none."""
    block, p = blocks(member)[k], fresh(member)
    part = parts(member)[p]
    part.order = o
    part.rank = 0.0
    part.born = world(member)[0].time
    part.due = np.inf
    part.type = 0
    if o != NONE:
        order = orders(member)[o]
        part.type, part.due, part.rank = order.type, order.due, order.rank
        order.left -= 1
    elif block.mix != NONE:
        table = streams(member)[block.mix]
        part.type = choice(following(member, block.mix), numbers(member), table.first, table.count)
    if block.prior != NONE:
        part.rank = numbers(member)[block.prior + part.type]
    block.entered += 1
    return p


@njit(**INLINED)
def key(member, p, ranked):
    """Return by what a part is ranked: less goes first."""
    part = parts(member)[p]
    return part.due if ranked == _DUE else part.rank


@njit(**BARE)
def append(member, k, p):
    """Put a part into a block's list: last, or before the first of a higher rank."""
    block, table = blocks(member)[k], parts(member)
    table[p].next = NONE
    if block.head == NONE:
        block.head = p
        block.tail = p
    elif not block.ranked or key(member, block.tail, block.ranked) <= key(member, p, block.ranked):
        table[block.tail].next = p
        block.tail = p
    elif key(member, p, block.ranked) < key(member, block.head, block.ranked):
        table[p].next = block.head
        block.head = p
    else:
        q = block.head
        while key(member, table[q].next, block.ranked) <= key(member, p, block.ranked):
            q = table[q].next
        table[p].next = table[q].next
        table[q].next = p
    hold(member, k, 1)


@njit(**INLINED)
def remove(member, k, before, p):
    """Take a part out of a block's list; `before` is the one in front of it, or none."""
    block, after = blocks(member)[k], parts(member)[p].next
    if before == NONE:
        block.head = after
    else:
        parts(member)[before].next = after
    if after == NONE:
        block.tail = before
    hold(member, k, -1)
