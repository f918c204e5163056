"""A linear plant, its filter in closed form, and readings of it."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import expm

from tests.plants import EQUIPMENT
from twin.catalogue import find
from twin.estimate.intake import Settings
from twin.plant import Estimation, Plant, Solver, Tag, Unknown

PLAIN = Settings(adapt=0.0, heat=0.0, temper=1.0)
"""The filter of the textbooks: noise as declared, from the first reading on."""
STEPS = Solver("rk4", 0.01)
"""Five steps or more in every time constant that lasts: those of the gauge die out."""

TAGS = {
    "LI-1": Tag("LI-1", "it.y", "m", 1.0, noise=0.2),
    "LI-2": Tag("LI-2", "it.total", "m", 1.0, noise=0.3),
}
UNKNOWNS = (
    Unknown("it.a", ("it.a",), 1.0, 6.0, relative=False),
    Unknown("it.b", ("it.b",), 1.0, 3.0, relative=False),
    Unknown("it.inflow", ("it.inflow",), 0.5, 1.2, relative=False),
)
ORDER = ("it.a", "it.b", "it.y", "it.c", "it.inflow", "it.rain", "it.aside", "it.seep", "it.hole")


def cascade(
    unknowns: tuple[Unknown, ...] = UNKNOWNS,
    accuracy: Mapping[str, float] | None = None,
    tags: Mapping[str, Tag] = TAGS,
    **more: object,
) -> Plant:
    """Return the plant; its accuracies are 0 unless said."""
    told = Estimation(settle=0.0, unknowns=unknowns, accuracy=accuracy or {}, **more)  # type: ignore[arg-type]
    return Plant("cascade", {"it": find("cascade", EQUIPMENT)}, solver=STEPS, tags=dict(tags), estimation=told)


@cache
def transition(step: float) -> np.ndarray:
    """Return how the numbers of `ORDER` come from those `step` seconds before."""
    rates = np.zeros((9, 9))
    rates[0, [0, 4, 5, 7]] = -0.3, 1.0, 1.0, -1.0
    rates[1, [0, 1, 5, 8]] = 0.3, -0.2, 1.0, -1.0
    rates[2, [1, 2]] = 50.0, -50.0
    rates[3, [3, 5, 6]] = -0.2, 1.0, 1.0
    return np.asarray(expm(rates * step))


READS = np.array([[0.0, 0, 1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0, 0, 0]])
NOISE = np.diag([0.2**2, 0.3**2])


class Run(NamedTuple):
    """A truth in the order of `ORDER`, and what the tags read of it."""

    times: np.ndarray
    states: np.ndarray
    readings: np.ndarray


def run(instants: int, seed: int, *, unknowns: tuple[Unknown, ...] = UNKNOWNS, **faults: tuple[float, float]) -> Run:
    """Return a truth that starts and wanders as the unknowns say; a fault is its size, and when it comes [s]."""
    rng = np.random.default_rng(seed)
    truth, step = np.zeros(9), transition(1.0)
    for u in unknowns:
        truth[[ORDER.index(p) for p in u.paths]] += u.spread * rng.normal()
    states, readings = np.empty((instants, 9)), np.empty((instants, 2))
    for k in range(instants):
        for u in unknowns:
            truth[[ORDER.index(p) for p in u.paths]] += u.wander / 60.0 * rng.normal()
        for name, (size, begin) in faults.items():
            truth[ORDER.index(f"it.{name}")] = size if k >= begin else 0.0
        truth = step @ truth
        states[k], readings[k] = truth, READS @ truth + np.sqrt(np.diag(NOISE)) * rng.normal(size=2)
    return Run(np.arange(1.0, instants + 1.0), states, readings)


class Exact(NamedTuple):
    """What the Kalman filter believes after each reading: of unknowns and biases, SI."""

    mean: np.ndarray
    covariance: np.ndarray
    predicted: np.ndarray
    innovation: np.ndarray


def kalman(
    readings: np.ndarray, unknowns: tuple[Unknown, ...] = UNKNOWNS, accuracy: tuple[float, float] = (0.0, 0.0)
) -> Exact:
    """Return the Kalman filter's beliefs; a reading that is NaN isn't one."""
    rows = [[ORDER.index(p) for p in u.paths] for u in unknowns]
    count = len(ORDER) + 2
    forward = np.eye(count)
    forward[:9, :9] = transition(1.0)
    reads = np.hstack([READS, np.eye(2)])
    mean, covariance, wander = np.zeros(count), np.zeros((count, count)), np.zeros((count, count))
    for u, places in zip(unknowns, rows, strict=True):
        covariance[np.ix_(places, places)] += u.spread**2
        wander[np.ix_(places, places)] += u.wander**2 / 3600.0
    covariance[9:, 9:] = np.diag(np.square(accuracy))
    kept = [places[0] for places in rows] + [9, 10]
    out = []
    for reading in readings:
        mean, covariance = forward @ mean, forward @ (covariance + wander) @ forward.T
        there = np.isfinite(reading)
        h, r = reads[there], NOISE[np.ix_(there, there)]
        predicted, total = reads @ mean, h @ covariance @ h.T + r
        gain = np.linalg.solve(total, h @ covariance).T
        mean = mean + gain @ (reading[there] - h @ mean)
        rest = np.eye(count) - gain @ h
        covariance = rest @ covariance @ rest.T + gain @ r @ gain.T
        out.append((mean[kept], covariance[np.ix_(kept, kept)], predicted, np.where(there, reading - predicted, 0.0)))
    return Exact(*(np.array(part) for part in zip(*out, strict=True)))


def sizes(unknowns: tuple[Unknown, ...] = UNKNOWNS) -> np.ndarray:
    """Return what an unknown's standardised value, and then a bias, is a multiple of, SI."""
    return np.array([*(u.spread for u in unknowns), 1.0, 1.0])
