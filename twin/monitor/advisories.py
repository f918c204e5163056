"""The life of advisories by ISA-18.2: told, acknowledged, shelved, suppressed, returned; a pure state machine."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Self

import msgspec

from twin.documents import Advisory
from twin.errors import SimulationError, SnapshotError, unknown
from twin.monitor.actions import Act, Scene, acted
from twin.monitor.condition import Condition, checked
from twin.monitor.life import Change, Hold, Item, State
from twin.monitor.listing import document, end, hide, listed
from twin.monitor.rates import HOUR, Rates, forget, note_crossing, note_flood, rates, told_within
from twin.monitor.rules import Rules


class Advisories:
    """What the operator is told of the conditions that the diagnosis finds.

    A condition that stays over its limit for the on delay is announced (`unacknowledged`) and acknowledged by a
    person; one that stays under for the off delay has `returned` until someone acknowledges, or is `normal`. Shelved,
    suppressed and out of service it stays listed, with the reason and until when. A shelved one is announced anew when
    its time is over; suppression and bypass give back what was before, as the separate states of OPC UA Part 9, 4.8.
    Time is source time: nothing here reads a clock.

    Parameters
    ----------
    assets, tags : collection of str
        What actions can be about.
    rules : Rules, optional
        Limits, delays and settling times.
    """

    def __init__(self, assets: Collection[str], tags: Collection[str], rules: Rules | None = None) -> None:
        self.assets, self.tags = frozenset(assets), frozenset(tags)
        self.rules = rules or Rules()
        self.state = State()

    @classmethod
    def decode(cls, data: bytes, assets: Collection[str], tags: Collection[str], rules: Rules | None = None) -> Self:
        """Return the advisories that `encode` has written.

        Raises
        ------
        SnapshotError
            If it is something else, or its message codes have no rule.
        """
        self = cls(assets, tags, rules)
        try:
            self.state = msgspec.msgpack.decode(data, type=State)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise SnapshotError(
                f"monitor: these are no advisories ({str(err)[:200]}); take the snapshot again"
            ) from None
        for item in self.state.items.values():
            if item.code not in self.rules.codes:
                raise SnapshotError(f"monitor: {item.key}: {unknown('message code', item.code, self.rules.codes)}")
        return self

    def encode(self) -> bytes:
        """Return the whole state; the same history gives the same bytes."""
        return msgspec.msgpack.encode(self.state)

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What is suppressed or bypassed, whether or not a condition is hidden by it."""
        return tuple(self.state.holds)

    @property
    def rates(self) -> Rates:
        """How much the operator is told."""
        return rates(self.state)

    def standing(self) -> tuple[Advisory, ...]:
        """Return every advisory that is not normal, the oldest first."""
        items = [item for item in self.state.items.values() if item.life != "normal"]
        items.sort(key=lambda item: int(item.id.partition("-")[2]))
        return tuple(document(self.state, item, self.rules) for item in items)

    def update(self, time: float, conditions: Sequence[Condition], running: Mapping[str, bool]) -> list[Change]:
        """Take what holds, or nearly holds, at a settled instant; what isn't given doesn't hold.

        Parameters
        ----------
        time : float
            Source time [s].
        conditions : sequence of Condition
            One for each key.
        running : mapping
            Which assets run; another value than before is a start or a stop.

        Raises
        ------
        SimulationError
            If time goes back, a key comes twice or a number is not finite.
        TwinError
            If there is no rule for a message code. Nothing is changed then.
        """
        if not self.state.time <= time < math.inf:
            raise SimulationError(f"monitor: t = {time} s after {self.state.time} s; time goes on, never back")
        given = {condition.key: checked(condition) for condition in conditions}
        if len(given) < len(conditions):
            raise SimulationError(f"monitor: a key comes twice at t = {time} s; give each condition once")
        for condition in given.values():
            self.rules.of(condition.code)
        self.state.time = float(time)
        forget(self.state)
        changes = [*self._ended(), *self._started(running)]
        for condition in given.values():
            changes += self._see(condition)
        for item in self.state.items.values():
            if item.key not in given:
                self._measure(item, 0.0)
            self._delay(item)
        changes += listed(self.state, self.state.time)
        if note_flood(self.state):
            cause = "flood" if self.state.flood else "flood_over"
            changes.append(Change(self.state.time, "", "normal", "normal", "twin", "", cause, ""))
        return changes

    def act(self, time: float, action: Act) -> list[Change]:
        """Do what a person asks; where it can't be done, a change from a state to itself says why.

        `resets` names what the beliefs about must be reset.
        """
        scene = Scene(self.state, self.assets, self.tags, self.rules)
        changes = list(acted(scene, float(time), action))
        return changes + list(listed(self.state, float(time), action.kind, action.who, action.text))

    def _see(self, given: Condition) -> Iterator[Change]:
        """Take a condition's size and parameters; yield a change where it says something else than before."""
        item = self.state.items.get(given.key)
        if item is None:
            if abs(given.size) < self.rules.of(given.code).on:
                return
            item = Item(given.key, given.code, given.since, given.values, given.about, self.state.time)
            self.state.items[given.key] = item
        if given.code != item.code and self._renames(item, given.code):
            item.told = item.told and item.unseen
            yield Change(self.state.time, item.id, item.life, item.life, "twin", "", "renamed", item.key)
        if given.code == item.code:
            item.next_code = ""
            item.since, item.values, item.about = given.since, given.values, given.about
            item.probability = given.probability
        self._measure(item, given.size)

    def _renames(self, item: Item, code: str) -> bool:
        """Return whether what was announced has another code for good; until then its text stays as it is."""
        if item.life == "normal":
            item.code = code
            return False
        if item.next_code != code:
            item.next_code, item.next_since = code, self.state.time
        if self.state.time - item.next_since < self._off_delay(item):
            return False
        item.code = code
        return True

    def _measure(self, item: Item, size: float) -> None:
        """Note whether a condition is over its limit, with the deadband that its own peak gives."""
        rule, magnitude = self.rules.of(item.code), abs(size)
        item.size = size
        if item.over:
            item.peak = max(item.peak, magnitude)
            if magnitude < min(rule.off, rule.fraction * item.peak):
                item.over, item.turned = False, self.state.time
        elif magnitude >= rule.on:
            item.over, item.turned = True, self.state.time
            item.peak = max(item.peak, magnitude) if item.active else magnitude
            note_crossing(self.state, item.key)

    def _delay(self, item: Item) -> None:
        """Let a condition become active, or cease to be, once that has lasted; end a shelf whose time is over."""
        time = self.state.time
        if item.over != item.active:
            delay = self.rules.of(item.code).on_delay if item.over else self._off_delay(item)
            if time - item.turned >= delay:
                item.active, item.told = item.over, False
                item.raised = time if item.active else item.raised
        if item.shelf and time >= item.shelf.until:
            item.shelf, item.told = None, False

    def _off_delay(self, item: Item) -> float:
        """Return how long an end must last; longer for what was announced again and again."""
        return self.rules.off_delay(item.code, told_within(self.state, HOUR, item.key))

    def _started(self, running: Mapping[str, bool]) -> Iterator[Change]:
        """Yield a suppression for each asset that was started or stopped since the last instant."""
        for asset in sorted(running):
            before, runs = self.state.running.get(asset), bool(running[asset])
            self.state.running[asset] = runs
            if before is not None and before != runs:
                until = self.state.time + self.rules.settling_of(asset)
                yield from hide(self.state, Hold("start" if runs else "stop", asset, self.state.time, until))

    def _ended(self) -> Iterator[Change]:
        """Yield the end of every hold whose time is over."""
        for hold in [hold for hold in self.state.holds if self.state.time >= hold.until]:
            over = "bypass_over" if hold.kind == "bypass" else "suppression_over"
            yield from end(self.state, hold, self.state.time, over)


def resets(changes: Sequence[Change]) -> tuple[str, ...]:
    """Return the assets and tags that were replaced or repaired: beliefs about them must be reset."""
    return tuple(change.subject for change in changes if change.cause == "maintenance" and not change.advisory)
