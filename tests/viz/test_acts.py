"""What people do in the view is recorded first, done once, and answered in words whatever happens."""

import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Serving, until
from tests.viz.stage import T0, Stage, advisory, instant, served
from twin.live.scribe import Scribe
from twin.monitor.life import Change
from viz import acts


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "PATIENCE", 1.0)


@pytest.fixture
def address(stage: Stage) -> Iterator[str]:
    stage.raise_advisory(advisory())
    with served(stage.folder) as found:
        yield found


def act(address: str, kind: str = "acknowledge", **more: Any) -> dict[str, Any]:
    """Return what an action is answered."""
    asked = {"kind": kind, "target": "adv-1", "id": uuid.uuid4().hex, **more}
    request = urllib.request.Request(
        f"{address}/api/v1/act", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60.0) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found


def audit(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "view" / "audit.jsonl").read_text(encoding="utf-8").splitlines()]


def judged(data: Path, cause: str) -> threading.Thread:
    """Play the twin: say what became of the first action that the journal gets."""

    def answer() -> None:
        with Scribe(data) as scribe:
            # Ingest's own ticks are entries, too.
            entry = until(lambda: [each.id for each in Serving(data).entries() if each.kind == "action"])[-1]
            change = Change(T0 + 601.0, "adv-1", "unacknowledged", "acknowledged", "kim", "", cause, "deviation")
            scribe.add([(entry, instant(601, changes=(change,)))], [])

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_an_action_is_recorded_stored_and_answered_with_what_the_twin_made_of_it(stage: Stage, address: str) -> None:
    with Serving(stage.folder):
        twin = judged(stage.folder, "acknowledge")
        assert act(address) == {"said": "Acknowledge: done", "done": True}
        twin.join()
        assert [line["what"] for line in audit(stage.folder)] == ["action"]


def test_what_the_twin_refuses_is_told_in_the_readers_language_and_recorded(stage: Stage, address: str) -> None:
    with Serving(stage.folder):
        twin = judged(stage.folder, "refused_state")
        said = act(address, lang="ko")
        twin.join()
    assert said["done"] is False
    assert said["said"].startswith("거부")
    assert [line["what"] for line in audit(stage.folder)] == ["action", "refused"]


def test_an_action_that_the_twin_has_not_judged_is_noted_and_never_called_refused(stage: Stage, address: str) -> None:
    with Serving(stage.folder) as serving:
        history = stage.folder / "history.sqlite"
        history.rename(stage.folder / "elsewhere")
        said = act(address)
        assert said == {"said": "Noted; the twin hasn't come to it yet.", "done": None}
        assert [entry.kind for entry in serving.entries()].count("action") == 1
    assert [line["what"] for line in audit(stage.folder)] == ["action"]


def test_an_action_asked_twice_is_stored_once(stage: Stage, address: str) -> None:
    name = uuid.uuid4().hex
    with Serving(stage.folder) as serving:
        act(address, id=name)
        act(address, id=name)
        assert [entry.kind for entry in serving.entries()].count("action") == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"kind": "shelve", "minutes": 60}, "Write a reason or a comment first."),
        ({"kind": "comment", "text": "  "}, "Write a reason or a comment first."),
        ({"kind": "shelve", "text": "later"}, "Say for how many minutes."),
        ({"kind": "shelve", "text": "later", "minutes": -5}, "Say for how many minutes."),
        ({"kind": "shelve", "text": "later", "minutes": 481}, "At most 480 minutes."),
        ({"kind": "comment", "text": "a\tb"}, "Write it on one line, of at most 500 characters."),
        ({"kind": "comment", "text": "\u202eabc"}, "Write it on one line, of at most 500 characters."),
        ({"kind": "comment", "text": "x" * 501}, "Write it on one line, of at most 500 characters."),
        ({"kind": "comment", "text": "ok", "target": "../x"}, "Not noted: target"),
        ({"kind": "acknowledge"}, "The twin isn't running: nothing can be noted."),
    ],
)
def test_what_cannot_be_done_is_said_before_it_is_asked_for(stage: Stage, address: str, asked: Any, said: str) -> None:
    answer = act(address, **asked)
    assert answer["done"] is False
    assert answer["said"].startswith(said)


def test_without_a_record_nothing_is_done_and_it_is_said(stage: Stage, address: str) -> None:
    log = stage.folder / "view" / "audit.jsonl"
    log.unlink()
    log.mkdir()
    with Serving(stage.folder) as serving:
        said = act(address)
        assert "can't be written: Is a directory; move it away" in said["said"]
        assert [entry.kind for entry in serving.entries()].count("action") == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"kind": "start"}', b"\xff", b"[" * 1000, b'{"kind":"comment","target":"a","id":"1"}',
     b'{"kind":"comment","target":"a","id":"' + b"0" * 32 + b'","minutes":"x"}'],
)  # fmt: skip
def test_what_is_no_action_is_refused(stage: Stage, address: str, body: bytes) -> None:
    request = urllib.request.Request(f"{address}/api/v1/act", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as found:
        urllib.request.urlopen(request)
    with found.value as answer:
        assert answer.code == 400
