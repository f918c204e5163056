"""The gateway's socket: it does what the sender wants, and says why no connection comes about."""

import itertools
import math
import re
import socket
from collections import deque
from contextlib import suppress
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from twin.errors import DataError
from twin.gateway.shell import Action, Connect, Send
from twin.ingest.keys import GatewayKey
from twin.protocol import MAX_BYTES

_ADDRESS = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}")
_AT_ONCE = 100
_NO_KEY = "whoever listens there asks for a key; give the file that `twin keys new` wrote"
_WRONG_KEY = "the twin can't be spoken to with this key; compare its line `server` with the twin's"
_MONITORS = itertools.count()


class Link:
    """The socket of one connection, and what waits to be sent on it; one thread uses it.

    Parameters
    ----------
    address : str
        Where the twin listens.
    key : GatewayKey or None
        What to prove oneself with.

    Attributes
    ----------
    trouble : str
        Why no connection came about; empty since the twin last said something.
    broken : bool
        Whether the connection broke: who was on its other side knows nothing of us any more.

    Raises
    ------
    DataError
        If the address is none.
    """

    def __init__(self, address: str, key: GatewayKey | None) -> None:
        self._address, self._key = address, key
        if not _ADDRESS.fullmatch(address):
            raise DataError(f"{address[:80]!r}: is no address of a twin; write it like tcp://192.0.2.7:5555")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self._outbox: deque[bytes] = deque()
        self.trouble = ""
        self.broken = False

    def perform(self, actions: deque[Action]) -> None:
        """Do what the sender wants, as far as it needs no waiting."""
        while actions:
            action = actions.popleft()
            if isinstance(action, Send):
                self._outbox.append(action.frame)
            else:
                self._hang_up()
                if isinstance(action, Connect):
                    self._connect()

    def send(self) -> None:
        """Send as much as the socket takes."""
        while self._outbox and self._socket is not None:
            try:
                self._socket.send(self._outbox[0], zmq.DONTWAIT)
            except zmq.Again:
                return
            self._outbox.popleft()

    def wait(self, seconds: float, woken: socket.socket) -> list[bytes]:
        """Return what the twin says, or nothing where somebody wakes us or the time is over."""
        poller = zmq.Poller()
        poller.register(woken, zmq.POLLIN)
        if self._socket is not None:
            poller.register(self._socket, zmq.POLLIN | (zmq.POLLOUT if self._outbox else 0))
        if self._monitor is not None:
            poller.register(self._monitor, zmq.POLLIN)
        poller.poll(math.ceil(seconds * 1e3))
        with suppress(BlockingIOError):
            woken.recv(4096)
        self._look()
        frames: list[bytes] = []
        with suppress(zmq.Again):
            while self._socket is not None and len(frames) < _AT_ONCE:
                frames.append(b"".join(self._socket.recv_multipart(zmq.DONTWAIT)))
        if frames:
            self.trouble = ""
        return frames

    def close(self) -> None:
        """Let go of everything."""
        self._hang_up()
        self._context.destroy(linger=0)

    def _connect(self) -> None:
        found = self._context.socket(zmq.DEALER)
        found.linger = 0
        found.immediate = True  # nothing is queued for a connection that isn't up
        found.sndhwm = found.rcvhwm = 64
        found.maxmsgsize = MAX_BYTES
        found.reconnect_ivl, found.reconnect_ivl_max = 250, 1000
        found.handshake_ivl = 3000
        # No heartbeats of libzmq's own, see twin/ingest/entrance.py; the protocol's notice more: a hung application.
        found.ipv6 = "[" in self._address
        if self._key is not None:
            found.curve_serverkey = self._key.server.encode()
            found.curve_publickey, found.curve_secretkey = self._key.public.encode(), self._key.secret.encode()
        failures: Any = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        # A name of its own: libzmq lets go of the last one's in its own time.
        name = f"inproc://twin.gateway.monitor.{next(_MONITORS)}"
        found.monitor(name, failures | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_DISCONNECTED)
        self._monitor = self._context.socket(zmq.PAIR)
        self._monitor.linger = 0
        self._monitor.connect(name)
        found.connect(self._address)
        self._socket = found

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.disable_monitor()
            self._socket.close()
        if self._monitor is not None:
            self._monitor.close()
        self._socket = self._monitor = None
        self.broken = False
        self._outbox.clear()

    def _look(self) -> None:
        """Note why a connection did not come about."""
        with suppress(zmq.Again):
            while self._monitor is not None:
                event = parse_monitor_message(self._monitor.recv_multipart(zmq.DONTWAIT))
                if event["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                    self.trouble = "not_allowed: the twin doesn't know this key; tell it by `twin keys allow`"
                elif event["event"] == zmq.EVENT_DISCONNECTED:
                    self.broken = True
                elif event["event"] != zmq.EVENT_MONITOR_STOPPED:
                    self.trouble = _WRONG_KEY if self._key else _NO_KEY
