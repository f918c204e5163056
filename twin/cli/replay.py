"""`twin replay`: the journal through the twin once more; the same bytes."""

from pathlib import Path
from typing import Any

import click

from twin.cli import OK
from twin.cli.arguments import assets_option, console, json_option, load_plant, print_json

FAILED_CHECK = 5


@click.command("replay")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--plant", required=True, help="Plant file or name.")
@click.option("--recording", metavar="NAME", help="The recording whose recipe cleaned the readings.")
@assets_option
@json_option
def command(data: Path, plant: str, recording: str | None, folder: Path | None, as_json: bool) -> int:
    """Send the journal of DATA through a new twin, and compare with the snapshots that the live one left.

    Ends with code 5 where a snapshot differs.
    """
    from twin.live.rerun import rerun

    found = load_plant(plant, folder)
    recipe = None
    if recording:
        from twin.clean.recording import recipe_for

        recipe = recipe_for(found, recording, folder)
    result = rerun(data, found, recipe)
    told: dict[str, Any] = result._asdict()
    if as_json:
        print_json(told)
    else:
        out = console()
        for name, value in told.items():
            out.print(f"{name}: {value}", markup=False)
    return OK if not result.different else FAILED_CHECK
