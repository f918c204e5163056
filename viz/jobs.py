"""What-if runs as they are kept: a folder each, with who asked for what, how it went, and what came of it."""

import math
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from twin.errors import DataError
from viz.audit import write_private

FOLDER = "what-if"
JOB, OUT = "job.json", "out"
State = Literal["waiting", "running", "done", "interrupted", "failed"]
ENDED: tuple[State, ...] = ("done", "interrupted", "failed")
MOST_JOBS = 50
"""Runs that are kept; of more nobody knows any more which is which."""
MOST_WAITING = 10
LEAST_ROOM = 200 * 2**20
"""What has to be free on the disk for a run to begin [bytes]."""
LONGEST_NAME = 80
LONGEST_VALUE = 200
"""Characters of a changed value: most are short, but a station's upkeep is written as a whole."""
MOST_CHANGES = 200
LONGEST_FILE = 64 * 2**20
"""What is read of a file at most [bytes]."""
REPORTS = ("report.en.html", "report.ko.html")
DATA_FILES = ("tables.xlsx", "answer.json")

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")
_TABLE = re.compile(r"tables/[A-Za-z0-9_-]{1,100}\.csv")
_GONE = ".gone-"


class Job(Struct, frozen=True):
    """A run that somebody asked for.

    Attributes
    ----------
    id, token : str
        Its folder; what the browser called the request, so that asked again it is begun once.
    changes : list of str
        ``VARIANT:PATH=VALUE``, what is otherwise than the scenario has it.
    replications, seed : int or None
        As the scenario has them where there is none.
    start : str
        ``rest``, ``live``, or nothing for the scenario's own.
    asked, begun, ended : float
        UTC [s since 1970]; 0 where it hasn't.
    message, code : str, int
        What the command said in the end, and its exit code; a negative one is a signal's.
    cancelled : str
        Who cancelled it.
    """

    id: str
    token: str
    scenario: str
    question: dict[str, str]
    who: str
    asked: float
    changes: list[str] = []
    replications: int | None = None
    precision: str = ""
    seed: int | None = None
    start: Literal["", "rest", "live"] = ""
    language: Literal["en", "ko"] = "en"
    state: State = "waiting"
    name: str = ""
    begun: float = 0.0
    ended: float = 0.0
    message: str = ""
    code: int = 0
    cancelled: str = ""


class Progress(Struct, frozen=True):
    """How far a run is: branches done, failed and in all; time that is left [s], and how it ended."""

    done: int = 0
    failed: int = 0
    total: int = 0
    left: float | None = None
    ending: Annotated[str, Meta(max_length=20)] = ""
    message: str = ""


class Store:
    """Runs in a folder beside a twin's data.

    Parameters
    ----------
    data : Path
        The twin's data folder.
    """

    def __init__(self, data: Path) -> None:
        self.folder = data.absolute() / FOLDER
        self._jobs = msgspec.json.Decoder(Job)
        self._progress = msgspec.json.Decoder(Progress)

    def refusal(self) -> str:
        """Return why the folder can't be made; nothing where it could be, as far as can be told without doing it."""
        if os.path.lexists(self.folder):
            return f"{self.folder}: is no folder; move it away"
        if os.access(self.folder.parent, os.W_OK):
            return ""
        return f"{self.folder.parent}: can't be written; give the view a data folder that it may write to"

    def prepare(self) -> None:
        """Make the folder if it isn't there.

        Raises
        ------
        DataError
            If it can't be made.
        """
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as err:
            raise DataError(
                f"{self.folder}: can't be made: {err.strerror}; give the view a data folder that it may write to"
            ) from None

    def jobs(self) -> list[Job]:
        """Return every run that can be read, the newest first."""
        try:
            names = sorted((path.name for path in self.folder.iterdir() if _ID.fullmatch(path.name)), reverse=True)
        except OSError:
            return []
        found = (self.job(name) for name in names)
        return sorted((job for job in found if job is not None), key=lambda job: -job.asked)

    def job(self, id: str) -> Job | None:
        """Return a run, or nothing where there is none of that id."""
        if not _ID.fullmatch(id):
            return None
        try:
            job = self._jobs.decode(read(self.folder / id / JOB))
        except (DataError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return job if job.id == id else None

    def add(self, job: Job) -> Job:
        """Keep a new run; return it with its id.

        Raises
        ------
        DataError
            If it can't be written, or too many are kept.
        """
        if sum(1 for _ in self.jobs()) >= MOST_JOBS:
            raise DataError(f"what-if: {MOST_JOBS} runs are kept; delete one before the next")
        self._room()
        job = msgspec.structs.replace(job, id=_named(job.asked))
        try:
            (self.folder / job.id).mkdir(mode=0o700)
        except OSError as err:
            raise DataError(f"{self.folder}: can't be written: {err.strerror}; make room or give it rights") from None
        try:
            self.save(job)
        except DataError:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)
            raise
        return job

    def _room(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_ROOM:
            raise DataError(
                f"{self.folder}: {free >> 20} MiB are free, a run may need {LEAST_ROOM >> 20}; delete runs or make room"
            )

    def save(self, job: Job) -> None:
        """Write down how a run stands, whole or not at all.

        Raises
        ------
        DataError
            If it can't be written.
        """
        write_private(self.folder / job.id / JOB, msgspec.json.format(msgspec.json.encode(job)))

    def delete(self, job: Job) -> None:
        """Remove a run with all that came of it.

        Raises
        ------
        DataError
            If it can't be removed.
        """
        aside = self.folder / f"{_GONE}{job.id}-{secrets.token_hex(3)}"
        try:
            (self.folder / job.id).rename(aside)  # at once or not at all
        except OSError as err:
            raise DataError(f"{self.folder}: can't be changed: {err.strerror}; check its rights") from None
        shutil.rmtree(aside, ignore_errors=True)

    def tidy(self) -> None:
        """Remove what a deletion that was cut short has left."""
        for path in self.folder.glob(f"{_GONE}*"):
            shutil.rmtree(path, ignore_errors=True)

    def out(self, job: Job) -> Path:
        """Return where the command writes."""
        return self.folder / job.id / OUT

    def progress(self, job: Job) -> Progress:
        """Return how far a run is; nothing known is no progress."""
        try:
            return self._progress.decode(read(self.out(job) / "progress.json"))
        except (DataError, msgspec.DecodeError, UnicodeDecodeError):
            return Progress()

    def file(self, job: Job, name: str) -> Path | None:
        """Return a file that a run wrote and that may be looked at; no other, and none that a link leads to."""
        if name not in REPORTS + DATA_FILES and not _TABLE.fullmatch(name):
            return None
        out = self.out(job)
        path = out / name
        try:
            inside = path.resolve(strict=True) == out.resolve(strict=True) / name
        except (OSError, RuntimeError):
            return None
        return path if inside and path.is_file() else None

    def tables(self, job: Job) -> list[str]:
        """Return the names of the tables that a run wrote."""
        found = sorted(f"tables/{path.name}" for path in (self.out(job) / "tables").glob("*.csv"))
        return [name for name in found if self.file(job, name)]


def read(path: Path, most: int = LONGEST_FILE) -> bytes:
    """Return what is in a file.

    Raises
    ------
    DataError
        If it can't be read, or is longer than `most` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; check the path and its rights") from None
    if len(content) > most:
        raise DataError(f"{path}: has more than {most} bytes; look at it with another program")
    return content


def arguments(job: Job, data: Path, out: Path, workers: int) -> list[str]:
    """Return what the command is given; each value is a part of one argument, so none can be taken for an option."""
    found = [job.scenario, "--out", str(out), f"--workers={workers}", f"--language={job.language}"]
    found += [f"--set={change}" for change in job.changes]
    if job.precision:
        found.append(f"--precision={job.precision}")
    elif job.replications is not None:
        found.append(f"--replications={job.replications}")
    if job.seed is not None:
        found.append(f"--seed={job.seed}")
    if job.start:
        found.append(f"--from={data.absolute() if job.start == 'live' else 'rest'}")
    return found


def outcome(code: int, progress: Progress, said: str, *, stopped: bool) -> tuple[State, str]:
    """Return how a run ended and what the command said of it, by its exit code and its last words on stderr."""
    if code == 0:
        return "done", progress.message
    if code == 130 or stopped:
        return "interrupted", progress.message
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return "failed", (progress.message if progress.ending == "failed" and progress.message else last)[:2000]


def percent(progress: Progress) -> float:
    """Return which share of the branches is over, whether they finished or failed [%]."""
    share = 100.0 * (progress.done + progress.failed) / progress.total if progress.total > 0 else 0.0
    return min(100.0, share) if math.isfinite(share) else 0.0


def one_line(text: str, most: int) -> bool:
    """Return whether a text is a line that can be shown and kept."""
    return len(text) <= most and text.isprintable()


def refuse_long(changes: Sequence[str]) -> None:
    """Refuse what can't be handed to the command.

    Raises
    ------
    DataError
        For the first change that is too long or holds what can't be shown, or too many of them.
    """
    if len(changes) > MOST_CHANGES:
        raise DataError(f"what-if: {len(changes)} changes; make {MOST_CHANGES} at most")
    for change in changes:
        place, _, value = change.partition("=")
        if not value.strip() or not one_line(value, LONGEST_VALUE) or not one_line(place, 300):
            raise DataError(f"{place[:100]}: {value[:100]!r}; write 1 to {LONGEST_VALUE} characters on one line")


def _named(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
