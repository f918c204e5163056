"""The gateway's side of EQT/1, step by step: what is sent when, and what is deleted."""

import random

import pytest

from tests.schedules import START, FakeStore
from twin.errors import DataError
from twin.gateway.sender import FIRST_WAIT, LONGEST_WAIT, Sender
from twin.gateway.shell import Close, Connect, Send
from twin.protocol import (
    MAX_BYTES,
    MAX_ROWS,
    Ack,
    Bye,
    Data,
    Heartbeat,
    Hello,
    Now,
    Refusal,
    Tag,
    Welcome,
    batch,
    decode_from_gateway,
    encode,
)

TAGS = [Tag("a", "bar"), Tag("b", "K")]
ROW = (0, START, 1.0, 0)


class Gateway:
    """A sender with a buffer, and a clock that is moved by hand."""

    def __init__(self, store: FakeStore | None = None, tags=TAGS, **options) -> None:
        self.store = store or FakeStore(77)
        self.sender = Sender("gw1", tags, self.store, random.Random(3), **options)
        self.time = 100.0
        self.deleted: list[int] = []
        self.store.on_delete = lambda run, seq, frame: self.deleted.append(seq)

    @property
    def now(self) -> Now:
        return Now(START + round(self.time * 1e6), self.time)

    def offer(self, *values: float) -> list:
        """Return what is sent as each value becomes a batch."""
        return [a for v in values for a in read(self.sender.offer(self.now, [(0, START, v, 0)]))]

    def hear(self, message) -> list:
        """Return what is done about a message of the twin."""
        return read(self.sender.on_message(self.now, encode(message)))

    def wait(self, seconds: float) -> list:
        """Return what is done while time passes and nothing is heard."""
        until, done = self.time + seconds, []
        while True:
            due = self.sender.wait(self.now)
            if self.time + due > until:
                self.time = until
                return done
            self.time += due
            before = len(done)
            done += read(self.sender.on_time(self.now))
            self.time += 0 if len(done) > before else 1e-9

    def connect(self, have: int = 0, window: int = 32, max_bytes: int = MAX_BYTES) -> list:
        """Return what follows the welcome."""
        if not any(isinstance(a, Hello) for a in self.wait(20.0 if self.store.end < 0 else 0.0)):
            while not any(isinstance(a, Hello) for a in read(self.sender.on_time(self.now))):
                self.time += self.sender.wait(self.now)
        return self.hear(Welcome(1, have, window, max_bytes, START))


def read(actions: list) -> list:
    """Return actions with the message in place of each `Send`; a frame that is no message stays bytes."""
    out = []
    for action in actions:
        if isinstance(action, Send):
            try:
                out.append(decode_from_gateway(action.frame))
            except DataError:
                out.append(action.frame)
        else:
            out.append(action)
    return out


def seqs(actions: list) -> list[int]:
    return [a.seq for a in actions if isinstance(a, Data)]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.mark.eqt("EQT-09", "EQT-12")
def test_a_gateway_says_hello_first_and_sends_nothing_before_the_welcome(gateway):
    assert gateway.offer(1.0) == []
    assert read(gateway.sender.on_time(gateway.now)) == [
        Connect(),
        Hello(1, "gw1", 77, 1, TAGS, gateway.now.wall_us),
    ]
    assert gateway.offer(2.0) == []
    assert seqs(gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))) == [1, 2]
    assert gateway.sender.connected


@pytest.mark.eqt("EQT-13")
def test_a_batch_is_on_disk_before_it_is_sent_and_deleted_once_acknowledged(gateway):
    gateway.connect()
    assert seqs(gateway.offer(1.0, 2.0, 3.0)) == [1, 2, 3]
    assert list(gateway.store.frames) == [1, 2, 3]
    gateway.hear(Ack(2))
    assert gateway.deleted == [1, 2]
    assert gateway.sender.outstanding == 1


@pytest.mark.eqt("EQT-13")
def test_a_smaller_have_than_is_known_says_nothing(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0)
    gateway.hear(Ack(2))
    assert gateway.hear(Ack(1)) == []
    assert gateway.deleted == [1, 2]
    assert seqs(gateway.offer(3.0)) == [3]


@pytest.mark.eqt("EQT-13")
def test_an_acknowledgement_of_what_was_never_sent_deletes_nothing(gateway):
    gateway.connect(window=1)
    gateway.offer(1.0, 2.0, 3.0)
    gateway.hear(Ack(3))
    assert gateway.deleted == [1]


@pytest.mark.eqt("EQT-15")
def test_no_more_than_the_window_is_underway(gateway):
    gateway.connect(window=4)
    assert seqs(gateway.offer(*range(9))) == [1, 2, 3, 4]
    assert seqs(gateway.hear(Ack(3))) == [5, 6, 7]


@pytest.mark.eqt("EQT-05")
def test_many_readings_become_several_batches(gateway):
    gateway.connect()
    sent = read(gateway.sender.offer(gateway.now, [ROW] * (2 * MAX_ROWS + 1)))
    assert [len(m.r) for m in sent] == [MAX_ROWS, MAX_ROWS, 1]


@pytest.mark.eqt("EQT-20")
def test_a_heartbeat_goes_out_after_a_second_without_sending(gateway):
    gateway.connect()
    done = gateway.wait(1.0)
    assert done == [Heartbeat(gateway.now.wall_us)]
    gateway.hear(Ack(0))
    gateway.time += 0.5
    gateway.offer(1.0)
    gateway.hear(Ack(1))
    gateway.time += 0.9
    assert gateway.sender.on_time(gateway.now) == []


@pytest.mark.eqt("EQT-21")
def test_three_seconds_of_silence_end_the_connection(gateway):
    gateway.connect()
    gateway.offer(1.0)
    began = gateway.time
    done = gateway.wait(2.999)
    assert all(isinstance(a, Heartbeat) for a in done)
    assert gateway.wait(0.01) == [Close()]
    assert gateway.time - began < 3.02
    assert gateway.hear(Ack(1)) == [], "a closed connection says nothing"
    assert gateway.deleted == []


@pytest.mark.eqt("EQT-21")
def test_a_connection_without_anything_unanswered_may_be_silent(gateway):
    gateway.connect()
    for _ in range(5):
        assert [type(a) for a in gateway.wait(1.0)] == [Heartbeat]
        gateway.hear(Ack(0))
    assert gateway.sender.connected


@pytest.mark.eqt("EQT-21")
def test_waits_double_up_to_a_second_and_are_spread_by_half(gateway):
    waits = []
    gateway.sender.on_time(gateway.now)
    for _ in range(200):
        assert gateway.wait(3.0) == [Close()]
        waits.append(gateway.sender.wait(gateway.now))
        gateway.time += waits[-1]
        assert isinstance(gateway.sender.on_time(gateway.now)[0], Connect)
    for i, wait in enumerate(waits):
        middle = min(FIRST_WAIT * 2.0**i, LONGEST_WAIT)
        assert 0.5 * middle <= wait <= 1.5 * middle
    late = waits[10:]
    assert min(late) < 0.6 * LONGEST_WAIT
    assert max(late) > 1.4 * LONGEST_WAIT


@pytest.mark.eqt("EQT-21")
def test_a_connection_that_lasted_makes_the_next_wait_short_again(gateway):
    gateway.sender.on_time(gateway.now)
    for _ in range(8):
        gateway.wait(3.0)
        gateway.time += gateway.sender.wait(gateway.now)
        gateway.sender.on_time(gateway.now)
    gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))
    for _ in range(10):
        gateway.wait(1.0)
        gateway.hear(Ack(0))
    gateway.offer(1.0)
    gateway.wait(3.01)
    assert gateway.sender.wait(gateway.now) <= 1.5 * FIRST_WAIT


@pytest.mark.eqt("EQT-21")
def test_a_connection_that_breaks_is_given_up_at_once_and_sent_again_on_the_next(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0)
    assert gateway.sender.on_break(gateway.now) == [Close()]
    assert gateway.sender.on_break(gateway.now) == []
    assert gateway.sender.wait(gateway.now) <= 1.5 * FIRST_WAIT
    gateway.time += 1.5 * FIRST_WAIT
    assert isinstance(gateway.sender.on_time(gateway.now)[0], Connect)
    assert seqs(gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))) == [1, 2]


@pytest.mark.eqt("EQT-21")
def test_a_connection_that_breaks_behind_a_goodbye_is_not_made_again(gateway):
    gateway.connect()
    gateway.sender.bye(gateway.now)
    assert gateway.sender.on_break(gateway.now) == [Close()]
    assert gateway.sender.stopped


@pytest.mark.eqt("EQT-17")
def test_a_hole_is_filled_by_sending_again(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0, 3.0)
    gateway.hear(Ack(1))
    assert seqs(gateway.hear(Welcome(1, 1, 32, MAX_BYTES, START))) == [2, 3]


@pytest.mark.eqt("EQT-17")
def test_where_nothing_gets_further_the_gateway_asks_where_to_continue(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0)
    done = []
    for _ in range(4):
        done += gateway.wait(0.8)
        gateway.hear(Ack(0))
    assert [type(a) for a in done if not isinstance(a, Heartbeat)] == [Hello]
    assert seqs(gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))) == [1, 2]


@pytest.mark.eqt("EQT-09")
def test_hello_is_said_again_when_told_and_only_once(gateway):
    gateway.connect()
    gateway.time += 5.0
    gateway.offer(1.0, 2.0)
    assert [type(a) for a in gateway.hear(Refusal("hello_first"))] == [Hello]
    assert gateway.hear(Refusal("hello_first")) == []
    assert seqs(gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))) == [1, 2]


@pytest.mark.eqt("EQT-09")
def test_two_gateways_of_one_name_dont_fight_at_full_speed(gateway):
    closes = 0
    for _ in range(12):
        gateway.connect()
        closes += gateway.hear(Refusal("hello_first")) == [Close()]
    assert closes == 12
    assert gateway.time > 100.0 + 6 * LONGEST_WAIT * 0.5


@pytest.mark.eqt("EQT-18")
def test_an_overflow_drops_the_oldest_and_says_so():
    gateway = Gateway(FakeStore(77, room=3))
    gateway.offer(*range(10))
    hello = read(gateway.sender.on_time(gateway.now))[1]
    assert hello.first == 8
    assert seqs(gateway.hear(Welcome(1, 7, 32, MAX_BYTES, START))) == [8, 9, 10]


@pytest.mark.eqt("EQT-18")
def test_an_overflow_while_connected_is_declared_as_well():
    gateway = Gateway(FakeStore(77, room=3))
    gateway.connect(window=1)
    done = gateway.offer(*range(6))
    assert [a.first for a in done if isinstance(a, Hello)] == [3]
    assert gateway.hear(Welcome(1, 2, 1, MAX_BYTES, START)) == [], "by now seq 3 is dropped, too"
    done = gateway.wait(0.3)
    assert [a.first for a in done if isinstance(a, Hello)] == [4]
    assert seqs(gateway.hear(Welcome(1, 3, 1, MAX_BYTES, START))) == [4]


@pytest.mark.eqt("EQT-22")
@pytest.mark.parametrize("code", ["bad_message", "too_big", "unknown_tag"])
def test_a_batch_refused_twice_is_set_aside_and_its_number_sent_empty(gateway, code):
    gateway.connect()
    poison = gateway.offer(1.0, 2.0)[0]
    assert gateway.hear(Refusal(code, 1)) == [], "the hole behind it brings a welcome"
    assert seqs(gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))) == [1, 2]
    gateway.hear(Refusal(code, 1))
    done = gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))
    assert done[0] == Data(1, [])
    assert seqs(done) == [1, 2]
    assert decode_from_gateway(gateway.store.aside[77, 1]) == poison


@pytest.mark.eqt("EQT-22")
def test_the_last_batch_is_sent_again_at_once_as_no_hole_follows_it(gateway):
    gateway.connect()
    gateway.offer(1.0)
    assert seqs(gateway.hear(Refusal("unknown_tag", 1))) == [1]
    assert gateway.hear(Refusal("unknown_tag", 1)) == [Data(1, [])]


@pytest.mark.eqt("EQT-22")
def test_a_refusal_without_a_number_is_pinned_down_by_sending_alone(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0, 3.0)
    assert gateway.hear(Refusal("bad_message")) == [Close()]
    assert seqs(gateway.connect()) == [1]
    assert seqs(gateway.hear(Ack(1))) == [2]
    assert seqs(gateway.hear(Refusal("bad_message"))) == [2]
    assert gateway.hear(Refusal("bad_message")) == [Data(2, [])]
    assert list(gateway.store.aside) == [(77, 2)]
    assert seqs(gateway.hear(Ack(2))) == [3]


@pytest.mark.eqt("EQT-22")
def test_a_twin_that_refuses_even_the_empty_batch_is_left_alone_for_a_while(gateway):
    gateway.connect()
    gateway.offer(1.0)
    for _ in range(2):
        gateway.hear(Refusal("bad_message", 1))
    assert gateway.hear(Refusal("bad_message", 1)) == [Close()]


@pytest.mark.eqt("EQT-05", "EQT-22")
def test_a_batch_longer_than_the_twin_takes_is_set_aside_unsent(gateway):
    gateway.offer(1.0)
    gateway.sender.offer(gateway.now, [ROW] * 100)
    gateway.offer(3.0)
    done = gateway.connect(max_bytes=1024)
    assert [len(m.r) for m in done] == [1, 0, 1]
    assert list(gateway.store.aside) == [(77, 2)]


@pytest.mark.eqt("EQT-23")
def test_a_conflict_starts_a_new_run_with_what_is_held(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0, 3.0)
    gateway.hear(Ack(1))
    assert gateway.hear(Refusal("conflict", 2)) == [Close()]
    assert gateway.store.run != 77
    gateway.time += gateway.sender.wait(gateway.now)
    hello = read(gateway.sender.on_time(gateway.now))[1]
    assert (hello.run, hello.first) == (gateway.store.run, 1)
    sent = gateway.hear(Welcome(1, 0, 32, MAX_BYTES, START))
    assert [(m.seq, m.r[0].value) for m in sent] == [(1, 2.0), (2, 3.0)]


@pytest.mark.eqt("EQT-24")
def test_after_a_restart_what_the_twin_has_is_sent_again_alone_before_it_is_deleted():
    gateway = Gateway()
    gateway.offer(*range(5))
    assert seqs(gateway.connect(have=3)) == [1]
    assert gateway.deleted == []
    assert seqs(gateway.hear(Ack(3))) == [2]
    assert gateway.deleted == [1]
    assert seqs(gateway.hear(Ack(3))) == [3]
    assert seqs(gateway.hear(Ack(3))) == [4, 5]


@pytest.mark.eqt("EQT-24")
def test_no_heartbeat_is_answered_in_place_of_a_batch_that_is_out_alone():
    gateway = Gateway()
    gateway.offer(*range(5))
    gateway.connect(have=5)
    assert gateway.wait(2.9) == []
    assert gateway.wait(0.2) == [Close()]


@pytest.mark.eqt("EQT-24")
def test_a_restored_buffer_keeps_the_batches_that_the_twin_has_under_other_content():
    gateway = Gateway()
    gateway.offer(1.0, 2.0)
    gateway.connect(have=9)
    assert seqs(gateway.hear(Ack(9))) == [2]
    assert gateway.hear(Refusal("conflict", 2)) == [Close()]
    assert gateway.deleted == [1]
    assert gateway.store.run != 77
    assert [(m.seq, m.r[0].value) for m in gateway.connect()] == [(1, 2.0)]


@pytest.mark.eqt("EQT-24")
def test_a_buffer_that_ends_before_what_the_twin_has_gets_a_new_run(gateway):
    assert gateway.connect(have=9) == [Close()]
    assert gateway.store.run != 77
    assert "the twin has 9" in gateway.sender.trouble


@pytest.mark.eqt("EQT-25")
def test_a_busy_twin_gets_time_and_then_everything_again(gateway):
    gateway.connect()
    gateway.offer(1.0, 2.0)
    gateway.hear(Ack(1))
    assert gateway.hear(Refusal("busy", 0, 700)) == []
    assert gateway.offer(3.0) == []
    assert gateway.wait(0.69) == []
    assert seqs(gateway.wait(0.02)) == [2, 3]


@pytest.mark.eqt("EQT-25")
def test_a_busy_twin_gets_the_hello_again(gateway):
    gateway.sender.on_time(gateway.now)
    assert gateway.hear(Refusal("busy", 0, 700)) == []
    assert gateway.wait(0.69) == []
    assert [type(a) for a in gateway.wait(0.02)] == [Hello]


@pytest.mark.eqt("EQT-10", "EQT-02")
@pytest.mark.parametrize("code", ["not_allowed", "bad_version", "bad_message", "made_up"])
def test_a_refused_hello_is_tried_again_later_with_the_reason_at_hand(gateway, code):
    gateway.sender.on_time(gateway.now)
    assert gateway.hear(Refusal(code, 0, 0, "because")) == [Close()]
    assert gateway.sender.trouble == f"{code}: because"
    gateway.connect()
    assert gateway.sender.trouble == ""


@pytest.mark.eqt("EQT-26")
def test_a_bye_is_known_to_have_arrived_by_the_refusal_of_what_follows(gateway):
    gateway.connect()
    gateway.offer(1.0)
    assert [type(a) for a in read(gateway.sender.bye(gateway.now))] == [Bye, Heartbeat]
    gateway.hear(Ack(1))
    assert gateway.deleted == [1]
    assert gateway.hear(Refusal("hello_first")) == [Close()]
    assert gateway.sender.stopped
    assert gateway.sender.on_time(gateway.now) == []


@pytest.mark.eqt("EQT-26")
def test_a_stop_doesnt_wait_for_a_twin_that_is_gone(gateway):
    gateway.connect()
    gateway.sender.bye(gateway.now)
    assert gateway.wait(1.0) == [Close()]
    assert gateway.sender.stopped


@pytest.mark.eqt("EQT-11")
def test_a_replay_says_so():
    gateway = Gateway(clock="replay", rate=100.0)
    hello = read(gateway.sender.on_time(gateway.now))[1]
    assert (hello.clock, hello.rate, hello.now) == ("replay", 100.0, gateway.now.wall_us)


@pytest.mark.eqt("EQT-06")
def test_indexes_keep_their_meaning_while_batches_are_held():
    store = FakeStore(77)
    Gateway(store).offer(1.0)
    again = Gateway(store, tags=[Tag("c"), Tag("b", "K")])
    assert again.sender.index == {"a": 0, "b": 1, "c": 2}
    with pytest.raises(DataError, match=r"'a' is in 'bar' in batches still held, not 'Pa'; send them first"):
        Gateway(store, tags=[Tag("a", "Pa")])
    store.delete_to(1)
    assert Gateway(store, tags=[Tag("a", "Pa")]).sender.index == {"a": 0}


@pytest.mark.eqt("EQT-03", "EQT-10")
def test_what_the_twin_would_refuse_is_refused_before_a_connection():
    with pytest.raises(DataError, match="regex"):
        Gateway(tags=[Tag("a b")])
    with pytest.raises(DataError, match="named twice"):
        Gateway(tags=[Tag("a"), Tag("a")])
    with pytest.raises(DataError, match="the most are"):
        Gateway(tags=[Tag(f"{i:0128}") for i in range(9_000)])


def test_what_cant_be_read_is_counted_and_isnt_an_answer(gateway):
    gateway.connect()
    gateway.offer(1.0)
    for frame in (b"", b"\xc1", encode(Bye()), batch(1, [])):
        assert gateway.sender.on_message(gateway.now, frame) == []
    assert gateway.sender.counts["unreadable"] == 4
    assert Close() in gateway.wait(3.01)
