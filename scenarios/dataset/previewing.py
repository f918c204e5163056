"""The preview of a data set: one run of each class and sensor fault, and what making all of it would come to."""

import time
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from scenarios.dataset.drawing import Draws, Lot
from scenarios.dataset.loading import load
from scenarios.dataset.making import check_enough, size
from scenarios.dataset.measuring import MISSING
from scenarios.dataset.preview_page import preview_page
from scenarios.dataset.simulating import Rows, Simulated, Simulation, remaining, warmed
from scenarios.dataset.spec import SPLITS, Spec
from scenarios.words import LANGUAGES
from scenarios.writing import whole_file
from twin.cli.arguments import print_json
from twin.errors import DataError

SCANNED = 4096
"""Runs that are drawn at a time, until one of each class is found."""
TELLING = 3
"""Channels that are drawn of a run."""


class Shown(NamedTuple):
    """One run to be drawn.

    Attributes
    ----------
    name : str
        Of the class, or of the sensor fault where `sensor`.
    drawn : dict
        What was drawn of the run; empty where no run of the data set is of this kind.
    channels : tuple of int
        Those that are drawn, the most telling first.
    signals, truth, sound, sensor_fault : numpy.ndarray
        In the channels' units, shape (rows, channels); `sound` is the truth of the same run without its fault.
    severity, mode, life : numpy.ndarray
        Labels, shape (rows,).
    failure : str
        Why there are no numbers.
    """

    name: str
    sensor: bool
    drawn: dict[str, float]
    channels: tuple[int, ...] = ()
    signals: np.ndarray = np.empty((0, 0))
    truth: np.ndarray = np.empty((0, 0))
    sound: np.ndarray = np.empty((0, 0))
    sensor_fault: np.ndarray = np.empty((0, 0))
    severity: np.ndarray = np.empty(0)
    mode: np.ndarray = np.empty(0)
    life: np.ndarray = np.empty(0)
    failure: str = ""


class Preview(NamedTuple):
    """What a data set will be like: its runs by split and class, its bytes at most, and some of its runs.

    Attributes
    ----------
    rows_per_s : float
        Rows of runs that were simulated in a second of one core: of the wall clock, so nothing that is written has it.
    """

    spec: Spec
    runs: int
    counts: dict[str, dict[str, int]]
    size: int
    shown: tuple[Shown, ...]
    rows_per_s: float


def run(path: Path, out: Path, seed: int | None, extra: Path | None, as_json: bool) -> int:
    """Write the preview of a specification as pages, and say what making all of it comes to; return the exit code."""
    spec = load(path, extra)
    found = previewed(spec, spec.seed if seed is None else seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"{out}: can't be made: {err.strerror}; give another --out") from None
    for language in LANGUAGES:
        whole_file(out / f"preview.{language}.html", preview_page(found, language).encode())
    seconds = found.runs * spec.rows / found.rows_per_s
    click.echo(f"{found.runs} runs of {spec.rows} rows, {len(spec.channels)} channels")
    for split, counts in found.counts.items():
        if total := sum(counts.values()):
            click.echo(f"  {split} {total}: " + ", ".join(f"{name} {n}" for name, n in counts.items() if n))
    click.echo(f"at most {found.size / 2**20:.0f} MiB; about {_said(seconds)} of one core, by the preview's own speed")
    for each in found.shown:
        if not each.drawn:
            click.echo(f"{each.name}: none of the runs is of this kind; make more, or give it a greater share")
        elif each.failure:
            click.echo(f"{each.name}: the physics went wrong: {each.failure}; `make` tries it again, more exactly")
    click.echo(str(out / "preview.en.html"))
    if as_json:
        print_json({"runs": found.runs, "counts": found.counts, "bytes": found.size, "core_seconds": seconds})
    return 0


def _said(seconds: float) -> str:
    return f"{seconds / 3600.0:.1f} h" if seconds >= 5400.0 else f"{max(seconds / 60.0, 0.1):.1f} min"


def previewed(spec: Spec, seed: int) -> Preview:
    """Return what a data set of a specification will be like.

    Raises
    ------
    PlantError
        If it has too few runs for its splits.
    """
    lot = Lot(spec, spec.runs, seed)
    check_enough(spec, lot)
    kinds = [(False, code, name) for code, name in enumerate(spec.classes)]
    kinds += [(True, code, fault.name) for code, fault in enumerate(spec.sensor_faults, 1)]
    numbers = _found(lot, [(sensor, code) for sensor, code, _ in kinds])
    there = [number for number in numbers if number is not None]
    draws = joined([lot.draws(number, 1) for number in there])
    warmed(spec, "families", lambda _: None)
    simulation = Simulation(spec, lot, joined([draws, sound(draws)]))
    began = time.monotonic()  # by now everything is compiled
    rows, end = simulated(simulation)
    rate = 2 * draws.count * spec.rows / (time.monotonic() - began)
    shown, place = [], 0
    for (sensor, _, name), number in zip(kinds, numbers, strict=True):
        if number is None:
            shown.append(Shown(name, sensor, {}))
            continue
        own, count = draws.picked(np.array([place])), draws.count
        shown.append(_shown(spec, name, sensor, own, rows=rows, end=end, place=place, count=count))
        place += 1
    table = zip(SPLITS, lot.counts.tolist(), strict=True)
    counts = {split: dict(zip(spec.classes, row, strict=True)) for split, row in table}
    return Preview(spec, lot.runs, counts, size(spec, lot.runs), tuple(shown), rate)


def _found(lot: Lot, kinds: list[tuple[bool, int]]) -> list[int | None]:
    """Return the number of a run of each kind, one in which nothing else goes wrong if there is any."""
    pure: dict[tuple[bool, int], int] = {}
    any_: dict[tuple[bool, int], int] = {}
    for first in range(0, lot.runs, SCANNED):
        draws = lot.draws(first, SCANNED)
        for sensor, code in kinds:
            own, other = (draws.sensor_fault, draws.fault) if sensor else (draws.fault, draws.sensor_fault)
            for where, found in ((own == code, any_), ((own == code) & (other == 0), pure)):
                if (sensor, code) not in found and where.any():
                    found[sensor, code] = first + int(where.argmax())
    return [pure.get(kind, any_.get(kind)) for kind in kinds]


def joined(pieces: list[Draws]) -> Draws:
    """Return runs together."""
    return Draws(**{f.name: np.concatenate([getattr(piece, f.name) for piece in pieces]) for f in fields(Draws)})


def sound(draws: Draws) -> Draws:
    """Return the same runs, had nothing gone wrong with their equipment."""
    return replace(
        draws, fault=np.zeros_like(draws.fault), severity=np.zeros_like(draws.severity),
        onset=np.full_like(draws.onset, np.inf), over=np.ones_like(draws.over),
    )  # fmt: skip


def simulated(simulation: Simulation) -> tuple[Rows, Simulated]:
    """Return all rows of some runs, and how they ended."""
    pieces = list(simulation.rows())
    names = [name for name in Rows._fields if name != "first"]
    whole = {name: np.concatenate([getattr(piece, name) for piece in pieces], axis=1) for name in names}
    return Rows(first=0, **whole), simulation.end()


def _shown(
    spec: Spec, name: str, sensor: bool, draws: Draws, *, rows: Rows, end: Simulated, place: int, count: int
) -> Shown:
    """Return a run that was simulated at `place`, its sound twin `count` further on."""
    drawn = {f.name: getattr(draws, f.name)[0].item() for f in fields(Draws)}
    if place in end.failures:
        return Shown(name, sensor, drawn, failure=end.failures[place])
    twin = place if place + count in end.failures else place + count
    truth, other = rows.clean[place], rows.clean[twin]
    signals = np.where(rows.quality[place] == MISSING, np.nan, rows.signals[place])
    channels = _telling(spec, signals, truth, other, 0 if not sensor else int(draws.sensor_fault[0]))
    known = [h.time for h in end.happenings if h.member == place and h.name in spec.ends]
    times = np.arange(len(truth)) * spec.every
    return Shown(
        name, sensor, drawn, channels, signals, truth, other, rows.sensor_fault[place],
        rows.severity[place], rows.mode[place], remaining(known, times),
    )  # fmt: skip


def _telling(spec: Spec, signals: np.ndarray, truth: np.ndarray, other: np.ndarray, code: int) -> tuple[int, ...]:
    """Return the channel that is faulty; or those in which a fault shows most, as multiples of their noise."""
    if code:
        return (spec.sensor_faults[code - 1].channel,)
    noise = np.array([np.nanstd(e) if np.isfinite(e).any() else 0.0 for e in (signals - truth).T])
    least = 1e-3 * np.maximum(np.ptp(other, axis=0), 1e-6 * np.abs(other).max(axis=0) + 1e-300)
    told = np.abs(truth - other).max(axis=0) / np.maximum(noise, least)
    if not told.any():
        told = np.ptp(truth, axis=0) / np.maximum(noise, least)
    return tuple(np.argsort(-told, kind="stable")[:TELLING].tolist())
