"""How the twin of the water loop does on the recordings of its bench: when it tells of what, and how often in vain.

`python -m benchmarks.recordings` with TWIN_DATA; recordings are fed as journal entries, without sockets. A point is a
row behind the first 400 of a file; it is alarmed while an advisory about a deviation stands. Beside the twin's score
stand those of two that look at no reading: one that alarms always, and one that knows when files are labelled.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.report import REPOSITORY, report
from twin.clean.recording import Recording
from twin.live.offline import MICRO, detect, labelled
from twin.live.pointwise import BASELINES, Points

RECORDING = REPOSITORY / "scenarios" / "recordings" / "skab.yaml"
TEACHING = 400
"""Rows of a file that aren't scored."""
SOON = 60.0
WORKERS = 2
TARGETS = {"within_60_s": (">=", 18), "before_label": ("is", 0), "in_first_400_rows": ("is", 0), "f1": (">=", 0.8),
           "anomaly_free_per_h": ("<=", 1.0)}  # fmt: skip


class Told(NamedTuple):
    """What was told of a file; times from its first reading [s].

    Attributes
    ----------
    onset : float
        Begin of the label.
    times, labelled : (n,)
        Of the file's rows.
    alarmed : (n,)
        At which rows an advisory about a deviation stood.
    spans : list of pairs
        When each was raised, and when it ended.
    codes : list of str
        What each said at first.
    """

    onset: float
    times: np.ndarray
    labelled: np.ndarray
    alarmed: np.ndarray
    spans: list[tuple[float, float]]
    codes: list[str]

    @property
    def delay(self) -> float | None:
        """Return when the first advisory since the label's begin was raised, from there [s]."""
        return next((begin - self.onset for begin, _ in self.spans if begin >= self.onset), None)

    @property
    def early(self) -> list[float]:
        """Return when advisories were raised before the label's begin [s]."""
        return [begin for begin, _ in self.spans if begin < self.onset]


def watched(file: Path) -> Told:
    """Return what the twin tells of a file of the bench."""
    return told_of(Recording.load(RECORDING, file))


def told_of(recording: Recording) -> Told:
    """Return what the twin tells of a recording, whose rows may be labelled."""
    rows, found = labelled(recording), detect(recording, TEACHING)
    first = int(rows.time[0])
    spans = [((span.begin - first) / MICRO, np.inf if span.end is None else (span.end - first) / MICRO)
             for span in found.advisories]  # fmt: skip
    times = (rows.time - first) / MICRO
    anomaly = np.zeros(times.size, bool) if rows.unlabelled else rows.anomaly > 0.0
    onset = float(times[anomaly].min(initial=np.inf))
    codes = [span.cause.partition(":")[0] for span in found.advisories]
    return Told(onset, times, anomaly, found.advised, spans, codes)


def points(alarmed: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return right alarms, false ones, missed rows and rightly silent ones."""
    found = Points.of(alarmed[TEACHING:], labelled[TEACHING:])
    return np.array([found.tp, found.fp, found.fn, found.tn])


def scores(counts: np.ndarray) -> dict[str, float]:
    """Return F1, and the shares of rows that are alarmed in vain and that are missed [%]."""
    right, false, missed, silent = counts.tolist()
    return {
        "f1": round(2.0 * right / (2.0 * right + false + missed), 3),
        "false_percent": round(100.0 * false / (false + silent), 1),
        "missed_percent": round(100.0 * missed / (right + missed), 1),
    }


def main() -> None:
    """Print a line a file, and what comes of all."""
    folder = Path(os.environ["TWIN_DATA"]) / "skab"
    files = sorted(folder.glob("*/*.csv"), key=lambda f: (f.parent.name, int(f.stem)))
    with ProcessPoolExecutor(WORKERS) as pool:
        *every, quiet = pool.map(watched, [*files, folder / "anomaly-free.csv"])
    print("| file | F1 | first advisory after the label's begin [s] | it says | advisories [s] | before the label |")
    print("|---|---|---|---|---|---|")
    for file, told in zip(files, every, strict=True):
        print(_line(f"{file.parent.name}/{file.stem}", told))
    lasts = float(quiet.times[-1])
    print(f"anomaly-free: {len(quiet.spans)} advisories in {lasts / 3600.0:.1f} h: {[b for b, _ in quiet.spans]} s")
    counts = np.array([points(told.alarmed, told.labelled) for told in every])
    always, habit = (np.array([points(alarmed(np.arange(told.times.size)), told.labelled) for told in every])
                     for alarmed in BASELINES.values())  # fmt: skip
    found = {"twin": counts, "even": counts[::2], "odd": counts[1::2], "always": always, "habit": habit}
    pooled = {name: scores(files.sum(axis=0)) for name, files in found.items()}
    for name, score in pooled.items():
        print(f"{name:8} {score}")
    figures = {
        "files": len(files), "within_60_s": sum(t.delay is not None and t.delay <= SOON for t in every),
        "before_label": sum(len(t.early) for t in every),
        "in_first_400_rows": sum(b < t.times[min(TEACHING, t.times.size - 1)] for t in every for b in t.early),
        "anomaly_free_per_h": round(3600.0 * len(quiet.spans) / lasts, 2), **pooled.pop("twin"), **pooled,
    }  # fmt: skip
    report(figures, TARGETS)


def _line(name: str, told: Told) -> str:
    delay = "-" if told.delay is None else f"{told.delay:.0f}"
    stood = ", ".join(f"{begin - told.onset:+.0f} to {end - told.onset:+.0f}" for begin, end in told.spans)
    f1 = scores(points(told.alarmed, told.labelled))["f1"]
    return f"| {name} | {f1:.3f} | {delay} | {', '.join(dict.fromkeys(told.codes))} | {stood} | {len(told.early)} |"


if __name__ == "__main__":
    main()
