"""The one socket that gateways reach: its fixed settings, who is let in, and who was not."""

import contextlib
import ipaddress
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils.monitor import parse_monitor_message

from twin.errors import DataError
from twin.ingest import keys

MAX_BYTES = 1 << 20
"""Longest frame; libzmq's own default, none, lets a stranger fill the memory before it is asked for a key."""
DOMAIN = b"ingest"
MOST_AT_ONCE = 200
"""Frames of one round, which share a transaction."""
LONGEST_ROUND = 5e-3
"""Time in which the frames of a round are taken [s]."""

_ADDRESS = re.compile(r"tcp://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.*-]+):(?P<port>\*|[0-9]{1,5})")
_MONITOR = "inproc://twin.ingest.monitor"
_REFUSED = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH


class Arrival(NamedTuple):
    """A message as it came in.

    ``peer`` is whom to answer; ``user`` is the gateway whose key the connection has proved to hold, None where no
    keys are asked for.
    """

    peer: bytes
    user: str | None
    frames: list[bytes]


class Guard:
    """Says which keys may connect; the list is read again when it has changed.

    It is asked by the authenticator's thread, and anything that it raised would end that thread.
    """

    def __init__(self, data: Path, log: Callable[[str], None]) -> None:
        self._data, self._log = data, log
        self._seen: tuple[int, int, int] | None = None
        self._names: dict[bytes, str] = {}
        self.gateways: frozenset[str] = frozenset()
        self.refused = 0
        self.names()

    def names(self) -> dict[bytes, str]:
        """Return the name of each gateway that may connect, by its public key; a list that is wrong lets nobody in."""
        try:
            found = (keys.folder_of(self._data) / "allow.txt").stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        except OSError:
            seen = (0, 0, 0)
        if seen != self._seen:
            self._seen = seen
            try:
                self._names = {key.encode(): name for name, key in keys.allowed(self._data).items()}
            except DataError as err:
                self._names = {}
                self._log(f"{err}; until then no gateway may connect")
            self.gateways = frozenset(self._names.values())
        return self._names

    def callback(self, domain: str, key: bytes) -> bool:
        """Answer the authenticator."""
        known = key in self.names()
        self.refused += not known
        return known


class _Authenticator(ThreadAuthenticator):
    """Tells the gateway's name with every frame, and can be stopped when its thread has died."""

    guard: Guard

    def stop(self) -> None:
        if self.pipe is not None and not self.is_alive():
            self.pipe.close()  # nobody takes the word that it shall stop: sending it would wait for ever
            self.pipe = None  # type: ignore[assignment]
        super().stop()

    def curve_user_id(self, client_public_key: bytes) -> str:
        return self.guard.names().get(zmq.utils.z85.encode(client_public_key), "")


def checked_address(listen: str, *, curve: bool) -> str:
    """Return the address as libzmq binds it.

    Raises
    ------
    DataError
        If it is none, or reaches further than this machine while no keys are asked for.
    """
    found = _ADDRESS.fullmatch(listen)
    if not found or (found["port"] != "*" and int(found["port"]) > 65535):
        raise DataError(f"{listen[:80]!r}: is no address to listen on; write it like tcp://127.0.0.1:5555")
    host = "127.0.0.1" if found["host"] == "localhost" else found["host"]
    try:
        local = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        local = False  # the name of an interface, or *
    if not local and not curve:
        raise DataError(
            f"{listen}: other machines could connect, and nobody would be asked for a key; "
            "make keys with `twin keys new`, or listen on 127.0.0.1"
        )
    return f"tcp://{host}:{'*' if found['port'] == '0' else found['port']}"


class Entrance:
    """The ROUTER socket.

    Parameters
    ----------
    data : Path
        The data folder, with the keys.
    listen : str
        Where to listen; port ``*`` is any that is free.
    log : callable
        Takes warnings, a line each.

    Raises
    ------
    DataError
        If the keys are wrong, or the address can't be listened on, or must not be without keys.
    """

    def __init__(self, data: Path, listen: str, log: Callable[[str], None]) -> None:
        pair = keys.server_keys(data)
        where = checked_address(listen, curve=pair is not None)
        self.curve = pair is not None
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self._guard: Guard | None = None
        self._authenticator: _Authenticator | None = None
        self._strangers = 0
        _settle(self.socket, ipv6="[" in where)
        self._monitor = self._watch()
        try:
            if pair is not None:
                self._ask_for_keys(data, pair, log)
            else:
                log(f"warning: {listen}: no keys are made, so every program of this machine is let in")
            self.socket.bind(where)
        except zmq.ZMQError as err:
            self.close()
            raise DataError(
                f"{listen}: can't listen: {zmq.strerror(err.errno or 0)}; stop the other program or choose another port"
            ) from None
        self.address = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def strangers(self) -> int:
        """Return how many connections were refused before they said anything."""
        with contextlib.suppress(zmq.Again):
            while True:
                event = parse_monitor_message(self._monitor.recv_multipart(zmq.DONTWAIT))
                self._strangers += event["event"] != zmq.EVENT_MONITOR_STOPPED
        return self._strangers

    def guarded(self) -> bool:
        """Return whether somebody is there to check keys; without, nobody is let in any more."""
        return not self.curve or (self._authenticator is not None and self._authenticator.is_alive())

    def take(self) -> list[Arrival]:
        """Return what has come in, without waiting."""
        taken: list[Arrival] = []
        if self._guard is not None:
            self._guard.names()
        until = time.monotonic() + LONGEST_ROUND
        while len(taken) < MOST_AT_ONCE and time.monotonic() < until:
            try:
                peer, *parts = self.socket.recv_multipart(zmq.DONTWAIT, copy=False)
            except zmq.Again:
                break
            user = None
            if self._guard is not None:
                user = _user(parts)
                if user not in self._guard.gateways:
                    user = ""  # its key was taken off the list while it was connected
            taken.append(Arrival(peer.bytes, user, [part.bytes for part in parts]))
        return taken

    def answer(self, peer: bytes, frame: bytes) -> bool:
        """Send an answer; one that finds no room or nobody is dropped, every later one says as much."""
        try:
            self.socket.send_multipart([peer, frame], zmq.DONTWAIT)
        except zmq.ZMQError:
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self.socket.disable_monitor()
        self.socket.close()
        self._monitor.close()
        if self._authenticator is not None:
            self._authenticator.stop()
        self.context.destroy(linger=0)

    def _ask_for_keys(self, data: Path, pair: keys.KeyPair, log: Callable[[str], None]) -> None:
        self._guard = Guard(data, log)
        self._authenticator = _Authenticator(self.context)
        self._authenticator.guard = self._guard
        self._authenticator.configure_curve_callback(DOMAIN.decode(), self._guard)
        self._authenticator.start()
        self.socket.curve_server = True
        self.socket.curve_secretkey = pair.secret.encode()
        self.socket.zap_domain = DOMAIN
        self.socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)  # else no guard, or a dead one, means no check at all

    def _watch(self) -> "zmq.Socket[bytes]":
        """Count the handshakes that fail; the queue has no bound, or a flood of them would hold libzmq up."""
        self.socket.monitor(_MONITOR, _REFUSED)
        monitor = self.context.socket(zmq.PAIR)
        monitor.rcvhwm = 0
        monitor.linger = 0
        monitor.connect(_MONITOR)
        return monitor


def _user(parts: list[zmq.Frame]) -> str:
    try:
        return str(parts[0].get("User-Id"))
    except (IndexError, zmq.ZMQError):
        return ""  # nobody


def _settle(socket: "zmq.Socket[bytes]", *, ipv6: bool) -> None:
    """Set what docs/protocol.md promises."""
    socket.ipv6 = ipv6
    socket.maxmsgsize = MAX_BYTES
    socket.rcvhwm = socket.sndhwm = 64
    socket.router_mandatory = True
    socket.router_handover = False
    socket.handshake_ivl = 3000
    # No heartbeats of libzmq's own: in 4.3.5 their timer ends the whole process by an assertion where a peer fills
    # its queue and hangs up (its issues 4364 and 4841). The kernel's probes find dead machines, the protocol's `hb`
    # silent gateways.
    socket.tcp_keepalive, socket.tcp_keepalive_idle = 1, 3
    socket.tcp_keepalive_intvl, socket.tcp_keepalive_cnt = 1, 3
    socket.linger = 0
