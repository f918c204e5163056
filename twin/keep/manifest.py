"""Which archives there are, which were deleted and why, and how far the journal is archived.

Ingest reads it to decide what may be pruned: nothing here needs more than msgspec.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from twin.errors import DataError
from twin.ingest.keys import write_whole
from twin.keep import hours

FOLDER = "archive"
FILE = "manifest.json"
FORMAT = "equipment-twin archives"
VERSION = 1
MOST_DELETED = 10_000
"""Deleted archives that are still told one by one."""
MOST_BYTES = 1 << 30

_PIECE = 1 << 20

Name = Annotated[str, Meta(pattern=hours.NAME)]
Hour = Annotated[str, Meta(pattern=hours.TEXT)]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Identity = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
Count = Annotated[int, Meta(ge=0)]


class Damaged(DataError):  # noqa: N818 - it says what is the matter
    """The manifest isn't what was written."""


class State(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a journal is archived.

    Attributes
    ----------
    journal : str
        Its identity.
    through : int
        The last entry that was looked at.
    chain : str
        The chain's value after it.
    resume : int
        The first entry of which something isn't archived yet; `through` + 1 at most.
    hold : str or None
        The hour to which all belongs that entries up to `through` have and no archive.
    """

    journal: Identity
    through: Count
    chain: Digest
    resume: Annotated[int, Meta(ge=1)]
    hold: Hour | None = None


class Record(Struct, frozen=True, forbid_unknown_fields=True):
    """An archive.

    Attributes
    ----------
    name, hour, number : str, str, int
        Its file, the hour of its readings' source time, and which of that hour's archives it is.
    main : bool
        Whether it also has what is no reading: hellos, gaps, actions, ticks. It is the last of its span to appear.
    others : int
        How many more archives the span has, of other hours.
    journal, chain : str
        Of which journal, and the chain's value after entry `through`.
    after, through : int
        Its span: all that entries behind `after` up to `through` have of that hour.
    start, held, hold, resume
        Where the span was read from, for the hour that the span before had held back; and what it held back itself.
    received : tuple of int
        When the first and the last entry of the span were received [us UTC].
    since, until : int
        First and last source time of its readings [us UTC]; 0 where there are none.
    readings, tags, frames, entries, gaps : int
        What it holds; `entries` are those that are no batches of readings.
    strays, unreadable : int
        Readings of other hours, where a span had too many of them; batches that could only be kept as they came.
    content : str
        SHA-256 of the numbers, whatever the compression.
    bytes, sha256 : int, str
        Of the file.
    """

    name: Name
    hour: Hour
    number: Count
    main: bool
    others: Count
    journal: Identity
    chain: Digest
    after: Count
    through: Count
    start: Count
    held: Hour | None
    hold: Hour | None
    resume: Count
    received: tuple[Count, Count]
    since: Count
    until: Count
    readings: Count
    tags: Count
    frames: Count
    entries: Count
    gaps: Count
    strays: Count
    unreadable: Count
    content: Digest
    bytes: Count
    sha256: Digest


class Deleted(Struct, frozen=True, forbid_unknown_fields=True):
    """An archive that is gone: what it was, when it went [us UTC], and why; `lost` if that wasn't meant."""

    name: Name
    journal: Identity
    after: Count
    through: Count
    readings: Count
    bytes: Count
    sha256: Digest
    when: Count
    reason: str
    lost: bool = False


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything about an archive folder; `forgotten` counts deleted archives that are no longer told of."""

    state: State | None = None
    archives: list[Record] = []
    deleted: list[Deleted] = []
    forgotten: Count = 0
    format: str = FORMAT
    version: int = VERSION

    def named(self, name: str) -> Record | None:
        """Return the archive of this name."""
        return next((record for record in self.archives if record.name == name), None)

    def free_number(self, hour: str) -> int:
        """Return the first number that no archive of an hour has had."""
        names = {record.name for record in self.archives} | {gone.name for gone in self.deleted}
        number = 0
        while hours.file_name(hour, number) in names:
            number += 1
        return number

    def having(self, records: list[Record]) -> "Manifest":
        """Return it with more archives; one that was lost is found."""
        names = {record.name for record in records}
        deleted = [gone for gone in self.deleted if gone.name not in names]
        return replace(self, archives=[*self.archives, *records], deleted=deleted)

    def without(self, record: Record, when: int, reason: str, *, lost: bool = False) -> "Manifest":
        """Return it with an archive moved to the deleted ones."""
        gone = Deleted(
            record.name, record.journal, record.after, record.through, record.readings, record.bytes, record.sha256,
            when, reason, lost,
        )  # fmt: skip
        deleted = [*self.deleted, gone]
        many = max(len(deleted) - MOST_DELETED, 0)
        archives = [other for other in self.archives if other.name != record.name]
        return replace(self, archives=archives, deleted=deleted[many:], forgotten=self.forgotten + many)


class _Outer(Struct, forbid_unknown_fields=True):
    sha256: Digest
    manifest: Raw


_outer = msgspec.json.Decoder(_Outer)
_inner = msgspec.json.Decoder(Manifest)


def load(data: Path) -> Manifest:
    """Return the manifest of a data folder; an empty one where there is none.

    Raises
    ------
    DataError
        If it can't be read, is of another version, or `Damaged`.
    """
    path = data / FOLDER / FILE
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: is longer than any manifest; move it away, and restart the recorder")
        raw = path.read_bytes()
    except FileNotFoundError:
        return Manifest()
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check its rights and the disk") from None
    try:
        outer = _outer.decode(raw)
        whole = hashlib.sha256(outer.manifest).hexdigest() == outer.sha256
        found = _inner.decode(outer.manifest) if whole else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if found is None or found.format != FORMAT:
        raise Damaged(f"{path}: is damaged; move it away and restart the recorder, which makes it anew")
    if found.version != VERSION:
        raise DataError(f"{path}: is of version {found.version}, this twin reads {VERSION}; use the twin that wrote it")
    return found


def save(data: Path, manifest: Manifest) -> None:
    """Write the manifest of a data folder, whole.

    Raises
    ------
    DataError
        If it can't be written; then what was there is still there.
    """
    inner = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    text = f'{{"sha256": "{hashlib.sha256(inner).hexdigest()}",\n"manifest": {inner.decode()}}}\n'
    write_whole(data / FOLDER / FILE, text, 0o644)


def pieces(path: Path, digest: "hashlib._Hash") -> Iterator[int]:
    """Feed a file to a digest piece by piece; yield how much was read so far [byte]."""
    done = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            yield done


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    for _ in pieces(path, digest):
        pass
    return digest.hexdigest()
