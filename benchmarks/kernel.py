"""How fast and how right the kernels are, beside C, SciPy, numbalsoda and ProgPy, measured in one run.

``python benchmarks/kernel.py [explicit|agreement|builds|stiff ...]``; without a word, everything. The last
line is one JSON object. Ratios are of CPU time, contenders in turns; a plain key is the worse of two plants.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.measures import agreement, builds, explicit, stiff
from benchmarks.peers.figures import Report, Target
from benchmarks.peers.members import free

ROOT = Path(__file__).resolve().parent.parent
PLANTS = {
    "pump_loop": ROOT / "benchmarks" / "plants" / "pump_loop.yaml",
    "cooling_station": ROOT / "scenarios" / "plants" / "cooling_station.yaml",
}
TARGETS = {
    "single_vs_c": Target(">=", 0.9),
    "lanes_vs_c_fast": Target(">=", 1.2),
    "lanes_vs_scalar": Target(">=", 3.0),
    "lanes32_vs_c_fast": Target(">=", 2.0),
    "vs_progpy": Target(">=", 1000.0),
    "stiff_vs_scipy_lsoda": Target(">=", 20.0),
    "stiff_vs_numbalsoda": Target(">=", 2.0),
    "stiff_events_vs_numbalsoda": Target(">=", 5.0),
    "cold_build_s": Target("<=", 6.0),
    "new_plant_build_s": Target("<=", 0.3),
    "cold_build_stiff_s": Target("<=", 30.0),
    "warm_start_s": Target("<=", 1.5),
    "bits_equal_any_width": Target("is", True),
    "agreement": Target("<=", 1e-6),
    "agreement32": Target("<=", 1e-3),
}


def main(wanted: list[str]) -> None:
    """Run the parts that are wanted and print their figures."""
    report = Report(TARGETS)
    with tempfile.TemporaryDirectory() as folder:
        for name, path in PLANTS.items():
            if "explicit" in wanted:
                explicit.measure(free(path), report, Path(folder))
            if "agreement" in wanted:
                agreement.measure(free(path), report)
            if "builds" in wanted:
                builds.measure(name, path, report)
            if "stiff" in wanted:
                stiff.measure(free(path), report)
    print(report.json())


if __name__ == "__main__":
    main(sys.argv[1:] or ["explicit", "agreement", "builds", "stiff"])
