"""Tables of text as they come: each thing that is wrong with one is named by its line, refused or counted."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from twin.clean.csv_table import CsvTable
from twin.clean.notes import Notes
from twin.clean.numbers import numbers
from twin.clean.recording_file import FormatEntry
from twin.errors import DataError, PlantError


class Found(NamedTuple):
    """What was read from a file."""

    table: CsvTable
    cells: dict[str, list[str]]
    lines: list[int]
    notes: Notes

    def numbers(self, column: str) -> list[float]:
        """Return a column as numbers."""
        return list(numbers(self.cells[column], self.table.style).value)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def run(text: str | bytes, **how: Any) -> Found:
        (tmp_path / "f.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        notes = Notes()
        table = CsvTable(tmp_path / "f.csv", FormatEntry(**how), notes)
        names = [f"#{n}" for n in range(1, len(table.columns) + 1)]
        cells: dict[str, list[str]] = {name: [] for name in table.columns}
        lines: list[int] = []
        for piece in table.pieces(names):
            lines += piece.line.tolist()
            for name, place in zip(table.columns, names, strict=True):
                cells[name] += list(piece.cells[place])
        return Found(table, cells, lines, notes)

    return run


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found(read: Any, separator: str) -> None:
    found = read("time;a;b\n2024-01-01 00:00:00;1.5;2\n2024-01-01 00:00:01;1.25;3\n".replace(";", separator))
    assert found.table.columns == ("time", "a", "b")
    assert found.numbers("a") == [1.5, 1.25]
    assert found.lines == [2, 3]


@pytest.mark.parametrize(
    ("text", "expected", "decimal", "thousands"),
    [
        ("t;v\n1;1,5\n2;2,25\n", [1.5, 2.25], ",", "none"),
        ("t;v\n1;1.234,5\n2;2,25\n", [1234.5, 2.25], ",", "."),
        ("t;v\n1;1,234.5\n2;2.25\n", [1234.5, 2.25], ".", ","),
        ('t,v\n1,"1,234.5"\n2,2.25\n', [1234.5, 2.25], ".", ","),
        ('t,v\n1,"1,5"\n2,"2,25"\n', [1.5, 2.25], ",", "none"),
        ("t;v\n1;1 234,5\n2;2,25\n", [1234.5, 2.25], ",", " "),
        ("t;v\n1;1'234.5\n2;2.25\n", [1234.5, 2.25], ".", "'"),
        ("t;v\n1;1.234.567\n2;2,25\n", [1234567.0, 2.25], ",", "."),
        ("t;v\n1;0,123\n2;0,125\n", [0.123, 0.125], ",", "none"),
        ("t;v\n1;1.234\n2;2.345\n", [1.234, 2.345], ".", "none"),
    ],
)
def test_decimal_commas_and_thousands_are_told_apart(
    read: Any, text: str, expected: list[float], decimal: str, thousands: str
) -> None:
    found = read(text)
    assert found.numbers("v") == expected
    assert (found.notes.facts["decimal sign"], found.notes.facts["thousands"]) == (decimal, thousands)


def test_a_number_that_can_be_read_two_ways_is_asked_about(read: Any) -> None:
    text = "t;v\n1;1,234\n2;2,345\n"
    with pytest.raises(DataError, match=r"f\.csv:2: '1,234' may have a decimal sign or thousands; say which"):
        read(text)
    assert read(text, decimal=",").numbers("v") == [1.234, 2.345]
    assert read(text, thousands=",").numbers("v") == [1234.0, 2345.0]


def test_a_decimal_sign_that_changes_is_refused_with_both_lines(read: Any) -> None:
    with pytest.raises(DataError, match=r"the decimal sign changes: '.' in line 2, ',' in line 3"):
        read("t;v\n1;1.5\n2;2,5\n")


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp949", "cp949"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_korean_headers_are_read_in_every_encoding(read: Any, encoding: str, found: str) -> None:
    result = read("시각;온도\n2024-01-01 00:00:00;21,5\n2024-01-01 00:00:01;21,6\n".encode(encoding))
    assert result.table.columns == ("시각", "온도")
    assert result.numbers("온도") == [21.5, 21.6]
    assert result.notes.facts["encoding"] == encoding


def test_an_encoding_that_is_named_wrongly_is_refused(read: Any) -> None:
    with pytest.raises(DataError, match=r"bytes are no utf-8"):
        read("시각;온도\n".encode("cp949") * 3, encoding="utf-8")
    with pytest.raises(PlantError, match="no encoding 'rot13'"):
        read("a;b\n", encoding="rot13")


def test_empty_lines_and_repeated_headers_are_left_out_and_counted(read: Any) -> None:
    found = read("t;v\n1;1\n\n;\nt;v\n2;2\n ; \n")
    assert found.lines == [2, 6]
    counts = {count.trouble: (count.times, [e.line for e in count.examples]) for count in found.notes.counts()}
    assert counts == {"empty_line": (3, [3, 4, 7]), "repeated_header": (1, [5])}


def test_a_ragged_line_is_refused_by_its_number_or_left_out_and_counted(read: Any) -> None:
    text = "t;v;w\n1;1;1\n2;2\n3;3;3\n"
    with pytest.raises(DataError, match=r"f\.csv:3: 2 cells, the header has 3; mend the line, or say: format"):
        read(text)
    found = read(text, broken="skip")
    assert found.lines == [2, 4]
    assert found.notes.counts()[0].examples[0] == (3, "2;2")


def test_mixed_separators_are_named(read: Any) -> None:
    with pytest.raises(DataError, match=r"f\.csv:3: 1 cells, the header has 3; it fits with comma as separator"):
        read("t;v;w\n1;1;1\n2,2,2\n3;3;3\n")


def test_a_last_line_that_is_cut_off_is_left_out_and_counted(read: Any) -> None:
    found = read("t;v;w\n1;1;1\n2;2;2\n3;3")
    assert found.lines == [2, 3]
    assert found.notes.counts()[0].trouble == "truncated"
    with pytest.raises(DataError, match=r"f\.csv:3: 2 cells"):
        read("t;v;w\n1;1;1\n3;3\n")


def test_a_separator_at_the_end_of_lines_is_no_cell(read: Any) -> None:
    found = read("t;v\n1;1;\n2;2;\n3;3\n")
    assert found.numbers("v") == [1.0, 2.0, 3.0]
    assert found.notes.times("trailing_cell") == 2


def test_lines_before_the_header_and_a_row_of_units_are_found(read: Any) -> None:
    found = read(
        "Logger 7\nexported;2024\n\ntime;p;T\n;bar;℃\n2024-01-01 00:00:00;1.5;20.5\n2024-01-01 00:00:01;1.5;20.5\n"
    )
    assert found.table.columns == ("time", "p", "T")
    assert found.table.units == {"p": "bar", "T": "℃"}
    assert found.lines == [6, 7]
    counts = {count.trouble: count.times for count in found.notes.counts()}
    assert counts == {"preamble": 3, "units_row": 1}


def test_a_first_row_without_a_time_is_no_row_of_units(read: Any) -> None:
    assert read("t;v\n1;on\n2;off\n").table.units == {}
    assert read("t;v\nx;off\n2;on\n", units_row="yes").table.units == {"t": "x", "v": "off"}


def test_columns_of_a_file_without_a_header_are_called_by_their_place(read: Any) -> None:
    found = read("1;1.5\n2;2.5\n")
    assert (found.table.columns, found.lines) == (("#1", "#2"), [1, 2])
    assert read("t;v\n1;1\n", header="no").lines == [1, 2]
    assert read("x;y\nt;v\n1;1\n", header="2").table.columns == ("t", "v")


def test_a_column_that_stands_twice_must_be_named_by_its_place(tmp_path: Path, read: Any) -> None:
    (tmp_path / "f.csv").write_text("t;v;v\n1;1.5;2.5\n")
    table = CsvTable(tmp_path / "f.csv", FormatEntry(), Notes())
    with pytest.raises(DataError, match="column 'v' stands several times; name it by its place: #2, #3"):
        next(table.pieces(["v"]))
    assert next(table.pieces(["#3"])).cells["#3"] == ("2.5",)
    with pytest.raises(DataError, match="no column 'w'"):
        next(table.pieces(["w"]))
    (tmp_path / "f.csv").write_text("t;\x1b[31mred\n1;1.5\n")
    with pytest.raises(DataError, match=r"no column 'w'; there are t, \ufffd\[31mred"):
        next(CsvTable(tmp_path / "f.csv", FormatEntry(), Notes()).pieces(["w"]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("abc\n1\n2\n", "no separator gives a table"),
        ('t;v\n1;"2\n' + "3;4\n" * 60_000, "field larger than field limit"),
        ('t;v\n1;"2"x\n', "mend the quotes"),
        (b"\0\1\2\3;" * 50, "zero bytes"),
        ("t;v\n1;2\n" + "1;2;" * 500_000, "f.csv:3: longer than 1048576 characters; this is no table"),
    ],
)
def test_what_is_no_table_is_refused(read: Any, text: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(text)


@pytest.mark.parametrize("how", [{"separator": "ab"}, {"separator": "x"}, {"header": "-1"}, {"header": "999"}])
def test_a_format_that_makes_no_sense_is_refused(read: Any, how: dict[str, str]) -> None:
    with pytest.raises(PlantError, match="format"):
        read("t;v\n1;1\n", **how)


def test_old_line_ends_and_quoted_separators_are_read(read: Any) -> None:
    assert read("t;v\r1;1.5\r2;2.5\r").numbers("v") == [1.5, 2.5]
    assert read('t;v\r\n"1";"2.5"\r\n').numbers("v") == [2.5]
    assert read('t;"a;b"\n1;2.5\n').table.columns == ("t", "a;b")


def test_a_long_file_is_read_in_pieces(tmp_path: Path) -> None:
    rows = 50_001
    (tmp_path / "f.csv").write_text("t,v\n" + "".join(f"{n},{n}.5\n" for n in range(rows)))
    table = CsvTable(tmp_path / "f.csv", FormatEntry(), Notes())
    lines = [piece.line for piece in table.pieces(["v"])]
    assert len(lines) > 1
    np.testing.assert_array_equal(np.concatenate(lines), np.arange(2, rows + 2))
