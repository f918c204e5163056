"""The folder of the archives: claimed by one recorder, tidied, and brought in line with its manifest."""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from twin.errors import DataError
from twin.journal.reader import Reader
from twin.keep import hours
from twin.keep.manifest import FILE, FOLDER, Damaged, Manifest, Record, State, load, sha256_of
from twin.keep.reading import looked_at
from twin.keep.span import fresh
from twin.keep.writing import PREFIX, SUFFIX, synced, unwritable

LOCK = "recorder.lock"
ASIDE = "aside"

Log = Callable[[str], None]


def claimed(data: Path) -> int:
    """Return the descriptor that holds the folder's lock; the folder is made where there is none.

    Raises
    ------
    DataError
        If another recorder holds it, or it can't be written.
    """
    place = data / FOLDER
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise unwritable(place, err) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise DataError(f"{place}: another recorder writes archives here; end it, or name another folder") from None
    return lock


def tidied(data: Path) -> None:
    """Delete what a recorder that was killed has left half-written."""
    for path in (data / FOLDER).iterdir():
        temporary = path.name.startswith(PREFIX) and path.name.endswith(SUFFIX)
        if temporary or (path.name.startswith(f"{FILE}.") and path.name.endswith(".part")):
            path.unlink(missing_ok=True)


def aside(path: Path, why: str, log: Log) -> None:
    """Move a file out of the way, to where people can look at it."""
    folder = path.parent / ASIDE
    folder.mkdir(mode=0o700, exist_ok=True)
    number = 1
    while (target := folder / f"{path.name}.{number}").exists():
        number += 1
    path.rename(target)
    log(f"{path}: {why}; moved to {target}")


def read(data: Path, log: Log) -> Manifest:
    """Return the manifest; one that is damaged is set aside, and made anew from the archives."""
    try:
        return load(data)
    except Damaged as err:
        aside(data / FOLDER / FILE, str(err), log)
        return Manifest()


def settled(data: Path, manifest: Manifest, reader: Reader, log: Log) -> Manifest:
    """Return the manifest brought in line with the files that are there and the journal.

    What is listed and missing or damaged is archived again where the journal still has it, and noted as gone where it
    doesn't. What is there and not listed is read whole, and listed or set aside.
    """
    place, journal = data / FOLDER, reader.identity.hex()
    for record in manifest.archives:
        if wrong := _wrong(place, record, reader):
            manifest = _lost(place, manifest, record, wrong, reader, log)
    found = _unlisted(place, manifest, log)
    mine = [record for record in [*manifest.archives, *found] if record.journal == journal]
    state = manifest.state if manifest.state and manifest.state.journal == journal else None
    if state is None:
        first = min((record for record in mine if record.main), key=lambda record: record.after, default=None)
        state = fresh(reader) if first is None or first.start > reader.first() else _before(first)
    new = [record for record in found if record.journal != journal or record.through <= state.through]
    while (span := _next(mine, state)) is not None:
        new += [record for record in span if record in found]
        state = after(span[-1])
    for record in new:
        log(f"{place / record.name}: was not listed; it is whole, and listed now")
    return replace(manifest.having(new), state=_possible(state, reader, log))


def after(main: Record) -> State:
    """Return the state once a span is archived, by its main archive."""
    return State(main.journal, main.through, main.chain, main.resume, main.hold)


def _before(main: Record) -> State:
    return State(main.journal, main.after, "0" * 64, max(main.start, 1), main.held)


def _wrong(place: Path, record: Record, reader: Reader) -> str:
    """Return what is wrong with a listed file: of those whose entries the journal has no byte may be another."""
    path = place / record.name
    try:
        if path.is_symlink() or path.stat().st_size != record.bytes:
            return "is not of the length that it had"
        unpruned = record.journal == reader.identity.hex() and record.through >= reader.first()
        return "is not what was written" if unpruned and sha256_of(path) != record.sha256 else ""
    except FileNotFoundError:
        return "is missing"
    except OSError as err:
        return f"can't be read: {err.strerror}"


def _lost(place: Path, manifest: Manifest, bad: Record, wrong: str, reader: Reader, log: Log) -> Manifest:
    """Return the manifest without an archive that is lost, and without what follows if it can be made again."""
    if manifest.named(bad.name) is None:
        return manifest
    path = place / bad.name
    if path.exists() or path.is_symlink():
        aside(path, wrong, log)
    if bad.journal != reader.identity.hex() or bad.start < reader.first():
        log(f"{path}: {wrong}, and the journal no longer has what was in it: bring a copy back")
        return manifest.without(bad, time.time_ns() // 1000, wrong, lost=True)
    log(f"{path}: {wrong}; it is made again from the journal")
    kept = [r for r in manifest.archives if r.journal != bad.journal or r.after < bad.after]
    chain = reader.chain(bad.after).hex()
    return replace(manifest, archives=kept, state=State(bad.journal, bad.after, chain, bad.start, bad.held))


def _unlisted(place: Path, manifest: Manifest, log: Log) -> list[Record]:
    """Return archives that are there and not listed, after reading all of each."""
    listed, gone = {r.name for r in manifest.archives}, {d.name for d in manifest.deleted if not d.lost}
    paths = []
    for path in sorted(place.glob("*.h5")):
        if path.name in gone:
            log(f"{path}: was to be deleted; deleted")
            path.unlink()
        elif path.is_symlink() or not (path.is_file() and hours.is_name(path.name)):
            aside(path, "is no archive", log)
        elif path.name not in listed:
            paths.append(path)
    found = []
    for path, record in looked_at(paths).items():
        if isinstance(record, DataError):
            aside(path, str(record).removeprefix(f"{path}: ").rpartition(";")[0], log)
        elif record.name != (name := hours.file_name(record.hour, record.number)):
            aside(path, f"is a copy of {name}", log)
        else:
            found.append(record)
    return found


def _next(found: list[Record], state: State) -> list[Record] | None:
    """Return the archives of the span that follows on a state, the main one last; None unless all are there."""
    span = [record for record in found if record.after == state.through and record.through > state.through]
    mains = [record for record in span if record.main]
    if len(mains) != 1:
        return None
    others = [record for record in span if not record.main and record.through == mains[0].through]
    return [*others, mains[0]] if len(others) == mains[0].others else None


def _possible(state: State, reader: Reader, log: Log) -> State:
    """Return a state from which the journal can be read on.

    Raises
    ------
    DataError
        If the journal is another one than it says.
    """
    first = reader.first()
    if state.resume < first:
        log(f"{reader.path}: entries {state.resume} to {first - 1} were pruned before all of them was archived")
        return replace(state, resume=first) if state.through >= first - 1 else fresh(reader)
    if reader.chain(state.through).hex() != state.chain and set(state.chain) != {"0"}:
        raise DataError(
            f"{reader.path}: isn't the journal that was archived: it differs after entry {state.through}; "
            f"name the right folder, or move {FOLDER} away to begin anew"
        )
    return state


def matches(path: Path, record: Record) -> bool:
    """Return whether a file is the one of a record."""
    try:
        return path.stat().st_size == record.bytes and sha256_of(path) == record.sha256
    except OSError:
        return False


def named(data: Path, path: Path, record: Record, log: Log) -> None:
    """Give a finished archive its name; one that is there already stays if it is the same, and never if it isn't."""
    target = data / FOLDER / record.name
    if target.exists() or target.is_symlink():
        if matches(target, record):
            path.unlink()
            return
        aside(target, "is not what the journal says", log)
    if record.main:
        synced(target.parent)  # whoever finds the main archive of a span finds all of it
    path.rename(target)
    synced(target.parent)
