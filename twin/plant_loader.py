"""A plant file into a `Plant`, with a line in front of every complaint."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

from twin.catalogue import find
from twin.clean.zone import zone_of
from twin.declare import Asset, Due, Fault, Param
from twin.errors import DeclarationError, PlantError, TwinError, unknown
from twin.plant import METHODS, Change, Plant, Solver, Tag, check_wire, setting
from twin.plant_estimation import estimation
from twin.plant_file import PlantFile, TagEntry
from twin.read import Node, read
from twin.shape import validated
from twin.units import check_convertible, difference_to_si, to_si

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
LONGEST = 1e9
"""No time in a plant is longer than some thirty years [s]."""
LARGEST = 1e30
"""No error of an instrument is larger, in any unit."""


def load(path: Path, extra: Path | None) -> Plant:
    """Return the plant in a file; assets come from the installed packages and from the folder `extra`."""
    return built(*read(path), extra)


def built(tree: Node, text: str, extra: Path | None) -> Plant:
    """Return the plant of a file that was read, and perhaps changed, as `twin.read.read` gives it."""
    return _Loader(tree, validated(tree, PlantFile, "`twin schema`"), text, extra).plant()


class _Loader:
    """Turns a validated file into a `Plant`, with a line in front of every complaint."""

    def __init__(self, tree: Node, file: PlantFile, text: str, extra: Path | None) -> None:
        self.tree, self.file, self.text, self.extra = tree, file, text, extra

    def plant(self) -> Plant:
        file = self.file
        if not file.plant.strip() or not file.plant.isprintable() or len(file.plant) > 200:
            where = self.tree.at("plant")
            raise PlantError(f"{where}: {file.plant!r}: a plant's name is 1 to 200 printable characters; rename it")
        with self._at(f"{self.tree.at('zone')}: zone"):
            zone_of(file.zone)
        bare = Plant(file.plant, self._assets(), text=self.text, about=file.about.strip(), zone=file.zone)
        wires = {t: (o,) if isinstance(o, str) else tuple(o) for t, o in file.wires.items()}
        for target, origins in wires.items():
            with self._at(self.tree["wires"].at(target)):
                check_wire(bare, target, origins)
        solver = self._solver()
        with self._at(f"{self.tree.at('wires')}: wires"):
            wired = replace(bare, wires=wires, solver=solver)
        valued = replace(wired, values=self._values(wired))
        tagged = replace(valued, tags={n: self._tag(valued, n, e) for n, e in file.tags.items()})
        planned = replace(tagged, limits=self._limits(tagged), schedule=self._schedule(tagged))
        if file.flow is not None:
            from twin.flow.reading import flow  # and NumPy with it

            planned = replace(planned, flow=flow(planned, file.flow, self.tree["flow"]))
        if file.fitted is not None:
            from twin.plant_fitted import fitted

            planned = replace(planned, fitted=fitted(planned, file.fitted, self.tree["fitted"]))
        if file.estimate is None:
            return planned
        return replace(planned, estimation=estimation(planned, file.estimate, self.tree["estimate"]))

    def _assets(self) -> dict[str, type[Asset]]:
        found = {}
        for name, entry in self.file.assets.items():
            where = self.tree["assets"].at(name)
            if not _NAME.fullmatch(name):
                raise PlantError(f"{where}: {name}: a name is letters, digits and single underscores; rename it")
            with self._at(f"{self.tree['assets'][name].at('is')}: {name}"):
                found[name] = find(entry.is_, self.extra)
        return found

    def _values(self, plant: Plant) -> dict[str, float]:
        values = {}
        for name, entry in self.file.assets.items():
            for key, text in entry.with_.items():
                values[f"{name}.{key}"] = self._setting(
                    plant, self.tree["assets"][name]["with"].at(key), f"{name}.{key}", text
                )
        return values

    def _setting(self, plant: Plant, where: str, path: str, text: str) -> float:
        with self._at(where):
            return setting(plant, path, text)

    @staticmethod
    @contextmanager
    def _at(where: str) -> Iterator[None]:
        """Put a place in front of what goes wrong inside; what an asset file declares keeps its own."""
        try:
            yield
        except DeclarationError:
            raise
        except TwinError as err:
            raise PlantError(f"{where}: {err}") from None

    def _number(self, where: str, what: str, text: str, unit: str, low: float = 0.0, high: float = inf) -> float:
        with self._at(f"{where}: {what}"):
            return _inside(to_si(text, unit), text, unit, low, high)

    def _solver(self) -> Solver:
        entry, node = self.file.solver, self.tree.get("solver") or Node(self.tree.where)
        method = METHODS.get(entry.method)
        if method is None:
            raise PlantError(f"{node.at('method')}: solver.method: {unknown('method', entry.method, METHODS)}")
        step = self._number(node.at("step"), "solver.step", entry.step, "s", 1e-9, 1e6)
        rtol = self._number(node.at("rtol"), "solver.rtol", entry.rtol, "1", 1e-14, 0.1)
        longest = (
            self._number(node.at("max_step"), "solver.max_step", entry.max_step, "s", 1e-9) if entry.max_step else inf
        )
        return Solver(method, step, rtol, longest)

    def _tag(self, plant: Plant, name: str, entry: TagEntry) -> Tag:
        node = self.tree["tags"][name]
        if not name.strip() or not name.isprintable() or len(name) > 200:
            where = self.tree["tags"].at(name)
            raise PlantError(f"{where}: {name!r}: a tag's name is 1 to 200 printable characters; rename it")
        with self._at(f"{node.at('reads')}: {name}"):
            quantity = plant.quantity(entry.reads)
            if entry.reads in plant.wires or isinstance(quantity, Param | Fault | Due):
                raise TwinError(f"reads an output, state, memory or held input, not {entry.reads}")
        with self._at(f"{node.at('unit')}: {name}"):
            check_convertible(entry.unit or quantity.unit, quantity.unit)

        def size(key: str, unit: str = quantity.unit, low: float = -LARGEST, high: float = LARGEST) -> float:
            with self._at(f"{node.at(key)}: {name}.{key}"):
                number = difference_to_si(getattr(entry, key), unit)
                return _inside(number, getattr(entry, key), unit, low, high)

        every = size("every", "s", 1e-6, LONGEST)
        delay = size("delay", "s", 0.0, LONGEST) / every
        if abs(delay - round(delay)) > 1e-9 * (1.0 + delay):
            raise PlantError(
                f"{node.at('delay')}: {name}.delay: {entry.delay} is no whole number of periods of {entry.every}; "
                "round it yourself"
            )
        per_second = f"{quantity.unit}/s" if "/" not in quantity.unit else quantity.unit.replace("/", ".s-1/", 1)
        return Tag(
            name,
            entry.reads,
            entry.unit or quantity.unit,
            every,
            size("noise", low=0.0),
            size("bias"),
            size("drift", per_second),
            size("quantum", low=0.0) if entry.quantum.strip() in ("", "0") else size("quantum", low=1e-12),
            size("dropout", "1", 0.0, 1.0),
            round(delay),
            size("stuck_after", "s", 0.0, LONGEST) if entry.stuck_after else inf,
        )

    def _limits(self, plant: Plant) -> dict[str, tuple[float, float]]:
        limits = {}
        for name, entry in self.file.limits.items():
            node = self.tree["limits"]
            if name not in plant.tags:
                raise PlantError(f"{node.at(name)}: limits: {unknown('tag', name, plant.tags)}")
            low, high = (
                self._limit(plant, name, "low", entry.low, -inf),
                self._limit(plant, name, "high", entry.high, inf),
            )
            if not low < high:
                raise PlantError(
                    f"{node.at(name)}: limits: {name}: low {entry.low} is not below high {entry.high}; mend them"
                )
            if (low, high) == (-inf, inf):
                raise PlantError(f"{node.at(name)}: limits: {name}: has neither low nor high; give one or drop it")
            limits[name] = (low, high)
        return limits

    def _limit(self, plant: Plant, name: str, key: str, text: str, absent: float) -> float:
        if not text:
            return absent
        tag = plant.tags[name]
        with_unit = text if " " in text.strip() else f"{text} {tag.unit}"
        where, unit = self.tree["limits"][name].at(key), plant.quantity(tag.reads).unit
        return self._number(where, f"{name}.{key}", with_unit, unit, -inf)

    def _schedule(self, plant: Plant) -> tuple[Change, ...]:
        changes: dict[tuple[float, str], Change] = {}
        for entry, node in zip(self.file.schedule, self.tree.get("schedule") or [], strict=True):
            time = self._number(node.at("at"), "schedule.at", entry.at, "s", 0.0, LONGEST)
            if not entry.set:
                raise PlantError(f"{node.at('set')}: schedule.set: changes nothing; name a quantity or drop the entry")
            for path, text in entry.set.items():
                where = node["set"].at(path)
                if (time, path) in changes:
                    raise PlantError(f"{where}: {path}: already changes at {entry.at}; keep one of them")
                changes[time, path] = Change(time, path, self._setting(plant, where, path, text))
        return tuple(sorted(changes.values(), key=lambda change: change.at))


def _inside(number: float, text: str, unit: str, low: float, high: float) -> float:
    """Return a number that lies between its bounds."""
    if not low <= number <= high:
        raise TwinError(f"{text} is outside [{low:g}, {high:g}] {unit}; give a value inside")
    return number
