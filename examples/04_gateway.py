"""Kill a twin's ingest while a gateway sends: what was put is on the gateway's disk, and arrives when it is back."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twin.gateway.gateway import Gateway
from twin.journal.reader import Reader
from twin.protocol import rows


def ingest(data, listen):
    """Start what `twin live` starts to take readings."""
    return subprocess.Popen([sys.executable, "-m", "twin.ingest", "--data", data, "--listen", listen])


with tempfile.TemporaryDirectory() as folder:
    data, at = Path(folder, "data"), 1_700_000_000_000_000  # microseconds since 1970, UTC
    process = ingest(data, "tcp://127.0.0.1:*")  # any free port
    while process.poll() is None and not (data / "ingest.json").exists():
        time.sleep(0.01)
    address = json.loads((data / "ingest.json").read_text())["address"]
    with Gateway("press-1", address, Path(folder, "press-1.buffer"), {"TI-1": "degC", "PI-1": "bar"}) as gateway:
        gateway.put([("TI-1", at, 71.5, 0), ("PI-1", at, 6.2, 0)])
        gateway.flush()  # the twin has them on its disk
        process.kill()
        process.wait()
        gateway.put([("TI-1", at + 1_000_000, 71.6, 0)])
        print(f"nobody listens: {gateway.waiting} batch waits on the gateway's disk")
        process = ingest(data, address)
        gateway.flush()
    process.terminate()
    process.wait()
    with Reader.open(data) as journal:
        for entry in (entry for entry in journal.entries(after=0) if entry.kind == "data"):
            print(f"in the twin's journal: {entry.gateway}, batch {entry.seq}, {rows(entry.body)[1]}")
