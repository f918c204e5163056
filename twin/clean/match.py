"""Which shipped plant looks most like the instruments of a file, and what each of them would read there."""

import re
from collections import Counter
from typing import NamedTuple

from twin.clean.guess import kind_of, said
from twin.clean.survey import Column
from twin.declare import Fault, Memory, Output, State
from twin.errors import PlantError, TwinError
from twin.plant import Plant
from twin.shipped import names, path_of
from twin.units import scale

ORDINARY = {
    "temperature": "degC",
    "pressure": "bar",
    "flow": "l/min",
    "level": "m",
    "vibration": "m/s2",
    "speed": "rpm",
    "current": "A",
    "voltage": "V",
    "power": "kW",
    "torque": "N.m",
    "force": "N",
    "position": "mm",
    "opening": "percent",
    "state": "1",
    "frequency": "Hz",
}
"""The unit that a column is most likely in where its header says none."""

_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class Match(NamedTuple):
    """A column and the quantity that it may read: ``asset.quantity``, empty where there is none."""

    column: Column
    unit: str
    reads: str


class Model(NamedTuple):
    """A plant to start from, and what each column may read in it."""

    plant: Plant
    matches: tuple[Match, ...]


def closest(columns: tuple[Column, ...]) -> Model:
    """Return the shipped plant in which most columns find something to read; the smaller one of two.

    Raises
    ------
    PlantError
        If no plants are installed.
    """
    models = [_model(Plant.load(path_of(name)), columns) for name in names()]
    if not models:
        raise PlantError("no plants are installed to start from; install equipment-twin with its scenarios")
    return max(models, key=lambda model: (_score(model), -len(model.plant.assets)))


def _score(model: Model) -> int:
    """Return how many columns read something; those that the plant has an instrument for count twice."""
    curated = {tag.reads for tag in model.plant.tags.values()}
    return sum(bool(match.reads) + (match.reads in curated) for match in model.matches)


def _model(plant: Plant, columns: tuple[Column, ...]) -> Model:
    offered = _offered(plant)
    used: Counter[str] = Counter()
    matches = []
    for column in columns:
        unit = column.unit or ORDINARY.get(column.kind, "")
        if (namesake := plant.tags.get(column.header)) and _measures(plant, namesake.reads, unit or namesake.unit):
            used[namesake.reads] += 1
            matches.append(Match(column, unit or namesake.unit, namesake.reads))
            continue
        fits = [path for path, kind in offered.items() if column.kind == kind and _measures(plant, path, unit)]
        reads = min(fits, key=lambda path: used[path], default="") if column.role in ("number", "mode") else ""
        used[reads] += 1
        matches.append(Match(column, unit, reads))
    return Model(plant, tuple(matches))


def _offered(plant: Plant) -> dict[str, str]:
    """Return what can be read and its kind: what the plant has instruments for, before states and outputs."""
    found: dict[str, str] = {}
    for name, tag in plant.tags.items():
        found.setdefault(tag.reads, _kind(plant, tag.reads, name))
    for path in plant.paths(State, Output, Memory):
        if path not in found and not isinstance(plant.quantity(path), Fault):
            found[path] = _kind(plant, path, path.partition(".")[2])
    return {path: kind for path, kind in found.items() if kind}


def _kind(plant: Plant, path: str, name: str) -> str:
    """Return the kind of a quantity by its unit, or where that is none by its name."""
    quantity = plant.quantity(path)
    if quantity.unit != "1":
        by_unit = said("", quantity.unit).kind
        return "level" if quantity.unit == "m" and "level" in f"{path} {quantity.doc}" else by_unit
    if re.search(r"travel|open", quantity.doc) and "error" not in name:
        return "opening"
    return "state" if kind_of(name) == "state" or "relay" in quantity.doc or "1 " in quantity.doc[:3] else ""


def _measures(plant: Plant, path: str, unit: str) -> bool:
    try:
        scale(unit or "1", plant.quantity(path).unit)
    except TwinError:
        return False
    return True


def tag_names(matches: tuple[Match, ...]) -> list[str]:
    """Return a name for each column's tag, of letters, digits and underscores, none twice."""
    found: list[str] = []
    for match in matches:
        bare = re.sub(r"\s*[(\[{].*$", "", match.column.header).strip()
        words = [word for word in re.split(r"[^A-Za-z0-9]+", bare) if word]
        plain = bare.isascii() and words and _SIMPLE.fullmatch(words[0]) and not bare.startswith(("=", "+", "-", "@"))
        name = "_".join(words)[:60] if plain else (match.column.kind or "column")
        start, n = name, 1
        while name in found:
            n += 1
            name = f"{start}_{n}"
        found.append(name)
    return found
