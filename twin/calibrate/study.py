"""A plant beside the records that it is fitted to: from numbers that are unknown to what the records should show."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np
from numpy.polynomial import Polynomial

from twin import unknowns
from twin.calibrate.freerun import FreeRun, roles
from twin.calibrate.levenberg import Box, Problems
from twin.calibrate.record import Record
from twin.calibrate.wanted import Begin, Free, Wanted, Window
from twin.errors import DataError, PlantError
from twin.plant import Plant

FEWEST = 10
LARGEST = 1e30
"""Readings are below this."""
FIRST = 5
"""Readings whose mean an initial state is first taken to be near."""
RATE_ROWS = 20
"""Rows at most that tell a rate of change at the first."""
CURVED = 6
"""Readings from which on a rate itself may change."""


class Study:
    """Free parameters that records share, and initial states that each has for itself.

    Parameters
    ----------
    plant : Plant
    records : sequence of Record
    wanted : Wanted
        Which tags are compared, and how a run begins.
    free : sequence of Free, optional
        Instead of those that are wanted.
    least : int
        Usable readings that a tag must have; none are looked at where this is 0.

    Attributes
    ----------
    names : tuple of str
        Of the unknowns: parameters, then initial states record by record.
    """

    def __init__(
        self, plant: Plant, records: Sequence[Record], wanted: Wanted, free: Sequence[Free] | None = None,
        *, least: int = FEWEST,
    ) -> None:  # fmt: skip
        self.plant, self.records, self.wanted = plant, tuple(records), wanted
        self.free: tuple[Free, ...] = tuple(wanted.free if free is None else free)
        self.runs = tuple(FreeRun(plant, r, roles(plant, r, wanted.score)) for r in self.records)
        self._name()
        if least:
            self._check_data(least)

    def _check_driven(self) -> None:
        """Refuse to estimate what is recorded, which is overwritten at once, and what nothing is compared with."""
        for path in self.paths:
            tag = unknowns.biased(self.plant, path)
            if tag and tag not in self.wanted.score:
                raise PlantError(f"{path}: can't be estimated: {tag} isn't compared; name it in fit.score")
        for run in self.runs:
            for tag in run.tags.drives:
                if self.plant.tags[tag].reads in self.paths:
                    raise PlantError(
                        f"{self.plant.tags[tag].reads}: can't be estimated: {run.record.name} drives it with {tag}; "
                        "free something else"
                    )

    def _check_data(self, least: int) -> None:
        """Refuse what nothing can be learnt from."""
        for record in self.records:
            for tag in self.wanted.score:
                column = record.values[tag]
                there = np.isfinite(column)
                needed = max(least, 2 * len(self.names))
                if there.sum() < needed:
                    raise DataError(
                        f"{record.name}: {tag}: {there.sum()} usable readings, {len(self.names)} unknowns need "
                        f"{needed}; give a longer part or free fewer"
                    )
                self._check_unit(record, tag, column[there])
                if np.ptp(column[there]) == 0.0:
                    raise DataError(
                        f"{record.name}: {tag}: all its readings are {column[there][0]:g}, so nothing can be learnt "
                        "from it; give a part in which it moves"
                    )

    def freeing(self, free: Sequence[Free]) -> "Study":
        """Return a study of the same plant and records with other parameters free."""
        other = copy(self)
        other.__dict__.pop("box", None)
        other.free = tuple(free)
        other._name()
        return other

    def _name(self) -> None:
        self.paths = tuple(f.path for f in self.free)
        self._check_driven()
        many = len(self.records) > 1
        begins = [f"{b.path} of {r.name}" if many else b.path for r in self.records for b in self.wanted.start]
        self.names = (*self.paths, *begins)

    def _check_unit(self, record: Record, tag: str, read: np.ndarray) -> None:
        """Refuse readings that can't be in the unit that they are said to be in."""
        path = self.plant.tags[tag].reads
        low, high = self.plant.quantity(path).bounds
        middle, largest = float(np.median(read)), float(np.abs(read).max())
        if not low <= middle <= high:
            raise DataError(
                f"{record.name}: {tag}: half of its readings are beyond {middle:g}, outside [{low:g}, {high:g}] of "
                f"{path}; check its unit"
            )
        if largest > LARGEST:
            raise DataError(f"{record.name}: {tag}: a reading of {largest:g}; give the tag a range in the recipe")

    @property
    def shared(self) -> int:
        """Return how many parameters there are before the initial states."""
        return len(self.free)

    def start(self) -> np.ndarray:
        """Return the plant's own numbers for the unknowns, shape (unknowns,)."""
        values = [unknowns.value(self.plant, path) for path in self.paths]
        return np.array([*values, *(near(self.plant, r, b) for r in self.records for b in self.wanted.start)])

    @cached_property
    def box(self) -> Box:
        """Return bounds, spreads and what is known of the unknowns beforehand."""
        everywhere = [*self.paths, *(b.path for _ in self.records for b in self.wanted.start)]
        low, high = np.array([unknowns.bounds(self.plant, path) for path in everywhere]).reshape(-1, 2).T
        begins = np.array([b.spread for _ in self.records for b in self.wanted.start])
        spread = np.array([*(f.spread for f in self.free), *begins])
        return Box(low, high, spread, self.start(), spread)

    @property
    def told(self) -> np.ndarray:
        """Return standard deviations of what is known of the unknowns beside the data: of initial states alone."""
        return np.where(np.arange(len(self.names)) < self.shared, np.inf, self.box.spread)

    def __call__(self, unknowns: np.ndarray) -> np.ndarray:
        """Return what the records should show, shape (members, numbers); all tags and rows of all records in a line."""
        begins, found = len(self.wanted.start), []
        for k, run in enumerate(self.runs):
            mine = [*range(self.shared), *range(self.shared + k * begins, self.shared + (k + 1) * begins)]
            read = run([*self.paths, *(b.path for b in self.wanted.start)], unknowns[:, mine])
            found.append(read.reshape(len(unknowns), -1))
        return np.concatenate(found, axis=1)

    @cached_property
    def data(self) -> np.ndarray:
        """What the records show, in the order of predictions; NaN where there is no usable reading."""
        return np.concatenate([r.values[tag] for r in self.records for tag in self.wanted.score])

    @cached_property
    def tag(self) -> np.ndarray:
        """Which of the compared tags each number is of."""
        tags = range(len(self.wanted.score))
        return np.concatenate([np.full(len(r.times), k) for r in self.records for k in tags])

    @cached_property
    def record(self) -> np.ndarray:
        """Which record each number is of."""
        tags = len(self.wanted.score)
        return np.concatenate([np.full(len(r.times) * tags, k) for k, r in enumerate(self.records)])

    @cached_property
    def row(self) -> np.ndarray:
        """Which row of its record each number is in."""
        return np.concatenate([np.arange(len(r.times)) for r in self.records for _ in self.wanted.score])

    @cached_property
    def time(self) -> np.ndarray:
        """When each number was read, from its record's first row [s]."""
        return np.concatenate([r.times for r in self.records for _ in self.wanted.score])

    def weight(self, sigma: np.ndarray) -> np.ndarray:
        """Return the weight of each number, for the standard deviation of each tag."""
        weights: np.ndarray = 1.0 / np.maximum(sigma, 1e-300)
        return np.asarray(weights[self.tag])

    def problems(self, starts: np.ndarray, weights: np.ndarray, held: np.ndarray | None = None) -> Problems:
        """Return problems over these data, one for each start; weights of shape (problems or 1, numbers)."""
        return Problems(
            self.data[None], np.atleast_2d(weights), starts,
            np.zeros((1, len(self.names)), bool) if held is None else np.atleast_2d(held),
        )  # fmt: skip

    def spread_of_data(self) -> np.ndarray:
        """Return the standard deviation of each compared tag's readings, SI."""
        return np.array([np.nanstd(self.data[self.tag == k]) for k in range(len(self.wanted.score))])


def near(plant: Plant, record: Record, begin: Begin) -> float:
    """Return where an initial state is first looked for, SI.

    Raises
    ------
    DataError
        If the tag that it is like has no usable reading at first, or that whose rate it is too few.
    """
    if begin.rate_of:
        return _rate(record, begin.rate_of)
    if not begin.like:
        return plant.value(begin.path)
    column = record.values.get(begin.like, np.zeros(0))[:FIRST]
    if not np.isfinite(column).any():
        raise DataError(
            f"{record.name}: {begin.like}: no usable reading among the first {FIRST}; begin elsewhere with --from"
        )
    return float(np.nanmean(column))


def _rate(record: Record, tag: str) -> float:
    """Return how fast a tag's readings change at the first row, SI: of a parabola through what comes first."""
    column = record.values.get(tag, np.zeros(0))[:RATE_ROWS]
    there = np.isfinite(column)
    if there.sum() < 2:
        raise DataError(
            f"{record.name}: {tag}: {there.sum()} usable readings among the first {RATE_ROWS} tell no rate; begin "
            "elsewhere with --from"
        )
    through = Polynomial.fit(record.times[: len(column)][there], column[there], 2 if there.sum() >= CURVED else 1)
    return float(through.deriv()(0.0))


def rows_of(window: Window, record: Record) -> int:
    """Return how many rows a window takes.

    Raises
    ------
    DataError
        If it leaves nothing to score.
    """
    rows = window.rows or int(np.searchsorted(record.times, window.seconds, side="left"))
    if rows >= len(record.times) - 1:
        raise DataError(
            f"{record.name}: has {len(record.times)} rows, {rows} of which initialise; shorten --initialise"
        )
    return rows
