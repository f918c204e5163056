"""What is shown of a running twin and never kept: the newest instants, what comes next, and how it is doing."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from twin.clean.tally import CAUSES
from twin.errors import DataError, SimulationError
from twin.estimate.ahead import outlook
from twin.estimate.unscented import UnscentedFilter
from twin.journal.entries import Entry
from twin.live.hindsight import Hindsight
from twin.live.instant import Instant
from twin.live.scribe import Scribe, row_of
from twin.live.source import MICRO, Source
from twin.live.twin import LiveTwin
from twin.monitor.rates import rates

STATUS_EVERY = 1.0
"""Wall time between two words on how the twin is doing [s]."""
HEAD_EVERY = 0.05
"""Least wall time between heads [s]."""
AHEAD_EVERY = 20.0
"""Time between two looks ahead [s]: of the plant, which a demonstration may let run faster."""
SHARE = 5.0
"""What is only shown takes at most one part in so many of the time."""
AHEAD = 600.0
"""How far ahead is looked [s]."""
SETTLED = 10.0
"""After this members that were drawn have found their own pressures and flows [s]."""
TAIL = 3.29
"""Between the 5 and the 95 % quantile of a normal distribution lie so many standard deviations."""


class Shown:
    """Computes what is shown when there is time for it, and hands it to history.

    Parameters
    ----------
    log : callable
        Told what can't be written.
    """

    def __init__(self, twin: LiveTwin, log: Callable[[str], None]) -> None:
        self.twin, self.log = twin, log
        self._headed = self._looked = self._said = -math.inf
        self._from = -math.inf
        """Source time of the last look ahead [us]."""
        self._newest: Instant | None = None
        self._received, self._late = 0, 0.0
        self._hindsight = Hindsight(len(twin.tags))
        self._trouble = ""

    def see(self, instant: Instant) -> None:
        """Learn from what was settled how good the forecasts were."""
        self._hindsight.see(instant.time, instant.reading)

    def take(self, entries: Sequence[Entry], behind: int) -> bool:
        """Note when the last entry came that the twin has taken, while it is `behind` by so many.

        Returns
        -------
        bool
            Whether there were entries, and all are taken: there is something new to show.
        """
        taken = next((e.received for e in reversed(entries) if e.id <= self.twin.entry), None)
        self._received = taken if taken is not None else self._received
        self._late = max(0.0, time.time() - self._received / MICRO) if behind and self._received else 0.0
        return bool(entries) and not behind

    def due(self) -> bool:
        """Return whether it is time to say again how the twin is doing."""
        due = time.monotonic() - self._said >= STATUS_EVERY
        if due:
            self._said = time.monotonic()
        return due

    def look(self, history: Scribe) -> None:
        """Show the newest instants, and from time to time what comes next."""
        now = time.monotonic()
        found: dict[str, Any] = {}
        if now >= self._headed:
            found["head"] = self._head()
            self._headed = time.monotonic() + max(HEAD_EVERY, SHARE * (time.monotonic() - now))
        if now >= self._looked and self.twin.reached >= self._from + AHEAD_EVERY * MICRO:
            self._from = self.twin.reached
            found["ahead"] = ahead(self.twin, self._newest, self._hindsight)
            self._looked = time.monotonic() + SHARE * (time.monotonic() - now)
        if found:
            self.tell(history, **found)

    def tell(self, history: Scribe, **values: Any) -> None:
        """Hand values to history; what can't be written is told and let go of."""
        try:
            history.show(**values)
        except DataError as err:
            if str(err) != self._trouble:  # once, not with every head
                self.log(str(err))
            self._trouble = str(err)
        else:
            self._trouble = ""

    def _head(self) -> list[Any]:
        try:
            found = self.twin.head()
        except SimulationError:
            found = []  # the twin has lost its plant; it says so itself
        self._newest = found[-1] if found else None
        return [list(row_of(instant)) for instant in found]

    def status(self, behind: int) -> dict[str, Any]:
        """Return how far the twin is, which is `behind` by so many entries of the journal; times in seconds."""
        twin, arrivals = self.twin, self.twin.arrivals
        newest = max((source.progress for source in arrivals.sources.values()), default=0)
        return {
            "entry": twin.entry,
            "said": time.time(),
            "behind_entries": behind,
            "behind_s": self._late if behind else 0.0,
            "settled": arrivals.settled / MICRO,
            "newest": newest / MICRO,
            "lag_s": max(0.0, (newest - arrivals.settled) / MICRO) if newest else None,
            "clock": arrivals.clock / MICRO,
            "counts": arrivals.counts,
            "recipe": [[f.tag, *CAUSES[f.cause], f.times, f.last / MICRO] for f in arrivals.cleaner.tally.findings()],
            "rates": rates(twin.advisories.state)._asdict(),
            "longest_shelf_s": twin.advisories.rules.longest_shelf,
            "suspicious": twin.diagnosis.suspicious,
            "running": dict(twin.running),
            "gateways": {name: _told(source) for name, source in arrivals.sources.items()},
            "heard": dict(zip(arrivals.cleaner.tags, (arrivals.last / MICRO).tolist(), strict=True)),
            "head": None if behind or self._newest is None else _read(twin.tags, self._newest),
        }


def _told(source: Source) -> dict[str, Any]:
    """Return what is told of a gateway."""
    return {
        "alive": source.alive, "comes": source.comes, "newest": source.progress / MICRO, "rate": source.rate,
        "ahead_s": source.offset / MICRO, "lost": int(source.lost[0]), "late": int(source.late[0]),
    }  # fmt: skip


def _read(tags: tuple[str, ...], head: Instant) -> dict[str, Any]:
    """Return what each tag read last, what was expected of it, and how exactly."""
    columns = zip(head.reading.tolist(), head.expected.tolist(), head.deviation.tolist(), strict=False)
    read = {tag: [None if math.isnan(v) else v for v in row] for tag, row in zip(tags, columns, strict=True)}
    return {"time": head.time, "tags": read}


def ahead(twin: LiveTwin, newest: Instant | None, hindsight: Hindsight) -> dict[str, Any] | None:
    """Return what the tags will show if all goes on as it does: times from now, means, deviations of a reading; SI.

    Members are drawn along directions in which the readings leave much open; their outputs differ from the first
    moment, though the readings say what those are. So what they differ by once they have settled is left out, and what
    is expected now is put in its place. Then it is as wide as `hindsight` says that such forecasts have to be.
    """
    belief = twin.filter
    if not isinstance(belief, UnscentedFilter) or not twin.reached or newest is None:
        return None
    trend = twin.foresight.trend() if twin.foresight.growing() else None
    try:
        found = outlook(belief, {}, AHEAD, trend=trend, key=f"shown {twin.reached}", wandering=True)
    except SimulationError:
        return None
    low, middle, high = found.bands
    m, first = len(belief.tags), int(np.searchsorted(found.times, SETTLED).clip(max=len(found.times) - 1))
    variance = ((high - low) / TAIL) ** 2
    grown = np.maximum(variance - variance[:, first, None], 0.0)
    grown[:, :first] = 0.0
    moved = middle - middle[:, first, None]
    moved[:, :first] = 0.0
    at, mean = twin.reached / MICRO, newest.expected[:m, None] + moved
    deviation = np.sqrt(newest.deviation[:m, None] ** 2 + grown)
    wide = hindsight.widened(found.times, deviation)
    hindsight.note(at, found.times, mean, deviation)
    return {"time": at, "times": found.times, "mean": mean, "deviation": wide}
