"""What healthy recordings of the SKAB bench say of operating points, noise, drift and spread.

`python -m benchmarks.skab_fit` with TWIN_DATA: the numbers marked `fit` in scenarios/datasets/water_loop_skab.yaml.
Rows are those of the anomaly-free recording and the first 400 of every file; labels are not read.

* noise: robust standard deviation of differences from row to row, over the square root of 2, as a share of the median
* drift: root mean square of how far means over 30 rows are from the stretch's own reference, as a share, or in kelvin
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measures.detectors import TEMPERATURES
from benchmarks.measures.skab import TAGS, Stretch, files, healthy, rows
from benchmarks.report import report

FLOW = TAGS.index("VolumeFlowRateRMS")
POINTS = {"slow": (0.0, 50.0), "middle": (50.0, 100.0), "fast": (100.0, np.inf)}
"""Operating points by their flow [l/min]."""
NORMAL = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""
MEAN = 30


def noise(stretch: Stretch) -> np.ndarray:
    """Return white noise of each tag, in its unit."""
    return np.asarray(NORMAL * np.nanmedian(np.abs(np.diff(stretch.readings, axis=0)), axis=0) / np.sqrt(2.0))


def drift(stretch: Stretch) -> np.ndarray:
    """Return how far each tag strays from the stretch's reference: shares, and kelvin of temperatures."""
    reference = np.nanmean(stretch.readings[: stretch.teaching], axis=0)
    later = stretch.readings[stretch.teaching :]
    means = np.nanmean(later[: len(later) // MEAN * MEAN].reshape(-1, MEAN, len(TAGS)), axis=1)
    strayed = np.where(TEMPERATURES, means - reference, means / reference - 1.0)
    return np.asarray(np.sqrt(np.mean(strayed**2, axis=0)))


def fitted(stretches: Sequence[Stretch]) -> dict[str, list[float]]:
    """Return what stretches of one operating point say of each tag: medians over stretches, and extremes."""
    medians = np.array([np.nanmedian(s.readings, axis=0) for s in stretches])
    shares = np.array([noise(s) for s in stretches]) / np.where(TEMPERATURES, 1.0, medians)
    drifts = np.array([drift(s) for s in stretches])
    what = {
        "least": medians.min(axis=0), "greatest": medians.max(axis=0), "noise": np.median(shares, axis=0),
        "drift": np.median(drifts, axis=0), "drift_most": drifts.max(axis=0),
    }  # fmt: skip
    return {name: [float(f"{value:.3g}") for value in values] for name, values in what.items()}


def main() -> None:
    """Print a table for each operating point."""
    if not os.environ.get("TWIN_DATA"):
        sys.exit("TWIN_DATA: names no folder of recordings; set it to the folder that holds skab/")
    folder = Path(os.environ["TWIN_DATA"]) / "skab"
    free = rows(folder / "anomaly-free.csv", marked=False).readings
    stretches = healthy(free, [rows(file) for file in files(folder)])
    figures = {}
    for name, (low, high) in POINTS.items():
        mine = [s for s in stretches if low <= np.nanmedian(s.readings[:, FLOW]) < high]
        if not mine:
            continue
        figures[name] = {"stretches": len(mine), **fitted(mine)}
        print(f"\n{name}: {len(mine)} stretches\n| | {' | '.join(TAGS)} |\n|---|{'---|' * len(TAGS)}")
        for what, values in fitted(mine).items():
            print(f"| {what} | {' | '.join(f'{value:g}' for value in values)} |")
    report(figures, {})


if __name__ == "__main__":
    main()
