"""A plant run from rest: an ensemble driven in windows, its instruments read, documents put into sinks."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from queue import Empty, SimpleQueue
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
MOST_STEPS = 2**24
"""Steps of the solver's own size that a window may take, for all assets and members, where sampling allows."""
PATIENCE = 0.5
"""How long a window may go on after Ctrl-C before it is abandoned [s]."""
LONGEST_RUN = 1e9
"""Longest run [s], some 30 years: beyond it, time has no microseconds left."""
MOST_SEED = 2**64 - 1

WINDOW_THREAD = "twin window"
"""Name of the thread in which windows are computed; at its end a run that was interrupted may leave it behind."""

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

    def __init__(self, plant: Plant, members: int, seed: int, *, seeds: np.ndarray | None = None) -> None:
        self._seeds = member_seeds(seed, members) if seeds is None else seeds
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

    Ctrl-C, SIGTERM and SIGHUP end the run after the window in hand, with a `Stop` that says ``interrupted``.
    A window that takes longer than `PATIENCE` from then on is abandoned: the run ends where it began, and the
    ensemble is of no further use. A second Ctrl-C is a KeyboardInterrupt.

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
    if not 0.0 < until <= LONGEST_RUN:
        raise PlantError(f"{plant.name}: can't run for {until:g} s; give a positive time up to {LONGEST_RUN:g} s")
    if not 0 <= seed <= MOST_SEED:
        raise PlantError(f"{plant.name}: seed {seed} is out of range; give one from 0 to {MOST_SEED}")
    machines = ensemble or Ensemble(plant, members, seeds=member_seeds(seed, members), **options)
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
    reached = machines.time
    with _interruptible() as interruption, _aside(interruption) as finish:
        try:
            machines.advance(reached)  # what is compiled at the first call is compiled here
            _emit(machines, instruments, put)
            for end in windows(machines.plant, machines.members, until):
                if not finish(partial(machines.advance, end)):
                    ending = "interrupted"
                    break
                _emit(machines, instruments, put)
                reached = end
                progress(end)
                if interruption.signal and end < until:
                    ending = "interrupted"
                    break
        except SimulationError as err:
            _emit(machines, instruments, put)
            put(Stop(machines.time, "failed", str(err)))
            raise
        put(Stop(reached, ending, f"stopped by {interruption.signal}" if ending == "interrupted" else ""))


def _emit(machines: Ensemble, instruments: Instruments, put: Put) -> None:
    for samples in machines.take_samples():
        put(instruments.frame(samples))
    for time, member, name in machines.take_happenings():
        put(Happening(time, member, name))


def windows(plant: Plant, members: int, until: float) -> Iterator[float]:
    """Yield the ends of the windows in which a run is done, the last one `until`.

    They fall on samples of the fastest tags, where the solver stops anyway, and depend on nothing but the
    arguments: a run's bits don't depend on who watches it, nor on how fast the machine is.
    """
    longest = min(LONGEST_WINDOW, until / WINDOWS, MOST_STEPS * plant.solver.step / (members * len(plant.assets)))
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


class _Interruption:
    """What asked the run to end; nothing so far."""

    signal = ""


@contextmanager
def _interruptible() -> Iterator[_Interruption]:
    """Note signals instead of dying of them, so that no document is lost half way; restore handlers at the end."""
    interruption = _Interruption()
    if not _hears_signals():
        yield interruption
        return

    def note(number: int, frame: Any) -> None:
        # A closing terminal or a service manager may ask twice; only a person who is at the keyboard means it.
        if interruption.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        interruption.signal = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [n for n, handler in before.items() if handler is not signal.SIG_IGN or n == signal.SIGINT]
    for number in taken:
        signal.signal(number, note)
    try:
        yield interruption
    finally:
        for number in taken:
            signal.signal(number, before[number])


_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _hears_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


Call = Callable[[], Any]


@contextmanager
def _aside(interruption: _Interruption) -> Iterator[Callable[[Call], bool]]:
    """Give a function that makes a call, and returns whether it came to its end before patience did.

    The call is made in a thread of its own: Python hears no signal while compiled code runs in the main one.
    """
    if not _hears_signals():
        yield lambda call: (call(), True)[1]
        return
    calls: SimpleQueue[Call | None] = SimpleQueue()
    ends: SimpleQueue[BaseException | None] = SimpleQueue()

    def finish(call: Call) -> bool:
        calls.put(call)
        deadline = np.inf
        while perf_counter() < deadline:
            try:
                failure = ends.get(timeout=0.1)
            except Empty:
                if interruption.signal and deadline == np.inf:
                    deadline = perf_counter() + PATIENCE
                continue
            if failure is not None:
                raise failure
            return True
        return False

    thread = threading.Thread(target=_make, args=(calls, ends), name=WINDOW_THREAD, daemon=True)
    thread.start()
    try:
        yield finish
    finally:
        calls.put(None)
        thread.join(PATIENCE)  # at once, but for a window that was abandoned


def _make(calls: SimpleQueue[Call | None], ends: SimpleQueue[BaseException | None]) -> None:
    """Make calls until there is None, and tell how each ended."""
    while (call := calls.get()) is not None:
        try:
            call()
        except BaseException as err:  # raised again where it is waited for
            ends.put(err)
        else:
            ends.put(None)
