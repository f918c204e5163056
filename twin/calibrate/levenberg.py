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
LIKELY = 0
"""The trial about which the same call takes the next differences: the longest step, which is right in the end."""
NEARLY = 0.9
"""That trial is taken where it gains this share of what the best would: the next iteration is there already."""
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


class Known(NamedTuple):
    """What a model predicts at some points, (problems, rows), and its slopes there, (problems, rows, parameters)."""

    predicted: np.ndarray
    slopes: np.ndarray

    def of(self, which: np.ndarray) -> "Known":
        """Return that of some problems."""
        return Known(self.predicted[which], self.slopes[which])


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
    known : Known
        The model there, for problems that go on from here.
    converged : (problems,)
    iterations : int
    """

    found: np.ndarray
    cost: np.ndarray
    jacobian: np.ndarray
    residual: np.ndarray
    known: Known
    converged: np.ndarray
    iterations: int


def solve(
    model: Model, box: Box, problems: Problems, *, robust: bool = False, iterations: int = MOST_ITERATIONS,
    known: Known | None = None, progress: Callable[[int, np.ndarray], None] = lambda done, cost: None,
) -> Solved:  # fmt: skip
    """Return the solutions of problems; each is found as if it were alone.

    Parameters
    ----------
    robust : bool
        Whether residuals beyond `HUBER` standard deviations count linearly; weights must be right then.
    known : Known, optional
        What the model predicts at the starts, where that was found before.
    progress : callable
        Is told the iteration and the costs after each.
    """
    state = _State(model, box, problems, robust, known)
    done = 0
    for done in range(1, iterations + 1):
        state.improve()
        progress(done, state.cost)
        if not state.active.any():
            break
    state.differentiate()
    jacobian = state.known.slopes * state.weight[:, :, None]
    return Solved(state.at, state.cost, jacobian, state.residual, state.known, state.settled, done)


class _State:
    """All problems between two iterations."""

    def __init__(self, model: Model, box: Box, problems: Problems, robust: bool, known: Known | None) -> None:
        self.model, self.box, self.robust = model, box, robust
        count = len(problems.start)
        self.data = np.broadcast_to(problems.data, (count, problems.data.shape[1]))
        there = np.isfinite(self.data)
        self.weight = np.where(there, np.broadcast_to(problems.weight, self.data.shape), 0.0)
        self.data = np.where(there, self.data, 0.0)
        self.held = np.broadcast_to(problems.held, problems.start.shape)
        self.at = np.clip(problems.start, box.low, box.high)
        self.damping = np.full(count, 1e-2)
        self.quiet = np.zeros(count, int)
        self.settled = np.zeros(count, bool)
        self.moved = np.zeros(count, bool)
        """Whether slopes are those of a point that was left."""
        if known is None:
            everyone = np.arange(count)
            predicted, slopes = self._look(everyone, self.at[:, None])
            known = Known(predicted[:, 0], slopes)
        self.known = Known(known.predicted.copy(), known.slopes.copy())
        self.residual = self._residual(np.arange(count), self.known.predicted)
        self.cost = self._cost(self.residual, self.at)
        self.active = np.isfinite(self.cost)

    def _residual(self, which: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        weight = self.weight[which]
        return np.where(weight > 0.0, weight * (self.data[which] - predicted), 0.0)

    def _cost(self, residual: np.ndarray, at: np.ndarray) -> np.ndarray:
        size = np.abs(residual)
        each = np.where(size <= HUBER, size**2, HUBER * (2.0 * size - HUBER)) if self.robust else size**2
        prior = (((at - self.box.centre) / self.box.prior) ** 2).sum(axis=1)
        cost = 0.5 * (each.sum(axis=1) + prior)
        return np.where(np.isfinite(cost), cost, np.inf)

    def _look(self, which: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what is predicted at points of problems, and slopes at the likely one, all from one call.

        Slopes are forward differences by what isn't held; at a bound a step leads inwards.

        Parameters
        ----------
        which : (n,)
        points : (n, trials, parameters)

        Returns
        -------
        (n, trials, rows), (n, rows, parameters)
        """
        about = points[:, LIKELY]
        step = STEP * self.box.spread
        steps = np.where(about + step <= self.box.high, step, -step)
        problem, parameter = np.nonzero(~self.held[which])
        beside = about[problem]
        size = steps[problem, parameter]
        beside[np.arange(len(problem)), parameter] += size
        count, trials = points.shape[:2]
        found = self.model(np.concatenate([points.reshape(count * trials, -1), beside]))
        predicted = found[: count * trials].reshape(count, trials, -1)
        here = predicted[problem, LIKELY]
        slope = (found[count * trials :] - here) / size[:, None]
        slopes = np.zeros((count, found.shape[1], points.shape[2]))
        slopes[problem, :, parameter] = np.where(np.isfinite(slope), slope, 0.0)
        return predicted, slopes

    def differentiate(self) -> None:
        """Find the slopes of problems that moved elsewhere than was likely."""
        which = np.flatnonzero(self.moved & np.isfinite(self.cost))
        self.moved[which] = False
        if which.size:
            self.known.slopes[which] = self._look(which, self.at[which][:, None])[1]

    def improve(self) -> None:
        """Try several dampings of every active problem at once and keep a good one, where one is better."""
        self.differentiate()
        which = np.flatnonzero(self.active)
        if not which.size:
            return
        damping = self.damping[which][:, None] * TRIALS
        trials = np.stack([self._trials(int(k), damping[i]) for i, k in enumerate(which)])
        predicted, slopes = self._look(which, trials)
        residual = np.stack([self._residual(which, predicted[:, i]) for i in range(len(TRIALS))], axis=1)
        costs = np.stack([self._cost(residual[:, i], trials[:, i]) for i in range(len(TRIALS))], axis=1)
        for i, k in enumerate(which):
            gain = self.cost[k] - costs[i]
            best = LIKELY if gain[LIKELY] > NEARLY * gain.max() else int(np.argmax(gain))
            if self._take(int(k), float(costs[i, best]), damping[i, best], trials[i, best], predicted[i, best]):
                self.known.slopes[k], self.moved[k] = slopes[i], best != LIKELY

    def _take(self, k: int, cost: float, damping: float, at: np.ndarray, predicted: np.ndarray) -> bool:
        gain = self.cost[k] - cost
        taken = bool(gain > 0.0)
        if taken:
            self.quiet[k] = 2 if gain < ENOUGH * self.cost[k] else 0
            self.damping[k] = max(damping, 1e-10)
            self.at[k], self.cost[k], self.known.predicted[k] = at, cost, predicted
            self.residual[k] = self._residual(np.array([k]), predicted[None])[0]
        else:
            self.damping[k] *= 1e4
            self.quiet[k] += 1
        if self.quiet[k] >= 2:
            self.active[k], self.settled[k] = False, True
        return taken

    def _trials(self, k: int, damping: np.ndarray) -> np.ndarray:
        """Return a step for each damping; parameters at a bound that would leave it stand still."""
        box, at, residual = self.box, self.at[k], self.residual[k]
        size = np.maximum(np.abs(residual), 1e-300)
        share = np.where(size <= HUBER, 1.0, HUBER / size) if self.robust else np.ones(1)
        scaled = self.known.slopes[k] * (self.weight[k][:, None] * box.spread)
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
