"""A plant's equations as one list of assignments, which every peer's right-hand side is written from."""

import ast
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from twin.declare import Input
from twin.formula import Formula, Line, needed, rename
from twin.layout import HELD, Layout
from twin.plant import Plant


class Straight(NamedTuple):
    """Assignments to unique names, in the order in which the kernels evaluate them.

    `states` and `held` are paths, in the order of the peers' arrays; `rates` and `guards` are the variables
    that hold their values when all lines are done.
    """

    plant: Plant
    states: tuple[str, ...]
    held: tuple[str, ...]
    lines: tuple[Line, ...]
    rates: tuple[str, ...]
    guards: tuple[str, ...]

    def of(self, *names: str) -> tuple[Line, ...]:
        """Return only the lines that these variables depend on."""
        return needed(self.lines, names)

    def start(self) -> list[float]:
        """Return the states' initial values, SI."""
        return [self.plant.value(path) for path in self.states]

    def constants(self) -> list[float]:
        """Return parameters, faults, memory and unwired inputs, SI."""
        return [self.plant.value(path) for path in self.held]


def variable(path: str) -> str:
    """Return the variable of ``asset.quantity``."""
    return path.replace(".", "__")


def straight(plant: Plant) -> Straight:
    """Return the equations of `plant`: outputs in order of evaluation, then derivatives, then guards."""
    writer = _Writer(plant)
    layout = Layout.of(plant, 1)
    for asset, name in plant.order():
        writer.write(asset, name, plant.assets[asset].outputs[name])
    for group in layout.groups:
        for asset in group.assets:
            for name, formula in group.cls.dynamics.items():
                writer.write(asset, name, formula)
    guards = []
    for path in layout.guards:
        asset, name = path.split(".")
        formula = plant.assets[asset].guards[name]
        writer.write(asset, name, formula._replace(returns=(f"guard {name}",)))
        guards.append(writer.known[f"{asset}.guard {name}"])
    rates = tuple(writer.known["{}.d_{}".format(*path.split("."))] for path in layout.states)
    held = tuple(p for p in plant.paths(*HELD, Input) if p not in plant.wires)
    return Straight(plant, layout.states, held, tuple(writer.lines), rates, tuple(guards))


class _Writer:
    """Writes formulas into one list of lines; `known` is the variable of every path computed so far."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.lines = plant, list[Line]()
        self.known: dict[str, str] = {}

    def argument(self, asset: str, name: str) -> str:
        path = f"{asset}.{name}"
        if name == "t":
            return "t"
        origins = self.plant.wires.get(path, (path,))
        names = [self.known.get(origin, variable(origin)) for origin in origins]
        if len(names) == 1:
            return names[0]
        if path not in self.known:
            self.lines.append(Line(variable(path), ast.parse(" + ".join(names), mode="eval").body))
            self.known[path] = variable(path)
        return self.known[path]

    def write(self, asset: str, name: str, formula: Formula) -> None:
        bound = {a: self.argument(asset, a) for a in formula.arguments}

        def renamed(local: str) -> str:
            return local if local == "inf" else bound.get(local, f"{asset}__{name}__{local}")

        self.lines += [Line(renamed(line.target), rename(line.expression, renamed)) for line in formula.lines]
        self.known.update({f"{asset}.{r}": renamed(v) for r, v in zip(formula.returns, formula.results, strict=True)})


def python_source(equations: Straight, name: str = "rates", doc: str = "(t, x, p, d)") -> str:
    """Return a plain Python function ``rates(t, x, p, d)`` that writes the derivatives into `d`."""
    lines = [f"def {name}{doc}:"]
    used = equations.of(*equations.rates)
    read = {n.id for line in used for n in ast.walk(line.expression) if isinstance(n, ast.Name)} | {*equations.rates}
    for array, paths in (("x", equations.states), ("p", equations.held)):
        lines += [f"    {variable(p)} = {array}[{i}]" for i, p in enumerate(paths) if variable(p) in read]
    lines += [f"    {line.target} = {ast.unparse(line.expression)}" for line in used]
    lines += [f"    d[{i}] = {rate}" for i, rate in enumerate(equations.rates)]
    return "\n".join([*lines, ""])


def python_rates(equations: Straight) -> Callable[..., None]:
    """Return ``rates(t, x, p, d)`` as a function of plain Python floats."""
    scope: dict[str, Any] = {**vars(math)}
    exec(compile(python_source(equations), f"<{equations.plant.name}>", "exec"), scope)  # the text is ours
    rates: Callable[..., None] = scope["rates"]
    return rates
