"""The twin as a process: follows the journal, writes history and snapshots, and goes on where it was killed."""

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import numpy as np

from twin.clean.recipe import Recipe
from twin.errors import DataError, SnapshotError
from twin.history.reader import FILE, Damaged
from twin.journal.entries import Entry
from twin.journal.reader import Reader
from twin.live import snapshots
from twin.live.instant import Instant
from twin.live.planning import plan_of
from twin.live.scribe import HistoryFull, Scribe
from twin.live.shown import Shown
from twin.live.twin import ForeignError, LiveTwin
from twin.plant import Plant

POLL = 0.02
SNAPSHOT_EVERY = 10.0
"""Wall time between snapshots [s]: how much is computed again after a kill."""
AT_ONCE = 500
"""Journal entries that are read at once."""
FULL = 1.0
"""How long to wait for room on a full disk [s]."""
TURN = 0.5
"""How long entries are taken before history is written, and clock and stop flag are looked at [s]."""

Told = Callable[[Instant], None]


def begun(folder: Path, twin: LiveTwin, reader: Reader, log: Callable[[str], None]) -> None:
    """Bring a new twin to the newest snapshot that is whole.

    Raises
    ------
    ForeignError
        If it is of another plant, recipe or journal.
    """
    for entry in reversed(snapshots.entries(folder)):
        try:
            found = snapshots.load(folder, entry)
            twin.unpack(found.state)
        except ForeignError:
            raise
        except SnapshotError as err:
            log(str(err))
            continue
        if found.chain != reader.chain(entry):
            raise ForeignError(f"{folder}: the snapshot after entry {entry} is of another journal; remove it")
        log(f"goes on from the snapshot after entry {entry}")
        return


def follow(
    folder: Path,
    plant: Plant,
    recipe: Recipe | None = None,
    *,
    watched: tuple[str, ...] = (),
    stop: Event | None = None,
    log: Callable[[str], None] = lambda _: None,
    told: Told = lambda _: None,
) -> LiveTwin:
    """Run the twin of a data folder until `stop` is set; then leave a snapshot.

    Raises
    ------
    DataError
        If the journal can't be read, or history can't be written.
    ForeignError
        If the snapshots are of another plant, recipe or journal.
    """
    reader = _journal(folder, halt := stop or Event())
    twin = LiveTwin(plant, recipe, watched)
    if reader is None:
        return twin
    with reader, _history(folder, log) as history:
        begun(folder, twin, reader, log)
        _describe(history, plant, twin)
        shown = Shown(twin, log)
        saved = -math.inf  # at once: who is killed again and again gets further each time
        while not halt.is_set():
            entries = reader.entries(twin.entry, AT_ONCE)
            instants = _settled(twin, entries, halt)
            _write(history, instants, twin, halt, log)
            for _, instant in instants:
                told(instant)
                shown.see(instant)
            if entries and time.monotonic() - saved >= SNAPSHOT_EVERY:
                _save(folder, twin, reader, history, log)
                saved = time.monotonic()
            behind = reader.last() - twin.entry
            if shown.take(entries, behind):
                shown.look(history)
            if shown.due():
                _show(folder, shown, history, behind)
                history.check()
            if not entries:
                halt.wait(POLL)
        if twin.entry:
            _save(folder, twin, reader, history, log)
        _show(folder, shown, history, reader.last() - twin.entry)
    return twin


def _history(folder: Path, log: Callable[[str], None]) -> Scribe:
    """Open history; a damaged one, which is derived, is moved aside."""
    try:
        return Scribe(folder)
    except Damaged as err:
        _aside(folder, err, log)
        return Scribe(folder)


def _aside(folder: Path, err: Damaged, log: Callable[[str], None]) -> None:
    """Move a damaged history out of the way."""
    target = folder / f"{FILE}.damaged-{time.time_ns()}"
    (folder / FILE).rename(target)
    for suffix in ("-wal", "-shm"):
        (folder / f"{FILE}{suffix}").unlink(missing_ok=True)
    log(f"{err}; moved to {target.name}")


def _describe(history: Scribe, plant: Plant, twin: LiveTwin) -> None:
    """Note what the columns of history are."""
    history.describe(
        plant=plant.name, tags=list(twin.tags), outputs=list(twin.filter.outputs), text=plant.text,
        units=[plant.quantity(p).unit for p in twin.filter.outputs],
        noise=np.sqrt(twin.filter.noise).tolist(), every=twin.filter.estimation.every,
        plan=plan_of(plant, twin.filter),
    )  # fmt: skip


def _settled(twin: LiveTwin, entries: Sequence[Entry], halt: Event) -> list[tuple[int, Instant]]:
    """Return what entries settle, each with its number; stop after a while, what is left is read again."""
    until, found = time.monotonic() + TURN, list[tuple[int, Instant]]()
    for entry in entries:
        found += [(entry.id, instant) for instant in twin.put([entry])]
        if time.monotonic() > until or halt.is_set():
            break
    return found


def _write(
    history: Scribe, instants: list[tuple[int, Instant]], twin: LiveTwin, halt: Event, log: Callable[[str], None]
) -> None:
    """Write history; wait where the disk is full."""
    told = False
    while True:
        try:
            history.add(instants, twin.advisories.standing())
        except Damaged as err:
            _aside(history.path.parent, err, log)
            raise
        except HistoryFull as err:
            if not told:
                log(str(err))
            told = True
            if halt.wait(FULL):
                raise
        else:
            return


def _save(folder: Path, twin: LiveTwin, reader: Reader, history: Scribe, log: Callable[[str], None]) -> None:
    """Leave a snapshot; where there is no room the last one serves."""
    try:
        history.sync()
        snapshots.save(folder, twin.entry, snapshots.Snapshot(reader.chain(twin.entry), twin.packed()))
    except DataError as err:
        log(str(err))


def _journal(folder: Path, halt: Event) -> Reader | None:
    """Wait for ingest to have made the journal."""
    deadline = time.monotonic() + 30.0
    while not halt.is_set():
        try:
            return Reader.open(folder)
        except DataError:
            if time.monotonic() > deadline:
                raise
            halt.wait(POLL)
    return None


def _show(folder: Path, shown: Shown, history: Scribe, behind: int) -> None:
    """Write how far the twin is, whole: for views into history, for whoever asks a shell into a file."""
    said = {"pid": os.getpid(), **shown.status(behind)}
    shown.tell(history, status=said)
    path = folder / "twin.json"
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(json.dumps(said), encoding="utf-8")
        temporary.replace(path)
    except OSError as err:
        shown.log(f"{path}: can't be written: {err.strerror}; make room, or check the folder's rights")
