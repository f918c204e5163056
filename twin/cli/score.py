"""`twin score`: how far a plant's free run is from a recording whose beginning alone it sees."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import assets_option, console, json_option, load_plant, named, print_json, table
from twin.cli.clean import file_option
from twin.errors import PlantError, TwinError

if TYPE_CHECKING:
    from twin.calibrate.compared import Compared

plant_option = click.option("--plant", metavar="PLANT", help="Another plant than the recording's, e.g. a fitted one.")
from_option = click.option("--from", "since", metavar="T", help="Begin there: a time from the first row, or ISO 8601.")
until_option = click.option("--until", metavar="T", help="End there: a time from the first row, or ISO 8601.")


@click.command("score")
@click.argument("recording")
@plant_option
@file_option
@from_option
@until_option
@click.option(
    "--initialise", metavar="N|T", help="First rows (20) or time (300s) that estimate the initial state, not scored."
)
@assets_option
@json_option
def command(
    recording: str, plant: str | None, file: Path | None, since: str | None, until: str | None, initialise: str | None,
    folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a plant freely through RECORDING, a file or the name of a shipped one, and say how far off it is.

    The plant sees recorded inputs and, of what it is compared with, the rows that initialise. Beside it stand the last
    reading held, and a linear state-space model identified on the rows that the plant was fitted to.
    """
    from twin.calibrate.compared import compared
    from twin.calibrate.wanted import window_of
    from twin.clean.recording import Recording

    found = Recording.load(recording, file, assets=folder)
    chosen = load_plant(plant, folder) if plant else found.plant
    try:
        window = window_of(initialise) if initialise is not None else None
    except TwinError as err:
        raise named(PlantError(str(err)), "--initialise") from None
    result = compared(found, chosen, (since, until), window)
    if as_json:
        print_json(result.as_dict())
    else:
        _show(result)


def _show(result: "Compared") -> None:
    shown: dict[str, Any] = result.as_dict()
    screen = console()
    screen.print(
        f"{result.plant.name} through {result.record.name}: {shown['scored']} rows, {shown['initialised']} before them"
    )
    right = ("rmse", "nrmse", "bias", "max", "in the 95 % band")
    rows = table("tag", "", *right, "unit", right=right)
    for tag, found in shown["tags"].items():
        rows.add_row(
            tag, "free run", *(f"{found[key]:.4g}" for key in ("rmse", "nrmse", "bias", "max")),
            f"{100 * found['coverage']:.1f} %", found["unit"],
        )  # fmt: skip
        for name, baseline in shown["baselines"].items():
            if baseline is not None:
                rows.add_row("", name, *(f"{baseline[tag][k]:.4g}" for k in ("rmse", "nrmse", "bias", "max")), "", "")
    screen.print(rows)
    for note in shown["notes"]:
        screen.print(note)
