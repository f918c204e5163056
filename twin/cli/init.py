"""`twin init`: draft a recording and a plant from a file of readings, to be edited."""

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from", "source", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A CSV or Excel file."
)
@click.option("--format", "how", metavar="KEYS", help="How FILE is written, as: decimal: ',', sheet: Log")
def command(folder: Path, source: Path, how: str | None) -> None:
    """Draft DIR/recording.yaml and DIR/plant.yaml from FILE.

    Times, units and kinds of equipment are guessed from headers and numbers; what is a guess is marked, and what could
    not be guessed is said. --format takes the keys of `format` in a recording, for what can't be found out.
    """
    from twin.clean.draft import draft
    from twin.clean.recipe_loader import PAGE
    from twin.clean.recording_file import FormatEntry
    from twin.read import parse
    from twin.shape import validated

    said = None
    if how is not None:
        text = how.strip()
        said = validated(parse(text if text.startswith("{") else f"{{{text}}}", "--format"), FormatEntry, PAGE)
    for line in draft(source, folder, said):
        click.echo(line)
