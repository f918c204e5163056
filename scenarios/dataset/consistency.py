"""What doesn't fit together in a data set's specification, though each part is right by itself."""

from collections import Counter
from collections.abc import Iterator

from scenarios.dataset.spec import HEALTHY, SPLITS, Between, Spec
from twin.declare import Param
from twin.errors import PlantError
from twin.factory.truth_loader import FARTHEST
from twin.read import Node

MOST_ROWS = 10_000_000
MOST_STEPS = 2_000_000
"""Steps of what moves from outside that a run has: they are drawn at once."""
MOST_CODES = 255
"""Labels hold codes of one byte, and 0 is nothing wrong."""


def refuse_misfits(spec: Spec, tree: Node) -> None:
    """Refuse a specification whose parts don't fit together.

    Parameters
    ----------
    spec : Spec
    tree : Node
        Its file, for the lines.

    Raises
    ------
    PlantError
        For the first thing that doesn't fit, with its line.
    """
    _times(spec, tree)
    _plants(spec, tree)
    _classes(spec, tree)
    _splits(spec, tree)
    _machines(spec, tree)
    _drawn_once(spec, tree)
    _inside(spec, tree)
    _left_out(spec, tree)


def section(tree: Node, key: str) -> Node:
    """Return a section of the file, or an empty one that stands where the file begins."""
    node = tree.get(key)
    return node if isinstance(node, Node) else Node(tree.where)


def _times(spec: Spec, tree: Node) -> None:
    if spec.rows > MOST_ROWS:
        raise PlantError(f"{tree.at('length')}: length: {spec.rows} rows a run, {MOST_ROWS} at most; shorten it")
    if spec.hold > spec.length:
        raise PlantError(f"{tree.at('hold')}: hold: {spec.hold:g} s is longer than a run; give a shorter step")
    steps = (spec.length + spec.horizon) / spec.hold
    if steps > MOST_STEPS:
        raise PlantError(
            f"{tree.at('hold')}: hold: {steps:.0f} steps of {spec.hold:g} s to the horizon, {MOST_STEPS} "
            "at most; shorten them, or give a longer step"
        )
    for disturbance, _ in spec.environment:
        times = disturbance.every / spec.hold
        if disturbance.levels and abs(times - round(times)) > 1e-9 * times:
            where = section(tree, "environment")[disturbance.name].at("every")
            raise PlantError(
                f"{where}: environment.{disturbance.name}.every: {disturbance.every:g} s is no whole number of `hold`s "
                f"of {spec.hold:g} s; round it"
            )
    last = spec.length - 2.0 * spec.every  # rows see what was before a change: the last row sees this instant's
    for key, step, entries in (("faults", spec.hold, spec.faults), ("sensor_faults", spec.every, spec.sensor_faults)):
        for entry in entries:
            begins = entry.onset.high // step * step
            if begins > last + 1e-9 * spec.length:
                where = section(tree, key)[entry.name].at("onset")
                raise PlantError(
                    f"{where}: {key}.{entry.name}.onset: {begins:g} s leaves no row in which it is seen; begin earlier"
                )


def _plants(spec: Spec, tree: Node) -> None:
    where = f"{tree.at('plants')}: plants"
    for name, count in Counter(plant.name for plant in spec.plants).items():
        if count > 1:
            raise PlantError(f"{where}: {count} plants are called {name!r}; rename one, or drop it")
        if "/" in name or "\\" in name or len(name.encode()) > 200:
            raise PlantError(f"{where}: {name!r} can't be part of a file's name; rename the plant")


def _classes(spec: Spec, tree: Node) -> None:
    entries = {"faults": spec.faults, "sensor_faults": spec.sensor_faults, "duty": spec.duties, "modes": spec.modes}
    for key, found in entries.items():
        if len(found) > MOST_CODES:
            raise PlantError(f"{tree.at(key)}: {key}: {len(found)} of them, {MOST_CODES} at most; leave some out")
    if HEALTHY in spec.classes[1:]:
        raise PlantError(f"{tree['faults'].at(HEALTHY)}: faults: {HEALTHY} is no fault; rename it")
    if spec.modes and not spec.duties:
        raise PlantError(f"{tree.at('modes')}: modes: nothing says in which order; give a `duty`")
    if not spec.healthy:
        raise PlantError(f"{tree.at('healthy')}: healthy: no healthy runs; a detector needs some, give a share")
    if not spec.faults and spec.healthy < 1.0:
        raise PlantError(f"{tree.at('healthy')}: healthy: there are no faults; give some, or make it 100 %")
    if spec.faults and spec.healthy == 1.0:
        raise PlantError(f"{tree.at('healthy')}: healthy: leaves no run for the faults; give less, or drop the faults")
    if spec.sensor_faulty and not spec.sensor_faults:
        raise PlantError(f"{tree.at('sensor_faulty')}: sensor_faulty: there are no sensor_faults; give some")
    if spec.sensor_faults and not spec.sensor_faulty:
        where = tree.at("sensor_faults")
        raise PlantError(f"{where}: sensor_faults: none is ever drawn; give sensor_faulty a share, or drop them")
    for key, shares in (
        ("sensor_faults", [each.share for each in spec.sensor_faults]), ("duty", [each.share for each in spec.duties])
    ):  # fmt: skip
        if shares and not sum(shares) > 0.0:
            raise PlantError(f"{tree.at(key)}: {key}: shares sum to 0; give one a share")


def _splits(spec: Spec, tree: Node) -> None:
    node, splits = section(tree, "splits"), spec.splits
    share = dict(zip(SPLITS, splits.shares, strict=True))
    if not share["train"]:
        raise PlantError(f"{node.at('train')}: splits.train: no runs to train with, or to normalise by; give a share")
    seen = [fault for fault in spec.faults if fault.name not in splits.faults]
    if spec.faults and not sum(fault.share for fault in seen) > 0.0:
        raise PlantError(
            f"{tree.at('faults')}: faults: shares of those that are trained with sum to 0; give one a share"
        )
    if share["unseen_fault"] and not sum(f.share for f in spec.faults if f.name in splits.faults) > 0.0:
        raise PlantError(
            f"{node.where}: splits: unseen_fault has nothing to draw; give `faults` to hold out, with shares"
        )
    if splits.faults and not share["unseen_fault"]:
        raise PlantError(f"{node.at('faults')}: splits.faults: are held out of all; give unseen_fault a share")
    if share["unseen_severity"] and not sum(fault.share for fault in seen if fault.unseen) > 0.0:
        raise PlantError(
            f"{node.where}: splits: unseen_severity has nothing to draw; give a fault that isn't held out `unseen`"
        )


def _machines(spec: Spec, tree: Node) -> None:
    node, number = section(tree, "splits"), spec.machines.number
    held = round(spec.splits.machines * number)
    if spec.splits.shares[SPLITS.index("unseen_machine")]:
        if not 0 < held < number:
            raise PlantError(
                f"{node.where}: splits: {held} of {number} machines are held out for unseen_machine; give at least "
                "one, and leave some"
            )
    else:
        held = 0
    if spec.splits.by == "machine" and number - held < 3:
        where = section(tree, "machines").at("count")
        raise PlantError(f"{where}: machines.count: too few to split by machine; give more")


def _drawn_once(spec: Spec, tree: Node) -> None:
    """Refuse a quantity that two parts draw: one of them would be lost without a word."""
    drawn: dict[str, str] = {}
    for what, where, path in _drawn(spec, tree):
        if path in drawn:
            raise PlantError(f"{where}: {what}: {path} is drawn by {drawn[path]} too; keep one of them")
        drawn[path] = what


def _drawn(spec: Spec, tree: Node) -> Iterator[tuple[str, str, str]]:
    machines = section(tree, "machines")
    yield from (("machines.spread", machines.at("spread"), path) for path in spec.machines.spread)
    within = section(machines, "within")
    yield from (("machines.within", within.at(path), path) for path in spec.machines.within)
    yield from (("begin", section(tree, "begin").at(path), path) for path in spec.begin)
    for disturbance, between in spec.environment:
        where = section(tree, "environment").at(disturbance.name)
        yield from ((f"environment.{disturbance.name}", where, path) for path in disturbance.paths if between)


def _inside(spec: Spec, tree: Node) -> None:
    """Refuse an input that leaves its bounds as it wanders about what modes or runs set it to."""
    values: dict[str, list[Between]] = {}
    for ranges in (spec.begin, spec.machines.within, *(mode.values for mode in spec.modes)):
        for path, between in ranges.items():
            values.setdefault(path, []).append(between)
    for disturbance, _ in spec.environment:
        far = max([FARTHEST * disturbance.size, *map(abs, disturbance.levels)])
        for path in disturbance.paths:
            low, high = spec.plant.quantity(path).bounds
            if any(each.low - far < low or each.high + far > high for each in values.get(path, [])):
                where = section(tree, "environment").at(disturbance.name)
                raise PlantError(
                    f"{where}: environment.{disturbance.name}: {path} would leave [{low:g}, {high:g}] about what "
                    "modes or runs set it to; give less"
                )


def _left_out(spec: Spec, tree: Node) -> None:
    """Refuse to record a parameter as a signal or as truth where `contents` leaves parameters out."""
    if "parameters" in spec.contents:
        return
    recorded = {path: "truth" for path in spec.truth if "truth" in spec.contents}
    recorded |= {channel.reads: "tags" for channel in spec.channels}
    for path, key in recorded.items():
        if isinstance(spec.plant.quantity(path), Param):
            raise PlantError(
                f"{section(tree, 'sampling').at(key)}: sampling.{key}: {path} is a parameter, and `contents` leaves "
                "parameters out; leave this out too"
            )
