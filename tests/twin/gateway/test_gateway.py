"""A gateway against a real ingest: what was put in arrives once and in order, whatever happens in between."""

import doctest
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from math import isnan, nan
from pathlib import Path
from typing import Any

import pytest

from tests.live import Ingest, Proxy, Serving, entries, free_port, sequence, until
from twin.errors import DataError
from twin.gateway import gateway as module
from twin.gateway.gateway import Gateway, Row
from twin.ingest import keys
from twin.journal.entries import Entry
from twin.protocol import MAX_ROWS, Tag, rows

TAGS = {"TI-1": "degC", "PI-1": "bar"}


def reading(n: int) -> Row:
    return ("TI-1", 1_700_000_000_000_000 + n, float(n), 0)


def values(found: list[Entry]) -> list[float]:
    return [value for entry in found if entry.kind == "data" for _, _, value, _ in rows(entry.body)[1]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.buffer"


@pytest.fixture
def serving(data: Path) -> Iterator[Serving]:
    with Serving(data) as found:
        yield found


def test_the_example_of_the_docstring_runs(serving: Serving, tmp_path: Path) -> None:
    globs = {"Gateway": Gateway, "address": serving.address, "folder": tmp_path}
    example = doctest.DocTestParser().get_doctest(Gateway.__doc__ or "", globs, "Gateway", None, 0)
    assert len(example.examples) == 5
    result = doctest.DocTestRunner().run(example, clear_globs=False)
    assert result.failed == 0
    assert values(serving.entries()) == [71.5, 6.2]


def test_readings_arrive_once_and_in_order(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        for n in range(300):
            gateway.put([reading(n)])
        gateway.flush()
        assert (gateway.waiting, gateway.connected, gateway.trouble, gateway.dropped) == (0, True, "", 0)
    assert values(serving.entries()) == [float(n) for n in range(300)]


def test_with_keys_the_gateway_proves_who_it_is(data: Path, path: Path) -> None:
    key = keys.new(data, "a")
    with Serving(data) as serving, Gateway("a", serving.address, path, TAGS, key) as gateway:
        gateway.put([reading(1)])
        gateway.flush()
        assert sequence(serving.entries(), "a") == [1]


def test_a_planned_stop_is_told(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        gateway.put([reading(1)])
        gateway.flush()
    assert [entry.kind for entry in serving.entries() if entry.gateway == "a"] == ["hello", "data", "bye"]


def test_many_batches_wait_for_the_disk_once_and_arrive(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        gateway.put_many([[reading(10 * n + i) for i in range(10)] for n in range(100)])
        gateway.flush()
    assert values(serving.entries()) == [float(n) for n in range(1000)]


def test_more_readings_than_a_batch_holds_become_several(serving: Serving, path: Path) -> None:
    count = MAX_ROWS + 3
    with Gateway("a", serving.address, path, TAGS) as gateway:
        gateway.put([reading(n) for n in range(count)])
        gateway.flush()
    assert sequence(serving.entries(), "a") == [1, 2]
    assert values(serving.entries()) == [float(n) for n in range(count)]


def test_nothing_put_is_nothing_sent(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        gateway.put([])
        gateway.flush()
    assert sequence(serving.entries(), "a") == []


def test_what_was_put_without_a_twin_arrives_when_there_is_one(data: Path, path: Path) -> None:
    port = free_port()
    with Gateway("a", f"tcp://127.0.0.1:{port}", path, TAGS) as gateway:
        for n in range(50):
            gateway.put([reading(n)])
        with pytest.raises(DataError, match=r"no answer; is a twin listening there\? \(50 batches stay in .*a\.buffer"):
            gateway.flush(timeout=0.2)
        with Serving(data, f"tcp://127.0.0.1:{port}") as serving:
            gateway.flush()
            assert values(serving.entries()) == [float(n) for n in range(50)]


def test_without_a_thread_whoever_put_moves_it_on(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS, background=False) as gateway:
        gateway.put([reading(1)])
        until(lambda: gateway.run_once(0.05) or gateway.waiting == 0)
        gateway.put([reading(2)])
        gateway.flush()
    assert values(serving.entries()) == [1.0, 2.0]


def test_with_a_thread_nobody_else_moves_it_on(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway, pytest.raises(DataError, match="background=False"):
        gateway.run_once()


def test_any_thread_may_put(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:

        def work(first: int) -> None:
            for n in range(first, first + 50):
                gateway.put([reading(n)])

        threads = [threading.Thread(target=work, args=(1000 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gateway.flush()
    found = values(serving.entries())
    assert sorted(found) == [float(1000 * i + n) for i in range(4) for n in range(50)]
    for i in range(4):
        mine = [value for value in found if 1000 * i <= value < 1000 * i + 50]
        assert mine == sorted(mine)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("TI-2", 0, 1.0, 0), r"no tag 'TI-2'; did you mean 'TI-1' or 'PI-1'\?; declare it first"),
        (("TI-1", -1, 1.0, 0), "time -1 is no number of microseconds"),
        (("TI-1", 2**62, 1.0, 0), "see to the clock"),
        (("TI-1", 0, 1.0, -1), "quality -0x1 is no OPC UA status code"),
        (("TI-1", 0, 1.0, 0xC0000000), "quality 0xc0000000 is no OPC UA status code"),
    ],
)
def test_a_row_that_the_twin_would_refuse_is_refused_at_once_and_nothing_is_stored(
    path: Path, row: Any, said: str
) -> None:
    with Gateway("a", "tcp://127.0.0.1:1", path, TAGS) as gateway:
        with pytest.raises(DataError, match=said):
            gateway.put_many([[reading(1)], [reading(2), row]])
        assert gateway.waiting == 0


def test_what_is_no_number_arrives_as_it_was_put(serving: Serving, path: Path) -> None:
    with Gateway("a", serving.address, path, [Tag("TI-1", "degC")]) as gateway:
        gateway.put([("TI-1", 0, nan, 0), ("TI-1", 1, None, 0x80000000), ("TI-1", 2, float("inf"), 0)])
        gateway.flush()
    (entry,) = [entry for entry in serving.entries() if entry.kind == "data"]
    found = rows(entry.body)[1]
    assert [isnan(found[0][2]), isnan(found[1][2]), found[2][2]] == [True, True, float("inf")]
    assert all(quality >= 0x80000000 for *_, quality in found)


def test_a_buffer_that_overflows_declares_what_was_lost(data: Path, path: Path) -> None:
    port = free_port()
    with Gateway("a", f"tcp://127.0.0.1:{port}", path, TAGS, most_bytes=2000) as gateway:
        for n in range(1, 201):
            gateway.put([reading(n)])
        assert gateway.dropped > 100
        with Serving(data, f"tcp://127.0.0.1:{port}") as serving:
            gateway.flush()
            found = serving.entries()
        assert sequence(found, "a") == list(range(gateway.dropped + 1, 201))
        assert [entry.seq for entry in found if entry.kind == "gap"] == [gateway.dropped]


def test_a_name_that_the_twin_refuses_is_told_with_the_code(data: Path, path: Path, tmp_path: Path) -> None:
    key = keys.gateway_keys(keys.new(data, "a"))
    keys.new(data, "b")
    with Serving(data) as serving:
        with Gateway("b", serving.address, path, TAGS, key._replace(gateway="b")) as posing:
            posing.put([reading(1)])
            with pytest.raises(DataError, match=r"^b at tcp://.*: not_allowed: .* \(1 batches stay in"):
                posing.flush()
            posing.put([reading(2)])  # kept, for when it is allowed
            assert posing.waiting == 2
        with Gateway("a", serving.address, tmp_path / "c.buffer", TAGS, key, "replay", time_us=lambda: 0) as replay:
            replay.put([reading(1)])
            with pytest.raises(DataError, match="not_allowed"):
                replay.flush()


def test_a_key_that_the_twin_does_not_know_is_told(data: Path, path: Path) -> None:
    known = keys.gateway_keys(keys.new(data, "b"))
    with Serving(data) as serving:
        (data / "keys" / "allow.txt").write_text("")
        with Gateway("b", serving.address, path, TAGS, known) as gateway:
            gateway.put([reading(1)])
            until(lambda: gateway.trouble)
            assert gateway.trouble == "not_allowed: the twin doesn't know this key; tell it by `twin keys allow`"


def test_a_key_for_another_twin_is_told(data: Path, path: Path, tmp_path: Path) -> None:
    keys.new(data, "b")
    foreign = keys.gateway_keys(keys.new(tmp_path / "other", "b"))
    with Serving(data) as serving, Gateway("b", serving.address, path, TAGS, foreign) as gateway:
        until(lambda: gateway.trouble)
        assert "compare its line `server` with the twin's" in gateway.trouble


def test_a_key_that_is_missing_is_told(data: Path, path: Path) -> None:
    keys.new(data, "b")
    with Serving(data) as serving, Gateway("b", serving.address, path, TAGS) as gateway:
        until(lambda: gateway.trouble)
        assert "asks for a key; give the file that `twin keys new` wrote" in gateway.trouble


@pytest.mark.parametrize("address", ["", "127.0.0.1:5555", "tcp://*:5555", "ipc:///x", "tcp://a:b", "tcp://a:1;x"])
def test_what_is_no_address_is_refused_and_the_buffer_is_free_again(path: Path, address: str) -> None:
    with pytest.raises(DataError, match="is no address of a twin"):
        Gateway("a", address, path, TAGS)
    Gateway("a", "tcp://127.0.0.1:1", path, TAGS).close()


def test_a_gateway_that_cannot_be_is_refused(data: Path, path: Path) -> None:
    key = keys.new(data, "b")
    with pytest.raises(DataError, match="the key is that of b"):
        Gateway("a", "tcp://127.0.0.1:1", path, TAGS, key)
    with pytest.raises(DataError, match="give time_us"):
        Gateway("a", "tcp://127.0.0.1:1", path, TAGS, clock="replay")
    with pytest.raises(DataError):
        Gateway("a", "tcp://127.0.0.1:1", path, {"not a name": "degC"})
    Gateway("a", "tcp://127.0.0.1:1", path, TAGS).close()


def test_a_closed_gateway_takes_nothing(path: Path) -> None:
    gateway = Gateway("a", "tcp://127.0.0.1:1", path, TAGS)
    gateway.close()
    gateway.close()
    for work in (lambda: gateway.put([reading(1)]), lambda: gateway.flush(0.1)):
        with pytest.raises(DataError, match="is closed; make a new one"):
            work()


def test_ingest_that_is_killed_and_started_again_has_everything_once(data: Path, path: Path) -> None:
    key = keys.new(data, "a")
    listen = f"tcp://127.0.0.1:{free_port()}"
    with Ingest(data, listen) as ingest, Gateway("a", listen, path, TAGS, key) as gateway:
        for n in range(60):
            gateway.put([reading(n)])
            if n in (20, 40):
                ingest.kill()
                ingest.start()
        gateway.flush()
    assert sequence(entries(data), "a") == list(range(1, 61))
    assert values(entries(data)) == [float(n) for n in range(60)]


PRODUCER = """
import sys
from pathlib import Path
from twin.gateway.gateway import Gateway
with Gateway("a", sys.argv[1], Path(sys.argv[2]), {"TI-1": "degC"}) as gateway:
    for line in sys.stdin:
        gateway.put([("TI-1", int(line), float(line), 0)])
        print(line, end="", flush=True)  # what put returned from is promised
"""


def test_a_gateway_that_is_killed_loses_nothing_that_put_returned_from(serving: Serving, path: Path) -> None:
    promised = 0
    for _ in range(3):
        producer = subprocess.Popen(
            [sys.executable, "-c", PRODUCER, serving.address, path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert producer.stdin is not None
        assert producer.stdout is not None
        for _ in range(40):
            producer.stdin.write(f"{promised + 1}\n")
            producer.stdin.flush()
            promised = int(producer.stdout.readline())
        producer.send_signal(signal.SIGKILL)
        producer.wait()
        producer.stdin.close()
        producer.stdout.close()
    with Gateway("a", serving.address, path, {"TI-1": "degC"}) as gateway:
        gateway.flush()
        assert gateway.counts["new runs"] == 0
    assert values(serving.entries()) == [float(n) for n in range(1, promised + 1)]


def test_connections_that_are_cut_or_swallowed_lose_nothing(serving: Serving, path: Path) -> None:
    with Proxy(lambda: serving.port) as proxy, Gateway("a", f"tcp://127.0.0.1:{proxy.port}", path, TAGS) as gateway:
        for n in range(80):
            gateway.put([reading(n)])
            if n in (20, 50):
                proxy.cut()
            if n == 35:
                until(lambda: gateway.connected)
                proxy.hole()
                gateway.put([reading(1000)])
                until(lambda: not gateway.connected)  # the silence is noticed
                proxy.heal()
        gateway.flush()
    found = values(serving.entries())
    assert [value for value in found if value < 1000.0] == [float(n) for n in range(80)]
    assert found.count(1000.0) == 1


def test_a_buffer_that_was_restored_begins_a_new_run(serving: Serving, path: Path, tmp_path: Path) -> None:
    def put(first: int, last: int) -> None:
        with Gateway("a", serving.address, path, TAGS) as gateway:
            for n in range(first, last):
                gateway.put([reading(n)])
            gateway.flush()

    put(0, 5)
    backup = path.read_bytes()
    put(5, 10)
    path.write_bytes(backup)
    for log in tmp_path.glob("a.buffer-*"):
        log.unlink()
    put(20, 25)
    found = [entry for entry in serving.entries() if entry.kind == "data"]
    assert len({entry.run for entry in found}) == 2
    assert values(found) == [*map(float, range(10)), *map(float, range(20, 25))]


def test_a_gateway_needs_nothing_heavy() -> None:
    script = "import sys, twin.gateway.gateway; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert loaded.isdisjoint({"numpy", "numba", "h5py", "dash", "scipy", "simpy", "pydantic", "pint", "yaml", "rich"})


def test_a_disk_that_fails_is_told_to_whoever_puts(
    serving: Serving, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        until(lambda: gateway.connected)

        def fail(self: Any, seq: int) -> bytes:
            raise DataError("a.buffer: disk I/O error")

        monkeypatch.setattr(module.Buffer, "body", fail)
        gateway.put([reading(1)])  # is on disk; whoever put it must not put it again
        for work in (gateway.flush, lambda: gateway.put([reading(2)])):
            with pytest.raises(DataError, match=r"a: sending stopped: a\.buffer: disk I/O error"):
                work()
    monkeypatch.undo()
    with Gateway("a", serving.address, path, TAGS) as gateway:
        gateway.flush()
    assert values(serving.entries()) == [1.0]


@pytest.mark.filterwarnings("ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_thread_is_not_silence(serving: Serving, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Gateway("a", serving.address, path, TAGS) as gateway:
        until(lambda: gateway.connected)
        monkeypatch.setattr(module.Sender, "on_message", lambda *_: 1 / 0)
        gateway.put([reading(1)])
        with pytest.raises(DataError, match="a defect of twin: ZeroDivisionError"):
            gateway.flush()
