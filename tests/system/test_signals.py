"""Processes of `twin` that are asked to end, or whose streams are closed, full or of another encoding."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

from tests.store import PLANT, folder_of_assets, plant_file
from twin.archive import Run

TWIN = [sys.executable, "-c", "from twin.cli import main; main()"]
ENDLESS = PLANT.replace("0.1 m3/s", "0 m3/s")


def asked(arguments: list[Any], number: int, after: str, tmp_path: Path) -> tuple[int, str, float]:
    """Run `twin`, signal it once the plant's driver is called, and return code, stderr and how long it took [s]."""
    script = (
        "import twin.runs as runs\n"
        "drive = runs._drive\n"
        f"def told(*a): print('{after}', flush=True); drive(*a)\n"
        "runs._drive = told\n"
        "from twin.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "run", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == after + "\n"
    try:
        process.wait(0.7)  # some windows
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    started = perf_counter()
    err = process.communicate(timeout=60)[1]
    return process.returncode, err, perf_counter() - started


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    return folder_of_assets(tmp_path)


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "runs").mkdir()
    yield tmp_path / "runs" / "run.h5"
    assert {f.name for f in (tmp_path / "runs").iterdir()} <= {"run.h5"}, "no temporary file is left"


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGHUP")]
)
def test_a_run_that_is_asked_to_end_records_what_was_done(
    tmp_path: Path, extra: Path, out: Path, number: int, name: str
) -> None:
    plant = plant_file(tmp_path, ENDLESS)
    options = [plant, "--assets", extra, "--for", "1e9s", "--out", out]
    code, err, _ = asked(options, number, "running", tmp_path)
    assert code == 130
    last = err.splitlines()[-1]
    assert last.startswith("interrupted at t = ")
    assert last.endswith(" s; what was done is kept")
    with Run.load(out) as run:
        assert (run.meta["ending"], run.meta["message"]) == ("interrupted", f"stopped by {name}")
        assert run["LI-1"].time[-1] == run.meta["time"] > 0.0


def test_a_run_of_tiny_steps_obeys_and_keeps_whole_windows(tmp_path: Path, extra: Path, out: Path) -> None:
    # A sample takes 1e9 steps, minutes on any machine: the window in hand can't be waited for.
    plant = plant_file(tmp_path, ENDLESS.replace("100 ms", "1 ns"))
    options = [plant, "--assets", extra, "--for", "10s", "--out", out]
    code, err, _ = asked(options, signal.SIGINT, "running", tmp_path)
    assert code == 130
    assert err.splitlines()[-1].startswith("interrupted at t = ")
    with Run.load(out) as run:
        assert run["LI-1"].time[0] == 0.0
        assert run.meta["ending"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_hears_what_was_asked_while_an_object_was_finalised(number: int) -> None:
    # Python drops whatever is raised there: the command would go on, and never be asked again.
    script = (
        "import os, time\n"
        "from twin import cli\n"
        "class Deaf:\n"
        "    def __del__(self):\n"
        f"        os.kill(os.getpid(), {number:d}); time.sleep(5)\n"
        "cli.twin.main = lambda *given, **how: (Deaf() and 0, time.sleep(50))\n"
        "cli.main(['assets'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=40, check=False)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_command_that_is_asked_to_end_before_it_runs_leaves_nothing(out: Path) -> None:
    script = (
        "import os, signal, twin.ensemble as e\n"
        "def compiling(*a, **k): os.kill(os.getpid(), signal.SIGTERM); raise AssertionError\n"
        "e.Ensemble.__init__ = compiling\n"
        "from twin.cli import main; main()"
    )
    command = [sys.executable, "-c", script, "run", "two_tanks", "--for", "1s", "--out", out]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "interrupted\n")
    assert not out.exists()


def closed(*arguments: str | Path, descriptor: int = 1) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'exec "$@" {descriptor}>&-', "sh", *TWIN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["assets"], ["--help"], ["check", "two_tanks", "--json"]])
def test_with_stdout_closed_a_command_says_nothing_and_succeeds(arguments: list[str]) -> None:
    run = closed(*arguments)
    assert (run.returncode, run.stderr) == (0, "")


def test_with_stdout_closed_a_run_is_recorded_and_an_error_keeps_its_code(out: Path) -> None:
    assert closed("run", "two_tanks", "--for", "10s", "--out", out).returncode == 0
    with Run.load(out) as run:
        assert run.meta["ending"] == "done"
    assert closed("check", "no_such_plant").returncode == 3
    assert closed("check", "no_such_plant", "--json", descriptor=2).returncode == 3
    assert closed("run", "two_tanks", "--for", "10s", descriptor=2).returncode == 0


@pytest.fixture
def full(tmp_path: Path) -> Iterator[int]:
    """Return a descriptor that takes nothing: a device like /dev/full, of our own."""
    try:
        os.mknod(tmp_path / "full", 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        handle = os.open(tmp_path / "full", os.O_WRONLY)
    except OSError:
        pytest.skip("only root may make and open a device")
    yield handle
    os.close(handle)


@pytest.mark.parametrize("arguments", [["assets"], ["--help"], ["check", "two_tanks", "--json"]])
def test_a_full_stdout_is_told_with_exit_code_1(arguments: list[str], full: int) -> None:
    run = subprocess.run([*TWIN, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    message = "stdout: No space left on device; make room, or name another place\n"
    assert (run.returncode, run.stderr) == (1, message)


def test_a_full_stream_changes_no_other_exit_code(full: int) -> None:
    wrong = [*TWIN, "check", "no_such_plant", "--json"]
    run = subprocess.run(wrong, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert run.returncode == 3
    assert run.stderr.startswith("no plant 'no_such_plant'; ")
    assert run.stderr.count("\n") == 1
    assert subprocess.run(wrong, stdout=subprocess.PIPE, stderr=full, check=False).returncode == 3


def test_a_name_that_stdout_cannot_encode_is_written_as_escapes(tmp_path: Path, extra: Path) -> None:
    plant = plant_file(tmp_path, PLANT.replace("plant: stores", "plant: 저장고"))
    command = [*TWIN, "check", str(plant), "--assets", str(extra)]
    ascii_ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    run = subprocess.run(command, capture_output=True, text=True, env=ascii_, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("\\uc800\\uc7a5\\uace0 can be run\n")
