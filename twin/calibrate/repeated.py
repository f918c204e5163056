"""Fits of one plant to many data sets of the same rows at once, to see what intervals are worth.

Each fit is made as `fit` makes it: what its data can't tell is held, the best of several starts goes on, noise and its
memory are found with the unknowns, intervals come of the same formulas. Only the members of all fits run beside each
other.
"""

from collections.abc import Callable, Sequence
from copy import copy
from itertools import chain
from typing import NamedTuple

import numpy as np

from twin.calibrate.fitting import BEST, KEPT, SHORT, covariance, intervals, starts_of
from twin.calibrate.levenberg import MOST_ITERATIONS, Problems, Solved, solve
from twin.calibrate.noise import FINE, Noise, first_noise, memories, scatter
from twin.calibrate.study import Study
from twin.calibrate.uncertainty import Held, information, unidentified

AT_ONCE = 256
"""Data sets that are fitted beside each other: more take more memory and gain no time."""
WEIGHINGS = 3
"""Descents, each with the noise that the one before it left."""


class Repeated(NamedTuple):
    """What fits to many data sets found, SI.

    Attributes
    ----------
    found, low, high : (data sets, unknowns)
        Estimates and the bounds of their 95 % intervals; NaN where an unknown was held.
    held : tuple of tuple of Held
        By data set.
    converged : (data sets,)
    """

    found: np.ndarray
    low: np.ndarray
    high: np.ndarray
    held: tuple[tuple[Held, ...], ...]
    converged: np.ndarray


def repeated(
    study: Study, data: np.ndarray, starts: int = 1, progress: Callable[[float], None] = lambda share: None
) -> Repeated:
    """Return the fits of a study to other data than its own.

    Parameters
    ----------
    study : Study
        With plant, inputs, rows and unknowns; initial states are known, or are among what is free.
    data : (data sets, numbers)
        In the order of the study's predictions, SI; NaN where there is no reading.
    starts : int
        From how many points each fit begins: a plant that switches has solutions that are none.
    progress : callable
        Is told which share is done.
    """
    parts = []
    for begin in range(0, len(data), AT_ONCE):
        parts.append(_beside(study, data[begin : begin + AT_ONCE], starts))
        progress(min(begin + AT_ONCE, len(data)) / len(data))
    found, low, high, held, converged = zip(*parts, strict=True)
    return Repeated(
        np.concatenate(found), np.concatenate(low), np.concatenate(high), tuple(chain(*held)), np.concatenate(converged)
    )


def _beside(study: Study, data: np.ndarray, starts: int) -> Repeated:
    """Return fits that all run beside each other."""
    fits = [_Fitting(study, each) for each in data]
    _look(study, fits)
    for each in fits:
        each.suppose(FINE)
    if starts > 1:
        _begin(study, fits, starts)
    left = fits
    while left:
        _descend(study, left)
        left = _look(study, left)
    found, low, high = np.array([each.estimates() for each in fits]).transpose(1, 0, 2)
    return Repeated(found, low, high, tuple(tuple(f.why) for f in fits), np.array([f.converged for f in fits]))


class _Fitting:
    """One fit between two descents."""

    def __init__(self, study: Study, data: np.ndarray) -> None:
        self.study = copy(study)
        self.study.__dict__["data"] = data
        self.at = study.start()
        self.held = np.zeros(len(self.at), bool)
        self.why: list[Held] = []
        self.converged = False
        self.suppose(BEST)

    def suppose(self, share: float) -> None:
        """Take noise to be a share of how far readings move."""
        self.noise = Noise(first_noise(self.study, share), np.ones(len(self.study.wanted.score)))

    @property
    def weight(self) -> np.ndarray:
        """Return weights by which the prior counts beside all rows as it should beside those that count."""
        return self.study.weight(self.noise.sigma * np.sqrt(self.noise.memory.mean()))

    def take(self, solved: Solved, k: int) -> None:
        """Go where a descent led, and see what noise it left."""
        residual = solved.residual[k] / self.weight
        self.at, self.converged = solved.found[k], bool(solved.converged[k])
        self.noise = Noise(scatter(self.study, residual), memories(self.study, residual))

    def hold(self, jacobian: np.ndarray) -> bool:
        """Hold what can't be told here; return whether something was."""
        self.jacobian = jacobian
        free = np.flatnonzero(~self.held)
        counting = jacobian[:, free] / np.sqrt(self.noise.memory)[self.study.tag][:, None]
        names = [self.study.names[k] for k in free]
        told = information(counting, self.study.told[free])
        new = unidentified(told, self.study.box.spread[free], names, len(names))
        which = [self.study.names.index(each.name) for each in new]
        self.held[which] = True
        self.at[which] = self.study.start()[which]
        self.why += new
        return bool(new)

    def estimates(self) -> np.ndarray:
        """Return estimates and bounds of their intervals, shape (3, unknowns)."""
        free = np.flatnonzero(~self.held)
        cov = covariance(self.study, self.jacobian, self.noise)[np.ix_(free, free)]
        reach = intervals(self.study.freeing([self.study.free[k] for k in free]), self.at[free], cov, self.noise)
        found = np.full((3, len(self.at)), np.nan)
        found[:, free] = self.at[free], reach.low, reach.high
        return found


def _begin(study: Study, fits: Sequence[_Fitting], count: int) -> None:
    """Let each fit begin where the best of several starts leads to."""
    around = starts_of(study, count)
    starts = np.array([np.where(each.held, each.at, start) for each in fits for start in around])
    for iterations, kept in ((SHORT, KEPT), (MOST_ITERATIONS, 1)):
        everyone = [each for each in fits for _ in range(count)]
        weights, held = np.array([each.weight for each in everyone]), np.array([each.held for each in everyone])
        problems = _problems(everyone, weights, held)._replace(start=starts)
        begun = solve(study, study.box, problems, iterations=iterations)
        best = np.argsort(begun.cost.reshape(len(fits), count), axis=1)[:, :kept]
        starts = begun.found[(np.arange(len(fits))[:, None] * count + best).ravel()]
        count = kept
    for each, start in zip(fits, starts, strict=True):
        each.at = start


def _descend(study: Study, fits: Sequence[_Fitting]) -> None:
    """Fit what is not held, and find the noise with it."""
    held = np.array([each.held for each in fits])
    for _ in range(WEIGHINGS):
        weights = np.array([each.weight for each in fits])
        solved = solve(study, study.box, _problems(fits, weights, held))
        for k, each in enumerate(fits):
            each.take(solved, k)


def _look(study: Study, fits: Sequence[_Fitting]) -> list[_Fitting]:
    """Differentiate by all unknowns where the fits are; return those of which something more is held."""
    weights = np.array([study.weight(each.noise.sigma) for each in fits])
    look = solve(study, study.box, _problems(fits, weights, np.zeros((1, len(study.names)), bool)), iterations=0)
    return [each for k, each in enumerate(fits) if each.hold(look.jacobian[k])]


def _problems(fits: Sequence[_Fitting], weights: np.ndarray, held: np.ndarray) -> Problems:
    return Problems(np.array([f.study.data for f in fits]), weights, np.array([f.at for f in fits]), held)
