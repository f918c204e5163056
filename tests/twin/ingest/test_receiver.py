"""The twin's side of EQT/1, frame by frame: who may speak, what is stored, and what is answered when."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.schedules import START, FakeJournal
from twin.errors import TwinError
from twin.ingest import receiver as module
from twin.ingest.receiver import Receiver
from twin.ingest.session import MOST_TAGS
from twin.protocol import (
    MAX_AHEAD,
    MAX_ROWS,
    MAX_TAGS,
    Ack,
    Bye,
    Heartbeat,
    Hello,
    Now,
    Refusal,
    Tag,
    Welcome,
    batch,
    decode_from_twin,
    encode,
    encode_json,
)

A, B = b"peer a", b"peer b"


class Twin:
    """A receiver with a journal, and a clock that is moved by hand."""

    def __init__(self, **options) -> None:
        self.journal = FakeJournal()
        self.receiver = Receiver(self.journal.have, self.journal.crc_of, **options)
        self.time = 100.0
        self.rejects: list = []

    @property
    def now(self) -> Now:
        return Now(START + round(self.time * 1e6), self.time)

    def say(self, *frames: bytes, peer: bytes = A, user: str | None = None) -> None:
        """Let frames arrive, one a message."""
        for frame in frames:
            self.receiver.on_frame(self.now, peer, user, [frame])

    def decide(self, full: int = 0) -> list:
        """Return what the receiver answers, with the peer, after an append that works or finds no room."""
        taken = self.receiver.take()
        self.rejects += taken.rejects
        if full:
            replies = self.receiver.full(full)
        else:
            self.journal.append(taken.drafts)
            replies = self.receiver.committed()
        return [(peer, decode_from_twin(frame)) for peer, frame in replies]

    def ask(self, *frames: bytes, peer: bytes = A, user: str | None = None, full: int = 0) -> list:
        """Return the answers to frames that arrive together."""
        self.say(*frames, peer=peer, user=user)
        return [message for _, message in self.decide(full)]

    def stored(self) -> list:
        return [(e.kind, e.seq) for e in self.journal.entries]

    def session(self, gateway: str = "gw1") -> dict:
        return self.receiver.status(self.now)["gateways"][gateway]

    def counts(self) -> dict:
        return self.receiver.status(self.now)["counts"]


@pytest.fixture
def twin() -> Twin:
    return Twin()


def hello(gw: str = "gw1", run: int = 5, first: int = 1, tags=("a", "b"), **more) -> bytes:
    return encode(Hello(1, gw, run, first, [Tag(n) for n in tags], **({"now": START} | more)))


def data(seq: int, value: float = 1.0, tag: int = 0) -> bytes:
    return batch(seq, [(tag, START, value, 0)])


def welcome(have: int, twin: Twin) -> Welcome:
    return Welcome(1, have, 32, 1 << 20, twin.now.wall_us)


@pytest.mark.eqt("EQT-14")
def test_a_batch_is_stored_as_it_came_and_then_acknowledged(twin):
    assert twin.ask(hello()) == [welcome(0, twin)]
    assert twin.ask(data(1), data(2)) == [Ack(2)]
    assert twin.stored() == [("hello", 0), ("data", 1), ("data", 2)]
    entry = twin.journal.entries[1]
    assert entry == ("data", "gw1", 5, 1, twin.now.wall_us, twin.now.wall_us, data(1))


@pytest.mark.eqt("EQT-14")
def test_nothing_is_answered_before_the_append(twin):
    twin.say(hello(), data(1))
    taken = twin.receiver.take()
    assert [d.kind for d in taken.drafts] == ["hello", "data"]
    for too_early in (twin.receiver.take, lambda: twin.say(data(2)), lambda: twin.receiver.tick(twin.now)):
        with pytest.raises(TwinError, match="undecided"):
            too_early()
    assert len(twin.receiver.committed()) == 2


@pytest.mark.eqt("EQT-01")
def test_answers_come_in_the_form_of_the_frame(twin):
    message = Hello(1, "gw1", 5, 1, [Tag("a")], START)
    twin.say(encode_json(message), b'{"t":"data","seq":1,"r":[[0,7,null,0]]}', b"{", b"\xc1")
    twin.receiver.take()
    assert [r.frame[:1] == b"{" for r in twin.receiver.committed()] == [True, True, True, False]


@pytest.mark.eqt("EQT-01")
def test_a_message_of_several_frames_or_none_is_refused(twin):
    for frames in ([], [hello(), b""], [b"a"] * 400):
        twin.receiver.on_frame(twin.now, A, "gw1", frames)
    assert [m.code for _, m in twin.decide()] == ["bad_message"] * 3
    assert twin.stored() == []
    assert twin.rejects[1] == ("gw1", twin.now.wall_us, "bad_message: message: 2 frames; send one", hello())


@pytest.mark.eqt("EQT-09")
def test_whoever_hasnt_said_hello_is_told_to(twin):
    for frame in (data(1), encode(Heartbeat(START)), encode(Bye())):
        assert [m.code for m in twin.ask(frame)] == ["hello_first"]
    assert twin.stored() == []
    assert twin.rejects == []


@pytest.mark.eqt("EQT-09")
def test_the_newest_hello_owns_the_session(twin):
    twin.ask(hello(), data(1))
    twin.time += 1.0
    assert twin.ask(hello(), peer=B) == [welcome(1, twin)]
    assert [m.code for m in twin.ask(data(2))] == ["hello_first"]
    assert twin.ask(data(2), peer=B) == [Ack(2)]
    assert twin.counts()["sessions taken over"] == 1


@pytest.mark.eqt("EQT-09")
def test_hellos_that_follow_too_soon_have_to_wait(twin):
    twin.ask(hello())
    twin.time += 0.05
    assert [(m.code, m.retry_ms) for m in twin.ask(hello())] == [("busy", 250)]
    twin.time += 0.06
    assert twin.ask(hello()) == [welcome(0, twin)]
    assert twin.stored() == [("hello", 0)] * 2


@pytest.mark.eqt("EQT-10")
def test_a_key_speaks_for_its_own_gateway_alone(twin):
    assert [m.code for m in twin.ask(hello("gw2"), user="gw1")] == ["not_allowed"]
    assert twin.ask(hello(), user="gw1") == [welcome(0, twin)]
    # A routing id is the peer's choice: another key that picks this one isn't let into the session.
    assert [m.code for m in twin.ask(data(1), user="gw2")] == ["hello_first"]
    assert twin.stored() == [("hello", 0)]


@pytest.mark.eqt("EQT-10")
def test_a_tag_belongs_to_the_first_gateway_that_declared_it(twin):
    twin.ask(hello(tags=["a"]))
    refused = twin.ask(hello("gw2", tags=["c", "a"]), peer=B)
    assert [m.code for m in refused] == ["not_allowed"]
    assert "'a' is another gateway's" in refused[0].text
    assert twin.ask(hello("gw2", tags=["c"]), peer=B) == [welcome(0, twin)]


@pytest.mark.eqt("EQT-10")
def test_owners_of_tags_are_remembered_from_the_journal():
    twin = Twin(owners={"a": "gw9"})
    assert [m.code for m in twin.ask(hello())] == ["not_allowed"]
    assert twin.ask(hello("gw9")) == [welcome(0, twin)]


@pytest.mark.eqt("EQT-10")
def test_a_tag_named_twice_is_refused(twin):
    assert [m.code for m in twin.ask(hello(tags=["a", "a"]))] == ["bad_message"]


@pytest.mark.eqt("EQT-11")
def test_a_replay_is_taken_only_where_it_is_expected(twin):
    assert [m.code for m in twin.ask(hello(clock="replay", rate=10.0))] == ["not_allowed"]
    assert [m.code for m in twin.ask(hello(rate=10.0))] == ["bad_message"]
    assert Twin(accept_replay=True).ask(hello(clock="replay", rate=10.0))[0].have == 0


@pytest.mark.eqt("EQT-11")
def test_a_replay_is_stamped_with_the_sources_clock_as_well():
    twin = Twin(accept_replay=True)
    twin.receiver.tick(twin.now)
    assert twin.decide() == []
    assert twin.stored() == [], "a twin that awaits a replay doesn't know the time yet"
    twin.ask(hello(clock="replay", rate=10.0, now=1_000_000))
    twin.time += 0.5
    twin.ask(data(1))
    twin.receiver.tick(twin.now)
    twin.decide()
    assert [(e.kind, e.clock) for e in twin.journal.entries] == [
        ("hello", 1_000_000),
        ("data", 6_000_000),
        ("tick", 6_000_000),
    ]
    assert twin.journal.entries[1].received == twin.now.wall_us


@pytest.mark.eqt("EQT-16")
@pytest.mark.parametrize("together", [True, False])
def test_a_batch_sent_again_is_stored_once_and_acknowledged_again(twin, together):
    twin.ask(hello())
    for _ in range(5):
        assert twin.ask(data(1), data(1)) == [Ack(1)] if together else twin.ask(data(1)) == [Ack(1)]
    assert twin.stored() == [("hello", 0), ("data", 1)]


@pytest.mark.eqt("EQT-12", "EQT-17")
def test_each_hole_is_answered_by_one_welcome_and_nothing_behind_it_is_stored(twin):
    twin.ask(hello(), data(1))
    assert twin.ask(data(3), data(4)) == [welcome(1, twin)]
    assert twin.ask(data(5)) == []
    assert twin.ask(data(2), data(4), data(5)) == [Ack(2), welcome(2, twin)]
    assert twin.stored() == [("hello", 0), ("data", 1), ("data", 2)]


@pytest.mark.eqt("EQT-17", "EQT-22")
def test_a_batch_refused_again_makes_a_new_hole(twin):
    twin.ask(hello())
    for bad in (data(1, tag=9), batch(1, [(0, -1, 1.0, 0)]), b"\xc1"):
        for _ in range(2):
            answers = twin.ask(bad, data(2), data(3))
            assert isinstance(answers[0], Refusal)
            assert answers[1:] == [welcome(0, twin)]
    assert twin.ask(batch(1, []), data(2)) == [Ack(2)]


@pytest.mark.eqt("EQT-18")
def test_declared_loss_is_journaled(twin):
    twin.ask(hello(), data(1))
    twin.time += 1.0
    assert twin.ask(hello(first=5)) == [welcome(4, twin)]
    assert twin.stored()[-2:] == [("hello", 0), ("gap", 4)]
    assert msgspec.msgpack.decode(twin.journal.entries[-1].body) == {"first": 2, "last": 4}
    assert twin.ask(data(3)) == [Ack(4)], "what was declared lost and comes after all stays lost"
    assert twin.ask(data(5)) == [Ack(5)]
    assert twin.counts()["batches late"] == 1


@pytest.mark.eqt("EQT-19")
def test_a_first_far_ahead_is_refused(twin):
    assert [m.code for m in twin.ask(hello(first=MAX_AHEAD + 1))] == ["conflict"]
    assert twin.stored() == []
    assert twin.ask(hello(first=MAX_AHEAD)) == [welcome(MAX_AHEAD - 1, twin)]


@pytest.mark.eqt("EQT-06")
def test_an_index_beyond_the_declared_tags_is_refused(twin):
    twin.ask(hello())
    refused = twin.ask(data(1, tag=2))
    assert [(m.code, m.seq) for m in refused] == [("unknown_tag", 1)]
    assert twin.rejects[0].frame == data(1, tag=2)
    twin.time += 1.0
    twin.ask(hello(tags=["a", "b", "c"]))
    assert twin.ask(data(1, tag=2)) == [Ack(1)]


@pytest.mark.eqt("EQT-05")
def test_a_batch_that_is_too_big_is_refused_by_its_number(twin):
    twin.ask(hello())
    refused = twin.ask(batch(1, [(0, START, 1.0, 0)] * (MAX_ROWS + 1)))
    assert [(m.code, m.seq) for m in refused] == [("too_big", 1)]


@pytest.mark.eqt("EQT-08")
def test_values_that_are_no_numbers_are_stored_as_sent(twin):
    twin.ask(hello())
    frames = [data(1, math.nan), data(2, math.inf), b'{"t":"data","seq":3,"r":[[0,7,null,0]]}']
    assert twin.ask(*frames) == [Ack(3)]
    assert [e.body for e in twin.journal.entries[1:]] == frames


@pytest.mark.eqt("EQT-23")
@pytest.mark.parametrize("together", [True, False])
def test_another_batch_under_a_stored_number_ends_the_session(twin, together):
    twin.ask(hello())
    if together:
        twin.say(data(1))
    else:
        twin.ask(data(1))
    answers = twin.ask(data(1, value=2.0), data(2))
    assert [getattr(m, "code", "ack") for m in answers] == ["ack"] * together + ["conflict", "hello_first"]
    assert answers[-2].seq == 1
    assert twin.journal.frames == {("gw1", 5, 1): data(1)}
    assert twin.rejects[-1].frame == data(1, value=2.0)
    assert twin.ask(hello(run=6), data(1, value=2.0))[1] == Ack(1)


@pytest.mark.eqt("EQT-25")
def test_a_full_disk_stores_nothing_and_says_busy_to_whom_it_concerns(twin):
    twin.ask(hello(), data(1))
    twin.ask(hello("gw2", tags=["c"]), peer=B)
    twin.say(data(2), data(3))
    twin.say(encode(Heartbeat(START)), peer=B)
    assert twin.decide(full=500) == [
        (A, Refusal("busy", 0, 500, "journal: the twin's disk is full; wait, send again")),
        (B, Ack(0)),
    ]
    assert twin.session()["have"] == 1
    assert twin.ask(data(2)) == [Ack(2)]


@pytest.mark.eqt("EQT-25")
def test_a_hello_that_found_no_room_has_changed_nothing(twin):
    twin.ask(hello(tags=["a"]), data(1))
    twin.time += 1.0
    assert [m.code for m in twin.ask(hello(first=9, tags=["a", "b"]), data(9), peer=B, full=500)] == ["busy"] * 2
    assert twin.session()["have"] == 1
    assert twin.ask(data(2)) == [Ack(2)], "the old connection still owns the session"
    assert twin.ask(hello("gw2", tags=["b"]), peer=B) == [welcome(0, twin)], "nobody owns the tag"


@pytest.mark.eqt("EQT-25")
def test_a_peer_that_changed_its_name_has_its_old_one_back_where_there_was_no_room(twin):
    twin.ask(hello(tags=["a"]))
    twin.ask(hello("gw2", tags=["b"]), full=500)
    assert twin.ask(data(1)) == [Ack(1)]
    assert set(twin.receiver.status(twin.now)["gateways"]) == {"gw1"}


@pytest.mark.eqt("EQT-26")
def test_a_bye_is_journaled_and_ends_the_session(twin):
    twin.ask(hello())
    assert [m.code for m in twin.ask(encode(Bye()), encode(Heartbeat(START)))] == ["hello_first"]
    assert twin.stored() == [("hello", 0), ("bye", 0)]
    assert twin.journal.entries[1].run == 5


@pytest.mark.eqt("EQT-20")
def test_a_heartbeat_is_answered_and_journals_nothing(twin):
    twin.ask(hello(), data(1))
    assert twin.ask(encode(Heartbeat(twin.now.wall_us + 70_000))) == [Ack(1)]
    assert twin.session()["ahead_us"] == 70_000
    assert len(twin.stored()) == 2


def test_a_tick_names_the_gateways_that_were_heard_of(twin):
    twin.ask(hello("gw2", tags=["c"]), peer=B)
    twin.ask(hello())
    twin.time += 2.0
    twin.ask(encode(Heartbeat(START)))
    for alive in (["gw1", "gw2"], ["gw1"], []):
        twin.receiver.tick(twin.now)
        twin.decide()
        tick = twin.journal.entries[-1]
        assert tick[:6] == ("tick", "", 0, 0, twin.now.wall_us, twin.now.wall_us)
        assert msgspec.msgpack.decode(tick.body) == {"alive": alive}
        twin.time += 2.0


def test_what_is_refused_keeps_a_gateway_alive_and_a_stranger_unknown(twin):
    twin.ask(hello())
    twin.time += 5.0
    twin.ask(b"\xc1")
    twin.ask(b"\xc1", peer=B, user="gw2")
    assert twin.session()["alive"]
    assert [r.gateway for r in twin.rejects] == ["gw1", "gw2"]


def test_after_a_restart_everything_continues_from_the_journal(twin):
    twin.ask(hello(), data(1), data(2))
    again = Twin(owners=twin.journal.owners())
    again.journal.append(twin.journal.entries)
    assert [m.code for m in again.ask(data(3))] == ["hello_first"]
    assert again.ask(hello(), data(2), data(3)) == [welcome(2, again), Ack(3)]


def test_a_new_gateway_takes_the_place_of_the_longest_silent_one_only(twin, monkeypatch):
    monkeypatch.setattr(module, "MOST_GATEWAYS", 2)
    for i in range(2):
        twin.ask(hello(f"gw{i}", tags=[]), peer=b"%d" % i)
        twin.time += 0.5
    assert [m.code for m in twin.ask(hello("gw2", tags=[]), peer=b"2")] == ["not_allowed"]
    twin.time += 2.7
    assert twin.ask(hello("gw2", tags=[]), peer=b"2") == [welcome(0, twin)]
    assert set(twin.receiver.status(twin.now)["gateways"]) == {"gw1", "gw2"}


def test_tag_names_are_bounded_by_gateway_and_in_all():
    many = [f"x{i}" for i in range(MAX_TAGS)]
    twin = Twin(owners=dict.fromkeys(many, "gw1") | {f"y{i}": "gw2" for i in range(MOST_TAGS - MAX_TAGS - 1)})
    refused = twin.ask(hello(tags=["a"]))
    assert "of one gateway" in refused[0].text
    refused = twin.ask(hello("gw3", tags=["a", "b"]))
    assert "in all" in refused[0].text
    assert twin.ask(hello("gw3", tags=["a"])) == [welcome(0, twin)]


def test_the_status_is_plain_values(twin):
    twin.ask(hello(), data(1), data(3), b"\xc1")
    status = msgspec.json.decode(msgspec.json.encode(twin.receiver.status(twin.now)))
    assert status["gateways"]["gw1"] == {
        "run": 5,
        "have": 1,
        "tags": 2,
        "alive": True,
        "silent_s": 0.0,
        "clock": "wall",
        "ahead_us": START - twin.now.wall_us,
    }
    assert status["counts"] == {
        "messages": 4,
        "batches": 1,
        "readings": 1,
        "batches behind a hole": 1,
        "refused: bad_message": 1,
    }


frames = st.one_of(
    st.binary(max_size=60),
    st.builds(data, st.integers(1, 6), st.sampled_from([1.0, 2.0]), st.integers(0, 2)),
    st.builds(hello, st.sampled_from(["gw1", "gw2"]), st.integers(1, 2), st.integers(1, 6), st.just(("a",))),
    st.sampled_from([encode(Heartbeat(7)), encode(Bye()), encode(Ack(3)), batch(1, [])]),
)
arrivals = st.lists(
    st.tuples(st.sampled_from([A, B]), st.sampled_from([None, "gw1", "gw2"]), frames, st.floats(0, 2)), max_size=30
)


@pytest.mark.eqt("EQT-12", "EQT-14", "EQT-16", "EQT-25")
@given(arrivals, st.integers(0, 2**30))
def test_whatever_arrives_the_journal_has_no_holes_and_nothing_else_is_acknowledged(sent, luck):
    twin = Twin()
    for i, (peer, user, frame, pause) in enumerate(sent):
        twin.time += pause
        twin.say(frame, peer=peer, user=user)
        if luck >> i & 1:
            most = max(twin.journal.last.values(), default=0)
            answers = twin.decide(full=300 if luck >> (i + 7) & 1 else 0)  # FakeJournal checks every seq
            most = max(twin.journal.last.values(), default=most)
            assert all(m.have <= most for _, m in answers if not isinstance(m, Refusal))
    assert all(last >= 1 for last in twin.journal.last.values())
