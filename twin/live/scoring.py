"""How a twin did, from its history and its journal."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from twin.documents import Advisory
from twin.history.reader import History
from twin.journal.reader import Reader
from twin.protocol import rows

BAND = 1.959963984540054
LOCKED = 30
"""Instants in a row in which a locked-on twin agrees."""
NARROW = 3.0
"""Bands no wider than this many times an instrument's own are those of a twin that has found its plant."""
DEVIATION = "deviation"


class Score(NamedTuple):
    """What came of a run; see `twin.live.demo.Summary`."""

    source_s: float
    readings: int
    duplicated: int
    late: int
    lock_on_s: float | None
    detect_delay_s: float | None
    named: str
    false_advisories: int
    coverage: float | None
    coverage_before: float | None


def score(folder: Path, onset: float | None) -> Score:
    """Return how the twin of a data folder did; `onset` is when the fault began, from the first reading [s]."""
    readings, duplicated = _journaled(folder)
    with History(folder) as history:
        kept = list(history.rows())
        changes = history.changes()
        standing = history.standing()
        noise = np.array(history.about("noise") or [np.inf])
    if not kept:
        return Score(0.0, readings, duplicated, 0, None, None, "", 0, None, None)
    times = np.array([r.time for r in kept]) - kept[0].time
    tags = kept[0].reading.size
    read = np.array([r.reading for r in kept])
    expected = np.array([r.expected[:tags] for r in kept])
    deviation = np.array([r.deviation[:tags] for r in kept])
    inside = np.where(np.isfinite(read), np.abs(read - expected) <= BAND * deviation, np.nan)
    locked = _locked(inside, deviation / noise)
    first = kept[0].time
    told = [c for c in changes if c.subject == DEVIATION and c.cause == "raised"]
    edge = np.inf if onset is None else onset
    after = [c.time - first - edge for c in told if c.time - first >= edge]
    before = times < edge
    healthy = before & (np.arange(times.size) >= (locked if locked is not None else 0))
    return Score(
        float(times[-1]), readings, duplicated, _late(folder), None if locked is None else float(times[locked]),
        after[0] if after else None, named(standing), sum(c.time - first < edge for c in told),
        _mean(inside), _mean(inside[healthy]),
    )  # fmt: skip


def _mean(inside: np.ndarray) -> float | None:
    return float(np.nanmean(inside)) if inside.size and np.isfinite(inside).any() else None


def _journaled(folder: Path) -> tuple[int, int]:
    """Return how many readings the journal has, and how many it has twice."""
    count, twice, seen = 0, 0, set()
    with Reader.open(folder) as reader:
        after = 0
        while entries := reader.entries(after):
            after = entries[-1].id
            for entry in entries:
                if entry.kind == "data":
                    held = rows(entry.body)[1]
                    count += len(held)
                    twice += len(held) if (entry.gateway, entry.run, entry.seq) in seen else 0
                    seen.add((entry.gateway, entry.run, entry.seq))
    return count, twice


def _late(folder: Path) -> int:
    try:
        status = msgspec.json.decode((folder / "twin.json").read_bytes())
        return int(status["counts"]["late"])
    except (OSError, KeyError, TypeError, msgspec.DecodeError):
        return 0


def _locked(inside: np.ndarray, width: np.ndarray) -> int | None:
    """Return the first instant from which bands of the instruments' order hold nine readings in ten for half a minute.

    Parameters
    ----------
    width : (instants, tags)
        Standard deviation of a reading about what is expected, in those of the instrument alone.
    """
    narrow: np.ndarray = np.all(width <= NARROW, axis=1)
    for k in range(len(inside) - LOCKED):
        if narrow[k] and np.nanmean(inside[k : k + LOCKED]) >= 0.9:
            return k
    return None


def named(standing: Sequence[Advisory]) -> str:
    """Return what the standing advisory about a deviation calls it."""
    for advisory in standing:
        if advisory.key == DEVIATION:
            values = advisory.values
            if advisory.code == "fault":
                return str(msgspec.json.decode(str(values["fault"]))[0])
            if advisory.code == "fault_candidates":
                return " or ".join(str(found[1]) for found in msgspec.json.decode(str(values["candidates"])))
            return str(values["tag"]) if advisory.code == "sensor" else advisory.code
    return ""
