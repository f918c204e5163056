"""A factory at the pace of a clock on the wall: readings handed on when they are due, at the speed asked for."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from twin.factory.factory import Block, Factory

SHORTEST_BEAT = 0.05
"""Readings are handed on no oftener than this [s]."""
LONGEST_REACH = 10
"""A factory that is behind catches up by no more than so many beats at once: Ctrl-C is heard between two."""
PATIENCE = 40
"""So many beats behind is too slow; up to there a machine may have been busy with something else."""


class Pace(NamedTuple):
    """How a factory was played: source time reached, wall time taken [s], readings handed on."""

    reached: float
    taken: float
    readings: int

    @property
    def speed(self) -> float:
        """Return source time per wall time."""
        return self.reached / self.taken if self.taken > 0.0 else 0.0


@dataclass(frozen=True)
class Wall:
    """A monotonic clock and how to wait on it; tests bring their own."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = field(default=time.sleep)


def play(
    factory: Factory,
    put: Callable[[Block], None],
    *,
    speed: float,
    until: float = math.inf,
    began: float | None = None,
    wall: Wall = Wall(),
    tell: Callable[[str], None] = lambda _: None,
    after: Callable[[Pace], None] = lambda _: None,
) -> Pace:
    """Hand on readings from the first one to `until` [s], `speed` source seconds a wall second; return how it went.

    Parameters
    ----------
    put : callable
        Takes every block.
    began : float, optional
        Wall time of the first reading, by `wall`; now where it is omitted.
    tell : callable
        Called once with a sentence if the speed can't be kept.
    after : callable
        Called after each block with how far it has come.
    """
    tick = min(tag.every for tag in factory.real.plant.tags.values())
    beat = max(SHORTEST_BEAT * speed, tick, 1.0)
    started, told = wall.now() if began is None else began, False
    due, readings = 0.0, 0
    while True:
        ahead = due / speed - (wall.now() - started)
        if ahead > 0.0:
            wall.wait(ahead)
        elapsed = wall.now() - started
        asked = min(elapsed * speed, until)
        goal = min(max(asked, due), due + LONGEST_REACH * beat, until)
        block = factory.advance(goal)
        if block.tag.size:
            put(block)
        readings += block.time.size
        found = Pace(goal, wall.now() - started, readings)
        after(found)
        if goal >= until:
            return found
        if not told and found.taken * speed - goal > PATIENCE * beat:
            told = True
            tell(_too_slow(speed, found))
        due = goal + beat


def _too_slow(speed: float, found: Pace) -> str:
    return (
        f"can't keep {speed:g} x real time: reached {found.speed:.3g} x; the readings are right but come late; "
        "ask for less, or give the machine less else to do"
    )
