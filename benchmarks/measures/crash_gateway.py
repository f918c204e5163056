"""A gateway that puts numbered batches until it is told to stop, and notes each number once `put` has returned.

Started by benchmarks/crash.py as ``python -m benchmarks.measures.crash_gateway NAME ADDRESS FOLDER RATE``.
"""

import os
import sys
import time
from pathlib import Path

from twin.gateway.gateway import Gateway, Row

ROWS = 10
TAG = "TI-{}"
STOP = "stop"
TIMEOUT = 60.0


def rows(gateway: str, number: int) -> list[Row]:
    """Return the readings of a batch: their values tell which."""
    tag = TAG.format(gateway)
    return [(tag, 1_700_000_000_000_000 + 1000 * number + i, number + i / 1000.0, 0) for i in range(ROWS)]


def main() -> None:
    """Put batches; leave once all of them are on the twin's disk."""
    name, address, folder, rate = sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    notes = os.open(folder / f"{name}.notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    tags = {TAG.format(name): "degC"}
    with Gateway(name, address, folder / f"{name}.buffer", tags, folder / f"{name}.key") as gateway:
        due = time.monotonic()
        while not (folder / STOP).exists():
            number = gateway.stored + 1
            gateway.put(rows(name, number))
            os.write(notes, b"%d\n" % number)
            due = max(due + 1.0 / rate, time.monotonic() - 1.0)
            time.sleep(max(0.0, due - time.monotonic()))
        gateway.flush(TIMEOUT)


if __name__ == "__main__":
    main()
