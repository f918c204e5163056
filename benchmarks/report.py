"""The last line of every benchmark: one JSON object with the figures, the targets they met, machine and commit."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


def commit() -> str:
    """Return the commit that is measured, with ``+`` where the tree has changes."""
    found = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, cwd=REPOSITORY)
    return found.stdout.strip() or "unknown"


def machine() -> dict[str, Any]:
    """Return processor, cores and versions."""
    import numba
    import numpy as np

    info = Path("/proc/cpuinfo")
    names = (
        [x.split(":")[1].strip() for x in info.read_text().splitlines() if "model name" in x] if info.exists() else []
    )
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": np.__version__,
    }


def report(figures: Mapping[str, Any], targets: Mapping[str, tuple[str, Any]]) -> None:
    """Print each figure beside its target, then everything as one JSON line.

    Parameters
    ----------
    targets : mapping
        By key: ``("<=" | ">=" | "is", number)``.
    """
    met = {}
    for key, (relation, wanted) in targets.items():
        value = figures.get(key)
        met[key] = value is not None and {
            "<=": lambda v, w: v <= w,
            ">=": lambda v, w: v >= w,
            "is": lambda v, w: v == w,
        }[relation](value, wanted)
        print(f"{key:32} {value!s:>24}   target {relation} {wanted}   {'met' if met[key] else 'NOT met'}")
    print(json.dumps({**figures, "met": met, "machine": machine(), "commit": commit()}))
