"""A recorded file through the live monitor, without sockets: what it would have said at each row, and why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.clean.block import BAD
from twin.clean.names import wire_names
from twin.clean.notes import Notes
from twin.clean.reader import blocks, labels
from twin.clean.recording import Recording
from twin.clean.table import open_table
from twin.errors import DataError
from twin.journal.entries import Entry
from twin.live.diagnosis import KEY
from twin.live.instant import Instant
from twin.live.twin import LONGEST, LiveTwin
from twin.monitor.condition import Condition
from twin.plant import Plant
from twin.protocol import Hello, Tag, batch, encode

MICRO = 1_000_000
GATEWAY = "recording"
ANOMALY = "anomaly"
"""The label of a recording that marks rows at which an advisory should stand."""
LEAST_TAUGHT = 60
"""Instants that teach at least: a filter takes about as many to cool down from its first guess."""
GAP = 10.0
"""A silence this many times as long as the usual one is told of."""


class Labelled(NamedTuple):
    """Rows of a recorded file in order of time.

    Attributes
    ----------
    time : int64, (n,)
        When each was measured [us UTC].
    anomaly : (n,)
        1 where it is labelled, 0 where it isn't, NaN where the file doesn't say; empty where no row is labelled.
    unlabelled : str
        Why `anomaly` is empty; empty where it isn't.
    """

    time: np.ndarray
    anomaly: np.ndarray
    unlabelled: str


class Span(NamedTuple):
    """An advisory about a deviation: times of the rows at which it was raised and returned [us UTC], what it said.

    `end` is None where it stands at the end.
    """

    begin: int
    end: int | None
    cause: str


class Detection(NamedTuple):
    """What the monitor said of the rows that it came to.

    Attributes
    ----------
    rows : int
        How many those are; fewer than the file has where it was interrupted.
    advised : bool, (rows,)
        Whether an advisory about a deviation stood, by all that was read until then.
    score : (rows,)
        How much spoke for a deviation, over what raises an advisory.
    cause : list of str
        What the advisory said; empty where none stood.
    advisories : list of Span
    notes : list of str
        What limits how far this is to be trusted.
    """

    rows: int
    advised: np.ndarray
    score: np.ndarray
    cause: list[str]
    advisories: list[Span]
    notes: list[str]


def labelled(recording: Recording) -> Labelled:
    """Return when the rows of a recording were measured, and which of them are labelled.

    Raises
    ------
    DataError
        If the file can't be read.
    """
    column = recording.labels.get(ANOMALY)
    there = column in open_table(recording.file_there(), recording.format, Notes()).columns
    marked = labels(replace(recording, labels={ANOMALY: column} if column and there else {}))
    if column and there:
        return Labelled(marked.time, marked.marks[ANOMALY], "")
    why = f"the file has no column {column!r}" if column else f"the recording names no label {ANOMALY!r}"
    return Labelled(marked.time, np.zeros(0), f"{why}: nothing is scored")


def entries(recording: Recording) -> Iterator[Entry]:
    """Yield what a journal would hold of a recording: each instant's readings as a batch, as the file says them.

    The last batch is of nothing, and so late that every reading before it is settled.
    """
    tags = [(recording.recipe.tags[column.tag].tag, column.unit, column.tag) for column in recording.columns]
    names = wire_names([name for name, _, _ in tags])
    number = {tag: i for i, (_, _, tag) in enumerate(tags)}
    seq, time = 0, 0
    for block in blocks(recording):
        for time in np.unique(block.time).tolist():
            if not seq:
                hello = Hello(1, GATEWAY, 1, 1, [Tag(names[name], unit) for name, unit, _ in tags], time)
                hello.clock, hello.rate = "replay", 1.0
                yield Entry(1, "hello", GATEWAY, 1, 0, time, time, encode(hello))
            seq += 1
            now = block.part(block.time == time)
            rows = [(number[tag], time, value, quality) for tag, value, quality in
                    zip(now.tag.tolist(), now.value.tolist(), now.quality.tolist(), strict=True)]  # fmt: skip
            yield Entry(seq + 1, "data", GATEWAY, 1, seq, time, time, batch(seq, rows))
    if seq and recording.plant.estimation:
        end = time + round((recording.plant.estimation.lag + recording.plant.estimation.every) * MICRO)
        nothing = [(i, end, None, BAD) for i in range(len(tags))]
        yield Entry(seq + 2, "data", GATEWAY, 1, seq + 1, end, end, batch(seq + 1, nothing))


def taught_by(recording: Recording, time: np.ndarray, teach: int) -> Plant:
    """Return the plant whose twin learns from the first `teach` rows, however long they take, and then judges.

    Parameters
    ----------
    time : int64, (n,)
        Of all rows [us UTC].

    Raises
    ------
    DataError
        If there are too few rows to learn from, or none behind them.
    """
    plant, where = recording.plant, recording.file.name
    if time.size <= teach:
        raise DataError(f"{where}: {time.size} rows, and {teach} should teach: none is left; give fewer with --teach")
    if plant.estimation is None:  # whoever makes a twin of it says so
        return plant
    every = round(plant.estimation.every * MICRO)
    ends = -(-time[:teach] // every) * every
    steps = np.diff(ends, prepend=(time[0] - 1) // every * every)
    instants = np.count_nonzero(steps)
    if instants < LEAST_TAUGHT:
        raise DataError(
            f"{where}: {teach} rows teach, in {instants} instants {plant.estimation.every:g} s apart: too few to tell "
            f"a healthy plant from another; give --teach {teach * LEAST_TAUGHT // instants + 1} or more"
        )
    age = int(np.minimum(steps, LONGEST).sum())
    return replace(plant, estimation=plant.estimation._replace(commission=(age + every // 2) / MICRO))


def detect(recording: Recording, teach: int, progress: Callable[[int], None] | None = None) -> Detection:
    """Return what the live monitor says at each row of a recording whose first rows are of a healthy plant.

    What it says at a row depends on that row and those before it alone. Ctrl-C ends it early, with what was done.

    Parameters
    ----------
    teach : int
        Rows from which it learns what is normal; of these it says nothing.
    progress : callable, optional
        Told after each instant how many rows are done.

    Raises
    ------
    DataError
        If the file can't be read, is too short, or none of its tags moves while it teaches.
    PlantError
        If the plant's file doesn't say what a twin of it estimates.
    """
    time = labelled(recording).time
    watch = _Watch(LiveTwin(taught_by(recording, time, teach), recording.recipe), time, teach)
    try:
        for instant in watch.twin.put(entries(recording)):
            watch.see(instant)
            if progress is not None:
                progress(watch.rows)
    except KeyboardInterrupt:
        return watch.detection()
    watch.fill(time.size)
    return watch.detection()


class _Watch:
    """Takes note of what a twin says while it is fed the rows of a file."""

    def __init__(self, twin: LiveTwin, time: np.ndarray, teach: int) -> None:
        self.twin, self.time, self.teach, self.rows = twin, time, teach, 0
        self._advised, self._score, self._cause = np.zeros(time.size, bool), np.zeros(time.size), [""] * time.size
        self._now = (False, 0.0, "")
        self._spans: list[Span] = []
        self._lost = 0
        self._least, self._most = (np.full(len(twin.tags), end) for end in (np.inf, -np.inf))

    def see(self, instant: Instant) -> None:
        """Take note of what was said at an instant: of its last row, and of those behind until more is said."""
        last = int(np.searchsorted(self.time, round(instant.time * MICRO), side="right")) - 1
        before = self.rows
        self.fill(last)
        self._least, self._most = np.fmin(self._least, instant.reading), np.fmax(self._most, instant.reading)
        if before < self.teach <= last + 1:
            self._refuse_standstill()
        stood, _, said = self._now
        conditions = {condition.key: condition for condition in instant.conditions}
        self._lost = self._lost or (round(instant.time * MICRO) if "twin:diverged" in conditions else 0)
        stands = stood
        for change in instant.changes:
            if change.subject == KEY and change.cause in ("raised", "returned"):
                stands = change.cause == "raised"
        if stands and KEY in conditions:
            said = told(conditions[KEY], instant.verdict.candidates, self.twin.tags)
        now = int(self.time[max(last, 0)])
        if stands and not stood:
            self._spans.append(Span(now, None, said))
        elif stood and not stands:
            self._spans[-1] = self._spans[-1]._replace(end=now)
        self._now = (stands, self.twin.diagnosis.strength, said if stands else "")
        self.fill(last + 1)

    def fill(self, rows: int) -> None:
        """Let what was said last hold up to a row."""
        if rows > self.rows:
            new = slice(self.rows, rows)
            self._advised[new], self._score[new] = self._now[:2]
            self._cause[new] = [self._now[2]] * (rows - self.rows)
            self.rows = rows

    def _refuse_standstill(self) -> None:
        if not (self._most > self._least).any():
            raise DataError(
                f"no tag moves in the {self.teach} rows that teach: this is no plant that runs; see to columns and "
                "recipe with `twin clean`"
            )

    def detection(self) -> Detection:
        """Return what was said."""
        done = slice(self.rows)
        return Detection(
            self.rows, self._advised[done], self._score[done], self._cause[done], self._spans, self._notes()
        )

    def _notes(self) -> list[str]:
        said = [f"{tag}: no reading of it counts; see `twin clean`" for tag in self._of(~np.isfinite(self._least))]
        said += [f"{tag}: never changes, so nothing is seen of what it measures; see to the instrument"
                 for tag in self._of(self._least == self._most)]  # fmt: skip
        steps = np.diff(self.time[: self.rows]) / MICRO
        usual = float(np.median(steps)) if steps.size else 0.0
        gaps = np.flatnonzero(steps > GAP * max(usual, self.twin.filter.estimation.every))
        if gaps.size:
            worst = gaps[np.argmax(steps[gaps])]
            said.append(f"{gaps.size} gaps, the longest of {steps[worst]:g} s before {stamp(self.time[worst + 1])}: "
                        "what happened there isn't judged")  # fmt: skip
        if self._lost:
            said.append(f"at {stamp(self._lost)} the twin had lost its plant: these are the readings of another one, "
                        "or in other units; see to plant and columns")  # fmt: skip
        return said

    def _of(self, which: np.ndarray) -> list[str]:
        return [tag for tag, meant in zip(self.twin.tags, which.tolist(), strict=True) if meant]


def told(condition: Condition, candidates: Sequence[tuple[str, float]], tags: Sequence[str]) -> str:
    """Return what an advisory says in a few words: its code, and the faults or tags that it names."""
    if condition.code == "sensor" or not candidates:
        names = [name for name in condition.about if name in tags]
    else:
        names = [name for name, _ in candidates if name not in tags]
        names = names[:1] if condition.code == "fault" else names
    return f"{condition.code}: {' or '.join(names)}" if names else condition.code


def stamp(time: int) -> str:
    """Return a time [us UTC] as ISO 8601 writes it."""
    return f"{np.datetime64(int(time), 'us')}Z"
