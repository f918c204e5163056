"""`twin validate`: every recording that is there, fitted, scored and watched, into pages with plots."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from twin.cli.arguments import assets_option, console, json_option, print_json

if TYPE_CHECKING:
    from scenarios.validation.running import Outcome

OK, UNREADABLE, INTERRUPTED = 0, 4, 130


@click.command("validate")
@click.argument("recordings", nargs=-1, metavar="[RECORDING]...")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/validation"), show_default=True,
    help="Folder of the pages.",
)  # fmt: skip
@assets_option
@json_option
def command(recordings: tuple[str, ...], out: Path, folder: Path | None, as_json: bool) -> int:
    """Fit, score and watch every RECORDING whose files are there, and write what came of it as pages with plots.

    Without RECORDING all shipped ones are tried; those whose files aren't below TWIN_DATA are named and skipped. A
    recording with a section `fit` is fitted, and scored on files that it was not fitted to; where there are none, a fit
    to its first half is scored on the second. One with labels is run through the live monitor, file by file. The same
    files give the same pages. Ctrl-C ends it early; pages that are finished stay.
    """
    from scenarios.validation.running import run

    with _progress() as progress:
        outcome = run(recordings, out, folder, progress)
    for page in outcome.pages.values():
        click.echo(f"{page}")
    for name, why in outcome.skipped.items():
        click.echo(f"skipped: {name}: {why}", err=True)
    for name, error in outcome.failed.items():
        click.echo(f"failed: {name}: {error}", err=True)
    if as_json:
        print_json(_result(outcome))
    return _code(outcome)


def _result(outcome: "Outcome") -> dict[str, Any]:
    return {
        "pages": {name: str(page) for name, page in outcome.pages.items()}, "skipped": outcome.skipped,
        "failed": {name: str(error) for name, error in outcome.failed.items()}, "interrupted": outcome.interrupted,
    }  # fmt: skip


def _code(outcome: "Outcome") -> int:
    """Return the exit code: of an interruption, else of the first failure; nothing at all to validate is one, too."""
    if outcome.interrupted:
        click.echo("interrupted; pages that are finished stay", err=True)
        return INTERRUPTED
    if outcome.failed:
        return next(iter(outcome.failed.values())).exit_code
    return OK if outcome.pages else UNREADABLE


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show a bar of the present stage, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda stage, share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task("validate", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
