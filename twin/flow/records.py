"""Everything that a flow is at an instant, as arrays: they are copied, hashed, written and run on by any driver."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

NONE = -1
"""Where there is no part, stream or timer."""


class Kind(IntEnum):
    """What a block is."""

    SOURCE = 0
    BUFFER = 1
    STATION = 2
    SINK = 3


class State(IntEnum):
    """What a block does; its time is kept by state."""

    IDLE = 0
    """Starved: it could work, and has nothing to work on."""
    SETUP = 1
    BUSY = 2
    BLOCKED = 3
    """It has finished, and nobody takes it."""
    DOWN = 4


class Routing(IntEnum):
    """To which of several a part goes."""

    FIRST = 0
    """The first in the order of the file that takes it."""
    SHARE = 1
    """One drawn for each part, however long it has to wait."""


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


BLOCK = np.dtype([
    ("kind", "i8"), ("state", "i8"), ("since", "f8"),
    ("capacity", "i8"), ("held", "i8"), ("ready", "i8"), ("head", "i8"), ("tail", "i8"), ("ranked", "i8"),
    ("area", "f8"), ("stamp", "f8"),  # of what is held, over time
    ("rest", "f8"), ("left", "f8"),  # work that is left; operating time that is left until it fails
    ("timer", "i8"), ("work", "i8"), ("by_type", "i8"), ("setup", "i8"), ("last", "i8"),
    ("fail", "i8"), ("repair", "i8"),
    ("outs", "i8"), ("out_count", "i8"), ("ins", "i8"), ("in_count", "i8"), ("routing", "i8"), ("route", "i8"),
    ("endless", "i8"), ("loses", "i8"), ("mix", "i8"), ("dirty", "i8"),
    ("entered", "i8"), ("passed", "i8"), ("lost", "i8"), ("failures", "i8"), ("setups", "i8"), ("late", "i8"),
    ("lead", "f8"), ("lead_squares", "f8"),
])  # fmt: skip
"""A block: what it is, what it has, what it counts."""

PART = np.dtype([
    ("next", "i8"), ("type", "i8"), ("target", "i8"), ("rank", "f8"), ("born", "f8"), ("due", "f8"),
])  # fmt: skip
"""A part, in the list of the block that holds it; those that aren't in use hang together too."""

STREAM = np.dtype([
    ("start", "u8"), ("index", "i8"), ("law", "i8"), ("a", "f8"), ("b", "f8"), ("c", "f8"),
    ("first", "i8"), ("count", "i8"),
])  # fmt: skip
"""A named stream of random numbers, which one is next, and how they are distributed."""

EDGE = np.dtype([("to", "i8"), ("share", "f8")])
"""A block that another gives to, or takes from: where is in `BLOCK`; and the cumulative probability of giving to it."""

WORLD = np.dtype([
    ("time", "f8"), ("free", "i8"), ("room", "i8"), ("events", "i8"), ("out", "i8"), ("low", "i8"), ("high", "i8"),
])  # fmt: skip
"""The clock, the list of unused parts and how many they are, and between which blocks something may move."""


class Floor(NamedTuple):
    """A flow at an instant; all of it changes in place, but for `edges`, `numbers` and `owners`.

    Compiled code takes the arrays one by one: out of a tuple each use of one would count references.

    Attributes
    ----------
    world : WORLD, (1,)
    blocks : BLOCK, (n,)
    parts : PART, (p,)
    streams : STREAM, (s,)
    edges : EDGE, (e,)
    numbers : float64, (k,)
        Tables of empirical distributions and mixes.
    due : float64, (t,)
        When each timer goes off; infinite while it doesn't run.
    spent : float64, (n, states)
        Time in each state, up to the last change of state [s].
    owners : int64, (t,)
        The block of each timer.
    """

    world: np.ndarray
    blocks: np.ndarray
    parts: np.ndarray
    streams: np.ndarray
    edges: np.ndarray
    numbers: np.ndarray
    due: np.ndarray
    spent: np.ndarray
    owners: np.ndarray

    def copy(self) -> "Floor":
        """Return another flow that is the same and goes its own way."""
        return Floor(*(array.copy() for array in self))
