"""Asks the process that reads data sets, one question after another, and starts it again where it broke down."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from twin.errors import DataError

COMMAND = (sys.executable, "-m", "viz.data_set_child")
PATIENCE = 30.0
"""How long a question may wait for those before it [s]."""
MOST_BYTES = 64 * 2**20
"""Longest answer."""
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each thread would take of the memory it may have


class Asking:
    """The reading process, started when it is needed.

    Parameters
    ----------
    command : sequence of str
        What it is started by.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command, self._lock = tuple(command), threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def ask(self, **question: Any) -> Any:
        """Return the answer to a question, a `viz.data_set_child.Question`.

        Raises
        ------
        DataError
            If it can't be answered, or not in time.
        """
        return msgspec.json.decode(self.said(**question))

    def said(self, **question: Any) -> bytes:
        """Return the answer to a question as it was encoded.

        Raises
        ------
        DataError
            If it can't be answered, or not in time.
        """
        if not self._lock.acquire(timeout=PATIENCE):
            raise DataError("data sets: others are being read; load the page again")
        try:
            line = self._answered(msgspec.json.encode(question) + b"\n")
        finally:
            self._lock.release()
        return _told(line, question)

    def close(self) -> None:
        """Let the process end."""
        self._closed = True
        if self._child is not None:
            _ended(self._child)

    def _answered(self, line: bytes) -> bytes:
        """Return what the process says to a line; nothing where it breaks down over it."""
        child = self._running()
        if child.stdin is None or child.stdout is None:
            return b""
        try:
            child.stdin.write(line)
            child.stdin.flush()
            answer = child.stdout.readline(MOST_BYTES)
        except (OSError, ValueError):
            answer = b""
        if not answer.endswith(b"\n"):
            self._child = None
            _ended(child)
            return b""
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._closed:
            raise DataError("data sets: the view is ending; ask again when it is back")
        if self._child is not None and self._child.poll() is not None:
            _ended(self._child)  # it had nothing to do for long
            self._child = None
        if self._child is None:
            try:
                self._child = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                    env={**os.environ, **_ENVIRONMENT},
                )  # fmt: skip
            except OSError as err:
                raise DataError(f"data sets: can't be read: {err.strerror}; see the view's installation") from None
        return self._child


def _ended(child: subprocess.Popen[bytes]) -> None:
    """End the reading process, and close the pipes to it."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _told(line: bytes, question: dict[str, Any]) -> bytes:
    """Return the answer of a line."""
    if not line:
        raise DataError(f"{question.get('place', '')}: HDF5 breaks down over it or takes too long; move it away")
    found = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    if "error" in found:
        raise DataError(str(msgspec.json.decode(found["error"])))
    return bytes(found["answer"])
