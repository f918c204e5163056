"""Random numbers that are a function of seed, name, purpose and index: the same in any order, block or process."""

import numpy as np
from scipy.special import ndtri

from twin.seeds import GOLDEN, member_seeds, mixed, starts

__all__ = ["bits", "member_seeds", "normal", "normal_at", "starts", "uniform"]


def bits(seeds: np.ndarray, name: str, purpose: str, first: int, count: int) -> np.ndarray:
    """Return 64 random bits for each seed and each index from `first`, uint64 of shape (seeds, count).

    Parameters
    ----------
    seeds : numpy.ndarray
        One for each member, uint64.
    name, purpose : str
        What the numbers are for, e.g. ``"TI-101"`` and ``"noise"``; streams of other names are independent.
    first : int
        Index of the first number; index 7 is the same number in every call.
    """
    return _bits(seeds, name, purpose, np.arange(first + 1, first + count + 1, dtype=np.uint64))


def _bits(seeds: np.ndarray, name: str, purpose: str, ordinals: np.ndarray) -> np.ndarray:
    return mixed(starts(seeds, name, purpose)[:, None] + GOLDEN * ordinals)


def _open(drawn: np.ndarray) -> np.ndarray:
    """Return numbers in the open interval (0, 1)."""
    return ((drawn >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def uniform(seeds: np.ndarray, name: str, purpose: str, first: int, count: int) -> np.ndarray:
    """Return numbers in the open interval (0, 1), as `bits` does."""
    return _open(bits(seeds, name, purpose, first, count))


def normal(seeds: np.ndarray, name: str, purpose: str, first: int, count: int) -> np.ndarray:
    """Return numbers of mean 0 and standard deviation 1, as `bits` does."""
    # ndtri goes element by element: a number never depends on its neighbours, as numpy's vectorised log might.
    return np.asarray(ndtri(uniform(seeds, name, purpose, first, count)))


def normal_at(seeds: np.ndarray, name: str, purpose: str, indices: np.ndarray) -> np.ndarray:
    """Return the numbers that `normal` has at these indices, shape (seeds, indices)."""
    ordinals = np.asarray(indices, np.uint64) + np.uint64(1)
    return np.asarray(ndtri(_open(_bits(seeds, name, purpose, ordinals))))
