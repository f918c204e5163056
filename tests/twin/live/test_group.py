"""Processes of a group: who dies is started again, and whatever ends the group ends all of them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import until
from twin.errors import DataError, PlantError
from twin.live import group
from twin.live.group import Group, Part

STAYS = """
import signal, sys, threading
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
print("up", sys.argv[1:], flush=True)
over.wait()
print("bye", flush=True)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("heard", flush=True))
print("up", flush=True)
while True:
    time.sleep(600)
"""
DIES = "import sys; print('going', flush=True); sys.exit('its last words')"
REFUSES = "import sys; print('no such plant', file=sys.stderr); sys.exit(3)"
DONE = "print('done')"
HOLDS = """
import sys, time
from pathlib import Path
from twin.live.group import Group, Part
with Group(Path(sys.argv[1])) as group:
    for name in ("one", "two"):
        group.start(Part(name, ("stays",)))
    while True:
        group.check()
        time.sleep(0.02)
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"stays": STAYS, "deaf": DEAF, "dies": DIES, "refuses": REFUSES, "done": DONE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def said(folder: Path, name: str) -> str:
    file = folder / f"{name}.log"
    return file.read_text() if file.exists() else ""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_end_in_order_the_last_started_first(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        for name in ("one", "two"):
            found.start(Part(name, ("stays", name)))
            until(lambda name=name: "up" in said(tmp_path, name))
        pids = [p.pid for p in found.processes.values()]
        assert list(found.end().items()) == [("two", 0), ("one", 0)]
    assert not any(map(alive, pids))
    assert said(tmp_path, "one") == "up ['one']\nbye\n"


def test_a_process_that_was_killed_is_started_again_with_the_same_arguments(tmp_path: Path) -> None:
    told: list[str] = []
    with Group(tmp_path, log=told.append) as found:
        found.start(Part("one", ("stays", "--at", "*")))
        found.settle("one", "--at", "7")
        found.settle("one", "--nowhere", "7")
        until(lambda: "up" in said(tmp_path, "one"))
        first = found.processes["one"]
        first.kill()
        first.wait()
        found.check()
        until(lambda: said(tmp_path, "one").count("up") == 2)
        assert found.running("one")
        found.check()
        assert found.processes["one"].pid != first.pid
    assert told == ["one ended with code -9; started again"]
    assert said(tmp_path, "one") == "up ['--at', '*']\nup ['--at', '7']\nbye\n"


def test_a_process_that_dies_again_and_again_ends_the_group_with_its_last_words(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        found.start(Part("other", ("stays",)))
        found.start(Part("one", ("dies",)))
        for _ in range(group.MOST_STARTS - 1):
            found.processes["one"].wait()
            found.check()
        found.processes["one"].wait()
        with pytest.raises(DataError, match=r"^one: ended with code 1: its last words; see .*/one\.log$"):
            found.check()
        other = found.processes["other"].pid
        assert said(tmp_path, "one").count("its last words") == group.MOST_STARTS
    assert not alive(other)


def test_a_process_that_died_long_ago_is_started_again_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group, "WINDOW", -1.0)
    with Group(tmp_path) as found:
        found.start(Part("one", ("dies",)))
        for _ in range(group.MOST_STARTS + 1):
            found.processes["one"].wait()
            found.check()


def test_a_process_that_refuses_what_it_was_given_is_not_started_again(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        found.start(Part("one", ("refuses",)))
        found.processes["one"].wait()
        with pytest.raises(PlantError, match=r"^one: ended with code 3: no such plant; see "):
            found.check()


def test_a_process_that_may_end_may(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        found.start(Part("one", ("done",), again=False))
        found.processes["one"].wait()
        found.check()
        assert not found.running("one")
        assert found.end(["one", "nobody"]) == {"one": 0}


def test_one_that_may_end_but_fails_ends_the_group(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        found.start(Part("one", ("dies",), again=False))
        found.processes["one"].wait()
        with pytest.raises(DataError, match="ended with code 1"):
            found.check()


def test_a_process_that_does_not_hear_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "PATIENCE", 0.2)
    told: list[str] = []
    with Group(tmp_path, log=told.append) as found:
        found.start(Part("one", ("deaf",)))
        until(lambda: "up" in said(tmp_path, "one"))
        assert found.end() == {"one": -signal.SIGKILL}
    assert told == ["one did not end in 0.2 s; killed"]


def holder(folder: Path) -> tuple["subprocess.Popen[bytes]", list[int]]:
    """Return a process that holds a group of two, and these."""
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parents[3]}"}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, folder], env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: "up" in said(folder, "one") and "up" in said(folder, "two"))
    return process, [int(p) for p in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_whatever_ends_the_holder_ends_every_process_in_order(tmp_path: Path, number: int) -> None:
    process, children = holder(tmp_path)
    assert len(children) == 2
    process.send_signal(number)
    process.wait(20)
    until(lambda: not any(map(alive, children)))
    assert said(tmp_path, "one").endswith("bye\n")
    assert said(tmp_path, "two").endswith("bye\n")


def test_who_interrupts_twice_waits_for_nobody(tmp_path: Path) -> None:
    (tmp_path / "stays.py").write_text(DEAF)
    process, children = holder(tmp_path)
    process.send_signal(signal.SIGINT)
    until(lambda: "heard" in said(tmp_path, "two"))
    process.send_signal(signal.SIGINT)
    process.wait(group.PATIENCE / 2.0)
    until(lambda: not any(map(alive, children)))


def test_words_of_who_said_nothing(tmp_path: Path) -> None:
    with Group(tmp_path) as found:
        assert found.words("nobody") == "it said nothing"
