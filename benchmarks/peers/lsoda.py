"""The same equations for SciPy and numbalsoda, compiled by Numba; states in units of their nominal values."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import carray, cfunc, njit, types
from scipy.integrate import odeint, solve_ivp

from benchmarks.peers.straight import Straight, python_source
from twin.ensemble import Ensemble


class Problem(NamedTuple):
    """An initial value problem: ``rates(t, y, p, d)`` is compiled; y and d are scaled by `nominal`.

    Scaling lets one absolute tolerance serve every state, as numbalsoda asks for.
    """

    equations: Straight
    rates: Callable[..., None]
    nominal: np.ndarray
    start: float
    y: np.ndarray
    p: np.ndarray


def problem(equations: Straight, ensemble: Ensemble) -> Problem:
    """Return the problem that starts where the first member of `ensemble` stands."""
    nominal = np.array([equations.plant.nominal(p) for p in equations.states])
    source = python_source(equations).replace("def rates(", "def plain(")
    scope: dict[str, Any] = {**vars(math)}
    exec(compile(_scaled(source, nominal), f"<{equations.plant.name}>", "exec"), scope)  # the text is ours
    rates = njit(scope["plain"], error_model="numpy")
    y = np.array([float(ensemble.get(p)[0]) for p in equations.states]) / nominal
    p = np.array([float(ensemble.get(p)[0]) for p in equations.held])
    return Problem(equations, rates, nominal, ensemble.time, y, p)


def _scaled(source: str, nominal: np.ndarray) -> str:
    for i, size in enumerate(nominal.tolist()):
        source = source.replace(f" = x[{i}]\n", f" = x[{i}] * {size!r}\n")
        source = source.replace(f"    d[{i}] = ", f"    d[{i}] = {1.0 / size!r} * ")
    return source


def scipy_bound(given: Problem) -> Callable[[float, np.ndarray, np.ndarray], np.ndarray]:
    """Return ``f(t, y, p)`` for SciPy, compiled."""
    rates = given.rates

    @njit(error_model="numpy")
    def bound(t: float, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        d = np.empty_like(y)
        rates(t, y, p, d)
        return d

    bound(given.start, given.y, given.p)
    result: Callable[[float, np.ndarray, np.ndarray], np.ndarray] = bound
    return result


def by_odeint(given: Problem, times: np.ndarray, rtol: float, rates: Callable[..., np.ndarray]) -> np.ndarray:
    """Return the states at `times` by SciPy's odeint: LSODA with its loop in compiled code."""
    grid = np.array([given.start, *times])
    y = odeint(rates, given.y, grid, args=(given.p,), tfirst=True, rtol=rtol, atol=rtol * 1e-3, mxstep=10**7)
    result: np.ndarray = y[1:] * given.nominal
    return result


def by_solve_ivp(
    given: Problem, times: np.ndarray, rtol: float, rates: Callable[..., np.ndarray], method: str
) -> np.ndarray:
    """Return the states at `times` by SciPy's solve_ivp."""
    done = solve_ivp(
        rates, (given.start, times[-1]), given.y, method, times, args=(given.p,), rtol=rtol, atol=rtol * 1e-3
    )
    if not done.success:
        raise RuntimeError(done.message)
    result: np.ndarray = done.y.T * given.nominal
    return result


class Numbalsoda:
    """The problem as a C callback, and a compiled loop that restarts it at every change of one constant."""

    def __init__(self, given: Problem) -> None:
        from numbalsoda import lsoda, lsoda_sig

        rates, nx, nq = given.rates, len(given.y), len(given.p)

        @cfunc(lsoda_sig, error_model="numpy")
        def callback(t: float, y: Any, d: Any, p: Any) -> None:
            rates(t, carray(y, nx, types.float64), carray(p, nq, types.float64), carray(d, nx, types.float64))

        @njit
        def restarted(address, y, p, row, levels, times, rtol):  # type: ignore[no-untyped-def]
            out = np.empty((times.size - 1, y.size))
            for k in range(times.size - 1):
                p[row] = levels[k % levels.size]
                solution, good = lsoda(address, y, times[k : k + 2], p, rtol, rtol * 1e-3, 10**7)
                if not good:
                    return out[:k]
                y = solution[1].copy()
                out[k] = y
            return out

        self.given, self._callback, self._lsoda, self._restarted = given, callback, lsoda, restarted

    def free(self, times: np.ndarray, rtol: float) -> np.ndarray:
        """Return the states at `times`, undisturbed."""
        given = self.given
        grid = np.array([given.start, *times])
        y, good = self._lsoda(self._callback.address, given.y, grid, given.p, rtol, rtol * 1e-3, 10**7)
        if not good:
            raise RuntimeError(f"numbalsoda gave up at rtol {rtol:g}")
        result: np.ndarray = y[1:] * given.nominal
        return result

    def restarted(self, row: int, levels: np.ndarray, times: np.ndarray, rtol: float) -> np.ndarray:
        """Return the states at ``times[1:]``; at every other of `times` constant `row` takes the next of `levels`."""
        given = self.given
        y = self._restarted(self._callback.address, given.y.copy(), given.p.copy(), row, levels, times, rtol)
        if len(y) < len(times) - 1:
            raise RuntimeError(f"numbalsoda gave up at rtol {rtol:g}")
        result: np.ndarray = y * given.nominal
        return result
