"""How a station and its equipment change each other, from a plant file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from twin.declare import Due, Input
from twin.errors import DeclarationError, PlantError, TwinError, unknown
from twin.flow.blocks import Link
from twin.flow.file import BlockEntry, ServiceEntry, SpoilEntry
from twin.flow.records import State
from twin.flow.words import whole
from twin.plant import Plant, setting
from twin.read import Node
from twin.units import dimensions, to_si

STATES = tuple(state.name.lower() for state in State)


class Place(NamedTuple):
    """A block's entry, where it stands, and its name."""

    name: str
    entry: BlockEntry
    node: Node


def count(text: str, most: int = 10_000_000) -> int:
    """Return a whole number of at least 1."""
    return whole(text, 1, most)


def together(text: str) -> int:
    """Return how many parts are worked on, joined or given at once."""
    return count(text, 10_000)


def share(text: str) -> float:
    """Return a probability."""
    value = to_si(text, "1")
    if not 0.0 <= value <= 1.0:
        raise PlantError(f"{text}: give a probability from 0 to 100 %")
    return value


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Put a place in front of what goes wrong inside."""
    try:
        yield
    except DeclarationError:
        raise
    except TwinError as err:
        raise PlantError(f"{where}: {err}") from None


def link(plant: Plant, place: Place) -> Link | None:
    """Return what joins a station to its equipment, or nothing."""
    entry = place.entry
    service = entry.service
    drives = {}
    for path, given in entry.drives.items():
        where = place.node["drives"].at(path)
        with placed(f"{where}: {place.name}.drives"):
            if not isinstance(plant.quantity(path), Input):
                raise PlantError(f"{path} is no input; name a held input")
        if not given:
            raise PlantError(f"{where}: {place.name}.drives: {path}: its values are missing; give {{busy: 1, else: 0}}")
        drives[path] = _driven(plant, place, path, given)
    found = Link(
        drives=drives, trips=_read(plant, place, "trips"), tools=_read(plant, place, "changes"),
        meters=_meters(plant, place),
        pace=_pace(plant, place),
        spoils=_spoils(plant, place),
        worn=_worn(plant, place, service) if service and service.when else None,
        resets=_resets(plant, place, service) if service else {},
    )  # fmt: skip
    return found if found != Link() else None


def check_alone(plant: Plant, places: Sequence[Place]) -> None:
    """Refuse an input or a meter that several would set or count.

    Raises
    ------
    PlantError
        If two stations, the servers of one, or a station and the plant's schedule do.
    """
    scheduled = {change.path for change in plant.schedule}
    for key, does in (("drives", "drives"), ("meters", "counts")):
        owners: dict[str, str] = {}
        for name, entry, node in places:
            for path in getattr(entry, key):
                where = f"{node['drives'].at(path) if key == 'drives' else node.at(key)}: {name}.{key}"
                if path in owners:
                    raise PlantError(f"{where}: {owners[path]} {does} {path}, too; leave it to one of them")
                if count(entry.servers) > 1:
                    raise PlantError(f"{where}: each of its servers {does} {path}; give each a station of its own")
                if key == "drives" and path in scheduled:
                    raise PlantError(f"{where}: the plant's `schedule` changes {path}, too; keep one of them")
                owners[path] = name


def _driven(plant: Plant, place: Place, path: str, given: Mapping[str, str]) -> dict[str, float]:
    holder = Place(f"{place.name}.drives", place.entry, place.node["drives"])
    return states(holder, path, given, lambda text: setting(plant, path, text), None)


def _read(plant: Plant, place: Place, key: str) -> tuple[str, ...]:
    for path in getattr(place.entry, key):
        _seen(plant, place.node.at(key), f"{place.name}.{key}", path)
    return tuple(getattr(place.entry, key))


def _seen(plant: Plant, where: str, what: str, path: str) -> str:
    """Return the unit of a quantity that a station reads."""
    with placed(f"{where}: {what}"):
        unit = plant.quantity(path).unit
        if isinstance(plant.quantity(path), Due):
            raise PlantError(f"{path} is a time of the equipment's own; name a memory, input, state or output")
        return unit


def _meters(plant: Plant, place: Place) -> tuple[str, ...]:
    for path in place.entry.meters:
        where, what = place.node.at("meters"), f"{place.name}.meters"
        if dimensions(_seen(plant, where, what, path)) != dimensions("J"):
            raise PlantError(f"{where}: {what}: {path} is in {plant.quantity(path).unit}; name a counter of energy")
    return tuple(place.entry.meters)


def _pace(plant: Plant, place: Place) -> tuple[str, float] | None:
    entry = place.entry.pace
    if entry is None:
        return None
    node = place.node["pace"]
    unit = _seen(plant, node.at("by"), f"{place.name}.pace", entry.by)
    with placed(f"{node.at('at')}: {place.name}.pace"):
        at = to_si(entry.at, unit)
        if not at > 0.0:
            raise PlantError(f"at {entry.at}: give a positive value")
    return entry.by, at


def _spoils(plant: Plant, place: Place) -> tuple[str, tuple[float, ...], tuple[float, ...]] | None:
    entry = place.entry.spoils
    if not isinstance(entry, SpoilEntry):
        return None
    node = place.node["spoils"]
    unit = _seen(plant, node.at("by"), f"{place.name}.spoils", entry.by)
    with placed(f"{node.at('at')}: {place.name}.spoils"):
        at, shares = [to_si(text, unit) for text in entry.at], [share(text) for text in entry.is_]
        if not at or len(at) != len(shares) or sorted(set(at)) != at:
            raise PlantError("`at` has to ascend, and `is` to give one probability for each; mend them")
    return entry.by, tuple(at), tuple(shares)


def _worn(plant: Plant, place: Place, entry: ServiceEntry) -> tuple[str, float]:
    node = place.node["service"]["when"]
    if len(entry.when) > 1:
        raise PlantError(f"{node.where}: {place.name}.service.when: one condition only; keep the one that matters")
    ((path, text),) = entry.when.items()
    unit = _seen(plant, node.at(path), f"{place.name}.service.when", path)
    with placed(f"{node.at(path)}: {place.name}.service.when"):
        return path, to_si(text, unit)


def _resets(plant: Plant, place: Place, entry: ServiceEntry) -> dict[str, float]:
    found = {}
    for path, text in entry.resets.items():
        with placed(f"{place.node['service']['resets'].at(path)}: {place.name}.service.resets"):
            found[path] = setting(plant, path, text)
    return found


def states(
    place: Place, key: str, given: Mapping[str, str], make: Callable[[str], float], absent: float | None
) -> dict[str, float]:
    """Return a number for every state, of which some are given, and `else`."""
    node = place.node.get(key) if key in place.node else None
    for state in given:
        if state not in (*STATES, "else"):
            raise PlantError(f"{place.node.at(key)}: {place.name}.{key}: {unknown('state', state, (*STATES, 'else'))}")
    found = {}
    for state in STATES if given else ():
        text = given.get(state, given.get("else"))
        if text is None and absent is None:
            raise PlantError(f"{place.node.at(key)}: {place.name}.{key}: nothing is said of {state}; add `else`")
        with placed(f"{(node if isinstance(node, Node) else place.node).at(state)}: {place.name}.{key}"):
            found[state] = make(text) if text is not None else float(absent or 0.0)
    return found
