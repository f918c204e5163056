"""Both machines of EQT/1 in a world of fake clock, network and disks, driven into trouble by one seed."""

import random
from collections import Counter, deque
from collections.abc import Callable
from zlib import crc32

import msgspec

from twin.gateway.sender import Sender
from twin.gateway.shell import Close, Connect, Send
from twin.ingest.receiver import Receiver
from twin.journal.entries import Draft
from twin.protocol import FrameError, Now, Tag, renumber, rows

START = 1_700_000_000_000_000
"""The wall clock at the monotonic zero [us UTC]."""


class FakeStore:
    """A gateway's buffer whose deletions, and only these, may be undone by a crash.

    `on_delete` is called with (run, seq, frame) of everything that is deleted as acknowledged; `spoilt` is what the
    disk makes of the next batch.
    """

    def __init__(self, run: int, room: int = 10**9) -> None:
        self.run, self.room = run, room
        self.frames: dict[int, bytes] = {}
        self.aside: dict[tuple[int, int], bytes] = {}
        self.dropped: list[bytes] = []
        self.end = 1
        self.spoilt = b""
        self.known: list[Tag] = []
        self.on_delete: Callable[[int, int, bytes], None] = lambda run, seq, frame: None
        self._undone: dict[int, bytes] = {}

    def tags(self) -> list[Tag]:
        return list(self.known)

    def declare(self, tags: list[Tag]) -> None:
        self.known = list(tags)

    def first(self) -> int:
        return next(iter(self.frames), self.end)

    def next(self) -> int:
        return self.end

    def body(self, seq: int) -> bytes:
        return self.frames[seq]

    def store(self, seq: int, frame: bytes) -> None:
        assert seq == self.end
        self.frames[seq], self.end, self.spoilt = self.spoilt or frame, seq + 1, b""
        while len(self.frames) > self.room:
            self.dropped.append(self.frames.pop(self.first()))
        self._undone.clear()

    def delete_to(self, seq: int) -> None:
        while self.frames and self.first() <= seq:
            first = self.first()
            self._undone[first] = self.frames.pop(first)
            self.on_delete(self.run, first, self._undone[first])

    def set_aside(self, seq: int, frame: bytes) -> None:
        self.aside.setdefault((self.run, seq), self.frames[seq])
        self.frames[seq] = frame
        self._undone.clear()

    def new_run(self, run: int) -> None:
        self.frames = {i: self._renumbered(i, f) for i, f in enumerate(self.frames.values(), 1)}
        self.run, self.end = run, len(self.frames) + 1
        self._undone.clear()

    def _renumbered(self, seq: int, frame: bytes) -> bytes:
        try:
            return renumber(frame, seq)
        except FrameError:
            return frame

    def crash(self) -> None:
        self.frames = self._undone | self.frames
        self._undone = {}

    def copy(self) -> "FakeStore":
        double = FakeStore(self.run, self.room)
        double.frames, double.end, double.known = dict(self.frames), self.end, list(self.known)
        return double


class FakeJournal:
    """A journal that checks as it goes that seqs have no holes, no doubles and no disorder."""

    def __init__(self) -> None:
        self.entries: list[Draft] = []
        self.frames: dict[tuple[str, int, int], bytes] = {}
        self.last: dict[tuple[str, int], int] = {}
        self.lost: dict[tuple[str, int], int] = {}

    def have(self, gateway: str, run: int) -> int:
        return self.last.get((gateway, run), 0)

    def crc_of(self, gateway: str, run: int, seq: int) -> int | None:
        frame = self.frames.get((gateway, run, seq))
        return None if frame is None else crc32(frame)

    def owners(self) -> dict[str, str]:
        hellos = [e for e in self.entries if e.kind == "hello"]
        return {tag["n"]: e.gateway for e in hellos for tag in msgspec.msgpack.decode(e.body)["tags"]}

    def append(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            run, have = (draft.gateway, draft.run), self.have(draft.gateway, draft.run)
            if draft.kind == "data":
                assert draft.seq == have + 1, f"{draft.seq} stored behind {have} of run {run}"
                self.frames[*run, draft.seq] = draft.body
                self.last[run] = draft.seq
            elif draft.kind == "gap":
                gap = msgspec.msgpack.decode(draft.body)
                assert gap == {"first": have + 1, "last": draft.seq}
                assert draft.seq > have
                self.last[run] = draft.seq
                self.lost[run] = self.lost.get(run, 0) + draft.seq - have
        self.entries += drafts


class Link:
    """One socket of a gateway: an outbox, and what is underway in both directions."""

    def __init__(self) -> None:
        self.peer = b""
        self.up = False
        self.outbox: deque[bytes] = deque()
        self.there: deque[tuple[float, bytes]] = deque()
        self.back: deque[tuple[float, bytes]] = deque()


class Node:
    """A gateway: its buffer survives, its sender and its link don't."""

    def __init__(self, name: str, store: FakeStore) -> None:
        self.name, self.store = name, store
        self.sender: Sender | None = None
        self.link: Link | None = None
        self.starts = 0.0
        self.makes = 0.0
        self.twin_of: Node | None = None


class World:
    """A twin and its gateways; `hostile` also doubles and reorders inside a connection, which TCP never does."""

    def __init__(
        self, seed: int, *, hostile: bool = False, room: int = 10**9, poison: float = 0.0, rot: float = 0.0
    ) -> None:
        self.stream = random.Random(seed)
        self.hostile, self.room, self.poison, self.rot = hostile, room, poison, rot
        self.time = 0.0
        self.journal = FakeJournal()
        self.nodes: list[Node] = []
        self.old: list[Link] = []
        self.receiver: Receiver | None = self.wake()
        self.twin_starts = 0.0
        self.disk_full = False
        self.calm = False
        self.made: list[int] = []
        self.gone: set[int] = set()
        self.past: Counter[str] = Counter()
        self.peers = 0
        self.stalls = 0.0

    @property
    def now(self) -> Now:
        return Now(START + round(self.time * 1e6), self.time)

    @property
    def counts(self) -> Counter[str]:
        """What both sides have counted, in all their lives."""
        lives = [node.sender.counts for node in self.nodes if node.sender]
        return sum([*lives, Counter(self.receiver.status(self.now)["counts"])], self.past)

    def wake(self) -> Receiver:
        return Receiver(self.journal.have, self.journal.crc_of, owners=self.journal.owners())

    def add(self, name: str, store: FakeStore | None = None) -> Node:
        node = Node(name, store or FakeStore(self.stream.randrange(1, 2**63), self.room))
        node.store.on_delete = lambda run, seq, frame: self.deleted(name, run, seq, frame)
        self.nodes.append(node)
        return node

    def deleted(self, name: str, run: int, seq: int, frame: bytes) -> None:
        assert self.journal.frames.get((name, run, seq)) == frame, f"{name} deleted {seq}, which isn't stored"

    def start(self, node: Node) -> None:
        node.sender = Sender(node.name, [Tag(f"{node.name}.a"), Tag(f"{node.name}.b")], node.store, self.stream)

    def kill(self, node: Node) -> None:
        node.store.crash()
        if node.sender:
            self.past += node.sender.counts
        node.sender = None
        self.close(node)

    def close(self, node: Node) -> None:
        if node.link:
            self.cut(node.link)
            node.link = None

    def cut(self, link: Link) -> None:
        """Break a connection: any tail of what is underway is lost; what the twin still gets, it gets later."""
        there = list(link.there)[: self.stream.randint(0, len(link.there))]
        rest = Link()
        rest.peer, rest.there = link.peer, deque(there)
        if there and self.receiver:
            self.old.append(rest)
        link.there, link.back, link.up, link.peer = deque(), deque(), False, b""

    def perform(self, node: Node, actions: list) -> None:
        for action in actions:
            if isinstance(action, Connect):
                assert node.link is None
                node.link = Link()
            elif isinstance(action, Close):
                self.close(node)
            elif isinstance(action, Send):
                assert node.link is not None
                node.link.outbox.append(action.frame)

    def clone(self, node: Node) -> Node:
        """Bring a second machine to life with a copy of a gateway's disk, and so of its name."""
        return self.add(node.name, node.store.copy())

    def restore(self, node: Node, backup: FakeStore) -> None:
        """Set a gateway's disk back to an earlier copy: what only it held is gone."""
        self.kill(node)
        self.gone |= {number_of(f) for f in node.store.frames.values()}
        backup.on_delete, backup.dropped = node.store.on_delete, node.store.dropped
        node.store = backup

    def make(self, node: Node) -> None:
        number = len(self.made)
        self.made.append(number)
        row = (0, START + number, float(number), 0)
        if self.stream.random() < self.poison:
            row = self.stream.choice([(7, *row[1:]), (*row[:3], 2**32 - 1), (0, -1, *row[2:])])
        if self.stream.random() < self.rot:
            node.store.spoilt = self.stream.choice([b"?", b"{", b"\xc1" * 30])
            self.gone.add(number)
        self.perform(node, node.sender.offer(self.now, [row]))

    def flow(self, node: Node) -> None:
        """Let the network carry what it can."""
        link = node.link
        if link is None:
            return
        if not link.up and self.receiver and self.time >= self.stalls:
            self.peers += 1
            link.up, link.peer = True, b"%d" % self.peers
        while link.up and link.outbox:
            delay = self.stream.uniform(0.0, 0.02)
            link.there.append((max(self.time + delay, link.there[-1][0] if link.there else 0.0), link.outbox.popleft()))
            if self.hostile and not self.calm and self.stream.random() < 0.1:
                link.there.append(self.stream.choice(link.there))
            if self.hostile and not self.calm and self.stream.random() < 0.1:
                self.shuffle(link.there)

    def shuffle(self, queue: deque) -> None:
        times = sorted(t for t, _ in queue)
        frames = [f for _, f in queue]
        i = self.stream.randrange(len(frames))
        frames.insert(self.stream.randrange(max(0, i - 4), i + 1), frames.pop(i))
        queue.clear()
        queue.extend(zip(times, frames, strict=True))

    def twin_round(self) -> None:
        """Receive what has arrived, append, answer; any of which may be the last thing this process does."""
        links = [node.link for node in self.nodes if node.link and node.link.up] + self.old
        self.stream.shuffle(links)
        arrived = 0
        for link in links:
            while link.there and link.there[0][0] <= self.time and arrived < 200 and self.time >= self.stalls:
                frame = link.there.popleft()[1]
                self.receiver.on_frame(self.now, link.peer, None, [frame])
                arrived += 1
        self.old = [link for link in self.old if link.there]
        if not arrived:
            return
        taken = self.receiver.take()
        if not self.calm and self.stream.random() < 0.004:
            return self.kill_twin()
        if self.disk_full and taken.drafts:
            replies = self.receiver.full(300)
        else:
            self.journal.append(taken.drafts)
            if not self.calm and self.stream.random() < 0.004:
                return self.kill_twin()
            replies = self.receiver.committed()
        by_peer = {link.peer: link for link in links}
        for reply in replies:
            link = by_peer[reply.peer]
            if link in self.old or (not self.calm and self.stream.random() < 0.02):
                continue  # nobody there any more, or the queue of replies is full
            at = max(self.time + self.stream.uniform(0.0, 0.02), link.back[-1][0] if link.back else 0.0)
            link.back.append((at, reply.frame))
            if self.hostile and not self.calm and self.stream.random() < 0.1:
                link.back.append((at, reply.frame))
            if self.hostile and not self.calm and self.stream.random() < 0.1:
                self.shuffle(link.back)

    def kill_twin(self) -> None:
        self.past += self.receiver.status(self.now)["counts"]
        self.receiver = None
        self.twin_starts = self.time + self.stream.uniform(0.05, 3.0)
        self.old.clear()
        for node in self.nodes:
            if node.link:
                self.cut(node.link)

    def trouble(self) -> None:
        kind = self.stream.randrange(12)
        node = self.stream.choice(self.nodes)
        if kind == 0 and self.receiver:
            self.kill_twin()
        elif kind in (1, 2) and node.sender:
            self.kill(node)
            node.starts = self.time + self.stream.choice([0.1, 1.0, 4.0])
        elif kind in (3, 4, 5) and node.link:
            self.cut(node.link)
        elif kind in (6, 7):
            self.stalls = self.time + self.stream.choice([0.3, 1.0, 4.5])
        elif kind in (8, 9):
            self.disk_full = not self.disk_full

    def step(self) -> None:
        if self.receiver is None and self.time >= self.twin_starts:
            self.receiver = self.wake()
        for node in self.nodes:
            if node.sender is None and self.time >= node.starts:
                self.start(node)
            if node.sender is None:
                continue
            if not self.calm and self.time >= node.makes:
                self.make(node)
                node.makes = self.time + self.stream.expovariate(1 / 0.1)
            if node.sender.wait(self.now) <= 0.0:
                self.perform(node, node.sender.on_time(self.now))
                assert node.sender.wait(self.now) > 0.0, "the sender would spin"
            self.flow(node)
            while node.link and node.link.back and node.link.back[0][0] <= self.time and self.time >= self.stalls:
                self.perform(node, node.sender.on_message(self.now, node.link.back.popleft()[1]))
            self.flow(node)
        if self.receiver:
            self.twin_round()
        self.time += self.pause()

    def pause(self) -> float:
        """Return how long nothing can happen, but no less than what a loop takes."""
        due = [self.time + 1.0]
        for node in self.nodes:
            if node.sender:
                due.append(self.time + node.sender.wait(self.now))
                due += [] if self.calm else [node.makes]
            else:
                due.append(node.starts)
            if node.link:
                due += [queue[0][0] for queue in (node.link.there, node.link.back) if queue]
        due += [self.twin_starts] if self.receiver is None else [link.there[0][0] for link in self.old]
        return min(1.0, max(0.002, min(due) - self.time))

    def live(self, seconds: float) -> None:
        """Live through trouble."""
        strikes, until = self.time, self.time + seconds
        while self.time < until:
            if self.time >= strikes:
                self.trouble()
                strikes = self.time + self.stream.expovariate(1 / 0.7)
            self.step()

    def heal(self, calm: float = 120.0) -> None:
        """Let everything heal and drain."""
        self.calm, self.disk_full, self.stalls = True, False, 0.0
        until = self.time + calm
        while self.time < until and any(not n.sender or n.sender.outstanding for n in self.nodes):
            self.step()

    def numbers(self) -> list[int]:
        """Return the number of every batch in the journal."""
        return [int(row[2]) for frame in self.journal.frames.values() for row in rows(frame)[1]]


def number_of(frame: bytes) -> int:
    """Return the number in a batch, or -1 where it is empty or spoilt."""
    try:
        return next((int(row[2]) for row in msgspec.msgpack.decode(frame, type=dict)["r"]), -1)
    except msgspec.DecodeError:
        return -1
