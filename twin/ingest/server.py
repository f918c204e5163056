"""Ingest's process: takes what gateways and people send, stores it in one transaction, and only then answers."""

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zmq

from twin.errors import DataError
from twin.ingest import keys
from twin.ingest.door import Door
from twin.ingest.entrance import MOST_AT_ONCE, Entrance, checked_address
from twin.ingest.figures import Figures
from twin.ingest.pruner import EVERY, Pruner
from twin.ingest.receiver import Receiver
from twin.journal.entries import Draft, JournalFull
from twin.journal.writer import Journal
from twin.protocol import FrameError, Hello, Now, decode_from_gateway
from twin.service import Action, Refused, Status, Stored, decide, encode

TICK = 1.0
"""Ticks are this far apart [s]."""
BUSY = 1000
"""When gateways try again where the disk is full [ms]."""
MOST_ACTIONS = 10_000
"""Ids of the latest actions that are known, so that none is stored twice."""

_STOP_WITHIN = 0.2


class _Asked(NamedTuple):
    """An action to be stored, and who waits for it."""

    action: Action
    peers: list[bytes]


def serve(
    data: Path,
    listen: str,
    *,
    replay: bool = False,
    log: Callable[[str], None],
    stop: threading.Event | None = None,
) -> None:
    """Serve gateways and people until `stop` is set.

    Parameters
    ----------
    data : Path
        The data folder; it is made where there is none.
    listen : str
        Where gateways connect, such as ``tcp://127.0.0.1:5555``; ``DIR/ingest.json`` tells the address in the end.
    replay : bool
        Whether gateways may speak of recorded or accelerated time.
    log : callable
        Takes what an operator should know, a line each.
    stop : threading.Event, optional
        Ends it in order; what was acknowledged is on disk at any time.

    Raises
    ------
    DataError
        If it can't start: another process serves the folder, keys or address are wrong. If the disk fails: then
        nothing that isn't on it was acknowledged.
    """
    checked_address(listen, curve=keys.server_keys(data) is not None)
    over = stop or threading.Event()
    told = data / "ingest.json"
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(Journal.open(data))
        told.unlink(missing_ok=True)
        entrance = Entrance(data, listen, log)
        stack.callback(entrance.close)
        door = Door(data, entrance.context)
        stack.callback(door.close)
        server = Server(journal, entrance, door, replay=replay)
        about = {"pid": os.getpid(), "address": entrance.address, "started": time.time(), "curve": entrance.curve}
        keys.write_whole(told, msgspec.json.encode(about).decode() + "\n", 0o644)
        stack.callback(told.unlink, missing_ok=True)
        log(f"listening on {entrance.address}, {'with' if entrance.curve else 'without'} keys")
        while not over.is_set():
            server.wait()
            server.round()
        log("stopped")


class Server:
    """One round after another: take, decide, store, answer.

    Parameters
    ----------
    journal : Journal
        Where everything is stored; nobody else writes it.
    entrance : Entrance
        Where gateways come in.
    door : Door
        Where people ask.
    replay : bool
        Whether gateways may speak of recorded or accelerated time.
    """

    def __init__(self, journal: Journal, entrance: Entrance, door: Door, *, replay: bool = False) -> None:
        self._journal, self._entrance, self._door = journal, entrance, door
        self._receiver = Receiver(journal.have, journal.crc_of, owners=owners(journal), accept_replay=replay)
        self._actions: OrderedDict[str, int] = OrderedDict(known_actions(journal))
        self._figures = Figures(journal.path.parent)
        self._pruner = Pruner(journal)
        self._next_tick = time.monotonic()
        self._replay, self._reached = replay, 0
        self._poller = zmq.Poller()
        self._poller.register(entrance.socket, zmq.POLLIN)
        self._poller.register(door.socket, zmq.POLLIN)

    def wait(self) -> None:
        """Return when something has come in or a tick is due, and soon in any case."""
        most = EVERY if self._pruner.busy else _STOP_WITHIN
        seconds = min(most, max(0.0, self._next_tick - time.monotonic()))
        self._poller.poll(round(seconds * 1e3))

    def round(self) -> None:
        """Take what is there, store it, and answer.

        Raises
        ------
        DataError
            If the disk or the guard of the entrance failed; nothing of this round was acknowledged.
        """
        began = time.monotonic()
        arrivals = self._entrance.take()
        now = Now(time.time_ns() // 1000, time.monotonic())
        for arrival in arrivals:
            self._receiver.on_frame(now, arrival.peer, arrival.user, arrival.frames)
        self._tick(now)
        asked = self._asked(now)
        taken = self._receiver.take()
        for reject in taken.rejects:
            self._journal.reject(*reject)
        clock = self._clock(now, taken.drafts)
        drafts = taken.drafts + [Draft("action", "", 0, 0, now.wall_us, clock, encode(one.action)) for one in asked]
        try:
            last = self._journal.append(drafts) if drafts else 0
        except JournalFull as err:
            replies = self._receiver.full(BUSY)
            for one in asked:
                self._answer(one.peers, Refused(str(err)))
        else:
            replies = self._receiver.committed()
            for entry, one in enumerate(asked, last - len(asked) + 1):
                self._remember(one.action.id, entry)
                self._answer(one.peers, Stored(entry))
            self._figures.stored(drafts)
        dropped = sum(not self._entrance.answer(*reply) for reply in replies)
        self._figures.answered(
            time.monotonic() - began, len(arrivals), full=len(arrivals) >= MOST_AT_ONCE, dropped=dropped
        )
        self._pruner.step()

    def status(self, now: Now) -> dict[str, Any]:
        """Return how it is going, as plain values."""
        return {
            **self._receiver.status(now),
            **self._figures.told(),
            "address": self._entrance.address,
            "curve": self._entrance.curve,
            "strangers": self._entrance.strangers,
            "entries": self._journal.last(),
        }

    def _tick(self, now: Now) -> None:
        if now.monotonic_s < self._next_tick:
            return
        self._next_tick += TICK
        if self._next_tick <= now.monotonic_s:
            self._next_tick = now.monotonic_s + TICK  # after a stall no burst makes up for what is missing
        self._receiver.tick(now)
        if not self._entrance.guarded():
            raise DataError(
                f"{self._entrance.address}: the thread that checks keys has ended, and lets nobody in; start again"
            )
        _ = self._entrance.strangers  # takes them from a queue

    def _asked(self, now: Now) -> list[_Asked]:
        """Return the actions to be stored; answer everything else that people asked."""
        found: dict[str, _Asked] = {}
        for request in self._door.take():
            decision = decide(request.frame, self._actions)
            if decision.store is not None:
                found.setdefault(decision.store.id, _Asked(decision.store, [])).peers.append(request.peer)
            elif decision.tell_status:
                self._door.answer(request.peer, Status(self.status(now)))
            elif decision.prune:
                self._door.answer(request.peer, self._pruner.ask(decision.prune))
            elif decision.answer is not None:
                self._door.answer(request.peer, decision.answer)
        return list(found.values())

    def _clock(self, now: Now, drafts: list[Draft]) -> int:
        """Return the time of an action: a replay's stands still while nobody replays."""
        clock = self._receiver.clock(now)
        if not self._replay:
            return clock
        if drafts:
            self._reached = drafts[-1].clock
        return self._reached if clock == now.wall_us and self._reached else clock

    def _answer(self, peers: list[bytes], answer: Stored | Refused) -> None:
        for peer in peers:
            self._door.answer(peer, answer)

    def _remember(self, action: str, entry: int) -> None:
        self._actions[action] = entry
        if len(self._actions) > MOST_ACTIONS:
            self._actions.popitem(last=False)


def owners(journal: Journal) -> dict[str, str]:
    """Return which gateway each tag belongs to: the first that declared it and didn't leave it out later."""
    latest = {entry.gateway: entry for entry in journal.hellos()}
    found: dict[str, str] = {}
    for entry in sorted(latest.values(), key=lambda entry: entry.id):
        with contextlib.suppress(FrameError):  # written by another version
            message = decode_from_gateway(entry.body)
            if isinstance(message, Hello):
                for tag in message.tags:
                    found.setdefault(tag.n, entry.gateway)
    return found


def known_actions(journal: Journal) -> dict[str, int]:
    """Return the entry of each of the latest actions, by its id, the oldest first."""
    found: dict[str, int] = {}
    for entry in journal.actions(MOST_ACTIONS):
        with contextlib.suppress(msgspec.DecodeError):  # written by another version
            found[msgspec.msgpack.decode(entry.body, type=Action).id] = entry.id
    return found
