"""The live twin itself: journal entries in, settled instants out; its state is a function of what it was given."""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from twin.clean.recipe import Recipe, plain
from twin.declare import Memory
from twin.errors import SimulationError, SnapshotError, TwinError
from twin.estimate.choose import filter_of
from twin.estimate.cycle import Trace
from twin.estimate.values import in_si
from twin.journal.entries import Entry
from twin.live import watch
from twin.live.arrivals import Arrivals, Bin
from twin.live.diagnosis import UNSUSPICIOUS, Diagnosis
from twin.live.fit import Fit
from twin.live.foresight import Foresight
from twin.live.instant import Instant
from twin.live.source import MICRO, SILENT
from twin.monitor import names
from twin.monitor.advisories import Advisories, resets
from twin.monitor.condition import Condition
from twin.monitor.life import Change
from twin.monitor.rules import confirmed
from twin.pack import pack, unpack
from twin.plant import Plant
from twin.service import Action
from twin.snapshot import identity

FORMAT = 4
LONGEST = 3600 * MICRO
"""A silence counts for this long at most: after it the twin knows no more than after a longer one [us]."""
CREDIBLE = 1e6
"""A reading this many times further from what is expected at rest than that itself is no number of this plant."""


class ForeignError(SnapshotError):
    """A snapshot is whole, and of another plant or recipe."""


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
        self.filter = filter_of(plant, watched)
        self.tags = tuple(t.name for t in self.filter.tags)
        estimation = self.filter.estimation
        self.arrivals = Arrivals(self.recipe, estimation.every, estimation.lag, self._credible())
        order = list(plant.tags)
        self._mine = np.array([order.index(name) for name in self.tags], np.intp)
        self._commands = [(order.index(tag.name), tag) for tag in self.filter.commands]
        self.diagnosis = Diagnosis(self.filter, plant.assets)
        self.foresight = Foresight(plant, self.filter)
        rules = confirmed(estimation.confirm, estimation.release)
        self.advisories = Advisories(list(plant.assets), list(plant.tags), rules)
        self.identity = identity_of(plant, self.recipe, self.filter.outputs)
        """What tells the state of this twin from that of any other."""
        self.entry = 0
        """Number of the last journal entry taken."""
        self.fit = Fit(estimation)
        self.age = self.reached = 0
        """Time that the filter has lived through, and end of the last instant it took in [us]."""
        self._quiet = 0
        self._conditions: tuple[Condition, ...] = ()
        self.running = {path.partition(".")[0]: True for path in self._modes()}

    def _modes(self) -> dict[str, str]:
        """Return which tags mirror a memory called running, by its path."""
        return {t.reads: t.name for t in self.filter.commands if isinstance(self.plant.quantity(t.reads), Memory)}

    def _credible(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what each tag of the plant can show at all, SI: of commands what they may be, and a little noise."""
        spans = {}
        for tag, shown, variance in zip(self.filter.tags, self.filter.shown, self.filter.noise, strict=False):
            room = CREDIBLE * max(abs(shown), 1e3 * math.sqrt(variance))
            spans[tag.name] = (shown - room, shown + room)
        for tag in self.filter.commands:
            low, high = self.plant.quantity(tag.reads).bounds
            room = 0.01 * (high - low if math.isfinite(high - low) else max(abs(self.plant.value(tag.reads)), 1.0))
            spans[tag.name] = (low - room, high + room)
        low_high = np.array([spans[name] for name in self.plant.tags])
        return low_high[:, 0], low_high[:, 1]

    def put(self, entries: Iterable[Entry]) -> Iterator[Instant]:
        """Take the next entries of the journal, and yield every instant that they settle.

        Raises
        ------
        SnapshotError
            If one is missing.
        """
        for entry in entries:
            if entry.id != self.entry + 1:
                raise SnapshotError(
                    f"journal: entry {entry.id} after {self.entry}: some are missing; use a snapshot behind the gap"
                )
            self.entry = entry.id
            if entry.kind == "action":
                yield from self._act(entry)
            self.arrivals.put(entry)
            for part in self.arrivals.due():
                yield self._settle(part)
            if entry.kind == "tick":
                yield from self._silence()

    def _settle(self, part: Bin) -> Instant:
        """Take in the readings of an interval."""
        self._quiet = 0
        now = self._live_through(part.end)
        reading, inflation = part.value[self._mine], part.inflation[self._mine]
        self._mirror(part)
        try:
            trace = self.filter.assimilate(np.array([now]), reading[None, :], inflation[None, :])
        except SimulationError:
            return self._begin_anew(part)
        fit = float(trace.fit[0, 0] / trace.fit[0, 1]) if trace.fit[0, 1] else 1.0
        self.diagnosis.see(now, reading, trace.predicted[0])
        verdict = self.diagnosis.verdict(now)
        self.fit.see(now, reading, trace, suspicious=verdict.suspicious)
        epoch = part.end / MICRO - now
        self.foresight.see(now, self.diagnosis.fault_of(verdict), verdict.since)
        conditions = (
            *self.diagnosis.conditions(verdict, epoch, self.foresight.values(epoch)),
            *self.foresight.conditions(epoch), *self._states(now, epoch), *self._sources(),
        )  # fmt: skip
        time, changes = self._tell(part.end / MICRO, conditions)
        return Instant(
            time, reading, part.quality[self._mine], trace.predicted[0], trace.deviation[0], verdict, conditions,
            changes, fit, self._believed(trace),
        )  # fmt: skip

    def _believed(self, trace: Trace) -> np.ndarray:
        return in_si(self.filter.places, trace.mean[0], trace.spread[0])

    def _live_through(self, end: int) -> float:
        """Return the filter's time at an instant [s]."""
        self.age += min(end - (self.reached or self.arrivals.begin), LONGEST)
        self.reached = end
        return self.age / MICRO

    def _begin_anew(self, part: Bin) -> Instant:
        """Believe the plant's file again: what was believed until now has stopped meaning anything."""
        self.filter.start()
        self.diagnosis.judge(suspicious=False)
        self.foresight.see(0.0, "", 0.0)
        self.age = 0
        self.fit.lose()
        conditions = (*self._states(0.0, part.end / MICRO), *self._sources())
        time, changes = self._tell(part.end / MICRO, conditions)
        return self._bare(time, conditions, changes)

    def _tell(self, time: float, conditions: tuple[Condition, ...]) -> tuple[float, tuple[Change, ...]]:
        """Give conditions to the advisories; while nothing is settled their time goes on without readings."""
        self._conditions = conditions
        later = max(time, self.advisories.state.time)
        return time, tuple(self.advisories.update(later, conditions, self.running))

    def _mirror(self, part: Bin) -> None:
        """Let the twin's inputs and modes be what the tags of commands say."""
        said = {}
        for i, command in self._commands:
            if math.isfinite(part.value[i]):
                low, high = self.plant.quantity(command.reads).bounds
                said[command.name] = min(max(float(part.value[i]), low), high)  # but for noise it is within
        if said:
            self.filter.command(said)
            for path, tag in self._modes().items():
                if tag in said:
                    self.running[path.partition(".")[0]] = said[tag] > 0.5

    def _states(self, now: float, epoch: float) -> Iterator[Condition]:
        """Yield conditions of the twin itself: it is learning, or it has lost its plant."""
        until = self.filter.estimation.commission
        if now < until:
            yield Condition("twin:starting", "starting", 1.0, 1.0, epoch, {"since": epoch, "until": epoch + until})
            unseen = [(path, self.plant.assets[path.partition(".")[0]]) for path in self.filter.trial.unseen]
            if unseen:
                yield Condition("twin:unseen", "unobservable", 1.0, 1.0, epoch, {"places": names.places(unseen)})
        yield from self.fit.conditions(epoch)

    def _sources(self) -> tuple[Condition, ...]:
        """Return conditions of gateways and of single tags."""
        return tuple(watch.conditions(self.arrivals, self.plant.tags))

    def _silence(self) -> Iterator[Instant]:
        """Tell of gateways, though nothing is settled: they are silent, or nothing that they send can be used."""
        self._quiet += 1
        if self._quiet < SILENT or not self.arrivals.sources:
            return
        before = self.advisories.state.time
        if not math.isfinite(before):
            newest = max(source.progress for source in self.arrivals.sources.values())
            before = (newest or self.arrivals.clock) / MICRO
        kept = tuple(c for c in self._conditions if c.key.partition(":")[0] not in watch.KINDS)
        conditions = (*kept, *self._sources())
        time, changes = self._tell(before + self.arrivals.passed / MICRO, conditions)
        if changes:
            yield self._bare(time, conditions, changes)

    def _bare(self, time: float, conditions: tuple[Condition, ...], changes: tuple[Change, ...]) -> Instant:
        """Return an instant without readings."""
        nothing, empty = np.full(len(self.tags), np.nan), np.full(len(self.filter.outputs), np.nan)
        quality = np.zeros(len(self.tags), np.uint32)
        believed = np.full((2, len(self.filter.unknowns)), np.nan)
        return Instant(time, nothing, quality, empty, empty, UNSUSPICIOUS, conditions, changes, 1.0, believed)

    def _act(self, entry: Entry) -> Iterator[Instant]:
        """Do what a person asked for."""
        try:
            action = msgspec.msgpack.decode(entry.body, type=Action)
        except msgspec.DecodeError as err:
            raise TwinError(f"journal: entry {entry.id}: no action ({err}); run `twin journal verify`") from None
        time = self.advisories.state.time if math.isfinite(self.advisories.state.time) else entry.clock / MICRO
        changes = self.advisories.act(time, action)
        for subject in resets(changes):
            self.diagnosis.renew(self.age / MICRO, subject)
        yield self._bare(time, (), tuple(changes))

    def head(self) -> list[Instant]:
        """Return the instants behind what is settled, by what has come so far; nothing of it is kept."""
        before, age, reached, suspicious = self.filter.state(), self.age, self.reached, self.diagnosis.suspicious
        running, newest = dict(self.running), list[Instant]()
        try:
            for part in self.arrivals.provisional():
                now = self._live_through(part.end)
                reading = part.value[self._mine]
                self._mirror(part)
                trace = self.filter.assimilate(np.array([now]), reading[None, :], part.inflation[self._mine][None, :])
                newest.append(Instant(
                    part.end / MICRO, reading, part.quality[self._mine], trace.predicted[0], trace.deviation[0],
                    UNSUSPICIOUS, (), (), 1.0, self._believed(trace),
                ))  # fmt: skip
        finally:
            self.diagnosis.judge(suspicious)
            self.filter.restore(before)
            self.age, self.reached, self.running = age, reached, running
        return newest

    def state(self) -> dict[str, Any]:
        """Return everything that the next instants depend on."""
        return {
            "format": FORMAT,
            "identity": self.identity,
            "entry": self.entry,
            "filter": self.filter.state(),
            "arrivals": self.arrivals.state(),
            "advisories": self.advisories.encode(),
            "numbers": [self.age, self.reached, self._quiet],
            "fit": self.fit.state(),
            "conditions": [list(condition) for condition in self._conditions],
            "running": dict(self.running),
            "foresight": self.foresight.state(),
            "diagnosis": self.diagnosis.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned, with the journal entry after it.

        Raises
        ------
        SnapshotError
            If it is of another plant, recipe or version; then nothing is changed.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise SnapshotError(f"{self.plant.name}: the snapshot is of another version; replay the journal")
        if state.get("identity") != self.identity:
            raise ForeignError(
                f"{self.plant.name}: the snapshot is of another plant or recipe; name the one it was made with, "
                "or remove the snapshots to replay the journal"
            )
        before = self.state()
        try:
            self._restore(state)
        except (LookupError, TypeError, ValueError, AttributeError, SnapshotError) as err:
            self._restore(before)
            raise SnapshotError(f"{self.plant.name}: the snapshot isn't whole ({err}); use an older one") from None

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.diagnosis.restore(state["diagnosis"])
        self.filter.restore(state["filter"])
        self.arrivals.restore(state["arrivals"])
        named, rules = (list(self.plant.assets), list(self.plant.tags)), self.advisories.rules
        self.advisories = Advisories.decode(state["advisories"], *named, rules)
        self.entry = int(state["entry"])
        self.age, self.reached, self._quiet = (int(number) for number in state["numbers"])
        self.fit.restore(state["fit"])
        self._conditions = tuple(Condition._make([*said[:6], tuple(said[6])]) for said in state["conditions"])
        self.running = {str(asset): bool(runs) for asset, runs in state["running"].items()}
        self.foresight.restore(state["foresight"])

    def packed(self) -> bytes:
        """Return the state as bytes."""
        return pack(self.state())

    def unpack(self, data: bytes) -> None:
        """Go on from what `packed` returned."""
        self.restore(unpack(data))

    def digest(self) -> str:
        """Return a hash of the whole state."""
        return hashlib.sha256(self.packed()).hexdigest()


def identity_of(plant: Plant, recipe: Recipe, outputs: tuple[str, ...]) -> str:
    """Return the hash of everything that the numbers of a twin's state belong to."""
    parts = [identity(plant), sorted(plant.values.items()), plant.estimation, outputs, recipe.digest]
    return hashlib.sha256(repr(parts).encode()).hexdigest()
