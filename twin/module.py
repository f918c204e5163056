"""Generated Python modules in a cache folder, so that numba compiles each kernel once ever."""

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from twin.errors import KernelError


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
    texts = [(here / name).read_text(encoding="utf-8") for name in ("lanemath.py", "address.py")]
    return "\0".join([numba.__version__, np.__version__, sys.version, *texts])


def digest(text: str) -> str:
    """Return the name of a generated module: a hash of its text and of the toolchain."""
    return hashlib.sha256(f"{_toolchain()}\0{text}".encode()).hexdigest()[:16]


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
    folder = cache_folder()
    path = folder / f"{name}.py"
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            _write(folder, path, text)
    except OSError as err:
        raise KernelError(
            f"{folder}: kernel cache can't be written: {err.strerror}; make room or set TWIN_CACHE to a writable folder"
        ) from None
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


def entry(module: ModuleType, name: str) -> Any:
    """Return a compiled function of a generated module."""
    return getattr(module, name)
