"""Processes of ingest and twin on the loopback, which are started, asked, killed and started again."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from twin.journal.entries import Entry
from twin.journal.reader import Reader
from twin.service import Client

T = TypeVar("T")
LOOPBACK = "tcp://127.0.0.1:*"


def until(ask: Callable[[], T], seconds: float = 20.0) -> T:
    """Return the first answer that is true; fail where there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < end, f"still {answer!r} after {seconds} s"
        time.sleep(0.005)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def entries(data: Path) -> list[Entry]:
    """Return the whole journal of a data folder."""
    found: list[Entry] = []
    with Reader.open(data) as reader:
        while more := reader.entries(found[-1].id if found else 0):
            found += more
    return found


def descriptors(process: str = "self") -> int:
    """Return how many files and sockets a process holds."""
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


class Process:
    """A process of a data folder that says in a file there how it is.

    Parameters
    ----------
    module : str
        What is run, ``twin.ingest`` say.
    """

    def __init__(self, data: Path, module: str, *arguments: str) -> None:
        self.data, self.module, self.arguments = data, module, list(arguments)
        self.file = data / {"twin.ingest": "ingest.json", "twin.live": "twin.json"}[module]
        self.errors = data.with_name(data.name + ".stderr")
        self.process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, Any] = {}

    def start(self, patience: float = 20.0) -> Self:
        """Start the process, and return once it serves."""
        with self.errors.open("ab") as errors:
            command = [sys.executable, "-m", self.module, "--data", self.data, *self.arguments]
            self.process = subprocess.Popen(command, stderr=errors)
        until(self.ready, patience)
        return self

    def ready(self) -> bool:
        """Return whether it serves; `told` is what it says."""
        assert self.process is not None
        assert self.process.poll() is None, self.errors.read_text()
        try:
            self.told = json.loads(self.file.read_text())
        except FileNotFoundError:
            return False
        return bool(self.told["pid"] == self.process.pid)

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        assert self.process is not None
        return self.process.pid

    def memory(self) -> float:
        """Return how much memory it holds [MiB]."""
        found = Path(f"/proc/{self.pid}/status").read_text()
        assert "VmRSS:" in found, f"{self.module} has died: {self.errors.read_text()}"
        return float(found.partition("VmRSS:")[2].split()[0]) / 1024.0

    def alive(self) -> bool:
        """Return whether it runs."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it in order, and return its exit code."""
        return self._end(number)

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Ingest(Process):
    """Ingest of a data folder."""

    def __init__(self, data: Path, listen: str = LOOPBACK, *options: str) -> None:
        super().__init__(data, "twin.ingest", "--listen", listen, *options)

    def listen(self, address: str) -> None:
        """Listen there from the next start on."""
        self.arguments[1] = address

    @property
    def address(self) -> str:
        """Return where it listens."""
        return str(self.told["address"])

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return int(self.address.rpartition(":")[2])

    def status(self) -> dict[str, Any]:
        """Return what it tells about itself."""
        with Client(self.data) as client:
            return client.status()


class Follower(Process):
    """The twin of a data folder."""

    def __init__(self, data: Path, plant: str = "cooling_station") -> None:
        super().__init__(data, "twin.live", plant)

    def reaches(self, entry: int, patience: float = 30.0) -> None:
        """Return once it has taken an entry of the journal."""
        until(lambda: self.ready() and self.told["entry"] >= entry, patience)
