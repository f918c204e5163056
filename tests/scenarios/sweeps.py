"""Sweeps for the tests of how they are executed."""

import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scenarios.execution import Outcome, execute
from tests.scenarios.branch_work import Common, Doing, alive, told, work

__all__ = ["PATIENCE", "Doing", "among", "content", "nobody_is_left", "plain", "pressing", "run"]

PATIENCE = 120.0
"""Longer than anything here takes [s], where nothing hangs."""


def plain(count: int = 20) -> list[Doing]:
    return [Doing(f"branch {i}", float(i)) for i in range(count)]


def among(*others: Doing) -> list[Doing]:
    """Return branches among which some do other things."""
    return [*plain(5), *others, *(Doing(f"later {i}", float(i)) for i in range(6))]


def run(folder: Path, branches: Sequence[Doing], **options: Any) -> Outcome:
    marks = folder.with_name("marks")
    marks.mkdir(exist_ok=True)
    options = {"identity": "question", "batch": 4, "workers": 2, "patience": PATIENCE} | options
    return execute(work, Common(marks, 2.0), branches, folder=folder, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def nobody_is_left(folder: Path) -> bool:
    return not any(alive(process) for process in told(folder.with_name("marks")))


def pressing(*after: int, number: int = signal.SIGINT) -> Callable[..., None]:
    """Return progress at whose calls of these numbers a key is pressed."""
    calls = iter(range(1000))

    def press(*_: object) -> None:
        if next(calls) in after:
            signal.raise_signal(number)

    return press
