"""The readings of a journal as text, for other programs: CSV that no spreadsheet takes for formulas, or JSON lines."""

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

from twin import quality
from twin.errors import DataError, unknown
from twin.journal import store
from twin.journal.check import whole
from twin.journal.entries import Entry
from twin.journal.reader import Reader, follow
from twin.journal.walk import Step
from twin.protocol import Hello, decode_from_gateway, rows

Form = Literal["csv", "jsonl"]
HEADER = "tag,time,value,unit,quality\n"

_FORMULA = re.compile(r"[=+\-@\t\r\0]")
_QUOTED = re.compile(r'[",\r\n]')
_ALL_HELLOS = f"SELECT {store.FIELDS} FROM kept UNION ALL SELECT {store.FIELDS} FROM entries WHERE kind = 'hello'"  # noqa: S608

NAMES = {
    value: "".join(part.capitalize() for part in name.split("_"))
    for name, value in vars(quality).items()
    if name.isupper() and isinstance(value, int) and name != "HIGHEST"
}
"""What OPC UA calls the status codes that we give."""


_BETWEEN: dict[Form, str] = {"csv": ",", "jsonl": '", "value": '}
"""What stands between time and value."""


class Choice(NamedTuple):
    """Which readings: source time [us UTC] from `since` until before `until`, of `tags`; None takes all."""

    since: int | None = None
    until: int | None = None
    tags: frozenset[str] | None = None


ALL = Choice()


class Exported(NamedTuple):
    """How much was written, and what wasn't there: frames declared lost, and entries that are damaged."""

    readings: int
    lost: int
    damaged: int


class _Tag(NamedTuple):
    name: str
    before: str  # of the value, within a line
    after: str  # of the time
    wanted: bool


def export(
    folder: Path,
    write: Callable[[str], object],
    choice: Choice = ALL,
    *,
    form: Form = "csv",
    skip_damaged: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write the readings of a journal, a line each, in the order in which they came.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    write : callable
        Takes text.
    choice : Choice, optional
        Which readings.
    form : {"csv", "jsonl"}, optional
        CSV with a header, or a JSON object a line, where a value that is no finite number is null.
    skip_damaged : bool, optional
        Whether to go on behind damaged entries; readings whose names they held are left out with them.
    progress : callable, optional
        Called with how many entries are done, of how many.

    Raises
    ------
    DataError
        If the journal can't be read, a tag never was in it, or an entry is damaged.
    """
    with Reader.open(folder) as reader:
        first, last = reader.first(), reader.last()
        _check_tags(reader, choice)
        lines = _Lines(choice, form)
        for hello in reader.hellos(first):
            lines.hello(hello)
        if form == "csv":
            write(HEADER)
        if skip_damaged:
            lines.hellos = _hello_ids(reader)
        for step in whole(folder, first - 1) if skip_damaged else _strict(reader, first, last):
            lines.take(step, write)
            if progress is not None and step.id % 64 == 0:
                progress(step.id - first, last - first + 1)
    return Exported(lines.readings, lines.lost, lines.damaged)


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """Yield a file that stands at `path` once all of it is written and on disk, and not at all if it fails.

    Raises
    ------
    DataError
        If something is there already, or it can't be written.
    """
    if path.exists() or path.is_symlink():
        raise DataError(f"{path}: is already there; choose another name, or move it away")
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
        temporary = None
    except OSError as err:
        raise DataError(f"{path}: can't be written: {err.strerror}; check the path, its rights and the disk") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


class _Lines:
    """Turns entries into lines; remembers what the gateways call their tags."""

    def __init__(self, choice: Choice, form: Form) -> None:
        self._choice, self._form = choice, form
        self._tags: dict[tuple[str, int], list[_Tag]] = {}
        self.hellos: dict[int, tuple[str, int]] | None = {}
        self.readings = self.lost = self.damaged = 0

    def hello(self, entry: Entry) -> None:
        """Remember the names that a gateway's rows refer to."""
        said = decode_from_gateway(entry.body)
        if not isinstance(said, Hello):
            raise DataError(f"entry {entry.id}: is no hello, but should be; see `twin journal verify`")
        self._tags[entry.gateway, entry.run] = [self._tag(tag.n, tag.u) for tag in said.tags]

    def take(self, step: Step, write: Callable[[str], object]) -> None:
        """Write the lines of an entry."""
        entry = step.entry
        if entry is None or step.wrong:
            self.damaged += 1
            self._forget(step.id)
        elif entry.kind == "hello":
            self.hello(entry)
        elif entry.kind == "gap":
            first, last = store.lost(entry.body)
            self.lost += last - first + 1
        elif entry.kind == "data":
            text = self._text(entry)
            self.readings += len(text)
            write("".join(text))

    def _forget(self, number: int) -> None:
        """Forget names that a damaged entry may have changed: better no reading than one under another's name."""
        if self.hellos is None:
            self._tags.clear()
        elif number in self.hellos:
            self._tags.pop(self.hellos[number], None)

    def _text(self, entry: Entry) -> list[str]:
        tags = self._tags.get((entry.gateway, entry.run))
        if tags is None:  # its names were lost with a damaged hello
            self.damaged += 1
            return []
        since, until, _ = self._choice
        json_lines = self._form == "jsonl"
        out: list[str] = []
        for number, time, value, code in rows(entry.body)[1]:
            if number >= len(tags):
                raise DataError(
                    f"entry {entry.id}: names tag {number} of {len(tags)} of {entry.gateway!r}; "
                    "the journal was written by a defect of twin, report it"
                )
            tag = tags[number]
            if not tag.wanted or (since is not None and time < since) or (until is not None and time >= until):
                continue
            shown = repr(value) if not json_lines or isfinite(value) else "null"
            named = NAMES.get(code) or f"0x{code:08X}"
            end = f'{named}"}}\n' if json_lines else f"{named}\n"
            out.append(f"{tag.before}{store.moment(time)}{_BETWEEN[self._form]}{shown}{tag.after}{end}")
        return out

    def _tag(self, name: str, unit: str) -> _Tag:
        wanted = self._choice.tags is None or name in self._choice.tags
        if self._form == "csv":
            return _Tag(name, f"{cell(name)},", f",{cell(unit)},", wanted)
        return _Tag(
            name, f'{{"tag": {json.dumps(name)}, "time": "', f', "unit": {json.dumps(unit)}, "quality": "', wanted
        )


def cell(text: str) -> str:
    """Return text as a cell of CSV that a spreadsheet shows and doesn't reckon."""
    safe = f"'{text}" if _FORMULA.match(text) else text
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


def _strict(reader: Reader, first: int, last: int) -> Iterator[Step]:
    """Yield the entries up to `last`; one that is damaged is an error."""
    for batch in follow(reader, first - 1, done=lambda: True):
        for entry in batch:
            if entry.id > last:
                return
            yield Step(entry.id, entry, "")


def _hello_ids(reader: Reader) -> dict[int, tuple[str, int]] | None:
    """Return whose hellos have which ids by their index, None where that is damaged."""
    try:
        found = reader.query("SELECT id, gateway, run FROM entries INDEXED BY hellos WHERE kind = 'hello'")
    except DataError:
        return None
    return {number: (gateway, run) for number, gateway, run in found}


def _check_tags(reader: Reader, choice: Choice) -> None:
    """Refuse a tag that no gateway ever had."""
    if choice.tags is None:
        return
    known: set[str] = set()
    for row in reader.query(_ALL_HELLOS):
        said = decode_from_gateway(row[-1])
        if isinstance(said, Hello):
            known.update(tag.n for tag in said.tags)
    for tag in sorted(choice.tags - known):
        raise DataError(f"{reader.path}: {unknown('tag', tag, known)}")
