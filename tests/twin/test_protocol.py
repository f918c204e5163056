"""EQT/1 on the wire: what is taken, what is refused and why, and what readers of the journal get."""

import json
import math
import re
import subprocess
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin import quality
from twin.protocol import (
    LATEST,
    MAX_BYTES,
    MAX_ROWS,
    Ack,
    Bye,
    Data,
    FrameError,
    Heartbeat,
    Hello,
    Refusal,
    Row,
    Tag,
    Welcome,
    batch,
    decode_from_gateway,
    decode_from_twin,
    encode,
    encode_json,
    renumber,
    rows,
)

HELLO = {"t": "hello", "v": 1, "gw": "gw1", "run": 5, "first": 1, "tags": [{"n": "a", "u": "degC"}], "now": 7}
pack = msgspec.msgpack.encode

values = st.one_of(st.floats(), st.none(), st.sampled_from([-0.0, 5e-324, 1.7e308, math.inf, -math.inf]))
qualities = st.integers(0, quality.HIGHEST)
readings = st.lists(st.tuples(st.integers(0, 19_999), st.integers(0, LATEST), values, qualities), max_size=20)


def refusal(frame: bytes) -> FrameError:
    with pytest.raises(FrameError) as refused:
        decode_from_gateway(frame)
    return refused.value


def same(one: float | None, other: float | None) -> bool:
    return one is other or one == other or (one != one and other != other)


@pytest.mark.eqt("EQT-01")
@pytest.mark.parametrize(
    "message",
    [
        Hello(1, "gw1", 5, 1, [Tag("a", "degC")], 7, "replay", 10.0),
        Data(3, [Row(0, 7, 1.5, 0)]),
        Heartbeat(7),
        Bye(),
    ],
)
def test_a_gateways_message_is_the_same_in_both_forms(message):
    assert decode_from_gateway(encode(message)) == message
    assert decode_from_gateway(encode_json(message)) == message


@pytest.mark.eqt("EQT-27")
@pytest.mark.parametrize("message", [Welcome(1, 4, 32, MAX_BYTES, 7), Ack(4), Refusal("busy", 0, 300, "wait")])
def test_a_twins_message_is_the_same_in_both_forms_and_no_gateways(message):
    assert decode_from_twin(encode(message)) == message
    assert decode_from_twin(encode_json(message)) == message
    assert refusal(encode(message)).code == "bad_message"


@pytest.mark.eqt("EQT-01")
@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{",
        b"\xc1",
        b"\x91" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b'{"t":"\xff"}',
        pack(HELLO) + b"\x00",
        pack(HELLO | {"more": 1}),
        pack(HELLO | {"t": "write"}),
        pack({k: v for k, v in HELLO.items() if k != "now"}),
        pack(HELLO | {"first": 1.0}),
        pack(HELLO | {"first": True}),
        pack(HELLO | {"tags": {"n": "a"}}),
        pack(HELLO | {"clock": "sun"}),
        pack(HELLO | {"rate": 0.0}),
        pack(HELLO | {"rate": math.nan}),
        pack({"t": "data", "seq": 1, "r": [[0, 7, 1.0]]}),
        pack({"t": "data", "seq": 1, "r": [[0, 7, 1.0, 0, 0]]}),
        pack({"t": "data", "seq": 1, "r": [[0, 7, "1", 0]]}),
        b'{"t":"data","seq":1,"r":[[0,7,NaN,0]]}',
        b'{"t":"data","seq":1,"r":[[0,7,1e400,0]]}',
    ],
)
def test_what_isnt_exactly_a_message_is_refused_in_one_plain_line(wrong):
    refused = refusal(wrong)
    assert refused.code == "bad_message"
    assert str(refused).isascii()
    assert str(refused).isprintable()
    assert len(str(refused)) < 300


@pytest.mark.eqt("EQT-22")
def test_a_batch_that_cant_be_read_is_still_called_by_its_number():
    assert refusal(pack({"t": "data", "seq": 9, "r": [[0, 7, "1", 0]]})).seq == 9
    assert refusal(b'{"t":"data","seq":9,"r":[["a"]]}').seq == 9


@pytest.mark.eqt("EQT-02")
def test_another_version_is_told_apart_whatever_fields_it_has():
    assert refusal(pack(HELLO | {"v": 2})).code == "bad_version"
    assert refusal(pack(HELLO | {"v": 2, "compression": "zstd"})).code == "bad_version"


@pytest.mark.eqt("EQT-03")
@pytest.mark.parametrize(
    "name", ["", "a" * 129, "gw 1", "gw1\n", ".a", "../x", "<b>", "=1+1", "a\0b", "é", "\u202egw", "a,b", "'", "-a"]
)
def test_a_name_outside_the_grammar_is_refused(name):
    assert refusal(pack(HELLO | {"gw": name})).code == "bad_message"
    assert refusal(pack(HELLO | {"tags": [{"n": name}]})).code == "bad_message"


@pytest.mark.eqt("EQT-03")
def test_names_and_units_of_real_plants_are_taken():
    for name in ["P-101.flow", "Line_1/Cell:2", "a" * 128, "7"]:
        assert decode_from_gateway(pack(HELLO | {"gw": name, "tags": [{"n": name}]})).gw == name
    for unit in ["", "m3/h", "°C", "kW/(m2.K)", "%", "µm", "1/min", "N·m"]:
        assert decode_from_gateway(pack(HELLO | {"tags": [{"n": "a", "u": unit}]})).tags[0].u == unit
    for unit in ["<b>", "a" * 41, "bar\n", "=1", "'"]:
        assert refusal(pack(HELLO | {"tags": [{"n": "a", "u": unit}]})).code == "bad_message"


@pytest.mark.eqt("EQT-04")
@pytest.mark.parametrize(
    ("field", "number"),
    [("run", 0), ("run", 2**63), ("first", 0), ("first", 2**62 + 1), ("now", -1), ("now", LATEST + 1)],
)
def test_a_number_out_of_range_is_refused(field, number):
    assert refusal(pack(HELLO | {field: number})).code == "bad_message"


@pytest.mark.eqt("EQT-04")
def test_a_source_time_before_1970_or_beyond_all_calendars_is_refused():
    for time in (-1, LATEST + 1):
        assert refusal(batch(1, [(0, time, 1.0, 0)])).code == "bad_message"
    assert decode_from_gateway(batch(1, [(0, LATEST, 1.0, 0)])).r[0].time == LATEST


@pytest.mark.eqt("EQT-05")
def test_too_many_rows_or_bytes_are_too_big():
    row = (0, 7, 1.0, 0)
    assert len(decode_from_gateway(batch(3, [row] * MAX_ROWS)).r) == MAX_ROWS
    refused = refusal(batch(3, [row] * (MAX_ROWS + 1)))
    assert (refused.code, refused.seq) == ("too_big", 3)
    refused = refusal(pack({"t": "data", "seq": 3, "r": [], "x": "x" * MAX_BYTES}))
    assert (refused.code, refused.seq) == ("too_big", 3)


@pytest.mark.eqt("EQT-07")
def test_the_reserved_severity_is_refused():
    for wrong in (0xC0000000, 0xFFFFFFFF, 2**32, -1):
        assert refusal(batch(1, [(0, 7, 1.0, wrong)])).code == "bad_message"
    assert decode_from_gateway(batch(1, [(0, 7, 1.0, 0xBFFFFFFF)])).r[0].quality == 0xBFFFFFFF


@pytest.mark.eqt("EQT-08")
@given(st.integers(1, 2**62), readings)
def test_hostile_values_are_kept_as_sent_and_read_as_bad(seq, sent):
    message = decode_from_gateway(batch(seq, sent))
    assert all(same(row.value, reading[2]) for row, reading in zip(message.r, sent, strict=True))
    read_seq, read = rows(batch(seq, sent))
    assert read_seq == seq
    for (tag, time, value, code), (tag_read, time_read, value_read, code_read) in zip(sent, read, strict=True):
        assert (tag, time) == (tag_read, time_read)
        if value is not None and math.isfinite(value):
            assert value_read == value
            assert math.copysign(1.0, value_read) == math.copysign(1.0, value)
            assert code_read == code
        else:
            assert not math.isfinite(value_read)
            assert quality.is_bad(code_read)
            assert code_read == (code if quality.is_bad(code) else quality.BAD)


@pytest.mark.eqt("EQT-01", "EQT-08")
@given(readings)
def test_json_and_messagepack_read_the_same_but_for_what_json_has_no_word_for(sent):
    plain = [row for row in sent if row[2] is None or math.isfinite(row[2])]
    written = json.dumps({"t": "data", "seq": 1, "r": plain}).encode()
    assert decode_from_gateway(written) == decode_from_gateway(batch(1, plain))
    assert [row[:2] + row[3:] for row in rows(written)[1]] == [row[:2] + row[3:] for row in rows(batch(1, plain))[1]]


@pytest.mark.eqt("EQT-23")
@given(readings, st.integers(1, 2**62))
def test_a_batch_with_another_number_has_the_same_rows_to_the_byte(sent, seq):
    assert renumber(batch(1, sent), seq) == batch(seq, sent)
    written = encode_json(decode_from_gateway(batch(1, sent)))
    assert renumber(written, seq) == written.replace(b'"seq":1,', b'"seq":%d,' % seq, 1)


def test_only_batches_can_be_read_or_renumbered():
    for wrong in (b"", b"{", encode(Bye()), b"\xc1", pack({"t": "data", "seq": 1})):
        with pytest.raises(FrameError):
            rows(wrong)
        with pytest.raises(FrameError):
            renumber(wrong, 2)


@pytest.mark.eqt("EQT-01")
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_frame_error(frame):
    for decode in (decode_from_gateway, decode_from_twin, rows):
        try:
            decode(frame)
        except FrameError as refused:
            assert str(refused).isascii()  # noqa: PT017 (it needn't be raised)


@pytest.mark.eqt("EQT-01")
@given(
    st.sampled_from([pack(HELLO), json.dumps(HELLO).encode(), batch(3, [(0, 7, 1.5, 0)] * 3), encode(Heartbeat(3))]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4),
    st.integers(0, 200),
)
def test_spoilt_messages_are_refused_or_are_messages(frame, flips, end):
    spoilt = bytearray(frame)
    for at, byte in flips:
        spoilt[at % len(spoilt)] = byte
    try:
        message = decode_from_gateway(bytes(spoilt[: end or None]))
    except FrameError:
        return
    assert decode_from_gateway(encode(message)) == message or isinstance(message, Data)


@pytest.mark.eqt("EQT-27")
def test_a_twins_message_may_gain_fields_that_a_gateway_doesnt_know():
    assert decode_from_twin(pack({"t": "ack", "have": 3, "more": [1]})) == Ack(3)
    for wrong in (b"", encode(Bye()), pack({"t": "ack", "have": -1}), pack({"t": "write", "value": 1})):
        with pytest.raises(FrameError, match="is this the port of a twin"):
            decode_from_twin(wrong)


def test_every_rule_of_the_document_has_a_test_and_no_test_invents_one(repository):
    page = (repository / "docs" / "protocol.md").read_text()
    rules = re.findall(r"\*\*(EQT-\d+)\*\*", page)
    assert rules == [f"EQT-{i:02}" for i in range(1, len(rules) + 1)]
    marks = [
        mark
        for file in sorted((repository / "tests").rglob("test_*.py"))
        for call in re.findall(r"^ *@pytest\.mark\.eqt\(([^)]*)\)$", file.read_text(), re.MULTILINE)
        for mark in re.findall(r'"([^"]*)"', call)
    ]
    assert set(marks) == set(rules)


def test_every_must_of_the_document_has_a_number(repository):
    page = (repository / "docs" / "protocol.md").read_text()
    rules = page[page.index("**Messages**") : page.index("Qualities in use")]
    paragraphs = [p for p in re.split(r"\n(?=\* |\*\*|$)", rules) if " must " in p]
    assert paragraphs
    assert all(re.match(r"\* \*\*EQT-\d\d\*\* ", p) for p in paragraphs)
    assert " must " not in page.replace(rules, "")


@pytest.mark.eqt("EQT-07")
def test_the_qualities_of_the_document_are_the_codes_in_use(repository):
    page = (repository / "docs" / "protocol.md").read_text()
    written = {name: int(code, 16) for name, code in re.findall(r"(\w+) (0x[0-9A-F]{8})", page)}
    named = {
        "".join(word.capitalize() for word in name.split("_")): code
        for name, code in vars(quality).items()
        if name.isupper() and name != "HIGHEST"
    }
    assert written == named
    assert all(quality.is_bad(code) == name.startswith("Bad") for name, code in named.items())
    assert all(quality.is_uncertain(code) == name.startswith("Uncertain") for name, code in named.items())


def test_neither_side_needs_sockets_or_arrays():
    modules = ["twin.protocol", "twin.ingest.receiver", "twin.gateway.sender"]
    asked = "import sys\n" + "".join(f"import {m}\n" for m in modules)
    asked += "print(*sorted({m.split('.')[0] for m in sys.modules} & {'numpy', 'zmq', 'h5py', 'simpy'}))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
