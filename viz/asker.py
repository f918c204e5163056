"""Who asks, for callbacks: the account that the guard let in, and from where; and which paths are pages."""

from collections.abc import Collection
from contextvars import ContextVar
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from viz.accounts import Account


class Asker(NamedTuple):
    """An account, and the address that it asks from."""

    account: Account
    address: str


_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


def asker() -> Asker:
    """Return who asks.

    Raises
    ------
    LookupError
        Outside of a request: nobody is taken for somebody.
    """
    found = _asker.get()
    if found is None:
        raise LookupError("nobody asks: this isn't behind the guard")
    return found


class Known:
    """Lets callbacks know who asks.

    Parameters
    ----------
    app : ASGI application
        What is behind the guard.
    pages : collection of str
        Paths that are pages of one document: the browser tells them apart, and every other path is what it is.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str] = ()) -> None:
        self._app, self._pages = app, frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope.get("path") in self._pages and scope.get("method") in ("GET", "HEAD"):
            scope = {**scope, "path": "/", "raw_path": b"/"}
        account = scope.get("state", {}).get("account")
        if account is None:
            await self._app(scope, receive, send)
            return
        token = _asker.set(Asker(account, (scope.get("client") or ("",))[0]))
        try:
            await self._app(scope, receive, send)
        finally:
            _asker.reset(token)
