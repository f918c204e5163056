"""The recorder: hour by hour from journal to archive, and what is archived may go from the journal."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event
from typing import Any

from msgspec.structs import replace

from twin.errors import DataError, TwinError
from twin.journal import log as journal_log
from twin.journal.reader import Reader
from twin.journal.stats import days_left
from twin.journal.store import FILE as JOURNAL
from twin.keep import place, room
from twin.keep.making import made
from twin.keep.manifest import FOLDER, Manifest, Record, State, save
from twin.keep.room import Limits
from twin.keep.span import Span, Watch
from twin.keep.writing import unwritable
from twin.live import snapshots
from twin.service import Client

POLL = 1.0
STATUS_EVERY = 5.0
TRIM_EVERY = 60.0
AGED_EVERY = 3600.0
ASK_AGAIN = 600.0
"""How long until ingest is asked again, where it refused or the twin's snapshots are behind the archives [s]."""
PATIENCE = (5.0, 60.0)
"""How long to wait after the first failure, and at most [s]."""
STATUS = "recorder.json"


class Halted(Exception):  # noqa: N818 - it is no error
    """It was asked to end."""


class Keeper:
    """The recorder of a data folder.

    Parameters
    ----------
    data : pathlib.Path
        The data folder.
    about : mapping
        Attributes of every archive: where its numbers came from.
    limits : Limits
        What is kept.
    halt : threading.Event
        Ends it.
    log : callable
        Takes what an operator should know, a line each.

    Raises
    ------
    DataError
        If another recorder has the folder, or it can't be written.
    """

    def __init__(
        self, data: Path, about: Mapping[str, Any], limits: Limits, *, halt: Event, log: Callable[[str], None]
    ) -> None:
        self.data, self.limits, self.halt, self.log = data, limits, halt, log
        self._about = dict(about)
        self._lock = place.claimed(data)
        self.manifest = Manifest()
        self.trouble: dict[str, str] = {}
        self._watch = Watch()
        self._journal = ""
        self._ask_at = self._trimmed = self._aged = self._shown = -math.inf
        self._behind: float | None = None
        self._first = 0

    def close(self) -> None:
        """Give the folder free."""
        os.close(self._lock)

    def cycle(self) -> None:
        """Archive what is complete; then see to the journal and to the room.

        Raises
        ------
        DataError
            If the journal can't be read or the archives can't be written; the next cycle tries again.
        Halted
            If it was asked to end.
        """
        with Reader.open(self.data) as reader:
            if self._journal != reader.identity.hex():
                self._settle(reader)
            while (span := self._watch.look(reader, self._state())) is not None:
                self._archive(reader, span)
            self.trouble.pop("archive", None)
            if self.limits.prune:
                self._prune(reader)
            self._trim(reader)
            if self._first != (first := reader.first()):
                self._first, self._shown = first, -math.inf
            self._show(reader)

    def fail(self, error: Exception) -> None:
        """Note what went wrong, and say it once."""
        known = str(error) if isinstance(error, TwinError) else f"a defect of twin, report it: {error!r}"
        self._note("archive", known)
        self._journal = ""  # what is on disk is looked at again
        with suppress(DataError), Reader.open(self.data) as reader:
            self._shown = -math.inf
            self._show(reader)

    def _settle(self, reader: Reader) -> None:
        """Bring manifest, files and journal in line."""
        try:
            place.tidied(self.data)
            before = place.read(self.data, self.log)
            self.manifest = place.settled(self.data, before, reader, self.log)
        except OSError as err:
            raise unwritable(self.data / FOLDER, err) from None
        if self.manifest != before:
            save(self.data, self.manifest)
        self._journal = reader.identity.hex()

    def _state(self) -> State:
        assert self.manifest.state is not None  # noqa: S101 - settling makes one
        return self.manifest.state

    def _archive(self, reader: Reader, span: Span) -> None:
        """Make the archives of a span, give them their names, and list them."""
        began = time.monotonic()

        def pause() -> None:
            if self.halt.is_set():
                raise Halted
            self._show(reader)

        with ExitStack() as stack:
            found = made(stack, self.data / FOLDER, reader, span, self.manifest.free_number, self._about, pause)
            try:
                for path, record in found:
                    place.named(self.data, path, record, self.log)
            except OSError as err:
                raise unwritable(self.data / FOLDER, err) from None
        records = [record for _, record in found]
        main = records[-1]
        archives = [*self.manifest.archives, *records]
        manifest = replace(self.manifest, archives=archives, state=place.after(main))
        save(self.data, manifest)
        self.manifest = manifest
        more = f" and {main.others} more" if main.others else ""
        readings = sum(record.readings for record in records)
        self.log(f"archived {main.name}{more}: {readings} readings in {time.monotonic() - began:.1f} s")
        self._trimmed = self._shown = -math.inf

    def _prune(self, reader: Reader) -> None:
        """Ask ingest to prune what is archived and behind a snapshot; it looks for itself."""
        now, resume, first = time.monotonic(), self._state().resume, reader.first()
        marks = snapshots.entries(self.data)
        before = min(resume, marks[0] + 1) if marks else 0
        self._behind = None if resume <= first else (now if self._behind is None else self._behind)
        if self._behind is not None and now - self._behind > ASK_AGAIN and not marks:
            self._note("prune", f"the journal isn't pruned: the twin has no snapshot in {self.data}")
        if resume <= first:
            self._note("prune", "")
        if before <= first or now < self._ask_at:
            return
        try:
            with Client(self.data) as client:
                answer = client.prune(before)
        except DataError as err:
            self._note("prune", f"the journal isn't pruned: {err}")
            self._ask_at = now + PATIENCE[1]
            return
        if answer.refused:
            self._note("prune", f"the journal isn't pruned: {answer.refused}")
            self._ask_at = now + ASK_AGAIN
            self._journal = ""  # an archive that is damaged is found by settling
        elif not answer.busy:
            self._note("prune", "")
            self._ask_at = now + (ASK_AGAIN if before < resume else 0.0)

    def _trim(self, reader: Reader) -> None:
        """Delete archives that have to go."""
        now = time.monotonic()
        if now - self._trimmed < TRIM_EVERY:
            return
        self._trimmed = now
        journal, first, others = reader.identity.hex(), reader.first(), journal_bytes(self.data)
        if now - self._aged >= AGED_EVERY:
            self._aged = now
            for going in room.deletable(room.aged(self.manifest, self.limits, time.time_ns() // 1000), journal, first):
                self._delete(*going)
        for going in room.deletable(room.crowded(self.manifest, self.limits, others), journal, first):
            self._delete(*going)
        self._note("room", room.shortage(self.manifest, self.limits, others))

    def _delete(self, record: Record, reason: str) -> None:
        """Delete an archive: its manifest says so first, unless the disk is too full for that."""
        path = self.data / FOLDER / record.name
        manifest = self.manifest.without(record, time.time_ns() // 1000, reason)
        try:
            save(self.data, manifest)
            path.unlink(missing_ok=True)
        except DataError:
            path.unlink(missing_ok=True)
            save(self.data, manifest)
        self.manifest = manifest
        self.log(f"deleted {record.name} (SHA-256 {record.sha256}): {reason}")

    def _note(self, topic: str, what: str) -> None:
        """Keep in mind what is wrong, and say it once."""
        if not what:
            self.trouble.pop(topic, None)
        elif self.trouble.get(topic) != what:
            self.trouble[topic] = what
            self.log(what)

    def _show(self, reader: Reader) -> None:
        """Write how it is going."""
        now = time.monotonic()
        if now - self._shown < STATUS_EVERY:
            return
        self._shown = now
        days = days_left(reader)
        state, latest = self.manifest.state, self.manifest.archives[-1:]
        gone = self.manifest.deleted[-1:]
        status = {
            "pid": os.getpid(),
            "time": time.time(),
            "last_archive": latest[0].name if latest else None,
            "archives": len(self.manifest.archives),
            "archive_bytes": sum(record.bytes for record in self.manifest.archives),
            "archived_through": state.through if state else None,
            "behind_entries": reader.last() - state.through if state else None,
            "journal_first": reader.first(),
            "journal_bytes": journal_bytes(self.data),
            "days_left": days if math.isfinite(days) else None,
            "deleted": len(self.manifest.deleted) + self.manifest.forgotten,
            "last_deleted": f"{gone[0].name}: {gone[0].reason}" if gone else None,
            "trouble": list(self.trouble.values()),
        }
        path = self.data / STATUS
        temporary = path.with_suffix(".tmp")
        with suppress(OSError):
            temporary.write_text(json.dumps(status), encoding="utf-8")
            temporary.replace(path)


def journal_bytes(data: Path) -> int:
    """Return how much room the journal takes [byte]."""
    path = data / JOURNAL
    size = 0
    for file in (path, journal_log.of(path), path.with_name(f"{path.name}-shm")):
        with suppress(OSError):
            size += file.stat().st_size
    return size


def keep(
    data: Path, about: Mapping[str, Any], limits: Limits, *, halt: Event, log: Callable[[str], None] = lambda _: None
) -> None:
    """Record until `halt` is set; what goes wrong is said and tried again.

    Raises
    ------
    DataError
        If another recorder has the folder, or it can't be written at all.
    """
    keeper = Keeper(data, about, limits, halt=halt, log=log)
    patience = PATIENCE[0]
    try:
        while not (halt.is_set() or (data / JOURNAL).exists()):
            halt.wait(POLL / 10.0)
        while not halt.is_set():
            try:
                keeper.cycle()
                patience = PATIENCE[0]
                halt.wait(POLL)
            except Halted:
                break
            except Exception as err:  # ingest and twin go on, and so does the recorder
                keeper.fail(err)
                halt.wait(patience)
                patience = min(2.0 * patience, PATIENCE[1])
    finally:
        keeper.close()
