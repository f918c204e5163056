"""`twin act`: acknowledge, shelve, comment, bypass, tell of maintenance: every action is an entry of the journal."""

from pathlib import Path

import click

from twin.cli import OK
from twin.cli.arguments import console, json_option, print_json

KINDS = ("acknowledge", "shelve", "unshelve", "comment", "maintenance", "bypass", "restore", "suppress")
ROLES = ("operator", "engineer", "maintainer")


@click.command("act")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target")
@click.option("--who", required=True, metavar="NAME", help="Who does it.")
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True)
@click.option("--minutes", type=click.FloatRange(0.0, 10080.0), default=0.0, help="For how long, where that matters.")
@click.option("--text", default="", help="Why, or what was done.")
@json_option
def command(data: Path, kind: str, target: str, who: str, role: str, minutes: float, text: str, as_json: bool) -> int:
    """Do KIND to TARGET, an advisory (adv-2), an asset or a tag, in the running twin of DATA.

    `maintenance` with an asset says that it was repaired or replaced: what was believed of it is believed no more.
    """
    from twin.service import Action, Client

    with Client(data) as client:
        entry = client.act(Action(kind=kind, who=who, role=role, target=target, minutes=minutes, text=text))  # type: ignore[arg-type]
    if as_json:
        print_json({"entry": entry})
    else:
        console().print(f"journal entry {entry}", markup=False)
    return OK
