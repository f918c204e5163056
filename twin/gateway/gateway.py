"""A gateway as a program uses it: put readings in, and they reach the twin's disk, whatever crashes in between."""

import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.errors import DataError, unknown
from twin.gateway.buffer import MOST_BYTES, Buffer
from twin.gateway.link import Link
from twin.gateway.sender import Sender
from twin.gateway.shell import Action, Reading
from twin.ingest.keys import GatewayKey, gateway_keys
from twin.protocol import LATEST, MAX_ROWS, Clock, Now, Tag, batch
from twin.quality import HIGHEST

Row = tuple[str, int, float | None, int]
"""Name of a tag, source time [us UTC], value in the tag's unit, OPC UA status code."""

GOODBYE = 1.0
"""How long `Gateway.close` waits for the twin to know that this stop is planned [s]."""

_FOR_GOOD = ("not_allowed", "bad_version")
_LONGEST_TURN = 0.5
_SHORTEST_TURN = 1e-3


class Gateway:
    """Stores readings on its own disk and sends them until the twin has them on its disk.

    What `put` returned from is never lost, except where the buffer overflows: then the oldest batches go, and the
    twin shows the hole. Any thread may put.

    Parameters
    ----------
    name : str
        The name that the twin knows this gateway by.
    address : str
        Where the twin listens, such as ``tcp://192.0.2.7:5555``.
    buffer_path : Path
        The file of the buffer; every gateway needs its own, on a local disk.
    tags : mapping or sequence of Tag
        The unit of each tag, by its name.
    key : GatewayKey or Path, optional
        The file that ``twin keys new`` wrote; a twin on the loopback may do without.
    clock : {"wall", "replay"}
        ``replay`` where the readings are of recorded or accelerated time, which a twin must have agreed to.
    rate : float
        How fast a replay's time runs.
    time_us : callable, optional
        Returns the source's time [us UTC]: a replay must give it, else it is the wall clock.
    most_bytes : int
        Frames that the buffer holds at most.
    background : bool
        Whether a thread sends and receives; else whoever put calls `run_once`, from one thread.

    Raises
    ------
    DataError
        If the buffer, the key or the tags can't be used.

    Examples
    --------
    >>> gateway = Gateway("press-1", address, folder / "press-1.buffer", {"TI-1": "degC", "PI-1": "bar"})
    >>> gateway.put([("TI-1", 1_700_000_000_000_000, 71.5, 0), ("PI-1", 1_700_000_000_000_000, 6.2, 0)])
    >>> gateway.flush(timeout=10.0)
    >>> gateway.waiting
    0
    >>> gateway.close()
    """

    def __init__(
        self,
        name: str,
        address: str,
        buffer_path: Path,
        tags: Mapping[str, str] | Sequence[Tag],
        key: GatewayKey | Path | None = None,
        clock: Clock = "wall",
        rate: float = 1.0,
        *,
        time_us: Callable[[], int] | None = None,
        most_bytes: int = MOST_BYTES,
        background: bool = True,
    ) -> None:
        self.name, self.address, self.key = name, address, _checked_key(name, key)
        if clock == "replay" and time_us is None:
            raise DataError(f"{name}: a replay has a time of its own; give time_us")
        self._time_us = time_us or (lambda: time.time_ns() // 1000)
        declared = [Tag(n, u) for n, u in tags.items()] if isinstance(tags, Mapping) else list(tags)
        self._buffer = Buffer(buffer_path, most_bytes)
        try:
            stream = random.SystemRandom()
            self._sender = Sender(name, declared, self._buffer, stream, clock=clock, rate=rate)
            self._link = Link(address, self.key)
        except BaseException:
            self._buffer.close()
            raise
        self._lock = threading.Condition()
        self._actions: deque[Action] = deque()
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._closing = self._closed = False
        self._failure: DataError | None = None
        self._thread = threading.Thread(target=self._work, name=f"gateway {name}", daemon=True) if background else None
        if self._thread is not None:
            self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether the twin has welcomed this gateway."""
        return self._sender.connected

    @property
    def waiting(self) -> int:
        """How many batches are held because they aren't known to be on the twin's disk."""
        return self._buffer.next() - self._buffer.first()

    @property
    def stored(self) -> int:
        """How many batches were put into the buffer since its run began."""
        return self._buffer.next() - 1

    @property
    def dropped(self) -> int:
        """How many batches were dropped for want of room in the buffer, ever."""
        return self._buffer.dropped

    @property
    def trouble(self) -> str:
        """What keeps readings from arriving, with the protocol's code where the twin said it; empty if nothing."""
        return self._sender.trouble or self._link.trouble

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened how often."""
        return self._sender.counts

    def put(self, rows: Iterable[Row]) -> None:
        """Store readings as one batch; once this returns they are on this gateway's disk.

        Parameters
        ----------
        rows : iterable of Row
            Beyond 5,000 they become several batches.

        Raises
        ------
        DataError
            If a row is not as declared, or the buffer can't be written. Then nothing was stored.
        """
        self.put_many([rows])

    def put_many(self, batches: Iterable[Iterable[Row]]) -> None:
        """Store several batches with one wait for the disk.

        Raises
        ------
        DataError
            As `put` does, for all of them.
        """
        checked = [[self._checked(row) for row in rows] for rows in batches]
        with self._lock:
            self._check()
            with self._buffer.transaction():
                for rows in checked:
                    for i in range(0, len(rows), MAX_ROWS):
                        seq = self._buffer.next()
                        self._buffer.store(seq, batch(seq, rows[i : i + MAX_ROWS]))
            try:
                self._actions += self._sender.offer(self._now(), ())  # what is stored, not what may be undone
            except DataError as err:  # stored all the same: who put must not put again
                self._failure = err
        self._wake()

    def flush(self, timeout: float = 30.0) -> None:
        """Return once everything put is on the twin's disk.

        Parameters
        ----------
        timeout : float
            How long that may take [s].

        Raises
        ------
        DataError
            If it takes longer, or the twin refuses this gateway. What was put stays in the buffer.
        """
        end = time.monotonic() + timeout
        while True:
            with self._lock:
                self._check()
                if not self.waiting:
                    return
                left = end - time.monotonic()
                if left <= 0.0 or self._sender.trouble.startswith(_FOR_GOOD):
                    why = self.trouble or "no answer; is a twin listening there?"
                    raise DataError(
                        f"{self.name} at {self.address}: {why} ({self.waiting} batches stay in "
                        f"{self._buffer.path} until the twin takes them)"
                    )
                if self._thread is not None:
                    self._lock.wait(left)
            if self._thread is None:
                self.run_once(min(left, _LONGEST_TURN))

    def run_once(self, seconds: float = 0.0) -> None:
        """Send and receive what is due; wait so long at most for something to do.

        Raises
        ------
        DataError
            If the buffer can't be read or written.
        """
        if self._thread is not None:
            raise DataError(f"{self.name}: a thread sends and receives; make the gateway with background=False")
        self._turn(seconds)

    def close(self) -> None:
        """Tell the twin that this stop is planned; what it hasn't on disk stays in the buffer."""
        if self._closed:
            return
        with self._lock:
            self._closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
        else:
            self._leave()
        self._closed = True
        self._buffer.close()
        self._waking.close()
        self._woken.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _now(self) -> Now:
        return Now(self._time_us(), time.monotonic())

    def _check(self) -> None:
        if self._failure is not None:
            raise DataError(f"{self.name}: sending stopped: {self._failure}")
        if self._closing:
            raise DataError(f"{self.name}: the gateway is closed; make a new one")

    def _checked(self, row: Row) -> Reading:
        tag, at, value, quality = row
        index = self._sender.index.get(tag)
        if index is None:
            raise DataError(f"{self.name}: {unknown('tag', str(tag), self._sender.index)}; declare it first")
        if not 0 <= at <= LATEST:
            raise DataError(f"{self.name}: {tag}: time {at} is no number of microseconds since 1970; see to the clock")
        if not 0 <= quality <= HIGHEST:
            raise DataError(f"{self.name}: {tag}: quality {quality:#x} is no OPC UA status code; give 0 for Good")
        return index, int(at), None if value is None else float(value), int(quality)

    def _wake(self) -> None:
        with suppress(BlockingIOError, OSError):  # it has been woken often enough, or is gone
            self._waking.send(b"\0")

    def _work(self) -> None:
        try:
            while not self._closing and self._failure is None:
                self._turn(_LONGEST_TURN)
            if self._failure is None:
                self._leave()
        except Exception as err:
            self._failure = err if isinstance(err, DataError) else DataError(f"a defect of twin: {err!r}; report it")
            if not isinstance(err, DataError):
                raise
        finally:
            self._link.close()
            with self._lock:
                self._lock.notify_all()

    def _turn(self, seconds: float) -> None:
        with self._lock:
            now = self._now()
            self._actions += self._sender.on_time(now)
            self._link.perform(self._actions)
            due = max(_SHORTEST_TURN, self._sender.wait(now))
        self._link.send()
        frames = self._link.wait(min(seconds, due), self._woken)
        with self._lock:
            for frame in frames:
                self._actions += self._sender.on_message(self._now(), frame)
            if self._link.broken:
                self._actions += self._sender.on_break(self._now())
            self._link.perform(self._actions)
            if frames and not self.waiting:
                self._lock.notify_all()
        self._link.send()
        if self._sender.trouble.startswith(_FOR_GOOD):
            with self._lock:
                self._lock.notify_all()

    def _leave(self) -> None:
        """Say goodbye, and wait a moment for the twin to hear it."""
        with self._lock:
            self._actions += self._sender.bye(self._now())
            self._link.perform(self._actions)
        end = time.monotonic() + GOODBYE
        while not self._sender.stopped and time.monotonic() < end:
            self._turn(0.1)
        self._link.close()


def _checked_key(name: str, key: GatewayKey | Path | None) -> GatewayKey | None:
    found = gateway_keys(key) if isinstance(key, Path) else key
    if found is not None and found.gateway != name:
        raise DataError(f"{name}: the key is that of {found.gateway}; every gateway has its own")
    return found
