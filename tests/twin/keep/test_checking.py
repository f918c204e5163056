"""Checking and exporting archives: what is damaged is named, and what is whole comes out as from the journal."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.archives import HOUR, MINUTE, T0, archived, lived, more, sent, tick
from tests.journals import opened
from twin.errors import DataError
from twin.journal import prune
from twin.journal.export import Choice, Form
from twin.journal.export import export as from_journal
from twin.keep.checking import verify
from twin.keep.export import export
from twin.keep.manifest import FOLDER, load, save

NAMES = ["2026-03-01T11.h5", "2026-03-01T12.h5", "2026-03-01T13.h5", "2026-03-01T12.1.h5", "2026-03-01T14.h5"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    lived(folder, 130, readings=8)
    late = T0 + 130 * MINUTE
    more(folder, sent(late, 131, [(0, T0, 1.5, 0), (1, T0 + 1, -0.0, 0x80000000), (1, late, None, 7)]))
    more(folder, *(tick(late + n * HOUR) for n in range(2)))
    archived(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path, original: Path) -> Path:
    return shutil.copytree(original, tmp_path, dirs_exist_ok=True)


def spoil(path: Path, at: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(raw)


def test_archives_that_are_whole_are_confirmed_by_the_journal(data: Path) -> None:
    steps: list[tuple[int, int]] = []
    verdict = verify(data, lambda *step: steps.append(step))
    assert verdict.ok, verdict
    assert (verdict.archives, verdict.chained, verdict.readings, verdict.notes) == (5, 5, 130 * 8 + 3, ())
    assert steps == [(n, 5) for n in range(5)]


def test_archives_are_checked_without_their_journal(data: Path) -> None:
    for path in data.glob("journal.sqlite*"):
        path.unlink()
    verdict = verify(data)
    assert (verdict.ok, verdict.chained) == (True, 0)


def test_of_a_pruned_journal_its_anchor_still_confirms(data: Path) -> None:
    through = load(data).archives[0].through
    with opened(data) as journal:
        while prune(journal, through + 1):
            pass
    assert verify(data).chained == 5
    with opened(data) as journal:
        while prune(journal, through + 2):
            pass
    assert verify(data).chained == 3


@pytest.mark.parametrize("victim", NAMES[1:4])
def test_a_flipped_bit_anywhere_is_found(data: Path, victim: str) -> None:
    path = data / FOLDER / victim
    for at in (0, 3000, path.stat().st_size - 1):
        spoil(path, at)
        verdict = verify(data)
        assert [(one.name, one.why) for one in verdict.wrong] == [
            (victim, "is not what was written: its SHA-256 differs")
        ]
        spoil(path, at)
    assert verify(data).ok


def test_missing_and_strange_archives_are_named(data: Path) -> None:
    (data / FOLDER / NAMES[2]).rename(data / FOLDER / "2026-03-01T13.4.h5")
    verdict = verify(data)
    assert verdict.wrong == ((NAMES[2], "is missing"),)
    assert verdict.notes == ("2026-03-01T13.4.h5: isn't listed; a recorder that is started looks at it",)


def test_numbers_that_a_forged_manifest_covers_are_found(data: Path) -> None:
    manifest = load(data)
    first = manifest.archives[0]
    save(data, replace(manifest, archives=[replace(first, content="0" * 64), *manifest.archives[1:]]))
    assert verify(data).wrong == ((first.name, "holds other numbers than were written"),)


def test_an_archive_of_another_chain_is_found(data: Path) -> None:
    manifest = load(data)
    archives = [*manifest.archives[:-1], replace(manifest.archives[-1], chain="0" * 64)]
    save(data, replace(manifest, archives=archives))
    name, through = NAMES[4], manifest.archives[-1].through
    assert verify(data).wrong == ((name, f"the journal's chain differs after entry {through}"),)


def test_entries_in_no_archive_are_told(data: Path) -> None:
    manifest = load(data)
    save(data, replace(manifest, archives=[r for r in manifest.archives if r.after != 125]))
    (hole, *_) = verify(data).notes
    assert hole.startswith("entries 126 to ")
    assert hole.endswith("are in no archive")
    gone = manifest
    for record in manifest.archives:
        gone = gone.without(record, 1, "older") if record.after == 125 else gone
    save(data, gone)
    assert not any(note.startswith("entries") for note in verify(data).notes)


def test_a_folder_without_archives_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no archives"):
        verify(tmp_path)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize(
    "choice",
    [
        Choice(),
        Choice(since=T0, until=T0 + 30 * MINUTE),
        Choice(since=T0 + 61 * MINUTE, tags=frozenset({"PI-2"})),
        Choice(until=T0),
    ],
)
def test_what_is_exported_is_what_the_journal_exports(data: Path, form: Form, choice: Choice) -> None:
    ours: list[str] = []
    theirs: list[str] = []
    done = export(data, ours.append, choice, form=form)
    assert done.readings == from_journal(data, theirs.append, choice, form=form).readings > 0
    assert sorted("".join(ours).splitlines()) == sorted("".join(theirs).splitlines())


def test_damaged_archives_are_left_out_if_asked(data: Path) -> None:
    spoil(data / FOLDER / NAMES[1], 5000)
    with pytest.raises(DataError, match=r"T12\.h5: is not what was written"):
        export(data, lambda _: None)
    lines: list[str] = []
    done = export(data, lines.append, skip_damaged=True)
    assert (done.damaged, done.readings) == (1, len("".join(lines).splitlines()) - 1)


def test_a_tag_that_was_never_there_is_an_error(data: Path) -> None:
    with pytest.raises(DataError, match="no tag 'TI-7'"):
        export(data, lambda _: None, Choice(tags=frozenset({"TI-7"})))
