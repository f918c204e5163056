"""`twin view`: where it serves, whom it lets in, and what it refuses before it starts."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.viz.stage import Stage

TWIN = [sys.executable, "-m", "twin", "view"]
PASSWORD = "correct horse battery"


def view(*arguments: object, told: str = "") -> subprocess.CompletedProcess[str]:
    command = [*TWIN, *map(str, arguments)]
    return subprocess.run(command, input=told, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[int]:
    """Run the view; yield its port."""
    process = subprocess.Popen([*TWIN, str(folder), "--port", "0", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        yield int(urllib.parse.urlsplit(address).port or 0)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60.0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def ask(port: int, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
    deadline = time.monotonic() + 60.0
    while True:
        try:
            connection.request(method, path, body, {"Host": f"127.0.0.1:{port}", **headers})
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
    answer = connection.getresponse()
    found = (answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    connection.close()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stage = Stage(tmp_path / "data")
    stage.live(30)
    return stage.folder


def test_it_says_where_it_serves_and_leaves_nothing_of_it_behind(folder: Path) -> None:
    with serving(folder) as port:
        assert json.loads((folder / "view.json").read_text(encoding="utf-8"))["port"] == port
        status, headers, text = ask(port, "GET", "/")
        assert (status, "<title>twin</title>" in text) == (200, True)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert ask(port, "GET", "/healthz")[0] == 200
        assert ask(port, "GET", "/api/v1/trend?asset=tank")[0] == 200
    assert not (folder / "view.json").exists()


def test_a_port_that_is_taken_is_refused_with_what_to_do(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = view(folder, "--port", taken.getsockname()[1])
    assert done.returncode == 4
    assert "can't be listened at" in done.stderr
    assert "choose another with --port" in done.stderr


def test_an_open_address_without_accounts_is_refused(folder: Path) -> None:
    done = view(folder, "--bind", "0.0.0.0", "--port", "0")
    assert done.returncode == 4
    assert "nobody can log in; make an account with `twin view DATA --add-account NAME`" in done.stderr


@pytest.mark.parametrize("arguments", [["/nowhere/at/all"], [".", "--port", "70000"], [".", "--role", "owner"]])
def test_wrong_usage_is_refused_as_such(arguments: list[str]) -> None:
    assert view(*arguments).returncode == 2


def test_a_folder_without_history_is_served_and_said_to_be_empty(tmp_path: Path) -> None:
    with serving(tmp_path) as port:
        status, _, text = ask(port, "GET", "/api/v1/trend?asset=tank")
    assert status == 503
    assert "no twin has followed a plant in this folder" in text


@pytest.mark.parametrize(
    "path", ["/", "/asset", "/api/v1/trend?asset=tank", "/api/v1/stream", "/static/view.js", "/_dash-layout"]
)
def test_an_open_address_shows_nothing_without_a_session(folder: Path, path: str) -> None:
    assert view(folder, "--add-account", "kim", "--role", "operator", told=f"{PASSWORD}\n{PASSWORD}\n").returncode == 0
    with serving(folder, "--bind", "0.0.0.0") as port:
        status, headers, text = ask(port, "GET", path)
        assert status in (303, 401)
        assert headers.get("location", "/login").startswith("/login")
        assert "water loop" not in text


def test_who_logs_in_may_look_until_logging_out(folder: Path) -> None:
    assert view(folder, "--add-account", "kim", told=f"{PASSWORD}\n{PASSWORD}\n").returncode == 0
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with serving(folder, "--bind", "0.0.0.0") as port:
        origin = {**form, "Origin": f"http://127.0.0.1:{port}"}
        wrong = urllib.parse.urlencode({"name": "kim", "password": "wrong horse battery"})
        assert ask(port, "POST", "/login", wrong, **origin)[0] in (401, 403)
        right = urllib.parse.urlencode({"name": "kim", "password": PASSWORD})
        status, headers, _ = ask(port, "POST", "/login", right, **origin)
        assert status == 303
        cookie = headers["set-cookie"].partition(";")[0]
        assert "httponly" in headers["set-cookie"].lower()
        assert ask(port, "GET", "/api/v1/trend?asset=tank", Cookie=cookie)[0] == 200
        assert ask(port, "POST", "/logout", "", **{**origin, "Cookie": cookie})[0] == 303
        assert ask(port, "GET", "/api/v1/trend?asset=tank", Cookie=cookie)[0] == 401
    said = [
        json.loads(line)["what"] for line in (folder / "view" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert said == ["login_failed", "login", "logout"]


def test_a_short_password_is_refused_and_nothing_is_stored(folder: Path) -> None:
    done = view(folder, "--add-account", "kim", told="short\nshort\n")
    assert done.returncode == 4
    assert "12" in done.stderr
    assert view(folder, "--remove-account", "kim").returncode == 4


def test_it_ends_at_once_and_in_silence_while_pages_are_open(folder: Path) -> None:
    process = subprocess.Popen(
        [*TWIN, str(folder), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(urllib.parse.urlsplit(process.stdout.readline().strip()).port or 0)
    streams = []
    for _ in range(5):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60.0)
        connection.request("GET", "/api/v1/stream?names=", headers={"Host": f"127.0.0.1:{port}"})
        assert connection.getresponse().status == 200
        streams.append(connection)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60.0)
    assert (process.returncode, said) == (130, "interrupted\n")
    for connection in streams:
        connection.close()


def test_a_request_that_never_ends_is_let_go_of(folder: Path) -> None:
    with serving(folder) as port, socket.create_connection(("127.0.0.1", port), timeout=40.0) as half:
        half.sendall(b"GET / HT")
        assert half.recv(100) == b""


def test_the_address_that_is_recorded_is_no_forged_one(folder: Path) -> None:
    with serving(folder) as port:
        assert ask(port, "GET", "/api/v1/export.csv?asset=tank&span=10", **{"X-Forwarded-For": "6.6.6.6"})[0] == 200
    line = json.loads((folder / "view" / "audit.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert (line["what"], line["address"]) == ("export", "127.0.0.1")


def test_the_word_of_another_view_of_the_folder_is_left_alone(folder: Path) -> None:
    with serving(folder), serving(folder) as second:
        pass
    assert not (folder / "view.json").exists()
    with serving(folder) as first:
        with serving(folder) as second:
            assert json.loads((folder / "view.json").read_text(encoding="utf-8"))["port"] == second
        assert not (folder / "view.json").exists()
        (folder / "view.json").write_text(json.dumps({"pid": 1, "port": first}), encoding="utf-8")
    assert (folder / "view.json").exists()


def test_a_link_in_place_of_its_word_is_replaced_and_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    (folder / "view.json").symlink_to(tmp_path / "precious")
    with serving(folder):
        assert not (folder / "view.json").is_symlink()
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "mine"
