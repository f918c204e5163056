"""Random numbers that are a function of seed, name, purpose and index: the same in any order, block or process."""

from zlib import crc32

import numpy as np
from scipy.special import ndtri

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def _mixed(z: np.ndarray) -> np.ndarray:
    """Return the output function of SplitMix64, a bijection of 64 bits in which every bit depends on every other."""
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))


def member_seeds(seed: int, members: int) -> np.ndarray:
    """Return a seed for each member of a run, uint64 of shape (members,).

    The first ones of a larger run are those of a smaller one.
    """
    base = _mixed(np.array([seed % 2**64], np.uint64) + _GOLDEN)
    return _mixed(base + _GOLDEN * np.arange(1, members + 1, dtype=np.uint64))


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


def starts(seeds: np.ndarray, name: str, purpose: str) -> np.ndarray:
    """Return where each seed's stream starts, uint64: compiled code goes on from there by itself."""
    key = np.uint64(crc32(name.encode()) << 32 | crc32(purpose.encode()))
    return _mixed(_mixed(np.asarray(seeds, np.uint64)) ^ _mixed(np.array([key]) + _GOLDEN))


def _bits(seeds: np.ndarray, name: str, purpose: str, ordinals: np.ndarray) -> np.ndarray:
    return _mixed(starts(seeds, name, purpose)[:, None] + _GOLDEN * ordinals)


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
