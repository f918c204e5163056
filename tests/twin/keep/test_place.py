"""A recorder that starts brings manifest, files and journal in line, whatever happened to them."""

import shutil
from pathlib import Path

import pytest

from tests.archives import (
    HOUR,
    MINUTE,
    T0,
    archived,
    before,
    everything,
    lived,
    more,
    names,
    of_archives,
    of_entries,
    recorder,
    same,
    tick,
    whole,
)
from tests.journals import opened
from twin.errors import DataError
from twin.journal import prune
from twin.keep.manifest import FILE, FOLDER, Manifest, load, sha256_of

ALL = ["2026-03-01T11.h5", "2026-03-01T12.h5", "2026-03-01T13.h5"]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    lived(folder, 130)
    archived(folder)
    return folder


@pytest.fixture
def data(tmp_path: Path, original: Path) -> Path:
    return shutil.copytree(original, tmp_path, dirs_exist_ok=True)


def again(data: Path) -> tuple[Manifest, list[str]]:
    """Return what a recorder that starts makes of it, and what it says."""
    with recorder(data) as keeper:
        keeper.cycle()
        return keeper.manifest, keeper.said


def complete(data: Path, manifest: Manifest) -> bool:
    return same(of_archives(data, manifest), before(of_entries(everything(data)), T0 + 2 * HOUR))


def test_a_second_recorder_is_refused(data: Path) -> None:
    with recorder(data), pytest.raises(DataError, match="another recorder writes archives here"):
        recorder(data)


def test_a_restart_changes_nothing(data: Path) -> None:
    before_it = load(data)
    stamps = {path.name: path.stat().st_mtime_ns for path in (data / FOLDER).glob("*.h5")}
    manifest, said = again(data)
    assert (manifest, said) == (before_it, [])
    assert {path.name: path.stat().st_mtime_ns for path in (data / FOLDER).glob("*.h5")} == stamps


def test_what_was_half_written_is_deleted(data: Path) -> None:
    for name in (".abc.tmp", "manifest.json.0011.part"):
        (data / FOLDER / name).write_bytes(b"half")
    again(data)
    assert names(data) == ALL


def test_a_lost_manifest_is_made_anew_from_the_archives(data: Path) -> None:
    expected = load(data)
    (data / FOLDER / FILE).unlink()
    manifest, said = again(data)
    assert manifest == expected
    assert len(said) == 3
    assert all("was not listed; it is whole" in line for line in said)


def test_a_damaged_manifest_is_set_aside_and_made_anew(data: Path) -> None:
    expected = load(data)
    (data / FOLDER / FILE).write_bytes(b"{}")
    manifest, said = again(data)
    assert manifest == expected
    assert "is damaged" in said[0]
    assert (data / FOLDER / "aside" / "manifest.json.1").read_bytes() == b"{}"


def test_a_lost_manifest_is_made_anew_where_the_journal_is_pruned(data: Path) -> None:
    expected = load(data)
    with opened(data) as journal:
        assert expected.state is not None
        while prune(journal, expected.state.resume):
            pass
    (data / FOLDER / FILE).unlink()
    assert again(data)[0] == expected


@pytest.mark.parametrize(
    ("victim", "how"),
    [
        (ALL[0], "missing"),
        (ALL[1], "altered"),
        (ALL[2], "missing"),
        (ALL[2], "altered"),
        (ALL[2], "cut"),
        (ALL[2], "link"),
    ],
)
def test_an_archive_that_is_damaged_is_made_again_while_the_journal_has_it(
    data: Path, tmp_path_factory: pytest.TempPathFactory, victim: str, how: str
) -> None:
    expected, path = load(data), data / FOLDER / victim
    raw = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(raw[:-10])
    elif how == "altered":
        path.write_bytes(raw[:999] + bytes([raw[999] ^ 1]) + raw[1000:])
    elif how == "link":
        other = tmp_path_factory.mktemp("elsewhere") / "x.h5"
        other.write_bytes(raw)
        path.symlink_to(other)
    manifest, said = again(data)
    assert "made again from the journal" in "".join(said)
    assert {r.name: r.sha256 for r in manifest.archives} == {r.name: r.sha256 for r in expected.archives}
    assert {path.name: sha256_of(path) for path in (data / FOLDER).glob("*.h5")} == {
        r.name: r.sha256 for r in expected.archives
    }
    assert (how == "missing") != (data / FOLDER / "aside" / f"{victim}.1").exists()
    assert load(data) == manifest


def test_an_archive_that_is_lost_for_good_is_said_and_taken_back_when_it_is_found(data: Path) -> None:
    expected, path = load(data), data / FOLDER / ALL[1]
    assert expected.state is not None
    with opened(data) as journal:
        while prune(journal, expected.state.resume):
            pass
    raw = path.read_bytes()
    path.unlink()
    manifest, said = again(data)
    assert "is missing, and the journal no longer has what was in it: bring a copy back" in said[0]
    assert [(gone.name, gone.lost) for gone in manifest.deleted] == [(ALL[1], True)]
    assert again(data) == (manifest, [])
    path.write_bytes(raw)
    manifest, said = again(data)
    assert manifest.deleted == []
    assert {r.name for r in manifest.archives} == set(ALL)
    assert "it is whole, and listed now" in said[0]


def test_a_span_whose_main_archive_is_missing_is_made_again(data: Path) -> None:
    (data / FOLDER / FILE).unlink()
    (data / FOLDER / ALL[1]).unlink()  # as if it was killed after the first of two had got its name
    manifest, said = again(data)
    assert complete(data, manifest)
    assert names(data) == ALL
    assert sum("archived" in line for line in said) == 2


def test_copies_under_other_names_are_set_aside(data: Path) -> None:
    for name in ("2026-03-01T12.7.h5", "2026-03-01T09.h5", "copy of 12.h5"):
        (data / FOLDER / name).write_bytes((data / FOLDER / ALL[1]).read_bytes())
    manifest, said = again(data)
    assert names(data) == [*ALL, "aside"]
    assert complete(data, manifest)
    assert [" is a copy of 2026-03-01T12.h5; moved to" in line for line in said] == [False, True, True]


def test_rubbish_is_set_aside_and_nothing_twice_under_one_name(data: Path) -> None:
    for n in (1, 2):
        (data / FOLDER / "2020-01-01T00.h5").write_bytes(b"rubbish")
        again(data)
        assert (data / FOLDER / "aside" / f"2020-01-01T00.h5.{n}").read_bytes() == b"rubbish"


def test_an_archive_in_the_way_that_is_another_is_set_aside(data: Path) -> None:
    expected = load(data)
    for path in (data / FOLDER).iterdir():
        path.unlink()
    path = data / FOLDER / ALL[2]
    with recorder(data) as keeper:
        real = keeper._archive

        def meddled(*given: object) -> None:
            real(*given)  # type: ignore[arg-type]
            if not path.exists():
                path.write_bytes(b"somebody else's")

        keeper._archive = meddled  # type: ignore[method-assign]
        keeper.cycle()
    assert (data / FOLDER / "aside" / f"{ALL[2]}.1").read_bytes() == b"somebody else's"
    assert load(data) == expected
    assert list(whole(data)) == ALL


def test_another_journal_begins_anew_beside_the_archives_of_the_first(data: Path) -> None:
    for path in data.glob("journal.sqlite*"):
        path.unlink()
    lived(data, 70)
    manifest, _ = again(data)
    assert names(data) == [f"2026-03-01T{name}.h5" for name in ("11.1", "11", "12.1", "12", "13")]
    assert len({record.journal for record in manifest.archives}) == 2
    more(data, *(tick(T0 + 70 * MINUTE + n * HOUR) for n in range(3)))
    manifest, _ = again(data)
    assert manifest.state is not None
    assert manifest.state.through > 140


def test_a_journal_that_lost_its_end_is_refused(data: Path) -> None:
    kept = (data / "journal.sqlite").read_bytes()
    more(data, *(tick(T0 + 130 * MINUTE + n * HOUR) for n in range(3)))
    again(data)
    for path in data.glob("journal.sqlite*"):
        path.unlink()
    (data / "journal.sqlite").write_bytes(kept)
    (data / "journal.sqlite").chmod(0o600)
    with recorder(data) as keeper, pytest.raises(DataError, match="the journal ends with entry"):
        keeper.cycle()


def test_entries_that_were_pruned_before_they_were_archived_are_said(tmp_path: Path) -> None:
    lived(tmp_path, 70)
    archived(tmp_path)
    more(tmp_path, *(tick(T0 + 71 * MINUTE + n * HOUR) for n in range(2)))
    with opened(tmp_path) as journal:
        while prune(journal, journal.last()):
            pass
    more(tmp_path, *(tick(T0 + 4 * HOUR + n * HOUR) for n in range(3)))
    manifest, said = again(tmp_path)
    assert "were pruned before all of them was archived" in said[0]
    assert manifest.state is not None
    assert manifest.state.through == 145
