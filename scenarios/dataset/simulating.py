"""Runs of a data set, many at once on the lanes: signals, truth and labels, a block of rows after the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scenarios.dataset.drawing import Draws, Lot
from scenarios.dataset.measuring import Instruments
from scenarios.dataset.moving import Moving, Values, drawn
from scenarios.dataset.spec import Spec
from twin.ensemble import LANES, Compiled, Ensemble, Form, Happening, compile_plant
from twin.errors import SimulationError
from twin.factory.forcing import spread_values
from twin.plant import Plant, Tag
from twin.snapshot import Snapshot, rebased, row_names
from twin.streams import normal

BLOCK = 1024
"""Rows that are handed on at a time, and that a chunk of a file holds."""
FINER = 0.1
"""Share of the tolerance with which a run that failed is simulated once more."""
PLANTS = 4
"""Kernels that a process keeps at hand."""
FAULT, MODE, SENSOR = 1, 2, 4
"""Bits of a change point: a fault of equipment begins, the mode changes, an instrument's fault begins or ends."""


class Rows(NamedTuple):
    """Rows of some runs from `first` on.

    Attributes
    ----------
    signals, quality, sensor_fault : numpy.ndarray
        See `scenarios.dataset.measuring.Measured`; shape (runs, rows, channels).
    truth : numpy.ndarray
        float32, SI, shape (runs, rows, quantities of the specification's `truth`).
    clean : numpy.ndarray
        float32, what the signals measure, in the channels' units, shape (runs, rows, channels).
    fault, mode, anomaly, changepoint : numpy.ndarray
        uint8, shape (runs, rows).
    severity : numpy.ndarray
        float32, shape (runs, rows).
    """

    first: int
    signals: np.ndarray
    quality: np.ndarray
    sensor_fault: np.ndarray
    truth: np.ndarray
    clean: np.ndarray
    fault: np.ndarray
    mode: np.ndarray
    anomaly: np.ndarray
    changepoint: np.ndarray
    severity: np.ndarray


class Simulated(NamedTuple):
    """What is known of runs when they are over.

    Attributes
    ----------
    happenings : tuple of Happening
        Transitions, with times [s] from a run's first row, and the run's position as their member.
    failures : dict
        Why runs' physics went wrong, by position.
    parameters : dict
        What differs from machine to machine and from run to run, SI, each of shape (runs,).
    """

    happenings: tuple[Happening, ...]
    failures: dict[int, str]
    parameters: Values


def remaining(ends: Sequence[float], times: np.ndarray) -> np.ndarray:
    """Return how long it is to the next of some ends [s], at times in order; NaN behind the last."""
    return np.asarray(np.array([*ends, np.nan])[np.searchsorted(ends, times)] - times)


class Simulation:
    """Some runs of a data set: iterate over `rows`, then ask for `end`.

    Runs don't depend on their company: whatever runs are simulated together, their numbers are the same.

    Parameters
    ----------
    rtol : float, optional
        Relative tolerance, if not the specification's.
    form : {"families", "flat"}
        Of the kernel; both give the same numbers.
    """

    def __init__(self, spec: Spec, lot: Lot, draws: Draws, rtol: float | None = None, form: Form = "families") -> None:
        self.spec, self.draws = spec, draws
        plant = _sampled(spec)
        if rtol is not None:
            plant = replace(plant, solver=plant.solver._replace(rtol=rtol))
        self._plant, self.form = plant, form
        # What nobody looks at isn't sampled: while it settles, the solver strides as far as it can.
        calm = replace(plant, tags={}) if spec.settle else plant
        self._machines = Ensemble(calm, draws.count, _compiled(calm, form))
        self.parameters = self._begin(lot)
        base = {path: self._machines.get(path) for path in Moving.paths(spec)}
        errors = {
            tag: sd * normal(lot.machine_seeds[draws.machine], tag, "constant error", 0, 1)[:, 0]
            for tag, sd in spec.machines.instruments.items()
        }
        self._moving = Moving(spec, draws, base)
        self._steps, self._step, self._set = self._moving.steps(), 0, base
        self._outside = next(self._steps)
        self._instruments = Instruments(spec, draws, errors)
        self._happenings: list[Happening] = []
        self._failures: dict[int, str] = {}
        self._last_mode = self._moving.modes(0, 1)

    def _begin(self, lot: Lot) -> Values:
        """Give every run its machine's numbers and its own; return them."""
        spec, draws, machines = self.spec, self.draws, self._machines
        found: Values = {}
        paths = {path for plant in spec.plants for path in plant.values}
        for path in sorted(path for path in paths if len({plant.value(path) for plant in spec.plants}) > 1):
            found[path] = np.array([plant.value(path) for plant in spec.plants])[draws.plant]
        seeds = lot.machine_seeds[draws.machine]
        # A machine is spread about its own plant's sheet.
        for path, values in spread_values(spec.machines.spread, spec.plant, seeds).items():
            found[path] = values * (found[path] / spec.plant.value(path) if path in found else 1.0)
        found |= drawn(spec.machines.within, seeds, "machine")
        found |= drawn(spec.begin, draws.seed, "begin")
        for path, values in found.items():
            machines.set(path, values)
        return found

    def rows(self) -> Iterator[Rows]:
        """Yield all rows, a block at a time; fewer where every run has failed."""
        spec = self.spec
        self._settle()
        truth: list[np.ndarray] = []
        held, first = 0, 0
        for samples in self._advanced(spec.length):
            truth.append(samples)
            held += samples.shape[2]
            while held >= BLOCK or (held and first + held >= spec.rows):
                whole = np.concatenate(truth, axis=2)
                count = min(BLOCK, spec.rows - first)
                yield self._labelled(whole[:, :, :count], first)
                first, held = first + count, held - count
                truth = [whole[:, :, count:].copy()]  # a view would keep the whole
                if first >= spec.rows:
                    return

    def end(self) -> Simulated:
        """Simulate on to the horizon; return what is known then."""
        spec = self.spec
        if spec.horizon:
            self._change_over(replace(self._plant, tags={}))
            for _ in self._advanced(spec.length + spec.horizon):
                pass
        found = tuple(h._replace(time=h.time - spec.settle) for h in self._happenings)
        return Simulated(found, self._machines.failures() | self._failures, self.parameters)

    def _settle(self) -> None:
        """Come to the first row while everything outside stands still; from there on rows are sampled."""
        self._put(self._outside)
        self._advance(self.spec.settle)
        if self.spec.settle:
            self._machines.take_happenings()
            self._change_over(self._plant)
            self._advance(self.spec.settle)

    def _change_over(self, plant: Plant) -> None:
        """Go on from here with the plant's tags."""
        self._failures |= self._machines.failures()
        z, c = self._machines.member_state()
        if failed := list(self._failures):  # a run that failed is done for: another's state stands in its place
            good = np.setdiff1d(np.arange(self.draws.count), failed)[:1]
            if not good.size:
                return
            z[:, failed], c[:, failed] = z[:, good], c[:, good]
        here = Snapshot("", "", 0, *row_names(self._machines.layout), z, c)
        machines = Ensemble(plant, self.draws.count, _compiled(plant, self.form))
        mapped, _ = rebased(here, *machines.member_state(), machines.layout)
        machines.restore(mapped.z, mapped.c)
        self._machines = machines

    def _advanced(self, until: float) -> Iterator[np.ndarray]:
        """Advance step by step; yield samples (SI), shape (tags, runs, rows), about a block at a time.

        Time counts from the first row.
        """
        spec, taken = self.spec, 0
        last = math.ceil(until / spec.hold - 1e-9)
        while self._step < last and len(self._machines.failures()) < self.draws.count:
            self._put(self._outside)
            self._step, self._outside = self._step + 1, next(self._steps)
            self._advance(spec.settle + self._step * spec.hold)
            taken += round(spec.hold / spec.every)
            if taken >= BLOCK or self._step == last:
                taken = 0
                self._happenings += self._machines.take_happenings()
                yield from (samples.values for samples in self._machines.take_samples())

    def _put(self, values: Values) -> None:
        for path, each in values.items():
            if not np.array_equal(each, self._set[path]):
                self._machines.set(path, each)
                self._set[path] = each

    def _advance(self, time: float) -> None:
        if len(self._machines.failures()) == self._machines.members:
            return
        try:
            self._machines.advance(time)
        except SimulationError:
            if not self._machines.failures():
                raise

    def _labelled(self, samples: np.ndarray, first: int) -> Rows:
        """Return rows with what instruments show and what is true of them."""
        spec, draws = self.spec, self.draws
        channels, count = len(spec.channels), samples.shape[2]
        measured = self._instruments.measured(samples[:channels], first)
        clean = np.empty((draws.count, count, channels), np.float32)
        for c, scale in enumerate(self._instruments.scales):
            clean[:, :, c] = scale(samples[c])
        severity = self._moving.severities(first, count).astype(np.float32)
        mode, anomaly = self._moving.modes(first, count), severity > 0.0
        times = (first + np.arange(count)) * spec.every
        point = FAULT * _at(times, draws.onset, spec.every)
        point |= SENSOR * (_at(times, draws.sensor_onset, spec.every) | _at(times, draws.sensor_end, spec.every))
        before = np.concatenate([self._last_mode, mode[:, :-1]], axis=1)
        self._last_mode = mode[:, -1:]
        point |= MODE * (mode != before)
        return Rows(
            first, *measured, np.moveaxis(samples[channels:], 0, 2).astype(np.float32), clean,
            np.where(anomaly, draws.fault[:, None], 0).astype(np.uint8), mode, anomaly.astype(np.uint8),
            point.astype(np.uint8), severity,
        )  # fmt: skip


def _at(times: np.ndarray, instants: np.ndarray, every: float) -> np.ndarray:
    """Return whether a row is the first after an instant, shape (runs, rows)."""
    since = times[None, :] - instants[:, None]
    return np.asarray((since > 1e-9 * every) & (since <= every * (1.0 + 1e-9)))


def _sampled(spec: Spec) -> Plant:
    """Return the plant with a tag for every channel, then one for each quantity whose truth is recorded."""
    plant = spec.plant
    tags = {f"channel {c}": tag._replace(name=f"channel {c}") for c, tag in enumerate(plant.tags.values())}
    tags |= {f"truth {p}": Tag(f"truth {p}", p, plant.quantity(p).unit, spec.every) for p in spec.truth}
    return replace(plant, tags=tags)


_KEPT: dict[str, Compiled] = {}


def _compiled(plant: Plant, form: Form) -> Compiled:
    """Return a plant's kernel, compiled or loaded once a process."""
    key = repr((plant.name, plant.text, plant.tags, plant.solver, form))
    if key not in _KEPT:
        while len(_KEPT) >= PLANTS:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[key] = compile_plant(plant, 2, width=LANES[plant.solver.method], form=form)
    return _KEPT[key]


def warmed(spec: Spec, form: Form, say: Callable[[str], None]) -> None:
    """Compile what a specification needs, so that workers find it compiled."""
    plant = _sampled(spec)
    compile_plant(plant, 2, width=LANES[plant.solver.method], form=form, progress=say)


def retried(simulation: Simulation, lot: Lot, failures: dict[int, str]) -> Simulation:
    """Return the runs that failed, to be simulated once more, more exactly: now and then a step misses a corner."""
    spec, which = simulation.spec, simulation.draws.picked(np.array(sorted(failures)))
    return Simulation(spec, lot, which, FINER * spec.plant.solver.rtol, simulation.form)
