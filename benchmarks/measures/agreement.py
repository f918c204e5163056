"""How right: against SciPy at a tight tolerance, float32 against float64, and the same bits at any width."""

from dataclasses import replace
from typing import Literal

import numpy as np

from benchmarks.peers.figures import Report
from benchmarks.peers.lsoda import by_solve_ivp, problem, scipy_bound
from benchmarks.peers.members import copied
from benchmarks.peers.straight import straight
from twin.ensemble import Ensemble, Form
from twin.layout import Control
from twin.plant import Plant, Solver

TIGHT = {
    "rk4": Solver("rk4", 1e-4),
    "dp5": Solver("dp5", 1e-4, 1e-10),
    "rodas4": Solver("rodas4", 1e-4, 1e-9),
}
_AFTER = np.array([1.0, 4.0, 10.0, 30.0, 60.0])
_HOURS = 4
_FORMS: tuple[Form, ...] = ("flat", "families")
_WIDTHS: dict[Literal["rk4", "rodas4"], tuple[int, ...]] = {"rk4": (1, 8, 16, 64), "rodas4": (1, 16)}


def measure(plant: Plant, report: Report) -> None:
    """Report agreement, agreement32 and whether the bits are equal."""
    against_scipy(plant, report)
    single_precision(plant, report)
    same_bits(plant, report)


def started(plant: Plant) -> Ensemble:
    """Return one member after its first millisecond: what happens at the first instant has happened."""
    ensemble = Ensemble(replace(plant, solver=Solver("rk4", 1e-3)), 1, form="flat")
    ensemble.advance(1e-3)
    ensemble.take_happenings()
    return ensemble


def relative(states: np.ndarray, reference: np.ndarray, nominal: np.ndarray) -> float:
    """Return the largest difference, relative to the value, or to its nominal where that is more."""
    return float(np.max(np.abs(states - reference) / np.maximum(np.abs(reference), nominal)))


def observed(ensemble: Ensemble, times: np.ndarray) -> np.ndarray:
    """Return the states of the first member at `times`; a transition on the way is a mistake of the benchmark."""
    rows = []
    for time in times:
        ensemble.advance(float(time))
        rows.append([float(ensemble.get(p)[0]) for p in ensemble.layout.states])
    if happened := ensemble.take_happenings():
        raise RuntimeError(f"{ensemble.plant.name}: {happened[0]}: choose a stretch without transitions")
    return np.array(rows)


def moved(source: Ensemble, plant: Plant, solver: Solver) -> Ensemble:
    """Return one member of `plant` that starts where `source` stands, at the same time, with another solver."""
    ensemble = Ensemble(replace(plant, solver=solver), 1, form="flat")
    ensemble.restore(*source.member_state())
    ensemble._c[:, Control.H] = solver.step  # a restored member remembers the step of its source
    return ensemble


def against_scipy(plant: Plant, report: Report) -> None:
    """Compare every method, tightly set, with DOP853 at rtol 1e-10 from the start on."""
    start = started(plant)
    given = problem(straight(plant), start)
    times = start.time + _AFTER
    reference = by_solve_ivp(given, times, 1e-10, scipy_bound(given), "DOP853")
    gaps = {}
    for name, solver in TIGHT.items():
        gaps[name] = relative(observed(moved(start, plant, solver), times), reference, given.nominal)
        print(f"    {plant.name}: {name}, step {solver.step:g} s, rtol {solver.rtol:g}: {gaps[name]:.2g}", flush=True)
    usual = relative(observed(moved(start, plant, plant.solver), times), reference, given.nominal)
    report.add("agreement", plant.name, max(gaps.values()), "worst method and state against DOP853 at 1e-10, 60 s")
    report.add("agreement_as_shipped", plant.name, usual, f"{plant.solver.method}, {plant.solver.step:g} s")


def single_precision(plant: Plant, report: Report) -> None:
    """Compare float32 with float64 every half hour; relative to the value itself wherever that isn't nothing."""
    start = started(plant)
    double = Ensemble(plant, 1, form="flat")
    single = Ensemble(plant, 1, form="flat", real=np.float32)
    copied(start, double)
    copied(start, single)
    worst, where = 0.0, ""
    for half in range(1, 2 * _HOURS + 1):
        double.advance(half * 1800.0)
        single.advance(half * 1800.0)
        for path in double.layout.states:
            a, b = float(single.get(path)[0]), float(double.get(path)[0])
            floor = 1e-3 * plant.nominal(path)
            gap = abs(a - b) / (abs(b) or floor)
            if gap > worst:
                worst, where = gap, f"{path} at {half / 2:g} h: {a:.6g} for {b:.6g}"
    report.add("agreement32", plant.name, worst, where)


def same_bits(plant: Plant, report: Report) -> None:
    """Run 70 members at every width and in both forms, through the start and its transitions."""
    odd = []
    for method, widths in _WIDTHS.items():
        chosen = replace(plant, solver=Solver(method, 1e-3, 1e-6))
        digests = {(form, width): _digest(chosen, form, width) for form in _FORMS for width in widths}
        odd += [f"{method} {f} {w}" for (f, w), digest in digests.items() if digest != digests["flat", 1]]
    measured = "; ".join(f"{method} {', '.join(map(str, widths))}" for method, widths in _WIDTHS.items())
    note = f"other bits: {', '.join(odd)}" if odd else f"flat and families at widths: {measured}"
    report.add("bits_equal_any_width", plant.name, not odd, note)


def _digest(plant: Plant, form: Form, width: int) -> str:
    ensemble = Ensemble(plant, 70, form=form, width=width)
    motor = next(a for a, cls in plant.assets.items() if cls.__name__ == "InductionMotor")
    ensemble.set(f"{motor}.R_s", plant.value(f"{motor}.R_s") * (1.0 + 0.001 * np.arange(70)))
    ensemble.advance(3.0)
    return ensemble.digest()
