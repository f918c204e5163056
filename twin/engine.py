"""The hybrid clock: SimPy says when something happens, the compiled plant fills the time between."""

import math
from collections.abc import Callable, Iterable
from heapq import heappush
from typing import Any

import numpy as np
import simpy
from simpy.events import URGENT, Event, Process, ProcessGenerator

from twin.ensemble import Ensemble, Happening
from twin.errors import SimulationError, SnapshotError
from twin.plant import Plant
from twin.snapshot import Snapshot, checked, identity, row_names
from twin.streams import member_seeds

Behaviour = Callable[["Simulation"], ProcessGenerator]


class Simulation(simpy.Environment):
    """SimPy environment that integrates the plant up to each event before processing it.

    Everything a plant declares (guards, dues, schedules, samples) happens inside the compiled kernel;
    SimPy is for what users add in Python: processes that wait for time or for an event of the plant,
    read it and set its inputs.

    Parameters
    ----------
    plant : Plant
    start : Snapshot, optional
        Where to begin; the plant's own initial values if omitted.
    members : int
        Members advanced together; a start with one member is copied to all.
    seed : int
        Seed of the named random streams; a start brings its own.
    behaviours : iterable of callables
        Each is called with the simulation and returns a SimPy process. They are started again at a
        restore, so they may remember nothing outside the plant's `Memory`.
    """

    def __init__(
        self,
        plant: Plant,
        start: Snapshot | None = None,
        *,
        members: int = 1,
        seed: int = 0,
        behaviours: Iterable[Behaviour] = (),
        **options: Any,
    ) -> None:
        members = start.members if start and members == 1 else members
        self.plant, self.seed = plant, start.seed if start else seed
        self.ensemble = Ensemble(plant, members, seeds=member_seeds(self.seed, members), **options)
        if start is not None:
            checked(start, plant, self.ensemble.layout)
            resume(self.ensemble, start)
        super().__init__(self.ensemble.time)
        self.happenings: list[Happening] = []
        self._waiting: dict[str, Event] = {}
        self._behaviours = tuple(behaviours)
        self._own: list[Process] = []
        self._foreign: list[Process] = []
        for behaviour in self._behaviours:
            self._own.append(super().process(behaviour(self)))

    def process(self, generator: ProcessGenerator) -> Process:
        """Start a SimPy process; a run that has one can't be snapshotted while it lives."""
        self._foreign = [p for p in self._foreign if p.is_alive]
        self._foreign.append(super().process(generator))
        return self._foreign[-1]

    def __getitem__(self, path: str) -> Any:
        """Return ``asset.quantity``, SI: a float, or an array where there are several members."""
        values = self.ensemble.get(path)
        return float(values[0]) if self.ensemble.members == 1 else values

    def __setitem__(self, path: str, value: float | np.ndarray) -> None:
        """Set a parameter, fault, state, held input or memory, SI."""
        self.ensemble.set(path, value)

    def when(self, name: str) -> Event:
        """Return the SimPy event of the next time the guard or due ``asset.name`` happens; its value is the time.

        Raises
        ------
        SimulationError
            If there are several members, which pass a guard at different times.
        """
        if self.ensemble.members > 1:
            raise SimulationError(
                f"{name}: {self.ensemble.members} members pass it at different times; wait with one member"
            )
        if name not in self._waiting:
            self.ensemble.watch(name)
            self._waiting[name] = self.event()
        return self._waiting[name]

    def run(self, until: float | Event | None = None) -> Any:
        """Run as SimPy's `Environment.run` does; a time must be finite and not before now.

        Raises
        ------
        SimulationError
            If `until` is no such time.
        """
        if until is not None and not isinstance(until, Event) and not self.now <= float(until) < math.inf:
            raise SimulationError(
                f"{self.plant.name}: t = {self.now:g} s: can't run until {until} s; give a later time"
            )
        if until == self.now:
            return None
        return super().run(until)

    def step(self) -> None:
        """Integrate to the next SimPy event, or to an event of the plant that someone waits for, and process it."""
        due = self.peek()
        if self.now < due < math.inf:
            reached = self.ensemble.advance(due)
            happened = self.ensemble.take_happenings()
            self.happenings += happened
            if not reached:
                self._succeed(happened)
        super().step()

    def _succeed(self, happened: list[Happening]) -> None:
        """Schedule the events of what is waited for at the very instant, before all else."""
        now = self.ensemble.time
        for name in [h.name for h in happened if h.time == now and h.name in self._waiting]:
            event = self._waiting.pop(name, None)
            if event is None:
                continue
            self.ensemble.watch(name, on=False)
            event._ok, event._value = True, now
            heappush(self._queue, (now, URGENT, next(self._eid), event))

    def snapshot(self) -> Snapshot:
        """Return the whole state; `Simulation(plant, start=it)` goes on from here bit for bit.

        Raises
        ------
        SnapshotError
            If a Python process that isn't one of the behaviours is running: a generator can't be copied.
        """
        if any(p.is_alive for p in self._foreign):
            raise SnapshotError(
                f"{self.plant.name}: a running Python process can't be copied; pass it as one of `behaviours`, "
                "and keep what it remembers in the plant's Memory"
            )
        return snapshot(self.ensemble, self.seed)

    def fork(self, members: int, **options: Any) -> Ensemble:
        """Return this many copies of the only member, as an ensemble on the lanes."""
        return fork(self.snapshot(), self.plant, members, **options)


def snapshot(ensemble: Ensemble, seed: int = 0) -> Snapshot:
    """Return the whole state of an ensemble."""
    z, c = ensemble.member_state()
    flow = ensemble.flow.state() if ensemble.flow is not None else {}
    return Snapshot(
        ensemble.plant.name, identity(ensemble.plant), seed, *row_names(ensemble.layout), z.copy(), c.copy(), flow
    )


def fork(start: Snapshot, plant: Plant, members: int, **options: Any) -> Ensemble:
    """Return an ensemble of `members` copies of a snapshot's member (or of its members, where they are as many)."""
    ensemble = Ensemble(plant, members, seeds=member_seeds(start.seed, members), **options)
    checked(start, plant, ensemble.layout)
    resume(ensemble, start)
    return ensemble


def resume(ensemble: Ensemble, start: Snapshot) -> None:
    """Let an ensemble stand where a snapshot of its plant does; one member's state is copied to every member."""
    ensemble.restore(start.z, start.c)
    if ensemble.flow is not None:
        ensemble.flow.restore(start.flow)
