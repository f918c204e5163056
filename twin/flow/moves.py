"""What happens on the floor, compiled: one semantics, whoever holds the clock.

A timer goes off, its block changes, and parts move until nothing can move any more: blocks further down in the order of
the file give first, so that what they free is taken in the same instant. At one instant the timer that was declared
first goes off first. Nothing here asks for the time of day, a random generator or the order of a dictionary.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.compiled import BARE, INLINED
from twin.flow.belts import arrived, opened_up, put_on, taken_off
from twin.flow.draws import branch, draw, following
from twin.flow.parts import append, become, made, mark, next_release, remove, retire, wanted_order
from twin.flow.records import NONE, Halt, Kind, Phase, Routing, State
from twin.flow.stations import begin, emptied, freed, halted, rang, supply
from twin.flow.views import blocks, calendars, due, edges, numbers, orders, owners, parts, pools, world

_SOURCE, _BUFFER, _STATION, _SINK, _CONVEYOR = map(int, Kind)
_FIRST, _SHARE, _QUALITY, _TYPE, _EACH = map(int, Routing)
_IDLE, _BLOCKED = int(State.IDLE), int(State.BLOCKED)
_EMPTY, _DONE, _OFF = int(Phase.EMPTY), int(Phase.DONE), int(Halt.OFF)


@njit(**INLINED)
def slot(member, k, giver):
    """Return the in-edge of block k by which `giver` may still give a part, or none."""
    block = blocks(member)[k]
    for e in range(block.ins, block.ins + block.in_count):
        edge = edges(member)[e]
        if edge.to == giver and edge.got < edge.wants:
            return e
    return NONE


@njit(**INLINED)
def accepts(member, k, giver):
    """Return whether a block takes a part of another now."""
    block = blocks(member)[k]
    kind = block.kind
    if kind == _SINK:
        return True
    if block.held >= block.capacity:
        return False
    if kind == _STATION:
        free = block.phase == _EMPTY and block.halt == 0
        return free and (not block.joins or slot(member, k, giver) != NONE)
    return kind == _BUFFER or (block.shut == 0 and not (block.stops and block.ready))


@njit(**BARE)
def left(member, k, p):
    """Let a part leave by a sink."""
    block, part, now = blocks(member)[k], parts(member)[p], world(member)[0]
    lead = now.time - part.born
    block.passed += 1
    block.lead += lead
    block.lead_squares += lead * lead
    block.late += int(now.time > part.due)
    block.bad += part.bad
    now.out += 1
    if part.order != NONE:
        order = orders(member)[part.order]
        if block.scraps:
            order.scrapped += 1
            order.left += 1  # another is made in its place
            mark(member, order.source)
        else:
            order.done += 1
            if order.done == order.count:
                order.finished = now.time
    retire(member, p)


@njit(**INLINED)
def take(member, k, p, giver):
    """Let a block have a part that it accepts."""
    block, part = blocks(member)[k], parts(member)[p]
    kind = block.kind
    block.entered += 1
    part.target = NONE
    if kind == _SINK:
        left(member, k, p)
    elif kind == _CONVEYOR:
        put_on(member, k, p)
    else:
        if block.joins:
            part.via = slot(member, k, giver)
            edges(member)[part.via].got += 1
        append(member, k, p)
        if kind == _BUFFER:
            mark(member, k)
        elif block.held == block.capacity:
            begin(member, k)


@njit(**INLINED)
def target(member, k, p):
    """Return which of its out-edges a part takes, once it has been settled."""
    block, part = blocks(member)[k], parts(member)[p]
    if block.routing == _TYPE:
        return int(numbers(member)[block.route + part.type])
    if part.target == NONE:
        u = following(member, block.route)
        if block.routing == _SHARE:
            part.target = branch(u, edges(member), block.outs, block.out_count)
        else:
            part.target = int(u < (block.detects if part.bad else block.rejects))
    return part.target


@njit(**INLINED)
def chosen(member, k, p):
    """Return the block that a part of block k goes to now, or none."""
    block = blocks(member)[k]
    if block.routing == _FIRST:
        for e in range(block.outs, block.outs + block.out_count):
            to = edges(member)[e].to
            if accepts(member, to, k):
                return to
        return NONE
    to = edges(member)[block.outs + target(member, k, p)].to
    return to if accepts(member, to, k) else NONE


@njit(**BARE)
def gives(member, k):
    """Move one part out of a block if it has one to give and someone takes it; return whether it did."""
    block, order = blocks(member)[k], NONE
    kind = block.kind
    if not block.endless and (block.head == NONE or block.halt != 0):
        return False
    if kind in (_STATION, _CONVEYOR) and block.ready == 0:
        return False
    before, p = NONE, block.head
    to = chosen(member, k, p)
    while to == NONE and block.routing == _EACH and parts(member)[p].next != NONE:
        before, p = p, parts(member)[p].next
        to = chosen(member, k, p)
    if to != NONE and block.order_count > 0:
        order = wanted_order(member, k)
    if to == NONE or (block.order_count > 0 and order == NONE):
        return False
    block.passed += 1
    if block.endless:  # made as it is taken: an order of less rank may be released until then
        p = made(member, k, order)
    elif kind == _CONVEYOR:
        taken_off(member, k)
    else:
        remove(member, k, before, p)
    if kind == _STATION:
        block.ready -= 1
    take(member, to, p, k)
    if kind in (_BUFFER, _CONVEYOR):
        freed_up = not block.shut
    else:
        freed_up = block.held == 0
        if freed_up and kind == _STATION:
            emptied(member, k)
        elif kind == _SOURCE and not block.endless:
            become(member, k, _IDLE)
            due(member)[block.timer] = world(member)[0].time + draw(member, block.work)
    if freed_up:
        for e in range(block.ins, block.ins + block.in_count):
            mark(member, edges(member)[e].to)
    return True


@njit(**BARE)
def settle(member):
    """Move parts until nothing moves, the last block first, or until there is too little room to make more.

    What may still move stays marked then; called again it goes on as if nothing had been.
    """
    now = world(member)[0]
    while now.high >= now.low:
        k = now.high
        block = blocks(member)[k]
        if block.dirty == 0 or not gives(member, k):
            block.dirty = 0
            now.high = k - 1
        elif now.room <= now.margin:
            return
    now.low = now.blocks
    now.high = NONE


@njit(**BARE)
def came(member, k):
    """Let the next part of a source come, or its next order be released."""
    block = blocks(member)[k]
    if block.order_count > 0:
        due(member)[block.timer] = next_release(member, k)
        mark(member, k)
        return
    p = made(member, k, NONE)
    if block.loses and chosen(member, k, p) == NONE:
        retire(member, p)
        block.lost += 1
        due(member)[block.timer] = world(member)[0].time + draw(member, block.work)
        return
    append(member, k, p)
    become(member, k, _BLOCKED)
    mark(member, k)


@njit(**BARE)
def switch(member, c):
    """Let a shift begin or end, for crews and stations that keep it."""
    calendar, now = calendars(member)[c], world(member)[0]
    calendar.on = 1 - calendar.on
    calendar.next += 1
    if calendar.next == calendar.count:
        calendar.next = 0
        calendar.lap += 1.0
    switched = numbers(member)[calendar.first + calendar.next]
    timer = now.timers - now.calendars + c
    due(member)[timer] = calendar.lap * calendar.period + switched
    for r in range(now.pools):
        pool = pools(member)[r]
        if pool.calendar == c:
            pool.here = pool.size if calendar.on else 0
    if calendar.on and now.asking > 0:  # before those that this shift lets ask
        supply(member)
    for k in range(now.blocks):
        if blocks(member)[k].calendar == c:
            if calendar.on:
                freed(member, k, _OFF)
            else:
                halted(member, k, _OFF)


@njit(**BARE)
def fire(member, timer):
    """Let a timer go off, at the world's time, and parts move."""
    k = owners(member)[timer]
    due(member)[timer] = np.inf
    if k >= world(member)[0].blocks:
        switch(member, k - world(member)[0].blocks)
    else:
        kind = blocks(member)[k].kind
        if kind == _STATION:
            rang(member, k, timer)
        elif kind == _SOURCE:
            came(member, k)
        elif timer == blocks(member)[k].timer:
            arrived(member, k)
        else:
            opened_up(member, k)
    settle(member)
