"""An answer's numbers as tables: CSV for every spreadsheet, and one workbook where openpyxl is installed."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from scenarios.answer import Answer, Curve, Difference, Number, Variant
from scenarios.charts import front_of
from scenarios.shown import Scale, scale, scale_of
from twin.errors import DataError
from twin.monitor.words import plain

WORKBOOK: Final = "tables.xlsx"
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # the last four are full-width

Cell = str | float | int | None


class Sheet(NamedTuple):
    """A table: its columns, their units, and its rows."""

    name: str
    head: list[str]
    units: list[str]
    rows: list[list[Cell]]


class Written(NamedTuple):
    """The files that were written, and what is to be said of those that were not."""

    files: list[Path]
    note: str


def write_tables(answer: Answer, folder: Path) -> Written:
    """Write an answer's tables into ``folder/tables`` and as ``folder/tables.xlsx``.

    Each has a row of headings and a row of units, which are those of the report. What is missing is an empty cell.
    Text that a spreadsheet would take for a formula begins with an apostrophe.

    Parameters
    ----------
    answer : Answer
        What is written; the same answer gives the same CSV files, byte for byte.
    folder : Path
        Made if it isn't there; tables of the same names are replaced.

    Raises
    ------
    DataError
        If a file can't be written.
    """
    found = [sheet for sheet in sheets(answer) if sheet.rows]
    files = []
    try:
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        for sheet in found:
            file = folder / "tables" / f"{sheet.name}.csv"
            file.write_bytes(as_csv(sheet))
            files.append(file)
        note = _workbook(found, folder / WORKBOOK)
    except OSError as err:
        raise DataError(f"{folder}: tables can't be written: {err.strerror}; choose another folder") from None
    return Written(files if note else [*files, folder / WORKBOOK], note)


def sheets(answer: Answer) -> Iterator[Sheet]:
    """Yield the tables of an answer; those of what it hasn't are empty."""
    yield _summary(answer)
    yield _differences(answer)
    yield _curves(answer)
    yield from _timelines(answer)
    yield _ranges(answer)
    yield _failures(answer)
    if len(answer.pareto_of) == 2:
        yield _pareto(answer)
    yield _swings(answer)
    yield _indices(answer)


def as_csv(sheet: Sheet) -> bytes:
    """Return a table as CSV in UTF-8, with the mark by which spreadsheets know it."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in _guarded(sheet):
        writer.writerow(row)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _guarded(sheet: Sheet) -> Iterator[list[Cell]]:
    rows: list[list[Cell]] = [[*sheet.head], [*sheet.units], *sheet.rows]
    for row in rows:
        yield [_text(cell) if isinstance(cell, str) else cell for cell in row]


def _text(said: str) -> str:
    """Return text on one line that no spreadsheet takes for a formula."""
    found = plain(said)
    return f"'{found}" if found.lstrip().startswith(_FORMULA) else found


def _workbook(found: Sequence[Sheet], file: Path) -> str:
    """Write a workbook with a sheet for each table; return why not, where openpyxl isn't there."""
    try:
        import openpyxl
        from openpyxl.styles import Font
    except ImportError:
        return f"{file.name} needs openpyxl; install equipment-twin[tables], or take the CSV files"
    book, fonts = openpyxl.Workbook(write_only=True), (Font(bold=True), Font(italic=True))
    for sheet in found:
        page = book.create_sheet(sheet.name)
        page.freeze_panes = "B3"
        for k, row in enumerate(_guarded(sheet)):
            page.append([_styled(openpyxl.cell.WriteOnlyCell(page, each), fonts[k]) for each in row] if k < 2 else row)
    book.save(file)
    return ""


def _styled(cell: Any, font: object) -> Any:
    """Return a cell of openpyxl, which has no types, in a font."""
    cell.font = font
    return cell


def _of(value: float | None, by: Scale) -> Cell:
    return None if value is None else _tidy(by.of(value))


def _span(value: float | None, by: Scale) -> Cell:
    return None if value is None else _tidy(by.span(value))


def _tidy(value: float) -> float:
    """Return a number without what the change of units has added behind the twelfth digit."""
    return float(f"{value:.12g}")


def _scales(answer: Answer) -> dict[str, Scale]:
    return {told.name: scale_of(told, [v.numbers[told.name] for v in answer.variants]) for told in answer.measures}


def _summary(answer: Answer) -> Sheet:
    by = _scales(answer)
    paths = list(dict.fromkeys(path for variant in answer.variants for path in variant.changes))
    head = ["variant", *(f"set {path}" for path in paths), "replications", "failed"]
    units = [""] * len(head)
    for told in answer.measures:
        head += [f"{told.name} {part}" for part in ("mean", "low", "high", "p5", "p95", "n")]
        units += [by[told.name].symbol] * 5 + [""]
    rows = []
    for variant in answer.variants:
        row: list[Cell] = [variant.name, *(variant.changes.get(path) for path in paths)]
        row += [variant.replications, len(variant.failures)]
        for told in answer.measures:
            row += _number(variant.numbers[told.name], by[told.name])
        rows.append(row)
    return Sheet("summary", head, units, rows)


def _number(number: Number, by: Scale) -> list[Cell]:
    return [*(_of(value, by) for value in (number.middle, number.low, number.high, number.p5, number.p95)), number.size]


def _differences(answer: Answer) -> Sheet:
    by = _scales(answer)
    head, units = ["variant", "less"], ["", ""]
    for told in answer.measures:
        head += [f"{told.name} {part}" for part in ("difference", "low", "high", "n", "narrowed")]
        units += [by[told.name].difference_symbol] * 3 + ["", "%"]
    rows = []
    for variant in answer.variants[1:]:
        row: list[Cell] = [variant.name, answer.variants[0].name]
        for told in answer.measures:
            row += _difference(variant.differences[told.name], by[told.name])
        rows.append(row)
    return Sheet("differences", head, units, rows)


def _difference(found: Difference, by: Scale) -> list[Cell]:
    ends = [_span(value, by) for value in (found.middle, found.low, found.high)]
    return [*ends, found.size, None if found.reduction is None else _tidy(100.0 * found.reduction)]


def _curves(answer: Answer) -> Sheet:
    """Return medians and bands by time, a column each for every quantity and variant."""
    found = [(variant, curve) for variant in answer.variants for curve in variant.curves]
    time = scale("s", [answer.length])
    head, units = ["time"], [time.symbol]
    columns: list[dict[float, float]] = []
    for variant, curve in found:
        by = _scale_of_path(answer, curve.path)
        for part in ("low", "middle", "high"):
            head.append(f"{curve.path} {variant.name} {'median' if part == 'middle' else part}")
            units.append(by.symbol)
            values = map(by.of, getattr(curve, part))
            columns.append(dict(zip(curve.times, values, strict=True)))
    times = sorted({t for _, curve in found for t in curve.times})
    rows: list[list[Cell]] = [
        [_of(t, time), *(None if t not in column else _tidy(column[t]) for column in columns)] for t in times
    ]
    return Sheet("curves", head, units, rows)


def _scale_of_path(answer: Answer, path: str) -> Scale:
    """Return the one unit in which a course is shown for all variants, as the report does."""
    curves: list[Curve] = [c for variant in answer.variants for c in variant.curves if c.path == path]
    return scale(curves[0].unit, [value for c in curves for value in (*c.low, *c.high)])


def _timelines(answer: Answer) -> Iterator[Sheet]:
    time = scale("s", [answer.length])
    spans: list[list[Cell]] = [
        [variant.name, span.block, span.state, _of(span.begin, time), _of(span.end, time)]
        for variant in answer.variants
        for span in variant.gantt
        if span.end > span.begin
    ]
    head = ["variant", "block", "state", "begin", "end"]
    yield Sheet("gantt", head, ["", "", "", time.symbol, time.symbol], spans)
    held: list[list[Cell]] = [
        [variant.name, level.block, _of(when, time), count]
        for variant in answer.variants
        for level in variant.levels
        for when, count in zip(level.times, level.held, strict=True)
    ]
    yield Sheet("levels", ["variant", "block", "time", "held"], ["", "", time.symbol, ""], held)


def _ranges(answer: Answer) -> Sheet:
    rows: list[list[Cell]] = []
    for variant in answer.variants:
        for each in variant.ranges:
            by = scale(each.unit, [each.value])
            numbers = [_of(value, by) for value in (each.value, each.low, each.high)]
            rows.append([variant.name, each.path, each.at, *numbers, by.symbol, each.verdict])
    head = ["variant", "quantity", "at", "value", "low", "high", "unit", "calibrated"]
    return Sheet("ranges", head, [""] * len(head), rows)


def _failures(answer: Answer) -> Sheet:
    rows: list[list[Cell]] = [[v.name, key, reason] for v in answer.variants for key, reason in v.failures.items()]
    return Sheet("failures", ["variant", "replication", "reason"], [""] * 3, rows)


def _pareto(answer: Answer) -> Sheet:
    by, front = _scales(answer), front_of(answer)
    numbers = [by[name] for name in answer.pareto_of]

    def row(variant: Variant) -> list[Cell]:
        values = (variant.numbers[name].middle for name in answer.pareto_of)
        return [variant.name, int(variant in front), *map(_of, values, numbers)]

    head = ["variant", "on the front", *(f"{name} mean" for name in answer.pareto_of)]
    units = ["", "1 yes, 0 no", *(each.symbol for each in numbers)]
    return Sheet("pareto", head, units, [row(variant) for variant in answer.variants])


def _swings(answer: Answer) -> Sheet:
    by = _scales(answer)
    rows: list[list[Cell]] = [
        [s.number, s.factor, _span(s.low, by[s.number]), _span(s.high, by[s.number]), by[s.number].difference_symbol]
        for s in answer.swings
    ]
    return Sheet("sensitivity", ["number", "factor", "change at low", "change at high", "unit"], [""] * 5, rows)


def _indices(answer: Answer) -> Sheet:
    by = Scale("%", 100.0)
    parts = [f"{kind} {part}" for kind in ("first", "total") for part in ("index", "low", "high")]
    rows: list[list[Cell]] = [
        [i.number, i.factor, *_number(i.first, by)[:3], *_number(i.total, by)[:3]] for i in answer.indices
    ]
    return Sheet("indices", ["number", "factor", *parts], ["", "", *["%"] * 6], rows)
