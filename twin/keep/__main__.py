"""`python -m twin.keep`: the recorder as a process of its own."""

import argparse
import hashlib
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import click  # noqa: E402

from twin.cli.arguments import Duration, Size  # noqa: E402
from twin.errors import TwinError  # noqa: E402


def main() -> int:
    """Record until a signal; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twin.keep", description="Archive a journal.")
    parser.add_argument("plant", help="plant file or name")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the data folder")
    parser.add_argument(
        "--keep", default="30d", type=_read_by(Duration()), metavar="TIME", help="how long archives are kept"
    )
    parser.add_argument(
        "--max-disk", type=_read_by(Size()), metavar="SIZE", help="room for journal and archives, as 20GB"
    )
    parser.add_argument("--whole-journal", action="store_true", help="prune nothing of it")
    parser.add_argument("--assets", type=Path, metavar="DIR", help="folder of more asset files")
    given = parser.parse_args()
    stop = threading.Event()

    def end(number: int, frame: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    os.nice(10)  # ingest and twin come first
    try:
        from twin.keep.keeper import keep
        from twin.keep.room import Limits

        limits = Limits(given.keep, given.max_disk, not given.whole_journal)
        keep(given.data, _about(given.plant, given.assets), limits, halt=stop, log=_say)
    except TwinError as err:
        _say(str(err))
        return err.exit_code
    return 0


def _about(name: str, assets: Path | None) -> dict[str, Any]:
    """Return where the numbers of the archives come from, as attributes."""
    from twin.plant import Plant
    from twin.provenance import asset_hashes, versions
    from twin.shipped import path_of

    plant = Plant.load(path_of(name), assets)
    return {
        "plant": plant.name,
        "plant_text": plant.text,
        "plant_sha256": hashlib.sha256(plant.text.encode()).hexdigest(),
        "assets_sha256": json.dumps(asset_hashes(plant), sort_keys=True),
        "versions": json.dumps(versions(), sort_keys=True),
    }


def _read_by(kind: Any) -> Any:
    """Return what reads an option as the command line's own type does."""

    def read(text: str) -> Any:
        try:
            return kind.convert(text, None, None)
        except click.UsageError as err:
            raise argparse.ArgumentTypeError(err.message) from None

    return read


def _say(line: str) -> None:
    sys.stderr.write(f"recorder: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
