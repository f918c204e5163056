"""Exports hold what the data set holds, are there whole or not at all, and are the same bytes each time."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
import pytest

from scenarios.dataset import exporting
from scenarios.dataset.manifest import CONTRACT, MANIFEST
from scenarios.dataset.reading import Dataset
from scenarios.dataset.training import TwinDataset
from twin.errors import DataError

SPLITS = {"train", "validation", "test", "unseen_machine", "unseen_severity", "unseen_fault"}


@pytest.fixture(scope="module")
def exported(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    assert exporting.run(tiny, True, 20, 4, out, False) == 0
    return out


@pytest.fixture(scope="module")
def table(exported: Path) -> Any:
    return pytest.importorskip("pyarrow.parquet").read_table(exported / "parquet" / "train.parquet")


def test_a_table_has_a_line_for_every_row_of_a_split(tiny: Path, table: Any) -> None:
    with Dataset(tiny) as data:
        runs = data.split("train")
        assert table.column("run").to_pylist() == np.repeat(runs, data.manifest.rows).tolist()
        times = np.tile(np.arange(data.manifest.rows) * data.manifest.every, len(runs))
        assert table.column("time").to_pylist() == times.tolist()


def test_a_table_holds_signals_and_labels_of_the_runs(tiny: Path, table: Any) -> None:
    with Dataset(tiny) as data:
        runs = [data.run(int(run)) for run in data.split("train")]
        names = [each.name for each in data.manifest.classes]
        sensors = ["none", *(each.name for each in data.manifest.sensor_faults)]
    for c, name in enumerate(("pump", "level")):
        want = np.concatenate([run.series["signals"][:, c] for run in runs])
        got = table.column(name).to_numpy()
        np.testing.assert_array_equal(got, want)
        assert table.column(name).null_count == np.isnan(want).sum() > 0
    faults = np.concatenate([run.series["labels/fault"] for run in runs])
    assert table.column("label_fault").to_pylist() == [names[code] for code in faults]
    assert len(set(faults)) > 1
    faulty = np.concatenate([run.series["labels/sensor_fault"].max(axis=1) for run in runs])
    assert table.column("label_sensor_fault").to_pylist() == [sensors[code] for code in faulty]
    severity = np.concatenate([run.series["labels/severity"] for run in runs])
    np.testing.assert_array_equal(table.column("label_severity").to_numpy(), severity)
    machine = np.repeat([run.drawn["machine"] for run in runs], 60)
    np.testing.assert_array_equal(table.column("run_machine").to_numpy(), machine)


def test_a_table_says_units_and_packs_names_as_dictionaries(table: Any) -> None:
    assert table.schema.field("pump").metadata[b"unit"] == b"l/min"
    assert table.schema.field("time").metadata[b"unit"] == b"s"
    assert str(table.schema.field("label_fault").type).startswith("dictionary<values=string")
    assert table.schema.metadata[b"split"] == b"train"


def test_a_tag_that_is_called_like_a_label_gets_another_name(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from scenarios.dataset.tables import _Tables

    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    text = (copy / MANIFEST).read_text(encoding="utf-8")
    (copy / MANIFEST).write_text(text.replace('"name": "pump"', '"name": "time"', 1), encoding="utf-8")
    with Dataset(copy) as data:
        assert _Tables(data).schema("train").names[:4] == ["run", "time", "signal_time", "level"]


def test_tables_of_long_runs_are_written_in_groups(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Any
) -> None:
    """The memory that it takes is a group's, however long runs are."""
    monkeypatch.setattr("scenarios.dataset.tables.GROUP", 50)
    exporting.run(tiny, True, None, 1, tmp_path, False)
    parquet = pytest.importorskip("pyarrow.parquet")
    found = parquet.ParquetFile(tmp_path / "parquet" / "train.parquet")
    assert max(found.metadata.row_group(k).num_rows for k in range(found.num_row_groups)) < 100
    assert found.read().equals(table)


def test_every_split_that_has_runs_has_a_file(exported: Path) -> None:
    assert {path.stem for path in (exported / "parquet").iterdir()} == SPLITS
    assert {path.stem for path in (exported / "windows").iterdir()} == SPLITS


def test_windows_are_those_that_training_reads(tiny: Path, exported: Path) -> None:
    windows = TwinDataset(tiny, "test", rows=20, windows=4, seed=None)
    with h5py.File(exported / "windows" / "test.h5") as file, windows.data as data:
        assert {len(dataset) for dataset in file.values()} == {len(windows)}
        for index in range(len(windows)):
            window = windows[index]
            np.testing.assert_array_equal(file["x"][index], window.x)
            np.testing.assert_array_equal(file["measured"][index], window.measured)
            assert (file["run"][index], file["first"][index]) == (window.run, window.first)
            for label in ("fault", "severity", "rul", "mode", "anomaly"):
                last = data.window(window.run, window.first + 19, 1, f"labels/{label}")[0]
                np.testing.assert_array_equal(file[label][index], last)
            assert file["machine"][index] == data.runs["machine"][window.run]
        assert file["fault"].attrs["flag_meanings"].split() == ["healthy", "leak", "blocked", "lower_leak"]


def test_windows_are_normalised_by_the_train_split_alone(exported: Path, tiny: Path) -> None:
    with Dataset(tiny) as data:
        raw = np.concatenate([data.window(int(run), 0, 60) for run in data.split("train")])
        mean, deviation = np.nanmean(raw, axis=0, dtype=float), np.nanstd(raw, axis=0, ddof=1, dtype=float)
        deviation[deviation == 0.0] = 1.0  # the pump's flow never changes
    for split in SPLITS:
        with h5py.File(exported / "windows" / f"{split}.h5") as file:
            np.testing.assert_allclose(file["x"].attrs["mean"], mean, rtol=1e-6)
            np.testing.assert_allclose(file["x"].attrs["deviation"], deviation, rtol=1e-6)


def test_an_export_is_the_same_bytes_each_time(tiny: Path, exported: Path, tmp_path: Path) -> None:
    exporting.run(tiny, True, 20, 4, tmp_path, False)
    files = [path.relative_to(exported) for path in exported.rglob("*") if path.is_file()]
    assert len(files) == 2 * len(SPLITS)
    assert [name for name in files if (exported / name).read_bytes() != (tmp_path / name).read_bytes()] == []


def test_an_export_that_fails_leaves_nothing(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scenarios.dataset.windows._labels", broken)
    with pytest.raises(KeyboardInterrupt):
        exporting.run(tiny, False, 20, 4, tmp_path, False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_alone(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "windows").mkdir()
    with pytest.raises(DataError, match="is there already; remove it, or choose another --out"):
        exporting.run(tiny, False, 20, 4, tmp_path, False)
    (tmp_path / "windows").rmdir()
    (tmp_path / ".windows.tmp").mkdir()
    with pytest.raises(DataError, match=r"\.windows\.tmp: an export is at work here, or was killed"):
        exporting.run(tiny, False, 20, 4, tmp_path, False)
    assert (tmp_path / ".windows.tmp").is_dir()


def test_a_folder_that_cant_be_written_is_told(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="can't be written"):
        exporting.run(tiny, False, 20, 4, tmp_path / "file", False)


def test_the_same_window_is_not_exported_twice(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="runs of 60 rows have 1 different windows of 60 rows; give --each 1 or less"):
        exporting.run(tiny, False, 60, 8, tmp_path, False)
    with pytest.raises(DataError, match="runs of 60 rows have no windows of 61 rows; give --windows 60 or less"):
        exporting.run(tiny, False, 61, 1, tmp_path, False)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_export_is_told(tiny: Path) -> None:
    with pytest.raises(click.UsageError, match="give --parquet, --windows ROWS, or both"):
        exporting.run(tiny, False, None, 8, None, False)


def test_a_split_that_is_a_path_writes_nothing(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    text = (copy / MANIFEST).read_text(encoding="utf-8")
    (copy / MANIFEST).write_text(text.replace('"train"', '"../../train"'), encoding="utf-8")
    with pytest.raises(DataError):
        exporting.run(copy, True, 20, 4, None, False)
    assert not (tmp_path / "train.parquet").exists()
    assert not (copy / "parquet").exists()


def test_what_a_contract_keeps_at_home_is_not_exported(tiny: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny, copy)
    kept = (
        "contract: tanks\nsuppliers: [{name: A, recordings: [one]}]\npurposes: [training]\nlicense: CC-BY-4.0\n"
        "redistribution: forbidden\n"
    )
    text = (copy / MANIFEST).read_text(encoding="utf-8").replace('"contract": ""', '"contract": "tanks"')
    known = hashlib.sha256(kept.encode()).hexdigest()
    text = text.replace('"contract_sha256": ""', f'"contract_sha256": "{known}"')
    (copy / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match="put it back"):
        exporting.run(copy, False, 20, 4, None, False)
    (copy / CONTRACT).write_text(kept, encoding="utf-8")
    with pytest.raises(DataError, match="forbids redistribution"):
        exporting.run(copy, False, 20, 4, None, False)
    assert not (copy / "windows").exists()
