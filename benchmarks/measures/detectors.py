"""Detectors of anomalies in rows of the water loop's readings, whatever they are trained with."""

from collections.abc import Callable

import numpy as np
from scipy.stats import trim_mean
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.measures.skab import TAGS

WINDOWS = (10, 30)
"""Rows up to now over which readings are averaged."""
TRIMMED = 0.1
"""Share of the teaching rows at either end that their mean leaves out."""
FARTHEST = 20.0
"""Beyond this ratio, or this many kelvin, readings are as far off as they can be."""
QUIET = 0.99
"""Share of healthy rows that a threshold leaves silent."""
BEYOND = 0.5
"""By which share of the healthy rows' range invented ones reach beyond it, at either end."""
TEMPERATURES = np.array(["Temp" in tag or "Thermo" in tag for tag in TAGS])

Score = Callable[[np.ndarray], np.ndarray]
"""How anomalous rows of features are, shape (n,)."""


def features(readings: np.ndarray, teaching: int) -> np.ndarray:
    """Return how far means over the last rows are from the run's own first ones, shape (n, windows x tags).

    Temperatures as differences [K], all else as logarithms of ratios, so that nothing tells at what speed a run runs.
    Row i depends on the first `teaching` rows and on rows up to i; of its number it knows nothing. A window without a
    reading says 0.
    """
    reference = np.array([trim_mean(column[np.isfinite(column)], TRIMMED) for column in readings[:teaching].T])
    found = [_off(mean, reference) for mean in (_means(readings, window) for window in WINDOWS)]
    return np.nan_to_num(np.concatenate(found, axis=1), nan=0.0)


def _means(readings: np.ndarray, window: int) -> np.ndarray:
    """Return means of the last rows' readings, fewer at the start; NaN where there is no reading."""
    there = np.isfinite(readings)
    sums = np.cumsum(np.where(there, readings, 0.0), axis=0)
    counts = np.cumsum(there, axis=0)
    sums[window:], counts[window:] = sums[window:] - sums[:-window], counts[window:] - counts[:-window]
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))


def _off(means: np.ndarray, reference: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.clip(means / reference, 1.0 / FARTHEST, FARTHEST))
    return np.where(TEMPERATURES, np.clip(means - reference, -FARTHEST, FARTHEST), ratio)


def classifier(rows: np.ndarray, anomalous: np.ndarray) -> Score:
    """Return gradient boosted trees that tell anomalous rows from the others."""
    trees = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=8, l2_regularization=1.0, early_stopping=False, random_state=0
    ).fit(rows, anomalous)
    return lambda fresh: np.asarray(trees.predict_proba(fresh)[:, 1])


def against_invented(healthy: np.ndarray) -> Score:
    """Return the same trees where only healthy rows are known: they tell them from as many evenly invented rows.

    References
    ----------
    .. [1] Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 14.2.4: unsupervised as supervised.
    """
    low, high = healthy.min(axis=0), healthy.max(axis=0)
    reach = BEYOND * (high - low)
    invented = np.random.default_rng(0).uniform(low - reach, high + reach, healthy.shape)
    return classifier(np.concatenate([healthy, invented]), np.arange(2 * len(healthy)) >= len(healthy))


def distance(healthy: np.ndarray) -> Score:
    """Return Hotelling's T2: the distance from healthy rows in units of their covariance."""
    covariance = LedoitWolf().fit(healthy)
    return lambda fresh: np.asarray(covariance.mahalanobis(fresh))


def threshold(scores: np.ndarray) -> float:
    """Return the score that the share `QUIET` of healthy rows stays below."""
    return float(np.quantile(scores, QUIET))
