"""A data set that is damaged, or made by somebody who means harm, is refused in a sentence that says where."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from scenarios.dataset import card, exporting
from scenarios.dataset.manifest import INDEX, MANIFEST, load
from scenarios.dataset.pieces import known_spec
from scenarios.dataset.reading import Dataset
from twin.errors import DataError

SHARD = "shards/shard-00000.h5"


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def told(folder: Path, **said: Any) -> None:
    """Have dataset.json say something else."""
    path = folder / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | said))


def replaced(path: Path, name: str, values: object) -> None:
    """Put other values into an HDF5 file."""
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = values


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"every": 0.0}, "its times"), ({"rows": 10**15}, "runs or rows"), ({"codec": "zip"}, "its codec"),
        ({"plants": ["../../etc"]}, "contents or plants"), ({"plant_sha256": []}, "contents or plants"),
        ({"contents": ["everything"]}, "contents or plants"), ({"counts": {}}, "counts"), ({"classes": []}, "counts"),
        ({"modes": [{"code": 300, "name": "a", "doc": ""}]}, "codes of its modes"),
        ({"sensor_faults": [{"code": 1, "name": "a", "doc": "gap", "moves": ["nothing"]}]}, "of no channel"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_is_refused(copy: Path, said: dict[str, Any], what: str) -> None:
    told(copy, **said)
    with pytest.raises(DataError, match=what):
        load(copy)


def test_a_manifest_nested_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(b'{"a":' + b"[" * 100_000)
    with pytest.raises(DataError, match="is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("values", [np.zeros(3, np.uint8), 3, np.array([b"a"] * 40)])
def test_an_index_laid_out_otherwise_is_refused(copy: Path, values: object) -> None:
    replaced(copy / INDEX, "runs/fault", values)
    with Dataset(copy) as data, pytest.raises(DataError, match=INDEX):
        data.split("train")


@pytest.mark.parametrize("values", [1.0, np.zeros((2, 2), np.float32), np.zeros((40, 60, 3), np.float32)])
def test_a_series_laid_out_otherwise_is_refused(copy: Path, values: object) -> None:
    replaced(copy / SHARD, "signals", values)
    with Dataset(copy) as data, pytest.raises(DataError, match="run 0: signals"):
        data.window(0, 0, 20)


def test_events_that_are_gone_are_told(copy: Path) -> None:
    with h5py.File(copy / SHARD, "r+") as file:
        del file["events"]
    with Dataset(copy) as data, pytest.raises(DataError, match="run 0: events"):
        data.run(0)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda folder: (folder / INDEX).write_bytes(b"no HDF5"), f"{INDEX}: can't be read"),
        (lambda folder: replaced(folder / SHARD, "labels/fault", np.full((16, 60), 200, np.uint8)), "label_fault"),
    ],
)
def test_a_table_of_damaged_runs_is_refused_for_what_is_damaged(
    copy: Path, spoil: Callable[[Path], None], what: str
) -> None:
    pytest.importorskip("pyarrow")
    spoil(copy)
    with pytest.raises(DataError, match=what):
        exporting.run(copy, True, None, 8, None, False)
    assert not (copy / "parquet").exists()


def test_a_card_of_labels_that_say_nothing_is_refused(copy: Path) -> None:
    with h5py.File(copy / SHARD, "r+") as file:
        file["labels/fault"].attrs.clear()
    with pytest.raises(DataError, match="labels/fault doesn't say what it is"):
        card.run(copy, False)


def test_a_file_whose_name_is_no_text_is_refused_by_the_card(copy: Path) -> None:
    (copy / os.fsdecode(b"\xff.txt")).write_text("")
    with pytest.raises(DataError, match="rename the file"):
        card.run(copy, False)


def test_a_specification_that_is_another_by_now_proves_nothing(copy: Path) -> None:
    path = copy / "spec.yaml"
    path.write_text(path.read_text().replace("  blocked:", "  blockage:"))
    found = known_spec(copy, load(copy))
    assert found.spec is None
    assert "not the specification" in found.why
