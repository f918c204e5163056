"""What a flow consists of, as people declare it; times in seconds, powers in watts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from twin.flow.laws import Distribution


@dataclass(frozen=True, kw_only=True)
class Order:
    """Parts that somebody wants.

    Parameters
    ----------
    name : str
    count : int
        Good parts; one that is scrapped is made again.
    type : str
        Their type; empty where there is one only.
    release, due : float
        From when they may be begun, and by when they are wanted.
    priority : float
        Less is begun first; orders of one priority in the order of the file.
    """

    name: str
    count: int
    type: str = ""
    release: float = 0.0
    due: float = inf
    priority: float = 0.0


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
    priorities : mapping
        Part type: its rank in buffers ordered by priority, less first; 0 if it isn't there.
    orders : tuple of Order
        What is made; without, parts without end.
    loses : bool
        Whether a part that nobody takes at once is lost.
    """

    name: str
    to: tuple[str, ...]
    every: Distribution | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    priorities: Mapping[str, float] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    loses: bool = False


@dataclass(frozen=True, kw_only=True)
class Buffer:
    """Where parts wait: first in, first out, or by priority or by due date.

    Parameters
    ----------
    holds : mapping
        Part type: how many are there from the start, of the first order of that type where there are orders.
    """

    name: str
    to: tuple[str, ...]
    capacity: float = inf
    order: str = "fifo"
    holds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Conveyor:
    """What carries parts from one end to the other, one behind the other.

    Parameters
    ----------
    name : str
    to : tuple of str
    takes : float
        From one end to the other.
    capacity : int
        Parts for which there is room; two of them are never closer than ``takes / capacity``.
    accumulating : bool
        Whether parts move up to one that isn't taken at the end; else the belt stops.
    """

    name: str
    to: tuple[str, ...]
    takes: float
    capacity: int
    accumulating: bool = True


@dataclass(frozen=True, kw_only=True)
class Need:
    """People or tools that a task needs: so many of one of these pools."""

    pools: tuple[str, ...]
    amount: int = 1


@dataclass(frozen=True, kw_only=True)
class Service:
    """Preventive maintenance, begun when the station is empty.

    Parameters
    ----------
    takes : Distribution
    every : float
        Time since the last one; infinite where only the equipment's condition asks for it.
    operating : bool
        Whether `every` counts time of operation only.
    renews : bool
        Whether it is as good as new afterwards: the next failure is drawn anew.
    """

    takes: Distribution
    every: float = inf
    operating: bool = False
    renews: bool = True


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """With which probability a bad part is found, and a good one is taken for bad."""

    detects: float = 1.0
    rejects: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a station and the equipment that it uses change each other; numbers in SI.

    Parameters
    ----------
    drives : mapping
        Held input ``asset.quantity``: its value by state of the station.
    trips, tools : tuple of str
        Quantities above 0.5 while the equipment stands still by a fault, or by a changeover of its own.
    pace : tuple or None
        A quantity, and its value at which work takes the time that was declared; twice it is twice as fast.
    spoils : tuple or None
        A quantity, values of it in ascending order, and the probabilities at these that work spoils a part.
    worn : tuple or None
        A quantity, and the value from which on maintenance is due.
    resets : mapping
        Quantity: what maintenance sets it to.
    meters : tuple of str
        Quantities that count the energy that the equipment takes in [J].
    """

    drives: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trips: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    pace: tuple[str, float] | None = None
    spoils: tuple[str, tuple[float, ...], tuple[float, ...]] | None = None
    worn: tuple[str, float] | None = None
    resets: Mapping[str, float] = field(default_factory=dict)
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Station:
    """Where parts are worked on.

    Parameters
    ----------
    name : str
    to : tuple of str
        The first that can takes a part; with `shares`, `inspects`, `routes` or `gives` as these say.
    takes : Distribution or mapping
        How long its work takes; of each part type, where it isn't the same for all.
    ideal : float or None
        Planned run time of a part, its mean time of work if omitted.
    servers : int
        So many of it stand side by side, as ``name.1`` and so on.
    batch : int
        Parts that are worked on together; it begins when it has them.
    joins : mapping
        Block: parts of it that become one, and the first block's part is what they become.
    gives : mapping
        Block in `to`: parts that one is taken apart into.
    setup : Distribution, mapping or None
        What it takes to change to another part type, or to each.
    fails, repair : Distribution or None
        Time of operation between failures, and how long it is down; work that was interrupted goes on.
    calendar : bool
        Whether `fails` counts all time.
    service : Service or None
    spoils, mends : float
        Probability that a good part is bad afterwards, and a bad one good.
    inspects : Inspection or None
        Parts found good go to the first of `to`, the others to the second.
    routes : mapping
        Part type: block in `to`.
    shares : tuple of float
        The probability of each block in `to`.
    needs : mapping
        Task (``setup``, ``work``, ``repair``, ``service``): people and tools, all of which it needs.
    shift : str
        When it may run; always if empty.
    power : mapping
        State: power taken in [W].
    link : Link or None
        To the equipment that it uses.
    """

    name: str
    to: tuple[str, ...]
    takes: Distribution | Mapping[str, Distribution]
    ideal: float | Mapping[str, float] | None = None
    servers: int = 1
    batch: int = 1
    joins: Mapping[str, int] = field(default_factory=dict)
    gives: Mapping[str, int] = field(default_factory=dict)
    setup: Distribution | Mapping[str, Distribution] | None = None
    fails: Distribution | None = None
    repair: Distribution | None = None
    calendar: bool = False
    service: Service | None = None
    spoils: float = 0.0
    mends: float = 0.0
    inspects: Inspection | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    shares: tuple[float, ...] = ()
    needs: Mapping[str, tuple[Need, ...]] = field(default_factory=dict)
    shift: str = ""
    power: Mapping[str, float] = field(default_factory=dict)
    link: Link | None = None


@dataclass(frozen=True, kw_only=True)
class Sink:
    """Where finished parts leave, or scrapped ones."""

    name: str
    scraps: bool = False


@dataclass(frozen=True, kw_only=True)
class Pool:
    """People or tools: how many there are, and when; always if `shift` is empty."""

    name: str
    size: int
    shift: str = ""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """When people work.

    Parameters
    ----------
    name : str
    switches : tuple of float
        Times in (0, period] at which it begins or ends, in turn, ascending.
    period : float
        After which it begins anew.
    on : bool
        Whether it is on at time 0.
    """

    name: str
    switches: tuple[float, ...]
    period: float
    on: bool


Block = Source | Buffer | Conveyor | Station | Sink


@dataclass(frozen=True)
class Flow:
    """Blocks in their order, at one instant the first one's timer goes off first; and who and what they need."""

    blocks: tuple[Block, ...]
    pools: tuple[Pool, ...] = ()
    shifts: tuple[Shift, ...] = ()

    @property
    def types(self) -> list[str]:
        """Return the types of parts that sources name, in their order; one without a name where none does."""
        found: dict[str, None] = {}
        for block in self.blocks:
            if isinstance(block, Source):
                found |= dict.fromkeys(block.shares) | dict.fromkeys(order.type for order in block.orders)
        return [*found] or [""]
