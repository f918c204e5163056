"""The twin's side of EQT/1 as a pure state machine: no socket, no clock, no disk.

The shell's loop::

    for every message that has arrived (at most 200 or 5 ms):
        receiver.on_frame(now, peer, user, frames)
    receiver.tick(now)                                   once a second
    taken = receiver.take()                              always followed by committed() or full()
    try:
        journal.append(taken.drafts)                     where there are any
        replies = receiver.committed()
    except JournalFull:
        replies = receiver.full(retry_ms)

No reply leaves before the outcome of the append is known, so nothing that isn't on disk is ever acknowledged.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec

from twin.errors import TwinError
from twin.ingest.session import Session, admit
from twin.journal.entries import Draft, Kind
from twin.protocol import (
    MAX_AHEAD,
    Ack,
    Bye,
    Data,
    FrameError,
    FromTwin,
    Hello,
    Now,
    Refusal,
    decode_from_gateway,
    encode,
    encode_json,
    is_json,
)

MOST_GATEWAYS = 256
"""Sessions kept at once."""
HELLO_INTERVAL = 0.1
"""A gateway's hellos are taken this far apart [s]: each is an entry of the journal."""
HELLO_RETRY = 250
"""When one that came sooner should try again [ms]."""


class Reply(NamedTuple):
    """An encoded message to `peer`, the routing id; JSON where the peer speaks JSON."""

    peer: bytes
    frame: bytes


class Reject(NamedTuple):
    """A frame that was refused, in the order of the arguments of `Journal.reject`."""

    gateway: str
    received: int
    reason: str
    frame: bytes


class Taken(NamedTuple):
    """What has gathered since the last time: drafts for one append, and refused frames for the table beside it."""

    drafts: list[Draft]
    rejects: list[Reject]


class _Answer(NamedTuple):
    peer: bytes
    gateway: str
    message: FromTwin
    json: bool


class Receiver:
    """Turns frames into drafts, and the outcome of their append into replies.

    Parameters
    ----------
    have : callable
        ``have(gateway, run)``: the last seq stored or declared lost, 0 if there is none.
    crc_of : callable
        ``crc_of(gateway, run, seq)``: the CRC-32 of the stored frame, None where that seq isn't stored.
    owners : mapping, optional
        The gateway that owns each tag name, from the journal's hellos.
    accept_replay : bool, optional
        Whether gateways may speak of recorded or accelerated time.
    """

    def __init__(
        self,
        have: Callable[[str, int], int],
        crc_of: Callable[[str, int, int], int | None],
        *,
        owners: Mapping[str, str] | None = None,
        accept_replay: bool = False,
    ) -> None:
        self._have, self._crc_of, self._accept_replay = have, crc_of, accept_replay
        self._owners = dict(owners or {})
        self._sessions: dict[str, Session] = {}
        self._peers: dict[bytes, str] = {}
        self._counts: Counter[str] = Counter()
        self._drafts: list[Draft] = []
        self._rejects: list[Reject] = []
        self._answers: list[_Answer] = []
        self._acks: dict[bytes, int] = {}
        self._undecided = False
        # What `full` goes back to: sessions before this batch, tag names it claimed.
        self._before: dict[str, Session | None] = {}
        self._claimed: list[str] = []
        # What isn't in the journal yet: last seqs by run, checksums by seq.
        self._reached: dict[tuple[str, int], int] = {}
        self._crcs: dict[tuple[str, int, int], int] = {}

    def on_frame(self, now: Now, peer: bytes, user: str | None, frames: Sequence[bytes]) -> None:
        """Take one message.

        Parameters
        ----------
        now : Now
            Both clocks.
        peer : bytes
            The routing id.
        user : str or None
            The gateway that the peer's key is registered for; None where there are no keys.
        frames : sequence of bytes
            The frames behind the routing id.
        """
        self._ready()
        self._counts["messages"] += 1
        session = self._heard(now, peer, user)
        frame = frames[0] if frames else b""
        try:
            if len(frames) != 1:
                raise FrameError(f"message: {len(frames)} frames; send one")
            message = decode_from_gateway(frame)
            if isinstance(message, Hello):
                self._on_hello(now, peer, user, frame, message)
            elif session is None:
                raise FrameError("session: this connection owns none; say hello", "hello_first")
            elif isinstance(message, Data):
                self._on_data(now, session, frame, message)
            elif isinstance(message, Bye):
                self._draft("bye", now, session, 0, frame)
                self._drop(session.gateway)
            else:
                self._sessions[session.gateway] = session._replace(ahead=message.now - session.clock(now))
                self._answer(session.peer, session.gateway, Ack(session.have), frame)
        except FrameError as why:
            self._refuse(now, peer, user, frame, why)

    def tick(self, now: Now) -> None:
        """Add the tick of this second, which names the gateways that are heard of.

        Its clock is that of the replay that is furthest, where there is one. A twin that awaits a replay has no
        time of its own, and no ticks, while nobody has said hello.
        """
        self._ready()
        if not self._sessions and self._accept_replay:
            return
        alive = sorted(s.gateway for s in self._sessions.values() if s.alive(now))
        body = msgspec.msgpack.encode({"alive": alive})
        self._drafts.append(Draft("tick", "", 0, 0, now.wall_us, self.clock(now), body))

    def clock(self, now: Now) -> int:
        """Return the time [us UTC] of what no gateway says: that of the replay that is furthest, else ours."""
        return max((s.clock(now) for s in self._sessions.values() if s.rate), default=now.wall_us)

    def take(self) -> Taken:
        """Hand out what has gathered; the next call must be `committed` or `full`."""
        self._ready()
        self._undecided = True
        taken = Taken(self._drafts, self._rejects)
        self._drafts, self._rejects = [], []
        return taken

    def committed(self) -> list[Reply]:
        """Return the replies, now that the drafts of `take` are on disk."""
        return self._decided()

    def full(self, retry_ms: int) -> list[Reply]:
        """Forget the drafts of `take`, which found no room, and return replies that say so.

        Parameters
        ----------
        retry_ms : int
            When the gateways should try again [ms].
        """
        for gateway in self._before:
            self._forget(gateway)
        for before in self._before.values():
            if before:
                self._remember(before)
        for name in self._claimed:
            del self._owners[name]
        self._drafts.clear()
        busy = Refusal("busy", retry_ms=retry_ms, text="journal: the twin's disk is full; wait, send again")
        answers = self._answers
        for i, answer in enumerate(answers):
            if answer.gateway in self._before and not isinstance(answer.message, Refusal):
                answers[i] = answer._replace(message=busy)
                self._counts["busy"] += 1
        return self._decided()

    def status(self, now: Now) -> dict[str, object]:
        """Return what was counted, and what is known of every gateway, as plain values."""
        gateways = {s.gateway: s.status(now) for s in self._sessions.values()}
        return {"counts": dict(self._counts), "tags": len(self._owners), "gateways": gateways}

    def _ready(self) -> None:
        if self._undecided:
            raise TwinError("receiver: the last batch is undecided; call committed() or full() first")

    def _decided(self) -> list[Reply]:
        replies = [Reply(a.peer, (encode_json if a.json else encode)(a.message)) for a in self._answers]
        self._answers, self._undecided = [], False
        self._acks, self._before, self._claimed, self._reached, self._crcs = {}, {}, [], {}, {}
        return replies

    def _heard(self, now: Now, peer: bytes, user: str | None) -> Session | None:
        """Return the session that this connection owns, which was just heard of."""
        session = self._sessions.get(self._peers.get(peer, ""))
        # Routing ids are the peer's choice: after a disconnect another key's may turn up with this one's.
        if session is None or user not in (None, session.gateway):
            return None
        session = session._replace(heard=now.monotonic_s)
        self._sessions[session.gateway] = session
        return session

    def _on_hello(self, now: Now, peer: bytes, user: str | None, frame: bytes, hello: Hello) -> None:
        admit(hello, user, self._owners, self._accept_replay)
        self._make_room(now, hello.gw)
        have = self._reached.get((hello.gw, hello.run))
        have = self._have(hello.gw, hello.run) if have is None else have
        if hello.first > have + MAX_AHEAD:
            text = f"hello: first is {hello.first}, and of this run the twin has {have}; start a new run"
            raise FrameError(text, "conflict")
        if hello.gw in self._sessions:
            self._counts["sessions taken over"] += 1
        self._drop(hello.gw)
        if peer in self._peers:
            self._drop(self._peers[peer])
        session = Session.of(hello, peer, have, now)
        self._draft("hello", now, session, 0, frame)
        if hello.first > have + 1:
            body = msgspec.msgpack.encode({"first": have + 1, "last": hello.first - 1})
            self._draft("gap", now, session, hello.first - 1, body)
            session = session._replace(have=hello.first - 1)
            self._counts["batches declared lost"] += hello.first - 1 - have
        self._reached[hello.gw, hello.run] = session.have
        self._remember(session)
        for tag in hello.tags:
            if tag.n not in self._owners:
                self._owners[tag.n] = hello.gw
                self._claimed.append(tag.n)
        self._answer(peer, hello.gw, session.welcome(now), frame)

    def _make_room(self, now: Now, gateway: str) -> None:
        session = self._sessions.get(gateway)
        if session and now.monotonic_s - session.began.monotonic_s < HELLO_INTERVAL:
            raise FrameError("hello: so soon after the last one; wait", "busy")
        if session is None and len(self._sessions) >= MOST_GATEWAYS:
            silent = min(self._sessions.values(), key=lambda s: s.heard)
            if silent.alive(now):
                raise FrameError(f"hello: {MOST_GATEWAYS} gateways are connected; run another twin", "not_allowed")
            self._drop(silent.gateway)

    def _on_data(self, now: Now, session: Session, frame: bytes, data: Data) -> None:
        key = session.gateway, session.run, data.seq
        if data.seq > session.have + 1:
            self._counts["batches behind a hole"] += 1
            if not session.hole:
                self._sessions[session.gateway] = session._replace(hole=True)
                self._answer(session.peer, session.gateway, session.welcome(now), frame)
            return
        crc = crc32(frame)
        if data.seq <= session.have:
            stored = self._crcs[key] if key in self._crcs else self._crc_of(*key)
            if stored not in (None, crc):
                text = f"data: another batch is stored as {data.seq} of run {session.run}; start a new run"
                raise FrameError(text, "conflict", data.seq)
            self._counts["duplicates" if stored is not None else "batches late"] += 1
        else:
            highest = max((row.tag for row in data.r), default=-1)
            if highest >= session.tags:
                text = f"data: tag {highest} of {session.tags} declared; say hello with every tag first"
                raise FrameError(text, "unknown_tag", data.seq)
            self._before.setdefault(session.gateway, session)
            self._draft("data", now, session, data.seq, frame)
            session = session._replace(have=data.seq, hole=False)
            self._sessions[session.gateway] = session
            self._reached[session.gateway, session.run], self._crcs[key] = data.seq, crc
            self._counts["batches"] += 1
            self._counts["readings"] += len(data.r)
        self._answer(session.peer, session.gateway, Ack(session.have), frame)

    def _refuse(self, now: Now, peer: bytes, user: str | None, frame: bytes, why: FrameError) -> None:
        """Answer with the reason, and keep the frame where a person may want to see it."""
        self._counts[f"refused: {why.code}"] += 1
        session = self._heard(now, peer, user)
        gateway = session.gateway if session else user or ""
        if session and why.code == "conflict":
            # What is still underway behind it belongs to neither run: it must not be stored in this one.
            self._forget(gateway)
            self._before[gateway] = None
        elif session and why.seq in (0, session.have + 1):
            self._sessions[gateway] = session._replace(hole=False)
        if why.code not in ("hello_first", "busy"):
            self._rejects.append(Reject(gateway, now.wall_us, f"{why.code}: {why}", frame))
        retry = HELLO_RETRY if why.code == "busy" else 0
        self._answer(peer, gateway, Refusal(why.code, why.seq, retry, str(why)), frame)

    def _draft(self, kind: Kind, now: Now, session: Session, seq: int, body: bytes) -> None:
        clock = session.clock(now)
        self._drafts.append(Draft(kind, session.gateway, session.run, seq, now.wall_us, clock, body))

    def _answer(self, peer: bytes, gateway: str, message: FromTwin, frame: bytes) -> None:
        """Queue an answer to `frame`; acknowledgements in a row become one."""
        answer = _Answer(peer, gateway, message, is_json(frame))
        last = self._acks.get(peer)
        if not isinstance(message, Ack):
            self._acks.pop(peer, None)
        elif last is not None:
            self._answers[last] = answer
            return
        else:
            self._acks[peer] = len(self._answers)
        self._answers.append(answer)

    def _remember(self, session: Session) -> None:
        self._sessions[session.gateway] = session
        self._peers[session.peer] = session.gateway

    def _drop(self, gateway: str) -> None:
        """End a session until the drafts are stored, or for good."""
        self._before.setdefault(gateway, self._sessions.get(gateway))
        self._forget(gateway)

    def _forget(self, gateway: str) -> None:
        session = self._sessions.pop(gateway, None)
        if session:
            self._peers.pop(session.peer, None)
