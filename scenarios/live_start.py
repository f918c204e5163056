"""Where a live twin stands, as the start of what-if branches: its plant, and machines drawn from what it believes."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scenarios.scenario import Scenario
from twin.clean.recipe import Recipe
from twin.clean.zone import zone_of
from twin.engine import snapshot
from twin.ensemble import Ensemble
from twin.errors import DataError, PlantError, SnapshotError
from twin.estimate.ahead import Trend, drawn
from twin.estimate.choose import Filter, filter_of
from twin.estimate.unscented import UnscentedFilter
from twin.flow.words import DAYS, instant, moment
from twin.history.reader import History
from twin.journal.reader import Reader
from twin.layout import Control
from twin.live import snapshots
from twin.live.twin import LiveTwin
from twin.pack import unpack
from twin.plant import Plant
from twin.plant_loader import built
from twin.read import Node, parse
from twin.snapshot import Snapshot

MACHINES = 64
"""Drawn from the belief; replications beyond take them in turn."""
START, SAID = "start.npz", "start.json"
MICRO = 1e6
AT_ONCE = 500


class Fork(NamedTuple):
    """A scenario as it is asked of a live twin, and where that stands.

    Attributes
    ----------
    scenario : Scenario
        With the twin's own plant, whose shifts begin now.
    start : Snapshot
        Of `MACHINES` members at time 0.
    time : float
        Source time of the twin [s since 1970].
    said : str
        In words.
    """

    scenario: Scenario
    start: Snapshot
    time: float
    said: str


class _Belief(NamedTuple):
    """A filter as it stands, source time [s], and the fault that is believed, if any: its path."""

    filter: Filter
    time: float
    fault: str


def forked(scenario: Scenario, folder: Path, at: str = "", recipe: Recipe | None = None) -> Fork:
    """Return a scenario that starts where the twin of a data folder stands; the twin isn't disturbed.

    Parameters
    ----------
    at : str
        A source time, as ``2026-11-23T14:00`` in the plant's zone: the journal is replayed up to it. Empty for now.
    recipe : Recipe, optional
        How readings are cleaned, for a replay.

    Raises
    ------
    PlantError
        If the twin is of another plant than the scenario.
    SnapshotError, DataError
        If the folder has no twin that could be forked.
    """
    with History(folder) as history:
        text, outputs, tags = history.about("text"), history.about("outputs") or [], history.about("tags") or []
    if not isinstance(text, str) or not text:
        raise DataError(f"{folder}: says nothing of its plant; let `twin live` go on with it once")
    tree = parse(text, f"{folder.name}/plant")
    plant = built(tree, text, scenario.extra)
    if plant.name != scenario.plant.name:
        raise PlantError(
            f"{folder}: its twin is of {plant.name}, and the scenario {scenario.name} asks {scenario.plant.name}; "
            "use a scenario of that plant"
        )
    watched = tuple(path for path in outputs if path not in {plant.tags[t].reads for t in tags if t in plant.tags})
    belief = _at(folder, plant, watched, at, recipe) if at else _now(folder, plant, watched)
    local = datetime.fromtimestamp(belief.time, zone_of(plant.zone))
    start = _zeroed(snapshot(_machines(belief), scenario.seed))
    said = f"live twin at {local.isoformat(timespec='seconds')}"
    said += f", with {belief.fault} as it is estimated" if belief.fault else ""
    return Fork(_asked_at(scenario, tree, text, local), start, belief.time, said)


def keep(fork: Fork, out: Path) -> None:
    """Keep where a run began, so that it can be gone on with."""
    fork.start.save(out / START)
    said = {"time": fork.time, "said": fork.said, "plant": fork.scenario.text}
    try:
        (out / SAID).write_text(json.dumps(said), encoding="utf-8")
    except OSError as err:
        raise DataError(f"{out / SAID}: can't be written: {err.strerror}; make room, or give another folder") from None


def kept(scenario: Scenario, out: Path) -> Fork | None:
    """Return where a run in this folder began, if one has."""
    if not (out / SAID).exists():
        return None
    try:
        said = json.loads((out / SAID).read_text(encoding="utf-8"))
        tree = parse(said["plant"], "plant")
        local = datetime.fromtimestamp(float(said["time"]), zone_of(str(tree.get("zone", "Asia/Seoul"))))
        own = _asked_at(scenario, tree, said["plant"], local)
        return Fork(own, Snapshot.load(out / START), float(said["time"]), str(said["said"]))
    except (OSError, ValueError, LookupError, TypeError) as err:
        raise DataError(f"{out / SAID}: can't be read ({err}); remove the folder to begin anew") from None


def _now(folder: Path, plant: Plant, watched: tuple[str, ...]) -> _Belief:
    """Return what the newest whole snapshot of a running or ended twin says."""
    for entry in reversed(snapshots.entries(folder)):
        try:
            state = unpack(snapshots.load(folder, entry).state)
            belief = filter_of(plant, watched)
            belief.restore(state["filter"])
        except (SnapshotError, LookupError, TypeError):
            continue
        if not state["numbers"][1]:
            continue
        return _Belief(belief, state["numbers"][1] / MICRO, str(state["foresight"][0]))
    raise SnapshotError(
        f"{folder}: no snapshot of a twin that has settled; let it run for a minute, or start from rest"
    )


def _at(folder: Path, plant: Plant, watched: tuple[str, ...], at: str, recipe: Recipe | None) -> _Belief:
    """Replay the journal up to a source time."""
    try:
        wanted = datetime.fromisoformat(at)
    except ValueError:
        raise PlantError(f"--from {folder}@{at}: is no time; write it as 2026-11-23T14:00") from None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=zone_of(plant.zone))
    until = wanted.timestamp() * MICRO
    twin = LiveTwin(plant, recipe, watched)
    with Reader.open(folder) as reader:
        if reader.first() > 1:
            raise SnapshotError(
                f"{folder}: the journal before entry {reader.first()} was pruned; start from a later time"
            )
        last = reader.last()
        while twin.entry < last and twin.reached < until:
            for entry in reader.entries(twin.entry, AT_ONCE):
                for _ in twin.put([entry]):
                    pass
                if twin.reached >= until:
                    break
    if not twin.reached or twin.reached < until - MICRO * twin.filter.estimation.every:
        raise SnapshotError(f"{folder}: its readings end before {at}; give an earlier time")
    return _Belief(twin.filter, twin.reached / MICRO, twin.foresight.path)


def _machines(belief: _Belief) -> Ensemble:
    """Return machines that the plant might be, by what is believed."""
    filter_ = belief.filter
    if not isinstance(filter_, UnscentedFilter):
        state = filter_.state()
        which = np.arange(MACHINES) % state["z"].shape[1]
        found = Ensemble(filter_.plant, MACHINES, compiled=None)
        found.restore(state["z"][:, which], state["c"][:, which])
        return found
    trend = None
    if belief.fault in filter_.suspects:
        k = filter_.suspects.index(belief.fault)
        trend = Trend(belief.fault, filter_.severity(k), filter_.deviation(k), 0.0, 0.0)
    return drawn(filter_, MACHINES, trend=trend, key="what-if")


def _asked_at(scenario: Scenario, tree: Node, text: str, local: datetime) -> Scenario:
    """Return a scenario as it is asked of a plant at a local time: shifts, orders and schedules count from there."""
    begins = f"{DAYS[local.weekday()]} {local:%H:%M}"
    if isinstance(tree.get("flow"), Node):
        tree["flow"]["begins"] = begins
        tree["flow"].lines["begins"] = tree["flow"].where
    since = moment(begins)
    variants = tuple(
        replace(each, schedule=tuple(replace(step, at=instant(step.said, since)) for step in each.schedule))
        for each in scenario.variants
    )
    return replace(scenario, tree=tree, text=text, variants=variants)


def _zeroed(start: Snapshot) -> Snapshot:
    """Return a snapshot whose time is 0: what is due is so much later."""
    c, now = start.c.copy(), start.c[int(Control.T)].copy()
    for k, name in enumerate(start.c_names):
        if name in ("t", "last_event") or "." in name:
            c[k] -= now
        elif name in ("scheduled", "events", "steps") or name.startswith("sample:"):
            c[k] = 0.0
    return replace(start, c=c)
