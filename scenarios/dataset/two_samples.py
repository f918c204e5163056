"""The classifier two-sample test: whether windows of a data set can be told from those of a recording.

References
----------
Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests, ICLR.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scenarios.dataset.leakage import FOLDS, auc, classifiers, learnable
from scenarios.dataset.recorded import Series

WINDOWS = 1000
"""Of each side, that the classifier sees."""
WHOLE = 0.8
"""Share of a window that has to be measured for the classifier to see it."""
DRAWS = 400
"""Of the bootstrap over runs and files."""
FEWEST = 20
"""Windows of a side, below which nothing is tried."""


class Told(NamedTuple):
    """What a classifier tells of windows it has not seen: area under the curve, its 95 % interval, windows, parts."""

    auc: float
    low: float
    high: float
    windows: int
    parts: int


def told(real: Sequence[Series], made: Sequence[Series], window: int, seed: int) -> Told | None:
    """Return what a forest tells, trained and tested on different runs and files; None where too little is there.

    A side of fewer than five runs or files is cut into so many parts, one after the other.
    """
    if not learnable():
        return None
    tables, groups = [], []
    for k, side in enumerate((real, made)):
        table, part = _table(side, window)
        generator = np.random.default_rng([seed % 2**32, k])
        if len(table) > WINDOWS:
            kept = np.sort(generator.choice(len(table), WINDOWS, replace=False))
            table, part = table[kept], part[kept]
        tables.append(table)
        groups.append(part)
    if min(len(table) for table in tables) < FEWEST or min(np.unique(part).size for part in groups) < FOLDS:
        return None
    truth = np.repeat([True, False], [len(table) for table in tables])
    group = np.concatenate([groups[0], groups[1] + groups[0].max() + 1])
    score = _scores(np.concatenate(tables), truth, group)
    low, high = _interval(score, truth, group, seed)
    return Told(auc(score, truth).value, low, high, truth.size, np.unique(group).size)


def _table(side: Sequence[Series], window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of windows that don't overlap, and which part each is of."""
    cut = -(-FOLDS // len(side))
    rows, part = [], []
    for k, series in enumerate(side):
        starts = range(0, len(series.values) - window + 1, window)
        for n, first in enumerate(starts):
            piece = series.values[first : first + window]
            if (np.isfinite(piece).mean(axis=0) >= WHOLE).all():
                rows.append(features(piece))
                part.append(k * cut + n * cut // len(starts))
    return np.array(rows), np.array(part, int)


def features(piece: np.ndarray) -> np.ndarray:
    """Return what a window looks like: level, spread, extremes, slope and roughness of channels, and correlations.

    Parameters
    ----------
    piece : numpy.ndarray
        Shape (rows, channels), with few NaN.
    """
    time = np.linspace(-1.0, 1.0, len(piece))[:, None]
    mean = np.nanmean(piece, axis=0)
    slope = np.nanmean((piece - mean) * time, axis=0)
    rough = np.nanmean(np.abs(np.diff(piece, axis=0)), axis=0)
    found = [mean, np.nanstd(piece, axis=0), np.nanmin(piece, axis=0), np.nanmax(piece, axis=0), slope, rough]
    pairs = correlations(piece)[np.triu_indices(piece.shape[1], 1)]
    return np.concatenate([*found, pairs])


def correlations(values: np.ndarray) -> np.ndarray:
    """Return Pearson's correlation of every pair of columns over the rows that both have; NaN where one is constant."""
    count = values.shape[1]
    found = np.full((count, count), np.nan)
    good = np.isfinite(values)
    for i in range(count):
        for j in range(i, count):
            both = good[:, i] & good[:, j]
            one, other = values[both, i], values[both, j]
            if one.size > 2 and one.std() > 0.0 and other.std() > 0.0:
                found[i, j] = found[j, i] = float(np.mean((one - one.mean()) * (other - other.mean()))) / float(
                    one.std() * other.std()
                )
    return found


def _scores(table: np.ndarray, truth: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the score of each window by a forest that has seen nothing of its run or file."""
    from scipy.stats import rankdata
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedGroupKFold

    forest = classifiers()["forest"]
    found = np.empty(truth.size)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(table, truth, group):
        trained = clone(forest).set_params(randomforestclassifier__class_weight="balanced")
        trained.fit(table[train], truth[train])
        found[test] = rankdata(trained.predict_proba(table[test])[:, 1]) / (len(test) + 1)
    return found


def _interval(score: np.ndarray, truth: np.ndarray, group: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the AUC by a bootstrap over runs and files, for windows of one are alike."""
    generator = np.random.default_rng([seed % 2**32, 0xB0])
    members = {g: np.flatnonzero(group == g) for g in np.unique(group).tolist()}
    sides = [[g for g, rows in members.items() if truth[rows[0]] == side] for side in (True, False)]
    found = []
    for _ in range(DRAWS):
        drawn = np.concatenate(
            [members[side[k]] for side in sides for k in generator.integers(len(side), size=len(side)).tolist()]
        )
        value = auc(score[drawn], truth[drawn]).value
        if math.isfinite(value):
            found.append(value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
