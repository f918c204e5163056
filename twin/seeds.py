"""Seeds of members, and where the streams of random numbers start that are keyed by them."""

from zlib import crc32

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def mixed(z: np.ndarray) -> np.ndarray:
    """Return the output function of SplitMix64, a bijection of 64 bits in which every bit depends on every other."""
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    return np.asarray(z ^ (z >> np.uint64(31)))


def member_seeds(seed: int, members: int) -> np.ndarray:
    """Return a seed for each member of a run, uint64 of shape (members,).

    The first ones of a larger run are those of a smaller one.
    """
    base = mixed(np.array([seed % 2**64], np.uint64) + GOLDEN)
    return mixed(base + GOLDEN * np.arange(1, members + 1, dtype=np.uint64))


def starts(seeds: np.ndarray, name: str, purpose: str) -> np.ndarray:
    """Return where each seed's stream starts, uint64: compiled code goes on from there by itself."""
    key = np.uint64(crc32(name.encode()) << 32 | crc32(purpose.encode()))
    return mixed(mixed(np.asarray(seeds, np.uint64)) ^ mixed(np.array([key]) + GOLDEN))
