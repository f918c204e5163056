"""A gateway that costs next to nothing: its batches are written beforehand, but for number, time and a few readings.

Most readings are of equipment that the twin doesn't know; a few are of a cooling station at rest, at 100 Hz. Started by
benchmarks/ingest.py as ``python -m benchmarks.measures.ingest_sender KEYFILE ADDRESS NAME PHASES``, where PHASES is
JSON: a list of (begin, monotonic [s]; seconds; readings a second, 0 for as fast as it goes; readings of a batch).
Prints what came of each phase as JSON.
"""

import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec
import zmq

from benchmarks.measures.crash_gateway import REST
from twin.ingest import keys
from twin.protocol import WINDOW, Ack, Hello, Tag, Welcome, decode_from_twin, encode

NAMES = ("a", "b", "c", "d")
FOREIGN = 200
"""Tags of other equipment that each gateway reads."""
HERTZ = 100
KNOWN = [(name, unit, value) for half in REST.values() for name, (unit, value) in half.items()]


class Sender:
    """The connection and what is underway on it."""

    def __init__(self, key: keys.GatewayKey, address: str) -> None:
        self.name, self.seq, self.have = key.gateway, 0, 0
        self.mine = KNOWN[NAMES.index(self.name) :: len(NAMES)]
        self.context: zmq.Context[Any] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger, self.socket.rcvhwm, self.socket.sndhwm = 0, 1000, 1000
        self.socket.curve_serverkey = key.server.encode()
        self.socket.curve_publickey, self.socket.curve_secretkey = key.public.encode(), key.secret.encode()
        self.socket.connect(address)
        self.underway: deque[tuple[float, int]] = deque()
        self.waits: list[float] = []
        self.acknowledged = 0
        self._bodies: dict[int, bytes] = {}

    def greet(self) -> None:
        """Say hello, and wait for the welcome."""
        tags = [*(Tag(n, u) for n, u, _ in self.mine), *(Tag(f"{self.name}-{i}", "bar") for i in range(FOREIGN))]
        self.socket.send(encode(Hello(1, self.name, 1, 1, tags, time.time_ns() // 1000)))
        assert isinstance(decode_from_twin(self.socket.recv()), Welcome)

    def send(self, begin: float, seconds: float, size: int) -> None:
        """Send a batch of readings that were taken in so many seconds from `begin`, wall time."""
        rows = []
        for k in range(int(begin * HERTZ) + 1, int((begin + seconds) * HERTZ) + 1):
            at = k * (1_000_000 // HERTZ)
            rows += [(i, at, value, 0) for i, (_, _, value) in enumerate(self.mine)]
        rows = rows[-size:]
        foreign = self._foreign(size)
        body = b"".join([msgspec.msgpack.encode(row) for row in rows])
        body += foreign[: len(foreign) // size * (size - len(rows))]
        self.seq += 1
        framed = msgspec.Raw(b"\xdc" + size.to_bytes(2, "big") + body)
        self.socket.send(msgspec.msgpack.encode({"t": "data", "seq": self.seq, "r": framed}))
        self.underway.append((time.monotonic(), size))

    def _foreign(self, size: int) -> bytes:
        """Return rows that are all of one length."""
        if size not in self._bodies:
            at, first = time.time_ns() // 1000, len(self.mine)
            rows = [(first + i % 90, at + i, 1.0 + i / 7.0, 0) for i in range(size)]
            self._bodies[size] = b"".join(msgspec.msgpack.encode(row) for row in rows)
        return self._bodies[size]

    def take(self, wait: float) -> None:
        """Take acknowledgements; wait so long at most for the first."""
        if wait > 0.0 and not self.socket.poll(max(1, round(wait * 1e3))):
            return
        while True:
            try:
                answer = decode_from_twin(self.socket.recv(zmq.DONTWAIT))
            except zmq.Again:
                return
            assert isinstance(answer, Ack), answer
            now = time.monotonic()
            while self.have < answer.have:
                at, size = self.underway.popleft()
                self.waits.append(now - at)
                self.acknowledged += size
                self.have += 1


def phase(sender: Sender, begin: float, seconds: float, rate: float, size: int) -> dict[str, Any]:
    """Send for a while; return how much was acknowledged within, and how long that took."""
    while (ahead := begin - time.monotonic()) > 0.0:
        time.sleep(ahead)
    sender.waits, sender.acknowledged, offered, behind = [], 0, 0, 0.0
    to_wall = time.time() - time.monotonic()
    every, last = (size / rate if rate else 0.0), begin
    due = begin + every
    while (now := time.monotonic()) < begin + seconds:
        room = len(sender.underway) < WINDOW
        if room and now >= due:
            sender.send(last + to_wall, now - last, size)
            offered, last = offered + size, now
            behind = max(behind, now - due) if rate else 0.0
            due = due + every if rate else now
            sender.take(0.0)
        else:
            sender.take(max(1e-3, min(due - now, 0.05)) if room else 0.05)
    acknowledged = sender.acknowledged
    while sender.underway and time.monotonic() < begin + seconds + 20.0:
        sender.take(0.1)
    return {
        "offered": offered,
        "acknowledged": acknowledged,
        "left": len(sender.underway),
        "behind_s": behind,
        "waits": sorted(sender.waits)[:: max(1, len(sender.waits) // 5000)],
    }


def main() -> None:
    """Run the phases and print what came of them."""
    sender = Sender(keys.gateway_keys(Path(sys.argv[1])), sys.argv[2])
    assert sender.name == sys.argv[3]
    sender.greet()
    print(json.dumps([phase(sender, *one) for one in json.loads(sys.argv[4])]))
    sender.context.destroy(linger=0)


if __name__ == "__main__":
    main()
