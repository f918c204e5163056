"""Every exception raised on purpose, with its exit code, and the words for an unknown name.

TwinError
├── DeclarationError    an asset file is wrong             exit 3, raised while it is imported
├── PlantError          a plant file is wrong              exit 3, raised while it is loaded
├── SimulationError     the numbers went wrong             exit 1, raised while it runs
├── KernelError         the compiled kernel can't be had   exit 1, raised while it is built
├── DataError           a file can't be read or written    exit 4
└── SnapshotError       a snapshot is not this plant's     exit 3

Each takes one message string: SimPy rebuilds a failed process's exception from ``exc.args``, so a
keyword-only constructor would be replaced by a TypeError.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class TwinError(Exception):
    """Base of every error raised on purpose; the message reads *where: what; what to do*."""

    exit_code: ClassVar[int] = 1


class DeclarationError(TwinError):
    """An asset declares something that cannot be simulated."""

    exit_code = 3


class PlantError(TwinError):
    """A plant or scenario file names or joins things that do not fit."""

    exit_code = 3


class SimulationError(TwinError):
    """A run left the domain in which its numbers mean anything."""


class KernelError(TwinError):
    """The compiled kernel could not be written, compiled or loaded."""


class DataError(TwinError):
    """A file of data could not be read or written."""

    exit_code = 4


class SnapshotError(TwinError):
    """A snapshot was taken from another plant, kernel or format."""

    exit_code = 3


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return ``no <kind> 'name'`` followed by the nearest known names.

    Parameters
    ----------
    kind : str
        What the name should have been, e.g. ``"quantity"``.
    name : str
        The name that was written.
    known : iterable of str
        Every name that would have been right.
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"no {kind} {name!r}; did you mean {' or '.join(map(repr, close))}?"
    return f"no {kind} {name!r}; there {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}"
