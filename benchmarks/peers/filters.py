"""The same plant for the filters of filterpy and ProgPy: one compiled function, or a ProgPy model."""

import ast
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from filterpy.kalman import EnsembleKalmanFilter, MerweScaledSigmaPoints, UnscentedKalmanFilter
from numba import njit

from benchmarks.peers.straight import Straight, python_source, straight
from twin.declare import State
from twin.formula import Line
from twin.plant import Plant


class Joint(NamedTuple):
    """A plant's states and unknown numbers as one vector that a peer's filter estimates.

    Attributes
    ----------
    equations : Straight
        Unknown numbers are states that stand still.
    every, step : float
        Time between readings, and the solver's step [s].
    mean, variance, wander : (n,)
        First belief, and the variance gained from one reading to the next, SI.
    seen : (m,)
        Which states are read.
    noise : (m,)
        Variance of each reading.
    """

    equations: Straight
    every: float
    step: float
    mean: np.ndarray
    variance: np.ndarray
    wander: np.ndarray
    seen: np.ndarray
    noise: np.ndarray

    @property
    def steps(self) -> int:
        """How many steps a solver takes from one reading to the next."""
        return round(self.every / self.step)


def joint(plant: Plant) -> Joint:
    """Return the estimation of a plant whose unknowns all have one place, and whose tags read states."""
    estimation = plant.estimation
    if estimation is None:
        raise ValueError(plant.name)
    bare = straight(plant)
    still = tuple(u.paths[0] for u in estimation.unknowns if not isinstance(plant.quantity(u.paths[0]), State))
    equations = bare._replace(
        states=(*bare.states, *still),
        held=tuple(p for p in bare.held if p not in still),
        lines=(*bare.lines, *(Line(f"still_{i}", ast.Constant(0.0)) for i in range(len(still)))),
        rates=(*bare.rates, *(f"still_{i}" for i in range(len(still)))),
    )
    sizes = {
        u.paths[0]: (u.spread, u.wander, plant.value(u.paths[0]) if u.relative else 1.0) for u in estimation.unknowns
    }
    scaled = np.array([[sizes[p][0] * sizes[p][2], sizes[p][1] * sizes[p][2]] for p in equations.states])
    return Joint(
        equations, estimation.every, plant.solver.step, np.array([plant.value(p) for p in equations.states]),
        scaled[:, 0] ** 2, scaled[:, 1] ** 2 * estimation.every / 3600.0,
        np.array([equations.states.index(t.reads) for t in plant.tags.values()]),
        np.array([t.noise**2 for t in plant.tags.values()]),
    )  # fmt: skip


def compiled(given: Joint) -> Callable[..., np.ndarray]:
    """Return ``forward(x, dt)``: the state at the next reading by classical Runge-Kutta steps, all compiled."""
    scope: dict[str, Any] = {**vars(math)}
    exec(compile(python_source(given.equations), f"<{given.equations.plant.name}>", "exec"), scope)  # the text is ours
    rates, p = njit(scope["rates"], error_model="numpy"), np.array(given.equations.constants())
    n, steps, h = len(given.mean), given.steps, given.step

    @njit(error_model="numpy")
    def forward(x: np.ndarray, dt: float) -> np.ndarray:
        y, work = x.copy(), np.empty(n)
        a, b, c, d = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
        for _ in range(steps):
            rates(0.0, y, p, a)
            for i in range(n):
                work[i] = y[i] + 0.5 * h * a[i]
            rates(0.0, work, p, b)
            for i in range(n):
                work[i] = y[i] + 0.5 * h * b[i]
            rates(0.0, work, p, c)
            for i in range(n):
                work[i] = y[i] + h * c[i]
            rates(0.0, work, p, d)
            for i in range(n):
                y[i] += h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i])
        return y

    forward(given.mean, given.every)
    result: Callable[..., np.ndarray] = forward
    return result


def unscented(given: Joint, forward: Callable[..., np.ndarray]) -> UnscentedKalmanFilter:
    """Return filterpy's unscented filter; points as ProgPy chooses them."""
    seen, n = given.seen, len(given.mean)
    points = MerweScaledSigmaPoints(n, alpha=1.0, beta=0.0, kappa=-1.0)
    made = UnscentedKalmanFilter(n, len(seen), given.every, lambda x: x[seen], forward, points)
    made.x, made.P = given.mean.copy(), np.diag(given.variance)
    made.Q, made.R = np.diag(given.wander), np.diag(given.noise)
    return made


def ensemble(given: Joint, forward: Callable[..., np.ndarray], members: int) -> EnsembleKalmanFilter:
    """Return filterpy's ensemble filter."""
    seen = given.seen
    made = EnsembleKalmanFilter(
        given.mean.copy(), np.diag(given.variance), len(seen), given.every, members, lambda x: x[seen], forward
    )
    made.Q, made.R = np.diag(given.wander), np.diag(given.noise)
    return made


class ProgPyFilter:
    """ProgPy's own unscented filter over a ProgPy model of the same equations.

    Parameters
    ----------
    forward : callable, optional
        A compiled function to use instead of the model's own equations: the fastest that ProgPy can be driven.
    """

    def __init__(self, given: Joint, forward: Callable[..., np.ndarray] | None = None) -> None:
        from progpy.state_estimators import UnscentedKalmanFilter as Filter
        from progpy.uncertain_data import MultivariateNormalDist

        self.given, self.time = given, 0.0
        self.model = _model(given, forward)
        names = list(self.model.states)
        start = MultivariateNormalDist(names, given.mean.copy(), np.diag(given.variance))
        self.filter = Filter(self.model, start, Q=np.diag(given.wander), R=np.diag(given.noise), t0=0.0)
        self._input = self.model.InputContainer({})

    def update(self, reading: np.ndarray) -> None:
        """Take in the readings of the next instant."""
        self.time += self.given.every
        self.filter.estimate(
            self.time, self._input, self.model.OutputContainer(dict(zip(self.model.outputs, reading, strict=True)))
        )

    @property
    def mean(self) -> np.ndarray:
        """What is believed, in the order of the joint vector."""
        return np.asarray(self.filter.filter.x, float)


def _model(given: Joint, forward: Callable[..., np.ndarray] | None) -> Any:
    """Return the model as ProgPy's own are written, with outputs, and with as many steps as the others take."""
    from progpy.utils.next_state import rk4_next_state

    from benchmarks.peers.progpy_peer import usual_model

    written = type(usual_model(given.equations))
    seen = [given.equations.states[i] for i in given.seen]
    steps, names = given.steps, given.equations.states

    def output(self: Any, x: Any) -> Any:
        return self.OutputContainer({f"reading of {p}": x[p] for p in seen})

    def next_state(self: Any, x: Any, u: Any, dt: float) -> Any:
        if forward is not None:
            return self.StateContainer(forward(np.array([x[p] for p in names], float), dt)[:, None])
        for _ in range(steps):
            x = rk4_next_state(self, x, u, dt / steps)
        return x

    body = {"outputs": [f"reading of {p}" for p in seen], "output": output, "next_state": next_state}
    return type("Joint", (written,), body)(process_noise=0, measurement_noise=0)
