"""Making a data set: the same bytes whoever makes it, nothing lost, nothing begun that can't be ended."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import h5py
import numpy as np
import pytest

from scenarios.dataset import making, store
from scenarios.dataset.making import Order, make
from scenarios.dataset.reading import Dataset
from scenarios.dataset.shard import HEAD, fault_of
from tests.command import run
from tests.scenarios.dataset.dying import dying
from twin.errors import DataError, PlantError, SimulationError, SnapshotError

WRONG, UNREADABLE, INTERRUPTED = 3, 4, 130

BURSTING = '''\
"""A vessel that bursts."""

from twin.declare import Asset, Fault, Output, Param, Source, State, physics


class Vessel(Asset):
    """A pressure that grows by itself once something is wrong."""

    rate = Param("1/s", "growth", 1.0, (0.0, 10.0), Source("guess", "made up"))
    p = State("1", "pressure", 1.0, (0.0, 1e6))
    crack = Fault("1", "how far it goes wrong", 0.0, (0.0, 1.0), respond="Run.", within=1.0)
    shown = Output("1", "what is shown")

    @physics
    def seen(p):
        shown = p
        return shown

    @physics
    def dynamics(p, rate, crack):
        d_p = rate * (1.0 - p) + 2.0 * rate * crack * p
        return d_p
'''
VESSEL = """\
plant: vessel
assets: {v: {is: vessel, with: {rate: 10}}}
tags: {PI: {reads: v.shown, unit: "1", every: 1 s, noise: 0.01}}
"""
BURSTS = """\
dataset: bursts
about: A vessel, which bursts.
plants: [vessel.yaml]
length: 40 s
hold: 1 s
runs: 32
healthy: 50 %
faults:
  harmless: {to: {v.crack: 1}, severity: [10 %, 40 %], growth: step}
  bursts: {to: {v.crack: 1}, severity: [100 %, 100 %], growth: step, onset: [10 s, 20 s]}
splits: {train: 50 %, validation: 25 %, test: 25 %, unseen_machine: 0, unseen_severity: 0, unseen_fault: 0}
"""


def hashes(folder: Path) -> dict[str, str]:
    """Return a hash of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def command(spec: Path, out: Path, *more: str) -> list[str]:
    """Return the arguments of a process that makes a data set."""
    return [sys.executable, "-m", "twin", "dataset", "make", str(spec), "--out", str(out), *more]


def test_the_number_of_workers_changes_no_byte(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    make(Order(tiny_spec, tmp_path / "two", workers=2))
    assert hashes(tmp_path / "two") == hashes(tiny)


def test_the_form_of_the_kernel_changes_no_byte(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    make(Order(tiny_spec, tmp_path / "flat", workers=1, form="flat"))
    assert hashes(tmp_path / "flat") == hashes(tiny)


def test_hash_seeds_and_time_zones_change_no_byte(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    other = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Pacific/Chatham", "LC_ALL": "C", "OMP_NUM_THREADS": "3"}
    subprocess.run(command(tiny_spec, tmp_path / "other", "--workers", "1"), env=other, check=True, capture_output=True)
    assert hashes(tmp_path / "other") == hashes(tiny)


def test_another_seed_makes_other_runs(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    make(Order(tiny_spec, tmp_path / "other", workers=1, seed=8))
    with Dataset(tiny) as one, Dataset(tmp_path / "other") as other:
        assert one.manifest.identity != other.manifest.identity
        assert not np.array_equal(one.window(0, 0, 60), other.window(0, 0, 60))


def test_what_was_interrupted_goes_on_to_the_same_bytes(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(command(tiny_spec, out, "--workers", "1"), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60.0
    while not list(out.glob("shards/*.h5")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60.0)
    finished = process.returncode == 0  # quicker than the signal: then there is nothing to go on with
    assert finished or process.returncode == INTERRUPTED
    assert finished or b"--resume" in said
    make(Order(tiny_spec, out, workers=2, resume=True))
    assert hashes(out) == hashes(tiny)


def test_a_maker_that_is_killed_loses_no_finished_shard(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(tiny / "shards", out / "shards")
    (out / "shards" / "shard-00001.h5").unlink()
    (out / "shards" / "abc.tmp").write_bytes(b"half a shard")
    kept = (out / "shards" / "shard-00000.h5").stat().st_mtime_ns
    make(Order(tiny_spec, out, workers=1, resume=True))
    assert hashes(out) == hashes(tiny)
    assert (out / "shards" / "shard-00000.h5").stat().st_mtime_ns == kept


def test_a_worker_that_is_killed_costs_its_shard_alone(
    tiny: Path, tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(making, "shards", dying)
    with pytest.raises(SimulationError, match=r"1 of 3 shards failed, shard-00001: its process died: Killed.*--resume"):
        make(Order(tiny_spec, out, workers=1))
    assert sorted(path.name for path in out.glob("shards/*.h5")) == ["shard-00000.h5", "shard-00002.h5"]
    monkeypatch.undo()
    make(Order(tiny_spec, out, workers=1, resume=True))
    assert hashes(out) == hashes(tiny)


def test_a_damaged_shard_is_made_again(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(tiny, out)
    body = bytearray((out / "shards" / "shard-00002.h5").read_bytes())
    body[-1000] ^= 1
    (out / "shards" / "shard-00002.h5").write_bytes(body)
    assert make(Order(tiny_spec, out, workers=1, resume=True)).outcome.damaged == ("shard-00002.h5",)
    assert hashes(out) == hashes(tiny)


def test_a_folder_that_is_there_is_gone_on_with_only_when_asked(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    before = hashes(tiny)
    with pytest.raises(DataError, match="holds a data set already; go on with --resume"):
        make(Order(tiny_spec, tiny, workers=1))
    with pytest.raises(SnapshotError, match="belongs to another data set"):
        make(Order(tiny_spec, tiny, workers=1, seed=8, resume=True))
    assert hashes(tiny) == before
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("mother")
    for resume in (False, True):
        with pytest.raises(DataError, match="holds something else"):
            make(Order(tiny_spec, tmp_path / "letters", workers=1, resume=resume))
    with pytest.raises(DataError, match="is no folder"):
        make(Order(tiny_spec, tmp_path / "letters" / "dear.txt", workers=1))


def test_a_disk_that_is_too_small_is_told_before_anything_is_made(
    tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(making.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
    with pytest.raises(DataError, match=r"needs up to .* GiB and there are 0\.0 GiB free"):
        make(Order(tiny_spec, tmp_path / "out", workers=1))
    assert not (tmp_path / "out" / "shards").exists()


def test_the_estimate_of_a_size_is_not_too_small(tiny: Path, tiny_spec: Path) -> None:
    with Dataset(tiny) as data:
        asked = making.spec(making.source(tiny_spec))
        assert sum(shard.bytes for shard in data.manifest.shards) < 2 * making.size(asked, 40) + 3 * 100_000


def test_a_disk_that_fills_up_keeps_what_is_finished(
    tiny: Path, tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(DataError, match=r"No space left on device; make room .* 1 finished shards are kept"):
        make(Order(tiny_spec, tmp_path / "out", workers=1))
    assert [path.name for path in (tmp_path / "out" / "shards").glob("*.h5")] == ["shard-00000.h5"]
    monkeypatch.undo()
    make(Order(tiny_spec, tmp_path / "out", workers=1, resume=True))
    assert hashes(tmp_path / "out") == hashes(tiny)


def test_two_makers_dont_write_into_one_folder(tiny_spec: Path, tmp_path: Path) -> None:
    with (
        store.ShardStore(tmp_path / "out" / "shards", "other"),
        pytest.raises(DataError, match="another `make` writes here"),
    ):
        make(Order(tiny_spec, tmp_path / "out", workers=1, resume=True))


def test_runs_that_are_too_few_for_a_split_are_refused(tiny_spec: Path, tmp_path: Path) -> None:
    with pytest.raises(PlantError, match="3 runs leave none for"):
        make(Order(tiny_spec, tmp_path / "out", workers=1, runs=3))
    assert not (tmp_path / "out").exists()


def test_a_run_whose_physics_goes_wrong_has_no_numbers_and_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (("vessel.py", BURSTING), ("vessel.yaml", VESSEL), ("bursts.yaml", BURSTS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "equipment").mkdir()
    (tmp_path / "vessel.py").rename(tmp_path / "equipment" / "vessel.py")
    asked = (tmp_path / "bursts.yaml", "--out", tmp_path / "out", "--assets", tmp_path / "equipment", "--workers", "1")
    code, out, err = run(capsys, "dataset", "make", *asked, "--json")
    assert code == 0, err
    failed = json.loads(out.splitlines()[-1])["failed"]
    assert f"{failed} runs have no numbers" in err
    with Dataset(tmp_path / "out") as data:
        classes = [each.name for each in data.manifest.classes]
        bursts = data.runs["fault"] == classes.index("bursts")
        assert failed == bursts.sum() > 0
        np.testing.assert_array_equal(data.runs["failed"], bursts)
        for number in range(32):
            series = data.run(number).series
            assert np.isnan(series["signals"]).all() == bursts[number]
            assert series["quality"].all() == bursts[number]
            assert np.isfinite(series["signals"]).all() != bursts[number]
        assert not set(data.split("train")) & set(np.flatnonzero(bursts))
        assert np.isfinite(data.manifest.mean).all()


def test_normalisation_is_that_of_the_train_runs(tiny: Path) -> None:
    with Dataset(tiny) as data:
        signals = np.concatenate([data.window(run, 0, 60) for run in data.split("train")]).astype(float)
        np.testing.assert_allclose(data.manifest.mean, np.nanmean(signals, axis=0), rtol=1e-12)
        np.testing.assert_allclose(data.manifest.deviation, np.nanstd(signals, axis=0, ddof=1), rtol=1e-9)


def test_the_faster_codec_holds_the_same_numbers(tiny: Path, tiny_spec: Path, tmp_path: Path) -> None:
    pytest.importorskip("hdf5plugin")
    make(Order(tiny_spec, tmp_path / "out", workers=1, codec="bitshuffle-lz4"))
    with Dataset(tiny) as one, Dataset(tmp_path / "out") as other:
        for number in (0, 17, 39):
            for name, values in one.run(number).series.items():
                np.testing.assert_array_equal(values, other.run(number).series[name])


def test_every_series_has_scales_units_and_a_sentence(tiny: Path) -> None:
    path = tiny / "shards" / "shard-00000.h5"
    assert fault_of(path.read_bytes()) == ""
    assert path.read_bytes()[:HEAD].startswith(b"equipment-twin dataset shard 1\n")
    with h5py.File(path, "r") as file:
        for group in ("signals", "quality", "truth/signals", "truth/quantities", "labels"):
            node = file[group]
            for data in node.values() if isinstance(node, h5py.Group) else [node]:
                assert data.attrs["long_name"]
                assert "units" in data.attrs
                assert [len(dimension) for dimension in data.dims] == [1] * data.ndim
                assert data.chunks[0] == 1
        assert list(file["axes/channel"].asstr()) == ["pump", "level"]
        assert list(file["axes/channel"].attrs["units_of"]) == ["l/min", "m"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing_such"], WRONG, "no specification 'nothing_such'"),
        (["nowhere.yaml"], WRONG, "No such file"),
    ],
)
def test_what_cant_be_made_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    found, _, err = run(capsys, "dataset", "make", *arguments, "--out", tmp_path / "out")
    assert found == code
    assert said in err
    assert not (tmp_path / "out").exists()


def test_an_unfinished_data_set_is_no_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "dataset", "check", tmp_path)
    assert code == UNREADABLE
    assert "dataset.json" in err
