"""The gateway's side of EQT/1 as a pure state machine: no socket and no clock, and of the disk only a `Store`.

The shell's loop::

    perform(sender.offer(now, rows))             when there are readings
    perform(sender.on_message(now, frame))       for every frame of the twin
    perform(sender.on_time(now))                 after sender.wait(now) seconds, or sooner

where `Connect` opens a new socket, `Close` closes it, and `Send` puts a frame in an outbox that is emptied as far as
the socket takes it, and dropped by `Close`.

What the twin claims to have is deleted only after it was sent again on this connection, one batch at a time: a
buffer that was restored or cloned learns by ``conflict`` that those are another's.
"""

import random
from collections import Counter
from collections.abc import Sequence
from math import inf

from twin.gateway.shell import Action, Close, Connect, Reading, Send, Store, joined
from twin.protocol import (
    HEARTBEAT,
    MAX_BYTES,
    MAX_ROWS,
    MAX_RUN,
    SILENCE,
    VERSION,
    Ack,
    Bye,
    Clock,
    FrameError,
    FromGateway,
    Heartbeat,
    Hello,
    Now,
    Refusal,
    Tag,
    Welcome,
    batch,
    decode_from_gateway,
    decode_from_twin,
    encode,
)

FIRST_WAIT, LONGEST_WAIT = 0.25, 1.0
"""Between two connections [s]; doubled each time, spread by half."""
STEADY = 2.0
"""A connection that has lasted so long [s] makes the next wait short again."""
POISON, REFUSALS = ("bad_message", "too_big", "unknown_tag"), 2
"""Refusals that are the batch's own fault, and how many of them have it set aside."""


class Sender:
    """Owns the connection's state, the window, the waits, what is sent again, poison batches and runs.

    Parameters
    ----------
    gateway : str
        The name registered for the key.
    tags : sequence of Tag
        What this gateway reads.
    store : Store
        The buffer.
    stream : random.Random
        Spreads the waits and draws new runs.
    clock : {"wall", "replay"}, optional
        Whether `Now.wall_us` is recorded or accelerated time.
    rate : float, optional
        How fast a replay's time runs.

    Attributes
    ----------
    index : dict
        The index of each tag, by name, for the rows of `offer`.
    connected, stopped : bool
        Whether the twin has welcomed this connection, and whether the last one is closed for good.
    trouble : str
        What the twin last refused; empty since it last welcomed.
    counts : collections.Counter
        What happened how often.

    Raises
    ------
    DataError
        If the hello wouldn't be taken, or a tag has another unit than in batches that are still held.
    """

    def __init__(
        self,
        gateway: str,
        tags: Sequence[Tag],
        store: Store,
        stream: random.Random,
        *,
        clock: Clock = "wall",
        rate: float = 1.0,
    ) -> None:
        self._gateway, self._store, self._stream = gateway, store, stream
        self._clock, self._rate = clock, rate
        self._tags = joined(store.tags() if store.first() < store.next() else [], tags)
        decode_from_gateway(encode(self._greeting(Now(0, 0.0))))
        store.declare(self._tags)
        self.index = {tag.n: i for i, tag in enumerate(self._tags)}
        self.trouble = ""
        self.counts: Counter[str] = Counter()
        self._socket = self.connected = self._leaving = self.stopped = False
        # Seqs: acknowledged on this connection, sent on it, claimed by the twin, sent alone up to.
        self._acked = self._sent = self._have = self._alone = 0
        self._window, self._max_bytes, self._failures = 1, MAX_BYTES, 0
        # Instants [s, monotonic]: the next connection, the end of a pause, of the welcome, the last sending, the
        # last progress, and since when something is unanswered.
        self._until = self._pause = self._since = self._spoke = self._moved = -inf
        self._asked: float | None = None
        self._refused: Counter[int] = Counter()

    @property
    def outstanding(self) -> int:
        """How many batches are held because they aren't known to be on the twin's disk."""
        return self._store.next() - self._store.first()

    def offer(self, now: Now, rows: Sequence[Reading]) -> list[Action]:
        """Store readings, and send what the window allows.

        Parameters
        ----------
        now : Now
            Both clocks.
        rows : sequence of Reading
            They become one batch; where they are more than a batch holds, several.
        """
        for i in range(0, len(rows), MAX_ROWS):
            self._store.store(seq := self._store.next(), batch(seq, rows[i : i + MAX_ROWS]))
        return self._pump(now)

    def on_message(self, now: Now, frame: bytes) -> list[Action]:
        """Take one frame of the twin."""
        if not self._socket:
            return []
        try:
            message = decode_from_twin(frame)
        except FrameError as err:
            self.counts["unreadable"] += 1
            self.trouble = str(err)
            return []
        self._asked = None
        if isinstance(message, Ack):
            self._confirm(now, message.have)
            actions = self._pump(now)
        elif isinstance(message, Welcome):
            actions = self._on_welcome(now, message)
        else:
            actions = self._on_refusal(now, message)
        self._asked = now.monotonic_s if self._asked is None and self._expecting(now) else self._asked
        return actions

    def on_time(self, now: Now) -> list[Action]:
        """Do what is due: connect, heartbeat, send again, give up a silent twin."""
        time = now.monotonic_s
        if not self._socket:
            if self.stopped or time < self._until:
                return []
            self._socket = True
            return [Connect(), *self._hello(now)]
        if self._leaving and time >= self._spoke + HEARTBEAT:
            return self._stop()
        if self._asked is not None and time >= self._asked + SILENCE:
            return self._give_up(now)
        if not self.connected:
            # Only a pause that the twin has asked for leaves a hello without an answer to wait for.
            return self._hello(now) if self._asked is None and time >= self._pause else []
        if self._sent > self._acked and time >= self._moved + SILENCE:
            self.counts["standstills"] += 1
            return self._hello(now)
        actions = self._pump(now)
        if time >= self._spoke + HEARTBEAT and not self._proving:
            actions += self._send(now, Heartbeat(now.wall_us))
        return actions

    def on_break(self, now: Now) -> list[Action]:
        """Take note that the connection broke: what was sent on it may be lost, and no answer comes."""
        return self._give_up(now) if self._socket else []

    def wait(self, now: Now) -> float:
        """Return how many seconds `on_time` may be left alone."""
        if not self._socket:
            return max(0.0, self._until - now.monotonic_s)
        due = [] if self._asked is None else [self._asked + SILENCE]
        if self._pause > now.monotonic_s:
            due.append(self._pause)
        if self._leaving or (self.connected and not self._proving):
            due.append(self._spoke + HEARTBEAT)
        if self.connected and self._sent > self._acked:
            due.append(self._moved + SILENCE)
        return max(0.0, min(due, default=0.0) - now.monotonic_s)

    def bye(self, now: Now) -> list[Action]:
        """Say that this stop is planned; `stopped` is set once the twin knows or is taking too long."""
        if not self.connected:
            return self._stop()
        self._leaving = True
        # The heartbeat behind it is refused, which says that the bye has arrived.
        return self._send(now, Bye()) + self._send(now, Heartbeat(now.wall_us))

    @property
    def _proving(self) -> bool:
        """Whether a batch is out alone, so that the next acknowledgement is the answer to it."""
        return self._acked < self._sent and self._acked < max(self._have, self._alone)

    def _expecting(self, now: Now) -> bool:
        """Whether the twin still owes an answer."""
        greeted = not self.connected and now.monotonic_s >= self._pause
        return self._socket and (self._sent > self._acked or self._leaving or greeted)

    def _hello(self, now: Now) -> list[Action]:
        self.connected, self._pause = False, -inf
        return self._send(now, self._greeting(now))

    def _greeting(self, now: Now) -> Hello:
        run, first = self._store.run, self._store.first()
        return Hello(VERSION, self._gateway, run, first, self._tags, now.wall_us, self._clock, self._rate)

    def _send(self, now: Now, said: FromGateway | bytes) -> list[Action]:
        self._spoke = now.monotonic_s
        self._asked = self._spoke if self._asked is None else self._asked
        return [Send(said if isinstance(said, bytes) else encode(said))]

    def _pump(self, now: Now) -> list[Action]:
        """Send what the window allows."""
        if not self.connected or self._leaving or now.monotonic_s < self._pause:
            return []
        actions: list[Action] = []
        end = self._store.next()
        if self._sent + 1 < self._store.first():
            self.counts["overflows"] += 1
            return self._hello(now)
        while self._sent + 1 < end:
            if self._sent - self._acked >= (1 if self._acked < max(self._have, self._alone) else self._window):
                break
            if self._sent == self._acked:
                self._moved = now.monotonic_s
            self._sent += 1
            actions += self._send(now, self._body(self._sent))
        if self._acked + 1 == end and self._have >= end:
            # The twin has more of this run than was ever made here: the buffer was restored, or has a double.
            self.trouble = f"buffer: it ends at {end - 1}, the twin has {self._have} of its run"
            return self._renew(now)
        return actions

    def _body(self, seq: int) -> bytes:
        body = self._store.body(seq)
        if len(body) <= self._max_bytes:
            return body
        self._set_aside(seq)
        return self._store.body(seq)

    def _set_aside(self, seq: int) -> None:
        self.counts["set aside"] += 1
        self._store.set_aside(seq, batch(seq, []))

    def _confirm(self, now: Now, have: int) -> None:
        """Delete what was sent on this connection and is on the twin's disk."""
        acked = min(have, self._sent)
        if acked > self._acked:
            self._acked, self._moved = acked, now.monotonic_s
            self._store.delete_to(acked)
            self._refused = Counter({seq: n for seq, n in self._refused.items() if seq > acked})

    def _on_welcome(self, now: Now, welcome: Welcome) -> list[Action]:
        if welcome.v != VERSION:
            self.trouble = f"welcome: version {welcome.v}; this gateway speaks {VERSION}"
            return self._give_up(now)
        if self.connected:
            # The twin met a hole, and took nothing behind it.
            self._have, self._sent = max(self._have, welcome.have), self._acked
            return self._pump(now)
        if welcome.have + 1 < self._store.first():
            # Batches were dropped for want of room since the hello: they are still to be declared.
            self._pause, self._sent = now.monotonic_s + FIRST_WAIT, self._acked
            return []
        self.connected, self._since, self.trouble = True, now.monotonic_s, ""
        self._window, self._max_bytes, self._have = welcome.window, welcome.max_bytes, welcome.have
        self._acked = self._sent = self._store.first() - 1
        return self._pump(now)

    def _on_refusal(self, now: Now, refusal: Refusal) -> list[Action]:
        self.counts[f"refused: {refusal.code:.20}"] += 1
        if refusal.code == "hello_first":
            if self._leaving:
                return self._stop()
            if not self.connected:
                return []
            # Said so soon again, it means that somebody else speaks by this name.
            return self._give_up(now) if now.monotonic_s - self._since < SILENCE else self._hello(now)
        self.trouble = f"{refusal.code:.20}: {refusal.text:.200}"
        if refusal.code == "busy":
            self._pause = now.monotonic_s + max(refusal.retry_ms / 1000, FIRST_WAIT)
            self._sent = self._acked
            return []
        if refusal.code == "conflict":
            return self._renew(now)
        if refusal.code in POISON and self.connected:
            return self._on_poison(now, refusal.seq)
        return self._give_up(now)

    def _on_poison(self, now: Now, seq: int) -> list[Action]:
        """Count refusals of a batch; one without a seq is found by sending batches alone."""
        if seq == 0 and self._proving:
            seq = self._sent
        elif seq == 0:
            self._alone = max(self._alone, self._sent)
            return self._give_up(now)
        if not max(self._acked + 1, self._store.first()) <= seq <= self._sent:
            return []
        self._refused[seq] += 1
        if self._refused[seq] > REFUSALS:
            return self._give_up(now)
        if self._refused[seq] == REFUSALS:
            self._set_aside(seq)
        if seq < self._sent:
            # What follows it meets a hole, which the twin answers with a welcome.
            return []
        self._sent = self._acked
        return self._pump(now)

    def _renew(self, now: Now) -> list[Action]:
        self.counts["new runs"] += 1
        self._store.new_run(self._stream.randrange(1, MAX_RUN + 1))
        self._sent = self._acked = self._have = self._alone = 0
        self._refused.clear()
        return self._give_up(now)

    def _give_up(self, now: Now) -> list[Action]:
        """Close the connection, and wait before the next one, unless this was the last."""
        if self._leaving:
            return self._stop()
        if self.connected and now.monotonic_s - self._since > STEADY:
            self._failures = 0
        wait = min(FIRST_WAIT * 2.0**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 10)
        self._until = now.monotonic_s + wait * self._stream.uniform(0.5, 1.5)
        self._socket = self.connected = False
        self._sent, self._asked = self._acked, None
        self.counts["connections given up"] += 1
        return [Close()]

    def _stop(self) -> list[Action]:
        self._socket = self.connected = False
        self.stopped = True
        return [Close()]
