"""`twin journal`: what the journal of a data folder holds, and whether it is what was written."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli import OK
from twin.cli.arguments import console, json_option, print_json, table
from twin.cli.exports import choosing, exported, folder_argument, progress_of

if TYPE_CHECKING:
    from twin.journal.check import Damage, Verdict
    from twin.journal.stats import Stats

DAMAGED = 5


@click.group("journal")
def command() -> None:
    """Check, count and export what a twin has received."""


@command.command("verify")
@folder_argument
@json_option
def verify(folder: Path, as_json: bool) -> int:
    """Check that the journal in DIR holds what was written: every byte of it, in order, nothing missing.

    It may be in use. Exit code 5 if it is damaged; what is damaged first is named.
    """
    from twin.journal.check import verify as check

    with progress_of("checking") as progress:
        verdict = check(folder, progress)
    if as_json:
        print_json(_as_dict(verdict))
    else:
        for line in _told(verdict):
            click.echo(line)
    return OK if verdict.ok else DAMAGED


@command.command("stats")
@folder_argument
@json_option
def stats(folder: Path, as_json: bool) -> None:
    """Show what the journal in DIR holds: entries, gateways, rates, and for how long there is room."""
    from twin.journal.stats import stats as count

    found = count(folder)
    if as_json:
        gateways = {name: source._asdict() for name, source in found.gateways.items()}
        kinds = {kind: amount._asdict() for kind, amount in found.kinds.items()}
        print_json(
            {**found._asdict(), "path": str(found.path), "kinds": kinds, "gateways": gateways,
             "rate": found.rate._asdict()}
        )  # fmt: skip
    else:
        _show(found)


@command.command("export")
@choosing
@click.option("--skip-damaged", is_flag=True, help="Go on behind entries that are damaged.")
def export(folder: Path, **asked: Any) -> None:
    """Write the readings of the journal in DIR as text, in the order in which they came.

    Times are UTC. What can't be written as a number is nan or inf in CSV, and null in JSON lines.
    """
    from twin.journal.export import export as write

    done = exported(write, folder, **asked)
    said = f"{done.readings} readings"
    said += f"; {done.lost} batches were declared lost by their gateways" if done.lost else ""
    said += f"; {done.damaged} entries are damaged and left out" if done.damaged else ""
    click.echo(said, err=True)


def _told(verdict: "Verdict") -> Iterator[str]:
    """Yield what is to be said of a verdict, the outcome first."""
    from twin.journal.store import moment

    total = verdict.whole + verdict.damaged
    if verdict.ok:
        yield f"{verdict.path}: whole: {total} entries, {verdict.bytes / 1e6:.1f} MB"
    elif verdict.damaged:
        yield (
            f"{verdict.path}: damaged: {verdict.damaged} of {total} entries; "
            f"behind the first of them {verdict.later} are readable"
        )
    else:
        yield f"{verdict.path}: damaged, though all {total} entries are readable"
    for damage in verdict.named:
        yield f"  {_of(damage)} {damage.wrong}; received {_between(damage, moment)}"
    if verdict.damaged > len(verdict.named):
        yield f"  and {verdict.damaged - len(verdict.named)} more"
    for fault in verdict.faults:
        yield f"  {fault}"
    for note in verdict.notes:
        yield f"note: {note}"
    if not verdict.ok:
        yield f"`twin journal export {verdict.path.parent} --skip-damaged` saves the readings that are left"


def _of(damage: "Damage") -> str:
    if damage.gateway == "?":
        return f"entry {damage.id} (of which nothing can be told)"
    return f"entry {damage.id} ({damage.gateway or 'the twin'!s}, run {damage.run}, seq {damage.seq})"


def _between(damage: "Damage", moment: Callable[[int], str]) -> str:
    if damage.since is not None and damage.until is not None:
        return f"between {moment(damage.since)} and {moment(damage.until)}"
    if damage.since is not None:
        return f"after {moment(damage.since)}"
    return f"before {moment(damage.until)}" if damage.until is not None else "at a time that can't be told"


def _as_dict(verdict: "Verdict") -> dict[str, Any]:
    named = [damage._asdict() for damage in verdict.named]
    return {"ok": verdict.ok, **verdict._asdict(), "path": str(verdict.path), "named": named}


def _show(found: "Stats") -> None:
    from rich.markup import escape

    from twin.journal.store import moment

    screen = console()
    span = f"{moment(found.since)} to {moment(found.until)}" if found.since and found.until else "nothing yet"
    screen.print(f"{found.path}: {found.bytes / 1e6:.1f} MB, entries {found.first} to {found.last}", markup=False)
    screen.print(f"received {span}", markup=False)
    kinds = ", ".join(f"{amount.entries} {kind}" for kind, amount in found.kinds.items() if amount.entries)
    screen.print(kinds or "no entries")
    if found.gateways:
        numbers = ("runs", "seq", "frames", "readings", "gaps", "lost", "rejects")
        rows = table("gateway", *numbers, "last received", right=numbers)
        for name, source in found.gateways.items():
            when = moment(source.received) if source.received is not None else ""
            rows.add_row(escape(name), *(str(getattr(source, n)) for n in numbers), when)
        screen.print(rows)
    if found.dropped:
        screen.print(f"{found.dropped} refused frames had to make room for later ones")
    rate, days = found.rate, found.days_left
    screen.print(f"{rate.readings:.1f} readings/s, {rate.entries:.1f} entries/s, {rate.bytes / 1e3:.1f} kB/s")
    screen.print("room for ever" if math.isinf(days) else f"room for {days:.1f} days at this rate")
