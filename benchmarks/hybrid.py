"""A hundred assets and ten discrete events a second: what the hybrid clock costs beside the bare kernel."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import simpy
from numba import njit

from benchmarks.report import report
from twin.catalogue import find
from twin.declare import Asset, Input, State
from twin.engine import Simulation
from twin.ensemble import Ensemble
from twin.layout import HELD
from twin.plant import Plant, Solver

TARGETS = {"share_of_bare_kernel": (">=", 0.8), "vs_naive": (">=", 8.0)}
TRAINS, STEP, EVENT_PERIOD = 20, 1e-3, 0.1
TRAIN = {
    "drive": "variable_speed_drive",
    "motor": "induction_motor",
    "pump": "centrifugal_pump",
    "pipe": "pipe",
    "tank": "tank",
}
WIRES = {
    "drive.w": "pump.w",
    "drive.current": "motor.current",
    "drive.load_power": "motor.power",
    "motor.voltage": "drive.voltage",
    "motor.w_e": "drive.w_e",
    "motor.w": "pump.w",
    "pump.torque": "motor.torque",
    "pump.flow": "pipe.flow",
    "pipe.dp_source": "pump.dp",
    "tank.flow_in": "pipe.delivered",
    "tank.flow_out": "pipe.flow",
}


def plant() -> Plant:
    """Return twenty pump trains: a hundred assets."""
    assets = {f"{name}{i}": find(kind) for i in range(TRAINS) for name, kind in TRAIN.items()}

    def numbered(path: str, i: int) -> str:
        asset, quantity = path.split(".")
        return f"{asset}{i}.{quantity}"

    wires = {numbered(t, i): (numbered(o, i),) for i in range(TRAINS) for t, o in WIRES.items()}
    values = {f"drive{i}.pole_pairs": 1.0 for i in range(TRAINS)} | {f"motor{i}.pole_pairs": 1.0 for i in range(TRAINS)}
    values |= {f"drive{i}.speed_set": 250.0 + i for i in range(TRAINS)}
    return Plant("trains", assets, wires, values, Solver("rk4", STEP))


def operate(simulation: Simulation) -> Iterator[Any]:
    """Change one drive's set point ten times a second."""
    k = 0
    while True:
        yield simulation.timeout(EVENT_PERIOD)
        simulation[f"drive{k % TRAINS}.speed_set"] = 240.0 + k % 17
        k += 1


class Naive:
    """One SimPy timeout per step per asset; each step is one compiled call of that asset's own equations.

    Explicit Euler on the asset's states, inputs read from the others' last outputs: the usual way to put
    physics into a discrete-event program, and less work per step than the Runge-Kutta step it is compared with.
    """

    def __init__(self, subject: Plant) -> None:
        self.plant, self.values = subject, {}
        for path in [*subject.paths(*HELD, Input, State)]:
            self.values[path] = subject.value(path)
        self.env = simpy.Environment()
        functions = {cls: compiled(cls) for cls in dict.fromkeys(subject.assets.values())}
        self.paths: dict[str, list[str]] = {}
        for asset, cls in subject.assets.items():
            for formula in cls.outputs.values():
                self.values |= {f"{asset}.{r}": 0.0 for r in formula.returns}
        for asset, cls in subject.assets.items():
            self.env.process(self.live(asset, cls, functions[cls]))

    def read(self, path: str) -> float:
        """Return a value, through a wire where there is one."""
        origins = self.plant.wires.get(path)
        return sum(self.values[o] for o in origins) if origins else self.values[path]

    def live(self, asset: str, cls: type[Asset], functions: dict[str, Any]) -> Iterator[Any]:
        """Step one asset for ever."""
        values = self.values
        formulas = {**cls.outputs, **cls.dynamics}
        calls = [
            (functions[n], [f"{asset}.{a}" for a in f.arguments], [f"{asset}.{r}" for r in f.returns])
            for n, f in formulas.items()
        ]
        while True:
            for function, arguments, returns in calls:
                result = function(*[self.read(a) for a in arguments])
                for path, value in zip(returns, result if isinstance(result, tuple) else (result,), strict=True):
                    head, _, name = path.partition(".d_")
                    if name:
                        values[f"{head}.{name}"] += STEP * value
                    else:
                        values[path] = value
            yield self.env.timeout(STEP)


def compiled(cls: type[Asset]) -> dict[str, Any]:
    """Return an asset's formulas as compiled scalar functions."""
    return {n: njit(f.function, error_model="numpy") for n, f in {**cls.outputs, **cls.dynamics}.items()}


def rate(run: Any, start: float, seconds: float) -> float:
    """Return simulated seconds per second of CPU time of ``run(until)``."""
    began = time.process_time()
    run(start + seconds)
    return seconds / (time.process_time() - began)


def main() -> None:
    """Measure and print."""
    subject = plant()
    bare = Ensemble(replace(subject, tags={}), 1)
    hybrid = Simulation(subject, behaviours=[operate])
    naive = Naive(subject)
    contenders = {
        "bare": (bare.advance, 5.0),
        "hybrid": (lambda t: hybrid.run(until=t), 5.0),
        "naive": (lambda t: naive.env.run(until=t), 0.3),
    }
    clock = dict.fromkeys(contenders, 1e-3)
    for name, (run, _) in contenders.items():
        run(clock[name])
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(5):
        for name, (run, seconds) in contenders.items():
            rates[name].append(rate(run, clock[name], seconds))
            clock[name] += seconds
    middle = {name: float(np.median(values)) for name, values in rates.items()}
    figures = {
        "assets": len(subject.assets),
        "states": hybrid.ensemble.layout.nx,
        "events_per_s": 1.0 / EVENT_PERIOD,
        "simulated_s_per_s": middle["hybrid"],
        "bare_kernel_s_per_s": middle["bare"],
        "naive_s_per_s": middle["naive"],
        "share_of_bare_kernel": float(np.median(np.array(rates["hybrid"]) / np.array(rates["bare"]))),
        "vs_naive": float(np.median(np.array(rates["hybrid"]) / np.array(rates["naive"]))),
    }
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
