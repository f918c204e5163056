"""The login and its sessions, and that a page of Dash works in a real browser behind all of it."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import plotly.graph_objects as go
import pytest
from dash import Dash, Input, Output, State, dcc, html
from fastapi import FastAPI
from playwright.sync_api import Page, sync_playwright
from starlette.types import Receive, Scope, Send

from tests.viz.test_guard import Answer, Served, ask, scope_of
from twin.errors import DataError
from viz.accounts import Patience, accounts_of, add, remove
from viz.audit import Audit, audit_of, view_of
from viz.guard import Guard, policy_of
from viz.session import SHIFT, Here, Login, local, secret_of

PASSWORD = "pump head flow"
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://localhost:8050"}
HOSTILE = "<script>alert(1)</script>\"'{name}"


async def whoever(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the name and the role of who asks."""
    account = scope["state"].get("account")
    body = json.dumps([account.name, account.role] if account else None).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class View:
    """A guarded application with a login, whose time stands until it is moved."""

    def __init__(self, data: Path, *, secure: bool = False, now: float = 1e9) -> None:
        self.accounts, self.now = accounts_of(data), now
        self.log = audit_of(view_of(data))
        patience = Patience(lambda: self.now)
        self.login = Login(data, Audit(self.log), secure=secure, clock=lambda: self.now, patience=patience)
        self.guard = Guard(whoever, login=self.login, secure=secure)

    def enter(self, name: str = "kim", password: str = PASSWORD, *, client: str = "192.0.2.7", **more: str) -> Answer:
        body = urlencode({"name": name, "password": password, **more}).encode()
        return ask(self.guard, "/login", method="POST", headers=FORM, body=body, client=client)

    def session(self, **given: Any) -> dict[str, str]:
        """Log in and return the header that a browser sends from then on."""
        return {"cookie": self.enter(**given).headers["set-cookie"].partition(";")[0]}

    def lines(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash at the least cost a file may name: the tests wait for nothing."""
    monkeypatch.setattr("viz.accounts._COST", 1 << 14)
    monkeypatch.setattr("viz.accounts._PASSES", 1)


@pytest.fixture
def view(tmp_path: Path) -> View:
    """Return a view to which kim can log in."""
    add(accounts_of(tmp_path), "kim", "operator", PASSWORD)
    return View(tmp_path)


PAGES = ["/", "/trends", "/trends?asset=pump", "/login/x", "/healthz/", "/LOGIN", "//login"]
OTHERS = [
    "/_dash-layout",
    "/_dash-dependencies",
    "/_dash-component-suites/x.js",
    "/assets/a.js",
    "/static/a.css",
    "/api/x",
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_a_session_leads_to_the_login(view: View, path: str) -> None:
    answer = ask(view.guard, path, headers={"accept": "text/html", "sec-fetch-mode": "navigate"})
    assert answer.status == 303
    assert answer.headers["location"].split("?")[0] == "/login"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", OTHERS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_everything_else_without_a_session_is_unauthorized(view: View, path: str, method: str) -> None:
    headers = {"content-type": "application/json", "sec-fetch-mode": "cors", "sec-fetch-site": "same-origin"}
    assert ask(view.guard, path, method=method, headers=headers, body=b"{}").status == 401
    assert ask(view.guard, "/", method="POST", headers=headers, body=b"{}").status == 401


def test_a_stream_without_a_session_is_unauthorized(view: View) -> None:
    assert ask(view.guard, "/events", headers={"accept": "text/event-stream"}).status == 401


def test_the_health_is_told_to_everybody_and_nobody_is_named(view: View) -> None:
    assert ask(view.guard, "/healthz")[::2] == (200, b"null")


def test_whoever_logs_in_is_known_to_the_application(view: View) -> None:
    answer = view.enter(next="/trends?asset=pump")
    assert (answer.status, answer.headers["location"]) == (303, "/trends?asset=pump")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={SHIFT:.0f}"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    answer = ask(view.guard, headers={"cookie": "other=1; " + cookie.partition(";")[0]})
    assert (answer.status, json.loads(answer.body)) == (200, ["kim", "operator"])


def test_behind_tls_the_cookie_goes_over_https_alone(tmp_path: Path) -> None:
    add(accounts_of(tmp_path), "kim", "operator", PASSWORD)
    view = View(tmp_path, secure=True)
    headers, body = FORM | {"origin": "https://localhost:8050"}, urlencode({"name": "kim", "password": PASSWORD})
    cookie = ask(view.guard, "/login", method="POST", headers=headers, body=body.encode()).headers["set-cookie"]
    assert cookie.startswith("__Host-twin-")
    assert "Secure" in cookie.split("; ")


def test_a_session_ends_after_a_shift_and_not_before(view: View) -> None:
    session = view.session()
    view.now += SHIFT - 1.0
    assert ask(view.guard, "/api/x", headers=session).status == 200
    view.now += 1.0
    assert ask(view.guard, "/api/x", headers=session).status == 401
    view.now -= SHIFT + 60.0
    assert ask(view.guard, "/api/x", headers=session).status == 401


def test_a_logout_ends_the_session_and_also_after_a_restart(view: View, tmp_path: Path) -> None:
    session, other = view.session(), view.session()
    ask(view.guard, "/logout", headers=other)  # a link logs nobody out
    answer = ask(view.guard, "/logout", method="POST", headers=FORM | session)
    assert (answer.status, answer.headers["location"]) == (303, "/login")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    for again in (view, View(tmp_path)):
        assert ask(again.guard, "/api/x", headers=session).status == 401
        assert ask(again.guard, "/api/x", headers=other).status == 200
    view.now += SHIFT
    ask(view.guard, "/logout", method="POST", headers=FORM | view.session())
    assert len(json.loads((tmp_path / "view" / "ended.json").read_bytes())) == 1


@pytest.mark.parametrize("change", ["remove", "role", "password"])
def test_a_session_ends_with_its_account_its_role_and_its_password(view: View, change: str) -> None:
    session = view.session()
    if change == "remove":
        remove(view.accounts, "kim")
    else:
        add(view.accounts, "kim", *{"role": ("viewer", PASSWORD), "password": ("operator", PASSWORD + "s")}[change])
    assert ask(view.guard, "/api/x", headers=session).status == 401


def test_a_cookie_that_was_changed_is_nobodys(view: View) -> None:
    name, _, token = view.session()["cookie"].partition("=")
    content, _, signature = token.partition(".")
    forged = json.loads(base64.urlsafe_b64decode(content + "==")) | {"role": "engineer"}
    engineer = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    for wrong in (
        "", ".", content, f"{content}.", f".{signature}", f"{engineer}.{signature}", f"{content}.{signature[:-1]}",
        f"{content}.{signature}0", f"{content}.{signature.upper()}", f"{content}A.{signature}", "\xff.\xff", "=" * 9000,
    ):  # fmt: skip
        assert ask(view.guard, "/api/x", headers={"cookie": f"{name}={wrong}"}).status == 401, wrong


def test_two_twins_of_one_machine_do_not_share_a_cookie(view: View, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert View(tmp_path / "other").login.cookie != view.login.cookie


def test_failures_are_answered_alike_and_recorded_without_what_was_typed(view: View) -> None:
    wrong, nobody = view.enter(password="not the password"), view.enter(name=PASSWORD + "!")
    assert wrong.status == nobody.status == 401
    assert "set-cookie" not in wrong.headers
    assert wrong.body.replace(b'value="kim"', b"") == nobody.body.replace(b'value="pump head flow!"', b"")
    view.enter()
    recorded = [(line["what"], line["who"], line["outcome"], line["address"]) for line in view.lines()]
    assert recorded == [
        ("login_failed", "kim", "wrong password", "192.0.2.7"), ("login_failed", "", "no such name", "192.0.2.7"),
        ("login", "kim", "done", "192.0.2.7"),
    ]  # fmt: skip
    assert PASSWORD not in view.log.read_text()


def test_who_fails_often_waits_and_gets_in_afterwards(view: View) -> None:
    for number in range(Patience.FREE):
        assert view.enter(password="not the password", client=f"192.0.2.{number}").status == 401
    answer = view.enter()
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert "set-cookie" not in answer.headers
    assert len(view.lines()) == Patience.FREE  # what isn't looked at fills no log
    view.now += 1.0
    assert view.enter().status == 303


def test_nobody_gets_in_unrecorded_and_the_servers_log_says_why(view: View, caplog: pytest.LogCaptureFixture) -> None:
    view.log.chmod(0o644)
    answer = view.enter()
    assert answer.status == 503
    assert "set-cookie" not in answer.headers
    assert "others can reach it" in caplog.text


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"name=kim", b"&" * 50, b"a=b&" * 50, b"name=kim&password=" + b"x" * 20_000]
)
def test_a_form_that_is_no_login_is_answered_as_a_wrong_one(view: View, body: bytes) -> None:
    assert ask(view.guard, "/login", method="POST", headers=FORM, body=body).status == 401


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/", True), ("/trends?asset=pump&from=1", True), ("/a#b", True), ("//evil.example", False),
        ("/\\evil.example", False), ("\\\\evil.example", False), ("https://evil.example/", False), ("", False),
        ("javascript:alert(1)", False), ("/a\r\nset-cookie: x", False), ("/\t/evil.example", False), ("evil", False),
        ("/login", False), ("/logout?x", False), ("/" + "a" * 2000, False), ("///evil.example", False),
    ],
)  # fmt: skip
def test_the_login_leads_nowhere_but_to_this_view(view: View, path: str, kept: bool) -> None:
    assert local(path) == (path if kept else "/")
    assert view.enter(next=path).headers["location"] == (path if kept else "/")


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/login", "", "en"), ("/login", "ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("/login", "de,en;q=0.5,ko;q=0.4", "en"),
        ("/login?lang=ko", "en", "ko"), ("/login?lang=en", "ko", "en"), ("/login?lang=<b>", "ko", "ko"),
    ],
)  # fmt: skip
def test_the_login_speaks_korean_and_english(view: View, path: str, accepted: str, language: str) -> None:
    page = ask(view.guard, path, headers={"accept-language": accepted}).body.decode()
    assert f'<html lang="{language}">' in page
    assert ("비밀번호" in page) == (language == "ko")


def test_hostile_text_stays_text(view: View) -> None:
    page = view.enter(name=HOSTILE, next="/" + HOSTILE, lang=HOSTILE).body.decode()
    page += ask(view.guard, f"/login?next={quote('/' + HOSTILE)}&lang={quote(HOSTILE)}").body.decode()
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;{name}") >= 2


def test_the_secret_is_made_once_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = view_of(tmp_path) / "secret"
    assert secret_of(path) == secret_of(path)
    assert (len(path.read_bytes()), path.stat().st_mode & 0o777) == (32, 0o600)
    assert [other.name for other in path.parent.iterdir()] == ["secret"]
    path.write_bytes(b"short")
    with pytest.raises(DataError, match="secret: is damaged; remove it"):
        secret_of(path)


def test_without_a_login_everybody_is_the_user_of_this_machine() -> None:
    answer = ask(Guard(whoever, login=Here()), "/api/x")
    assert json.loads(answer.body) == [Here().known(scope_of("/")).name, "engineer"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return an application of Dash with callbacks on both sides and a figure, behind a guard and a login."""
    app = Dash("guarded", server=FastAPI(docs_url=None, redoc_url=None, openapi_url=None))
    app.backend.websocket_capability = False  # else every page tries to open one, again and again
    graph = dcc.Graph(id="trend", figure=go.Figure(go.Scatter(x=[1, 2], y=[3, 4])))
    typed, picked = dcc.Input(id="typed", value="head"), dcc.Dropdown(["kPa", "bar"], "kPa", id="unit")
    app.layout = html.Div([typed, html.Div(id="answered"), html.Div(id="within"), graph, picked, dcc.Location(id="at")])
    app.callback(Output("answered", "children"), Input("typed", "value"), State("unit", "value"))("{} {}".format)
    app.clientside_callback("typed => `browser ${typed} 펌프`", Output("within", "children"), Input("typed", "value"))
    data = tmp_path_factory.mktemp("data")
    add(accounts_of(data), "kim", "operator", PASSWORD)
    login = Login(data, Audit(audit_of(view_of(data))))
    with Served(Guard(app.server, login=login, policy=policy_of(app.server))) as server:
        yield server


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Page]:
    """Return a page of a real browser in which kim has logged in, on the trend."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(
            "window.said = []; document.addEventListener('securitypolicyviolation', event =>"
            " said.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"
        )
        page.goto(f"http://127.0.0.1:{served.port}/")
        page.fill("#name", "kim")
        page.fill("#password", PASSWORD)
        page.click("button")
        page.wait_for_selector("#trend .main-svg")
        yield page
        browser.close()


def test_a_page_of_dash_works_under_the_policy(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type} {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.reload()
    page.wait_for_selector("#trend .main-svg")
    page.fill("#typed", "flow")
    # Not wait_for_function, which evaluates a string in the page: the policy forbids that.
    page.wait_for_selector("#answered:text-is('flow kPa')")
    page.wait_for_selector("#within:text-is('browser flow 펌프')")
    assert page.evaluate("window.said") == said == []


def test_a_script_that_somebody_smuggled_in_is_not_run(page: Page) -> None:
    ran = page.evaluate(
        """async () => {
            const script = Object.assign(document.createElement('script'), {textContent: 'window.ran = true'});
            const image = document.createElement('img');
            document.body.append(script, image);
            image.setAttribute('onerror', 'window.ran = true');
            image.src = 'data:,';
            await new Promise(done => image.addEventListener('error', done));
            const told = new Promise(done => document.addEventListener('securitypolicyviolation', done));
            try { new Function('return 1')(); window.ran = true } catch { await told }
            return [window.ran === true, said.splice(0).length];
        }"""
    )
    assert ran == [False, 3]


CALLBACK = {
    "output": "answered.children", "outputs": {"id": "answered", "property": "children"},
    "inputs": [{"id": "typed", "property": "value", "value": "flow"}], "changedPropIds": ["typed.value"],
    "state": [{"id": "unit", "property": "value", "value": "bar"}],
}  # fmt: skip
WRONG: list[dict[str, Any]] = [
    {"output": 1}, {"inputs": 1}, {"inputs": [1]}, {"inputs": [{"id": "x"}]}, {"state": "x"}, {"changedPropIds": None},
]  # fmt: skip
MALFORMED = [b"", b"{", b"null", b"[]", b"1", b"{}", b"\xff\xfe", b"[" * 200_000, b'{"output": NaN}']


@pytest.mark.parametrize("body", [*MALFORMED, *(json.dumps(CALLBACK | wrong).encode() for wrong in WRONG)], ids=repr)
def test_a_callback_that_is_malformed_is_a_bad_request(served: Served, page: Page, body: bytes) -> None:
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    headers = {"content_type": "application/json", "cookie": cookie}
    answer = served.ask("POST", "/_dash-update-component", json.dumps(CALLBACK), **headers)
    assert json.loads(answer.body)["response"]["answered"]["children"] == "flow bar"
    answer = served.ask("POST", "/_dash-update-component", body, **headers)
    assert (answer.status, answer.body[:27]) == (400, b"the JSON is not understood:")
