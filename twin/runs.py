"""A plant run from rest: an ensemble driven in windows, its instruments read, documents put into sinks."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from twin.documents import Column, Document, Ending, Frame, Happening, Schema, Sink, Start, Stop
from twin.ensemble import Ensemble, Samples
from twin.errors import PlantError, SimulationError
from twin.plant import Plant, Tag
from twin.sensors import Carry, readings
from twin.streams import member_seeds
from twin.summary import Summary, Tally
from twin.units import from_si

LONGEST_WINDOW = 60.0
"""Simulated time between two looks at the keyboard, where sampling allows [s]."""
WINDOWS = 100
"""At least so many windows a run, where sampling allows: progress is shown once each."""
MOST_ROWS = 2**22
"""Numbers that a window may sample, for all tags and members."""

Put = Callable[[Document], None]


class Scale(NamedTuple):
    """How a number in SI becomes one in a tag's unit: ``factor * x + offset``."""

    factor: float
    offset: float

    @classmethod
    def of(cls, declared: str, wanted: str) -> "Scale":
        """Return the scale between two units; units like degC have an offset."""
        if declared == wanted:
            return cls(1.0, 0.0)
        offset = from_si(0.0, declared, wanted)
        far = 2.0**20  # far from zero, so that the difference loses no digits
        return cls((from_si(far, declared, wanted) - offset) / far, offset)

    def __call__(self, si: Any) -> Any:
        """Return numbers in SI as numbers in the unit."""
        return si if self == (1.0, 0.0) else self.factor * si + self.offset


class Instruments:
    """The tags of a plant as instruments: from samples of the truth to frames of readings."""

    def __init__(self, plant: Plant, members: int, seed: int) -> None:
        self._seeds = member_seeds(seed, members)
        self._tags = plant.tags
        self._scales = {n: Scale.of(plant.quantity(t.reads).unit, t.unit) for n, t in plant.tags.items()}
        self._carries: dict[str, Carry] = {}
        periods = sorted({tag.every for tag in plant.tags.values()})
        self.schemas = tuple(Schema(_stream(p), p, self._columns(plant, p)) for p in periods)

    def _columns(self, plant: Plant, period: float) -> tuple[Column, ...]:
        def column(tag: Tag) -> Column:
            scale = self._scales[tag.name]
            low, high = plant.limits.get(tag.name, (-np.inf, np.inf))
            doc = plant.quantity(tag.reads).doc
            return Column(tag.name, tag.unit, tag.reads, doc, float(scale(low)), float(scale(high)))

        return tuple(column(tag) for tag in plant.tags.values() if tag.every == period)

    def frame(self, samples: Samples) -> Frame:
        """Return what the instruments show of `samples`, in the tags' units."""
        period = self._tags[samples.tags[0]].every
        first = round(float(samples.times[0]) / period)
        truth, value = np.empty_like(samples.values), np.empty_like(samples.values)
        quality = np.empty(samples.values.shape, np.uint32)
        for i, name in enumerate(samples.tags):
            scale = self._scales[name]
            zero = 0.0 - scale.offset / scale.factor
            shown = readings(
                self._tags[name], samples.values[i], first, self._seeds, self._carries.get(name), zero=zero
            )
            truth[i], value[i], quality[i] = scale(samples.values[i]), scale(shown.value), shown.quality
            self._carries[name] = shown.carry
        return Frame(_stream(period), first, samples.times, value, truth, quality)


def run(
    plant: Plant,
    until: float,
    *,
    seed: int = 1,
    members: int = 1,
    sinks: Sequence[Sink] = (),
    overrides: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
    ensemble: Ensemble | None = None,
    **options: Any,
) -> Summary:
    """Run `plant` from rest to `until` [s], putting every document into the sinks.

    Ctrl-C ends the run after the window in hand: the sinks get a `Stop` that says ``interrupted``, and the
    summary is that of what was done. A second Ctrl-C is a KeyboardInterrupt.

    Parameters
    ----------
    seed : int
        What every random number derives from.
    members : int
        Machines simulated at once; they differ in their instruments' noise alone.
    overrides : mapping
        What was changed in the plant before, for the record only.
    progress : callable
        Called with the simulated time after every window.
    ensemble : Ensemble, optional
        A compiled plant at rest; compiled with `options` where omitted.

    Raises
    ------
    SimulationError
        If the numbers stop meaning anything; by then the sinks have got all that came before, and a `Stop`.
    """
    if not 0.0 < until < np.inf:
        raise PlantError(f"{plant.name}: can't run for {until:g} s; give a positive time")
    machines = ensemble or Ensemble(plant, members, **options)
    instruments = Instruments(plant, machines.members, seed)
    tally = Tally()
    put = _to([*sinks, tally])
    put(Start(plant.name, plant.text, seed, machines.members, until, dict(overrides or {})))
    for schema in instruments.schemas:
        put(schema)
    started = perf_counter()
    _drive(machines, instruments, until, put, progress)
    return tally.summary(perf_counter() - started)


def _to(sinks: Sequence[Sink]) -> Put:
    def put(document: Document) -> None:
        for sink in sinks:
            sink.put(document)

    return put


def _drive(
    machines: Ensemble, instruments: Instruments, until: float, put: Put, progress: Callable[[float], None]
) -> None:
    """Advance to `until` or Ctrl-C, putting frames, happenings and a `Stop`."""
    ending: Ending = "done"
    message = ""
    with _interruptible() as interrupted:
        try:
            for end in windows(machines.plant, machines.members, until):
                machines.advance(end)
                _emit(machines, instruments, put)
                progress(end)
                if interrupted.is_set() and end < until:
                    ending, message = "interrupted", "stopped by Ctrl-C"
                    break
        except SimulationError as err:
            _emit(machines, instruments, put)
            put(Stop(machines.time, "failed", str(err)))
            raise
        put(Stop(machines.time, ending, message))


def _emit(machines: Ensemble, instruments: Instruments, put: Put) -> None:
    for samples in machines.take_samples():
        put(instruments.frame(samples))
    for time, member, name in machines.take_happenings():
        put(Happening(time, member, name))


def windows(plant: Plant, members: int, until: float) -> Iterator[float]:
    """Yield the ends of the windows in which a run is done, the last one `until`.

    They fall on samples of the fastest tags, where the solver stops anyway, and depend on nothing but the
    arguments: a run's bits don't depend on who watches it.
    """
    longest = min(LONGEST_WINDOW, until / WINDOWS)
    if not plant.tags:
        count = max(round(until / longest), 1)
        yield from (until * i / count for i in range(1, count))
    else:
        period = min(tag.every for tag in plant.tags.values())
        most = MOST_ROWS / (len(plant.tags) * members)
        rows = max(int(min(longest / period, most)), 1)
        index = rows
        while index * period < until:
            yield index * period
            index += rows
    yield until


def _stream(period: float) -> str:
    return f"every_{period:.12g}_s"


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that no document is lost half way; restore the handler at the end."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event  # only the main thread gets signals
        return
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    signal.signal(signal.SIGINT, note)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
