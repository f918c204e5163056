"""The Croissant description has what the specification of version 1.1 requires, and the files' true hashes."""

import datetime as dt
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from scenarios.dataset import card

REQUIRED = {
    "@context", "@type", "conformsTo", "name", "description", "license", "url", "creator", "datePublished",
    "distribution",
}  # fmt: skip
"""Of a data set, by "Dataset-level Information" of the specification."""
OF_A_FILE = {"@type", "@id", "name", "contentUrl", "contentSize", "encodingFormat", "sha256"}


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "tiny"
    shutil.copytree(tiny, copy)
    return copy


def described(folder: Path) -> dict[str, Any]:
    card.run(folder, False)
    found: dict[str, Any] = json.loads((folder / "croissant.json").read_bytes())
    return found


def test_everything_that_is_required_is_there(folder: Path) -> None:
    found = described(folder)
    assert set(found) >= REQUIRED
    assert all(found[key] for key in REQUIRED)
    assert found["@type"] == "sc:Dataset"
    assert found["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert found["@context"]["sc"] == "https://schema.org/"
    assert "recordSet" not in found


def test_every_file_is_there_with_its_hash_and_size(folder: Path) -> None:
    (folder / ".lock").touch()
    files = {each["@id"]: each for each in described(folder)["distribution"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(files) == there - {"croissant.json", ".lock"}
    for name, each in files.items():
        body = (folder / name).read_bytes()
        assert set(each) == OF_A_FILE
        assert each["sha256"] == hashlib.sha256(body).hexdigest()
        assert each["contentSize"] == f"{len(body)} B"
    assert files["shards/shard-00000.h5"]["encodingFormat"] == "application/x-hdf5"
    assert files["README.md"]["encodingFormat"] == "text/markdown"


def test_the_day_is_the_data_sets_not_todays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    finished = dt.datetime(2020, 2, 29, 12, tzinfo=dt.UTC).timestamp()
    os.utime(folder / "dataset.json", (finished, finished))
    assert described(folder)["datePublished"] == "2020-02-29"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert described(folder)["datePublished"] == "1970-01-02"


# rdflib, which mlcroissant reads JSON-LD with, warns of its own classes.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_the_library_of_croissant_takes_it(folder: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason="mlcroissant isn't installed: pip install mlcroissant")
    described(folder)
    found = mlcroissant.Dataset(folder / "croissant.json")
    assert found.metadata.name == "tiny"
    assert not found.metadata.ctx.issues.errors
