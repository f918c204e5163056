"""Appending: one order, all or nothing, and nothing that doesn't follow."""

import sqlite3
import zlib
from pathlib import Path

import msgspec
import pytest

from tests.journals import RUN, T0, data, draft, everything, filled, frame, gap, hello, opened, tick
from twin.errors import DataError
from twin.journal import Draft, Entry, Journal, JournalFull, Reader, store, verify, writer
from twin.journal.folder import free

OTHERS = "kind, gateway, run, 99, received, clock, holds, crc, chain, body"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_entries_come_back_as_they_were_appended(folder: Path) -> None:
    drafts = [
        hello(),
        tick(1),
        gap(1, 3),
        data(4),
        data(5, 0),
        draft("bye", "gw1", 0, b"bye"),
        draft("action", "", 0, b""),
    ]
    with opened(folder) as journal:
        assert journal.append(drafts[:3]) == 3
        assert journal.append([]) == 3
        assert journal.append(drafts[3:]) == 7
    assert everything(folder) == [Entry(n, *d) for n, d in enumerate(drafts, 1)]
    with opened(folder) as journal:
        assert (journal.first(), journal.last()) == (1, 7)
        assert journal.append([tick(2)]) == 8


def test_what_was_stored_is_known_after_a_restart(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(), gap(1, 3), data(4), data(5)])
        journal.append([data(1, gateway="gw2"), data(1, run=2)])
    with opened(folder) as journal:
        assert journal.have("gw1", RUN) == 5
        assert journal.have("gw1", 2) == 1
        assert journal.have("gw2", RUN) == 1
        assert journal.have("gw3", RUN) == 0
        assert journal.crc_of("gw1", RUN, 4) == zlib.crc32(frame(4))
        assert journal.crc_of("gw1", RUN, 3) is None, "declared lost"
        assert journal.crc_of("gw1", RUN, 6) is None


def test_the_latest_hello_of_every_gateway_and_run_is_told(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(), hello("gw2"), hello(run=3), data(1), hello(tags=("TI-9",))])
        assert [(h.gateway, h.run, h.id) for h in journal.hellos()] == [("gw2", RUN, 2), ("gw1", 3, 3), ("gw1", RUN, 5)]
        assert b"TI-9" in journal.hellos()[-1].body


def test_the_latest_actions_are_told(folder: Path) -> None:
    with opened(folder) as journal:
        for n in range(1, 10):
            journal.append([tick(n), draft("action", "", 0, b"%d" % n), data(n)])
        assert [entry.body for entry in journal.actions(3)] == [b"7", b"8", b"9"]
        assert [entry.id for entry in journal.actions(99)] == [*range(2, 28, 3)]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([data(3)], "does not follow on 1"),
        ([data(1)], "does not follow on 1"),
        ([data(2), data(2)], "does not follow on 2"),
        ([data(2), data(4)], "does not follow on 2"),
        ([gap(3, 5)], "does not follow on 1"),
        ([gap(2, 1)], "does not follow on 1"),
        ([gap(2, 5)._replace(seq=6)], "does not follow on 1"),
        ([draft("gap", "gw1", 2, b"\xc1")], "can't be read"),
        ([draft("data", "gw1", 2, b"\xc1")], "can't be read"),
        ([draft("news", "gw1", 2, b"")], "no such kind"),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_follow_is_refused_whole(folder: Path, wrong: list[Draft], said: str) -> None:
    with opened(folder) as journal:
        journal.append([data(1)])
        with pytest.raises(DataError, match=said):
            journal.append([tick(1), *wrong])
        assert journal.last() == 1
        assert journal.append([data(2)]) == 2, "a defect of a caller breaks nothing"
    assert verify(folder).ok


def test_a_frame_in_json_is_counted_like_one_in_messagepack(folder: Path) -> None:
    said = b'{"t":"data","seq":1,"r":[[0,1,null,0],[1,2,0.5,0]]}'
    with opened(folder) as journal:
        journal.append([draft("data", "gw1", 1, said)])
        assert journal.query("SELECT holds FROM entries") == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET seq = 9 WHERE id = 2",
        "DELETE FROM entries WHERE id = 2",
        f"INSERT OR REPLACE INTO entries SELECT id, {OTHERS} FROM entries WHERE id = 2",
        f"INSERT INTO entries SELECT 99, {OTHERS} FROM entries WHERE id = 2",
        "UPDATE anchor SET first = 0",
        "UPDATE anchor SET first = 3, chain = zeroblob(32)",
        "UPDATE anchor SET first = 99",
        "UPDATE anchor SET journal = zeroblob(16)",
        "DELETE FROM anchor",
    ],
)
def test_no_statement_changes_what_is_stored(folder: Path, statement: str) -> None:
    with opened(folder) as journal:
        journal.append([tick(1), data(1), data(2)])
        with pytest.raises(DataError), journal.transaction() as db:
            db.execute(statement)
    assert verify(folder).ok
    assert len(everything(folder)) == 3


def test_after_an_error_within_a_transaction_nothing_more_is_taken(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([tick(1)])
        with pytest.raises(KeyboardInterrupt), journal.transaction():
            raise KeyboardInterrupt
        with pytest.raises(DataError, match="writing failed before"):
            journal.append([tick(2)])
    with opened(folder) as journal:
        assert journal.append([tick(2)]) == 2


def test_a_disk_that_is_nearly_full_takes_nothing_until_there_is_room(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([data(1)])
    room = free(folder, 0)
    with Journal.open(folder, reserve=2 * room) as journal:
        with pytest.raises(JournalFull, match="nearly full, nothing was stored; make room"):
            journal.append([data(2)])
        assert (journal.last(), journal.have("gw1", RUN)) == (1, 1)
    with Journal.open(folder, reserve=room // 2) as journal:
        assert journal.append([data(2)]) == 2


def test_the_reserve_is_large_unless_it_is_given(folder: Path) -> None:
    with opened(folder):
        least = 512 * 2**20
        assert free(folder) <= free(folder, 0) - least


def test_only_the_owner_can_read_the_files(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([tick(1)])
        modes = {f.name: f.stat().st_mode & 0o777 for f in folder.iterdir()}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert modes.keys() == {"ingest.lock", "journal.sqlite", "journal.sqlite-shm", "journal.sqlite-wal"}
    assert set(modes.values()) == {0o600}
    (folder / "journal.sqlite").chmod(0o644)
    with opened(folder):
        assert (folder / "journal.sqlite").stat().st_mode & 0o777 == 0o600


def test_the_settings_are_those_that_keep_promises(folder: Path) -> None:
    with opened(folder) as journal:
        got = {name: journal.query(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "auto_vacuum")}
    assert got == {"journal_mode": "wal", "synchronous": 2, "auto_vacuum": 2}


def test_the_log_is_copied_into_the_file_before_it_gets_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT", 200_000)
    with opened(folder) as journal:
        for n in range(1, 200):
            journal.append([data(n, 300)])
            assert (folder / "journal.sqlite-wal").stat().st_size < 400_000
        assert (folder / "journal.sqlite").stat().st_size > 600_000


def test_a_closed_journal_takes_nothing(folder: Path) -> None:
    journal = opened(folder)
    journal.close()
    journal.close()
    with pytest.raises(DataError, match="is closed"):
        journal.append([tick(1)])
    with opened(folder):
        pass


def test_refused_frames_wait_for_the_next_batch_and_are_stored_with_it(folder: Path) -> None:
    with opened(folder) as journal, Reader.open(folder) as reader:
        journal.reject("gw\ud8009", T0, "bad_message", b"\xc1")
        rejects = "SELECT id, gateway, received, reason, frame FROM rejects"
        assert reader.query(rejects) == []
        journal.append([tick(1)])
        assert reader.query(rejects) == [(1, "gw\\ud8009", T0, "bad_message", b"\xc1")]
        journal.reject("gw9", T0, "too_big", b"x" * (2**20 + 1))
    with opened(folder) as journal:
        reason, length = journal.query("SELECT reason, length(frame) FROM rejects WHERE id = 2")[0]
        assert (reason, length) == ("too_big (only its first 1048576 bytes are kept)", 2**20)
    assert verify(folder).ok


def test_a_flood_of_refused_frames_is_bounded_and_counted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(folder) as journal:
        monkeypatch.setattr(journal._rejects, "_quota", 3_000_000)
        for n in range(40):
            for _ in range(20):
                journal.reject("gw9", n, "bad_message", bytes(200_000))
            journal.append([tick(n)])
    with opened(folder) as journal:
        kept, size, last = journal.query("SELECT count(*), sum(length(frame)), max(id) FROM rejects")[0]
        assert 2_000_000 < size < 3_000_000
        assert last == 800, "those that were dropped are counted by the numbers that are missing"
        assert kept == size // 200_000
        assert journal._rejects._size == size + kept * 256


def test_a_batch_of_many_gateways_is_one_transaction(folder: Path) -> None:
    with opened(folder) as journal:
        before = journal.query("SELECT count(*) FROM heads")[0][0]
        journal.append([data(1, gateway=f"gw{n}") for n in range(200)])
        assert before == 0
        assert journal.query("SELECT count(*), sum(holds) FROM heads") == [(200, 4000)]
    assert verify(folder).ok


def test_opening_takes_no_longer_for_a_longer_journal(folder: Path) -> None:
    filled(folder, 1500, 1)
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    real = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:

        def connect(*given: object, **options: object) -> sqlite3.Connection:
            db = real(*given, **options)  # type: ignore[call-overload]
            db.set_progress_handler(count, 100)
            return db  # type: ignore[no-any-return]

        patch.setattr(sqlite3, "connect", connect)
        with opened(folder) as journal:
            assert journal.last() > 4500
            assert [entry.kind for entry in journal.actions(100)] == ["action"]
            assert len(journal.hellos()) == 2
    assert steps < 200, "opening looks at the end and at sums, not at every entry"


def test_the_chain_covers_every_field() -> None:
    entry = (1, "data", "gw1", 7, 1, 5, 6, b"body")
    chain = store.link(b"0" * 32, entry)
    others = [
        (2, *entry[1:]), (1, "gap", *entry[2:]), (*entry[:2], "gw2", *entry[3:]), (*entry[:3], 8, *entry[4:]),
        (*entry[:4], 2, *entry[5:]), (*entry[:5], 6, *entry[6:]), (*entry[:6], 7, entry[7]), (*entry[:7], b"bodx"),
        (1, "dat", "agw1", *entry[3:]),
    ]  # fmt: skip
    assert len({chain, store.link(b"1" * 32, entry), *(store.link(b"0" * 32, other) for other in others)}) == 11


def test_a_moment_beyond_the_calendar_is_told_as_a_number() -> None:
    assert store.moment(T0) == "2026-03-01T12:00:00.000000Z"
    assert store.moment(2**62) == "4611686018427387904 us"


def test_an_unknown_field_of_a_frame_is_not_the_journals_business() -> None:
    assert store.count("data", msgspec.msgpack.encode({"r": [1, 2, 3], "new": 1})) == 3
