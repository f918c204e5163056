"""`twin check`: whether a plant file can be run, and what it is made of."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import assets_option, console, json_option, load_plant, print_json, table

if TYPE_CHECKING:
    from twin.declare import Asset


@click.command("check")
@click.argument("plant")
@assets_option
@json_option
def command(plant: str, folder: Path | None, as_json: bool) -> None:
    """Check PLANT, a file or the name of a shipped plant, and list what it is made of.

    Every asset is shown with the SHA-256 of the file that declares it: that file is run as code.
    """
    from twin.declare import State

    loaded = load_plant(plant, folder)
    assets = {name: _asset(cls) for name, cls in loaded.assets.items()}
    result = {
        "plant": loaded.name,
        "about": loaded.about,
        "assets": assets,
        "states": len(loaded.paths(State)),
        "wires": sum(len(origins) for origins in loaded.wires.values()),
        "tags": {name: tag.reads for name, tag in loaded.tags.items()},
        "solver": loaded.solver._asdict(),
    }
    if as_json:
        print_json(result)
    else:
        _show(result)


def _asset(cls: "type[Asset]") -> dict[str, str]:
    from twin.provenance import asset_file

    file, digest = asset_file(cls)
    return {"is": file.stem, "file": str(file), "sha256": digest}


def _show(result: dict[str, Any]) -> None:
    from rich.markup import escape

    screen = console()
    screen.print(f"[bold]{escape(result['plant'])}[/bold] can be run")
    if result["about"]:
        screen.print(escape(result["about"]))
    screen.print(f"{result['states']} states, {result['wires']} wires, {len(result['tags'])} tags")
    rows = table("asset", "is", "SHA-256 of its file")
    for name, asset in result["assets"].items():
        rows.add_row(escape(name), escape(asset["is"]), asset["sha256"])
    screen.print(rows)
    for file in sorted({asset["file"] for asset in result["assets"].values()}):
        screen.print(f"code from {file}", markup=False, soft_wrap=True)
