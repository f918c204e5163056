"""Tables hold the answer's numbers, in the report's units, and nothing that a spreadsheet would run."""

import csv
import io
import sys
from pathlib import Path

import pytest

from scenarios.answer import Answer
from scenarios.tables import Written, as_csv, sheets, write_tables
from tests.scenarios.answers import HOSTILE, answer, designed, difference, hostile, number, variant, whole
from twin.errors import DataError

Rows = list[list[str]]


def read(file: Path) -> Rows:
    data = file.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def column(rows: Rows, name: str) -> tuple[str, list[str]]:
    """Return a column's unit and values."""
    k = rows[0].index(name)
    return rows[1][k], [row[k] for row in rows[2:]]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    assert write_tables(whole(), tmp_path).note == ""
    return tmp_path


def test_a_summary_has_every_mean_interval_and_count_in_the_reports_unit(written: Path) -> None:
    rows = read(written / "tables" / "summary.csv")
    assert column(rows, "variant") == ("", ["as_is", "slower"])
    assert column(rows, "order.friday.on_time mean") == ("%", ["75.0", "0.0"])
    assert column(rows, "order.friday.on_time high") == ("%", ["82.6", "3.7"])
    assert column(rows, "line.good_energy mean") == ("Wh", ["163.2", "164.9"])
    assert column(rows, "max(bearing_1.T_b) mean") == ("°C", ["66.28", ""])
    assert column(rows, "max(bearing_1.T_b) n") == ("", ["100", "0"])
    assert column(rows, "set spindle_1.speed_set") == ("", ["", "'-10 %"])
    assert column(rows, "failed") == ("", ["0", "3"])


def test_differences_name_what_they_are_from_and_how_much_pairing_saved(written: Path) -> None:
    rows = read(written / "tables" / "differences.csv")
    assert [rows[2][0], rows[2][1]] == ["slower", "as_is"]
    assert column(rows, "order.friday.on_time difference") == ("%p", ["-75.0"])
    assert column(rows, "line.good_energy narrowed") == ("%", ["-10.0"])
    assert column(rows, "max(bearing_1.T_b) difference") == ("K", [""])


def test_courses_timelines_and_levels_are_whole(written: Path) -> None:
    found, tables = whole(), written / "tables"
    curves = read(tables / "curves.csv")
    assert curves[1][:2] == ["h", "°C"]
    assert [float(row[0]) * 3600.0 for row in curves[2:]] == pytest.approx(found.variants[0].curves[0].times)
    told = [float(value) + 273.15 for value in column(curves, "bearing_1.T_b slower median")[1]]
    assert told == pytest.approx(found.variants[1].curves[0].middle)
    assert len(read(tables / "gantt.csv")) == 2 + sum(len(each.gantt) for each in found.variants)
    assert read(tables / "levels.csv")[3] == ["as_is", "rack_1", "0.25", "4"]
    assert read(tables / "ranges.csv")[2][1:] == ["bearing_1.loss", "", "0.3", "", "", "", "never calibrated"]
    assert {row[2] for row in read(tables / "failures.csv")[2:]} == {"spindle_1: too hot", "stiff"}


def test_a_design_has_its_front_swings_and_indices(tmp_path: Path) -> None:
    write_tables(designed(), tmp_path)
    front = read(tmp_path / "tables" / "pareto.csv")
    assert sum(int(row[1]) for row in front[2:]) == 3
    assert len(front) == 62
    assert read(tmp_path / "tables" / "sensitivity.csv")[2] == ["op_10.oee", "spindle_1.speed_set", "-8.0", "3.0", "%p"]
    assert column(read(tmp_path / "tables" / "indices.csv"), "total index") == ("%", ["70.0"])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1", *HOSTILE])
def test_no_name_becomes_a_formula_or_a_row(text: str) -> None:
    told = {"op_10.oee": number(0.9, 0.01)}
    measure = whole().measures[1]
    found = answer(
        [variant("a", told), variant(text, told, {"op_10.oee": difference(0.0, 0.01)}, {text: text})], [measure]
    )
    for sheet in sheets(found):
        rows = list(csv.reader(io.StringIO(as_csv(sheet).decode("utf-8-sig"))))
        assert len(rows) == len(sheet.rows) + 2
        assert {len(row) for row in rows} == {len(sheet.head)}
        cells = [cell for row in rows for cell in row]
        assert [
            c for c in cells if c.lstrip().startswith(("=", "+", "@", "\uff1d", "\t", "\r")) and not is_number(c)
        ] == []
        assert [c for c in cells if c.startswith("-") and not is_number(c)] == []


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("make", [whole, hostile, designed])
def test_the_workbook_holds_the_same_as_the_files_and_no_formulas(tmp_path: Path, make: type[Answer]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    found: Written = write_tables(make(), tmp_path)  # type: ignore[call-arg]
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert [f"{name}.csv" for name in book.sheetnames] == [file.name for file in found.files[:-1]]
    for file in found.files[:-1]:
        for row, cells in zip(read(file), book[file.stem].iter_rows(), strict=True):
            assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
            values = ["" if cell.value is None else cell.value for cell in cells]
            for text, value in zip(row, values, strict=True):
                assert (float(text) if isinstance(value, int | float) else text) == value


def test_without_openpyxl_there_are_files_and_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    found = write_tables(whole(), tmp_path)
    assert "equipment-twin[tables]" in found.note
    assert not (tmp_path / "tables.xlsx").exists()
    assert all(file.exists() for file in found.files)


def test_the_same_answer_gives_the_same_files(tmp_path: Path) -> None:
    one, other = (write_tables(whole(), tmp_path / name).files[:-1] for name in ("one", "other"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in other]


def test_a_folder_that_cannot_be_written_to_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("a file")
    with pytest.raises(DataError, match="tables can't be written"):
        write_tables(whole(), tmp_path)
