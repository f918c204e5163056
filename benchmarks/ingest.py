"""How much ingest takes while a twin follows: readings a second, how soon they are acknowledged, how far the twin is.

Four gateways, each a process, offer 100,000 readings a second in all, then as many as are taken. CURVE is on, every
batch is on disk before it is acknowledged, and the twin of a cooling station reads the same journal: 18 tags of it are
among the readings, at 100 Hz, beside 800 of other equipment. Then the same gateways send to a bare ROUTER with CURVE.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from benchmarks.measures.ingest_sender import NAMES
from benchmarks.processes import Follower, Ingest, until
from benchmarks.report import REPOSITORY, report
from twin.history.reader import FILE
from twin.ingest import keys
from twin.journal.check import verify
from twin.journal.reader import Reader

OFFERED = 102_000.0
"""Readings a second."""
BATCH = {"steady": 1000, "burst": 5000}
WARM, BURST, PAUSE = 10.0, 10.0, 2.0
"""Before anything is measured, of the burst, and between phases [s]."""
LAG = 2.0
"""What the plant's file declares [s]."""
TARGETS = {
    "readings_per_s": (">=", 100_000.0), "burst_readings_per_s": (">=", 500_000.0), "ack_p99_ms": ("<=", 100.0),
    "twin_lag_s_p95": ("<=", 1.0), "rss_growth_mib": ("<=", 5.0), "journal_whole": ("is", True),
}  # fmt: skip


class Watch:
    """Looks ten times a second how much memory ingest holds, and how far behind the newest reading the twin is."""

    def __init__(self, data: Path, ingest: Ingest, begin: float, end: float) -> None:
        self.data, self.ingest, self.begin, self.end = data, ingest, begin, end
        self.memory: list[float] = []
        self.head: list[float] = []
        self.settled: list[float] = []
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self) -> None:
        with closing(sqlite3.connect(f"file:{self.data / FILE}?mode=ro", uri=True)) as history:
            while (now := time.monotonic()) < self.end:
                if now >= self.begin:
                    self.memory.append(self.ingest.memory())
                    (settled,) = history.execute("select max(time) from instants").fetchone()
                    self.settled.append(time.time() - settled / 1e6 - LAG)
                    self.head.append(self._head())
                time.sleep(0.1)

    def _head(self) -> float:
        """Return how far the newest reading that the twin has taken is behind; as of when it said so, if lately."""
        file = self.data / "twin.json"
        said = json.loads(file.read_text())
        written = file.stat().st_mtime
        return float((written if time.time() - written < 1.5 else time.time()) - said["newest"])

    def figures(self) -> dict[str, float]:
        """Return what was seen; the settled state is by design up to a second further behind than its lag."""
        return {
            "twin_lag_s_p95": round(quantile(self.head, 0.95), 2),
            "settled_lag_s_p50": round(quantile(self.settled, 0.5), 2),
            "settled_lag_s_p95": round(quantile(self.settled, 0.95), 2),
            "rss_mib": round(max(self.memory), 1),
            "rss_growth_mib": round(max(self.memory) - self.memory[0], 2),
        }


def started(folder: Path, address: str, phases: list[tuple[float, float, float, int]]) -> "list[subprocess.Popen[str]]":
    """Start the gateways; the times of their phases are monotonic [s], their rates are of all of them together."""
    mine = json.dumps([(begin, seconds, rate / len(NAMES), size) for begin, seconds, rate, size in phases])
    return [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.measures.ingest_sender", folder / f"{name}.key", address, name, mine],
            stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )
        for name in NAMES
    ]  # fmt: skip


def told(senders: "list[subprocess.Popen[str]]") -> list[list[dict[str, Any]]]:
    """Return what every gateway says of each phase."""
    said = [sender.communicate(timeout=600)[0] for sender in senders]
    assert [sender.returncode for sender in senders] == [0] * len(senders)
    return [list(phase) for phase in zip(*map(json.loads, said), strict=True)]


def per_second(phase: list[dict[str, Any]], seconds: float) -> int:
    """Return how many readings were acknowledged in each second of a phase."""
    return round(sum(int(sender["acknowledged"]) for sender in phase) / seconds)


def quantile(values: list[float], share: float) -> float:
    """Return the value that this share of all doesn't exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Return the figures of ingest with a twin behind it."""
    data = folder / "data"
    for name in NAMES:
        keys.new(data, name, folder)
    with ExitStack() as stack:
        ingest = stack.enter_context(Ingest(data))
        twin = stack.enter_context(Follower(data))
        began = time.monotonic() + 2.0
        steady, burst = began + WARM, began + WARM + seconds + PAUSE
        senders = started(
            folder, ingest.address,
            [
                (began, WARM, OFFERED, BATCH["steady"]), (steady, seconds, OFFERED, BATCH["steady"]),
                (burst, BURST, 0.0, BATCH["burst"]),
            ],
        )  # fmt: skip
        until(lambda: (data / FILE).exists() and twin.ready() and twin.told["settled"] > 0, 60)
        used, since = [processor_time(ingest.pid), processor_time(twin.pid)], time.monotonic()
        watch = Watch(data, ingest, steady, steady + seconds)
        watch.thread.join()
        elapsed = time.monotonic() - since
        used = [(processor_time(p.pid) - t) / elapsed for p, t in zip((ingest, twin), used, strict=True)]
        _, held, fast = told(senders)
        sent = time.monotonic()
        with Reader.open(data) as reader:
            last = reader.last()
        twin.reaches(last, 600)
        caught_up = time.monotonic() - sent
        status, late = ingest.status(), twin.told["counts"]["late"]
        twin.stop()
        ingest.stop()
    return {
        **of_steady(held, seconds),
        **watch.figures(),
        "late": late,
        "ingest_cpu_share": round(used[0], 3),
        "twin_cpu_share": round(used[1], 3),
        "burst_readings_per_s": per_second(fast, BURST),
        "burst_ack_p99_ms": round(1e3 * quantile([w for sender in fast for w in sender["waits"]], 0.99), 1),
        "twin_caught_up_s": round(caught_up, 1),
        "refused": sum(count for code, count in status["counts"].items() if code.startswith("refused")),
        "journal_whole": verify(data).ok,
    }


def of_steady(held: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what the gateways saw while they offered a fixed rate."""
    waits = [wait for sender in held for wait in sender["waits"]]
    return {
        "readings_per_s": per_second(held, seconds),
        "offered_per_s": round(sum(sender["offered"] for sender in held) / seconds),
        "sender_behind_s_max": round(max(sender["behind_s"] for sender in held), 2),
        "ack_p50_ms": round(1e3 * quantile(waits, 0.5), 1),
        "ack_p99_ms": round(1e3 * quantile(waits, 0.99), 1),
        "ack_ms_max": round(1e3 * max(waits), 1),
    }


def processor_time(pid: int) -> float:
    """Return how long a process has computed [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(folder: Path) -> int:
    """Return how many readings a second a bare ROUTER acknowledges."""
    router = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.measures.bare_router", folder / "data"],
        stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    try:
        assert router.stdout is not None
        address = router.stdout.readline().strip()
        (phase,) = told(started(folder, address, [(time.monotonic() + 2.0, BURST, 0.0, BATCH["burst"])]))
    finally:
        router.kill()
        router.wait()
    return per_second(phase, BURST)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the steady phase")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), given.seconds)
        raw = bare(Path(folder))
        share = round(figures["burst_readings_per_s"] / raw, 3)
        load = round(os.getloadavg()[0], 1)
        more = {"raw_zmq_readings_per_s": raw, "share_of_raw_zmq": share, "load_average": load}
        report({"seconds": given.seconds, **figures, **more}, TARGETS)


if __name__ == "__main__":
    main()
