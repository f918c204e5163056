"""Rows that can be compared: those of recorded files and those of a data set's runs, on one grid of times."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenarios.dataset.manifest import Column
from scenarios.dataset.reading import Dataset
from twin.clean.block import is_bad
from twin.clean.notes import Notes
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording
from twin.clean.table import open_table
from twin.errors import DataError
from twin.runs import Scale

MOST_RUNS = 200
"""Of the data set, chosen by its seed: more tell the same."""
MOST_ROWS = 5_000_000
"""Of a recorded file on the grid."""
ANOMALY = "anomaly"
"""Label of a recording that marks rows that aren't healthy."""


class Series(NamedTuple):
    """Rows of a run or of a file, evenly apart, shape (rows, channels); NaN where nothing is to be compared."""

    name: str
    values: np.ndarray


class Compared(NamedTuple):
    """What is compared.

    Attributes
    ----------
    channels : tuple of Column
        Those that both have.
    every : float
        Time between two rows [s].
    real, made : tuple of Series
        Of the recording and of the data set.
    unmarked : tuple of str
        Recorded files in which nothing marks what isn't healthy: all of their rows are taken.
    """

    channels: tuple[Column, ...]
    every: float
    real: tuple[Series, ...]
    made: tuple[Series, ...]
    unmarked: tuple[str, ...]

    @property
    def marked(self) -> bool:
        """Whether any recorded file marks what isn't healthy."""
        return len(self.unmarked) < len(self.real)


class _Readings(NamedTuple):
    """Good readings of a file: instants [us UTC], columns, values in the columns' units; and spans that aren't whole.

    Attributes
    ----------
    period : float
        Median time between two readings of a channel, the slowest one's [s].
    marked : numpy.ndarray or None
        Instants that a label calls anomalous [us UTC]; None where the file has no such label.
    """

    name: str
    time: np.ndarray
    column: np.ndarray
    value: np.ndarray
    period: float
    marked: np.ndarray | None


def compared(data: Dataset, recording: str, files: Sequence[Path]) -> Compared:
    """Return healthy rows of a data set and of recorded files.

    A recording that is slower than the data set is compared with every so many rows of it; of one that is faster, the
    last reading before each row is taken, as an instrument that is asked so often would show it.

    Raises
    ------
    PlantError, DataError
        If the recording can't be read, or shares no channel with the data set.
    """
    recordings = [Recording.load(recording, file) for file in files] or [Recording.load(recording)]
    tags = {recordings[0].recipe.tags[column.tag].tag for column in recordings[0].columns}
    columns = tuple(column for column in data.manifest.channels if column.name in tags)
    if not columns:
        there = ", ".join(column.name for column in data.manifest.channels)
        raise DataError(
            f"{recording}: has none of the channels of {data.folder}, {there}; name a recording of the same plant"
        )
    read = [_read(each, columns) for each in recordings]
    each = data.manifest.every
    step = max([1, *(round(found.period / each) for found in read)])
    real = tuple(_gridded(found, step * each, len(columns)) for found in read)
    if not any(np.isfinite(series.values).any() for series in real):
        raise DataError(f"{recording}: holds no healthy reading; name another --file")
    unmarked = tuple(found.name for found in read if found.marked is None)
    return Compared(columns, step * each, real, _made(data, columns, step), unmarked)


def _read(recording: Recording, columns: Sequence[Column]) -> _Readings:
    """Return the good readings of a file, as its recipe leaves them."""
    engine, steps = recording.cleaner(), recording.recipe.tags
    names = [column.name for column in columns]
    place = np.array([names.index(each.tag) if each.tag in names else -1 for each in steps])
    pieces = [engine.put(block) for block in blocks(recording)]
    pieces.append(engine.finish())
    time, tag, value, bad = (
        np.concatenate(column)
        for column in zip(*((p.time, p.tag, p.value, is_bad(p.quality)) for p in pieces), strict=True)
    )
    kept = (place[tag] >= 0) & ~bad & np.isfinite(value)
    time, column, value = time[kept], place[tag[kept]], value[kept]
    periods = [0.0]
    for k, each in enumerate(columns):
        mine = column == k
        si = next(s.si for s in steps if s.tag == each.name)
        value[mine] = Scale.of(si, each.unit)(value[mine])
        gaps = np.diff(np.sort(time[mine]))
        periods.append(float(np.median(gaps[gaps > 0])) / 1e6 if (gaps > 0).any() else 0.0)
    name = f"{recording.file.parent.name}/{recording.file.name}"
    return _Readings(name, time, column, value, max(periods), _marked(recording))


def _marked(recording: Recording) -> np.ndarray | None:
    """Return the instants that a label calls anomalous; None where the file, as one of a sound time, has no label."""
    column = recording.labels.get(ANOMALY, "")
    there = open_table(recording.file_there(), recording.format, Notes()).columns
    if column not in there and not column.startswith("#"):
        return None
    said = labels(replace(recording, labels={ANOMALY: column}))
    return np.asarray(said.time[said.marks[ANOMALY] > 0.5])


def _gridded(found: _Readings, every: float, channels: int) -> Series:
    """Return readings on a grid: the last one of each interval, none where a label marks it."""
    if not found.time.size:
        return Series(found.name, np.full((0, channels), np.nan))
    order = np.argsort(found.time, kind="stable")
    begin, period = found.time[order[0]], round(every * 1e6)
    rows = np.asarray((found.time - begin + period // 2) // period, np.int64)
    if rows.max() >= MOST_ROWS:
        raise DataError(f"{found.name}: {rows.max()} rows of {every:g} s, {MOST_ROWS} at most; name a shorter --file")
    values = np.full((int(rows.max()) + 1, channels), np.nan)
    values[rows[order], found.column[order]] = found.value[order]
    if found.marked is not None:
        marked = (found.marked - begin + period // 2) // period
        values[marked[(marked >= 0) & (marked < len(values))]] = np.nan
    return Series(found.name, values)


def _made(data: Dataset, columns: Sequence[Column], step: int) -> tuple[Series, ...]:
    """Return the healthy rows of some runs whose instruments are sound."""
    said = data.manifest
    names = [column.name for column in said.channels]
    which = [names.index(column.name) for column in columns]
    runs = np.flatnonzero(data.runs["failed"] == 0)
    if runs.size > MOST_RUNS:
        generator = np.random.default_rng([said.seed % 2**32, 0xC0])
        runs = np.sort(generator.choice(runs, MOST_RUNS, replace=False))
    found = []
    for run in runs.tolist():
        values = data.window(run, 0, said.rows)[:, which].astype(float)
        healthy = data.window(run, 0, said.rows, "labels/anomaly") == 0
        sound = data.window(run, 0, said.rows, "labels/sensor_fault")[:, which] == 0
        found.append(Series(f"run {run}", np.where(healthy[:, None] & sound, values, np.nan)[::step]))
    return tuple(found)
