"""The text of the generic stepper: loops over rows of lanes around class kernels, for any plant.

The arithmetic on a lane is the same, in the same order, as in a flattened module.
"""

import re

import numpy as np

from twin.kernel import HEAD
from twin.layout import Control, Flag
from twin.linear import Kind
from twin.stepping import (
    DP5_ERROR,
    DP5_STAGES,
    DP5_TIMES,
    GAMMA,
    RODAS4_NEW,
    RODAS4_STAGES,
    RODAS4_SUMS,
    RODAS4_TIMES,
    after,
    before,
    weighted,
)

HEAD_NAMES = (
    "nx", "ng", "gp", "d", "sr", "xp", "gr", "kr", "comp", "nz", "nc",
    "n_rates", "n_guards", "n_partials", "n_chain", "n_lu", "n_solve", "n_ops", "br", "ihr", "cr", "n_constants",
)  # fmt: skip

_EVALUATE = '''
@njit(error_model='numpy', forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def lanes(z, row, n):
    """Return the first n lanes of a row: an index into it needs no wrap-around test."""
    return z[row * B:row * B + n]

@njit(error_model='numpy', no_cpython_wrapper=True, no_cfunc_wrapper=True)
def evaluate(z, za, ops, ta, y, n):
    """Run a table: copies of wired inputs and calls of class kernels, with the states at row y."""
    row = SIZE * B
    for k in range(ops.shape[0]):
        kind = ops[k, 0]
        if kind == 4:
            call_class(ops[k, 1], ops[k, 8], ops[k, 2], n, za + row * (y + ops[k, 3]), za + row * ops[k, 4],
                       za + row * ops[k, 5], za + row * ops[k, 6], za + row * ops[k, 7], ta)
        else:
            a = lanes(z, ops[k, 1] + (y if kind < 2 else 0), n)
            b = lanes(z, ops[k, 2], n)
            if kind == 0 or kind == 2:
                for j in range(a.size):
                    b[j] = a[j]
            else:
                for j in range(a.size):
                    b[j] += a[j]
'''

_SCALAR = {
    Kind.FNMA: "_m.fma(-z[a + j], z[b + j], z[c + j])",
    Kind.MUL: "z[a + j] * z[b + j]",
    Kind.FMA: "_m.fma(z[a + j], z[b + j], z[c + j])",
    Kind.RECIPROCAL: "1.0 / z[a + j]",
    Kind.SUB: "z[a + j] - z[b + j]",
    Kind.NEGATIVE: "-z[a + j]",
}


class _Rows:
    """Writes the stepper of one method, width and number type."""

    def __init__(self, method: str, width: int, real: type[np.floating]) -> None:
        self.method, self.width, self.single = method, width, real is np.float32

    def loop(self, views: dict[str, str], body: list[str], count: str = "nx") -> list[str]:
        """Return a loop over rows and lanes; `views` are rows by name, of which the body uses ``name[j]``."""
        if self.width == 1:
            alone = [re.sub(r"\b(\w+)\[j\]", lambda m: f"z[{views[m[1]]}]" if m[1] in views else m[0], b) for b in body]
            return [f"for r in range({count}):", *("    " + line for line in alone)]
        return [
            f"for r in range({count}):",
            *(f"    {name} = lanes(z, {row}, n)" for name, row in views.items()),
            "    for j in range(n):",
            *("        " + line for line in body),
        ]

    def lanes(self, body: list[str]) -> list[str]:
        """Return a loop over lanes."""
        return ["for j in range(n):", *("    " + line for line in body)]

    def stage(self, share: float) -> list[str]:
        """Return the lines that evaluate the rates at the stage state."""
        time = f"{c(Control.STAGE_T)} = _m.fma({share!r}, {c(Control.STEP)}, {c(Control.T)})"
        return [*self.lanes([time]), "evaluate(z, za, rates, ta, sr, n)"]

    def text(self) -> str:
        """Return the module."""
        single = self.single
        head = [
            '"""Generated; the stepper that the class kernels of any plant are driven by."""',
            "import numpy as np",
            "from numba import carray, cfunc, njit",
            "from twin import lanemath as _m",
            "from twin.address import STEPS, STEPS32, call_class, combine",
            f"B = {self.width}",
            f"SIZE = {4 if single else 8}",
            f"REAL = np.{'float32' if single else 'float64'}",
            _EVALUATE,
            *(self.linear() if self.method == "rodas4" else []),
            f"@cfunc({'STEPS32' if single else 'STEPS'}, cache=True, error_model='numpy')",
            "def steps(z_, c_, w_, tables_, n, maxit):",
        ]
        body = [*self.unpacked(), *self.iterations()]
        return "\n".join([*head, *("    " + line for line in body), ""])

    def unpacked(self) -> list[str]:
        """Return the lines that open the arrays and tables."""
        lines = [f"head = carray(tables_, {HEAD})"]
        lines += [f"{name} = head[{i}]" for i, name in enumerate(HEAD_NAMES)]
        lines += [
            f"tables = carray(tables_, {HEAD} + n_ops * 10)",
            f"table = tables[{HEAD}:].reshape(n_ops, 10)",
            "rates = table[:n_rates]",
            "guards = table[n_rates:n_rates + n_guards]",
            "z = carray(z_, nz * B)",
            "c = carray(c_, nc * B)",
            "w = carray(w_, 2 + nx + n_constants)",
            "rtol, hmax = w[0], w[1]",
            "za, ca = z.ctypes.data, c.ctypes.data",
            f"ta = ca + {8 * int(Control.STAGE_T)} * B",
            "idle, it, zero = 0, 0, nx - nx",
        ]
        if self.method == "rodas4":
            lines += [
                "first = n_rates + n_guards",
                "partials = table[first:first + n_partials]",
                "chain = table[first + n_partials:first + n_partials + n_chain]",
                "lu = table[first + n_partials + n_chain:first + n_partials + n_chain + n_lu]",
                "solve = table[n_ops - n_solve:]",
                *self.loop({"x": "cr + r"}, ["x[j] = w[2 + nx + r]"], "n_constants"),
            ]
        return [*lines, *self.lanes([f"idle += 1 if {c(Control.FLAG)} != 0.0 else 0"])]

    def iterations(self) -> list[str]:
        """Return the loop over steps."""
        guard = {"last": "gp + r", "now": "gr + r"}
        crossed = f"{c(Control.CROSSED)} = 1.0 if ((last[j] < 0.0) & (now[j] >= 0.0)) else {c(Control.CROSSED)}"
        keep = f"last[j] = last[j] if {c(Control.FLAG)} > {int(Flag.AT_STOP)}.0 else now[j]"
        stages = {"rk4": self.rk4, "dp5": self.dp5, "rodas4": self.rodas4}[self.method]
        body = [
            *self.lanes([f"{c(Control.STAGE_T)} = {c(Control.T)}", f"{c(Control.CROSSED)} = 0.0"]),
            "evaluate(z, za, rates, ta, zero, n)",
            "evaluate(z, za, guards, ta, zero, n)",
            *self.loop(guard, [crossed], "ng"),
            *self.lanes(self.decide()),
            *self.loop(guard, [keep], "ng"),
            *self.lanes([f"{c(Control.NORM)} = 0.0"]),
            *stages(),
            *self.lanes(self.judge()),
            *self.accept(),
            "stopped = 0",
            *self.lanes([f"stopped += 1 if {c(Control.FLAG)} != 0.0 else 0"]),
            "if stopped > idle:",
            "    break",
        ]
        return ["for it in range(maxit):", *("    " + line for line in body), "return it + 1"]

    def decide(self) -> list[str]:
        """Return the lines on a lane that choose its step."""
        return [
            f"t = {c(Control.T)}; flag = {c(Control.FLAG)}; stop = {c(Control.STOP)}",
            f"hm = {c(Control.H)}; cap = {c(Control.CAP)}; crossed = {c(Control.CROSSED)} != 0.0",
            *before(),
            f"{c(Control.STEP)} = h",
            f"{c(Control.FLAG)} = flag",
        ]

    def judge(self) -> list[str]:
        """Return the lines on a lane that accept or reject its step; `STEP` then holds whether."""
        return [
            f"t = {c(Control.T)}; flag = {c(Control.FLAG)}; stop = {c(Control.STOP)}; h = {c(Control.STEP)}",
            f"hm = {c(Control.H)}; s = {c(Control.NORM)}",
            "go = flag == 0.0",
            "last = go & (h == stop - t)",
            "cut = h < hm",
            *after(self.method),
            f"{c(Control.H)} = hm",
            f"{c(Control.FLAG)} = flag",
            f"{c(Control.STEP)} = 1.0 if ok else 0.0",
            f"{c(Control.TP)} = t if ok else {c(Control.TP)}",
            f"{c(Control.T)} = (stop if last else t + h) if ok else t",
            f"{c(Control.CAP)} = np.inf if ok else {c(Control.CAP)}",
            f"{c(Control.STEPS)} += 1.0 if ok else 0.0",
        ]

    def accept(self) -> list[str]:
        """Return the lines that move accepted lanes to their new state."""
        views = {"x": "r", "y": "sr + r", "old": "xp + r"}
        body = [f"ok = {c(Control.STEP)} != 0.0", "old[j] = x[j] if ok else old[j]", "x[j] = y[j] if ok else x[j]"]
        if self.single:
            views |= {"lost": "comp + r", "total": "kr + r"}
            body.append("lost[j] = total[j] if ok else lost[j]")
        return self.loop(views, body)

    def rk4(self) -> list[str]:
        """Return the lines of three further stages and the new state, left in the stage-state rows."""
        half, full = f"REAL(0.5 * {c(Control.STEP)})", f"REAL({c(Control.STEP)})"
        views = {"x": "r", "f": "d + r", "y": "sr + r", "total": "kr + r"}
        lines: list[str] = []
        for stage, (share, step) in enumerate(((0.5, half), (0.5, half), (1.0, full))):
            total = "total[j] = _m.fma(REAL(2.0), f[j], total[j])" if stage else "total[j] = f[j]"
            lines += [*self.loop(views, [f"y[j] = _m.fma({step}, f[j], x[j])", total]), *self.stage(share)]
        new = [f"h6 = REAL({c(Control.STEP)} / 6.0)"]
        if self.single:
            # Kahan: what adding a small increment to a large state loses is carried to the next step.
            views["lost"] = "comp + r"
            new += [
                "gain = _m.fma(h6, total[j] + f[j], -lost[j])",
                "y[j] = x[j] + gain",
                "total[j] = (y[j] - x[j]) - gain",
                f"{c(Control.NORM)} += y[j] * REAL(0.0)",
            ]
        else:
            new += [
                "y[j] = _m.fma(h6, total[j] + f[j], x[j])",
                f"{c(Control.NORM)} = _m.fma(y[j], 0.0, {c(Control.NORM)})",
            ]
        return [*lines, *self.loop(views, new)]

    def dp5(self) -> list[str]:
        """Return the lines of six further stages, the new state and its error norm."""
        lines = []
        for stage in range(1, 7):
            used = sorted({i for i in range(stage) if DP5_STAGES[stage][i]} | {stage - 1})
            views = {"x": "r", "f": "d + r", "y": "sr + r", **{f"k{i}": f"kr + {i} * nx + r" for i in used}}
            combined = weighted(DP5_STAGES[stage], [f"k{i}[j]" for i in range(stage)])
            body = [f"k{stage - 1}[j] = f[j]", f"y[j] = _m.fma({c(Control.STEP)}, {combined}, x[j])"]
            lines += [*self.loop(views, body), *self.stage(DP5_TIMES[stage])]
        used = [i for i in range(6) if DP5_ERROR[i]]
        views = {"x": "r", "f": "d + r", "y": "sr + r", **{f"k{i}": f"kr + {i} * nx + r" for i in used}}
        error = weighted(DP5_ERROR, [*(f"k{i}[j]" for i in range(6)), "f[j]"])
        return [*lines, *self.loop(views, [f"e = {c(Control.STEP)} * ({error})", *norm()]), *self.mean()]

    def mean(self) -> list[str]:
        """Return the loop that turns the sum of squared errors into their mean."""
        return self.lanes([f"{c(Control.NORM)} = {c(Control.NORM)} / nx"])

    def rodas4(self) -> list[str]:
        """Return the lines of Jacobian, factorisation, six stages, the new state and its error norm."""
        lines = [
            *self.lanes(
                [
                    f"h = {c(Control.STEP)}",
                    "zi = 1.0 / (h if h > 0.0 else 1.0)",
                    "z[ihr * B + j] = zi",
                    f"z[(ihr + 1) * B + j] = {1 / GAMMA!r} * zi",
                ]
            ),
            "evaluate(z, za, partials, ta, zero, n)",
            "linear(z, za, chain, n)",
            "linear(z, za, lu, n)",
        ]
        for stage in range(6):
            ks = {f"k{i}": f"kr + {i} * nx + r" for i in range(stage)}
            earlier = [f"k{i}[j]" for i in range(stage)]
            if stage:
                lines += [
                    *self.loop(
                        {"x": "r", "y": "sr + r", **ks}, [f"y[j] = {weighted(RODAS4_STAGES[stage], earlier, 'x[j]')}"]
                    ),
                    *self.stage(RODAS4_TIMES[stage]),
                ]
            carried = weighted(RODAS4_SUMS[stage], earlier, "")
            right = f"_m.fma(ih, {carried}, f[j])" if carried else "f[j]"
            # a lane that stands still keeps its state in every stage, so that its outputs stay those of its state
            right = f"b[j] = {right} if {c(Control.STEP)} > 0.0 else 0.0"
            lines += [
                *self.loop({"f": "d + r", "b": "br + r", **ks}, ["ih = z[ihr * B + j]", right]),
                "linear(z, za, solve, n)",
                *self.loop({"b": "br + r", "k": f"kr + {stage} * nx + r"}, ["k[j] = b[j]"]),
            ]
        ks = {f"k{i}": f"kr + {i} * nx + r" for i in range(6)}
        new = [f"y[j] = {weighted(RODAS4_NEW, [f'k{i}[j]' for i in range(6)], 'x[j]')}", "e = k5[j]", *norm()]
        return [*lines, *self.loop({"x": "r", "y": "sr + r", **ks}, new), *self.mean()]

    def linear(self) -> list[str]:
        """Return the function that runs a table of straight-line arithmetic over lanes."""
        lines = [
            "@njit(error_model='numpy', no_cpython_wrapper=True, no_cfunc_wrapper=True)",
            "def linear(z, za, ops, n):",
            '    """Run a table: kind, target, and the rows of its operands."""',
            "    for k in range(ops.shape[0]):",
            "        kind = ops[k, 0]; t = ops[k, 1] * B; a = ops[k, 2] * B; b = ops[k, 3] * B; c = ops[k, 4] * B",
        ]
        for i, kind in enumerate(Kind):
            lines.append(f"        {'el' if i else ''}if kind == {int(kind)}:")
            scalar = f"z[t + j] = {_SCALAR[kind]}"
            if self.width == 1:
                lines.append(f"            combine({int(kind)}, 1, za + 8 * t, za + 8 * a, za + 8 * b, za + 8 * c)")
                continue
            lines += [
                "            if n == B:",
                f"                combine({int(kind)}, {self.width}, za + 8 * t, za + 8 * a, za + 8 * b, za + 8 * c)",
                "            else:",
                "                for j in range(n):",
                f"                    {scalar}",
            ]
        return lines


def norm() -> list[str]:
    """Return the lines that add the scaled error ``e`` of state r to the lane's squared norm."""
    return [
        "q = e / _m.fma(rtol, _m.max2(abs(x[j]), abs(y[j])), w[2 + r])",
        f"{c(Control.NORM)} = _m.fma(q, q, {c(Control.NORM)})",
    ]


def c(row: Control) -> str:
    """Return the element of a control row in lane j."""
    return f"c[{int(row)} * B + j]"


def steps_text(method: str, width: int, real: type[np.floating]) -> str:
    """Return the module of the generic stepper."""
    text = _Rows(method, width, real).text()
    return text.replace("    head = carray", "    j = 0\n    head = carray") if width == 1 else text
