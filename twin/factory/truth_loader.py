"""A truth file into a `Truth`, with a line in front of every complaint."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path

from twin.catalogue import find
from twin.declare import Fault, Input, Param
from twin.errors import DeclarationError, PlantError, TwinError, unknown
from twin.factory.truth import SHAPES, Disturbance, Mishap, Truth, usual_hold
from twin.factory.truth_file import DisturbanceEntry, FaultEntry, InstrumentEntry, SpreadEntry, TruthFile
from twin.plant import METHODS, Change, Plant, Solver, Tag, setting
from twin.read import Node, read
from twin.shape import validated
from twin.units import difference_to_si, to_si

LONGEST = 1e9
"""No time in a truth is longer than some thirty years [s]."""
FARTHEST = 6.0
"""What wanders stays within so many standard deviations, once in a thousand years of steps."""


def load(path: Path, plant: Plant) -> Truth:
    """Return the truth in a file about `plant`."""
    tree, _ = read(path)
    return _Loader(path, tree, validated(tree, TruthFile, "docs/faults-of-the-demo.md"), plant).truth()


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Put a place in front of what goes wrong inside; what an asset file declares keeps its own."""
    try:
        yield
    except DeclarationError:
        raise
    except TwinError as err:
        raise PlantError(f"{where}: {err}") from None


def _number(where: str, text: str, unit: str, low: float = 0.0, high: float = inf) -> float:
    with _at(where):
        number = to_si(text, unit)
        if not low <= number <= high:
            raise TwinError(f"{text} is outside [{low:g}, {high:g}] {unit}; give a value inside")
        return number


class _Loader:
    """Turns a validated file into a `Truth`."""

    def __init__(self, path: Path, tree: Node, file: TruthFile, plant: Plant) -> None:
        self.path, self.tree, self.file, self.twin = path, tree, file, plant

    def truth(self) -> Truth:
        file, tree = self.file, self.tree
        if file.truth != self.twin.name:
            raise PlantError(f"{tree.at('truth')}: is the truth about {file.truth!r}, not about {self.twin.name!r}")
        self.settle = _number(f"{tree.at('settle')}: settle", file.settle, "s", 0.0, LONGEST)
        plant = self._plant()
        truth = Truth(
            self.twin,
            plant,
            spread_of(plant, file.spread, tree["spread"]) if file.spread else {},
            {n: lag for n, e in file.instruments.items() if (lag := self._lag(n, e)) > 0.0},
            tuple(disturbance_of(plant, n, e, tree["disturbances"][n]) for n, e in file.disturbances.items()),
            {n: self._mishap(plant, n, e) for n, e in file.faults.items()},
            self.settle,
            _number(f"{tree.at('hold')}: hold", file.hold, "s", 1e-3, 3600.0) if file.hold else usual_hold(plant),
            _number(f"{tree.at('jitter')}: jitter", file.jitter, "s", 0.0, LONGEST),
            file.about.strip(),
        )
        self._check_grids(truth)
        return truth

    def _plant(self) -> Plant:
        """Return what stands in the factory: other equipment, other values, other instruments, other schedule."""
        file, tree = self.file, self.tree
        assets = dict(self.twin.assets)
        for name, entry in file.replace.items():
            node = tree["replace"]
            with _at(f"{node.at(name)}: replace"):
                if name not in assets:
                    raise TwinError(unknown("asset", name, assets))
                assets[name] = find(entry.is_, self.path.parent / file.equipment if file.equipment else None)
                lost = {p for p in self.twin.values if p.startswith(f"{name}.")} - {
                    f"{name}.{q}" for q in assets[name].quantities()
                }
                if lost:
                    raise TwinError(f"{entry.is_} has no {', '.join(sorted(lost))}, which the plant sets; declare it")
        with _at(f"{tree.at('replace')}: replace"):
            plant = replace(self.twin, assets=assets, solver=self._solver(), schedule=(), text="")
            for tag in plant.tags.values():
                plant.quantity(tag.reads)
        values = [(tree["values"].at(p), p, text) for p, text in file.values.items()]
        for name, entry in file.replace.items():
            values += [(tree["replace"][name]["with"].at(k), f"{name}.{k}", t) for k, t in entry.with_.items()]
        for where, path, text in values:
            with _at(where):
                plant = plant.with_values({path: text})
        tags = {**plant.tags, **{n: self._tag(plant, n, e) for n, e in file.instruments.items()}}
        return replace(plant, tags=tags, schedule=self._schedule(plant))

    def _solver(self) -> Solver:
        entry = self.file.solver
        if entry is None:
            return self.twin.solver
        node = self.tree["solver"]
        if entry.method not in METHODS:
            raise PlantError(f"{node.at('method')}: solver.method: {unknown('method', entry.method, METHODS)}")
        step = _number(f"{node.at('step')}: solver.step", entry.step, "s", 1e-9, 1e6)
        rtol = _number(f"{node.at('rtol')}: solver.rtol", entry.rtol, "1", 1e-14, 0.1)
        longest = _number(f"{node.at('max_step')}: solver.max_step", entry.max_step or "1e300", "s", 1e-9)
        return Solver(METHODS[entry.method], step, rtol, longest if entry.max_step else inf)

    def _tag(self, plant: Plant, name: str, entry: InstrumentEntry) -> Tag:
        """Return the instrument with what it does beyond the plant file's errors."""
        self._known_tag(plant, self.tree["instruments"].at(name), name)
        node, tag = self.tree["instruments"][name], plant.tags[name]
        unit = plant.quantity(tag.reads).unit
        per_second = f"{unit}/s" if "/" not in unit else unit.replace("/", ".s-1/", 1)
        with _at(f"{node.at('bias')}: {name}.bias"):
            bias = difference_to_si(entry.bias, unit)
        with _at(f"{node.at('drift')}: {name}.drift"):
            drift = difference_to_si(entry.drift, per_second)
        times = _number(f"{node.at('noise_times')}: {name}.noise_times", entry.noise_times, "1", 0.0, 1e6)
        dropout = _number(f"{node.at('dropout')}: {name}.dropout", entry.dropout, "1", 0.0, 1.0)
        return tag._replace(
            noise=tag.noise * times,
            bias=tag.bias + bias,
            drift=tag.drift + drift,
            dropout=1.0 - (1.0 - tag.dropout) * (1.0 - dropout),
        )

    def _lag(self, name: str, entry: InstrumentEntry) -> float:
        node = self.tree["instruments"][name]
        return _number(f"{node.at('lag')}: {name}.lag", entry.lag, "s", 0.0, LONGEST)

    @staticmethod
    def _known_tag(plant: Plant, where: str, name: str) -> None:
        if name not in plant.tags:
            raise PlantError(f"{where}: {unknown('tag', name, plant.tags)}")

    def _schedule(self, plant: Plant) -> tuple[Change, ...]:
        """Return the plant's own changes if they are kept, and the truth's; times count from the first reading."""
        if self.file.plant_schedule not in ("kept", "dropped"):
            where = self.tree.at("plant_schedule")
            raise PlantError(f"{where}: plant_schedule: {self.file.plant_schedule!r}; write kept or dropped")
        changes = list(self.twin.schedule) if self.file.plant_schedule == "kept" else []
        for entry, node in zip(self.file.schedule, self.tree.get("schedule") or [], strict=True):
            time = _number(f"{node.at('at')}: schedule.at", entry.at, "s", 0.0, LONGEST)
            for path, text in entry.set.items():
                with _at(node["set"].at(path)):
                    changes.append(Change(time, path, setting(plant, path, text)))
        moved = [change._replace(at=change.at + self.settle) for change in changes]
        return tuple(sorted(moved, key=lambda change: change.at))

    def _mishap(self, plant: Plant, name: str, entry: FaultEntry) -> Mishap:
        node = self.tree["faults"][name]
        if not entry.to and not entry.sensors:
            raise PlantError(f"{node.where}: {name}: moves nothing; give it `to` or `sensors`")
        if entry.shape not in SHAPES:
            raise PlantError(f"{node.at('shape')}: {name}.shape: {unknown('shape', entry.shape, SHAPES)}")
        to, sensors = {}, {}
        for path, text in entry.to.items():
            with _at(node["to"].at(path)):
                to[path] = setting(plant, path, text)
                if not isinstance(plant.quantity(path), Param | Fault | Input):
                    raise TwinError(f"{path} follows from the equations; move a parameter, a fault or an input")
                if any(change.path == path for change in plant.schedule):
                    raise TwinError(f"{path} changes by schedule too; keep one of them")
        for tag, text in entry.sensors.items():
            where = node["sensors"].at(tag)
            self._known_tag(plant, where, tag)
            with _at(where):
                sensors[tag] = difference_to_si(text, plant.quantity(plant.tags[tag].reads).unit)
        over = _number(f"{node.at('over')}: {name}.over", entry.over, "s", 1e-3, LONGEST)
        at = _number(f"{node.at('at')}: {name}.at", entry.at, "s", 0.0, LONGEST)
        return Mishap(name, entry.about.strip(), to, sensors, SHAPES[entry.shape], over, at)

    def _check_grids(self, truth: Truth) -> None:
        """Refuse times that lie between two sampling instants: readings would depend on how a run is cut."""
        periods = [tag.every for tag in truth.plant.tags.values()]
        for key, value in (("settle", truth.settle), ("hold", truth.hold)):
            for period in periods if key == "settle" else periods and [min(periods)]:
                if abs(value / period - round(value / period)) > 1e-9 * (1.0 + value / period):
                    raise PlantError(
                        f"{self.tree.at(key)}: {key}: {value:g} s is no whole number of sampling periods of "
                        f"{period:g} s; round it"
                    )
        for disturbance in truth.disturbances:
            if abs(disturbance.every / truth.hold - round(disturbance.every / truth.hold)) > 1e-9 * disturbance.every:
                where = self.tree["disturbances"][disturbance.name].at("every")
                raise PlantError(f"{where}: {disturbance.name}.every is no whole number of `hold`s of {truth.hold:g} s")
        if periods and truth.jitter >= 0.5 * min(periods):
            raise PlantError(
                f"{self.tree.at('jitter')}: jitter: {truth.jitter:g} s is not below half a sampling period"
            )


def spread_of(plant: Plant, entry: SpreadEntry, node: Node) -> dict[str, float]:
    """Return how far parameters lie from their data sheets: standard deviation of the logarithm, by path."""
    for asset in entry.assets:
        if asset not in plant.assets:
            raise PlantError(f"{node.at('assets')}: spread: {unknown('asset', asset, plant.assets)}")
    paths = [f"{a}.{n}" for a in entry.assets for n in plant.assets[a].roles[Param]]
    for key, patterns in (("known", entry.known), ("closer", list(entry.closer))):
        for pattern in patterns:
            if not any(names(pattern, path) for path in paths):
                raise PlantError(f"{node.at(key)}: spread.{key}: {pattern!r} names no parameter of these assets")
    size = _number(f"{node.at('size')}: spread.size", entry.size, "1", 0.0, 0.3)
    sizes = {p: size for p in paths if not any(names(known, p) for known in entry.known)}
    for pattern, text in entry.closer.items():
        closer = _number(f"{node['closer'].at(pattern)}: spread.closer", text, "1", 0.0, 0.3)
        sizes |= {p: closer for p in sizes if names(pattern, p)}
    return {p: s for p, s in sizes.items() if s > 0.0}


def disturbance_of(plant: Plant, name: str, entry: DisturbanceEntry, node: Node) -> Disturbance:
    """Return inputs that move together from outside."""
    if bool(entry.wanders) == bool(entry.levels):
        raise PlantError(f"{node.where}: {name}: either it wanders or it has levels; give one of them")
    for path in entry.of:
        with _at(f"{node.at('of')}: {name}"):
            setting(plant, path, plant.value(path))
            if not isinstance(plant.quantity(path), Input):
                raise TwinError(f"{path} is no input; only what comes from outside is a disturbance")
            if any(change.path == path for change in plant.schedule):
                raise TwinError(f"{path} changes by schedule too; keep one of them")
    unit = plant.quantity(entry.of[0]).unit
    if any(plant.quantity(path).unit != unit for path in entry.of):
        raise PlantError(f"{node.at('of')}: {name}: {', '.join(entry.of)} don't move together; they differ in unit")
    with _at(f"{node.at('wanders')}: {name}.wanders"):
        size = difference_to_si(entry.wanders or "0", unit)
    with _at(f"{node.at('levels')}: {name}.levels"):
        levels = tuple(difference_to_si(text, unit) for text in entry.levels)
    far = [*levels, -FARTHEST * abs(size), FARTHEST * abs(size)]
    for path in entry.of:
        low, high = plant.quantity(path).bounds
        if not low <= plant.value(path) + min(far) <= plant.value(path) + max(far) <= high:
            raise PlantError(f"{node.where}: {name}: {path} would leave [{low:g}, {high:g}] {unit}; give less")
    over = _number(f"{node.at('over')}: {name}.over", entry.over, "s", 1e-3, LONGEST)
    every = _number(f"{node.at('every')}: {name}.every", entry.every, "s", 1e-3, LONGEST)
    return Disturbance(name, tuple(entry.of), abs(size), over, levels, every)


def names(pattern: str, path: str) -> bool:
    """Return whether a pattern of a parameter's name, or of ``asset.name``, means this path."""
    return fnmatchcase(path, pattern) or fnmatchcase(path.partition(".")[2], pattern)
