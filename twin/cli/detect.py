"""`twin detect`: what the live monitor would have said of a recorded file, row by row, and how right it was."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from twin.cli import INTERRUPTED, OK
from twin.cli.arguments import assets_option, console, json_option, print_json
from twin.cli.clean import file_option
from twin.errors import DataError

if TYPE_CHECKING:
    from twin.clean.recording import Recording
    from twin.live.offline import Detection, Labelled

COLUMNS = ("time", "advisory", "score", "cause")


@click.command("detect")
@click.argument("recording")
@file_option
@click.option(
    "--teach", type=click.IntRange(1), default=400, show_default=True, help="Rows from which the twin learns."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write a line for each row: a .csv file.")
@assets_option
@json_option
def command(recording: str, file: Path | None, teach: int, out: Path | None, folder: Path | None, as_json: bool) -> int:
    r"""Run the live monitor over RECORDING, a file or the name of a shipped one, that starts healthy.

    \b
    --out has a line for each row of the file:
      time      of the row, UTC
      advisory  1 while one about a deviation of the plant stands, else 0
      score     how much speaks for a deviation; from 1 on an advisory is raised
      cause     what the advisory says: a code, and the faults or tags that it names

    Where the file has labels, f1, false alarms (far, of the healthy rows) and missed ones (mar, of the labelled rows)
    are shares from 0 to 1 of the rows behind those that teach. Ctrl-C ends it early; what was done until then is kept.
    """
    from twin.clean.recording import Recording
    from twin.live.offline import detect, labelled

    if out is not None and out.suffix != ".csv":
        raise DataError(f"{out}: is written as CSV; name it with .csv")
    source = Recording.load(recording, file, assets=folder)
    rows = labelled(source)
    with ExitStack() as stack:
        written_to = stack.enter_context(_written(out)) if out is not None else None
        progress = stack.enter_context(_progress(source.name, rows.time.size))
        found = detect(source, teach, progress)
        if written_to is not None:
            _write(written_to, rows, found)
    result = {**_result(source, rows, found, teach), "out": str(out) if out else None}
    if as_json:
        print_json(result)
    else:
        _show(result)
    if found.rows < rows.time.size:
        click.echo(f"interrupted at row {found.rows} of {rows.time.size}; what was done is kept", err=True)
        return INTERRUPTED
    return OK


@contextmanager
def _written(out: Path) -> Iterator[TextIO]:
    from twin.journal.export import written

    with written(out) as file:
        yield file


@contextmanager
def _progress(name: str, rows: int) -> Iterator[Callable[[int], None]]:
    """Show a bar with the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task(name, total=rows)
        yield lambda done: bar.update(task, completed=done)


def _write(file: TextIO, rows: "Labelled", found: "Detection") -> None:
    from twin.live.offline import stamp

    lines = csv.writer(file, lineterminator="\n")
    lines.writerow(COLUMNS)
    told = zip(rows.time.tolist(), found.advised.tolist(), found.score.tolist(), found.cause, strict=False)
    lines.writerows((stamp(time), int(advised), f"{score:.6g}", cause) for time, advised, score, cause in told)


def _result(source: "Recording", rows: "Labelled", found: "Detection", teach: int) -> dict[str, Any]:
    from twin.live.offline import stamp

    spans = [{"begin": stamp(begin), "end": None if end is None else stamp(end), "cause": cause}
             for begin, end, cause in found.advisories]  # fmt: skip
    return {
        "recording": source.name, "plant": source.plant.name, "file": str(source.file), "rows": int(rows.time.size),
        "teach": teach, "advisories": spans, "notes": found.notes, **scores(rows, found, teach),
    }  # fmt: skip


def scores(rows: "Labelled", found: "Detection", teach: int) -> dict[str, Any]:
    """Return how right it was at labelled rows behind those that teach; where there are none, why nothing is scored."""
    import numpy as np

    from twin.live.pointwise import BASELINES, Points, delay

    number = np.arange(teach, found.rows)
    if not rows.unlabelled:
        number = number[np.isfinite(rows.anomaly[teach : found.rows])]
    if rows.unlabelled or not number.size:
        names = ("f1", "far", "mar", *Points._fields, "delay_s", "baselines")
        return {**dict.fromkeys(names), "unscored": rows.unlabelled or "no row behind those that teach is labelled"}
    anomaly, advised = rows.anomaly[number] > 0.0, found.advised[number]
    return {
        **Points.of(advised, anomaly).as_dict(),
        "delay_s": delay(rows.time[number], advised, anomaly),
        "baselines": {name: Points.of(alarmed(number), anomaly).as_dict() for name, alarmed in BASELINES.items()},
        "unscored": None if anomaly.any() else "no row is labelled as anomalous: f1 and mar mean nothing",
    }


def _show(result: dict[str, Any]) -> None:
    """Print what was found for people."""
    click.echo(f"{result['recording']}: {result['rows']} rows, {result['teach']} of them teach")
    for span in result["advisories"]:
        click.echo(f"  {span['begin']} to {span['end'] or 'the end'}: {span['cause']}")
    if not result["advisories"]:
        click.echo("  no advisory")
    if result["unscored"]:
        click.echo(result["unscored"])
    if result["tp"] is not None:
        _show_scores({"twin": result, **result["baselines"]})
    for note in result["notes"]:
        click.echo(note, err=True)
    if result["out"]:
        click.echo(f"written to {result['out']}")


def _show_scores(scores: dict[str, dict[str, Any]]) -> None:
    from twin.cli.arguments import table

    shown = table("", "F1", "false", "missed", right=("F1", "false", "missed"))
    for name, score in scores.items():
        shares = (score["far"], score["mar"])
        f1 = "" if score["f1"] is None else f"{score['f1']:.3f}"
        shown.add_row(name, f1, *("" if share is None else f"{100.0 * share:.1f} %" for share in shares))
    console().print(shown)
