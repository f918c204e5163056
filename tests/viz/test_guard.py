"""What the guard refuses, what it lets pass, and what every answer tells browsers."""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.errors import DataError
from viz.guard import MOST_BYTES, STREAMS_EACH, Guard, inline_scripts, policy_of, policy_with
from viz.session import Here

JSON = {"content-type": "application/json"}
OWN = {"origin": "http://localhost:8050", "sec-fetch-site": "same-origin"}


class Answer(NamedTuple):
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(
    app: ASGIApp, path: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b"",
    raw_path: bytes | None = None, client: str = "192.0.2.7",
) -> Answer:  # fmt: skip
    """Ask an application within this process."""
    return asyncio.run(_ask(app, scope_of(path, method, headers, raw_path, client), body))


def scope_of(
    path: str, method: str = "GET", headers: Mapping[str, str] | None = None, raw_path: bytes | None = None,
    client: str = "192.0.2.7",
) -> Scope:  # fmt: skip
    """Return a request as a server hands it on."""
    plain, _, query = path.partition("?")
    given = {"host": "localhost:8050", **(headers or {})}
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": plain, "raw_path": plain.encode() if raw_path is None else raw_path, "query_string": query.encode(),
        "root_path": "", "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": (client, 5), "server": ("127.0.0.1", 8050), "state": {},
    }  # fmt: skip


async def _ask(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return Answer(told[0]["status"], headers, b"".join(message.get("body", b"") for message in told[1:]))


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the body of the request."""
    message = await receive()
    assert not message["more_body"]
    headers = [(b"content-type", b"text/plain"), (b"server", b"echo"), (b"referrer-policy", b"unsafe-url")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": message["body"]})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail."""
    raise ValueError("the secret of the plant")


def guarded(app: ASGIApp = echo, **settings: Any) -> Guard:
    """Return a guarded application without a login."""
    return Guard(app, login=Here(), **settings)


class Served:
    """A server in a thread, at a port of the loopback address that was free."""

    def __init__(self, app: ASGIApp) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(app, log_level="critical", server_header=False, ws="none", timeout_keep_alive=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named, encode_chunked=named.get("transfer-encoding") == "chunked")
            found = connection.getresponse()
            return Answer(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())
        finally:
            connection.close()


OF_THE_VIEW = "localhost LOCALHOST:8050 127.0.0.1:1 [::1]:8050 [::1] twin.example twin.example:9 line.example:8443"
OF_OTHERS = (
    "line.example line.example:8444 evil.example localhost.evil.example localhost: localhost:8050:8050 "
    "localhost@evil.example 127.0.0.1.nip.io localhost,evil.example [::1 "
)


@pytest.mark.parametrize("host", (OF_THE_VIEW + " " + OF_OTHERS).split(" "))
def test_only_hosts_of_the_view_are_answered(host: str) -> None:
    answer = ask(guarded(hosts=["Twin.example", "line.example:8443"]), headers={"host": host})
    assert answer.status == (200 if host in OF_THE_VIEW.split() else 400)


def test_a_request_with_two_hosts_or_none_is_refused() -> None:
    for headers in ([], [(b"host", b"localhost"), (b"host", b"evil.example")]):
        assert asyncio.run(_ask(guarded(), scope_of("/") | {"headers": headers}, b"")).status == 400


@pytest.mark.parametrize("host", ["http://twin.example", "*", "", "twin.example:", "a b", "twin.example/x"])
def test_a_host_that_is_none_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(DataError, match="that is no host; write it"):
        guarded(hosts=[host])


POSTS: dict[int, list[dict[str, str]]] = {
    200: [
        JSON, JSON | OWN, JSON | {"origin": OWN["origin"]}, JSON | {"referer": "http://localhost:8050/trends?x=1"},
        JSON | {"sec-fetch-site": "none"}, OWN | {"content-type": "Application/JSON; charset=utf-8"},
    ],
    403: [
        *(JSON | {"origin": origin} for origin in (
            "http://localhost:8051", "http://localhost", "https://localhost:8050", "http://127.0.0.1:8050", "null",
            "http://evil.example:8050", "http://localhost:8050.evil.example", "http://localhost:99999", "evil",
        )),
        JSON | {"referer": "http://evil.example/http://localhost:8050/"}, JSON | {"sec-fetch-site": "cross-site"},
        JSON | {"origin": "http://evil.example", "referer": "http://localhost:8050/"},
        JSON | OWN | {"sec-fetch-site": "cross-site"}, JSON | OWN | {"sec-fetch-site": "same-site"},
        {}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"},
    ],
    415: [
        OWN, *(OWN | {"content-type": kind} for kind in (
            "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "multipart/form-data",
        )),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("status", "headers"), [(status, each) for status in POSTS for each in POSTS[status]])
def test_a_post_is_taken_from_the_views_own_pages_alone(headers: dict[str, str], status: int) -> None:
    assert ask(guarded(), "/api/act", method="POST", headers=headers, body=b"{}").status == status


def test_the_login_and_the_logout_alone_take_a_form() -> None:
    form = {"method": "POST", "headers": OWN | {"content-type": "application/x-www-form-urlencoded"}}
    paths = ("/login", "/logout", "/", "/login/", "/api/login")
    assert [ask(guarded(), path, **form).status for path in paths] == [200, 200, 415, 415, 415]


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://twin.example", "twin.example", 200), ("https://twin.example:443", "twin.example", 200),
        ("https://twin.example", "twin.example:443", 200), ("https://twin.example:8443", "twin.example:8443", 200),
        ("http://twin.example", "twin.example", 403), ("https://twin.example:8443", "twin.example", 403),
    ],
)  # fmt: skip
def test_behind_tls_the_origin_is_https(origin: str, host: str, status: int) -> None:
    guard = guarded(hosts=["twin.example"], secure=True)
    assert ask(guard, method="POST", headers=JSON | {"origin": origin, "host": host}, body=b"{}").status == status


@pytest.mark.parametrize(
    ("mode", "dest", "status"),
    [
        ("navigate", "document", 200), ("navigate", "iframe", 403), ("no-cors", "image", 403), ("cors", "empty", 403),
        ("no-cors", "script", 403),
    ],
)  # fmt: skip
def test_a_page_of_another_site_can_link_to_the_view_but_not_draw_on_it(mode: str, dest: str, status: int) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    assert ask(guarded(), headers=headers).status == status


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "GET, POST"])
def test_other_methods_are_refused_and_the_answer_names_those_there_are(method: str) -> None:
    status, headers, _ = ask(guarded(), method=method, headers=JSON | OWN)
    assert (status, headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


PLAIN = "/ /a/b /a..b/..c/d.. /a%20b /%ED%8E%8C%ED%94%84"
HOSTILE = (
    r"/../etc/passwd /a/.. /%2e%2e/x /a/%2E./x /%252e%252e/x /a%2f..%2fb /a%252f%252e%252e /a\b /a%5cb /a%255cb /a%00 "
    r"/a%2500 /a%0d%0aset-cookie:x http://evil.example/ *"
)


@pytest.mark.parametrize("path", (PLAIN + " " + HOSTILE).split(" "))
def test_paths_that_climb_or_hide_something_are_refused(path: str) -> None:
    assert ask(guarded(), raw_path=path.encode()).status == (200 if path in PLAIN.split() else 400)


@pytest.mark.parametrize("headers", [{"content-length": "5"}, {"transfer-encoding": "chunked"}])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_request_that_asks_brings_no_body(method: str, headers: dict[str, str]) -> None:
    assert ask(guarded(), "/_dash-layout", method=method, headers=JSON | headers).status == 413


def test_web_sockets_are_refused() -> None:
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        told.append(message)

    asyncio.run(guarded()({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert [(message["type"], message["code"]) for message in told] == [("websocket.close", 1008)]


REFUSED: dict[str, tuple[int, dict[str, Any]]] = {
    "host": (400, {"headers": {"host": "evil.example"}}),
    "path": (400, {"raw_path": b"/.."}),
    "method": (405, {"method": "DELETE", "headers": JSON}),
    "site": (403, {"method": "POST", "headers": JSON | {"sec-fetch-site": "cross-site"}}),
    "origin": (403, {"method": "POST", "headers": JSON | {"origin": "http://evil.example"}}),
    "type": (415, {"method": "POST", "headers": OWN}),
    "json": (400, {"method": "POST", "headers": JSON, "body": b"{"}),
    "body": (413, {"method": "POST", "headers": JSON, "body": b" " * (MOST_BYTES + 1)}),
    "nothing": (200, {}),
}


@pytest.mark.parametrize(
    "path", ["/", "/_dash-layout", "/_dash-update-component", "/api/act", "/assets/a.js", "/events"]
)
@pytest.mark.parametrize("what", REFUSED)
def test_every_answer_of_every_route_has_the_headers(what: str, path: str) -> None:
    status, request = REFUSED[what]
    answer = ask(guarded(stream_paths=["/events"]), path, **request)
    assert answer.status == status
    assert answer.headers["content-security-policy"] == policy_with(())
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert "server" not in answer.headers
    assert answer.headers["cache-control"] == ("no-cache" if (path, status) == ("/assets/a.js", 200) else "no-store")


def test_a_failure_is_answered_without_its_reason_and_with_the_headers() -> None:
    with Served(guarded(broken)) as served:
        status, headers, body = served.ask("GET", "/")
    assert (status, headers["x-frame-options"], b"secret" in body) == (500, "DENY", False)


def test_the_body_arrives_whole_and_the_longest_passes() -> None:
    body = json.dumps("x" * (MOST_BYTES - 2)).encode()
    with Served(guarded()) as served:
        assert served.ask("POST", "/api", body, content_type="application/json").body == body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [MOST_BYTES + 1, 3 * MOST_BYTES])
def test_a_body_that_is_too_long_is_refused_also_in_chunks(size: int, chunked: bool) -> None:
    headers = {"content_type": "application/json", **({"transfer_encoding": "chunked"} if chunked else {})}
    parts = (b" " * min(60_000, size - at) for at in range(0, size, 60_000))
    with Served(guarded()) as served:
        answer = served.ask("POST", "/api", parts if chunked else b" " * size, **headers)
    assert answer.status == 413
    assert b"more than 1048576 bytes; send less" in answer.body


def test_a_body_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("viz.guard.BODY_SECONDS", 0.05)
    with Served(guarded()) as served, socket.create_connection(("127.0.0.1", served.port), timeout=60) as peer:
        peer.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        answer = b"".join(iter(lambda: peer.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_streams_are_limited_for_each_address_and_over_all() -> None:
    async def run() -> tuple[list[int], set[int]]:
        begun, over = asyncio.Semaphore(0), asyncio.Event()

        async def stream(scope: Scope, receive: Receive, send: Send) -> None:
            begun.release()
            await over.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        guard = guarded(stream, stream_paths=["/events"], most_streams=STREAMS_EACH + 2)

        async def one(client: str, path: str = "/events") -> Answer:
            return await _ask(guard, scope_of(path, client=client), b"")

        tasks, refused = [], []
        for clients, another in ((["192.0.2.1"] * STREAMS_EACH, "192.0.2.1"), (["192.0.2.2"] * 2, "192.0.2.3")):
            tasks += [asyncio.create_task(one(client)) for client in clients]
            for _ in clients:
                await begun.acquire()
            refused.append(await asyncio.wait_for(one(another), 10))
        assert {answer.headers["retry-after"] for answer in refused} == {"10"}
        tasks[-1].cancel()  # a client that leaves makes room
        await asyncio.wait([tasks.pop()])
        tasks += [asyncio.create_task(one("192.0.2.3", path)) for path in ("/events", "/")]
        over.set()
        return [answer.status for answer in refused], {(await task).status for task in tasks}

    assert asyncio.run(run()) == ([503, 503], {200})


def test_scripts_of_a_page_are_told_from_files_comments_and_data() -> None:
    page = (
        "<!--[if IE]><script>alert(1)</script><![endif]--><script src='/a.js'></script>"
        '<script id="c" type="application/json">{"a": 1}</script><script>one("&amp;")\r\nend</script >'
        '<SCRIPT type="application/javascript">two</SCRIPT><script type="module">three</script>'
    )
    assert inline_scripts(page) == ('one("&amp;")\nend', "two", "three")


def test_a_policy_allows_no_other_script() -> None:
    policy = policy_with(["var renderer = new DashRenderer();"])  # the hash is the one that Chromium asked for
    assert "; script-src 'self' 'sha256-jZlsGVOhUAIcH+4PVs7QuGZkthRMgvT2n0ilH6/zTM0='; style-src" in policy


def test_a_policy_of_a_page_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="/: answered with status 404, not with a page"):
        policy_of(FastAPI())
