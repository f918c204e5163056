"""Branches that are executed: the same bytes however they are, and what goes wrong with one is its own affair."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.processes import until
from scenarios.execution import Outcome, execute
from scenarios.execution_local import LocalCrew
from tests.scenarios.branch_work import Common, Doing, Unloadable, alive, short, told, work
from tests.scenarios.sweeps import PATIENCE, among, content, nobody_is_left, plain, pressing, run
from twin.errors import DataError, PlantError, SimulationError, SnapshotError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a sweep that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    assert run(folder, plain()).ending == "done"
    return folder


def test_every_branch_is_answered_for_in_order(tmp_path: Path) -> None:
    outcome = run(tmp_path / "sweep", plain(), workers=1)
    assert (outcome.ending, outcome.reason, outcome.failures, outcome.total) == ("done", "", {}, 20)
    assert list(outcome.results) == [branch.key for branch in plain()]
    assert outcome.results["branch 16"]["root"] == 8.0
    assert outcome.results["branch 9"]["trace"].tolist() == [0.0, 6.0, 12.0]


@pytest.mark.parametrize("workers", [1, 4])
def test_the_number_of_workers_changes_no_byte(tmp_path: Path, whole: Path, workers: int) -> None:
    assert run(tmp_path / "sweep", plain(), workers=workers).ending == "done"
    assert content(tmp_path / "sweep") == content(whole)


def test_workers_are_kept_and_told_what_is_common_once(tmp_path: Path) -> None:
    run(tmp_path / "sweep", plain(), batch=1, workers=2)
    assert len(told(tmp_path / "marks")) == 2
    assert nobody_is_left(tmp_path / "sweep")


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("raises", "ZeroDivisionError: no pump at 1"),
        ("exits", "its process ended with exit code 7"),
        ("segfaults", "its process died: Segmentation fault"),
        ("fails", "numbers turned NaN"),
        ("tells", "said: a str can't be kept; return numbers and arrays of numbers"),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_what_befalls_a_branch_is_told_by_its_name_and_the_others_finish(
    tmp_path: Path, does: str, reason: str, workers: int
) -> None:
    branches = among(Doing("bad", 1.0, does), Doing("worse", 1.0, does))
    outcome = run(tmp_path / "sweep", branches, workers=workers)
    assert outcome.ending == "done"
    assert outcome.failures == {"bad": reason, "worse": reason}
    assert list(outcome.results) == [branch.key for branch in branches if branch.does == "answers"]


@pytest.mark.parametrize("does", ["hangs", "holds"])
def test_a_branch_that_hangs_is_told_by_its_name_and_the_others_finish(tmp_path: Path, does: str) -> None:
    outcome = run(tmp_path / "sweep", among(Doing("bad", 1.0, does)), patience=1.0)
    assert outcome.failures == {"bad": "gave no answer within 1 s"}
    assert len(outcome.results) == 11
    assert nobody_is_left(tmp_path / "sweep")


def test_failures_leave_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    branches = among(Doing("bad", 1.0, "exits"), Doing("worse", 1.0, "raises"), Doing("worst", 1.0, "fails"))
    for workers in (1, 3):
        run(tmp_path / str(workers), branches, workers=workers)
    assert content(tmp_path / "1") == content(tmp_path / "3")


def test_failed_branches_alone_are_tried_again(tmp_path: Path) -> None:
    branches = among(Doing("bad", 1.0, "once"))
    # The batch raises at the first try, and by itself the branch answers at the second.
    assert run(tmp_path / "sweep", branches, batch=1).failures == {"bad": "ZeroDivisionError: the first time"}
    heard: list[str] = []
    outcome = run(tmp_path / "sweep", branches, batch=1, found=heard.extend)
    assert (outcome.failures, heard) == ({}, ["bad"])


def test_a_branch_that_cant_be_sent_fails_alone(tmp_path: Path) -> None:
    outcome = run(tmp_path / "sweep", among(Doing("bad", threading.Lock())))  # type: ignore[arg-type]
    assert outcome.failures == {"bad": "can't be sent to a worker: TypeError: cannot pickle '_thread.lock' object"}
    assert len(outcome.results) == 11


def test_a_branch_that_cant_be_received_fails_alone(tmp_path: Path) -> None:
    outcome = run(tmp_path / "sweep", among(Doing("bad", Unloadable())))  # type: ignore[arg-type]
    assert outcome.failures == {"bad": "ModuleNotFoundError: No module named 'elsewhere'"}
    assert len(outcome.results) == 11


def test_work_that_forgets_branches_is_found_out(tmp_path: Path) -> None:
    outcome = execute(short, None, plain(1), folder=tmp_path / "sweep", identity="question")
    assert outcome.failures == {"branch 0": "ValueError: work returned 0 results for 1 branches"}


def test_a_finished_sweep_starts_no_worker_again(tmp_path: Path, whole: Path) -> None:
    before = told(whole.with_name("marks"))
    outcome = run(whole, plain())
    assert (outcome.ending, len(outcome.results)) == ("done", 20)
    assert told(whole.with_name("marks")) == before


def test_more_branches_are_added_to_what_is_finished(tmp_path: Path) -> None:
    heard: list[str] = []
    run(tmp_path / "sweep", plain(8))
    outcome = run(tmp_path / "sweep", plain(12), found=heard.extend)
    assert len(outcome.results) == 12
    assert sorted(heard) == ["branch 10", "branch 11", "branch 8", "branch 9"]


def test_a_folder_of_another_question_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "sweep", plain(4))
    with pytest.raises(SnapshotError, match="another question"):
        run(tmp_path / "sweep", plain(4), identity="another")


def test_the_first_branches_are_answered_first_and_no_number_differs(tmp_path: Path, whole: Path) -> None:
    heard: list[list[str]] = []
    outcome = run(
        tmp_path / "sweep", plain(), workers=1, first=["branch 13", "branch 2"], found=lambda r: heard.append(list(r))
    )
    assert heard[0] == ["branch 13", "branch 2"]
    assert outcome.results.digest == run(whole, plain()).results.digest
    assert list(outcome.results) == [branch.key for branch in plain()]


def test_progress_counts_to_the_end_and_knows_the_time_left_only_from_finished_batches(tmp_path: Path) -> None:
    seen: list[tuple[int, int, int, float | None]] = []
    branches = among(Doing("bad", 1.0, "fails"))
    run(tmp_path / "sweep", branches, workers=1, first=["later 0"], progress=lambda *told: seen.append(told))
    assert seen[0] == (0, 0, 12, None)
    assert seen[1] == (1, 0, 12, None)  # a small first batch says nothing about the others
    assert all(left is not None and left > 0.0 for *_, left in seen[2:-1])
    assert seen[-1] == (11, 1, 12, 0.0)


@pytest.mark.parametrize(
    ("branches", "options", "said"),
    [
        ([Doing("same"), Doing("same")], {}, "two branches are called 'same'"),
        (plain(), {"first": ["branch x"]}, "no branch 'branch x'; did you mean"),
        (plain(), {"batch": 0}, "batches of 0"),
        (plain(), {"workers": 0}, "0 workers"),
        (plain(), {"patience": 0.0}, "patience 0 s"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_folder_is_made(
    tmp_path: Path, branches: list[Doing], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(PlantError, match=said):
        run(tmp_path / "sweep", branches, **options)
    assert not (tmp_path / "sweep").exists()


def test_work_that_cant_be_imported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="can't be sent to workers"):
        execute(lambda common, branches: [], None, plain(1), folder=tmp_path / "sweep", identity="question")


def test_common_that_workers_cant_load_ends_the_sweep_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't take up the work: ModuleNotFoundError: No module named 'elsewhere'"):
        execute(work, Unloadable(), plain(1), folder=tmp_path / "sweep", identity="question")  # type: ignore[arg-type]


def test_workers_that_die_while_they_start_end_the_sweep_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DataError, match="its process ended with exit code 1 while it started"):
        run(tmp_path / "sweep", plain())


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_keeps_what_is_finished_and_the_rest_is_run_later_to_the_same_bytes(
    tmp_path: Path, whole: Path, number: int, name: str
) -> None:
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    outcome = run(tmp_path / "sweep", plain(), workers=1, progress=pressing(2, number=number))
    assert (outcome.ending, outcome.reason) == ("interrupted", f"stopped by {name}")
    assert 8 <= len(outcome.results) < 20
    assert nobody_is_left(tmp_path / "sweep")
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers
    heard: list[str] = []
    resumed = run(tmp_path / "sweep", plain(), found=heard.extend)
    assert (resumed.ending, len(heard)) == ("done", 20 - len(outcome.results))
    assert content(tmp_path / "sweep") == content(whole)
    assert resumed.results.digest == run(whole, plain()).results.digest


def test_a_batch_that_hangs_doesnt_outlast_ctrl_c(tmp_path: Path) -> None:
    branches = [Doing("bad", 1.0, "holds"), *plain(3)]
    outcome = run(tmp_path / "sweep", branches, batch=1, progress=pressing(3))
    assert (outcome.ending, len(outcome.results), outcome.failures) == ("interrupted", 3, {})
    assert nobody_is_left(tmp_path / "sweep")


def test_a_second_ctrl_c_ends_it_at_once_and_keeps_what_is_finished(tmp_path: Path) -> None:
    def twice(done: int, *_: object) -> None:
        if done:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "sweep", [*plain(4), Doing("bad", 1.0, "holds")], progress=twice)
    assert nobody_is_left(tmp_path / "sweep")
    assert len(run(tmp_path / "sweep", plain(4)).results) == 4


def test_a_sweep_in_a_thread_leaves_signals_alone(tmp_path: Path) -> None:
    found: list[Outcome] = []
    thread = threading.Thread(target=lambda: found.append(run(tmp_path / "sweep", plain(4))))
    thread.start()
    thread.join()
    assert found[0].ending == "done"


KILLED = """
import sys
from pathlib import Path
from tests.scenarios.sweeps import Doing, plain, run
branches = [*plain(), Doing("held", 4.0, "holds")]
run(Path(sys.argv[1]), branches, batch=1, progress=lambda *told: print(*told, flush=True))
"""


def test_a_sweep_that_is_killed_leaves_no_process_and_a_folder_to_go_on_with(tmp_path: Path, repository: Path) -> None:
    sweep, marks = tmp_path / "sweep", tmp_path / "marks"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, sweep], stdout=subprocess.PIPE, text=True, cwd=repository, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        for line in parent.stdout:
            if line.startswith("20 "):
                break
        until(lambda: (marks / "held").exists())
        workers = told(marks)
        assert any(alive(process) for process in workers)
        parent.kill()
    until(lambda: nobody_is_left(sweep))
    (marks / "gate").touch()
    heard: list[str] = []
    outcome = run(sweep, [*plain(), Doing("held", 4.0, "holds")], batch=1, found=heard.extend)
    assert (heard, len(outcome.results), outcome.failures, outcome.damaged) == (["held"], 21, {}, ())


def test_a_worker_that_is_killed_while_idle_costs_nothing(tmp_path: Path) -> None:
    def kill(*_: object) -> None:
        for process in told(tmp_path / "marks"):
            os.kill(process, signal.SIGKILL) if alive(process) else None

    crew = LocalCrew(payload(tmp_path), 1, PATIENCE)
    try:
        for ticket in range(2):
            crew.begin(ticket, batch(Doing("one", 4.0)))
            ((_, answer),) = until(partial(crew.answers, 0.1))
            assert answer.lost == ""
            kill()
            until(lambda: not any(alive(process) for process in told(tmp_path / "marks")))
    finally:
        crew.close()
    assert len(told(tmp_path / "marks")) == 2


def payload(folder: Path) -> bytes:
    (folder / "marks").mkdir(exist_ok=True)
    return pickle.dumps(("question", work, Common(folder / "marks")))


def batch(*branches: Doing) -> bytes:
    return pickle.dumps(branches)


def test_a_full_disk_is_said_and_what_was_finished_is_kept(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, sync = iter(range(1000)), os.fsync

    def full(handle: int) -> None:
        if next(synced) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DataError) as refused:
            run(tmp_path / "sweep", plain())
    said = "results can't be written: No space left on device; make room and run it again: 8 finished branches are kept"
    assert str(refused.value) == f"{tmp_path / 'sweep'}: {said}"
    assert nobody_is_left(tmp_path / "sweep")
    assert set(content(tmp_path / "sweep")) < set(content(whole))
    heard: list[str] = []
    run(tmp_path / "sweep", plain(), found=heard.extend)
    assert len(heard) == 12
    assert content(tmp_path / "sweep") == content(whole)


def test_a_file_system_that_is_really_full_is_survived(tmp_path: Path, whole: Path) -> None:
    tiny = tmp_path / "sweep"
    tiny.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20k", "tmpfs", tiny], check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with pytest.raises(DataError, match="No space left on device; make room"):
            run(tiny, plain())
        assert set(content(tiny)) < set(content(whole))
        assert len(list(tiny.glob("*.npz"))) > 0
        subprocess.run(["mount", "-o", "remount,size=1m", tiny], check=True)
        assert run(tiny, plain()).ending == "done"
        assert content(tiny) == content(whole)
    finally:
        subprocess.run(["umount", tiny], check=True)


def test_a_damaged_file_of_results_is_noticed_and_run_again(tmp_path: Path, whole: Path) -> None:
    run(tmp_path / "sweep", plain())
    path = sorted((tmp_path / "sweep").glob("*.npz"))[1]
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0x10
    path.write_bytes(body)
    heard: list[str] = []
    outcome = run(tmp_path / "sweep", plain(), found=heard.extend)
    assert (outcome.damaged, len(heard)) == ((path.name,), 4)
    assert content(tmp_path / "sweep") == content(whole)
