"""What is known of a gateway since its last hello, and which hellos are refused."""

from collections.abc import Mapping
from typing import NamedTuple

from twin.protocol import MAX_BYTES, MAX_TAGS, SILENCE, VERSION, WINDOW, FrameError, Hello, Now, Welcome

MOST_TAGS = 100_000
"""Tag names with an owner, in all."""


class Session(NamedTuple):
    """A gateway's state; replaced, never changed.

    Attributes
    ----------
    gateway, peer : str, bytes
        Whose it is, and the routing id of the connection that owns it.
    run, have, tags : int
        The run, its last seq stored or declared lost, and how many tags were declared.
    began, heard : Now, float
        When it said hello, and when anything at last [s, monotonic].
    source, rate : int, float
        The gateway's clock at the hello [us UTC], and how fast a replay's runs; 0 on wall time.
    ahead : int
        How far its clock was ahead of ours [us] when it last told.
    hole : bool
        Whether the hole behind `have` was answered.
    """

    gateway: str
    peer: bytes
    run: int
    have: int
    tags: int
    began: Now
    heard: float
    source: int
    rate: float
    ahead: int
    hole: bool = False

    @classmethod
    def of(cls, hello: Hello, peer: bytes, have: int, now: Now) -> "Session":
        """Return the session that a hello begins."""
        rate = hello.rate if hello.clock == "replay" else 0.0
        ahead = 0 if rate else hello.now - now.wall_us
        return cls(hello.gw, peer, hello.run, have, len(hello.tags), now, now.monotonic_s, hello.now, rate, ahead)

    def clock(self, now: Now) -> int:
        """Return the source's clock [us UTC]."""
        if not self.rate:
            return now.wall_us
        return self.source + round((now.monotonic_s - self.began.monotonic_s) * self.rate * 1e6)

    def alive(self, now: Now) -> bool:
        """Return whether it was heard of lately."""
        return now.monotonic_s - self.heard <= SILENCE

    def welcome(self, now: Now) -> Welcome:
        """Return the message that says where to continue."""
        return Welcome(VERSION, self.have, WINDOW, MAX_BYTES, now.wall_us)

    def status(self, now: Now) -> dict[str, object]:
        """Return what a person wants to know of it, as plain values."""
        return {
            "run": self.run,
            "have": self.have,
            "tags": self.tags,
            "alive": self.alive(now),
            "silent_s": now.monotonic_s - self.heard,
            "clock": "replay" if self.rate else "wall",
            "ahead_us": self.ahead,
        }


def admit(hello: Hello, user: str | None, owners: Mapping[str, str], accept_replay: bool) -> None:
    """Refuse the hello of whoever isn't who it says, or claims another's tags.

    Parameters
    ----------
    hello : Hello
        What was said.
    user : str or None
        The gateway that the connection's key is registered for; None where there are no keys.
    owners : mapping
        The gateway that owns each tag name.
    accept_replay : bool
        Whether recorded or accelerated time is taken.

    Raises
    ------
    FrameError
        With the code to answer.
    """
    if user not in (None, hello.gw):
        raise FrameError(f"hello: the key is {user!r}'s, not {hello.gw!r}'s; use its own", "not_allowed")
    if hello.clock == "replay" and not accept_replay:
        raise FrameError("hello: this twin takes no replays; start it with --replay", "not_allowed")
    if hello.clock == "wall" and hello.rate != 1.0:
        raise FrameError(f"hello: a rate of {hello.rate} on wall time; leave it out or say clock 'replay'")
    names = {tag.n for tag in hello.tags}
    if len(names) != len(hello.tags):
        raise FrameError("hello: a tag is named twice; name each once")
    for name in sorted(names):
        if owners.get(name, hello.gw) != hello.gw:
            raise FrameError(f"hello: tag {name!r} is another gateway's; rename it", "not_allowed")
    fresh = names - owners.keys()
    if fresh and len(fresh) + sum(owner == hello.gw for owner in owners.values()) > MAX_TAGS:
        raise FrameError(f"hello: more than {MAX_TAGS} tag names of one gateway so far; keep to them", "not_allowed")
    if len(fresh) + len(owners) > MOST_TAGS:
        raise FrameError(f"hello: more than {MOST_TAGS} tag names in all; run another twin", "not_allowed")
