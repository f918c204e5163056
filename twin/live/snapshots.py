"""Snapshots of a live twin: whole, hashed, renamed when complete, a few kept."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from twin.errors import DataError, SnapshotError

FOLDER = "snapshots"
KEEP = 3
_NAME = re.compile(r"(\d{12})\.twin")
_MAGIC = b"twin-live-1\n"
_HASH = 32


class Snapshot(NamedTuple):
    """State of a twin, and the value of the journal's chain after the entry it stands at."""

    chain: bytes
    state: bytes


def save(folder: Path, entry: int, snapshot: Snapshot) -> Path:
    """Write the state after a journal entry; older ones beyond `KEEP` are deleted.

    Raises
    ------
    DataError
        If it can't be written; what was there before is still there.
    """
    place = folder / FOLDER
    path = place / f"{entry:012d}.twin"
    temporary = ""
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        for left in place.glob("*.tmp"):  # by a twin that was killed while it wrote
            left.unlink(missing_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            body = snapshot.chain + snapshot.state
            file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync(place)
    except OSError as err:
        Path(temporary).unlink(missing_ok=True) if temporary else None
        raise DataError(f"{path}: snapshot can't be written: {err.strerror}; make room, or check the folder") from None
    for old in entries(folder)[:-KEEP]:
        (place / f"{old:012d}.twin").unlink(missing_ok=True)
    return path


def entries(folder: Path) -> list[int]:
    """Return after which journal entries there is a snapshot, ascending."""
    place = folder / FOLDER
    found = [_NAME.fullmatch(p.name) for p in place.iterdir()] if place.is_dir() else []
    return sorted(int(m[1]) for m in found if m)


def load(folder: Path, entry: int) -> Snapshot:
    """Return the state after a journal entry.

    Raises
    ------
    SnapshotError
        If the file is not whole.
    """
    path = folder / FOLDER / f"{entry:012d}.twin"
    try:
        raw = path.read_bytes()
    except OSError as err:
        raise SnapshotError(f"{path}: snapshot can't be read: {err.strerror}; use an older one") from None
    head, body = raw[: len(_MAGIC) + _HASH], raw[len(_MAGIC) + _HASH :]
    if head != _MAGIC + hashlib.sha256(body).digest():
        raise SnapshotError(f"{path}: not whole: its hash differs; delete it and start again")
    return Snapshot(body[:_HASH], body[_HASH:])


def _sync(folder: Path) -> None:
    """Let a power cut leave the new name, before an older one is deleted."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
