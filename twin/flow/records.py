"""Everything that a flow is at an instant, as arrays: they are copied, hashed, written and run on by any driver."""

from enum import IntEnum, IntFlag

import numpy as np

NONE = -1
"""Where there is no part, stream, timer, pool or calendar."""


class Kind(IntEnum):
    """What a block is."""

    SOURCE = 0
    BUFFER = 1
    STATION = 2
    SINK = 3
    CONVEYOR = 4


class Phase(IntEnum):
    """How far a station is with what it holds."""

    EMPTY = 0
    """It takes parts; it has too few of them to begin."""
    SETUP = 1
    WORK = 2
    DONE = 3
    """It has finished, and gives parts away."""


class Halt(IntFlag):
    """Why a station stands still, whatever its phase; several may hold at once."""

    OFF = 1
    """Outside its shift, or in a break."""
    FAILED = 2
    SERVICE = 4
    """Preventive or condition-based maintenance."""
    TRIP = 8
    """Its equipment stands still by itself."""
    TOOL = 16
    """Its equipment is being changed over by itself, as when a tool is changed."""
    CREW = 32
    """It waits for people or tools."""


class State(IntEnum):
    """What a block does; its time is kept by state."""

    IDLE = 0
    """Starved: it could work, and has nothing to work on."""
    SETUP = 1
    BUSY = 2
    BLOCKED = 3
    """It has finished, and nobody takes it."""
    DOWN = 4
    """Failed or tripped, until it is repaired."""
    WAITING = 5
    """It waits for people or tools."""
    MAINTENANCE = 6
    OFF = 7
    TOOL = 8


class Routing(IntEnum):
    """To which of several a part goes."""

    FIRST = 0
    """The first in the order of the file that takes it."""
    SHARE = 1
    """One drawn for each part, however long it has to wait."""
    QUALITY = 2
    """The first block if it is found to be good, the second if not."""
    TYPE = 3
    """One for each type of part."""
    EACH = 4
    """So many to each: what a part is taken apart into."""


class Law(IntEnum):
    """How a number is distributed; `a`, `b`, `c` are what `twin.flow.draws` says."""

    CONSTANT = 0
    EXPONENTIAL = 1
    UNIFORM = 2
    TRIANGULAR = 3
    WEIBULL = 4
    ERLANG = 5
    NORMAL = 6
    LOGNORMAL = 7
    EMPIRICAL = 8


class Task(IntEnum):
    """What a station needs people and tools for."""

    SETUP = 0
    WORK = 1
    REPAIR = 2
    SERVICE = 3


class Rank(IntEnum):
    """Which part goes first."""

    FIFO = 0
    PRIORITY = 1
    DUE = 2


class Bond(IntEnum):
    """What joins a station to a row of the physics."""

    TRIP = 0
    TOOL = 1
    PACE = 2
    SPOILS = 3
    WORN = 4
    RESET = 5
    DRIVE = 6


BOND = np.dtype([("what", "i8"), ("block", "i8"), ("row", "i8"), ("value", "f8"), ("first", "i8"), ("count", "i8")])
"""One of them: what, whose, which row; and a number, or where several stand."""

BLOCK = np.dtype([
    ("kind", "i8"), ("state", "i8"), ("since", "f8"), ("phase", "i8"), ("halt", "i8"),
    ("capacity", "i8"), ("held", "i8"), ("ready", "i8"), ("head", "i8"), ("tail", "i8"), ("ranked", "i8"),
    ("area", "f8"), ("stamp", "f8"),  # of what is held, over time
    # work that is left, and that of the phase after a setup; when it last began; operating time until it fails
    ("rest", "f8"), ("after", "f8"), ("went", "f8"), ("left", "f8"), ("breaks", "i8"),
    ("pace", "f8"), ("spoils", "f8"), ("heals", "f8"), ("detects", "f8"), ("rejects", "f8"), ("quality", "i8"),
    ("age", "f8"), ("old", "f8"), ("wanted", "i8"),  # operating time since its maintenance, and when it is due
    ("timer", "i8"), ("clock", "i8"), ("plan", "i8"),
    ("work", "i8"), ("by_type", "i8"), ("setup", "i8"), ("setups_by_type", "i8"), ("last", "i8"),
    ("fail", "i8"), ("repair", "i8"), ("service", "i8"), ("every", "f8"), ("renews", "i8"),
    ("outs", "i8"), ("out_count", "i8"), ("ins", "i8"), ("in_count", "i8"), ("routing", "i8"), ("route", "i8"),
    ("joins", "i8"), ("endless", "i8"), ("loses", "i8"), ("mix", "i8"), ("scraps", "i8"), ("dirty", "i8"),
    ("calendar", "i8"), ("task", "i8"), ("asks", "i8"), ("ticket", "i8"),
    ("needs", "i8"),
    ("transit", "f8"), ("gap", "f8"), ("shut", "i8"), ("stops", "i8"), ("gate", "f8"),
    ("first_order", "i8"), ("order_count", "i8"), ("ideal", "i8"), ("prior", "i8"),
    ("entered", "i8"), ("passed", "i8"), ("lost", "i8"), ("failures", "i8"),
    ("setups", "i8"), ("services", "i8"), ("served", "i8"), ("reset", "i8"),
    ("late", "i8"), ("bad", "i8"), ("spoilt", "i8"), ("mended", "i8"), ("made", "i8"), ("planned", "f8"),
    ("lead", "f8"), ("lead_squares", "f8"),
])  # fmt: skip
"""A block: what it is, what it has, what it counts."""

PART = np.dtype([
    ("next", "i8"), ("type", "i8"), ("target", "i8"), ("order", "i8"), ("bad", "i8"), ("via", "i8"),
    ("rank", "f8"), ("born", "f8"), ("due", "f8"), ("ready", "f8"),
])  # fmt: skip
"""A part, in the list of the block that holds it; those that aren't in use hang together too."""

STREAM = np.dtype([
    ("start", "u8"), ("index", "i8"), ("law", "i8"), ("a", "f8"), ("b", "f8"), ("c", "f8"),
    ("first", "i8"), ("count", "i8"),
])  # fmt: skip
"""A named stream of random numbers, which one is next, and how they are distributed."""

EDGE = np.dtype([("to", "i8"), ("share", "f8"), ("wants", "i8"), ("got", "i8")])
"""A block that another gives to, or takes from; the cumulative probability of giving to it; how many parts go by it
where parts are put together or taken apart, and how many have come."""

CLAIM = np.dtype([("first", "i8"), ("count", "i8"), ("amount", "i8"), ("pool", "i8")])
"""People or tools that a task needs: from any of the pools listed in `choices`; the pool that gave them."""

POOL = np.dtype([("size", "i8"), ("here", "i8"), ("used", "i8"), ("calendar", "i8"), ("area", "f8"), ("stamp", "f8")])
"""A crew or a set of tools: how many, how many of them are here, at work, and worked over time."""

CALENDAR = np.dtype([("first", "i8"), ("count", "i8"), ("next", "i8"), ("lap", "f8"), ("period", "f8"), ("on", "i8")])
"""A shift: where its switching times stand in `numbers`, which is next, and in which lap of its period."""

ORDER = np.dtype([
    ("release", "f8"), ("due", "f8"), ("rank", "f8"), ("type", "i8"), ("count", "i8"), ("left", "i8"), ("done", "i8"),
    ("scrapped", "i8"), ("finished", "f8"), ("source", "i8"),
])  # fmt: skip
"""An order: from when it may be begun, until when it is wanted, how many parts haven't been begun, are done, lost."""

WORLD = np.dtype([
    ("time", "f8"), ("free", "i8"), ("room", "i8"), ("margin", "i8"), ("events", "i8"), ("out", "i8"),
    ("low", "i8"), ("high", "i8"), ("tickets", "i8"), ("asking", "i8"),
    ("blocks", "i8"), ("timers", "i8"), ("pools", "i8"), ("calendars", "i8"), ("orders", "i8"),
    ("logged", "i8"), ("log", "i8"),
])  # fmt: skip
"""The clock, unused parts, between which blocks something may move, sizes, how much is logged and may be."""

LOG = np.dtype([("time", "f8"), ("block", "i8"), ("state", "i8"), ("held", "i8")])
"""What a block does from now on, and how much it holds."""

_SIZES = ("margin", "blocks", "timers", "pools", "calendars", "orders", "log")
CHANGES = {
    "world": tuple(field for field in WORLD.names or () if field not in _SIZES),
    "blocks": (
        "state", "since", "phase", "halt", "held", "ready", "head", "tail", "area", "stamp", "rest", "after", "went",
        "left", "breaks", "pace", "age", "wanted", "last", "dirty", "asks", "task", "ticket", "shut", "gate",
        "entered", "passed", "lost", "failures", "setups", "services", "served", "reset", "late", "bad", "spoilt",
        "mended", "made", "planned", "lead", "lead_squares",
    ),
    "parts": PART.names or (), "streams": ("start", "index"), "edges": ("got",), "claims": ("pool",),
    "pools": ("used", "area", "stamp"), "calendars": ("next", "lap", "on"),
    "orders": ("left", "done", "scrapped", "finished"),
}  # fmt: skip
"""Which fields are a flow's state; the others were declared, and stay when it goes on from where another stands."""
