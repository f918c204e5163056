"""Pruning inside ingest, the journal's only writer: nobody is believed, and gateways are served in between."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

from twin.errors import DataError, SnapshotError
from twin.journal.entries import JournalFull
from twin.journal.prune import prune
from twin.journal.writer import Journal
from twin.keep.manifest import FOLDER, Manifest, Record, load, pieces
from twin.live import snapshots
from twin.service import Pruned

SLICE = 0.01
"""How long a round may be held up [s]."""
EVERY = 0.02
"""How long gateways are served between two slices, at least [s]."""


class Pruner:
    """Prunes the journal as far as archives and snapshots cover it.

    Parameters
    ----------
    journal : Journal
        Open for appending.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal, self._data = journal, journal.path.parent
        self._work: Iterator[None] | None = None
        self._refused = ""
        self._next = 0.0

    @property
    def busy(self) -> bool:
        """Return whether there is something to do."""
        return self._work is not None

    def ask(self, before: int) -> Pruned:
        """Begin to prune what is before an entry, or tell how that is going; a refusal is told once."""
        if self._work is None and not self._refused and before > self._journal.first():
            self._work = self._all(before)
        refused, self._refused = self._refused, ""
        return Pruned(self._journal.first(), self.busy, refused)

    def step(self) -> None:
        """Go on for a moment.

        Raises
        ------
        DataError
            If the journal can't be written: the process must end, as after a failed append.
        """
        if self._work is None or time.monotonic() < self._next:
            return
        until = time.monotonic() + SLICE
        try:
            while time.monotonic() < until:
                next(self._work)
        except StopIteration:
            self._work = None
        except (_Uncovered, JournalFull) as err:
            self._work, self._refused = None, str(err)
        self._next = time.monotonic() + EVERY

    def _all(self, before: int) -> Iterator[None]:
        """Check, then prune, a little at a time."""
        try:
            manifest = load(self._data)
        except DataError as err:
            raise _Uncovered(str(err)) from None
        for record in self._covering(manifest, before):
            yield from _whole(self._data / FOLDER / record.name, record)
        self._check_snapshot(before)
        while prune(self._journal, before, seconds=0.0):
            yield

    def _covering(self, manifest: Manifest, before: int) -> list[Record]:
        """Return the archives of what is to go; refuse what they don't cover."""
        state, first, identity = manifest.state, self._journal.first(), self._journal.identity.hex()
        if state is None or state.journal != identity:
            raise _Uncovered("nothing of this journal is archived")
        if before > state.resume or state.resume > state.through + 1 or state.through > self._journal.last():
            raise _Uncovered(f"entries before {state.resume} are archived, not before {before}")
        if state.through >= first and self._chain(state.through).hex() != state.chain:
            raise _Uncovered(f"the archives are of another journal: the chain differs after entry {state.through}")
        mine = [r for r in manifest.archives if r.journal == identity and r.through >= first]
        reached = first - 1
        for record in sorted((r for r in mine if r.main), key=lambda r: r.after):
            if record.after > reached:
                break
            others = sum(not r.main and (r.after, r.through) == (record.after, record.through) for r in mine)
            if others != record.others:
                raise _Uncovered(f"{record.name}: of {record.others} archives beside it {others} are listed")
            reached = max(reached, record.through)
        if reached < state.through:
            raise _Uncovered(f"entry {reached + 1} is in no archive")
        return [record for record in mine if record.start < before]

    def _chain(self, number: int) -> bytes:
        """Return the chain's value after an entry that isn't pruned, nothing where there is none."""
        found = self._journal.query("SELECT chain FROM entries WHERE id = ?", number)
        return bytes(found[0][0]) if found else b""

    def _check_snapshot(self, before: int) -> None:
        """Refuse what the twin would need to go on from its oldest snapshot."""
        marks = snapshots.entries(self._data)
        if not marks or marks[0] < before - 1:
            raise _Uncovered(f"the twin's oldest snapshot is after entry {marks[0] if marks else 0}")
        try:
            found = snapshots.load(self._data, marks[0])
        except SnapshotError as err:
            raise _Uncovered(str(err)) from None
        if marks[0] >= self._journal.first() and found.chain != self._chain(marks[0]):
            raise _Uncovered(f"the twin's snapshot after entry {marks[0]} is of another journal")


class _Uncovered(Exception):  # noqa: N818 - it says what is the matter
    """What is to be pruned is not covered."""


def _whole(path: Path, record: Record) -> Iterator[None]:
    """Compare an archive with its manifest, a piece at a time."""
    digest = hashlib.sha256()
    try:
        if path.stat().st_size != record.bytes:
            raise _Uncovered(f"{path.name} is not of the length that it had")
        for _ in pieces(path, digest):
            yield
    except OSError as err:
        raise _Uncovered(f"{path.name} can't be read: {err.strerror}") from None
    if digest.hexdigest() != record.sha256:
        raise _Uncovered(f"{path.name} is not what was written")
