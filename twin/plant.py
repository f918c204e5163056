"""A plant: named assets and the wires between them, checked before anything runs."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from twin.declare import Asset, Due, Fault, Input, Memory, Output, Param, Quantity, State
from twin.errors import PlantError, TwinError, unknown
from twin.units import dimensions, to_si

if TYPE_CHECKING:
    from twin.flow.blocks import Flow
    from twin.plant_fitted import Fitted

SETTABLE = (Param, Fault, State, Input, Memory, Due)
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


Method = Literal["rk4", "dp5", "rodas4"]
METHODS: dict[str, Method] = {"rk4": "rk4", "dp5": "dp5", "rodas4": "rodas4"}


class Solver(NamedTuple):
    """How the physics is integrated: method, step [s], relative tolerance, longest step [s]."""

    method: Method = "rk4"
    step: float = 1e-3
    rtol: float = 1e-6
    max_step: float = float("inf")


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


class Unknown(NamedTuple):
    """A number that nobody knows for certain; several paths share one, as neighbours share the ambient temperature.

    `spread` is what it may be off by (one standard deviation) and `wander` by how much it changes in an hour;
    relative to its value where `relative`, else in the SI unit of what the paths are. What is `held` doesn't change
    while something is suspected.
    """

    name: str
    paths: tuple[str, ...]
    spread: float
    wander: float
    relative: bool
    held: bool = False


class Tolerance(NamedTuple):
    """How far below and above what is expected a reading may stand; SI, or shares of that where `relative`."""

    low: float
    high: float
    relative: bool


class Estimation(NamedTuple):
    """What a live twin of the plant estimates, and how.

    Attributes
    ----------
    filter : {"unscented", "ensemble"}
    every, lag, settle : float
        Time between corrections, how late a reading may be, and how long the plant runs by itself from its initial
        values before the first reading [s].
    unknowns : tuple of Unknown
    accuracy : dict
        Standard deviation of each instrument's constant error, SI; by tag.
    rtol : float
        Relative tolerance of the solver `rodas4` that forecasts.
    assumed : tuple of str
        Modes that no tag reads and that are taken to be what the twin's equations make of them.
    tolerance : dict
        By tag: deviations that don't matter. Where it is empty every deviation does.
    commission, confirm, release : float
        How long the twin learns before it judges, how long a deviation lasts before it is told, and how long it must be
        over before that is told [s].
    temper : float
        By how much evidence counts.
    """

    filter: str = "unscented"
    every: float = 1.0
    lag: float = 2.0
    settle: float = 600.0
    unknowns: tuple[Unknown, ...] = ()
    accuracy: Mapping[str, float] = MappingProxyType({})
    rtol: float = 1e-4
    assumed: tuple[str, ...] = ()
    tolerance: Mapping[str, Tolerance] = MappingProxyType({})
    commission: float = 300.0
    confirm: float = 10.0
    release: float = 60.0
    temper: float = 0.25


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
    estimation: Estimation | None = None
    about: str = ""
    text: str = ""
    zone: str = "Asia/Seoul"
    flow: "Flow | None" = None
    fitted: "Fitted | None" = None

    def __post_init__(self) -> None:
        for target, origins in self.wires.items():
            check_wire(self, target, origins)
        _check_transitions(self)
        self.order()

    @classmethod
    def load(cls, path: Path, extra: Path | None = None) -> "Plant":
        """Read a plant file; assets come from the installed packages and from the folder `extra`.

        Raises
        ------
        PlantError
            One message ``file:line: where: what; what to do`` for the first thing that is wrong.
        """
        from twin.plant_loader import load  # it builds on this module

        return load(path, extra)

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

    def nominal(self, path: str) -> float:
        """Return the size below which a change of a state is of no interest, SI."""
        quantity = self.quantity(path)
        return quantity.nominal if isinstance(quantity, State) else abs(quantity.value) or 1.0

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


def check_wire(plant: Plant, target: str, origins: Collection[str]) -> None:
    """Refuse a wire whose ends do not exist or do not measure the same."""
    inputs, signals = plant.paths(Input), plant.paths(Output, State)
    if target not in inputs:
        raise PlantError(f"{target}: {unknown('input', target, inputs)}")
    if not origins:
        raise PlantError(f"{target}: an empty list wires it to nothing; name an output, or hold it with a value")
    for origin in origins:
        if origin not in signals:
            raise PlantError(f"{target}: {unknown('output or state', origin, signals)}")
        a, b = plant.quantity(origin).unit, plant.quantity(target).unit
        if dimensions(a) != dimensions(b):
            raise PlantError(f"{target}: is in {b}, but {origin} is in {a}; wire what measures the same")


def _check_transitions(plant: Plant) -> None:
    """Refuse a transition that sets what a wire sets."""
    for asset, cls in plant.assets.items():
        for name, (_, _, formula) in cls.transitions.items():
            for path in (f"{asset}.{returned}" for returned in formula.returns):
                if path in plant.wires:
                    raise PlantError(f"{path}: {name} sets it, and so does a wire; remove the wire or keep a memory")
