"""Points at which an asset's equations are asked, and their evaluation on plain floats."""

import ast
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

from twin.declare import Asset, Due, Input, Memory, Output, Quantity, State
from twin.formula import FUNCTIONS, Formula

POINTS = 200
AT_REST = 0.25  # how often a quantity keeps its value at rest: what needs several to be normal happens too


def at_rest(cls: type[Asset]) -> dict[str, float]:
    """Return every quantity but the outputs at its declared value, at time zero."""
    return {n: q.value for n, q in cls.quantities().items() if type(q) is not Output} | {"t": 0.0}


def anywhere(cls: type[Asset], seed: int) -> Iterator[dict[str, float]]:
    """Yield seeded points: everything but outputs drawn from inside its bounds."""
    for i in range(POINTS):
        dice = random.Random(f"{cls.__name__}/{seed}/{i}")
        point = {n: drawn(q, dice) for n, q in cls.quantities().items() if type(q) is not Output}
        yield point | {"t": dice.uniform(0.0, 1e6)}


def corners(cls: type[Asset]) -> Iterator[dict[str, float]]:
    """Yield points at rest but for one quantity, which stands on one of its finite bounds."""
    for name, quantity in cls.quantities().items():
        for bound in quantity.bounds:
            if type(quantity) not in (Output, Due) and math.isfinite(bound):
                yield at_rest(cls) | {name: bound}


def drawn(quantity: Quantity, dice: random.Random) -> float:
    """Return a value inside the bounds; near the value at rest where a bound is open."""
    low, high = quantity.bounds
    if dice.random() < AT_REST:
        return quantity.value
    if isinstance(quantity, Due):
        return dice.choice((math.inf, dice.uniform(0.0, 1e6)))
    if isinstance(quantity, Memory | Input) and (low, high) == (0.0, 1.0):
        return float(dice.choice((0.0, 1.0)))
    if isinstance(quantity, Memory) and not (math.isfinite(low) and math.isfinite(high)):
        return float(min(max(dice.choice((0.0, 1.0, quantity.value)), low), high))  # a mode or a counter
    size = quantity.nominal if isinstance(quantity, State) else abs(quantity.value) or 1.0
    if not math.isfinite(low):
        low = min(quantity.value, high) - 3 * size
    if not math.isfinite(high):
        high = max(quantity.value, low) + 3 * size
    if low > 0 and high / low > 100:
        return math.exp(dice.uniform(math.log(low), math.log(high)))
    return dice.uniform(low, high)


def evaluated(cls: type[Asset], point: Mapping[str, float]) -> dict[str, float]:
    """Return the point with all outputs, in order of dependency, and then all derivatives."""
    at, waiting = dict(point), list(cls.outputs.values())
    while waiting:
        ready = [f for f in waiting if all(a in at for a in f.arguments)]
        assert ready, f"{cls.__name__}: outputs wait for each other: {', '.join(f.name for f in waiting)}"
        for formula in ready:
            at |= results(formula, at)
            waiting.remove(formula)
    for formula in cls.dynamics.values():
        at |= results(formula, at)
    return at


def results(formula: Formula, at: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the plain Python function returns at a point, by name."""
    got = formula.function(*(at[a] for a in formula.arguments))
    return dict(zip(formula.returns, got if isinstance(got, tuple) else (got,), strict=True))


def executed(formula: Formula, at: Mapping[str, float]) -> dict[str, float]:
    """Return what a formula's own lines yield at a point; nothing of the Python function takes part."""
    scope: dict[str, Any] = {n: getattr(math, n) for n in FUNCTIONS if hasattr(math, n)}
    scope |= {"min": min, "max": max, "abs": abs, "inf": math.inf} | {a: at[a] for a in formula.arguments}
    for line in formula.lines:
        code = ast.fix_missing_locations(ast.Expression(line.expression))
        scope[line.target] = eval(compile(code, formula.name, "eval"), scope)
    return {name: scope[result] for name, result in zip(formula.returns, formula.results, strict=True)}
