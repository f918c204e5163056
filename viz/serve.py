"""The view as a process of its own: it dies alone, and the twin goes on."""

import socket
from collections.abc import Callable, Collection
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from twin.errors import DataError
from viz.accounts import accounts_of, refuse_open, required
from viz.api import BASE
from viz.app import PAGES, View
from viz.asker import Known
from viz.audit import Audit, audit_of, view_of
from viz.feed import Feed
from viz.guard import Guard, policy_of
from viz.session import Here, Login

STREAMS = (f"{BASE}/stream",)
GOODBYE = 2
"""How long streams may take to end [s]."""


def guarded(
    feed: Feed, *, bind: str = "127.0.0.1", hosts: Collection[str] = (), secure: bool = False,
    tell: Callable[[str], None] = lambda text: None,
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

    Raises
    ------
    DataError
        If nobody could log in, or what the login needs can't be read.
    """
    view = view_of(feed.folder)
    audit = Audit(audit_of(view), tell=tell)
    login = required(bind)
    refuse_open(bind, accounts_of(feed.folder))
    shown = View(feed, audit, login=login)
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
        raise DataError(f"{bind}:{port}: can't be listened at: {err}; choose another with --port") from None
    found.listen(128)
    return found


def serve(folder: Path, listening: socket.socket, app: ASGIApp) -> None:
    """Serve until a signal ends it."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, date_header=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=GOODBYE, h11_max_incomplete_event_size=32768,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
