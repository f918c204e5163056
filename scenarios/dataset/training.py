"""Windows of a data set as training reads them: a map-style data set, as PyTorch has them, without needing PyTorch."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenarios.dataset.reading import Dataset
from twin.errors import DataError, unknown
from twin.streams import bits, member_seeds

LABELS = ("fault", "severity", "rul", "mode", "anomaly", "changepoint")


class Window(NamedTuple):
    """Rows of a run.

    Attributes
    ----------
    x : numpy.ndarray
        Normalised signals, float32, shape (rows, channels); 0, the mean, where nothing was measured.
    measured : numpy.ndarray
        Where something was, bool, of the same shape.
    y : numpy.int64 or numpy.float32
        The label of the last row: a code, or a number.
    run, first : int
        Where it is from.
    """

    x: np.ndarray
    measured: np.ndarray
    y: np.generic
    run: int
    first: int


class TwinDataset:
    """Windows of one split, by index; the same for the same seed and epoch.

    Files are opened when a window is asked for, in whatever process asks. PyTorch's ``DataLoader`` takes it as it is,
    with any number of workers, and makes a `Window` of tensors of each batch. Normalisation is the train split's,
    whatever the split.

    Parameters
    ----------
    folder : Path or str
    split : str
    rows : int
        Of a window.
    label : str
        One of `LABELS`.
    windows : int
        From each run, drawn at random; evenly spaced, the last at the run's end, where `seed` is None.
    seed : int, optional
    epoch : int
        Each draws other windows of the same runs; see `set_epoch`.

    Raises
    ------
    DataError
        If there is no such data set, split or label, or runs are shorter than a window.
    """

    def __init__(
        self, folder: Path | str, split: str = "train", *, rows: int = 128, label: str = "fault", windows: int = 8,
        seed: int | None = 0, epoch: int = 0,
    ) -> None:  # fmt: skip
        self.data = Dataset(Path(folder))
        said = self.data.manifest
        if label not in LABELS:
            raise DataError(f"{folder}: {unknown('label', label, LABELS)}")
        if not 1 <= rows <= said.rows or windows < 1:
            raise DataError(f"{folder}: {windows} windows of {rows} rows don't fit runs of {said.rows}; give fewer")
        self.split, self.rows, self.label, self.windows, self.epoch = split, rows, label, windows, epoch
        self.runs = self.data.split(split)
        self.mean = np.array(said.mean, np.float32)
        self.deviation = np.array([d if d > 0.0 else 1.0 for d in said.deviation], np.float32)
        self._last = said.rows - rows
        self._seeds = None if seed is None else member_seeds(seed, said.runs)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the columns of `Window.x`."""
        return tuple(column.name for column in self.data.manifest.channels)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the faults by their codes."""
        return tuple(each.name for each in self.data.manifest.classes)

    def __len__(self) -> int:
        return len(self.runs) * self.windows

    def set_epoch(self, epoch: int) -> None:
        """Draw the windows of another epoch from now on; a DataLoader's running workers keep theirs."""
        self.epoch = epoch

    def place(self, index: int) -> tuple[int, int]:
        """Return run and first row of a window.

        Raises
        ------
        IndexError
            If there are not so many.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        position, window = divmod(index % len(self), self.windows)
        run = int(self.runs[position])
        if self._seeds is None:
            return run, round(self._last * (window + 1) / self.windows)
        number = self.epoch * self.windows + window
        drawn = bits(self._seeds[run : run + 1], "window", "first", number, 1)[0, 0]
        return run, int(drawn % np.uint64(self._last + 1))

    def __getitem__(self, index: int) -> Window:
        """Return a window."""
        run, first = self.place(index)
        raw = self.data.window(run, first, self.rows)
        measured = np.isfinite(raw)
        x = np.where(measured, (raw - self.mean) / self.deviation, np.float32(0.0))
        label = self.data.window(run, first + self.rows - 1, 1, f"labels/{self.label}")[0]
        # PyTorch's classifiers want wide codes
        return Window(x, measured, np.int64(label) if label.dtype.kind == "u" else label, run, first)

    def arrays(self, indices: Sequence[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return windows and labels stacked, all or some, shapes (windows, rows, channels) and (windows,)."""
        numbers = range(len(self)) if indices is None else indices
        x, y = np.empty((len(numbers), self.rows, len(self.channels)), np.float32), []
        for row, index in enumerate(numbers):
            window = self[index]
            x[row] = window.x
            y.append(window.y)
        return x, np.array(y)
