"""Journals whose source clock runs through hours, for the recorder to archive."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.journals import RUN, T0, draft, everything, hello, opened
from twin.journal import Draft, Entry
from twin.protocol import Hello, batch, decode_from_gateway, rows

SECOND = 1_000_000
HOUR = 3600 * SECOND
STEP = 60 * SECOND
"""Between two ticks of `hours`."""

Reading = tuple[int, float, int, int, int]
"""Source time, value, quality, when it arrived, entry."""


def at(clock: int, made: Draft) -> Draft:
    """Return a draft of another time."""
    return made._replace(received=clock, clock=clock)


def tick(clock: int) -> Draft:
    """Return a tick at a source time."""
    return at(clock, draft("tick", "", 0, msgspec.msgpack.encode({"alive": ["gw1"]}), run=0))


def sent(clock: int, seq: int, readings: list[tuple[int, int, float | None, int]], gateway: str = "gw1") -> Draft:
    """Return a batch that arrives at a source time."""
    return at(clock, draft("data", gateway, seq, batch(seq, readings)))


def steps(begin: int, minutes: int, seq: int = 1, readings: int = 6) -> Iterator[list[Draft]]:
    """Yield a tick and a batch for every minute."""
    for n in range(minutes):
        clock = begin + n * STEP
        found: list[tuple[int, int, float | None, int]] = [
            (i % 2, clock - i * SECOND, 0.1 * i + n, 0) for i in range(readings)
        ]
        yield [tick(clock), sent(clock, seq + n, found)]


def lived(folder: Path, minutes: int = 190, *, begin: int = T0, readings: int = 6) -> None:
    """Make a journal of some hours; the last one isn't over."""
    with opened(folder) as journal:
        journal.append([at(begin, hello())])
        for drafts in steps(begin, minutes, readings=readings):
            journal.append(drafts)


def more(folder: Path, drafts: list[Draft]) -> None:
    """Append to a journal."""
    with opened(folder) as journal:
        journal.append(drafts)


def readings_of(entries: list[Entry]) -> dict[tuple[str, str, str], list[Reading]]:
    """Return what entries hold, by gateway, tag and unit, in their order."""
    tags: dict[tuple[str, int], list[tuple[str, str]]] = {}
    found: dict[tuple[str, str, str], list[Reading]] = defaultdict(list)
    for entry in entries:
        if entry.kind == "hello":
            said = decode_from_gateway(entry.body)
            assert isinstance(said, Hello)
            tags[entry.gateway, entry.run] = [(tag.n, tag.u) for tag in said.tags]
        elif entry.kind == "data":
            for number, time, value, quality in rows(entry.body)[1]:
                name, unit = tags[entry.gateway, entry.run][number]
                found[entry.gateway, name, unit].append((time, value, quality, entry.received, entry.id))
    return dict(found)
