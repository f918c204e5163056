"""What can be estimated of a plant: a quantity, ``pump.gain``, or what an instrument reads too high, ``PI.bias``."""

import math

from twin.plant import Plant

BIAS = "bias"


def biased(plant: Plant, path: str) -> str:
    """Return the tag whose bias a path names; empty where it names a quantity, or nothing."""
    tag, _, name = path.rpartition(".")
    return tag if name == BIAS and tag in plant.tags and tag not in plant.assets else ""


def value(plant: Plant, path: str) -> float:
    """Return the plant's number for an unknown, SI."""
    tag = biased(plant, path)
    return plant.tags[tag].bias if tag else plant.value(path)


def bounds(plant: Plant, path: str) -> tuple[float, float]:
    """Return between which numbers an unknown lies, SI."""
    return (-math.inf, math.inf) if biased(plant, path) else plant.quantity(path).bounds


def unit(plant: Plant, path: str) -> str:
    """Return the SI unit of an unknown."""
    tag = biased(plant, path)
    return plant.quantity(plant.tags[tag].reads if tag else path).unit
