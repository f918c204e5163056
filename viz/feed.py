"""What a twin says, as it comes: one thread follows its file, everyone else reads what that thread has seen."""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from twin.documents import Advisory
from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from twin.history.row import Row
from twin.monitor.life import Change

LOOK = 0.025
"""How often is looked whether something was written [s]."""
KEPT = 1000
"""Instants that are kept for those who come back after a while."""
AGAIN = 1.0
"""How long to wait for a file that isn't there [s]."""
STATES = ("live", "behind", "silent", "ended")
"""Of a twin: it follows; it takes readings that came a while ago; it runs, and says nothing; it doesn't run."""
SILENT = 10.0
"""A twin that says nothing of itself for so long hangs [s]."""
BEHIND = 10.0
"""Readings that came so long ago, and aren't taken yet, are worth telling of [s]."""
RECENT = 300
"""Changes of advisories that are kept."""


class Seen(NamedTuple):
    """What was seen last; nothing in it changes.

    Attributes
    ----------
    number : int
        Grows with everything that is seen.
    plan : Plan or None
        None until a twin has described its plant.
    rows : tuple of Row
        The newest settled instants.
    head : tuple of Row
        Provisional ones behind them.
    standing : tuple of Advisory
    changes : tuple of Change
        The newest ones, the newest last.
    status : dict
        How the twin is doing, as it says itself.
    ahead : dict or None
        What it expects to come.
    advisories : int
        Grows with every change of what stands or was done.
    oldest : float
        Time of the first instant that is kept [s].
    begun : int
        When the history was begun [ns]; another one tells other instants.
    state : str
        Of the twin, one of `STATES`.
    trouble : str
        Why nothing can be read.
    """

    number: int = 0
    plan: Plan | None = None
    rows: tuple[Row, ...] = ()
    head: tuple[Row, ...] = ()
    standing: tuple[Advisory, ...] = ()
    changes: tuple[Change, ...] = ()
    status: dict[str, Any] = {}  # noqa: RUF012 - a NamedTuple's default, never changed
    ahead: dict[str, Any] | None = None
    advisories: int = 0
    oldest: float = 0.0
    begun: int = 0
    state: str = "ended"
    trouble: str = ""

    @property
    def now(self) -> float:
        """Return the source time of the newest instant, provisional or not [s]; 0 without one."""
        return (self.head or self.rows)[-1].time if self.head or self.rows else 0.0


class Feed:
    """Follows the history of a data folder until it is closed.

    Parameters
    ----------
    folder : Path
        The twin's data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen = Seen()
        self._rows: deque[Row] = deque(maxlen=KEPT)
        self._stop = threading.Event()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._lock = threading.RLock()  # a signal may come while it is held
        self._first = threading.Event()
        self._last: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()
        self._first.wait(5.0)

    def end(self) -> None:
        """Let streams end; called from a signal's handler, it waits for nothing."""
        self._stop.set()
        self._wake()

    def at_end(self, last: Callable[[], None]) -> None:
        """Have something done when nothing is followed any more."""
        self._last.append(last)

    def close(self) -> None:
        """Stop following."""
        self.end()
        self._thread.join(5.0)
        for last in self._last:
            last()

    async def changed(self, number: int, timeout: float) -> Seen:
        """Return what was seen as soon as it is newer than `number`, or after `timeout` seconds."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiting.add(waiter)
        try:
            if self.seen.number <= number and not self._stop.is_set():
                async with asyncio.timeout(timeout):
                    await waiter[1].wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(waiter)
        return self.seen

    @property
    def closed(self) -> bool:
        """Return whether nothing will be seen any more."""
        return self._stop.is_set()

    def _wake(self) -> None:
        with self._lock:
            waiting = list(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with History(self.folder) as history:
                    self._follow(history)
            except (*UNREADABLE, OSError) as err:
                self._rows.clear()
                self._see(Seen(trouble=str(err)))
                self._first.set()
                self._stop.wait(AGAIN)

    def _follow(self, history: History) -> None:
        """Look at one file until it is replaced by another."""
        inode, version, looked = history.path.stat().st_ino, -1, 0.0
        self._rows.clear()
        self._see(Seen(
            plan=history.plan(), advisories=self.seen.advisories, oldest=history.oldest() or 0.0,
            begun=int(history.live("begun") or 0),
        ))  # fmt: skip
        while not self._stop.is_set():
            found = history.version()
            if found != version:
                version = found
                self._look(history)
                self._first.set()
            if time.monotonic() - looked > AGAIN:
                looked = time.monotonic()
                if not history.path.exists() or history.path.stat().st_ino != inode:
                    return
                plan, state = history.plan(), state_of(self.seen.status)
                if (plan, state) != (self.seen.plan, self.seen.state):  # limits and zones may change with a restart
                    self._see(self.seen._replace(plan=plan, state=state))
            self._stop.wait(LOOK)

    def _look(self, history: History) -> None:
        """Take in what was written."""
        before = self.seen
        newest = history.newest() or 0.0
        last = self._rows[-1].time if self._rows else newest - KEPT * (before.plan.every if before.plan else 1.0)
        fresh = [row for row in history.rows(last, newest) if _fits(before.plan, row)]
        self._rows.extend(fresh)
        standing = tuple(history.standing())
        changes = tuple(history.latest(RECENT))
        told = _told(standing) != _told(before.standing) or changes != before.changes
        status = history.live("status") or {}
        self._see(before._replace(
            state=state_of(status), rows=tuple(self._rows) if fresh else before.rows,
            head=tuple(row for row in history.head() if row.time > newest and _fits(before.plan, row)),
            standing=standing, changes=changes, status=status, ahead=history.live("ahead"),
            advisories=before.advisories + int(told), oldest=before.oldest or history.oldest() or 0.0, trouble="",
        ))  # fmt: skip

    def _see(self, seen: Seen) -> None:
        self.seen = seen._replace(number=self.seen.number + 1)
        self._wake()


def running(folder: Path, status: dict[str, Any]) -> dict[str, bool]:
    """Return which processes of a data folder run, by the numbers that they have left."""
    numbers = {"twin": status.get("pid")}
    for name in ("ingest", "recorder"):
        try:
            numbers[name] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8")).get("pid")
        except (OSError, ValueError, AttributeError):
            numbers[name] = None
    return {name: _alive(pid) for name, pid in numbers.items()}


def _alive(pid: object) -> bool:
    return isinstance(pid, int) and Path(f"/proc/{pid}").exists()


def state_of(status: dict[str, Any]) -> str:
    """Return how a twin is, by what it said last: one of `STATES`."""
    if not _alive(status.get("pid")):
        return "ended"
    if time.time() - float(status.get("said", 0.0)) > SILENT:
        return "silent"
    return "behind" if float(status.get("behind_s", 0.0)) > BEHIND else "live"


def _told(standing: Sequence[Advisory]) -> list[tuple[Any, ...]]:
    """Return what of advisories a person has to be told; sizes and outlooks move with every reading."""
    return [(a.id, a.state, a.code, a.priority, a.note, a.hidden_by, a.until) for a in standing]


def _fits(plan: Plan | None, row: Row) -> bool:
    return plan is None or plan.fits(len(row.reading), len(row.expected), row.believed.shape[1])


def since(rows: Sequence[Row], time: float) -> list[Row]:
    """Return the rows after a time; they are in order."""
    found = []
    for row in reversed(rows):
        if row.time <= time:
            break
        found.append(row)
    return found[::-1]
