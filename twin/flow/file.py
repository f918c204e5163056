"""The shape of a plant file's section `flow`: what is checked before anything else, and what `twin schema` prints."""

from pydantic import Field

from twin.shape import Section

_LAW = "90 s, or exponential(90 s), normal(90 s, 5 s), triangular(80 s, 90 s, 110 s), weibull(400 h, 2) and so on"


class ShiftEntry(Section):
    """When people work."""

    days: str = Field("daily", description="Mon-Fri, or Mon, Wed, Sat; daily if omitted")
    from_: str = Field(alias="from", description="HH:MM, plant time")
    to: str = Field(description="HH:MM; on the next day where it is earlier")
    breaks: list[str] = Field([], description="HH:MM-HH:MM")


class CrewEntry(Section):
    """People who can do the same."""

    size: str = Field("1", description="how many they are")
    skills: list[str] = Field([], description="what else they are asked for by, beside the crew's name")
    shift: str = Field("", description="when they are there; always if omitted")


class OrderEntry(Section):
    """Parts that somebody wants."""

    count: str = Field(description="good parts; what is scrapped is made again")
    type: str = Field("", description="type of part")
    release: str = Field(
        "", description="from when it may be begun: Tue 06:00, or 8 h from the start; at once if omitted"
    )
    due: str = Field("", description="when it is wanted, written alike")
    priority: str = Field("0", description="less is begun first")


class ServiceEntry(Section):
    """Maintenance, begun when the station is empty."""

    takes: str = Field(description=_LAW)
    every: str = Field("", description="time since the last one")
    per: str = Field("calendar", description="calendar, or operation: only time of work counts")
    when: dict[str, str] = Field({}, description="asset.quantity: from which value on it is due")
    resets: dict[str, str] = Field({}, description="asset.quantity: its value afterwards")
    renews: bool = Field(True, description="whether the next failure is drawn anew")


class SpoilEntry(Section):
    """How probable it is that work spoils a part, by a quantity of the equipment; on lines between the points."""

    by: str = Field(description="asset.quantity")
    at: list[str] = Field(description="values of it, ascending")
    is_: list[str] = Field(alias="is", description="probabilities at these")


class InspectEntry(Section):
    """What an inspection finds."""

    detects: str = Field("100 %", description="probability that a bad part is found")
    rejects: str = Field("0 %", description="probability that a good one is taken for bad")


class PaceEntry(Section):
    """How fast work goes, by a quantity of the equipment."""

    by: str = Field(description="asset.quantity")
    at: str = Field(description="its value at which work takes the time that is given")


class BlockEntry(Section):
    """A source, buffer, conveyor, station or sink; which keys it may have is said of each."""

    is_: str = Field(alias="is", description="source, buffer, conveyor, station or sink")
    to: str | list[str] = Field([], description="blocks that take its parts; the first that can (not of a sink)")
    every: str = Field("", description="source: time between two parts; as many as are taken if omitted")
    shares: dict[str, str] | list[str] = Field(
        [], description="source: part type: how often it comes; station: the probability of each of `to`"
    )
    priorities: dict[str, str] = Field({}, description="source: part type: its rank, less first")
    orders: dict[str, OrderEntry] = Field({}, description="source: what is made")
    loses: bool = Field(False, description="source: whether a part that nobody takes at once is lost")
    capacity: str = Field(
        "", description="buffer, conveyor: parts for which there is room; a buffer's is endless if omitted"
    )
    order: str = Field("fifo", description="buffer: fifo, priority or due")
    holds: str | dict[str, str] = Field("", description="buffer: parts that are there from the start, or of each type")
    accumulating: bool = Field(True, description="conveyor: whether parts move up to one that isn't taken at the end")
    takes: str | dict[str, str] = Field(
        "", description=f"station: time of work, or of each part type; conveyor: from end to end: {_LAW}"
    )
    ideal: str | dict[str, str] = Field(
        "", description="station: planned run time of a part; the mean of `takes` if omitted"
    )
    servers: str = Field("1", description="station: so many of it side by side")
    batch: str = Field("1", description="station: parts worked on together")
    joins: dict[str, str] = Field(
        {}, description="station: block: parts of it that become one; the first block's goes on"
    )
    gives: dict[str, str] = Field({}, description="station: block in `to`: parts that one is taken apart into")
    setup: str | dict[str, str] = Field(
        "",
        description="station: what it takes to change to another part type, or to each: {flange: 10 min, hub: 5 min}",
    )
    fails: str = Field("", description="station: time between failures")
    per: str = Field("operation", description="station: operation (only time of work counts), or calendar")
    repair: str = Field("", description="station: time of repair")
    service: ServiceEntry | None = Field(None, description="station: maintenance")
    spoils: str | SpoilEntry = Field("0", description="station: probability that work makes a part bad")
    mends: str = Field("0", description="station: probability that work makes a bad part good")
    inspects: InspectEntry | None = Field(
        None, description="station: good parts go to the first of `to`, others to the second"
    )
    routes: dict[str, str] = Field({}, description="station: part type: block in `to`")
    needs: dict[str, str | list[str]] = Field(
        {},
        description="station: setup, work, repair or service: crews, skills or tools, all of them: [2 fitters, crane]",
    )
    shift: str = Field("", description="station: when it may run; always if omitted")
    power: dict[str, str] = Field({}, description="station: state: power taken in; else: of all others")
    drives: dict[str, dict[str, str]] = Field(
        {}, description="station: asset.input: its value by state; else: in all others"
    )
    trips: list[str] = Field([], description="station: asset.quantity, above 0.5 while a fault holds the equipment")
    changes: list[str] = Field(
        [], description="station: asset.quantity, above 0.5 while the equipment changes over by itself"
    )
    pace: PaceEntry | None = Field(None, description="station: how fast its work goes")
    meters: list[str] = Field([], description="station: asset.quantity that counts the energy it takes in")
    scraps: bool = Field(False, description="sink: whether it is for scrap")


class FlowEntry(Section):
    """The factory around the equipment."""

    begins: str = Field("Mon 00:00", description="weekday and time of a run's start")
    shifts: dict[str, ShiftEntry] = Field({})
    crews: dict[str, CrewEntry] = Field({})
    tools: dict[str, str] = Field({}, description="name: how many there are")
    line: dict[str, BlockEntry] = Field(min_length=1, description="blocks in their order")
