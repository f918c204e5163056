"""`twin replay`: the journal through the twin once more; the same bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twin.cli import OK
from twin.cli.arguments import assets_option, console, json_option, load_plant, print_json

if TYPE_CHECKING:
    from twin.live.rerun import Rerun

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
    if as_json:
        print_json(result._asdict())
    else:
        for line in _told(result):
            console().print(line, markup=False)
    return OK if not result.different else FAILED_CHECK


def _told(result: "Rerun") -> Iterator[str]:
    """Yield what came of it, a line each."""
    yield f"{result.instants} instants of {result.entry} journal entries; the last state is {result.digest}"
    if not result.same and not result.different:
        yield "there is no snapshot to compare with"
    if result.same:
        yield f"the same as the snapshots after entries {', '.join(map(str, result.same))}"
    if result.different:
        entries = ", ".join(map(str, result.different))
        yield (
            f"different from the snapshots after entries {entries}: made by another version, or with another plant or "
            "recording; name those they were made with"
        )
