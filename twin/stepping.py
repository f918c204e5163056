"""The text of a step: control of lanes, Runge-Kutta combinations, error norm; shared by every form."""

import numpy as np

from twin.layout import Control, Flag

# Dormand, J. R. & Prince, P. J. (1980), 5(4) pair: stage rows, then the error row b - b*.
DP5_STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DP5_TIMES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
DP5_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)

ORDER = {"rk4": 4, "dp5": 5, "rodas4": 4}
ADAPTIVE = frozenset({"dp5", "rodas4"})
SMALLEST = 1e-13
"""Steps below this share of the time scale are refused as too small."""


def before(single: bool = False) -> list[str]:
    """Return lines that decide what lane j does: names ``go``, ``h``, ``last``, ``cut`` and ``flag``."""
    return [
        "run = flag == 0",
        "left = stop - t",
        "done = left <= 0.0",
        # & for `and`: a short circuit is a branch, and a branch can end vectorisation
        "go = run & (not crossed) & (not done)",
        f"flag = ({int(Flag.CROSSED)}.0 if crossed else ({int(Flag.AT_STOP)}.0 if done else 0.0)) if run else flag",
        "h = hm if hm < cap else cap",
        f"last = h >= left * {0.9999 if single else 0.9999999}",
        "h = left if last else h",
        "cut = h < hm",
        "h = h if go else 0.0",
    ]


def after(method: str) -> list[str]:
    """Return lines that accept or reject: names ``ok``, ``hm`` and ``flag``; ``s`` is the error norm or finiteness."""
    if method not in ADAPTIVE:
        return [
            "ok = go & (s == 0.0)",
            f"flag = {int(Flag.NOT_FINITE)}.0 if (go & (not ok)) else flag",
        ]
    return [
        "good = s <= 1.0",
        f"fac = 0.9 * _m.exp({-0.5 / ORDER[method]!r} * _m.log(_m.max2(1e-12, s)))",
        "fac = 5.0 if fac > 5.0 else fac",
        "fac = fac if fac > 0.1 else 0.1",
        "fac = fac if s == s else 0.1",
        "hn = h * fac",
        # A step cut by a stop or after an event doesn't shrink the memory of h: that is what makes one-step methods like events.
        "hn = hm if (good & cut & (hn < hm)) else hn",
        "hn = hn if hn < hmax else hmax",
        "ok = go & good",
        f"flag = {int(Flag.STEP_TOO_SMALL)}.0 if (go & (not good) & (hn < {SMALLEST} * (1.0 + abs(t)))) else flag",
        "hm = hn if go else hm",
    ]


def combination(coefficients: tuple[float, ...], names: list[str]) -> str:
    """Return the sum of coefficients times names, rounded in the order of the terms."""
    text = ""
    for coefficient, name in zip(coefficients, names, strict=False):
        if coefficient:
            text = f"_m.fma({coefficient!r}, {name}, {text})" if text else f"{coefficient!r} * {name}"
    return text


def _c(row: Control, lane: str = "j") -> str:
    return f"c[{int(row)} * B + {lane}]"


def families_steps(method: str, width: int, real: type[np.floating]) -> str:
    """Return the module of the generic stepper: loops over rows of lanes around class kernels.

    The arithmetic on a lane is the same, in the same order, as in a flattened module.
    """
    single = real is np.float32
    middle = _rk4_rows(single) if method == "rk4" else _dp5_rows()
    lines = [
        '"""Generated; the stepper that any plant\'s class kernels are driven by."""',
        "import numpy as np",
        "from numba import carray, cfunc, njit",
        "from twin import lanemath as _m",
        "from twin.address import STEPS, STEPS32, call_class",
        f"B = {width}",
        f"SIZE = {8 if not single else 4}",
        f"REAL = np.{'float32' if single else 'float64'}",
        _EVALUATE,
        f"@cfunc({'STEPS32' if single else 'STEPS'}, cache=True, error_model='numpy')",
        "def steps(z_, c_, w_, tables_, n, maxit):",
        "    head = carray(tables_, 16)",
        "    nx, ng, gp, d, sr, xp, gr = head[0], head[1], head[2], head[3], head[4], head[5], head[6]",
        "    kr, comp, n_rates, n_guards, nz, nc = head[7], head[8], head[9], head[10], head[11], head[12]",
        "    tables = carray(tables_, 16 + (n_rates + n_guards) * 10)",
        "    rates = tables[16:16 + n_rates * 10].reshape(n_rates, 10)",
        "    guards = tables[16 + n_rates * 10:].reshape(n_guards, 10)",
        "    z = carray(z_, nz * B)",
        "    c = carray(c_, nc * B)",
        "    w = carray(w_, 2 + nx)",
        "    rtol, hmax = w[0], w[1]",
        "    za, ca = z.ctypes.data, c.ctypes.data",
        f"    ta = ca + {8 * int(Control.STAGE_T)} * B",
        "    idle = 0",
        "    for j in range(n):",
        f"        idle += 1 if {_c(Control.FLAG)} != 0.0 else 0",
        "    for it in range(maxit):",
        "        for j in range(n):",
        f"            {_c(Control.STAGE_T)} = {_c(Control.T)}",
        f"            {_c(Control.CROSSED)} = 0.0",
        "        evaluate(z, za, rates, ta, head[15], n)",
        "        evaluate(z, za, guards, ta, head[15], n)",
        *_guard_rows(),
        "        for j in range(n):",
        f"            t = {_c(Control.T)}; flag = {_c(Control.FLAG)}; stop = {_c(Control.STOP)}",
        f"            hm = {_c(Control.H)}; cap = {_c(Control.CAP)}; crossed = {_c(Control.CROSSED)} != 0.0",
        *("            " + line for line in before()),
        f"            {_c(Control.STEP)} = h",
        f"            {_c(Control.FLAG)} = flag",
        # the new flag is written by `after`; scratch remembers who goes, who ends at the stop, whose step was cut
        f"            {_c(Control.NORM)} = 0.0",
        *_remember_guards(),
        *("        " + line for line in middle),
        "        for j in range(n):",
        f"            t = {_c(Control.T)}; flag = {_c(Control.FLAG)}; stop = {_c(Control.STOP)}; h = {_c(Control.STEP)}",
        f"            hm = {_c(Control.H)}; s = {_c(Control.NORM)}",
        "            go = flag == 0.0",
        "            last = go and h == stop - t",
        "            cut = h < hm",
        *("            " + line for line in after(method)),
        f"            {_c(Control.H)} = hm",
        f"            {_c(Control.FLAG)} = flag",
        f"            {_c(Control.STEP)} = 1.0 if ok else 0.0",
        f"            {_c(Control.TP)} = t if ok else {_c(Control.TP)}",
        f"            {_c(Control.T)} = (stop if last else t + h) if ok else t",
        f"            {_c(Control.CAP)} = np.inf if ok else {_c(Control.CAP)}",
        f"            {_c(Control.STEPS)} += 1.0 if ok else 0.0",
        *_accept_rows(single),
        "        stopped = 0",
        "        for j in range(n):",
        f"            stopped += 1 if {_c(Control.FLAG)} != 0.0 else 0",
        "        if stopped > idle:",
        "            return it + 1",
        "    return maxit",
        "",
    ]
    return "\n".join(lines)


_EVALUATE = '''
@njit(error_model='numpy', forceinline=True)
def lanes(z, row, n):
    """Return the first n lanes of a row: an index into it needs no wrap-around test."""
    return z[row * B:row * B + n]

@njit(error_model='numpy')
def evaluate(z, za, ops, ta, y, n):
    """Run the table: copies of wired inputs, calls of class kernels, with the states at row y."""
    for k in range(ops.shape[0]):
        kind = ops[k, 0]
        if kind == 4:
            row = SIZE * B
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


def _rows(name: str, row: str) -> str:
    return f"{name} = lanes(z, {row}, n)"


def _guard_rows() -> list[str]:
    return [
        "        for r in range(ng):",
        "            " + _rows("before", "gp + r"),
        "            " + _rows("now", "gr + r"),
        "            for j in range(n):",
        f"                if before[j] < 0.0 and now[j] >= 0.0: {_c(Control.CROSSED)} = 1.0",
    ]


def _remember_guards() -> list[str]:
    return [
        "        for r in range(ng):",
        "            " + _rows("before", "gp + r"),
        "            " + _rows("now", "gr + r"),
        "            for j in range(n):",
        f"                keep = {_c(Control.FLAG)} > {int(Flag.AT_STOP)}.0",
        "                before[j] = before[j] if keep else now[j]",
    ]


def _stage_time(share: float) -> list[str]:
    return [
        "for j in range(n):",
        f"    {_c(Control.STAGE_T)} = _m.fma({share!r}, {_c(Control.STEP)}, {_c(Control.T)})",
    ]


def _rk4_rows(single: bool) -> list[str]:
    """Return the lines of three further stages and the new state, left in the stage-state rows."""
    lines: list[str] = []
    half = "REAL(0.5 * c[%d * B + j])" % Control.STEP
    full = "REAL(c[%d * B + j])" % Control.STEP
    for stage, (share, step) in enumerate(((0.5, half), (0.5, half), (1.0, full))):
        lines += [
            "for r in range(nx):",
            "    " + _rows("x", "r"),
            "    " + _rows("f", "d + r"),
            "    " + _rows("y", "sr + r"),
            "    " + _rows("total", "kr + r"),
            "    for j in range(n):",
            f"        y[j] = _m.fma({step}, f[j], x[j])",
            "        total[j] = f[j]" if stage == 0 else "        total[j] = _m.fma(REAL(2.0), f[j], total[j])",
            *_stage_time(share),
            "evaluate(z, za, rates, ta, sr, n)",
        ]
    lines += [
        "for r in range(nx):",
        "    " + _rows("x", "r"),
        "    " + _rows("f", "d + r"),
        "    " + _rows("y", "sr + r"),
        "    " + _rows("total", "kr + r"),
        "    " + _rows("lost", "comp + r"),
        "    for j in range(n):",
        f"        h6 = REAL(c[{int(Control.STEP)} * B + j] / 6.0)",
    ]
    if single:
        # Kahan: what adding a small increment to a large state loses is carried to the next step.
        lines += [
            "        gain = _m.fma(h6, total[j] + f[j], -lost[j])",
            "        y[j] = x[j] + gain",
            "        total[j] = (y[j] - x[j]) - gain",
        ]
    else:
        lines += ["        y[j] = _m.fma(h6, total[j] + f[j], x[j])"]
    lines += [f"        {_c(Control.NORM)} = _m.fma(y[j], REAL(0.0), {_c(Control.NORM)})" if not single else f"        {_c(Control.NORM)} += y[j] * REAL(0.0)"]
    return lines


def _dp5_rows() -> list[str]:
    lines = []
    for stage in range(1, 7):
        names = [f"k{i}[j]" for i in range(stage)]
        used = [i for i in range(stage) if DP5_STAGES[stage][i]]
        lines += [
            "for r in range(nx):",
            "    " + _rows("x", "r"),
            "    " + _rows("f", "d + r"),
            "    " + _rows("y", "sr + r"),
            *("    " + _rows(f"k{i}", f"kr + {i} * nx + r") for i in {*used, stage - 1}),
            "    for j in range(n):",
            f"        k{stage - 1}[j] = f[j]",
            f"        y[j] = _m.fma({_c(Control.STEP)}, {combination(DP5_STAGES[stage], names)}, x[j])",
            *_stage_time(DP5_TIMES[stage]),
            "evaluate(z, za, rates, ta, sr, n)",
        ]
    names = [f"k{i}[j]" for i in range(6)] + ["f[j]"]
    used = [i for i in range(6) if DP5_ERROR[i]]
    return [
        *lines,
        "for r in range(nx):",
        "    " + _rows("x", "r"),
        "    " + _rows("f", "d + r"),
        "    " + _rows("y", "sr + r"),
        *("    " + _rows(f"k{i}", f"kr + {i} * nx + r") for i in used),
        "    for j in range(n):",
        f"        e = {_c(Control.STEP)} * ({combination(DP5_ERROR, names)})",
        "        q = e / _m.fma(rtol, _m.max2(abs(x[j]), abs(y[j])), w[2 + r])",
        f"        {_c(Control.NORM)} = _m.fma(q, q, {_c(Control.NORM)})",
        "for j in range(n):",
        f"    {_c(Control.NORM)} = {_c(Control.NORM)} / nx",
    ]


def _accept_rows(single: bool) -> list[str]:
    lines = [
        "        for r in range(nx):",
        "            " + _rows("x", "r"),
        "            " + _rows("y", "sr + r"),
        "            " + _rows("old", "xp + r"),
        *(["            " + _rows("lost", "comp + r"), "            " + _rows("total", "kr + r")] if single else []),
        "            for j in range(n):",
        f"                ok = {_c(Control.STEP)} != 0.0",
        "                old[j] = x[j] if ok else old[j]",
        "                x[j] = y[j] if ok else x[j]",
    ]
    if single:
        lines.append("                lost[j] = total[j] if ok else lost[j]")
    return lines
