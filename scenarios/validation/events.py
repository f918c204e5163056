"""The live monitor run over files beside which a list says when something was done to the plant."""

import csv
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scenarios.validation.sources import Events, told
from twin.calibrate.record import MICRO
from twin.clean.recording import Recording
from twin.errors import DataError, TwinError
from twin.live.offline import detect, labelled

Progress = Callable[[str, float], None]


class Raised(NamedTuple):
    """An advisory: when it was raised [s from the first row], what it said, how long after the last event [s]."""

    begin: float
    cause: str
    behind: float | None


class Attended(NamedTuple):
    """What the monitor said of a file.

    Attributes
    ----------
    events : tuple of float, or None
        When something was done [s from the first row]; None where no list lies beside the file.
    """

    file: str
    sha256: str
    rows: int
    events: tuple[float, ...] | None
    raised: tuple[Raised, ...]

    def delays(self) -> list[float | None]:
        """Return how long after each event the first advisory before the next was raised [s]; None where none was."""
        ends = [*(self.events or ())[1:], float("inf")]
        return [
            next((each.begin - begin for each in self.raised if begin <= each.begin < end), None)
            for begin, end in zip(self.events or (), ends, strict=False)
        ]


@dataclass(frozen=True)
class Announced:
    """What the monitor said of all files, and those that it couldn't be run over."""

    what: Events
    files: tuple[Attended, ...]
    unread: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return events and advisories as plain numbers and texts."""
        return {
            "event": self.what.begins, "teach": self.what.teach, "unread": dict(self.unread),
            "files": {
                each.file: {
                    "sha256": each.sha256, "rows": each.rows, "events": each.events, "delays_s": each.delays(),
                    "advisories": [raised._asdict() for raised in each.raised],
                }
                for each in self.files
            },
        }  # fmt: skip


def announced(
    recording: Recording, files: Sequence[Path], what: Events, assets: Path | None = None,
    progress: Progress = lambda stage, share: None,
) -> Announced:  # fmt: skip
    """Run the monitor over files, each taught by its first rows; a file that it can't be run over is named.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted.
    """
    found, unread = [], []
    for k, path in enumerate(files):
        progress(told(path), k / len(files))
        try:
            found.append(_attended(Recording.load(recording.path, path, assets=assets), what))
        except TwinError as err:
            unread.append((told(path), str(err).replace(str(path), path.name)))
    return Announced(what, tuple(found), tuple(unread))


def _attended(recording: Recording, what: Events) -> Attended:
    time = labelled(recording).time
    beside = recording.file.with_name(what.file)
    events = begins(recording, beside, what) if beside.is_file() else None
    known = [instant for instant in events or () if time[0] <= instant <= time[-1]]
    found = detect(recording, what.teach)
    if found.rows < time.size:  # it returns what was done when it is interrupted
        raise KeyboardInterrupt
    raised = []
    for span in found.advisories:
        before = [instant for instant in known if instant <= span.begin]
        behind = (span.begin - before[-1]) * MICRO if before else None
        raised.append(Raised((span.begin - int(time[0])) * MICRO, span.cause, behind))
    times = None if events is None else tuple((instant - int(time[0])) * MICRO for instant in known)
    digest = hashlib.sha256(recording.file.read_bytes()).hexdigest()
    return Attended(told(recording.file), digest, int(time.size), times, tuple(raised))


def begins(recording: Recording, path: Path, what: Events) -> list[int]:
    """Return when the events of a list began [us UTC], in order of time.

    Raises
    ------
    DataError
        If it can't be read, or a time in it is none.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row[what.event] == what.begins]
        times = recording.clock().read([row[what.time] for row in rows])
    except (KeyError, OSError, ValueError, csv.Error) as err:
        raise DataError(f"{path.name}: can't be read as a list of events: {err}; see to {what.file}") from None
    if times.wrong:
        raise DataError(f"{path.name}: {next(iter(times.wrong.values()))}; see to {what.file}")
    return sorted(times.utc.tolist())
