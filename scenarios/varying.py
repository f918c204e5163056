"""A scenario's section `vary`: a design of experiments over numbers of the equipment and of the flow."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from scenarios.changes import FLOW, Change, change, written
from scenarios.file import VaryEntry
from twin.errors import PlantError, unknown
from twin.flow.linking import placed
from twin.flow.words import whole
from twin.plant import Plant
from twin.read import Node
from twin.units import to_si

MOST = 100_000
"""Cases of a design at most."""
DESIGNS = ("grid", "latin_hypercube", "sobol", "one_at_a_time", "sensitivity", "optimise")


@dataclass(frozen=True)
class Vary:
    """A design of experiments over factors: levels, or between two numbers."""

    design: str
    over: Mapping[str, tuple[str, ...] | tuple[float, float]]
    units: Mapping[str, str]
    count: int
    goal: str
    maximise: bool
    search: str


def varied(plant: Plant, entry: VaryEntry, node: Node, report: Collection[str]) -> Vary:
    """Return the design of a section.

    Raises
    ------
    PlantError
        For the first thing that is wrong, with its line.
    """
    if entry.design not in DESIGNS:
        raise PlantError(f"{node.at('design')}: vary.design: {unknown('design', entry.design, DESIGNS)}")
    over: dict[str, tuple[str, ...] | tuple[float, float]] = {}
    units: dict[str, str] = {}
    for path, given in entry.over.items():
        with placed(f"{node['over'].at(path)}: vary.over.{path}"):
            units[path] = "1" if path.startswith(FLOW) else plant.quantity(path).unit
            if isinstance(given, list):
                if entry.design != "grid" or not given:
                    raise PlantError("levels are for a grid; give low and high")
                over[path] = tuple(given)
                continue
            if entry.design == "grid":
                raise PlantError("a grid needs levels: [2, 4, 8]")
            low, high = (to_si(text, units[path]) for text in (given.low, given.high))
            if not low < high:
                raise PlantError(f"low {given.low} is not below high {given.high}; exchange or part them")
            over[path] = (low, high)
    goal, maximise = _goal(entry, node, report)
    return Vary(entry.design, over, units, _count(entry, node), goal, maximise, entry.search)


def _count(entry: VaryEntry, node: Node) -> int:
    if entry.design in ("grid", "one_at_a_time"):
        return 0
    with placed(f"{node.at('count')}: vary.count"):
        return whole(entry.count, 1, MOST)


def _goal(entry: VaryEntry, node: Node, report: Collection[str]) -> tuple[str, bool]:
    if entry.design != "optimise":
        return "", False
    word, _, name = entry.goal.strip().partition(" ")
    if word not in ("maximise", "minimise") or name not in report:
        raise PlantError(
            f"{node.at('goal')}: vary.goal: {entry.goal!r}; write maximise or minimise and one of `report`"
        )
    if entry.search not in ("scipy", "optuna"):
        raise PlantError(f"{node.at('search')}: vary.search: {unknown('search', entry.search, ('scipy', 'optuna'))}")
    return name, word == "maximise"


def ends(vary: Vary, node: Node) -> Iterator[tuple[Change, ...]]:
    """Return changes of which each puts one factor to a level, or to one end."""
    for path, given in vary.over.items():
        for value in given:
            text = value if isinstance(value, str) else f"= {written(path, value, vary.units[path])}"
            yield (change(path, text, node["over"].at(path)),)
