"""The section `estimate` of a plant file: patterns into the unknowns that they mean."""

import math
from fnmatch import fnmatchcase

from twin.declare import Input, Memory, Param, State
from twin.errors import PlantError, TwinError, unknown
from twin.modes import refusal
from twin.plant import Estimation, Plant, Tag, Tolerance, Unknown
from twin.plant_file import EstimateEntry, ToleranceEntry, UnknownEntry
from twin.read import Node
from twin.units import difference_to_si, to_si

FILTERS = ("unscented", "ensemble")
BIAS = 3.0
"""Where no accuracy is given, an instrument's constant error is taken as this many times its noise."""
LONGEST = 86400.0
TIMES = ("every", "lag", "settle", "commission", "confirm", "release")


def estimation(plant: Plant, entry: EstimateEntry, node: Node) -> Estimation:
    """Return what the section says, with every pattern replaced by the quantities that it means.

    Raises
    ------
    PlantError
        With file and line: an unknown filter, a pattern that means nothing, a quantity that is computed or wired,
        a spread that isn't positive or doesn't measure the same.
    """
    if entry.filter not in FILTERS:
        raise PlantError(f"{node.at('filter')}: estimate.filter: {unknown('filter', entry.filter, FILTERS)}")
    times = {name: _number(node, name, getattr(entry, name), "s") for name in TIMES}
    if not 1e-3 <= times["every"] <= 3600.0:
        raise PlantError(f"{node.at('every')}: estimate.every: {entry.every}: give 1 ms to 1 h")
    for name in TIMES[1:]:
        if not 0.0 <= times[name] <= LONGEST:
            raise PlantError(f"{node.at(name)}: estimate.{name}: {getattr(entry, name)}: give 0 s to one day")
    rtol = _number(node, "rtol", entry.rtol, "1")
    if not 1e-12 <= rtol <= 1e-2:
        raise PlantError(f"{node.at('rtol')}: estimate.rtol: {entry.rtol}: give 1e-12 to 1e-2")
    temper = _number(node, "temper", entry.temper, "1")
    if not 1e-3 <= temper <= 1.0:
        raise PlantError(f"{node.at('temper')}: estimate.temper: {entry.temper}: give 0.001 to 1")
    found = Estimation(entry.filter, **times, unknowns=_unknowns(plant, entry, node),
                       accuracy=_accuracies(plant, entry, node), rtol=rtol, temper=temper,
                       tolerance=_tolerances(plant, entry, node),
                       assumed=_assumed(plant, entry, node))  # fmt: skip
    refused = refusal(plant, found)
    if refused:
        raise PlantError(f"{node.at('filter')}: {refused}")
    return found


def _number(node: Node, name: str, text: str, unit: str) -> float:
    try:
        return to_si(text, unit)
    except TwinError as err:
        raise PlantError(f"{node.at(name)}: estimate.{name}: {err}") from None


def _unknowns(plant: Plant, entry: EstimateEntry, node: Node) -> tuple[Unknown, ...]:
    """Return unknowns in the order of the plant; where patterns overlap, the last one holds."""
    section = node.get("unknown", node)
    free = [p for p in plant.paths(Param, Input, State) if p not in plant.wires]
    found: dict[str, Unknown] = {}
    for key, wish in entry.unknown.items():
        where = f"{section.at(key)}: estimate.unknown.{key}"
        patterns = [wish.of] if isinstance(wish.of, str) else wish.of
        shared = bool(wish.of)
        paths = [p for p in free if any(_means(plant, pattern or key, p, shared) for pattern in patterns)]
        if not paths:
            raise PlantError(f"{where}: no parameter, state or held input has this name; see `twin assets`")
        for unit in [tuple(paths)] if shared else [(p,) for p in paths]:
            made = _made(plant, where, key if shared else unit[0], unit, wish)
            for other in [n for n, u in found.items() if set(u.paths) & set(unit)]:
                del found[other]
            found[made.name] = made
    for pattern in entry.known:
        meant = [n for n, u in found.items() if any(fnmatchcase(p, pattern) for p in u.paths)]
        if not meant:
            raise PlantError(f"{node.at('known')}: estimate.known: {pattern!r} takes nothing away; drop it")
        for name in meant:
            del found[name]
    return tuple(found.values())


def _means(plant: Plant, pattern: str, path: str, shared: bool) -> bool:
    """Return whether a pattern means a path; a wildcard that isn't shared means parameters that are not zero."""
    if not fnmatchcase(path, pattern):
        return False
    return "*" not in pattern or shared or (isinstance(plant.quantity(path), Param) and plant.value(path) != 0.0)


def _made(plant: Plant, where: str, name: str, paths: tuple[str, ...], wish: UnknownEntry) -> Unknown:
    unit = plant.quantity(paths[0]).unit
    if any(plant.quantity(p).unit != unit for p in paths):
        raise PlantError(f"{where}: {paths[0]} is in {unit}, others aren't; share a number between like quantities")
    relative = wish.spread.strip().endswith("%")
    if relative and any(plant.value(p) == 0.0 for p in paths):
        raise PlantError(f"{where}: a share of {paths[0]}, which is 0, is nothing; give a spread in {unit}")
    sizes = []
    for what, text in (("spread", wish.spread), ("wander", wish.wander)):
        try:
            bare = text.strip()
            percent = bare.endswith("%")
            size = (
                to_si(bare[:-1].strip(), "1") / 100.0
                if percent
                else difference_to_si(bare, "1" if bare == "0" else unit)
            )
        except TwinError as err:
            raise PlantError(f"{where}.{what}: {err}") from None
        if size and percent != relative:
            raise PlantError(f"{where}.{what}: {text}: write spread and wander alike, both in % or both in {unit}")
        sizes.append(size)
    spread, wander = sizes
    if not 0.0 < spread < (10.0 if relative else 1e30) or not 0.0 <= wander < 1e30:
        raise PlantError(f"{where}: spread {wish.spread}, wander {wish.wander}: give a spread above 0")
    if wish.held and not wander:
        raise PlantError(f"{where}.held: what doesn't wander is held anyway; drop it, or give a wander")
    return Unknown(name, paths, spread, wander, relative, wish.held)


def _assumed(plant: Plant, entry: EstimateEntry, node: Node) -> tuple[str, ...]:
    memories = plant.paths(Memory)
    for pattern in entry.assume:
        if not any(fnmatchcase(path, pattern) for path in memories):
            raise PlantError(f"{node.at('assume')}: estimate.assume: {unknown('memory', pattern, memories)}")
    return tuple(p for p in memories if any(fnmatchcase(p, pattern) for pattern in entry.assume))


def _accuracies(plant: Plant, entry: EstimateEntry, node: Node) -> dict[str, float]:
    section = node.get("accuracy", node)
    for pattern in entry.accuracy:
        if not any(fnmatchcase(tag, pattern) for tag in plant.tags):
            raise PlantError(f"{section.at(pattern)}: estimate.accuracy: {unknown('tag', pattern, plant.tags)}")
    return {tag.name: _accuracy(plant, tag, entry, section) for tag in plant.tags.values()}


def _accuracy(plant: Plant, tag: Tag, entry: EstimateEntry, section: Node) -> float:
    given = [(pattern, text) for pattern, text in entry.accuracy.items() if fnmatchcase(tag.name, pattern)]
    if not given:
        return BIAS * max(tag.noise, tag.quantum)
    pattern, text = given[-1]
    try:
        size = difference_to_si(text, plant.quantity(tag.reads).unit)
    except TwinError as err:
        raise PlantError(f"{section.at(pattern)}: estimate.accuracy.{pattern}: {err}") from None
    if not 0.0 <= size < 1e30:
        raise PlantError(f"{section.at(pattern)}: estimate.accuracy.{pattern}: {text}: give 0 or more")
    return size


def _tolerances(plant: Plant, entry: EstimateEntry, node: Node) -> dict[str, Tolerance]:
    """Return what is tolerated of each tag; where patterns overlap, the last one holds."""
    section = node.get("tolerance", node)
    found: dict[str, Tolerance] = {}
    for pattern, said in entry.tolerance.items():
        where = f"{section.at(pattern)}: estimate.tolerance.{pattern}"
        meant = [tag for name, tag in plant.tags.items() if fnmatchcase(name, pattern)]
        if not meant:
            raise PlantError(f"{where}: {unknown('tag', pattern, plant.tags)}")
        wish = ToleranceEntry(low=said, high=said) if isinstance(said, str) else said
        found |= {tag.name: _tolerance(plant, tag, wish, where) for tag in meant}
    return found


def _tolerance(plant: Plant, tag: Tag, wish: ToleranceEntry, where: str) -> Tolerance:
    texts = [text.strip() for text in (wish.low, wish.high)]
    relative = any(text.endswith("%") for text in texts)
    if not any(texts) or any(text and text.endswith("%") != relative for text in texts):
        raise PlantError(f"{where}: give low, high or both, both in % or both in {tag.unit or 'the unit of the tag'}")
    sizes = [math.inf, math.inf]
    for i, text in enumerate(texts):
        try:
            if text and relative:
                sizes[i] = to_si(text[:-1].strip(), "1") / 100.0
            elif text:
                sizes[i] = difference_to_si(text, plant.quantity(tag.reads).unit)
        except TwinError as err:
            raise PlantError(f"{where}: {err}") from None
    if min(sizes) <= 0.0:
        raise PlantError(f"{where}: {' '.join(texts).strip()}: give more than 0")
    return Tolerance(sizes[0], sizes[1], relative)
