"""Does a hostile byte hurt? Mutated frames from a gateway with a key, raw bytes from strangers, and a flood.

None may crash ingest, make it grow, or change what the journal says of anybody else; an honest gateway works beside
the flood.
"""

import argparse
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import zmq

from benchmarks.measures.flood import FAR
from benchmarks.processes import Ingest, descriptors, entries, until
from benchmarks.report import REPOSITORY, report
from twin.gateway.gateway import Gateway
from twin.ingest import keys
from twin.journal.check import verify
from twin.protocol import Bye, Data, Heartbeat, Hello, Refusal, Row, Tag, decode_from_twin, encode, encode_json

HOSTILE, HONEST = "hostile", "honest"
FLOOD = 5.0
"""How long the flood lasts, and the honest gateway works beside it [s]."""
HONEST_RATE = 100.0
"""Batches a second of the honest gateway, a hundred readings each."""
TARGETS = {
    "crashes": ("is", 0), "journal_changed": ("is", 0), "uncounted": ("is", 0), "descriptors_left": ("is", 0),
    "rss_growth_mib": ("<=", 5.0), "raw_rss_growth_mib": ("<=", 5.0), "flood_rss_mib": ("<=", 150.0),
    "honest_share": (">=", 0.5),
}  # fmt: skip

_pack = msgspec.msgpack.encode
_HELLO = Hello(1, HOSTILE, 5, 1, [Tag("x-1", "bar"), Tag("x-2")], 0)
_DATA = Data(FAR, [Row(0, 1, 1.0, 0), Row(1, 2, 2.0, 0)])
_GOOD = [f(m) for f in (encode, encode_json) for m in (_HELLO, _DATA, Heartbeat(3), Bye())]
_NAMES = (
    "honest",
    "../../etc",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\u202ehostile",
    "hostile\n",
    "x" * 500,
)
_NUMBERS = (b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\0" * 7, b"\xcb" + struct.pack(">d", float("nan")))


def mutated(draw: random.Random) -> list[bytes]:
    """Return the frames of a message that is wrong in some way."""
    kind = draw.randrange(len(_KINDS))
    return _KINDS[kind](draw)


def _damaged(draw: random.Random, *, cut: bool = False) -> list[bytes]:
    frame = bytearray(draw.choice(_GOOD))
    for _ in range(draw.randrange(1, 4)):
        frame[draw.randrange(len(frame))] = draw.randrange(256)
    return [bytes(frame[: draw.randrange(len(frame) + 1)] if cut else frame)]


def _wrong_row(draw: random.Random) -> list[bytes]:
    row = [
        draw.choice([0, 1, 2**32 - 1, -1, 10**6, "x", None]),
        draw.choice([0, -5, 2**62, "now"]),
        draw.choice([float("nan"), float("inf"), 1e308, "1", None]),
        draw.choice([0, 0x80000000, 0xC0000000, 2**32, -1]),
    ]
    return [_pack({"t": "data", "seq": FAR, "r": [row]})]


def _wrong_hello(draw: random.Random) -> list[bytes]:
    version = draw.choice([0, 1, 2, 99])
    return [_pack({"t": "hello", "v": version, "gw": draw.choice(_NAMES), "run": 5, "first": 1, "tags": [], "now": 0})]


def _wrong_tag(draw: random.Random) -> list[bytes]:
    name = draw.choice(["../x", "<img src=x onerror=1>", "=1+1", "a\0b", "é", "a" * 200, "h-1"])
    tags = [{"n": name}]
    return [_pack({"t": "hello", "v": 1, "gw": HOSTILE, "run": 5, "first": 1, "tags": tags, "now": 0})]


def _wrong_kind(draw: random.Random) -> list[bytes]:
    what = draw.choice(["data", "hello", "ack", "write", "cmd", "", None, 5])
    return [_pack({"t": what, "seq": 1, "x": "y" * draw.randrange(100)})]


_KINDS: tuple[Callable[[random.Random], list[bytes]], ...] = (
    lambda draw: [draw.randbytes(draw.randrange(300))],
    lambda draw: [b"\x91" * draw.randrange(1, 5000)],
    lambda draw: [b"[" * draw.randrange(1, 5000)],
    lambda draw: [b'{"t":' * draw.randrange(1, 2000)],
    lambda draw: [b"\xdd\xff\xff\xff\xff" + b"\xc0" * 10],
    lambda draw: [b"\x83\xa1t\xa4data\xa3seq" + draw.choice(_NUMBERS) + b"\xa1r\x90"],
    lambda draw: [b"", draw.choice(_GOOD)],
    lambda draw: [b"a"] * draw.randrange(2, 50),
    lambda draw: [b"\0" * draw.randrange(1 << 16)] if draw.random() < 0.05 else [b""],
    _wrong_row, _wrong_hello, _wrong_tag, _wrong_kind, _damaged, lambda draw: _damaged(draw, cut=True),
)  # fmt: skip


class Peer:
    """A DEALER with the hostile gateway's key."""

    def __init__(self, address: str, key: keys.GatewayKey) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger, self.socket.sndhwm, self.socket.rcvhwm = 0, 1000, 0
        self.socket.curve_serverkey = key.server.encode()
        self.socket.curve_publickey, self.socket.curve_secretkey = key.public.encode(), key.secret.encode()
        self.socket.connect(address)
        self.answers: Counter[str] = Counter()

    def send(self, frames: list[bytes]) -> None:
        """Send a message, and read what has been answered meanwhile."""
        self.socket.send_multipart(frames)
        self.read()

    def read(self) -> None:
        """Count the answers; each must be one that a twin gives."""
        while self.socket.poll(0):
            message = decode_from_twin(self.socket.recv())
            self.answers[message.code if isinstance(message, Refusal) else type(message).__name__] += 1


def frames(ingest: Ingest, key: keys.GatewayKey, cases: int, seed: int) -> dict[str, Any]:
    """Send so many mutated messages, and return what they did."""
    draw, peer = random.Random(seed), Peer(ingest.address, key)
    peer.send([encode(_HELLO)])
    until(lambda: peer.read() or peer.answers["Welcome"])
    before, counted = 0.0, ingest.status()["counts"]["messages"]
    started = time.monotonic()
    for number in range(cases):
        if number == cases // 10:  # what grows at first, such as the quota of refused frames, is no leak
            before = ingest.memory()
        peer.send(mutated(draw))
    until(lambda: ingest.status()["counts"]["messages"] >= counted + cases, 60.0)
    seconds = time.monotonic() - started
    peer.read()
    uncounted = ingest.status()["counts"]["messages"] - counted - cases
    peer.context.destroy(linger=0)
    return {
        "cases": cases,
        "seconds": round(seconds, 1),
        "rss_growth_mib": round(ingest.memory() - before, 1),
        "uncounted": uncounted,
        "answers": dict(peer.answers),
    }


def raw(ingest: Ingest, cases: int, seed: int) -> dict[str, Any]:
    """Send so many strangers' bytes over TCP, and return what they did."""
    draw = random.Random(seed)
    greeting = b"\xff" + b"\0" * 8 + b"\x7f\x03\x01CURVE" + b"\0" * 15 + b"\0" * 32
    before, held = 0.0, descriptors(str(ingest.pid))
    open_still: list[socket.socket] = []
    for number in range(cases):
        if number == cases // 10:
            before = ingest.memory()
        stranger = socket.create_connection(("127.0.0.1", ingest.port))
        start = draw.choice([b"", greeting, greeting[: draw.randrange(64)], greeting + b"\x04\xc8\x05HELLO"])
        head = draw.choice(
            [b"", b"\x04", b"\x06\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x02" + b"\xff" * 8, b"GET / HTTP/1.1\r\n"]
        )
        with suppress(OSError):  # cut already
            stranger.sendall(start + head + draw.randbytes(draw.randrange(300)))
        open_still.append(stranger)
        if len(open_still) > 50:
            open_still.pop(draw.randrange(50)).close()
    until(lambda: descriptors(str(ingest.pid)) <= held, 15.0)  # even those who keep silent
    for stranger in open_still:
        stranger.close()
    return {
        "raw_cases": cases,
        "raw_rss_growth_mib": round(ingest.memory() - before, 1),
        "descriptors_left": max(0, descriptors(str(ingest.pid)) - held),
    }


def flood(ingest: Ingest, folder: Path, seconds: float) -> dict[str, Any]:
    """Let one gateway send without end while another does its work, and return how that one fared."""
    key = folder / f"{HOSTILE}.key"
    mad = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.measures.flood", key, ingest.address, str(seconds + 2.0)],
        stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    flooded = ingest.status()["frames"]
    until(lambda: ingest.status()["frames"] > flooded + 10)
    most = 0.0
    with honest(ingest, folder) as gateway:
        started = time.monotonic()
        count = round(seconds * HONEST_RATE)
        for number in range(count):
            gateway.put([("h-1", number, float(number), 0)] * 100)
            most = max(most, ingest.memory())
            time.sleep(max(0.0, started + (number + 1) / HONEST_RATE - time.monotonic()))
        gateway.flush(60.0)
        elapsed = time.monotonic() - started
    sent = int(mad.communicate(timeout=60)[0])
    return {
        "flood_frames": sent,
        "flood_rss_mib": round(most, 1),
        "honest_share": round(min(1.0, seconds / elapsed), 2),
    }


def honest(ingest: Ingest, folder: Path) -> Gateway:
    """Return the gateway that does its work."""
    return Gateway(HONEST, ingest.address, folder / "honest.buffer", {"h-1": "bar"}, folder / f"{HONEST}.key")


def fuzz(cases: int, seed: int, folder: Path, *, seconds: float = FLOOD) -> dict[str, Any]:
    """Return the figures of so many mutated messages, a tenth of that in raw connections, and a flood.

    Parameters
    ----------
    cases : int
        Mutated messages.
    seed : int
        What they are.
    folder : Path
        An empty folder for everything that is written.
    seconds : float
        How long the flood lasts.
    """
    data = folder / "data"
    for name in (HOSTILE, HONEST):
        keys.new(data, name, folder)
    key = keys.gateway_keys(folder / f"{HOSTILE}.key")
    with Ingest(data) as ingest:
        with honest(ingest, folder) as gateway:
            gateway.put([("h-1", 0, 0.0, 0)])  # its tag is its own from here on
            gateway.flush()
        figures = frames(ingest, key, cases, seed)
        figures |= raw(ingest, cases // 10, seed)
        figures |= flood(ingest, folder, seconds)
        figures["rss_mib"] = round(ingest.memory(), 1)
        figures["crashes"] = int(not ingest.alive())
        figures["crashes"] += ingest.stop() != 0
    found = entries(data)
    mine = [entry.seq for entry in found if entry.gateway == HONEST and entry.kind == "data"]
    strange = [
        e for e in found if e.gateway not in ("", HOSTILE, HONEST) or (e.gateway == HOSTILE and e.kind == "data")
    ]
    whole = verify(data).ok and mine == list(range(1, round(seconds * HONEST_RATE) + 2))
    return {**figures, "journal_changed": len(strange) + (not whole)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report(fuzz(given.cases, given.seed, Path(folder)), TARGETS)


if __name__ == "__main__":
    main()
