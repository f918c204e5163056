"""Verification: what was flipped, deleted, inserted or put in another order is found, and the rest stays readable."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.journals import PAGE, RUN, T0, everything, filled, frame, opened, tick
from twin.errors import DataError
from twin.journal import Entry, Reader, prune, store, verify
from twin.journal.check import Verdict, whole
from twin.journal.entries import KINDS

FLIPS = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@contextmanager
def tampering(folder: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection that may do anything to the tables; the triggers are there again afterwards."""
    triggers = [text for text in store.SCHEMA if text.startswith("CREATE TRIGGER")]
    db = sqlite3.connect(folder / store.FILE, isolation_level=None)
    for text in triggers:
        db.execute(f"DROP TRIGGER {text.split()[2]}")
    yield db
    for text in triggers:
        db.execute(text)
    db.close()


def first(verdict: Verdict) -> tuple[int, str, int, int, str]:
    assert not verdict.ok
    damage = verdict.named[0]
    return damage.id, damage.gateway, damage.run, damage.seq, damage.wrong


def test_a_whole_journal_is_whole(folder: Path) -> None:
    entries = filled(folder, 60)
    seen: list[tuple[int, int]] = []
    verdict = verify(folder, lambda done, total: seen.append((done, total)))
    assert verdict.ok
    assert verdict[1:6] == (1, len(entries), len(entries), 0, 0)
    assert verdict.bytes == sum(len(entry.body) for entry in entries)
    assert (verdict.named, verdict.faults, verdict.notes) == ((), (), ())
    assert {entry.kind for entry in entries} == set(KINDS)
    with opened(folder) as journal:
        journal.append([tick(99)])
        assert verify(folder).whole == len(entries) + 1, "it may be in use"


def test_an_empty_journal_is_whole(folder: Path) -> None:
    with opened(folder):
        pass
    assert verify(folder).ok
    assert verify(folder)[1:6] == (1, 0, 0, 0, 0)


def test_no_flipped_bit_goes_unnoticed_and_the_rest_stays_readable(folder: Path, tmp_path: Path) -> None:
    filled(folder, 150)
    with opened(folder) as journal:
        prune(journal, 40, seconds=10.0, spare=0)
    entries = {entry.id: entry for entry in everything(folder)}
    with Reader.open(folder) as reader:
        hellos = reader.hellos(40)
    raw, copy, chance = (folder / store.FILE).read_bytes(), tmp_path / "copy", random.Random(1)
    copy.mkdir()
    found = 0
    for n in range(FLIPS):
        bit = chance.randrange(PAGE * 8, len(raw) * 8)
        for left in copy.iterdir():
            left.unlink()
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        (copy / store.FILE).write_bytes(flipped)
        verdict = verify(copy)
        read = {step.id: step.entry for step in whole(copy) if step.entry is not None and not step.wrong}
        assert read.items() <= entries.items(), f"flip {n} of bit {bit}: a damaged entry passed for a whole one"
        found += not verdict.ok
        if verdict.ok:  # the bit means nothing: room between rows, or behind the end of a body
            assert read == entries
            assert everything(copy) == [*entries.values()]
            with Reader.open(copy) as reader:
                assert reader.hellos(40) == hellos
        elif verdict.damaged:
            assert verdict.whole == len(read)
            assert verdict.later == sum(number > verdict.named[0].id for number in read)
            assert verdict.damaged <= 60, "more is gone than the entries of a page"
    assert found > 0.7 * FLIPS


def test_a_flip_of_the_first_page_is_found(folder: Path, tmp_path: Path) -> None:
    filled(folder, 5)
    raw, copy, chance = (folder / store.FILE).read_bytes(), tmp_path / "copy", random.Random(2)
    entries = everything(folder)
    copy.mkdir()
    for _ in range(60):
        for left in copy.iterdir():
            left.unlink()
        flipped = bytearray(raw)
        bit = chance.randrange(PAGE * 8)
        flipped[bit // 8] ^= 1 << bit % 8
        (copy / store.FILE).write_bytes(flipped)
        try:
            if not verify(copy).ok:
                continue
        except DataError:
            continue
        assert everything(copy) == entries, f"bit {bit}"
        with opened(copy) as journal:
            journal.append([tick(9)])
        assert verify(copy).ok


def test_a_flipped_body_is_named_with_its_neighbours_times(folder: Path) -> None:
    entries = filled(folder, 20)
    with tampering(folder) as db:
        db.execute("UPDATE entries SET body = ? WHERE id = 15", (entries[14].body[:-1] + b"\x01",))
    verdict = verify(folder)
    expected = entries[14]
    assert first(verdict)[:4] == (15, expected.gateway, expected.run, expected.seq)
    assert (verdict.named[0].since, verdict.named[0].until) == (entries[13].received, entries[15].received)
    assert (verdict.damaged, verdict.later) == (1, len(entries) - 15)


@pytest.mark.parametrize("column", ["kind", "gateway", "run", "seq", "received", "clock", "holds", "crc", "chain"])
def test_no_column_can_be_changed_unnoticed(folder: Path, column: str) -> None:
    entries = filled(folder, 10)
    others = {"seq": "99", "kind": "'tick'", "gateway": "'gw9'", "chain": "zeroblob(32)"}
    with tampering(folder) as db:
        db.execute(f"UPDATE entries SET {column} = {others.get(column, f'{column} + 1')} WHERE id = 8")
    verdict = verify(folder)
    assert (verdict.named[0].id, verdict.damaged) == (8, 1)
    assert len(entries) == verdict.whole + 1


@pytest.mark.parametrize("value", [None, "text", b"\x00\xff", 1.5, -1, 2**63 - 1, "\udcff"])
@pytest.mark.parametrize("field", range(8))
def test_a_value_that_no_writer_stores_follows_on_nothing(field: int, value: object) -> None:
    entry = (1, "data", "gw1", RUN, 1, T0, T0, b"body")
    chain = store.link(b"0" * 32, entry)
    assert store.follows(b"0" * 32, entry, chain)
    assert not store.follows(b"0" * 32, (*entry[:field], value, *entry[field + 1 :]), chain)
    assert not store.follows(b"0" * 32, entry, value)


def test_a_deleted_entry_is_missed(folder: Path) -> None:
    entries = filled(folder, 20)
    with tampering(folder) as db:
        db.execute("DELETE FROM entries WHERE id IN (15, 16)")
    verdict = verify(folder)
    assert first(verdict)[0] == 15
    assert first(verdict)[4] == "can't be read"
    assert (verdict.damaged, verdict.later) == (2, len(entries) - 16)
    assert (verdict.named[1].since, verdict.named[1].until) == (entries[13].received, entries[16].received)


def test_a_deleted_end_is_missed(folder: Path) -> None:
    entries = filled(folder, 20)
    with tampering(folder) as db:
        db.execute("DELETE FROM entries WHERE id > 50")
    verdict = verify(folder)
    assert f"entries: the last one is 50, and {len(entries)} were counted" in verdict.faults
    with pytest.raises(DataError, match="its end is damaged"):
        opened(folder)


def test_a_deleted_beginning_is_missed_even_with_the_anchor_moved(folder: Path) -> None:
    filled(folder, 20)
    with tampering(folder) as db:
        db.execute("UPDATE anchor SET first = 10, chain = (SELECT chain FROM entries WHERE id = 9)")
        db.execute("DELETE FROM entries WHERE id < 10")
    assert not verify(folder).ok
    with tampering(folder) as db:
        db.execute("UPDATE anchor SET chain = zeroblob(32)")
    assert first(verify(folder))[0] == 10


def test_entries_in_another_order_are_found(folder: Path) -> None:
    filled(folder, 20)
    with tampering(folder) as db:
        db.execute("UPDATE entries SET id = CASE id WHEN 12 THEN -15 ELSE -12 END WHERE id IN (12, 15)")
        db.execute("UPDATE entries SET id = -id WHERE id < 0")
    verdict = verify(folder)
    assert first(verdict)[0] == 12
    assert [damage.id for damage in verdict.named if damage.id in (12, 15)] == [12, 15]


def test_an_inserted_entry_is_found(folder: Path) -> None:
    entries = filled(folder, 20)
    with tampering(folder) as db:
        db.execute("UPDATE entries SET id = -id WHERE id >= 30")
        db.execute("UPDATE entries SET id = 1 - id WHERE id < 0")
        body = frame(999)
        made = Entry(30, "data", "gw1", RUN, 999, T0, T0, body)
        db.execute(store.ADD_ENTRY, (*made, 20, 1, b"x" * 32))
    assert first(verify(folder))[0] == 30
    other = folder.parent / "other"
    filled(other, 20)
    with tampering(other) as db:
        last = db.execute("SELECT chain FROM entries ORDER BY id DESC LIMIT 1").fetchone()[0]
        made = Entry(len(entries) + 1, "tick", "", 0, 0, T0, T0, b"\x80")
        db.execute(store.ADD_ENTRY, (*made, 0, 1964467230, store.link(last, made)))
    assert not verify(other).ok, "one that is forged at the end wasn't counted"


def test_a_hole_in_the_sequence_numbers_is_found(folder: Path) -> None:
    filled(folder, 10)
    with tampering(folder) as db:  # a forger who makes the chain and all sums anew
        rows = db.execute(f"SELECT {store.FIELDS}, holds, crc FROM entries WHERE NOT (gateway = 'gw1' AND seq = 5)")
        chain = db.execute("SELECT chain FROM anchor").fetchone()[0]
        kept = rows.fetchall()
        db.execute("DELETE FROM entries")
        for number, (_, *rest, holds, crc) in enumerate(kept, 1):
            chain = store.link(chain, (number, *rest))
            db.execute(store.ADD_ENTRY, (number, *rest, holds, crc, chain))
        db.execute("UPDATE heads SET last = (SELECT max(id) FROM entries AS e WHERE e.gateway = heads.gateway "
                   "AND e.run = heads.run AND e.kind = heads.kind)")  # fmt: skip
        db.execute("UPDATE heads SET entries = 9, holds = 180 WHERE gateway = 'gw1' AND kind = 'data'")
    assert first(verify(folder))[1:] == ("gw1", RUN, 6, "has sequence number 6 where 5 was due")


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE heads SET holds = holds + 1 WHERE kind = 'data'", "heads: data of 'gw1', run 77: was counted as"),
        ("UPDATE heads SET seq = 99 WHERE kind = 'gap'", "heads: gap of 'gw2', run 5"),
        ("DELETE FROM heads WHERE kind = 'tick'", "heads: tick of '', run 0"),
        ("UPDATE anchor SET chain = zeroblob(32)", "anchor: does not hold the beginning of the chain"),
        ("UPDATE anchor SET first = 0", "anchor: is damaged"),
        ("DELETE FROM anchor", "anchor: is damaged"),
        ("DELETE FROM heads", "entries: the last one is 38, and 0 were counted"),
        ("UPDATE rejects SET frame = x'00'", "rejects: a frame of 'stranger' is damaged"),
        ("PRAGMA application_id = 1", "structure: is a database, but no journal of a twin"),
    ],
)
def test_what_entries_add_up_to_is_checked(folder: Path, statement: str, fault: str) -> None:
    filled(folder, 11)
    with tampering(folder) as db:
        db.execute(statement)
    verdict = verify(folder)
    assert not verdict.ok
    assert any(said.startswith(fault) for said in verdict.faults), verdict


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE kept SET body = x'80'", "kept: the hello of 'gw1' is damaged"),
        ("UPDATE kept SET gateway = 'gw7' WHERE gateway = 'gw2'", "kept: the hello of 'gw7' is damaged"),
        ("DELETE FROM kept", "kept: the hello of 'gw2' is missing"),
    ],
)
def test_kept_hellos_are_checked(folder: Path, statement: str, fault: str) -> None:
    filled(folder, 30)
    with opened(folder) as journal:
        prune(journal, 20, seconds=10.0)
    assert verify(folder).ok
    with tampering(folder) as db:
        db.execute(statement)
    assert any(said.startswith(fault) for said in verify(folder).faults)


def test_behind_an_unreadable_page_reading_goes_on(folder: Path) -> None:
    entries = filled(folder, 100)
    raw = bytearray((folder / store.FILE).read_bytes())
    at = raw.index(entries[150].body[:200])
    page = at // PAGE
    raw[page * PAGE : page * PAGE + 200] = b"\xff" * 200
    (folder / store.FILE).write_bytes(raw)
    verdict = verify(folder)
    assert 1 <= verdict.damaged <= 40
    assert verdict.later > 100
    assert any(fault.startswith("structure: ") for fault in verdict.faults)
    read = {step.id: step.entry for step in whole(folder) if not step.wrong}
    assert len(read) == verdict.whole
    assert [*read.values()] == [entry for entry in entries if entry.id in read]


@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_of_a_journal_that_was_cut_short_the_rest_is_readable(folder: Path, left: float) -> None:
    entries = filled(folder, 200)
    raw = (folder / store.FILE).read_bytes()
    (folder / store.FILE).write_bytes(raw[: int(len(raw) * left)])
    verdict = verify(folder)
    assert not verdict.ok
    assert 0.3 * left < verdict.whole / len(entries) < 1.0
    assert verdict.whole + verdict.damaged == len(entries)


def test_reading_can_begin_behind_an_entry(folder: Path) -> None:
    entries = filled(folder, 10)
    assert [step.entry for step in whole(folder, 8)] == entries[8:]
    assert not any(step.wrong for step in whole(folder, 8))
