"""What goes into a filter's compiled loop and what comes out: tuning, readings laid out, an empty trace."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.estimate.cycle import Trace, Tuning
from twin.estimate.ground import Ground
from twin.plant import Plant, Unknown

NOISE_ROOM = 100.0
"""The adaptive noise may grow to this many times an instrument's own variance."""
LEAST_SHARE = 1e-4
"""Where no noise is declared, what is learnt may be as small as this share of the variance taken at first."""
COOLING = 4.0
"""Time constant with which the first heat goes [s]; see `twin.estimate.cycle.Tuning`: gone after some 40 s."""
STEADY = 1e-9
"""An unknown that gains less variance a second, of its spread's square, doesn't move by itself."""


class Settings(NamedTuple):
    """How a filter is tuned: shares of the newest innovation in noise and test, weight of evidence, first heat."""

    adapt: float = 1.0 / 1000.0
    memory: float = 1.0 / 60.0
    temper: float = 0.25
    heat: float = 1e4

    @classmethod
    def of(cls, plant: Plant) -> "Settings":
        """Return what the plant's file asks for."""
        return cls(temper=plant.estimation.temper) if plant.estimation else cls()


def first_noise(start: Ground) -> np.ndarray:
    """Return the variance that each output's reading is first taken to have; what no tag reads has none that counts."""
    return np.concatenate([start.noise, np.full(len(start.outputs) - len(start.tags), np.inf)])


def spreads(start: Ground) -> np.ndarray:
    """Return the first standard deviation of each standardised unknown and of each bias, SI."""
    accuracy = [start.estimation.accuracy.get(t.name, 0.0) for t in start.tags]
    return np.array([*(1.0 for _ in start.unknowns), *accuracy[: start.places.biases]])


def tuned(start: Ground, settings: Settings) -> Tuning:
    """Return the tuning of a filter of this plant."""
    least = first_noise(start)
    silent = np.zeros(len(least), bool)
    silent[: len(start.tags)] = [t.noise == 0.0 and t.quantum == 0.0 for t in start.tags]
    wander = np.zeros(len(spreads(start)))
    wander[: len(start.unknowns)] = [(u.wander / u.spread) ** 2 / 3600.0 for u in start.unknowns]
    return Tuning(
        wander, np.where(silent, LEAST_SHARE * least, least), NOISE_ROOM * least, float(settings.adapt),
        float(settings.temper), float(settings.memory), np.ones(len(wander)), float(settings.heat), COOLING,
    )  # fmt: skip


def held(tuning: Tuning, settings: Settings, unknowns: Sequence[Unknown], on: bool) -> Tuning:
    """Return the tuning that learns no noise and corrects only what moves by itself; or all again."""
    steady = tuning.wander <= STEADY
    steady[: len(unknowns)] |= [u.held for u in unknowns]
    tuning.held[:] = np.where(steady & on, 0.0, 1.0)
    return tuning._replace(adapt=0.0 if on else float(settings.adapt))


def laid_out(values: np.ndarray | None, count: int, start: Ground, missing: float) -> np.ndarray:
    """Return values of the tags at `count` instants with columns for what no tag reads."""
    wide = np.full((count, len(start.outputs)), missing)
    if values is not None:
        wide[:, : len(start.tags)] = values
    return wide


def traced(count: int, start: Ground) -> Trace:
    """Return a trace for `count` instants."""
    m, size = len(start.outputs), len(start.unknowns) + start.places.biases
    seen, believed = (np.zeros((count, m)), np.zeros((count, m))), (np.zeros((count, size)), np.zeros((count, size)))
    return Trace(*seen, *believed, np.zeros((count, 3)), np.zeros(count, np.int64))
