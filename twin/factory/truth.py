"""What a factory is in truth: its plant with hidden numbers, and what disturbs and what breaks it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from twin.declare import Fault
from twin.errors import PlantError, unknown
from twin.plant import Plant

Shape = Literal["ramp", "step", "exponential"]
USUAL_HOLD = 5.0
"""Step of what moves from outside [s]: small against what it is followed by, and seldom enough to be cheap."""
SHAPES: dict[str, Shape] = {"ramp": "ramp", "step": "step", "exponential": "exponential"}


class Disturbance(NamedTuple):
    """Inputs that move together about their values: a wandering of `size`, or steps to `levels`; SI and seconds."""

    name: str
    paths: tuple[str, ...]
    size: float = 0.0
    over: float = 1800.0
    levels: tuple[float, ...] = ()
    every: float = 1200.0


class Mishap(NamedTuple):
    """Something that goes wrong: where it takes quantities and instruments (SI), in which shape, when [s]."""

    name: str
    about: str
    to: dict[str, float]
    sensors: dict[str, float]
    shape: Shape
    over: float
    at: float

    def progress(self, since: np.ndarray) -> np.ndarray:
        """Return how far it has come, 0 to 1, at times `since` its beginning [s]; nothing happens before."""
        late = np.maximum(since, 0.0)
        if self.shape == "step":
            return np.where(since >= 0.0, 1.0, 0.0)
        if self.shape == "ramp":
            return np.asarray(np.minimum(late / self.over, 1.0))
        return np.asarray(-np.expm1(-late / self.over))


@dataclass(frozen=True)
class Truth:
    """A factory's plant, and what the plant file says nothing of.

    Attributes
    ----------
    twin : Plant
        What the twin was made of.
    plant : Plant
        What stands in the factory, before its parameters are spread.
    spread : dict
        How far parameters lie from their data sheets: standard deviation of the logarithm, by path.
    lags : dict
        Time constants of the pockets that instruments sit in, by tag [s].
    settle, hold, jitter : float
        Run before the first reading; step of what moves; largest delay of a time stamp [s].
    """

    twin: Plant
    plant: Plant
    spread: dict[str, float]
    lags: dict[str, float]
    disturbances: tuple[Disturbance, ...]
    mishaps: dict[str, Mishap]
    settle: float = 0.0
    hold: float = 5.0
    jitter: float = 0.0
    about: str = ""

    @classmethod
    def bare(cls, plant: Plant) -> "Truth":
        """Return the truth that a plant file is exactly right, but for its instruments."""
        return cls(plant, plant, {}, {}, (), {}, hold=usual_hold(plant))

    @classmethod
    def load(cls, path: Path, plant: Plant) -> "Truth":
        """Read a truth file for the plant that the twin was made of.

        Raises
        ------
        PlantError
            One message ``file:line: where: what; what to do`` for the first thing that is wrong.
        """
        from twin.factory.truth_loader import load  # it builds on this module

        return load(path, plant)

    def mishap(self, name: str) -> Mishap:
        """Return the fault called `name`.

        Raises
        ------
        PlantError
            If the truth has none of this name.
        """
        if name not in self.mishaps:
            raise PlantError(f"{self.plant.name}: {unknown('fault', name, self.mishaps)}")
        return self.mishaps[name]

    def declared(self, name: str) -> tuple[str, ...]:
        """Return the faults, as the twin's equipment declares them, that a mishap is made of; none if it knows none."""
        known = set(self.twin.paths(Fault))
        return tuple(path for path in self.mishap(name).to if path in known)


def usual_hold(plant: Plant) -> float:
    """Return the step of what moves from outside, unless a truth says otherwise: 5 s in whole sampling periods."""
    period = min((tag.every for tag in plant.tags.values()), default=USUAL_HOLD)
    return period * math.ceil(USUAL_HOLD / period - 1e-9)


def beside(plant: Path) -> Path | None:
    """Return the truth file that ships with a plant file: of the same name, in the folder ``truths`` beside its own."""
    file = plant.resolve().parent.parent / "truths" / plant.name
    return file if file.is_file() else None
