"""A process of its own that builds plants and says what it took: ``build_child.py plant.yaml method members copy``."""

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

BEGAN = time.perf_counter(), time.process_time()

from twin.ensemble import Ensemble  # noqa: E402 - importing is part of what is timed
from twin.plant import Plant, Solver  # noqa: E402


def other(plant: Plant) -> Plant:
    """Return a plant of the same equipment with other names, another order and one wire less."""
    names = {asset: f"{asset.replace('_', '')}x" for asset in plant.assets}

    def renamed(path: str) -> str:
        asset, _, quantity = path.partition(".")
        return f"{names[asset]}.{quantity}"

    wires = {renamed(t): tuple(map(renamed, o)) for t, o in plant.wires.items() if not t.endswith(".T_liquid")}
    assets = {names[a]: cls for a, cls in reversed(plant.assets.items())}
    values = {renamed(path): value for path, value in plant.values.items()}
    return Plant(f"{plant.name}_other", assets, wires, values, plant.solver)


def built(plant: Plant, members: int) -> dict[str, float]:
    """Return wall and CPU time from the plant to its first result [s]."""
    wall, cpu = time.perf_counter(), time.process_time()
    ensemble = Ensemble(plant, members)
    ensemble.advance(plant.solver.step)
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def main(file: str, method: str, members: int, *, again: bool) -> None:
    """Build the plant, and a second one if asked; print a line of JSON."""
    shipped = Plant.load(Path(file))
    solver = Solver(method, 1e-3, 1e-6)  # type: ignore[arg-type]
    plant = replace(shipped, tags={}, limits={}, schedule=(), solver=solver)
    report = {"import": {"wall": time.perf_counter() - BEGAN[0], "cpu": time.process_time() - BEGAN[1]}}
    report["first"] = built(plant, members)
    if again:
        report["other"] = built(other(plant), members)
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), again=sys.argv[4] == "again")
