"""Windows of a data set, one HDF5 file a split: every dataset has the windows as its first dimension."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from scenarios.dataset.reading import Dataset
from scenarios.dataset.shard import filters
from scenarios.dataset.spec import SPLITS
from scenarios.dataset.training import TwinDataset
from twin.errors import DataError

LABELS = ("fault", "severity", "rul", "mode", "anomaly")
"""Labels of a window's last row."""
CHUNK_BYTES = 2**20
BATCH_BYTES = 16 * 2**20


def write_windows(data: Dataset, folder: Path, rows: int, each: int) -> None:
    """Write evenly spaced windows of every split that has runs.

    Parameters
    ----------
    data : Dataset
    folder : Path
        Gets ``train.h5`` and so on.
    rows : int
        Of a window.
    each : int
        Windows from each run.

    Raises
    ------
    DataError
        If runs are shorter than a window, or have fewer different windows.
    """
    free = data.manifest.rows - rows + 1
    if free < 1:
        raise DataError(
            f"{data.folder}: runs of {data.manifest.rows} rows have no windows of {rows} rows; "
            f"give --windows {data.manifest.rows} or less"
        )
    if each > free:
        raise DataError(
            f"{data.folder}: runs of {data.manifest.rows} rows have {free} different windows of {rows} rows; "
            f"give --each {free} or less"
        )
    for split in SPLITS:  # not what the file says: names become files
        windows = TwinDataset(data.folder, split, rows=rows, windows=each, seed=None)
        if len(windows):
            with h5py.File(folder / f"{split}.h5", "w", track_order=True) as file:
                _fill(file, windows)
        windows.data.close()


def _fill(file: Any, windows: TwinDataset) -> None:
    """Write a split's windows, a batch of runs at a time."""
    said = windows.data.manifest
    file.attrs.update(
        {"format": "equipment-twin windows", "version": 1, "dataset": said.name, "identity": said.identity,
         "split": windows.split, "license": said.license, "every": said.every, "rows": windows.rows}
    )  # fmt: skip
    made = _make(file, windows)
    size = windows.rows * len(windows.channels) * 5  # a float32, and whether it was measured
    runs = max(BATCH_BYTES // (size * windows.windows), 1)
    for begin in range(0, len(windows.runs), runs):
        part = range(begin * windows.windows, min((begin + runs) * windows.windows, len(windows)))
        batch = [windows[index] for index in part]
        columns = {"x": [w.x for w in batch], "measured": [w.measured for w in batch]}
        columns |= _labels(windows, [(w.run, w.first) for w in batch])
        for name, values in columns.items():
            made[name][part.start : part.stop] = np.array(values)


def _labels(windows: TwinDataset, places: list[tuple[int, int]]) -> dict[str, list[Any]]:
    """Return where windows are from, and what is true of their last rows; a run's labels are read once."""
    data = windows.data
    found: dict[str, list[Any]] = {name: [] for name in (*LABELS, "run", "first", "machine")}
    series: dict[str, np.ndarray] = {}
    of = -1
    for run, first in places:
        if run != of:
            series = {name: data.window(run, 0, data.manifest.rows, f"labels/{name}") for name in LABELS}
            of = run
        for name, values in series.items():
            found[name].append(values[first + windows.rows - 1])
        found["run"].append(run)
        found["first"].append(first)
        found["machine"].append(data.runs["machine"][run])
    return found


def _make(file: Any, windows: TwinDataset) -> dict[str, Any]:
    """Make the datasets with what they mean."""
    said, number, cell = windows.data.manifest, len(windows), (windows.rows, len(windows.channels))
    packed = filters(said.codec)
    chunk = min(max(CHUNK_BYTES // (4 * cell[0] * cell[1]), 1), number)
    made = {
        name: file.create_dataset(name, (number, *cell), dtype, chunks=(chunk, *cell), **packed)
        for name, dtype in (("x", np.float32), ("measured", np.bool_))
    }
    docs = {
        "fault": (np.uint8, "1", "what is wrong with the equipment, in the last row"),
        "severity": (np.float32, "1", "how bad it is in the last row, as a share of the worst"),
        "rul": (np.float32, "s", "time from the last row to the end of life; NaN where it isn't known"),
        "mode": (np.uint8, "1", "how the plant is operated, in the last row"),
        "anomaly": (np.uint8, "1", "1 where something is wrong with the equipment in the last row"),
        "run": (np.int64, "1", "number of the run in the data set"),
        "first": (np.int64, "1", "first row of the window in its run"),
        "machine": (np.int32, "1", "which machine made the run"),
    }
    for name, (dtype, unit, doc) in docs.items():
        made[name] = file.create_dataset(name, (number,), dtype)
        made[name].attrs.update({"units": unit, "long_name": doc})
    for name, classes in (("fault", said.classes), ("mode", said.modes)):
        made[name].attrs["flag_values"] = np.array([each.code for each in classes] or [0], np.uint8)
        made[name].attrs["flag_meanings"] = " ".join(each.name for each in classes) or "only"
    made["x"].attrs.update(
        {"units": "1", "long_name": "signals, less the mean of the train split, by its deviation; 0 where missing",
         "channels": windows.channels, "units_of": [column.unit for column in said.channels],
         "mean": windows.mean, "deviation": windows.deviation}
    )  # fmt: skip
    made["measured"].attrs.update({"units": "1", "long_name": "whether x was measured there"})
    return made
