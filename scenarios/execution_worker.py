"""`python -m scenarios.execution_worker`: a process that evaluates batches of branches until nobody wants any more."""

import ctypes
import mmap
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any, NamedTuple

from scenarios.results import Failed, misfit, packed
from twin.errors import TwinError

IDLE = 300.0
"""A worker that hears nothing for so long ends [s]: whoever lent it may be gone, and their machine not."""
READY, UNFIT, LEAVING = "ready", "unfit", "leaving"
LONGEST = 500

_PR_SET_PDEATHSIG = 1

Work = Callable[[Any, Sequence[Any]], Sequence[Any]]


class Task(NamedTuple):
    """What a worker is told once."""

    identity: str
    work: Work
    common: Any


def said(err: BaseException) -> str:
    """Return an exception as a reason."""
    text = str(err) if isinstance(err, TwinError) else f"{type(err).__name__}: {err}".removesuffix(": ")
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def evaluated(task: Task, branches: Sequence[Any]) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Return the finished results of a batch, packed, and the keys of those that failed with their reasons."""
    results = task.work(task.common, branches)
    if len(results) != len(branches):
        raise ValueError(f"work returned {len(results)} results for {len(branches)} branches")
    finished, failed = {}, []
    for branch, result in zip(branches, results, strict=True):
        reason = result.reason if isinstance(result, Failed) else misfit(result)
        if reason or isinstance(result, Failed):
            failed.append((branch.key, reason))
        else:
            finished[branch.key] = result
    return packed(task.identity, finished) if finished else b"", tuple(failed)


def serve(connection: Connection, payload: int) -> None:
    """Evaluate what comes until the other end is closed.

    Every answer is ``(data, failed, seconds, lost)``; `lost` says why a batch came to nothing.
    """
    try:
        with mmap.mmap(payload, 0, prot=mmap.PROT_READ) as told:
            task = Task(*pickle.loads(told))  # noqa: S301 from the process that started this one
    except Exception as err:
        connection.send((UNFIT, said(err)))
        return
    connection.send((READY,))
    while connection.poll(IDLE):
        batch = connection.recv_bytes()
        started = perf_counter()
        try:
            data, failed = evaluated(task, pickle.loads(batch))  # noqa: S301 as above
        except Exception as err:
            connection.send((b"", (), perf_counter() - started, said(err)))
        else:
            connection.send((data, failed, perf_counter() - started, ""))
    connection.send((LEAVING,))


def main(arguments: Sequence[str]) -> None:
    """Serve on a connection and a payload that are given by their descriptors."""
    # Unlike a thread that waits for the parent's end, the kernel is heard by compiled code that holds the interpreter.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # nobody wants any more
        serve(Connection(int(arguments[0])), int(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
