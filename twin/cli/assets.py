"""`twin assets`: which pieces of equipment there are, and the data sheet of one."""

from pathlib import Path
from typing import Any

import click

from twin.cli.arguments import assets_option, console, json_option, print_json, table


@click.command("assets")
@click.argument("name", required=False)
@assets_option
@json_option
def command(name: str | None, folder: Path | None, as_json: bool) -> None:
    """List the equipment there is, or show the data sheet of NAME."""
    from twin.catalogue import find, names
    from twin.datasheet import describe

    if name is not None:
        sheet = describe(name, find(name, folder))
        if as_json:
            print_json(sheet)
        else:
            _show(sheet)
        return
    sheets = {each: describe(each, find(each, folder)) for each in names(folder)}
    if as_json:
        print_json({each: sheet["title"] for each, sheet in sheets.items()})
    else:
        _list(sheets)


def _list(sheets: dict[str, dict[str, Any]]) -> None:
    from rich.markup import escape

    rows = table("asset", "is", "states", "faults", right=("states", "faults"))
    for name, sheet in sheets.items():
        rows.add_row(name, escape(sheet["title"]), str(len(sheet["state"])), str(len(sheet["fault"])))
    console().print(rows)


def _show(sheet: dict[str, Any]) -> None:
    from rich.markup import escape

    from twin.datasheet import TABLES

    screen = console()
    screen.print(f"[bold]{sheet['name']}[/bold]\n{escape(sheet['text'])}\n")
    for heading, role, columns in TABLES:
        if sheet[role]:
            rows = table(*(title for title, _ in columns), title=heading)
            for row in sheet[role]:
                rows.add_row(*(escape(str(cell(row))) for _, cell in columns))
            screen.print(rows)
            screen.print()
