"""`python -m twin.live`: the twin as a process of its own."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

# Before NumPy is imported: its threads would cost more than the small matrices here gain.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from twin.errors import TwinError  # noqa: E402


def main() -> int:
    """Follow the journal until a signal; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twin.live", description="Follow a journal.")
    parser.add_argument("plant", help="plant file or name")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the data folder")
    parser.add_argument("--recipe", type=Path, help="how readings are cleaned")
    parser.add_argument("--recording", help="the recording whose recipe this is")
    parser.add_argument("--assets", type=Path, help="folder of more asset files")
    given = parser.parse_args()
    stop = threading.Event()

    def end(number: int, frame: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        from twin.live.process import follow
        from twin.plant import Plant
        from twin.shipped import path_of

        plant = Plant.load(path_of(given.plant), given.assets)
        follow(given.data, plant, _recipe(given, plant), stop=stop, log=_say)
    except TwinError as err:
        _say(str(err))
        return err.exit_code
    return 0


def _recipe(given: Any, plant: Any) -> Any:
    """Return the recipe that was named, or None."""
    if given.recording is not None:
        from twin.clean.recording import recipe_for

        return recipe_for(plant, given.recording, given.assets)
    if given.recipe is not None:
        from twin.clean.recipe_loader import load

        return load(given.recipe, plant)
    return None


def _say(line: str) -> None:
    sys.stderr.write(f"twin: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
