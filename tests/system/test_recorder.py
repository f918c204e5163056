"""The recorder as a process: killed at random it leaves whole archives; what it archived goes from the journal."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import BaseContext
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.archives import (
    ABOUT,
    HOUR,
    T0,
    archived,
    before,
    everything,
    lived,
    mark,
    names,
    of_archives,
    of_entries,
    recorder,
    same,
    whole,
)
from tests.live import Ingest, until
from twin.journal import Reader, verify
from twin.keep.keeper import keep
from twin.keep.manifest import FILE, FOLDER, load, sha256_of
from twin.keep.room import Limits
from twin.service import Client

KILLS = 50
HOURS = 12


def record(data: Path, ready: Any) -> None:
    """Record until killed."""
    ready.set()
    keep(data, ABOUT, Limits(1e9), halt=Event())


@pytest.fixture(scope="module")
def workers() -> BaseContext:
    """Return how to start processes that have imported already what a recorder needs."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.system.test_recorder", "twin.keep.keeper"])
    return found


@pytest.mark.slow
def test_fifty_kills_leave_whole_archives_and_nothing_is_lost_or_doubled(tmp_path: Path, workers: Any) -> None:
    lived(tmp_path, HOURS * 60 + 10)
    chance, place, files = random.Random(7), tmp_path / FOLDER, set[str]()
    for _ in range(KILLS):
        ready = workers.Event()
        process = workers.Process(target=record, args=(tmp_path, ready))
        process.start()
        assert ready.wait(20.0)
        process.join(chance.uniform(0.0, 0.12))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        found = set(whole(tmp_path))
        assert files <= found, "an archive that was there is gone"
        files = found
        if (place / FILE).exists():
            listed = {record.name: record.sha256 for record in load(tmp_path).archives}
            assert all(sha256_of(place / name) == digest for name, digest in listed.items())
        if len(files) > HOURS:
            for path in place.glob("*.h5"):
                path.unlink()
            (place / FILE).unlink(missing_ok=True)
            files = set()
    manifest = archived(tmp_path)
    assert names(tmp_path) == sorted(record.name for record in manifest.archives)
    assert same(of_archives(tmp_path, manifest), before(of_entries(everything(tmp_path)), T0 + HOURS * HOUR))


class Recorder:
    """A process of the recorder."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data, self.options = data, options
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Recorder":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twin.keep", "cooling_station", "--data", self.data, *self.options],
            stderr=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def told(self) -> dict[str, Any]:
        """Return what its status file says."""
        try:
            return dict(json.loads((self.data / "recorder.json").read_text()))
        except FileNotFoundError:
            return {}

    def stop(self) -> tuple[int, str]:
        """End it in order; return its exit code and what it said."""
        assert self.process is not None
        self.process.terminate()
        said = self.process.communicate(timeout=60)[1]
        return self.process.returncode, said


def twin(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "twin", *arguments], capture_output=True, text=True, check=False)


def test_the_journal_is_pruned_behind_archives_while_ingest_serves(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    lived(data, 190)
    entries, readings = everything(data), of_entries(everything(data))
    mark(data, 365, 370, 375)
    with Ingest(data) as ingest, Recorder(data, "--keep", "1000d", "--max-disk", "1GB") as process:
        until(lambda: process.told().get("journal_first") == 366)  # behind the oldest snapshot
        assert ingest.alive()
        with Client(data) as client:
            assert client.status()["entries"] >= len(entries)
        assert process.told()["trouble"] == []
        code, said = process.stop()
    assert (code, "archived 2026-03-01T12.h5 and 1 more" in said) == (0, True)
    verdict = verify(data)
    assert verdict.ok, verdict
    assert verdict.first == 366
    with Reader.open(data) as reader:
        assert reader.entries(365, 16) == entries[365:], "the twin can't go on from its oldest snapshot"
    assert same(of_archives(data, load(data)), readings)  # the last hour ended when ingest came back
    done = twin("archive", "verify", data)
    assert (done.returncode, done.stdout) == (
        0, f"{data / FOLDER}: whole: 5 archives, 1140 readings, 0.2 MB; the journal confirms 2\n"
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    lived(folder, 70)
    archived(folder)
    return folder


def test_archives_are_listed(data: Path) -> None:
    done = twin("archive", "list", data)
    assert done.returncode == 0
    assert "2026-03-01T12.h5       360     2  1-125" in done.stdout
    assert "2 archives, 365 readings" in done.stdout
    told = json.loads(twin("archive", "list", data, "--json").stdout)
    assert [record["name"] for record in told["archives"]] == ["2026-03-01T11.h5", "2026-03-01T12.h5"]


def test_archives_are_exported(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = twin("archive", "export", data, "--out", out, "--tag", "TI-1", "--from", "2026-03-01T12:00:00")
    assert (done.returncode, done.stderr) == (0, "180 readings\n")
    head, first, *_ = out.read_text().splitlines()
    assert (head, first) == ("tag,time,value,unit,quality", "TI-1,2026-03-01T12:00:00.000000Z,1.0,degC,Good")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(lambda raw: raw, 0), (lambda raw: raw[:-1], 5), (lambda raw: raw[:99] + b"x" + raw[100:], 5)],
)
def test_a_damaged_archive_is_exit_code_5(data: Path, spoil: Callable[[bytes], bytes], code: int) -> None:
    path = data / FOLDER / "2026-03-01T12.h5"
    raw = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(spoil(raw))
    try:
        done = twin("archive", "verify", data, "--json")
        told = json.loads(done.stdout)
        assert (done.returncode, told["ok"]) == (code, code == 0)
        assert [one["name"] for one in told["wrong"]] == ([path.name] if code else [])
    finally:
        path.write_bytes(raw)


def test_a_folder_without_archives_is_exit_code_4(tmp_path: Path) -> None:
    done = twin("archive", "verify", tmp_path)
    assert (done.returncode, done.stderr) == (
        4, f"{tmp_path}: holds no archives; the first is made when an hour is over\n"
    )  # fmt: skip


def test_a_second_recorder_is_exit_code_4(data: Path) -> None:
    with recorder(data), Recorder(data) as process:
        assert process.process is not None
        assert process.process.wait(30) == 4


@pytest.mark.parametrize("option", [("--keep", "soon"), ("--max-disk", "20 elephants"), ("--max-disk", "0GB")])
def test_wrong_options_are_exit_code_2(tmp_path: Path, option: tuple[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twin.keep", "cooling_station", "--data", tmp_path, *option],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, option[1] in done.stderr) == (2, True)


def test_a_recorder_that_is_stopped_while_ingest_runs_changes_nothing_for_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    lived(data, 190)
    with Ingest(data) as ingest, Recorder(data) as process:
        assert process.process is not None
        process.process.send_signal(signal.SIGSTOP)
        count = ingest.status()["entries"]
        until(lambda: ingest.status()["entries"] >= count + 2)
        process.process.send_signal(signal.SIGCONT)
