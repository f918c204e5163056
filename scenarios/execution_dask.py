"""Workers of a Dask cluster: each of its threads lends batches to a process of its own, as one machine alone does."""

import asyncio
import ipaddress
import queue
import threading
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, KilledWorker, Security, WorkerPlugin, get_worker
from distributed.comm.core import connect

import twin
from scenarios.execution_local import Answer, LocalCrew
from twin.errors import DataError

CONNECTING = 10.0
"""How long a scheduler may take to answer [s]."""
ABANDONED = 60.0
"""How long a sweep waits for a scheduler that is gone, or for workers where there are none [s]."""
LOOK = 5.0
"""How often the cluster's workers are counted [s]."""
CLOSING = 5.0
HEARING = 0.2


class Lender(WorkerPlugin):  # type: ignore[misc, unused-ignore] # distributed has no types, or some
    """What each worker of the cluster is told once, late ones too: it lends batches to processes of its own.

    They stand between the work and the cluster: a branch that crashes or hangs costs a process that is ours, never
    one of Dask's, and patience is measured where the work is done.
    """

    def __init__(self, name: str, payload: bytes, patience: float) -> None:
        self.name, self._payload, self._patience = name, payload, patience

    def setup(self, worker: Any) -> None:
        """Be at a worker from now on."""
        self._over = threading.Event()
        self._idle: queue.SimpleQueue[LocalCrew] = queue.SimpleQueue()

    def teardown(self, worker: Any) -> None:
        """End all processes; those at work are ended by the threads that wait for them."""
        self._over.set()
        with suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def evaluate(self, batch: bytes) -> tuple[Any, ...]:
        """Return the answer to a batch as a tuple of `Answer`'s fields."""
        try:
            crew = self._idle.get_nowait()
        except queue.Empty:
            crew = LocalCrew(self._payload, 1, self._patience)
        try:
            crew.begin(0, batch)
            while not self._over.is_set():
                for _, answer in crew.answers(HEARING):
                    self._idle.put(crew)
                    return tuple(answer)
        except BaseException:
            crew.close()
            raise
        finally:
            if self._over.is_set():
                crew.close()
                self.teardown(None)
        raise InterruptedError("the sweep was ended")


def _version() -> str:
    return twin.__version__


def _evaluated(name: str, version: str, batch: bytes) -> tuple[Any, ...]:
    worker = get_worker()
    if version != twin.__version__:  # of a worker that came late
        raise DataError(_other_version(worker.address, twin.__version__, version))
    lender: Any = worker.plugins[name]
    answer: tuple[Any, ...] = lender.evaluate(batch)
    return answer


class DaskCrew:
    """All the workers of a cluster, for as long as they are wanted.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://127.0.0.1:8786`` or ``tls://host:8786``. Certificates are taken from Dask's own
        configuration, ``distributed.comm.tls``.
    payload : bytes
        A pickled `scenarios.execution_worker.Task`.
    patience : float
        A batch that takes longer is given up [s].

    Raises
    ------
    DataError
        If the address is refused, the scheduler can't be reached, or a worker has another version.
    """

    def __init__(self, address: str, payload: bytes, patience: float) -> None:
        self._address = checked_address(address)
        self._client = _connected(self._address)
        self._name = f"sweep-{uuid.uuid4().hex}"
        self._futures: dict[Any, int] = {}
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._begun = self._threads = 0
        self._registered = False
        self._looked = self._well = time.monotonic()
        try:
            _check_versions(self._client.run(_version, on_error="return"))
            self._client.register_plugin(Lender(self._name, payload, patience))
            self._registered = True
            self._look()
        except DataError:
            self.close()
            raise
        except Exception as err:  # whatever the cluster's other end comes up with
            self.close()
            raise DataError(f"{address}: {type(err).__name__}: {err}; see the scheduler's own words") from None

    def _look(self) -> None:
        """Count the workers' threads."""
        self._looked = time.monotonic()
        with suppress(OSError, TimeoutError):
            if self._client.status == "running":
                self._threads = sum(self._client.nthreads().values())
                if self._threads:
                    self._well = self._looked
        if self._looked - self._well > ABANDONED:
            raise DataError(
                f"{self._address}: no worker for {ABANDONED:g} s; start `dask worker {self._address}`, and run it "
                "again: what is finished is kept"
            )

    @property
    def capacity(self) -> int:
        """How many threads the cluster has."""
        return max(self._threads, 1)

    @property
    def free(self) -> int:
        """How many batches may be begun now; some wait at the scheduler, so that no worker has to."""
        return 2 * self.capacity - len(self._futures)

    def begin(self, ticket: int, batch: bytes) -> None:
        """Hand a batch to the scheduler."""
        self._begun += 1
        future = self._client.submit(
            _evaluated, self._name, twin.__version__, batch, key=f"{self._name}-{self._begun}", pure=False
        )
        self._futures[future] = ticket
        future.add_done_callback(self._done.put)

    def answers(self, timeout: float) -> list[tuple[int, Answer]]:
        """Wait for answers, up to `timeout` [s]; return them with their tickets.

        Raises
        ------
        DataError
            If the cluster is lost, or can't take up the work.
        """
        found = []
        if time.monotonic() - self._looked > LOOK:
            self._look()
        with suppress(queue.Empty):
            future = self._done.get(timeout=timeout)
            while True:
                found.append((self._futures.pop(future), self._answer(future)))
                future = self._done.get_nowait()
        return found

    def _answer(self, future: Any) -> Answer:
        try:
            return Answer(*future.result(timeout=ABANDONED))
        except KilledWorker:
            return Answer(b"", (), 0.0, "took every worker of the cluster down that tried it")
        except DataError:
            raise
        except ModuleNotFoundError as err:
            raise DataError(
                f"{self._address}: {err}; install equipment-twin {twin.__version__} on every worker"
            ) from None
        except Exception as err:
            raise DataError(
                f"{self._address}: {type(err).__name__}: {err}; run it again: what is finished is kept"
            ) from None

    def close(self) -> None:
        """Withdraw what is in hand, and leave the cluster as it was."""
        try:
            if self._registered and self._client.status == "running":
                with suppress(OSError, TimeoutError, RuntimeError, ValueError):  # the cluster may be gone by now
                    self._client.cancel(list(self._futures), force=True)
                    self._client.unregister_worker_plugin(self._name)
        finally:
            self._futures.clear()
            with suppress(OSError, TimeoutError):
                self._client.close(timeout=CLOSING)


def checked_address(address: str) -> str:
    """Return the address of a scheduler.

    Raises
    ------
    DataError
        If it is none, or reaches further than this machine without TLS.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme not in ("tcp", "tls"):
        raise DataError(f"{address[:80]!r}: is no scheduler's address; write it like tls://host:8786")
    if parts.scheme == "tcp" and not _loopback(host):
        raise DataError(
            f"{address}: anybody on the way could read and change what is run; use tls://{host}:{port}, with "
            "certificates in Dask's configuration (distributed.comm.tls.ca-file, .client.cert, .client.key)"
        )
    return address


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connected(address: str) -> Any:
    try:
        # A thread of its own: where we are called from, as in a notebook, a loop may be running already.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, asyncio.wait_for(_greeted(address), CONNECTING)).result()
        named = {"set_as_default": False, "name": "equipment-twin"}
        return Client(address, timeout=CONNECTING, **named)  # type: ignore[no-untyped-call, unused-ignore]
    except (OSError, TimeoutError):
        raise DataError(
            f"{address}: no scheduler answers within {CONNECTING:g} s; start `dask scheduler` there, or check the "
            "address, and whether it is tcp:// or tls://"
        ) from None
    except (TypeError, ValueError, RuntimeError) as err:
        raise DataError(
            f"{address}: {err}; name certificates in Dask's configuration "
            "(distributed.comm.tls.ca-file, .client.cert, .client.key)"
        ) from None


async def _greeted(address: str) -> None:
    """Shake hands with a scheduler; the client itself waits for ever for one that takes the call and says nothing."""
    security: Any = Security()  # type: ignore[no-untyped-call, unused-ignore]
    arguments = security.get_connection_args("client")
    comm = await connect(address, timeout=CONNECTING, **arguments)  # type: ignore[no-untyped-call, unused-ignore]
    await comm.close()


def _check_versions(found: Mapping[str, Any]) -> None:
    for worker, version in sorted(found.items()):
        if isinstance(version, Exception):
            raise DataError(
                f"{worker}: {type(version).__name__}: {version}; install equipment-twin {twin.__version__} on every "
                "worker"
            )
        if version != twin.__version__:
            raise DataError(_other_version(worker, version, twin.__version__))


def _other_version(worker: str, there: str, here: str) -> str:
    return f"{worker}: has equipment-twin {there}, and {here} asks; install {here} on every worker"
