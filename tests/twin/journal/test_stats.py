"""What a journal holds, in numbers."""

import math
from pathlib import Path

import pytest

from tests.journals import RUN, T0, data, filled, gap, hello, opened, tick
from twin.journal import Reader, prune
from twin.journal.folder import free
from twin.journal.stats import Rate, Source, days_left, rate, stats


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_everything_is_counted(folder: Path) -> None:
    entries = filled(folder, 50)
    found = stats(folder, reserve=0)
    assert (found.first, found.last) == (1, len(entries))
    assert (found.since, found.until) == (entries[0].received, entries[-1].received)
    for kind, amount in found.kinds.items():
        assert amount.entries == sum(entry.kind == kind for entry in entries)
        assert amount.bytes == sum(len(entry.body) for entry in entries if entry.kind == kind)
    assert [*found.gateways] == ["gw1", "gw2", "stranger"]
    assert found.gateways["gw2"] == Source(
        runs=1, seq=54, frames=50, readings=250, gaps=1, lost=4, rejects=0, received=T0 + 54_000_000
    )
    assert found.gateways["stranger"].rejects == 1
    assert found.dropped == 0
    assert found.bytes >= (folder / "journal.sqlite").stat().st_size


def test_a_gateways_seq_is_that_of_its_latest_run(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([hello(), gap(1, 99), hello(run=2), data(1, run=2)])
    assert stats(folder).gateways["gw1"][:2] == (2, 1)


def test_an_empty_journal_has_room_for_ever(folder: Path) -> None:
    with opened(folder) as journal:
        assert stats(folder).days_left == math.inf
        journal.append([tick(1)])
        found = stats(folder)
    assert (found.first, found.last, found.since, found.until) == (1, 1, T0 + 1_000_000, T0 + 1_000_000)
    assert found.rate == Rate(0.0, 0.0, 0.0)


def test_a_pruned_journal_is_counted_as_it_is(folder: Path) -> None:
    filled(folder, 50)
    with opened(folder) as journal:
        prune(journal, journal.last(), seconds=10.0)
    found = stats(folder)
    assert sum(amount.entries for amount in found.kinds.values()) == 1
    assert found.gateways["gw1"].seq == 50
    assert found.gateways["gw1"].received is None


def test_the_rate_is_that_of_the_last_hour(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([tick(0), *(data(n, 50)._replace(received=T0) for n in range(1, 200))])
        later = [data(n, 10)._replace(received=T0 + 10**12 + n * 10**7) for n in range(200, 300)]
        journal.append(later)
    with Reader.open(folder) as reader:
        entries, readings, size = rate(reader)
        assert entries == pytest.approx(0.1)
        assert 1.0 < readings < 5.0, "the size of the latest 2,000"
        assert size > 0.1 * len(later[0].body)


def test_days_left_are_what_fills_the_disk_up_to_the_reserve(folder: Path) -> None:
    with opened(folder) as journal:
        for n in range(1, 400):
            journal.append([data(n, 100)])
    with Reader.open(folder) as reader:
        room, speed = free(folder, 0), rate(reader).bytes
        used = (folder / "journal.sqlite").stat().st_size
        assert speed == pytest.approx(used / 398, rel=0.1), "a frame a second"
        assert days_left(reader, reserve=0) == pytest.approx(room / speed / 86400, rel=0.01)
        assert days_left(reader, reserve=room // 2) == pytest.approx(room / 2 / speed / 86400, rel=0.01)
        assert days_left(reader, reserve=2 * room) == 0.0


def test_run_is_part_of_a_gateways_account(folder: Path) -> None:
    with opened(folder) as journal:
        journal.append([data(1, 3), data(1, 4, run=RUN + 1)])
    assert stats(folder).gateways["gw1"][:4] == (2, 1, 2, 7)
