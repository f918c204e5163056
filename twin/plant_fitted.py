"""The section `fitted` of a plant file: what its numbers were estimated from, and how far they may be off."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from twin import unknowns
from twin.declare import Input, Param
from twin.errors import PlantError, TwinError, unknown
from twin.plant import Plant
from twin.plant_file import FittedEntry
from twin.read import Node
from twin.units import to_si

MOST = 200
LARGEST = 1e30
"""Numbers are below this."""
ROUNDED = 1e-4
"""How far rounding may put an eigenvalue of a table of correlations below zero, or a value outside its interval."""
AGREES = 1e-9
"""A number in `with` is the one that was estimated if it differs by no more than this share."""


class Number(NamedTuple):
    """An estimate, SI: value, 95 % interval and standard deviation."""

    value: float
    low: float
    high: float
    deviation: float


class Agreement(NamedTuple):
    """How a tag's free run agreed with its readings, SI; see `twin.plant_file.FittedTagEntry`."""

    rmse: float
    left_out: float
    memory: float
    noise: float


class Fitted(NamedTuple):
    """What a plant was fitted to, and how well.

    Attributes
    ----------
    covariance : (numbers, numbers)
    ranges : dict
        Of recorded inputs, by quantity: their least and largest value, SI.
    linear : str
        JSON of a linear model for comparison, or empty.
    """

    recording: str
    source: str
    files: tuple[tuple[str, str], ...]
    numbers: Mapping[str, Number]
    covariance: np.ndarray
    held: Mapping[str, str]
    tags: Mapping[str, Agreement]
    ranges: Mapping[str, tuple[float, float]]
    linear: str

    def span(self, path: str) -> tuple[float, float] | None:
        """Return between which values a quantity was calibrated, SI: an estimate's interval, or what was recorded."""
        number = self.numbers.get(path)
        return self.ranges.get(path) if number is None else (number.low, number.high)


def fitted(plant: Plant, entry: FittedEntry, node: Node) -> Fitted:
    """Return the section as numbers.

    Raises
    ------
    PlantError
        With file and line: a number that is none, a correlation that is no correlation, or a value that isn't the one
        in `with`, which somebody has changed since.
    """
    where = node.at("numbers")
    if len(entry.numbers) > MOST:
        raise PlantError(f"{where}: fitted.numbers: {len(entry.numbers)} of them, {MOST} at most; fit again")
    numbers = {}
    for path, said in entry.numbers.items():
        place = f"{node['numbers'].at(path)}: fitted.numbers.{path}"
        _check_settable(place, plant, path)
        value, low, high = (_number(place, text) for text in (said.value, said.low, said.high))
        numbers[path] = Number(value, low, high, _size(place, said.deviation))
        if not math.isclose(value, unknowns.value(plant, path), rel_tol=AGREES, abs_tol=1e-300):
            raise PlantError(
                f"{place}: was estimated as {said.value}, the plant has {unknowns.value(plant, path)!r}; "
                "fit again, or remove the section `fitted`"
            )
        slack = ROUNDED * abs(value)
        if not low - slack <= value <= high + slack:
            raise PlantError(f"{place}: {said.value} is outside its interval, {said.low} to {said.high}; fit again")
    tags = {}
    for tag, told in entry.tags.items():
        place = f"{node['tags'].at(tag)}: fitted.tags.{tag}"
        if tag not in plant.tags:
            raise PlantError(f"{place}: {unknown('tag', tag, plant.tags)}")
        sizes = (_size(place, text) for text in (told.rmse, told.left_out or "0", told.memory, told.noise))
        tags[tag] = Agreement(*sizes)._replace(**({} if told.left_out else {"left_out": math.nan}))
    ranges = {path: _range(f"{node['ranges'].at(path)}: fitted.ranges.{path}", plant, path, said.low, said.high)
              for path, said in entry.ranges.items()}  # fmt: skip
    return Fitted(
        entry.recording, entry.source, tuple((file.name, file.sha256) for file in entry.files), numbers,
        _covariance(entry, node, numbers), entry.held, tags, ranges, entry.linear,
    )  # fmt: skip


def _check_settable(place: str, plant: Plant, path: str) -> None:
    if unknowns.biased(plant, path):
        return
    try:
        quantity = plant.quantity(path)
    except TwinError as err:
        raise PlantError(f"{place}: {err}") from None
    if not isinstance(quantity, Param | Input) or path in plant.wires:
        raise PlantError(f"{place}: is no parameter or held input; fit again")


def _range(place: str, plant: Plant, path: str, low: str, high: str) -> tuple[float, float]:
    try:
        plant.quantity(path)
    except TwinError as err:
        raise PlantError(f"{place}: {err}") from None
    found = _number(place, low), _number(place, high)
    if not found[0] <= found[1]:
        raise PlantError(f"{place}: {low} to {high} is no range; fit again")
    return found


def _number(place: str, text: str) -> float:
    try:
        return to_si(text, "1")
    except TwinError as err:
        raise PlantError(f"{place}: {err}") from None


def _size(place: str, text: str) -> float:
    """Return a number that isn't negative."""
    size = _number(place, text)
    if not 0.0 <= size < LARGEST:
        raise PlantError(f"{place}: {text} must be from 0 to {LARGEST:g}; fit again")
    return size


def _covariance(entry: FittedEntry, node: Node, numbers: Mapping[str, Number]) -> np.ndarray:
    place = f"{node.at('correlation')}: fitted.correlation"
    count = len(numbers)
    if [len(row) for row in entry.correlation] != [count] * count:
        raise PlantError(f"{place}: is no {count} by {count} table; fit again")
    matrix = np.array([_number(place, text) for row in entry.correlation for text in row]).reshape(count, count)
    if not (
        np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0) and np.abs(matrix).max(initial=0.0) <= 1.0
        and np.linalg.eigvalsh(matrix).min(initial=1.0) >= -ROUNDED
    ):  # fmt: skip
        raise PlantError(f"{place}: is no table of correlations; fit again")
    deviation = np.array([number.deviation for number in numbers.values()])
    return matrix * np.outer(deviation, deviation)
