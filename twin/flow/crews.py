"""People and tools, compiled: who asks for whom, and who gets them; those who ask first are served first."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from numba import njit

from twin.compiled import BARE, INLINED
from twin.flow.records import NONE
from twin.flow.views import blocks, choices, claims, pools, world

ASKS, HOLDS = 1, 2


@njit(**INLINED)
def staff(member, r, change):
    """Let so many more of a pool work."""
    pool, t = pools(member)[r], world(member)[0].time
    pool.area += pool.used * (t - pool.stamp)
    pool.stamp = t
    pool.used += change


@njit(**BARE)
def granted(member, first, count):
    """Take what `count` claims ask for, all of it or nothing; return whether it could be had."""
    for c in range(first, first + count):
        claim = claims(member)[c]
        claim.pool = NONE
        for i in range(claim.first, claim.first + claim.count):
            pool = pools(member)[choices(member)[i]]
            if pool.here - pool.used >= claim.amount:
                claim.pool = choices(member)[i]
                staff(member, claim.pool, claim.amount)
                break
        if claim.pool == NONE:
            for d in range(first, c):
                staff(member, claims(member)[d].pool, -claims(member)[d].amount)
            return False
    return True


@njit(**BARE)
def asked(member, k, task):
    """Ask for what a station needs for a task; return whether it has it now."""
    block, now = blocks(member)[k], world(member)[0]
    if block.needs == NONE:
        return True
    first, count = choices(member)[block.needs + 2 * task], choices(member)[block.needs + 2 * task + 1]
    if count == 0:
        return True
    block.task = task
    if granted(member, first, count):
        block.asks = HOLDS
        return True
    block.asks = ASKS
    block.ticket = now.tickets
    now.tickets += 1
    now.asking += 1
    return False


@njit(**BARE)
def returned(member, k):
    """Let a station give back what it has and ask for nothing; return whether others may have use of it."""
    block, now = blocks(member)[k], world(member)[0]
    was = block.asks
    block.asks = 0
    if was == ASKS:
        now.asking -= 1
    if was != HOLDS:
        return False
    first = choices(member)[block.needs + 2 * block.task]
    for c in range(first, first + choices(member)[block.needs + 2 * block.task + 1]):
        claim = claims(member)[c]
        staff(member, claim.pool, -claim.amount)
    return now.asking > 0


@njit(**BARE)
def next_asking(member, after):
    """Return the station that has asked longest, of those with a ticket later than `after`; or none."""
    best = NONE
    for k in range(world(member)[0].blocks):
        block = blocks(member)[k]
        if block.asks == ASKS and block.ticket > after and (best == NONE or block.ticket < blocks(member)[best].ticket):
            best = k
    return best
