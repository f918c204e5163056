"""`twin live`: keep a twin in step with a plant that sends its readings."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from twin.cli import INTERRUPTED
from twin.cli.arguments import Duration, Size, assets_option, console, load_plant
from twin.errors import DataError, PlantError


@click.command("live")
@click.argument("plant")
@click.option("--listen", default="tcp://127.0.0.1:5555", show_default=True, metavar="ADDRESS", help="For gateways.")
@click.option("--data", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where everything is kept.")
@click.option("--replay", is_flag=True, help="Accept recorded and accelerated sources.")
@click.option("--recording", metavar="NAME", help="Clean readings by the recipe of this recording.")
@click.option("--keep", type=Duration(), default="30d", show_default=True, help="How long archives are kept.")
@click.option("--max-disk", type=Size(), help="Most room for journal and archives, as 20GB.")
@click.option("--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the advisories.")
@assets_option
def command(
    plant: str, listen: str, data: Path, replay: bool, recording: str | None, keep: float, max_disk: int | None,
    language: str, folder: Path | None,
) -> int:  # fmt: skip
    """Take readings for PLANT, estimate what nobody measures, and advise.

    Advisories are printed as they come; `twin advisories` lists those that stand. Ingest, twin and recorder run as
    processes of their own; Ctrl-C ends all of them and leaves valid files. Started again on the same folder the twin
    goes on where it was.
    """
    from twin.clean.recording import recipe_for
    from twin.ingest.entrance import checked_address
    from twin.live.group import Group
    from twin.live.station import address, parts
    from twin.live.teller import Teller

    try:
        checked_address(listen, curve=True)  # whether there are keys is seen by ingest
    except DataError as err:
        raise click.BadParameter(str(err), param_hint="--listen") from None
    found = load_plant(plant, folder)
    if found.estimation is None:
        raise PlantError(f"{found.name}: has no section 'estimate'; say in its file what isn't known for certain")
    if recording is not None:
        recipe_for(found, recording, folder)
    data.mkdir(parents=True, exist_ok=True)
    out = console()

    def say(line: str) -> None:
        out.print(line, markup=False)

    with Group(data, log=say) as group:
        try:
            wanted = parts(
                plant, data, listen, replay=replay, recording=recording, assets=folder, keep=keep, most=max_disk
            )
            for part in wanted:
                group.start(part)
            say(f"{found.name}: listening on {address(data, group)}; data in {data}; Ctrl-C ends")
            teller, heard = Teller(data, language, say, anew=True), False
            while True:
                group.check()
                heard = heard or _heard(data, say)
                teller.look()
                time.sleep(0.5)
        except KeyboardInterrupt:
            say("ending")
    return INTERRUPTED


def _heard(data: Path, say: Callable[[str], None]) -> bool:
    """Say once that the twin follows, from the first instant that it has settled; return whether it was said."""
    from twin.history.reader import History  # with NumPy, which `twin --help` doesn't load

    try:
        status = json.loads((data / "twin.json").read_text(encoding="utf-8"))
        settled = float(status["settled"])
        with History(data) as history:
            zone = history.zone()
    except (OSError, ValueError, KeyError, TypeError, DataError):
        return False
    if settled > 0.0:
        at = datetime.fromtimestamp(settled, zone).isoformat(sep=" ", timespec="seconds")
        say(f"readings arrive; the twin is at {at}, times are the plant's")
    return settled > 0.0
