"""What cleaning 100,000 readings a second takes of a core, in blocks of several sizes; how fast a file is read."""

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import report
from twin.clean.block import BAD, Block
from twin.clean.cleaner import Cleaner
from twin.clean.reader import blocks
from twin.clean.recipe import Range, Recipe, Spike, Steps, Stuck
from twin.clean.recording import Recording

RATE = 100_000
CASES = {
    "8_tags_of_5000": (8, 5000),
    "1000_tags_of_5000": (1000, 5000),
    "100_tags_of_1000": (100, 1000),
    "8_tags_of_200": (8, 200),
    "100_tags_of_100": (100, 100),
}
TARGETS = {f"percent_{name}": ("<=", 25.0) for name in CASES}
ROWS = 200_000
NOT_ACCURATE = 0x40930000


def simple(tags: int) -> Recipe:
    """Return a recipe of range, stuck and spike for each tag."""
    stuck, spike = Stuck(20, 10_000_000, NOT_ACCURATE, ()), Spike(7, 3.0, 1e4, NOT_ACCURATE)
    return Recipe(
        tuple(Steps(f"T{n}", "Pa", "bar", range=Range(0.0, 6e5, BAD), stuck=stuck, spike=spike) for n in range(tags))
    )


def share(tags: int, size: int) -> float:
    """Return the share of a core that 100,000 readings a second take, in percent: the best of five."""
    rng, engine = np.random.default_rng(0), Cleaner(simple(tags))
    value = 3.0 + 0.05 * rng.normal(size=RATE)
    value[rng.random(RATE) < 1e-3] = 99.0
    whole = Block.of(np.arange(RATE) % tags, np.arange(RATE) * 10, value)
    taken = []
    for turn in range(5):
        later = whole._replace(time=whole.time + turn * 10**9)
        parts = [later.part(slice(n, n + size)) for n in range(0, RATE, size)]
        began = time.process_time()
        for part in parts:
            engine.put(part)
        taken.append(time.process_time() - began)
    return 100.0 * min(taken)


def reading(folder: Path) -> dict[str, float]:
    """Read a file like those of SKAB, with eight tags."""
    recording = Recording.load("skab", folder / "f.csv")
    times = np.datetime_as_string(np.datetime64("2020-01-01T00:00:00") + np.arange(ROWS)).tolist()
    values = np.random.default_rng(0).normal(5.0, 1.0, (ROWS, 8))
    with recording.file.open("w") as file:
        file.write(";".join(["datetime", *(column.name for column in recording.columns)]) + "\n")
        file.writelines(
            f"{at.replace('T', ' ')};{';'.join(f'{v:.5f}' for v in row)}\n"
            for at, row in zip(times, values, strict=True)
        )
    began = time.process_time()
    count = sum(block.tag.size for block in blocks(recording))
    taken = time.process_time() - began
    return {"csv_readings_per_s": count / taken, "csv_mb_per_s": recording.file.stat().st_size / taken / 1e6}


if __name__ == "__main__":
    figures = {f"percent_{name}": round(share(*case), 1) for name, case in CASES.items()}
    with tempfile.TemporaryDirectory() as folder:
        figures |= {name: round(value, 1) for name, value in reading(Path(folder)).items()}
    report(figures, TARGETS)
