"""The journal's real writer on a disk that loses power, fails to sync, or fills up."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.disk import Disk, Operation, failure
from tests.journals import data, draft, everything, gap, hello, opened, tick
from twin.errors import DataError
from twin.journal import Draft, Entry, Journal, JournalFull, prune, store, verify, writer

CUTS = 300
BATCHES = 60


def batches(number: int) -> Iterator[list[Draft]]:
    """Yield batches from a few bytes to some pages."""
    yield [hello(), hello("gw2", 5, ("LI-3",)), gap(1, 9, gateway="gw2", run=5)]
    for n in range(1, number + 1):
        yield [tick(n), data(n, 5 + 37 * n % 400)]
        if n % 10 == 0:
            yield [draft("bye", "gw1", 0, b"bye"), hello()]


def written(folder: Path, disk: Disk, number: int = BATCHES, pruned: int = 0) -> None:
    """Write a journal, record every promise, and prune what is before `pruned`; it is opened twice."""
    with disk.beneath():
        write(folder, disk, number, pruned)


def write(folder: Path, disk: Disk, number: int, pruned: int) -> None:
    journal = opened(folder)
    for n, batch in enumerate(batches(number)):
        disk.log.append(Operation("ack", "", journal.append(batch)))
        journal.reject("stranger", n, "bad_message", b"junk" * n)
        if n == number // 2:
            journal.close()
            journal = opened(folder)
            while pruned and prune(journal, pruned, seconds=0.0, spare=0):
                pass
    journal.close()


def expected(number: int = BATCHES) -> list[Entry]:
    drafts = [draft for batch in batches(number) for draft in batch]
    return [Entry(n, *draft) for n, draft in enumerate(drafts, 1)]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(writer, "CHECKPOINT", 100_000)  # many checkpoints, or nothing can go wrong in them
    return Disk(monkeypatch)


def cut(disk: Disk, folder: Path, when: int, chance: random.Random) -> str:
    """Return what was lost by a power cut, empty if nothing; a journal that opens must be whole."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    promised = disk.lose_power(when, chance, folder)
    with opened(folder) as journal:
        first, last = journal.first(), journal.last()
    verdict = verify(folder)
    assert verdict.ok, verdict
    assert everything(folder) == expected()[first - 1 : last], "what is read is not what was written"
    return "" if last >= promised else f"{promised - last} entries up to {promised}"


@pytest.mark.parametrize("pruned", [0, 55])
def test_no_power_cut_loses_what_was_promised(disk: Disk, tmp_path: Path, pruned: int) -> None:
    written(tmp_path / "written", disk, pruned=pruned)
    assert disk.count("ack") > BATCHES
    assert disk.count("sync") > 2 * BATCHES
    chance = random.Random(7)
    log = disk.log
    for n in range(CUTS // 2):
        when = chance.randrange(1, len(log) + 1)
        lost = cut(disk, tmp_path / "cut", when, chance)
        assert not lost, f"cut {n} after {when} operations: {lost}"


def test_the_disk_loses_promises_of_a_journal_that_does_not_sync(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    careless = tuple(setting.replace("FULL", "NORMAL") for setting in store.SETTINGS)
    monkeypatch.setattr(store, "SETTINGS", careless)
    written(tmp_path / "written", disk)
    chance = random.Random(7)
    lost = refused = 0
    for _ in range(40):
        try:
            lost += bool(cut(disk, tmp_path / "cut", chance.randrange(1, len(disk.log)), chance))
        except DataError as err:
            refused += "batches behind that can't be read" in str(err)
    assert lost, "the test would not notice a lost promise"
    assert refused, "a log that lost more than its last batch is not noticed on opening"


def test_a_sync_that_fails_ends_the_journal_without_a_promise(disk: Disk, tmp_path: Path) -> None:
    written(tmp_path / "whole", disk, 12)
    syncs, chance = disk.count("sync"), random.Random(3)
    assert syncs > 20
    for failing in range(syncs):
        folder, after = tmp_path / "failing", tmp_path / "after"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(after, ignore_errors=True)
        disk.log.clear()
        failed = []

        def refuse(operation: Operation, failing: int = failing, failed: list[Operation] = failed) -> None:
            if operation.kind == "sync" and disk.count("sync") == failing and not failed:
                failed.append(operation)
                raise failure(apsw.IOError, apsw.SQLITE_IOERR_FSYNC)

        disk.refuse = refuse
        with disk.beneath():
            said = stopped(folder, disk)
        assert (said is not None) == bool(failed), "a sync failed and nobody was told"
        after.mkdir()
        promised = disk.lose_power(len(disk.log), chance, after)
        with opened(after) as journal:
            assert journal.last() >= promised
        assert verify(after).ok


def stopped(folder: Path, disk: Disk) -> DataError | None:
    """Write until an error, and a bit further: nothing more may be promised."""
    journal: Journal | None = None
    try:
        journal = opened(folder)
        for batch in batches(12):
            disk.log.append(Operation("ack", "", journal.append(batch)))
    except JournalFull:
        raise
    except DataError as err:
        if journal is not None:
            for _ in range(2):
                with pytest.raises(DataError, match="start again"):
                    journal.append([tick(99)])
        return err
    else:
        disk.refuse = lambda operation: None
        return None
    finally:
        if journal is not None:
            end = len(disk.log)
            journal.close()
            del disk.log[end:]


def test_a_disk_that_is_full_at_any_write_stores_nothing_and_takes_it_later(disk: Disk, tmp_path: Path) -> None:
    with disk.beneath(), opened(tmp_path / "full") as journal:
        journal.append([hello()])
        refused = 0
        for n in range(1, 40):
            batch, last = [tick(n), data(n, 30 * n)], journal.last()
            left = n % 7

            def refuse(operation: Operation) -> None:
                nonlocal left
                left -= operation.kind == "write"
                if left < 0 and operation.kind == "write":
                    raise failure(apsw.FullError, apsw.SQLITE_FULL)

            disk.refuse = refuse
            try:
                journal.append(batch)
            except JournalFull:
                refused += 1
                assert journal.last() == last
                assert journal.have("gw1", 77) == n - 1
                disk.refuse = lambda operation: None
                journal.append(batch)
        disk.refuse = lambda operation: None
    assert refused > 20
    assert verify(tmp_path / "full").ok
    assert [entry.seq for entry in everything(tmp_path / "full") if entry.kind == "data"] == [*range(1, 40)]
