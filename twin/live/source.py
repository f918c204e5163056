"""What is known of one gateway: how far it has come, whether it keeps coming, what it lost or sent too late."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

MICRO = 1_000_000
SILENT = 3
"""A gateway that isn't heard of, or from which nothing new has come, for so many ticks holds nobody back."""
FAR = 10 * MICRO
"""One that is further behind the others, times the rate of a replay, isn't waited for [us]."""
RECENT = 60 * MICRO
"""For how long a loss or a late reading is told [us]."""


@dataclass
class Source:
    """A gateway, as far as the journal tells; times [us UTC].

    Attributes
    ----------
    run : int
    tags : sequence of int
        Which tag of the plant each of its tags is; -1 where none.
    progress : int
        Time of its newest reading; 0 until there is one.
    idle, missed : int
        Ticks since `progress` grew, and since it was heard of.
    gone : bool
        Whether it said goodbye.
    offset : int
        How far its clock is ahead, as far as known.
    rate : float
        How much faster than life its clock runs.
    lost : (int, int, int)
        Batches that it last declared lost, and the times of the last reading before and the first after.
    late : (int, int, int)
        How many readings came too late of late, how far behind what was settled, and what that was.
    """

    run: int = 0
    tags: Sequence[int] = ()
    progress: int = 0
    idle: int = 0
    missed: int = 0
    gone: bool = False
    offset: int = 0
    rate: float = 1.0
    lost: Sequence[int] = (0, 0, 0)
    late: Sequence[int] = (0, 0, 0)

    def __post_init__(self) -> None:
        self.learn(self.tags)

    def learn(self, tags: Sequence[int]) -> None:
        """Take note of which tag of the plant each of its tags is."""
        self.tags = list(tags)
        self.mine = {index: number for index, number in enumerate(tags) if number >= 0}

    @property
    def alive(self) -> bool:
        """Whether it is connected."""
        return not self.gone and self.missed < SILENT

    @property
    def comes(self) -> bool:
        """Whether readings keep coming."""
        return self.alive and self.idle < SILENT and self.progress > 0

    def near(self, newest: int) -> bool:
        """Return whether it is hardly behind the newest reading of any: not so after an outage, say."""
        return newest - self.progress <= FAR * max(1.0, self.rate)

    def reach(self, first: int, newest: int) -> None:
        """Take note of readings between these times."""
        if self.lost[0] and not self.lost[2]:
            self.lost = (self.lost[0], self.lost[1], first)
        if newest > self.progress:
            self.progress, self.idle = newest, 0

    def note_loss(self, count: int) -> None:
        """Take note of batches that will never come."""
        self.lost = (count, self.progress, 0)

    def note_late(self, count: int, by: int, settled: int) -> None:
        """Take note of readings that were settled without them."""
        known = self.late if settled - self.late[2] <= RECENT else (0, 0, 0)
        self.late = (known[0] + count, max(known[1], by), settled)

    def state(self) -> list[Any]:
        """Return everything, as plain numbers."""
        return [getattr(self, name) for name in _TYPES]

    @classmethod
    def of(cls, state: Sequence[Any]) -> "Source":
        """Return what `state` returned.

        Raises
        ------
        ValueError
            If it is something else.
        """
        return cls(*(msgspec.convert(value, kind) for value, kind in zip(state, _TYPES.values(), strict=True)))


_TYPES: dict[str, Any] = {
    "run": int, "tags": list[int], "progress": int, "idle": int, "missed": int, "gone": bool, "offset": int,
    "rate": float, "lost": tuple[int, int, int], "late": tuple[int, int, int],
}  # fmt: skip
