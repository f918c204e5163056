"""Let PyTorch learn from windows of raw signals how a milling spindle is operated, on machines it has never seen."""

import tempfile
from pathlib import Path

import torch  # pip install torch

from scenarios.dataset import TwinDataset
from scenarios.dataset.library import path_of
from scenarios.dataset.making import Order, make

torch.manual_seed(0)
with tempfile.TemporaryDirectory() as folder:
    made = make(Order(path_of("machining_tool_wear"), Path(folder, "mill"), runs=100, workers=1)).manifest
    train, unseen = (TwinDataset(Path(folder, "mill"), split, rows=32, label="mode", windows=16)
                     for split in ("train", "unseen_machine"))  # fmt: skip
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(32 * len(train.channels), 64), torch.nn.ReLU(),
        torch.nn.Linear(64, len(made.modes)),
    )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for epoch in range(10):
        train.set_epoch(epoch)  # other windows of the same runs
        for batch in torch.utils.data.DataLoader(train, batch_size=64, shuffle=True):
            loss = torch.nn.functional.cross_entropy(net(batch.x), batch.y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    (batch,) = torch.utils.data.DataLoader(unseen, batch_size=len(unseen))
right = (net(batch.x).argmax(dim=1) == batch.y).float().mean().item()
print(f"{', '.join(mode.name for mode in made.modes)}: nine of ten windows or more are told right: {right >= 0.9}")
