"""HDF5 files of data sets: each is found to be what its data set says, and plain, before a number of it is read.

HDF5 files can name other files to be read, claim sizes that no disk holds and ask for foreign filters: nothing is
followed, and nothing read but what has the type, the shape and the filters that a data set's has.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from twin.errors import DataError
from twin.keep.reading import inner
from viz import sealed

MOST_BYTES = 2**32
"""Largest file [bytes]."""
MOST_CHUNK = 2**26
"""Numbers that are unpacked at once [bytes]."""
MOST_WORDS = 2**20
"""Characters of the names that a file has."""
_BITSHUFFLE = 32008
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_AGAIN = "make the data set again, or bring a copy back"


class Expected(NamedTuple):
    """What a file has to be: its SHA-256, and its size where that is known [bytes]."""

    sha256: str
    bytes: int | None = None


@contextmanager
def opened(place: Path, name: str, expected: Expected) -> Iterator[Any]:
    """Open an HDF5 file of a data set for reading.

    Raises
    ------
    DataError
        If it can't be opened, is reached by a link, isn't what the data set says, or what is read of it is damaged.
    """
    path = place / name
    with sealed.opened(place, name) as found:
        if found.bytes > MOST_BYTES:
            raise DataError(f"{path}: has {found.bytes:,} bytes; look at it with another program")
        if expected.bytes not in (None, found.bytes):
            said = f"has {found.bytes:,} bytes, not {expected.bytes:,}: it is cut off or another's"
            raise DataError(f"{path}: {said}; {_AGAIN}")
        if _sha256(place, name, found.changed, found.bytes) != expected.sha256:
            raise DataError(f"{path}: was altered: its checksum differs; {_AGAIN}")
        try:
            # By its descriptor: what was looked at is what is opened.
            with h5py.File(f"/proc/self/fd/{found.handle}", "r", locking=False) as file:
                yield file
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, MemoryError) as err:
            said = " ".join(str(err).split())[:200] or type(err).__name__
            raise DataError(f"{path}: can't be read: {said}; {_AGAIN}") from None


def numbers(file: Any, name: str, kinds: str, shape: tuple[int, ...]) -> Any:
    """Return a dataset of numbers that is plain, by what it says of itself.

    Parameters
    ----------
    kinds : str
        What its numbers may be: ``i``, ``u``, ``f``.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    data = _dataset(file, name)
    made = data.id.get_create_plist()
    if made.get_external_count() or made.get_layout() not in (h5py.h5d.CHUNKED, h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise ValueError(f"{name} is stored elsewhere")
    if data.dtype.kind not in kinds or data.dtype.itemsize > 8 or data.shape != shape:
        raise ValueError(f"{name} is {data.dtype} of shape {data.shape}, not of shape {shape}")
    if data.chunks and np.prod(data.chunks, dtype=float) * data.dtype.itemsize > MOST_CHUNK:
        raise ValueError(f"{name} is in pieces of {data.chunks} numbers")
    filters = {made.get_filter(n)[0] for n in range(made.get_nfilters())}
    if filters == {_BITSHUFFLE}:
        _unpacker()
    elif not filters <= _FILTERS:
        raise ValueError(f"{name} has filters {sorted(filters)}")
    return data


def there(file: Any, name: str) -> bool:
    """Return whether a file has something under a name, which `numbers` may still refuse.

    Raises
    ------
    ValueError
        If a link would have to be followed to find out.
    """
    *groups, last = name.split("/")
    here = file
    for group in groups:
        if group.encode() not in here.id:
            return False
        here = inner(here, group, h5py.Group)
    return last.encode() in here.id


def shape(file: Any, name: str) -> tuple[int, ...]:
    """Return the shape that a dataset claims, without reading any of it.

    Raises
    ------
    ValueError
        If there is none, or a link leads to it.
    """
    return tuple(_dataset(file, name).shape)


def words(data: Any, name: str) -> list[str]:
    """Return the names that stand in an attribute of a dataset: a list, or one line of them; none where there is none.

    Raises
    ------
    ValueError
        If they are none, or too long.
    """
    if name not in data.attrs:
        return []
    if data.attrs.get_id(name).get_storage_size() > MOST_WORDS:
        raise ValueError(f"{name} is too long")
    said = data.attrs[name]
    found = said.split(" ") if isinstance(said, str) else [str(text) for text in np.ravel(said)]
    if sum(map(len, found)) > MOST_WORDS:
        raise ValueError(f"{name} is too long")
    return found


def _dataset(file: Any, name: str) -> Any:
    *groups, last = name.split("/")
    here = file
    for group in groups:
        here = inner(here, group, h5py.Group)
    return inner(here, last, h5py.Dataset)


def _unpacker() -> None:
    """Have the filter of bitshuffle-lz4 at hand."""
    try:
        import hdf5plugin  # noqa: F401 - it makes itself known to HDF5
    except ModuleNotFoundError:
        raise DataError(
            "the data set is packed by bitshuffle-lz4; install the extra: pip install 'equipment-twin[hdf5plugin]'"
        ) from None


@lru_cache(4096)
def _sha256(place: Path, name: str, changed: int, size: int) -> str:
    """Return the SHA-256 of a file; computed once for one that didn't change."""
    with sealed.opened(place, name) as found, os.fdopen(os.dup(found.handle), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
