"""The readings of a recording as they stand in its file: in the source's units, in order of time, in blocks."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from twin.clean.block import BAD, NEVER, STATUSES, Block, joined
from twin.clean.clock import joined_cells
from twin.clean.guess import spelled
from twin.clean.notes import Notes, Trouble
from twin.clean.numbers import EMPTY, MISSING, READ, UNREADABLE, Numbers, numbers
from twin.clean.recipe_loader import status
from twin.clean.recording import Column, Recording
from twin.clean.recording_file import LongEntry
from twin.clean.table import Cells, Piece, Table, open_table
from twin.errors import DataError, TwinError
from twin.units import scale

BLOCK = 50_000
"""Readings of a block."""
HELD = 1_000_000
"""Readings that are kept back to be put in order: disorder that reaches further is refused."""
ENOUGH = 20
"""Cells from which on a column of text is told from a column of numbers with a few words in it."""


class Labels(NamedTuple):
    """What marks the rows of a recording, for scores: instants [us UTC], shape (n,), and marks by name."""

    time: np.ndarray
    marks: dict[str, np.ndarray]


def blocks(recording: Recording, notes: Notes | None = None, size: int = BLOCK) -> Iterator[Block]:
    """Yield the readings of a recording in order of time, as the file says them; tags as the recipe counts them.

    Parameters
    ----------
    notes : Notes, optional
        Takes what was found out about the file and all that was mended or left out.
    size : int
        Readings of a block at most.

    Raises
    ------
    DataError
        If the file can't be read, or a line of it is refused, by its number.
    """
    reader = _Reader(recording, notes or Notes())
    sorter = _Sorter(recording.file.name)
    for piece in reader.pieces():
        ready = sorter.put(*piece)
        yield from _cut(ready, size)
    yield from _cut(sorter.rest(), size)


def labels(recording: Recording) -> Labels:
    """Return the columns that mark anomalies, in order of time; they are for scores, the twin never sees them.

    Raises
    ------
    DataError
        As `blocks` does.
    """
    reader = _Reader(recording, Notes())
    times, marks = [], []
    for utc, piece, good in reader.timed(list(recording.labels.values())):
        times.append(utc[good])
        marks.append([reader.read(piece.cells[column], {}).value[good] for column in recording.labels.values()])
    time = np.concatenate(times) if times else np.zeros(0, np.int64)
    order = np.argsort(time, kind="stable")
    columns = [np.concatenate(column)[order] for column in zip(*marks, strict=True)]
    return Labels(time[order], dict(zip(recording.labels, columns, strict=True)))


def _cut(block: Block, size: int) -> Iterator[Block]:
    for first in range(0, block.tag.size, size):
        yield block.part(slice(first, first + size))


class _Sorter:
    """Puts readings in order of time, as far as it can hold them."""

    def __init__(self, name: str) -> None:
        self._name, self._held, self._count = name, list[Block](), 0
        self._newest = NEVER

    def put(self, block: Block, line: int) -> Block:
        """Return readings that nothing can come before any more."""
        if block.tag.size and int(block.time.min()) < self._newest:
            raise DataError(
                f"{self._name}:{line}: here or soon after, a time is older than one over {HELD} readings before; "
                "sort the file by time"
            )
        self._held.append(block)
        self._count += block.tag.size
        if self._count <= 2 * HELD:
            return Block.of([], [], [])
        whole = self.rest()
        self._held, self._count = [whole.part(slice(-HELD, None))], HELD
        ready = whole.part(slice(0, -HELD))
        self._newest = int(ready.time[-1])
        return ready

    def rest(self) -> Block:
        """Return all that is held."""
        whole = joined(self._held)
        self._held, self._count = [], 0
        in_order = whole.time.size < 2 or bool((whole.time[1:] >= whole.time[:-1]).all())
        return whole if in_order else whole.part(np.argsort(whole.time, kind="stable"))


class _Reader:
    """Reads the pieces of one file into blocks, counting what is wrong with cells and lines."""

    def __init__(self, recording: Recording, notes: Notes) -> None:
        self.recording, self.notes = recording, notes
        self.table: Table = open_table(recording.file_there(), recording.format, notes)
        self._clock = recording.clock()
        self._name = recording.file.name
        self._newest = NEVER
        self._judged = False
        self._by_name = {column.name: column for column in recording.columns}
        self._sources = {column.name: self._found(column) for column in recording.columns}
        for column in recording.columns:
            self._check_units(column)

    def _found(self, column: Column) -> tuple[str, ...]:
        """Return the columns of the file that a column is read from: its own, or those whose mean stands in for it."""
        if not column.mean or column.name in self.table.columns:
            return (column.name,)
        for name in column.mean:
            if name not in self.table.columns:
                raise DataError(
                    f"{self._name}: has neither column {column.name!r} nor {name!r}, which its mean is of; "
                    "name others under mean"
                )
        self.notes.fact(f"{column.name} is the mean of", ", ".join(column.mean))
        return column.mean

    def _check_units(self, column: Column) -> None:
        """Refuse a file that says other units than the recording."""
        steps = self.recording.recipe.tags[column.tag]
        for name in self._sources[column.name]:
            there = self.table.units.get(name, "")
            if not (spelling := spelled(there)) or steps.calibrations[0].shown:
                continue
            ours = column.unit or steps.unit or steps.shown
            try:
                same = np.allclose(scale(spelling, steps.si), scale(ours, steps.si), rtol=1e-9)
            except TwinError:
                same = False
            if not same:
                raise DataError(
                    f"{self._name}: column {name!r} is in {there!r:.40} there and in {ours!r} in the recording; "
                    f"say which: columns: {{{column.name}: {{tag: {steps.tag}, unit: {spelling}}}}}"
                )

    def pieces(self) -> Iterator[tuple[Block, int]]:
        """Yield readings in order of lines, with the first line of each piece."""
        recording = self.recording
        if recording.long:
            wanted = [c for c in (recording.long.tag, recording.long.value, recording.long.quality) if c]
        else:
            wanted = [name for column in recording.columns for name in self._sources[column.name]]
            wanted += [column.quality for column in recording.columns if column.quality]
        if not recording.long:
            known = {*wanted, *recording.time.columns, *recording.labels.values()}
            unused = [name for name in self.table.columns if name not in known]
            self.notes.fact("columns not used", ", ".join(unused) or "none")
        for utc, piece, good in self.timed(wanted):
            block = self._long(recording.long, utc, piece, good) if recording.long else self._wide(utc, piece, good)
            yield block, int(piece.line[0]) if piece.line.size else 0

    def timed(self, wanted: Sequence[str]) -> Iterator[tuple[np.ndarray, Piece, np.ndarray]]:
        """Yield instants, the piece they are of, and which rows have one."""
        columns = self.recording.time.columns
        for piece in self.table.pieces(list(dict.fromkeys([*columns, *wanted]))):
            cells = piece.cells[columns[0]]
            if len(columns) > 1:
                cells = joined_cells([_texts(piece.cells[column]) for column in columns])
            try:
                times = self._clock.read(cells)
            except TwinError as err:
                raise DataError(f"{self._name}:{piece.line[0]}: {err}") from None
            good = np.ones(times.utc.size, np.bool_)
            for row, said in sorted(times.wrong.items()):
                line = int(piece.line[row])
                if self.recording.format.broken == "refuse":
                    raise DataError(f"{self._name}:{line}: {said}; mend the line, or say: format: {{broken: skip}}")
                self.notes.count("bad_time", line=line, said=said)
                good[row] = False
            self.notes.count("twice", times.twice)
            self._note_disorder(times.utc, piece.line, good)
            yield times.utc, piece, good

    def _note_disorder(self, utc: np.ndarray, line: np.ndarray, good: np.ndarray) -> None:
        known = np.concatenate([[self._newest], utc[good]])
        newest = np.maximum.accumulate(known)
        back = np.flatnonzero(known[1:] < newest[:-1])
        for row in back[:3]:
            self.notes.count("disorder", line=int(line[good][row]), said=str(utc[good][row].astype("datetime64[us]")))
        self.notes.count("disorder", max(back.size - 3, 0))
        self._newest = int(newest[-1])

    def read(self, cells: Cells, words: dict[str, float]) -> Numbers:
        """Return the numbers in a column."""
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf" and not words:
            return Numbers(cells.astype(np.float64), np.full(cells.size, READ, np.uint8))
        return numbers(_texts(cells), self.table.style, words)

    def _wide(self, utc: np.ndarray, piece: Piece, good: np.ndarray) -> Block:
        """Return the readings of rows with one column for each tag; an empty cell is none."""
        columns = self.recording.columns
        value, state = (np.empty((utc.size, len(columns)), kind) for kind in (np.float64, np.uint8))
        quality = np.zeros((utc.size, len(columns)), np.uint32)
        for number, column in enumerate(columns):
            cells = [piece.cells[name] for name in self._sources[column.name]]
            value[:, number], state[:, number] = self._mean(cells) if cells[1:] else self.read(cells[0], column.words)
            said = joined_cells(map(_texts, cells), by=", ") if cells[1:] and state[:, number].any() else cells[0]
            self._note_cells(column.name, piece, said, state[:, number])
            if column.quality:
                quality[:, number] = self._qualities(column, _texts(piece.cells[column.quality]), piece.line)
        quality[(state == MISSING) | (state == UNREADABLE)] = BAD
        self._judged = True
        row, place = np.nonzero((state != EMPTY) & good[:, None])
        tags = np.array([column.tag for column in columns], np.intp)
        return Block(tags[place], utc[row], value[row, place], quality[row, place])

    def _mean(self, columns: Sequence[Cells]) -> Numbers:
        """Return the mean of columns, row by row; where one of them has no number there is none."""
        read = [self.read(cells, {}) for cells in columns]
        return Numbers(np.mean([one.value for one in read], axis=0), np.max([one.state for one in read], axis=0))

    def _long(self, long: LongEntry, utc: np.ndarray, piece: Piece, good: np.ndarray) -> Block:
        """Return the readings of rows that each name a tag."""
        names, cells = np.array(_texts(piece.cells[long.tag]), object), _texts(piece.cells[long.value])
        tag, value = np.full(utc.size, -1), np.full(utc.size, np.nan)
        state, quality = np.full(utc.size, EMPTY, np.uint8), np.zeros(utc.size, np.uint32)
        for name in dict.fromkeys(names.tolist()):
            rows = np.flatnonzero(names == name)
            column = self._by_name.get(name.strip())
            if column is None:
                self.notes.count("unknown_tag", rows.size, place=name, line=int(piece.line[rows[0]]))
                continue
            tag[rows] = column.tag
            value[rows], state[rows] = self.read([cells[row] for row in rows.tolist()], column.words)
            part = Piece(piece.line[rows], {})
            self._note_cells(column.name, part, [cells[row] for row in rows.tolist()], state[rows])
            if long.quality:
                said = _texts(piece.cells[long.quality])
                quality[rows] = self._qualities(column, [said[row] for row in rows.tolist()], piece.line[rows])
        quality[(state == MISSING) | (state == UNREADABLE)] = BAD
        kept = (tag >= 0) & (state != EMPTY) & good
        return Block(tag[kept], utc[kept], value[kept], quality[kept])

    def _note_cells(self, name: str, piece: Piece, cells: Cells, state: np.ndarray) -> None:
        """Count cells without a number; refuse a column that hardly has any."""
        if not state.any():
            return
        self.notes.count("empty", int((state == EMPTY).sum()), place=name)
        kinds: tuple[tuple[Trouble, int], ...] = (("missing", MISSING), ("unreadable", UNREADABLE))
        for trouble, kind in kinds:
            rows = np.flatnonzero(state == kind)
            for row in rows[:3].tolist():
                self.notes.count(trouble, place=name, line=int(piece.line[row]), said=str(cells[row]))
            self.notes.count(trouble, max(rows.size - 3, 0), place=name)
        bad, filled = np.flatnonzero(state == UNREADABLE), int((state != EMPTY).sum())
        if not self._judged and filled >= ENOUGH and 2 * bad.size > filled:
            raise DataError(
                f"{self._name}:{piece.line[bad[0]]}: column {name!r}: {bad.size} of {filled} cells are no numbers, the "
                f"first is {str(cells[bad[0]])!r:.40}; see to format: {{decimal: ...}}, or give the column words"
            )

    def _qualities(self, column: Column, cells: Sequence[str], line: np.ndarray) -> np.ndarray:
        """Return status codes, or the source's own numbers, which the recipe explains."""
        steps = self.recording.recipe.tags[column.tag]
        words = {word.lower(): code for word, code in steps.words}
        known: dict[str, int] = {"": 0}
        found = np.zeros(len(cells), np.uint32)
        for row, cell in enumerate(cells):
            if (code := known.get(cell)) is None:
                code = known[cell] = _quality(cell.strip(), words)
            if code < 0:
                self.notes.count("quality_unknown", place=column.name, line=int(line[row]), said=cell)
                code = STATUSES["BadConfigurationError"]
            found[row] = code
        return found


def _quality(cell: str, words: dict[str, int]) -> int:
    """Return a status code, or -1 for what isn't explained."""
    if cell.lower() in words:
        return words[cell.lower()]
    if words:
        return -1
    if cell.isdecimal() and cell.isascii() and len(cell) <= 10 and int(cell) < 1 << 32:
        return int(cell)
    try:
        return status(cell)
    except TwinError:
        return -1


def _texts(cells: Cells) -> Sequence[str]:
    return [str(cell) for cell in cells.tolist()] if isinstance(cells, np.ndarray) else cells
