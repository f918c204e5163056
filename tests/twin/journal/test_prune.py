"""Pruning: what is left is a whole journal, anchored in the chain, and the disk gets its room back."""

from pathlib import Path

import pytest

from tests.journals import RUN, data, everything, filled, hello, opened, tick
from twin.errors import DataError
from twin.journal import Journal, Reader, prune, verify
from twin.journal.prune import MOST_ENTRIES, MOST_PAGES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def pruned(journal: Journal, before: int, *, spare: int = 0) -> int:
    """Prune in the smallest steps and return how many it took."""
    steps = 1
    while prune(journal, before, seconds=0.0, spare=spare):
        steps += 1
        assert steps < 10_000
    return steps


def test_what_is_left_is_what_was_written(folder: Path) -> None:
    entries = filled(folder, 400)
    with opened(folder) as journal:
        assert pruned(journal, 700) >= 2, "one transaction takes away at most 250 entries"
        assert (journal.first(), journal.last()) == (700, len(entries))
    verdict = verify(folder)
    assert verdict.ok, verdict
    assert (verdict.first, verdict.whole) == (700, len(entries) - 699)
    assert everything(folder) == entries[699:]


def test_every_step_leaves_a_whole_journal_that_takes_more(folder: Path) -> None:
    filled(folder, 400)
    with opened(folder) as journal:
        last, n, firsts = journal.last(), 400, set()
        while prune(journal, 1100, seconds=0.0, spare=0):
            n += 1
            assert journal.append([tick(n), data(n)]) == last + 2 * (n - 400)
            verdict = verify(folder)
            assert verdict.ok, verdict
            firsts.add(verdict.first)
    assert {251, 501, 1001, 1100} <= firsts


def test_the_chain_stays_anchored(folder: Path) -> None:
    filled(folder, 100)
    with Reader.open(folder) as behind:
        before = {n: behind.chain(n) for n in range(149, 200)}
    with opened(folder) as journal:
        pruned(journal, 150)
    with Reader.open(folder) as behind:
        assert {n: behind.chain(n) for n in range(149, 200)} == before


def test_sequence_numbers_and_hellos_outlive_their_entries(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(tags=("A",)), hello("gw2"), data(1), data(2), hello(tags=("B",)), data(3), tick(1)])
        was = journal.hellos()
        pruned(journal, 5)
        assert journal.hellos() == was
        with Reader.open(folder) as behind:
            assert [h.id for h in behind.hellos(5)] == [1, 2], "in force where the entries begin"
            assert [h.id for h in behind.hellos(6)] == [2, 5]
        assert (journal.have("gw1", RUN), journal.crc_of("gw1", RUN, 1)) == (3, None)
        pruned(journal, 8)
        assert journal.hellos() == was
        assert journal.have("gw1", RUN) == 3
        assert (journal.first(), journal.last()) == (8, 7)
    assert verify(folder).ok
    with opened(folder) as journal:
        with pytest.raises(DataError, match="does not follow on 3"):
            journal.append([data(1)])
        assert journal.append([data(4)]) == 8
    assert verify(folder).ok


def test_the_disk_gets_its_room_back(folder: Path) -> None:
    entries = filled(folder, 500, 100)
    size = (folder / "journal.sqlite").stat().st_size
    with opened(folder) as journal:
        pruned(journal, len(entries) // 2)
        half = (folder / "journal.sqlite").stat().st_size
        assert 0.4 * size < half < 0.6 * size
        pruned(journal, len(entries))
    assert (folder / "journal.sqlite").stat().st_size < 0.2 * size


def test_spare_room_stays_with_the_file(folder: Path) -> None:
    filled(folder, 500, 100)
    with opened(folder) as journal:
        pruned(journal, 1500, spare=200_000)
        free = journal.query("PRAGMA freelist_count")[0][0]
        assert free * 4096 <= 200_000 < (free + 1) * 4096
    assert verify(folder).ok


def test_more_than_there_is_can_not_be_pruned(folder: Path) -> None:
    entries = filled(folder, 5)
    with opened(folder) as journal:
        with pytest.raises(DataError, match=f"the journal ends with {len(entries)}; ask for less"):
            prune(journal, len(entries) + 2)
        assert prune(journal, 0) == 0
        assert prune(journal, 1) == 0
    assert everything(folder) == entries


def test_one_call_takes_away_little_or_the_writer_would_be_held_up(folder: Path) -> None:
    filled(folder, 1000, 50)
    with opened(folder) as journal:
        before = journal.first(), journal.query("PRAGMA page_count")[0][0]
        while prune(journal, 2500, seconds=0.0, spare=0):
            after = journal.first(), journal.query("PRAGMA page_count")[0][0]
            assert after[0] - before[0] <= MOST_ENTRIES
            assert before[1] - after[1] <= MOST_PAGES + 2
            before = after


def test_a_reader_amid_the_pruned_reads_on_or_is_told(folder: Path) -> None:
    entries = filled(folder, 300)
    with opened(folder) as journal, Reader.open(folder) as behind:
        assert behind.entries(0, limit=50) == entries[:50]
        prune(journal, 600, seconds=0.0)
        with pytest.raises(DataError, match="were pruned"):
            behind.entries(50)
        assert behind.entries(behind.first() - 1) == entries[behind.first() - 1 :]
