"""Who did what through the view and how it ended: lines of JSON, of which each holds the hash of the one before.

A line that is changed, taken out, put in or moved breaks the chain from there on. Taking away the last lines doesn't,
nor does writing the whole file anew: whoever must be able to show that notes down from time to time, elsewhere, how
many lines there are and the last hash, which is what `verify` returns.
"""

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from msgspec import Struct

from twin.errors import DataError

What = Literal["login", "login_failed", "logout", "action", "export", "refused", "repaired"]

FIRST = "0" * 64
"""What the first line holds as the hash of the one before."""
LONGEST_TEXT = 512
"""Longest text of a line's field in characters; the rest is cut off."""
_LONGEST_LINE = 1 << 16
_MAX_BYTES = 1 << 20


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was done.

    Attributes
    ----------
    time : str
        When, UTC in ISO 8601.
    who, role : str
        The account; empty where nobody is logged in.
    address : str
        Of the client, as the server sees it.
    what : str
        Which kind of thing.
    target : str
        An advisory, an asset, a tag, a file or a path.
    outcome : str
        ``done``, or why not.
    before : str
        SHA-256 of the line before, without its end of line.
    """

    time: str
    who: str
    role: str
    address: str
    what: What
    target: str
    outcome: str
    before: str


class Verified(NamedTuple):
    """How many lines are in order, and the hash of the last."""

    lines: int
    last: str


_decoder = msgspec.json.Decoder(Line)


def audit_of(view: Path) -> Path:
    """Return where the audit log of a folder ``view`` is."""
    return view / "audit.jsonl"


_STRANGE = (errno.ELOOP, errno.EISDIR, errno.ENXIO)
"""What the system says of what is no regular file."""


class Audit:
    """Appends lines to an audit log; threads and processes may share it.

    Parameters
    ----------
    path : Path
        The log; it is made if it isn't there.
    now : callable
        Tells the time.
    tell : callable
        Is told in one sentence when a torn line was put aside.

    Raises
    ------
    DataError
        If the log can't be opened, or others can read it.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.path, self._now, self._tell = path, now, tell
        self._lock = threading.Lock()
        self._append(None)  # a log that can't be written, or has a torn line, is found at the start

    def write(
        self, what: What, *, who: str = "", role: str = "", address: str = "", target: str = "", outcome: str = "done"
    ) -> None:
        """Append a line and wait until it is on disk; no argument may hold a password or a cookie.

        Raises
        ------
        DataError
            If it can't be written. What was to be recorded should not be done then.
        """
        self._append(Line("", _short(who), role, _short(address), what, _short(target), _short(outcome), ""))

    def _append(self, line: Line | None) -> None:
        with self._lock:
            try:
                handle = self._open()
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    self._add(handle, line)
                finally:
                    os.close(handle)
            except OSError as err:
                todo = "move it away" if err.errno in _STRANGE else "make room or give back its rights"
                raise DataError(f"{self.path}: can't be written: {err.strerror}; {todo}") from None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(self.path, flags, 0o600)
        try:
            entry = os.fstat(handle)
            if not stat.S_ISREG(entry.st_mode):
                raise DataError(f"{self.path}: is no regular file; move it away")
            _refuse_others(self.path, entry, "600")
        except DataError:
            os.close(handle)
            raise
        return handle

    def _add(self, handle: int, line: Line | None) -> None:
        size = os.fstat(handle).st_size
        start = max(0, size - 2 * _LONGEST_LINE)
        tail = os.pread(handle, size - start, start)
        whole, _, torn = tail.rpartition(b"\n")
        if start and b"\n" not in whole:
            raise DataError(
                f"{self.path}: its last line is none of ours; move the file away and compare it with a copy"
            )
        lines = [] if line is None else [line]
        if torn:
            aside = self._put_aside(handle, torn, size)
            lines.insert(0, Line("", "", "", "", "repaired", aside, f"a torn line of {len(torn)} bytes put aside", ""))
        before = _hash(whole.rpartition(b"\n")[2]) if whole else FIRST
        for each in lines:
            time = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
            content = msgspec.json.encode(msgspec.structs.replace(each, time=time, before=before))
            _write(handle, content + b"\n")
            os.fsync(handle)
            before = _hash(content)
        if not size:
            _wait_for_names(self.path.parent)

    def _put_aside(self, handle: int, torn: bytes, size: int) -> str:
        """Move what follows the last end of line to a file of its own: power failed while it was written."""
        stamp = self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        aside = self.path.with_name(f"{self.path.stem}.torn-{stamp}")
        other = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            _write(other, torn)
            os.fsync(other)
        except OSError:
            aside.unlink(missing_ok=True)  # a full disk: each try would leave one
            raise
        finally:
            os.close(other)
        os.ftruncate(handle, size - len(torn))
        os.fsync(handle)
        self._tell(f"{self.path}: its last line was torn, {len(torn)} bytes; they are in {aside.name}")
        return aside.name


def verify(path: Path) -> Verified:
    """Return how far an audit log goes, every line of it being in order.

    Raises
    ------
    DataError
        If it can't be read, or at the first line that is not what was written there.
    """
    before, count = FIRST, 0
    try:
        with path.open("rb") as file:
            while content := file.readline(_LONGEST_LINE + 1):
                count += 1
                wrong = _wrong(content, before)
                if wrong:
                    raise DataError(f"{path}:{count}: {wrong}; compare it with a copy")
                before = _hash(content[:-1])
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the path and its rights") from None
    return Verified(count, before)


def view_of(data: Path) -> Path:
    """Return the folder of what the view keeps, made for its owner alone if it isn't there.

    Raises
    ------
    DataError
        If it can't be made, or others can read it.
    """
    folder = data / "view"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        entry = folder.lstat()
    except FileExistsError:
        raise DataError(f"{folder}: is no folder; move it away") from None
    except OSError as err:
        raise DataError(f"{folder}: can't be made: {err.strerror}; check the data folder and its rights") from None
    if not stat.S_ISDIR(entry.st_mode):
        raise DataError(f"{folder}: is no folder; move it away")
    _refuse_others(folder, entry, "700")
    return folder


def read_private(path: Path, most: int = _MAX_BYTES) -> bytes | None:
    """Return the content of a file that its owner alone can read, or nothing where there is none.

    Raises
    ------
    DataError
        If it can't be read, is longer than `most` bytes, or others can read it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check its rights") from None
    try:
        entry = os.fstat(handle)
        if not stat.S_ISREG(entry.st_mode):
            raise DataError(f"{path}: is no regular file; move it away")
        _refuse_others(path, entry, "600")
        content = os.read(handle, most + 1)
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the disk") from None
    finally:
        os.close(handle)
    if len(content) > most:
        raise DataError(f"{path}: has more than {most} bytes; put back the file as the view wrote it")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone: all of it is there afterwards, or what was there before.

    Raises
    ------
    DataError
        If it can't be written.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(handle)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        _wait_for_names(path.parent)
    except OSError as err:
        raise DataError(f"{path}: can't be written: {err.strerror}; check the folder and the disk") from None


def _wait_for_names(folder: Path) -> None:
    """Wait until the names of a folder's files are on disk, not their content alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_others(path: Path, entry: os.stat_result, mode: str) -> None:
    if entry.st_uid != os.geteuid():
        raise DataError(f"{path}: belongs to another user; give it to the one that serves the view (chown)")
    if entry.st_mode & 0o077:
        raise DataError(f"{path}: others can reach it; take their rights away with `chmod {mode} {path}`")


def _wrong(content: bytes, before: str) -> str:
    if not content.endswith(b"\n"):
        return "the line is torn"
    try:
        line = _decoder.decode(content[:-1])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        return f"the line is not understood: {str(err)[:200]}"
    if line.before != before:
        return "the line doesn't follow the one before: one of them was changed, taken out, put in or moved"
    return ""


def _short(text: str) -> str:
    # What breaks a line, turns its direction or is half a character would mislead whoever reads the log.
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:LONGEST_TEXT])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _write(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]
