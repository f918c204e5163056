"""A plant: named assets and the wires between them, checked before anything runs."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal, NamedTuple

from twin.catalogue import find
from twin.declare import Asset, Due, Fault, Input, Memory, Output, Param, Quantity, State
from twin.errors import PlantError, TwinError, unknown
from twin.plant_file import PlantFile, TagEntry, validated
from twin.read import Node, read
from twin.units import check_convertible, to_si

SETTABLE = (Param, Fault, State, Input, Memory, Due)
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


Method = Literal["rk4", "dp5", "rodas4"]
METHODS: dict[str, Method] = {"rk4": "rk4", "dp5": "dp5", "rodas4": "rodas4"}


class Solver(NamedTuple):
    """How the physics is integrated: method, step [s], relative tolerance."""

    method: Method = "rk4"
    step: float = 1e-3
    rtol: float = 1e-6


class Tag(NamedTuple):
    """One instrument; every error is in the SI unit of what it reads, times are in seconds."""

    name: str
    reads: str
    unit: str
    every: float
    noise: float = 0.0
    bias: float = 0.0
    drift: float = 0.0
    quantum: float = 0.0
    dropout: float = 0.0
    delay: int = 0
    stuck_after: float = float("inf")


class Change(NamedTuple):
    """A value that changes at a known time [s]; SI."""

    at: float
    path: str
    value: float


@dataclass(frozen=True)
class Plant:
    """Assets by name, wires from an input to what it reads, and values that differ from the defaults."""

    name: str
    assets: dict[str, type[Asset]]
    wires: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    solver: Solver = field(default_factory=Solver)
    tags: dict[str, Tag] = field(default_factory=dict)
    limits: dict[str, tuple[float, float]] = field(default_factory=dict)
    schedule: tuple[Change, ...] = ()
    about: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        for target, origins in self.wires.items():
            _check_wire(self, target, origins, "")
        self.order()

    @classmethod
    def load(cls, path: Path, extra: Path | None = None) -> "Plant":
        """Read a plant file; assets come from the installed packages and from the folder `extra`.

        Raises
        ------
        PlantError
            One message ``file:line: where: what; what to do`` for the first thing that is wrong.
        """
        tree, text = read(path)
        return _Loader(tree, validated(tree), text, extra).plant()

    def paths(self, *roles: type[Quantity]) -> list[str]:
        """Return ``asset.quantity`` for every quantity of these roles, in the order of the file."""
        return [f"{a}.{n}" for a, cls in self.assets.items() for role in roles for n in cls.roles[role]]

    def quantity(self, path: str) -> Quantity:
        """Return the declaration behind ``asset.quantity``.

        Raises
        ------
        PlantError
            If there is no such asset or quantity.
        """
        asset, _, name = path.partition(".")
        if asset not in self.assets:
            raise PlantError(f"{path}: {unknown('asset', asset, self.assets)}")
        known = self.assets[asset].quantities()
        if name not in known:
            raise PlantError(f"{path}: {unknown('quantity', name, known)}")
        return known[name]

    def value(self, path: str) -> float:
        """Return the initial value of ``asset.quantity``, SI."""
        return self.values.get(path, self.quantity(path).value)

    def with_values(self, changes: dict[str, str | float]) -> "Plant":
        """Return the plant with other initial values, each a number in SI or text with a unit."""
        return replace(self, values={**self.values, **{p: setting(self, p, v) for p, v in changes.items()}})

    def order(self) -> tuple[tuple[str, str], ...]:
        """Return ``(asset, output function)`` pairs such that every output is computed before it is read.

        Raises
        ------
        PlantError
            If outputs need each other with no state between: an algebraic loop.
        """
        owner = {
            f"{a}.{r}": (a, n) for a, cls in self.assets.items() for n, f in cls.outputs.items() for r in f.returns
        }
        graph: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for asset, cls in self.assets.items():
            for name, formula in cls.outputs.items():
                read_ = [o for a in formula.arguments for o in self.wires.get(f"{asset}.{a}", (f"{asset}.{a}",))]
                graph[asset, name] = [owner[o] for o in read_ if o in owner]
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as err:
            chain = " <- ".join(dict.fromkeys(asset for asset, _ in err.args[1]))
            raise PlantError(
                f"algebraic loop {chain}: each computes an output from the next with no state between; "
                "give one of them a lag or wire a state"
            ) from None


def setting(plant: Plant, path: str, value: str | float) -> float:
    """Return `value` for ``asset.quantity`` in SI.

    Raises
    ------
    PlantError
        If the quantity is unknown, computed or wired, or the value is out of its bounds.
    """
    quantity = plant.quantity(path)
    if not isinstance(quantity, SETTABLE):
        raise PlantError(f"{path}: an output is computed; set what it is computed from")
    if path in plant.wires:
        raise PlantError(f"{path}: is wired to {', '.join(plant.wires[path])}; remove the wire to set it")
    try:
        number = to_si(value, quantity.unit)
    except TwinError as err:
        raise PlantError(f"{path}: {err}") from None
    low, high = quantity.bounds
    if not low <= number <= high:
        raise PlantError(f"{path}: {value} is outside [{low:g}, {high:g}] {quantity.unit}")
    return number


def _check_wire(plant: Plant, target: str, origins: Iterable[str], where: str) -> None:
    inputs, signals = plant.paths(Input), plant.paths(Output, State)
    if target not in inputs:
        raise PlantError(f"{where}{target}: {unknown('input', target, inputs)}")
    for origin in origins:
        if origin not in signals:
            raise PlantError(f"{where}{target}: {unknown('output or state', origin, signals)}")
        from twin.units import dimensions

        a, b = plant.quantity(origin).unit, plant.quantity(target).unit
        if dimensions(a) != dimensions(b):
            raise PlantError(f"{where}{target}: is in {b}, but {origin} is in {a}; wire what measures the same")


class _Loader:
    """Turns a validated file into a `Plant`, with a line in front of every complaint."""

    def __init__(self, tree: Node, file: PlantFile, text: str, extra: Path | None) -> None:
        self.tree, self.file, self.text, self.extra = tree, file, text, extra

    def plant(self) -> Plant:
        file = self.file
        bare = Plant(file.plant, self._assets(), text=self.text, about=file.about.strip())
        wires = {t: (o,) if isinstance(o, str) else tuple(o) for t, o in file.wires.items()}
        for target, origins in wires.items():
            _check_wire(bare, target, origins, f"{self.tree['wires'].at(target)}: ")
        solver = self._solver()
        try:
            wired = replace(bare, wires=wires, solver=solver)
        except PlantError as err:
            raise PlantError(f"{self.tree.at('wires')}: wires: {err}") from None
        valued = replace(wired, values=self._values(wired))
        tagged = replace(valued, tags={n: self._tag(valued, n, e) for n, e in file.tags.items()})
        return replace(tagged, limits=self._limits(tagged), schedule=self._schedule(tagged))

    def _assets(self) -> dict[str, type[Asset]]:
        found = {}
        for name, entry in self.file.assets.items():
            where = self.tree["assets"].at(name)
            if not _NAME.fullmatch(name):
                raise PlantError(f"{where}: {name}: a name is letters, digits and single underscores; rename it")
            try:
                found[name] = find(entry.is_, self.extra)
            except PlantError as err:
                raise PlantError(f"{self.tree['assets'][name].at('is')}: {name}: {err}") from None
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
        try:
            return setting(plant, path, text)
        except PlantError as err:
            raise PlantError(f"{where}: {err}") from None

    def _number(self, where: str, what: str, text: str, unit: str, low: float = 0.0) -> float:
        try:
            number = to_si(text, unit)
        except TwinError as err:
            raise PlantError(f"{where}: {what}: {err}") from None
        if number < low:
            raise PlantError(f"{where}: {what}: {text} is below {low:g} {unit}; give a larger value")
        return number

    def _solver(self) -> Solver:
        entry, node = self.file.solver, self.tree.get("solver") or Node(self.tree.where)
        method = METHODS.get(entry.method)
        if method is None:
            raise PlantError(f"{node.at('method')}: solver.method: {unknown('method', entry.method, METHODS)}")
        step = self._number(node.at("step"), "solver.step", entry.step, "s", 1e-9)
        return Solver(method, step, self._number(node.at("rtol"), "solver.rtol", entry.rtol, "1", 1e-14))

    def _tag(self, plant: Plant, name: str, entry: TagEntry) -> Tag:
        node = self.tree["tags"][name]
        try:
            quantity = plant.quantity(entry.reads)
        except PlantError as err:
            raise PlantError(f"{node.at('reads')}: {name}: {err}") from None
        if entry.reads in plant.wires or isinstance(quantity, Param | Fault | Due):
            raise PlantError(
                f"{node.at('reads')}: {name}: reads an output, state, memory or held input, not {entry.reads}"
            )
        try:
            check_convertible(entry.unit or quantity.unit, quantity.unit)
        except TwinError as err:
            raise PlantError(f"{node.at('unit')}: {name}: {err}") from None

        def size(key: str, unit: str = quantity.unit, low: float = float("-inf")) -> float:
            return self._number(node.at(key), f"{name}.{key}", _as_difference(getattr(entry, key)), unit, low)

        every = size("every", "s", 1e-6)
        return Tag(
            name,
            entry.reads,
            entry.unit or quantity.unit,
            every,
            size("noise", low=0.0),
            size("bias"),
            size("drift", f"{quantity.unit}/s" if "/" not in quantity.unit else quantity.unit.replace("/", ".s-1/", 1)),
            size("quantum", low=0.0),
            size("dropout", "1", 0.0),
            round(size("delay", "s", 0.0) / every),
            size("stuck_after", "s", 0.0) if entry.stuck_after else float("inf"),
        )

    def _limits(self, plant: Plant) -> dict[str, tuple[float, float]]:
        limits = {}
        for name, entry in self.file.limits.items():
            node = self.tree["limits"]
            if name not in plant.tags:
                raise PlantError(f"{node.at(name)}: limits: {unknown('tag', name, plant.tags)}")
            tag, unit = plant.tags[name], plant.quantity(plant.tags[name].reads).unit
            low, high = (
                self._number(
                    node[name].at(k), f"{name}.{k}", t if " " in t.strip() else f"{t} {tag.unit}", unit, float("-inf")
                )
                if t
                else d
                for k, t, d in (("low", entry.low, float("-inf")), ("high", entry.high, float("inf")))
            )
            limits[name] = (low, high)
        return limits

    def _schedule(self, plant: Plant) -> tuple[Change, ...]:
        changes = []
        for entry, node in zip(self.file.schedule, self.tree.get("schedule") or [], strict=True):
            time = self._number(node.at("at"), "schedule.at", entry.at, "s")
            changes += [
                Change(time, path, self._setting(plant, node["set"].at(path), path, text))
                for path, text in entry.set.items()
            ]
        return tuple(sorted(changes, key=lambda change: change.at))


def _as_difference(text: str) -> str:
    """Return the text of an error as a difference: `0.2 degC` of noise means 0.2 K."""
    number, _, unit = text.strip().partition(" ")
    return f"{number} K" if unit.strip() in ("degC", "celsius") else text
