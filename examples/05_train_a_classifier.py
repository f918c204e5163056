"""Train on labelled runs of a compressed-air station, then ask about machines and severities never seen."""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier  # pip install 'equipment-twin[learn]'
from sklearn.metrics import f1_score

from scenarios.dataset import TwinDataset
from scenarios.dataset.library import path_of
from scenarios.dataset.making import Order, make


def features(x):
    """Return how signals are spread in the last quarter of each run, and how else than in the first fifth."""
    parts = (x[:, :480], x[:, -600:])
    first, last = (np.hstack([*np.quantile(p, [0.02, 0.25, 0.5, 0.75, 0.98], 1), p.mean(1), p.std(1)]) for p in parts)
    return np.hstack([last, last - first])


with tempfile.TemporaryDirectory() as folder:
    made = make(Order(path_of("compressed_air_leaks"), Path(folder, "air"), runs=400, workers=1)).manifest
    runs = {name: TwinDataset(Path(folder, "air"), name, rows=made.rows, windows=1).arrays() for name in made.splits}
x, truth = runs["train"]
forest = RandomForestClassifier(300, class_weight="balanced", random_state=0).fit(features(x), truth)

splits = ("test", "unseen_machine", "unseen_severity")
guesses = {split: forest.predict(features(runs[split][0])) for split in splits}
print(f"{'F1 by class':20}", *(f"{split:>15}" for split in splits))
for fault in (each for each in made.classes if made.counts["train"][each.name]):
    print(f"{fault.name:20}", end="")
    for split in splits:
        f1 = f1_score(runs[split][1] == fault.code, guesses[split] == fault.code, zero_division=0.0)
        print(f" {f1:15.1f}" if made.counts[split][fault.name] else f"{'none':>16}", end="")
    print()
