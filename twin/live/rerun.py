"""The journal of a data folder through a new twin, beside the snapshots that the live one left."""

from pathlib import Path
from typing import NamedTuple

from twin.clean.recipe import Recipe
from twin.errors import SnapshotError
from twin.journal.reader import Reader
from twin.live import snapshots
from twin.live.twin import LiveTwin
from twin.plant import Plant


class Rerun(NamedTuple):
    """What came of it: how far, the hash of the last state, and after which entries snapshots were the same or not.

    One that is damaged is not the same.
    """

    entry: int
    instants: int
    digest: str
    same: tuple[int, ...]
    different: tuple[int, ...]


def rerun(folder: Path, plant: Plant, recipe: Recipe | None = None, watched: tuple[str, ...] = ()) -> Rerun:
    """Feed every entry to a new twin.

    Where the journal's beginning was pruned, the oldest snapshot that still has its entries behind it is the start.

    Raises
    ------
    SnapshotError
        If there is no start: the beginning is gone and no snapshot reaches behind it.
    """
    twin = LiveTwin(plant, recipe, watched)
    marks = snapshots.entries(folder)
    same: list[int] = []
    different: list[int] = []
    with Reader.open(folder) as reader:
        first, last, instants = reader.first(), reader.last(), 0
        if first > 1:
            different += _start(twin, folder, first, marks)
            marks = [mark for mark in marks if mark > twin.entry]
        while twin.entry < last:
            ahead = min([m for m in marks if m > twin.entry], default=last)
            for _ in twin.put(reader.entries(twin.entry, min(1000, ahead - twin.entry))):
                instants += 1
            if twin.entry in marks:
                (same if _left(folder, twin.entry) == twin.packed() else different).append(twin.entry)
    return Rerun(twin.entry, instants, twin.digest(), tuple(same), tuple(different))


def _start(twin: LiveTwin, folder: Path, first: int, marks: list[int]) -> list[int]:
    """Take up the oldest whole snapshot behind which the journal goes on; return those passed over, not whole."""
    damaged: list[int] = []
    for mark in [mark for mark in marks if mark >= first - 1]:
        if (state := _left(folder, mark)) is not None:
            twin.unpack(state)
            return damaged
        damaged.append(mark)
    raise SnapshotError(
        f"{folder}: the journal begins at entry {first} and no whole snapshot is behind it; bring a copy of one back"
    )


def _left(folder: Path, entry: int) -> bytes | None:
    """Return the state that was left after an entry; None where the file isn't whole."""
    try:
        return snapshots.load(folder, entry).state
    except SnapshotError:
        return None
