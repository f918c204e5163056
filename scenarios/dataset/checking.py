"""The check of a data set: every shard is read once, and each check takes what it needs of it."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from scenarios.dataset.findings import Outcome
from scenarios.dataset.labelling import Labelling
from scenarios.dataset.leakage import Leakage
from scenarios.dataset.manifest import load
from scenarios.dataset.pieces import Files, Piece, known_spec
from scenarios.dataset.separation import Copies, Separation
from scenarios.dataset.values import Agreement, Normalisation, Ranges
from scenarios.writing import whole_file
from twin.cli.arguments import console, print_json
from twin.errors import DataError

FAILED = 5
"""Exit code of a check that fails."""
KEPT = "check.json"
"""Where the result stays beside the runs."""

Progress = Callable[[int, int], None]


class Check(Protocol):
    """Something that is checked: takes the runs of one shard after the other, then says how it ended."""

    name: str

    def take(self, piece: Piece) -> None:
        """Check the runs of a shard, or take note of them."""
        ...

    def outcome(self) -> Outcome:
        """Return how it ended."""
        ...


def check(folder: Path, progress: Progress = lambda done, of: None) -> list[Outcome]:
    """Return what every check found; a shard that is damaged is told, and left out of the others.

    Raises
    ------
    DataError
        If there is no finished data set, or its codec isn't installed.
    SnapshotError
        If it is of another version.
    """
    manifest = load(folder)
    files = Files(folder, manifest)
    known = known_spec(folder, manifest)
    normalisation, leakage = Normalisation(manifest), Leakage(manifest, files.index)
    checks: list[Check] = [
        Labelling(manifest, known), Ranges(manifest, known), Agreement(manifest, known), Separation(manifest, known),
        Copies(manifest, known), normalisation, leakage,
    ]  # fmt: skip
    for k, (_, piece) in enumerate(files.pieces()):
        if piece is not None:
            for each in checks:
                each.take(piece)
        progress(k + 1, len(manifest.shards))
    if files.left_out:
        checks.remove(normalisation)  # its sums lack runs
    found = [files.outcome(), *(each.outcome() for each in checks)]
    if files.left_out:
        found.append(Outcome(normalisation.name, "not tried", "some shards can't be believed"))
    return found


def run(folder: Path, as_json: bool) -> int:
    """Check a data set and say what was found; return the exit code."""
    with _bar(folder.name) as progress:
        found = check(folder, progress)
    for outcome in found:
        click.echo(f"{outcome.check}: {outcome.state}: {outcome.said}")
        for finding in outcome.findings:
            click.echo(f"  {finding}")
    failed = any(outcome.state == "failed" for outcome in found)
    document = _document(found, failed)
    try:
        whole_file(folder / KEPT, (json.dumps(document, allow_nan=False) + "\n").encode())
    except DataError as err:  # a medium that can't be written can be checked too
        click.echo(f"not kept: {err}", err=True)
    if as_json:
        print_json(document)
    return FAILED if failed else 0


def _document(found: Sequence[Outcome], failed: bool) -> dict[str, Any]:
    """Return what was found as plain data."""
    checks = {
        outcome.check: {
            "state": outcome.state, "said": outcome.said, "numbers": _finite(outcome.numbers or {}),
            "findings": [finding._asdict() for finding in outcome.findings],
        }
        for outcome in found
    }  # fmt: skip
    return {"passed": not failed, "checks": checks}


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}


@contextmanager
def _bar(name: str) -> Iterator[Progress]:
    """Show a bar of shards on a terminal only."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=console(error=True)) as shown:
        task = shown.add_task(f"{name}, shards", total=None)
        yield lambda done, of: shown.update(task, completed=done, total=of)
