"""What a sender needs around it: a socket that performs its actions, and a buffer on disk."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from twin.errors import DataError
from twin.protocol import Tag

Reading = tuple[int, int, float | None, int]
"""Tag index (`Sender.index`), source time [us UTC], value, quality."""


class Connect(NamedTuple):
    """Open a new socket and connect it."""


class Close(NamedTuple):
    """Close the socket where one is open, and drop what it hasn't sent."""


class Send(NamedTuple):
    """Send one frame as soon as the socket takes it."""

    frame: bytes


Action = Connect | Close | Send


class Store(Protocol):
    """The gateway's buffer; every change is on disk when the call returns, `delete_to` may take its time."""

    @property
    def run(self) -> int:
        """Random number of 63 bits, made once when the buffer is created."""
        ...

    def tags(self) -> list[Tag]:
        """Return the tags that the batches' indexes refer to; none in a new buffer."""
        ...

    def declare(self, tags: list[Tag]) -> None:
        """Keep the list of tags."""
        ...

    def first(self) -> int:
        """Return the oldest seq held, or `next` where none is."""
        ...

    def next(self) -> int:
        """Return the seq of the next batch: 1 in a new buffer, never going back within a run."""
        ...

    def body(self, seq: int) -> bytes:
        """Return the frame of a batch that is held."""
        ...

    def store(self, seq: int, frame: bytes) -> None:
        """Keep a batch, whose `seq` is `next`; where there is no room drop the oldest: `first` tells."""
        ...

    def delete_to(self, seq: int) -> None:
        """Delete every batch up to `seq`, this one too."""
        ...

    def set_aside(self, seq: int, frame: bytes) -> None:
        """Put `frame` in the place of a refused batch, which is kept apart; of one seq only the first is."""
        ...

    def new_run(self, run: int) -> None:
        """Keep `run`, and number what is held 1, 2, ... by `twin.protocol.renumber`, all or nothing."""
        ...


def joined(held: Sequence[Tag], tags: Sequence[Tag]) -> list[Tag]:
    """Return the tags of batches that are still held, whose indexes must keep their meaning, and then the new ones.

    Raises
    ------
    DataError
        If a tag is named twice, or has another unit than in the batches.
    """
    if len({tag.n for tag in tags}) != len(tags):
        raise DataError("gateway: a tag is named twice; name each once")
    units = {tag.n: tag.u for tag in held}
    for tag in tags:
        was = units.setdefault(tag.n, tag.u)
        if was != tag.u:
            raise DataError(f"gateway: {tag.n!r} is in {was!r} in batches still held, not {tag.u!r}; send them first")
    return [Tag(name, unit) for name, unit in units.items()]
