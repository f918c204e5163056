"""Hugging Face's loaders open what is exported: skipped where `datasets` isn't installed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from scenarios.dataset import card, exporting

BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPLITS = {"train", "validation", "test", "unseen_machine", "unseen_severity", "unseen_fault"}
pytest.importorskip("datasets", reason="Hugging Face's datasets isn't installed: pip install datasets")


@pytest.fixture(scope="module")
def published(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as it would be published: exports and the card."""
    folder = tmp_path_factory.mktemp("published") / "tiny"
    shutil.copytree(tiny, folder)
    exporting.run(folder, True, 20, 4, None, False)
    card.run(folder, False)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def loaded(*arguments: Any, **options: Any) -> Any:
    import datasets

    return datasets.load_dataset(*arguments, **options)


def test_the_loader_of_hdf5_opens_windows(published: Path) -> None:
    files = {split: str(published / "windows" / f"{split}.h5") for split in ("train", "test", "unseen_fault")}
    found = loaded("hdf5", data_files=files).with_format("numpy")
    assert set(found) == set(files)
    with h5py.File(files["test"]) as file:
        assert len(found["test"]) == len(file["x"])
        np.testing.assert_array_equal(found["test"][3]["x"], file["x"][3])
        np.testing.assert_array_equal(found["test"][3]["measured"], file["measured"][3])
        assert found["test"][3]["fault"] == file["fault"][3]


def test_the_loader_of_parquet_opens_tables(published: Path) -> None:
    files = {split: str(published / "parquet" / f"{split}.parquet") for split in ("train", "test")}
    found = loaded("parquet", data_files=files)
    assert set(found["train"].unique("label_fault")) == {"healthy", "leak", "blocked"}


def test_the_cards_head_leads_the_loader_to_the_files(published: Path) -> None:
    assert set(loaded(str(published), "windows")) == SPLITS


def test_the_head_leads_to_tables_where_there_are_no_windows(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    shutil.copytree(published, folder, ignore=shutil.ignore_patterns("windows"))
    card.run(folder, False)
    assert set(loaded(str(folder), "table")) == SPLITS


def test_the_cards_code_runs(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(published)
    text = (published / "README.md").read_text(encoding="utf-8")
    (block,) = [block for block in BLOCK.findall(text) if "from datasets" in block]
    found: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), found)
    assert set(found["windows"]) == SPLITS
    assert len(found["table"]) == 20 * 60
