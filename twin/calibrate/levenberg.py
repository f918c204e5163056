"""Bounded least squares for many problems at once: their Jacobians and trial steps are members of one ensemble.

Levenberg and Marquardt's method with active bounds, Huber's weights by iterated reweighting, and Gaussian priors. The
problems share a model and differ in data, weights, starts or in what they hold: multi-start, blocks left out, profile
likelihoods and repeated experiments are all such sets.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

STEP = 3e-3
"""Forward difference, in spreads of a parameter."""
TRIALS = np.array([0.01, 0.1, 1.0, 10.0, 100.0, 1e4])
"""Multiples of the damping that are tried beside each other."""
MOST_ITERATIONS = 60
ENOUGH = 1e-6
"""A relative gain below this ends a problem: near its solution each is the square of the one before."""
HUBER = 1.345
"""Residual, in standard deviations, from which on it counts linearly: 95 % efficient where it is normal."""

Model = Callable[[np.ndarray], np.ndarray]
"""From parameters, shape (members, parameters), to predictions, shape (members, rows); NaN where a run failed."""


class Box(NamedTuple):
    """What is known of the parameters beforehand, each of shape (parameters,).

    `spread` is the size of a change that matters; `prior` the standard deviation about `centre`, infinite where nothing
    is known.
    """

    low: np.ndarray
    high: np.ndarray
    spread: np.ndarray
    centre: np.ndarray
    prior: np.ndarray


class Problems(NamedTuple):
    """Problems that are solved beside each other.

    Attributes
    ----------
    data : (problems or 1, rows)
        NaN where there is nothing to compare with.
    weight : (problems or 1, rows)
        One over the standard deviation of each row; zero leaves it out.
    start : (problems, parameters)
    held : (problems or 1, parameters)
        Which parameters stay at their start.
    """

    data: np.ndarray
    weight: np.ndarray
    start: np.ndarray
    held: np.ndarray


class Solved(NamedTuple):
    """Solutions.

    Attributes
    ----------
    found : (problems, parameters)
    cost : (problems,)
        Half the sum of (robust) squares with the prior's; infinite where no run succeeded.
    jacobian : (problems, rows, parameters)
        Of weighted predictions; zeros where a parameter is held.
    residual : (problems, rows)
        Weighted; zero where nothing is compared.
    converged : (problems,)
    iterations : int
    """

    found: np.ndarray
    cost: np.ndarray
    jacobian: np.ndarray
    residual: np.ndarray
    converged: np.ndarray
    iterations: int


def solve(
    model: Model, box: Box, problems: Problems, *, robust: bool = False, iterations: int = MOST_ITERATIONS,
    progress: Callable[[int, np.ndarray], None] = lambda done, cost: None,
) -> Solved:  # fmt: skip
    """Return the solutions of problems; each is found as if it were alone.

    Parameters
    ----------
    robust : bool
        Whether residuals beyond `HUBER` standard deviations count linearly; weights must be right then.
    progress : callable
        Is told the iteration and the costs after each.
    """
    state = _State(model, box, problems, robust)
    done = 0
    for done in range(1, iterations + 1):
        state.differentiate()
        state.improve()
        progress(done, state.cost)
        if not state.active.any():
            break
    state.active[:] = np.isfinite(state.cost)
    state.differentiate()
    return Solved(state.at, state.cost, state.jacobian, state.residual, state.settled, done)


class _State:
    """All problems between two iterations."""

    def __init__(self, model: Model, box: Box, problems: Problems, robust: bool) -> None:
        self.model, self.box, self.robust = model, box, robust
        count, parameters = problems.start.shape
        self.data = np.broadcast_to(problems.data, (count, problems.data.shape[1]))
        there = np.isfinite(self.data)
        self.weight = np.where(there, np.broadcast_to(problems.weight, self.data.shape), 0.0)
        self.data = np.where(there, self.data, 0.0)
        self.held = np.broadcast_to(problems.held, problems.start.shape)
        self.at = np.clip(problems.start, box.low, box.high)
        self.damping = np.full(count, 1e-2)
        self.quiet = np.zeros(count, int)
        self.settled = np.zeros(count, bool)
        self.predicted = model(self.at)
        self.residual = self._residual(np.arange(count), self.predicted)
        self.cost = self._cost(self.residual, self.at)
        self.active = np.isfinite(self.cost)
        self.jacobian = np.zeros((count, self.data.shape[1], parameters))
        self.moved = np.ones(count, bool)

    def _residual(self, which: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        weight = self.weight[which]
        return np.where(weight > 0.0, weight * (self.data[which] - predicted), 0.0)

    def _cost(self, residual: np.ndarray, at: np.ndarray) -> np.ndarray:
        size = np.abs(residual)
        each = np.where(size <= HUBER, size**2, HUBER * (2.0 * size - HUBER)) if self.robust else size**2
        prior = (((at - self.box.centre) / self.box.prior) ** 2).sum(axis=1)
        cost = 0.5 * (each.sum(axis=1) + prior)
        return np.where(np.isfinite(cost), cost, np.inf)

    def differentiate(self) -> None:
        """Take forward differences of active problems that moved, all in one call; at a bound a step leads inwards."""
        which = np.flatnonzero(self.active & self.moved)
        self.moved[which] = False
        if not which.size:
            return
        free = ~self.held[which]
        step = STEP * self.box.spread
        signs = np.where(self.at[which] + step <= self.box.high, 1.0, -1.0)
        problem, parameter = np.nonzero(free)
        if not problem.size:
            return
        beside = self.at[which][problem]
        beside[np.arange(len(problem)), parameter] += (signs * step)[problem, parameter]
        predicted = self.model(beside)
        slope = (predicted - self.predicted[which][problem]) / (signs * step)[problem, parameter][:, None]
        self.jacobian[which] = 0.0
        rows = self.weight[which][problem] * np.where(np.isfinite(slope), slope, 0.0)
        self.jacobian[which[problem], :, parameter] = rows

    def improve(self) -> None:
        """Try several dampings of every active problem at once and keep the best, where one is better."""
        which = np.flatnonzero(self.active)
        if not which.size:
            return
        damping = self.damping[which][:, None] * TRIALS
        trials = np.stack([self._trials(int(k), damping[i]) for i, k in enumerate(which)])
        predicted = self.model(trials.reshape(-1, trials.shape[2])).reshape(*trials.shape[:2], -1)
        residual = np.stack([self._residual(which, predicted[:, i]) for i in range(len(TRIALS))], axis=1)
        costs = np.stack([self._cost(residual[:, i], trials[:, i]) for i in range(len(TRIALS))], axis=1)
        best = np.argmin(costs, axis=1)
        for i, k in enumerate(which):
            self._take(int(k), costs[i, best[i]], damping[i, best[i]], trials[i, best[i]], predicted[i, best[i]])

    def _take(self, k: int, cost: float, damping: float, at: np.ndarray, predicted: np.ndarray) -> None:
        gain = self.cost[k] - cost
        if not gain > 0.0:
            self.damping[k] *= 1e4
            self.quiet[k] += 1
        else:
            self.quiet[k] = 2 if gain < ENOUGH * self.cost[k] else 0
            self.damping[k] = max(damping, 1e-10)
            self.at[k], self.cost[k], self.predicted[k], self.moved[k] = at, cost, predicted, True
            self.residual[k] = self._residual(np.array([k]), predicted[None])[0]
        if self.quiet[k] >= 2:
            self.active[k], self.settled[k] = False, True

    def _trials(self, k: int, damping: np.ndarray) -> np.ndarray:
        """Return a step for each damping; parameters at a bound that would leave it stand still."""
        box, at, residual = self.box, self.at[k], self.residual[k]
        size = np.maximum(np.abs(residual), 1e-300)
        share = np.where(size <= HUBER, 1.0, HUBER / size) if self.robust else np.ones(1)
        scaled = self.jacobian[k] * box.spread
        normal = scaled.T @ (scaled * share[:, None]) + np.diag((box.spread / box.prior) ** 2)
        slope = scaled.T @ (share * residual) + box.spread * (box.centre - at) / box.prior**2
        free = ~self.held[k] & ~((at <= box.low) & (slope < 0.0)) & ~((at >= box.high) & (slope > 0.0))
        found = np.tile(at, (len(damping), 1))
        if not free.any():
            return found
        inner = normal[np.ix_(free, free)]
        diagonal = np.maximum(np.diag(inner), 1e-12 * max(np.diag(inner).max(), 1e-300))
        for i, each in enumerate(damping):
            step = np.linalg.lstsq(inner + each * np.diag(diagonal), slope[free], rcond=None)[0]
            found[i, free] = np.clip(at[free] + box.spread[free] * step, box.low[free], box.high[free])
        return found
