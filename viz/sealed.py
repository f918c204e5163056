"""Files of a folder that came from elsewhere: opened through no link, only plain ones, and read up to a size."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from twin.errors import DataError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe would be waited for


class Found(NamedTuple):
    """A plain file that is open: its descriptor, its size [bytes], and when it was changed [ns since 1970]."""

    handle: int
    bytes: int
    changed: int


@contextmanager
def opened(folder: Path, name: str) -> Iterator[Found]:
    """Open the file that a relative path names in a folder, and close it again.

    Raises
    ------
    DataError
        If it isn't there, can't be read, or a link leads there.
    """
    handle = _handle(folder, name)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise DataError(f"{folder / name}: is no file; move it away")
        yield Found(handle, about.st_size, about.st_mtime_ns)
    finally:
        os.close(handle)


def content(folder: Path, name: str, most: int) -> bytes:
    """Return what is in a file of a folder.

    Raises
    ------
    DataError
        If it can't be opened, or is longer than `most` bytes.
    """
    with opened(folder, name) as found, os.fdopen(os.dup(found.handle), "rb") as file:
        body = file.read(most + 1)
    if len(body) > most:
        raise DataError(f"{folder / name}: has more than {most:,} bytes; look at it with another program")
    return body


def present(folder: Path, name: str) -> bool:
    """Return whether there is something of this name, be it a link."""
    return os.path.lexists(folder / name)


def _handle(folder: Path, name: str) -> int:
    """Return the descriptor of a file, with none of its folders but the first reached by a link."""
    steps = name.split("/")
    if not all(steps) or {".", ".."} & set(steps) or "\0" in name:
        raise DataError(f"{folder}: {name[:100]!r} is no file inside; make the data set again")
    here = -1
    try:
        here = os.open(folder, _FOLDER)
        for step in steps[:-1]:
            inner = os.open(step, _FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        return os.open(steps[-1], _FILE, dir_fd=here)
    except OSError as err:
        link = any((folder / "/".join(steps[:k])).is_symlink() for k in range(len(steps) + 1))
        why = "is reached by a link, which isn't followed" if link else f"can't be read: {err.strerror}"
        raise DataError(f"{folder / name}: {why}; put the file itself there") from None
    finally:
        if here >= 0:
            os.close(here)
