"""A simulated factory, or several at once: advanced in time, it gives readings as a gateway gets them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from twin.documents import Frame
from twin.ensemble import Ensemble, Happening, Samples
from twin.errors import PlantError, SimulationError
from twin.factory.forcing import Forcing, Member, seeds_of, spread_values
from twin.factory.pocket import Pockets
from twin.factory.truth import Truth
from twin.runs import Instruments
from twin.streams import uniform

START = 1_767_225_600_000_000
"""Source time of the first reading unless something else is said: 2026-01-01 00:00 UTC [us]."""


class Block(NamedTuple):
    """Readings in the order in which they are taken: by sampling instant, then by tag.

    Attributes
    ----------
    tag : numpy.ndarray
        Index into `Factory.tags`, shape (n,).
    time : numpy.ndarray
        Source time, shape (members, n) [us UTC].
    value, quality : numpy.ndarray
        In the tag's unit, and OPC UA status codes (uint32), shape (members, n).
    """

    tag: np.ndarray
    time: np.ndarray
    value: np.ndarray
    quality: np.ndarray

    def rows(self, member: int = 0) -> list[tuple[int, int, float, int]]:
        """Return a member's readings as (tag index, source time, value, quality)."""
        columns = (self.tag, self.time[member], self.value[member], self.quality[member])
        return list(zip(*(column.tolist() for column in columns), strict=True))


class Factory:
    """The plant of a `Truth`, with its hidden numbers, run past its first reading.

    Time zero is the first reading; before it the factory has run for the truth's `settle`. Readings are a function of
    truth, member and time: not of how time is cut into calls, nor of the other members.

    Parameters
    ----------
    truth : Truth
    members : sequence of Member
        Factories advanced together, each with its own seed, numbers and fault.
    start : int
        Source time of the first reading [us UTC].
    options
        As for `Ensemble`.
    """

    def __init__(
        self, truth: Truth, members: Sequence[Member] = (Member(),), *, start: int = START, **options: Any
    ) -> None:
        plant = truth.plant
        if not plant.tags:
            raise PlantError(f"{plant.name}: has no tags; a factory without instruments gives no readings")
        self.real, self.members, self.start = truth, tuple(members), start
        self.tags = tuple((tag.name, tag.unit) for tag in plant.tags.values())
        self._seeds = seeds_of(self.members)
        self._ensemble = Ensemble(plant, len(self.members), seeds=self._seeds, **options)
        for path, values in spread_values(truth.spread, plant, self._seeds).items():
            self._ensemble.set(path, values)
        moved = {path: self._ensemble.get(path) for path in Forcing.paths(truth, self.members)}
        self._forcing, self._set = Forcing(truth, self.members, moved), dict(moved)
        self._instruments = Instruments(plant, len(self.members), 0, seeds=self._seeds)
        by_period: dict[float, list[str]] = {}
        for tag in plant.tags.values():
            by_period.setdefault(tag.every, []).append(tag.name)
        self._pockets = {p: Pockets(np.array([truth.lags.get(n, 0.0) for n in ns]), p) for p, ns in by_period.items()}
        self._indices = {name: i for i, name in enumerate(plant.tags)}
        self._tick, self._held = min(by_period), 1
        self._force(self._forcing.next())
        self._ensemble.advance(0.0)
        self._advance_to(truth.settle - self._tick)

    @property
    def time(self) -> float:
        """Return the time of the last sampling instant that was reached, from the first reading [s]."""
        return self._ensemble.time - self.real.settle

    def advance(self, until: float) -> Block:
        """Advance to the last sampling instant not after `until` [s], and return the readings since the last call.

        Raises
        ------
        SimulationError
            If `until` is before what was reached, or if a member's numbers stop meaning anything.
        """
        if not until + 1e-9 >= self.time or until < 0.0:
            raise SimulationError(
                f"{self.real.plant.name}: the factory is at t = {self.time:g} s and can't go to {until:g} s; "
                "give a later time"
            )
        self._advance_to(self.real.settle + until)
        frames = [(samples, frame) for samples in self._ensemble.take_samples() for frame in self._frame(samples)]
        return self._block(frames)

    def rows(self, block: Block, member: int = 0) -> list[tuple[str, int, float, int]]:
        """Return a member's readings as a gateway takes them: name of the tag, source time, value, quality."""
        return [(self.tags[tag][0], time, value, quality) for tag, time, value, quality in block.rows(member)]

    def truth(self, path: str) -> np.ndarray:
        """Return ``asset.quantity`` of every member as it is in truth now, SI, shape (members,)."""
        return self._ensemble.get(path)

    def progress(self) -> np.ndarray:
        """Return how far each member's fault has come, 0 to 1, shape (members,)."""
        return self._forcing.progress(self.time)

    @property
    def onsets(self) -> np.ndarray:
        """Return when each member's fault begins, from the first reading [s]; never is infinite."""
        return self._forcing.onsets

    def happenings(self) -> list[Happening]:
        """Return and forget what tripped or switched since the last call; times count from the first reading."""
        return [h._replace(time=h.time - self.real.settle) for h in self._ensemble.take_happenings()]

    def _advance_to(self, end: float) -> None:
        """Advance to a whole number of ticks, stepping what moves from outside at every whole number of holds."""
        last = int((end + 1e-9) / self._tick)
        per_hold = round(self.real.hold / self._tick)
        while (now := round(self._ensemble.time / self._tick)) < last:
            if self._held * per_hold == now:
                self._force(self._forcing.next())
                self._held += 1
            self._ensemble.advance(min(self._held * per_hold, last) * self._tick)

    def _force(self, values: dict[str, np.ndarray]) -> None:
        for path, value in values.items():
            if not np.array_equal(value, self._set[path]):
                self._ensemble.set(path, value)
                self._set[path] = value

    def _frame(self, samples: Samples) -> Iterator[Frame]:
        """Yield what instruments show of samples since the first reading; what came before warms nothing."""
        period = self.real.plant.tags[samples.tags[0]].every
        skipped = round(self.real.settle / period)
        first = round(float(samples.times[0]) / period) - skipped
        kept = max(-first, 0)
        if kept >= samples.times.size:
            return
        times = samples.times[kept:] - self.real.settle
        values = self._pockets[period].felt(samples.values[:, :, kept:])
        for i, name in enumerate(samples.tags):
            error = self._forcing.sensors(name, times)
            if error is not None:
                values = values.copy() if values.base is not None else values
                values[i] = values[i] + error
        yield self._instruments.frame(Samples(samples.tags, times, values))

    def _block(self, frames: list[tuple[Samples, Frame]]) -> Block:
        tags, slots, times, values, quality = [], [], [], [], []
        members = len(self.members)
        for samples, frame in frames:
            period = self.real.plant.tags[samples.tags[0]].every
            indices = np.array([self._indices[name] for name in samples.tags])
            index = frame.first + np.arange(frame.times.size)
            tags.append(np.tile(indices, index.size))
            at = np.repeat(np.rint(index * period * 1e6).astype(np.int64), indices.size)
            slots.append(at)
            times.append(np.broadcast_to(at + self.start, (members, at.size)))
            values.append(np.moveaxis(frame.value, 0, 2).reshape(members, -1))
            quality.append(np.moveaxis(frame.quality, 0, 2).reshape(members, -1))
            if self.real.jitter:
                times[-1] = times[-1] + self._jitter(samples.tags, frame.first, index.size)
        if not frames:
            return Block(np.empty(0, int), *(np.empty((members, 0), t) for t in (np.int64, float, np.uint32)))
        tag, time = np.concatenate(tags), np.concatenate(times, axis=1)
        found = Block(tag, time, np.concatenate(values, axis=1), np.concatenate(quality, axis=1))
        if len(frames) == 1:
            return found
        order = np.lexsort((tag, np.concatenate(slots)))
        return Block(tag[order], time[:, order], found.value[:, order], found.quality[:, order])

    def _jitter(self, tags: tuple[str, ...], first: int, count: int) -> np.ndarray:
        """Return how far each time stamp is behind its sampling instant [us]."""
        late = np.stack([uniform(self._seeds, name, "jitter", first, count) for name in tags], axis=2)
        return (late * self.real.jitter * 1e6).astype(np.int64).reshape(len(self.members), -1)
