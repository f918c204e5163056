"""What stands before every request of the live view: from where it may come, how long it is, how it is answered.

The guard is outermost; it asks the login, and then the application. It is pure ASGI: a stream passes unbuffered.
"""

import asyncio
import base64
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Collection, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.errors import DataError
from viz.callbacks import ill_formed

MOST_BYTES = 1 << 20
"""Longest body of a request."""
BODY_SECONDS = 30.0
"""How long a body may take to come in [s]."""
STREAMS_EACH = 20
"""Most streams of events of one client address; all pages of one desk, and then some."""
FORM_PATHS = frozenset({"/login", "/logout"})
"""Where plain HTML forms are sent to; everything else speaks JSON."""
STATIC = ("/_dash-component-suites/", "/assets/", "/static/")
"""What these paths begin with are files of the program: they hold nothing of the plant, and may be cached."""

_MOST_DROPPED = 16 * MOST_BYTES
_PORTS = {"http": "80", "https": "443"}
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,252}))(?::([0-9]{1,5}))?")
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS = "GET, HEAD, POST, OPTIONS"
_log = logging.getLogger("viz")
_DATA = re.compile(r"(?i)\bsrc\s*=|\btype\s*=\s*[\"']?application/json")

# Dash and Plotly set styles as they draw; Plotly draws its pictures from data and blobs.
_POLICY = (
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
    "manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # Under no-referrer browsers send a form with `Origin: null`, so that the login couldn't be told from a stranger's.
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def _type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


class Door(Protocol):
    """Tells whether a request may go on to the application."""

    def admit(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[bool]:
        """Return True once ``scope["state"]["account"]`` is set, or False having answered the request."""


class Refusal(NamedTuple):
    """The status and the sentence of an answer that refuses a request."""

    status: int
    text: str
    headers: Mapping[str, str] = {}


class Guard:
    """Refuses what no page of the view sends, and dresses every answer in what browsers are to obey.

    Parameters
    ----------
    app : ASGI application
        What is guarded.
    hosts : collection of str
        Names under which the view is reached beside those of the loopback address, ``twin.example`` at any port or
        ``twin.example:8443``.
    login : Door
        Asked once a request is in order; `viz.session` has one with and one without a login.
    secure : bool
        Whether TLS ends in front of the view, so that browsers reach it by https.
    policy : str
        Content-Security-Policy of every answer, as `policy_of` builds it.
    stream_paths : collection of str
        Paths of streams of events, of which `most_streams` are served at once.

    Raises
    ------
    DataError
        If a host is not written as one.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Collection[str] = (),
        login: Door,
        secure: bool = False,
        policy: str = "",
        stream_paths: Collection[str] = (),
        most_streams: int = 100,
    ) -> None:
        for host in hosts:
            if not _HOST.fullmatch(host.lower()):
                raise DataError(f"{host!r}: that is no host; write it as twin.example or twin.example:8443")
        self._app, self._login, self._secure = app, login, secure
        self._hosts = frozenset(_LOOPBACK) | {host.lower() for host in hosts}
        self._policy = policy or policy_with(())
        self._stream_paths, self._most_streams = frozenset(stream_paths), most_streams
        self._streams: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "the view uses no web sockets"})
        elif scope["type"] == "http":
            await self._serve(scope, receive, _Dressed(scope["path"], self._policy, send))

    async def _serve(self, scope: Scope, receive: Receive, send: "_Dressed") -> None:
        headers = Headers(scope=scope)
        try:
            taken = self._refusal(scope, headers) or await _body(scope, headers, receive)
            if isinstance(taken, Refusal):
                await _refuse(taken, scope, receive, send)
            elif taken is not None and await self._login.admit(scope, _replayed(taken, receive), send):
                await self._hand_on(scope, _replayed(taken, receive), send)
        except Exception as err:
            foreseen = isinstance(err, DataError)
            said = Refusal(503 if foreseen else 500, "the view can't do this now; its log says why")
            if not send.started:
                await _refuse(said, scope, receive, send)
            if not foreseen:
                raise  # the server logs it
            _log.error(str(err))

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        if scope["method"] not in _METHODS.split(", "):
            return Refusal(405, f"{scope['method']}: no such method here; use {_METHODS}", {"allow": _METHODS})
        host = _host(headers, self._hosts)
        if host is None:
            given = ", ".join(headers.getlist("host"))[:80]
            return Refusal(400, f"host {given!r}: not a name of this view; start it with --host NAME")
        if not _is_plain(scope):
            return Refusal(400, "the path can't be served; leave out '..', '\\' and control characters")
        return self._stranger(scope, headers, host) or _ill_typed(scope, headers)

    def _stranger(self, scope: Scope, headers: Headers, host: tuple[str, str]) -> Refusal | None:
        site = headers.get("sec-fetch-site")
        visit = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
        writing = scope["method"] in _WRITING
        if site not in (None, "same-origin", "none") and (writing or not visit):
            return Refusal(403, "the request comes from a page of another site; open the view itself")
        if not writing:
            return None
        origin = headers.get("origin") or headers.get("referer")
        if origin is not None:
            scheme = "https" if self._secure else "http"
            if _origin(origin) == (scheme, host[0], host[1] or _PORTS[scheme]):
                return None
            return Refusal(403, f"origin {origin[:80]!r}: not this view; see which hosts and whether TLS it was told")
        if site is None and _type(headers) != "application/json":
            return Refusal(403, "a request that names no origin has to be application/json")
        return None

    async def _hand_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = str((scope.get("client") or [""])[0])
        if scope["path"] not in self._stream_paths:
            return await self._app(scope, receive, send)
        if self._streams.total() >= self._most_streams or self._streams[address] >= STREAMS_EACH:
            wrong = Refusal(503, "too many pages are open; close some and load this one again", {"retry-after": "10"})
            return await _refuse(wrong, scope, receive, send)
        self._streams[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._streams.subtract((address,))
            self._streams = +self._streams  # forgets who has none left


class _Dressed:
    """Sends answers with the headers that every answer has."""

    def __init__(self, path: str, policy: str, send: Send) -> None:
        self._static, self._policy, self._send, self.started = path.startswith(STATIC), policy, send, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            stricter = headers.getlist("content-security-policy")
            headers.update({**_HEADERS, "content-security-policy": self._policy})
            for policy in stricter:  # browsers obey each: an answer can forbid itself more, and allow itself nothing
                headers.append("content-security-policy", policy)
            if not self._static or message["status"] not in (200, 206, 304):
                headers["cache-control"] = "no-store"
            headers.setdefault("cache-control", "no-cache")  # asks again: browsers guess an age otherwise
            del headers["server"]
        await self._send(message)


def policy_of(app: ASGIApp, page: str = "/") -> str:
    """Return the Content-Security-Policy under which a page of an application, without guard and login, works.

    The page is asked for once, and its scripts are allowed by their hashes: Dash's own `csp_hashes` leaves out those
    that it adds at the first request. So ask when every callback is declared, and before people can type anything.

    Raises
    ------
    DataError
        If there is no such page.
    """
    return policy_with(inline_scripts(asyncio.run(_page(app, page))))


def policy_with(scripts: Collection[str]) -> str:
    """Return a Content-Security-Policy that allows the view's own files and these scripts within a page."""
    digests = dict.fromkeys(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    hashes = (f"'sha256-{digest}'" for digest in digests)
    return "; ".join(("default-src 'none'", " ".join(("script-src 'self'", *hashes)), _POLICY))


def inline_scripts(page: str) -> tuple[str, ...]:
    """Return the scripts that stand in a page of HTML and are run; not files, comments or data."""
    # Browsers hash what they parsed, and parsing HTML makes every end of line a line feed.
    page = re.sub(r"<!--.*?-->", "", page.replace("\r\n", "\n").replace("\r", "\n"), flags=re.DOTALL)
    found = re.findall(r"<script\b([^>]*)>(.*?)</script\s*>", page, re.DOTALL | re.IGNORECASE)
    return tuple(text for attributes, text in found if not _DATA.search(attributes))


async def _page(app: ASGIApp, path: str) -> str:
    answer: list[Message] = []
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "state": {},
        "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 0), "server": ("localhost", 80),
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        answer.append(message)

    await app(scope, receive, send)
    if answer[0]["status"] != 200:
        raise DataError(f"{path}: answered with status {answer[0]['status']}, not with a page; name a page of the view")
    return b"".join(message.get("body", b"") for message in answer).decode()


def _host(headers: Headers, allowed: frozenset[str]) -> tuple[str, str] | None:
    given = headers.getlist("host")
    match = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
    return (match[1], match[2] or "") if match and {match[1], match[0]} & allowed else None


def _origin(text: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(text)
        port = str(parts.port or _PORTS.get(parts.scheme, ""))
    except ValueError:
        return "", "", ""
    name = parts.hostname or ""
    return parts.scheme, f"[{name}]" if ":" in name else name, port


def _is_plain(scope: Scope) -> bool:
    path = bytes(scope.get("raw_path") or scope["path"].encode())
    # Twice decoded as well: one of two servers in a row decodes once more than the other.
    for _ in range(3):
        if re.search(rb"^[^/]|[\x00-\x1f\x7f\\]|(^|/)\.\.(/|$)", path):
            return False
        path = unquote_to_bytes(path)
    return True


def _ill_typed(scope: Scope, headers: Headers) -> Refusal | None:
    if scope["method"] not in _WRITING:
        # Dash reads the body of a GET that calls itself JSON, however long it is.
        if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
            return Refusal(413, f"a {scope['method']} with a body; send none")
        return None
    form = scope["path"] in FORM_PATHS and _type(headers) == "application/x-www-form-urlencoded"
    if form or _type(headers) == "application/json":
        return None
    return Refusal(415, f"content type {_type(headers)[:80]!r}: not taken here; send application/json")


async def _body(scope: Scope, headers: Headers, receive: Receive) -> bytes | Refusal | None:
    if scope["method"] not in _WRITING:
        return b""
    body, size, more = bytearray(), 0, True
    try:
        async with asyncio.timeout(BODY_SECONDS):
            # A little more is taken in and dropped: who is cut off while sending doesn't see the answer.
            while more and size <= _MOST_DROPPED:
                message = await receive()
                if message["type"] != "http.request":
                    return None  # the client left
                part, more = message.get("body", b""), message.get("more_body", False)
                size += len(part)
                body += part if size <= MOST_BYTES else b""
    except TimeoutError:
        return Refusal(408, f"the body took more than {BODY_SECONDS:g} s; send it again", {"connection": "close"})
    if size > MOST_BYTES:
        return Refusal(413, f"a body of more than {MOST_BYTES} bytes; send less at once", {"connection": "close"})
    wrong = ill_formed(scope["path"], body) if _type(headers) == "application/json" else ""
    return Refusal(400, wrong) if wrong else bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _refuse(wrong: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(wrong.text + "\n", wrong.status, dict(wrong.headers))(scope, receive, send)
