"""What happens on the floor, compiled: one semantics, whoever holds the clock.

A timer goes off, its block changes, and parts move until nothing can move any more: blocks further down in the order of
the file give first, so that what they free is taken in the same instant. At one instant the timer that was declared
first goes off first. Nothing here asks for the time of day, a random generator or the order of a dictionary.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.compiled import INLINED
from twin.flow.draws import branch, choice, draw, following
from twin.flow.records import NONE, Kind, Routing, State

_SOURCE, _BUFFER, _STATION, _SINK = map(int, Kind)
_IDLE, _SETUP, _BUSY, _BLOCKED, _DOWN = map(int, State)
_FIRST, _SHARE = map(int, Routing)


@njit(**INLINED)
def become(world, blocks, spent, k, state):
    """Let a block be in another state from now on."""
    t = world[0].time
    spent[k, blocks[k].state] += t - blocks[k].since
    blocks[k].state = state
    blocks[k].since = t


@njit(**INLINED)
def hold(world, blocks, k, change):
    """Count what a block holds, and over time."""
    t = world[0].time
    blocks[k].area += blocks[k].held * (t - blocks[k].stamp)
    blocks[k].stamp = t
    blocks[k].held += change


@njit(**INLINED)
def mark(world, blocks, k):
    """Note that something may move from a block."""
    blocks[k].dirty = 1
    world[0].low = min(world[0].low, k)
    world[0].high = max(world[0].high, k)


@njit(**INLINED)
def made(world, blocks, parts, streams, numbers, k):
    """Return a new part of a source."""
    block = blocks[k]
    p = world[0].free
    world[0].free = parts[p].next
    world[0].room -= 1
    parts[p].next = NONE
    parts[p].target = NONE
    parts[p].rank = 0.0
    parts[p].born = world[0].time
    parts[p].due = np.inf
    parts[p].type = 0
    if block.mix != NONE:
        table = streams[block.mix]
        parts[p].type = choice(following(streams, block.mix), numbers, table.first, table.count)
    blocks[k].entered += 1
    return p


@njit(**INLINED)
def append(world, blocks, parts, k, p):
    """Put a part into a block's list: last, or before the first of a higher rank."""
    block = blocks[k]
    parts[p].next = NONE
    if block.head == NONE:
        blocks[k].head = p
        blocks[k].tail = p
    elif not block.ranked or parts[block.tail].rank <= parts[p].rank:
        parts[block.tail].next = p
        blocks[k].tail = p
    elif parts[p].rank < parts[block.head].rank:
        parts[p].next = block.head
        blocks[k].head = p
    else:
        q = block.head
        while parts[parts[q].next].rank <= parts[p].rank:
            q = parts[q].next
        parts[p].next = parts[q].next
        parts[q].next = p
    hold(world, blocks, k, 1)


@njit(**INLINED)
def accepts(blocks, k):
    """Return whether a block takes a part now."""
    kind, state = blocks[k].kind, blocks[k].state
    if kind == _BUFFER:
        return blocks[k].held < blocks[k].capacity
    return kind == _SINK or (kind == _STATION and state == _IDLE and blocks[k].held < blocks[k].capacity)


@njit(**INLINED)
def work(world, blocks, due, spent, k):
    """Let a station work until it has finished or fails, whichever is first."""
    block = blocks[k]
    become(world, blocks, spent, k, _BUSY)
    t = world[0].time
    if block.rest > block.left:
        due[block.timer] = t + block.left
        blocks[k].rest = block.rest - block.left
        blocks[k].left = 0.0
    else:
        due[block.timer] = t + block.rest
        blocks[k].left = block.left - block.rest
        blocks[k].rest = 0.0


@njit(**INLINED)
def begin(world, blocks, parts, streams, numbers, due, spent, k):
    """Let a station that has all its parts begin, with a setup where they are of another type than the last."""
    block = blocks[k]
    kind = parts[block.head].type
    blocks[k].rest = draw(streams, block.work + (kind if block.by_type else 0), numbers)
    if block.setup != NONE and block.last != NONE and block.last != kind:
        become(world, blocks, spent, k, _SETUP)
        blocks[k].setups += 1
        due[block.timer] = world[0].time + draw(streams, block.setup, numbers)
    else:
        work(world, blocks, due, spent, k)
    blocks[k].last = kind


@njit(**INLINED)
def take(world, blocks, parts, streams, numbers, due, spent, k, p):
    """Let a block have a part that it accepts."""
    kind = blocks[k].kind
    blocks[k].entered += 1
    parts[p].target = NONE
    if kind == _SINK:
        lead = world[0].time - parts[p].born
        blocks[k].passed += 1
        blocks[k].lead += lead
        blocks[k].lead_squares += lead * lead
        blocks[k].late += int(world[0].time > parts[p].due)
        parts[p].next = world[0].free
        world[0].free = p
        world[0].room += 1
        world[0].out += 1
        return
    append(world, blocks, parts, k, p)
    if kind == _BUFFER:
        mark(world, blocks, k)
    elif blocks[k].held == blocks[k].capacity:
        begin(world, blocks, parts, streams, numbers, due, spent, k)


@njit(**INLINED)
def chosen(blocks, parts, streams, edges, k, p):
    """Return the block that a part of block k goes to now, or none."""
    block = blocks[k]
    if block.routing == _SHARE:
        if parts[p].target == NONE:
            parts[p].target = branch(following(streams, block.route), edges, block.outs, block.out_count)
        to = edges[block.outs + parts[p].target].to
        return to if accepts(blocks, to) else NONE
    for e in range(block.outs, block.outs + block.out_count):
        if accepts(blocks, edges[e].to):
            return edges[e].to
    return NONE


@njit(**INLINED)
def gives(world, blocks, parts, streams, edges, numbers, due, spent, k):
    """Move one part out of a block if it has one to give and someone takes it; return whether it did."""
    block = blocks[k]
    kind = block.kind
    if block.endless and block.head == NONE:
        append(world, blocks, parts, k, made(world, blocks, parts, streams, numbers, k))
    if block.head == NONE or (kind == _STATION and block.ready == 0):
        return False
    p = block.head
    to = chosen(blocks, parts, streams, edges, k, p)
    if to == NONE:
        return False
    if block.endless:
        parts[p].born = world[0].time
    blocks[k].head = parts[p].next
    if parts[p].next == NONE:
        blocks[k].tail = NONE
    hold(world, blocks, k, -1)
    blocks[k].passed += 1
    if kind == _STATION:
        blocks[k].ready -= 1
    take(world, blocks, parts, streams, numbers, due, spent, to, p)
    if blocks[k].held == 0 and kind != _BUFFER and not block.endless:
        become(world, blocks, spent, k, _IDLE)
        if kind == _SOURCE:
            due[block.timer] = world[0].time + draw(streams, block.work, numbers)
    if kind == _BUFFER or blocks[k].held == 0:
        for e in range(block.ins, block.ins + block.in_count):
            mark(world, blocks, edges[e].to)
    return True


@njit(**INLINED)
def settle(world, blocks, parts, streams, edges, numbers, due, spent):
    """Move parts until nothing moves, the last block first."""
    while world[0].high >= world[0].low:
        k = world[0].high
        if blocks[k].dirty == 0:
            world[0].high = k - 1
            continue
        blocks[k].dirty = 0
        while gives(world, blocks, parts, streams, edges, numbers, due, spent, k):
            pass
    world[0].low = blocks.size
    world[0].high = NONE


@njit(**INLINED)
def fire(world, blocks, parts, streams, edges, numbers, due, spent, owners, timer):
    """Let a timer go off, at the world's time."""
    k = owners[timer]
    block = blocks[k]
    due[timer] = np.inf
    if block.kind == _SOURCE:
        p = made(world, blocks, parts, streams, numbers, k)
        if block.loses and chosen(blocks, parts, streams, edges, k, p) == NONE:
            parts[p].next = world[0].free
            world[0].free = p
            world[0].room += 1
            blocks[k].lost += 1
            due[timer] = world[0].time + draw(streams, block.work, numbers)
            return
        append(world, blocks, parts, k, p)
        become(world, blocks, spent, k, _BLOCKED)
        mark(world, blocks, k)
    elif block.state == _SETUP:
        work(world, blocks, due, spent, k)
    elif block.state == _DOWN:
        blocks[k].left = draw(streams, block.fail, numbers)
        work(world, blocks, due, spent, k)
    elif block.rest > 0.0:
        become(world, blocks, spent, k, _DOWN)
        blocks[k].failures += 1
        due[timer] = world[0].time + draw(streams, block.repair, numbers)
    else:
        blocks[k].ready = block.held
        become(world, blocks, spent, k, _BLOCKED)
        mark(world, blocks, k)
    settle(world, blocks, parts, streams, edges, numbers, due, spent)
