"""Journals whose source clock runs through hours, and recorders that archive them."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import msgspec

from tests.journals import T0, draft, everything, hello, opened
from twin.journal import Draft, Entry, Reader
from twin.keep.keeper import Keeper
from twin.keep.manifest import FOLDER, Manifest
from twin.keep.reading import Archive
from twin.keep.room import Limits
from twin.live import snapshots
from twin.protocol import Hello, batch, decode_from_gateway, rows

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE

LONG = 1e9
"""Time to keep archives that is longer than the tests' year lies back [s]."""

Row = tuple[int, int, float | None, int]
Key = tuple[str, str, str]
"""Gateway, tag, unit."""
Reading = tuple[int, float, int, int]
"""Source time, value, quality, when it arrived."""


def at(clock: int, made: Draft) -> Draft:
    """Return a draft of another time."""
    return made._replace(received=clock, clock=clock)


def tick(clock: int) -> Draft:
    """Return a tick at a source time."""
    return at(clock, draft("tick", "", 0, msgspec.msgpack.encode({"alive": ["gw1"]}), run=0))


def sent(clock: int, seq: int, readings: list[Row], gateway: str = "gw1") -> Draft:
    """Return a batch that arrives at a source time."""
    return at(clock, draft("data", gateway, seq, batch(seq, readings)))


def minute(clock: int, seq: int, readings: int = 6) -> list[Draft]:
    """Return a tick and a batch, some of whose readings are of the minute before."""
    found: list[Row] = [(i % 2, clock - i * SECOND, 0.1 * i + seq, 0) for i in range(readings)]
    return [tick(clock), sent(clock, seq, found)]


def lived(folder: Path, minutes: int = 190, *, begin: int = T0, readings: int = 6) -> None:
    """Make a journal of some hours; the last one isn't over."""
    with opened(folder) as journal:
        drafts = [draft for n in range(minutes) for draft in minute(begin + n * MINUTE, n + 1, readings)]
        journal.append([at(begin, hello()), *drafts])


def more(folder: Path, *drafts: Draft) -> None:
    """Append to a journal."""
    with opened(folder) as journal:
        journal.append(drafts)


ABOUT = {"plant": "a plant"}
"""What the archives of these tests say of where they came from: others would be other bytes."""


def recorder(folder: Path, *, keep: float = LONG, most: int | None = None) -> "Recording":
    """Return a recorder; what it says is in `said`."""
    return Recording(folder, Limits(keep, most))


class Recording(Keeper):
    """A recorder that remembers what it said, and is closed like a file."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.said: list[str] = []
        super().__init__(folder, ABOUT, limits, halt=Event(), log=self.said.append)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def archived(folder: Path, *, keep: float = LONG, most: int | None = None) -> Manifest:
    """Return the manifest once a recorder has looked once."""
    with recorder(folder, keep=keep, most=most) as keeper:
        keeper.cycle()
        return keeper.manifest


def mark(folder: Path, *entries: int) -> None:
    """Leave snapshots of a twin that has got as far as these entries."""
    with Reader.open(folder) as reader:
        for entry in entries:
            snapshots.save(folder, entry, snapshots.Snapshot(reader.chain(entry), b"state"))


def names(folder: Path) -> list[str]:
    """Return the files of the archive folder, but for lock and manifest."""
    found = sorted(path.name for path in (folder / FOLDER).iterdir())
    return [name for name in found if name not in ("manifest.json", "recorder.lock")]


def of_entries(entries: list[Entry]) -> dict[Key, list[Reading]]:
    """Return the readings of entries, in their order."""
    tags: dict[tuple[str, int], list[tuple[str, str]]] = {}
    found: dict[Key, list[Reading]] = defaultdict(list)
    for entry in entries:
        if entry.kind == "hello":
            said = decode_from_gateway(entry.body)
            assert isinstance(said, Hello)
            tags[entry.gateway, entry.run] = [(tag.n, tag.u) for tag in said.tags]
        elif entry.kind == "data":
            for number, time, value, quality in rows(entry.body)[1]:
                found[entry.gateway, *tags[entry.gateway, entry.run][number]].append(
                    (time, value, quality, entry.received)
                )
    return dict(found)


def of_archives(folder: Path, manifest: Manifest) -> dict[Key, list[Reading]]:
    """Return the readings of archives, one after the other."""
    found: dict[Key, list[Reading]] = defaultdict(list)
    for record in manifest.archives:
        with Archive(folder / FOLDER / record.name) as archive:
            for name in archive.tags():
                for trace in archive[name]:
                    numbers = (trace.time, trace.value, trace.quality, trace.received)
                    found[trace.gateway, name, trace.unit] += zip(*(n.tolist() for n in numbers), strict=True)
    return dict(found)


def same(found: dict[Key, list[Reading]], expected: dict[Key, list[Reading]]) -> bool:
    """Return whether the readings are the same, bit by bit, whatever archives they are in."""

    def plain(readings: dict[Key, list[Reading]]) -> dict[Key, list[str]]:
        return {key: sorted(map(repr, several)) for key, several in readings.items()}

    return plain(found) == plain(expected)


def before(readings: dict[Key, list[Reading]], time: int) -> dict[Key, list[Reading]]:
    """Return the readings of source times before one."""
    found = {key: [r for r in several if r[0] < time] for key, several in readings.items()}
    return {key: several for key, several in found.items() if several}


def whole(folder: Path) -> Iterator[str]:
    """Yield the names of files that look like archives, after checking that each is one."""
    for path in sorted((folder / FOLDER).glob("*.h5")):
        with Archive(path) as archive:
            assert archive.record().name == path.name
        yield path.name


__all__ = ["T0", "everything", "hello"]
