"""A flow that runs: by itself as fast as it goes, or by a SimPy clock that others share, event by event the same."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Any, Self

import numpy as np
import simpy
from simpy.events import NORMAL, Event, ProcessGenerator

from twin.errors import SimulationError
from twin.flow import counts, loop
from twin.flow.blocks import Block, Flow, Sink, Source
from twin.flow.counts import Counted
from twin.flow.floor import Floor
from twin.flow.laying import Laid
from twin.flow.records import Halt
from twin.flow.starting import start

TRACE = 4096
"""Events of a trace that are kept in one piece."""


class Line:
    """Blocks at work.

    Parameters
    ----------
    flow : Flow or sequence of Block
        In the order in which the file has blocks: at one instant the first one's timer goes off first.
    seed : int
        Of the named random streams.

    Raises
    ------
    PlantError
        If they don't fit together; the message names the block.
    """

    def __init__(self, flow: Flow | Sequence[Block], seed: int = 0) -> None:
        self.laid = Laid(flow if isinstance(flow, Flow) else Flow(tuple(flow)))
        self.names, self.types = self.laid.names, self.laid.types
        self.floor: Floor = self.laid.floor(np.array([seed % 2**64], np.uint64))
        self.begun = 0.0
        """When statistics began [s]."""
        start(self.laid, self.floor)

    @property
    def now(self) -> float:
        """Return the time [s]."""
        return float(self.floor.world["time"][0, 0])

    @property
    def out(self) -> int:
        """Return how many parts have left through any sink since the flow began."""
        return int(self.floor.world["out"][0, 0])

    @property
    def events(self) -> int:
        """Return how many timers have gone off."""
        return int(self.floor.world["events"][0, 0])

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
        owners = [*self.names, *(shift.name for shift in self.laid.flow.shifts)]
        for timers, times in self._ran(until, parts, TRACE):
            numbers = self.floor.owners[timers].tolist()
            found += zip([owners[k] for k in numbers], times.tolist(), strict=True)
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
            ending, events = loop.run(self.floor.place(), until, most, timers, times)
            if trace:
                yield timers[:events].copy(), times[:events].copy()
            if ending == loop.Ending.ROOM:
                self.floor.roomier(self.floor.parts.shape[1])
            elif ending != loop.Ending.TRACE:
                break
        check_moves(self.laid, self.floor, waited=ending == loop.Ending.STILL)

    def process(self, env: simpy.Environment, parts: int | None = None) -> ProcessGenerator:
        """Yield as a SimPy process that lets timers go off by the environment's clock, in its time from now on.

        It ends once so many more parts have left.
        """
        clock = _Clock(env, self, -1 if parts is None else self.out + parts)
        if clock.callbacks:
            yield clock.over

    def fork(self) -> Self:
        """Return another line that stands as this one and goes its own way."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.floor = self.floor.copy()
        return other

    def forget(self) -> None:
        """Begin statistics anew, as at the end of a warm-up; parts stay where they are."""
        counts.forget(self.floor)
        self.begun = self.now

    def counted(self, name: str) -> Counted:
        """Return what a block has done since statistics began."""
        return counts.counted(self.floor, self.names.index(name), self.now - self.begun)

    def sinks(self) -> dict[str, Counted]:
        """Return what has left, by sink."""
        return {block.name: self.counted(block.name) for block in self.laid.flow.blocks if isinstance(block, Sink)}


def check_moves(laid: Laid, floor: Floor, *, waited: bool = False) -> None:
    """Refuse to wait for ever; with `waited` for those who are off, too, for they have been here meanwhile.

    Raises
    ------
    SimulationError
        If parts are held and nothing but shifts will ever go off, in the first member.
    """
    timed = floor.due.shape[1] - floor.calendars.shape[1]
    blocks = floor.blocks[0]
    if np.isfinite(floor.due[0, :timed]).any() or ((blocks["halt"] & Halt.OFF).any() and not waited):
        return
    names = zip(laid.names, laid.flow.blocks, blocks["held"].tolist(), strict=True)
    held = [name for name, block, count in names if count and not isinstance(block, Source)]
    if floor.pools.size and (floor.pools["here"] == 0).any() and not waited:
        return  # who isn't here will come
    if held:
        raise SimulationError(
            f"flow: t = {floor.world['time'][0, 0]:g} s: nothing will ever move again: {', '.join(held)} hold parts "
            "that nobody takes; give them another way out, or more room"
        )


class _Clock(Event):
    """The next timer of a line as an event of an environment, which happens again and again until all is done.

    A generator that waits for an event of its own each time would be resumed by two more calls, and be half as fast.
    """

    def __init__(self, env: Any, line: Line, most: int) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self._line, self._most, self._place = line, most, line.floor.place()
        self._again: list[Callable[[Any], None]] = [self._tick]
        self.over = Event(env)
        self._wait(loop.begun(self._place, most))

    def _tick(self, _: Event) -> None:
        self._wait(loop.step(self._place, self._most))

    def _wait(self, due: float) -> None:
        """Happen at a time: now + (time - now) may be another by a unit in the last place."""
        while due == loop.ROOM:
            floor = self._line.floor
            floor.roomier(floor.parts.shape[1])
            due = loop.begun(self._place, self._most)
        if 0.0 <= due < inf:
            env: Any = self.env
            self.callbacks = self._again
            heapq.heappush(env._queue, (due, NORMAL, next(env._eid), self))
            return
        self.callbacks = []
        if due == inf:
            check_moves(self._line.laid, self._line.floor)
        self.over.succeed()  # as by itself: there is nothing left to do
