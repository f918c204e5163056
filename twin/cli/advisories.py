"""`twin advisories`: what a twin has to say now, or what was said and done until now."""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from twin.cli import OK
from twin.cli.arguments import console, json_option, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from twin.documents import Advisory


@click.command("advisories")
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--language", type=click.Choice(("en", "ko")), default="en", show_default=True)
@click.option("--log", "whole", is_flag=True, help="Print every change until now instead, the oldest first.")
@json_option
def command(data: Path, language: Literal["en", "ko"], whole: bool, as_json: bool) -> int:
    """Print the advisories that stand in DATA: what is wrong, why, what comes next, and what to do how soon.

    Times are the plant's. A running twin may be asked, and one that has ended.
    """
    import msgspec

    from twin.history.reader import History
    from twin.monitor import texts

    with History(data) as history:
        standing, changes, now = history.standing(), history.changes() if whole else [], history.newest()
        zone = history.zone()
    now = max([now or 0.0, *(advisory.changed for advisory in standing)])
    told = [
        (advisory, texts.text(advisory.code, advisory.values, language, now=now, zone=zone)) for advisory in standing
    ]
    if as_json:
        shown = [{**msgspec.to_builtins(advisory), "text": text._asdict()} for advisory, text in told]
        log = {"changes": [change._asdict() for change in changes]} if whole else {}
        print_json({"now": now, "advisories": shown, **log})
        return OK
    out = console()
    for change in changes:
        out.print(f"{_clock(change.time, zone)} {texts.said(change, language)}", markup=False)
    if whole:
        return OK
    if not told:
        nothing = {"en": "nothing stands", "ko": "유효한 알림이 없습니다"}[language]
        out.print(f"{_clock(now, zone)} {nothing}" if now else nothing, markup=False)
    for advisory, text in sorted(told, key=lambda each: (each[0].priority, each[0].raised)):
        _show(out, advisory, text, language, zone)
    return OK


def _show(
    out: "Console", advisory: "Advisory", text: tuple[str, ...], language: Literal["en", "ko"], zone: tzinfo
) -> None:  # fmt: skip
    """Print an advisory: its state above, its text below."""
    from twin.monitor import texts

    state = texts.word("states", advisory.state, language)
    out.print(f"{advisory.id} · {state} · {_clock(advisory.raised, zone)}", style="bold", markup=False)
    for line in text:
        out.print(f"    {line}", markup=False)


def _clock(time: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(time, zone).isoformat(sep=" ", timespec="seconds")
