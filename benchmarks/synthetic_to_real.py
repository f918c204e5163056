"""Train on synthetic runs, test on the real bench: what a calibrated specification is worth to a detector.

`python -m benchmarks.synthetic_to_real` with TWIN_DATA; `--runs` synthetic runs are made, `--monitor` adds the live
monitor (a minute more). Every detector gets the same features; its threshold is where 1 % of healthy rows are alarmed:
synthetic ones of other runs or, where only real ones are known, those that taught (held out by turns they set it so
high that little is found). No real anomaly teaches or sets anything. Rows behind the first 400 of a file are scored,
pooled over files. Beside the detectors stand two that look at no reading: one that alarms always, and one that knows at
which rows files are labelled.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measures.detectors import Score, against_invented, classifier, distance, features, threshold
from benchmarks.measures.skab import TAGS, Rows, f1, files, healthy, resampled, rows
from benchmarks.recordings import TEACHING, points, scores, watched
from benchmarks.report import report
from scenarios.dataset.library import path_of
from scenarios.dataset.making import Order, make
from scenarios.dataset.reading import Dataset
from twin.live.pointwise import HABIT

SPECIFICATION = "water_loop_skab"
BAND = (5.0, 95.0)
"""Percentiles of an interval."""
PUBLISHED = 0.78
"""Best F1 of the full set's leader board: Conv-AE 0.78 / 13.55 % false / 28.02 % missed (Katser and Kozitsin 2020)."""
SYNTHETIC, REAL, ALWAYS, HABITUAL = "synthetic_faults", "real_healthy", "always", "row_number"
TARGETS = {"f1": (">=", PUBLISHED)}
DESCRIBED = {
    SYNTHETIC: "trees, synthetic healthy and faulty runs",
    "both": "trees, synthetic runs, and real healthy rows as more healthy ones",
    "synthetic_healthy": "trees, synthetic healthy rows against invented ones",
    REAL: "trees, real healthy rows against invented ones",
    "real_healthy_t2": "T2, real healthy rows",
    "own_rows_t2": "T2, each file's own first 400 rows",
    "monitor": "the twin's live monitor",
    HABITUAL: "knows the row number only",
    ALWAYS: "alarms always",
}


class Taught(NamedTuple):
    """Features of rows that teach, of others that set thresholds, and which of either are anomalous."""

    rows: np.ndarray
    anomalous: np.ndarray
    others: np.ndarray
    others_anomalous: np.ndarray


def synthetic(folder: Path) -> Taught:
    """Return the rows of a finished data set: its train split teaches, its validation split sets thresholds."""
    with Dataset(folder) as data:
        found = []
        for split in ("train", "validation"):
            runs = [int(run) for run in data.split(split)]
            length = data.manifest.rows
            signals = [data.window(run, 0, length).astype(float) for run in runs]
            labels = [data.window(run, 0, length, "labels/anomaly")[TEACHING:] > 0 for run in runs]
            found += [np.concatenate([features(s, TEACHING)[TEACHING:] for s in signals]), np.concatenate(labels)]
    return Taught(*found)


def bench_rows(free: np.ndarray, labelled: Sequence[Rows]) -> np.ndarray:
    """Return features of the bench's healthy rows, without those that are their reference."""
    return np.concatenate([features(s.readings, s.teaching)[s.teaching :] for s in healthy(free, labelled)])


def detectors(made: Taught, bench: np.ndarray) -> dict[str, tuple[Score, float]]:
    """Return every detector that is trained, with its threshold."""
    silent = made.others[~made.others_anomalous]
    labels = np.concatenate([made.anomalous, np.zeros(len(bench), bool)])
    trained = {
        SYNTHETIC: (classifier(made.rows, made.anomalous), silent),
        "both": (classifier(np.concatenate([made.rows, bench]), labels), silent),
        "synthetic_healthy": (against_invented(made.rows[~made.anomalous]), silent),
        REAL: (against_invented(bench), bench),
        "real_healthy_t2": (distance(bench), bench),
    }
    return {name: (score, threshold(score(others))) for name, (score, others) in trained.items()}


def own_rows(file: Rows) -> np.ndarray:
    """Return at which rows T2 alarms that knows nothing but the file's own first rows."""
    found = features(file.readings, TEACHING)
    score = distance(found[:TEACHING])
    return score(found) > threshold(score(found[:TEACHING]))


def habit(file: Rows) -> np.ndarray:
    """Return the rows at which files are labelled as a rule."""
    row = np.arange(len(file.labelled))
    return np.asarray((row >= HABIT[0]) & (row <= HABIT[1]))


def counted(labelled: Sequence[Rows], alarmed: Callable[[Rows], np.ndarray]) -> np.ndarray:
    """Return points of every file (see `benchmarks.recordings.points`), shape (files, 4)."""
    return np.array([points(alarmed(file), file.labelled) for file in labelled], float)


def trained_counts(labelled: Sequence[Rows], made: Taught, bench: np.ndarray) -> dict[str, np.ndarray]:
    """Return points of every trained detector on every file."""
    found = {}
    for name, (score, limit) in detectors(made, bench).items():
        found[name] = counted(labelled, partial(alarms, score, limit))
    return found


def alarms(score: Score, limit: float, file: Rows) -> np.ndarray:
    """Return at which rows a trained detector alarms."""
    return score(features(file.readings, TEACHING)) > limit


def monitored(folder: Path) -> np.ndarray:
    """Return points of the live monitor on every file."""
    told = [watched(file) for file in files(folder)]
    return np.array([points(t.alarmed, t.labelled) for t in told], float)


def judged(counts: np.ndarray) -> dict[str, Any]:
    """Return scores pooled over files, the interval of F1, and F1 of either half of the files."""
    low, high = np.percentile(f1(resampled(counts)), BAND)
    halves = [round(float(f1(counts[k::2].sum(axis=0))), 3) for k in (0, 1)]
    return {**scores(counts.sum(axis=0)), "f1_5": round(low, 3), "f1_95": round(high, 3), "f1_halves": halves}


def difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Return by how much one's F1 is above another's on the same files, and the interval of that."""
    low, high = np.percentile(f1(resampled(one)) - f1(resampled(other)), BAND)
    gain = f1(one.sum(axis=0)) - f1(other.sum(axis=0))
    return round(float(gain), 3), round(float(low), 3), round(float(high), 3)


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return scores as a table, the best F1 first."""
    lines = ["| detector and what taught it | F1 | 5 to 95 % | FAR % | MAR % | halves |", "|---|---|---|---|---|---|"]
    for name, s in sorted(found.items(), key=lambda item: -item[1]["f1"]):
        band, halves = f"{s['f1_5']:.3f} to {s['f1_95']:.3f}", " / ".join(f"{half:.3f}" for half in s["f1_halves"])
        lines.append(
            f"| {DESCRIBED[name]} | {s['f1']:.3f} | {band} | {s['false_percent']} | {s['missed_percent']} | {halves} |"
        )
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, help="synthetic runs; as many as the specification says")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--monitor", action="store_true", help="add the live monitor")
    return parser.parse_args()


def main() -> None:
    """Make the data set, train, score, and say which wins."""
    asked = arguments()
    if not os.environ.get("TWIN_DATA"):
        sys.exit("TWIN_DATA: names no folder of recordings; set it to the folder that holds skab/")
    folder = Path(os.environ["TWIN_DATA"]) / "skab"
    labelled = [rows(file) for file in files(folder)]
    free = rows(folder / "anomaly-free.csv", marked=False).readings
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / SPECIFICATION
        make(Order(path_of(SPECIFICATION), out, runs=asked.runs, workers=asked.workers))
        with Dataset(out) as data:
            runs = data.manifest.runs
            if tuple(channel.name for channel in data.manifest.channels) != TAGS:
                sys.exit(f"{SPECIFICATION}: samples other tags than detectors read; give it {', '.join(TAGS)}")
        counts = trained_counts(labelled, synthetic(out), bench_rows(free, labelled))
    counts["own_rows_t2"] = counted(labelled, own_rows)
    counts[HABITUAL] = counted(labelled, habit)
    counts[ALWAYS] = counted(labelled, lambda file: np.ones(len(file.labelled), bool))
    if asked.monitor:
        counts["monitor"] = monitored(folder)
    found = {name: judged(each) for name, each in counts.items()}
    print(table(found))
    gain, low, high = difference(counts[SYNTHETIC], counts[REAL])
    verdict = "wins" if low > 0.0 else "loses" if high < 0.0 else "level, other files may turn it round"
    print(f"synthetic faults against real healthy rows alone: {gain:+.3f} F1 ({low:+.3f} to {high:+.3f}): {verdict}")
    figures = {"files": len(labelled), "runs": runs, "f1": found[SYNTHETIC]["f1"], "verdict": verdict}
    gains = {"over_real_healthy": gain, "over_real_healthy_5": low, "over_real_healthy_95": high}
    report({**figures, **gains, **found}, TARGETS)


if __name__ == "__main__":
    main()
