"""What there is to ask: scenarios and what their numbers are, as `twin what-if` tells them."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from twin.errors import DataError
from viz.runner import COMMAND

T = TypeVar("T")
FRESH = 300.0
"""How long an answer is believed [s]: a scenario's file may be changed."""
AGAIN = 5.0
"""How long an error is [s]."""
PATIENCE = 60.0
"""How long the command may take to answer [s]."""
MOST = 50
"""Answers that are remembered."""
_ENDING = "what-if: the view is ending; ask again when it is back"


class Listed(Struct, frozen=True):
    """A scenario of the list; one whose file is wrong has an error."""

    name: str
    plant: str
    question: dict[str, str]
    error: str = ""


class Change(Struct, frozen=True):
    """A number that can be changed: where, as it is written, its unit and bounds (SI), and what it is."""

    path: str
    text: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    english: str = ""
    korean: str = ""


class Later(Struct, frozen=True):
    """A number that changes at a time from the start [s]."""

    at: float
    path: str
    text: str


class Varied(Struct, frozen=True):
    """A number that a design varies, and through what."""

    path: str
    text: str


class Variant(Struct, frozen=True):
    """What is done otherwise."""

    name: str
    about: dict[str, str]
    changes: list[Change]
    later: list[Later] = []


class Measure(Struct, frozen=True):
    """What is reported."""

    name: str
    english: str
    korean: str


class Description(Struct, frozen=True):
    """A scenario."""

    scenario: str
    question: dict[str, str]
    plant: str
    start: str
    length: float
    replications: int
    seed: int
    assume: list[Change]
    variants: list[Variant]
    measures: list[Measure]
    vary: list[Varied] = []

    def settings(self) -> dict[str, str]:
        """Return every number that can be changed, as it is written, by ``VARIANT:PATH``."""
        found = {f"assume:{each.path}": each.text for each in self.assume}
        for variant in self.variants:
            found |= {f"{variant.name}:{each.path}": each.text for each in variant.changes}
        return found


class _List(Struct):
    scenarios: list[Listed]


class Questions:
    """Asks the command in a thread of its own, and remembers what it said for a while.

    Parameters
    ----------
    command : sequence of str
        What `twin what-if` is called by.
    clock : callable
        Tells the time by which answers grow old [s].
    """

    def __init__(self, command: Sequence[str] = COMMAND, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._command, self._clock = tuple(command), clock
        self._thread = ThreadPoolExecutor(1, "what-if asks")
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False
        self._known: dict[tuple[str, ...], _Known] = {}

    def scenarios(self, wait: float = PATIENCE) -> list[Listed] | None:
        """Return the scenarios there are, or nothing if that takes longer than `wait` [s].

        Raises
        ------
        DataError
            If the command fails.
        """
        found = self._told(("list", "--json"), _List, wait)
        return None if found is None else [one for one in found.scenarios if _can_be_asked(one.name)]

    def describe(self, name: str, wait: float = PATIENCE) -> Description | None:
        """Return what a scenario changes and reports, or nothing if that takes longer than `wait` [s].

        Raises
        ------
        DataError
            If there is no such scenario, or the command fails.
        """
        known = self.scenarios(wait)
        if known is None:
            return None
        if name not in {one.name for one in known}:
            raise DataError(f"{name[:100]}: no such scenario; choose one from the list")
        return self._told(("describe", name, "--json"), Description, wait)

    def _told(self, asked: tuple[str, ...], shape: type[T], wait: float) -> T | None:
        """Return an answer; an old one while the command is asked anew."""
        with self._lock:
            if self._closed:
                raise DataError(_ENDING)
            if len(self._known) >= MOST:
                self._known.clear()
            known = self._known.setdefault(asked, _Known())
            if known.future is None or (known.future.done() and self._clock() - known.since > known.lasts()):
                known.since, known.future = self._clock(), self._thread.submit(self._said, [*self._command, *asked])
            future, last = known.future, known.last
        try:
            content = last if last is not None and not future.done() else future.result(wait)
        except NotYet:
            return None
        except CancelledError:
            raise DataError(_ENDING) from None
        known.last = content
        try:
            return msgspec.json.decode(content, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise DataError(f"what-if {asked[0]}: its answer is not understood: {err}; update both alike") from None

    def close(self) -> None:
        """Ask no more; what is being asked is broken off."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()

    def _said(self, program: Sequence[str]) -> bytes:
        """Return the last line of what a program says; it is one JSON object, of an error too."""
        try:
            with self._lock:
                if self._closed:
                    raise DataError(_ENDING)
                pipe = subprocess.PIPE
                self._child = subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
            with self._child as child:
                try:
                    out, said = child.communicate(timeout=PATIENCE)
                finally:
                    child.kill()
        except (OSError, subprocess.TimeoutExpired) as err:
            raise DataError(f"what-if: can't be asked: {str(err)[:300]}; see whether it works by hand") from None
        lines = out.splitlines() or [b""]
        if child.returncode == 0:
            return lines[-1]
        raise DataError(_error(lines[-1]) or _last(said) or f"what-if: ended with exit code {child.returncode}")


class _Known:
    """What was said last, and when it was asked for."""

    def __init__(self) -> None:
        self.since = 0.0
        self.last: bytes | None = None
        self.future: Future[bytes] | None = None

    def lasts(self) -> float:
        """Return how long it is believed [s]."""
        return AGAIN if self.future is not None and self.future.exception() is not None else FRESH


def text(said: dict[str, str], language: str) -> str:
    """Return words in a language, or in the other where there are none."""
    return said.get(language) or next(iter(said.values()), "")


def _can_be_asked(name: str) -> bool:
    """Return whether a name can't be taken for an option or a path."""
    return name[:1].isalnum() and name.replace("_", "a").replace("-", "a").isalnum() and len(name) <= 100


def _error(line: bytes) -> str:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return ""
    return str(found.get("error", ""))[:2000] if isinstance(found, dict) else ""


def _last(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:2000] if lines else ""
