"""EQT/1, what gateways and twin say to each other: one frame holds one map, MessagePack or JSON."""

from collections.abc import Sequence
from math import isfinite, nan
from operator import itemgetter
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta, Raw, Struct

from twin.errors import DataError
from twin.quality import BAD, HIGHEST

VERSION = 1
WINDOW = 32
"""Batches that may be underway without an acknowledgement."""
MAX_BYTES = 1 << 20
"""Longest frame."""
MAX_ROWS = 5_000
"""Most readings of a batch."""
MAX_TAGS = 20_000
"""Most tags of a gateway."""
MAX_AHEAD = 10_000_000
"""Batches that can be declared lost at once: a wrong number must not turn data into duplicates."""
MAX_SEQ = 2**62
MAX_RUN = 2**63 - 1
LATEST = 253_402_300_799_999_999
"""The end of the year 9999 [us UTC]: the last that calendars agree on."""
MAX_RATE = 10_000.0
"""How much faster than life a replay may run."""
HEARTBEAT = 1.0
"""A gateway that hasn't sent for so long [s] sends a heartbeat."""
SILENCE = 3.0
"""Who isn't heard of for so long [s] is given up."""

Clock = Literal["wall", "replay"]
Code = Literal["bad_message", "bad_version", "not_allowed", "hello_first", "unknown_tag", "too_big", "conflict", "busy"]

Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.:/\-]*\Z")]
Unit = Annotated[str, Meta(max_length=40, pattern=r"\A[A-Za-z_%µ°Ω0-9/.()·*^ \-]*\Z")]
Time = Annotated[int, Meta(ge=0, le=LATEST)]
Seq = Annotated[int, Meta(ge=1, le=MAX_SEQ)]
Run = Annotated[int, Meta(ge=1, le=MAX_RUN)]
Count = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
Index = Annotated[int, Meta(ge=0, lt=MAX_TAGS)]
Quality = Annotated[int, Meta(ge=0, le=HIGHEST)]
Rate = Annotated[float, Meta(gt=0.0, le=MAX_RATE)]


class Now(NamedTuple):
    """One reading of both clocks: `wall_us` is told to others, all timers run on `monotonic_s`."""

    wall_us: int
    monotonic_s: float


class Tag(Struct, forbid_unknown_fields=True, frozen=True):
    """A name and the unit of its values."""

    n: Name
    u: Unit = ""


class Row(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A reading; `time` is the source's [us UTC], `value` may be NaN, infinite or null."""

    tag: Index
    time: Time
    value: float | None
    quality: Quality


class Hello(Struct, tag_field="t", tag="hello", forbid_unknown_fields=True):
    """Who speaks, from which buffer, about what."""

    v: Annotated[int, Meta(ge=0, le=2**31)]
    gw: Name
    run: Run
    first: Seq
    tags: Annotated[list[Tag], Meta(max_length=MAX_TAGS)]
    now: Time
    clock: Clock = "wall"
    rate: Rate = 1.0


class Data(Struct, tag_field="t", tag="data", forbid_unknown_fields=True):
    """A batch of readings."""

    seq: Seq
    r: list[Row]


class Heartbeat(Struct, tag_field="t", tag="hb", forbid_unknown_fields=True):
    """Nothing to say."""

    now: Time


class Bye(Struct, tag_field="t", tag="bye", forbid_unknown_fields=True):
    """A stop that was planned."""


class Welcome(Struct, tag_field="t", tag="welcome"):
    """Everything up to `have` is on disk: continue behind it."""

    v: int
    have: Count
    window: Annotated[int, Meta(ge=1, le=1024)]
    max_bytes: Annotated[int, Meta(ge=1024)]
    now: Time


class Ack(Struct, tag_field="t", tag="ack"):
    """Everything up to `have` is on disk."""

    have: Count


class Refusal(Struct, tag_field="t", tag="err", omit_defaults=True):
    """Why a frame wasn't taken: the one with `seq`, where there is one; `busy` says for how long."""

    code: str
    seq: Count = 0
    retry_ms: Annotated[int, Meta(ge=0, le=600_000)] = 0
    text: str = ""


FromGateway = Hello | Data | Heartbeat | Bye
FromTwin = Welcome | Ack | Refusal


class FrameError(DataError):
    """A frame isn't EQT/1; `code` and `seq` are what the refusal says, the seq 0 where it can't be read."""

    def __init__(self, text: str, code: Code = "bad_message", seq: int = 0) -> None:
        super().__init__(text)
        self.code: Code = code
        self.seq = seq


class _Glimpse(Struct):
    """What can still be read of a frame that isn't right."""

    v: int = VERSION
    seq: Count = 0


class _Batch(Struct, tag_field="t", tag="data", forbid_unknown_fields=True):
    """A batch whose rows stay as they are written."""

    seq: Seq
    r: Raw


class _Bulk(Struct, tag_field="t", tag="data"):
    """A batch that was checked when it came in."""

    seq: int
    r: list[tuple[int, int, float | None, int]]


_pack = msgspec.msgpack.Encoder()
_write = msgspec.json.Encoder()
_unpack_gateway = msgspec.msgpack.Decoder(FromGateway)
_read_gateway = msgspec.json.Decoder(FromGateway)
_unpack_twin = msgspec.msgpack.Decoder(FromTwin)
_read_twin = msgspec.json.Decoder(FromTwin)
_unpack_glimpse = msgspec.msgpack.Decoder(_Glimpse)
_read_glimpse = msgspec.json.Decoder(_Glimpse)
_unpack_batch = msgspec.msgpack.Decoder(_Batch)
_read_batch = msgspec.json.Decoder(_Batch)
_unpack_bulk = msgspec.msgpack.Decoder(_Bulk)
_read_bulk = msgspec.json.Decoder(_Bulk)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_value = itemgetter(2)


def is_json(frame: bytes) -> bool:
    """Return whether a frame is JSON: its first byte is ``{``, which begins no MessagePack map."""
    return frame[:1] == b"{"


def decode_from_gateway(frame: bytes) -> FromGateway:
    """Return what a gateway says.

    Raises
    ------
    FrameError
        If the frame is too long, has too many rows, is of another version, or isn't exactly one message of EQT/1.
    """
    if len(frame) > MAX_BYTES:
        seq = _glimpse(frame).seq
        raise FrameError(f"frame: {len(frame)} bytes, the most are {MAX_BYTES}; send less at once", "too_big", seq)
    try:
        message: FromGateway = _read_gateway.decode(frame) if is_json(frame) else _unpack_gateway.decode(frame)
    except _UNREADABLE as err:
        glimpse = _glimpse(frame)
        if glimpse.v != VERSION:
            raise FrameError(f"hello: version {glimpse.v}; this twin speaks {VERSION}", "bad_version") from None
        raise FrameError(f"frame: {_plain(err)}; see docs/protocol.md", seq=glimpse.seq) from None
    if isinstance(message, Data) and len(message.r) > MAX_ROWS:
        text = f"data: {len(message.r)} rows, the most are {MAX_ROWS}; send less at once"
        raise FrameError(text, "too_big", message.seq)
    if isinstance(message, Hello) and message.v != VERSION:
        raise FrameError(f"hello: version {message.v}; this twin speaks {VERSION}", "bad_version")
    return message


def decode_from_twin(frame: bytes) -> FromTwin:
    """Return what the twin says; fields that EQT/1 doesn't know are passed over.

    Raises
    ------
    FrameError
        If the frame is no message that a twin sends.
    """
    try:
        message: FromTwin = _read_twin.decode(frame) if is_json(frame) else _unpack_twin.decode(frame)
    except _UNREADABLE as err:
        raise FrameError(f"frame: {_plain(err)}; is this the port of a twin?") from None
    return message


def encode(message: FromGateway | FromTwin) -> bytes:
    """Return the frame that says `message`, in MessagePack."""
    return _pack.encode(message)


def encode_json(message: FromGateway | FromTwin) -> bytes:
    """Return the frame that says `message`, in JSON; NaN and infinite values become null."""
    return _write.encode(message)


def batch(seq: int, readings: Sequence[tuple[int, int, float | None, int]]) -> bytes:
    """Return the frame of a batch, in MessagePack, unchecked: rows are tag index, time [us UTC], value, quality."""
    return _pack.encode({"t": "data", "seq": seq, "r": readings})


def renumber(frame: bytes, seq: int) -> bytes:
    """Return a batch's frame with another `seq` and the same bytes for rows.

    Raises
    ------
    FrameError
        If it is no batch.
    """
    try:
        if is_json(frame):
            return _write.encode(_Batch(seq, _read_batch.decode(frame).r))
        return _pack.encode(_Batch(seq, _unpack_batch.decode(frame).r))
    except _UNREADABLE as err:
        raise FrameError(f"batch: {_plain(err)}; it can't get another number") from None


def rows(frame: bytes) -> tuple[int, list[tuple[int, int, float, int]]]:
    """Return the seq and the readings of a journaled batch, fast: tag index, time [us UTC], value, quality.

    Null becomes NaN, and the quality of a value that is no finite number is at least ``Bad``.

    Raises
    ------
    FrameError
        If it is no batch.
    """
    try:
        bulk = _read_bulk.decode(frame) if is_json(frame) else _unpack_bulk.decode(frame)
    except _UNREADABLE as err:
        raise FrameError(f"batch: {_plain(err)}; run `twin journal verify`") from None
    readings: list[tuple[int, int, float, int]] = bulk.r  # type: ignore[assignment]
    try:
        # A sum is finite only where every term is; a null is a TypeError.
        if isfinite(sum(map(_value, readings))):
            return bulk.seq, readings
    except TypeError:
        pass
    return bulk.seq, [_judged(*row) for row in bulk.r]


def _judged(tag: int, time: int, value: float | None, quality: int) -> tuple[int, int, float, int]:
    if value is None:
        return tag, time, nan, max(quality, BAD)
    return tag, time, value, quality if isfinite(value) else max(quality, BAD)


def _glimpse(frame: bytes) -> _Glimpse:
    try:
        return _read_glimpse.decode(frame) if is_json(frame) else _unpack_glimpse.decode(frame)
    except _UNREADABLE:
        return _Glimpse()


def _plain(err: Exception) -> str:
    """Return what is wrong in one short line of ASCII: it may quote a stranger."""
    return ascii(str(err))[1:-1][:200]
