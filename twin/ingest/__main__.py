"""`python -m twin.ingest`: ingest as a process of its own."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from twin.errors import TwinError
from twin.ingest.server import serve


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twin.ingest", description="Take what gateways send.")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the data folder")
    parser.add_argument("--listen", required=True, metavar="ADDRESS", help="such as tcp://127.0.0.1:5555")
    parser.add_argument("--replay", action="store_true", help="accept recorded and accelerated time")
    given = parser.parse_args()
    stop = threading.Event()

    def end(number: int, frame: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        serve(given.data, given.listen, replay=given.replay, log=_say, stop=stop)
    except TwinError as err:
        _say(str(err))
        return err.exit_code
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"ingest: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
