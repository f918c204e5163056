"""Whether the archives of a data folder are what was written, and what lies between them."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from twin.errors import DataError
from twin.journal.reader import Reader
from twin.keep.manifest import FOLDER, Manifest, Record, load
from twin.keep.place import matches
from twin.keep.reading import Archive
from twin.keep.room import ordered

Progress = Callable[[int, int], None]


class Wrong(NamedTuple):
    """An archive that isn't what was written, and why."""

    name: str
    why: str


class Verdict(NamedTuple):
    """What `verify` found.

    Attributes
    ----------
    path : pathlib.Path
        The folder of the archives.
    archives, readings, bytes : int
        What should be there.
    chained : int
        Archives whose end the journal still has, and confirms.
    wrong : tuple of Wrong
    notes : tuple of str
        What is worth knowing, and no damage.
    """

    path: Path
    archives: int
    readings: int
    bytes: int
    chained: int
    wrong: tuple[Wrong, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every archive is what was written."""
        return not self.wrong


def opened(data: Path) -> Manifest:
    """Return the manifest of a data folder that has archives.

    Raises
    ------
    DataError
        If it has none, or it is damaged.
    """
    if not (data / FOLDER).is_dir():
        raise DataError(f"{data}: holds no archives; the first is made when an hour is over")
    return load(data)


def verify(data: Path, progress: Progress | None = None) -> Verdict:
    """Return whether the archives are what was written, also while a recorder runs.

    Each is hashed before HDF5 sees it; then every number is read, checksums and all, and the end of its span compared
    with the hash chain of the journal, where that still has it.

    Parameters
    ----------
    data : pathlib.Path
        The data folder.
    progress : callable, optional
        Called with how many archives are done, of how many.

    Raises
    ------
    DataError
        If there are none, or their manifest is damaged.
    """
    manifest, place = opened(data), data / FOLDER
    wrong, chained = [], 0
    reader = _journal(data)
    try:
        for n, record in enumerate(manifest.archives):
            if progress is not None:
                progress(n, len(manifest.archives))
            if why := damage(place / record.name, record):
                wrong.append(Wrong(record.name, why))
            confirmed = None if reader is None else _chained(reader, record)
            if confirmed is False:
                wrong.append(Wrong(record.name, f"the journal's chain differs after entry {record.through}"))
            chained += confirmed is True
    finally:
        if reader is not None:
            reader.close()
    readings, size = (sum(getattr(r, name) for r in manifest.archives) for name in ("readings", "bytes"))
    notes = (*_holes(manifest), *_strangers(place, manifest))
    return Verdict(place, len(manifest.archives), readings, size, chained, tuple(wrong), notes)


def damage(path: Path, record: Record) -> str:
    """Return what is wrong with an archive, or nothing, after reading all of it."""
    if not path.is_file() or path.is_symlink():
        return "is missing"
    if not matches(path, record):
        return "is not what was written: its SHA-256 differs"
    try:
        with Archive(path) as archive:
            return "" if archive.content() == record.content else "holds other numbers than were written"
    except DataError as err:
        return str(err).removeprefix(f"{path}: ").rpartition(";")[0]


def _journal(data: Path) -> Reader | None:
    try:
        return Reader.open(data)
    except DataError:
        return None


def _chained(reader: Reader, record: Record) -> bool | None:
    """Return whether the journal has the same chain at an archive's end, None where that isn't there."""
    if record.journal != reader.identity.hex() or not reader.first() - 1 <= record.through <= reader.last():
        return None
    return reader.chain(record.through).hex() == record.chain


def _holes(manifest: Manifest) -> list[str]:
    """Return which entries of a journal no archive has, that one had or that were deleted."""
    said = []
    for journal in dict.fromkeys(record.journal for record in ordered(manifest)):
        spans = sorted(
            {(r.after, r.through) for r in manifest.archives if r.journal == journal}
            | {(gone.after, gone.through) for gone in manifest.deleted if gone.journal == journal}
        )
        for (_, end), (begin, _) in pairwise(spans):
            if begin > end:
                said.append(f"entries {end + 1} to {begin} of journal {journal[:8]} are in no archive")
    return said


def _strangers(place: Path, manifest: Manifest) -> list[str]:
    listed = {record.name for record in manifest.archives}
    names = sorted(path.name for path in place.glob("*.h5") if path.name not in listed)
    return [f"{name}: isn't listed; a recorder that is started looks at it" for name in names]
