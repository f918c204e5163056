"""What is to be told of gateways and of single tags: silent, clock off, readings too late, readings lost."""

from collections.abc import Iterator, Mapping

from twin.live.arrivals import Arrivals
from twin.live.source import MICRO, RECENT, Source
from twin.monitor.condition import Condition
from twin.plant import Tag

STALE = 10.0
"""A tag or gateway from which nothing has come for this long, or five of its periods, is stale [s]."""
CLOCK_OFF = 5 * MICRO
"""A gateway's clock that is further off is told [us]."""
KINDS = ("stale", "source", "clock", "late", "gap")
"""What the keys of these conditions begin with; the name of the tag or gateway is behind a colon."""


def conditions(arrivals: Arrivals, tags: Mapping[str, Tag]) -> Iterator[Condition]:
    """Yield what holds now of every gateway and tag.

    Parameters
    ----------
    tags : mapping
        The plant's, by name, in its order.
    """
    periods = [tag.every for tag in tags.values()]
    for name, source in arrivals.sources.items():
        yield from _of_gateway(name, source, arrivals, periods)
    for name, last in stale(arrivals, tags):
        yield Condition(f"stale:{name}", "stale", 1.0, 1.0, last, {"source": name, "last": last})


def stale(arrivals: Arrivals, tags: Mapping[str, Tag]) -> list[tuple[str, float]]:
    """Return tags that are silent in what is settled while others aren't, and when each was last heard [s]."""
    silent = []
    for tag, last in zip(tags.values(), arrivals.last.tolist(), strict=True):
        if last and arrivals.settled - last > max(STALE, 5.0 * tag.every) * MICRO:
            silent.append((tag.name, last / MICRO))
    return silent


def _of_gateway(name: str, source: Source, arrivals: Arrivals, periods: list[float]) -> Iterator[Condition]:
    last = source.progress / MICRO
    if source.progress and not (source.alive and source.idle <= _patience(source, periods)):
        yield Condition(f"source:{name}", "stale", 1.0, 1.0, last, {"source": name, "last": last})
    if abs(source.offset) > CLOCK_OFF:
        way = "ahead" if source.offset > 0 else "behind"
        told: dict[str, float | str] = {"source": name, "offset": abs(source.offset) / MICRO, "direction": way}
        yield Condition(f"clock:{name}", "clock", 1.0, 1.0, last, told)
    count, by, at = source.late
    if count and arrivals.settled - at <= RECENT:
        told = {"source": name, "count": count, "delay": (by + arrivals.lag) / MICRO, "window": arrivals.lag / MICRO}
        yield Condition(f"late:{name}", "late", 1.0, 1.0, at / MICRO, told)
    count, before, after = source.lost
    if count and before and after and arrivals.settled - after <= RECENT:
        told = {"source": name, "first": before / MICRO, "last": after / MICRO, "count": count}
        yield Condition(f"gap:{name}", "gap", 1.0, 1.0, before / MICRO, told)


def _patience(source: Source, periods: list[float]) -> float:
    """Return for how many ticks a gateway that is connected may have nothing new."""
    slowest = min((periods[number] for number in source.mine.values()), default=0.0)
    return max(STALE, 5.0 * slowest) / min(1.0, source.rate)
