"""One kernel per class of equipment, compiled once ever; a plant is index tables over them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from twin import emit
from twin.declare import Asset, Input, Output, State
from twin.formula import Formula
from twin.kernel import HEAD, Kernel
from twin.layout import Group, Layout, held_names
from twin.linear import class_partials, linearised, partial_rows
from twin.module import compile_aside, load
from twin.rows import HEAD_NAMES, steps_text

COPY_STATE, ADD_STATE, COPY, ADD, CALL = range(5)
"""What a table row asks for; see `twin.stepping`."""

OP_WIDTH = 10


def element(array: str, row: int, width: int) -> str:
    """Return an element of a row in lane j; alone without arithmetic, which costs compile time."""
    return f"{array}[{row}]" if width == 1 else f"{array}[{row * width} + j]"


def _reads(cls: type[Asset], argument: str, width: int) -> str:
    """Return how a class kernel reads an argument in lane j of instance i."""
    kinds = {
        "y": list(cls.roles[State]),
        "q": held_names(cls),
        "u": list(cls.roles[Input]),
        "o": list(cls.roles[Output]),
    }
    if argument == "t":
        return "time[j]"
    for kind, names in kinds.items():
        if argument in names:
            return element(f"{kind}1", names.index(argument), width)
    raise AssertionError(argument)


def roles(cls: type[Asset]) -> dict[str, tuple[dict[str, Formula], list[str]]]:
    """Return what a class kernel can be asked for: formulas and the names of its results, by role."""
    asked = {name: ({name: formula}, list(cls.roles[Output])) for name, formula in cls.outputs.items()}
    if cls.dynamics:
        asked["rates"] = (cls.dynamics, [f"d_{s}" for s in cls.roles[State]])
    if cls.guards:
        # A guard's result goes by the guard's name: guards are free to call their number what they like.
        asked["guards"] = ({n: f._replace(returns=(n,)) for n, f in cls.guards.items()}, list(cls.guards))
    return asked


def kernel_text(cls: type[Asset], width: int, real: type[np.floating]) -> str:
    """Return the module of one class: a `CLASS` function over instances and lanes, a branch for each role."""
    single = real is np.float32
    lines = _opened(cls, _sizes(cls), width, single=single)
    functions: dict[str, str] = {}
    for number, (formulas, results) in enumerate(roles(cls).values()):
        lines.append(f"    if role == {number}:")
        lines += ["    " + line for line in _role_lines(cls, formulas, results, width, single=single)]
        functions |= {n: emit.function(cls, n, formula, real) for n, formula in formulas.items()}
    return "\n".join([emit.HEADER, *functions.values(), *lines, ""])


def _role_lines(
    cls: type[Asset], formulas: dict[str, Formula], results: list[str], width: int, *, single: bool
) -> list[str]:
    """Return the loop over instances and lanes that runs one role's formulas."""
    size = len(results) * width
    # Outputs that are computed from outputs are read and written in the same rows. Only on the stack can they
    # be proven not to overlap; else the loop tests it at run time, finds that they do, and goes lane by lane.
    held = width > 1 and any(a in cls.roles[Output] for f in formulas.values() for a in f.arguments)
    target = "b" if held else "r1"
    lines = [f"    r = carray(r_, count * {size})"]
    lines += [f"    b = carray({'stack32' if single else 'stack'}({size}), {size})"] if held else []
    lines.append("    for i in range(count):")
    # Slicing first: an index that numba can't prove positive gets a wrap-around test, which ends vectorisation.
    lines += [f"        {k}1 = {k}[i * {s * width}:(i + 1) * {s * width}]" for k, s in _sizes(cls).items() if s]
    lines += [f"        r1 = r[i * {size}:(i + 1) * {size}]", "        for j in range(n):"]
    for name, formula in formulas.items():
        reads = [_reads(cls, a, width) for a in formula.arguments]
        reads = [f"np.float32({r})" if single and r == "time[j]" else r for r in reads]
        values = [f"{name}__{r}" for r in formula.returns]
        lines.append(f"            {', '.join(values)} = {emit.function_name(cls, name)}({', '.join(reads)})")
        places = [results.index(r) for r in formula.returns]
        lines += [f"            {element(target, k, width)} = {v}" for k, v in zip(places, values, strict=True)]
    if held:
        places = [results.index(r) for f in formulas.values() for r in f.returns]
        lines += ["        for j in range(n):"]
        lines += [f"            {element('r1', k, width)} = {element('b', k, width)}" for k in places]
    return lines


def _compiled(cls: type[Asset], width: int, real: type[np.floating]) -> Any:
    return load(kernel_text(cls, width, real), cls.__name__).kernel


def _steps(method: str, width: int, real: type[np.floating]) -> Any:
    return load(steps_text(method, width, real), f"steps_{method}").steps


def build(
    layout: Layout,
    method: str,
    *,
    progress: Callable[[str], None] = lambda _: None,
    meanwhile: Callable[[], None] = lambda: None,
) -> Kernel:
    """Return the stepper of a plant from class kernels; a plant of known classes compiles nothing.

    `meanwhile` is called while another process compiles what is not in the cache.
    """
    width, real = layout.width, layout.real
    keep: list[Any] = []

    def kernel(group: Group) -> int:
        progress(group.cls.__name__)
        compiled = _compiled(group.cls, width, real)
        keep.append(compiled)
        return int(compiled.address)

    texts = [(kernel_text(g.cls, width, real), g.cls.__name__) for g in layout.groups]
    if method == "rodas4":
        texts += [(partials_text(g.cls, width), f"{g.cls.__name__}_partials") for g in layout.groups if partial_rows(g)]
    aside = compile_aside(texts)
    if aside:
        progress(f"{len(texts)} class kernels, aside")
    meanwhile()
    steps = _steps(method, width, real)
    if aside:
        aside.wait()
    addresses = {g.cls: kernel(g) for g in layout.groups}
    rates = [
        *_stage_ops(layout, addresses),
        *(_call_op(layout, g, addresses, "rates") for g in layout.groups if g.cls.dynamics),
    ]
    guards = [_call_op(layout, g, addresses, "guards") for g in layout.groups if g.cls.guards]
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


def partials_text(cls: type[Asset], width: int) -> str:
    """Return the module of a class's partial derivatives: one `CLASS` function with one role."""
    found = {n: p for n, p in class_partials(cls).items() if p.text}
    sizes = _sizes(cls)
    size = sum(1 for p in found.values() for e in p.entries if not e[2]) * width
    lines = [
        *_opened(cls, sizes, width, single=False),
        f"    r = carray(r_, count * {size})",
        "    for i in range(count):",
    ]
    lines += [f"        {k}1 = {k}[i * {s * width}:(i + 1) * {s * width}]" for k, s in sizes.items() if s]
    lines += [f"        r1 = r[i * {size}:(i + 1) * {size}]", "        for j in range(n):"]
    row = 0
    for name, one in found.items():
        formula = {**cls.outputs, **cls.dynamics}[name]
        targets = [f"{name}__{i}" for i in range(sum(1 for e in one.entries if not e[2]))]
        reads = ", ".join(_reads(cls, a, width) for a in formula.arguments)
        lines.append(f"            {', '.join(targets)} = {one.name}({reads})")
        for target in targets:
            lines.append(f"            {element('r1', row, width)} = {target}")
            row += 1
    return "\n".join([emit.HEADER, *(p.text for p in found.values()), *lines, ""])


def _sizes(cls: type[Asset]) -> dict[str, int]:
    """Return how many rows of each kind one instance has."""
    return {
        "y": len(cls.roles[State]),
        "q": len(held_names(cls)),
        "u": len(cls.roles[Input]),
        "o": len(cls.roles[Output]),
    }


def _opened(cls: type[Asset], sizes: dict[str, int], width: int, *, single: bool) -> list[str]:
    """Return the head of a class kernel and the lines that open its arrays."""
    return [
        f"@cfunc({'CLASS32' if single else 'CLASS'}, cache=True, error_model='numpy')",
        "def kernel(role, count, n, y_, q_, u_, o_, r_, time_):",
        *(f"    {k} = carray({k}_, count * {size * width})" for k, size in sizes.items() if size),
        f"    time = carray(time_, {width})",
    ]


def _call_op(
    layout: Layout, group: Group, addresses: dict[type[Asset], int], role: str, first: int = 0, count: int | None = None
) -> list[int]:
    """Return the table row that calls a class kernel for `count` instances from `first`."""
    cls = group.cls
    sizes = (len(cls.roles[State]), len(held_names(cls)), len(cls.roles[Input]), len(cls.roles[Output]))
    x, q, u, o = (start + first * size for start, size in zip((group.x, group.q, group.u, group.o), sizes, strict=True))
    result = {"rates": layout.d + x, "guards": layout.g + group.g}.get(role, o)
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
