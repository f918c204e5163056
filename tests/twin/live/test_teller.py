"""A person at the terminal is told everything once, in the order in which it happened."""

from pathlib import Path

from tests.twin.live.test_history import advisory, change, instant
from twin.history.reader import FILE
from twin.live.scribe import Scribe
from twin.live.teller import Teller


def test_what_is_new_is_told_whole_and_once(tmp_path: Path) -> None:
    said: list[str] = []
    teller = Teller(tmp_path, "en", said.append)
    teller.look()
    assert said == []
    stale: dict[str, float | str] = {"source": "gw", "last": 1.0}
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0, change(1.0)))], [advisory("TI-1", stale)])
        teller.look()
        teller.look()
        assert said[0].startswith("00:00:01 adv-1 TI-1 ")
        assert len(said) == 1 + 5
        history.add([(2, instant(2.0, change(2.0)._replace(cause="returned")))], [advisory("TI-1", stale)])
        teller.look()
        assert len(said) == 1 + 5 + 1


def test_what_was_said_before_is_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    said: list[str] = []
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0, change(1.0)))], [])
        teller = Teller(tmp_path, "ko", said.append, anew=True)
        teller.look()
        assert said == []
        history.add([(2, instant(2.0, change(2.0)))], [])
        teller.look()
        assert len(said) == 1


def test_a_history_that_is_begun_anew_is_told_from_its_beginning(tmp_path: Path) -> None:
    said: list[str] = []
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0, change(1.0), change(1.0, "TI-2")))], [])
    teller = Teller(tmp_path, "en", said.append)
    teller.look()
    for path in tmp_path.glob(f"{FILE}*"):
        path.unlink()
    teller.look()
    with Scribe(tmp_path) as history:
        history.add([(1, instant(1.0, change(1.0)))], [])
    teller.look()
    assert len(said) == 3
