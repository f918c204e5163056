"""How long a fit takes beside SciPy's `least_squares` over `solve_ivp`, and beside ProgPy's `estimate_params`.

``python -m benchmarks.fit``. SciPy's right-hand side is compiled; it fits the same records of two shipped plants whose
input jumps in every row, as recorded inputs do, from the same start, with the same free parameters and bounds, in the
quickest of several ways that ends with the same error. ProgPy fits its own pump to data of its own equations, at its
usual step, the interval of the data. Ours is the whole fit from one start: what can't be told, noise, intervals.
Loading the compiled plant is apart. Times are of CPU, all threads, in turns; wall time of ours stands beside.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measures.trials import Trial, noise, study, truths
from benchmarks.peers import progpy_fit
from benchmarks.peers.scipy_fit import WAYS, ScipyFit
from benchmarks.report import REPOSITORY, report
from twin.calibrate.fitting import Ways, fit
from twin.calibrate.record import Record
from twin.calibrate.study import Study
from twin.calibrate.wanted import Free, Wanted, Window
from twin.plant import Plant, Tag

ROUNDS, SEED = 3, 5
SAME = 1.001
"""Errors whose ratio is below this are the same: they agree to a thousandth of the noise."""
TRIALS = (
    Trial(
        "cascaded_tanks", 4.0, 500, {"pump.command": (0.8, 2.8, 1)}, ("lower.level",),
        {"pump.gain": 0.15, "pump.dead": 0.15, "upper.outlet_area": 0.1, "lower.outlet_area": 0.1}, (),
    ),
    Trial(
        "emps_axis", 0.001, 1000, {"axis.command": (-3.0, 3.0, 1)}, ("axis.q",),
        {"axis.M": 0.1, "axis.Fv": 0.2, "axis.Fc_plus": 0.2, "axis.Fc_minus": 0.2}, (),
    ),
)  # fmt: skip
STEPS = {"cascaded_tanks": 1.0}
"""Step [s] where it isn't the plant's: like SciPy's tolerances, the longest that ends with the same error.

The plant's own is for tanks that run over, which those of this record don't; the record is made with that one.
"""
CHANGED = np.array([-0.1, 0.15, 0.02, 0.03, 0.01])
"""By which share the pump's numbers differ from ProgPy's defaults."""
SPREADS = {"pump.rThrust": 2e-7, "pump.rRadial": 2e-7, "pump.Tt": 5.0, "pump.Tr": 5.0, "pump.To": 5.0}
STEP = 0.25
"""Runge-Kutta's step for the pump [s]: half of it changes its mean square by less than a millionth."""
TARGETS = {
    "vs_scipy": (">=", 50.0), "vs_progpy": (">=", 100.0), "scipy_same_error": ("is", True),
    "progpy_same_error": ("is", True),
}  # fmt: skip


class Timed(NamedTuple):
    """What was done, and how long that took: CPU time of all threads, and wall time [s]."""

    result: Any
    cpu: float
    wall: float


def timed(work: Callable[[], Any]) -> Timed:
    """Return what `work` returns, and how long it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return Timed(result, time.process_time() - cpu, time.perf_counter() - wall)


def ours(of: Study) -> np.ndarray:
    """Return what our fit finds for all unknowns of a study, SI."""
    done = fit(of, Ways(starts=1, blocks=0))
    found = dict(zip(done.study.names, done.found, strict=True))
    return np.array([found.get(name, own) for name, own in zip(of.names, of.start(), strict=True)])


def simulated(trial: Trial) -> Study:
    """Return a study of a record of the plant with other numbers than its own, and noise."""
    rng = np.random.default_rng([SEED, *trial.plant.encode()])
    of = study(trial, rng)
    clean = of(truths(of, 1, rng))[0]
    data = clean + noise(of, of(of.start()[None])[0]) * rng.standard_normal(clean.shape)
    record = of.records[0]
    shown = dict(zip(trial.score, data.reshape(len(trial.score), -1), strict=True))
    step = STEPS.get(trial.plant, of.plant.solver.step)
    plant = replace(of.plant, solver=of.plant.solver._replace(step=step))
    return Study(plant, [record._replace(values={**record.values, **shown})], of.wanted)


def beside_scipy(trial: Trial) -> dict[str, Any]:
    """Return times and errors of both, SciPy's in the quickest way that ends with an error no larger than ours."""
    prepared = timed(lambda: simulated(trial))
    of: Study = prepared.result
    peer = ScipyFit(of)
    error = _rms(of, ours(of))
    for way in WAYS:
        peer.run(of.start(), way)
    tries = {way: timed(lambda way=way: peer.fit(way)) for way in WAYS}
    good = {way: each.cpu for way, each in tries.items() if _rms(of, each.result) <= SAME * error}
    way = min(good or {way: each.cpu for way, each in tries.items()}, key=lambda way: tries[way].cpu)
    rounds = [(timed(lambda: ours(of)), timed(lambda: peer.fit(way))) for _ in range(ROUNDS)]
    return {
        "ratio": median(b.cpu / a.cpu for a, b in rounds), "ours_s": median(a.cpu for a, _ in rounds),
        "ours_wall_s": median(a.wall for a, _ in rounds), "scipy_s": median(b.cpu for _, b in rounds),
        "way": [*way], "prepare_s": prepared.cpu, "error": error, "scipy_error": _rms(of, tries[way].result),
        "tried_s": {f"{w.method} {w.rtol:g} {'anew' if w.anew else 'through'}": t.cpu for w, t in tries.items()},
    }  # fmt: skip


def beside_progpy() -> dict[str, Any]:
    """Return times of both, and the mean square, as ProgPy takes it, that each leaves."""
    given = progpy_fit.data(CHANGED, np.random.default_rng(SEED))
    of = _pump(given)
    found = ours(of)
    rounds = [(timed(lambda: ours(of)), timed(lambda: progpy_fit.fitted(given))) for _ in range(ROUNDS)]
    missed = (of(found[None])[0] - of.data).reshape(len(progpy_fit.OUTPUTS), -1)
    return {
        "ratio": median(b.cpu / a.cpu for a, b in rounds), "ours_s": median(a.cpu for a, _ in rounds),
        "ours_wall_s": median(a.wall for a, _ in rounds), "progpy_s": median(b.cpu for _, b in rounds),
        "error": float((missed**2).sum(axis=0).mean()), "progpy_error": rounds[0][1].result[1],
    }  # fmt: skip


def _pump(given: progpy_fit.Data) -> Study:
    folder = REPOSITORY / "benchmarks"
    plant = Plant.load(folder / "plants" / "progpy_pump.yaml", folder / "equipment")
    tags = {**plant.tags, "V": Tag("V", "pump.V", "1", 1.0)}
    plant = replace(plant, tags=tags, solver=plant.solver._replace(step=STEP))
    values = {"V": given.voltage, **dict(zip(progpy_fit.OUTPUTS, given.outputs.T, strict=True))}
    record = Record("ProgPy's pump", "0" * 64, 0, np.arange(float(progpy_fit.ROWS)), values)
    free = tuple(Free(path, spread) for path, spread in SPREADS.items())
    return Study(plant, [record], Wanted(progpy_fit.OUTPUTS, Window(rows=1), free, ()))


def _rms(of: Study, found: np.ndarray) -> float:
    return float(np.sqrt(np.mean((of(found[None])[0] - of.data) ** 2)))


def main() -> None:
    """Measure, and print the figures."""
    warnings.filterwarnings("ignore", module="progpy")
    scipy = {trial.plant: beside_scipy(trial) for trial in TRIALS}
    progpy = beside_progpy()
    figures = {
        "vs_scipy": round(min(each["ratio"] for each in scipy.values()), 1),
        "scipy_same_error": all(each["error"] <= SAME * each["scipy_error"] for each in scipy.values()),
        "vs_progpy": round(progpy["ratio"], 1), "progpy_same_error": progpy["error"] <= SAME * progpy["progpy_error"],
        "scipy": scipy, "progpy": progpy,
    }  # fmt: skip
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
