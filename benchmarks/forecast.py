"""Whether what the view draws right of now comes true: readings of healthy factories in the forecast's 95 % band.

Every factory is another one than the twin's plant file describes. Forecasts are made every minute as they are for the
view; from a quarter of an hour on, of those of every fifth minute the readings that came are counted, by how far ahead.
Target: of all readings at each distance nine in ten lie within.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import report

WARM, EVERY = 900, 300
BAND = 1.959964
DISTANCES = (60, 300, 590)
"""How far ahead readings are counted, each with those of the ten seconds about it [s]."""
TARGETS = {f"within_{distance}_s": (">=", 0.9) for distance in DISTANCES}


class Made(NamedTuple):
    """A forecast, at the bin of a second that was the newest."""

    at: int
    times: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def counted(job: tuple[int, float]) -> np.ndarray:
    """Return how many readings lay within, and how many there were; (2, distances, tags)."""
    from benchmarks.advisories import Bench, Feed
    from twin.live.hindsight import NOTED, Hindsight
    from twin.live.shown import ahead

    seed, hours = job
    bench = Bench()
    twin = bench.begin()
    m, found = len(twin.tags), np.zeros((2, len(DISTANCES), len(twin.tags)))
    made, hindsight = list[Made](), Hindsight(m)
    for k, part in enumerate(Feed(twin, bench.truth, seed, "").bins(hours * 3600.0, 60)):
        instant = twin._settle(part)
        hindsight.see(instant.time, instant.reading)
        for look in made:
            away = k - look.at
            for i, distance in enumerate(DISTANCES):
                if abs(away - distance) <= 5:
                    mean = np.array([np.interp(away, look.times, row) for row in look.mean])
                    deviation = np.array([np.interp(away, look.times, row) for row in look.deviation])
                    known = np.isfinite(instant.reading)
                    found[0, i] += known & (np.abs(instant.reading - mean) <= BAND * deviation)
                    found[1, i] += known
        made = [look for look in made if k - look.at < DISTANCES[-1] + 5]
        if k % NOTED == 0 and (said := ahead(twin, instant, hindsight)) is not None and k >= WARM and k % EVERY == 0:
            made.append(Made(k, said["times"], said["mean"][:m], said["deviation"][:m]))
    return found


def measured(factories: int, hours: float, workers: int) -> dict[str, Any]:
    """Return shares over all factories, and those of the worst tag."""
    with ProcessPoolExecutor(workers) as pool:
        total = np.sum(list(pool.map(counted, [(seed, hours) for seed in range(factories)])), axis=0)
    shares = total[0] / total[1]
    figures: dict[str, Any] = {"factories": factories, "hours": hours, "readings": int(total[1].sum())}
    for i, distance in enumerate(DISTANCES):
        figures[f"within_{distance}_s"] = round(float(total[0, i].sum() / total[1, i].sum()), 4)
        figures[f"by_tag_{distance}_s"] = shares[i].round(2).tolist()
    return figures


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--factories", type=int, default=20)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    report(measured(options.factories, options.hours, options.workers), TARGETS)


if __name__ == "__main__":
    main()
