"""A plant's C file compiled by gcc and run on the states of an ensemble."""

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.peers.c_source import BLOCK, c_source
from benchmarks.peers.straight import Straight, straight
from twin.ensemble import Ensemble

FLAGS = {
    "O3": ("-O3",),
    "O3 native": ("-O3", "-march=native"),
    "fast": ("-O3", "-ffast-math"),
    "fast native": ("-O3", "-ffast-math", "-march=native"),
}


class Compiled:
    """A plant's C, loaded; `vectorised` says whether gcc made vectors of the loop over members."""

    def __init__(self, equations: Straight, flags: tuple[str, ...], real: str, folder: Path) -> None:
        name = "_".join([equations.plant.name, real, *flags]).replace("-", "").replace("=", "")
        source, library = folder / f"{name}.c", folder / f"{name}.so"
        text = c_source(equations, real)
        source.write_text(text, encoding="utf-8")
        command = ["gcc", *flags, "-std=c11", "-fopt-info-vec-optimized", "-shared", "-fPIC", str(source)]
        done = subprocess.run([*command, "-o", str(library), "-lm"], check=True, capture_output=True, text=True)
        loop = next(i for i, line in enumerate(text.splitlines(), 1) if "for (int j" in line)
        self.vectorised = f"{source}:{loop}:" in done.stderr
        self._library = ctypes.CDLL(str(library))
        self._real = ctypes.c_double if real == "double" else ctypes.c_float
        self.dtype = np.float64 if real == "double" else np.float32
        self.equations = equations

    def function(self, name: str) -> "ctypes._NamedFuncPointer":
        """Return ``run_one`` or ``run_block``."""
        found = self._library[name]
        found.restype = ctypes.c_long
        found.argtypes = [*[ctypes.c_void_p] * 3, ctypes.c_double, self._real, ctypes.c_long]
        return found


class CMembers:
    """Members that start from the states of an ensemble and run in C."""

    def __init__(self, compiled: Compiled, ensemble: Ensemble) -> None:
        equations, members = compiled.equations, ensemble.members
        width = 1 if members == 1 else BLOCK
        self.width, self.step = width, ensemble.plant.solver.step
        self.time, self.members = ensemble.time, members
        self._run = compiled.function("run_one" if members == 1 else "run_block")
        lay = ensemble.layout

        def blocks(rows: np.ndarray) -> np.ndarray:
            shaped = rows.reshape(len(rows), members // width, width)
            return np.ascontiguousarray(np.moveaxis(shaped, 1, 0), compiled.dtype)

        self.z = blocks(np.array([ensemble.get(p) for p in equations.states]))
        self.q = blocks(np.array([ensemble.get(p) for p in equations.held]))
        guards = ensemble.rows(ensemble._z, np.arange(lay.gp, lay.gp + lay.ng))
        self.g = blocks(guards.reshape(lay.ng, members))

    def advance(self, steps: int) -> None:
        """Advance every member by `steps`; a crossing here is a mistake of the benchmark."""
        for z, q, g in zip(self.z, self.q, self.g, strict=True):
            done = self._run(z.ctypes.data, q.ctypes.data, g.ctypes.data, self.time, self.step, steps)
            if done != steps:
                raise RuntimeError(f"C stopped after {done} of {steps} steps: choose a stretch without transitions")
        self.time += steps * self.step

    def states(self) -> np.ndarray:
        """Return the states, shape (states, members)."""
        return np.moveaxis(self.z, 0, 1).reshape(self.z.shape[1], self.members)


def compiled(ensemble: Ensemble, which: str, folder: Path, real: str = "double") -> Compiled:
    """Return the plant of `ensemble` in C, compiled with the flags named `which`."""
    return Compiled(straight(ensemble.plant), FLAGS[which], real, folder)
