"""Which archives go, and what is said where there is too little room."""

import pytest

from tests.archives import HOUR, T0, archived, lived
from twin.keep.manifest import Manifest
from twin.keep.room import DAY, MOST_AT_ONCE, Limits, aged, crowded, deletable, ordered, shortage


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("data")
    lived(folder, 310)
    return archived(folder)


def names(going: list[tuple[object, str]]) -> list[str]:
    return [one.record.name[11:-3] for one in going]  # type: ignore[attr-defined]


def test_archives_go_once_their_last_entry_is_older_than_is_kept(manifest: Manifest) -> None:
    end = ordered(manifest)[2].received[1]
    limits = Limits(3600.0)
    assert names(aged(manifest, limits, end + HOUR)) == ["11", "12"]
    assert names(aged(manifest, limits, end + HOUR + 1)) == ["11", "12", "13"]
    assert {one.reason for one in aged(manifest, limits, end + HOUR + 1)} == {"older than 0.0416667 days"}


def test_a_wrong_clock_takes_no_whole_history(manifest: Manifest) -> None:
    many = Manifest(archives=manifest.archives * 20)
    assert len(aged(many, Limits(3600.0), T0 + 10_000 * DAY)) == MOST_AT_ONCE


def test_the_oldest_go_until_the_rest_has_room(manifest: Manifest) -> None:
    sizes = [record.bytes for record in ordered(manifest)]
    journal = 1000
    assert crowded(manifest, Limits(1e9), journal) == []
    assert crowded(manifest, Limits(1e9, sum(sizes) + journal), journal) == []
    assert names(crowded(manifest, Limits(1e9, sum(sizes) + journal - 1), journal)) == ["11"]
    assert names(crowded(manifest, Limits(1e9, sum(sizes[3:]) + journal), journal)) == ["11", "12", "13"]
    assert len(crowded(manifest, Limits(1e9, 1), journal)) == len(sizes)


def test_what_the_journal_still_has_stays(manifest: Manifest) -> None:
    going = crowded(manifest, Limits(1e9, 1), 0)
    mine, first = manifest.archives[0].journal, manifest.archives[2].through + 1
    assert names(deletable(going, mine, 1)) == []
    assert names(deletable(going, mine, first)) == ["11", "12", "13"]
    assert len(deletable(going, "another", 1)) == len(going)


def test_less_than_a_day_is_said_aloud(manifest: Manifest) -> None:
    limits = Limits(1e9, 10**9)
    assert shortage(manifest, limits, 0) == ""
    left = manifest.without(manifest.archives[0], T0, "no room within 1 GB")
    assert "only 5.0 hours of archives fit into 1 GB" in shortage(left, limits, 0)
    assert "0.00 GB of journal and archives, 1e-09 GB are allowed" in shortage(manifest, Limits(1e9, 1), 5)
    assert shortage(manifest, Limits(7200.0), 0) == "archives are kept for only 2 hours"
    assert shortage(manifest, Limits(86_400.0), 0) == ""
