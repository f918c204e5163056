"""What branches came to: numbers of blocks, lines, orders, crews and physics, for many members at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from scenarios.measures import COUNTS, STATES, STATION, STATISTIC, Money
from twin.errors import PlantError
from twin.flow import counts
from twin.flow.blocks import Sink, Station
from twin.flow.floor import Floor
from twin.flow.kpi import kpis
from twin.flow.laying import Laid
from twin.plant import Plant


class Course(NamedTuple):
    """What became of members: their flow, how long [s], quantities in the end and when statistics began, and samples.

    `samples` are by path, shape (members, times).
    """

    plant: Plant
    laid: Laid | None
    floor: Floor | None
    begun: float
    length: float
    ends: Mapping[str, np.ndarray]
    starts: Mapping[str, np.ndarray]
    samples: Mapping[str, np.ndarray]
    money: Money | None = None


def needed(plant: Plant, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return which quantities are read in the end, and which are sampled on the way."""
    ends: list[str] = []
    sampled: list[str] = []
    for name in names:
        found = STATISTIC.fullmatch(name)
        path = found[2].strip() if found else name
        path = plant.tags[path].reads if path in plant.tags else path
        asset, _, quantity = path.partition(".")
        if asset in plant.assets and quantity in plant.assets[asset].quantities():
            (sampled if found else ends).append(path)
    if plant.flow is not None:
        links = [b.link for b in plant.flow.blocks if isinstance(b, Station) and b.link is not None]
        ends += [path for link in links for path in link.meters]
    return list(dict.fromkeys(ends)), list(dict.fromkeys(sampled))


def measured(course: Course, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return what every member came to, by name, each of shape (members,)."""
    seen = _Seen(course) if course.floor is not None and course.laid is not None else None
    return {name: _value(course, seen, name) for name in names}


def _value(course: Course, seen: "_Seen | None", name: str) -> np.ndarray:
    found = STATISTIC.fullmatch(name)
    path = found[2].strip() if found else name
    what, _, key = path.rpartition(".")
    if seen is not None and not found:
        if what == "line":
            return seen.line(key)
        if what.startswith("order."):
            return seen.order(what.removeprefix("order."), key)
        if what.startswith("crew."):
            return seen.crew(what.removeprefix("crew."))
        if what in seen.places:
            return seen.block(what, key)
    path = course.plant.tags[path].reads if path in course.plant.tags else path
    if found:
        samples = course.samples[path]
        if found[1] == "passes":
            low, high = course.plant.limits[found[2].strip()]
            return np.asarray(((samples < low) | (samples > high)).any(1), float)
        reduced = {"min": samples.min(1), "max": samples.max(1), "mean": samples.mean(1)}
        return np.asarray(reduced[found[1]])
    return course.ends[path]


class _Seen:
    """A flow after a run, as arrays over members."""

    def __init__(self, course: Course) -> None:
        if course.floor is None or course.laid is None:
            raise PlantError("a flow is needed")
        self.course, self.floor, self.laid = course, course.floor, course.laid
        self.places = {name: k for k, name in enumerate(self.laid.names)}
        self.spent = counts.spent(self.floor)

    def crew(self, name: str) -> np.ndarray:
        """Return how many of a crew worked, on average."""
        r = [pool.name for pool in self.laid.flow.pools].index(name)
        return counts.staffed(self.floor)[:, r] / self.course.length

    def energy_of(self, k: int) -> np.ndarray:
        """Return what block k took in [J]."""
        block = self.laid.flow.blocks[k]
        found = np.zeros(self.floor.count)
        if isinstance(block, Station):
            for state, power in block.power.items():
                found += power * self.spent[:, k, STATES.index(state)]
            for path in block.link.meters if block.link else ():
                found += self.course.ends[path] - self.course.starts[path]
        return found

    def energy(self) -> np.ndarray:
        """Return what all took in [J]."""
        return np.asarray(np.sum([self.energy_of(k) for k in range(len(self.places))], axis=0))

    def block(self, name: str, key: str) -> np.ndarray:
        """Return a number of a block."""
        k = self.places[name]
        rows = self.floor.blocks[:, k]
        if key == "held":
            return counts.areas(self.floor)[:, k] / self.course.length
        if key in COUNTS:
            return np.asarray(rows[key], float)
        if key in STATES:
            return self.spent[:, k, STATES.index(key)]
        field, energy = STATION[key], self.energy_of(k)
        return np.array([
            getattr(kpis(
                dict(zip(STATES, self.spent[m, k].tolist(), strict=True)), produced=int(row["made"]),
                good=int(row["made"] - row["spoilt"]), scrapped=int(row["spoilt"]),
                planned_run_time=float(row["planned"]), failures=int(row["failures"]), energy=float(energy[m]),
            ), field) for m, row in enumerate(rows)
        ])  # fmt: skip

    def _sinks(self, scraps: bool) -> np.ndarray:
        blocks = self.laid.flow.blocks
        return np.array([isinstance(b, Sink) and b.scraps == scraps for b in blocks])

    def line(self, key: str) -> np.ndarray:
        """Return a number of the line."""
        good, length = self._sinks(scraps=False), self.course.length
        done = self.floor.blocks["passed"][:, good].sum(axis=1)
        if key == "cost":
            return self.cost(done)
        numbers: dict[str, Callable[[], np.ndarray]] = {
            "done": lambda: done.astype(float),
            "scrapped": lambda: self.floor.blocks["passed"][:, self._sinks(scraps=True)].sum(axis=1).astype(float),
            "escaped": lambda: self.floor.blocks["bad"][:, good].sum(axis=1).astype(float),
            "throughput": lambda: done / length,
            "lead": lambda: _over(self.floor.blocks["lead"][:, good].sum(axis=1), done),
            "wip": lambda: counts.areas(self.floor)[:, self._inside()].sum(axis=1) / length,
            "energy": self.energy,
            "good_energy": lambda: _over(self.energy(), done),
        }
        return numbers[key]()

    def _inside(self) -> np.ndarray:
        """Return which blocks hold work in progress."""
        return np.array([type(block).__name__ in ("Buffer", "Station", "Conveyor") for block in self.laid.flow.blocks])

    def order(self, name: str, key: str) -> np.ndarray:
        """Return a number of an order; what isn't finished is so at the end at the earliest."""
        rows = self.floor.orders[:, self.laid.orders.index(name)]
        if key == "done":
            return np.asarray(rows["done"], float)
        if key == "on_time":
            return np.asarray((rows["finished"] <= rows["due"]) & np.isfinite(rows["finished"]), float)
        finished = np.minimum(rows["finished"], self.course.begun + self.course.length)
        if key == "finished":
            return np.asarray(finished - self.course.begun)
        return np.asarray(np.maximum(finished - rows["due"], 0.0))

    def cost(self, done: np.ndarray) -> np.ndarray:
        """Return what was earned less what it cost."""
        money = self.course.money
        if money is None:
            raise PlantError("line.cost: give prices in `money`")
        orders = self.floor.orders
        late = ((orders["finished"] > orders["due"]) & (orders["due"] <= self.course.begun + self.course.length)).sum(
            axis=1
        )
        scrapped = self.floor.blocks["passed"][:, self._sinks(scraps=True)].sum(axis=1)
        found = money.part * done - money.scrap * scrapped - money.energy * self.energy() - money.late * late
        sizes = self.floor.pools["size"]  # which variants may have otherwise
        for r, pool in enumerate(self.laid.flow.pools):
            found = found - money.crew.get(pool.name, 0.0) * sizes[:, r] * self._there(pool.shift)
        return np.asarray(found)

    def _there(self, shift: str) -> float:
        """Return how long a shift was on while it was looked at [s]."""
        if not shift:
            return self.course.length
        kept = next(each for each in self.laid.flow.shifts if each.name == shift)
        begin, end = self.course.begun, self.course.begun + self.course.length
        total, on, last, lap = 0.0, kept.on, 0.0, 0.0
        while last < end:
            for switch in kept.switches:
                now = lap * kept.period + switch
                if on:
                    total += max(0.0, min(now, end) - max(last, begin))
                on, last = not on, now
            lap += 1.0
        return total


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return quotients; nan where there is nothing to divide by."""
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0))
