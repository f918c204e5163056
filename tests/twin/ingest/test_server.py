"""Ingest as a whole: what is acknowledged is on disk, what people do is stored once, and failures are told."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from tests.live import LOOPBACK, Ingest, Serving, entries, free_port, sequence, until
from twin.errors import DataError
from twin.ingest import keys, server
from twin.ingest.door import Door
from twin.ingest.entrance import Entrance
from twin.journal.writer import Journal
from twin.protocol import (
    Ack,
    Bye,
    Data,
    FromTwin,
    Heartbeat,
    Hello,
    Refusal,
    Row,
    Tag,
    Welcome,
    decode_from_twin,
    encode,
    encode_json,
)
from twin.service import Act, Action, Ask, Client, Refused, Stored
from twin.service import encode as ask

HELLO = Hello(1, "a", 7, 1, [Tag("TI-1", "degC"), Tag("PI-1", "bar")], 0)
COMMENT = Action("comment", "Maria", "operator", "A-17", text="bearing is warm")


def data_frame(seq: int, value: float = 20.0) -> bytes:
    return encode(Data(seq, [Row(0, 1_700_000_000_000_000 + seq, value, 0)]))


class Speaker:
    """A DEALER that says what it is told and keeps what it hears."""

    def __init__(self, address: str, key: keys.GatewayKey | None = None) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if key is not None:
            self.socket.curve_serverkey = key.server.encode()
            self.socket.curve_publickey, self.socket.curve_secretkey = key.public.encode(), key.secret.encode()
        self.socket.connect(address)

    def say(self, *messages: Any) -> None:
        for message in messages:
            self.socket.send(message if isinstance(message, bytes) else encode(message))

    def hears(self, seconds: float = 10.0) -> FromTwin:
        assert self.socket.poll(seconds * 1e3), "nothing was answered"
        frames = self.socket.recv_multipart()
        assert len(frames) == 1
        return decode_from_twin(frames[0])

    def silent(self, seconds: float = 0.2) -> bool:
        return not self.socket.poll(seconds * 1e3)

    def __enter__(self) -> "Speaker":
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


class Parts:
    """The parts of ingest in this thread, one round at a time."""

    def __init__(self, data: Path) -> None:
        self.journal = Journal.open(data)
        self.entrance = Entrance(data, LOOPBACK, lambda line: None)
        self.door = Door(data, self.entrance.context)
        self.server = server.Server(self.journal, self.entrance, self.door)

    def rounds(self, done: Callable[[], Any]) -> Any:
        def one() -> Any:
            self.server.wait()
            self.server.round()
            return done()

        return until(one)

    def close(self) -> None:
        self.door.close()
        self.entrance.close()
        self.journal.close()


@pytest.fixture
def parts(data: Path) -> Iterator[Parts]:
    found = Parts(data)
    yield found
    found.close()


class Asking(threading.Thread):
    """A thread that asks at the door, so that this one can serve."""

    def __init__(self, data: Path, work: Callable[[Client], Any]) -> None:
        super().__init__()
        self.data, self.work, self.result = data, work, list[Any]()
        self.start()

    def run(self) -> None:
        with Client(self.data) as client:
            try:
                self.result.append(self.work(client))
            except DataError as err:
                self.result.append(err)


def test_what_is_acknowledged_is_in_the_journal_as_it_was_sent(data: Path) -> None:
    frames = [data_frame(seq, float(seq)) for seq in (1, 2, 3)]
    with Serving(data) as serving, Speaker(serving.address) as gateway:
        gateway.say(HELLO)
        welcome = gateway.hears()
        assert isinstance(welcome, Welcome)
        assert (welcome.have, welcome.window) == (0, 32)
        gateway.say(*frames)
        while gateway.hears() != Ack(3):
            pass
        found = serving.entries()  # acknowledged, so it is there now
    assert [entry.body for entry in found if entry.kind == "data"] == frames
    assert [(e.gateway, e.run, e.seq) for e in found if e.kind == "data"] == [("a", 7, seq) for seq in (1, 2, 3)]
    assert all(abs(entry.received - time.time_ns() // 1000) < 60e6 for entry in found)


def test_json_is_answered_in_json(data: Path) -> None:
    with Serving(data) as serving, Speaker(serving.address) as gateway:
        gateway.say(encode_json(HELLO))
        assert gateway.socket.poll(5000)
        assert json.loads(gateway.socket.recv())["t"] == "welcome"


def test_a_tick_comes_every_second_and_names_who_is_heard_of(data: Path) -> None:
    with Serving(data) as serving, Speaker(serving.address) as gateway:
        gateway.say(HELLO)
        assert gateway.hears()

        def ticks() -> list[Any]:
            return [entry for entry in serving.entries() if entry.kind == "tick" and b"a" in entry.body[7:]]

        found = until(lambda: ticks() if len(ticks()) >= 2 else None, 10.0)
    assert msgspec.msgpack.decode(found[0].body) == {"alive": ["a"]}
    assert found[1].received - found[0].received == pytest.approx(1e6, abs=0.5e6)


def test_a_stall_makes_no_burst_of_ticks(parts: Parts) -> None:
    parts.server._next_tick -= 10.0
    before = parts.journal.last()
    parts.server.round()
    parts.server.round()
    assert parts.journal.last() == before + 1


def test_the_status_tells_what_an_operator_asks_for(data: Path) -> None:
    with Serving(data) as serving, Speaker(serving.address) as gateway, Client(data) as client:
        gateway.say(HELLO)
        assert isinstance(gateway.hears(), Welcome)
        gateway.say(data_frame(1), data_frame(1), data_frame(3), b"junk", Heartbeat(5))
        until(lambda: client.status()["counts"].get("refused: bad_message"))
        status = client.status()
    assert status["frames"] == 6
    assert status["counts"]["readings"] == 1
    assert status["counts"]["duplicates"] == 1
    assert status["counts"]["batches behind a hole"] == 1
    assert status["gateways"]["a"]["have"] == 1
    assert abs(status["gateways"]["a"]["ahead_us"] + time.time_ns() // 1000) < 60e6  # it said 5 us after 1970
    assert 0.0 < status["ack_ms"]["p50"] <= status["ack_ms"]["p99"] <= status["ack_ms"]["max"]
    assert status["queue"]["latest"] >= 1
    assert status["disk_free_bytes"] > 0
    assert status["disk_free_days"] > 0.0
    assert status["strangers"] == 0
    assert status["entries"] >= 3
    assert (status["address"], status["curve"]) == (serving.said[1].split()[2].rstrip(","), False)


def test_an_action_is_stored_and_answered_with_its_entry(data: Path) -> None:
    with Serving(data) as serving, Client(data) as client:
        number = client.act(COMMENT)
        found = {entry.id: entry for entry in serving.entries()}[number]
    assert (found.kind, found.gateway, found.run, found.seq) == ("action", "", 0, 0)
    stored = msgspec.msgpack.decode(found.body, type=Action)
    assert msgspec.structs.replace(stored, id="") == COMMENT


def test_the_same_action_is_stored_once_even_across_a_restart(data: Path) -> None:
    again = msgspec.structs.replace(COMMENT, id="0" * 31 + "1")
    numbers = []
    for _ in range(2):
        with Serving(data), Client(data) as client:
            numbers += [client.act(again), client.act(again)]
    assert len(set(numbers)) == 1
    assert len([entry for entry in entries(data) if entry.kind == "action"]) == 1


def test_an_action_has_the_time_of_the_replay_it_is_about(data: Path) -> None:
    with Serving(data, replay=True) as serving, Client(data) as client:
        with Speaker(serving.address) as gateway:
            gateway.say(Hello(1, "a", 7, 1, [Tag("TI-1")], 5_000_000, "replay", 10.0))
            assert isinstance(gateway.hears(), Welcome)
            during = client.act(COMMENT)
            gateway.say(Bye(), Heartbeat(0))
            assert isinstance(gateway.hears(), Refusal)  # its session is over
        after = client.act(COMMENT)
        found = {entry.id: entry for entry in serving.entries()}
    assert 5_000_000 <= found[during].clock <= found[after].clock <= 5_000_000 + 10 * 60e6


def test_actions_of_one_round_have_their_own_entries(parts: Parts) -> None:
    with zmq.Context() as context:
        askers = [context.socket(zmq.DEALER) for _ in range(3)]
        for asker, number in zip(askers, "112", strict=True):
            asker.linger = 0
            asker.connect(f"ipc://{parts.door.path}")
            asker.send(ask(Act(msgspec.structs.replace(COMMENT, id=number * 32))))
        parts.rounds(lambda: all(asker.poll(0) for asker in askers))
        answers = [msgspec.msgpack.decode(asker.recv(), type=Stored).entry for asker in askers]
        for asker in askers:
            asker.close()
    assert answers[0] == answers[1] != answers[2]
    found = [entry for entry in parts.journal.actions(10) if entry.id in answers]
    assert {entry.id: msgspec.msgpack.decode(entry.body)["id"][0] for entry in found} \
        == {answers[0]: "1", answers[2]: "2"}  # fmt: skip


def test_the_ids_of_the_latest_actions_are_kept_and_no_more(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_ACTIONS", 3)
    for number in range(5):
        parts.server._remember(f"{number:032x}", number)
    assert list(parts.server._actions.values()) == [2, 3, 4]


def test_requests_that_are_refused_leave_no_entry(data: Path) -> None:
    with Serving(data) as serving, Client(data) as client:
        for wrong in (
            msgspec.structs.replace(COMMENT, kind="suppress"),
            msgspec.structs.replace(COMMENT, text=""),
            msgspec.structs.replace(COMMENT, kind="write"),
        ):
            with pytest.raises(DataError):
                client.act(wrong)
        assert not [entry for entry in serving.entries() if entry.kind == "action"]


def test_two_frames_at_the_door_are_refused(parts: Parts) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as asker:
        asker.linger = 0
        asker.connect(f"ipc://{parts.door.path}")
        asker.send_multipart([ask(Ask()), b""])
        parts.rounds(lambda: asker.poll(0))
        assert "2 frames; send one" in msgspec.msgpack.decode(asker.recv(), type=Refused).text


def test_a_full_disk_makes_gateways_wait_and_people_know(parts: Parts, data: Path) -> None:
    with Speaker(parts.entrance.address) as gateway:
        gateway.say(HELLO)
        parts.rounds(lambda: not gateway.silent(0.0))
        assert isinstance(gateway.hears(), Welcome)
        parts.journal._reserve = 1 << 60
        gateway.say(data_frame(1))
        parts.rounds(lambda: not gateway.silent(0.0))
        answer = gateway.hears()
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.retry_ms) == ("busy", server.BUSY)
        asking = Asking(data, lambda client: client.act(COMMENT))
        parts.rounds(lambda: asking.result)
        assert "the disk is nearly full, nothing was stored" in str(asking.result[0])
        asking.join()
        assert not sequence(entries(data), "a")
        parts.journal._reserve = 0
        gateway.say(data_frame(1))
        parts.rounds(lambda: not gateway.silent(0.0))
        assert gateway.hears() == Ack(1)
        asking = Asking(data, lambda client: client.act(COMMENT))
        parts.rounds(lambda: asking.result)
        asking.join()
    assert isinstance(asking.result[0], int)
    assert sequence(entries(data), "a") == [1]


def test_a_failing_disk_ends_ingest_and_nothing_is_acknowledged(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Serving(data) as serving, Speaker(serving.address) as gateway:
        gateway.say(HELLO)
        assert isinstance(gateway.hears(), Welcome)

        def fail(self: Journal, drafts: Any) -> int:
            raise DataError("journal.sqlite: disk I/O error; see to the disk")

        monkeypatch.setattr(Journal, "append", fail)
        gateway.say(data_frame(1))
        until(lambda: serving.error)
        assert gateway.silent()
        assert str(serving.error[0]) == "journal.sqlite: disk I/O error; see to the disk"


def test_a_process_whose_disk_fails_leaves_with_the_code_of_files(data: Path) -> None:
    script = (
        "import sys\n"
        "from twin.errors import DataError\n"
        "from twin.journal.writer import Journal\n"
        "def fail(self, drafts): raise DataError('journal: disk I/O error; see to the disk')\n"
        "Journal.append = fail\n"
        "from twin.ingest.__main__ import main\n"
        "sys.exit(main())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, "--data", data, "--listen", LOOPBACK],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert run.returncode == 4
    assert run.stderr.splitlines()[-1] == "ingest: journal: disk I/O error; see to the disk"
    assert "Traceback" not in run.stderr


def test_when_the_guard_has_died_ingest_ends_for_a_new_start(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys.new(data, "a")
    monkeypatch.setattr(Entrance, "guarded", lambda self: False)
    with pytest.raises(DataError, match="the thread that checks keys has ended"):
        server.serve(data, LOOPBACK, log=lambda line: None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_ingest_in_order(data: Path, number: signal.Signals) -> None:
    with Ingest(data) as ingest:
        assert (data / "door").is_socket()
        assert ingest.stop(number) == 0
    assert not (data / "ingest.json").exists()
    assert not (data / "door").exists()
    assert ingest.errors.read_text().splitlines()[-1] == "ingest: stopped"


def test_ingest_tells_where_it_listens(data: Path) -> None:
    with Ingest(data) as ingest:
        told = json.loads((data / "ingest.json").read_text())
        assert told == {"pid": ingest.pid, "address": ingest.address, "started": told["started"], "curve": False}
        assert re.fullmatch(r"tcp://127\.0\.0\.1:[1-9]\d+", told["address"])
        assert abs(told["started"] - time.time()) < 60.0
        with Speaker(told["address"]) as gateway:
            gateway.say(HELLO)
            assert isinstance(gateway.hears(), Welcome)


def test_a_second_ingest_on_the_same_folder_is_refused_and_the_first_goes_on(data: Path) -> None:
    with Ingest(data) as ingest:
        run = subprocess.run(
            [sys.executable, "-m", "twin.ingest", "--data", data, "--listen", LOOPBACK],
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert run.returncode == 4
        assert str(data) in run.stderr
        assert len(run.stderr.splitlines()) == 1
        with Client(data) as client:
            assert client.status()["address"] == ingest.address


@pytest.mark.parametrize(
    ("listen", "said"),
    [("tcp://0.0.0.0:{port}", "nobody would be asked for a key"), ("5555", "is no address to listen on")],
)
def test_a_start_that_is_refused_makes_nothing(data: Path, listen: str, said: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "twin.ingest", "--data", data, "--listen", listen.format(port=free_port())],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert run.returncode == 4
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert not data.exists()


def test_a_port_that_is_taken_is_one_line(data: Path, tmp_path: Path) -> None:
    with Serving(data) as serving:
        with pytest.raises(DataError, match="Address already in use; stop the other program"):
            server.serve(tmp_path / "other", serving.address, log=lambda line: None)
        with Serving(tmp_path / "other"):  # the folder is free again
            pass


def test_wrong_usage_has_its_own_code() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "twin.ingest", "--listen", LOOPBACK], capture_output=True, timeout=30, check=False
    )
    assert run.returncode == 2


def test_ingest_imports_nothing_heavy() -> None:
    script = "import sys, twin.ingest.__main__; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"numpy", "numba", "h5py", "dash", "scipy", "simpy", "pydantic", "pint", "yaml", "rich"})


def test_a_key_speaks_for_its_own_gateway_and_tags_alone(data: Path) -> None:
    a, b = (keys.gateway_keys(keys.new(data, name)) for name in ("a", "b"))
    with Serving(data) as serving, Speaker(serving.address, a) as gateway, Speaker(serving.address, b) as other:
        gateway.say(HELLO)
        assert isinstance(gateway.hears(), Welcome)
        other.say(HELLO)  # in the name of a
        refused = other.hears()
        assert isinstance(refused, Refusal)
        assert refused.code == "not_allowed"
        other.say(data_frame(1))
        refused = other.hears()
        assert isinstance(refused, Refusal)
        assert refused.code == "hello_first"
        other.say(Hello(1, "b", 8, 1, [Tag("TI-1", "degC")], 0))  # a tag of a
        refused = other.hears()
        assert isinstance(refused, Refusal)
        assert refused.code == "not_allowed"
        other.say(Bye())
        assert isinstance(other.hears(), Refusal)
        gateway.say(data_frame(1))
        assert gateway.hears() == Ack(1)
        assert {entry.gateway for entry in serving.entries()} <= {"", "a"}
        assert sequence(serving.entries(), "a") == [1]


def test_tags_belong_to_their_gateway_across_a_restart(data: Path) -> None:
    a, b = (keys.gateway_keys(keys.new(data, name)) for name in ("a", "b"))
    with Serving(data) as serving, Speaker(serving.address, a) as gateway:
        gateway.say(HELLO)
        assert isinstance(gateway.hears(), Welcome)
    with Serving(data) as serving, Speaker(serving.address, b) as other:
        other.say(Hello(1, "b", 8, 1, [Tag("PI-1", "bar")], 0))
        refused = other.hears()
        assert isinstance(refused, Refusal)
        assert refused.code == "not_allowed"


def test_a_replay_is_taken_only_where_it_was_agreed_to(data: Path, tmp_path: Path) -> None:
    replay = Hello(1, "a", 7, 1, [Tag("TI-1")], 1_000_000, "replay", 100.0)
    with Serving(data) as serving, Speaker(serving.address) as gateway:
        gateway.say(replay)
        refused = gateway.hears()
        assert isinstance(refused, Refusal)
        assert refused.code == "not_allowed"
    with Serving(tmp_path / "other", replay=True) as serving, Speaker(serving.address) as gateway:
        gateway.say(replay)
        assert isinstance(gateway.hears(), Welcome)


def test_all_that_leaves_is_welcome_acknowledgement_or_error(data: Path) -> None:
    said: list[Any] = [
        HELLO, encode_json(HELLO), data_frame(1), data_frame(1), data_frame(9), data_frame(10), Heartbeat(1), b"",
        b"{}", encode(Data(2, [Row(77, 0, 1.0, 0)])), encode({"t": "write", "seq": 2}), b"\xc1", b"{" * 3000, Bye(),
        Heartbeat(2),
        Hello(9, "a", 7, 1, [], 0), Hello(1, "a", 7, 2**61, [], 0), HELLO, data_frame(1, 5.0), Heartbeat(3),
    ]  # fmt: skip
    heard: list[FromTwin] = []
    with Serving(data) as serving, Speaker(serving.address) as gateway, Speaker(serving.address) as other:
        for message in said:
            gateway.say(message)
            gateway.socket.send_multipart([b"two", b"frames"])
            other.say(message)
        for speaker in (gateway, other):
            while not speaker.silent():
                heard.append(speaker.hears())  # decodes strictly
    assert {type(message) for message in heard} == {Welcome, Ack, Refusal}
    assert len({message.code for message in heard if isinstance(message, Refusal)}) >= 4


def test_frames_leave_at_two_places_and_both_only_answer(repository: Path) -> None:
    sending = re.compile(r"\.send(?:_multipart|_string|_json|_pyobj|_serialized)?\(")
    found = {
        f"{file.name}:{line.strip()}"
        for file in (repository / "twin" / "ingest").glob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if sending.search(line)
    }
    assert found == {
        "entrance.py:self.socket.send_multipart([peer, frame], zmq.DONTWAIT)",
        "door.py:self.socket.send_multipart([peer, encode(answer)], zmq.DONTWAIT)",
    }
