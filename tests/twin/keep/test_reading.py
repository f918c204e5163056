"""Archives are read as they were written; other files are refused before a number of them is read."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import msgspec
import numpy as np
import pytest

from tests.archives import archived, lived
from twin.errors import DataError
from twin.keep import reading
from twin.keep.manifest import FOLDER, Record
from twin.keep.reading import Archive, looked_at

NAME = "2026-03-01T12.h5"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Record]:
    folder = tmp_path_factory.mktemp("data")
    lived(folder, 70, readings=40)
    record = archived(folder).named(NAME)
    assert record is not None
    return (folder / FOLDER / NAME).read_bytes(), record


@pytest.fixture
def path(tmp_path: Path, original: tuple[bytes, Record]) -> Path:
    (tmp_path / NAME).write_bytes(original[0])
    return tmp_path / NAME


def refusal(path: Path) -> str:
    said = looked_at([path])[path]
    assert isinstance(said, DataError)
    return str(said)


def test_an_archive_says_what_its_manifest_says(path: Path, original: tuple[bytes, Record]) -> None:
    with Archive(path) as archive:
        assert archive.record() == original[1]
        assert archive.attributes["plant"] == "a plant"
        assert archive.tags() == ["PI-2", "TI-1"]
    assert looked_at([path]) == {path: original[1]}


def test_a_tag_that_is_not_there_is_named_with_its_neighbours(path: Path) -> None:
    with Archive(path) as archive, pytest.raises(DataError, match="no tag 'TI-2'; did you mean 'TI-1' or 'PI-2'"):
        archive["TI-2"]


def test_every_dataset_has_checksums(path: Path) -> None:
    found = []
    with h5py.File(path) as file:
        file.visititems(lambda name, node: found.append((name, node)) if isinstance(node, h5py.Dataset) else None)
        assert len(found) >= 20
        assert all(node.fletcher32 and node.shuffle and node.compression == "gzip" for _, node in found)


def test_a_flipped_bit_is_found(path: Path) -> None:
    with h5py.File(path) as file:
        chunk = file["readings/value"].id.get_chunk_info(0)
    raw = bytearray(path.read_bytes())
    raw[chunk.byte_offset + chunk.size // 2] ^= 4
    path.write_bytes(raw)
    with Archive(path) as archive, pytest.raises(DataError, match="readings can't be read"):
        archive["TI-1"]
    assert "can't be read" in refusal(path)


def test_other_numbers_with_right_checksums_are_found(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["readings/value"][3] = 4711.0
    with Archive(path) as archive, pytest.raises(DataError, match="aren't those that were written"):
        archive.record()


@pytest.mark.parametrize("size", [0, 100, 20_000])
def test_a_cut_file_is_refused(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"can be opened|is no archive"):
        Archive(path)


def _outside(file: Any, secret: Path) -> None:
    del file["readings/value"]
    file.create_dataset("readings/value", (4,), "<f8", external=[(str(secret), 0, 32)])


def _external_link(file: Any, secret: Path) -> None:
    del file["readings"]
    file["readings"] = h5py.ExternalLink(str(secret), "/readings")


def _soft_link(file: Any, secret: Path) -> None:
    file.move("readings/value", "elsewhere")
    file["readings/value"] = h5py.SoftLink("/elsewhere")


def _virtual(file: Any, secret: Path) -> None:
    rows = file["readings/value"].shape[0]
    layout = h5py.VirtualLayout((rows,), "<f8")
    layout[:] = h5py.VirtualSource(str(secret), "readings/value", (rows,))
    del file["readings/value"]
    file.create_virtual_dataset("readings/value", layout)


def _enormous(file: Any, secret: Path) -> None:
    for name in ("time", "value", "quality", "frame"):
        file["readings"][name].resize((2**36,))


def _unchecked(file: Any, secret: Path) -> None:
    values = file["readings/value"][:]
    del file["readings/value"]
    file.create_dataset("readings/value", data=values, chunks=(32768,), maxshape=(None,))


def _texts(file: Any, secret: Path) -> None:
    del file["columns/name"]
    file.create_dataset("columns/name", data=["a", "b"], dtype=h5py.string_dtype())


def _uneven(file: Any, secret: Path) -> None:
    file["readings/value"].resize((7,))


def _missing(file: Any, secret: Path) -> None:
    del file["frames"]


def _group(file: Any, secret: Path) -> None:
    del file["frames/seq"]
    file.create_group("frames/seq")


def _format(file: Any, secret: Path) -> None:
    file.attrs["format"] = "something else"


@pytest.mark.parametrize(
    "spoil",
    [
        _outside, _external_link, _soft_link, _virtual, _enormous, _unchecked, _texts, _uneven, _missing, _group,
        _format,
    ],
)  # fmt: skip
def test_what_no_archive_has_is_refused(path: Path, tmp_path: Path, spoil: Callable[[Any, Path], None]) -> None:
    secret = tmp_path / "secret.h5"
    secret.write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        spoil(file, secret)
    with pytest.raises(DataError, match="is no archive as twin writes them"):
        Archive(path)


def test_attributes_that_no_archive_has_are_refused(path: Path) -> None:
    paths = []
    for name, value in (("through", -1), ("hour", "../../x"), ("content", np.zeros(3))):
        paths.append(path.with_name(f"{name}.h5"))
        paths[-1].write_bytes(path.read_bytes())
        with h5py.File(paths[-1], "r+") as file:
            file.attrs[name] = value
    assert all("no archive" in str(said) for said in looked_at(paths).values())


def test_a_file_that_breaks_the_child_is_refused_and_the_next_is_not(
    path: Path, original: tuple[bytes, Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = path.with_name("2026-03-01T13.h5")
    other.write_bytes(path.read_bytes())
    real = subprocess.run

    def run(child: list[str], **options: Any) -> Any:
        if str(path) not in child:
            return real(child, **options)
        return subprocess.CompletedProcess([sys.executable], -11, b"", b"")

    monkeypatch.setattr(reading.subprocess, "run", run)
    found = looked_at([path, other])
    assert str(found[path]) == f"{path}: HDF5 breaks down over it; move it away"
    assert found[other] == msgspec.structs.replace(original[1], name=other.name)
