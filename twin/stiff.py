"""Rodas4 as a flattened module, with the exact Jacobian and its sparse LU unrolled."""

import numpy as np

from twin import emit
from twin.flat import FlatText
from twin.layout import Layout
from twin.linear import class_partials, linearised
from twin.stepping import GAMMA, RODAS4_NEW, RODAS4_STAGES, RODAS4_SUMS, RODAS4_TIMES, error_norm, weighted


class StiffText(FlatText):
    """Writes the text of a plant's Rodas4 stepper."""

    def __init__(self, layout: Layout, method: str) -> None:
        super().__init__(layout, method)
        self.partials = {g.cls: class_partials(g.cls) for g in layout.groups}
        self.program = linearised(layout)

    def functions(self) -> list[str]:
        """Return lane functions of values and of partials."""
        found = [p for by_name in self.partials.values() for p in by_name.values() if p.results]
        own = [text for p in found for text in (p.text, emit.called(p.name, np.float64))]
        return [*super().functions(), *own]

    def stages(self) -> list[str]:
        """Return the lines of Jacobian, factorisation and six stages."""
        states, lines = self.layout.states, []
        for asset, name, held in self.program.calls:
            cls = self.plant.assets[asset]
            formula = {**cls.outputs, **cls.dynamics}[name]
            arguments = ", ".join(self.read(asset, a, 0) for a in formula.arguments)
            lines.append(f"{', '.join(held)} = {self.partials[cls][name].name}({arguments})")
        lines += [op.text() for op in self.program.chain]
        lines += ["ih = 1.0 / h", f"gi = {1.0 / GAMMA!r} * ih", *(op.text() for op in self.program.factorise)]
        for stage in range(6):
            lines += self._stage(stage)
        lines.append("s = 0.0")
        for i, p in enumerate(states):
            names = [f"k{i}__{s}" for s in range(6)]
            lines += [f"{self.local(p, 'new')} = {weighted(RODAS4_NEW, names, self.local(p, 0))}", f"e = k{i}__5"]
            lines += error_norm(self.local(p, 0), self.local(p, "new"), i)
        return [*lines, f"s = s / {len(states)}"]

    def _stage(self, stage: int) -> list[str]:
        states, lines = self.layout.states, []
        if stage:
            lines.append(f"t__{stage} = _m.fma({RODAS4_TIMES[stage]!r}, h, t__0)")
            for i, p in enumerate(states):
                earlier = [f"k{i}__{s}" for s in range(stage)]
                lines.append(f"{self.local(p, stage)} = {weighted(RODAS4_STAGES[stage], earlier, self.local(p, 0))}")
            lines += [*self.outputs(stage), *self.rates(stage)]
        for i, p in enumerate(states):
            carried = weighted(RODAS4_SUMS[stage], [f"k{i}__{s}" for s in range(stage)], "")
            rate = self.rate(p, stage)
            lines.append(f"b{i} = " + (f"_m.fma(ih, {carried}, {rate})" if carried else rate))
        lines += [op.text() for op in self.program.solve]
        return [*lines, *(f"k{i}__{stage} = b{i}" for i in range(len(states)))]
