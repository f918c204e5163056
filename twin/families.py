"""One kernel per class of equipment, compiled once ever; a plant is index tables over them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from twin import emit
from twin.declare import Asset, Input, Output, State
from twin.formula import Formula
from twin.kernel import HEAD, Kernel
from twin.layout import Group, Layout, held_names
from twin.linear import class_partials, linearised, partial_rows
from twin.module import load
from twin.rows import HEAD_NAMES, steps_text

COPY_STATE, ADD_STATE, COPY, ADD, CALL = range(5)
"""What a table row asks for; see `twin.stepping`."""

OP_WIDTH = 10
RATES, GUARDS = "d/dt", "> 0"
"""Roles of a class kernel beside its output functions; no function can be called so."""


def _place(cls: type[Asset], argument: str, width: int) -> str:
    """Return the element that holds an argument."""
    kinds = {
        "y": list(cls.roles[State]),
        "q": held_names(cls),
        "u": list(cls.roles[Input]),
        "o": list(cls.roles[Output]),
        "time": ["t"],
    }
    return next(f"{kind}[{names.index(argument) * width}]" for kind, names in kinds.items() if argument in names)


def roles(cls: type[Asset]) -> dict[str, tuple[dict[str, Formula], list[str]]]:
    """Return what a class kernel can be asked for: formulas and the names of its results, by role."""
    asked = {name: ({name: formula}, list(cls.roles[Output])) for name, formula in cls.outputs.items()}
    if cls.dynamics:
        asked[RATES] = (cls.dynamics, [f"d_{s}" for s in cls.roles[State]])
    if cls.guards:
        # A guard's result goes by the guard's name: guards are free to call their number what they like.
        asked[GUARDS] = ({n: f._replace(returns=(n,)) for n, f in cls.guards.items()}, list(cls.guards))
    return asked


class _Program(NamedTuple):
    """What one role of a class kernel does in a lane: calls of lane functions, and where their results go."""

    functions: dict[str, str]
    calls: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, int], ...]], ...]
    """Name, arguments, and ``(result, row)`` of each call."""
    rows: int
    into: str = "r"
    """The array that results go to. Outputs may be computed from outputs: written to the array that they are
    read from, their rows are known not to overlap; through another pointer that had to be tested, and would fail."""


def kernel_text(cls: type[Asset], width: int, real: type[np.floating]) -> str:
    """Return the module of one class: a `CLASS` function over instances and lanes, a branch for each role."""
    programs = []
    for formulas, results in roles(cls).values():
        functions = {emit.function_name(cls, n): emit.function(cls, n, f) for n, f in formulas.items()}
        calls = tuple(
            (emit.function_name(cls, n), f.arguments, tuple((f"{n}__{r}", results.index(r)) for r in f.returns))
            for n, f in formulas.items()
        )
        programs.append(_Program(functions, calls, len(results), "o" if set(formulas) <= set(cls.outputs) else "r"))
    return _class_text(cls, programs, width, single=real is np.float32)


def partials_text(cls: type[Asset], width: int) -> str:
    """Return the module of a class's partial derivatives: one `CLASS` function with one role."""
    found = {n: p for n, p in class_partials(cls).items() if p.results}
    calls, row = [], 0
    for name, one in found.items():
        results = tuple((f"{name}__{i}", row + i) for i in range(len(one.results)))
        calls.append((one.name, one.arguments, results))
        row += len(one.results)
    program = _Program({p.name: p.text for p in found.values()}, tuple(calls), row)
    return _class_text(cls, [program], width, single=False)


def _class_text(cls: type[Asset], programs: list[_Program], width: int, *, single: bool) -> str:
    sizes = {"y": len(cls.roles[State]), "q": len(held_names(cls)), "u": len(cls.roles[Input])}
    sizes |= {"o": len(cls.roles[Output])}
    # What has no rows has one that nothing reads: size 0 would mean an array that all instances share, in float64.
    sizes = {name: max(size, 1) for name, size in sizes.items()}
    lines = [
        f"@cfunc({'CLASS32' if single else 'CLASS'}, cache=True, error_model='numpy')",
        "def kernel(role, count, n, y, q, u, o, r, time):",
    ]
    parts, end = [], ", single=True)\n" if single else ")\n"
    for number, program in enumerate(programs):
        body: list[str] = []
        stores: list[str] = []
        for name, arguments, results in program.calls:
            places = ", ".join(_place(cls, a, width) for a in arguments)
            body.append(f"{', '.join(v for v, _ in results)} = {name}({places})")
            stores += [f"{program.into}[{row * width}] = {value}" for value, row in results]
        functions = ", ".join(f"{name!r}: {name}" for name in program.functions)
        parts += [
            *program.functions.values(),
            f"role_{number} = row_program('''",
            *body,
            *stores,
            f"''', {{{functions}}}, {sizes | {'r': program.rows, 'time': 0}}, {width}{end}",
        ]
        lines += [
            f"    if role == {number}:",
            "        for i in range(count):",
            "            for j in range(n):",
            f"                role_{number}(y, q, u, o, r, time, i, j)",
        ]
    return "\n".join([emit.HEADER, *parts, *lines, ""])


def _compiled(cls: type[Asset], width: int, real: type[np.floating]) -> Any:
    return load(kernel_text(cls, width, real), cls.__name__).kernel


def stepper(method: str, width: int, real: type[np.floating]) -> Any:
    """Return the compiled generic stepper."""
    return load(steps_text(method, width, real), f"steps_{method}").steps


def modules(layout: Layout, method: str) -> list[tuple[str, str]]:
    """Return text and kind of every module that the plant's classes need."""
    width, real = layout.width, layout.real
    texts = [(kernel_text(g.cls, width, real), g.cls.__name__) for g in layout.groups]
    if method == "rodas4":
        texts += [(partials_text(g.cls, width), f"{g.cls.__name__}_partials") for g in layout.groups if partial_rows(g)]
    return texts


def build(layout: Layout, method: str, *, progress: Callable[[str], None] = lambda _: None) -> Kernel:
    """Return the stepper of a plant from class kernels; a plant of known classes compiles nothing."""
    width, real = layout.width, layout.real
    keep: list[Any] = []

    def kernel(group: Group) -> int:
        progress(group.cls.__name__)
        compiled = _compiled(group.cls, width, real)
        keep.append(compiled)
        return int(compiled.address)

    steps = stepper(method, width, real)
    addresses = {g.cls: kernel(g) for g in layout.groups}
    rates = [
        *_stage_ops(layout, addresses),
        *(_call_op(layout, g, addresses, RATES) for g in layout.groups if g.cls.dynamics),
    ]
    guards = [_call_op(layout, g, addresses, GUARDS) for g in layout.groups if g.cls.guards]
    tables: dict[str, list[list[int]]] = {"rates": rates, "guards": guards}
    if method == "rodas4":
        tables |= _stiff_tables(layout, progress, keep)
    return Kernel(int(steps.address), _packed(layout, tables), (steps, *keep))


def _packed(layout: Layout, tables: dict[str, list[list[int]]]) -> np.ndarray:
    """Return the head and the tables as one array of words."""
    extra = layout.extra
    known = {
        "nx": layout.nx, "ng": layout.ng, "gp": layout.gp, "d": layout.d, "sr": layout.s, "xp": layout.xp,
        "gr": layout.g, "kr": layout.k, "comp": layout.compensation, "nz": layout.nz, "nc": layout.nc,
        "br": extra.get("b0", 0), "ihr": extra.get("ih", 0), "cr": extra.get("constants", 0),
        "n_constants": len(layout.constants),
        "n_ops": sum(len(t) for t in tables.values()), **{f"n_{name}": len(t) for name, t in tables.items()},
    }  # fmt: skip
    head = np.zeros(HEAD, np.int64)
    head[: len(HEAD_NAMES)] = [known.get(name, 0) for name in HEAD_NAMES]
    rows = [row + [0] * (OP_WIDTH - len(row)) for table in tables.values() for row in table]
    return np.concatenate([head, np.array(rows, np.int64).reshape(-1)])


def stiff_layout(layout: Layout) -> Layout:
    """Return the layout with rows for partials, Jacobian, LU and solution, and the constants they need."""
    program = linearised(layout)
    names: list[str] = [f"b{i}" for i in range(layout.nx)] + ["ih", "gi"]
    for group in layout.groups:
        for asset in group.assets:
            names += [f"p__{asset}__{'__'.join(p.split('.')[1:])}" for p in partial_rows(group)]
    operands = dict.fromkeys(
        x for op in (*program.chain, *program.factorise, *program.solve) for x in (op.a, op.b, op.c) if x
    )
    constants = [x for x in operands if not x.isidentifier()]
    names += dict.fromkeys(op.target for op in (*program.chain, *program.factorise) if op.target not in names)
    first = layout.nz
    rows = {name: first + i for i, name in enumerate(names)}
    rows["constants"] = first + len(names)
    rows |= {value: rows["constants"] + i for i, value in enumerate(constants)}
    return replace(layout, extra=rows, constants=tuple(float(x) for x in constants))


def _stiff_tables(layout: Layout, progress: Callable[[str], None], keep: list[Any]) -> dict[str, list[list[int]]]:
    """Return the tables of partials, chain rule, LU and solve."""
    program = linearised(layout)
    partials = []
    for group in layout.groups:
        names = partial_rows(group)
        if not names:
            continue
        progress(f"{group.cls.__name__} partials")
        compiled = _compiled_partials(group.cls, layout.width)
        keep.append(compiled)
        op = _call_op(layout, group, {group.cls: int(compiled.address)}, next(iter(roles(group.cls))))
        op[7] = layout.extra[f"p__{group.assets[0]}__{'__'.join(names[0].split('.')[1:])}"]
        op[8] = 0
        partials.append(op)

    def rows(ops: tuple[Any, ...]) -> list[list[int]]:
        at = layout.extra
        return [[int(op.kind), at[op.target], at[op.a], at[op.b] if op.b else 0, at[op.c] if op.c else 0] for op in ops]

    return {
        "partials": partials,
        "chain": rows(program.chain),
        "lu": rows(program.factorise),
        "solve": rows(program.solve),
    }


def _compiled_partials(cls: type[Asset], width: int) -> Any:
    return load(partials_text(cls, width), f"{cls.__name__}_partials").kernel


def _call_op(
    layout: Layout, group: Group, addresses: dict[type[Asset], int], role: str, first: int = 0, count: int | None = None
) -> list[int]:
    """Return the table row that calls a class kernel for `count` instances from `first`."""
    cls = group.cls
    sizes = (len(cls.roles[State]), len(held_names(cls)), len(cls.roles[Input]), len(cls.roles[Output]))
    x, q, u, o = (start + first * size for start, size in zip((group.x, group.q, group.u, group.o), sizes, strict=True))
    result = {RATES: layout.d + x, GUARDS: layout.g + group.g}.get(role, o)
    return [CALL, addresses[cls], count or len(group.assets), x, q, u, o, result, list(roles(cls)).index(role), 0]


def _stage_ops(layout: Layout, addresses: dict[type[Asset], int]) -> Iterator[list[int]]:
    """Yield, in order of evaluation, the copies of wired inputs and the calls that compute outputs."""
    plant = layout.plant
    group_of = {a: g for g in layout.groups for a in g.assets}
    states = set(layout.states)
    done: set[str] = set()

    def copies(paths: list[str]) -> Iterator[list[int]]:
        for path in paths:
            if path in done or path not in plant.wires:
                continue
            done.add(path)
            for i, origin in enumerate(plant.wires[path]):
                kind = (COPY_STATE if origin in states else COPY) + (1 if i else 0)
                yield [kind, layout.rows[origin], layout.rows[path], 0, 0, 0, 0, 0, 0, 0]

    for members, name in _batches(layout):
        group = group_of[members[0]]
        arguments = group.cls.outputs[name].arguments
        yield from copies([f"{a}.{n}" for a in members for n in arguments])
        first = group.assets.index(members[0])
        yield _call_op(layout, group, addresses, name, first, len(members))
    yield from copies(list(plant.wires))


def _batches(layout: Layout) -> Iterator[tuple[list[str], str]]:
    """Yield runs of neighbouring assets of one class whose output function can be called at once."""
    plant = layout.plant
    owner = {f"{a}.{r}": (a, n) for a, c in plant.assets.items() for n, f in c.outputs.items() for r in f.returns}
    group_of = {a: g for g in layout.groups for a in g.assets}

    def needs(asset: str, name: str) -> set[tuple[str, str]]:
        arguments = plant.assets[asset].outputs[name].arguments
        origins = [o for a in arguments for o in layout.sources(f"{asset}.{a}")]
        return {owner[o] for o in origins if o in owner}

    waiting = dict.fromkeys(plant.order())
    ready: set[tuple[str, str]] = set()
    while waiting:
        asset, name = next(iter(waiting))
        able = [k for k in waiting if k[1] == name and group_of[k[0]] is group_of[asset] and needs(*k) <= ready]
        order = {a: i for i, a in enumerate(group_of[asset].assets)}
        indices = sorted(order[a] for a, _ in able)
        run = [order[asset]]
        while run[-1] + 1 in indices:
            run.append(run[-1] + 1)
        while run[0] - 1 in indices:
            run.insert(0, run[0] - 1)
        members = [group_of[asset].assets[i] for i in run]
        for member in members:
            del waiting[member, name]
            ready.add((member, name))
        yield members, name
