"""A finished data set, read a run or a window at a time."""

from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import h5py
import numpy as np

from scenarios.dataset import manifest as manifests
from scenarios.dataset.manifest import INDEX, Manifest, Shard
from scenarios.dataset.shard import PER_RUN, filters
from twin.errors import DataError, unknown

OPEN = 8
"""Shards that are open at once."""
SERIES = ("signals", "quality", "truth/signals", "truth/quantities", "labels/fault", "labels/severity", "labels/rul",
          "labels/mode", "labels/anomaly", "labels/changepoint", "labels/sensor_fault")  # fmt: skip
"""What has a value in every row."""
PER_CHANNEL = ("signals", "quality", "truth/signals", "labels/sensor_fault")
"""What of it has one for each channel."""
MISFITS = (OSError, KeyError, IndexError, ValueError, TypeError, AttributeError, RuntimeError)
"""What h5py raises where a file is damaged, or laid out otherwise than a data set's."""


class Event(NamedTuple):
    """A transition in a run: when [s], and ``asset.guard`` or ``asset.due``."""

    time: float
    name: str


class Run(NamedTuple):
    """A run: its number, what was drawn of it (see `PER_RUN`), series by their names in the file, and its events."""

    number: int
    drawn: dict[str, float]
    series: dict[str, np.ndarray]
    events: tuple[Event, ...]


class Dataset:
    """A data set in a folder.

    Shards are opened when something of them is asked for, so that a copy in another process opens its own.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    DataError
        If there is none, it isn't finished, or its index is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.manifest: Manifest = manifests.load(self.folder)
        self._open: OrderedDict[int, Any] = OrderedDict()
        self._first = np.array([shard.first for shard in self.manifest.shards])

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Dataset.__init__(self, state["folder"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.popitem()[1].close()

    @cached_property
    def runs(self) -> dict[str, np.ndarray]:
        """What was drawn of every run, arrays of shape (runs,) by their names in `PER_RUN`, and ``failed``."""
        path = self.folder / INDEX
        try:
            with h5py.File(path, "r") as index:
                found = {name: index[f"runs/{name}"][:] for name in (*PER_RUN, "failed")}
        except MISFITS as err:
            raise DataError(f"{path}: can't be read: {err}; make the data set again") from None
        if any(column.shape != (self.manifest.runs,) or column.dtype.kind not in "iuf" for column in found.values()):
            raise DataError(f"{path}: has not numbers of {self.manifest.runs} runs; make the data set again")
        return found

    def split(self, name: str) -> np.ndarray:
        """Return the numbers of a split's runs that have numbers.

        Raises
        ------
        DataError
            If there is no such split.
        """
        splits = self.manifest.splits
        if name not in splits:
            raise DataError(f"{self.folder}: {unknown('split', name, splits)}")
        mine = (self.runs["split"] == splits.index(name)) & (self.runs["failed"] == 0)
        return np.flatnonzero(mine)

    def shard(self, run: int) -> tuple[Any, int]:
        """Return the open file that a run is in, and its row there.

        Raises
        ------
        DataError
            If there is no such run, or its shard can't be opened.
        """
        if not 0 <= run < self.manifest.runs:
            raise DataError(f"{self.folder}: there is no run {run}, only 0 to {self.manifest.runs - 1}")
        k = int(np.searchsorted(self._first, run, side="right")) - 1
        if k not in self._open:
            if len(self._open) >= OPEN:
                self._open.popitem(last=False)[1].close()
            self._open[k] = self._opened(self.manifest.shards[k])
        self._open.move_to_end(k)
        return self._open[k], run - int(self._first[k])

    def _opened(self, shard: Shard) -> Any:
        filters(self.manifest.codec)  # a codec of another package is known to HDF5 once that is imported
        try:
            return h5py.File(self.folder / shard.file, "r")
        except OSError as err:
            raise DataError(f"{self.folder / shard.file}: can't be opened: {err}; make the data set again") from None

    def has(self, series: str) -> bool:
        """Return whether the data set has a series; truth may have been left out."""
        return "truth" in self.manifest.contents or not series.startswith("truth/")

    def window(self, run: int, first: int, rows: int, series: str = "signals") -> np.ndarray:
        """Return some rows of a series, shape (rows, ...).

        Raises
        ------
        DataError
            If there is no such run or series, or it can't be read.
        """
        if series not in SERIES or not self.has(series):
            raise DataError(f"{self.folder}: {unknown('series', series, filter(self.has, SERIES))}")
        file, row = self.shard(run)
        try:
            found = np.asarray(file[series][row, first : first + rows])
        except MISFITS as err:
            raise DataError(f"{self.folder}: run {run}: {series} can't be read: {err}; make it again") from None
        if found.shape != self._shape(series, first, rows) or found.dtype.kind not in "iuf":
            raise DataError(f"{self.folder}: run {run}: {series} is laid out otherwise; make the data set again")
        return found

    def _shape(self, series: str, first: int, rows: int) -> tuple[int, ...]:
        """Return the shape of some rows of a series by the manifest."""
        said = self.manifest
        count = len(range(said.rows)[first : first + rows])
        if series == "truth/quantities":
            return count, len(said.truth)
        return (count, len(said.channels)) if series in PER_CHANNEL else (count,)

    def run(self, number: int, series: tuple[str, ...] = SERIES) -> Run:
        """Return a run, with some of its series."""
        file, _ = self.shard(number)
        found = {name: self.window(number, 0, self.manifest.rows, name) for name in series if self.has(name)}
        try:
            events = file["events"]
            names = str(events["name"].attrs["flag_meanings"]).split(" ")
            mine = np.flatnonzero(events["run"][:] == number)
            happened = tuple(Event(float(events["time"][i]), names[int(events["name"][i])]) for i in mine)
        except MISFITS as err:
            raise DataError(f"{self.folder}: run {number}: events can't be read: {err}; make it again") from None
        return Run(number, {name: column[number].item() for name, column in self.runs.items()}, found, happened)

    def parameters(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the names of what differs between machines and runs, and its values (SI), shape (runs, names)."""
        names: tuple[str, ...] = ()
        pieces = []
        for shard in self.manifest.shards:
            file, _ = self.shard(shard.first)
            if "parameters" not in file["runs"]:
                return (), np.empty((self.manifest.runs, 0))
            names = tuple(file["runs/parameters"].attrs["names"])
            pieces.append(file["runs/parameters"][:])
        return names, np.concatenate(pieces)
