"""A plant's transitions, samples and schedule as the tables that the compiled driver reads."""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from twin import emit
from twin.declare import Asset
from twin.drive import MOST_ARGUMENTS
from twin.errors import PlantError
from twin.formula import Formula
from twin.kernel import Program
from twin.layout import Control, Layout
from twin.module import load


class _Transitions:
    """Compiled transitions and the rows they read and write."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.keep: list[Any] = []
        self.rows: list[list[int]] = []
        self.cells: list[tuple[int, int]] = []
        self.bounds: list[tuple[float, float]] = []

    def starts(self, kind: str, paths: Sequence[str]) -> np.ndarray:
        """Append the transitions of each guard or due; return where each one's begin, and the end."""
        counts = [len(self.rows)]
        for path in paths:
            asset, trigger = path.split(".")
            cls = self.layout.plant.assets[asset]
            for name, (when, on, formula) in cls.transitions.items():
                if (when, on) == (kind, trigger):
                    self._add(asset, cls, name, formula)
            counts.append(len(self.rows))
        return np.array(counts, np.int64)

    def _add(self, asset: str, cls: type[Asset], name: str, formula: Formula) -> None:
        if max(len(formula.arguments), len(formula.returns)) > MOST_ARGUMENTS:
            raise PlantError(f"{asset}.{name}: more than {MOST_ARGUMENTS} arguments or results; split the transition")
        compiled = getattr(load(*module_of(cls)), emit.function_name(cls, name))
        self.keep.append(compiled)
        first = len(self.cells)
        self.cells.extend(self._cell(f"{asset}.{a}") for a in formula.arguments)
        middle = len(self.cells)
        self.cells.extend(self._cell(f"{asset}.{r}") for r in formula.returns)
        known = cls.quantities()
        self.bounds += [(-inf, inf)] * len(formula.arguments) + [known[r].bounds for r in formula.returns]
        self.rows.append([compiled.address, first, middle - first, middle, len(self.cells) - middle])

    def _cell(self, path: str) -> tuple[int, int]:
        """Return 0 and a row of ``z``, or 1 and a control row."""
        if path.endswith(".t"):
            return 1, int(Control.T)
        dues = self.layout.dues
        return (1, dues[path]) if path in dues else (0, self.layout.rows[path])


def module_of(cls: type[Asset]) -> tuple[str, str]:
    """Return text and kind of the module that holds a class's transitions."""
    transitions = [emit.transition(cls, name, formula) for name, (_, _, formula) in cls.transitions.items()]
    return "\n".join([emit.HEADER, *transitions]), f"{cls.__name__}_transitions"


def tabulated(layout: Layout) -> tuple[Program, tuple[Any, ...]]:
    """Return behaviour, sampling and schedule of a plant as tables, and what keeps their code alive.

    Raises
    ------
    PlantError
        If a transition has more arguments or results than the driver has room for.
    """
    plant = layout.plant
    transitions = _Transitions(layout)
    on, at = transitions.starts("on", layout.guards), transitions.starts("at", tuple(layout.dues))
    by_period = [[t for t in plant.tags.values() if t.every == period] for period in layout.periods]
    bounds = np.array([plant.quantity(p).bounds for p in layout.states]).reshape(-1, 2).T
    program = Program(
        on,
        at,
        np.array(transitions.rows, np.int64).reshape(-1, 5),
        np.array(transitions.cells, np.int64).reshape(-1, 2),
        np.array(transitions.bounds, np.float64).reshape(-1, 2),
        np.array([layout.rows[t.reads] for tags in by_period for t in tags], np.int64),
        np.cumsum([0, *(len(tags) for tags in by_period)]).astype(np.int64),
        np.array(layout.periods, np.float64),
        np.array([change.at for change in plant.schedule], np.float64),
        np.array([layout.rows[change.path] for change in plant.schedule], np.int64),
        np.array([change.value for change in plant.schedule], np.float64),
        np.ascontiguousarray(bounds, np.float64),
        np.zeros(len(layout.guards) + len(layout.dues), np.int64),
        np.zeros(5, np.int64),
        np.zeros(0),
    )
    return program, tuple(transitions.keep)
