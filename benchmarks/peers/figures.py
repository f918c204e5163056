"""Figures beside their targets, and the one line of JSON that ends a benchmark."""

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from shutil import which
from typing import Any, Literal, NamedTuple

from benchmarks.report import commit, machine

Value = float | bool | None


class Target(NamedTuple):
    """What a figure must be: at least, at most, or true."""

    sense: Literal[">=", "<=", "is"]
    bound: float | bool

    def met(self, value: Value) -> bool:
        """Return whether `value` is as it should be; a missing one isn't."""
        if value is None:
            return False
        if self.sense == "is":
            return value is self.bound
        return value >= self.bound if self.sense == ">=" else value <= self.bound

    def worst(self, values: list[Value]) -> Value:
        """Return the value that is hardest to accept."""
        if any(v is None for v in values):
            return None
        if self.sense == "is":
            return all(v is self.bound for v in values)
        numbers = [float(v) for v in values if v is not None]
        return min(numbers) if self.sense == ">=" else max(numbers)


class Report:
    """Collects figures by plant, prints each beside its target, and writes the JSON."""

    def __init__(self, targets: dict[str, Target]) -> None:
        self.targets = targets
        self.figures: dict[str, dict[str, Value]] = {}
        self.missing: dict[str, str] = {}

    def add(self, key: str, plant: str, value: Value, note: str = "") -> None:
        """Keep and print one figure."""
        self.figures.setdefault(key, {})[plant] = value
        target = self.targets.get(key)
        verdict = ""
        if target is not None:
            bound = "true" if target.bound is True else f"{target.bound:g}"
            verdict = f"target {target.sense} {bound}: {'met' if target.met(value) else 'NOT MET'}"
        shown = "missing" if value is None else str(value) if isinstance(value, bool) else f"{value:.4g}"
        print(f"  {key:32s} {shown:>10s}   {verdict:32s} {note}".rstrip(), flush=True)

    def absent(self, peer: str, reason: str, *keys: str, plants: list[str]) -> None:
        """Say that a peer is not there, and leave the figures that need it empty."""
        self.missing[peer] = reason
        print(f"  MISSING PEER {peer}: {reason}", flush=True)
        for key in keys:
            for plant in plants:
                self.add(key, plant, None)

    def document(self) -> dict[str, Any]:
        """Return everything: the worse plant under the plain key, all under ``<key>_by_plant``."""
        out: dict[str, Any] = {}
        for key, by_plant in self.figures.items():
            family = max((k for k in self.targets if key.startswith(k)), key=len, default="")
            target = self.targets.get(family, Target(">=", 0.0))
            out[key] = _rounded(target.worst(list(by_plant.values())))
            if len(by_plant) > 1:
                out[f"{key}_by_plant"] = {plant: _rounded(value) for plant, value in by_plant.items()}
        out["met"] = {k: t.met(out[k]) for k, t in self.targets.items() if k in out}
        out["not_measured"] = [k for k in self.targets if k not in out]
        return {**out, "missing_peers": self.missing, "machine": {**machine(), **peers()}, "commit": commit()}

    def json(self) -> str:
        """Return the document as one line."""
        return json.dumps(self.document())


def _rounded(value: Value) -> Value:
    return value if value is None or isinstance(value, bool) else float(f"{value:.4g}")


def installed(distribution: str) -> str:
    """Return the version of an installed package, or what stands for none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def peers() -> dict[str, str]:
    """Return the versions of what is compared with."""
    packages = {name: installed(name) for name in ("scipy", "progpy", "numbalsoda")}
    gcc = (
        subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
        if which("gcc")
        else ""
    )
    return {**packages, "gcc": gcc or "not installed"}
