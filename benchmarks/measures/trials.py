"""Records of shipped plants with known numbers: inputs that jump to seeded levels, and the noise of instruments."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from benchmarks.report import REPOSITORY
from twin.calibrate.record import Record
from twin.calibrate.study import Study
from twin.calibrate.wanted import Free, Wanted, Window
from twin.plant import Plant, Tag

OF_RANGE = 0.005
"""Noise of a tag whose instrument has none, as a share of how far it moves."""
NONE_SUCH = "0" * 64


class Trial(NamedTuple):
    """What is recorded of a plant, and what a fit is to find again.

    Attributes
    ----------
    plant : str
        Name of a shipped plant.
    every, rows : float, int
        Period [s] and number of rows.
    drives : mapping
        By path of a held input: lowest and highest level, SI, and how many rows one level is held.
    score : tuple of str
        Tags that are compared, or paths of states that have none.
    free : mapping
        By path: spread as a share of the plant's value.
    idle : tuple of str
        Among `free`: what nothing excites, or what acts only together with another that is free.
    starts : int
        From how many points each fit begins.
    """

    plant: str
    every: float
    rows: int
    drives: Mapping[str, tuple[float, float, int]]
    score: tuple[str, ...]
    free: Mapping[str, float]
    idle: tuple[str, ...]
    starts: int = 1


def load(trial: Trial) -> Plant:
    """Return the shipped plant, with a tag for every input that is driven and every state that is compared."""
    plant = Plant.load(REPOSITORY / "scenarios" / "plants" / f"{trial.plant}.yaml")
    read = {tag.reads for tag in plant.tags.values()}
    untagged = [path for path in trial.drives if path not in read]
    untagged += [name for name in trial.score if name not in plant.tags]
    more = {path: Tag(path, path, plant.quantity(path).unit, trial.every) for path in untagged}
    return replace(plant, tags={**plant.tags, **more})


def study(trial: Trial, rng: np.random.Generator) -> Study:
    """Return a study of a record whose inputs jump at random; nothing is recorded of what is compared yet."""
    plant = load(trial)
    tag_of = {tag.reads: name for name, tag in plant.tags.items()}
    values = {tag_of[path]: _jumps(trial.rows, *how, rng) for path, how in trial.drives.items()}
    values |= {tag: np.zeros(trial.rows) for tag in trial.score}
    record = Record(f"simulated {trial.plant}", NONE_SUCH, 0, trial.every * np.arange(trial.rows), values)
    free = tuple(Free(path, share * abs(plant.value(path))) for path, share in trial.free.items())
    return Study(plant, [record], Wanted(trial.score, Window(rows=1), free, ()), least=0)


def _jumps(rows: int, low: float, high: float, hold: int, rng: np.random.Generator) -> np.ndarray:
    """Return levels that are each held for so many rows, the lowest and the highest among them, shape (rows,)."""
    levels = rng.uniform(low, high, -(-rows // hold))
    levels[rng.permutation(len(levels))[:2]] = low, high
    return np.repeat(levels, hold)[:rows]


def truths(of: Study, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return what is to be found: drawn about the plant's own numbers with the spreads, (count, unknowns)."""
    box = of.box
    return np.clip(of.start() + box.spread * rng.standard_normal((count, len(of.names))), box.low, box.high)


def noise(of: Study, clean: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each number, SI: of the tag's instrument, or a share of its range."""
    tags = [of.plant.tags[tag] for tag in of.wanted.score]
    ranges = [float(np.ptp(clean[of.tag == k])) for k in range(len(tags))]
    return np.array([tag.noise or OF_RANGE * span for tag, span in zip(tags, ranges, strict=True)])[of.tag]
