"""The same equations as a ProgPy model, stepped by ProgPy's own Runge-Kutta."""

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from progpy import PrognosticsModel

from benchmarks.peers.straight import Straight, python_rates, variable
from twin.ensemble import Ensemble

_NUMPY = ("exp", "expm1", "log", "tanh", "sqrt", "sin", "cos")


def straight_model(equations: Straight) -> PrognosticsModel:
    """Return a continuous model whose derivatives are one straight-line function of Python floats.

    This goes around ProgPy's containers wherever it can: the fastest that ProgPy can be driven.
    """
    rates, constants = python_rates(equations), equations.constants()

    class Model(PrognosticsModel):  # type: ignore[misc]
        inputs: tuple[str, ...] = ()
        outputs: tuple[str, ...] = ()
        states = equations.states

        def dx(self, x: Any, u: Any) -> Any:
            d = [0.0] * len(equations.states)
            rates(0.0, x.matrix[:, 0].tolist(), constants, d)
            return self.StateContainer(np.array([d]).T)

        def output(self, x: Any) -> Any:
            return self.OutputContainer({})

    return Model(integration_method="rk4", process_noise=0, measurement_noise=0)


def usual_model(equations: Straight) -> PrognosticsModel:
    """Return a continuous model written as ProgPy's own are: states and parameters by name, NumPy's functions."""
    text = ["def dx(self, x, u):"]
    used = equations.of(*equations.rates)
    names = {n.id for line in used for n in ast.walk(line.expression) if isinstance(n, ast.Name)} | {*equations.rates}
    text += [f"    {variable(p)} = x[{p!r}]" for p in equations.states if variable(p) in names]
    text += [f"    {variable(p)} = self.parameters[{p!r}]" for p in equations.held if variable(p) in names]
    text += [f"    {line.target} = {ast.unparse(line.expression)}" for line in used]
    pairs = ", ".join(f"{p!r}: {rate}" for p, rate in zip(equations.states, equations.rates, strict=True))
    text.append(f"    return self.StateContainer({{{pairs}}})")
    scope: dict[str, Any] = {**{name: getattr(np, name) for name in _NUMPY}, "pow": np.power, "inf": np.inf}
    exec("\n".join(text), scope)  # the text is ours
    body: dict[str, Any] = {
        "inputs": [],
        "outputs": [],
        "states": list(equations.states),
        "default_parameters": dict(zip(equations.held, equations.constants(), strict=True)),
        "dx": scope["dx"],
        "output": lambda self, x: self.OutputContainer({}),
    }
    model = type("Model", (PrognosticsModel,), body)
    return model(integration_method="rk4", process_noise=0, measurement_noise=0)


class ProgPyMember:
    """One member that starts where `ensemble` stands."""

    def __init__(
        self, equations: Straight, ensemble: Ensemble, write: Callable[[Straight], PrognosticsModel] = usual_model
    ) -> None:
        plant = equations.plant
        held: dict[str, str | float] = {path: float(ensemble.get(path)[0]) for path in equations.held}
        self.equations = equations._replace(plant=plant.with_values(held))
        self.model, self.step, self.steps = write(self.equations), plant.solver.step, 0
        self.x = self.model.StateContainer(np.array([[float(ensemble.get(p)[0])] for p in equations.states]))
        self.u = self.model.InputContainer({})

    def advance(self, steps: int) -> float:
        """Advance by `steps` and return them."""
        for _ in range(steps):
            self.x = self.model.next_state(self.x, self.u, self.step)
        self.steps += steps
        return float(steps)

    def difference(self, ensemble: Ensemble) -> float:
        """Return the largest relative difference to the states of `ensemble`."""
        mine = np.array([float(ensemble.get(p)[0]) for p in self.equations.states])
        return float(np.max(np.abs(self.x.matrix[:, 0].astype(float) - mine) / (np.abs(mine) + 1e-9)))
