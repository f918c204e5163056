"""Reading while somebody writes: nothing twice, nothing missed, nobody held up."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.journals import RUN, data, everything, filled, hello, opened, tick
from twin.errors import DataError
from twin.journal import Journal, Reader, follow, prune, reader, store, writer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_entries_are_handed_out_in_order_and_in_portions(folder: Path) -> None:
    entries = filled(folder, 50)
    with Reader.open(folder) as journal:
        assert (journal.first(), journal.last()) == (1, len(entries))
        assert journal.entries(0) == entries
        assert journal.entries(7, limit=3) == entries[7:10]
        assert journal.entries(len(entries)) == []
        assert [e.id for batch in follow(journal, 3, done=lambda: True) for e in batch] == [*range(4, len(entries) + 1)]


def test_a_portion_is_bounded_in_bytes_and_never_empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = filled(folder, 20, 100)
    monkeypatch.setattr(reader, "MOST_BYTES", 1)
    with Reader.open(folder) as journal:
        assert journal.entries(0) == entries[:1]
        assert [entry for batch in follow(journal, 0, done=lambda: True) for entry in batch] == entries


def test_a_follower_sees_what_is_written_meanwhile(folder: Path) -> None:
    with opened(folder) as journal, Reader.open(folder) as behind:
        waited: list[float] = []

        def write(seconds: float) -> None:
            waited.append(seconds)
            journal.append([tick(len(waited)), data(len(waited))])

        seen = [e for b in follow(behind, 0, done=lambda: len(waited) == 5, every=0.25, wait=write) for e in b]
        assert [entry.id for entry in seen] == [*range(1, 11)]
        assert waited == [0.25] * 5


def test_what_was_written_before_done_is_handed_out(folder: Path) -> None:
    with opened(folder) as journal, Reader.open(folder) as behind:

        def done() -> bool:
            journal.append([tick(1)])
            return True

        assert sum(len(batch) for batch in follow(behind, 0, done=done)) == journal.last()


def test_a_reader_does_not_keep_the_log_from_beginning_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT", 100_000)
    with opened(folder) as journal, Reader.open(folder) as behind:
        for n in range(1, 200):
            journal.append([data(n, 300)])
            behind.entries(max(n - 2, 0))
            behind.last()
            assert (folder / "journal.sqlite-wal").stat().st_size < 300_000


def test_a_reader_goes_on_over_a_writers_restart(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([tick(1)])
        behind = Reader.open(folder)
        assert len(behind.entries(0)) == 1
    assert behind.entries(1) == []
    with opened(folder) as journal:
        journal.append([tick(2)])
        assert [entry.id for entry in behind.entries(1)] == [2]
    assert behind.last() == 2
    behind.close()
    behind.close()


def test_who_asks_beyond_the_end_has_another_journal_in_mind(folder: Path) -> None:
    filled(folder, 5)
    with Reader.open(folder) as journal:
        last = journal.last()
        with pytest.raises(DataError, match=f"ends with entry {last}, and {last + 1} is asked for; this is another"):
            journal.entries(last + 1)


def test_who_asks_for_pruned_entries_is_told(folder: Path) -> None:
    entries = filled(folder, 30)
    with opened(folder) as journal:
        assert prune(journal, 10, seconds=10.0) == 0
    with Reader.open(folder) as journal:
        assert journal.first() == 10
        assert journal.entries(9) == entries[9:]
        for ask in (journal.entries, journal.chain):
            with pytest.raises(DataError, match="up to 9 were pruned, and 9 is asked for; begin with a snapshot"):
                ask(8)


def test_the_chain_tells_journals_apart(folder: Path, tmp_path: Path) -> None:
    filled(folder, 5)
    filled(tmp_path / "other", 5)
    with Reader.open(folder) as one, Reader.open(tmp_path / "other") as other:
        assert one.identity != other.identity
        assert one.chain(7) != other.chain(7)
        assert one.chain(0) == store.genesis(one.identity)


def test_hellos_in_force_at_an_entry_are_told(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(tags=("A",)), data(1), hello("gw2"), hello(tags=("B",)), data(2)])
    with Reader.open(folder) as behind:
        assert [h.id for h in behind.hellos()] == [3, 4]
        assert [h.id for h in behind.hellos(1)] == []
        assert [h.id for h in behind.hellos(3)] == [1]
        assert [h.id for h in behind.hellos(4)] == [1, 3]
        assert [h.id for h in behind.hellos(5)] == [3, 4]


def test_a_damaged_entry_is_not_handed_out(folder: Path) -> None:
    filled(folder, 5)
    raw = bytearray((folder / "journal.sqlite").read_bytes())
    with Reader.open(folder) as journal:
        body = journal.entries(0)[4].body
    at = raw.index(body)
    raw[at + 20] ^= 1
    (folder / "journal.sqlite").write_bytes(raw)
    with Reader.open(folder) as journal:
        assert len(journal.entries(0, limit=4)) == 4
        with pytest.raises(DataError, match=r"entry 5 is damaged, it reads as 'data' 1 of 'gw1'; see `twin journal"):
            journal.entries(0)


def test_a_journal_that_nobody_writes_is_read_without_writing(folder: Path) -> None:
    entries = filled(folder, 5)
    for name in ("journal.sqlite-wal", "journal.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    before = (folder / "journal.sqlite").read_bytes()
    assert everything(folder) == entries
    assert (folder / "journal.sqlite").read_bytes() == before


def test_any_number_may_read(folder: Path) -> None:
    with opened(folder) as journal:
        readers = [Reader.open(folder) for _ in range(20)]
        for n in range(1, 5):
            journal.append([data(n)])
            assert [behind.last() for behind in readers] == [n] * 20
        for behind in readers:
            behind.close()


def test_ids_have_no_holes(folder: Path) -> None:
    assert all(b.id == a.id + 1 for a, b in pairwise(filled(folder, 20)))


def test_what_the_writer_knows_the_reader_knows(folder: Path) -> None:
    filled(folder, 30)
    with Journal.open(folder, reserve=0) as journal, Reader.open(folder) as behind:
        assert journal.hellos() == behind.hellos()
        assert (journal.first(), journal.last()) == (behind.first(), behind.last())
        assert journal.identity == behind.identity
        assert journal.have("gw1", RUN) == 30
