"""What a flow consists of, as people declare it; times in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from twin.flow.laws import Distribution


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where parts come from.

    Parameters
    ----------
    name : str
    to : tuple of str
        Blocks that take them; the first that can.
    every : Distribution or None
        Time between two parts, from when the last one was taken; None for as many as are taken.
    shares : mapping
        Part type: how often it comes, of those together; of one type if empty.
    loses : bool
        Whether a part that nobody takes at once is lost.
    """

    name: str
    to: tuple[str, ...]
    every: Distribution | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    loses: bool = False


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Where parts wait: first in, first out."""

    name: str
    to: tuple[str, ...]
    capacity: float = inf


@dataclass(frozen=True, kw_only=True)
class Station:
    """Where parts are worked on.

    Parameters
    ----------
    name : str
    to : tuple of str
    takes : Distribution or mapping
        How long its work takes; of each part type, where it isn't the same for all.
    servers : int
        So many of it stand side by side, as ``name.1`` and so on.
    batch : int
        Parts that are worked on together; it begins when it has them.
    setup : Distribution or None
        What it takes to change to another part type.
    fails, repair : Distribution or None
        Time of operation between failures, and how long it is down; work that was interrupted goes on.
    shares : tuple of float
        The probability of each block in `to`; without, the first that can takes a part.
    """

    name: str
    to: tuple[str, ...]
    takes: Distribution | Mapping[str, Distribution]
    servers: int = 1
    batch: int = 1
    setup: Distribution | None = None
    fails: Distribution | None = None
    repair: Distribution | None = None
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Where finished parts, or scrapped ones, leave."""

    name: str


Block = Source | Buffer | Station | Sink
