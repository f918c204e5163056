"""What-if runs are kept whole, done one after another, and end with the view; none outlives it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz import stand_in
from twin.errors import DataError
from viz import jobs, leash, runner
from viz.jobs import Job, Progress, Store, arguments, outcome, percent
from viz.runner import Runner


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def asked(token: str = "a", **more: Any) -> Job:
    """Return a run as somebody asks for it."""
    said = {"id": "", "token": token, "scenario": "slower_spindle", "question": {"en": "what if?"}, "who": "kim"}
    return Job(**{**said, "asked": 0.0, **more})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder."""
    found = tmp_path / "data"
    found.mkdir()
    return found


@pytest.fixture
def runs(data: Path, control: Path) -> Iterator[Runner]:
    """Yield a runner of the stand-in, and end it."""
    found = Runner(data, stand_in.command(control))
    yield found
    found.close()


def ended(runs: Runner, job: Job) -> Job:
    """Wait for a run's end, and return how it stands then."""
    until(lambda: (now := runs.store.job(job.id)) and now.state in jobs.ENDED)
    found = runs.store.job(job.id)
    assert found is not None
    return found


def state(runs: Runner, job: Job) -> str:
    found = runs.store.job(job.id)
    return found.state if found else "gone"


def held_up(runs: Runner, control: Path, branches: int = 50) -> Job:
    """Begin a run that goes on to so many branches and waits there."""
    (control / "allow").write_text(str(branches))
    job = runs.start(asked())
    until(lambda: runs.store.progress(job).done == branches)
    return job


def children(name: str) -> list[int]:
    """Return the processes of this machine that a run's id was given to."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and name.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_run_is_done_and_what_came_of_it_is_kept_with_who_asked(runs: Runner) -> None:
    job = ended(runs, runs.start(asked(changes=["slower:spindle_1.speed_set=-20 %"], seed=7)))
    assert (job.state, job.who, job.code, job.message) == ("done", "kim", 0, "")
    assert job.asked <= job.begun <= job.ended
    assert runs.store.progress(job) == Progress(200, 2, 202, 75.0, "done", "")
    assert runs.store.file(job, "answer.json") is not None
    assert runs.store.tables(job) == ["tables/numbers.csv"]


def test_every_value_reaches_the_command_as_a_part_of_one_argument(runs: Runner) -> None:
    hostile = "--out=/tmp; rm -rf / $(id) `id` | \"'"
    job = ended(runs, runs.start(asked(changes=[f"slower:spindle_1.speed_set={hostile}"], replications=10, seed=3)))
    given = json.loads((runs.store.out(job) / "argv.json").read_text())
    assert given[:3] == ["slower_spindle", "--out", str(runs.store.out(job))]
    assert f"--set=slower:spindle_1.speed_set={hostile}" in given
    assert given[-2:] == ["--replications=10", "--seed=3"]
    assert [g for g in given if g.startswith("--out")] == ["--out"]


def test_a_precision_takes_the_place_of_replications_and_a_start_is_named(tmp_path: Path) -> None:
    found = arguments(asked(precision="1 %", replications=5, start="live"), tmp_path, tmp_path / "out", 2)
    assert "--precision=1 %" in found
    assert f"--from={tmp_path}" in found
    assert not any(each.startswith("--replications") for each in found)
    assert "--from=rest" in arguments(asked(start="rest"), tmp_path, tmp_path, 1)
    assert not any(each.startswith("--from") for each in arguments(asked(), tmp_path, tmp_path, 1))


def test_a_command_that_refuses_is_quoted_word_for_word(runs: Runner) -> None:
    job = ended(runs, runs.start(asked(changes=["slower:spindle_1.speed_set=9000 rad/s"])))
    assert (job.state, job.code) == ("failed", 3)
    assert (
        job.message == "slower_spindle.yaml:12: slower: spindle_1.speed_set 9000 rad/s > 4000 rad/s; give at most that"
    )


def test_a_run_that_fails_on_its_way_says_what_its_progress_says(runs: Runner) -> None:
    job = ended(runs, runs.start(asked(changes=["slower:flow.rack_1.capacity=defect"])))
    assert (job.state, job.message) == ("failed", "line: nothing can move any more; give rack_1 more room")


def test_runs_wait_for_each_other_and_the_first_that_came_is_done_first(runs: Runner, control: Path) -> None:
    first = held_up(runs, control)
    others = [runs.start(asked(token)) for token in "bc"]
    assert [runs.place(job) for job in others] == [1, 2]
    assert [state(runs, job) for job in (first, *others)] == ["running", "waiting", "waiting"]
    (control / "allow").unlink()
    done = [ended(runs, job) for job in (first, *others)]
    assert [job.state for job in done] == ["done"] * 3
    assert done[0].ended <= done[1].begun < done[1].ended <= done[2].begun


def test_a_cancelled_run_keeps_what_is_finished_and_goes_on_from_there(runs: Runner, control: Path) -> None:
    job = held_up(runs, control, 60)
    assert runs.cancel(job, "lee")
    found = ended(runs, job)
    assert (found.state, found.cancelled, found.code) == ("interrupted", "lee", 130)
    assert runs.store.file(job, "answer.json") is not None
    runs.go_on(found)
    until(lambda: runs.store.progress(job).done >= 60 and state(runs, job) == "running")
    (control / "allow").unlink()
    assert ended(runs, job).state == "done"
    assert not runs.cancel(job, "lee")
    with pytest.raises(DataError, match="it is done or being run"):
        runs.go_on(found)


def test_a_run_that_waits_is_cancelled_without_being_begun(runs: Runner, control: Path) -> None:
    held_up(runs, control)
    waiting = runs.start(asked("b"))
    assert runs.cancel(waiting, "lee")
    assert state(runs, waiting) == "interrupted"
    assert not runs.store.out(waiting).exists()


def test_runs_end_with_the_view_and_are_interrupted_not_lost(runs: Runner, control: Path) -> None:
    job, waiting = held_up(runs, control), runs.start(asked("b"))
    assert children(job.id)
    runs.close()
    assert children(job.id) == []
    assert [state(runs, one) for one in (job, waiting)] == ["interrupted"] * 2
    with pytest.raises(DataError, match="the view is ending"):
        runs.start(asked("c"))


def test_a_run_that_does_not_heed_is_killed_after_a_while(
    data: Path, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "GOODBYE", 0.2)
    deaf = "import signal, sys, time; signal.signal(2, signal.SIG_IGN); open(sys.argv[1] + '/up', 'w'); time.sleep(600)"
    runs = Runner(data, (sys.executable, "-c", deaf, str(control)))
    job = runs.start(asked())
    until((control / "up").exists)
    runs.close()
    assert children(job.id) == []
    found = runs.store.job(job.id)
    assert found is not None
    assert (found.state, found.code) == ("interrupted", -signal.SIGKILL)


def test_a_view_that_is_killed_leaves_no_run_behind_and_the_next_one_calls_it_interrupted(
    data: Path, control: Path
) -> None:
    (control / "allow").write_text("50")
    text = (
        "import sys; from pathlib import Path; from viz.runner import Runner; from tests.viz.test_jobs import asked\n"
        f"r = Runner(Path({str(data)!r}), {stand_in.command(control)!r})\n"
        "print(r.start(asked()).id, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdin=-1, stdout=-1, text=True) as view:
        assert view.stdout is not None
        name = view.stdout.readline().strip()
        store = Store(data)
        job = until(lambda: store.job(name))
        until(lambda: store.progress(job).done == 50)
        second = Runner(data, stand_in.command(control))
        assert "another view" in second.trouble
        with pytest.raises(DataError, match="another view runs what is asked here"):
            second.start(asked("b"))
        assert state(second, job) == "running"
        view.kill()
    until(lambda: children(name) == [])
    third = Runner(data)
    assert (third.trouble, state(third, job)) == ("", "interrupted")
    third.close()


def test_a_child_stands_back_and_heeds_ctrl_c_where_the_view_ignores_it() -> None:
    said = "import os, signal; print(os.nice(0), signal.getsignal(2) is signal.default_int_handler)"
    program = [sys.executable, "-P", leash.__file__, str(os.getpid()), sys.executable, "-c", said]
    shell = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *program]
    found = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split()
    assert found == [str(min(19, os.nice(0) + leash.NICE)), "True"]


def test_a_child_whose_parent_is_gone_does_not_begin() -> None:
    program = [sys.executable, "-P", leash.__file__, "1", sys.executable, "-c", "print('begun')"]
    found = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (130, "")


def test_what_is_asked_twice_by_one_browser_is_begun_once(runs: Runner) -> None:
    first = runs.start(asked("a"))
    assert runs.start(asked("a")).id == first.id
    assert len(runs.store.jobs()) == 1


def test_too_many_runs_are_refused_with_what_to_do(
    runs: Runner, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_WAITING", 1)
    held_up(runs, control)
    runs.start(asked("b"))
    with pytest.raises(DataError, match="1 runs wait already; cancel one"):
        runs.start(asked("c"))
    monkeypatch.setattr(jobs, "MOST_WAITING", 9)
    monkeypatch.setattr(jobs, "MOST_JOBS", 2)
    with pytest.raises(DataError, match="2 runs are kept; delete one before the next"):
        runs.start(asked("d"))


def test_a_full_disk_is_told_before_a_run_begins(runs: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LEAST_ROOM", 2**62)
    with pytest.raises(DataError, match="MiB are free, a run may need"):
        runs.start(asked())
    assert runs.store.jobs() == []


def test_what_a_full_disk_keeps_from_being_noted_is_noted_once_there_is_room(
    runs: Runner, control: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = held_up(runs, control)

    def full(path: Path, content: bytes) -> None:
        raise DataError(f"{path}: can't be written: No space left on device; check the folder and the disk")

    monkeypatch.setattr(jobs, "write_private", full)
    monkeypatch.setattr(runner, "AGAIN", 0.02)
    (control / "allow").unlink()
    until(lambda: "No space left" in caplog.text)
    assert state(runs, job) == "running"
    monkeypatch.undo()
    assert ended(runs, job).state == "done"


@pytest.mark.parametrize("make", [lambda path: path.write_text("x"), lambda path: path.symlink_to("/nowhere/at/all")])
def test_a_folder_that_cannot_be_written_is_told_and_nothing_fails(
    data: Path, control: Path, make: Callable[[Path], Any]
) -> None:
    make(data / jobs.FOLDER)
    runs = Runner(data, stand_in.command(control))
    assert runs.trouble.endswith("is no folder; move it away")
    with pytest.raises(DataError, match="give the view a data folder that it may write to"):
        runs.start(asked())
    assert runs.store.jobs() == []
    runs.close()


def test_a_run_is_deleted_whole_but_not_while_it_goes_on(runs: Runner, control: Path) -> None:
    job = held_up(runs, control)
    assert not runs.delete(job)
    (control / "allow").unlink()
    assert runs.delete(ended(runs, job))
    assert [path.name for path in runs.store.folder.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    "name",
    ["job.json", "../job.json", "argv.json", "progress.json", "/etc/passwd", "tables/../answer.json", "report.en.html/",
     "tables/.csv", "tables/a/b.csv", "tables/\x00.csv", "", ".", "Answer.json", "tables/numbers.csv\n"],
)  # fmt: skip
def test_only_what_a_run_is_meant_to_show_is_found(runs: Runner, name: str) -> None:
    job = ended(runs, runs.start(asked()))
    assert runs.store.file(job, name) is None


def test_a_link_in_place_of_a_file_is_not_followed(runs: Runner, tmp_path: Path) -> None:
    job = ended(runs, runs.start(asked()))
    (tmp_path / "secret.csv").write_text("secret")
    out = runs.store.out(job)
    (out / "answer.json").unlink()
    (out / "answer.json").symlink_to(tmp_path / "secret.csv")
    (out / "tables" / "numbers.csv").unlink()
    (out / "tables").rmdir()
    (out / "tables").symlink_to(tmp_path)
    assert runs.store.file(job, "answer.json") is None
    assert runs.store.file(job, "tables/secret.csv") is None
    assert runs.store.tables(job) == []


@pytest.mark.parametrize("name", ["", "..", "../x", "20260101-000000-abcdeg", "20260101-000000-abcdef\n", "x" * 500])
def test_what_is_no_id_is_no_run(runs: Runner, name: str) -> None:
    assert runs.store.job(name) is None


def test_damaged_metadata_is_passed_over(runs: Runner) -> None:
    job = ended(runs, runs.start(asked()))
    for content in (b"", b"{}", b"\xff", b"[" * 10_000):
        (runs.store.folder / job.id / "job.json").write_bytes(content)
        assert runs.store.jobs() == []


@pytest.mark.parametrize(
    ("code", "progress", "said", "stopped", "found"),
    [
        (0, Progress(ending="done"), "a warning", False, ("done", "")),
        (130, Progress(ending="interrupted"), "interrupted", False, ("interrupted", "")),
        (-2, Progress(), "", True, ("interrupted", "")),
        (1, Progress(ending="failed", message="a: b; c"), "other", False, ("failed", "a: b; c")),
        (3, Progress(), "first\nx.yaml:1: no; do\n\n", False, ("failed", "x.yaml:1: no; do")),
        (-9, Progress(), "", False, ("failed", "")),
    ],
)
def test_how_a_run_ended_is_read_from_its_exit_code_and_words(
    code: int, progress: Progress, said: str, stopped: bool, found: tuple[str, str]
) -> None:
    assert outcome(code, progress, said, stopped=stopped) == found


@pytest.mark.parametrize(
    ("progress", "share"), [(Progress(), 0.0), (Progress(1, 1, 4), 50.0), (Progress(9, 9, 4), 100.0)]
)
def test_a_share_lies_between_nothing_and_all(progress: Progress, share: float) -> None:
    assert percent(progress) == share
