"""Workers on this machine: processes that are lent batches of branches, and may die or be killed when they hang."""

import math
import os
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple, Protocol

from scenarios.execution_worker import LEAVING, READY, UNFIT
from twin.errors import DataError

STARTING = 120.0
"""How long a worker may take to import what it needs [s]."""
FALSE_STARTS = 3
"""So many workers in a row may die while they start."""
LEAVE = 1.0
"""How long a worker that is idle may take to end [s]."""

# One thread each, for there are as many workers as cores; and nothing that differs from process to process.
_ALIKE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


class Answer(NamedTuple):
    """What a batch came to.

    Attributes
    ----------
    data : bytes
        The finished results, packed.
    failed : tuple of (str, str)
        Keys of branches that failed, with reasons.
    seconds : float
        How long it took.
    lost : str
        Why the batch as a whole came to nothing, else empty.
    warm : bool
        Whether it wasn't the worker's first, which may have had to compile.
    """

    data: bytes
    failed: tuple[tuple[str, str], ...]
    seconds: float
    lost: str = ""
    warm: bool = True


class Crew(Protocol):
    """Workers, wherever they are."""

    @property
    def capacity(self) -> int:
        """How many batches are evaluated at a time."""

    @property
    def free(self) -> int:
        """How many batches may be begun now."""

    def begin(self, ticket: int, batch: bytes) -> None:
        """Have a batch of branches evaluated."""

    def answers(self, timeout: float) -> list[tuple[int, Answer]]:
        """Wait for answers, up to `timeout` [s]; return them with their tickets.

        Raises
        ------
        DataError
            If no worker can be had.
        """

    def close(self) -> None:
        """End the workers, whatever they do."""


class _Worker:
    """One process, from its start to its end."""

    def __init__(self, payload: int) -> None:
        self.connection, theirs = Pipe()
        # What can be imported here can be there. Unlike multiprocessing, this doesn't run the main module again.
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "scenarios.execution_worker", str(theirs.fileno()), str(payload)],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what a command says on stdout is the command's alone
                pass_fds=(theirs.fileno(), payload),
                env={**os.environ, **_ALIKE, "PYTHONPATH": paths},
                start_new_session=True,  # Ctrl-C goes to us alone: we decide what becomes of the batches in hand
            )
        self.ready = self.warm = False
        self.task: tuple[int, bytes] | None = None
        self.due = time.monotonic() + STARTING

    def post(self, patience: float) -> None:
        """Hand over the batch; a worker that is gone by now is found out when its answer is awaited."""
        if self.task is not None:
            self.due = time.monotonic() + patience
            try:
                self.connection.send_bytes(self.task[1])
            except OSError:
                return

    def close(self, leave: float = 0.0) -> None:
        """End the process, or have it end by itself within `leave` [s]."""
        self.connection.close()
        try:
            if not leave:
                self.process.kill()
            self.process.wait(leave or None)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class LocalCrew:
    """Up to so many processes, started when they are needed and kept for the next batch.

    Parameters
    ----------
    payload : bytes
        A pickled `scenarios.execution_worker.Task`; written once, and read by each worker when it starts.
    workers : int
        Batches evaluated at a time.
    patience : float
        A batch that takes longer is given up, and its worker killed [s].
    """

    def __init__(self, payload: bytes, workers: int, patience: float) -> None:
        self.capacity, self._patience = workers, patience
        self._workers: list[_Worker] = []
        self._false_starts = 0
        self._payload = os.memfd_create("sweep")
        with os.fdopen(os.dup(self._payload), "wb") as file:
            file.write(payload)

    @property
    def free(self) -> int:
        """How many batches may be begun now."""
        return self.capacity - sum(worker.task is not None for worker in self._workers)

    def begin(self, ticket: int, batch: bytes) -> None:
        """Give a batch to a worker that is idle, or to a new one."""
        idle = [worker for worker in self._workers if worker.task is None and worker.process.poll() is None]
        worker = idle[0] if idle else self._started()
        worker.task = ticket, batch
        if worker.ready:
            worker.post(self._patience)

    def _started(self) -> _Worker:
        worker = _Worker(self._payload)
        self._workers.append(worker)
        return worker

    def answers(self, timeout: float) -> list[tuple[int, Answer]]:
        """Wait for answers, up to `timeout` [s]; return them with their tickets.

        Raises
        ------
        DataError
            If workers don't start.
        """
        nearest = min((worker.due for worker in self._workers if worker.task), default=math.inf)
        timeout = max(min(timeout, nearest - time.monotonic()), 0.0)
        heard = wait([worker.connection for worker in self._workers], timeout)
        found = []
        for worker in list(self._workers):
            ticket = worker.task[0] if worker.task else -1
            # What was answered in time counts, even if this process was stopped and hears of it late.
            answer = self._heard(worker) if worker.connection in heard else self._overdue(worker)
            if answer is not None:
                found.append((ticket, answer))
        return found

    def _heard(self, worker: _Worker) -> Answer | None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            return self._dead(worker)
        match message:
            case (kind,) if kind == READY:
                worker.ready, self._false_starts = True, 0
                worker.post(self._patience)
            case (kind,) if kind == LEAVING:
                self._replace(worker)
            case (kind, reason) if kind == UNFIT:
                raise DataError(
                    f"worker: can't take up the work: {reason}; make it importable, and what it is given picklable"
                )
            case (data, failed, seconds, lost):
                answer = Answer(data, failed, seconds, lost, worker.warm)
                worker.task, worker.warm = None, True
                return answer
        return None

    def _dead(self, worker: _Worker) -> Answer | None:
        code = worker.process.wait()
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts == FALSE_STARTS:
                raise DataError(f"worker: {_ended(code)} while it started; see what it said before, and run again")
            self._replace(worker)
            return None
        return self._lost(worker, _ended(code))

    def _overdue(self, worker: _Worker) -> Answer | None:
        if worker.task is None or time.monotonic() < worker.due:
            return None
        if not worker.ready:
            raise DataError(f"worker: didn't start within {STARTING:g} s; give the machine less to do, and run again")
        return self._lost(worker, f"gave no answer within {self._patience:g} s")

    def _lost(self, worker: _Worker, reason: str) -> Answer | None:
        self._workers.remove(worker)
        worker.close()
        return Answer(b"", (), 0.0, reason) if worker.task else None

    def _replace(self, worker: _Worker) -> None:
        """Put another worker, given the same batch, in the place of one that ended through no batch's fault."""
        self._workers.remove(worker)
        worker.close()
        if worker.task:
            self._started().task = worker.task

    def close(self) -> None:
        """Let idle workers end, and kill the others."""
        leaving = [worker for worker in self._workers if worker.ready and worker.task is None]
        for worker in leaving:
            worker.connection.close()  # all at once
        for worker in self._workers:
            worker.close(LEAVE if worker in leaving else 0.0)
        self._workers.clear()
        if self._payload >= 0:
            os.close(self._payload)
            self._payload = -1


def _ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.strsignal(-code) or f"signal {-code}"
    return f"its process died: {name}" + (", perhaps for want of memory" if code == -signal.SIGKILL else "")
