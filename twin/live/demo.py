"""A source of readings and its twin as one group, watched, and summed up."""

import json
import os
import shutil
import socket
import tempfile
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from twin.errors import DataError, PlantError, TwinError, unknown
from twin.journal.reader import Reader
from twin.live.group import Group, Part
from twin.live.station import address, parts
from twin.live.teller import Teller

if TYPE_CHECKING:
    from twin.clean.recording import Recording
    from twin.plant import Plant

SETTLE = 20.0
"""How long the end waits for a twin that takes no more of what was sent [s]."""


class Wish(NamedTuple):
    """What a demonstration shows; `view` is the port of its view in a browser, None for none."""

    plant: str
    recording: str | None
    file: Path | None
    fault: str
    fault_at: float
    speed: float
    seed: int
    data: Path | None
    language: str
    view: int | None = None


class Summary(NamedTuple):
    """What came of it; times in simulated or recorded seconds, null where it didn't happen.

    Attributes
    ----------
    simulated : bool
        Whether the factory was one; else the readings are a recording's.
    lock_on_s : float
        From the first reading until 95 % bands of a settled width held at least nine readings in ten for half a minute.
    detect_delay_s : float
        From the fault's onset, or the label's, to the first advisory about it.
    named_fault : str
        What the twin calls it at the end: the declared fault, `unknown`, or the tag that is off.
    true_fault : str
        What it was, by the names that the plant declares; empty where nothing declares it.
    false_advisories : int
        Advisories about deviations before the onset.
    lost, duplicated : int
        Readings that the source had and the journal hasn't, and those it has twice.
    """

    simulated: bool
    plant: str
    source_s: float
    readings: int
    lost: int
    duplicated: int
    lock_on_s: float | None
    onset_s: float | None
    detect_delay_s: float | None
    named_fault: str
    true_fault: str
    false_advisories: int
    coverage_95: float | None
    coverage_95_before: float | None
    late: int
    data: str


class Demo:
    """Starts the processes, tells advisories as they come, and sums up.

    Parameters
    ----------
    say : callable
        Told each line for a person.
    """

    def __init__(self, wish: Wish, say: Callable[[str], None]) -> None:
        self.wish, self.say = wish, say
        self._declared: tuple[str, ...] = ()
        self._onset: float | None = None
        self._plant, self._path = self._checked()
        self.folder = wish.data or Path(tempfile.mkdtemp(prefix="twin-demo-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._temporary = wish.data is None
        self.address = ""
        """Where a browser finds the view."""
        self.failed = 0
        """Exit code of a source that ended by itself and not well."""
        self.group = Group(self.folder, log=say)
        self._teller = Teller(self.folder, wish.language, say)

    def _checked(self) -> tuple[str, Path]:
        """Return the plant's name and file, after everything was checked that can be before a process starts."""
        wish = self.wish
        if wish.data is not None and (wish.data / "journal.sqlite").exists():
            raise DataError(f"{wish.data}: holds a journal already; use an empty folder, or go on by `twin live`")
        plant, path = self._recorded(wish.recording) if wish.recording is not None else self._simulated()
        if plant.estimation is None:
            raise PlantError(f"{path}: has no section 'estimate'; say in it what isn't known for certain")
        return plant.name, path

    def _recorded(self, recording: str) -> "tuple[Plant, Path]":
        from twin.clean.recording import Recording

        found = Recording.load(recording, self.wish.file)
        if not found.file.is_file():
            raise DataError(f"{found.file}: no such recording; name one with --file")
        self._onset = _first_label(found)
        return found.plant, found.plant_path

    def _simulated(self) -> "tuple[Plant, Path]":
        from twin.factory.truth import Truth, beside
        from twin.plant import Plant
        from twin.shipped import path_of

        wish = self.wish
        path = path_of(wish.plant)
        plant = Plant.load(path)
        truth_file = beside(path)
        if truth_file is None:
            raise PlantError(f"{wish.plant}: nobody has written down a hidden truth about it; see scenarios/truths")
        truth = Truth.load(truth_file, plant)
        if wish.fault and wish.fault not in truth.mishaps:
            raise PlantError(f"--fault: {unknown('fault', wish.fault, [*truth.mishaps, 'none'])}")
        self._declared = tuple(truth.declared(wish.fault)) if wish.fault else ()
        self._onset = wish.fault_at if wish.fault else None
        return plant, path

    def __enter__(self) -> Self:
        wish, log = self.wish, self.say
        wanted = parts(
            str(self._path), self.folder, "tcp://127.0.0.1:*", replay=True, recording=wish.recording, whole_journal=True
        )
        kept = "" if not self._temporary else ", deleted at the end; --data DIR keeps them"
        log(f"data in {self.folder}{kept}")
        log("compiling the plant: a minute the first time")
        try:
            for part in wanted:
                self.group.start(part)
            where = address(self.folder, self.group)
            self._wait_for_twin()
            self.group.start(Part("source", self._source(where), again=False))
            self._wait_for_readings()
            if wish.view is not None:
                self._open_view(wish.view)
        except BaseException as err:
            self.close(keep=isinstance(err, TwinError))
            raise
        if wish.recording:
            log(f"RECORDED readings: {wish.recording}, {wish.speed:g} x real time, to the twin of {self._plant}")
        else:
            what = f"{wish.fault} after {wish.fault_at:g} s" if wish.fault else "nothing goes wrong"
            log(f"SIMULATED factory {self._plant}, {wish.speed:g} x real time; {what}; the twin isn't told")
        return self

    def _wait_for_twin(self) -> None:
        """Wait until the twin has compiled and tried its plant, so that it doesn't begin behind."""
        deadline = time.monotonic() + 180.0
        while not (self.folder / "twin.json").exists():
            self.group.check()
            if time.monotonic() > deadline:
                raise DataError(f"twin: not ready within 180 s: {self.group.words('twin')}")
            time.sleep(0.1)

    def _wait_for_readings(self) -> None:
        """Wait until the first readings are stored, for the source compiles its plant too, or has ended."""
        deadline = time.monotonic() + 180.0
        while time.monotonic() < deadline and not self.over():
            self.group.check()
            with suppress(DataError), Reader.open(self.folder) as reader:
                if reader.query("select 1 from entries where kind = 'data' limit 1"):
                    return
            time.sleep(0.1)

    def _open_view(self, port: int) -> None:
        """Start the view; where it can't be, the demonstration goes on without."""
        arguments = ("twin", "view", str(self.folder), "--port", str(port if _is_free(port) else 0))
        self.group.start(Part("view", arguments, again=False, needed=False))
        deadline, file = time.monotonic() + 30.0, self.folder / "view.json"
        while time.monotonic() < deadline and self.group.running("view"):
            with suppress(OSError, ValueError, KeyError):
                self.address = f"http://127.0.0.1:{json.loads(file.read_text(encoding='utf-8'))['port']}/"
                self.say(f"in a browser: {self.address}")
                break
            time.sleep(0.1)
        if self.address and any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
            webbrowser.open(self.address)

    def _source(self, where: str) -> tuple[str, ...]:
        wish = self.wish
        if wish.recording:
            file = ("--file", str(wish.file)) if wish.file else ()
            return ("twin", "feed", wish.recording, "--to", where, "--speed", str(wish.speed), *file, "--json")
        fault = ("--fault", wish.fault, "--fault-at", f"{wish.fault_at}s") if wish.fault else ()
        seed, speed = ("--seed", str(wish.seed)), ("--speed", str(wish.speed))
        return ("twin", "plant", wish.plant, "--to", where, *speed, *seed, *fault, "--json")

    def over(self) -> bool:
        """Return whether the source has sent all it has."""
        return not self.group.running("source")

    def look(self) -> None:
        """Check the processes, and tell what is new."""
        self.group.check()
        self._teller.look()

    def finish(self) -> Summary:
        """End the source, wait for the twin, end all, and sum up."""
        codes = self.group.end(["source"])
        sent = self._sent()
        deadline, behind = time.monotonic() + SETTLE, self._behind()
        while behind and time.monotonic() < deadline:
            time.sleep(0.2)
            before, behind = behind, self._behind()
            deadline = time.monotonic() + SETTLE if behind < before else deadline
        if behind:
            self.say(f"the twin is {behind} journal entries behind: what follows is about less than was sent")
        self.look()
        self.group.end()
        if codes.get("source", 0) not in (0, 130):
            self.failed = codes["source"] if codes["source"] > 0 else 1
            self.say(f"source: ended with code {codes['source']}: {self.group.words('source')}")
        return self._summary(sent)

    def _behind(self) -> int:
        """Return how many journal entries the twin has yet to take, but for a last tick."""
        try:
            status = json.loads((self.folder / "twin.json").read_text(encoding="utf-8"))
            with Reader.open(self.folder) as reader:
                return max(reader.last() - 1 - int(status["entry"]), 0)
        except (OSError, ValueError, KeyError, DataError):
            return 0

    def _sent(self) -> dict[str, Any]:
        """Return what the source said of itself at its end."""
        try:
            lines = (self.folder / "source.log").read_text(encoding="utf-8").splitlines()
            return dict(json.loads(next(line for line in reversed(lines) if line.startswith("{"))))
        except (OSError, ValueError, StopIteration):
            return {}

    def _summary(self, sent: dict[str, Any]) -> Summary:
        from twin.live.scoring import score

        found = score(self.folder, self._onset)
        missing = int(sent.get("readings", found.readings)) - found.readings
        kept = str(self.folder) if not self._temporary else ""
        return Summary(
            not self.wish.recording, self._plant, found.source_s, found.readings,
            max(missing, 0), found.duplicated, found.lock_on_s, self._onset,
            found.detect_delay_s, found.named, ", ".join(self._declared), found.false_advisories, found.coverage,
            found.coverage_before, found.late, kept,
        )  # fmt: skip

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close(keep=isinstance(err, TwinError))

    def close(self, *, keep: bool = False) -> None:
        """End every process, and delete what nobody wanted to keep, unless an error names a log in it."""
        self.group.close()
        if self._temporary and not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def _is_free(port: int) -> bool:
    """Return whether nobody listens at a port of this machine."""
    with socket.socket() as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first_label(recording: "Recording") -> float | None:
    """Return when the recording's labels first mark an anomaly, from its first reading [s]; for scoring alone."""
    from twin.clean.reader import labels

    if not recording.labels:
        return None
    found = labels(recording)
    marked = [found.time[values > 0.0] for values in found.marks.values()]
    first = [int(times.min()) for times in marked if times.size]
    return (min(first) - int(found.time.min())) / 1e6 if first else None
