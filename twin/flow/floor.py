"""A flow at an instant, for any number of members that go their own ways; compiled code finds it by addresses."""

from typing import Self

import numpy as np

from twin.flow.records import LOG, NONE

OWN = (
    "world", "blocks", "parts", "streams", "edges", "due", "spent", "claims", "pools", "calendars", "orders", "log",
)  # fmt: skip
"""What each member has for itself, in the order of addresses."""
SHARED = ("numbers", "owners", "choices")
"""What never changes, behind them."""


class Floor:
    """The arrays of a flow, each with a first axis of members.

    Attributes
    ----------
    world : WORLD, (m, 1)
    blocks : BLOCK, (m, n)
    parts : PART, (m, p)
    streams : STREAM, (m, s)
    edges : EDGE, (m, e)
    due : float64, (m, t)
        When each timer goes off; infinite while it doesn't run.
    spent : float64, (m, n * states)
        Time in each state, up to the last change of state [s].
    claims : CLAIM, (m, c)
    pools : POOL, (m, r)
    calendars : CALENDAR, (m, k)
    orders : ORDER, (m, o)
    log : LOG, (m, l)
        What blocks did; of length 0 where nobody wants to know.
    numbers : float64, (q,)
        Tables of distributions, mixes, calendars and times.
    owners : int64, (t,)
        The block of each timer, or the number of blocks plus a calendar.
    choices : int64, (z,)
        The pools that claims choose from.
    addresses : int64, (m, 15)
        Where compiled code finds all of it.
    """

    world: np.ndarray
    blocks: np.ndarray
    parts: np.ndarray
    streams: np.ndarray
    edges: np.ndarray
    due: np.ndarray
    spent: np.ndarray
    claims: np.ndarray
    pools: np.ndarray
    calendars: np.ndarray
    orders: np.ndarray
    log: np.ndarray
    numbers: np.ndarray
    owners: np.ndarray
    choices: np.ndarray

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        for name in (*OWN, *SHARED):
            setattr(self, name, np.ascontiguousarray(arrays[name]))
        self.readdress()

    def readdress(self) -> None:
        """Note where the arrays are now."""
        count = len(self.world)
        if not hasattr(self, "addresses"):  # which stays where it is: others keep its address
            self.addresses = np.empty((count, len(OWN) + len(SHARED)), np.int64)
        for slot, name in enumerate((*OWN, *SHARED)):
            array = getattr(self, name)
            stride = array.strides[0] if name in OWN else 0
            self.addresses[:, slot] = array.ctypes.data + stride * np.arange(count)

    @property
    def count(self) -> int:
        """Return how many members there are."""
        return len(self.world)

    def place(self, member: int = 0) -> int:
        """Return the address of a member's addresses."""
        return int(self.addresses[member].ctypes.data)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays by name."""
        return {name: getattr(self, name) for name in (*OWN, *SHARED)}

    def copy(self) -> "Floor":
        """Return another flow that is the same and goes its own way."""
        return Floor({n: a.copy() if n in OWN else a for n, a in self.arrays().items()})

    def spread(self, count: int) -> "Floor":
        """Return so many members that stand as the only one here."""
        return Floor({n: np.repeat(a, count, axis=0) if n in OWN else a for n, a in self.arrays().items()})

    def member(self, k: int) -> "Floor":
        """Return one member by itself."""
        return Floor({n: a[k : k + 1].copy() if n in OWN else a for n, a in self.arrays().items()})

    def __getstate__(self) -> dict[str, np.ndarray]:
        """Return what another process makes the same flow of; addresses hold in this one only."""
        return self.arrays()

    def __setstate__(self, arrays: dict[str, np.ndarray]) -> None:
        """Become the flow of these arrays."""
        Floor.__init__(self, arrays)

    def tobytes(self) -> bytes:
        """Return everything that changes, but what was logged."""
        return b"".join(getattr(self, name).tobytes() for name in OWN if name != "log")

    def roomier(self, more: int) -> None:
        """Make room for so many more parts in every member."""
        old = self.parts.shape[1]
        grown = np.zeros((self.count, old + more), self.parts.dtype)
        grown[:, :old] = self.parts
        for member, world in enumerate(self.world[:, 0]):
            grown[member, old:]["next"] = [*range(old + 1, old + more), world["free"]]
            world["free"], world["room"] = old, world["room"] + more
        self.parts = grown
        self.readdress()

    def logging(self, most: int) -> None:
        """Keep what blocks do now, and the next so many changes, in `log`."""
        blocks = self.blocks.shape[1] if most else 0
        self.log = np.zeros((self.count, most + blocks), LOG)
        self.world["log"], self.world["logged"] = most + blocks, blocks
        if blocks:
            self.log["time"][:, :blocks] = self.world["time"]
            self.log["block"][:, :blocks] = np.arange(blocks)
            for field in ("state", "held"):
                self.log[field][:, :blocks] = self.blocks[field]
        self.readdress()

    def resown(self, other: Self) -> None:
        """Take over the streams of another flow of the same blocks: its seeds, from their first numbers on."""
        self.streams[:] = other.streams


def unused(count: int) -> int:
    """Return the first of `count` unused parts, or none."""
    return 0 if count else NONE
