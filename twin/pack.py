"""Nested state as bytes and back, without pickle: the same state gives the same bytes in any process."""

from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from twin.errors import SnapshotError

_ARRAY = 1
_Length = Annotated[int, Meta(ge=0)]
_TYPES = {"<f8", "<i8", "<u4", "<i4", "|b1", "<u8", "|u1"}


def pack(state: Any) -> bytes:
    """Return dicts, lists, numbers, text, bytes and arrays as one MessagePack document."""
    return _encoder.encode(state)


def unpack(data: bytes) -> Any:
    """Return what `pack` was given; tuples come back as lists.

    Raises
    ------
    SnapshotError
        If it is something else.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as err:
        raise SnapshotError(f"state: not whole ({str(err)[:200]}); take the snapshot again") from None


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.str not in _TYPES:
            raise TypeError(f"an array of {value.dtype} is no state")
        return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode((value.dtype.str, value.shape, value.tobytes())))
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no state")


def _decode(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        raise ValueError(f"extension {code}")
    kind, shape, raw = msgspec.msgpack.decode(data, type=tuple[str, tuple[_Length, ...], bytes])
    if kind not in _TYPES:
        raise ValueError(f"array of {kind}")
    return np.frombuffer(raw, np.dtype(kind)).reshape(shape).copy()


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode)
_decoder = msgspec.msgpack.Decoder(ext_hook=_decode)
