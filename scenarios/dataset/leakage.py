"""Whether a run tells what will happen to it before it happens: a classifier's AUC on what precedes the onset.

A healthy run has no onset; it is given that of a faulty one, drawn at random, so that lengths tell nothing. Features
are statistics of the signals up to the onset, and everything that a trainer may know of a run: its number, seed,
machine, duty, split, instruments' faults, parameters. What is drawn of the fault itself is left out.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from scenarios.dataset.findings import Finding, Outcome
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.pieces import Piece
from scenarios.dataset.telling import features, metadata

LOW, HIGH = 0.45, 0.55
"""AUC of a data set that leaks nothing."""
MOST = 4000
"""Runs that the classifiers see, chosen by the data set's seed."""
FEWEST = 40
"""Runs of each kind below which nothing is tried."""
FOLDS = 5
SURE = 0.01
"""Probability of a false alarm."""
CLEAR = 0.07
"""Half of the AUC's 95 % interval beyond which it says too little to pass: some 600 runs have less."""
NAMED = 3
"""Features that are named when a data set leaks."""
EXTRA = "not tried: pip install 'equipment-twin[learn]'"


class Auc(NamedTuple):
    """Area under the receiver operating characteristic, with its standard error and 95 % interval."""

    value: float
    error: float
    low: float
    high: float


class Leakage:
    """Gathers what precedes the onsets of some runs, then lets classifiers try to tell the faulty ones.

    Parameters
    ----------
    index : dict
        What was drawn of every run; None where it is damaged.
    """

    name = "leakage"

    def __init__(self, manifest: Manifest, index: dict[str, np.ndarray] | None) -> None:
        self._said = manifest
        self._onset: np.ndarray | None = None
        self._rows: list[np.ndarray] = []
        self._faulty: list[bool] = []
        self._names: tuple[str, ...] = ()
        if index is not None:
            self._choose(index)

    def _choose(self, index: dict[str, np.ndarray]) -> None:
        """Choose runs, and draw onsets for the healthy ones; a run whose fault never begins is left out."""
        generator = np.random.default_rng([self._said.seed % 2**32, 0x1EA4])
        onset = np.where(index["onset"] < self._said.length, index["onset"], np.nan)
        usable = (index["failed"] == 0) & ((index["fault"] == 0) | np.isfinite(onset))
        faulty = np.flatnonzero(usable & (index["fault"] > 0))
        if not faulty.size:
            return
        numbers = np.flatnonzero(usable)
        if numbers.size > MOST:
            numbers = np.sort(generator.choice(numbers, MOST, replace=False))
        self._onset = np.full(self._said.runs, np.nan)
        drawn = generator.choice(onset[faulty], numbers.size)
        self._onset[numbers] = np.where(index["fault"][numbers] > 0, onset[numbers], drawn)

    def take(self, piece: Piece) -> None:
        """Take the features of a shard's runs that were chosen."""
        if self._onset is None or not learnable():
            return
        chosen = np.flatnonzero(np.isfinite(self._onset[piece.number]))
        known, about = metadata(piece)
        for run in chosen.tolist():
            onset = self._onset[piece.number[run]]
            rows = math.floor(onset / self._said.every + 1e-9) + 1
            names, values = features(piece, run, rows, [column.name for column in self._said.channels])
            self._names = (*names, *known)
            self._rows.append(np.concatenate([values, about[run]]))
            self._faulty.append(bool(piece.drawn["fault"][run] > 0))

    def outcome(self) -> Outcome:
        """Return what classifiers could tell."""
        if not learnable():
            return Outcome(self.name, "not tried", EXTRA)
        if self._onset is None:
            return Outcome(self.name, "not tried", "there is no faulty run that begins sound, or no index")
        faulty = np.array(self._faulty, bool)
        few = min(int(faulty.sum()), int((~faulty).sum())) if faulty.size else 0
        if few < FEWEST:
            said = f"{faulty.sum()} faulty and {(~faulty).sum()} healthy runs; {FEWEST} of each are needed"
            return Outcome(self.name, "too few to tell", said)
        table = np.stack(self._rows).astype(float)
        table = table[:, [np.unique(column[np.isfinite(column)]).size > 1 for column in table.T]]
        found = {name: widened(auc(scores(make, table, faulty), faulty)) for name, make in classifiers().items()}
        return self._judged(found, faulty)

    def _judged(self, found: dict[str, Auc], faulty: np.ndarray) -> Outcome:
        """Return the verdict of all classifiers: each may alone prove a leak."""
        from scipy.stats import norm

        sure = float(norm.isf(SURE / len(found)))
        said = ", ".join(f"{name} {a.value:.3f} ({a.low:.3f} to {a.high:.3f})" for name, a in found.items())
        said = f"AUC of telling faulty from healthy runs before onsets, {faulty.size} runs: {said}"
        numbers = {f"{name}_{key}": getattr(a, key) for name, a in found.items() for key in ("value", "low", "high")}
        leaks = [a for a in found.values() if a.value - sure * a.error > HIGH or a.value + sure * a.error < LOW]
        if leaks:
            what = f"a run tells its fault before the onset; most telling: {', '.join(self._telling(faulty))}"
            finding = Finding("all splits", what, "draw these without regard to the class, or report it")
            return Outcome(self.name, "failed", said, (finding,), numbers)
        clear = all(LOW <= a.value <= HIGH and a.high - a.value <= CLEAR for a in found.values())
        return Outcome(self.name, "passed" if clear else "too few to tell", said, (), numbers)

    def _telling(self, faulty: np.ndarray) -> list[str]:
        """Return the names of the features that tell most on their own."""
        found = []
        for name, column in zip(self._names, np.stack(self._rows).astype(float).T, strict=True):
            known = np.isfinite(column)
            if known.any() and np.unique(column[known]).size > 1:
                value = auc(np.where(known, column, np.median(column[known])), faulty).value
                found.append((-abs(value - 0.5), name))
        return [name for _, name in sorted(found)[:NAMED]]


def learnable() -> bool:
    """Return whether scikit-learn is installed."""
    from importlib.util import find_spec

    return find_spec("sklearn") is not None


def classifiers() -> dict[str, Any]:
    """Return untrained classifiers: one of trees, which find thresholds and groups, and a linear one."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    forest = RandomForestClassifier(200, min_samples_leaf=3, max_features=0.2, random_state=0, n_jobs=-1)
    linear = make_pipeline(
        imputer, VarianceThreshold(), StandardScaler(),
        LogisticRegression(C=0.01, max_iter=2000),
    )  # fmt: skip
    return {
        "forest": make_pipeline(imputer, forest),
        "linear": linear,
    }


def scores(classifier: Any, table: np.ndarray, faulty: np.ndarray) -> np.ndarray:
    """Return the score of each run by a classifier that has not seen it, as a rank within its fold, in (0, 1)."""
    from scipy.stats import rankdata
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    found = np.empty(len(faulty))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(table, faulty):
        trained = clone(classifier).fit(table[train], faulty[train])
        found[test] = rankdata(trained.predict_proba(table[test])[:, 1]) / (len(test) + 1)
    return found


def auc(score: np.ndarray, positive: np.ndarray) -> Auc:
    """Return how well a score tells positives, with DeLong's standard error.

    Parameters
    ----------
    score : numpy.ndarray
        Shape (runs,).
    positive : numpy.ndarray
        bool, shape (runs,); both kinds are there.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44, 837; by ranks after Sun and Xu (2014).
    """
    from scipy.stats import rankdata

    one, other = score[positive], score[~positive]
    ranks = rankdata(score)
    above = (ranks[positive] - rankdata(one)) / len(other)
    below = 1.0 - (ranks[~positive] - rankdata(other)) / len(one)
    value = float(above.mean())
    return _interval(value, math.sqrt(above.var(ddof=1) / len(one) + below.var(ddof=1) / len(other)))


def widened(found: Auc) -> Auc:
    """Return an AUC of cross-validated scores with the interval that its folds allow: they share what they learn from.

    References
    ----------
    Nadeau and Bengio (2003), Machine Learning 52, 239: the variance grows by 1 + folds * (tested / trained).
    """
    return _interval(found.value, found.error * math.sqrt(1.0 + FOLDS / (FOLDS - 1.0)))


def _interval(value: float, error: float) -> Auc:
    return Auc(value, error, max(value - 1.96 * error, 0.0), min(value + 1.96 * error, 1.0))
