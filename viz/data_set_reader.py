"""What is read of a data set's HDF5 files: which runs there are, what one of them is, and its signals over time."""

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.errors import DataError, unknown
from viz import data_set_file as files
from viz.data_set_file import Expected
from viz.data_set_trend import Series, segments
from viz.data_sets import INDEX, Manifest, Shard, manifest_of

COLUMNS = {
    "split": "iu", "fault": "iu", "machine": "iu", "plant": "iu", "duty": "iu", "seed": "iu", "failed": "iu",
    "severity": "f", "onset": "f", "over": "f", "sensor_fault": "iu", "sensor_size": "f", "sensor_onset": "f",
    "sensor_end": "f",
}  # fmt: skip
"""What is known of each run, and what its numbers are."""
NEEDED = ("split", "fault")
MOST_RUNS = 5_000_000
MOST_BYTES = 2**30
"""What a run's numbers may take [bytes]."""
MOST_EVENTS = 200
MOST_HAPPENED = 10_000_000
"""Events of a shard."""
MOST_PARAMETERS = 500
MOST_SPANS = 400


class Chosen(NamedTuple):
    """Which runs: of a split, a class and a machine; all where nothing is said."""

    split: str = ""
    kind: str = ""
    machine: int | None = None


class Reader:
    """A finished data set.

    Parameters
    ----------
    place : Path
        Its folder.

    Raises
    ------
    DataError
        If it isn't finished, or doesn't hang together.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.manifest: Manifest = manifest_of(place)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """Return what is known of each run, arrays of shape (runs,) by name; what an older version lacks is left out.

        Raises
        ------
        DataError
            If the index can't be read, or is another's.
        """
        runs = self.manifest.runs
        if runs > MOST_RUNS:
            raise DataError(f"{self.place}: has {runs:,} runs, more than a page can list; look at it with Python")
        with files.opened(self.place, INDEX, Expected(self.manifest.index_sha256)) as file:
            there = [name for name in COLUMNS if name in NEEDED or files.there(file, f"runs/{name}")]
            found = {name: files.numbers(file, f"runs/{name}", COLUMNS[name], (runs,))[:] for name in there}
        return found

    @cached_property
    def duties(self) -> list[str]:
        """Return what the orders of modes are called, by their codes."""
        with files.opened(self.place, INDEX, Expected(self.manifest.index_sha256)) as file:
            if not files.there(file, "runs/duty"):
                return []
            return files.words(files.numbers(file, "runs/duty", "iu", (self.manifest.runs,)), "flag_meanings")

    def numbered(self, chosen: Chosen) -> np.ndarray:
        """Return the numbers of some runs.

        Raises
        ------
        DataError
            If there is no such split or class.
        """
        mine = np.ones(self.manifest.runs, bool)
        if chosen.split:
            if chosen.split not in self.manifest.splits:
                raise DataError(f"{self.place.name}: {unknown('split', chosen.split[:100], self.manifest.splits)}")
            mine &= self.columns["split"] == self.manifest.splits.index(chosen.split)
        if chosen.kind:
            codes = {kind.name: kind.code for kind in self.manifest.classes}
            if chosen.kind not in codes:
                raise DataError(f"{self.place.name}: {unknown('class', chosen.kind[:100], codes)}")
            mine &= self.columns["fault"] == codes[chosen.kind]
        if chosen.machine is not None:
            mine &= self.columns.get("machine", np.full(mine.size, -1)) == chosen.machine
        return np.flatnonzero(mine)

    def runs(self, chosen: Chosen, first: int, count: int) -> dict[str, Any]:
        """Return how many runs are chosen, and what is known of `count` of them from the one at `first` on."""
        numbers = self.numbered(chosen)
        return {"of": int(numbers.size), "runs": [self._drawn(int(n)) for n in numbers[first : first + count]]}

    def _drawn(self, number: int) -> dict[str, Any]:
        """Return what is known of a run; codes that stand for something are said as what they stand for."""
        known: dict[str, Any] = {name: column[number].item() for name, column in self.columns.items()}
        manifest = self.manifest
        names = {"split": manifest.splits, "plant": manifest.plants, "duty": self.duties}
        for name, meanings in names.items():
            if (code := known.get(name)) is not None:
                known[name] = meanings[code] if code < len(meanings) else str(code)
        known["kind"] = manifest.class_name(known["fault"])
        code = known.get("sensor_fault", 0)
        known["sensor_kind"] = next((kind.name for kind in manifest.sensor_faults if kind.code == code), "")
        return {"number": number, **known}

    def splits(self) -> list[dict[str, Any]]:
        """Return of each split how many runs and machines it has, and what of it no train run has shown.

        Those are machines, classes, and of the classes that train has those whose severities all lie beyond its own.
        """
        fault, split = self.columns["fault"], self.columns["split"]
        machine, seen = self.columns.get("machine"), split == 0
        found = []
        for code, name in enumerate(self.manifest.splits):
            mine = split == code
            fresh = np.setdiff1d(fault[mine], fault[seen])
            said: dict[str, Any] = {"name": name, "runs": int(mine.sum()), "machines": None, "new_machines": None}
            if machine is not None:
                machines = np.unique(machine[mine])
                said["machines"] = int(machines.size)
                said["new_machines"] = int(np.setdiff1d(machines, machine[seen]).size)
            said["new_classes"] = [self.manifest.class_name(int(k)) for k in fresh]
            said["new_severities"] = self._beyond(mine, seen)
            found.append(said)
        return found

    def _beyond(self, mine: np.ndarray, seen: np.ndarray) -> list[tuple[str, float, float]]:
        """Return the classes that some runs have at severities that others don't reach, and from where to where."""
        fault, severity = self.columns["fault"], self.columns.get("severity")
        found: list[tuple[str, float, float]] = []
        if severity is None:
            return found
        for code in np.intersect1d(fault[mine], fault[seen & (fault != 0)]):
            those, others = severity[mine & (fault == code)], severity[seen & (fault == code)]
            if those.min() > others.max() or those.max() < others.min():
                found.append((self.manifest.class_name(int(code)), float(those.min()), float(those.max())))
        return found

    def neighbours(self, number: int, chosen: Chosen) -> dict[str, int | None]:
        """Return the runs before and after one among those chosen, where it is, and the next of the same class."""
        numbers = self.numbered(chosen)
        at = int(np.searchsorted(numbers, number))
        here = at < numbers.size and int(numbers[at]) == number
        after = at + here
        alike = np.flatnonzero(self.columns["fault"] == self.columns["fault"][number])
        other = int(alike[np.searchsorted(alike, number, side="right") % alike.size])
        return {
            "previous": int(numbers[at - 1]) if at else None,
            "next": int(numbers[after]) if after < numbers.size else None,
            "other": other if other != number else None,
            "at": at + 1 if here else None, "of": int(numbers.size),
        }  # fmt: skip

    def run(self, number: int, chosen: Chosen) -> dict[str, Any]:
        """Return what a run is: what was drawn of it, its labels as spans of time, and its neighbours.

        Raises
        ------
        DataError
            If there is no such run, or it can't be read.
        """
        series = self.series(number)
        return {
            **self._drawn(number), **self.neighbours(number, chosen), **self._spans(series), **self._beside(number),
        }  # fmt: skip

    def _spans(self, series: Series) -> dict[str, Any]:
        """Return a run's labels as spans of time [s]."""
        every, manifest = self.manifest.every, self.manifest
        modes = {kind.code: kind.name for kind in manifest.modes}
        kinds = {kind.code: kind.name for kind in manifest.sensor_faults}
        mode = segments(series.mode, every) if series.mode is not None and modes else []
        codes = series.sensor if series.sensor is not None else np.zeros((0, 0), np.uint8)
        sensors = [
            (manifest.channels[c].name, begin, end, kinds.get(code, str(code)))
            for c in np.flatnonzero(codes.any(axis=0)) for begin, end, code in segments(codes[:, c], every) if code
        ]  # fmt: skip
        wrong = [span for span in segments(series.anomaly, every) if span[2]] if series.anomaly is not None else []
        missing = np.isnan(series.signals).mean(axis=0)
        return {
            "modes": [(a, b, modes.get(code, str(code))) for a, b, code in mode[:MOST_SPANS]],
            "sensors": sensors[:MOST_SPANS], "wrong": [span[:2] for span in wrong[:MOST_SPANS]],
            "missing": [round(float(share), 6) for share in missing],
            "life": series.remaining(), "worst": series.worst(),
        }  # fmt: skip

    def _beside(self, number: int) -> dict[str, Any]:
        """Return what is known of a run in its shard alone: what was spread, and what happened in it."""
        shard, row = self._shard(number)
        with files.opened(self.place, shard.file, Expected(shard.sha256, shard.bytes)) as file:
            return {"parameters": _parameters(file, shard, row), "events": _events(file, number)}

    def _shard(self, number: int) -> tuple[Shard, int]:
        if not 0 <= number < self.manifest.runs:
            raise DataError(f"{self.place.name}: there is no run {number}, only 0 to {self.manifest.runs - 1:,}")
        starts = [shard.first for shard in self.manifest.shards]
        shard = self.manifest.shards[int(np.searchsorted(starts, number, side="right")) - 1]
        return shard, number - shard.first

    def series(self, number: int) -> Series:
        """Return what a run has in every row; that of the last few runs is remembered.

        Raises
        ------
        DataError
            If there is no such run, or it can't be read.
        """
        return self._kept(number)

    @cached_property
    def _kept(self) -> Callable[[int], Series]:
        return lru_cache(2)(self._read)

    def _read(self, number: int) -> Series:
        manifest, (shard, row) = self.manifest, self._shard(number)
        rows, channels = manifest.rows, len(manifest.channels)
        if rows * channels * 16 > MOST_BYTES:
            raise DataError(f"{self.place}: a run of {rows:,} rows of {channels} channels is too long for a page")
        cell, line = (shard.runs, rows, channels), (shard.runs, rows)
        with files.opened(self.place, shard.file, Expected(shard.sha256, shard.bytes)) as file:
            return Series(
                manifest.every, np.asarray(files.numbers(file, "signals", "f", cell)[row]),
                *(
                    np.asarray(files.numbers(file, name, kinds, shape)[row]) if files.there(file, name) else None
                    for name, kinds, shape in (
                        ("truth/signals", "f", cell), ("labels/sensor_fault", "iu", cell),
                        ("labels/severity", "f", line), ("labels/rul", "f", line), ("labels/mode", "iu", line),
                        ("labels/anomaly", "iu", line),
                    )
                ),
            )  # fmt: skip


def _parameters(file: Any, shard: Shard, row: int) -> list[tuple[str, float, str]]:
    """Return name, value and unit (SI) of what differs between machines and runs."""
    if not files.there(file, "runs/parameters"):
        return []
    shape = files.shape(file, "runs/parameters")
    if len(shape) != 2 or shape[0] != shard.runs or shape[1] > MOST_PARAMETERS:
        raise ValueError(f"runs/parameters is of shape {shape}")
    data = files.numbers(file, "runs/parameters", "f", shape)
    names, units = files.words(data, "names"), files.words(data, "units_of")
    if not len(names) == len(units) == shape[1]:
        raise ValueError(f"runs/parameters has {len(names)} names of {shape[1]}")
    return list(zip(names, data[row].tolist(), units, strict=True))


def _events(file: Any, number: int) -> list[tuple[float, str]]:
    """Return when what happened in a run [s]."""
    if not files.there(file, "events/run"):
        return []
    shape = files.shape(file, "events/run")
    if len(shape) != 1 or shape[0] > MOST_HAPPENED:
        raise ValueError(f"events/run is of shape {shape}")
    runs = files.numbers(file, "events/run", "iu", shape)
    times = files.numbers(file, "events/time", "f", shape)
    codes = files.numbers(file, "events/name", "iu", shape)
    names = files.words(codes, "flag_meanings")
    mine = np.flatnonzero(runs[:] == number)[:MOST_EVENTS]
    said = [(float(times[i]), int(codes[i])) for i in mine]
    return [(time, names[code] if code < len(names) else str(code)) for time, code in said]
