"""A gateway that puts numbered batches until it is told to stop, and notes each number once `put` has returned.

Beside the numbers it sends half of the tags of a cooling station at rest, so that a twin can follow. What it couldn't
put while it was dead it puts as soon as it lives again: the times of both gateways go on together.

Started by benchmarks/crash.py as ``python -m benchmarks.measures.crash_gateway NAME ADDRESS FOLDER BEGAN``, where
BEGAN is the monotonic time of the first batch [s].
"""

import os
import sys
import time
from pathlib import Path

from twin.gateway.gateway import Gateway, Row

ROWS = 10
TAG = "number-{}"
RATE = 50
"""Batches a second."""
START = 1_700_000_000_000_000
REST = {
    "a": {
        "LI-101": ("m", 0.8), "TI-101": ("degC", 31.99), "FI-101": ("l/s", 6.58), "PI-101": ("bar", 2.304),
        "SI-101": ("rpm", 2769.3), "II-101": ("A", 5.966), "TI-111": ("degC", 35.14), "ZI-101": ("1", 0.8037),
        "XS-111": ("1", 1.0),
    },
    "b": {
        "TI-102": ("degC", 27.74), "TI-103": ("degC", 23.61), "TI-104": ("degC", 18.0), "FI-102": ("l/s", 6.58),
        "PI-102": ("bar", 2.304), "SI-102": ("rpm", 2769.3), "II-102": ("A", 5.966), "TI-112": ("degC", 35.14),
        "XS-112": ("1", 1.0),
    },
}  # fmt: skip
"""Unit and value of the tags of each gateway."""
STOP = "stop"
TIMEOUT = 60.0


def rows(gateway: str, number: int) -> list[Row]:
    """Return the readings of a batch: their values tell which."""
    tag, at = TAG.format(gateway), START + number * (1_000_000 // RATE)
    wave = 1.0 + 1e-3 * (number * 7919 % 101 / 101.0 - 0.5)
    told = [(name, at, value if unit == "1" else value * wave, 0) for name, (unit, value) in REST[gateway].items()]
    return [*((tag, at + i, number + i / 1000.0, 0) for i in range(ROWS)), *told]


def main() -> None:
    """Put batches; leave once all of them are on the twin's disk."""
    name, address, folder, began = sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4])
    notes = os.open(folder / f"{name}.notes", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    tags = {TAG.format(name): "1", **{tag: unit for tag, (unit, _) in REST[name].items()}}
    with Gateway(name, address, folder / f"{name}.buffer", tags, folder / f"{name}.key") as gateway:
        while not (folder / STOP).exists():
            number = gateway.stored + 1
            gateway.put(rows(name, number))
            os.write(notes, b"%d\n" % number)
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        gateway.flush(TIMEOUT)


if __name__ == "__main__":
    main()
