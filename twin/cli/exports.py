"""What every export of readings as text asks for and says: which readings, in which form, to where."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from twin.cli.arguments import console

if TYPE_CHECKING:
    from twin.journal.export import Exported


class Moment(click.ParamType[int]):
    """A time such as ``2026-03-01`` or ``2026-03-01T12:30:00+01:00``; without an offset it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return microseconds UTC."""
        if isinstance(value, int):
            return value
        try:
            when = datetime.fromisoformat(str(value))
            when = when.replace(tzinfo=UTC) if when.tzinfo is None else when
            since = when - datetime(1970, 1, 1, tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write it like 2026-03-01T12:30:00, in UTC", param, ctx)
        return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


folder_argument = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
_OPTIONS = (
    folder_argument,
    click.option(
        "--out", type=click.Path(path_type=Path), metavar="FILE", help="Instead of stdout; whole or not at all."
    ),
    click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True),
    click.option("--from", "since", type=Moment(), help="First source time, e.g. 2026-03-01T12:30:00, in UTC."),
    click.option("--to", "until", type=Moment(), help="Source time to stop before."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only this tag; may be given again."),
)


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command its folder and the options that `exported` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Export(Protocol):
    """`twin.journal.export.export`, or one like it."""

    def __call__(self, folder: Path, write: Callable[[str], object], /, *more: Any, **options: Any) -> "Exported":
        """Write the readings of a folder, and return how many."""


def exported(
    write: Export,
    folder: Path,
    out: Path | None,
    since: int | None,
    until: int | None,
    tags: tuple[str, ...],
    **options: Any,
) -> "Exported":
    """Write readings to a file, whole or not at all, or to stdout, with a bar on a terminal."""
    from twin.journal.export import Choice, written

    choice = Choice(since, until, frozenset(tags) or None)
    with progress_of("exporting") as progress:
        if out is None:
            return write(folder, sys.stdout.write, choice, progress=progress, **options)
        with written(out) as file:
            return write(folder, file.write, choice, progress=progress, **options)


@contextmanager
def progress_of(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left, on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console(error=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
