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
_COLD, _STARTS = 2, 7


def measure(name: str, path: Path, report: Report) -> None:
    """Report cold, new-plant and warm times of the plant file at `path`: wall time, as part is compiled aside."""
    worst = {"cold_build_s": 0.0, "new_plant_build_s": 0.0}
    for members in (1, 64):
        times = _cold(path, "rk4", members, again=True)
        for key, plant in (("cold_build_s", "first"), ("new_plant_build_s", "other")):
            seconds = times[plant]["wall"]
            note = f"families, {members} member{'s' if members > 1 else ''}; own CPU {times[plant]['cpu']:.3g} s"
            report.add(f"{key}_{members}", name, seconds, note)
            worst[key] = max(worst[key], seconds)
    for key, seconds in worst.items():
        report.add(key, name, seconds, "the worse of these")
    stiff = _cold(path, "rodas4", 1, again=False)["first"]
    report.add("cold_build_stiff_s", name, stiff["wall"], f"rodas4, one member; own CPU {stiff['cpu']:.3g} s")
    _warm(name, path, report)


def _cold(path: Path, method: str, members: int, *, again: bool) -> Any:
    """Return the times of the fastest of a few fresh processes with empty caches."""
    return min((_child(path, method, members, again=again) for _ in range(_COLD)), key=lambda t: t["first"]["wall"])


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
