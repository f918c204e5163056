"""The same fit by SciPy: `least_squares` over `solve_ivp` with a compiled right-hand side."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from benchmarks.peers.lsoda import problem, scipy_bound
from benchmarks.peers.straight import straight
from twin.calibrate.study import Study
from twin.ensemble import Ensemble

STEP = 1e-3
"""Forward difference, relative: far above what the solver's tolerance leaves to chance."""
ENOUGH = 1e-6
"""Relative gain that ends the search, as ours."""


class Way(NamedTuple):
    """A method, its tolerance, and whether it starts anew wherever an input changes, or looks the input up."""

    method: str
    rtol: float
    anew: bool


WAYS = (Way("LSODA", 1e-4, True), Way("RK45", 1e-3, True), Way("RK45", 1e-3, False))
"""Those whose single runs were quickest for an error far below the noise; RK23 ends elsewhere."""


class ScipyFit:
    """A study of one record whose compared tags read states."""

    def __init__(self, study: Study) -> None:
        plant, times = study.runs[0].plant, study.records[0].times
        equations = straight(plant)
        self.study, self.given = study, problem(equations, Ensemble(plant, 1))
        self.rates = scipy_bound(self.given)
        self.looked_up = _looked_up(self.rates)
        self._free = [equations.held.index(path) for path in study.paths]
        self._read = [equations.states.index(plant.tags[tag].reads) for tag in study.wanted.score]
        self._begins = np.unique([times[0], *(change.at for change in plant.schedule if change.at < times[-1])])
        self._held = np.tile(self.given.p, (len(self._begins), 1))
        for change in plant.schedule:
            self._held[self._begins >= change.at, equations.held.index(change.path)] = change.value

    def run(self, values: np.ndarray, way: Way) -> np.ndarray:
        """Return what the compared tags read, shape (tags x rows,)."""
        held = self._held.copy()
        held[:, self._free] = values
        states = self._anew(held, way) if way.anew else self._through(held, way)
        return np.asarray((states[self._read] * self.given.nominal[self._read][:, None]).ravel())

    def _anew(self, held: np.ndarray, way: Way) -> np.ndarray:
        times = self.study.records[0].times
        edges = np.append(np.searchsorted(times, self._begins), len(times) - 1)
        y, parts = self.given.y, []
        for first, last, now in zip(edges[:-1], edges[1:], held, strict=True):
            done = solve_ivp(
                self.rates, (times[first], times[last]), y, way.method, times[first : last + 1], args=(now,),
                rtol=way.rtol, atol=way.rtol * 1e-3,
            )  # fmt: skip
            y = done.y[:, -1]
            parts.append(done.y[:, :-1])
        return np.concatenate([*parts, y[:, None]], axis=1)

    def _through(self, held: np.ndarray, way: Way) -> np.ndarray:
        times = self.study.records[0].times
        done = solve_ivp(
            self.looked_up, (times[0], times[-1]), self.given.y, way.method, times, args=(self._begins, held),
            rtol=way.rtol, atol=way.rtol * 1e-3, max_step=float(np.diff(self._begins).min()),
        )  # fmt: skip
        return np.asarray(done.y)

    def fit(self, way: Way) -> np.ndarray:
        """Return what is found from where ours starts, with the same bounds, scales and weights, SI."""
        study = self.study
        weight = study.weight(study.spread_of_data())
        done = least_squares(
            lambda values: weight * (self.run(values, way) - study.data), study.start(),
            bounds=(study.box.low, study.box.high), x_scale=study.box.spread, diff_step=STEP, ftol=ENOUGH,
        )  # fmt: skip
        return np.asarray(done.x)


def _looked_up(rates: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Return ``f(t, y, begins, held)`` that takes the row of `held` in force at t, compiled."""

    @njit(error_model="numpy")
    def looked_up(t: float, y: np.ndarray, begins: np.ndarray, held: np.ndarray) -> np.ndarray:
        return np.asarray(rates(t, y, held[np.searchsorted(begins, t, side="right") - 1]))

    found: Callable[..., np.ndarray] = looked_up
    return found
