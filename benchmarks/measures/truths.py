"""Plants whose truth is drawn from what their twin is told of them: the ground on which a belief is judged."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from twin.ensemble import Ensemble
from twin.estimate.unscented import UnscentedFilter
from twin.plant import Plant, Unknown
from twin.streams import member_seeds, normal


class Truths(NamedTuple):
    """Runs of a plant with other numbers each.

    Attributes
    ----------
    times : (K,)
        Instants of the readings [s].
    unknowns : (runs, K, n)
        True values in the order of the plant's unknowns, SI.
    readings : (runs, K, m)
    """

    times: np.ndarray
    unknowns: np.ndarray
    readings: np.ndarray


def drawn(plant: Plant, runs: int, instants: int, seed: int) -> Truths:
    """Return runs whose unknowns start, wander and are read as the plant's estimation says."""
    estimation = plant.estimation
    if estimation is None:
        raise ValueError(plant.name)
    seeds, unknowns, tags = member_seeds(seed, runs), estimation.unknowns, list(plant.tags.values())
    crowd = Ensemble(replace(plant, tags={}, schedule=(), limits={}), runs)
    for u in unknowns:
        crowd.set(u.paths[0], _moved(u, plant.value(u.paths[0]), u.spread * normal(seeds, u.name, "truth", 0, 1)[:, 0]))
    walks = {u.name: normal(seeds, u.name, "walk", 0, instants) for u in unknowns if u.wander}
    noises = [t.noise * normal(seeds, t.name, "reading", 0, instants) for t in tags]
    times = estimation.every * np.arange(1.0, instants + 1.0)
    true, read = np.empty((runs, instants, len(unknowns))), np.empty((runs, instants, len(tags)))
    hour = np.sqrt(estimation.every / 3600.0)
    for k, time in enumerate(times):
        for u in unknowns:
            if u.wander:
                crowd.set(u.paths[0], _moved(u, crowd.get(u.paths[0]), u.wander * hour * walks[u.name][:, k]))
        crowd.advance(time)
        for i, u in enumerate(unknowns):
            true[:, k, i] = crowd.get(u.paths[0])
        for j, tag in enumerate(tags):
            read[:, k, j] = crowd.get(tag.reads) + noises[j][:, k]
    return Truths(times, true, read)


def _moved(unknown: Unknown, value: float | np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.asarray(value * np.exp(by) if unknown.relative else value + by)


def standardised(plant: Plant, unknowns: tuple[Unknown, ...], values: np.ndarray) -> np.ndarray:
    """Return true values in the units in which a filter counts."""
    base, spread = np.array([plant.value(u.paths[0]) for u in unknowns]), np.array([u.spread for u in unknowns])
    relative = np.array([u.relative for u in unknowns])
    return np.asarray(np.where(relative, np.log(np.abs(values / base)), values - base) / spread)


def errors_squared(filter_: UnscentedFilter, truths: Truths) -> np.ndarray:
    """Return the normalised estimation error squared at every instant, averaged over the runs, (K,)."""
    n = len(filter_.unknowns)
    total = np.zeros(len(truths.times))
    for run, readings in enumerate(truths.readings):
        filter_.start()
        true = standardised(filter_.plant, filter_.unknowns, truths.unknowns[run])
        for k, time in enumerate(truths.times):
            filter_.assimilate(np.array([time]), readings[k : k + 1])
            moments = filter_.moments
            error = moments.mean[:n] - true[k]
            total[k] += error @ np.linalg.solve(moments.covariance[:n, :n], error)
    return np.asarray(total / len(truths.readings))


def share_inside(errors: np.ndarray, unknowns: int, runs: int) -> float:
    """Return the share of instants at which averaged errors lie within their 99 % bounds."""
    low, high = chi2.ppf((0.005, 0.995), unknowns * runs) / runs
    return float(np.mean((errors >= low) & (errors <= high)))
