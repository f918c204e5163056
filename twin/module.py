"""Generated Python modules in a cache folder, so that numba compiles each kernel once ever."""

import contextlib
import hashlib
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

from twin.errors import KernelError

LEAST_ASIDE = 3
"""Fewer modules than this aren't worth another process."""


def cache_folder() -> Path:
    """Return the folder of generated kernels: ``$TWIN_CACHE``, or the user's cache folder."""
    given = os.environ.get("TWIN_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(given) if given else (Path(base) if base else Path.home() / ".cache") / "equipment-twin"


@cache
def _toolchain() -> str:
    """Return what a kernel's machine code depends on beside its text."""
    import numba
    import numpy as np

    here = Path(__file__).parent
    texts = [(here / name).read_text(encoding="utf-8") for name in ("lanemath.py", "address.py", "lower.py")]
    return "\0".join([numba.__version__, np.__version__, sys.version, *texts])


def digest(text: str) -> str:
    """Return the name of a generated module: a hash of its text and of the toolchain."""
    return hashlib.sha256(f"{_toolchain()}\0{text}".encode()).hexdigest()[:16]


def compile_aside(wanted: Sequence[tuple[str, str]]) -> subprocess.Popen[bytes] | None:
    """Start another process that compiles those of the ``(text, kind)`` modules which no process has compiled yet.

    Numba compiles in Python, under a lock: only a second process uses a second core. Waiting for it and
    then calling `load` finds the machine code in the cache. Returns None where there is nothing to gain.
    """
    if (os.cpu_count() or 1) < 2:
        return None
    paths = [path for text, kind in wanted if not (path := _placed(text, kind)).with_suffix(".compiled").exists()]
    if len(paths) < LEAST_ASIDE:
        return None
    command = [sys.executable, "-m", "twin.module", *map(str, paths)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)


def _placed(text: str, kind: str) -> Path:
    """Return the path of a generated module, written if it isn't there."""
    folder = cache_folder()
    path = folder / f"twin_{kind}_{digest(text)}.py"
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            _write(folder, path, text)
    except OSError as err:
        raise KernelError(
            f"{folder}: kernel cache can't be written: {err.strerror}; make room or set TWIN_CACHE to a writable folder"
        ) from None
    return path


def load(text: str, kind: str) -> ModuleType:
    """Return the module of source `text`, written to the cache folder if it isn't there.

    Raises
    ------
    KernelError
        If the cache folder can't be written.
    """
    name = f"twin_{kind}_{digest(text)}"
    if name in sys.modules:
        return sys.modules[name]
    return _imported(_placed(text, kind))


def _imported(path: Path) -> ModuleType:
    """Return the module at a path of the cache folder; importing it compiles it, or loads its machine code."""
    try:
        module = _executed(path)
    except OSError as err:
        raise KernelError(
            f"{path.parent}: kernel cache can't be used: {err.strerror or err}; "
            "make room or set TWIN_CACHE to a writable folder"
        ) from None
    except (EOFError, ImportError, ValueError, LookupError, AttributeError, RuntimeError, pickle.UnpicklingError):
        # Machine code cut short by a crash or a full disk, or numba had none to keep while another process wrote the
        # same (RuntimeError: no compiled object yet): make it anew, once.
        for stale in path.parent.glob(f"__pycache__/{path.stem}*"):
            stale.unlink(missing_ok=True)
        module = _executed(path)
    with contextlib.suppress(OSError):  # only a hint for `compile_aside`
        path.with_suffix(".compiled").touch()
    return module


def _executed(path: Path) -> ModuleType:
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise KernelError(f"{path}: not a module; delete it and run again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba's cache imports it by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _write(folder: Path, path: Path, text: str) -> None:
    """Write whole to a temporary name and rename: another process may be doing the same."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        _imported(Path(argument))
