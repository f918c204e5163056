"""One door to run what-if branches by: in processes here or in a Dask cluster, kept as they finish, resumed at will.

A batch that raises, kills its process or outlasts patience is halved until the branch is found that does it; the others
finish. Batches depend on the branches, their number in a batch and which come first alone, so that neither workers nor
interruptions change a byte; for that, work must answer for a branch whatever its company, and forget earlier calls.
"""

import math
import os
import pickle
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Literal, Protocol, TypeVar

from scenarios.execution_local import Answer, Crew, LocalCrew
from scenarios.execution_worker import Task, said
from scenarios.results import Failed, Result, Results, Store, unpacked
from twin.errors import DataError, PlantError, SimulationError, unknown

BATCH = 64
"""Branches that are evaluated at once."""
LONG = 8
"""Batches from which on the last ones are smaller."""
PATIENCE = 300.0
"""How long a batch may take [s]."""
TICK = 0.1
"""How long a signal may go unheard [s]."""
GRACE = 0.5
"""How long batches in hand may go on after Ctrl-C before they are abandoned [s]."""


class Branch(Protocol):
    """One question of a sweep: picklable, and named by a key that no other has."""

    @property
    def key(self) -> str:
        """Its name, the same whenever the same is asked."""


class Keeper(Protocol):
    """Where results are kept, under their branches' keys; `files` and `damaged` are as in `Store`."""

    files: dict[str, str]
    damaged: list[str]

    def put(self, data: bytes, keys: Sequence[str]) -> None:
        """Keep the results of some branches, packed."""

    def results(self, keys: Sequence[str]) -> Results:
        """Return what there is of some branches, in their order."""

    def __enter__(self) -> "Keeper":
        """Hold the folder."""

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        """Let go of it."""


B = TypeVar("B", bound=Branch)
C = TypeVar("C")
Piece = tuple[Any, ...]
Work = Callable[[C, Sequence[B]], Sequence[Result | Failed]]
"""Returns a dict of numbers and arrays for each branch, or `Failed`."""
Progress = Callable[[int, int, int, float | None], None]
"""Told ``(done, failed, total, seconds left)`` at the start and after each batch; None while nothing is known."""


@dataclass(frozen=True)
class Outcome:
    """How a sweep ended.

    Attributes
    ----------
    ending : str
        ``done`` even if branches failed, or ``interrupted``.
    reason : str
        What interrupted it, else empty.
    total : int
        How many branches there are.
    failures : mapping
        Why branches failed, by key, in the order of the branches.
    results : Results
        What the others came to, those of earlier executions too, in the order of the branches.
    damaged : tuple of str
        Files of results that were found damaged; what they held was run again.
    """

    ending: Literal["done", "interrupted"]
    reason: str
    total: int
    failures: Mapping[str, str]
    results: Results
    damaged: tuple[str, ...]


def execute(
    work: Work[C, B],
    common: C,
    branches: Sequence[B],
    *,
    folder: Path,
    identity: str,
    workers: int | None = None,
    dask: str | None = None,
    batch: int = BATCH,
    patience: float = PATIENCE,
    first: Sequence[str] = (),
    progress: Progress = lambda done, failed, total, left: None,
    found: Callable[[Mapping[str, Result]], None] | None = None,
    store: Callable[[Path, str], "Keeper"] = Store,
) -> Outcome:
    """Evaluate branches, but for those that the folder holds already; failed ones are tried again.

    Ctrl-C, SIGTERM and SIGHUP end it with what is finished; a second Ctrl-C is a KeyboardInterrupt. Whatever is raised,
    finished results are kept: SnapshotError for a folder of another identity, PlantError for branches or numbers that
    make no sense, SimulationError for work that can't be sent, DataError for a full disk, or workers that can't be had.

    Parameters
    ----------
    work, common : callable, object
        A module's function of `common`, which each worker is told once, and of a batch; see `Work`.
    identity : str
        Hash of everything that a result depends on but its branch's key.
    workers, dask : int, str, optional
        Processes on this machine, or the address of a scheduler, whose workers are used instead.
    batch, patience : int, float
        Branches in a batch, and how long one may take [s], importing not counted, compiling counted.
    first : sequence of str
        Keys of branches that are run before the others, as a batch of their own.
    progress, found : callable
        Told how far it is, see `Progress`, and results by key as they finish.
    store : callable
        Returns what keeps results, of the folder and the identity.
    """
    _check(batch, workers, patience)
    pieces = _pieces(branches, first, batch)
    payload = _payload(Task(identity, work, common))
    with store(folder, identity) as kept:
        sweep = _Sweep(kept, pieces, [branch.key for branch in branches], progress, found)
        sweep.tell()
        reason = ""
        if sweep.queue:
            with _interruptible() as interruption, closing(_crew(dask, payload, workers, patience)) as crew:
                reason = sweep.drive(crew, interruption)
        return sweep.outcome(reason)


def _check(batch: int, workers: int | None, patience: float) -> None:
    if batch < 1:
        raise PlantError(f"sweep: batches of {batch}; give one branch at least")
    if (workers is not None and workers < 1) or not patience > 0.0:
        raise PlantError(f"sweep: {workers} workers, patience {patience:g} s; give one at least, and some patience")


def _pieces(branches: Sequence[B], first: Sequence[str], batch: int) -> list[tuple[B, ...]]:
    """Return the batches of a sweep that nothing is known of yet."""
    by_key = {branch.key: branch for branch in branches}
    if len(by_key) < len(branches):
        twice = Counter(branch.key for branch in branches).most_common(1)[0][0]
        raise PlantError(f"sweep: two branches are called {twice!r}; give each a key of its own")
    for key in first:
        if key not in by_key:
            raise PlantError(f"sweep: {unknown('branch', key, by_key)}")
    early = tuple(by_key[key] for key in dict.fromkeys(first))
    chosen = {branch.key for branch in early}
    rest = [branch for branch in branches if branch.key not in chosen]
    # The last ones are smaller: whoever ends first waits less for the others.
    small = max(batch // 4, 1)
    whole = max(len(rest) - 2 * batch, 0) // batch * batch if len(rest) > LONG * batch else len(rest)
    later = [tuple(rest[i : min(i + batch, whole)]) for i in range(0, whole, batch)]
    later += [tuple(rest[i : i + small]) for i in range(whole, len(rest), small)]
    return [early, *later] if early else later


def _payload(task: Task) -> bytes:
    if getattr(task.work, "__module__", "") == "__main__":
        raise SimulationError("sweep: the work is defined in the main module; move it to one that workers can import")
    try:
        return pickle.dumps(tuple(task), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as err:
        raise SimulationError(
            f"sweep: can't be sent to workers: {said(err)}; give a module's function, and data"
        ) from None


def _crew(dask: str | None, payload: bytes, workers: int | None, patience: float) -> Crew:
    if dask is None:
        return LocalCrew(payload, workers or len(os.sched_getaffinity(0)), patience)
    try:
        from scenarios.execution_dask import DaskCrew
    except ModuleNotFoundError as err:
        raise DataError(f"{dask}: {err}; install the extra: pip install 'equipment-twin[cluster]'") from None
    return DaskCrew(dask, payload, patience)


class _Pace:
    """How long branches take, as far as is known."""

    def __init__(self) -> None:
        self._spent = {False: (0.0, 0), True: (0.0, 0)}

    def note(self, answer: Answer, branches: int) -> None:
        """Take a finished batch into account; what a cold worker took counts only until there are warm ones."""
        seconds, count = self._spent[answer.warm]
        self._spent[answer.warm] = seconds + answer.seconds, count + branches

    def left(self, waiting: int, at_once: int) -> float | None:
        """Return how long what is waiting will take [s]."""
        seconds, count = self._spent[True] if self._spent[True][1] else self._spent[False]
        return seconds / count * waiting / at_once if count else None


class _Sweep:
    """What is finished, failed and still to be done."""

    def __init__(
        self,
        store: "Keeper",
        pieces: Sequence[Piece],
        keys: Sequence[str],
        progress: Progress,
        found: Callable[[Mapping[str, Result]], None] | None,
    ) -> None:
        missing = [tuple(branch for branch in piece if branch.key not in store.files) for piece in pieces]
        self.queue = deque(piece for piece in missing if piece)
        self._early = missing[0] if missing else ()
        self._store, self._keys, self._progress, self._found = store, keys, progress, found
        self._done = sum(key in store.files for key in keys)
        self._failures: dict[str, str] = {}
        self._hand: dict[int, Piece] = {}
        self._pace, self._ticket, self._capacity = _Pace(), 0, 1

    def tell(self) -> None:
        """Say how far it is."""
        total = len(self._keys)
        waiting = total - self._done - len(self._failures)
        batches = len(self.queue) + len(self._hand)
        left = self._pace.left(waiting, min(self._capacity, max(batches, 1))) if waiting else 0.0
        self._progress(self._done, len(self._failures), total, left)

    def drive(self, crew: Crew, interruption: "_Interruption") -> str:
        """Have everything evaluated; return what came between, or nothing."""
        deadline = math.inf
        while self.queue or self._hand:
            if interruption.signal:
                deadline = min(deadline, time.monotonic() + GRACE)
                if not self._hand or time.monotonic() >= deadline:
                    return interruption.signal
            else:
                self._lend(crew)
            answers = crew.answers(TICK) if self._hand else []
            if not interruption.signal:
                self._lend(crew)  # before results are written: a disk is slow
            for ticket, answer in answers:
                self._take(self._hand.pop(ticket), answer)
        return ""

    def _lend(self, crew: Crew) -> None:
        self._capacity = crew.capacity
        while self.queue and crew.free > 0:
            piece = self.queue.popleft()
            try:
                batch = pickle.dumps(piece, protocol=pickle.HIGHEST_PROTOCOL)
            except Exception as err:
                self._take(piece, Answer(b"", (), 0.0, f"can't be sent to a worker: {said(err)}"))
                continue
            self._ticket += 1
            crew.begin(self._ticket, batch)
            self._hand[self._ticket] = piece

    def _take(self, piece: Piece, answer: Answer) -> None:
        if answer.lost and len(piece) > 1:
            # After everything else: what hangs keeps nobody waiting who doesn't.
            self.queue += [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
            return
        failed = {piece[0].key: answer.lost} if answer.lost else dict(answer.failed)
        finished = [branch.key for branch in piece if branch.key not in failed]
        if finished:
            self._store.put(answer.data, finished)
        self._failures.update(failed)
        self._done += len(finished)
        if not answer.lost and piece is not self._early:
            self._pace.note(answer, len(piece))
        if self._found and finished:
            self._found(unpacked(answer.data))
        self.tell()

    def outcome(self, reason: str) -> Outcome:
        """Return how it ended."""
        failures = {key: self._failures[key] for key in self._keys if key in self._failures}
        return Outcome(
            ending="interrupted" if reason else "done",
            reason=reason and f"stopped by {reason}",
            total=len(self._keys),
            failures=failures,
            results=self._store.results(self._keys),
            damaged=tuple(self._store.damaged),
        )


class _Interruption:
    """What asked the sweep to end; nothing so far."""

    signal = ""


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    """Note signals instead of dying of them, as a run does; restore handlers at the end."""
    interruption = _Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def note(number: int, frame: FrameType | None) -> None:
        # A service manager may ask twice; only a person at the keyboard means it.
        if interruption.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        interruption.signal = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    taken = [n for n, handler in before.items() if handler is not signal.SIG_IGN or n == signal.SIGINT]
    for number in taken:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        for number in taken:
            signal.signal(number, before[number])
