"""Ingest in a thread, and what tests of the live twin share with its benchmarks."""

import json
import threading
from pathlib import Path
from typing import Self

from benchmarks.faults import Proxy
from benchmarks.processes import LOOPBACK, Ingest, descriptors, entries, free_port, until
from twin.ingest.server import serve
from twin.journal.entries import Entry

__all__ = ["LOOPBACK", "Ingest", "Proxy", "Serving", "descriptors", "entries", "free_port", "sequence", "until"]


class Serving:
    """Ingest in a thread of this process: quick to start, and open to being tampered with."""

    def __init__(self, data: Path, listen: str = LOOPBACK, *, replay: bool = False) -> None:
        self.data, self.said, self.error = data, list[str](), list[Exception]()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(listen, replay))

    def _serve(self, listen: str, replay: bool) -> None:
        try:
            serve(self.data, listen, replay=replay, log=self.said.append, stop=self.over)
        except Exception as err:
            self.error.append(err)

    @property
    def address(self) -> str:
        return str(json.loads((self.data / "ingest.json").read_text())["address"])

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def entries(self) -> list[Entry]:
        return entries(self.data)

    def __enter__(self) -> Self:
        self.thread.start()
        until(lambda: (self.data / "ingest.json").exists() or self.error)
        if self.error:
            self.thread.join()
            raise self.error[0]
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


def sequence(found: list[Entry], gateway: str) -> list[int]:
    """Return the numbers of a gateway's batches, in the order of the journal."""
    return [entry.seq for entry in found if entry.kind == "data" and entry.gateway == gateway]
