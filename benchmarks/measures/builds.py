"""How long a user waits: first build ever, another plant of known equipment, a start with warm caches."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.figures import Report

_HERE = Path(__file__).resolve().parent
_STARTS = 7


def measure(name: str, path: Path, report: Report) -> None:
    """Report cold, new-plant and warm times of the plant file at `path`."""
    for members, end in ((1, "_one"), (64, "_lanes")):
        times = _child(path, "rk4", members, again=True)
        first, other = times["first"], times["other"]
        report.add(
            f"cold_build_s{end}", name, first["cpu"], f"families, {members} member(s), wall {first['wall']:.2f} s"
        )
        report.add(f"new_plant_build_s{end}", name, other["cpu"], f"wall {other['wall']:.3f} s")
    for key in ("cold_build_s", "new_plant_build_s"):
        report.add(key, name, max(float(report.figures[f"{key}{e}"][name] or 0.0) for e in ("_one", "_lanes")), "worse")
    stiff = _child(path, "rodas4", 1, again=False)["first"]
    report.add("cold_build_stiff_s", name, stiff["cpu"], f"rodas4, one member, wall {stiff['wall']:.2f} s")
    _warm(name, path, report)


def _child(path: Path, method: str, members: int, *, again: bool) -> Any:
    """Return what a fresh process with empty caches says."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "TWIN_CACHE": f"{empty}/twin", "NUMBA_CACHE_DIR": f"{empty}/numba"}
        arguments = [str(path), method, str(members), "again" if again else "once"]
        return json.loads(_run(["build_child.py", *arguments], environment))


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    script, *rest = arguments
    environment["PYTHONPATH"] = os.pathsep.join([*filter(None, [environment.get("PYTHONPATH")]), str(_HERE.parents[1])])
    done = subprocess.run([sys.executable, str(_HERE / script), *rest], env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _warm(name: str, path: Path, report: Report) -> None:
    """Report process start to first result, once everything has been compiled."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TWIN_CACHE": f"{folder}/twin", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        _run(["warm_child.py", str(path)], environment)
        walls, cpus = [], []
        for _ in range(_STARTS):
            wall, used = time.perf_counter(), _children_cpu()
            _run(["warm_child.py", str(path)], environment)
            walls.append(time.perf_counter() - wall)
            cpus.append(_children_cpu() - used)
    note = f"median wall of {_STARTS}; best {min(walls):.2f} s, CPU {statistics.median(cpus):.2f} s"
    report.add("warm_start_s", name, statistics.median(walls), note)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
