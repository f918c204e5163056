"""The local door: who may do what, what is refused, and what the client says when nobody answers."""

import ast
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from twin import service
from twin.errors import DataError
from twin.ingest.door import Door
from twin.service import MAY, Act, Action, Ask, Client, Refused, Stored, decide, encode

ID = uuid.UUID(int=7).hex
KINDS = sorted(set().union(*MAY.values()))


def action(**changes: Any) -> Action:
    plain: dict[str, Any] = {
        "kind": "comment", "who": "Maria", "role": "operator", "target": "A-17", "text": "bearing is warm", "id": ID
    }  # fmt: skip
    return Action(**{**plain, **changes})


def framed(**changes: Any) -> bytes:
    return encode({"t": "act", "action": {**msgspec.to_builtins(action()), **changes}})


def test_the_table_of_roles_is_the_one_that_was_agreed() -> None:
    operator = {"acknowledge", "shelve", "unshelve", "comment"}
    assert MAY["operator"] == operator
    assert MAY["engineer"] == operator | {"suppress", "bypass", "restore"}
    assert MAY["maintainer"] == operator | {"maintenance", "bypass", "restore"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", sorted(MAY))
def test_a_role_does_what_its_row_says_and_nothing_else(role: Any, kind: Any) -> None:
    decision = decide(framed(role=role, kind=kind, minutes=30.0 if kind == "shelve" else 0.0), {})
    if kind in MAY[role]:
        assert decision.store == action(role=role, kind=kind, minutes=30.0 if kind == "shelve" else 0.0)
        assert decision.answer is None
    else:
        assert decision.store is None
        assert isinstance(decision.answer, Refused)
        assert f"role {role} may not {kind}; ask the" in decision.answer.text


def test_an_action_that_is_on_disk_is_answered_with_its_entry() -> None:
    assert decide(framed(), {ID: 41}).answer == Stored(41)
    assert decide(framed(), {ID: 41}).store is None


def test_an_action_without_an_id_is_not_stored() -> None:
    answer = decide(framed(id=""), {}).answer
    assert isinstance(answer, Refused)
    assert "no id" in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "shelve", "minutes": 0.0}, "shelve A-17: for how long?"),
        ({"kind": "shelve", "minutes": 5.0, "text": " "}, "shelve A-17: why?"),
        ({"text": ""}, "comment A-17: why?"),
        ({"kind": "acknowledge", "minutes": 5.0}, "acknowledge A-17: it has no duration"),
    ],
)
def test_an_action_says_why_and_for_how_long(changes: dict[str, Any], said: str) -> None:
    answer = decide(framed(**changes), {}).answer
    assert isinstance(answer, Refused)
    assert said in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "write"},
        {"role": "root"},
        {"who": ""},
        {"who": "x" * 65},
        {"who": "Maria\n"},
        {"who": "a\u202eiraM"},
        {"who": 5},
        {"target": ""},
        {"target": "../../x y"},
        {"target": "<script>"},
        {"target": "A-17\n"},
        {"minutes": float("nan")},
        {"minutes": -1.0},
        {"minutes": float("inf")},
        {"minutes": "5"},
        {"text": "x" * 2001},
        {"text": "a\0b"},
        {"id": "7"},
        {"id": ID.upper() + "A"},
        {"setpoint": 5.0},
    ],
)
def test_an_action_that_is_not_as_declared_is_refused(changes: dict[str, Any]) -> None:
    decision = decide(framed(**changes), {})
    assert decision.store is None
    assert isinstance(decision.answer, Refused)
    assert len(decision.answer.text) < 300


@pytest.mark.parametrize(
    "frame",
    [b"", b"{}", b"\xc1", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff", encode({"t": "write"}), encode([1]),
     framed() + b"\0", b"\0" * (service.MAX_BYTES + 1), b"\x81\xa1t\xa3\xff\xff\xff"],
)  # fmt: skip
def test_a_request_that_is_not_understood_is_refused(frame: bytes) -> None:
    assert isinstance(decide(frame, {}).answer, Refused)


@given(st.binary(max_size=200))
def test_no_bytes_raise_and_none_are_stored(frame: bytes) -> None:
    assert decide(frame, {}).store is None


def test_a_question_about_the_status_is_known() -> None:
    assert decide(encode(Ask()), {}) == service.Decision(tell_status=True)


def test_the_body_of_an_entry_is_a_map_with_the_names_of_the_fields() -> None:
    assert msgspec.msgpack.decode(encode(action())) == msgspec.to_builtins(action())
    assert msgspec.msgpack.decode(encode(action()), type=Action) == action()


def test_the_module_imports_nothing_but_zmq_and_msgspec() -> None:
    tree = ast.parse(Path(service.__file__).read_text(encoding="utf-8"))
    found = {alias.name.partition(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    found |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert found & {"numpy", "numba", "h5py", "dash", "scipy", "simpy"} == set()
    assert {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and "twin" in str(node.module)} \
        == {"twin.errors"}  # fmt: skip


class Answering:
    """A door behind which a thread gives one answer to everything, or none."""

    def __init__(self, data: Path, answer: Any) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.door = Door(data, self.context)
        self.answer, self.asked = answer, list[bytes]()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self) -> None:
        while not self.over.is_set():
            self.door.socket.poll(20)
            for request in self.door.take():
                self.asked.append(request.frame)
                if isinstance(self.answer, bytes):
                    self.door.socket.send_multipart([request.peer, self.answer])
                elif self.answer is not None:
                    self.door.answer(request.peer, self.answer)

    def close(self) -> None:
        self.over.set()
        self.thread.join()
        self.door.close()
        self.context.destroy(linger=0)


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Any]:
    running: list[Answering] = []

    def start(answer: Any, data: Path = tmp_path) -> Answering:
        running.append(Answering(data, answer))
        return running[-1]

    yield start
    for one in running:
        one.close()


def test_the_client_returns_the_entry_and_gives_an_action_its_id(answering: Any, tmp_path: Path) -> None:
    door = answering(Stored(5))
    with Client(tmp_path) as client:
        assert client.act(action(id="")) == 5
    sent = msgspec.msgpack.decode(door.asked[0], type=Act).action
    assert uuid.UUID(hex=sent.id).version == 4
    assert msgspec.structs.replace(sent, id=ID) == action()


def test_the_client_raises_what_was_refused(answering: Any, tmp_path: Path) -> None:
    answering(Refused("Maria: role operator may not suppress; ask the engineer"))
    with Client(tmp_path) as client, pytest.raises(DataError, match=r"^Maria: role operator may not suppress"):
        client.act(action())


@pytest.mark.parametrize("answer", [b"", b"\xc1", encode({"t": "command"}), encode(Ask())])
def test_the_client_understands_no_other_answer(answering: Any, tmp_path: Path, answer: bytes) -> None:
    answering(answer)
    with Client(tmp_path) as client, pytest.raises(DataError, match="use one version of twin"):
        client.act(action())


def test_the_client_gives_up_on_silence(answering: Any, tmp_path: Path) -> None:
    answering(None)
    with Client(tmp_path, timeout=0.1) as client, pytest.raises(DataError, match=r"no answer within 0\.1 s"):
        client.status()


def test_the_client_says_that_nobody_serves(tmp_path: Path) -> None:
    with Client(tmp_path) as client, pytest.raises(DataError, match="no ingest is serving this folder"):
        client.status()


def test_the_client_says_that_a_door_is_dead(answering: Any, tmp_path: Path) -> None:
    door = answering(Stored(5))
    door.over.set()
    door.thread.join()
    door.door.socket.unbind(f"ipc://{door.door.path}")
    dead = zmq.Context()
    with dead.socket(zmq.PAIR) as socket:
        socket.bind(f"ipc://{tmp_path}/other")
        (tmp_path / "other").rename(tmp_path / "door")
        with Client(tmp_path, timeout=0.2) as client, pytest.raises(DataError, match=r"no answer|can't be reached"):
            client.status()
    dead.destroy(linger=0)


def test_a_request_longer_than_the_door_takes_is_refused_before_it_is_sent(answering: Any, tmp_path: Path) -> None:
    door = answering(Stored(5))
    huge = action(text="x" * (1 << 17))
    with Client(tmp_path) as client, pytest.raises(DataError, match="the longest has 65536"):
        client.act(huge)
    assert door.asked == []


def test_only_the_owner_can_open_the_door(answering: Any, tmp_path: Path) -> None:
    answering(Stored(5))
    assert (tmp_path / "door").stat().st_mode & 0o777 == 0o600


def test_a_folder_whose_path_is_too_long_has_its_door_elsewhere(answering: Any, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    door = answering(Stored(9), deep)
    assert not (deep / "door").exists()
    assert len(str(door.door.path)) <= 100
    assert door.door.path.parent.stat().st_mode & 0o777 == 0o700
    with Client(deep) as client:
        assert client.act(action()) == 9


def test_the_folder_of_a_killed_ingest_is_cleared_away(answering: Any, tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    killed = answering(Stored(9), deep)
    first = killed.door.path
    second = answering(Stored(9), deep).door.path
    assert first != second
    assert not first.parent.exists()
    assert (deep / "door.at").read_text() == f"{second}\n"


@pytest.mark.parametrize("text", ["", "relative/door", "/" + "x" * 120, "/a\nb"])
def test_what_does_not_say_where_the_door_is_is_refused(tmp_path: Path, text: str) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    (deep / "door.at").write_text(text)
    with pytest.raises(DataError, match="this is no path of a socket"):
        service.door_of(deep)
