"""Data sets of labelled runs as they lie in a folder: which there are, and what each says of itself."""

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

from twin.errors import DataError
from viz import sealed

FOLDER = "datasets"
MANIFEST, INDEX, SHARDS, SUFFIX = "dataset.json", "index.h5", "shards", ".h5"
FORMAT = 1
"""Format of data sets that this view knows in full."""
MOST_BYTES = 64 * 2**20
"""Longest `dataset.json` that is read [bytes]."""
MOST_LISTED = 200
MOST_CHANNELS = 2000
MOST_CODES = 256

Name = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
Count = Annotated[int, Meta(ge=0, le=2**40)]
Duration = Annotated[float, Meta(ge=0.0, le=1e12)]


class Column(Struct, frozen=True):
    """A channel: its tag, its unit, the quantity that it reads, and what that is."""

    name: Name
    unit: Name = "1"
    reads: Name = ""
    doc: Text = ""


class Kind(Struct, frozen=True):
    """A fault, an instrument's fault or a mode: the code that stands for it, and what it moves."""

    code: Annotated[int, Meta(ge=0, lt=MOST_CODES)]
    name: Name
    doc: Text = ""
    moves: tuple[Name, ...] = ()


class Shard(Struct, frozen=True):
    """A file of runs: the number of the first, how many, and what the file has to be."""

    file: Annotated[str, Meta(pattern=r"\Ashards/[A-Za-z0-9_-]{1,100}\.h5\Z")]
    first: Count
    runs: Annotated[int, Meta(ge=1, le=2**40)]
    bytes: Count
    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Manifest(Struct, frozen=True):
    """What `dataset.json` says, as far as a page shows it; what another version adds is left aside.

    Attributes
    ----------
    every, length : float
        [s].
    counts : dict
        Runs by split and class.
    """

    name: Name
    runs: Count
    rows: Annotated[int, Meta(ge=1, le=10_000_000)]
    every: Annotated[float, Meta(gt=0.0, le=1e9)]
    channels: Annotated[tuple[Column, ...], Meta(min_length=1, max_length=MOST_CHANNELS)]
    classes: Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=MOST_CODES)]
    splits: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MOST_CODES)]
    shards: tuple[Shard, ...]
    index_sha256: str = ""
    format: int = 0
    about: Text = ""
    identity: Name = ""
    seed: int = 0
    length: Duration = 0.0
    codec: Name = "gzip"
    plants: tuple[Name, ...] = ()
    sensor_faults: tuple[Kind, ...] = ()
    modes: tuple[Kind, ...] = ()
    ends: tuple[Name, ...] = ()
    counts: dict[Name, dict[Name, Count]] = {}
    failed: Count = 0
    machines: Count = 0
    contents: tuple[Name, ...] = ()
    license: Name = ""
    purpose: Text = ""
    contract: Name = ""

    @property
    def bytes(self) -> int:
        """Return how much its shards hold [bytes]."""
        return sum(shard.bytes for shard in self.shards)

    def class_name(self, code: int) -> str:
        """Return what a class is called; its code where nothing names it."""
        return next((kind.name for kind in self.classes if kind.code == code), str(code))


class Listed(NamedTuple):
    """A data set of the list: finished, or how many shards it has by now; or why it can't be shown.

    Attributes
    ----------
    name : str
        Its folder's.
    written : float
        When its newest shard was written, where it is unfinished [s since 1970].
    """

    name: str
    manifest: Manifest | None
    shards: int = 0
    bytes: int = 0
    written: float = 0.0
    trouble: str = ""


class DataSets:
    """The data sets of a folder, or the one that the folder is.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def names(self) -> list[str]:
        """Return the names of what looks like data sets.

        Raises
        ------
        DataError
            If the folder can't be read.
        """
        if _is_data_set(self.folder):
            return [self.folder.name]
        try:
            with os.scandir(self.folder) as entries:
                found = [entry.name for entry in entries if _is_data_set(Path(entry.path))]
        except FileNotFoundError:
            return []
        except OSError as err:
            raise DataError(f"{self.folder}: can't be read: {err.strerror}; name a folder with --datasets") from None
        return sorted(found)

    def place(self, name: str) -> Path:
        """Return the folder of a data set.

        Raises
        ------
        DataError
            If there is none of this name, or it is a link.
        """
        if name not in self.names():
            raise DataError(f"{name[:100]!r}: no such data set in {self.folder}; choose one from the list")
        if _is_data_set(self.folder):
            return self.folder
        if (self.folder / name).is_symlink():
            raise DataError(f"{self.folder / name}: is a link, which isn't followed; put the data set itself there")
        return self.folder / name

    def manifest(self, name: str) -> Manifest:
        """Return what a finished data set says of itself.

        Raises
        ------
        DataError
            If there is none, it isn't finished, or it is damaged.
        """
        return manifest_of(self.place(name))

    def listed(self, name: str) -> Listed:
        """Return a data set as the list shows it."""
        try:
            place = self.place(name)
            if sealed.present(place, MANIFEST):
                manifest = manifest_of(place)
                return Listed(name, manifest, len(manifest.shards), manifest.bytes)
            return _unfinished(name, place)
        except DataError as err:
            return Listed(name, None, trouble=str(err))


def manifest_of(place: Path) -> Manifest:
    """Return what the data set in a folder says of itself; read anew once it was changed.

    Raises
    ------
    DataError
        If it can't be read, or doesn't hang together.
    """
    with sealed.opened(place, MANIFEST) as found:
        changed, size = found.changed, found.bytes
    return _manifest(place, changed, size)


@lru_cache(32)
def _manifest(place: Path, changed: int, size: int) -> Manifest:
    path = place / MANIFEST
    try:
        found = msgspec.json.decode(sealed.content(place, MANIFEST, MOST_BYTES), type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as err:
        raise DataError(f"{path}: is damaged: {str(err)[:300]}; make the data set again") from None
    first = 0
    for shard in found.shards:
        if shard.first != first:
            raise DataError(f"{path}: {shard.file} begins with run {shard.first}, not {first}; make the data set again")
        first += shard.runs
    if first != found.runs:
        raise DataError(f"{path}: says {found.runs:,} runs, its shards have {first:,}; make the data set again")
    return found


def _is_data_set(path: Path) -> bool:
    return not path.name.startswith(".") and any(sealed.present(path, name) for name in (MANIFEST, SHARDS))


def _unfinished(name: str, place: Path) -> Listed:
    """Return how far a data set is that has no manifest yet."""
    count, size, newest = 0, 0, 0.0
    if (place / SHARDS).is_symlink():
        raise DataError(f"{place / SHARDS}: is a link, which isn't followed; put the folder itself there")
    try:
        with os.scandir(place / SHARDS) as entries:
            for entry in entries:
                about = entry.stat(follow_symlinks=False)
                if entry.name.endswith(SUFFIX) and stat.S_ISREG(about.st_mode):
                    count, size, newest = count + 1, size + about.st_size, max(newest, about.st_mtime)
    except OSError as err:
        raise DataError(f"{place / SHARDS}: can't be read: {err.strerror}; check its rights") from None
    return Listed(name, None, count, size, newest)
