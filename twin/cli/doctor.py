"""`twin doctor`: whether this machine can run the project, and with what."""

import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import click

from twin.cli.arguments import console, json_option, print_json

CHECK_FAILED = 5

_LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "h5py", "simpy", "msgspec", "pydantic", "pint", "pyzmq", "dash")


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Say what this machine offers: versions, processors, the cache of compiled kernels."""
    result = _findings()
    if as_json:
        print_json(result)
    else:
        _show(result)
    return CHECK_FAILED if result["problems"] else 0


def _findings() -> dict[str, Any]:
    from twin import __version__
    from twin.module import cache_folder
    from twin.provenance import library_version

    folder = cache_folder()
    files = [f for f in folder.rglob("*") if f.is_file()] if folder.is_dir() else []
    libraries = {name: library_version(name) for name in _LIBRARIES}
    trouble = _unwritable(folder)
    problems = [f"{name} is not installed; install equipment-twin again" for name, v in libraries.items() if v is None]
    if trouble:
        problems.append(f"{folder}: kernel cache can't be written: {trouble}; set TWIN_CACHE to a folder that can")
    return {
        "twin": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": libraries,
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": os.environ.get("NUMBA_NUM_THREADS"),
        "cache": str(folder),
        "cache_files": len(files),
        "cache_bytes": sum(f.stat().st_size for f in files),
        "cache_writable": not trouble,
        "problems": problems,
    }


def _unwritable(folder: Path) -> str:
    """Return why nothing can be written to `folder`, or nothing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as err:
        return err.strerror or str(err)
    return ""


def _show(result: dict[str, Any]) -> None:
    from rich.markup import escape

    screen = console()
    screen.print(f"twin {result['twin']}, Python {result['python']}, {result['machine']}")
    screen.print(", ".join(f"{name} {found or 'missing'}" for name, found in result["libraries"].items()))
    threads = f", NUMBA_NUM_THREADS={result['threads']}" if result["threads"] else ""
    screen.print(f"{result['cores']} cores, {result['usable_cores']} usable{threads}")
    size = result["cache_bytes"] / 1e6
    screen.print(f"compiled kernels: {escape(result['cache'])}, {result['cache_files']} files, {size:.1f} MB")
    for problem in result["problems"]:
        screen.print(f"[red]problem[/red] {escape(problem)}")
    if not result["problems"]:
        screen.print("all is well")
