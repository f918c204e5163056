"""Damage in the write-ahead log, which SQLite passes over without a word."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journals import data, everything, filled, opened, tick
from twin.errors import DataError
from twin.journal import Entry, log, verify

FRAME = 4096 + 24


@pytest.fixture
def crashed(tmp_path: Path) -> Iterator[tuple[Path, list[Entry], list[int]]]:
    """Return a journal as a kill leaves it, its entries, and how long its log was after each batch."""
    folder, ends = tmp_path / "crashed", []
    filled(tmp_path / "data", 3)
    with opened(tmp_path / "data") as journal:
        for n in range(4, 34):
            journal.append([tick(n), data(n, 100)])
            ends.append((tmp_path / "data" / "journal.sqlite-wal").stat().st_size)
        folder.mkdir()
        for name in ("journal.sqlite", "journal.sqlite-wal"):
            shutil.copy(tmp_path / "data" / name, folder / name)
        yield folder, everything(tmp_path / "data"), ends


def flip(path: Path, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(raw)


def test_a_log_without_damage_holds_nothing_unreadable(crashed: tuple[Path, list[Entry], list[int]]) -> None:
    folder, entries, _ = crashed
    assert log.unreadable(folder / "journal.sqlite") == 0
    assert everything(folder) == entries
    assert verify(folder).ok


def test_damage_that_would_lose_promised_batches_is_never_passed_over(
    crashed: tuple[Path, list[Entry], list[int]], tmp_path: Path
) -> None:
    folder, _, ends = crashed
    chance, copy = random.Random(5), tmp_path / "copy"
    for _ in range(60):
        bit = chance.randrange(32 * 8, ends[-3] * 8)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        flip(copy / "journal.sqlite-wal", bit)
        lost = sum(end > bit // 8 for end in ends)
        assert abs(log.unreadable(copy / "journal.sqlite") - lost) <= 1, "a damaged frame may have ended a batch"
        found = verify(copy)
        assert not found.ok
        assert f"and {log.unreadable(copy / 'journal.sqlite')} batches behind that can't be read" in found.faults[0]
        before = (copy / "journal.sqlite-wal").read_bytes()
        with pytest.raises(DataError, match="batches behind that can't be read; copy the folder, then move this file"):
            opened(copy)
        assert (copy / "journal.sqlite-wal").read_bytes() == before, "the evidence is left as it was"


def test_a_torn_last_batch_is_no_damage(crashed: tuple[Path, list[Entry], list[int]]) -> None:
    folder, entries, ends = crashed
    flip(folder / "journal.sqlite-wal", ends[-2] * 8 + 999)
    assert log.unreadable(folder / "journal.sqlite") == 1
    found = verify(folder)
    assert found.ok
    assert "one batch can't be read: a power cut tore it before it was acknowledged, or it is damaged" in found.notes[0]
    with opened(folder) as journal:
        assert journal.last() == len(entries) - 2
        journal.append([data(33)])
    assert verify(folder).ok


def test_a_log_that_was_moved_away_is_done_without(crashed: tuple[Path, list[Entry], list[int]]) -> None:
    folder, entries, _ = crashed
    flip(folder / "journal.sqlite-wal", 100_000)
    (folder / "journal.sqlite-wal").rename(folder / "kept")
    with opened(folder) as journal:
        assert 0 < journal.last() < len(entries)
    assert verify(folder).ok


@pytest.mark.parametrize("raw", [b"", b"short", bytes(5000), b"\xff" * 9000])
def test_what_is_no_log_holds_no_batches(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "journal.sqlite-wal").write_bytes(raw)
    assert log.unreadable(tmp_path / "journal.sqlite") == 0
    log.rewrite(tmp_path / "journal.sqlite")
    assert (tmp_path / "journal.sqlite-wal").read_bytes() == raw


def test_older_generations_of_the_log_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.journal.writer.CHECKPOINT", 150_000)
    with opened(tmp_path / "data") as journal:
        for n in range(1, 100):
            journal.append([data(n, 100 + n % 50)])
            assert log.unreadable(tmp_path / "data" / "journal.sqlite") == 0
