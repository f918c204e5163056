"""Words for a member whose numbers stopped meaning anything: when, where, what, what to do."""

import math
from typing import TYPE_CHECKING

from twin.declare import Due, Input, Memory, State
from twin.formula import Formula
from twin.layout import Control, Flag
from twin.plant import Plant

if TYPE_CHECKING:
    from twin.ensemble import Ensemble


def evaluate(plant: Plant, values: dict[str, float], time: float) -> dict[str, float]:
    """Return `values` with every output, wired input and derivative computed from them in plain Python.

    Parameters
    ----------
    values : dict
        States, held numbers and held inputs by path, SI.
    """
    known = dict(values)

    def argument(asset: str, name: str) -> float:
        path = f"{asset}.{name}"
        if name == "t":
            return time
        return sum(known[o] for o in plant.wires[path]) if path in plant.wires else known[path]

    def run(asset: str, formula: Formula) -> None:
        try:
            result = formula.function(*(argument(asset, a) for a in formula.arguments))
        except (ArithmeticError, ValueError):
            result = (math.nan,) * len(formula.returns)
        results = result if isinstance(result, tuple) else (result,)
        known.update(zip((f"{asset}.{r}" for r in formula.returns), results, strict=True))

    for asset, name in plant.order():
        run(asset, plant.assets[asset].outputs[name])
    for asset, cls in plant.assets.items():
        for formula in cls.dynamics.values():
            run(asset, formula)
        for name, guard in cls.guards.items():
            run(asset, guard._replace(returns=(name,)))
    for path in plant.wires:
        asset, name = path.split(".")
        known[path] = argument(asset, name)
    return known


def explained(ensemble: "Ensemble", member: int, flag: Flag) -> str:
    """Return the message for a member that failed with `flag`."""
    lay, plant = ensemble.layout, ensemble.plant
    values = {path: float(ensemble.get(path)[member]) for path in (*lay.rows, *lay.dues)}
    control = ensemble.rows(ensemble._c, int(Control.T))
    time = float(control[member])
    where = f"{plant.name}: t = {time:.9g} s"
    if ensemble.members > 1:
        where += f": member {member}"
    if flag is Flag.OUT_OF_BOUNDS:
        for path in [*lay.states, *(p for p in plant.paths(Input, Memory, Due) if p not in plant.wires)]:
            low, high = plant.quantity(path).bounds
            if not low <= values[path] <= high:
                unit = plant.quantity(path).unit
                return (
                    f"{where}: {path} = {values[path]:.6g} {unit} left its bounds [{low:g}, {high:g}]; "
                    "the equations don't hold there: check inputs and parameters"
                )
    if flag is Flag.ZENO:
        name = _last_event(ensemble, member)
        return f"{where}: {name} happens without end in no time (Zeno); give the guard hysteresis or a rest"
    known = evaluate(plant, values, time)
    for path in lay.guards:
        if math.isnan(known[path]):
            return f"{where}: guard {path} is not a number; mend its equation or the values it is computed from"
    rates = {f"{a}.{s}": known[f"{a}.d_{s}"] for a, cls in plant.assets.items() for s in cls.roles[State]}
    bad = [p for p, v in {**known, **rates}.items() if not math.isfinite(v)]
    scale = {p: abs(r) / (abs(values[p]) + plant.nominal(p)) for p, r in rates.items()}
    fastest = bad[0] if bad else max(scale, key=scale.__getitem__)
    value = known.get(fastest, math.nan)
    if flag is Flag.STEP_TOO_SMALL and not bad:
        return (
            f"{where}: no step is small enough; {fastest} = {value:.6g} changes at {rates[fastest]:.3g} per second; "
            "loosen rtol, use rodas4, or smooth the equation"
        )
    return (
        f"{where}: {fastest} = {value:.6g} stops being finite (rate {rates.get(fastest, math.nan):.3g} per second); "
        "take a smaller solver step or check the values it is computed from"
    )


def _last_event(ensemble: "Ensemble", member: int) -> str:
    names = [*ensemble.layout.guards, *ensemble.layout.dues]
    rows = [row for chunk in ensemble._happenings for row in chunk if int(row[1]) == member]
    return names[int(rows[-1][2])] if rows else "an event"
