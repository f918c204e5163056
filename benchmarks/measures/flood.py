"""A gateway gone mad: it sends large batches as fast as it can, waits for nothing and reads nothing.

Started by benchmarks/fuzz.py as ``python -m benchmarks.measures.flood KEYFILE ADDRESS SECONDS``; prints how many.
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq

from twin.ingest import keys
from twin.protocol import MAX_ROWS, Hello, Tag, batch, encode

FAR = 10**9
"""A seq that never comes next."""


def main() -> None:
    """Send until the time is over."""
    key, address, seconds = keys.gateway_keys(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3])
    context: zmq.Context[Any] = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    dealer.linger, dealer.sndhwm, dealer.rcvhwm, dealer.sndtimeo = 0, 100, 1, 50
    dealer.curve_serverkey = key.server.encode()
    dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
    dealer.connect(address)
    dealer.send(encode(Hello(1, key.gateway, 6, 1, [Tag("flood")], 0)))
    frame = batch(FAR, [(0, 1, 1.0, 0)] * MAX_ROWS)
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(zmq.Again):
            dealer.send(frame)
            sent += 1
    print(sent)
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
