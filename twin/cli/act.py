"""`twin act`: acknowledge, shelve, comment, bypass, tell of maintenance: every action is an entry of the journal."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from twin.cli import OK
from twin.cli.arguments import console, json_option, print_json
from twin.errors import DataError

if TYPE_CHECKING:
    from twin.monitor.life import Change

PATIENCE = 20.0
"""How long the twin may take to answer what became of an action [s]; it goes on without us."""
KINDS = ("acknowledge", "shelve", "unshelve", "comment", "maintenance", "bypass", "restore", "suppress")
ROLES = ("operator", "engineer", "maintainer")


@click.command("act")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target")
@click.option("--who", required=True, metavar="NAME", help="Who does it.")
@click.option("--role", type=click.Choice(ROLES), default="operator", show_default=True)
@click.option("--minutes", type=float, default=0.0, help="For how long, where that matters.")
@click.option("--text", default="", help="Why, or what was done.")
@json_option
def command(data: Path, kind: str, target: str, who: str, role: str, minutes: float, text: str, as_json: bool) -> int:
    """Do KIND to TARGET, an advisory (adv-2), an asset or a tag, in the running twin of DATA.

    `maintenance` with an asset says that it was repaired or replaced: what was believed of it is believed no more.
    What `twin advisories DATA` lists can be acknowledged, shelved and commented on. An action that the twin refuses
    ends with code 4; it stays in the journal as what was tried.
    """
    from twin.monitor import texts
    from twin.service import Action, Client, refusal

    action = Action(kind=kind, who=who, role=role, target=target, minutes=minutes, text=text)  # type: ignore[arg-type]
    if wrong := refusal(action):
        raise click.UsageError(wrong)
    with Client(data) as client:
        entry = client.act(action)
    changes = _came_of(data, entry)
    if refused := [change for change in changes or () if change.cause.startswith("refused_")]:
        raise DataError(f"{target}: {texts.word('causes', refused[0].cause)}; see `twin advisories {data}`")
    if as_json:
        print_json({"entry": entry, "changes": [change._asdict() for change in changes or ()]})
        return OK
    out = console()
    out.print(f"journal entry {entry}", markup=False)
    for change in changes or ():
        out.print(texts.said(change), markup=False)
    if changes is None:
        out.print("stored; the twin hasn't come to it yet", markup=False)
    return OK


def _came_of(data: Path, entry: int) -> "list[Change] | None":
    """Return what the twin made of an entry; None where it doesn't say within `PATIENCE`."""
    from twin.history.reader import History

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with History(data) as history:
                if changes := history.changes(entry):
                    return changes
        except DataError:
            pass  # no twin has written here yet
        time.sleep(0.1)
    return None
