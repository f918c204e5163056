"""The text of a step that every form shares: control of lanes, combinations of stages, tableaus."""

from twin.layout import Flag

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

# Hairer, E. & Wanner, G., RODAS: stiffly accurate Rosenbrock method of order 4(3) with six stages, in the
# form that needs no product with the Jacobian.
GAMMA = 0.25
RODAS4_STAGES: tuple[tuple[float, ...], ...] = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
RODAS4_SUMS: tuple[tuple[float, ...], ...] = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
RODAS4_NEW = (*RODAS4_STAGES[5], 1.0)
RODAS4_TIMES = (0.0, 0.386, 0.21, 0.63, 1.0, 1.0)

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
        # A step cut by a stop or after an event doesn't shrink the memory of h: so one-step methods like events.
        "hn = hm if (good & cut & (hn < hm)) else hn",
        "hn = hn if hn < hmax else hmax",
        "ok = go & good",
        f"flag = {int(Flag.STEP_TOO_SMALL)}.0 if (go & (not good) & (hn < {SMALLEST} * (1.0 + abs(t)))) else flag",
        "hm = hn if go else hm",
    ]


def weighted(coefficients: tuple[float, ...], names: list[str], base: str = "") -> str:
    """Return base plus the sum of coefficients times names, rounded in the order of the terms."""
    text = base
    for coefficient, name in zip(coefficients, names, strict=True):
        if coefficient:
            text = f"_m.fma({coefficient!r}, {name}, {text})" if text else f"{coefficient!r} * {name}"
    return text


def error_norm(old: str, new: str, index: int) -> list[str]:
    """Return the lines that add the scaled error ``e`` of one state to the squared norm ``s``."""
    return [f"q = e / _m.fma(rtol, _m.max2(abs({old}), abs({new})), atol__{index})", "s = _m.fma(q, q, s)"]
