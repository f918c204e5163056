"""Where a fault leads: its trend, and what is passed if it goes on like this."""

import math
from typing import Any

import numpy as np

from twin.errors import SimulationError
from twin.estimate.ahead import Crossing, Trend, outlook
from twin.estimate.choose import Filter
from twin.estimate.unscented import UnscentedFilter
from twin.monitor import names
from twin.monitor.condition import Condition
from twin.plant import Plant
from twin.units import from_si

HORIZON = 8 * 3600.0
"""How far ahead is looked: a shift [s]."""
LOOK = 300.0
"""How often, source time [s]."""
NOTE = 15.0
"""How often a severity is noted [s], and `NOTES` are kept."""
NOTES = 60
ENOUGH = 4
LIKELY, UNLIKELY = 0.5, 0.25
"""A crossing this likely within the horizon is an advisory of its own, until it is less likely than the second."""
SURE = 3.0
"""Standard deviations that a fault has to have grown by since a crossing was withdrawn, to be told one again;"""
GROWN = 0.15
"""and by which part of itself: the estimate of a fault that rests wanders for hours by more than it knows of."""
FORGOTTEN = 3600.0
"""How long a fault isn't named until that is forgotten: it may have been repaired [s]."""
STALE = 900.0
"""How long what was foreseen still counts when the fault is called something else [s]."""


class Foresight:
    """Notes how the likeliest fault grows, and looks ahead every `LOOK` seconds."""

    def __init__(self, plant: Plant, belief: Filter) -> None:
        self.plant, self.belief = plant, belief
        self.path = ""
        self.since = 0.0
        self.notes: list[list[float]] = []
        self.looked = -math.inf
        self.crossing: list[Any] = []
        """When it was looked ahead, for which fault, and what was found: the fields of a `Crossing`, if anything."""
        self.withdrawn: dict[str, list[float]] = {}
        """How large a fault was when its crossing was withdrawn, and when it was named last."""

    def see(self, now: float, path: str, since: float) -> None:
        """Take note of the fault that explains the readings best, and since when; or that none does (an empty path)."""
        if path != self.path:
            self.path, self.notes, self.looked = path, [], -math.inf
        self.since = since
        if self.crossing and now - self.crossing[0] > STALE:
            self.crossing = []
        self.withdrawn = {name: kept for name, kept in self.withdrawn.items() if now - kept[1] <= FORGOTTEN}
        if not path:
            return
        if path in self.withdrawn:
            self.withdrawn[path][1] = now
        if not self.notes or now - self.notes[-1][0] >= NOTE:
            self.notes.append([now, self.belief.severity(self.belief.suspects.index(path))])
            del self.notes[:-NOTES]
        if self.growing() and now - self.looked >= LOOK:
            self.looked = now
            self._look(now)

    def growing(self) -> bool:
        """Return whether enough is noted of a fault to say how it grows."""
        return len(self.notes) >= ENOUGH

    def trend(self) -> Trend:
        """Return severity and growth by a line through the notes; a fault that shrinks is taken to stay."""
        times, sizes = np.array(self.notes).T
        suspect = self.belief.suspects.index(self.path)
        away = times - times.mean()
        power = float(away @ away)
        rate = float(away @ sizes) / power
        left = sizes - sizes.mean() - rate * away
        spread = math.sqrt(float(left @ left) / max(len(times) - 2, 1) / power)
        rate = rate if rate * self.belief.unit(suspect) > 0.0 else 0.0
        seen = max(float(times[-1]) - self.since, NOTE)
        return Trend(self.path, float(sizes[-1]), self.belief.deviation(suspect), rate, spread if rate else 0.0, seen)

    def _look(self, now: float) -> None:
        if not isinstance(self.belief, UnscentedFilter):
            return  # an ensemble names no fault that could grow
        try:
            found = outlook(self.belief, self.plant.limits, HORIZON, trend=self.trend(), key=f"ahead {now:.0f}")
        except SimulationError:
            self.crossing = []
            return
        told = found_before.what if (found_before := self._found()) else ""
        likely = [c for c in found.crossings if c.probability >= (UNLIKELY if c.what == told else LIKELY)]
        if told and not likely:
            self.withdrawn[self.path] = [self.notes[-1][1], now]
        self.crossing = [now, self.path, *(likely[0] if likely and self._grown() else ())]

    def _grown(self) -> bool:
        """Return whether the fault is surely larger than when a crossing was withdrawn.

        A fault that has come to rest is estimated now larger, now smaller, and a line through some minutes of that
        rises half of the time: what was foreseen from it once would be foreseen again and again.
        """
        if self.path not in self.withdrawn:
            return True
        suspect, before = self.belief.suspects.index(self.path), self.withdrawn[self.path][0]
        grown = math.copysign(1.0, self.belief.unit(suspect)) * (self.notes[-1][1] - before)
        return grown > max(SURE * self.belief.deviation(suspect), GROWN * abs(before))

    def values(self, epoch: float) -> dict[str, float | str]:
        """Return the parameters of a text that say what is passed when; `epoch` turns times into source time [s]."""
        if not self.crossing or self.crossing[1] != self.path:
            return {}
        return self._told(epoch)

    def _told(self, epoch: float) -> dict[str, float | str]:
        found = self._found()
        if found is None:
            return {"horizon": HORIZON}
        now = float(self.crossing[0]) + epoch
        if found.what not in self.plant.tags:
            return {}
        tag = self.plant.tags[found.what]
        declared = self.plant.quantity(tag.reads).unit
        return {
            "limit_tag": found.what,
            "limit": from_si(found.limit, declared, tag.unit),
            "unit": tag.unit,
            "direction": "high" if found.above else "low",
            "crossing": now + found.middle,
            "early": now + found.early,
            "late": now + found.late,
            "horizon": HORIZON,
        }

    def conditions(self, epoch: float) -> list[Condition]:
        """Return the advisory about a limit that is likely to be passed, if there is one."""
        found = self._found()
        told = self._told(epoch) if found is not None else {}
        if "limit_tag" not in told or found is None:
            return []
        tag = self.plant.tags[found.what]
        asset = tag.reads.partition(".")[0]
        values = {k: v for k, v in told.items() if k not in ("limit_tag", "horizon")}
        values |= {"tag": found.what, "place": names.place(tag.reads, self.plant.assets[asset])}
        values |= {"probability": found.probability}
        path = str(self.crossing[1])
        cause = names.fault(path, self.plant.assets[path.partition(".")[0]])
        values |= {"cause": cause["fault"], "respond": cause["respond"]}
        since = epoch + float(self.crossing[0])
        return [Condition(f"limit:{found.what}", "limit_ahead", 1.0, found.probability, since, values, (asset,))]

    def _found(self) -> Crossing | None:
        return Crossing(*self.crossing[2:]) if len(self.crossing) > 2 else None

    def state(self) -> list[Any]:
        """Return everything, as plain numbers and text."""
        notes = [list(n) for n in self.notes]
        withdrawn = [[path, *kept] for path, kept in sorted(self.withdrawn.items())]
        return [self.path, self.since, notes, self.looked, list(self.crossing), withdrawn]

    def restore(self, state: list[Any]) -> None:
        """Go on from what `state` returned."""
        self.path, self.since, notes, self.looked, self.crossing = *state[:4], list(state[4])
        self.withdrawn = {path: list(kept) for path, *kept in state[5]}
        self.notes = [list(n) for n in notes]
