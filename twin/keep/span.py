"""Which entries of the journal make up the next archive: told from ingest's ticks, which carry the source's clock.

An hour is archived once the clock is `GRACE` beyond its end, so that what is only a little late is in it. What the
entries until then already have of the hour after is held back for that hour's archive: they are read twice.
"""

from typing import NamedTuple

from twin.journal.reader import Reader
from twin.keep import hours
from twin.keep.hours import HOUR
from twin.keep.manifest import State

GRACE = 120_000_000
"""How far beyond an hour's end the source's clock must be [us]."""
MOST_TICKS = 7200
"""Ticks, one a second, after which is archived what is there, wherever the clock stands."""
LEAST_TICKS = 60
"""Ticks before a clock that was set back begins another archive: one that goes to and fro shall not make thousands."""

_TICKS = "SELECT id, clock FROM entries WHERE id > ? AND id <= ? AND kind = 'tick' ORDER BY id"
_STEP = 20_000


class Span(NamedTuple):
    """What one round of archiving takes from the journal; hours count from 1970.

    Of the entries from `start` to `after` only what is of hour `held` isn't archived yet. Of those behind up to
    `through` all is taken but what is of hour `hold`. What is no reading is filed under `hour`.
    """

    after: int
    start: int
    held: int | None
    through: int
    hour: int
    hold: int | None


def fresh(reader: Reader) -> State:
    """Return the state of a journal of which nothing is archived."""
    first = reader.first()
    return State(reader.identity.hex(), first - 1, reader.chain(first - 1).hex(), first)


class Watch:
    """Waits until the next span is complete."""

    def __init__(self) -> None:
        self._of: tuple[str, int] = ("", -1)
        self._begin(-1)

    def _begin(self, after: int) -> None:
        self._seen, self._ticks = after, 0
        self._hour: int | None = None

    def look(self, reader: Reader, state: State) -> Span | None:
        """Return the span behind `state`, or None while it grows."""
        if self._of != (state.journal, state.through):
            self._of = state.journal, state.through
            self._begin(state.through)
        last = reader.last()
        while self._seen < last:
            end = min(self._seen + _STEP, last)
            for number, clock in reader.query(_TICKS, self._seen, end):
                if self._hour is None:
                    self._hour = clock // HOUR
                ahead = (clock - GRACE) // HOUR
                back = clock < (self._hour - 1) * HOUR and self._ticks >= LEAST_TICKS
                if ahead > self._hour or back or self._ticks >= MOST_TICKS:
                    return self._span(state, number - 1, ahead if ahead > self._hour else None)
                self._ticks += 1
            self._seen = end
        return None

    def _span(self, state: State, through: int, hold: int | None) -> Span:
        held = None if state.hold is None else hours.number(state.hold)
        start = state.resume if held is not None else state.through + 1
        assert self._hour is not None  # noqa: S101 - the first tick said it
        return Span(state.through, start, held, through, self._hour, hold)
