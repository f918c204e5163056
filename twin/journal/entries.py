"""What the journal holds: drafts before they are stored, entries once they are."""

from typing import Literal, NamedTuple

from twin.errors import DataError

Kind = Literal["hello", "data", "bye", "gap", "tick", "action"]
"""A gateway's frames (hello, data, bye), declared loss, ingest's clock, and what people did."""

KINDS: tuple[Kind, ...] = ("hello", "data", "bye", "gap", "tick", "action")


class Draft(NamedTuple):
    """An entry before the journal has given it a place in the order of everything.

    Attributes
    ----------
    kind : Kind
        What `body` is.
    gateway : str
        Name of the gateway it is of; empty for ticks and actions.
    run : int
        The gateway's run, 0 for ticks and actions.
    seq : int
        The frame's sequence number within the run; of a gap the last one lost; 0 for every other kind.
    received : int
        When ingest had it, its wall clock [us UTC].
    clock : int
        The same instant by the clock of the source [us UTC].
    body : bytes
        The frame as it arrived; of a gap, a tick and an action a MessagePack map.
    """

    kind: Kind
    gateway: str
    run: int
    seq: int
    received: int
    clock: int
    body: bytes


class Entry(NamedTuple):
    """A stored `Draft`; `id` is 1, 2, 3, ... without holes, the order of everything."""

    id: int
    kind: Kind
    gateway: str
    run: int
    seq: int
    received: int
    clock: int
    body: bytes


class JournalFull(DataError):  # noqa: N818 - it says what is the matter
    """The disk is full: nothing of the batch was stored, and the same batch may be tried again."""
