"""A flow that runs: by itself as fast as it goes, or by a SimPy clock that others share, event by event the same."""

import heapq
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any, NamedTuple, Self

import numpy as np
import simpy
from simpy.events import NORMAL, Event, ProcessGenerator

from twin.errors import SimulationError
from twin.flow import loop
from twin.flow.blocks import Block, Sink
from twin.flow.laying import Laid, roomier
from twin.flow.records import State

TRACE = 4096
"""Events of a trace that are kept in one piece."""


class Counted(NamedTuple):
    """What a block has done since statistics began.

    Attributes
    ----------
    entered, passed, lost, failures, setups, late : int
        Parts that came, left, were lost for want of room; failures; setups; parts that came after their due date.
    held : float
        How many parts it held, on average over time.
    spent : mapping
        Time in each state [s].
    lead, lead_squares : float
        Of a sink: sum of its parts' lead times, from source to sink, and of their squares [s], [s2].
    """

    entered: int
    passed: int
    lost: int
    failures: int
    setups: int
    late: int
    held: float
    spent: dict[str, float]
    lead: float
    lead_squares: float


class Line:
    """Blocks at work.

    Parameters
    ----------
    blocks : sequence of Block
        In the order in which the file has them: at one instant the first one's timer goes off first.
    seed : int
        Of the named random streams.

    Raises
    ------
    PlantError
        If they don't fit together; the message names the block.
    """

    def __init__(self, blocks: Sequence[Block], seed: int = 0) -> None:
        self._laid = Laid(blocks, seed)
        self.names, self.types = self._laid.names, self._laid.types
        self.floor = self._laid.floor
        self.begun = 0.0
        """When statistics began [s]."""
        loop.opened(*self.floor)

    @property
    def now(self) -> float:
        """Return the time [s]."""
        return float(self.floor.world["time"][0])

    @property
    def out(self) -> int:
        """Return how many parts have left through any sink since the flow began."""
        return int(self.floor.world["out"][0])

    @property
    def events(self) -> int:
        """Return how many timers have gone off."""
        return int(self.floor.world["events"][0])

    def run(self, until: float = inf, parts: int | None = None) -> None:
        """Run by itself until a time [s], or until so many more parts have left.

        Raises
        ------
        SimulationError
            If nothing will ever happen again while parts are held.
        """
        for _ in self._ran(until, parts, 0):
            pass

    def traced(self, until: float = inf, parts: int | None = None) -> list[tuple[str, float]]:
        """Run, and return whose timer went off when."""
        found: list[tuple[str, float]] = []
        for timers, times in self._ran(until, parts, TRACE):
            owners = self.floor.owners[timers].tolist()
            found += zip([self.names[k] for k in owners], times.tolist(), strict=True)
        return found

    def _ran(self, until: float, parts: int | None, trace: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Run, making room as it is needed; yield pieces of the trace."""
        if parts is None and not until < inf:
            raise SimulationError("flow: it has no end; give a time or a number of parts")
        if until < self.now:
            raise SimulationError(f"flow: t = {self.now:g} s: can't run until {until:g} s; give a later time")
        timers, times = np.zeros(trace, np.int64), np.zeros(trace)
        most = -1 if parts is None else self.out + parts
        while True:
            ending, events = loop.run(*self.floor, until, most, timers, times)
            if trace:
                yield timers[:events].copy(), times[:events].copy()
            if ending == loop.Ending.ROOM:
                self.floor = roomier(self.floor, self.floor.parts.size)
            elif ending != loop.Ending.TRACE:
                break
        self._check_moves()

    def _check_moves(self) -> None:
        """Refuse to wait for ever."""
        if np.isfinite(self.floor.due).any():
            return
        held = [name for name, count in zip(self.names, self.floor.blocks["held"].tolist(), strict=True) if count]
        raise SimulationError(
            f"flow: t = {self.now:g} s: nothing will ever move again: {', '.join(held)} hold parts that nobody takes; "
            "give them another way out, or more room"
        )

    def process(self, env: simpy.Environment, parts: int | None = None) -> ProcessGenerator:
        """Yield as a SimPy process that lets timers go off by the environment's clock, in its time from now on.

        It ends once so many more parts have left.
        """
        most = None if parts is None else self.out + parts
        timer, due, room = loop.begun(*self.floor)
        while most is None or self.out < most:
            if room <= self.floor.blocks.size:
                self.floor = roomier(self.floor, self.floor.parts.size)
            if due == inf:
                self._check_moves()
            yield _At(env, due)
            timer, due, room = loop.step(*self.floor, timer)

    def fork(self) -> Self:
        """Return another line that stands as this one and goes its own way."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.floor = self.floor.copy()
        return other

    def forget(self) -> None:
        """Begin statistics anew, as at the end of a warm-up; parts stay where they are."""
        floor, now = self.floor, self.now
        floor.spent[:] = 0.0
        for field in ("since", "stamp"):
            floor.blocks[field] = now
        for field in ("area", "entered", "passed", "lost", "failures", "setups", "late", "lead", "lead_squares"):
            floor.blocks[field] = 0
        self.begun = now

    def counted(self, name: str) -> Counted:
        """Return what a block has done since statistics began."""
        k = self.names.index(name)
        row, now = self.floor.blocks[k], self.now
        spent = self.floor.spent[k].copy()
        spent[int(row["state"])] += now - float(row["since"])
        area = float(row["area"]) + int(row["held"]) * (now - float(row["stamp"]))
        length = now - self.begun
        return Counted(
            **{field: int(row[field]) for field in ("entered", "passed", "lost", "failures", "setups", "late")},
            held=area / length if length > 0.0 else 0.0,
            spent={state.name.lower(): float(spent[state]) for state in State},
            lead=float(row["lead"]), lead_squares=float(row["lead_squares"]),
        )  # fmt: skip

    def sinks(self) -> dict[str, Counted]:
        """Return what has left, by sink."""
        return {block.name: self.counted(block.name) for block in self._laid.declared if isinstance(block, Sink)}


class _At(Event):
    """An event at a time: now + (time - now) may be another by a unit in the last place."""

    def __init__(self, env: Any, time: float) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        heapq.heappush(env._queue, (time, NORMAL, next(env._eid), self))
