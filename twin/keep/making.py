"""A span of the journal becomes archives: written, synced, read back and compared with the journal, value by value."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from twin.errors import DataError, TwinError
from twin.journal.reader import Reader
from twin.keep import hours
from twin.keep.manifest import Record, sha256_of
from twin.keep.reading import Archive, attributes
from twin.keep.sorter import Sorter
from twin.keep.span import Span
from twin.keep.tables import Store
from twin.keep.writing import Written

_AT_ONCE = 1000


class Made(NamedTuple):
    """An archive that is whole and on disk, under a temporary name."""

    path: Path
    record: Record


class _Compared:
    """Compares rows with those that were written."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self._at = dict.fromkeys(archive.rows, 0)

    def put(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        """Compare the next rows of a table."""
        begin = self._at[table]
        end = self._at[table] = begin + next(iter(columns.values())).size
        for name, found in self.archive.read(table, begin, end).items():
            if found.tobytes() != columns[name].tobytes():
                raise different(self.archive.path, f"{table}/{name} in rows {begin} to {end}")

    def end(self) -> None:
        """Refuse rows that are there and were never put."""
        for table, rows in self.archive.rows.items():
            if rows != self._at[table]:
                raise different(self.archive.path, f"{table} has {rows} rows, not {self._at[table]}")


def different(path: Path, what: str) -> DataError:
    """Return the error for a file that isn't what was written."""
    return DataError(f"{path.parent}: an archive reads back differently: {what}; check disk and memory")


def made(
    stack: ExitStack,
    folder: Path,
    reader: Reader,
    span: Span,
    number: Callable[[str], int],
    about: Mapping[str, Any],
    pause: Callable[[], None],
) -> list[Made]:
    """Return the archives of a span, the main one last; what hasn't got its name when `stack` ends is deleted.

    Parameters
    ----------
    stack : contextlib.ExitStack
        Takes care of the files.
    folder : pathlib.Path
        Where they are written.
    reader : Reader
        Of the journal.
    span : Span
        What is taken.
    number : callable
        Returns the number of the next archive of an hour.
    about : mapping
        Attributes beside those that say what was taken.
    pause : callable
        Called every now and then; it may raise to stop.

    Raises
    ------
    DataError
        If they can't be written, read back differently, or the journal can't be read.
    """
    files: dict[int, Written] = {}

    def written(hour: int) -> Store:
        files[hour] = stack.enter_context(Written(folder))
        return files[hour]

    sorter = sorted_by_hour(reader, span, written, pause)
    chain = reader.chain(sorter.span.through).hex()
    received = _received(reader, sorter.span)
    found = []
    for hour in sorted(files, key=lambda h: (h == span.hour, h)):
        record = _record(sorter, hour, number(hours.text(hour)), reader.identity.hex(), chain, received)
        record = replace(record, content=files[hour].content())
        path = files[hour].finish(attributes(record, about))
        found.append(Made(path, record))
    _compare(reader, sorter.span, {h: files[h].path for h in files}, pause)
    return [Made(path, replace(record, bytes=path.stat().st_size, sha256=sha256_of(path))) for path, record in found]


def sorted_by_hour(
    reader: Reader, span: Span, store: Callable[[int], Store], pause: Callable[[], None] = lambda: None
) -> Sorter:
    """Return the sorter that has taken a span; its own says where it really ended."""
    sorter = Sorter(span, reader.hellos(span.start), store)
    after = span.start - 1
    while after < sorter.span.through:
        pause()
        entries = reader.entries(after, min(_AT_ONCE, sorter.span.through - after))
        if not entries:
            raise TwinError(f"journal: it ended before entry {span.through}; this is a defect of twin, report it")
        for entry in entries:
            sorter.take(entry)
            after = entry.id
            if sorter.full and after > span.after:
                sorter.span = sorter.span._replace(through=after)
                break
    sorter.end(sorter.span.through)
    return sorter


def _compare(reader: Reader, span: Span, paths: Mapping[int, Path | None], pause: Callable[[], None]) -> None:
    """Go through the journal once more, and compare what is on disk with it."""
    with ExitStack() as stack:
        stores = {h: _Compared(stack.enter_context(Archive(p))) for h, p in paths.items() if p is not None}
        sorter = sorted_by_hour(reader, span, stores.__getitem__, pause)
        if sorter.parts.keys() != stores.keys():
            raise DataError("journal: it reads differently the second time; check disk and memory")
        for store in stores.values():
            store.end()


def _record(sorter: Sorter, hour: int, number: int, journal: str, chain: str, received: tuple[int, int]) -> Record:
    span, part = sorter.span, sorter.parts[hour]
    main, text = hour == span.hour, hours.text(hour)
    return Record(
        name=hours.file_name(text, number),
        hour=text,
        number=number,
        main=main,
        others=len(sorter.parts) - 1,
        journal=journal,
        chain=chain,
        after=span.after,
        through=span.through,
        start=span.start,
        held=None if span.held is None else hours.text(span.held),
        hold=None if span.hold is None else hours.text(span.hold),
        resume=sorter.resume,
        received=received,
        since=part.since,
        until=part.until,
        readings=part.readings,
        tags=part.tags,
        frames=part.frames,
        entries=part.entries,
        gaps=part.gaps,
        strays=sorter.strays if main else 0,
        unreadable=sorter.unreadable if main else 0,
        content="",
        bytes=0,
        sha256="",
    )


def _received(reader: Reader, span: Span) -> tuple[int, int]:
    rows = reader.query("SELECT received FROM entries WHERE id IN (?, ?) ORDER BY id", span.after + 1, span.through)
    return int(rows[0][0]), int(rows[-1][0])
