"""Does a crash lose or double a reading, or change a bit of the twin's state? Everything is killed, at random.

Two gateways put numbered batches through a proxy, and a twin follows, while one fault follows another: ingest, twin
and gateways are killed, the network is cut or swallows everything. Afterwards the journal must hold every batch that
`put` returned from, once, in order, value for value; and the twin that was killed again and again must be, bit for
bit, one that was fed the same journal and never killed.
"""

import argparse
import hashlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from benchmarks.faults import Proxy
from benchmarks.measures.crash_gateway import STOP, TIMEOUT, rows
from benchmarks.processes import Follower, Ingest, entries, until
from benchmarks.report import REPOSITORY, report
from twin.errors import DataError
from twin.ingest import keys
from twin.journal.check import verify
from twin.journal.entries import Entry
from twin.journal.reader import Reader
from twin.protocol import rows as rows_of

GATEWAYS = ("a", "b")
FAULTS = {"kill_ingest": 0.3, "kill_gateway": 0.25, "kill_twin": 0.2, "cut": 0.125, "hole": 0.125}
"""How often each fault is chosen."""
HOLES = (0.3, 1.0, 4.5)
"""How long the network swallows everything [s]."""
PATIENCE = 30.0
"""Longest that readings may need to flow again [s]."""
TARGETS = {
    "lost": ("is", 0), "duplicated": ("is", 0), "order_errors": ("is", 0), "values_wrong": ("is", 0),
    "journal_whole": ("is", True), "state_bit_identical": ("is", True), "recover_s_p95": ("<=", 5.0),
}  # fmt: skip


class Plant:
    """Ingest, a twin, gateways and the network between them, each of which can fail."""

    def __init__(self, folder: Path, stack: ExitStack, *, twin: bool) -> None:
        self.folder, self.data = folder, folder / "data"
        for name in GATEWAYS:
            keys.new(self.data, name, folder)
        self.ingest = stack.enter_context(Ingest(self.data))
        self.ingest.listen(self.ingest.address)  # the same port after every restart
        self.twin = stack.enter_context(Follower(self.data)) if twin else None
        self.proxy = stack.enter_context(Proxy(lambda: self.ingest.port))
        self.began = time.monotonic()
        self.gateways: dict[str, subprocess.Popen[bytes]] = {}
        stack.callback(self.end)
        for name in GATEWAYS:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a gateway."""
        address = f"tcp://127.0.0.1:{self.proxy.port}"
        command = [sys.executable, "-m", "benchmarks.measures.crash_gateway", name, address, str(self.folder)]
        with (self.folder / f"{name}.stderr").open("ab") as errors:
            self.gateways[name] = subprocess.Popen([*command, str(self.began)], stderr=errors, cwd=REPOSITORY)

    def end(self) -> None:
        """Kill the gateways that still run."""
        for process in self.gateways.values():
            process.kill()
            process.wait()

    def have(self) -> dict[str, int]:
        """Return what of each gateway is on disk, as far as ingest can be asked."""
        with suppress(DataError):
            return {name: session["have"] for name, session in self.ingest.status()["gateways"].items()}
        return {}

    def fail(self, fault: str, draw: random.Random) -> None:
        """Let something fail, and be mended after a moment."""
        if fault == "kill_ingest":
            self.ingest.kill()
            time.sleep(draw.uniform(0.0, 1.0))
            self.ingest.start()
        elif fault == "kill_gateway":
            name = draw.choice(GATEWAYS)
            self.gateways[name].kill()
            self.gateways[name].wait()
            time.sleep(draw.uniform(0.0, 0.5))
            self.start(name)
        elif fault == "kill_twin":
            if self.twin is not None:
                self.twin.kill()
                self.twin.start(PATIENCE)
        elif fault == "cut":
            self.proxy.cut()
        else:
            self.proxy.hole()
            time.sleep(draw.choice(HOLES))
            self.proxy.heal()

    def follows(self, since: float) -> float:
        """Return how long it takes until the twin has all that was on disk [s]."""
        with Reader.open(self.data) as reader:
            last = reader.last()
        if self.twin is not None:
            self.twin.reaches(last, PATIENCE)
        return time.monotonic() - since

    def flows(self, since: float) -> float:
        """Return how long it takes until something new of every gateway is on disk [s]."""
        before = until(self.have, PATIENCE)

        def again() -> bool:
            after = self.have()
            return all(after.get(name, 0) > before.get(name, 0) for name in GATEWAYS)

        until(again, PATIENCE)
        return time.monotonic() - since


def crash(kills: int, seed: int, folder: Path, *, twin: bool = True) -> dict[str, Any]:
    """Return the figures of so many faults.

    Parameters
    ----------
    kills : int
        Faults of every kind together.
    seed : int
        What fails, and when.
    folder : Path
        An empty folder for everything that is written.
    twin : bool
        Whether a twin follows, and is killed too.
    """
    draw, done = random.Random(seed), Counter[str]()
    recovered: dict[str, list[float]] = {fault: [] for fault in FAULTS}
    faults = {name: share for name, share in FAULTS.items() if twin or name != "kill_twin"}
    with ExitStack() as stack:
        plant = Plant(folder, stack, twin=twin)
        plant.flows(time.monotonic())
        for number in range(kills):
            time.sleep(draw.uniform(0.05, 0.5))
            fault = draw.choices(list(faults), list(faults.values()))[0]
            began = time.monotonic()
            plant.fail(fault, draw)
            done[fault] += 1
            if fault == "kill_twin":
                recovered[fault].append(plant.follows(began))
            elif number == kills - 1 or draw.random() < 0.7:  # else the next fault meets one that isn't over
                recovered[fault].append(plant.flows(time.monotonic()))
        (folder / STOP).touch()
        codes = [process.wait(2 * TIMEOUT) for process in plant.gateways.values()]
        plant.ingest.stop()
        plant.follows(time.monotonic())
        late = plant.twin.told["counts"]["late"] if plant.twin is not None else 0
        if plant.twin is not None:
            plant.twin.stop()
    return {
        **checked(folder, entries(plant.data)),
        "faults": dict(done),
        "gateways_done": codes == [0] * len(GATEWAYS),
        "connections": plant.proxy.connections,
        **recovery(recovered),
        "journal_whole": verify(plant.data).ok,
        "late": late,
        **(identical(plant.data) if twin else {"state_bit_identical": None}),
    }


def recovery(recovered: dict[str, list[float]]) -> dict[str, Any]:
    """Return how long it took until readings flowed again, or the twin had them all [s]."""
    times = [seconds for found in recovered.values() for seconds in found]
    return {
        "recover_s_p50": round(statistics.median(times), 2),
        "recover_s_p95": share(times, 0.95),
        "recover_s_max": round(max(times), 2),
        "recover_s_p95_by_fault": {fault: share(found, 0.95) for fault, found in recovered.items() if found},
    }


def share(values: list[float], part: float) -> float:
    """Return the value that this part of all doesn't exceed, to hundredths."""
    return round(sorted(values)[min(len(values) - 1, int(part * len(values)))], 2)


def identical(data: Path) -> dict[str, Any]:
    """Return whether the twin's last state is that of one that was never killed, and how many instants it settled."""
    from twin.live import snapshots
    from twin.live.rerun import rerun
    from twin.plant import Plant as PlantOf
    from twin.shipped import path_of

    again = rerun(data, PlantOf.load(path_of("cooling_station")))
    last = snapshots.load(data, snapshots.entries(data)[-1])
    same = hashlib.sha256(last.state).hexdigest() == again.digest and not again.different
    return {"state_bit_identical": same, "snapshots_same": len(again.same), "instants": again.instants}


def checked(folder: Path, found: list[Entry]) -> dict[str, Any]:
    """Return what is wrong with what the gateways noted, as the journal has it."""
    figures = Counter(lost=0, duplicated=0, order_errors=0, values_wrong=0, batches=0, readings=0)
    for name in GATEWAYS:
        noted = {int(line) for line in (folder / f"{name}.notes").read_text().split()}
        mine = [entry for entry in found if entry.kind == "data" and entry.gateway == name]
        numbers = [entry.seq for entry in mine]
        figures["batches"] += len(mine)
        figures["lost"] += len(noted - set(numbers)) + sum(e.kind == "gap" and e.gateway == name for e in found)
        figures["duplicated"] += len(numbers) - len(set(numbers))
        figures["order_errors"] += sum(b != a + 1 for a, b in zip([0, *numbers], numbers, strict=False))
        for wrong, count in differences(name, mine):
            figures["values_wrong"] += wrong
            figures["readings"] += count
    return dict(figures)


def differences(name: str, mine: list[Entry]) -> Iterator[tuple[bool, int]]:
    """Yield for each batch whether its readings differ from what was put, and how many there are."""
    for entry in mine:
        got = rows_of(entry.body)[1]
        put = [row[1:] for row in rows(name, entry.seq)]
        yield [tuple(row[1:]) for row in got] != put, len(got)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        figures = crash(given.kills, given.seed, Path(folder))
        report({"kills": given.kills, "seconds": round(time.monotonic() - started, 1), **figures}, TARGETS)


if __name__ == "__main__":
    main()
