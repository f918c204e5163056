"""From a data set's file to what it means, with a line in front of every complaint."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from scenarios.dataset import contract as contracts
from scenarios.dataset import parts
from scenarios.dataset.consistency import refuse_misfits, section
from scenarios.dataset.contract import Contract
from scenarios.dataset.file import DatasetFile
from scenarios.dataset.spec import CONTENTS, SPLITS, Missing, Spec, Splits
from twin.declare import State
from twin.errors import PlantError, unknown
from twin.factory.truth_loader import LONGEST
from twin.flow.linking import placed
from twin.flow.words import whole
from twin.plant import METHODS, Plant, Solver
from twin.plant_loader import built
from twin.read import Node, read
from twin.shape import validated
from twin.shipped import path_of

MOST_RUNS = 2_000_000
USUAL = Solver("rodas4", 1e-3, 1e-4)
"""How physics is integrated unless the file says otherwise: data needs no more digits than instruments have."""
HOLDS = 360
"""Steps of what moves from outside in a run, unless the file says otherwise."""
MOST_SETTLING = 1e7
"""Longest settling [s], some four months: nothing outside changes meanwhile."""

E = TypeVar("E")
P = TypeVar("P")


class Source(NamedTuple):
    """Files that a specification is made of, so that a worker elsewhere can make it again."""

    tree: Node
    text: str
    plants: tuple[tuple[Node, str], ...]
    contract: Contract | None
    extra: Path | None


def source(path: Path, extra: Path | None = None) -> Source:
    """Return the files of a specification.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    tree, text = read(path)
    file = validated(tree, DatasetFile, "docs/datasets.md")
    plants = []
    for name in file.plants:
        with placed(f"{tree.at('plants')}: plants"):
            here = path.parent / name
            try:
                plants.append(read(here if here.is_file() else path_of(name)))
            except OSError as err:
                raise PlantError(f"{name:.80}: {err.strerror}; name a plant, or the path of its file") from None
    contract = _contract(path.parent / file.contract, f"{tree.at('contract')}: contract") if file.contract else None
    return Source(tree, text, tuple(plants), contract, extra)


def _contract(path: Path, where: str) -> Contract:
    try:
        there = path.is_file()
    except OSError:  # a name that is too long
        there = False
    if not there:
        raise PlantError(f"{where}: there is no file {path.name!r:.200} beside this one; name one")
    return contracts.load(path)


def load(path: Path, extra: Path | None = None) -> Spec:
    """Return the specification in a file, as `source` and `spec` do."""
    return spec(source(path, extra))


def spec(files: Source) -> Spec:
    """Return what files mean.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    return _Loader(files).spec()


class _Loader:
    def __init__(self, files: Source) -> None:
        self.tree, self.files = files.tree, files
        self.file = validated(files.tree, DatasetFile, "docs/datasets.md")

    def spec(self) -> Spec:
        file, tree = self.file, self.tree
        if not file.dataset.replace("_", "a").replace("-", "a").isalnum() or len(file.dataset) > 100:
            raise PlantError(
                f"{tree.at('dataset')}: dataset: {file.dataset!r:.120}: a name is letters, digits, - and _; rename it"
            )
        self.every = self._number("sampling", "every", file.sampling.every, "s", 1e-6, 86400.0)
        self.length = self._whole_periods("length", file.length, self.every, 2)
        hold = file.hold or f"{self.every * max(math.ceil(self.length / HOLDS / self.every), 1)} s"
        self.hold = self._whole_periods("hold", hold, self.every, 1)
        settle = self._whole_periods("settle", file.settle, self.every, 0, MOST_SETTLING)
        self.plants = self._plants()
        plant = self.plants[0]
        modes = tuple(self._each("modes", file.modes, lambda n, e, node: parts.mode(plant, n, e, node)))
        names = [mode.name for mode in modes]
        found = Spec(
            name=file.dataset, about=file.about.strip(), plants=self.plants, length=self.length, settle=settle,
            hold=self.hold, every=self.every, runs=self._count("runs", file.runs, 1, MOST_RUNS),
            seed=self._count("seed", file.seed, 0, 2**62), truth=(),
            machines=parts.machines(self.plants, file.machines, self._node("machines")),
            begin=parts.begun(plant, file.begin, tree.get("begin")), modes=modes,
            duties=tuple(self._each("duty", file.duty, lambda n, e, d: parts.duty(names, n, e, d, self.hold))),
            environment=tuple(
                self._each("environment", file.environment, lambda n, e, d: parts.surrounding(plant, n, e, d))
            ),
            healthy=self._number("", "healthy", file.healthy, "1", 0.0, 1.0),
            faults=tuple(self._each("faults", file.faults, lambda n, e, d: parts.fault(plant, n, e, d, self.length))),
            sensor_faults=tuple(
                self._each(
                    "sensor_faults", file.sensor_faults,
                    lambda n, e, d: parts.sensor_fault(plant, n, e, d, self.length),
                )
            ),
            sensor_faulty=self._number("", "sensor_faulty", file.sensor_faulty, "1", 0.0, 1.0),
            missing=self._missing(), ends=self._ends(plant), horizon=self._horizon(),
            splits=self._splits(), contents=self._contents(), purpose=file.purpose,
            license=self._license(), contract=self.files.contract, text=self.files.text, extra=self.files.extra,
        )  # fmt: skip
        found = replace(found, truth=self._truth(found))
        refuse_misfits(found, tree)
        return found

    def _plants(self) -> tuple[Plant, ...]:
        """Return the plants, whose only differences are numbers."""
        tags, where = self.file.sampling.tags, self.tree.at("sampling")
        noise = self._number("", "noise", self.file.noise, "1", 0.0, 1e3)
        found = []
        for tree, text in self.files.plants:
            plant = built(tree, text, self.files.extra)
            if not plant.tags:
                raise PlantError(
                    f"{self.tree.at('plants')}: plants: {plant.name} has no tags; nothing would be recorded"
                )
            found.append(replace(parts.recorded(plant, self.every, tags, noise, where), solver=self._solver()))
        first = found[0]
        for other in found[1:]:
            if (other.assets, other.wires, other.tags) != (first.assets, first.wires, first.tags):
                raise PlantError(
                    f"{self.tree.at('plants')}: plants: {other.name} and {first.name} differ in more than numbers; "
                    "make a data set of each"
                )
        return tuple(found)

    def _solver(self) -> Solver:
        entry = self.file.solver
        if entry is None:
            return USUAL
        if entry.method not in METHODS:
            where = self.tree["solver"].at("method")
            raise PlantError(f"{where}: solver.method: {unknown('method', entry.method, METHODS)}")
        longest = self._number("solver", "max_step", entry.max_step or "1e300", "s", 1e-9)
        return Solver(
            METHODS[entry.method], self._number("solver", "step", entry.step, "s", 1e-9, 1e6),
            self._number("solver", "rtol", entry.rtol, "1", 1e-14, 0.1), longest if entry.max_step else math.inf,
        )  # fmt: skip

    def _truth(self, found: Spec) -> tuple[str, ...]:
        """Return what is recorded as it is: beside what is asked for, what faults move, which proves labels."""
        plant = found.plant
        moved = [path for fault in found.faults for path in fault.to]
        for path in self.file.sampling.truth:
            with placed(f"{self.tree['sampling'].at('truth')}: sampling.truth"):
                plant.quantity(path)
        asked = self.file.sampling.truth or plant.paths(State)
        return tuple(dict.fromkeys([*asked, *moved]))

    def _missing(self) -> Missing:
        entry, node = self.file.missing, self._node("missing")
        lasts = parts.between(f"{node.at('lasts')}: missing.lasts", entry.lasts, "s", 0.0, self.length)
        each = self._number("missing", "each", entry.each, "1", 0.0, 0.999)
        gaps = self._number("missing", "gaps", entry.gaps, "1", 0.0, 3600.0) / 3600.0
        if gaps * max(lasts.high, self.every) >= 1.0:
            raise PlantError(f"{node.at('gaps')}: missing.gaps: {entry.gaps} an hour leave no readings; give fewer")
        return Missing(each, gaps, lasts)

    def _ends(self, plant: Plant) -> tuple[str, ...]:
        if self.file.life is None:
            return ()
        guards = [f"{a}.{name}" for a, cls in plant.assets.items() for name in cls.guards]
        for name in self.file.life.ends:
            if name not in guards:
                where = self.tree["life"].at("ends")
                raise PlantError(f"{where}: life.ends: {unknown('guard', name, guards)}")
        return tuple(self.file.life.ends)

    def _horizon(self) -> float:
        return self._number("life", "horizon", self.file.life.horizon, "s", 0.0, LONGEST) if self.file.life else 0.0

    def _splits(self) -> Splits:
        entry, node = self.file.splits, self._node("splits")
        shares = tuple(self._number("splits", name, getattr(entry, name), "1", 0.0, 1.0) for name in SPLITS)
        if abs(sum(shares) - 1.0) > 1e-9:
            raise PlantError(f"{node.where}: splits: shares sum to {sum(shares):.3g}, not to 1; mend them")
        if entry.by not in ("run", "machine"):
            raise PlantError(f"{node.at('by')}: splits.by: {unknown('way', entry.by, ('run', 'machine'))}")
        for name in entry.faults:
            if name not in self.file.faults:
                raise PlantError(f"{node.at('faults')}: splits.faults: {unknown('fault', name, self.file.faults)}")
        if len(set(entry.faults)) == len(self.file.faults) and self.file.faults:
            raise PlantError(f"{node.at('faults')}: splits.faults: holds out every fault; leave one to train with")
        held = self._number("splits", "machines", entry.machines, "1", 0.0, 1.0)
        return Splits(shares, "machine" if entry.by == "machine" else "run", held, tuple(dict.fromkeys(entry.faults)))

    def _contents(self) -> tuple[str, ...]:
        for name in self.file.contents:
            if name not in CONTENTS:
                raise PlantError(f"{self.tree.at('contents')}: contents: {unknown('content', name, CONTENTS)}")
        return tuple(name for name in CONTENTS if name in self.file.contents)

    def _license(self) -> str:
        contract = self.files.contract
        if self.file.license:
            contracts.check_license(f"{self.tree.at('license')}: license", self.file.license)
        return self.file.license or (contract.license if contract else contracts.LICENSE)

    def _each(self, key: str, entries: dict[str, E], make: Callable[[str, E, Node], P]) -> Iterator[P]:
        for name, entry in entries.items():
            if not name.replace("_", "a").replace("-", "a").isalnum() or len(name) > 60:
                where = self.tree[key].at(name)
                raise PlantError(f"{where}: {key}: {name!r:.120}: a name is letters, digits, - and _; rename it")
            yield make(name, entry, self.tree[key][name])

    def _node(self, key: str) -> Node:
        return section(self.tree, key)

    def _number(self, section: str, key: str, text: str, unit: str, low: float = 0.0, high: float = math.inf) -> float:
        node = self._node(section) if section else self.tree
        return parts.number(f"{node.at(key)}: {section}{'.' if section else ''}{key}", text, unit, low, high)

    def _whole_periods(self, key: str, text: str, period: float, least: int, most: float = LONGEST) -> float:
        value = self._number("", key, text, "s", least * period, most)
        count = round(value / period)
        if abs(value / period - count) > 1e-9 * (1.0 + count):
            raise PlantError(f"{self.tree.at(key)}: {key}: {text} is no whole number of {period:g} s; round it")
        return count * period

    def _count(self, key: str, text: str, least: int, most: int) -> int:
        with placed(f"{self.tree.at(key)}: {key}"):
            return whole(text, least, most)
