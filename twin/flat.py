"""A whole plant as one readable module: the fastest form for small plants and single members."""

from collections.abc import Callable

import numpy as np

from twin import emit
from twin.declare import Input, Output
from twin.formula import Formula
from twin.kernel import HEAD, Kernel
from twin.layout import HELD, Control, Flag, Layout
from twin.module import load
from twin.stepping import DP5_ERROR, DP5_STAGES, DP5_TIMES, after, before, error_norm, weighted

Stage = int | str

SHARED = (Control.T, Control.TP, Control.STOP, Control.H, Control.CAP, Control.STEPS, Control.FLAG)
"""Control rows that a stepper reads or writes."""


class FlatText:
    """Writes the text of a plant's stepper, one scalar program per lane."""

    def __init__(self, layout: Layout, method: str) -> None:
        self.layout, self.method, self.plant = layout, method, layout.plant
        self.single = layout.real is np.float32
        self.alone = layout.width == 1

    @staticmethod
    def local(path: str, stage: Stage = "") -> str:
        """Return the variable that holds ``asset.quantity`` at a stage."""
        return path.replace(".", "__") + (f"__{stage}" if stage != "" else "")

    def read(self, asset: str, argument: str, stage: Stage) -> str:
        """Return what a formula's argument is at a stage: a variable, or a sum of wired ones."""
        if argument == "t":
            return f"np.float32(t__{stage})" if self.single and self.alone else f"t__{stage}"
        cls = self.plant.assets[asset]
        if any(argument in cls.roles[r] for r in HELD):
            return self.local(f"{asset}.{argument}")
        if argument in cls.roles[Input]:
            path = f"{asset}.{argument}"
            origins = self.plant.wires.get(path)
            return " + ".join(self.local(o, stage) for o in origins) if origins else self.local(path)
        return self.local(f"{asset}.{argument}", stage)

    def outputs(self, stage: Stage) -> list[str]:
        """Return the calls that compute every output at a stage."""
        return [self._call(a, n, self.plant.assets[a].outputs[n], stage) for a, n in self.plant.order()]

    def rates(self, stage: Stage) -> list[str]:
        """Return the calls that compute every derivative at a stage."""
        return [
            self._call(a, n, f, stage) for g in self.layout.groups for a in g.assets for n, f in g.cls.dynamics.items()
        ]

    def _call(self, asset: str, name: str, formula: Formula, stage: Stage) -> str:
        targets = ", ".join(self.local(f"{asset}.{r}", stage) for r in formula.returns)
        arguments = ", ".join(self.read(asset, a, stage) for a in formula.arguments)
        return f"{targets} = {emit.function_name(self.plant.assets[asset], name)}({arguments})"

    def rate(self, state: str, stage: Stage) -> str:
        """Return the variable that holds a state's derivative at a stage."""
        asset, name = state.split(".")
        return self.local(f"{asset}.d_{name}", stage)

    def guards(self) -> list[str]:
        """Return the lines that compute the guards and whether one has crossed."""
        lines = []
        for i, path in enumerate(self.layout.guards):
            asset, name = path.split(".")
            cls = self.plant.assets[asset]
            arguments = ", ".join(self.read(asset, a, 0) for a in cls.guards[name].arguments)
            lines.append(f"guard__{i} = {emit.function_name(cls, name)}({arguments})")
        crossings = [f"((before__{i} < 0.0) & (guard__{i} >= 0.0))" for i in range(self.layout.ng)]
        # bitwise or: a short circuit would be a branch, and a branch ends vectorisation
        return [*lines, "crossed = " + (" | ".join(crossings) if crossings else "False")]

    def z(self, row: int) -> str:
        """Return the element of a row of ``z`` in lane j."""
        return f"z[{row}]" if self.alone else f"z[{row * self.layout.width} + j]"

    def c(self, row: int) -> str:
        """Return the element of a control row in lane j; lanes work on a copy among the rows of ``z``.

        With everything in one array the compiler need not prove that rows don't overlap. With two it
        must, gives up above some 250 rows, and silently stops vectorising.
        """
        return f"c[{int(row)}]" if self.alone else self.z(self.layout.control + int(row))

    def load_constants(self) -> list[str]:
        """Return the lines that read held numbers and held inputs."""
        paths = [p for p in self.plant.paths(*HELD, Input) if p not in self.plant.wires]
        return [f"{self.local(p)} = {self.z(self.layout.rows[p])}" for p in paths]

    def load_state(self) -> list[str]:
        """Return the lines that read states, guards' last values and the lane's control."""
        lay = self.layout
        lines = [f"{self.local(p, 0)} = {self.z(lay.rows[p])}" for p in lay.states]
        if self.single:
            lines += [f"{self.local(p, 'lost')} = {self.z(lay.compensation + i)}" for i, p in enumerate(lay.states)]
        lines += [f"before__{i} = {self.z(lay.gp + i)}" for i in range(lay.ng)]
        rows = {"t": Control.T, "flag": Control.FLAG, "stop": Control.STOP, "hm": Control.H, "cap": Control.CAP}
        return [*lines, *(f"{n} = {self.c(r)}" for n, r in rows.items())]

    def store_observed(self) -> list[str]:
        """Return the lines that write outputs, wired inputs and guards of the state at stage 0."""
        lay = self.layout
        lines = [f"{self.z(lay.rows[p])} = {self.local(p, 0)}" for p in self.plant.paths(Output)]
        for path in self.plant.wires:
            asset, name = path.split(".")
            lines.append(f"{self.z(lay.rows[path])} = {self.read(asset, name, 0)}")
        return [*lines, *(f"{self.z(lay.g + i)} = guard__{i}" for i in range(lay.ng))]

    def stages(self) -> list[str]:
        """Return the lines from the derivatives at stage 0 to new states and the error norm ``s``."""
        return self._rk4() if self.method == "rk4" else self._dp5()

    def _rk4(self) -> list[str]:
        real = "np.float32" if self.single else ""
        lines = [f"h1 = {real}(0.5 * h)", f"h2 = {real}(h)", f"h6 = {real}(h / 6.0)"]
        for stage, (step, share) in enumerate((("h1", 0.5), ("h1", 0.5), ("h2", 1.0)), start=1):
            lines.append(f"t__{stage} = _m.fma({share!r}, h, t__0)")
            lines += [
                f"{self.local(p, stage)} = _m.fma({step}, {self.rate(p, stage - 1)}, {self.local(p, 0)})"
                for p in self.layout.states
            ]
            lines += [*self.outputs(stage), *self.rates(stage)]
        two = "TWO" if self.single else "2.0"
        for p in self.layout.states:
            f = [self.rate(p, stage) for stage in range(4)]
            total = f"_m.fma({two}, {f[2]}, _m.fma({two}, {f[1]}, {f[0]})) + {f[3]}"
            new, old = self.local(p, "new"), self.local(p, 0)
            if self.single:
                gain = self.local(p, "gain")
                lines += [
                    f"{gain} = _m.fma(h6, {total}, -{self.local(p, 'lost')})",
                    f"{new} = {old} + {gain}",
                    f"{self.local(p, 'rest')} = ({new} - {old}) - {gain}",
                ]
            else:
                lines.append(f"{new} = _m.fma(h6, {total}, {old})")
        return [*lines, "s = 0.0", *(self._finite(p) for p in self.layout.states)]

    def _finite(self, path: str) -> str:
        new = self.local(path, "new")
        return f"s += {new} * ZERO" if self.single else f"s = _m.fma({new}, 0.0, s)"

    def _dp5(self) -> list[str]:
        lines = []
        for stage in range(1, 7):
            lines.append(f"t__{stage} = _m.fma({DP5_TIMES[stage]!r}, h, t__0)")
            for p in self.layout.states:
                names = [self.rate(p, i) for i in range(stage)]
                combined = weighted(DP5_STAGES[stage], names)
                lines.append(f"{self.local(p, stage)} = _m.fma(h, {combined}, {self.local(p, 0)})")
            lines += [*self.outputs(stage), *self.rates(stage)]
        lines.append("s = 0.0")
        for i, p in enumerate(self.layout.states):
            names = [self.rate(p, stage) for stage in range(7)]
            lines += [f"{self.local(p, 'new')} = {self.local(p, 6)}", f"e = h * ({weighted(DP5_ERROR, names)})"]
            lines += error_norm(self.local(p, 0), self.local(p, "new"), i)
        return [*lines, f"s = s / {self.layout.nx}"]

    def evaluation(self) -> list[str]:
        """Return the lines that evaluate outputs, derivatives and guards of the state."""
        start = f"t__0 = {self.c(Control.STAGE_T)} + t" if self.single and not self.alone else "t__0 = t"
        return [start, *self.outputs(0), *self.rates(0), *self.guards()]

    def functions(self) -> list[str]:
        """Return the lane functions of every class in the plant."""
        texts = []
        for group in self.layout.groups:
            formulas = {**group.cls.outputs, **group.cls.dynamics, **group.cls.guards}
            for name, formula in formulas.items():
                texts.append(emit.function(group.cls, name, formula))
                texts.append(emit.called(emit.function_name(group.cls, name), self.layout.real))
        return texts

    def text(self) -> str:
        """Return the module."""
        lay = self.layout
        constants = ["REAL = np.float32", "TWO = np.float32(2.0)", "ZERO = np.float32(0.0)"] if self.single else []
        head = [
            f"@cfunc({'STEPS32' if self.single else 'STEPS'}, cache=True, error_model='numpy')",
            "def steps(z_, c_, w_, tables_, n, maxit):",
            f"    z = carray(z_, {lay.nz * lay.width})",
            f"    {'c' if self.alone else 'control'} = carray(c_, {lay.nc * lay.width})",
            f"    w = carray(w_, {lay.nx + 2})",
            "    rtol, hmax = w[0], w[1]",
            *(f"    atol__{i} = w[{i + 2}]" for i in range(lay.nx) if self.method != "rk4"),
        ]
        body = self._alone() if self.alone else self._lanes()
        return "\n".join([emit.HEADER, *constants, *self.functions(), *head, *body, ""])

    def _lanes(self) -> list[str]:
        """Return the loop over lanes: one branch-free program, which the compiler vectorises."""
        lay = self.layout
        lane = [
            *self.load_constants(),
            *self.load_state(),
            *self.evaluation(),
            *self.store_observed(),
            *before(self.single and not self.alone),
        ]
        keep = f"(flag > {int(Flag.AT_STOP)})"
        lane += [f"{self.z(lay.gp + i)} = before__{i} if {keep} else guard__{i}" for i in range(lay.ng)]
        lane += [*self.stages(), *after(self.method)]
        for i, p in enumerate(lay.states):
            old, new = self.local(p, 0), self.local(p, "new")
            lane += [
                f"{self.z(lay.xp + i)} = {old} if ok else {self.z(lay.xp + i)}",
                f"{self.z(lay.rows[p])} = {new} if ok else {old}",
            ]
            if self.single:
                lost = self.local(p, "lost")
                lane.append(f"{self.z(lay.compensation + i)} = {self.local(p, 'rest')} if ok else {lost}")
        lane += [
            f"{self.c(Control.TP)} = t if ok else {self.c(Control.TP)}",
            *self._next_time(),
            f"{self.c(Control.CAP)} = np.inf if ok else cap",
            *([] if self.single else [f"{self.c(Control.H)} = hm"]),
            f"{self.c(Control.STEPS)} += 1.0 if ok else 0.0",
            f"{self.c(Control.FLAG)} = flag",
        ]
        flag = self.c(Control.FLAG)
        loop = [f"        {line}" for line in lane]
        text = [
            *self._copy_in(),
            "    idle = 0",
            "    for j in range(n):",
            f"        idle += 1 if {flag} != 0.0 else 0",
            "    for it in range(maxit):",
            "        for j in range(n):",
            *("    " + line for line in loop),
            "        stopped = 0",
            "        for j in range(n):",
            f"            stopped += 1 if {flag} != 0.0 else 0",
            "        if stopped > idle:",
            "            break",
            *self._copy_out(),
            "    return it + 1",
        ]
        return emit.single_literals(text) if self.single else text

    def _copy_in(self) -> list[str]:
        """Return the loop that copies control rows among those of ``z``; float32 time starts at zero."""
        width = self.layout.width
        lines = ["    for j in range(n):"]
        for row in SHARED:
            value = f"control[{int(row) * width} + j]"
            if self.single and row in (Control.T, Control.TP, Control.STOP):
                value = f"REAL({value} - control[{int(Control.T) * width} + j])"
            lines.append(f"        {self.c(row)} = {f'REAL({value})' if self.single else value}")
        if self.single:
            lines.append(f"        {self.c(Control.STAGE_T)} = REAL(control[{int(Control.T) * width} + j])")
            lines.append(f"        {self.c(Control.GAP)} = REAL(0)")
        return lines

    def _copy_out(self) -> list[str]:
        """Return the loop that copies control rows back."""
        width = self.layout.width
        lines = ["    for j in range(n):"]
        if not self.single:
            return [
                *lines,
                *(f"        control[{int(r) * width} + j] = {self.c(r)}" for r in SHARED if r is not Control.STOP),
            ]
        t, tp, stop = (f"control[{int(r) * width} + j]" for r in (Control.T, Control.TP, Control.STOP))
        lines += [f"        {tp} = {t} + {self.c(Control.TP)}"]
        exact = f"{t} + {self.c(Control.T)} - {self.c(Control.GAP)}"
        lines += [f"        {t} = {stop} if {self.c(Control.T)} == {self.c(Control.STOP)} else {exact}"]
        rest = (Control.CAP, Control.STEPS, Control.FLAG)
        return [*lines, *(f"        control[{int(r) * width} + j] = {self.c(r)}" for r in rest)]

    def _next_time(self) -> list[str]:
        """Return the lines that move a lane's time; float32 time is summed with compensation."""
        t, lost = self.c(Control.T), self.c(Control.GAP)
        if not self.single:
            return [f"{t} = (stop if last else t + h) if ok else t"]
        return [
            f"gain = h - {lost}",
            "later = t + gain",
            f"{lost} = (later - t) - gain if ok else {lost}",
            f"{t} = (stop if last else later) if ok else t",
        ]

    def _alone(self) -> list[str]:
        """Return the loop for one member: states stay in variables, and branches are taken."""
        lay = self.layout
        loop = [*self.evaluation(), *before(self.single and not self.alone)]
        loop += ["if not go:", "    break"]
        loop += [*self.stages(), *after(self.method)]
        loop += ["if not ok and flag != 0:", "    break", "if ok:"]
        accept = [f"{self.local(p, 'old')} = {self.local(p, 0)}" for p in lay.states]
        accept += [f"{self.local(p, 0)} = {self.local(p, 'new')}" for p in lay.states]
        if self.single:
            accept += [f"{self.local(p, 'lost')} = {self.local(p, 'rest')}" for p in lay.states]
        accept += [f"before__{i} = guard__{i}" for i in range(lay.ng)]
        accept += ["tp = t", "t = stop if last else t + h", "cap = np.inf", "accepted += 1"]
        loop += ["    " + line for line in accept]
        stores = [*self.store_observed()]
        for i, p in enumerate(lay.states):
            stores += [f"{self.z(lay.rows[p])} = {self.local(p, 0)}", f"{self.z(lay.xp + i)} = {self.local(p, 'old')}"]
            if self.single:
                stores.append(f"{self.z(lay.compensation + i)} = {self.local(p, 'lost')}")
        guards = [
            f"{self.z(lay.gp + i)} = guard__{i} if flag == {int(Flag.AT_STOP)} else before__{i}" for i in range(lay.ng)
        ]
        stores += [*guards, f"{self.c(Control.T)} = t", f"{self.c(Control.TP)} = tp", f"{self.c(Control.CAP)} = cap"]
        stores += [
            f"{self.c(Control.H)} = hm",
            f"{self.c(Control.FLAG)} = flag",
            f"{self.c(Control.STEPS)} += accepted",
        ]
        start = [*self.load_constants(), *self.load_state(), f"tp = {self.c(Control.TP)}", "it = 0", "accepted = 0.0"]
        start += [f"{self.local(p, 'old')} = {self.z(lay.xp + i)}" for i, p in enumerate(lay.states)]
        # Evaluate once more where the loop ran out: what is stored must belong to the state that is stored.
        return [
            *("    " + line for line in start),
            "    for it in range(maxit):",
            *("        " + line for line in loop),
            "    if flag == 0 or flag > 2:",
            *("        " + line for line in self.evaluation()),
            *("    " + line for line in stores),
            "    return it + 1",
        ]


def build(layout: Layout, method: str, *, progress: Callable[[str], None] = lambda _: None) -> Kernel:
    """Return the stepper of a plant as one flattened module, compiled or from the cache."""
    writer = _writer(layout, method)
    progress(f"{layout.plant.name} ({method}, {layout.width} lanes)")
    module = load(writer.text(), f"{method}_{layout.plant.name}")
    return Kernel(int(module.steps.address), np.zeros(HEAD, np.int64), (module.steps,))


def _writer(layout: Layout, method: str) -> FlatText:
    if method == "rodas4":
        from twin.stiff import StiffText  # it builds on this module

        return StiffText(layout, method)
    return FlatText(layout, method)
