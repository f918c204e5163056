"""What `twin` refuses to write over, to read or to run, in exact words and with its exit code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.store import folder_of_assets, plant_file
from tests.system.test_cli import RUN, twin
from twin.archive import HEAD

__all__ = ["twin"]


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    return folder_of_assets(tmp_path)


@pytest.fixture
def recorded(twin: Any, tmp_path: Path) -> Path:
    out = tmp_path / "recorded.h5"
    assert twin("run", "two_tanks", *RUN, "--out", out).code == 0
    return out


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_device(path: Path) -> None:
    made = subprocess.run(["mknod", path, "c", "1", "3"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("only root may make a device")


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def make_link_to_file(path: Path) -> None:
    (path.parent / "target").write_bytes(b"mine")
    path.symlink_to(path.parent / "target")


OTHER = "is no recorded run; choose another name, so that it isn't overwritten"
PLACES = [
    (make_fifo, "is no regular file; name a file"),
    (make_device, "is no regular file; name a file"),
    (make_dangling_link, "is a symbolic link; name the file itself"),
    (make_link_to_file, "is a symbolic link; name the file itself"),
    (Path.mkdir, "is a folder; name a file in it"),
    (Path.touch, OTHER),
    (lambda path: path.write_bytes(b"plant: mine\n"), OTHER),
    (lambda path: path.write_bytes(b"equipment-twin run 1\nbytes 9\n"), OTHER),
]


@pytest.mark.parametrize(("make", "message"), PLACES)
def test_a_run_is_written_over_nothing_but_a_recorded_run(twin: Any, tmp_path: Path, make: Any, message: str) -> None:
    place = tmp_path / "place"
    make(place)
    before, mode = sorted(tmp_path.iterdir()), place.lstat().st_mode
    said = twin("run", "two_tanks", *RUN, "--out", place)
    assert (said.code, said.err) == (4, f"{place}: {message}\n")
    assert sorted(tmp_path.iterdir()) == before
    assert place.lstat().st_mode == mode
    if place.is_file():
        assert b"HDF" not in place.read_bytes()


def test_a_link_to_a_recorded_run_is_refused_and_both_stay(twin: Any, recorded: Path, tmp_path: Path) -> None:
    link, before = tmp_path / "link.h5", recorded.read_bytes()
    link.symlink_to(recorded)
    said = twin("run", "two_tanks", *RUN, "--out", link, "--seed", "2")
    assert (said.code, said.err) == (4, f"{link}: is a symbolic link; name the file itself\n")
    assert link.is_symlink()
    assert recorded.read_bytes() == before
    assert twin("show", link).code == 0, "reading through a link harms nobody"


def test_a_recording_that_is_cut_off_is_not_written_over(twin: Any, recorded: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.h5"
    cut.write_bytes(recorded.read_bytes()[:-1])
    said = twin("run", "two_tanks", *RUN, "--out", cut)
    assert (said.code, said.err) == (4, f"{cut}: {OTHER}\n")


def test_what_took_the_name_during_the_run_stays_and_the_run_is_kept(
    twin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, folder = tmp_path / "run.h5", tmp_path
    from twin import recorder

    check = recorder._check

    def meanwhile(*arguments: Any) -> None:
        check(*arguments)
        out.write_bytes(b"mine")

    monkeypatch.setattr(recorder, "_check", meanwhile)
    said = twin("run", "two_tanks", *RUN, "--out", out)
    kept = next(folder.glob(".run.h5.*.tmp"))
    assert (said.code, said.err) == (4, f"{out}: {OTHER}; the run is kept in {kept}\n")
    assert out.read_bytes() == b"mine"
    assert twin("show", kept).code == 0


@pytest.mark.parametrize("make", [make_fifo, make_device])
def test_a_recording_is_read_from_a_regular_file_alone(twin: Any, tmp_path: Path, make: Any) -> None:
    make(tmp_path / "run.h5")
    said = twin("show", tmp_path / "run.h5")
    assert (said.code, said.err) == (4, f"{tmp_path}/run.h5: is no regular file; name a recorded run\n")


def test_bytes_behind_the_end_of_a_recording_are_told(twin: Any, recorded: Path) -> None:
    recorded.chmod(0o644)
    recorded.write_bytes(recorded.read_bytes() + b"more")
    said = twin("show", recorded)
    assert (said.code, said.err) == (4, f"{recorded}: has 4 bytes too many; copy it again\n")
    assert recorded.stat().st_size > HEAD


@pytest.mark.parametrize("make", [make_fifo, make_device, Path.mkdir])
def test_an_asset_is_read_from_a_regular_file_alone(twin: Any, tmp_path: Path, make: Any) -> None:
    make(tmp_path / "lamp.py")
    said = twin("assets", "lamp", "--assets", tmp_path)
    message = f"{tmp_path}/lamp.py: is no regular file; remove it from the folder of asset files\n"
    assert (said.code, said.err) == (3, message)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("raise BaseException('mine')", "BaseException: mine"),
        ("raise GeneratorExit", "GeneratorExit: "),
    ],
)
@pytest.mark.parametrize("command", ["check", "assets"])
def test_an_asset_file_cannot_end_the_command(
    twin: Any, tmp_path: Path, extra: Path, command: str, text: str, said: str
) -> None:
    (extra / "store.py").write_text(text, encoding="utf-8")
    plant = [plant_file(tmp_path)] if command == "check" else []
    ended = twin(command, *plant, "--assets", extra, "--json")
    assert ended.code == 3
    assert ended.err == f"{extra}/store.py: {said}".strip() + "\n"
    assert ended.json == {"error": ended.err.strip(), "exit_code": 3}


def test_ctrl_c_while_an_asset_file_runs_is_ctrl_c(twin: Any, tmp_path: Path, extra: Path) -> None:
    (extra / "store.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    said = twin("check", plant_file(tmp_path), "--assets", extra)
    assert (said.code, said.out, said.err) == (130, "", "interrupted\n")


@pytest.mark.parametrize("seed", ["-1", "18446744073709551616", "1.5", "1_0x"])
def test_a_seed_that_is_no_64_bit_number_is_wrong_usage(twin: Any, seed: str) -> None:
    said = twin("run", "two_tanks", *RUN, f"--seed={seed}")
    assert said.code == 2
    assert "'--seed'" in said.err
    assert said.err.count("\n") == 1


def test_the_largest_seed_is_recorded_as_it_is(twin: Any, tmp_path: Path) -> None:
    out = tmp_path / "run.h5"
    assert twin("run", "two_tanks", *RUN, "--seed", 2**64 - 1, "--out", out).code == 0
    assert twin("show", out, "--json").json["seed"] == 2**64 - 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1e30s", "'1e30s' is longer than 1e9 s, some 30 years; give a shorter time"),
        ("1e999", "'1e999' is longer than 1e9 s, some 30 years; give a shorter time"),
        ("1_0", "'1_0' is no positive duration; write it like 90s, 10min or 1.5h"),
        ("١٠s", "'١٠s' is no positive duration; write it like 90s, 10min or 1.5h"),  # noqa: RUF001 - that is the case
        ("inf", "'inf' is no positive duration; write it like 90s, 10min or 1.5h"),
    ],
)
def test_a_time_that_cannot_be_run_is_wrong_usage(twin: Any, text: str, message: str) -> None:
    said = twin("run", "two_tanks", "--for", text)
    expected = f"twin run: invalid value for '--for': {message}; see `twin run --help`\n"
    assert (said.code, said.err) == (2, expected)


def test_a_number_with_an_underscore_is_no_number(twin: Any) -> None:
    said = twin("run", "two_tanks", *RUN, "--set", "upper.level=0_1")
    assert said.code == 3
    assert said.err.startswith("--set: upper.level: ")
    assert "_1" in said.err


def test_without_a_command_the_help_is_shown_as_it_is(twin: Any) -> None:
    said = twin()
    assert (said.code, said.out) == (2, "")
    assert said.err == twin("--help").out


def test_a_package_whose_command_ends_the_interpreter_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin: Any
) -> None:
    from importlib.metadata import EntryPoint

    from twin import cli

    (tmp_path / "leaves.py").write_text("import sys; sys.exit(0)", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(cli, "_foreign", lambda: {"leave": EntryPoint("leave", "leaves:command", cli.GROUP)})
    sys.modules.pop("leaves", None)
    said = twin("leave")
    message = "leave: leaves:command can't be loaded: SystemExit: 0; mend or uninstall it\n"
    assert (said.code, said.err) == (1, message)
