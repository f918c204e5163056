"""A process of its own in which data sets of unknown origin are read, with little memory and no right to write.

Run as ``python -m viz.data_set_child``: a line of JSON asks, a line of JSON answers. What takes too long ends it, and
so does having nothing to do.
"""

import resource
import signal
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from twin.errors import TwinError
from viz.data_set_reader import Chosen, Reader
from viz.data_set_trend import MOST_POINTS, trend

MEMORY = 3 << 30
"""What it may use [bytes]."""
PATIENCE = 20
"""How long an answer may take [s]."""
IDLE = 600
"""How long it waits for a question [s]."""
OPEN = 3
"""Data sets that are remembered."""


class Question(Struct, frozen=True):
    """What is asked of the data set in a folder; what isn't needed is left out."""

    what: str
    place: str
    split: str = ""
    kind: str = ""
    machine: int | None = None
    run: int = 0
    first: int = 0
    count: int = 50
    channels: tuple[int, ...] = ()
    begin: float = 0.0
    end: float = 1e12
    points: int = 800


class Readers:
    """The data sets that were asked about last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[object, Reader]] = OrderedDict()

    def answer(self, asked: Question) -> Any:
        """Return what is asked for.

        Raises
        ------
        DataError
            If there is no such thing, or it can't be read.
        """
        reader, chosen = self._reader(asked.place), Chosen(asked.split, asked.kind, asked.machine)
        if asked.what == "splits":
            return reader.splits()
        if asked.what == "runs":
            return reader.runs(chosen, asked.first, asked.count)
        if asked.what == "run":
            return reader.run(asked.run, chosen)
        points = min(max(asked.points, 2), MOST_POINTS)
        channels = [c for c in asked.channels if 0 <= c < len(reader.manifest.channels)]
        return trend(reader.series(asked.run), channels, asked.begin, asked.end, points)

    def _reader(self, place: str) -> Reader:
        """Return what reads a data set; a new one where it was made anew."""
        fresh = Reader(Path(place))
        mark, reader = self._known.pop(place, (None, fresh))
        if mark != fresh.manifest:
            reader = fresh
        self._known[place] = fresh.manifest, reader
        if len(self._known) > OPEN:
            self._known.popitem(last=False)
        return reader


def main() -> None:
    """Answer what is asked until there is nothing more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal it is for the view, which then lets go of this
    readers, decode = Readers(), msgspec.json.Decoder(Question).decode
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, in HDF5's own loops too
    signal.alarm(IDLE)
    for line in sys.stdin.buffer:
        signal.alarm(PATIENCE)
        try:
            said: Any = {"answer": readers.answer(decode(line))}
        except (TwinError, OSError, ValueError, MemoryError) as err:
            said = {"error": str(err)[:1000] or type(err).__name__}
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()
        signal.alarm(IDLE)


if __name__ == "__main__":
    main()
