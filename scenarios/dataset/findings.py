"""What checks of a data set find: where, what and what to do, many of a kind told once."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

State = Literal["passed", "failed", "not tried", "too few to tell"]

EXAMPLES = 3
"""Runs that are named of a kind of finding; the others are counted."""


class Finding(NamedTuple):
    """Something that is wrong."""

    where: str
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.todo}"


class Outcome(NamedTuple):
    """How a check ended, in a sentence, and what it found."""

    check: str
    state: State
    said: str
    findings: tuple[Finding, ...] = ()
    numbers: dict[str, float] | None = None


class Findings:
    """Findings of one check, gathered over all runs in bounded memory: of each kind the first few, and how many."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], tuple[list[str], int]] = {}

    def add(self, where: str, what: str, todo: str) -> None:
        """Take note of a finding."""
        examples, count = self._kinds.get((what, todo), ([], 0))
        if len(examples) < EXAMPLES:
            examples.append(where)
        self._kinds[what, todo] = (examples, count + 1)

    def rows(self, wrong: np.ndarray, numbers: np.ndarray, what: str, todo: str) -> None:
        """Take note of runs that are wrong somewhere.

        Parameters
        ----------
        wrong : numpy.ndarray
            bool, shape (runs, rows).
        numbers : numpy.ndarray
            Of the runs in the data set, shape (runs,).
        """
        for run in np.flatnonzero(wrong.any(axis=1)):
            self.add(f"run {numbers[run]}, row {int(wrong[run].argmax())}", what, todo)

    def told(self) -> tuple[Finding, ...]:
        """Return all kinds, in the order in which they were met."""
        found = []
        for (what, todo), (examples, count) in self._kinds.items():
            more = f" and {count - len(examples)} more" if count > len(examples) else ""
            found.append(Finding("; ".join(examples) + more, what, todo))
        return tuple(found)

    def outcome(self, check: str, said: str) -> Outcome:
        """Return how the check ended."""
        found = self.told()
        return Outcome(check, "failed" if found else "passed", said, found)


def several(count: int, what: str) -> str:
    """Return a count with its noun."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def listed(names: Sequence[object], most: int = 5) -> str:
    """Return some of many names, and how many others there are."""
    said = ", ".join(str(name) for name in names[:most])
    return said + (f" and {len(names) - most} more" if len(names) > most else "")
