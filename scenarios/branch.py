"""Branches of a scenario, many at once on the lanes: what workers run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenarios.changes import Change, amount, edited, later, of_equipment
from scenarios.measures import Money
from scenarios.measuring import Course, measured, needed
from scenarios.results import Failed, Result
from scenarios.scenario import Step
from scenarios.uncertain import Spread, draw_fitted, draw_named
from twin.ensemble import LANES, Ensemble
from twin.errors import SimulationError, SnapshotError, TwinError
from twin.flow import counts
from twin.flow.blocks import Station
from twin.flow.floor import OWN, Floor
from twin.flow.joined import Joined
from twin.flow.laying import Laid
from twin.plant import Change as Due
from twin.plant import Plant, Solver, Tag
from twin.plant_loader import built
from twin.read import Node
from twin.snapshot import Snapshot, rebased
from twin.streams import member_seeds

POINTS = 96
"""Instants at which a curve is drawn, beside the first."""
FINER = 0.1
"""Of the tolerance, where a branch is run once more."""
LOGGED = 20_000
"""Changes of blocks that are noted for one replication of each variant."""


class Branch(NamedTuple):
    """One future: a variant, or a case of a design, in one replication; the key names both."""

    key: str
    changes: tuple[Change, ...]
    schedule: tuple[Step, ...]
    replication: int


class Common(NamedTuple):
    """What all branches of a scenario share.

    Attributes
    ----------
    tree, text, extra
        The plant's file.
    start : Snapshot or None
        Where they begin, of one member or of several machines that it might be; at rest if None.
    length, warm_up, rtol, seed, report, curves, assume, uncertain, money
        As the scenario has them.
    """

    tree: Node
    text: str
    extra: Path | None
    start: Snapshot | None
    length: float
    warm_up: float
    rtol: float
    seed: int
    report: tuple[str, ...]
    curves: tuple[str, ...]
    assume: tuple[Change, ...]
    uncertain: tuple[Spread, ...]
    money: Money | None


def evaluate(common: Common, branches: Sequence[Branch]) -> list[Result | Failed]:
    """Return what branches come to; one that fails says why.

    One whose physics goes wrong is run once more, more exactly: now and then a step is blind to a corner
    of the equations. Which are depends on nothing but the branch itself.
    """
    found: dict[str, Result | Failed] = {}
    groups: dict[tuple[str, str], list[tuple[Branch, Plant]]] = {}
    plants: dict[str, Plant | Failed] = {}
    alike: dict[str, str] = {}
    for branch in branches:
        said = repr(branch.changes)
        if said not in plants:
            plants[said] = _plant(common, branch.changes)
        plant = plants[said]
        if isinstance(plant, Failed):
            found[branch.key] = plant
        else:
            alike[said] = alike.get(said) or _alike(plant)
            groups.setdefault((alike[said], repr(branch.schedule)), []).append((branch, plant))
    for group in groups.values():
        answers = _run(common, [branch for branch, _ in group], [plant for _, plant in group])
        found |= {branch.key: answer for (branch, _), answer in zip(group, answers, strict=True)}
        again = [(branch, plant) for branch, plant in group if isinstance(found[branch.key], Failed)]
        if again:
            finer = common._replace(rtol=FINER * common.rtol)
            answers = _run(finer, [branch for branch, _ in again], [plant for _, plant in again])
            found |= {branch.key: answer for (branch, _), answer in zip(again, answers, strict=True)}
    return [found[branch.key] for branch in branches]


def _plant(common: Common, changes: tuple[Change, ...]) -> Plant | Failed:
    try:
        return built(edited(common.tree, (*common.assume, *changes)), common.text, common.extra)
    except TwinError as err:
        return Failed(str(err))


def _alike(plant: Plant) -> str:
    """Return what plants have to have the same of to share an ensemble."""
    if plant.flow is None:
        return "none"
    laid = Laid(plant.flow)
    energy = [(b.power, b.link and b.link.meters) for b in laid.flow.blocks if isinstance(b, Station)]
    return f"{laid.structure}{energy}{laid.bonds}{laid.floor(member_seeds(0, 1)).numbers.tobytes().hex()}"


def _run(common: Common, branches: Sequence[Branch], plants: Sequence[Plant]) -> list[Result | Failed]:
    """Run branches whose plants differ in numbers only."""
    plant, (ends, sampled) = plants[0], needed(plants[0], common.report)
    curves = [plant.tags[name].reads if name in plant.tags else name for name in common.curves]
    watched = list(dict.fromkeys([*sampled, *curves]))
    begin = common.start.time if common.start else 0.0
    period = common.length / POINTS
    tags = {path: Tag(path, path, plant.quantity(path).unit, period) for path in watched}
    steps = [Due(begin + s.at, c.path, later(plant, c)) for s in branches[0].schedule for c in of_equipment(s.changes)]
    own = plant.schedule if common.start is None else ()
    schedule = tuple(sorted((*own, *steps), key=lambda due: due.at))
    bare = replace(
        plant, tags=tags, limits={}, schedule=schedule, estimation=None, solver=Solver("rodas4", 1e-3, common.rtol),
        values={**plant.values},
    )  # fmt: skip
    machines = Ensemble(bare, len(branches), width=LANES["rodas4"])
    flow = _flow(common, machines, branches, plants)
    _begin(common, machines, flow, branches, plant)
    _advance(machines, flow, begin + common.warm_up)
    starts = {path: machines.get(path) for path in ends}
    if flow is not None:
        counts.forget(flow.floor)
        flow.floor.logging(LOGGED if any(b.replication == 0 for b in branches) else 0)
    first = _last(machines, begin + common.warm_up)
    _advance(machines, flow, begin + common.warm_up + common.length)
    if len(failures := machines.failures()) == len(branches):
        return [Failed(failures[m]) for m in range(len(branches))]
    taken = {tag: s.values[i] for s in machines.take_samples() for i, tag in enumerate(s.tags)}
    samples = {tag: np.concatenate([first[tag], v], axis=1) if tag in first else v for tag, v in taken.items()}
    course = Course(
        plant, flow.laid if flow else None, flow.floor if flow else None, begin + common.warm_up, common.length,
        {path: machines.get(path) for path in ends}, starts, samples, common.money,
    )  # fmt: skip
    return _answers(course, machines, branches, common, curves)


def _last(machines: Ensemble, time: float) -> dict[str, np.ndarray]:
    """Forget the samples of the warm-up; return those of the very instant at which it ends, shape (members, 1)."""
    chunks = [s for s in machines.take_samples() if len(s.times) and s.times[-1] == time]
    return {tag: s.values[i][:, -1:] for s in chunks for i, tag in enumerate(s.tags)}


def _advance(machines: Ensemble, flow: Joined | None, time: float) -> None:
    """Let every branch that doesn't fail come to a time, and its flow's clock stand there too."""
    if len(machines.failures()) == machines.members:
        return
    try:
        machines.advance(time)
    except SimulationError:
        if not machines.failures():
            raise
    if flow is not None:
        flow.stand(np.full(machines.members, time))


def _flow(common: Common, machines: Ensemble, branches: Sequence[Branch], plants: Sequence[Plant]) -> Joined | None:
    """Return the flows of all branches beside each other, each with its own numbers."""
    if plants[0].flow is None:
        return None
    seeds = member_seeds(common.seed, 1 + max(branch.replication for branch in branches))
    laids = {id(plant): Laid(plant.flow) for plant in plants if plant.flow is not None}
    floors = [
        laids[id(plant)].floor(seeds[branch.replication : branch.replication + 1])
        for branch, plant in zip(branches, plants, strict=True)
    ]
    whole = floors[0].arrays() | {name: np.concatenate([getattr(f, name) for f in floors]) for name in OWN}
    flow = Joined(machines.layout, laids[id(plants[0])], Floor(whole))
    machines.join(flow)
    return flow


def _begin(common: Common, machines: Ensemble, flow: Joined | None, branches: Sequence[Branch], plant: Plant) -> None:
    """Let every branch stand where it begins: at the start, changed."""
    replications = np.array([branch.replication for branch in branches])
    seeds = member_seeds(common.seed, 1 + int(replications.max()))[replications]
    if common.start is not None:
        which = replications % common.start.members
        start = replace(
            common.start, z=common.start.z[:, which], c=common.start.c[:, which],
            flow={name: array[which % len(array)] for name, array in common.start.flow.items()},
        )  # fmt: skip
        _resume(machines, start)
        if flow is not None and start.flow:
            flow.reseed(seeds)
    draw_fitted(machines, plant, seeds, live=common.start is not None)
    for m in range(len(branches)):
        _change(machines, plant, common.assume, m)
    draw_named(machines, common.uncertain, seeds)
    for m, branch in enumerate(branches):
        _change(machines, plant, branch.changes, m)
    if flow is not None:
        flow.look()


def _change(machines: Ensemble, plant: Plant, changes: Sequence[Change], m: int) -> None:
    """Change the equipment of a member."""
    for each in of_equipment(changes):
        change = amount(plant, each)
        value = change.factor * machines.get(each.path)[m] if change.factor else 0.0  # it may be infinite
        machines.set(each.path, value + change.offset, [m])


def _resume(machines: Ensemble, start: Snapshot) -> None:
    """Let machines stand where a snapshot does, row by row by name: tags and schedules may be others.

    A live twin has no flow: there it begins empty.
    """
    mapped, missing = rebased(start, *machines.member_state(), machines.layout)
    own = [name for name in missing if not name.startswith("sample:")]
    if own:
        raise SnapshotError(f"start: it says nothing of {', '.join(own[:3])}; start from a twin of this plant")
    machines.restore(mapped.z, mapped.c)
    if machines.flow is not None and start.flow:
        machines.flow.restore(start.flow)


def _answers(
    course: Course, machines: Ensemble, branches: Sequence[Branch], common: Common, curves: Sequence[str]
) -> list[Result | Failed]:
    failures = machines.failures()
    numbers = measured(course, common.report)
    found: list[Result | Failed] = []
    for m, branch in enumerate(branches):
        if m in failures:
            found.append(Failed(failures[m]))
            continue
        values: dict[str, float | np.ndarray] = {name: float(column[m]) for name, column in numbers.items()}
        values |= {f"curve {n}": course.samples[path][m] for n, path in zip(common.curves, curves, strict=True)}
        if branch.replication == 0 and course.floor is not None:
            log = course.floor.log[m, : int(course.floor.world["logged"][m, 0])]
            rows = np.stack([log[name].astype(float) for name in ("time", "block", "state", "held")], axis=1)
            values["log"] = rows - [course.begun, 0.0, 0.0, 0.0]
        found.append(values)
    return found
