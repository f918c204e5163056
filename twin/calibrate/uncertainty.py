"""How far estimates may be off: correlated residuals, covariance, and what the data can't tell apart."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WINDOW = 6.0
"""The sum of autocorrelations ends where the lag is this many times what it has come to (Sokal)."""
ALIKE = 0.95
"""Estimates this correlated act together."""
LEAST = 1e-9
"""What moves less than this share of the noise doesn't move."""
RIDGE = 1e-12
CONFIDENCE = 0.95


class Held(NamedTuple):
    """An unknown that the data can't tell, why, and the one that it acts together with."""

    name: str
    why: str
    partner: str = ""


def correlation_time(residual: np.ndarray) -> float:
    """Return how many neighbouring rows count as one: the integrated autocorrelation time, at least 1.

    Parameters
    ----------
    residual : (rows,)
        NaN where there is none. The window grows with the sum as Sokal (1997) proposes.
    """
    there = np.isfinite(residual)
    centred = np.where(there, residual - residual[there].mean(), 0.0)
    size = 2 ** int(np.ceil(np.log2(2 * len(centred))))
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    covariance = np.fft.irfft(power, size)[: len(centred)]
    if not covariance[0] > 0.0:
        return 1.0
    sums = 2.0 * np.cumsum(covariance / covariance[0]) - 1.0
    lags = np.arange(len(sums))
    end = int(np.argmax(lags >= WINDOW * np.maximum(sums, 1.0)))
    return float(np.clip(sums[end], 1.0, there.sum() / 2.0))


def information(jacobian: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return what data and prior say of the unknowns, the inverse of their covariance, (unknowns, unknowns).

    Parameters
    ----------
    jacobian : (rows, unknowns)
        Of predictions in standard deviations of independent readings.
    prior : (unknowns,)
        Standard deviations of what is known beforehand, infinite where nothing is.
    """
    return np.asarray(jacobian.T @ jacobian + np.diag(prior**-2.0))


def covariance(info: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the inverse of an information matrix, scaled by spreads for the sake of its digits."""
    scaled = info * np.outer(spread, spread)
    inverse = np.linalg.pinv(scaled + RIDGE * np.eye(len(scaled)) * max(np.trace(scaled), 1e-300), hermitian=True)
    return np.asarray(inverse * np.outer(spread, spread))


def root(cov: np.ndarray) -> np.ndarray:
    """Return a matrix whose product with its transpose is a covariance, which may be singular."""
    size = np.sqrt(np.maximum(np.diag(cov), 1e-300))
    values, vectors = np.linalg.eigh(cov / np.outer(size, size))
    return np.asarray(size[:, None] * vectors * np.sqrt(np.maximum(values, 0.0)))


def correlations(cov: np.ndarray) -> np.ndarray:
    """Return the correlation matrix of a covariance."""
    deviation = np.sqrt(np.maximum(np.diag(cov), 1e-300))
    return np.asarray(cov / np.outer(deviation, deviation))


def unidentified(info: np.ndarray, spread: np.ndarray, names: Sequence[str], shared: int) -> list[Held]:
    """Return parameters about which the data say less than their spread does, the least known first.

    Each is taken out before the next is looked for: of two that only act together one stays.

    Parameters
    ----------
    shared : int
        How many unknowns are parameters; initial states behind them have priors and stay.
    """
    held: list[Held] = []
    left = list(range(len(names)))
    while any(k < shared for k in left):
        part = np.ix_(left, left)
        cov = covariance(info[part], spread[left])
        error = np.sqrt(np.diag(cov)) / spread[left]
        mine = [i for i, k in enumerate(left) if k < shared]
        worst = max(mine, key=lambda i: error[i])
        if error[worst] <= 1.0:
            break
        name = names[left[worst]]
        alone = 1.0 / max(np.sqrt(info[left[worst], left[worst]]) * spread[left[worst]], 1e-300)
        if alone > 1.0:
            share = f", by {1.0 / alone:.2g}" if 1.0 / alone > LEAST else ": not at all"
            held.append(Held(name, f"the data don't excite it: it moves less than noise within its spread{share}"))
        else:
            others = np.abs(correlations(cov)[worst])
            others[worst] = 0.0
            partner = names[left[int(np.argmax(others))]]
            if others.max() >= ALIKE:
                why = f"acts only together with {partner} (correlation {others.max():.4f})"
            else:
                why = f"beside the others the data tell it to {error[worst]:.3g} of its spread, less than was known; "
                why += f"most like {partner} (correlation {others.max():.2f})"
            held.append(Held(name, why, partner))
        left.pop(worst)
    return held
