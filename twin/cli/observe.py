"""`twin observe`: what the tags of a plant can tell of its unknowns and its faults, before any twin starts."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from twin.cli import OK
from twin.cli.arguments import assets_option, console, json_option, load_plant, print_json, table

if TYPE_CHECKING:
    from twin.estimate.trial import Trial

WELL, BARELY = 0.5, 0.9
"""Shares of an unknown's spread that the tags leave: below the first they tell it, above the second they don't."""


@click.command("observe")
@click.argument("plant")
@assets_option
@json_option
def command(plant: str, folder: Path | None, as_json: bool) -> int:
    """Say which states, parameters and faults of PLANT its tags can tell, and which not.

    Each is moved a little, the plant runs on for 20 minutes, and what the tags would show is compared with their noise.
    """
    from twin.estimate.ground import ground

    found = load_plant(plant, folder)
    trial = ground(found).trial
    if as_json:
        print_json({
            "plant": found.name, "left": trial.left, "faults": trial.faults, "unseen_faults": list(trial.unseen),
            "alike_faults": [list(pair) for pair in trial.alike],
        })  # fmt: skip
    else:
        _show(trial)
    return OK


def _show(trial: "Trial") -> None:
    out = console()
    told = {name: left for name, left in sorted(trial.left.items(), key=lambda item: item[1]) if left < 1.0}
    shown = table("state or parameter", "uncertainty left", "the tags", right=("uncertainty left",))
    for name, left in told.items():
        word = "tell it" if left <= WELL else "tell something" if left <= BARELY else "hardly tell it"
        shown.add_row(name, f"{left:.0%}", word)
    out.print(shown)
    silent = [name for name, left in trial.left.items() if left >= 1.0]
    if silent:
        out.print(f"no tag sees: {', '.join(silent)}", markup=False)
    out.print(f"faults that some tag shows: {', '.join(trial.faults) or 'none'}", markup=False)
    if trial.unseen:
        out.print(f"faults that no tag shows: {', '.join(trial.unseen)}", markup=False)
    for one, other in trial.alike:
        out.print(f"hardly told apart: {one} and {other}", markup=False)
