"""What branches do in the tests of their execution; workers import it."""

import ctypes
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scenarios.results import Failed


class Doing(NamedTuple):
    """A branch that does as it is told."""

    key: str
    value: float = 0.0
    does: str = "answers"


class Common:
    """What all branches share; a worker that is told it leaves a file named after its process."""

    def __init__(self, folder: Path, scale: float = 1.0) -> None:
        self.folder, self.scale = folder, scale

    def __reduce__(self) -> Any:
        return _told, (self.folder, self.scale)


def _told(folder: Path, scale: float) -> Common:
    (folder / f"{os.getpid()}.told").touch()
    return Common(folder, scale)


def told(folder: Path) -> list[int]:
    """Return the processes that were told."""
    return [int(path.stem) for path in folder.glob("*.told")]


def alive(process: int) -> bool:
    """Return whether a process runs, or waits for its parent to hear of its end."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def work(common: Common, branches: Sequence[Doing]) -> list[dict[str, Any] | Failed]:
    return [_done(common, branch) for branch in branches]


def _done(common: Common, branch: Doing) -> dict[str, Any] | Failed:
    match branch.does:
        case "raises":
            raise ZeroDivisionError(f"no pump at {branch.value:g}")
        case "exits":
            os._exit(7)
        case "segfaults":
            ctypes.string_at(0)
        case "hangs":
            threading.Event().wait()
        case "holds" if not (common.folder / "gate").exists():
            (common.folder / "held").touch()
            ctypes.PyDLL(None).pause()  # as compiled code that never lets go of the interpreter
        case "fails":
            return Failed("numbers turned NaN")
        case "tells":
            return {"said": "much"}
        case "once" if not (common.folder / branch.key).exists():
            (common.folder / branch.key).touch()
            raise ZeroDivisionError("the first time")
    root = common.scale * np.sqrt(branch.value)
    return {"root": float(root), "count": int(branch.value), "trace": root * np.arange(3.0)}


def short(common: Common, branches: Sequence[Doing]) -> list[dict[str, Any]]:
    return []


def unloadable() -> None:
    raise ModuleNotFoundError("No module named 'elsewhere'")


class Unloadable:
    """What can be sent, and not be received."""

    def __reduce__(self) -> Any:
        return unloadable, ()
