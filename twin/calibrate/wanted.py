"""What is estimated of a plant and how a run begins, from the section `fit` of a recording and the command line."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twin import unknowns
from twin.clean.recording_file import FitEntry
from twin.declare import Input, Param, State
from twin.errors import PlantError, TwinError, unknown
from twin.plant import Plant
from twin.read import Node
from twin.units import difference_to_si, dimensions, to_si

USUAL = 0.3
"""Spread of a parameter of which nothing is said, as a share of its value."""
OF_BOUNDS = 1e-3
"""The same where its value is zero, as a share of its bounds."""
ROUNDING = 1e-7
"""Spreads below this share of a value are lost in its rounding."""
TINY, LARGEST = 1e-30, 1e30
"""Spreads lie between these, whatever the bounds."""

_TIME = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?) *([a-z]*)")


class Free(NamedTuple):
    """A parameter, held input or bias that is estimated; `spread`: a change that would not surprise, SI."""

    path: str
    spread: float


class Begin(NamedTuple):
    """An initial state that is estimated: near a tag's first readings, their rate of change, or the plant's value.

    Attributes
    ----------
    like, rate_of : str
        The tag that it is like, or whose rate of change it is; empty if none.
    """

    path: str
    spread: float
    like: str = ""
    rate_of: str = ""


class Window(NamedTuple):
    """The first part of a record, in rows or seconds."""

    rows: int = 0
    seconds: float = 0.0


class Wanted(NamedTuple):
    """What a fit is to find."""

    score: tuple[str, ...]
    initialise: Window
    free: tuple[Free, ...]
    start: tuple[Begin, ...]


def wanted(plant: Plant, entry: FitEntry, node: Node) -> Wanted:
    """Return the section with units resolved.

    Raises
    ------
    PlantError
        With file and line: a tag or quantity that the plant hasn't, a spread that isn't positive or doesn't measure the
        same.
    """
    for tag in entry.score:
        if tag not in plant.tags:
            raise PlantError(f"{node.at('score')}: fit.score: {unknown('tag', tag, plant.tags)}")
        if entry.score.count(tag) > 1:
            raise PlantError(f"{node.at('score')}: fit.score: {tag}: named twice; drop one")
    try:
        window = window_of(entry.initialise)
    except TwinError as err:
        raise PlantError(f"{node.at('initialise')}: fit.initialise: {err}") from None
    inside = node.get("free", node)
    free = tuple(
        Free(path, _spread(plant, path, text, f"{inside.at(path)}: fit.free.{path}", (Param, Input)))
        for path, text in entry.free.items()
    )
    inside, start = node.get("start", node), []
    for path, said in entry.start.items():
        where = f"{inside.at(path)}: fit.start.{path}"
        if said.like and said.rate_of:
            raise PlantError(f"{where}: there are `like` and `rate_of`; keep one of them")
        spread = _spread(plant, path, said.spread, where, (State,))
        for key, tag, per in (("like", said.like, ""), ("rate_of", said.rate_of, "/s")):
            if tag:
                _check_alike(plant, path, tag, f"{where}.{key}", per)
        start.append(Begin(path, spread, said.like, said.rate_of))
    return Wanted(tuple(entry.score), window, free, tuple(start))


def window_of(text: str) -> Window:
    """Return the beginning of a record that ``20`` (rows) or ``300s`` (a time) mean.

    Raises
    ------
    TwinError
        If it is neither.
    """
    bare = text.strip()
    if bare.isascii() and bare.isdecimal() and len(bare) < 9:
        return Window(rows=int(bare))
    seconds = time_of(bare)
    if not 0.0 <= seconds <= 1e9:
        raise TwinError(f"{text}: give a number of rows, or 0 s to 1e9 s")
    return Window(seconds=seconds)


def time_of(text: str) -> float:
    """Return the time, in s, that ``300s``, ``300 s``, ``5min`` or a bare number of seconds mean.

    Raises
    ------
    TwinError
        If it is no time.
    """
    found = _TIME.fullmatch(text.strip())
    return to_si(" ".join(found.groups()).strip() if found else text, "s")


def chosen(plant: Plant, paths: Sequence[str], known: Mapping[str, float]) -> tuple[Free, ...]:
    """Return parameters by name, with the spreads that a recording gives them or usual ones.

    Raises
    ------
    PlantError
        If one isn't the plant's, is computed or wired, or is named twice.
    """
    found: list[Free] = []
    for path in paths:
        _check(plant, path, (Param, Input), "--free")
        if path in [free.path for free in found]:
            raise PlantError(f"--free: {path}: named twice; drop one")
        found.append(Free(path, known.get(path) or usual(plant, path)))
    return tuple(found)


def candidates(plant: Plant) -> tuple[str, ...]:
    """Return parameters that could be estimated: those that are neither zero nor at a bound."""
    return tuple(p for p in plant.paths(Param) if plant.value(p) not in (0.0, *plant.quantity(p).bounds))


def usual(plant: Plant, path: str) -> float:
    """Return the spread of a parameter of which nothing is said, SI.

    Raises
    ------
    PlantError
        If nothing is usual: of an instrument's bias.
    """
    low, high = unknowns.bounds(plant, path)
    if not math.isfinite(high - low) and not unknowns.value(plant, path):
        raise PlantError(f"{path}: nothing tells how large it may be; say it in the recording, under fit.free")
    return USUAL * abs(unknowns.value(plant, path)) or OF_BOUNDS * (high - low)


def _check(plant: Plant, path: str, roles: tuple[type, ...], where: str) -> None:
    if Param in roles and unknowns.biased(plant, path):
        return
    try:
        quantity = plant.quantity(path)
    except TwinError as err:
        raise PlantError(f"{where}: {err}") from None
    if not isinstance(quantity, roles) or path in plant.wires:
        kinds = " or ".join(role.__name__.lower().replace("param", "parameter") for role in roles)
        raise PlantError(f"{where}: {path}: is no {kinds.replace('input', 'held input')}; name one")


def _check_alike(plant: Plant, path: str, tag: str, where: str, per: str) -> None:
    """Refuse a tag that there isn't, or whose readings, or their change `per` second, are no such quantity."""
    if tag not in plant.tags:
        raise PlantError(f"{where}: {unknown('tag', tag, plant.tags)}")
    read = plant.tags[tag].reads
    units = [plant.quantity(each).unit for each in (path, read)]
    if dimensions(units[0]) != dimensions(units[1] + per):
        what = "a tag whose change is that" if per else "a tag that measures the same"
        raise PlantError(f"{where}: {tag} reads {read} in {units[1]}, {path} is in {units[0]}; name {what}")


def _spread(plant: Plant, path: str, text: str, where: str, roles: tuple[type, ...]) -> float:
    _check(plant, path, roles, where)
    bare = text.strip()
    try:
        if bare.endswith("%"):
            size = to_si(bare[:-1].strip(), "1") / 100.0 * abs(unknowns.value(plant, path))
        else:
            size = difference_to_si(bare, unknowns.unit(plant, path))
    except TwinError as err:
        raise PlantError(f"{where}: {err}") from None
    if not size > 0.0:
        raise PlantError(f"{where}: {text}: give more than 0; a share of what is 0 is nothing")
    low, high = unknowns.bounds(plant, path)
    least, most = max(ROUNDING * abs(unknowns.value(plant, path)), TINY), min(high - low, LARGEST)
    if not least <= size <= most:
        raise PlantError(
            f"{where}: {text}: is {size:g}; give {least:.3g} to {most:.3g}, which its value and bounds allow"
        )
    return size
