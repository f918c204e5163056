"""Windows for training: where they are from, what they hold, and that they come again."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset import TwinDataset
from scenarios.dataset.reading import Dataset
from scenarios.dataset.training import LABELS
from twin.errors import DataError

ROWS = 16


def places(windows: TwinDataset) -> list[tuple[int, int]]:
    """Return run and first row of every window."""
    return [windows.place(index) for index in range(len(windows))]


@pytest.mark.parametrize("label", LABELS)
def test_a_window_is_its_rows_normalised_and_the_label_of_the_last(tiny: Path, label: str) -> None:
    windows = TwinDataset(tiny, "test", rows=ROWS, label=label)
    said = windows.data.manifest
    for window in (windows[0], windows[5], windows[-1]):
        raw = windows.data.run(window.run).series
        rows = slice(window.first, window.first + ROWS)
        np.testing.assert_array_equal(window.measured, raw["quality"][rows] == 0)
        back = window.x * np.array(said.deviation) + np.array(said.mean)
        np.testing.assert_allclose(back[window.measured], raw["signals"][rows][window.measured], rtol=1e-5)
        assert (window.x[~window.measured] == 0.0).all()
        np.testing.assert_array_equal(window.y, raw[f"labels/{label}"][rows][-1])
        assert window.y.dtype == (np.float32 if label in ("severity", "rul") else np.int64)


def test_windows_are_of_their_split_alone_and_so_many_of_each_run(tiny: Path) -> None:
    windows = TwinDataset(tiny, "train", rows=ROWS, windows=3)
    runs = [run for run, _ in places(windows)]
    with Dataset(tiny) as data:
        assert runs == np.repeat(data.split("train"), 3).tolist()
    assert len(windows) == len(runs)


def test_normalised_by_train_alone_whatever_the_split(tiny: Path) -> None:
    with Dataset(tiny) as data:
        signals = np.concatenate([data.window(run, 0, 60) for run in data.split("train")]).astype(float)
    deviation = np.nanstd(signals, axis=0, ddof=1)
    for split in ("train", "test", "unseen_machine"):
        windows = TwinDataset(tiny, split, rows=ROWS)
        np.testing.assert_allclose(windows.mean, np.nanmean(signals, axis=0), rtol=1e-5)
        # the pump's flow never changes: it is shifted, and not scaled
        np.testing.assert_allclose(windows.deviation, np.where(deviation > 1e-12, deviation, 1.0), rtol=1e-5)


def test_windows_come_again_with_seed_and_epoch(tiny: Path) -> None:
    first = TwinDataset(tiny, rows=ROWS)
    again = TwinDataset(tiny, rows=ROWS)
    assert places(first) == places(again)
    again.set_epoch(1)
    assert places(first) != places(again)
    assert places(TwinDataset(tiny, rows=ROWS, epoch=1)) == places(again)
    again.set_epoch(0)
    assert places(first) == places(again)
    assert places(first) != places(TwinDataset(tiny, rows=ROWS, seed=1))


def test_random_windows_reach_every_row_of_a_run(tiny: Path) -> None:
    windows = TwinDataset(tiny, rows=50, windows=40)
    assert {first for _, first in places(windows)} == set(range(60 - 50 + 1))


def test_evenly_spaced_windows_end_with_the_run(tiny: Path) -> None:
    windows = TwinDataset(tiny, rows=20, windows=4, seed=None)
    assert [first for _, first in places(windows)[:4]] == [10, 20, 30, 40]


def test_a_copy_for_another_process_reads_the_same(tiny: Path) -> None:
    windows = TwinDataset(tiny, rows=ROWS, label="mode")
    before = windows[7]
    copy = pickle.loads(pickle.dumps(windows))
    np.testing.assert_array_equal(copy[7].x, before.x)
    assert copy[7][2:] == before[2:]


def test_all_windows_at_once_are_each_of_them(tiny: Path) -> None:
    windows = TwinDataset(tiny, "validation", rows=ROWS)
    x, y = windows.arrays()
    assert x.shape == (len(windows), ROWS, len(windows.channels))
    np.testing.assert_array_equal(x[3], windows[3].x)
    np.testing.assert_array_equal(y, [window.y for window in windows])
    some, _ = windows.arrays([3, -1])
    np.testing.assert_array_equal(some, x[[3, -1]])


def test_channels_and_classes_are_named(tiny: Path) -> None:
    windows = TwinDataset(tiny, rows=ROWS)
    assert windows.channels == ("pump", "level")
    assert windows.classes == ("healthy", "leak", "blocked", "lower_leak")


def test_what_there_is_not_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no label 'faults'; did you mean 'fault'"):
        TwinDataset(tiny, label="faults")
    with pytest.raises(DataError, match="no split 'training'"):
        TwinDataset(tiny, "training", rows=ROWS)
    with pytest.raises(DataError, match="8 windows of 61 rows don't fit runs of 60; give fewer"):
        TwinDataset(tiny, rows=61)
    with pytest.raises(DataError, match="can't be read"):
        TwinDataset(tmp_path)
    with pytest.raises(IndexError, match="window 4 of 4"):
        TwinDataset(tiny, "validation", rows=ROWS, windows=1)[4]
