"""The live twin itself: journal entries in, settled instants out; its state is a function of what it was given."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from twin.clean.recipe import Recipe, plain
from twin.declare import Memory
from twin.errors import SnapshotError, TwinError
from twin.estimate.unscented import UnscentedFilter
from twin.journal.entries import Entry
from twin.live.arrivals import MICRO, Arrivals, Bin
from twin.live.diagnosis import COMMISSION, Diagnosis, Verdict
from twin.live.pack import pack, unpack
from twin.monitor.advisories import Advisories, resets
from twin.monitor.condition import Condition
from twin.monitor.life import Change
from twin.plant import Plant
from twin.service import Action
from twin.snapshot import identity

FORMAT = 1
STALE = 10.0
"""A tag from which nothing has come for this long, or five of its periods, is stale [s]."""
LOST_INSTANTS = 20
"""After so many instants in a row with a third of the readings beyond the gate the twin has lost its plant."""
RECENT = 60.0
"""For how long a loss or a late reading is told [s]."""
CLOCK_OFF = 5.0
"""A gateway's clock that is further off is told [s]."""


class Instant(NamedTuple):
    """What one settled instant showed.

    Attributes
    ----------
    time : float
        Source time [s since 1970, UTC].
    reading : (m,)
        What each tag read, SI; NaN where nothing that counts.
    quality : uint32, (m,)
    expected, deviation : (outputs,)
        What the twin expected of tags and watched quantities before it saw them, and the standard deviation of a
        reading about it, SI.
    verdict : Verdict
    conditions : tuple of Condition
    changes : tuple of Change
        Transitions of advisories.
    fit : float
        Normalised innovation squared over its degrees of freedom.
    """

    time: float
    reading: np.ndarray
    quality: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    verdict: Verdict
    conditions: tuple[Condition, ...]
    changes: tuple[Change, ...]
    fit: float


class LiveTwin:
    """A plant's twin that is fed the journal.

    Parameters
    ----------
    plant : Plant
        With a section `estimate`.
    recipe : Recipe, optional
        How readings are cleaned; by default units are converted and what is no number is marked.
    watched : sequence of str
        Quantities that no tag reads and that are estimated all the same.
    """

    def __init__(self, plant: Plant, recipe: Recipe | None = None, watched: tuple[str, ...] = ()) -> None:
        self.plant, self.recipe = plant, recipe or plain(plant)
        self.filter = UnscentedFilter(plant, watched)
        self.tags = tuple(t.name for t in self.filter.tags)
        estimation = self.filter.estimation
        self.arrivals = Arrivals(self.recipe, estimation.every, estimation.lag)
        order = list(plant.tags)
        self._mine = np.array([order.index(name) for name in self.tags], np.intp)
        self._commands = [(order.index(t.name), t.name) for t in self.filter.commands]
        self.diagnosis = Diagnosis(self.filter, plant.assets)
        self.advisories = Advisories(list(plant.assets), list(plant.tags))
        self.entry = 0
        """Number of the last journal entry taken."""
        self.rough = 0
        self._conditions: tuple[Condition, ...] = ()
        self._running = {path.partition(".")[0]: True for path in self._modes()}

    def _modes(self) -> dict[str, str]:
        """Return which tags mirror a memory called running, by its path."""
        return {t.reads: t.name for t in self.filter.commands if isinstance(self.plant.quantity(t.reads), Memory)}

    def put(self, entries: Iterable[Entry]) -> Iterator[Instant]:
        """Take the next entries of the journal, and yield every instant that they settle."""
        for entry in entries:
            if entry.id != self.entry + 1 and self.entry:
                raise SnapshotError(
                    f"journal: entry {entry.id} after {self.entry}: some are missing; use a snapshot behind the gap"
                )
            self.entry = entry.id
            if entry.kind == "action":
                yield from self._act(entry)
            self.arrivals.put(entry)
            for part in self.arrivals.due():
                yield self._settle(part)
            if entry.kind == "tick" and self.arrivals.begin:
                yield from self._silence(entry)

    def _settle(self, part: Bin) -> Instant:
        """Take in the readings of an interval."""
        now = (part.end - self.arrivals.begin) / MICRO
        reading, inflation = part.value[self._mine], part.inflation[self._mine]
        self._mirror(part)
        trace = self.filter.assimilate(np.array([now]), reading[None, :], inflation[None, :])
        fit = float(trace.fit[0, 0] / trace.fit[0, 1]) if trace.fit[0, 1] else 1.0
        crowd = trace.fit[0, 2] * 3.0 > trace.fit[0, 1]
        self.rough = self.rough + 1 if crowd and now > COMMISSION / 5.0 else 0
        verdict = self.diagnosis.verdict(now)
        epoch = self.arrivals.begin / MICRO
        conditions = (*self.diagnosis.conditions(verdict, epoch), *self._states(now, epoch), *self._sources())
        time, changes = self._tell(part.end / MICRO, conditions)
        return Instant(
            time, reading, part.quality[self._mine], trace.predicted[0], trace.deviation[0], verdict, conditions,
            changes, fit,
        )  # fmt: skip

    def _tell(self, time: float, conditions: tuple[Condition, ...]) -> tuple[float, tuple[Change, ...]]:
        """Give conditions to the advisories; while nothing is settled their time goes on without readings."""
        self._conditions = conditions
        later = max(time, self.advisories.state.time)
        return time, tuple(self.advisories.update(later, conditions, self._running))

    def _mirror(self, part: Bin) -> None:
        """Let the twin's inputs and modes be what the tags of commands say."""
        said = {name: float(part.value[i]) for i, name in self._commands if np.isfinite(part.value[i])}
        if said:
            self.filter.command(said)
            for path, tag in self._modes().items():
                if tag in said:
                    self._running[path.partition(".")[0]] = said[tag] > 0.5

    def _states(self, now: float, epoch: float) -> Iterator[Condition]:
        """Yield conditions of the twin itself: it is learning, or it has lost its plant."""
        if now < COMMISSION:
            yield Condition("twin:starting", "starting", 1.0, 1.0, epoch, {"since": epoch, "until": epoch + COMMISSION})
        if self.rough >= LOST_INSTANTS:
            since = epoch + now - self.rough
            yield Condition("twin:diverged", "diverged", 1.0, 1.0, since, {"since": since})

    def _sources(self) -> Iterator[Condition]:
        """Yield conditions of gateways and of single tags: silent, late, losing, clock off."""
        seen = self.arrivals
        for name, source in seen.sources.items():
            last = source.progress / MICRO
            if not source.alive and source.progress:
                yield Condition(f"stale:{name}", "stale", 1.0, 1.0, last, {"source": name, "last": last})
            if abs(source.offset) > CLOCK_OFF * MICRO:
                told: dict[str, float | str] = {"source": name, "offset": abs(source.offset) / MICRO}
                told["direction"] = "ahead" if source.offset > 0 else "behind"
                yield Condition(f"clock:{name}", "clock", 1.0, 1.0, last, told)
        for name, last in self.stale():
            yield Condition(f"stale:{name}", "stale", 1.0, 1.0, last, {"source": name, "last": last})

    def stale(self) -> list[tuple[str, float]]:
        """Return tags that are silent while others come, and when each was last heard [s]."""
        newest = max((s.progress for s in self.arrivals.sources.values()), default=0)
        silent = []
        for i, tag in enumerate(self.plant.tags.values()):
            limit, last = max(STALE, 5.0 * tag.every) * MICRO, int(self.arrivals.last[i])
            if last and newest - last > limit:
                silent.append((tag.name, last / MICRO))
        return silent

    def _silence(self, entry: Entry) -> Iterator[Instant]:
        """Tell of gateways that fell silent, though nothing is settled."""
        if any(s.alive for s in self.arrivals.sources.values()):
            return
        kept = tuple(c for c in self._conditions if not c.key.startswith("stale:"))
        conditions = (*kept, *self._sources())
        time, changes = self._tell(entry.clock / MICRO, conditions)
        if changes:
            yield self._bare(time, conditions, changes)

    def _bare(self, time: float, conditions: tuple[Condition, ...], changes: tuple[Change, ...]) -> Instant:
        """Return an instant without readings."""
        nothing, empty = np.full(len(self.tags), np.nan), np.full(len(self.filter.outputs), np.nan)
        quality = np.zeros(len(self.tags), np.uint32)
        calm = Verdict(False, (), 0.0, 0.0)
        return Instant(time, nothing, quality, empty, empty, calm, conditions, changes, 1.0)

    def _act(self, entry: Entry) -> Iterator[Instant]:
        """Do what a person asked for."""
        try:
            action = msgspec.msgpack.decode(entry.body, type=Action)
        except msgspec.DecodeError as err:
            raise TwinError(f"journal: entry {entry.id}: no action ({err}); run `twin journal verify`") from None
        time = max(entry.clock / MICRO, self.advisories.state.time)
        changes = self.advisories.act(time, action)
        for subject in resets(changes):
            self.filter.renew(subject)
        yield self._bare(time, (), tuple(changes))

    def head(self) -> Instant | None:
        """Return the newest instant by what has come so far; nothing of it is kept."""
        before, rough, suspicious = self.filter.state(), self.rough, self.diagnosis.suspicious
        newest = None
        try:
            for part in self.arrivals.provisional():
                now = (part.end - self.arrivals.begin) / MICRO
                reading = part.value[self._mine]
                trace = self.filter.assimilate(np.array([now]), reading[None, :], part.inflation[self._mine][None, :])
                newest = Instant(
                    part.end / MICRO, reading, part.quality[self._mine], trace.predicted[0], trace.deviation[0],
                    Verdict(False, (), 0.0, 0.0), (), (), 1.0,
                )  # fmt: skip
        finally:
            self.filter.restore(before)
            self.rough = rough
            self.diagnosis.judge(suspicious)
        return newest

    def state(self) -> dict[str, Any]:
        """Return everything that the next instants depend on."""
        return {
            "format": FORMAT,
            "plant": identity(self.plant),
            "recipe": self.recipe.digest,
            "entry": self.entry,
            "filter": self.filter.state(),
            "arrivals": self.arrivals.state(),
            "advisories": self.advisories.encode(),
            "suspicious": self.diagnosis.suspicious,
            "rough": self.rough,
            "running": dict(self._running),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned, with the journal entry after it.

        Raises
        ------
        SnapshotError
            If it is of another plant, recipe or version.
        """
        if state.get("format") != FORMAT:
            raise SnapshotError(f"{self.plant.name}: snapshot of format {state.get('format')}, this reads {FORMAT}")
        if state["plant"] != identity(self.plant) or state["recipe"] != self.recipe.digest:
            raise SnapshotError(f"{self.plant.name}: the snapshot is of another plant or recipe; replay the journal")
        self.entry = state["entry"]
        self.filter.restore(state["filter"])
        self.arrivals.restore(state["arrivals"])
        self.advisories = Advisories.decode(state["advisories"], list(self.plant.assets), list(self.plant.tags))
        self.diagnosis.judge(state["suspicious"])
        self.rough = state["rough"]
        self._running = dict(state["running"])

    def packed(self) -> bytes:
        """Return the state as bytes."""
        return pack(self.state())

    def unpack(self, data: bytes) -> None:
        """Go on from what `packed` returned."""
        self.restore(unpack(data))

    def digest(self) -> str:
        """Return a hash of the whole state."""
        return hashlib.sha256(self.packed()).hexdigest()
