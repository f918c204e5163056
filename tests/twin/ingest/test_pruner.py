"""Ingest prunes what archives and a snapshot cover, a little at a time, and believes nobody."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.archives import HOUR, MINUTE, T0, archived, everything, lived, mark, more, tick
from tests.journals import opened
from twin.ingest import pruner as module
from twin.ingest.pruner import Pruner
from twin.journal import Journal, JournalFull, verify
from twin.keep.manifest import FOLDER, load, save
from twin.live import snapshots
from twin.service import Prune, Pruned, Refused, decide, encode

RESUME = 243
"""The first entry of which the archives of `original` don't have all."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    lived(folder, 130)
    state = archived(folder).state
    assert state is not None
    assert state.resume == RESUME
    mark(folder, 250, 255, 260)
    return folder


@pytest.fixture
def data(tmp_path: Path, original: Path) -> Path:
    return shutil.copytree(original, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def journal(data: Path) -> Iterator[Journal]:
    with opened(data) as journal:
        yield journal


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)


def test_a_snapshot_of_another_journal_covers_nothing(data: Path, journal: Journal) -> None:
    path = data / snapshots.FOLDER / f"{250:012d}.twin"
    path.unlink()
    snapshots.save(data, 250, snapshots.Snapshot(bytes(32), b"state"))
    assert asked(journal, RESUME).refused == "the twin's snapshot after entry 250 is of another journal"
    assert journal.first() == 1


def asked(journal: Journal, before: int) -> Pruned:
    """Return what ingest says once it is done."""
    pruner = Pruner(journal)
    said = pruner.ask(before)
    while said.busy:
        pruner.step()
        said = pruner.ask(before)
    assert not pruner.busy
    return said


def test_the_door_takes_a_number_and_nothing_else() -> None:
    assert decide(encode(Prune(7)), {}).prune == 7
    for wrong in (
        Prune(0),
        {"t": "prune"},
        {"t": "prune", "before": 2**63},
        {"t": "prune", "before": 7, "force": True},
    ):
        decision = decide(encode(wrong), {})
        assert decision.prune == 0
        assert isinstance(decision.answer, Refused)


def test_what_is_covered_is_pruned_and_the_rest_is_a_whole_journal(data: Path, journal: Journal) -> None:
    entries = everything(data)
    assert asked(journal, RESUME) == Pruned(RESUME, False)
    assert everything(data) == entries[RESUME - 1 :]
    assert verify(data).ok
    assert asked(journal, RESUME) == Pruned(RESUME, False)


def test_less_than_all_may_be_pruned(data: Path, journal: Journal) -> None:
    for before in (2, 100, 126, 127, RESUME):
        assert asked(journal, before) == Pruned(before, False)
        assert verify(data).ok


def test_what_is_held_back_for_the_next_archive_stays(journal: Journal) -> None:
    said = asked(journal, RESUME + 1)
    assert said == Pruned(1, False, f"entries before {RESUME} are archived, not before {RESUME + 1}")


def test_a_refusal_is_told_once_and_then_it_is_tried_again(data: Path, journal: Journal) -> None:
    pruner = Pruner(journal)
    hidden = data / FOLDER / "2026-03-01T12.h5"
    hidden.rename(data / "hidden")
    pruner.ask(RESUME)
    while pruner.busy:
        pruner.step()
    (data / "hidden").rename(hidden)
    assert pruner.ask(RESUME).refused == "2026-03-01T12.h5 can't be read: No such file or directory"
    assert pruner.ask(RESUME) == Pruned(1, True)


@pytest.mark.parametrize("name", ["2026-03-01T11.h5", "2026-03-01T12.h5", "2026-03-01T13.h5"])
def test_nothing_is_pruned_behind_a_damaged_archive(data: Path, journal: Journal, name: str) -> None:
    path = data / FOLDER / name
    raw = bytearray(path.read_bytes())
    raw[1234] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)
    assert asked(journal, RESUME) == Pruned(1, False, f"{name} is not what was written")
    path.write_bytes(raw[:-1])
    assert asked(journal, RESUME) == Pruned(1, False, f"{name} is not of the length that it had")
    assert journal.first() == 1


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("2026-03-01T11.h5", "2026-03-01T12.h5: of 1 archives beside it 0 are listed"),
        ("2026-03-01T12.h5", "entry 1 is in no archive"),
        ("2026-03-01T13.h5", "entry 126 is in no archive"),
    ],
)
def test_nothing_is_pruned_behind_an_archive_that_is_not_listed(
    data: Path, journal: Journal, lost: str, said: str
) -> None:
    manifest = load(data)
    save(data, replace(manifest, archives=[r for r in manifest.archives if r.name != lost]))
    assert asked(journal, RESUME) == Pruned(1, False, said)


def test_nothing_is_pruned_behind_the_archives_of_another_journal(data: Path, journal: Journal) -> None:
    manifest = load(data)
    assert manifest.state is not None
    other = replace(manifest, state=replace(manifest.state, journal="0" * 32))
    save(data, other)
    assert asked(journal, RESUME).refused == "nothing of this journal is archived"
    save(data, replace(manifest, state=replace(manifest.state, chain="0" * 64)))
    assert "are of another journal: the chain differs after entry 245" in asked(journal, RESUME).refused
    save(data, replace(manifest, state=replace(manifest.state, resume=999)))
    assert asked(journal, 260).refused == "entries before 999 are archived, not before 260"
    save(data, replace(manifest, state=replace(manifest.state, through=999, resume=999)))
    assert "not before 260" in asked(journal, 260).refused


def test_nothing_is_pruned_by_a_damaged_manifest_or_none(data: Path, journal: Journal) -> None:
    path = data / FOLDER / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b"2026-03-01T12", b"2026-03-01T13", 1))
    assert "is damaged" in asked(journal, RESUME).refused
    path.unlink()
    assert asked(journal, RESUME).refused == "nothing of this journal is archived"


def test_nothing_is_pruned_that_the_twin_needs_to_go_on(data: Path, journal: Journal) -> None:
    for path in (data / snapshots.FOLDER).iterdir():
        path.unlink()
    mark(data, 199)
    assert asked(journal, 201).refused == "the twin's oldest snapshot is after entry 199"
    assert asked(journal, 200) == Pruned(200, False)
    for path in (data / snapshots.FOLDER).iterdir():
        path.unlink()
    assert asked(journal, RESUME).refused == "the twin's oldest snapshot is after entry 0"


def test_a_snapshot_that_is_not_whole_covers_nothing(data: Path, journal: Journal) -> None:
    path = data / snapshots.FOLDER / f"{250:012d}.twin"
    path.write_bytes(path.read_bytes()[:-1])
    assert "not whole: its hash differs" in asked(journal, RESUME).refused


def test_a_full_disk_is_told_and_takes_nothing_away(
    data: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise JournalFull("the disk is full")

    monkeypatch.setattr(module, "prune", full)
    assert asked(journal, RESUME) == Pruned(1, False, "the disk is full")


def test_gateways_are_served_between_short_steps(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = T0 + 130 * MINUTE
    with opened(data) as journal:
        journal.append([tick(clock + n * 1_000_000) for n in range(4000)])
    more(data, tick(clock + 2 * HOUR), tick(clock + 4 * HOUR), tick(clock + 4 * HOUR))
    manifest = archived(data)
    assert manifest.state is not None
    before = manifest.state.resume
    mark(data, before - 1, before, before + 1)
    monkeypatch.setattr(module, "SLICE", 0.0005)
    with opened(data) as journal:
        pruner, rounds = Pruner(journal), 0
        assert pruner.ask(before) == Pruned(1, True)
        while pruner.busy:
            pruner.step()
            journal.append([tick(clock + 5 * HOUR + rounds)])
            rounds += 1
        assert rounds >= 5
        assert journal.first() == before
    assert verify(data).ok
