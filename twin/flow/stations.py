"""What stations do, compiled: setup, work, failure, repair, maintenance, shifts, and what their equipment says.

A station has a phase, and stands still while anything halts it; its timer runs either for the phase or, while it is
failed or maintained, for that.
"""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

import numpy as np
from numba import njit

from twin.compiled import BARE, INLINED
from twin.flow.crews import ASKS, HOLDS, asked, granted, next_asking, returned
from twin.flow.draws import draw
from twin.flow.making import joined, judged, leading, parted
from twin.flow.parts import appear, mark
from twin.flow.records import NONE, Halt, Phase, Routing, Task
from twin.flow.views import blocks, choices, due, edges, numbers, parts, world

_EMPTY, _SETUP, _WORK, _DONE = map(int, Phase)
_OFF, _FAILED, _SERVICE, _TRIP, _TOOL, _CREW = map(int, Halt)
_T_SETUP, _T_WORK, _T_REPAIR, _T_SERVICE = map(int, Task)
_EACH = int(Routing.EACH)


@njit(**BARE)
def go(member, k):
    """Let the timer of a station that nothing halts run for its phase, or until it fails."""
    block, t = blocks(member)[k], world(member)[0].time
    block.went = t
    block.breaks = 0
    needed = block.rest
    if block.phase == _WORK:
        needed = block.rest / block.pace if block.pace > 0.0 else np.inf
        if needed > block.left:
            needed = block.left
            block.breaks = 1
    due(member)[block.timer] = t + needed
    appear(member, k)


@njit(**BARE)
def pause(member, k):
    """Stop the timer of a station's phase, and keep what is left."""
    block, t = blocks(member)[k], world(member)[0].time
    if block.halt != 0 or (block.phase != _SETUP and block.phase != _WORK):
        return
    ran = t - block.went
    if block.phase == _WORK:
        block.rest = max(block.rest - ran * block.pace, 0.0)
        block.left = max(block.left - ran, 0.0)
        block.age += ran
    else:
        block.rest = max(block.rest - ran, 0.0)
    due(member)[block.timer] = np.inf


@njit(**INLINED)
def enabled(member, k):
    """Let those whom station k may work for its failure or maintenance begin."""
    block = blocks(member)[k]
    law = block.repair if block.halt & _FAILED else block.service
    due(member)[block.timer] = world(member)[0].time + draw(member, law)


@njit(**BARE)
def supply(member):
    """Give people and tools that are free to those who ask for them, longest first."""
    k = next_asking(member, NONE)
    while k != NONE:
        block = blocks(member)[k]
        first = choices(member)[block.needs + 2 * block.task]
        if granted(member, first, choices(member)[block.needs + 2 * block.task + 1]):
            block.asks = HOLDS
            world(member)[0].asking -= 1
            if block.halt & (_FAILED | _SERVICE):
                enabled(member, k)
            else:
                block.halt &= ~_CREW
                if block.halt == 0:
                    go(member, k)
        k = next_asking(member, block.ticket)


@njit(**INLINED)
def dismissed(member, k):
    """Let a station give back people and tools, to those who ask for them."""
    if blocks(member)[k].asks != 0 and returned(member, k):
        supply(member)


@njit(**BARE)
def serve(member, k):
    """Begin the maintenance of an empty station."""
    block = blocks(member)[k]
    block.services += 1
    block.halt |= _SERVICE
    if asked(member, k, _T_SERVICE):
        enabled(member, k)
    appear(member, k)


@njit(**BARE)
def resume(member, k):
    """Go on as far as nothing halts a station."""
    block = blocks(member)[k]
    if block.halt & ~_CREW:
        appear(member, k)
    elif block.phase == _SETUP or block.phase == _WORK:
        block.halt = 0
        if block.asks == 0 and not asked(member, k, _T_WORK if block.phase == _WORK else _T_SETUP):
            block.halt = _CREW
        if block.asks == ASKS:
            block.halt = _CREW
            appear(member, k)
        else:
            go(member, k)
    elif block.phase == _EMPTY and block.wanted:
        serve(member, k)
    else:
        appear(member, k)
        mark(member, k)
        for e in range(block.ins, block.ins + block.in_count):
            mark(member, edges(member)[e].to)


@njit(**BARE)
def halted(member, k, why):
    """Let a station stand still for a reason; it keeps people and tools but at the end of its shift."""
    block = blocks(member)[k]
    if block.halt & why:
        return
    pause(member, k)
    if why == _OFF and not block.halt & (_FAILED | _SERVICE):
        dismissed(member, k)
        block.halt &= ~_CREW
    block.halt |= why
    appear(member, k)


@njit(**BARE)
def freed(member, k, why):
    """Let a reason to stand still be over."""
    block = blocks(member)[k]
    if block.halt & why:
        block.halt &= ~why
        resume(member, k)


@njit(**BARE)
def begin(member, k):
    """Let a station that has all its parts begin, with a setup where they are of another type than the last."""
    block = blocks(member)[k]
    kind = parts(member)[leading(member, k)].type
    block.rest = draw(member, block.work + (kind if block.by_type else 0))
    block.phase = _WORK
    if block.setup != NONE and block.last != NONE and block.last != kind:
        block.setups += 1
        block.after = block.rest
        block.rest = draw(member, block.setup + (kind if block.setups_by_type else 0))
        block.phase = _SETUP
    block.last = kind
    resume(member, k)


@njit(**INLINED)
def set_up(member, k):
    """Let a station's work begin after its setup."""
    block = blocks(member)[k]
    block.phase = _WORK
    block.rest = block.after
    dismissed(member, k)
    resume(member, k)


@njit(**BARE)
def finish(member, k):
    """Let a station's work be done."""
    block = blocks(member)[k]
    ran = block.rest / block.pace
    block.left -= ran
    block.age += ran
    block.rest = 0.0
    block.phase = _DONE
    if block.ideal != NONE:
        kind = parts(member)[leading(member, k)].type
        each = block.held if not block.joins else 1
        block.made += each
        block.planned += each * numbers(member)[block.ideal + (kind if block.by_type else 0)]
    if block.joins:
        joined(member, k)
    if block.quality != NONE:
        judged(member, k)
    if block.routing == _EACH:
        parted(member, k)
    block.ready = block.held
    dismissed(member, k)
    appear(member, k)
    mark(member, k)


@njit(**BARE)
def fail(member, k):
    """Let a station fail, in the midst of its work or while it stands."""
    block = blocks(member)[k]
    if block.clock == NONE:  # worn out in operation: to the bit, which `pause` would lose
        block.rest = max(block.rest - block.left * block.pace, 0.0)
        block.age += block.left
        block.left = 0.0
    else:
        pause(member, k)
    block.failures += 1
    dismissed(member, k)
    block.halt = (block.halt & ~_CREW) | _FAILED
    if asked(member, k, _T_REPAIR):
        enabled(member, k)
    appear(member, k)


@njit(**INLINED)
def renewed(member, k):
    """Draw when a station fails next."""
    block = blocks(member)[k]
    if block.clock != NONE:
        due(member)[block.clock] = world(member)[0].time + draw(member, block.fail)
    elif block.fail != NONE:
        block.left = draw(member, block.fail)


@njit(**BARE)
def restored(member, k):
    """Let a station's repair, or its maintenance, be over."""
    block = blocks(member)[k]
    if block.halt & _FAILED:
        renewed(member, k)
        block.halt &= ~_FAILED
    else:
        block.halt &= ~_SERVICE
        block.served += 1
        block.age = 0.0
        block.wanted = 0
        if block.renews:
            renewed(member, k)
        if block.plan != NONE:
            due(member)[block.plan] = world(member)[0].time + block.every
    dismissed(member, k)
    resume(member, k)


@njit(**BARE)
def emptied(member, k):
    """Let a station that gave its last part away take others, or be maintained where that is due."""
    block = blocks(member)[k]
    block.phase = _EMPTY
    if block.age >= block.old:
        block.wanted = 1
    if block.wanted:
        serve(member, k)
    else:
        appear(member, k)


@njit(**BARE)
def due_for_service(member, k):
    """Let a station be maintained as soon as it is empty."""
    block = blocks(member)[k]
    block.wanted = 1
    if block.phase == _EMPTY and block.halt == 0:
        serve(member, k)


@njit(**BARE)
def paced(member, k, pace):
    """Let a station's work go on at another pace, as a multiple of what was declared."""
    block = blocks(member)[k]
    if pace == block.pace:
        return
    works = block.halt == 0 and block.phase == _WORK
    if works:
        pause(member, k)
    block.pace = pace
    if works:
        go(member, k)


@njit(**BARE)
def rang(member, k, timer):
    """Let a timer of a station go off."""
    block = blocks(member)[k]
    if timer == block.clock:
        if block.halt & (_FAILED | _SERVICE):
            renewed(member, k)
        else:
            fail(member, k)
    elif timer == block.plan:
        due_for_service(member, k)
    elif block.halt & (_FAILED | _SERVICE):
        restored(member, k)
    elif block.breaks:
        fail(member, k)
    elif block.phase == _SETUP:
        set_up(member, k)
    else:
        finish(member, k)
