"""Stiff runs at the same achieved error: Rodas4 against SciPy's and numbalsoda's LSODA, free and with events."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.measures.agreement import moved, observed, relative, started
from benchmarks.peers.figures import Report
from benchmarks.peers.lsoda import Numbalsoda, Problem, by_odeint, by_solve_ivp, problem, scipy_bound
from benchmarks.peers.members import settled
from benchmarks.peers.straight import straight
from twin.ensemble import Ensemble
from twin.plant import Change, Plant, Solver

ERROR = 1e-5
"""Achieved error at which speeds are compared."""

_FREE = np.array([0.25, 1.0, 4.0, 9.0, 12.0, 30.0, 120.0, 600.0, 3600.0, 14_400.0])
_EVENTS, _EVERY = 100, 1.0
_TOLERANCES = tuple(10.0**-k for k in np.arange(2.0, 9.5, 0.5))
_REPEATS, _ENOUGH = 7, 2
_LOWER = 0.99
"""The speed asked for falls to this share and comes back, an event a second."""


class Point(NamedTuple):
    """What a tolerance costs and brings: error achieved, simulated seconds per CPU second."""

    rtol: float
    error: float
    speed: float


Solve = Callable[[], np.ndarray]
"""Return the states at the checkpoints; only this is timed."""

Run = Callable[[float, np.ndarray], Solve]
"""From a tolerance and the checkpoints, make ready to solve."""


def measure(plant: Plant, report: Report) -> None:
    """Report free runs and runs with an event a second of one member of `plant`."""
    free(plant, report)
    events(plant, report)


def scan(name: str, run: Run, times: np.ndarray, reference: np.ndarray, given: Problem) -> list[Point]:
    """Return what every tolerance costs and brings, until the error is well below `ERROR`.

    Errors are taken at all of `times`; speed in a run straight to the last of them.
    """
    points: list[Point] = []
    simulated = float(times[-1] - given.start)
    for rtol in _TOLERANCES:
        try:
            error = relative(run(rtol, times)(), reference, given.nominal)
            took = min(_once(run(rtol, times[-1:])) for _ in range(_REPEATS))
        except RuntimeError as err:
            print(f"    {name:22s} rtol {rtol:.1e}: {err}")
            continue
        points.append(Point(rtol, error, simulated / took))
        print(
            f"    {name:22s} rtol {rtol:.1e}  error {error:.1e}  {points[-1].speed:12.0f} simulated s per CPU s",
            flush=True,
        )
        if sum(p.error < ERROR for p in points) >= _ENOUGH:
            break
    return points


def _once(solve: Solve) -> float:
    began = time.process_time()
    solve()
    return time.process_time() - began


def speed_at(points: list[Point]) -> float | None:
    """Return the greatest speed at an error of `ERROR` or less, interpolated between neighbouring tolerances."""
    best = max((p.speed for p in points if p.error <= ERROR), default=None)
    for a, b in pairwise(points):
        if (a.error - ERROR) * (b.error - ERROR) < 0.0:
            share = math.log(ERROR / a.error) / math.log(b.error / a.error)
            speed = a.speed ** (1.0 - share) * b.speed**share
            best = max(best or 0.0, speed)
    return best


def _compared(plant: Plant, report: Report, keys: dict[str, tuple[str, ...]], speeds: dict[str, float | None]) -> None:
    """Report our speed over the fastest of the peers that each key names."""
    ours = speeds["rodas4"]
    for key, names in keys.items():
        peers = {n: s for n in names if (s := speeds.get(n)) is not None}
        if not peers or ours is None:
            reached = "no tolerance reaches the error" if names[0] in speeds else "peer missing"
            report.add(key, plant.name, None, f"{', '.join(names)}: {reached}")
            continue
        fastest = max(peers, key=peers.__getitem__)
        note = f"rodas4 {ours:.3g}, {fastest} {peers[fastest]:.3g} simulated s per CPU s at error {ERROR:g}"
        report.add(key, plant.name, ours / peers[fastest], note)


def free(plant: Plant, report: Report) -> None:
    """Compare four hours from the start of the motors, undisturbed."""
    print(f"{plant.name}: 4 h from the start, undisturbed, one member", flush=True)
    start = started(plant)
    given = problem(straight(plant), start)
    times = start.time + _FREE
    rates = scipy_bound(given)
    runs: dict[str, Run] = {
        "rodas4": lambda rtol, ends: _ours(start, plant, ends, rtol),
        "scipy odeint": lambda rtol, ends: lambda: by_odeint(given, ends, rtol, rates),
        "scipy solve_ivp LSODA": lambda rtol, ends: lambda: by_solve_ivp(given, ends, rtol, rates, "LSODA"),
    }
    if (peer := _numbalsoda(given, report)) is not None:
        runs["numbalsoda"] = lambda rtol, ends: lambda: peer.free(ends, rtol)
    reference = by_solve_ivp(given, times, 1e-10, rates, "Radau")
    speeds = {name: speed_at(scan(name, run, times, reference, given)) for name, run in runs.items()}
    keys = {
        "stiff_vs_scipy_lsoda": ("scipy odeint", "scipy solve_ivp LSODA"),
        "stiff_vs_numbalsoda": ("numbalsoda",),
    }
    _compared(plant, report, keys, speeds)


def _ours(start: Ensemble, plant: Plant, times: np.ndarray, rtol: float) -> Solve:
    ensemble = moved(start, plant, Solver("rodas4", 1e-3, rtol))
    return lambda: observed(ensemble, times)


def events(plant: Plant, report: Report) -> None:
    """Compare a hundred seconds in which the first drive's set point toggles every second."""
    print(f"{plant.name}: {_EVENTS} s, the speed asked for toggles every second, one member", flush=True)
    drive = next(a for a, cls in plant.assets.items() if cls.__name__ == "VariableSpeedDrive")
    path = f"{drive}.speed_set"
    start = settled(plant)
    given = problem(straight(plant), start)
    times = start.time + _EVERY * np.arange(_EVENTS + 1)
    levels = plant.value(path) * np.array([_LOWER, 1.0])
    row, rates = given.equations.held.index(path), scipy_bound(given)
    toggled = replace(
        plant, schedule=tuple(Change(float(t), path, float(levels[k % 2])) for k, t in enumerate(times[:-1]))
    )
    check = np.array([_EVENTS // 4 - 1, _EVENTS // 2 - 1, _EVENTS - 1])

    def at(ends: np.ndarray) -> np.ndarray:
        return check[-len(ends) :]

    runs: dict[str, Run] = {
        "rodas4": lambda rtol, ends: _ours(start, toggled, ends, rtol),
        "scipy odeint": lambda rtol, ends: lambda: _restarted(given, row, levels, times, rtol, rates)[at(ends)],
    }
    if (peer := _numbalsoda(given, report)) is not None:
        runs["numbalsoda"] = lambda rtol, ends: lambda: peer.restarted(row, levels, times, rtol)[at(ends)]
    reference = _restarted(given, row, levels, times, 1e-11, rates, "Radau")[check]
    speeds = {name: speed_at(scan(name, run, times[1:][check], reference, given)) for name, run in runs.items()}
    _compared(
        plant,
        report,
        {"stiff_events_vs_scipy_odeint": ("scipy odeint",), "stiff_events_vs_numbalsoda": ("numbalsoda",)},
        speeds,
    )


def _restarted(
    given: Problem,
    row: int,
    levels: np.ndarray,
    times: np.ndarray,
    rtol: float,
    rates: Callable[..., np.ndarray],
    method: str = "",
) -> np.ndarray:
    """Return the states after every interval, SciPy restarted at each."""
    rows, y, p = [], given.y, given.p.copy()
    for k, (begin, end) in enumerate(pairwise(times.tolist())):
        p[row] = levels[k % len(levels)]
        part = given._replace(start=float(begin), y=y, p=p)
        grid = np.array([end])
        x = by_solve_ivp(part, grid, rtol, rates, method) if method else by_odeint(part, grid, rtol, rates)
        y = x[0] / given.nominal
        rows.append(x[0])
    return np.array(rows)


def _numbalsoda(given: Problem, report: Report) -> Numbalsoda | None:
    try:
        return Numbalsoda(given)
    except (ImportError, OSError) as err:
        report.missing["numbalsoda"] = str(err)
        print(f"  MISSING PEER numbalsoda: {err}", flush=True)
        return None
