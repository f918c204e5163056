"""A first-order plant with its closed form, and short ways to its records, recordings and studies."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.plants import EQUIPMENT
from twin.calibrate.record import Record
from twin.calibrate.study import Study
from twin.calibrate.wanted import Begin, Free, Wanted, Window
from twin.plant import Plant

PLANT = """\
plant: follower
solver: {method: rk4, step: 100 ms}
assets:
  it: {is: follower, with: {first: 2, second: 1.5, lag: 5 s}}
tags:
  push: {reads: it.push, unit: cm, every: 1 s}
  aside: {reads: it.aside, unit: cm, every: 1 s}
  place: {reads: it.x, unit: cm, every: 1 s}
"""
RECORDING = """\
recording: followed
plant: follower.yaml
file: followed.csv
time: {columns: t, format: elapsed_s, start: "2024-01-01T00:00:00Z"}
columns: {push: {tag: push, unit: mm}, place: {tag: place, unit: mm}}
fit:
  score: [place]
  initialise: "5"
  free: {it.first: 20 %, it.lag: 2 s}
  start: {it.x: 50 cm}
"""
PERIOD = 1.0
NOISE = 0.02
"""Standard deviation of a reading [m]."""
GAIN, LAG = 3.6, 7.0
"""What the recorded machine is, where the plant file says 3 and 5 s."""


def plant(folder: Path, text: str = PLANT) -> Plant:
    """Write and load the plant."""
    (folder / "follower.yaml").write_text(text, encoding="utf-8")
    return Plant.load(folder / "follower.yaml", EQUIPMENT)


def pushes(rows: int, seed: int) -> np.ndarray:
    """Return an input that jumps every 15 rows [m]."""
    return np.repeat(np.random.default_rng(seed).uniform(-1.0, 1.0, rows // 15 + 1), 15)[:rows]


def followed(push: np.ndarray, times: np.ndarray, begin: float = 0.0, *, gain: float = GAIN, lag: float = LAG) -> Any:
    """Return the closed form at these times, each input held until the next time [m]."""
    found = np.empty(len(times))
    found[0] = begin
    for k, step in enumerate(np.diff(times)):
        end = gain * push[k]
        found[k + 1] = end + (found[k] - end) * np.exp(-step / lag)
    return found


def record(rows: int = 300, seed: int = 1, *, noise: float = NOISE, begin: float = 0.4) -> Record:
    """Return a record of the machine with independent noise."""
    times, push = PERIOD * np.arange(rows), pushes(rows, seed)
    place = followed(push, times, begin) + noise * np.random.default_rng([seed, 1]).standard_normal(rows)
    return Record("followed.csv", "0" * 64, 0, times, {"push": push, "place": place})


def wanted(**spreads: float) -> Wanted:
    """Return that these quantities of the plant are free, and its beginning."""
    free = tuple(Free(f"it.{name}", spread) for name, spread in spreads.items())
    return Wanted(("place",), Window(rows=5), free, (Begin("it.x", 0.5),))


def study(plant: Plant, *records: Record, **spreads: float) -> Study:
    """Return a study of these quantities."""
    return Study(plant, records, wanted(**(spreads or {"first": 0.4, "lag": 2.0})))


def written(folder: Path, made: Record, text: str = RECORDING, name: str = "followed") -> Path:
    """Write plant, recording and file of a record, in millimetres; return the recording's path."""
    plant(folder)
    columns = np.column_stack([made.times, *(1e3 * column for column in made.values.values())])
    rows = [",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in columns]
    (folder / f"{name}.csv").write_text("\n".join([",".join(("t", *made.values)), *rows, ""]), encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path
