"""The data folder: made, claimed by one writer, and checked for rights and room."""

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from twin.errors import DataError
from twin.journal.store import FILE, LOCK

LEAST_RESERVE = 512 * 2**20
"""Bytes of a disk that are left free, however small it is; those of an operating system that still works."""
RESERVED_SHARE = 20
"""One part in so many of a disk is left free, if that is more."""


def claimed(folder: Path) -> int:
    """Return the descriptor that holds the folder's lock; the folder is made where there is none.

    Raises
    ------
    DataError
        If another process holds it, or the folder can't be made, written or belongs to another user.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileExistsError:
        raise DataError(f"{folder}: is no folder; name another") from None
    except FileNotFoundError:
        raise DataError(f"{folder}: can't be made: there is no {folder.parent}; make that first") from None
    except OSError as err:
        raise unwritable(folder, err) from None
    _check_owner(folder)
    path = folder / LOCK
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as err:
        raise unwritable(path, err) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(lock, 0o600)
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    except BlockingIOError:
        writer = _writer(lock)
        os.close(lock)
        raise DataError(f"{folder}: {writer} writes the journal; end it, or name another folder") from None
    except OSError as err:
        os.close(lock)
        raise unwritable(path, err) from None
    return lock


def prepared(folder: Path) -> Path:
    """Return the path of the journal's file; where there is one, only its owner may read it from now on.

    An existing file is never opened: closing a descriptor of it would drop the locks that SQLite holds in this process.

    Raises
    ------
    DataError
        If it is no regular file, or belongs to another user.
    """
    path = folder / FILE
    try:
        if check_file(path):
            _check_owner(path)
            path.chmod(0o600)
    except OSError as err:
        raise unwritable(path, err) from None
    return path


def check_file(path: Path) -> bool:
    """Return whether the journal's file is there; refuse what only looks like one, by its folder entry alone."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as err:
        raise DataError(f"{path}: can't be reached: {err.strerror}; check the path and its rights") from None
    if not stat.S_ISREG(found.st_mode):
        raise DataError(f"{path}: is no regular file; move it away, or name another folder")
    return True


def named(old: Path, new: Path) -> None:
    """Rename a file of a folder and wait until that is on disk."""
    old.rename(new)
    handle = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reserve_of(folder: Path) -> int:
    """Return how many bytes of the folder's disk are left free."""
    disk = os.statvfs(folder)
    return max(LEAST_RESERVE, disk.f_blocks * disk.f_frsize // RESERVED_SHARE)


def free(folder: Path, reserve: int | None = None) -> int:
    """Return how many bytes may still be written, which is below 0 where the reserve is touched."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize - (reserve_of(folder) if reserve is None else reserve)


def unwritable(path: Path, error: OSError) -> DataError:
    """Return the error that says why `path` can't be written."""
    return DataError(f"{path}: can't be written: {error.strerror}; check rights and disk, or name another folder")


def _writer(lock: int) -> str:
    with suppress(OSError, ValueError):
        return f"process {int(os.pread(lock, 20, 0))}"
    return "another process"


def _check_owner(path: Path) -> None:
    """Refuse what belongs to another user: the files that we make beside it would lock its owner out."""
    owner, us = path.stat().st_uid, os.geteuid()
    if owner != us:
        raise DataError(f"{path}: belongs to user {owner}, and this is user {us}; run as its owner, or change it")
