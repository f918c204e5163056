"""Small plants for tests, from the equipment in `tests/equipment`."""

from pathlib import Path
from typing import Any

from twin.catalogue import find
from twin.plant import Plant, Solver

EQUIPMENT = Path(__file__).parent / "equipment"
SHIPPED = Path(__file__).parents[1] / "scenarios" / "plants"


def one(kind: str, method: str = "rk4", step: float = 1e-3, rtol: float = 1e-8, **rest: Any) -> Plant:
    """Return a plant that is one piece of test equipment called ``it``."""
    values = {f"it.{name}": value for name, value in rest.pop("values", {}).items()}
    return Plant(kind, {"it": find(kind, EQUIPMENT)}, values=values, solver=Solver(method, step, rtol), **rest)  # type: ignore[arg-type]


def shipped(name: str) -> Plant:
    """Return a plant that ships with the project."""
    return Plant.load(SHIPPED / f"{name}.yaml")
