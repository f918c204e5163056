"""State becomes bytes and state again, and bytes of others are refused."""

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import SnapshotError
from twin.pack import pack, unpack

NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(width=64) | st.booleans() | st.none()
LEAVES = NUMBERS | st.text(max_size=9) | st.binary(max_size=9)
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=4) | st.dictionaries(st.text(max_size=5), t, max_size=4))


def same(one: Any, other: Any) -> bool:
    return pack(one) == pack(other)


@given(TREES)
def test_what_is_packed_comes_back(tree: Any) -> None:
    assert same(unpack(pack(tree)), tree)


@pytest.mark.parametrize("kind", ["<f8", "<i8", "<u4", "<i4", "|b1", "<u8", "|u1"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3)])
def test_arrays_come_back_bit_for_bit_and_their_own(kind: str, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(1).integers(0, 2, shape).astype(kind)
    found = unpack(pack({"it": [array]}))["it"][0]
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert found.flags.writeable


def test_every_float_keeps_its_bits() -> None:
    array = np.random.default_rng(2).integers(0, 2**64, 10_000, np.uint64).view(np.float64)
    assert unpack(pack(array)).tobytes() == array.tobytes()
    plain = [float("nan"), -0.0, 5e-324, float("-inf")]
    assert np.array(unpack(pack(plain))).tobytes() == np.array(plain).tobytes()


def test_the_layout_of_an_array_in_memory_is_no_part_of_its_bytes() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert pack(array) == pack(np.asfortranarray(array)) == pack(np.repeat(array, 2, axis=0)[::2])
    assert pack(np.float64(1.5)) == pack(1.5)


@pytest.mark.parametrize("state", [object(), np.array(["a"]), np.array([1.0 + 2j]), np.arange(3, dtype=">f8"), 1j])
def test_what_is_no_state_is_not_packed(state: object) -> None:
    with pytest.raises(TypeError):
        pack({"it": state})


def test_another_process_makes_the_same_bytes() -> None:
    script = (
        "import sys, numpy as np; from twin.pack import pack; sys.stdout.buffer.write(pack("
        "{'b': {'x': 1, 'a': [np.arange(3), 2.5, 'µ']}, 'a': (None, True, b'z')}))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {pack({"b": {"x": 1, "a": [np.arange(3), 2.5, "µ"]}, "a": (None, True, b"z")})}


def array(kind: Any, shape: Any, raw: Any, code: int = 1) -> bytes:
    """Return what claims to be an array."""
    return msgspec.msgpack.encode(msgspec.msgpack.Ext(code, msgspec.msgpack.encode((kind, shape, raw))))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xc1", b"\x92\x01", b"\x01\x02", b"\xff" * 100_000 + b"\xc1", b"\x91" * 100_000, b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff", b"\x81\x81\x01\x02\x03", b"\xa2\xff\xfe", b"\x81\xc7\x00\x01\x01",
        array("<f8", (3,), bytes(8)), array("<f8", (2**62, 2**62), bytes(8)), array("<f8", (-1,), bytes(7)),
        array("<f8", (-1,), bytes(8)), array("|O", (1,), bytes(8)), array("<U4", (1,), bytes(16)),
        array("<f8", (0, -1), b""), array("<f8", "x", b""), array(["<f8"], (1,), bytes(8)),
        array("<f8", (1.5,), bytes(8)), array("<f8", (1,), "text"), array("<f8", (1,), bytes(8), code=7),
        array("<f8", [1] * 100, bytes(8)), msgspec.msgpack.encode(msgspec.msgpack.Ext(1, b"\xc1")),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(-1, b"123")),
    ],
)  # fmt: skip
def test_bytes_of_something_else_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotError, match=r"^state: not whole .*; take the snapshot again$"):
        unpack(data)


@given(st.data())
def test_a_spoilt_byte_is_refused_or_gives_a_state(data: st.DataObject) -> None:
    raw = bytearray(pack({"a": np.arange(6.0).reshape(2, 3), "b": [1, 2.5, "x", {"y": np.zeros(2, np.int64)}]}))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(SnapshotError):
        pack(unpack(bytes(raw[: data.draw(st.integers(0, len(raw)))])))
