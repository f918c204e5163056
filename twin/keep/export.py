"""The readings of archives as text, in the form in which `twin journal export` writes those of the journal."""

import json
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path

import numpy as np

from twin.errors import DataError, unknown
from twin.journal.export import ALL, HEADER, NAMES, Choice, Exported, Form, cell
from twin.keep.checking import damage, opened
from twin.keep.manifest import FOLDER, Record
from twin.keep.reading import Archive
from twin.keep.room import ordered


def export(
    data: Path,
    write: Callable[[str], object],
    choice: Choice = ALL,
    *,
    form: Form = "csv",
    skip_damaged: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the readings of the archives, a line each: batches in the order in which they came, each by tags.

    Parameters
    ----------
    data : pathlib.Path
        The data folder.
    write : callable
        Takes text.
    choice : Choice, optional
        Which readings.
    form : {"csv", "jsonl"}, optional
        CSV with a header, or a JSON object a line, where a value that is no finite number is null.
    skip_damaged : bool, optional
        Whether to go on behind damaged archives.
    progress : callable, optional
        Called with how many archives are done, of how many.

    Returns
    -------
    Exported
        Readings, gaps that gateways declared, damaged archives.

    Raises
    ------
    DataError
        If there are no archives, a tag is in none of them, or one is damaged.
    """
    records = [record for record in ordered(opened(data)) if _in_time(record, choice)]
    whole = _whole(data, records, skip_damaged)
    _check_tags(data, whole, choice)
    if form == "csv":
        write(HEADER)
    readings = 0
    for n, record in enumerate(whole):
        if progress is not None:
            progress(n, len(whole))
        with Archive(data / FOLDER / record.name) as archive:
            for lines in _lines(archive, choice, form):
                readings += len(lines)
                write("".join(lines))
    return Exported(readings, sum(record.gaps for record in whole), len(records) - len(whole))


def _in_time(record: Record, choice: Choice) -> bool:
    if not record.readings:
        return record.gaps > 0
    return (choice.until is None or record.since < choice.until) and (
        choice.since is None or record.until >= choice.since
    )


def _whole(data: Path, records: list[Record], skip_damaged: bool) -> list[Record]:
    """Return the archives that are what was written; refuse others, unless they are to be skipped."""
    found = []
    for record in records:
        path = data / FOLDER / record.name
        if not (wrong := damage(path, record)):
            found.append(record)
        elif not skip_damaged:
            raise DataError(f"{path}: {wrong}; bring a copy back, or skip what is damaged")
    return found


def _check_tags(data: Path, records: list[Record], choice: Choice) -> None:
    """Refuse a tag that no archive has."""
    if choice.tags is None:
        return
    known: set[str] = set()
    for record in records:
        with Archive(data / FOLDER / record.name) as archive:
            known.update(archive.tags())
    for tag in sorted(choice.tags - known):
        raise DataError(f"{data / FOLDER}: {unknown('tag', tag, known)}")


def _lines(archive: Archive, choice: Choice, form: Form) -> Iterator[list[str]]:
    columns = archive.columns()
    wanted = np.array([choice.tags is None or name in choice.tags for name, _, _ in columns], bool)
    quoted = json.dumps if form == "jsonl" else cell
    names, units = [quoted(name) for name, _, _ in columns], [quoted(unit) for _, unit, _ in columns]
    for block in archive.blocks():
        time = block["time"]
        taken = wanted[block["column"]]
        taken &= True if choice.since is None else time >= choice.since
        taken &= True if choice.until is None else time < choice.until
        rows = {name: values[taken] for name, values in block.items()}
        when = np.char.add(np.datetime_as_string(rows["time"].view("<M8[us]"), unit="us"), "Z").tolist()
        each = zip(rows["column"].tolist(), when, rows["value"].tolist(), rows["quality"].tolist(), strict=True)
        if form == "csv":
            yield [f"{names[c]},{t},{v!r},{units[c]},{_named(q)}\n" for c, t, v, q in each]
        else:
            yield [
                f'{{"tag": {names[c]}, "time": "{t}", "value": {repr(v) if isfinite(v) else "null"}, '
                f'"unit": {units[c]}, "quality": "{_named(q)}"}}\n'
                for c, t, v, q in each
            ]


def _named(code: int) -> str:
    return NAMES.get(code) or f"0x{code:08X}"
