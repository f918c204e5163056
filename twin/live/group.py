"""Processes that belong together: started, watched, started again where one dies, ended together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from twin.errors import DataError, PlantError

PATIENCE = 10.0
"""How long a process may take to end by itself before it is killed [s]."""
MOST_STARTS = 5
"""A process that died this often within `WINDOW` isn't started again."""
WINDOW = 60.0


class Part(NamedTuple):
    """One process: its name and its arguments behind ``python -m``.

    It is started `again` when it dies; one that isn't `needed` may die, and the others go on without it.
    """

    name: str
    arguments: tuple[str, ...]
    again: bool = True
    needed: bool = True


class Group:
    """Processes that are started in order and ended in reverse; should this one be killed, they end by themselves.

    Parameters
    ----------
    folder : Path
        Where each process's words go, ``NAME.log``.
    log : callable
        Told of every start and end.
    """

    def __init__(self, folder: Path, log: Callable[[str], None] = lambda _: None) -> None:
        self.folder, self.log = folder, log
        self.parts: dict[str, Part] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._starts: dict[str, list[float]] = {}
        self._leash, self._held = os.pipe()  # nobody but this process holds the other end

    def start(self, part: Part) -> None:
        """Start a process."""
        self.parts[part.name] = part
        self._starts.setdefault(part.name, []).append(time.monotonic())
        with (self.folder / f"{part.name}.log").open("ab") as words:
            self.processes[part.name] = subprocess.Popen(
                [sys.executable, "-m", "twin.live.leash", *part.arguments],
                stdin=self._leash,
                stdout=words,
                stderr=words,
                start_new_session=True,  # Ctrl-C goes to us alone: we end them in order
            )

    def settle(self, name: str, option: str, value: str) -> None:
        """Let a process, started again, be given this value of an option."""
        if name in self.parts and option in self.parts[name].arguments:
            told = list(self.parts[name].arguments)
            told[told.index(option) + 1] = value
            self.parts[name] = self.parts[name]._replace(arguments=tuple(told))

    def check(self) -> None:
        """Start again what died.

        Raises
        ------
        PlantError
            If a process refuses its plant, recipe or snapshots; the message holds its last words.
        DataError
            If a process dies again and again.
        """
        for name, process in list(self.processes.items()):
            code = process.poll()
            if code is None or (code == 0 and not self.parts[name].again):
                continue
            if not self.parts[name].needed:
                self.log(f"{name} ended with code {code}: {self.words(name)}; the others go on")
                del self.processes[name]
                continue
            recent = [t for t in self._starts[name] if time.monotonic() - t < WINDOW]
            if not self.parts[name].again or len(recent) >= MOST_STARTS or code in (2, 3):
                kind = PlantError if code == 3 else DataError
                raise kind(f"{name}: ended with code {code}: {self.words(name)}; see {self.folder / name}.log")
            self.log(f"{name} ended with code {code}; started again")
            self.start(self.parts[name])

    def words(self, name: str) -> str:
        """Return the last line that a process said."""
        try:
            lines = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        return lines[-1].removeprefix(f"{name}: ")[:500] if lines else "it said nothing"

    def running(self, name: str) -> bool:
        """Return whether a process runs."""
        return name in self.processes and self.processes[name].poll() is None

    def end(self, names: Sequence[str] | None = None) -> dict[str, int]:
        """End processes, the last started first; return their exit codes."""
        codes = {}
        for name in reversed(list(self.processes) if names is None else list(names)):
            process = self.processes.get(name)
            if process is None:
                continue
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                codes[name] = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.log(f"{name} did not end in {PATIENCE:g} s; killed")
                process.kill()
                codes[name] = process.wait()
            del self.processes[name]
        return codes

    def kill(self) -> None:
        """End every process at once."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def close(self) -> None:
        """End every process; who interrupts that has no patience left."""
        try:
            self.end()
        finally:
            self.kill()
            for handle in (self._leash, self._held):
                os.close(handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()
