"""Who is asking: the login page, and signed sessions that last a shift.

A session is a cookie that nobody but the view can sign. It ends after a shift, at its logout, and at the next request
after its account was removed or got another role or password.
"""

import asyncio
import base64
import hashlib
import hmac
import html
import math
import os
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from twin.errors import DataError
from viz.accounts import Account, Patience, check, found, here, listed
from viz.audit import Audit, What, read_private, view_of, write_private
from viz.words import language_of, word

SHIFT = 12 * 3600.0
"""How long a session lasts [s]; the longest shift."""
MOST_BYTES = 1 << 14
"""Longest form."""
OPEN = frozenset({"/healthz"})
"""Paths that are answered without a session, beside the login itself; what is there must tell nothing."""

# On one line, in ASCII, and without what browsers read as the start of a host.
_LOCAL = re.compile(r"/(?!/)[!-\[\]-~]{0,1999}")
# Never asked for by a person who follows a link: they are told, not led elsewhere.
_NO_PAGES = ("/_dash-", "/api/", "/assets/", "/static/", "/_favicon")


class Here:
    """The door of a view on the loopback address without a login: everybody is `viz.accounts.here`."""

    def __init__(self) -> None:
        self._account = here()

    async def admit(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Admit whoever it is."""
        scope.setdefault("state", {})["account"] = self._account
        return True

    def known(self, scope: Scope) -> Account | None:
        """Return the account."""
        return self._account


class _Session(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    role: str
    mark: str
    issued: float
    expires: float


_sessions = msgspec.json.Decoder(_Session)
_revoked = msgspec.json.Decoder(dict[str, float])


class Login:
    """The door of a view that people log in to.

    Parameters
    ----------
    data : Path
        The twin's data folder.
    audit : Audit
        Where logins, failures and logouts are recorded; nobody gets in unrecorded.
    secure : bool
        Whether TLS ends in front of the view: then the cookie goes over https alone.
    clock : callable
        Tells the time by which sessions end [s].
    patience : Patience
        Counts failures.

    Raises
    ------
    DataError
        If a file of the folder ``view`` is damaged, can't be written, or others can read it.
    """

    def __init__(
        self,
        data: Path,
        audit: Audit,
        *,
        secure: bool = False,
        clock: Callable[[], float] = time.time,
        patience: Patience | None = None,
    ) -> None:
        view = view_of(data)
        self._accounts, self._ended_path = view / "accounts.json", view / "ended.json"
        self._audit, self._secure, self._clock = audit, secure, clock
        self._patience = patience or Patience()
        self._secret = secret_of(view / "secret")
        self._ended = _ended(self._ended_path)
        # Browsers keep cookies by host, not by port: two twins of one machine must not log each other out.
        twin = hashlib.sha256(b"name\0" + self._secret).hexdigest()[:8]
        self.cookie = f"__Host-twin-{twin}" if secure else f"twin-{twin}"
        self._hashing = asyncio.Semaphore(2)  # each takes 32 MiB and a core
        listed(self._accounts)  # a damaged file is found at the start

    async def admit(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Admit a request with a session; answer every other, the login's and the logout's among them."""
        path, request = scope["path"], Request(scope, receive)
        if path in OPEN:
            return True
        if path == "/login":
            answer = await self._log_in(request) if scope["method"] == "POST" else _page(request)
        elif path == "/logout" and scope["method"] == "POST":
            answer = await self._log_out(request)
        elif account := self.known(scope):
            scope.setdefault("state", {})["account"] = account
            return True
        else:
            answer = _unknown(request)
        await answer(scope, receive, send)
        return False

    def known(self, scope: Scope) -> Account | None:
        """Return the account of a request's session, or nothing; a long stream asks again as it goes.

        Raises
        ------
        DataError
            If the accounts can't be read.
        """
        session = self._session(scope)
        if session is None or session.id in self._ended:
            return None
        account = found(self._accounts, session.name)
        if account is None or not hmac.compare_digest(account.mark, session.mark) or account.role != session.role:
            return None
        return account

    def _session(self, scope: Scope) -> _Session | None:
        token = cookie_parser(Headers(scope=scope).get("cookie", "")).get(self.cookie, "")
        content, _, signature = token.partition(".")
        if not token.isascii() or not hmac.compare_digest(signature, self._signature(content)):
            return None
        session = _sessions.decode(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
        # One from the future was issued before the clock was set back: it would outlast its shift.
        return session if session.issued <= self._clock() < session.expires else None

    def _signature(self, content: str) -> str:
        return hmac.digest(self._secret, b"session\0" + content.encode(), "sha256").hex()

    def _token(self, account: Account) -> str:
        now = self._clock()
        session = _Session(secrets.token_hex(16), account.name, account.role, account.mark, now, now + SHIFT)
        content = base64.urlsafe_b64encode(msgspec.json.encode(session)).decode().rstrip("=")
        return f"{content}.{self._signature(content)}"

    async def _log_in(self, request: Request) -> Response:
        fields = await _fields(request)
        name, password = unicodedata.normalize("NFC", fields.get("name", "").strip()), fields.get("password", "")
        wait = self._patience.begin(name, _address(request))
        if wait > 0.0:
            seconds = math.ceil(wait)
            answer = _page(request, fields, "wait", 429, seconds)
            answer.headers["retry-after"] = str(seconds)
            return answer
        async with self._hashing:
            account = await asyncio.to_thread(check, self._accounts, name, password)
        if account is None:
            # A name that nobody has may be a password typed into the wrong field: it is not recorded.
            known = found(self._accounts, name)
            outcome = "wrong password" if known else "no such name"
            await self._record("login_failed", request, known.name if known else "", "", outcome)
            return _page(request, fields, "wrong", 401)
        self._patience.succeeded(name, _address(request))
        await self._record("login", request, account.name, account.role)
        back = RedirectResponse(local(fields.get("next", "")), 303)
        back.set_cookie(
            self.cookie, self._token(account), int(SHIFT), path="/", secure=self._secure, httponly=True,
            samesite="strict",
        )  # fmt: skip
        return back

    async def _log_out(self, request: Request) -> Response:
        session, account = self._session(request.scope), self.known(request.scope)
        if session is not None and account is not None:
            now = self._clock()
            kept = {id: until for id, until in self._ended.items() if until > now}
            self._ended = kept | {session.id: session.expires}
            await asyncio.to_thread(write_private, self._ended_path, msgspec.json.encode(self._ended))
            await self._record("logout", request, account.name, account.role)
        back = RedirectResponse("/login", 303)
        back.delete_cookie(self.cookie, path="/", secure=self._secure, httponly=True, samesite="strict")
        return back

    async def _record(self, what: What, request: Request, who: str, role: str, outcome: str = "done") -> None:
        write = partial(self._audit.write, what, who=who, role=role, address=_address(request), outcome=outcome)
        await asyncio.to_thread(write, target=request.url.path)


def secret_of(path: Path) -> bytes:
    """Return what sessions are signed with, made at the first start.

    Raises
    ------
    DataError
        If it can't be made, is damaged, or others can read it.
    """
    secret = read_private(path, 64)
    if secret is None:
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        write_private(part, secrets.token_bytes(32))
        try:
            os.link(part, path)  # of two that start at once, one makes it
        except FileExistsError:
            pass
        except OSError as err:
            raise DataError(f"{path}: can't be written: {err.strerror}; check the folder and the disk") from None
        finally:
            part.unlink(missing_ok=True)
        secret = read_private(path, 64)
    if secret is None or len(secret) != 32:
        raise DataError(f"{path}: is damaged; remove it, everybody logs in again then")
    return secret


def local(path: str) -> str:
    """Return a path of this view to go to after the login; ``/`` if the one that was asked for leads elsewhere."""
    own = path.partition("?")[0].partition("#")[0] in ("/login", "/logout")
    return path if _LOCAL.fullmatch(path) and not own else "/"


def _ended(path: Path) -> dict[str, float]:
    try:
        return _revoked.decode(read_private(path) or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DataError(f"{path}: is damaged; remove it and 'secret', everybody logs in again then") from None


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _fields(request: Request) -> dict[str, str]:
    body = await request.body()
    if len(body) > MOST_BYTES:
        return {}
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _unknown(request: Request) -> Response:
    accepted = request.headers.get("accept", "")
    page = (
        request.method in ("GET", "HEAD")
        and not request.scope["path"].startswith(_NO_PAGES)
        and request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        and "text/event-stream" not in accepted
        and "application/json" not in accepted
    )
    if not page:
        return JSONResponse({"error": "nobody is logged in; log in at /login"}, 401)
    asked = local(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
    return RedirectResponse("/login" if asked == "/" else f"/login?next={quote(asked, safe='')}", 303)


def _page(
    request: Request, fields: Mapping[str, str] | None = None, said: str = "", status: int = 200, seconds: int = 0
) -> Response:
    fields = fields or {}
    wanted = fields.get("lang") or request.query_params.get("lang", "")
    language = language_of(wanted, request.headers.get("accept-language", ""))
    after = local(fields.get("next") or request.query_params.get("next", "/"))
    other = "en" if language == "ko" else "ko"
    values = {
        **{name: word(f"login_{name}", language) for name in _SAID},
        "language": language, "next": after, "other": other, "given": fields.get("name", "")[:64],
        "other_href": f"/login?lang={other}&next={quote(after, safe='')}",
        "alert": word(f"login_{said}", language, seconds) if said else "",
    }  # fmt: skip
    return HTMLResponse(_PAGE.format_map({name: html.escape(value) for name, value in values.items()}), status)


_SAID = ("title", "name", "password", "log_in", "change")

# Greys by ISA-101; the one saturated colour is for what went wrong.
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="data:,">
<style>
body {{ background: #e3e4e6; color: #26282b; font: 16px/1.5 system-ui, sans-serif; margin: 0 }}
main {{ background: #eceded; border: 1px solid #8b8f94; margin: 15vh auto 0; max-width: 22rem; padding: 1.5rem 2rem }}
h1 {{ font-size: 1.25rem; margin: 0 0 1rem }}
label {{ display: block; margin-top: .75rem }}
input, button {{ border: 1px solid #5b5f65; box-sizing: border-box; font: inherit; padding: .4rem .5rem; width: 100% }}
button {{ background: #4a4e54; color: #fff; margin: 1.25rem 0 }}
:focus-visible {{ outline: 3px solid #2f5f8f; outline-offset: 1px }}
a {{ color: #26282b }}
[role=alert]:not(:empty) {{ border-left: .4rem solid #b3261e; padding-left: .6rem }}
</style>
</head>
<body><main>
<h1>{title}</h1>
<p role="alert">{alert}</p>
<form method="post" action="/login">
<input type="hidden" name="next" value="{next}"><input type="hidden" name="lang" value="{language}">
<label for="name">{name}</label>
<input id="name" name="name" value="{given}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">{log_in}</button>
</form>
<a href="{other_href}" lang="{other}" hreflang="{other}">{change}</a>
</main></body>
</html>
"""
