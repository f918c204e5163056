"""What nobody knows exactly of a plant: what its fit leaves open, and spreads that a scenario names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from twin.calibrate.uncertainty import root
from twin.ensemble import Ensemble
from twin.errors import PlantError
from twin.flow.linking import placed
from twin.plant import Plant, setting
from twin.plant_fitted import Number
from twin.read import Node
from twin.streams import normal
from twin.units import difference_to_si, to_si
from twin.unknowns import biased, bounds


class Spread(NamedTuple):
    """What a quantity may be off by, as a standard deviation: SI, or a share of its value."""

    path: str
    deviation: float
    relative: bool


def spreads(plant: Plant, said: Mapping[str, str], tree: Node) -> Iterator[Spread]:
    """Yield what the section `uncertain` of a scenario's `tree` says.

    Raises
    ------
    PlantError
        If there is no such quantity, its fit says already how far it may be off, or a deviation isn't positive.
    """
    for path, text in said.items():
        with placed(f"{tree['uncertain'].at(path)}: uncertain"):
            relative = text.strip().endswith("%")
            unit = plant.quantity(path).unit
            setting(plant, path, plant.value(path))
            deviation = to_si(text, "1") if relative else difference_to_si(text, unit)
            if not deviation > 0.0:
                raise PlantError(f"{path}: {text}: give a positive standard deviation")
            if plant.fitted is not None and path in plant.fitted.numbers:
                raise PlantError(
                    f"{path}: {plant.name} was fitted, and drawn as its data leave it open; remove it here"
                )
        yield Spread(path, deviation, relative)


def left_open(plant: Plant, live: bool) -> dict[str, Number]:
    """Return the estimates that are drawn as their fit leaves them open; of its unknowns a live twin has a belief."""
    if plant.fitted is None:
        return {}
    unknowns = plant.estimation.unknowns if live and plant.estimation else ()
    believed = {path for unknown in unknowns for path in unknown.paths}
    return {p: n for p, n in plant.fitted.numbers.items() if p not in believed and not biased(plant, p)}


def draw_fitted(machines: Ensemble, plant: Plant, seeds: np.ndarray, live: bool) -> None:
    """Let every machine be one that the data of the fit don't tell from the fitted one; beyond a bound it is the bound.

    Parameters
    ----------
    seeds : (machines,)
        Those of one seed draw the same.
    """
    paths = left_open(plant, live)
    if plant.fitted is None or not paths:
        return
    everything = list(plant.fitted.numbers)
    drawn = normal(seeds, "fitted", "uncertain", 0, len(everything)) @ root(plant.fitted.covariance).T
    for path in paths:
        machines.set(path, np.clip(machines.get(path) + drawn[:, everything.index(path)], *bounds(plant, path)))


def draw_named(machines: Ensemble, named: Sequence[Spread], seeds: np.ndarray) -> None:
    """Draw what a scenario names, about what each machine has; those of one seed draw the same."""
    for spread in named:
        values = machines.get(spread.path)
        size = spread.deviation * (np.abs(values) if spread.relative else 1.0)
        machines.set(spread.path, values + size * normal(seeds, spread.path, "uncertain", 0, 1)[:, 0])
