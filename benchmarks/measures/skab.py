"""Recordings of the SKAB bench as rows of readings, their healthy stretches, and intervals over files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.recordings import RECORDING, TEACHING
from twin.clean.block import joined
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording

TAGS = ("Accelerometer1RMS", "Accelerometer2RMS", "Temperature", "Thermocouple", "VolumeFlowRateRMS")
"""Tags that detectors see: those that the specification of the synthetic runs samples, in its order."""
LENGTH = 1150
"""Rows of a stretch of the long healthy recording: as many as a labelled file has."""
RESAMPLED = 2000
"""How often files are drawn anew for an interval."""


class Rows(NamedTuple):
    """A file: its readings in its own units, shape (n, tags), NaN where there is none, and which rows are labelled."""

    name: str
    readings: np.ndarray
    labelled: np.ndarray


class Stretch(NamedTuple):
    """Healthy readings, shape (n, tags), the first `teaching` of which are the reference of the others."""

    readings: np.ndarray
    teaching: int


def files(folder: Path) -> list[Path]:
    """Return the labelled files in the order of their numbers."""
    return sorted(folder.glob("*/*.csv"), key=lambda file: (file.parent.name, int(file.stem)))


def rows(file: Path, tags: Sequence[str] = TAGS, *, marked: bool = True) -> Rows:
    """Return a file's rows of some tags; one that isn't `marked` has no column of labels, and no row is labelled.

    Raises
    ------
    DataError
        If it can't be read.
    """
    recording = Recording.load(RECORDING, file)
    read = joined(list(blocks(recording)))
    time, row = np.unique(read.time, return_inverse=True)
    known = list(recording.plant.tags)
    table = np.full((time.size, len(known)), np.nan)
    table[row, read.tag] = read.value
    labelled = np.zeros(time.size, bool)
    if marked:
        marks = labels(recording)
        labelled[np.searchsorted(time, marks.time)] = marks.marks["anomaly"] > 0.0
    return Rows(f"{file.parent.name}/{file.stem}", table[:, [known.index(tag) for tag in tags]], labelled)


def healthy(free: np.ndarray, labelled: Sequence[Rows]) -> list[Stretch]:
    """Return all healthy rows that may teach: stretches of the long recording, and the first rows of every file.

    Of the latter the first half is the reference of the second, as rows are that come later.
    """
    starts = range(0, len(free) - LENGTH + 1, LENGTH)
    found = [Stretch(free[start : start + LENGTH], TEACHING) for start in starts]
    return found + [Stretch(file.readings[:TEACHING], TEACHING // 2) for file in labelled]


def f1(counts: np.ndarray) -> np.ndarray:
    """Return F1 of counts of shape (..., 4): right alarms, false ones, missed rows, rightly silent ones."""
    right, false, missed, _ = np.moveaxis(np.asarray(counts, float), -1, 0)
    return np.asarray(2.0 * right / np.maximum(2.0 * right + false + missed, 1.0))


def resampled(counts: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return pooled counts of files drawn with replacement, shape (RESAMPLED, 4), of counts of shape (files, 4).

    The same files are drawn for every detector, so that differences are of pairs.
    """
    which = np.random.default_rng(seed).integers(0, len(counts), (RESAMPLED, len(counts)))
    return np.asarray(counts[which].sum(axis=1))
