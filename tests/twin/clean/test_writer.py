"""Cleaned readings in files of their own."""

import csv
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from pyarrow import parquet

from tests.twin.clean.bench import PI, TI, cleaner, mixed, plant, recipe, series
from twin.clean.block import Block
from twin.clean.notes import Notes
from twin.clean.recipe import Recipe
from twin.clean.recording_file import FormatEntry
from twin.clean.table import open_table
from twin.clean.writer import COLUMNS, harmless, write
from twin.errors import DataError


@pytest.fixture
def by(tmp_path: Path) -> Recipe:
    return recipe(plant(tmp_path), "tags: {}")


@pytest.fixture
def block(tmp_path: Path) -> Block:
    raw = mixed(series(PI, [1.0, np.nan, 3.0]), series(TI, [20.0]))
    return cleaner(plant(tmp_path), "tags: {}").put(raw)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".h5"])
def test_what_was_written_comes_back(tmp_path: Path, by: Recipe, block: Block, suffix: str) -> None:
    assert write(tmp_path / f"out{suffix}", by, [block, block]) == 8
    table = open_table(tmp_path / f"out{suffix}", FormatEntry(), Notes())
    pieces = list(table.pieces(COLUMNS))
    cells = {name: [str(cell) for piece in pieces for cell in piece.cells[name]] for name in COLUMNS}
    np.testing.assert_array_equal(np.array(cells["value"], float), np.tile(block.value, 2))
    assert cells["tag"] == ["PI", "TI", "PI", "PI"] * 2
    assert cells["unit"][:2] == ["Pa", "K"]
    assert [int(code) for code in cells["quality"]] == np.tile(block.quality, 2).tolist()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_times_are_utc_in_every_format(tmp_path: Path, by: Recipe, block: Block) -> None:
    for suffix in (".csv", ".parquet", ".h5"):
        write(tmp_path / f"out{suffix}", by, [block])
    with (tmp_path / "out.csv").open() as file:
        assert next(csv.DictReader(file))["time"] == "1970-01-01T00:16:40.000000Z"
    assert str(parquet.read_schema(tmp_path / "out.parquet").field("time").type) == "timestamp[us, tz=UTC]"
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["time"][0] == 1_000_000_000


def test_no_file_is_written_over(tmp_path: Path, by: Recipe, block: Block) -> None:
    (tmp_path / "out.csv").write_text("mine")
    with pytest.raises(DataError, match=r"out\.csv: exists; name another file, or remove it"):
        write(tmp_path / "out.csv", by, [block])
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_a_file_is_whole_or_not_there(tmp_path: Path, by: Recipe, block: Block) -> None:
    def broken() -> Iterator[Block]:
        yield block
        raise DataError("f.csv:9: ragged")

    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="ragged"):
        write(tmp_path / "out" / "o.csv", by, broken())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"), [("out.txt", "name it with one of"), ("no/such/out.csv", "can't be written")]
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, by: Recipe, name: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        write(tmp_path / name, by, [])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0x"])
def test_no_name_becomes_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("TI-101") == "TI-101"
