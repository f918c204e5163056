"""Where every number of a plant lives: rows of a block of members, the same for every kernel form."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.declare import Asset, Due, Fault, Input, Memory, Output, Param, State
from twin.plant import Plant

HELD = (Param, Fault, Memory)
"""Roles that an equation reads but the solver never changes."""


class Control(IntEnum):
    """Rows of a block's float64 control array, before sample counters and dues."""

    T = 0
    """Time of the state [s]."""
    H = 1
    """Step that the solver remembers [s]."""
    CAP = 2
    """Limit of the next step alone [s]; after an event it lets a guard settle."""
    SCHEDULED = 3
    """How many scheduled changes have happened."""
    EVENTS = 4
    """How many transitions have happened."""
    LAST_EVENT = 5
    """Time of the last event [s]."""
    GAP = 6
    """Time between the last two events [s]."""
    BUNCHED = 7
    """How much the last events looked like a run without end; see `drive`."""
    STEPS = 8
    """How many steps were accepted."""
    TP = 9
    """Time of the previous accepted state [s]."""
    STOP = 10
    """Where the solver must stop next [s]."""
    FLAG = 11
    """Why a lane stands still, a `Flag`."""
    STAGE_T = 12
    """Time of the stage being evaluated [s]."""
    STEP = 13
    """Step being tried [s]."""
    NORM = 14
    """Squared error norm of the step being tried."""
    CROSSED = 15
    """Whether a guard has crossed."""


PERSISTENT_CONTROLS = 9
"""Control rows that belong to a member's state; those behind are scratch."""


class Flag(IntEnum):
    """Why a lane stands still."""

    RUNNING = 0
    AT_STOP = 1
    CROSSED = 2
    DONE = 3
    NOT_FINITE = 4
    STEP_TOO_SMALL = 5
    OUT_OF_BOUNDS = 6
    ZENO = 7
    WATCHED = 8
    FULL = 9
    """Its flow needs room for more parts."""


class Group(NamedTuple):
    """All assets of one class: their names and the first row of each kind of quantity."""

    cls: type[Asset]
    assets: tuple[str, ...]
    x: int
    q: int
    u: int
    o: int
    g: int


def held_names(cls: type[Asset]) -> list[str]:
    """Return parameters, faults and memory of a class, in row order."""
    return [n for role in HELD for n in cls.roles[role]]


@dataclass(frozen=True)
class Layout:
    """Row numbers of a plant's quantities in a block of `width` lanes of `real` numbers.

    Rows of ``z``, in order: states, their compensation (float32 only), held numbers, inputs and the
    guards' previous values, which together are a member's state; then outputs, derivatives, stage
    state, previous state, guards and solver stages, which are scratch.
    """

    plant: Plant
    width: int
    real: type[np.floating] = np.float64
    periods: tuple[float, ...] = ()
    stages: int = 7
    rows: dict[str, int] = field(default_factory=dict)
    dues: dict[str, int] = field(default_factory=dict)
    guards: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    extra: dict[str, int] = field(default_factory=dict)
    """Rows behind all others, by name: what a stiff solver needs."""
    constants: tuple[float, ...] = ()
    """Numbers that a stiff solver wants as rows, the last of `extra`."""

    @classmethod
    def of(cls, plant: Plant, width: int, real: type[np.floating] = np.float64) -> "Layout":
        """Return the rows of `plant`, numbered class by class in the order of first appearance."""
        classes = list(dict.fromkeys(plant.assets.values()))
        members = {c: tuple(a for a, k in plant.assets.items() if k is c) for c in classes}
        names = {
            "x": {c: list(c.roles[State]) for c in classes},
            "q": {c: held_names(c) for c in classes},
            "u": {c: list(c.roles[Input]) for c in classes},
            "o": {c: list(c.roles[Output]) for c in classes},
        }
        count = {k: sum(len(n[c]) * len(members[c]) for c in classes) for k, n in names.items()}
        n_guards = sum(len(c.guards) * len(members[c]) for c in classes)
        compensation = count["x"] if real is np.float32 else 0
        start = {"x": 0, "q": count["x"] + compensation}
        start["u"] = start["q"] + count["q"]
        start["o"] = start["u"] + count["u"] + n_guards
        rows: dict[str, int] = {}
        firsts: dict[type[Asset], dict[str, int]] = {c: {} for c in classes}
        for kind, by_class in names.items():
            row = start[kind]
            for c in classes:
                firsts[c][kind] = row
                for asset in members[c]:
                    for name in by_class[c]:
                        rows[f"{asset}.{name}"] = row
                        row += 1
        guards = tuple(f"{a}.{g}" for c in classes for a in members[c] for g in c.guards)
        guard_start = dict(zip(classes, _starts(len(c.guards) * len(members[c]) for c in classes), strict=True))
        groups = tuple(Group(c, members[c], **firsts[c], g=guard_start[c]) for c in classes)
        periods = tuple(sorted({tag.every for tag in plant.tags.values()}))
        due_paths = [f"{a}.{n}" for c in classes for a in members[c] for n in c.roles[Due]]
        due_start = len(Control) + len(periods)
        dues = {path: due_start + i for i, path in enumerate(due_paths)}
        return cls(plant, width, real, periods, 7, rows, dues, guards, groups)

    @cached_property
    def nx(self) -> int:
        """Number of states."""
        return len(self.plant.paths(State))

    @cached_property
    def ng(self) -> int:
        """Number of guards."""
        return len(self.guards)

    @property
    def compensation(self) -> int:
        """First row of the compensation of the states' rounding (float32 only)."""
        return self.nx

    @property
    def gp(self) -> int:
        """First row of the guards' values at the previous accepted state."""
        return self.persistent - self.ng

    @cached_property
    def persistent(self) -> int:
        """Number of rows of ``z`` that are a member's state."""
        held = sum(len(held_names(c)) for c in self.plant.assets.values())
        copies = 2 if self.real is np.float32 else 1
        return copies * self.nx + held + len(self.plant.paths(Input)) + self.ng

    @property
    def d(self) -> int:
        """First row of the derivatives."""
        return self.persistent + len(self.plant.paths(Output))

    @property
    def s(self) -> int:
        """First row of the stage state."""
        return self.d + self.nx

    @property
    def xp(self) -> int:
        """First row of the previous accepted state."""
        return self.s + self.nx

    @property
    def g(self) -> int:
        """First row of the guards' values."""
        return self.xp + self.nx

    @property
    def k(self) -> int:
        """First row of the solver's stages."""
        return self.g + self.ng

    @property
    def control(self) -> int:
        """First row of the copy of the control rows that a flattened kernel works on."""
        return self.k + self.stages * self.nx

    @property
    def nz(self) -> int:
        """Number of rows of ``z``."""
        return self.control + len(Control) + sum(1 for name in self.extra if name != "constants")

    @property
    def nc(self) -> int:
        """Number of rows of the control array."""
        return len(Control) + len(self.periods) + len(self.dues)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Paths of the states in row order."""
        return tuple(sorted(self.plant.paths(State), key=self.rows.__getitem__))

    def sources(self, path: str) -> tuple[str, ...]:
        """Return what an input reads: the wired outputs and states, or itself where it is held."""
        return self.plant.wires.get(path, (path,))

    def member_rows(self) -> np.ndarray:
        """Return the rows of ``z`` that are a member's state, without the copies of wired inputs."""
        wired = {self.rows[p] for p in self.plant.wires}
        return np.array([r for r in range(self.persistent) if r not in wired], dtype=np.intp)

    def member_controls(self) -> np.ndarray:
        """Return the rows of the control array that are a member's state."""
        return np.array([*range(PERSISTENT_CONTROLS), *range(len(Control), self.nc)], dtype=np.intp)


def _starts(sizes: Iterable[int]) -> list[int]:
    starts, total = [], 0
    for size in sizes:
        starts.append(total)
        total += size
    return starts
