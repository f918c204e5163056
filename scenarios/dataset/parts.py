"""Parts of a data set's file in SI: ranges, modes, duties, faults of equipment and of instruments."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scenarios.dataset.file import DutyEntry, EnvironmentEntry, FaultEntry, MachinesEntry, ModeEntry, SensorFaultEntry
from scenarios.dataset.spec import (
    GROWTHS,
    KINDS,
    Between,
    Duty,
    Fault,
    Machines,
    Mode,
    SensorFault,
    Surrounding,
)  # fmt: skip
from twin.declare import Fault as Declared
from twin.declare import Input, Param, State
from twin.errors import PlantError, unknown
from twin.factory.truth import Disturbance
from twin.factory.truth_loader import FARTHEST, LONGEST, disturbance_of, names, spread_of
from twin.flow.linking import placed
from twin.flow.words import whole
from twin.plant import Plant, setting
from twin.read import Node
from twin.units import difference_to_si, from_si, to_si

MOST_MACHINES = 1_000_000
MOST_SHARE = 1e6
"""Beside the others' shares: their sum stays a number."""
LARGEST = 1e20
"""Error of an instrument, SI: signals hold 32 bits, which end at 3e38."""
_STEP = re.compile(r"(\S+)\s+(.+)")


def number(where: str, text: str, unit: str, low: float = 0.0, high: float = math.inf) -> float:
    """Return a number in SI, refused outside of [low, high]."""
    with placed(where):
        value = to_si(text, unit)
        if not low <= value <= high:
            raise PlantError(f"{text} is outside [{low:g}, {high:g}] {unit}; give a value inside")
        return value


def between(where: str, texts: Sequence[str], unit: str, low: float = 0.0, high: float = math.inf) -> Between:
    """Return a range in SI whose ends are in order and within [low, high]."""
    if len(texts) != 2:
        raise PlantError(f"{where}: {len(texts)} values; give [least, greatest]")
    found = Between(*(number(where, text, unit, low, high) for text in texts))
    if found.low > found.high:
        raise PlantError(f"{where}: {texts[0]} is above {texts[1]}; give [least, greatest]")
    return found


def when(where: str, texts: Sequence[str], length: float) -> Between:
    """Return a range of times [s], given as such or as shares of a length."""
    if all(text.strip().endswith("%") for text in texts):
        share = between(where, texts, "1", 0.0, 1.0)
        return Between(share.low * length, share.high * length)
    return between(where, texts, "s", 0.0, length)


def settings(where: str, plant: Plant, path: str, given: Any) -> Between:
    """Return between what a quantity is drawn: one value, or [low, high]; refused out of bounds."""
    texts = given if isinstance(given, list) else [given, given]
    if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
        raise PlantError(f"{where}: {path}: give one value, or [low, high]")
    with placed(where):
        low, high = (setting(plant, path, text) for text in texts)
        if low > high:
            raise PlantError(f"{path}: {texts[0]} is above {texts[1]}; give [low, high]")
    return Between(low, high)


def machines(plants: Sequence[Plant], entry: MachinesEntry, node: Node) -> Machines:
    """Return how machines differ."""
    plant = plants[0]
    with placed(f"{node.at('count')}: machines.count"):
        count = whole(entry.count, 1, MOST_MACHINES)
    spread = spread_of(plant, entry.spread, node["spread"]) if entry.spread else {}
    _check_spread(plants, spread, f"{node['spread'].at('size')}: machines.spread" if entry.spread else "")
    within, errors = {}, {}
    for path, texts in entry.within.items():
        where = f"{node['within'].at(path)}: machines.within"
        within[path] = settings(where, plant, path, texts)
        _check_drawn(where, plant, path)
    for tag, text in entry.instruments.items():
        where = f"{node['instruments'].at(tag)}: machines.instruments"
        with placed(where):
            if tag not in plant.tags:
                raise PlantError(unknown("tag", tag, plant.tags))
            errors[tag] = difference_to_si(text, plant.quantity(plant.tags[tag].reads).unit)
            if not 0.0 <= errors[tag] <= LARGEST:
                raise PlantError(f"{text}: a standard deviation is from 0 to {LARGEST:g}; mend it")
    return Machines(count, spread, within, errors)


def _check_spread(plants: Sequence[Plant], spread: Mapping[str, float], where: str) -> None:
    """Refuse what would leave its bounds: of the first plant only where it could be mirrored neither up nor down."""
    for path, size in spread.items():
        low, high = plants[0].quantity(path).bounds
        for plant in plants:
            ends = sorted(plant.value(path) * math.exp(k * size) for k in (-3.0, 3.0))
            out = (ends[0] < low, ends[1] > high)
            if all(out) or (any(out) and plant is not plants[0]):
                raise PlantError(
                    f"{where}: {path} of {plant.name} would leave [{low:g}, {high:g}] with {size:.1%}; give less"
                )


def _check_drawn(where: str, plant: Plant, path: str) -> None:
    """Refuse to draw what isn't a machine's or a run's own."""
    if not isinstance(plant.quantity(path), State | Input | Param):
        raise PlantError(f"{where}: {path} is no state, input or parameter; faults are drawn under `faults`")


def mode(plant: Plant, name: str, entry: ModeEntry, node: Node) -> Mode:
    """Return a way of operating."""
    values = {}
    for path, given in entry.set.items():
        where = f"{node['set'].at(path)}: modes.{name}"
        values[path] = settings(where, plant, path, given)
        if not isinstance(plant.quantity(path), Param | Input):
            raise PlantError(f"{where}: {path} is no input or parameter; a mode sets what an operator can")
    return Mode(name, entry.about.strip(), values)


def duty(modes: Sequence[str], name: str, entry: DutyEntry, node: Node, hold: float) -> Duty:
    """Return an order of modes; times are whole numbers of `hold`."""
    where = f"{node.where}: duty.{name}"
    share = number(f"{node.at('share')}: duty.{name}.share", entry.share, "1", 0.0, MOST_SHARE)
    if bool(entry.cycle) == bool(entry.modes):
        raise PlantError(f"{where}: has {'both' if entry.cycle else 'neither'} `cycle` and `modes`; give one of them")

    def code(place: str, mode_: str) -> int:
        if mode_ not in modes:
            raise PlantError(f"{place}: {unknown('mode', mode_, modes)}")
        return modes.index(mode_)

    if entry.cycle:
        place = f"{node.at('cycle')}: duty.{name}.cycle"
        steps = []
        for text in entry.cycle:
            found = _STEP.fullmatch(text.strip())
            if found is None:
                raise PlantError(f"{place}: {text!r:.80} has no time; write a mode and its time, as in `idle 1 min`")
            time = number(place, found[2], "s", hold, LONGEST)
            steps.append((code(place, found[1]), max(round(time / hold), 1) * hold))
        return Duty(name, share, tuple(steps), (), Between(0.0, 0.0))
    place = f"{node.at('modes')}: duty.{name}.modes"
    each = between(f"{node.at('each')}: duty.{name}.each", entry.each, "s", hold, LONGEST)
    return Duty(name, share, (), tuple(code(place, text) for text in entry.modes), each)


def surrounding(plant: Plant, name: str, entry: EnvironmentEntry, node: Node) -> Surrounding:
    """Return inputs that come from outside."""
    if entry.wanders or entry.levels or not entry.between:
        disturbance = disturbance_of(plant, name, entry, node)
    else:
        disturbance = Disturbance(name, tuple(entry.of))
    if not entry.between:
        return Surrounding(disturbance, None)
    where = f"{node.at('between')}: {name}.between"
    far = max([FARTHEST * disturbance.size, *map(abs, disturbance.levels)])
    for path in entry.of:
        ends = settings(where, plant, path, list(entry.between))
        low, high = plant.quantity(path).bounds
        if not isinstance(plant.quantity(path), Input):
            raise PlantError(f"{where}: {path} is no input; only what comes from outside is an environment")
        if not (low <= ends.low - far and ends.high + far <= high):
            raise PlantError(f"{where}: {path} would leave [{low:g}, {high:g}] as it wanders; give less")
    return Surrounding(disturbance, ends)


def fault(plant: Plant, name: str, entry: FaultEntry, node: Node, length: float) -> Fault:
    """Return what goes wrong in equipment."""
    to = {}
    for path, text in entry.to.items():
        where = f"{node['to'].at(path)}: faults.{name}"
        to[path] = settings(where, plant, path, text).low
        if not isinstance(plant.quantity(path), Declared):
            faults = plant.paths(Declared)
            raise PlantError(f"{where}: {unknown('fault', path, faults)}")
        if to[path] == plant.value(path):
            raise PlantError(f"{where}: {path} is {text} in the plant already; take it elsewhere")
    place = f"faults.{name}"
    severity = between(f"{node.at('severity')}: {place}.severity", entry.severity, "1", 1e-6, 1.0)
    unseen = between(f"{node.at('unseen')}: {place}.unseen", entry.unseen, "1", 1e-6, 1.0) if entry.unseen else None
    if unseen and unseen.low < severity.high and severity.low < unseen.high:
        raise PlantError(
            f"{node.at('unseen')}: {place}.unseen: {' to '.join(entry.unseen)} overlaps the seen severities, "
            f"{' to '.join(entry.severity)}; keep them apart"
        )
    growth = next((each for each in GROWTHS if each == entry.growth), None)
    if growth is None:
        raise PlantError(f"{node.at('growth')}: {place}.growth: {unknown('growth', entry.growth, GROWTHS)}")
    over = between(f"{node.at('over')}: {place}.over", entry.over, "s", 1e-6, LONGEST)
    onset = when(f"{node.at('onset')}: {place}.onset", entry.onset, length)
    share = number(f"{node.at('share')}: {place}.share", entry.share, "1", 0.0, MOST_SHARE)
    return Fault(name, entry.about.strip(), to, share, severity, unseen, onset, growth, over)


def sensor_fault(plant: Plant, name: str, entry: SensorFaultEntry, node: Node, length: float) -> SensorFault:
    """Return what goes wrong in an instrument."""
    place = f"sensor_faults.{name}"
    if entry.tag not in plant.tags:
        raise PlantError(f"{node.at('tag')}: {place}.tag: {unknown('tag', entry.tag, plant.tags)}")
    if entry.kind not in KINDS:
        raise PlantError(f"{node.at('kind')}: {place}.kind: {unknown('kind', entry.kind, KINDS)}")
    where = f"{node.at('size')}: {place}.size"
    sized = entry.kind not in ("stuck", "gap")
    if sized != bool(entry.size):
        raise PlantError(f"{where}: {entry.kind} {'needs a' if sized else 'has no'} size; mend it")
    tag = plant.tags[entry.tag]
    if entry.kind == "gain" and from_si(0.0, plant.quantity(tag.reads).unit, tag.unit):
        raise PlantError(f"{node.at('kind')}: {place}.kind: a gain means nothing in {tag.unit}; give an offset")
    size = _size(where, plant, entry) if sized else Between(0.0, 0.0)
    every = tag.every
    lasts = when(f"{node.at('lasts')}: {place}.lasts", entry.lasts, length)
    if lasts.low < every:
        raise PlantError(
            f"{node.at('lasts')}: {place}.lasts: {entry.lasts[0]} is less than a row; give {every:g} s or more"
        )
    return SensorFault(
        name, entry.tag, list(plant.tags).index(entry.tag), entry.kind,
        number(f"{node.at('share')}: {place}.share", entry.share, "1", 0.0, MOST_SHARE), size,
        when(f"{node.at('onset')}: {place}.onset", entry.onset, length),
        lasts,
    )  # fmt: skip


def _size(where: str, plant: Plant, entry: SensorFaultEntry) -> Between:
    """Return how far an instrument is off, without the sign."""
    unit = "1" if entry.kind == "gain" else plant.quantity(plant.tags[entry.tag].reads).unit
    convert = to_si if entry.kind == "gain" else difference_to_si
    with placed(where):
        values = [convert(text, unit) for text in entry.size]
    if len(values) != 2 or not 0.0 < values[0] <= values[1] <= LARGEST:
        raise PlantError(
            f"{where}: [{', '.join(entry.size)}] is not two positive sizes up to {LARGEST:g}; give [least, greatest], "
            "the sign is drawn"
        )
    return Between(*values)


def begun(plant: Plant, given: Mapping[str, Sequence[str]], node: Node | None) -> dict[str, Between]:
    """Return between what quantities are drawn at a run's start."""
    found = {}
    for path, texts in given.items():
        where = f"{node.at(path) if node else ''}: begin"
        found[path] = settings(where, plant, path, list(texts))
        _check_drawn(where, plant, path)
    return found


def recorded(plant: Plant, every: float, patterns: Sequence[str], noise: float, where: str) -> Plant:
    """Return a plant with those of its tags that are recorded, each as often as the others, without its schedule."""
    for pattern in patterns:
        if not any(names(pattern, tag) for tag in plant.tags):
            raise PlantError(f"{where}: sampling.tags: {unknown('tag', pattern, plant.tags)}")
    tags = {}
    for name, tag in plant.tags.items():
        if any(names(pattern, name) for pattern in patterns):
            late = tag.delay * tag.every / every
            if abs(late - round(late)) > 1e-9 * (1.0 + late):
                raise PlantError(
                    f"{where}: sampling.every: {name} lags by {tag.delay * tag.every:g} s, no whole number of "
                    f"{every:g} s; sample it otherwise"
                )
            tags[name] = tag._replace(every=every, noise=tag.noise * noise, delay=round(late))
    return replace(plant, tags=tags, limits={}, estimation=None, schedule=(), flow=None)
