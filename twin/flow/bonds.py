"""Where a flow and the physics meet, compiled: at every event of a member, stations heed and drive their equipment.

The driver of the physics calls `meet` by its address at each instant at which something happened in a member, or its
flow has something due. First stations see what the equipment says, then timers go off, then inputs are set by what
stations do. A step in an input may change what the equipment says, so at the same instant the driver looks once more.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,untyped-decorator,misc"

import numpy as np
from llvmlite import ir
from numba import cfunc, from_dtype, njit, types
from numba.extending import intrinsic

from twin.address import MEET
from twin.compiled import BARE, INLINED
from twin.drive import AGAIN, FULL_FLOOR
from twin.flow.loop import first
from twin.flow.moves import fire, settle
from twin.flow.records import BOND, Bond, Halt
from twin.flow.stations import due_for_service, freed, halted, paced, supply
from twin.flow.views import blocks, due, numbers, world

_TRIP, _TOOL, _PACE, _SPOILS, _WORN, _RESET, _DRIVE = map(int, Bond)
_H_TRIP, _H_TOOL = int(Halt.TRIP), int(Halt.TOOL)
MOST_FIRED = 10_000
"""Timers that go off at one instant before the driver counts that as an event: without end, it is a Zeno run."""


@intrinsic
def _bond(context, address, k):
    """Return the k-th bond of those at an address."""
    record = from_dtype(BOND)

    def generate(context, builder, signature, args):
        offset = builder.mul(args[1], ir.Constant(ir.IntType(64), BOND.itemsize))
        return builder.inttoptr(builder.add(args[0], offset), context.get_value_type(record))

    return record(types.int64, types.int64), generate


@intrinsic
def _get(context, address):
    """Return the float64 at an address."""

    def generate(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[0], ir.DoubleType().as_pointer()))

    return types.float64(types.int64), generate


@intrinsic
def _put(context, address, value):
    """Store a float64 at an address."""

    def generate(context, builder, signature, args):
        builder.store(args[1], builder.inttoptr(args[0], ir.DoubleType().as_pointer()))
        return context.get_dummy_value()

    return types.void(types.int64, types.float64), generate


@njit(**INLINED)
def _between(member, first, count, x):
    """Return y of a table of x and then y, on the lines between its points, and flat beyond."""
    table = numbers(member)
    if not x > table[first]:
        return table[first + count]
    for i in range(1, count):
        if x < table[first + i]:
            low, high = table[first + i - 1], table[first + i]
            a, b = table[first + count + i - 1], table[first + count + i]
            return a + (b - a) * (x - low) / (high - low)
    return table[first + 2 * count - 1]


@njit(**BARE)
def _heed(member, bond, x):
    """Let a station take note of what its equipment says."""
    k = bond.block
    block = blocks(member)[k]
    if bond.what == _TRIP:
        if x > 0.5:
            if not block.halt & _H_TRIP:
                block.failures += 1
            halted(member, k, _H_TRIP)
        else:
            freed(member, k, _H_TRIP)
    elif bond.what == _TOOL:
        if x > 0.5:
            halted(member, k, _H_TOOL)
        else:
            freed(member, k, _H_TOOL)
    elif bond.what == _PACE:
        paced(member, k, max(x / bond.value, 0.0))
    elif bond.what == _SPOILS:
        block.spoils = _between(member, bond.first, bond.count, x)
    elif x >= bond.value and not block.wanted:
        due_for_service(member, k)


@njit(**INLINED)
def _goes_on(bonds, i, count):
    """Return whether the bond behind the i-th is of the same station and kind."""
    if i + 1 == count:
        return False
    bond, after = _bond(bonds, i), _bond(bonds, i + 1)
    return bond.block == after.block and bond.what == after.what


@njit(**INLINED)
def _listen(member, bonds, count, lane, stride):
    """Let every station heed its equipment; of several trips any one holds it."""
    highest = -np.inf
    for i in range(count):
        bond = _bond(bonds, i)
        if bond.what < _RESET:
            highest = max(highest, _get(lane + stride * bond.row))
            if not _goes_on(bonds, i, count):
                _heed(member, bond, highest)
                highest = -np.inf


@njit(**INLINED)
def _drive(member, bond, x):
    """Return what a station makes of a number of its equipment."""
    block = blocks(member)[bond.block]
    if bond.what == _DRIVE:
        return numbers(member)[bond.first + block.state]
    return bond.value if block.reset != block.served else x


@cfunc(MEET, cache=True, nopython=True, error_model="numpy")
def meet(member, bonds, count, lane, stride, t):
    """Let a member's flow and its physics see each other at time t [s].

    Parameters
    ----------
    member : int
        Address of the flow's addresses.
    bonds, count : int
        Address and number of `BOND`, those that heed before those that drive.
    lane, stride : int
        Address of the first number of the member's lane, and from one row to the next in bytes.

    Returns
    -------
    float
        When the flow is due next [s], or `FULL_FLOOR` or `AGAIN`.
    """
    now = world(member)[0]
    now.time = t
    _listen(member, bonds, count, lane, stride)
    if now.asking > 0:  # where a flow goes on with larger crews
        supply(member)
    settle(member)
    k, fired = first(member), 0
    while due(member)[k] <= t:
        if now.room <= now.margin:
            return FULL_FLOOR
        if fired == MOST_FIRED:
            return AGAIN
        fire(member, k)
        now.events += 1
        fired += 1
        k = first(member)
    if now.high >= now.low:  # parts would move still, had they room
        return FULL_FLOOR
    changed = False
    for i in range(count):
        bond = _bond(bonds, i)
        if bond.what >= _RESET:
            place = lane + stride * bond.row
            before = _get(place)
            after = _drive(member, bond, before)
            if after != before:
                _put(place, after)
                changed = True
    for i in range(count):
        block = blocks(member)[_bond(bonds, i).block]
        block.reset = block.served
    return AGAIN if changed else due(member)[k]
