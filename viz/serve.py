"""The view as a process of its own: it dies alone, and the twin goes on."""

import asyncio
import errno
import socket
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from twin.errors import DataError
from viz.accounts import accounts_of, refuse_open, required
from viz.api import BASE
from viz.app import PAGES, View
from viz.asker import Known
from viz.audit import Audit, audit_of, view_of
from viz.feed import Feed
from viz.guard import Guard, policy_of
from viz.runner import COMMAND
from viz.session import Here, Login

STREAMS = (f"{BASE}/stream",)
GOODBYE = 2
"""How long streams may take to end [s]."""
HEADERS = 15.0
"""How long a request's head may take to come [s]: half requests would hold every connection there is."""


def guarded(
    feed: Feed, *, bind: str = "127.0.0.1", hosts: Collection[str] = (), secure: bool = False,
    tell: Callable[[str], None] = lambda text: None, command: Sequence[str] = COMMAND, datasets: Path | None = None,
) -> ASGIApp:  # fmt: skip
    """Return the application with everything that guards it.

    Parameters
    ----------
    bind : str
        Address that it will be served at; on any other than loopback people have to log in.
    hosts : collection of str
        Names that browsers may reach it under beside those of loopback.
    secure : bool
        Whether TLS ends in front of it.
    command : sequence of str
        What `twin what-if` is called by.
    datasets : Path or None
        Where data sets are; else in the folder ``datasets`` of the twin's data.

    Raises
    ------
    DataError
        If nobody could log in, or what the login needs can't be read.
    """
    view = view_of(feed.folder)
    audit = Audit(audit_of(view), tell=tell)
    login = required(bind)
    refuse_open(bind, accounts_of(feed.folder))
    shown = View(feed, audit, login=login, command=command, datasets=datasets)
    policy = policy_of(shown.server)
    door = Login(feed.folder, audit, secure=secure) if login else Here()
    shown.api.known = door.known
    inside = Known(shown.server, PAGES)
    return Guard(inside, hosts=hosts, login=door, secure=secure, policy=policy, stream_paths=STREAMS)


def bound(bind: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises
    ------
    DataError
        If the address can't be listened at.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((bind, port))
    except (OSError, OverflowError) as err:
        found.close()
        other = "--port" if getattr(err, "errno", 0) in (errno.EADDRINUSE, errno.EACCES) else "--bind"
        raise DataError(f"{bind}:{port}: can't be listened at: {_why(err)}; choose another with {other}") from None
    found.listen(128)
    return found


def _why(err: OSError | OverflowError) -> str:
    return getattr(err, "strerror", "") or str(err)


def serve(
    listening: socket.socket, app: ASGIApp, *, secure: bool = False, goodbye: Callable[[], None] = lambda: None
) -> None:
    """Serve until a signal ends it; then `goodbye` is called, whereupon streams have to end.

    Whose address a proxy forwards is believed only where there has to be one, as with `secure`.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=GOODBYE, h11_max_incomplete_event_size=32768, http=_Impatient, proxy_headers=secure,
    )  # fmt: skip
    _Server(config, goodbye).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that lets streams end before it waits for them."""

    def __init__(self, config: uvicorn.Config, goodbye: Callable[[], None]) -> None:
        super().__init__(config)
        self._goodbye = goodbye

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end."""
        self._goodbye()
        super().handle_exit(sig, frame)


class _Impatient(H11Protocol):
    """A connection that is closed when no whole request comes on it in time."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take what came, and wait anew."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(HEADERS, self._give_up)

    def _give_up(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
