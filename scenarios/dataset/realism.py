"""How far a data set is from a recording: distributions, spectra, memory, correlations, and what a classifier tells.

Everything is measured twice: of the values as they are, and of each run or file less its median, over its robust
deviation, because files differ in operating point. The recording is compared with itself too, one half with the
other: that is how near anything can be expected to come.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scenarios.dataset.recorded import Compared, Series
from scenarios.dataset.two_samples import Told, correlations, told

ROBUST, SPAN = 1.4826, 3.2897
"""Of a normal distribution: its deviation over its median absolute one; its 5 % to 95 % span over its deviation."""
MOST_VALUES = 100_000
"""Of a channel that enter a distribution."""
LONGEST = 64
"""Rows of a window at most."""
SHORTEST = 8
BRIDGED = 0.1
"""Share of a window that may be missing for a spectrum; it is bridged linearly, on both sides alike."""
PROBABILITIES = np.linspace(0.0, 1.0, 101)
"""Of the quantiles that are kept for drawing."""
DECIBELS = 20.0
"""Distance of spectra that counts as nothing in common."""


class Sample(NamedTuple):
    """One channel of one side: quantiles, power spectral density [dB], autocorrelation; empty where not measurable."""

    quantiles: np.ndarray
    spectrum: np.ndarray
    autocorrelation: np.ndarray


class Distances(NamedTuple):
    """Between two sides in one channel, NaN where one can't be measured.

    Attributes
    ----------
    wasserstein : float
        Over the recording's standard deviation.
    ks : float
        Kolmogorov and Smirnov's statistic, 0 to 1.
    spectrum : float
        Root mean square of the difference of the spectra [dB].
    autocorrelation : float
        Mean absolute difference, to half a window.
    """

    wasserstein: float
    ks: float
    spectrum: float
    autocorrelation: float


class View(NamedTuple):
    """Two sides compared in one way, raw or normalised; lists have a value for each channel."""

    distances: tuple[Distances, ...]
    real: tuple[Sample, ...]
    made: tuple[Sample, ...]
    correlation_real: np.ndarray
    correlation_made: np.ndarray
    correlation: float
    told: Told | None


class Realism(NamedTuple):
    """All that was measured; `itself` is the recording against its other half."""

    window: int
    raw: View
    normalised: View
    itself: View
    score: float
    score_itself: float


def measured(found: Compared, seed: int) -> Realism:
    """Return how far the data set is from the recording.

    Parameters
    ----------
    seed : int
        Of the choice of windows.
    """
    window = window_of([*found.real, *found.made])
    scaled = [normalised(series) for series in found.real], [normalised(series) for series in found.made]
    halves = halved([normalised(series) for series in found.real])
    raw = _view(found.real, found.made, window, found.every, seed)
    own = _view(*scaled, window, found.every, seed)
    itself = _view(*halves, window, found.every, seed)
    return Realism(window, raw, own, itself, score(own), score(itself))


def window_of(series: Sequence[Series]) -> int:
    """Return the rows of a window: a power of 2 that fits the shorter half of the series four times."""
    rows = float(np.median([len(each.values) for each in series])) / 4.0
    return int(min(LONGEST, max(SHORTEST, 2 ** math.floor(math.log2(max(rows, 1.0))))))


def normalised(series: Series) -> Series:
    """Return a series less its median, over its robust deviation.

    The deviation is that of a normal distribution with the same median absolute deviation, or with the same span from
    the 5 % to the 95 % quantile, whichever is greater: coarse steps make the first vanish. A standard deviation, where
    both are 0.
    """
    values = series.values.copy()
    for column in values.T:
        known = column[np.isfinite(column)]
        if known.size:
            middle = float(np.median(known))
            low, high = np.quantile(known, [0.05, 0.95])
            size = max(ROBUST * float(np.median(np.abs(known - middle))), float(high - low) / SPAN)
            column[:] = (column - middle) / (size or float(known.std()) or 1.0)
    return Series(series.name, values)


def halved(series: Sequence[Series]) -> tuple[list[Series], list[Series]]:
    """Return every second file and the others; the halves of the file where there is one."""
    if len(series) > 1:
        return list(series[::2]), list(series[1::2])
    half = len(series[0].values) // 2
    return [Series("first half", series[0].values[:half])], [Series("second half", series[0].values[half:])]


def score(view: View) -> float:
    """Return one number for a view, 0 to 100: the mean of five terms, each 1 for no difference.

    1 - KS; 1 - spectrum / 20 dB; 1 - autocorrelation distance; 1 - mean absolute difference of correlations;
    1 - 2 max(AUC - 1/2, 0). Means over channels; terms are kept in [0, 1]; what can't be measured is left out.
    """
    lists = np.array(view.distances)
    terms = [1.0 - _mean(lists[:, 1]), 1.0 - _mean(np.minimum(lists[:, 2] / DECIBELS, 1.0)), 1.0 - _mean(lists[:, 3])]
    terms.append(1.0 - view.correlation)
    terms.append(1.0 - 2.0 * max(view.told.auc - 0.5, 0.0) if view.told else math.nan)
    return 100.0 * _mean(np.clip(terms, 0.0, 1.0))


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _view(real: Sequence[Series], made: Sequence[Series], window: int, every: float, seed: int) -> View:
    """Return two sides compared."""
    channels = range(real[0].values.shape[1])
    pooled = [[_pooled(side, c) for c in channels] for side in (real, made)]
    samples = [
        tuple(
            Sample(_quantiles(pool[c]), _spectrum(side, c, window, every), _memory(side, c, window)) for c in channels
        )
        for side, pool in zip((real, made), pooled, strict=True)
    ]
    distances = tuple(_distances(pooled[0][c], pooled[1][c], samples[0][c], samples[1][c]) for c in channels)
    matrices = [correlations(np.concatenate([series.values for series in side])) for side in (real, made)]
    apart = np.abs(matrices[0] - matrices[1])[np.triu_indices(len(channels), 1)]
    return View(
        distances, samples[0], samples[1], matrices[0], matrices[1], _mean(apart), told(real, made, window, seed)
    )


def _pooled(side: Sequence[Series], channel: int) -> np.ndarray:
    """Return a channel's known values, evenly thinned where they are many."""
    values = np.concatenate([series.values[:, channel] for series in side])
    known = values[np.isfinite(values)]
    return np.asarray(known[:: max(-(-known.size // MOST_VALUES), 1)])


def _quantiles(values: np.ndarray) -> np.ndarray:
    return np.quantile(values, PROBABILITIES) if values.size else np.empty(0)


def windows(values: np.ndarray, rows: int, step: int) -> np.ndarray:
    """Return windows of a series that lack little, what they lack bridged linearly, shape (windows, rows).

    Parameters
    ----------
    values : numpy.ndarray
        Shape (rows,).
    """
    if values.size < rows:
        return np.empty((0, rows))
    cut = np.lib.stride_tricks.sliding_window_view(values, rows)[::step]
    found = np.array(cut[np.isfinite(cut).mean(axis=1) >= 1.0 - BRIDGED])
    place = np.arange(rows)
    for piece in found:
        good = np.isfinite(piece)
        piece[~good] = np.interp(place[~good], place[good], piece[good])
    return found


def _spectrum(side: Sequence[Series], channel: int, window: int, every: float) -> np.ndarray:
    """Return the power spectral density after Welch (1967) without its first and last frequency [dB]."""
    from scipy.signal import periodogram

    pieces = np.concatenate([windows(series.values[:, channel], window, window // 2) for series in side])
    if not len(pieces):
        return np.empty(0)
    _, density = periodogram(pieces, fs=1.0 / every, window="hann", detrend="constant", axis=1)
    mean = density.mean(axis=0)[1:-1]
    return np.asarray(10.0 * np.log10(np.maximum(mean, 1e-12 * max(float(mean.max()), 1e-300))))


def _memory(side: Sequence[Series], channel: int, window: int) -> np.ndarray:
    """Return the autocorrelation to half a window, about each series' own mean, over all series."""
    lags = window // 2 + 1
    found, weights = np.zeros(lags), 0.0
    for series in side:
        values = series.values[:, channel]
        good = np.isfinite(values)
        if good.sum() <= window:
            continue
        apart = np.where(good, values - values[good].mean(), 0.0)
        variance = float((apart**2).sum() / good.sum())
        if variance > 0.0:
            pairs = [np.count_nonzero(good[: len(good) - lag] & good[lag:]) for lag in range(lags)]
            sums = [float(apart[: len(apart) - lag] @ apart[lag:]) for lag in range(lags)]
            found += good.sum() * np.array(sums) / np.maximum(pairs, 1) / variance
            weights += float(good.sum())
    return found / weights if weights else np.empty(0)


def _distances(one: np.ndarray, other: np.ndarray, real: Sample, made: Sample) -> Distances:
    from scipy.stats import ks_2samp, wasserstein_distance

    nothing = math.nan
    marginal, ks = nothing, nothing
    if one.size and other.size:
        size = float(one.std())
        marginal = float(wasserstein_distance(one, other)) / size if size > 0.0 else nothing
        ks = float(ks_2samp(one, other, method="asymp").statistic)
    spectrum = nothing
    if real.spectrum.size and made.spectrum.size:
        spectrum = float(np.sqrt(np.mean((real.spectrum - made.spectrum) ** 2)))
    memory = nothing
    if real.autocorrelation.size and made.autocorrelation.size:
        memory = float(np.abs(real.autocorrelation - made.autocorrelation)[1:].mean())
    return Distances(marginal, ks, spectrum, memory)
