"""`twin init`: draft a recording and a plant from a file of readings, to be edited."""

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from", "source", required=True, type=click.Path(path_type=Path), metavar="FILE", help="A CSV or Excel file."
)
def command(folder: Path, source: Path) -> None:
    """Draft DIR/recording.yaml and DIR/plant.yaml from FILE.

    Times, units and kinds of equipment are guessed from headers and numbers; what is a guess is marked, and what could
    not be guessed is said.
    """
    from twin.clean.draft import draft

    for line in draft(source, folder):
        click.echo(line)
