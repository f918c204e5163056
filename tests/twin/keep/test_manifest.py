"""The manifest: whole or not there, and refused where it isn't what was written."""

import json
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.archives import archived, lived
from twin.errors import DataError
from twin.keep import manifest as module
from twin.keep.hours import file_name
from twin.keep.manifest import FILE, FOLDER, Damaged, Manifest, load, save, sha256_of


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    lived(folder, 130)
    archived(folder)
    return folder


@pytest.fixture
def manifest(tmp_path: Path, original: Path) -> Manifest:
    return load(shutil.copytree(original, tmp_path, dirs_exist_ok=True))


def test_it_is_read_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    assert load(tmp_path) == manifest
    assert load(tmp_path / "elsewhere") == Manifest()


def test_it_names_every_file_with_its_sha256(tmp_path: Path, manifest: Manifest) -> None:
    plain = json.loads((tmp_path / FOLDER / FILE).read_text())["manifest"]
    files = {path.name: sha256_of(path) for path in (tmp_path / FOLDER).glob("*.h5")}
    assert {one["name"]: one["sha256"] for one in plain["archives"]} == files
    assert len(files) == 3


@pytest.mark.parametrize(("old", "new"), [(b'"readings": ', b'"readings": 1'), (b'"resume": ', b'"resume": 9')])
def test_a_number_that_was_changed_is_found(tmp_path: Path, manifest: Manifest, old: bytes, new: bytes) -> None:
    path = tmp_path / FOLDER / FILE
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(Damaged, match="is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"sha256": 1, "manifest": {}}'])
def test_other_files_are_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / FILE).write_bytes(raw)
    with pytest.raises(Damaged, match="is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../x.h5", "2026-03-01T12.0.h5", "/etc/passwd", "2026-03-01T12.h5\n"])
def test_names_lead_nowhere_else(tmp_path: Path, manifest: Manifest, name: str) -> None:
    save(tmp_path, replace(manifest, archives=[replace(manifest.archives[0], name=name)]))
    with pytest.raises(Damaged, match="is damaged"):
        load(tmp_path)


def test_another_version_is_no_damage(tmp_path: Path, manifest: Manifest) -> None:
    save(tmp_path, replace(manifest, version=2))
    with pytest.raises(DataError, match="is of version 2, this twin reads 1") as refused:
        load(tmp_path)
    assert not isinstance(refused.value, Damaged)


def test_deleted_archives_are_told_of_and_their_names_not_used_again(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_DELETED", 1)
    first, second, *_ = manifest.archives
    left = manifest.without(first, 7, "older").without(second, 8, "no room")
    assert [(gone.name, gone.sha256, gone.reason) for gone in left.deleted] == [(second.name, second.sha256, "no room")]
    assert left.forgotten == 1
    assert left.free_number(second.hour) == 1
    assert left.free_number("1999-01-01T00") == 0
    assert file_name(second.hour, 1) == "2026-03-01T12.1.h5"


def test_an_archive_that_was_lost_and_is_found_is_no_longer_deleted(manifest: Manifest) -> None:
    first = manifest.archives[0]
    lost = manifest.without(first, 7, "is missing", lost=True)
    assert [gone.lost for gone in lost.deleted] == [True]
    assert lost.having([first]).deleted == []


def test_a_folder_that_cannot_be_written_keeps_the_old_one(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        save(tmp_path, Manifest())
    assert load(tmp_path) == manifest
