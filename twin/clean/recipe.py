"""A recipe with every number in SI, tag by tag in the order of the plant."""

import hashlib
from math import inf
from typing import Literal, NamedTuple

from twin.clean.block import BAD, NEVER
from twin.plant import Plant

By = Literal["mean", "last", "linear"]


class Calibration(NamedTuple):
    """What the instrument shows into what it should, from `since` [us] on: by points where there are any."""

    since: int = NEVER
    gain: float = 1.0
    offset: float = 0.0
    shown: tuple[float, ...] = ()
    true: tuple[float, ...] = ()
    about: str = ""


class Counter(NamedTuple):
    """Where a meter rolls over and its largest step; ``jumps`` says that larger steps up are flagged too."""

    modulus: float
    largest: float
    jumps: bool


class Range(NamedTuple):
    """What is believable, SI, and the status of what isn't."""

    low: float = -inf
    high: float = inf
    outside: int = BAD


class Stuck(NamedTuple):
    """How many equal readings over how long [us], the status, and values (SI) at which a tag may stand."""

    readings: int
    over: int
    quality: int
    allow: tuple[float, ...]


class Spike(NamedTuple):
    """Hampel's window, threshold and smallest deviation (SI), and the status of a spike."""

    window: int
    k: float
    least: float
    quality: int


class Align(NamedTuple):
    """Period of the grid [us], method, and longest silence bridged [us]."""

    every: int
    by: By
    over: int


class Steps(NamedTuple):
    """What is done to one tag; `unit` is that of the calibrated reading, empty where the source says it."""

    tag: str
    si: str
    shown: str
    unit: str = ""
    names: tuple[str, ...] = ()
    quality: tuple[tuple[int, int], ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    codes: tuple[tuple[float, float], ...] = ()
    counter: Counter | None = None
    calibrations: tuple[Calibration, ...] = (Calibration(),)
    range: Range = Range()
    stuck: Stuck | None = None
    spike: Spike | None = None
    gap: int = 0
    align: Align | None = None


class Recipe(NamedTuple):
    """What is done to every tag of a plant, in the plant's order, which is what a `Block` counts by."""

    tags: tuple[Steps, ...]

    @property
    def digest(self) -> str:
        """Return what tells this recipe from any other."""
        return hashlib.sha256(repr(self.tags).encode()).hexdigest()

    def position(self, tag: str) -> int:
        """Return the index of a tag of the plant."""
        return [steps.tag for steps in self.tags].index(tag)


def plain(plant: Plant) -> Recipe:
    """Return the recipe that only converts units and marks what is no number."""
    return Recipe(tuple(bare(plant, tag) for tag in plant.tags))


def bare(plant: Plant, tag: str) -> Steps:
    """Return what is done to a tag that no recipe mentions: its unit is converted."""
    return Steps(tag, plant.quantity(plant.tags[tag].reads).unit, plant.tags[tag].unit)
