"""The gateway's buffer: what it keeps through crashes, what it drops, and what it refuses."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import DataError
from twin.gateway import buffer
from twin.gateway.buffer import Buffer
from twin.protocol import Tag, batch


def frame(seq: int, rows: int = 1) -> bytes:
    return batch(seq, [(0, seq, float(seq), 0)] * rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.buffer"


def held(found: Buffer) -> dict[int, bytes]:
    return {seq: found.body(seq) for seq in range(found.first(), found.next())}


def test_a_new_buffer_is_empty_and_has_a_run_of_its_own(path: Path, tmp_path: Path) -> None:
    found, other = Buffer(path), Buffer(tmp_path / "b.buffer")
    assert (found.first(), found.next(), found.tags(), found.dropped, found.aside()) == (1, 1, [], 0, [])
    assert 1 <= found.run < 2**63
    assert found.run != other.run
    found.close()
    other.close()


def test_what_was_stored_is_there_after_opening_again(path: Path) -> None:
    found = Buffer(path)
    found.declare([Tag("TI-1", "degC")])
    for seq in (1, 2, 3):
        found.store(seq, frame(seq))
    found.delete_to(1)
    before = found.run, found.held_bytes
    found.close()
    again = Buffer(path)
    assert (again.run, again.held_bytes) == before
    assert again.tags() == [Tag("TI-1", "degC")]
    assert held(again) == {2: frame(2), 3: frame(3)}
    assert again.next() == 4
    again.close()


def test_the_next_number_is_kept_when_nothing_is_held(path: Path) -> None:
    found = Buffer(path)
    found.store(1, frame(1))
    found.delete_to(1)
    found.close()
    again = Buffer(path)
    assert (again.first(), again.next()) == (2, 2)
    again.close()


def test_a_process_that_is_killed_loses_nothing_it_had_stored(path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from twin.gateway.buffer import Buffer\n"
        "b = Buffer(Path(sys.argv[1]))\n"
        "for seq in range(1, 51): b.store(seq, b'x' * seq)\n"
        "b.delete_to(7)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False, timeout=60)
    found = Buffer(path)
    assert found.next() == 51
    assert found.first() <= 8
    assert held(found) == {seq: b"x" * seq for seq in range(found.first(), 51)}
    found.close()


def test_beyond_its_size_the_oldest_go_and_are_counted(path: Path) -> None:
    found = Buffer(path, most_bytes=10 * len(frame(1)))
    for seq in range(1, 26):
        found.store(seq, frame(seq))
    assert (found.first(), found.next(), found.dropped) == (16, 26, 15)
    assert found.held_bytes <= 10 * len(frame(1))
    found.close()
    again = Buffer(path, most_bytes=10 * len(frame(1)))
    assert (again.first(), again.next(), again.dropped) == (16, 26, 15)
    again.close()


def test_a_batch_larger_than_the_size_is_held_alone(path: Path) -> None:
    found = Buffer(path, most_bytes=10)
    found.store(1, frame(1))
    found.store(2, frame(2, rows=50))
    assert list(held(found)) == [2]
    found.close()


def test_a_refused_batch_is_kept_apart_the_first_time(path: Path) -> None:
    found = Buffer(path)
    found.store(1, frame(1))
    found.set_aside(1, batch(1, []))
    found.set_aside(1, batch(1, []))
    assert found.aside() == [(found.run, 1, frame(1))]
    assert found.body(1) == batch(1, [])
    assert found.held_bytes == len(batch(1, []))
    found.close()


def test_what_is_kept_apart_has_a_bound_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffer, "MOST_ASIDE", 3 * len(frame(1)))
    found = Buffer(path)
    for seq in range(1, 6):
        found.store(seq, frame(seq))
        found.set_aside(seq, batch(seq, []))
    assert [seq for _, seq, _ in found.aside()] == [3, 4, 5]
    found.close()


def test_a_new_run_numbers_what_is_held_from_one(path: Path) -> None:
    found = Buffer(path)
    for seq in range(1, 8):
        found.store(seq, frame(seq))
    found.delete_to(4)
    found.new_run(99)
    assert (found.run, found.first(), found.next()) == (99, 1, 4)
    assert held(found) == {n: batch(n, [(0, n + 4, float(n + 4), 0)]) for n in (1, 2, 3)}
    found.close()
    again = Buffer(path)
    assert (again.run, again.first(), again.next()) == (99, 1, 4)
    again.close()


def test_a_transaction_that_fails_leaves_what_was_there(path: Path) -> None:
    found = Buffer(path)
    found.store(1, frame(1))

    def half() -> None:
        with found.transaction():
            found.store(2, frame(2))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert list(held(found)) == [1]
    found.store(2, frame(2, rows=2))
    assert held(found)[2] == frame(2, rows=2)
    found.close()


def test_a_full_disk_is_told_and_the_buffer_goes_on_when_there_is_room(path: Path) -> None:
    found = Buffer(path)
    found.store(1, frame(1))
    pages = found._db.execute("PRAGMA page_count").fetchone()[0]
    found._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DataError, match="the disk is full; make room, then put the readings again"):
        found.store(2, b"x" * 1_000_000)
    assert list(held(found)) == [1]
    found._db.execute("PRAGMA max_page_count = 1000000")
    found.store(2, b"x" * 1_000_000)
    assert list(held(found)) == [1, 2]
    found.close()


def test_after_a_failure_of_the_disk_nothing_more_is_taken(path: Path) -> None:
    found = Buffer(path)

    class Failing:
        def execute(self, statement: str, *values: Any) -> Any:
            if statement == "COMMIT":
                raise sqlite3.OperationalError("disk I/O error")
            return real.execute(statement, *values)

    real, found._db = found._db, Failing()  # type: ignore[assignment]
    with pytest.raises(DataError, match="disk I/O error; check the rights and the disk"):
        found.store(1, frame(1))
    found._db = real
    with pytest.raises(DataError, match="writing failed before; see to the disk"):
        found.store(1, frame(1))
    found.close()


def test_a_buffer_has_one_process(path: Path) -> None:
    found = Buffer(path)
    with pytest.raises(DataError, match="another process uses this buffer; every gateway needs its own"):
        Buffer(path)
    found.close()
    Buffer(path).close()


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0" + b"\xff" * 4000])
def test_what_is_no_buffer_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match="is no buffer, or damaged"):
        Buffer(path)
    assert path.read_bytes() == content


def test_a_database_of_somebody_else_is_refused(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE state (x)")
    db.close()
    with pytest.raises(DataError, match="is no buffer of this version of twin"):
        Buffer(path)


def test_a_buffer_with_a_hole_is_refused(path: Path) -> None:
    found = Buffer(path)
    for seq in (1, 2, 3):
        found.store(seq, frame(seq))
    found._db.execute("DELETE FROM batches WHERE seq = 2")
    found.close()
    with pytest.raises(DataError, match="batches are missing in the middle"):
        Buffer(path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        Buffer(tmp_path / "none" / "a.buffer")


def test_defects_of_the_caller_are_named(path: Path) -> None:
    found = Buffer(path)
    with pytest.raises(DataError, match="batch 2 can't follow on 0"):
        found.store(2, frame(2))
    with pytest.raises(DataError, match="batch 1 is not held"):
        found.body(1)
    found.close()


@settings(max_examples=30)
@given(st.lists(st.one_of(
    st.tuples(st.just("store"), st.integers(1, 30)), st.tuples(st.just("delete"), st.integers(0, 60)),
    st.tuples(st.just("aside"), st.integers(0, 60)), st.tuples(st.just("run"), st.integers(1, 99)),
    st.just(("open", 0)), st.just(("tidy", 0)),
), max_size=60))  # fmt: skip
def test_a_buffer_does_what_a_dictionary_would(tmp_path_factory: pytest.TempPathFactory, steps: Any) -> None:
    path = tmp_path_factory.mktemp("model") / "a.buffer"
    most = 400
    found, model, after, run = Buffer(path, most), dict[int, list[Any]](), 1, 0
    for what, number in steps:
        if what == "store":
            rows = [(0, after, 0.0, 0)] * number
            while model and sum(len(batch(s, r)) for s, r in model.items()) + len(batch(after, rows)) > most:
                del model[min(model)]
            model[after] = rows
            found.store(after, batch(after, rows))
            after += 1
        elif what == "delete" and number < after:
            model = {seq: rows for seq, rows in model.items() if seq > number}
            found.delete_to(number)
        elif what == "aside" and number in model:
            model[number] = []
            found.set_aside(number, batch(number, []))
        elif what == "run":
            model, run = dict(enumerate(model.values(), 1)), number
            after = len(model) + 1
            found.new_run(number)
        elif what == "open":
            found.close()
            found = Buffer(path, most)
        elif what == "tidy":
            found.tidy()
        assert (found.first(), found.next()) == (min(model, default=after), after)
        assert found.held_bytes == sum(len(batch(seq, rows)) for seq, rows in model.items())
        assert run in (0, found.run)
    assert held(found) == {seq: batch(seq, rows) for seq, rows in model.items()}
    found.close()
