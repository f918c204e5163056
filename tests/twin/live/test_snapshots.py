"""Snapshots are whole or not there, and say so."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live import until
from twin.errors import DataError, SnapshotError
from twin.live import snapshots
from twin.live.snapshots import KEEP, Snapshot, entries, load, save

CHAIN = bytes(range(32))
STATE = os.urandom(200)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "snapshots").iterdir())


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = save(tmp_path, 77, Snapshot(CHAIN, STATE))
    assert (entries(tmp_path), load(tmp_path, 77)) == ([77], Snapshot(CHAIN, STATE))
    assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "snapshots").stat().st_mode & 0o077 == 0


def test_the_newest_few_are_kept(tmp_path: Path) -> None:
    for entry in (5, 999_999_999_999, 20, 10):
        save(tmp_path, entry, Snapshot(CHAIN, b"%d" % entry))
    assert entries(tmp_path) == [10, 20, 999_999_999_999][-KEEP:]
    assert load(tmp_path, 20).state == b"20"


def test_where_there_is_no_folder_there_are_no_snapshots(tmp_path: Path) -> None:
    assert entries(tmp_path) == []


def test_other_files_are_no_snapshots_and_stay(tmp_path: Path) -> None:
    save(tmp_path, 1, Snapshot(CHAIN, STATE))
    for name in ("notes.txt", "1.twin", "000000000002.twin.bak"):
        (tmp_path / "snapshots" / name).write_bytes(b"x")
    assert entries(tmp_path) == [1]
    save(tmp_path, 3, Snapshot(CHAIN, STATE))
    assert {"notes.txt", "1.twin", "000000000002.twin.bak"} < set(names(tmp_path))


def test_a_snapshot_that_was_cut_short_or_changed_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, 7, Snapshot(CHAIN, STATE))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(SnapshotError, match=r"000000000007\.twin: not whole: its hash differs; delete it"):
            load(tmp_path, 7)
    for bit in random.Random(1).sample(range(8 * len(whole)), 300):
        spoilt = bytearray(whole)
        spoilt[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(spoilt))
        with pytest.raises(SnapshotError, match="not whole"):
            load(tmp_path, 7)


def test_one_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"can't be read: No such file or directory; use an older one"):
        load(tmp_path, 7)


@pytest.mark.parametrize("fails", ["os.fsync", "os.fdopen", "pathlib.Path.replace", "tempfile.mkstemp"])
def test_a_disk_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    def no(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    save(tmp_path, 1, Snapshot(CHAIN, STATE))
    with monkeypatch.context() as patch:
        patch.setattr(fails, no)
        with pytest.raises(DataError, match="snapshot can't be written: No space left on device; make room"):
            save(tmp_path, 2, Snapshot(CHAIN, STATE))
    assert names(tmp_path) == ["000000000001.twin"]
    assert load(tmp_path, 1).state == STATE


WRITES = """
import sys
from pathlib import Path
from twin.live.snapshots import Snapshot, save
number = int(sys.argv[2])
while True:
    number += 1
    save(Path(sys.argv[1]), number, Snapshot(bytes(32), number.to_bytes(4, "big") * 250_000))
"""


def test_whatever_kill_hits_every_snapshot_is_whole(tmp_path: Path) -> None:
    newest, stream = 0, random.Random(5)
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", WRITES, tmp_path, str(newest)])
        reached = newest + stream.randint(1, 6)
        until(lambda reached=reached: max(entries(tmp_path), default=0) >= reached)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = entries(tmp_path)
        assert 1 <= len(found) <= KEEP + 1
        for entry in found:
            assert load(tmp_path, entry).state == entry.to_bytes(4, "big") * 250_000
        newest = found[-1]
    save(tmp_path, newest + 1, Snapshot(CHAIN, STATE))
    assert len(names(tmp_path)) == KEEP  # nor is anything left of what was being written


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "snapshots").write_bytes(b"")
    with pytest.raises(DataError, match="snapshot can't be written: "):
        save(tmp_path, 1, Snapshot(CHAIN, STATE))
    assert snapshots.entries(tmp_path) == []
