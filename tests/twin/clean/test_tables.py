"""Tables in Parquet, Excel and HDF5: plain ones are read, and what would do harm is refused before it is."""

import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from twin.clean import apart, parquet_table, xlsx_table
from twin.clean.notes import Notes
from twin.clean.recording_file import FormatEntry
from twin.clean.table import Table, open_table
from twin.errors import DataError


def cells(table: Table, *names: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in names}
    for piece in table.pieces(names):
        for name in names:
            found[name] += list(piece.cells[name])
    return found


def opened(path: Path, **how: Any) -> Table:
    return open_table(path, FormatEntry(**how), Notes())


def test_parquets_plain_columns_are_read_and_a_null_is_an_empty_cell(tmp_path: Path) -> None:
    stamp = datetime(2024, 1, 1, 0, 0, 1)
    table = pa.table({
        "utc": pa.array([stamp, None], pa.timestamp("ms", "Asia/Seoul")),
        "local": pa.array([stamp, stamp], pa.timestamp("ns")),
        "v": pa.array([1.5, float("nan")]),
        "n": pa.array([1, None], pa.int16()),
        "on": pa.array([True, None]),
        "mode": pa.array(["운전", None]).dictionary_encode(),
    })  # fmt: skip
    parquet.write_table(table, tmp_path / "f.parquet")
    found = cells(opened(tmp_path / "f.parquet"), *table.column_names)
    assert found["utc"] == ["2024-01-01T00:00:01.000000Z", ""]
    assert found["local"][0] == np.datetime64("2024-01-01T00:00:01")
    np.testing.assert_array_equal(found["v"], [1.5, np.nan])
    assert found["n"] in (["1", ""], ["1.0", ""])
    assert (found["on"], found["mode"]) == (["True", ""], ["운전", ""])


def test_parquets_nested_and_huge_columns_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet.write_table(pa.table({"t": [1], "v": [[1.0, 2.0]]}), tmp_path / "f.parquet")
    with pytest.raises(DataError, match=r"column 'v' is list<.*>; give numbers, times or text"):
        cells(opened(tmp_path / "f.parquet"), "v")
    monkeypatch.setattr(parquet_table, "MAX_GROUP", 10)
    with pytest.raises(DataError, match="a group of rows unpacks to over"):
        opened(tmp_path / "f.parquet")


@pytest.mark.parametrize("name", ["f.parquet", "f.xlsx", "f.h5"])
def test_what_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"time,value\n1,2\n" * 99)
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        opened(tmp_path / name)


def test_a_damaged_parquet_file_is_refused_by_the_row(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"v": np.arange(1000.0)}), tmp_path / "f.parquet", compression="gzip")
    raw = bytearray((tmp_path / "f.parquet").read_bytes())
    raw[20:2000] = bytes(1980)
    (tmp_path / "f.parquet").write_bytes(raw)
    with pytest.raises(DataError, match=r"f\.parquet: damaged after row 1"):
        cells(opened(tmp_path / "f.parquet"), "v")


def workbook(path: Path, *rows: list[Any], sheet: str = "Sheet") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def test_a_sheet_is_read_as_text_with_its_units_and_without_empty_rows(tmp_path: Path) -> None:
    stamp = datetime(2024, 1, 1, 0, 0, 1)
    path = workbook(
        tmp_path / "f.xlsx",
        ["펌프 기록"],
        ["시각", "압력", "운전"],
        [None, "bar", "-"],
        [stamp, 1.5, True],
        [],
        ["시각", "압력", "운전"],
        [stamp, "1.25", None],
        [stamp, "=1+1", False],
        sheet="기록",
    )
    table = opened(path)
    assert (table.columns, table.units["압력"]) == (("시각", "압력", "운전"), "bar")
    found = cells(table, "시각", "압력", "운전")
    assert found["시각"] == ["2024-01-01 00:00:01"] * 3
    assert found["압력"] == ["1.5", "1.25", ""], "a formula that nobody computed is no value"
    assert found["운전"] == ["True", "", "False"]
    with pytest.raises(DataError, match="no sheet 'x'; there is 기록"):
        opened(path, sheet="x")


def test_a_workbook_that_unpacks_to_too_much_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_table, "MAX_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "f.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * (2 << 20))
    with pytest.raises(DataError, match="unpacks to over 1 MiB"):
        opened(tmp_path / "f.xlsx")


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        group = file.create_group("run/readings")
        group["time"] = np.arange(5) * 1_000_000
        group["p"] = np.arange(5.0)
        group["p"].attrs["unit"] = np.bytes_("bar")
        group["on"] = np.array([True, False, True, True, False])
        group["tag"] = np.array([b"PI"] * 5, "S")
        group.create_dataset("z", data=np.arange(5, dtype=np.int16), compression="gzip", shuffle=True, fletcher32=True)
    return tmp_path / "f.h5"


def test_plain_datasets_of_a_group_are_columns(datasets: Path) -> None:
    table = opened(datasets, group="/run/readings")
    assert set(table.columns) == {"time", "p", "on", "tag", "z"}
    assert table.units["p"] == "bar"
    found = cells(table, "time", "p", "on", "tag", "z")
    assert (found["tag"], found["z"], found["on"][0]) == (["PI"] * 5, [0, 1, 2, 3, 4], True)
    with pytest.raises(DataError, match="say which group"):
        opened(datasets)
    with pytest.raises(DataError, match=r"no group '/nowhere'|refused"):
        opened(datasets, group="/nowhere")


def external(file: Any, folder: Path) -> None:
    (folder / "secret").write_bytes(b"x" * 80)
    file.create_dataset("v", (10,), "f8", external=[(str(folder / "secret"), 0, 80)])


def virtual(file: Any, folder: Path) -> None:
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "secret.h5"), "v", (10,))
    file.create_virtual_dataset("v", layout)


def external_link(file: Any, folder: Path) -> None:
    file["v"] = h5py.ExternalLink(str(folder / "secret.h5"), "/v")


def soft_link(file: Any, folder: Path) -> None:
    file["v"] = h5py.SoftLink("/elsewhere")


def objects(file: Any, folder: Path) -> None:
    file.create_dataset("v", (2,), h5py.string_dtype())


def references(file: Any, folder: Path) -> None:
    file.create_dataset("v", (2,), h5py.ref_dtype)


def compound(file: Any, folder: Path) -> None:
    file["v"] = np.zeros(3, [("a", "f8"), ("b", "f8")])


def huge(file: Any, folder: Path) -> None:
    file.create_dataset("v", (1 << 34,), "f8", chunks=(1 << 20,))


def plane(file: Any, folder: Path) -> None:
    file["v"] = np.zeros((3, 3))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (external, "'v' is stored in another file"),
        (virtual, "'v' is put together from others"),
        (external_link, "'v' is a link to elsewhere"),
        (soft_link, "'v' is a link to elsewhere"),
        (objects, "'v' holds neither numbers nor text of fixed length"),
        (references, "'v' holds neither numbers nor text of fixed length"),
        (compound, "'v' holds neither numbers nor text of fixed length"),
        (huge, "'v' claims over 1 GiB"),
        (plane, "'v' has 2 dimensions"),
    ],
)
def test_what_hdf5_would_follow_or_swell_to_is_refused(tmp_path: Path, make: Any, said: str) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        make(file, tmp_path)
    with pytest.raises(DataError, match=said):
        opened(tmp_path / "f.h5")
    if (tmp_path / "secret").exists():
        assert (tmp_path / "secret").read_bytes() == b"x" * 80


def test_a_group_behind_a_link_is_not_entered(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["g"] = h5py.ExternalLink("other.h5", "/")
    with pytest.raises(DataError, match="'g' is a link to elsewhere"):
        opened(tmp_path / "f.h5", group="/g")


def test_no_mutation_of_an_hdf5_file_ends_this_process(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 10)
    raw, rng = datasets.read_bytes(), np.random.default_rng(3)
    for _ in range(6):
        mutant = bytearray(raw)
        for place in rng.integers(0, 2000, 20):
            mutant[place] = rng.integers(256)
        datasets.write_bytes(mutant)
        with suppress(DataError):
            table = opened(datasets, group="/run/readings")
            cells(table, *table.columns)
