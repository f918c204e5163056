"""Whoever is not on the list is refused before it says anything, and whoever is speaks for itself alone."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.live import descriptors, until
from twin.errors import DataError
from twin.ingest import keys
from twin.ingest.entrance import Arrival, Entrance, checked_address

LOOPBACK = "tcp://127.0.0.1:*"
Dress = Callable[[Any, keys.GatewayKey], None]


def honest(dealer: Any, key: keys.GatewayKey) -> None:
    dealer.curve_serverkey = key.server.encode()
    dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()


def null(dealer: Any, key: keys.GatewayKey) -> None:
    pass


def plain(dealer: Any, key: keys.GatewayKey) -> None:
    dealer.plain_username, dealer.plain_password = b"a", key.secret.encode()


def unknown_key(dealer: Any, key: keys.GatewayKey) -> None:
    honest(dealer, key)
    dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()


def wrong_server_key(dealer: Any, key: keys.GatewayKey) -> None:
    honest(dealer, key)
    dealer.curve_serverkey = zmq.curve_keypair()[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def key(data: Path) -> keys.GatewayKey:
    return keys.gateway_keys(keys.new(data, "a"))


@pytest.fixture
def entrance(data: Path, key: keys.GatewayKey) -> Iterator[Entrance]:
    entrance = Entrance(data, LOOPBACK, print)
    yield entrance
    entrance.close()


@contextmanager
def calling(entrance: Entrance, dress: Dress, key: keys.GatewayKey) -> Iterator[Any]:
    """Yield a DEALER that has sent frames to the entrance, which wait for the connection."""
    context: zmq.Context[Any] = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dress(dealer, key)
    dealer.connect(entrance.address)
    for _ in range(20):
        dealer.send(b"frame", zmq.DONTWAIT)
    try:
        yield dealer
    finally:
        context.destroy(linger=0)


@pytest.mark.parametrize("dress", [null, plain, unknown_key, wrong_server_key])
def test_of_a_stranger_no_frame_is_delivered(entrance: Entrance, key: keys.GatewayKey, dress: Dress) -> None:
    with calling(entrance, dress, key):
        until(lambda: entrance.strangers)
        with calling(entrance, honest, key):
            got = until(entrance.take)
        assert {arrival.user for arrival in got} == {"a"}
        got = [arrival for _ in range(20) if entrance.socket.poll(10) for arrival in entrance.take()]
    assert len({arrival.peer for arrival in got}) <= 1


def test_without_a_living_authenticator_nobody_is_let_in(entrance: Entrance, key: keys.GatewayKey) -> None:
    assert entrance.guarded()
    assert entrance._authenticator is not None
    entrance._authenticator.stop()
    assert not entrance.guarded()
    for dress in (honest, null, plain, unknown_key, wrong_server_key):
        before = entrance.strangers
        with calling(entrance, dress, key):
            until(lambda: entrance.strangers > before)  # noqa: B023
            assert not entrance.socket.poll(100)
            assert entrance.take() == []


@pytest.mark.filterwarnings("ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning")
def test_an_authenticator_that_died_lets_nobody_in(
    entrance: Entrance, key: keys.GatewayKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(key: bytes) -> str:
        raise SystemExit  # ends the thread without a word

    assert entrance._authenticator is not None
    monkeypatch.setattr(entrance._authenticator, "curve_user_id", fail)
    with calling(entrance, honest, key):
        until(lambda: not entrance.guarded())
        assert entrance.take() == []


def test_a_key_that_is_put_on_the_list_is_let_in_and_one_that_is_taken_off_is_nobody(
    entrance: Entrance, data: Path, key: keys.GatewayKey
) -> None:
    late = keys.gateway_keys(keys.new(data, "b"))
    with calling(entrance, honest, key) as old:
        assert {arrival.user for arrival in until(entrance.take)} == {"a"}
        path = data / "keys" / "allow.txt"
        path.write_text("".join(line for line in path.read_text().splitlines(True) if not line.startswith("a ")))
        old.send(b"after")
        assert {arrival.user for arrival in until(entrance.take) if arrival.frames == [b"after"]} == {""}
        with calling(entrance, honest, late):
            assert {arrival.user for arrival in until(entrance.take)} == {"b"}


def test_a_list_that_is_wrong_lets_nobody_in_and_the_guard_lives_on(
    entrance: Entrance, data: Path, key: keys.GatewayKey, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data / "keys" / "allow.txt"
    right = path.read_text()
    path.write_text("nonsense\n")
    with calling(entrance, honest, key):
        until(lambda: entrance.strangers)
        assert "until then no gateway may connect" in capsys.readouterr().out
        assert entrance.guarded()
    path.write_text(right)
    with calling(entrance, honest, key):
        assert {arrival.user for arrival in until(entrance.take)} == {"a"}


def test_the_socket_has_the_settings_that_were_promised(entrance: Entrance) -> None:
    promised = {
        zmq.MAXMSGSIZE: 1 << 20, zmq.RCVHWM: 64, zmq.SNDHWM: 64, zmq.HANDSHAKE_IVL: 3000, zmq.LINGER: 0,
        zmq.HEARTBEAT_IVL: 0, zmq.TCP_KEEPALIVE: 1, zmq.TCP_KEEPALIVE_IDLE: 3, zmq.TCP_KEEPALIVE_INTVL: 1,
        zmq.TCP_KEEPALIVE_CNT: 3, zmq.ZAP_DOMAIN: b"ingest", zmq.ZAP_ENFORCE_DOMAIN: 1, zmq.CURVE_SERVER: 1,
    }  # fmt: skip
    found = {option: entrance.socket.getsockopt(option) for option in promised}
    assert {
        name: value.rstrip(b"\0") if isinstance(value, bytes) else value for name, value in found.items()
    } == promised


def test_connections_that_say_nothing_are_freed(entrance: Entrance) -> None:
    port = int(entrance.address.rpartition(":")[2])
    before = descriptors()
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    until(lambda: descriptors() >= before + 200)
    until(lambda: descriptors() <= before + 100, 5.0)
    for one in silent:
        one.close()


def test_a_frame_over_the_limit_cuts_its_connection_before_it_is_held(entrance: Entrance, key: keys.GatewayKey) -> None:
    with calling(entrance, honest, key) as dealer:
        until(entrance.take)
        dealer.send(b"\0" * ((1 << 20) + 1))

        def heard() -> list[Arrival]:
            dealer.send(b"small")  # what is sent before the cut is noticed goes with the connection
            return [arrival for arrival in entrance.take() if arrival.frames == [b"small"]]

        until(heard)


HANG_UP = """
import sys, time
from pathlib import Path
import zmq
from twin.ingest import keys
from twin.ingest.entrance import Entrance
data = Path(sys.argv[1])
key = keys.gateway_keys(data / "keys" / "a.key")
entrance = Entrance(data, "tcp://127.0.0.1:*", print)
context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.linger, dealer.sndtimeo, dealer.sndhwm = 0, 300, 100
dealer.curve_serverkey = key.server.encode()
dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
dealer.connect(entrance.address)
try:
    while True:
        dealer.send(b"x" * 65536)
except zmq.Again:
    context.destroy(linger=0)
time.sleep(2.5)  # longer than a heartbeat of libzmq's, which would be the end
frames = 0
while entrance.socket.poll(100):
    frames += len(entrance.take())
entrance.close()
print("frames", frames)
"""


def test_a_gateway_that_fills_its_queue_and_hangs_up_does_not_end_the_process(data: Path, key: keys.GatewayKey) -> None:
    run = subprocess.run([sys.executable, "-c", HANG_UP, data], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.split()[-1]) >= 64


@pytest.mark.parametrize(
    "listen", ["tcp://0.0.0.0:*", "tcp://*:5555", "tcp://192.0.2.1:5555", "tcp://eth0:1", "tcp://[::]:1"]
)
def test_without_keys_no_other_machine_is_let_near(data: Path, listen: str) -> None:
    with pytest.raises(DataError, match="nobody would be asked for a key; make keys with `twin keys new`"):
        Entrance(data, listen, print)
    assert checked_address(listen, curve=True)


def test_without_keys_the_loopback_is_served_with_one_warning(data: Path) -> None:
    warnings: list[str] = []
    entrance = Entrance(data, LOOPBACK, warnings.append)
    try:
        with calling(entrance, null, keys.GatewayKey("a", "", "", "")):
            assert {arrival.user for arrival in until(entrance.take)} == {None}
    finally:
        entrance.close()
    assert len(warnings) == 1
    assert "no keys are made" in warnings[0]


@pytest.mark.parametrize(
    "listen", ["", "5555", "ipc:///x", "tcp://127.0.0.1", "tcp://127.0.0.1:x", "tcp://127.0.0.1:70000",
               "tcp://a b:1", "tcp://127.0.0.1:5;tcp://0.0.0.0:6"],
)  # fmt: skip
def test_what_is_no_address_is_refused(data: Path, listen: str) -> None:
    with pytest.raises(DataError, match="is no address to listen on"):
        Entrance(data, listen, print)


def test_an_address_that_is_taken_is_one_clear_line(entrance: Entrance, data: Path) -> None:
    with pytest.raises(DataError, match="Address already in use; stop the other program or choose another port"):
        Entrance(data, entrance.address, print)


@pytest.mark.parametrize("bits", [0o640, 0o644])
def test_a_server_key_that_others_can_read_keeps_the_entrance_shut(data: Path, key: keys.GatewayKey, bits: int) -> None:
    (data / "keys" / "server.key").chmod(bits)
    with pytest.raises(DataError, match="can be read by others"):
        Entrance(data, LOOPBACK, print)
