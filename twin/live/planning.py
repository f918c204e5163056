"""What a view is told of a plant: its assets in the order of energy, what they exchange, and what is shown of them."""

import math

import numpy as np

from twin.declare import Input, State
from twin.estimate.choose import Filter
from twin.estimate.sigma import Places
from twin.estimate.values import in_si
from twin.history.plan import Link, Machine, Plan, Shown
from twin.monitor import names
from twin.plant import Plant, Tag, Unknown
from twin.units import scale

USUAL = 1.96
"""Standard deviations from what the plant file says within which an estimated number is nothing unusual."""
LEAST_ABSOLUTE = 100.0
"""A temperature that can't fall below this is an absolute one, not a difference [K]."""
_KINDS = {
    "m3/s": "liquid", "kg/s": "liquid", "Pa": "liquid", "N.m": "shaft", "rad/s": "shaft", "V": "power", "A": "power",
    "W": "heat", "K": "heat",
}  # fmt: skip
_STRENGTH = ("liquid", "shaft", "power", "heat", "signal")
"""Of several kinds between two assets the first is drawn."""


def plan_of(plant: Plant, belief: Filter) -> Plan:
    """Return what a view is told of a plant and of what is believed of it."""
    tags = {tag.name: tag for tag in plant.tags.values()}
    outputs = [_tag(plant, tags[tag.name]) for tag in belief.tags]
    outputs += [_quantity(plant, path, path, "hidden") for path in belief.outputs[len(outputs) :]]
    estimation = belief.estimation
    return Plan(
        plant.name, plant.about, plant.zone, estimation.every, estimation.lag, _machines(plant), _links(plant),
        tuple(outputs), tuple(_unknown(plant, belief, i, u) for i, u in enumerate(belief.unknowns)), len(belief.tags),
    )  # fmt: skip


def _machines(plant: Plant) -> tuple[Machine, ...]:
    """Return the assets, each a layer behind the last of those it meets that the file names before it."""
    order, layers = list(plant.assets), dict[str, int]()
    near = {frozenset((link.first, link.second)) for link in _links(plant) if link.kind != "signal"}
    for i, name in enumerate(order):
        before = [layers[other] for other in order[:i] if frozenset((name, other)) in near]
        layers[name] = 1 + max(before, default=-1)
    return tuple(
        Machine(name, cls.__name__, names.asset(name, cls), layers[name]) for name, cls in plant.assets.items()
    )


def _links(plant: Plant) -> tuple[Link, ...]:
    found: dict[tuple[str, str], str] = {}
    order = list(plant.assets)
    for target, origins in plant.wires.items():
        kind = _KINDS.get(plant.quantity(target).unit, "signal")
        for origin in origins:
            first, second = sorted((target.partition(".")[0], origin.partition(".")[0]), key=order.index)
            known = found.get((first, second), "signal")
            if first != second:
                found[first, second] = min(known, kind, key=_STRENGTH.index)
    return tuple(Link(first, second, kind) for (first, second), kind in found.items())


def _tag(plant: Plant, tag: Tag) -> Shown:
    asset, quantity = tag.reads.partition(".")[0], plant.quantity(tag.reads)
    unit = tag.unit or quantity.unit
    low, high = plant.limits.get(tag.name, (-math.inf, math.inf))
    return Shown(
        tag.name, "tag", asset, names.place(tag.reads, plant.assets[asset]), unit, *scale(unit, quantity.unit),
        low if math.isfinite(low) else None, high if math.isfinite(high) else None,
    )  # fmt: skip


def _quantity(plant: Plant, path: str, name: str, kind: str, usual: tuple[float, float] | None = None) -> Shown:
    """Return a quantity that no tag reads; of temperatures in degrees Celsius."""
    asset, quantity = path.partition(".")[0], plant.quantity(path)
    unit = "degC" if quantity.unit == "K" and quantity.bounds[0] >= LEAST_ABSOLUTE else quantity.unit
    shared = name != path
    title = names.place(path, plant.assets[asset])
    return Shown(name, kind, "" if shared else asset, title, unit, *scale(unit, quantity.unit), usual=usual)


def _unknown(plant: Plant, belief: Filter, i: int, unknown: Unknown) -> Shown:
    path = unknown.paths[0]
    quantity = plant.quantity(path)
    if isinstance(quantity, State):
        return _quantity(plant, path, unknown.name, "hidden")
    if isinstance(quantity, Input):
        return _quantity(plant, path, unknown.name, "input")
    return _quantity(plant, path, unknown.name, "parameter", _usual(belief.places, i))


def _usual(places: Places, i: int) -> tuple[float, float]:
    """Return where the plant file lets an unknown lie, SI."""
    still = np.zeros(len(places.base))
    low, high = (in_si(places, still + sign * USUAL, still)[0, i] for sign in (-1.0, 1.0))
    return float(low), float(high)
