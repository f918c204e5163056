"""Files in formats that can harm their reader, looked at first by a child process with little memory and time."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.clean.encoding import open_regular
from twin.errors import DataError

MEMORY = 4 << 30
"""What the child may use [bytes]."""
SECONDS = 60
"""How long the child may compute."""


def looked_at(path: Path, module: str, kind: str, *arguments: str) -> dict[str, Any]:
    """Return what a module, run as a program by a child, says of a file.

    Parameters
    ----------
    module : str
        Its name; as a program it calls `answer` with the file and the arguments.
    kind : str
        What people call such a file.

    Raises
    ------
    DataError
        If the file can't be read, the child refuses it, breaks down over it or takes too long.
    """
    open_regular(path).close()
    child = [sys.executable, "-m", module, str(path.resolve()), *arguments]
    try:
        done = subprocess.run(child, capture_output=True, text=True, timeout=4 * SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise DataError(f"{path}: {kind} takes too long over it; write the file again") from None
    try:
        said: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        ended = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise DataError(f"{path}: {kind} breaks down over it ({ended[0][:160]}); write the file again") from None
    if "error" in said:
        raise DataError(f"{path}: {said['error']}")
    return said


def answer(look: Callable[..., dict[str, Any]], arguments: list[str]) -> None:
    """Print what `look` says of a file, or why it refuses it, as JSON: what the child does."""
    import resource  # POSIX only, as this child is

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        said = look(*arguments)
    except DataError as err:
        said = {"error": f"refused: {err}"}
    except Exception as err:  # libraries raise whatever damaged files lead them to
        reason = " ".join(str(err).split())[:300] or type(err).__name__
        said = {"error": f"refused: it is damaged ({reason}); write the file again"}
    sys.stdout.write(json.dumps(said))
