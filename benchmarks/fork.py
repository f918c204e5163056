"""A thousand branches of a running plant: how long the fork takes, and whether every branch goes on bit for bit."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import REPOSITORY, report
from twin.engine import Simulation
from twin.plant import Plant

TARGETS = {"fork_s": ("<=", 1.0), "bit_identical": ("is", True)}
BRANCHES, START, END = 1000, 900.0, 960.0
PLANT = REPOSITORY / "scenarios" / "plants" / "machining_cell.yaml"
RESTORE = """
import sys
from pathlib import Path
from twin.engine import Simulation
from twin.plant import Plant
from twin.snapshot import Snapshot
simulation = Simulation(Plant.load(Path(sys.argv[1])), start=Snapshot.load(Path(sys.argv[2])))
simulation.run(until=float(sys.argv[3]))
print(simulation.snapshot().digest)
"""


def restored_elsewhere(path: Path) -> str:
    """Return the digest that a fresh process reaches from the saved snapshot."""
    command = [sys.executable, "-c", RESTORE, str(PLANT), str(path), str(END)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()


def main() -> None:
    """Measure and print."""
    simulation = Simulation(Plant.load(PLANT), seed=1)
    simulation.run(until=START)
    simulation.fork(BRANCHES).advance(START + 0.001)  # compiles the lanes, or loads them
    times = []
    for _ in range(5):
        began = time.perf_counter()
        snapshot = simulation.snapshot()
        branches = simulation.fork(BRANCHES)
        times.append(time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "now.snapshot"
        snapshot.save(path)
        file_bytes = path.stat().st_size
        elsewhere = restored_elsewhere(path)
    began = time.perf_counter()
    branches.advance(END)
    ran = time.perf_counter() - began
    simulation.run(until=END)
    one, many = simulation.ensemble.member_state(), branches.member_state()
    same = all(np.array_equal(np.repeat(a, BRANCHES, axis=1), b) for a, b in zip(one, many, strict=True))
    figures = {
        "fork_s": sorted(times)[len(times) // 2],
        "bit_identical": bool(same and elsewhere == simulation.snapshot().digest),
        "identical_in_lanes": bool(same),
        "identical_in_fresh_process": elsewhere == simulation.snapshot().digest,
        "snapshot_bytes": snapshot.nbytes,
        "snapshot_file_bytes": file_bytes,
        "branches": BRANCHES,
        "simulated_s_per_s_of_all": BRANCHES * (END - START) / ran,
    }
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
