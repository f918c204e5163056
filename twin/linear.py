"""Straight-line arithmetic as data: a plant's Jacobian and its sparse LU, printed or tabulated by a kernel form."""

from enum import IntEnum
from typing import NamedTuple

from twin.declare import Asset, Input, Output, State
from twin.differentiate import Partials, partials
from twin.layout import Group, Layout

Entry = tuple[int, int]


class Kind(IntEnum):
    """What an operation does with its operands."""

    FNMA = 0
    """c - a b, rounded once."""
    MUL = 1
    FMA = 2
    """a b + c, rounded once."""
    RECIPROCAL = 3
    SUB = 4
    NEGATIVE = 5


class Op(NamedTuple):
    """``target = kind(a, b, c)``; operands are names or numbers."""

    kind: Kind
    target: str
    a: str
    b: str = ""
    c: str = ""

    def text(self) -> str:
        """Return the operation as kernel source."""
        a, b, c = self.a, self.b, self.c
        return (
            f"{self.target} = "
            + {
                Kind.FNMA: f"_m.fma(-{a}, {b}, {c})",
                Kind.MUL: f"{a} * {b}",
                Kind.FMA: f"_m.fma({a}, {b}, {c})",
                Kind.RECIPROCAL: f"1.0 / {a}",
                Kind.SUB: f"{a} - {b}",
                Kind.NEGATIVE: f"-{a}",
            }[self.kind]
        )


class Call(NamedTuple):
    """One formula whose partial derivatives are needed, and the names they go by."""

    asset: str
    formula: str
    held: tuple[str, ...]


class Linearised(NamedTuple):
    """How to get from partial derivatives to solutions of ``(gi I - J) k = b``.

    Names: ``gi`` is 1/(gamma h); ``b<i>`` the right-hand side and then the solution, in place.
    """

    calls: tuple[Call, ...]
    chain: tuple[Op, ...]
    factorise: tuple[Op, ...]
    solve: tuple[Op, ...]


def class_partials(cls: type[Asset]) -> dict[str, Partials]:
    """Return the partials of every equation of a class by what may depend on a state."""
    active = [*cls.roles[State], *cls.roles[Input], *cls.roles[Output]]
    return {n: partials(cls, n, f, active) for n, f in {**cls.outputs, **cls.dynamics}.items()}


def linearised(layout: Layout) -> Linearised:
    """Return the programs of a plant's Jacobian and of its LU."""
    chain = _Chain(layout)
    for asset, name in layout.plant.order():
        chain.add(asset, name)
    for group in layout.groups:
        for asset in group.assets:
            for name in group.cls.dynamics:
                chain.add(asset, name)
    factors, solve = _factorised(chain.jacobian(), layout.nx)
    return Linearised(tuple(chain.calls), tuple(chain.ops), factors, solve)


class _Chain:
    """The chain rule through a plant's wires, from states to rates; sparse."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.index = {p: i for i, p in enumerate(layout.states)}
        self.by_state: dict[str, dict[int, str]] = {p: {i: "1.0"} for p, i in self.index.items()}
        self.partials = {g.cls: class_partials(g.cls) for g in layout.groups}
        self.calls: list[Call] = []
        self.ops: list[Op] = []

    def add(self, asset: str, name: str) -> None:
        """Append what turns a formula's partials into derivatives by states."""
        cls = self.layout.plant.assets[asset]
        found = self.partials[cls][name]
        held: list[str] = []
        rows: dict[str, dict[int, list[tuple[str, str]]]] = {}
        for returned, argument, constant in found.entries:
            partial = constant or f"p__{asset}__{returned}__{argument}"
            if not constant:
                held.append(partial)
            for origin in self.layout.sources(f"{asset}.{argument}"):
                for j, inner in self.by_state.get(origin, {}).items():
                    rows.setdefault(returned, {}).setdefault(j, []).append((partial, inner))
        if held:
            self.calls.append(Call(asset, name, tuple(held)))
        for returned, row in rows.items():
            self.by_state[f"{asset}.{returned}"] = {
                j: self._sum(f"j__{asset}__{returned}__{j}", products) for j, products in row.items()
            }

    def _sum(self, target: str, products: list[tuple[str, str]]) -> str:
        if len(products) == 1 and "1.0" in products[0]:
            return products[0][1] if products[0][0] == "1.0" else products[0][0]
        first, *rest = products
        self.ops.append(Op(Kind.MUL, target, *first))
        self.ops += [Op(Kind.FMA, target, a, b, target) for a, b in rest]
        return target

    def jacobian(self) -> dict[Entry, str]:
        """Return, by (rate, state), what holds the derivative."""
        rates = {p: self.by_state.get("{}.d_{}".format(*p.split(".")), {}) for p in self.index}
        return {(self.index[p], j): v for p, row in rates.items() for j, v in row.items()}


def elimination_order(pattern: set[Entry], n: int) -> list[int]:
    """Return pivots in Markowitz order: the one that fills least first, ties to the lowest index."""
    filled, left, order = set(pattern), set(range(n)), []
    while left:
        rows = {i: [r for r in sorted(left) if r != i and (r, i) in filled] for i in left}
        columns = {i: [c for c in sorted(left) if c != i and (i, c) in filled] for i in left}
        pivot = min(left, key=lambda i: (len(rows[i]) * len(columns[i]), i))
        order.append(pivot)
        left.remove(pivot)
        filled |= {(r, c) for r in rows[pivot] for c in columns[pivot]}
    return order


def _factorised(jacobian: dict[Entry, str], n: int) -> tuple[tuple[Op, ...], tuple[Op, ...]]:
    """Return the sparse LU of ``gi I - J`` without pivoting, and the solve in place of ``b<i>``.

    Safe where the diagonal dominates, which a small enough step ensures: a huge or undefined error
    rejects the step and shrinks it.
    """
    pattern = set(jacobian) | {(i, i) for i in range(n)}
    known = {(i, j): f"w__{i}_{j}" for i, j in pattern}
    ops: list[Op] = []
    for i, j in sorted(pattern):
        value = jacobian.get((i, j))
        if i == j and value is None:
            known[i, j] = "gi"
        else:
            ops.append(
                Op(Kind.SUB, known[i, j], "gi", value or "") if i == j else Op(Kind.NEGATIVE, known[i, j], value or "")
            )
    order = elimination_order(pattern, n)
    forward: list[Op] = []
    backward: list[Op] = []
    for place, i in enumerate(order):
        later = order[place + 1 :]
        columns = [c for c in later if (i, c) in known]
        ops.append(Op(Kind.RECIPROCAL, f"r__{i}", known[i, i]))
        for r in (r for r in later if (r, i) in known):
            ops.append(Op(Kind.MUL, f"l__{r}_{i}", known[r, i], f"r__{i}"))
            forward.append(Op(Kind.FNMA, f"b{r}", f"l__{r}_{i}", f"b{i}", f"b{r}"))
            for c in columns:
                ops.append(_eliminate(known, r, c, i))
        solution = [Op(Kind.FNMA, f"b{i}", known[i, c], f"b{c}", f"b{i}") for c in columns]
        backward = [*solution, Op(Kind.MUL, f"b{i}", f"b{i}", f"r__{i}"), *backward]
    return tuple(ops), tuple(forward + backward)


def _eliminate(known: dict[Entry, str], r: int, c: int, i: int) -> Op:
    """Return what takes pivot row i's column c out of row r; a new entry is fill."""
    old = known.get((r, c))
    target = known[r, c] = f"w__{r}_{c}"
    return Op(Kind.FNMA, target, f"l__{r}_{i}", known[i, c], old or "0.0")


def partial_rows(group: Group) -> tuple[str, ...]:
    """Return one asset's partials as ``formula.returned.argument``, in the order its class kernel writes them."""
    return tuple(
        f"{name}.{returned}.{argument}"
        for name, found in class_partials(group.cls).items()
        for returned, argument, constant in found.entries
        if not constant
    )
