"""Whose recordings they are, which files belong to them, and what others published on them: `sources.yaml`."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from twin.clean.encoding import read_yaml
from twin.clean.recording import DATA, Recording
from twin.shape import Section, validated

FILE = Path(__file__).with_name("sources.yaml")
_PIECES = re.compile(r"(\d+)|(\D+)")


class Published(Section):
    """A figure that others published."""

    method: str
    figure: str
    on: str = Field(description="data that it was measured on")
    by: str = Field(description="where it was published")


class Events(Section):
    """Lists of what was done to a plant, beside its files."""

    file: str = Field(description="name of a list beside a file")
    time: str = Field(description="its column of times, written as those of the recording")
    event: str = Field(description="its column that says what was done")
    begins: str = Field(description="what in that column an advisory should follow")
    teach: int = Field(ge=1, description="rows that teach")


class Source(Section):
    """What is known of a recording beside its file."""

    title: str = ""
    cite: tuple[str, ...] = ()
    license: str = ""
    files: tuple[str, ...] = Field(
        (), description="patterns below TWIN_DATA; omitted: files beside the recording's own"
    )
    leave_out: tuple[str, ...] = Field((), description="patterns of files that aren't readings")
    seen: tuple[str, ...] = Field((), description="patterns of files that the plant's own values come from")
    healthy: tuple[str, ...] = Field((), description="patterns of files without labels in which nothing is wrong")
    events: Events | None = None
    published: tuple[Published, ...] = ()
    limits: tuple[str, ...] = ()


class _Sources(Section):
    recordings: dict[str, Source]


def source_of(recording: Recording, file: Path = FILE) -> Source:
    """Return what is known of a recording; of one that isn't listed, nothing.

    Raises
    ------
    PlantError
        With file and line, if the list is wrong.
    """
    listed = validated(read_yaml(file), _Sources, file.name).recordings
    return listed.get(recording.name, Source())


def others(recording: Recording, source: Source) -> list[Path]:
    """Return the other files of a recording's source that are there, in order."""
    if source.files:
        found = _matching(source.files) - _matching(source.leave_out)
    else:
        found = set(recording.file.parent.glob(f"*{recording.file.suffix}"))
    return in_order(path for path in found if path.is_file() and path != recording.file)


def healthy(source: Source) -> list[Path]:
    """Return the files that are there in which nothing is wrong, in order."""
    return in_order(path for path in _matching(source.healthy) if path.is_file())


def is_seen(source: Source, file: Path) -> bool:
    """Return whether the plant's own values, where a fit begins, come from a file."""
    return file in _matching(source.seen)


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Return paths sorted as people count: 2.csv before 10.csv."""
    return sorted(paths, key=lambda path: [(int(n or 0), word) for n, word in _PIECES.findall(path.as_posix())])


def told(path: Path) -> str:
    """Return a file's path below the folder of recordings, without the machine's own folders."""
    root = _root()
    return path.relative_to(root).as_posix() if root and path.is_relative_to(root) else path.name


def _root() -> Path | None:
    given = os.environ.get(DATA)
    return Path(given) if given else None


def _matching(patterns: tuple[str, ...]) -> set[Path]:
    root = _root()
    return {path for pattern in patterns for path in root.glob(pattern)} if root else set()
