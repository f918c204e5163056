"""How the twin of the water loop does on the recordings of its bench: when it tells of what, and how often in vain.

`python -m benchmarks.recordings` with TWIN_DATA; recordings are fed as journal entries, without sockets. A point is a
row behind the first 400 of a file; it is alarmed while an advisory about a deviation stands. Beside the twin's score
stand those of two that look at no reading: one that alarms always, and one that knows when files are labelled.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.report import REPOSITORY, report
from twin.clean.names import wire_names
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording
from twin.journal.entries import Entry
from twin.live.twin import LiveTwin
from twin.protocol import Hello, Tag, batch, encode

RECORDING = REPOSITORY / "scenarios" / "recordings" / "skab.yaml"
TEACHING = 400
"""Rows of a file that aren't scored."""
HABIT = (573, 973)
"""Rows that a detector alarms which has learnt the labels and not the bench."""
SOON = 60.0
TARGETS = {"within_60_s": (">=", 18), "before_label": ("is", 0), "in_first_400_rows": ("is", 0), "f1": (">=", 0.8),
           "anomaly_free_per_h": ("<=", 1.0)}  # fmt: skip
DEVIATION = "deviation"
MICRO = 1_000_000


class Told(NamedTuple):
    """What was told of a file; times from its first reading [s].

    Attributes
    ----------
    onset : float
        Begin of the label.
    times, labelled : (n,)
        Of the file's rows.
    spans : list of pairs
        When each advisory about a deviation was raised, and when it ended.
    codes : list of str
        What each said at first.
    """

    onset: float
    times: np.ndarray
    labelled: np.ndarray
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

    @property
    def alarmed(self) -> np.ndarray:
        """Return at which rows an advisory stood."""
        return np.array([any(begin <= t < end for begin, end in self.spans) for t in self.times])


def entries(recording: Recording) -> Iterator[Entry]:
    """Yield what a journal would hold of a recording: each instant's readings as a batch, as the file says them."""
    tags = [(recording.recipe.tags[column.tag].tag, column.unit, column.tag) for column in recording.columns]
    names = wire_names([name for name, _, _ in tags])
    number = {tag: i for i, (_, _, tag) in enumerate(tags)}
    seq = 0
    for block in blocks(recording):
        for time in np.unique(block.time).tolist():
            if not seq:
                hello = Hello(1, "bench", 1, 1, [Tag(names[name], unit) for name, unit, _ in tags], time)
                hello.clock, hello.rate = "replay", 1.0
                yield Entry(1, "hello", "bench", 1, 0, time, time, encode(hello))
            seq += 1
            now = block.part(block.time == time)
            rows = [(number[tag], time, value, quality) for tag, value, quality in
                    zip(now.tag.tolist(), now.value.tolist(), now.quality.tolist(), strict=True)]  # fmt: skip
            yield Entry(seq + 1, "data", "bench", 1, seq, time, time, batch(seq, rows))


def told_of(recording: Recording) -> tuple[float, list[tuple[float, float]], list[str]]:
    """Return how long a recording lasts, when advisories stood and what they said at first; times as in `Told`."""
    twin = LiveTwin(recording.plant, recording.recipe)
    spans: list[tuple[float, float]] = []
    codes: list[str] = []
    first = last = 0.0
    for instant in twin.put(entries(recording)):
        first, last = first or instant.time, instant.time
        for change in instant.changes:
            if change.subject == DEVIATION and change.cause == "raised":
                spans.append((instant.time - first, np.inf))
                codes.append(next(c.code for c in instant.conditions if c.key == DEVIATION))
            elif change.subject == DEVIATION and change.cause == "returned":
                spans[-1] = (spans[-1][0], instant.time - first)
    return last - first, spans, codes


def watched(file: Path) -> Told:
    """Return what the twin tells of a labelled file."""
    recording = Recording.load(RECORDING, file)
    marks = labels(recording)
    labelled = marks.marks["anomaly"] > 0.0
    times = (marks.time - marks.time.min()) / MICRO
    return Told(float(times[labelled].min(initial=np.inf)), times, labelled, *told_of(recording)[1:])


def points(alarmed: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Return right alarms, false ones, missed rows and rightly silent ones."""
    a, b = alarmed[TEACHING:], labelled[TEACHING:]
    return np.array([np.sum(a & b), np.sum(a & ~b), np.sum(~a & b), np.sum(~a & ~b)])


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
    pooled = {name: np.zeros(4) for name in ("twin", "always", "habit")}
    soon = before = teaching = 0
    print("| file | first advisory after the label's begin [s] | it says | advisories [s] | before the label |")
    print("|---|---|---|---|---|")
    for file in files:
        told = watched(file)
        row = np.arange(told.times.size)
        for name, alarmed in (("twin", told.alarmed), ("always", row >= 0),
                              ("habit", (row >= HABIT[0]) & (row <= HABIT[1]))):  # fmt: skip
            pooled[name] += points(alarmed, told.labelled)
        soon += told.delay is not None and told.delay <= SOON
        before += len(told.early)
        teaching += sum(begin < told.times[min(TEACHING, row.size - 1)] for begin in told.early)
        delay = "-" if told.delay is None else f"{told.delay:.0f}"
        stood = ", ".join(f"{begin - told.onset:+.0f} to {end - told.onset:+.0f}" for begin, end in told.spans)
        print(f"| {file.parent.name}/{file.stem} | {delay} | {', '.join(told.codes)} | {stood} | {len(told.early)} |")
    lasts, spans, _ = told_of(Recording.load(RECORDING, folder / "anomaly-free.csv"))
    print(f"anomaly-free: {len(spans)} advisories in {lasts / 3600.0:.1f} h: {[int(begin) for begin, _ in spans]} s")
    for name, counts in pooled.items():
        print(f"{name:8} {scores(counts)}")
    figures = {"files": len(files), "within_60_s": int(soon), "before_label": before, "in_first_400_rows": teaching,
               "anomaly_free_per_h": round(3600.0 * len(spans) / lasts, 2)}  # fmt: skip
    report({**figures, **scores(pooled["twin"]), "always": scores(pooled["always"]), "habit": scores(pooled["habit"])},
           TARGETS)  # fmt: skip


if __name__ == "__main__":
    main()
