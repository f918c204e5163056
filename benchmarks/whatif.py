"""How fast a thousand futures of a machining cell are, from where a live twin stands; that they are the same always.

`machining_cell` (three spindles with bearings and tools, and the line around them) runs for an hour; its state, with
the uncertainty of what a twin would know of it, is where 1,000 branches of one 8 h shift start: 500 replications of
the plant as it is, and 500 with a slower spindle. One by one means each branch alone in this process, as a loop over
`Simulation` would; 20 of them are run, in between the others, and scaled up. Kernels are in the cache.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.report import report
from scenarios.branch import evaluate
from scenarios.library import path_of
from scenarios.scenario import Scenario, load
from scenarios.sweep import Settings, branches_of, common_of, sweep
from twin.engine import Simulation, snapshot
from twin.ensemble import Ensemble
from twin.plant import Solver
from twin.snapshot import Snapshot
from twin.streams import member_seeds, normal

REPLICATIONS = 500
ALONE = 20
MACHINES = 64
KNOWN = 0.03
"""By how much a twin may be off in each spindle's cutting force, drag and tool life."""
UNKNOWN = ("kc11", "drag", "C_taylor", "T_m", "VB")
TARGETS = {
    "seconds": ("<=", 120.0), "vs_one_by_one": (">=", 5.0), "first_answer_s": ("<=", 5.0),
    "bit_identical_workers": ("is", True), "speedup_2_workers": (">=", 1.7),
}  # fmt: skip


def asked() -> Scenario:
    """Return the scenario: one shift, as it is and slower."""
    scenario = load(path_of("slower_spindle"))
    report_ = tuple(name for name in scenario.report if not name.startswith("order."))
    return replace(scenario, length=8 * 3600.0, replications=REPLICATIONS, report=report_, curves=())


def live(scenario: Scenario) -> Snapshot:
    """Return machines that the cell might be after an hour, by what a twin would know."""
    plant = replace(scenario.plant, tags={}, limits={}, schedule=(), solver=Solver("rodas4", 1e-3, scenario.rtol))
    simulation = Simulation(plant, seed=scenario.seed)
    simulation.run(3600.0)
    start = simulation.snapshot()
    machines = Ensemble(plant, MACHINES, seeds=member_seeds(scenario.seed, MACHINES))
    machines.restore(start.z, start.c)
    if machines.flow is not None:
        machines.flow.restore(start.flow)
    for spindle in (1, 2, 3):
        for name in UNKNOWN:
            path = f"spindle_{spindle}.{name}"
            draws = normal(member_seeds(7, MACHINES), path, "belief", 0, 1)[:, 0]
            machines.set(path, machines.get(path) * (1.0 + (0.003 if name == "T_m" else KNOWN) * draws))
    return snapshot(machines, scenario.seed)


def run(scenario: Scenario, start: Snapshot, **how: Any) -> tuple[float, float, str]:
    """Return seconds for all branches, until the first answer, and a hash of all results."""
    folder = Path(tempfile.mkdtemp())
    begun, first = time.perf_counter(), list[float]()
    settings = Settings(
        folder, start=start, found=lambda _: first.append(time.perf_counter() - begun) if not first else None, **how
    )
    try:
        swept = sweep(scenario, settings)
        seconds = time.perf_counter() - begun
        if swept.outcome.failures:
            raise SystemExit(f"a branch failed: {next(iter(swept.outcome.failures.values()))}")
        return seconds, first[0], swept.outcome.results.digest
    finally:
        shutil.rmtree(folder)


def one_by_one(scenario: Scenario, start: Snapshot, count: int) -> float:
    """Return seconds a branch when each is run alone."""
    common, branches = common_of(scenario, start), branches_of(scenario.variants, count)
    begun = time.perf_counter()
    for branch in branches[:count]:
        evaluate(common, [branch])
    return (time.perf_counter() - begun) / count


def in_dask(scenario: Scenario, start: Snapshot) -> str:
    """Return the hash of results of a Dask cluster of two worker processes."""
    port = 18786 + int(time.time()) % 1000
    address = f"tcp://127.0.0.1:{port}"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    python = [sys.executable, "-m"]
    here = ["--host", "127.0.0.1", "--no-dashboard"]
    scheduler = [*python, "distributed.cli.dask_scheduler", *here, "--port", str(port)]
    worker = [*python, "distributed.cli.dask_worker", address, *here, "--nthreads", "1"]
    processes = [subprocess.Popen(each, **quiet) for each in (scheduler, worker, worker)]
    try:
        deadline = time.monotonic() + 60.0
        while True:
            with suppress(Exception):
                return run(scenario, start, dask=address)[2]
            if time.monotonic() > deadline:
                return "no cluster"
    finally:
        for process in processes[::-1]:
            process.terminate()
        for process in processes:
            process.wait(30.0)


def main() -> None:
    """Measure, and print the figures."""
    scenario = asked()
    start = live(scenario)
    short = replace(scenario, replications=32)
    run(short, start, workers=2)  # compiles what isn't in the cache
    one_by_one(scenario, start, 2)
    alone, two = [one_by_one(scenario, start, ALONE // 2)], run(scenario, start, workers=2)
    alone.append(one_by_one(scenario, start, ALONE // 2))
    one = run(scenario, start, workers=1)
    again = run(scenario, start, workers=2)
    seconds = median([two[0], again[0]])
    quarter = replace(scenario, replications=REPLICATIONS // 10)
    digests = {run(quarter, start, workers=count)[2] for count in (1, 2, 4)} | {in_dask(quarter, start)}
    figures = {
        "branches": 2 * REPLICATIONS, "seconds": round(seconds, 1), "one_worker_s": round(one[0], 1),
        "one_by_one_s": round(float(np.mean(alone)) * 2 * REPLICATIONS, 1),
        "vs_one_by_one": round(float(np.mean(alone)) * 2 * REPLICATIONS / seconds, 2),
        "first_answer_s": round(max(two[1], again[1]), 2),
        "bit_identical_workers": len(digests) == 1 and one[2] == two[2] == again[2],
        "speedup_2_workers": round(one[0] / seconds, 2),
    }  # fmt: skip
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
