"""Our own contenders: ensembles of a plant that runs free, settled and with members that differ."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from twin.declare import Due, Memory, State
from twin.ensemble import Ensemble, Form
from twin.plant import Plant, Solver

MEMBERS = 1024
SETTLED = 60.0
"""By then both plants run at speed and nothing but heat and wear moves [s]."""

SPREAD = 0.02
_VARIED = {"CentrifugalPump": ("head_0",), "InductionMotor": ("R_s", "C_w"), "Pipe": ("length",)}


def free(path: Path, solver: Solver | None = None) -> Plant:
    """Return the plant of a file without tags, limits and schedule: nothing stops its solver."""
    plant = Plant.load(path)
    return replace(plant, tags={}, limits={}, schedule=(), solver=solver or plant.solver)


def copied(source: Ensemble, target: Ensemble) -> Ensemble:
    """Give every member of `target` the states, memory and dues of the first member of `source`."""
    for path in source.plant.paths(State, Memory, Due):
        value = float(source.get(path)[0])
        if math.isfinite(value):  # a due that never comes is what a fresh ensemble has
            target.set(path, value)
    return target


def settled(plant: Plant) -> Ensemble:
    """Return one member in flat form after `SETTLED` seconds."""
    ensemble = Ensemble(plant, 1, form="flat")
    ensemble.advance(SETTLED)
    return ensemble


def varied(source: Ensemble, form: Form, *, real: type[np.floating] = np.float64) -> Ensemble:
    """Return `MEMBERS` settled members, each with parameters of its own."""
    plant = source.plant
    ensemble = copied(source, Ensemble(plant, MEMBERS, form=form, real=real))
    rng = np.random.default_rng(1)
    for asset, cls in plant.assets.items():
        for name in _VARIED.get(cls.__name__, ()):
            path = f"{asset}.{name}"
            ensemble.set(path, plant.value(path) * (1.0 + SPREAD * rng.uniform(-1.0, 1.0, MEMBERS)))
    ensemble.advance(5.0)
    ensemble.take_happenings()
    return ensemble


def stepping(ensemble: Ensemble, steps: int) -> Callable[[], float]:
    """Return work of `steps` steps: calling it returns the member-steps it did."""
    step = ensemble.plant.solver.step

    def work() -> float:
        ensemble.advance(ensemble.time + steps * step)
        return float(steps * ensemble.members)

    return work
