"""What every asset's tile says: pure functions of what is known."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.documents import Advisory
from twin.history.plan import Plan
from twin.history.row import Row
from viz.feed import Seen

BEYOND = 3.0
"""A reading further from what is expected of it is worth a look [sigma]."""
LATELY = 5
"""Instants by whose median a tile says how far a tag is off."""
STALE = 5.0
"""Data older than so many intervals, and what the twin waits anyway, are stale."""
MOST_FAR = 2
"""Tags of other assets that come before the asset's own as evidence."""
ANNOUNCED = ("unacknowledged", "acknowledged", "returned")


class Tile(NamedTuple):
    """An asset at a glance.

    Attributes
    ----------
    name, title : str
        As the plant calls it; its kind, packed.
    running : bool or None
        None where it has no such mode.
    unusual : tuple of str
        Estimated parameters outside of where the plant file lets them lie.
    estimated : int
        How many parameters are estimated.
    worst : (str, float) or None
        The tag that is furthest from what is expected, and how far [sigma].
    age, heard : float
        Since the last reading of any of its tags [s], and when it was; infinite and 0 where there never was one, NaN
        where it has no tags.
    priority : int
        Of the most urgent advisory about it; 0 without one.
    unacknowledged : bool
    """

    name: str
    title: str
    running: bool | None
    unusual: tuple[str, ...]
    estimated: int
    worst: tuple[str, float] | None
    age: float
    heard: float
    priority: int
    unacknowledged: bool


def tiles(seen: Seen) -> list[Tile]:
    """Return a tile for every asset, in the order of the plant file."""
    plan = seen.plan
    if plan is None:
        return []
    newest = (*seen.rows[-LATELY:], *seen.head)[-LATELY:]
    row = newest[-1] if newest else None
    running, heard = seen.status.get("running", {}), seen.status.get("heard", {})
    found = []
    for machine in plan.machines:
        mine = [a for a in seen.standing if a.state in ANNOUNCED and about(a, machine.name, plan)]
        off, estimated = _health(plan, row, machine.name)
        found.append(Tile(
            machine.name, machine.title, running.get(machine.name), off, estimated,
            _worst(plan, newest, machine.name),
            *_age(plan, heard, machine.name, seen.status.get("newest") or seen.now),
            min((a.priority for a in mine if a.state != "returned"), default=0),
            any(a.state == "unacknowledged" for a in mine),
        ))  # fmt: skip
    return found


def layers(plan: Plan) -> list[list[str]]:
    """Return the assets by layer, each near those of the layer before that it meets: lines cross less so."""
    found: dict[int, list[str]] = {}
    for machine in plan.machines:
        found.setdefault(machine.layer, []).append(machine.name)
    meets: dict[str, set[str]] = {machine.name: set() for machine in plan.machines}
    for link in plan.links:
        meets[link.first].add(link.second)
        meets[link.second].add(link.first)
    order = [found[layer] for layer in sorted(found)]
    for one, other in [*zip(order[-2::-1], order[:0:-1], strict=True), *zip(order[1:], order, strict=False)]:
        places = {name: i for i, name in enumerate(other)}
        one.sort(key=lambda name: _middle([places[n] for n in meets[name] if n in places], len(other)))
    return order


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def about(advisory: Advisory, asset: str, plan: Plan) -> bool:
    """Return whether an advisory concerns an asset: by its key, by what it is about, or by one of the asset's tags."""
    tags = {shown.name for shown in plan.outputs[: plan.tags] if shown.asset == asset}
    subject = advisory.key.partition(":")[2].partition(".")[0]
    return subject == asset or bool({asset, *tags} & {*advisory.about, advisory.key.partition(":")[2]})


def announced(seen: Seen, asset: str = "") -> list[Advisory]:
    """Return what is announced, of an asset alone if one is given, the most urgent first."""
    mine = [a for a in seen.standing if a.state in ANNOUNCED]
    if asset and seen.plan is not None:
        mine = [a for a in mine if about(a, asset, seen.plan)]
    return sorted(mine, key=lambda a: (rank(a), a.priority, -a.raised))


def rank(advisory: Advisory) -> int:
    """Return 0 for an advisory that is active and announced, 1 for one that has returned, 2 for a hidden one."""
    return 1 if advisory.state == "returned" else 0 if advisory.state in ANNOUNCED else 2


def evidence(advisory: Advisory, plan: Plan) -> list[str]:
    """Return the tags that show what an advisory tells of, the most telling first."""
    known = [shown.name for shown in plan.outputs[: plan.tags]]
    text = str(advisory.values.get("readings", ""))
    named = sorted((text.index(f'"{name}"'), name) for name in known if f'"{name}"' in text)
    found = [name for _, name in named]
    found += [str(advisory.values[k]) for k in ("tag", "limit_tag") if advisory.values.get(k) in known]
    found += [name for name in (*advisory.about, advisory.key.partition(":")[2]) if name in known]
    mine = [s for s in plan.outputs[: plan.tags] if about(advisory, s.asset, plan)]
    own = [s.name for s in sorted(mine, key=lambda s: s.low is None and s.high is None)]  # what has a limit first
    # A fault is seen at its own asset first, though a tag far off may have told it.
    return list(dict.fromkeys([*(n for n in found if n in own), *own[:1], *found[: MOST_FAR if own else None], *own]))


def _health(plan: Plan, row: Row | None, asset: str) -> tuple[tuple[str, ...], int]:
    found, estimated = list[str](), 0
    for i, shown in enumerate(plan.unknowns):
        if shown.asset != asset or shown.usual is None:
            continue
        estimated += 1
        if row is None or i >= row.believed.shape[1]:
            continue
        value, deviation = row.believed[:, i]
        if unusual(value, deviation, shown.usual):
            found.append(shown.name.partition(".")[2])
    return tuple(found), estimated


def unusual(value: float, deviation: float, usual: tuple[float, float]) -> bool:
    """Return whether an estimate lies outside with its whole band: a wide band says nothing."""
    return value - 2.0 * deviation > usual[1] or value + 2.0 * deviation < usual[0]


def _worst(plan: Plan, rows: Sequence[Row], asset: str) -> tuple[str, float] | None:
    """Return the tag that is furthest off by the median of the last instants: one in four hundred is by chance."""
    m = plan.tags
    known = [(row.reading - row.expected[:m]) / row.deviation[:m] for row in rows if len(row.reading) == m]
    if not known or not np.isfinite(known[-1]).any():
        return None
    off = np.median(known, axis=0)
    mine = [
        (shown.name, float(off[i])) for i, shown in enumerate(plan.outputs[: plan.tags])
        if shown.asset == asset and np.isfinite(off[i])
    ]  # fmt: skip
    return max(mine, key=lambda pair: abs(pair[1]), default=None)


def _age(plan: Plan, heard: dict[str, float], asset: str, now: float) -> tuple[float, float]:
    tags = [shown.name for shown in plan.outputs[: plan.tags] if shown.asset == asset]
    if not tags:
        return math.nan, math.nan
    last = max((heard.get(tag, 0.0) for tag in tags), default=0.0)
    return (max(0.0, now - last) if last else math.inf), last
