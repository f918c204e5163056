"""`twin archive`: what the recorder has filed, hour by hour, and whether it is what was written."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli import OK
from twin.cli.arguments import console, json_option, print_json, table
from twin.cli.exports import choosing, exported, folder_argument, progress_of
from twin.cli.journal import DAMAGED

if TYPE_CHECKING:
    from twin.keep.checking import Verdict


@click.group("archive")
def command() -> None:
    """List, check and export what a twin has archived."""


@command.command("list")
@folder_argument
@json_option
def listed(folder: Path, as_json: bool) -> None:
    """Show the archives of DIR, and which were deleted."""
    import msgspec

    from twin.keep.checking import opened

    manifest = opened(folder)
    if as_json:
        print_json(msgspec.to_builtins(manifest))
        return
    from twin.journal.store import moment
    from twin.keep.room import ordered

    screen = console()
    rows = table("archive", "readings", "tags", "entries", "received", "MB", right=("readings", "tags", "MB"))
    for record in ordered(manifest):
        first, last = (moment(when)[:19] for when in record.received)
        entries = f"{record.after + 1}-{record.through}"
        numbers = str(record.readings), str(record.tags), entries
        rows.add_row(record.name, *numbers, f"{first} to {last}", f"{record.bytes / 1e6:.2f}")
    if manifest.archives:
        screen.print(rows)
    size = sum(record.bytes for record in manifest.archives)
    count = len(manifest.archives)
    screen.print(f"{count} archives, {sum(r.readings for r in manifest.archives)} readings, {size / 1e6:.1f} MB")
    for gone in manifest.deleted[-20:]:
        screen.print(f"deleted {moment(gone.when)[:19]} {gone.name}: {gone.reason}", markup=False)
    if earlier := manifest.forgotten + len(manifest.deleted[:-20]):
        screen.print(f"{earlier} more were deleted before")


@command.command("verify")
@folder_argument
@json_option
def verify(folder: Path, as_json: bool) -> int:
    """Check that the archives of DIR hold what was written: every number, and how they follow on each other.

    Each is compared with its SHA-256, read with all its checksums, and its end compared with the journal's hash
    chain, where the journal still has it. Exit code 5 if one is damaged.
    """
    from twin.keep.checking import verify as check

    with progress_of("checking") as progress:
        verdict = check(folder, progress)
    if as_json:
        wrong = [one._asdict() for one in verdict.wrong]
        print_json({"ok": verdict.ok, **verdict._asdict(), "path": str(verdict.path), "wrong": wrong})
    else:
        for line in _told(verdict):
            click.echo(line)
    return OK if verdict.ok else DAMAGED


@command.command("export")
@choosing
@click.option("--skip-damaged", is_flag=True, help="Go on behind archives that are damaged.")
def export(folder: Path, **asked: Any) -> None:
    """Write the readings of the archives of DIR as text, in the order in which they came.

    What isn't archived yet is in the journal: `twin journal export` writes that.
    """
    from twin.keep.export import export as write

    done = exported(write, folder, **asked)
    said = f"{done.readings} readings"
    said += f"; gateways declared {done.lost} gaps" if done.lost else ""
    said += f"; {done.damaged} archives are damaged and left out" if done.damaged else ""
    click.echo(said, err=True)


def _told(verdict: "Verdict") -> Iterator[str]:
    """Yield what is to be said of a verdict, the outcome first."""
    if verdict.ok:
        yield (
            f"{verdict.path}: whole: {verdict.archives} archives, {verdict.readings} readings, "
            f"{verdict.bytes / 1e6:.1f} MB; the journal confirms {verdict.chained}"
        )
    else:
        names = {one.name for one in verdict.wrong}
        yield f"{verdict.path}: damaged: {len(names)} of {verdict.archives} archives"
    for one in verdict.wrong:
        yield f"  {one.name} {one.why}"
    for note in verdict.notes:
        yield f"note: {note}"
