"""PyTorch's loader takes windows as they are, in whatever processes: skipped where PyTorch isn't installed."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset import TwinDataset

torch = pytest.importorskip("torch", reason="PyTorch isn't installed: pip install torch")


def loaded(windows: TwinDataset, workers: int, context: str | None) -> list[object]:
    """Return the batches of a loader."""
    loader = torch.utils.data.DataLoader(windows, batch_size=16, num_workers=workers, multiprocessing_context=context)
    return list(loader)


@pytest.mark.parametrize(("workers", "context"), [(0, None), (2, "fork"), (2, "spawn")])
def test_a_loader_gives_every_window_whoever_reads_it(tiny: Path, workers: int, context: str | None) -> None:
    windows = TwinDataset(tiny, rows=16, windows=4)
    windows[0]  # a file is open: a forked worker has to bear it
    batches = loaded(windows, workers, context)
    x, y = windows.arrays()
    assert batches[0].x.dtype == torch.float32
    assert batches[0].y.dtype == torch.int64
    np.testing.assert_array_equal(torch.cat([batch.x for batch in batches]).numpy(), x)
    np.testing.assert_array_equal(torch.cat([batch.y for batch in batches]).numpy(), y)


def test_an_epoch_reaches_the_workers(tiny: Path) -> None:
    windows = TwinDataset(tiny, rows=16, windows=4)
    epochs = []
    for epoch in (0, 1, 0):
        windows.set_epoch(epoch)
        epochs.append(torch.cat([batch.first for batch in loaded(windows, 2, "fork")]).tolist())
    assert epochs[0] == epochs[2] != epochs[1]
