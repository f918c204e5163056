"""A plant as C: Runge-Kutta for one member, and for blocks of members in the form that gcc vectorises."""

import ast
from collections.abc import Iterable

from benchmarks.peers.straight import Straight, variable

BLOCK = 64

_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_NAMES = {"abs": "FABS", "min": "MIN", "max": "MAX", "inf": "INFINITY"}

_HEAD = """\
/* {plant}: {nx} states, {nq} held numbers, {ng} guards; generated from the assets. */
#include <math.h>
#include <tgmath.h>

typedef {real} real;
#define B {block}
#define FABS(a) fabs(a)

static inline real MIN(real a, real b) {{ return b < a ? b : a; }}
static inline real MAX(real a, real b) {{ return b > a ? b : a; }}
"""


def expression(node: ast.expr) -> str:
    """Return one expression in C, every operation in parentheses: C's precedence never matters."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return f"(real){float(value)!r}"
        case ast.Name(id=name):
            return _NAMES.get(name, name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"(-{expression(operand)})"
        case ast.BinOp(left=left, op=op, right=right):
            return f"({expression(left)} {_OPERATORS[type(op)]} {expression(right)})"
        case ast.IfExp(test=ast.Compare(left=left, ops=[op], comparators=[right]), body=body, orelse=orelse):
            test = f"{expression(left)} {_COMPARISONS[type(op)]} {expression(right)}"
            return f"({test} ? {expression(body)} : {expression(orelse)})"
        case ast.Call(func=ast.Name(id=name), args=args):
            return f"{_NAMES.get(name, name)}({', '.join(map(expression, args))})"
    raise ValueError(f"no C for {ast.unparse(node)}")


def c_source(equations: Straight, real: str = "double") -> str:
    """Return the C file: ``run_one`` and ``run_block`` advance states in place and return the steps done.

    Both evaluate the guards once a step and stop at the first crossing, as the kernels do. What is computed
    but never read is left to the compiler to drop, as in the kernels.
    """
    head = _HEAD.format(
        plant=equations.plant.name,
        nx=len(equations.states),
        nq=len(equations.held),
        ng=len(equations.guards),
        block=BLOCK,
        real=real,
    )
    return "\n".join([head, *_one(equations), "", *_block(equations), ""])


def _stage(equations: Straight, stage: int) -> list[str]:
    """Return the block that computes the derivatives of a stage (and, at stage 0, the guards)."""
    step = ("", "(real)0.5 * h", "(real)0.5 * h", "h")[stage]
    lines = [
        "{",
        f"    const double time = t{' + ' + step if stage else ''};",
        "    const real t = (real)time; (void)t;",
    ]
    for i, path in enumerate(equations.states):
        change = f" + {step} * k{stage - 1}_{i}" if stage else ""
        lines.append(f"    const real {variable(path)} = x_{i}{change};")
    wanted = (*equations.rates, *(equations.guards if stage == 0 else ()))
    lines += [f"    const real {line.target} = {expression(line.expression)};" for line in equations.of(*wanted)]
    lines += [f"    k{stage}_{i} = {rate};" for i, rate in enumerate(equations.rates)]
    if stage == 0:
        lines += [f"    guard_{i} = {guard};" for i, guard in enumerate(equations.guards)]
    return [*lines, "}"]


def _step(equations: Straight) -> list[str]:
    """Return the lines of one step up to the new states, ``new_0`` and so on."""
    states, guards = range(len(equations.states)), range(len(equations.guards))
    lines = [f"real {', '.join(f'k{s}_{i}' for i in states)};" for s in range(4)]
    if guards:
        lines.append(f"real {', '.join(f'guard_{i}' for i in guards)};")
    lines += _stage(equations, 0)
    lines.append("/* guards */")
    for stage in (1, 2, 3):
        lines += _stage(equations, stage)
    for i in states:
        total = f"k0_{i} + (real)2 * k1_{i} + (real)2 * k2_{i} + k3_{i}"
        lines.append(f"const real new_{i} = x_{i} + h / (real)6 * ({total});")
    return lines


def _indented(lines: Iterable[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]


def _one(equations: Straight) -> list[str]:
    """Return ``run_one``: states stay in variables from the first step to the last."""
    states, guards = range(len(equations.states)), range(len(equations.guards))
    lines = _step(equations)
    crossings = [f"((before_{i} < 0) & (guard_{i} >= 0))" for i in guards]
    lines[lines.index("/* guards */")] = f"if ({' | '.join(crossings) or '0'}) break;"
    lines += [f"if ({' + '.join(f'new_{i} * (real)0' for i in states)} != 0) break;"]
    lines += [*(f"x_{i} = new_{i};" for i in states), *(f"before_{i} = guard_{i};" for i in guards)]
    return [
        "long run_one(real *restrict z, const real *restrict q, real *restrict g, double t, real h, long n) {",
        *_indented((f"const real {variable(p)} = q[{i}];" for i, p in enumerate(equations.held)), 1),
        *_indented((f"real x_{i} = z[{i}];" for i in states), 1),
        *_indented((f"real before_{i} = g[{i}];" for i in guards), 1),
        "    long done;",
        "    for (done = 0; done < n; done++) {",
        *_indented(lines, 2),
        "        t += h;",
        "    }",
        *_indented((f"z[{i}] = x_{i};" for i in states), 1),
        *_indented((f"g[{i}] = before_{i};" for i in guards), 1),
        "    return done;",
        "}",
    ]


def _block(equations: Straight) -> list[str]:
    """Return ``run_block``: struct of arrays, constant width, one branch-free loop over members.

    Crossings are counted as floating numbers: gcc has no integer reduction beside SSE2 doubles, and gives up.
    """
    states, guards = range(len(equations.states)), range(len(equations.guards))
    lines = [f"const real {variable(p)} = q[{i}][j];" for i, p in enumerate(equations.held)]
    lines += [f"const real x_{i} = z[{i}][j];" for i in states]
    lines += [f"const real before_{i} = g[{i}][j];" for i in guards]
    lines += _step(equations)
    crossings = [f"((before_{i} < 0) & (guard_{i} >= 0) ? (real)1 : (real)0)" for i in guards]
    lines[lines.index("/* guards */")] = f"crossings += {' + '.join(crossings) or '0'};"
    lines += [*(f"z[{i}][j] = new_{i};" for i in states), *(f"g[{i}][j] = guard_{i};" for i in guards)]
    return [
        "long run_block(real (*restrict z)[B], const real (*restrict q)[B], real (*restrict g)[B],",
        "               double t, real h, long n) {",
        "    long done;",
        "    for (done = 0; done < n; done++) {",
        "        real crossings = 0;",
        "        for (int j = 0; j < B; j++) {",
        *_indented(lines, 3),
        "        }",
        "        if (crossings > 0) break;",
        "        t += h;",
        "    }",
        "    return done;",
        "}",
    ]
