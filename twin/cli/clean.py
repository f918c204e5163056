"""`twin clean`: what a recipe makes of a recorded file, and what it found there."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import assets_option, print_json

if TYPE_CHECKING:
    from twin.clean.recording import Recording
    from twin.clean.report import Language, Report

file_option = click.option(
    "--file", type=click.Path(path_type=Path), metavar="FILE", help="Another file instead of the recording's own."
)


@click.command("clean")
@click.argument("recording")
@file_option
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the cleaned readings: .csv, .parquet or .h5."
)
@click.option("--report", type=click.Choice(["text", "json"]), default="text", help="How to say what was found.")
@click.option("--language", type=click.Choice(["en", "ko"]), default="en", help="Language of the report's text.")
@assets_option
def command(
    recording: str, file: Path | None, out: Path | None, report: str, language: "Language", folder: Path | None
) -> None:
    """Apply the recipe of RECORDING, a file or the name of a shipped one, and say what was found.

    Nothing is altered in the recorded file. With --out the readings are written in SI units, one a row, each with its
    OPC UA status code.
    """
    from twin.clean.recording import Recording

    found = _cleaned(Recording.load(recording, file, assets=folder), out)
    if report == "json":
        print_json({**found.as_dict(), "out": str(out) if out else None})
    else:
        click.echo(found.text(language))


def _cleaned(recording: "Recording", out: Path | None) -> "Report":
    from twin.clean.notes import Notes
    from twin.clean.reader import blocks
    from twin.clean.report import Report
    from twin.clean.writer import write

    notes, engine = Notes(), recording.cleaner()

    def cleaned() -> Any:
        for block in blocks(recording, notes):
            yield engine.put(block)
        yield engine.finish()

    if out is None:
        for _ in cleaned():
            pass
    else:
        write(out, recording.recipe, cleaned())
    return Report.of(recording.name, notes, engine)
