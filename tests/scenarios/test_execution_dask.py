"""Branches that are executed in a Dask cluster: as on one machine, whatever becomes of the cluster's own."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import twin
from benchmarks.processes import until
from tests.scenarios.sweeps import Doing, among, content, nobody_is_left, plain, pressing, run
from twin.errors import DataError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a sweep that one machine did."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    assert run(folder, plain()).ending == "done"
    return folder


class Cluster:
    """A scheduler and workers of Dask, each a process."""

    def __init__(self, folder: Path, repository: Path, workers: int = 2) -> None:
        self._folder, self._repository, self._about = folder, repository, folder / "scheduler.json"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        until(self._about.exists, 60.0)
        self.address = str(json.loads(self._about.read_text())["address"])
        for _ in range(workers):
            self.add()

    def add(self) -> subprocess.Popen[bytes]:
        return self._start("dask_worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")

    def _start(self, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "words.log").open("ab") as words:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{kind}", *arguments, "--scheduler-file", self._about],
                cwd=self._repository,
                stdout=words,
                stderr=words,
            )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), Path(__file__).parents[2])
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_cluster_changes_no_byte(tmp_path: Path, whole: Path, cluster: Cluster) -> None:
    assert run(tmp_path / "sweep", plain(), dask=cluster.address).ending == "done"
    assert content(tmp_path / "sweep") == content(whole)
    until(lambda: nobody_is_left(tmp_path / "sweep"))


def test_what_befalls_a_branch_in_a_cluster_is_told_by_its_name_and_the_others_finish(
    tmp_path: Path, cluster: Cluster
) -> None:
    branches = among(*(Doing(does, 1.0, does) for does in ("raises", "exits", "segfaults", "fails", "holds")))
    local = run(tmp_path / "local", branches, patience=1.0)
    there = run(tmp_path / "there", branches, patience=1.0, dask=cluster.address)
    assert there.failures == local.failures
    assert list(there.failures) == ["raises", "exits", "segfaults", "fails", "holds"]
    assert content(tmp_path / "there") == content(tmp_path / "local")


def test_a_sweep_in_a_cluster_is_interrupted_and_resumed_elsewhere(tmp_path: Path, cluster: Cluster) -> None:
    branches = [Doing("held", 4.0, "holds"), *plain(6)]
    outcome = run(tmp_path / "sweep", branches, batch=1, dask=cluster.address, progress=pressing(6))
    assert (outcome.ending, len(outcome.results)) == ("interrupted", 6)
    until(lambda: nobody_is_left(tmp_path / "sweep"))
    (tmp_path / "marks" / "gate").touch()
    assert run(tmp_path / "sweep", branches, batch=1).ending == "done"
    assert run(tmp_path / "again", branches, batch=1).ending == "done"
    assert content(tmp_path / "sweep") == content(tmp_path / "again")


def test_machines_that_die_cost_no_branch_and_those_that_come_late_take_part(
    tmp_path: Path, whole: Path, cluster: Cluster
) -> None:
    here = cluster.processes[1:]

    def lose(_: Mapping[str, Any]) -> None:
        while here:
            cluster.add()
            here.pop().kill()

    assert run(tmp_path / "sweep", plain(), dask=cluster.address, found=lose).failures == {}
    assert content(tmp_path / "sweep") == content(whole)
    until(lambda: nobody_is_left(tmp_path / "sweep"))


def test_a_cluster_without_workers_and_one_that_is_lost_are_named_and_what_is_finished_is_kept(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dask = pytest.importorskip("scenarios.execution_dask", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(dask, "LOOK", 0.1)
    with closing(Cluster(tmp_path, repository, workers=0)) as lonely:
        with monkeypatch.context() as patch:
            patch.setattr(dask, "ABANDONED", 0.2)
            with pytest.raises(DataError, match=f"{lonely.address}: no worker for 0.2 s; start `dask worker"):
                run(tmp_path / "sweep", plain(), dask=lonely.address)
        lonely.add()

        def lose(_: Mapping[str, Any]) -> None:
            monkeypatch.setattr(dask, "ABANDONED", 0.2)
            lonely.processes[0].kill()

        with pytest.raises(DataError, match="run it again: what is finished is kept"):
            run(tmp_path / "sweep", [*plain(1), Doing("bad", 1.0, "holds")], batch=1, dask=lonely.address, found=lose)
        until(lambda: nobody_is_left(tmp_path / "sweep"))
    assert len(run(tmp_path / "sweep", plain(1)).results) == 1


def test_workers_of_another_version_are_refused(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = twin.__version__
    monkeypatch.setattr(twin, "__version__", "99.0")
    with pytest.raises(DataError, match=rf"has equipment-twin {there}, and 99\.0 asks; install 99\.0 on every worker"):
        run(tmp_path / "sweep", plain(), dask=cluster.address)


def test_an_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "scenarios.execution_dask", raising=False)
    with pytest.raises(DataError, match=r"install the extra: pip install 'equipment-twin\[cluster\]'"):
        run(tmp_path / "sweep", plain(), dask="tcp://127.0.0.1:8786")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an address be given up after a second."""
    dask = pytest.importorskip("scenarios.execution_dask", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(dask, "CONNECTING", 1.0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("listening", [True, False], ids=["mute", "closed"])
def test_a_scheduler_that_doesnt_answer_is_named(tmp_path: Path, listening: bool) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        if listening:
            mute.listen()
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(DataError, match=f"{address}: no scheduler answers within 1 s; start `dask scheduler`"):
            run(tmp_path / "sweep", plain(), dask=address)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://192.0.2.1:8786", r"use tls://192\.0\.2\.1:8786, with certificates in Dask's configuration"),
        ("tcp://plant.example:8786", "use tls://plant.example:8786"),
        ("tcp://0.0.0.0:8786", "use tls://"),
        ("ucx://127.0.0.1:8786", "is no scheduler's address; write it like tls://host:8786"),
        ("127.0.0.1:8786", "is no scheduler's address"),
        ("tcp://127.0.0.1", "is no scheduler's address"),
        ("tcp://127.0.0.1:x", "is no scheduler's address"),
        ("tls://127.0.0.1:8786", "name certificates in Dask's configuration"),
    ],
)
def test_an_address_that_is_none_or_open_to_all_is_refused(tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        run(tmp_path / "sweep", plain(), dask=address)
