"""What a run leaves of readings: how far residuals scatter, and how many of them count as one."""

from typing import NamedTuple

import numpy as np

from twin.calibrate import uncertainty
from twin.calibrate.study import Study, rows_of

FINE = 0.01
"""Noise that readings are first taken to have, as a share of how far they move."""


class Noise(NamedTuple):
    """Of each tag: the root mean square of residuals, SI, and how many neighbouring rows count as one."""

    sigma: np.ndarray
    memory: np.ndarray


def first_noise(study: Study, share: float = FINE) -> np.ndarray:
    """Return noise to begin with, SI: a share of how far readings move."""
    return share * study.spread_of_data()


def scatter(study: Study, residual: np.ndarray, *, robust: bool = False) -> np.ndarray:
    """Return the standard deviation of each tag's residuals, SI; of robust fits by their median size."""
    there = np.isfinite(study.data)
    found = np.empty(len(study.wanted.score))
    for tag in range(len(found)):
        mine = residual[(study.tag == tag) & there]
        found[tag] = 1.4826 * np.median(np.abs(mine)) if robust else np.sqrt(np.mean(mine**2))
    return np.maximum(found, 1e-9 * study.spread_of_data())


def restless(study: Study, residual: np.ndarray) -> np.ndarray:
    """Return how residuals scatter about their mean within stretches as long as what initialises a run, SI, by tag.

    It is the standard deviation that rows have as if each said something new: what an initial state is weighed with.
    """
    found = []
    for tag in range(len(study.wanted.score)):
        parts = []
        for k, record in enumerate(study.records):
            mine = residual[(study.tag == tag) & (study.record == k)]
            rows = min(max(rows_of(study.wanted.initialise, record), 2), len(mine))
            # Errors of a model are alike from row to row: a stretch is worth two readings, however many rows it has.
            parts.append(mine[: len(mine) // rows * rows].reshape(-1, rows).var(axis=1) * rows / 2.0)
        found.append(float(np.sqrt(np.mean(np.concatenate(parts)))))
    return np.array(found)


def memories(study: Study, residual: np.ndarray) -> np.ndarray:
    """Return how many neighbouring rows count as one, for each tag the longest of all records."""
    there = np.where(np.isfinite(study.data), residual, np.nan)
    return np.array([
        max(uncertainty.correlation_time(there[(study.tag == tag) & (study.record == record)])
            for record in range(len(study.records)))
        for tag in range(len(study.wanted.score))
    ])  # fmt: skip
