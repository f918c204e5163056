"""Has what-if runs done one after another by a child process, which ends with the view at the latest."""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from twin.errors import DataError
from viz import jobs, leash
from viz.jobs import Job, Progress, Store

COMMAND = (sys.executable, "-m", "twin", "what-if")
LOOK = 0.1
"""How often is looked whether a run has ended [s]."""
PATIENCE = 120.0
"""How long a cancelled run may take to write down what is finished [s]."""
GOODBYE = 10.0
"""How long it may when the view ends [s]."""
AGAIN = 1.0
"""How long it is until what couldn't be written down is tried again [s]."""
SAID = 8192
"""How much of what a run says last is kept [bytes]."""
_LOCK = ".lock"
_log = logging.getLogger("viz")


class Runner:
    """Runs what waits, the first that came first, one at a time: the live twin shares the machine.

    Parameters
    ----------
    data : Path
        The twin's data folder; runs are kept in it.
    command : sequence of str
        What `twin what-if` is called by.
    clock : callable
        Tells the time of day [s since 1970].

    Attributes
    ----------
    trouble : str
        Why nothing can be run here; nothing where all is well.
    """

    def __init__(self, data: Path, command: Sequence[str] = COMMAND, *, clock: Callable[[], float] = time.time) -> None:
        self.store, self.trouble = Store(data), ""
        self._data, self._command, self._clock = data, tuple(command), clock
        self._changed = threading.Condition(threading.RLock())
        self._waiting: deque[str] = deque()
        self._running: str = ""
        self._cancelled = self._closing = False
        self._handle = -1
        self._thread: threading.Thread | None = None
        self.attend()

    def attend(self) -> None:
        """Find out whether runs can be done here, and take over those that another view has left."""
        with self._changed, suppress(DataError):
            if self._handle >= 0 or self._closing:
                return
            if self.store.folder.is_dir():
                self._hold()
            else:
                self.trouble = self.store.refusal()

    def _hold(self) -> None:
        """Be the one that runs what is in the folder; what ran when the last view was killed was interrupted."""
        if self._handle >= 0:
            return
        try:
            self.store.prepare()
            handle = os.open(self.store.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as err:
            said = f"{self.store.folder}: can't be written: {err.strerror}; serve a folder that the view may write to"
            self.trouble = said
            raise DataError(said) from None
        except DataError as err:
            self.trouble = str(err)
            raise
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            self.trouble = f"{self.store.folder}: another view runs what is asked here; ask there, or end it"
            raise DataError(self.trouble) from None
        self._handle, self.trouble = handle, ""
        self.store.tidy()
        for job in self.store.jobs():
            if job.state in ("waiting", "running"):
                self._note(job.id, state="interrupted", ended=self._clock())

    def start(self, job: Job) -> Job:
        """Let a new run wait for its turn; the same token begins it once.

        Raises
        ------
        DataError
            If it can't be: the folder, the disk, or too many runs.
        """
        with self._changed:
            again = next((one for one in self.store.jobs() if one.token == job.token), None)
            if again is not None:
                return again
            self._refuse_more()
            kept = self.store.add(msgspec.structs.replace(job, state="waiting", asked=self._clock()))
            self._line_up(kept.id)
            return kept

    def go_on(self, job: Job) -> None:
        """Let a run that was interrupted, or failed, wait for another turn; what is finished is kept.

        Raises
        ------
        DataError
            If it can't be.
        """
        with self._changed:
            self._refuse_more()
            if self._state(job) not in ("interrupted", "failed"):
                raise DataError(f"{job.id}: it is done or being run; look at it")
            self._note(job.id, state="waiting", cancelled="", message="", code=0, begun=0.0, ended=0.0, must=True)
            self._line_up(job.id)

    def _refuse_more(self) -> None:
        self._hold()
        if self._closing:
            raise DataError("what-if: the view is ending; ask again when it is back")
        if len(self._waiting) >= jobs.MOST_WAITING:
            raise DataError(f"what-if: {len(self._waiting)} runs wait already; cancel one, or ask again later")

    def _line_up(self, name: str) -> None:
        self._waiting.append(name)
        if self._thread is None:
            # It outlives every run: the system interrupts a child when the thread that started it ends.
            self._thread = threading.Thread(target=self._work, name="what-if", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def cancel(self, job: Job, who: str) -> bool:
        """Interrupt a run, or take it out of the line; return whether there was anything to cancel."""
        with self._changed:
            if job.id in self._waiting:
                self._waiting.remove(job.id)
                self._note(job.id, state="interrupted", ended=self._clock(), cancelled=who)
                return True
            if job.id == self._running and self._state(job) == "running":
                self._cancelled = True
                self._note(job.id, cancelled=who)
                self._changed.notify_all()
                return True
            return False

    def name(self, job: Job, name: str) -> None:
        """Call a run otherwise.

        Raises
        ------
        DataError
            If it can't be written.
        """
        with self._changed:
            self._hold()
            self._note(job.id, name=name, must=True)

    def delete(self, job: Job) -> bool:
        """Remove a run with what came of it; return whether it could be: one that goes on can't.

        Raises
        ------
        DataError
            If it can't be removed.
        """
        with self._changed:
            self._hold()
            if self._state(job) in ("waiting", "running"):
                return False
            self.store.delete(job)
            return True

    def _state(self, job: Job) -> str:
        """Return how a run stands now: since it was looked at, others may have been quicker."""
        now = self.store.job(job.id)
        return now.state if now is not None else ""

    def place(self, job: Job) -> int:
        """Return how many runs come before one that waits."""
        with self._changed:
            waiting = list(self._waiting)
            return (waiting.index(job.id) if job.id in waiting else 0) + bool(self._running)

    def close(self) -> None:
        """Interrupt what runs, and wait until it has ended."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(GOODBYE + 5.0)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _note(self, run: str, /, *, must: bool = False, **changes: Any) -> bool:
        """Write down how a run stands, and return whether it could be; where it `must` be it is an error."""
        job = self.store.job(run)
        if job is None:
            if must:
                raise DataError(f"{run}: no such run; choose one from the list")
            return True  # nobody wants to know any more
        try:
            self.store.save(msgspec.structs.replace(job, **changes))
        except DataError as err:
            if must:
                raise
            _log.error(str(err))
            return False
        return True

    def _settle(self, run: str, /, **changes: Any) -> None:
        """Write down how a run stands; on a full disk that waits until there is room again."""
        with self._changed:
            while not self._note(run, **changes) and not self._closing:
                self._changed.wait(AGAIN)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    for name in self._waiting:
                        self._note(name, state="interrupted", ended=self._clock())
                    self._waiting.clear()
                    return
                self._running, self._cancelled = self._waiting.popleft(), False
                self._settle(self._running, state="running", begun=self._clock())
            try:
                self._run(self._running)
            except Exception:
                _log.exception("a what-if run failed in the view")
                self._settle(self._running, state="failed", ended=self._clock(), message="the view's log says why")
            finally:
                with self._changed:
                    self._running = ""

    def _run(self, name: str) -> None:
        job = self.store.job(name)
        if job is None:
            return
        out = self.store.out(job)
        with suppress(OSError):
            (out / "progress.json").unlink(missing_ok=True)  # of the last time, where it is gone on with
        # A core is left to the live twin.
        workers = max(1, len(os.sched_getaffinity(0)) - 1)
        program = [*self._command, *jobs.arguments(job, self._data, out, workers)]
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", leash.__file__, str(os.getpid()), *program],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        except OSError as err:
            self._settle(name, state="failed", ended=self._clock(), message=f"{program[0]}: {err.strerror}")
            return
        heard = _Heard(child)
        code, stopped = self._watched(child)
        progress: Progress = self.store.progress(job)
        state, message = jobs.outcome(code, progress, heard.said(), stopped=stopped)
        self._settle(name, state=state, message=message, code=code, ended=self._clock())

    def _watched(self, child: subprocess.Popen[bytes]) -> tuple[int, bool]:
        """Wait for a child; return its exit code, and whether it was stopped."""
        asked, longest = 0.0, PATIENCE
        while (code := child.poll()) is None:
            with self._changed:
                if asked == 0.0 and (self._cancelled or self._closing):
                    asked = time.monotonic()
                    child.send_signal(signal.SIGINT)
                longest = GOODBYE if self._closing else PATIENCE
                if asked and time.monotonic() - asked > longest:
                    _kill_all(child)
                self._changed.wait(LOOK)
        _kill_all(child)  # what it left behind
        return code, asked > 0.0


class _Heard:
    """Keeps the last of what a child says, however much it is."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._pipe, self._last = child.stderr, b""
        self._thread = threading.Thread(target=self._listen, name="what-if says", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        if self._pipe is None:
            return
        with self._pipe as pipe:
            while said := os.read(pipe.fileno(), 4096):
                self._last = (self._last + said)[-SAID:]

    def said(self) -> str:
        """Return it; a grandchild that lives on may keep the pipe open, and is waited for no longer."""
        self._thread.join(1.0)
        return self._last.decode("utf-8", "replace")


def _kill_all(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
