"""Free runs of a plant: driven by what was recorded of its inputs, compared with what was recorded of the rest."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin import unknowns
from twin.calibrate.record import MOST_ROWS, Record
from twin.declare import Input, Memory
from twin.ensemble import LANES, Compiled, Ensemble, Form, compile_plant
from twin.errors import DataError, PlantError, SimulationError, unknown
from twin.plant import Change, Plant, Tag

MOST_NUMBERS = 8_000_000
"""Samples of one call of the kernel: more members go in turns."""
ON_GRID = 1e-3
"""Rows this close to a multiple of their period, in periods, are sampled there; others are interpolated."""
LONGEST_HOLD = 20.0
"""An input that is missing for longer than this many rows can't be held."""
MOST_STEPS = 100_000_000
"""A run of more steps of the plant's solver would take minutes each."""
THREADS = 2
NARROW = 16
"""Lanes of a block for few members: of twice as many, two such blocks are still cheaper than one of 64."""
LONG = 10_000
"""Steps from which on a run repays what its plant's own module takes to compile: each step costs half as much."""
SMALL = 8
"""Assets of a plant that compiles in seconds; one of sixteen takes a minute."""


class Roles(NamedTuple):
    """What the tags of a record are to the plant: those that drive it, and those that it is compared with."""

    drives: tuple[str, ...]
    compared: tuple[str, ...]


def roles(plant: Plant, record: Record, wanted: Sequence[str] = ()) -> Roles:
    """Return which tags drive a plant and which are compared.

    A tag that reads a held input or a memory drives; of the others `wanted` are compared, or all.

    Raises
    ------
    PlantError
        If a wanted tag isn't the plant's, drives it, or isn't recorded.
    """
    drives = tuple(t for t in record.values if isinstance(plant.quantity(plant.tags[t].reads), Input | Memory))
    others = tuple(t for t in record.values if t not in drives)
    for tag in wanted:
        if tag not in others:
            raise PlantError(
                f"{record.name}: {unknown('compared tag', tag, others)}; it must be recorded, and no input"
            )
    return Roles(drives, tuple(wanted) or others)


class FreeRun:
    """A plant that runs through a record by itself, in as many members as there are candidates.

    Parameters
    ----------
    plant : Plant
    record : Record
    tags : Roles
    """

    def __init__(self, plant: Plant, record: Record, tags: Roles) -> None:
        self.record, self.tags = record, tags
        self.period = record.period
        _check_length(plant, record)
        places = record.times / self.period
        self._rows = np.round(places).astype(np.int64)
        self._on_grid = bool(np.all(np.abs(places - self._rows) < ON_GRID)) and bool(np.all(np.diff(self._rows) > 0))
        self.plant = replace(
            plant, schedule=_changes(plant, record, tags.drives), flow=None, estimation=None,
            tags={tag: Tag(tag, plant.tags[tag].reads, plant.tags[tag].unit, self.period) for tag in tags.compared},
        )  # fmt: skip
        self._biases = {f"{tag}.{unknowns.BIAS}": plant.tags[tag].bias for tag in tags.compared
                        if unknowns.biased(plant, f"{tag}.{unknowns.BIAS}")}  # fmt: skip
        self._kernels: dict[int, Compiled] = {}

    def __call__(self, paths: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Return what the compared tags read in free runs.

        Parameters
        ----------
        paths : sequence of str
            What differs between members: parameters, held inputs, initial states, biases of compared tags.
        values : (members, paths)
            SI.

        Returns
        -------
        (members, tags, rows)
            SI; NaN of members whose physics went wrong.
        """
        rows = len(self.record.times)
        most = max(2, MOST_NUMBERS // (rows * len(self.tags.compared)) // 64 * 64)
        share = -(-len(values) // THREADS // 64) * 64 if len(values) > 64 else len(values)
        parts = np.split(values, range(min(most, share), len(values), min(most, share)))
        kernel = self._kernel(len(parts[0]))  # here: compiled modules are loaded by one thread
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda part: self._part(paths, part, kernel), parts))
        return self._biased(np.concatenate(found), paths, values)

    def _biased(self, read: np.ndarray, paths: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Return what instruments show that read too high, as the plant says or as is tried."""
        for path, own in self._biases.items():
            shift = values[:, paths.index(path), None] if path in paths else own
            read[:, self.tags.compared.index(path.rpartition(".")[0])] += shift
        return read

    def notes(self) -> list[str]:
        """Return what was done about rows that aren't as a run needs them."""
        times, found = self.record.times, []
        for tag in self.tags.drives:
            missing = int((~np.isfinite(self.record.values[tag])).sum())
            if missing:
                there = times[np.isfinite(self.record.values[tag])]
                longest = float(np.diff(np.append(there, times[-1])).max())
                found.append(
                    f"{tag}: {missing} of {len(times)} rows have no usable reading; the one before is held, for "
                    f"{longest:.4g} s at most"
                )
        for tag in self.tags.compared:
            missing = int((~np.isfinite(self.record.values[tag])).sum())
            if missing:
                found.append(f"{tag}: {missing} of {len(times)} rows have no usable reading; they aren't compared")
        if not self._on_grid:
            found.append(
                f"rows aren't {self.period:.4g} s apart throughout: they are compared with what lies straight between "
                "samples of the run"
            )
        return [f"{self.record.name}: {note}" for note in found]

    def _part(self, paths: Sequence[str], values: np.ndarray, kernel: Compiled) -> np.ndarray:
        # A member alone ends a run that fails: it has a neighbour.
        members = np.vstack([values, values[:1]]) if len(values) == 1 else values
        ensemble = Ensemble(self.plant, len(members), kernel)
        for path, column in zip(paths, members.T, strict=True):
            if path not in self._biases:
                ensemble.set(path, column)
        try:
            ensemble.advance(self.record.times[-1] + self.period)
        except SimulationError:
            failed = list(ensemble.failures())
            if len(failed) == len(members):
                return np.full((len(values), len(self.tags.compared), len(self.record.times)), np.nan)
        else:
            failed = []
        samples = next(iter(ensemble.take_samples()))
        read = np.moveaxis(samples.values, 0, 1)
        read[failed] = np.nan
        return self._at_rows(read)[: len(values)]

    def _kernel(self, members: int) -> Compiled:
        """Return the kernel for so many members: a block costs as much whether all its lanes are taken or few."""
        width = NARROW if members <= 2 * NARROW else LANES[self.plant.solver.method]
        if width not in self._kernels:
            self._kernels[width] = compile_plant(self.plant, members, width=width, form=self._form())
        return self._kernels[width]

    def _form(self) -> Form:
        """Return the form of kernel that is done sooner; both give the same bits."""
        solver = self.plant.solver
        long = solver.method == "rk4" and self.record.times[-1] > LONG * solver.step
        return "flat" if long and len(self.plant.assets) <= SMALL else "families"

    def _at_rows(self, read: np.ndarray) -> np.ndarray:
        if self._on_grid:
            return np.ascontiguousarray(read[:, :, self._rows])
        place = np.minimum(self.record.times / self.period, read.shape[2] - 1.001)
        left = place.astype(np.int64)
        share = place - left
        return np.asarray(read[:, :, left] * (1.0 - share) + read[:, :, left + 1] * share)


def _check_length(plant: Plant, record: Record) -> None:
    lasts, step = float(record.times[-1]), plant.solver.step
    if lasts > min(MOST_STEPS * step if plant.solver.method == "rk4" else math.inf, MOST_ROWS * record.period):
        raise DataError(
            f"{record.name}: lasts {lasts:.4g} s with a row every {record.period:.4g} s, and {plant.name} runs in "
            f"steps of {step:g} s: too long to run through; check the unit of its times, or give a part of it"
        )


def _changes(plant: Plant, record: Record, drives: Sequence[str]) -> tuple[Change, ...]:
    """Return the recorded inputs as scheduled changes: each value is held until the next.

    Raises
    ------
    DataError
        If an input is missing for too long, or leaves the bounds that its plant declares.
    """
    found = []
    for tag in drives:
        path = plant.tags[tag].reads
        column = record.values[tag]
        there = np.flatnonzero(np.isfinite(column))
        _check_held(record, tag, there)
        low, high = plant.quantity(path).bounds
        worst = next((float(v) for v in column[there] if not low <= v <= high), None)
        if worst is not None:
            raise DataError(f"{record.name}: {tag}: {worst:g} is outside [{low:g}, {high:g}] of {path}; check its unit")
        changed = there[np.r_[True, np.diff(column[there]) != 0.0]]
        found += [Change(float(record.times[k]), path, float(column[k])) for k in changed]
    return tuple(sorted(found, key=lambda change: change.at))


def _check_held(record: Record, tag: str, there: np.ndarray) -> None:
    if not there.size or there[0] > 0:
        raise DataError(
            f"{record.name}: {tag}: drives the plant and has no usable first reading; begin later with --from"
        )
    waits = np.diff(np.append(record.times[there], record.times[-1]))
    if waits.max() > LONGEST_HOLD * record.period:
        at = record.times[there[int(np.argmax(waits))]]
        raise DataError(
            f"{record.name}: {tag}: drives the plant and is missing for {waits.max():.4g} s from {at:.6g} s on; "
            "use the part before or behind it, with --until or --from"
        )
