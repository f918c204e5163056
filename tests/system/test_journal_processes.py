"""The journal between processes: killed writers, readers beside them, second writers, full and read-only disks."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journals import RUN, data, everything, filled, opened, tick
from twin.journal import Entry, Reader, follow, verify

KILLS = 30

WRITER = """
import sys
from pathlib import Path
from tests.journals import RUN, data, opened, tick
with opened(Path(sys.argv[1])) as journal:
    seq = journal.have("gw1", RUN)
    while True:
        seq += 1
        print(journal.append([tick(seq), data(seq, 5 + 40 * seq % 300)]), flush=True)
"""

FULL = """
import sys
from pathlib import Path
from tests.journals import data, everything, opened
from twin.journal import JournalFull, verify
folder, filler = Path(sys.argv[1]) / "data", Path(sys.argv[1]) / "filler"
filler.write_bytes(bytes(1_000_000))
with opened(folder) as journal:
    stored = refused = 0
    for round in range(3):
        try:
            while True:
                stored = journal.append([data(stored + 1, 200)])
        except JournalFull as err:
            refused += 1
            assert "the disk is full, nothing was stored; make room" in str(err), err
        assert journal.last() == journal.have("gw1", 77) == stored, "nothing of the batch is stored"
        assert [e.seq for e in everything(folder)] == [*range(1, stored + 1)], "all that was promised can be read"
        print("full with", stored)
        filler.write_bytes(bytes(filler.stat().st_size - 300_000))
    assert refused == 3
assert verify(folder).ok
with opened(folder) as journal:
    assert journal.last() == stored
    filler.unlink()
    assert journal.append([data(stored + 1, 200)]) == stored + 1
print("done")
"""

READ_ONLY = """
import subprocess, sys
from pathlib import Path
from tests.journals import everything, filled, opened
from twin.errors import DataError
from twin.journal import verify
folder = Path(sys.argv[1]) / "data"
entries = filled(folder, 5)
for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
    (folder / name).unlink(missing_ok=True)
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
try:
    opened(folder)
except DataError as err:
    assert "can't be written: Read-only file system; check rights and disk, or name another folder" in str(err), err
else:
    raise AssertionError("it was opened to write")
assert verify(folder).ok
assert everything(folder) == entries
print("done")
"""


@pytest.fixture
def python(repository: Path) -> dict[str, str]:
    """Return an environment in which a child finds the tests."""
    return {**os.environ, "PYTHONPATH": str(repository)}


@pytest.fixture
def alone(tmp_path: Path, python: dict[str, str]) -> list[str]:
    """Return what to put before a script's source: a small disk of its own, in a mount namespace of its own."""
    inside = 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'
    (tmp_path / "disk").mkdir()
    command = ["unshare", "-rm", "sh", "-c", inside, str(tmp_path / "disk")]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here")
    if tried.returncode:
        pytest.skip(f"a disk of one's own can't be mounted here: {tried.stderr.strip()}")
    return [*command, sys.executable, "-c"]


def run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_promised_is_lost_however_often_the_writer_is_killed(tmp_path: Path, python: dict[str, str]) -> None:
    folder, chance = tmp_path / "data", random.Random(4)
    with opened(folder):
        pass
    seen: list[Entry] = []
    with Reader.open(folder) as reader:
        for kill in range(KILLS):
            command = [sys.executable, "-c", WRITER, str(folder)]
            process = subprocess.Popen(command, env=python, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            assert process.stdout is not None
            assert process.stderr is not None
            promised = 0
            for _ in range(chance.randrange(1, 80)):
                promised = int(process.stdout.readline() or pytest.fail(process.stderr.read()))
            process.kill()
            promised = int((process.stdout.read().split("\n")[-2:-1] or [promised])[0])
            process.wait()
            process.stdout.close()
            process.stderr.close()
            for batch in follow(reader, len(seen), done=lambda: True):
                seen += batch
            assert len(seen) >= promised, f"kill {kill}: {promised - len(seen)} entries are lost"
        verdict = verify(folder)
        assert verdict.ok, verdict
        there = everything(folder)  # whoever opens it anew finds what the last kill left and nobody was promised
        for batch in follow(reader, len(seen), done=lambda: True):
            seen += batch
    expected = [d for n in range(1, len(seen) // 2 + 1) for d in (tick(n), data(n, 5 + 40 * n % 300))]
    assert seen == [Entry(n, *draft) for n, draft in enumerate(expected, 1)]
    assert there == seen, "a reader that was open all the time saw what there is"
    with opened(folder) as journal:  # a last batch may come to light that was whole on disk and promised to nobody
        now = everything(folder)
        assert now[: len(seen)] == seen
        assert len(seen) <= len(now) <= len(seen) + 2
        assert journal.have("gw1", RUN) == len(now) // 2


def test_a_second_process_is_told_which_is_the_first(tmp_path: Path, python: dict[str, str]) -> None:
    folder = tmp_path / "data"
    with opened(folder):
        second = [sys.executable, "-c", WRITER, str(folder)]
        done = subprocess.run(second, env=python, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert f"DataError: {folder}: process {os.getpid()} writes the journal; end it" in done.stderr


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path, python: dict[str, str]) -> None:
    folder = tmp_path / "data"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], env=python, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    assert (folder / "ingest.lock").read_text() == f"{process.pid}\n"
    with opened(folder) as journal:
        assert journal.last() >= 2


def test_a_real_full_disk_stores_nothing_of_a_batch_and_takes_it_when_there_is_room(
    alone: list[str], tmp_path: Path, python: dict[str, str]
) -> None:
    said = run([*alone, FULL, str(tmp_path / "disk")], python).splitlines()
    counts = [int(line.removeprefix("full with ")) for line in said[:-1]]
    assert said[-1] == "done"
    assert 50 < counts[0] < counts[1] < counts[2]


def test_a_read_only_disk_is_read_and_not_written(alone: list[str], tmp_path: Path, python: dict[str, str]) -> None:
    assert run([*alone, READ_ONLY, str(tmp_path / "disk")], python) == "done\n"


def test_readers_in_the_writers_own_process_do_not_drop_its_locks(tmp_path: Path) -> None:
    # A second process that saw no lock would delete the log on leaving, and the writer would go on in a deleted file.
    folder = tmp_path / "data"
    entries = filled(folder, 5)
    passing = (
        f"import sqlite3; d = sqlite3.connect({str(folder / 'journal.sqlite')!r}); d.execute('SELECT 1 FROM entries')"
    )
    with opened(folder) as journal:
        journal.append([tick(0)])
        with Reader.open(folder) as reader:
            assert reader.last() == len(entries) + 1
        assert verify(folder).ok
        subprocess.run([sys.executable, "-c", f"{passing}; d.execute('SELECT 1 FROM entries'); d.close()"], check=True)
        journal.append([tick(1)])
        assert everything(folder)[-1].id == len(entries) + 2
        shutil.copytree(folder, tmp_path / "copy")
    assert everything(tmp_path / "copy")[-1].id == len(entries) + 2
