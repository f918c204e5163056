"""What ZeroMQ alone can do: a ROUTER with CURVE that acknowledges every batch, reads none of them and stores nothing.

Started by benchmarks/ingest.py as ``python -m benchmarks.measures.bare_router DATA``, a folder with keys; prints its
address, and serves until it is killed.
"""

import sys
from pathlib import Path
from typing import Any

import zmq
from zmq.auth import CURVE_ALLOW_ANY
from zmq.auth.thread import ThreadAuthenticator

from twin.ingest import keys
from twin.protocol import MAX_BYTES, VERSION, WINDOW, Ack, Welcome, encode


def main() -> None:
    """Serve."""
    pair = keys.server_keys(Path(sys.argv[1]))
    assert pair is not None
    context: zmq.Context[Any] = zmq.Context()
    guard = ThreadAuthenticator(context)
    guard.start()
    guard.configure_curve(domain="*", location=CURVE_ALLOW_ANY)
    socket = context.socket(zmq.ROUTER)
    socket.curve_server, socket.curve_secretkey = True, pair.secret.encode()
    socket.rcvhwm = socket.sndhwm = 64
    print(f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}", flush=True)
    have: dict[bytes, int] = {}
    while True:
        peer, _ = socket.recv_multipart(copy=False)
        name = peer.bytes
        have[name] = have.get(name, -1) + 1
        answer = Ack(have[name]) if have[name] else Welcome(VERSION, 0, WINDOW, MAX_BYTES, 0)
        socket.send_multipart([name, encode(answer)])


if __name__ == "__main__":
    main()
