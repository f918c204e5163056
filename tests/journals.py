"""Drafts for a journal, as ingest would make them."""

from pathlib import Path

import msgspec

from twin.journal import Draft, Entry, Journal, Kind, Reader, follow

T0 = 1_772_366_400_000_000
"""2026-03-01T12:00:00Z [us]."""
RUN = 77
PAGE = 4096


def frame(seq: int, readings: int = 20) -> bytes:
    """Return a data frame of readings of two tags, 10 ms apart."""
    rows = [(i % 2, T0 + seq * 1_000_000 + i * 10_000, 0.5 * i + seq, 0) for i in range(readings)]
    return msgspec.msgpack.encode({"t": "data", "seq": seq, "r": rows})


def hello(gateway: str = "gw1", run: int = RUN, tags: tuple[str, ...] = ("TI-1", "PI-2")) -> Draft:
    """Return a hello; a gateway's tags are in degC."""
    named = [{"n": name, "u": "degC"} for name in tags]
    said = {"t": "hello", "v": 1, "gw": gateway, "run": run, "first": 1, "tags": named, "now": T0}
    return draft("hello", gateway, 0, msgspec.msgpack.encode(said), run=run)


def data(seq: int, readings: int = 20, *, gateway: str = "gw1", run: int = RUN) -> Draft:
    """Return a batch."""
    return draft("data", gateway, seq, frame(seq, readings), run=run)


def gap(first: int, last: int, *, gateway: str = "gw1", run: int = RUN) -> Draft:
    """Return a declared loss."""
    return draft("gap", gateway, last, msgspec.msgpack.encode({"first": first, "last": last}), run=run)


def tick(number: int) -> Draft:
    """Return ingest's tick."""
    made = draft("tick", "", 0, msgspec.msgpack.encode({"alive": ["gw1"]}), run=0)
    return made._replace(received=T0 + number * 1_000_000, clock=T0 + number * 1_000_000)


def draft(kind: Kind, gateway: str, seq: int, body: bytes, *, run: int = RUN) -> Draft:
    """Return any draft, received one second after the last seq."""
    return Draft(kind, gateway, run, seq, T0 + seq * 1_000_000, T0 + seq * 1_000_000, body)


def opened(folder: Path) -> Journal:
    """Return a journal that leaves nothing of the disk free."""
    return Journal.open(folder, reserve=0)


def filled(folder: Path, batches: int = 60, readings: int = 20) -> list[Entry]:
    """Make a journal of two gateways, with all kinds of entries; return them."""
    with opened(folder) as journal:
        journal.append([hello(), hello("gw2", 5, ("LI-3", "FI-4")), gap(1, 4, gateway="gw2", run=5)])
        for n in range(1, batches + 1):
            journal.append([tick(n), data(n, readings), data(n + 4, readings // 4, gateway="gw2", run=5)])
            if n % 25 == 0:
                journal.append([draft("bye", "gw1", 0, b"bye"), hello()])
        journal.append([draft("action", "", 0, msgspec.msgpack.encode({"kind": "comment"}), run=0)])
        journal.reject("stranger", T0, "bad_message", b"\xc1 no frame")
        journal.append([tick(batches + 1)])
    return everything(folder)


def everything(folder: Path) -> list[Entry]:
    """Return every entry of a journal."""
    with Reader.open(folder) as reader:
        return [entry for batch in follow(reader, reader.first() - 1, done=lambda: True) for entry in batch]
