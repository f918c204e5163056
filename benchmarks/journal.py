"""How fast batches of 1,000 readings become durable, what a reading takes on disk, and how fast all is checked."""

import tempfile
import time
from pathlib import Path
from statistics import quantiles

from benchmarks.report import report
from twin.journal import Draft, Journal, Reader, follow, prune, verify
from twin.protocol import batch, rows

TARGETS = {"appends_per_s": (">=", 1600.0), "bytes_per_reading": ("<=", 22.0), "open_s": ("<=", 1.0)}
BATCHES, READINGS = 5000, 1000
T0 = 1_772_366_400_000_000


def drafts() -> list[Draft]:
    """Return batches as a gateway with 50 tags sends them."""
    made = []
    for seq in range(1, BATCHES + 1):
        at = T0 + seq * 1_000_000
        body = batch(seq, [(i % 50, at + i * 1000, 20.0 + 0.37 * i + seq, 0) for i in range(READINGS)])
        made.append(Draft("data", "gateway-1", 77, seq, at, at, body))
    return made


def fill(folder: Path, given: list[Draft]) -> dict[str, float]:
    """Append every batch on its own, as the slowest case is, and time each."""
    times = []
    with Journal.open(folder, reserve=0) as journal:
        began = time.perf_counter()
        for draft in given:
            at = time.perf_counter()
            journal.append([draft])
            times.append(time.perf_counter() - at)
        whole = time.perf_counter() - began
    cuts = quantiles(times, n=1000)
    return {
        "appends_per_s": len(given) / whole, "readings_per_s": len(given) * READINGS / whole,
        "append_ms_p50": 1e3 * cuts[499], "append_ms_p99": 1e3 * cuts[989], "append_ms_max": 1e3 * max(times),
        "bytes_per_reading": (folder / "journal.sqlite").stat().st_size / len(given) / READINGS,
        "bytes_of_a_frame_per_reading": len(given[0].body) / READINGS,
    }  # fmt: skip


def read(folder: Path) -> dict[str, float]:
    """Check everything, then read it as the twin does, with and without decoding."""
    began = time.perf_counter()
    found = verify(folder)
    took = time.perf_counter() - began
    assert found.ok, found
    figures = {"verify_mb_per_s": found.bytes / took / 1e6, "verify_entries_per_s": found.whole / took}
    with Reader.open(folder) as reader:
        began = time.perf_counter()
        number = sum(len(entries) for entries in follow(reader, 0, done=lambda: True))
        figures["read_entries_per_s"] = number / (time.perf_counter() - began)
        began = time.perf_counter()
        readings = sum(len(rows(e.body)[1]) for entries in follow(reader, 0, done=lambda: True) for e in entries)
        figures["decoded_readings_per_s"] = readings / (time.perf_counter() - began)
    return figures


def forget(folder: Path) -> dict[str, float]:
    """Prune half, in calls as short as they can be."""
    times = []
    with Journal.open(folder, reserve=0) as journal:
        began = time.perf_counter()
        left = 1
        while left:
            at = time.perf_counter()
            left = prune(journal, journal.last() // 2, seconds=0.0, spare=0)
            times.append(time.perf_counter() - at)
        whole = time.perf_counter() - began
    return {"prune_entries_per_s": BATCHES / 2 / whole, "prune_ms_max": 1e3 * max(times), "prune_calls": len(times)}


def main() -> None:
    """Measure and print."""
    given = drafts()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "data"
        figures = fill(folder, given)
        many = Path(parent) / "many"
        with Journal.open(many, reserve=0) as journal:
            began = time.perf_counter()
            for at in range(0, BATCHES, 32):
                journal.append(given[at : at + 32])
            figures["readings_per_s_by_32"] = BATCHES * READINGS / (time.perf_counter() - began)
        began = time.perf_counter()
        Journal.open(folder, reserve=0).close()
        figures["open_s"] = time.perf_counter() - began
        figures |= read(folder) | forget(folder)
    report({name: round(value, 4) for name, value in figures.items()}, TARGETS)


if __name__ == "__main__":
    main()
