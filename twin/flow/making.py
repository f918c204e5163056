"""What work makes of parts, compiled: one of many, many of one, good ones bad and bad ones good."""

# mypy: disable-error-code="no-untyped-def,untyped-decorator,no-untyped-call"

from numba import njit

from twin.compiled import BARE, INLINED
from twin.flow.draws import following
from twin.flow.parts import fresh, hold, remove, retire
from twin.flow.records import NONE
from twin.flow.views import blocks, edges, parts


@njit(**BARE)
def leading(member, k):
    """Return the part that a station's work is for: where parts are put together, that from the first in-edge."""
    block = blocks(member)[k]
    p = block.head
    while block.joins and parts(member)[p].via != block.ins:
        p = parts(member)[p].next
    return p


@njit(**BARE)
def joined(member, k):
    """Let the parts of a station be one."""
    block, main = blocks(member)[k], leading(member, k)
    while block.head != main:
        p = block.head
        remove(member, k, NONE, p)
        retire(member, p)
    while parts(member)[main].next != NONE:
        p = parts(member)[main].next
        remove(member, k, main, p)
        retire(member, p)
    for e in range(block.ins, block.ins + block.in_count):
        edges(member)[e].got = 0


@njit(**BARE)
def parted(member, k):
    """Let the part of a station be as many as its out-edges want."""
    block, whole = blocks(member)[k], parts(member)[blocks(member)[k].head]
    p, first = block.head, True
    for e in range(block.out_count):
        for _ in range(edges(member)[block.outs + e].wants):
            if not first:
                q = fresh(member)
                piece = parts(member)[q]
                piece.type, piece.order, piece.bad = whole.type, whole.order, whole.bad
                piece.rank, piece.born, piece.due = whole.rank, whole.born, whole.due
                parts(member)[p].next = q
                block.tail = q
                hold(member, k, 1)
                p = q
            parts(member)[p].target = e
            first = False


@njit(**INLINED)
def judged(member, k):
    """Let work spoil parts, or mend them; one number is drawn for each."""
    block = blocks(member)[k]
    p = block.head
    while p != NONE:
        part, u = parts(member)[p], following(member, block.quality)
        if part.bad and u < block.heals:
            part.bad = 0
            block.mended += 1
        elif not part.bad and u < block.spoils:
            part.bad = 1
            block.spoilt += 1
        p = part.next
