"""What every filter of a plant starts from: instruments, unknowns that they see, and where these are in a member."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.declare import Input, Memory
from twin.ensemble import Compiled, Ensemble, compile_plant
from twin.errors import PlantError
from twin.estimate.sigma import LINEAR, LOGARITHMIC, Places
from twin.estimate.trial import Trial, remembered, roomy, tried
from twin.plant import Estimation, Plant, Solver, Tag, Unknown

STATE_SPREAD = 1.0
"""A state's first uncertainty, as a multiple of its nominal size."""
STATE_WANDER = 1e-4
"""What the model leaves unsaid of a state in a second, as a multiple of its nominal size."""
LEAST_NOISE = 1e-3
"""An instrument without declared noise is taken to be off by this share of its reading."""

LANES = {"rk4": 32}
"""Block width where it isn't the method's own: a filter has fewer members than fill a block of 64."""


class Ground(NamedTuple):
    """What a filter starts from.

    Attributes
    ----------
    plant : Plant
        As members run it: with the filter's solver, without tags, schedule and limits.
    estimation : Estimation
    compiled : Compiled
    begin : (z, c)
        State of one member, settled.
    commands, tags : tuple of Tag
        Instruments of what moves the plant, which are mirrored, and of what it shows, which correct it.
    outputs : tuple of str
        What the tags read, then what is watched.
    shown : (outputs,)
        What they showed at the beginning, SI.
    noise : (tags,)
        Variance that each instrument declares, SI.
    trial : Trial
    unknowns : tuple of Unknown
        States that keep what disturbs them, then what the plant's file doesn't know.
    places : Places
    """

    plant: Plant
    estimation: Estimation
    compiled: Compiled
    begin: tuple[np.ndarray, np.ndarray]
    commands: tuple[Tag, ...]
    tags: tuple[Tag, ...]
    outputs: tuple[str, ...]
    shown: np.ndarray
    noise: np.ndarray
    trial: Trial
    unknowns: tuple[Unknown, ...]
    places: Places


def ground(plant: Plant, watched: Sequence[str] = (), *, solver: Solver | None = None) -> Ground:
    """Return what a filter of `plant` starts from.

    Parameters
    ----------
    watched : sequence of str
        Further quantities whose expected value and spread each instant shows.
    solver : Solver, optional
        What forecasts, instead of `rodas4` with the estimation's tolerance.

    Raises
    ------
    PlantError
        If the plant says nothing of its estimation, or no tag sees any unknown.
    """
    estimation = plant.estimation
    if estimation is None:
        raise PlantError(f"{plant.name}: has no section 'estimate'; say in its file what isn't known for certain")
    solver = solver or Solver("rodas4", 1e-3, estimation.rtol)
    run = replace(plant, solver=solver, tags={}, schedule=(), limits={})
    named = {path for u in estimation.unknowns for path in u.paths}
    commands = tuple(t for t in plant.tags.values() if _is_command(plant, t) and t.reads not in named)
    tags = tuple(t for t in plant.tags.values() if t not in commands)
    outputs = (*(t.reads for t in tags), *watched)
    compiled = compile_plant(run, 64, width=LANES.get(solver.method))
    centre = Ensemble(run, 1, compiled)
    centre.advance(estimation.settle)
    shown = np.array([float(centre.get(path)[0]) for path in outputs])
    noise = np.array([_noise(t, y) for t, y in zip(tags, shown, strict=False)])
    trial = _tried(centre, estimation, [t.reads for t in tags], np.sqrt(noise))
    unknowns = _chosen(run, trial)
    off = any(estimation.accuracy.get(t.name) for t in tags)  # where no tag can be off, none is asked whether it is
    places = _placed(centre, unknowns, outputs, len(tags) if off else 0)
    return Ground(
        run, estimation, compiled, centre.member_state(), commands, tags, outputs, shown, noise, trial, unknowns,
        places,
    )  # fmt: skip


def _is_command(plant: Plant, tag: Tag) -> bool:
    return isinstance(plant.quantity(tag.reads), Input | Memory) and tag.reads not in plant.wires


def _noise(tag: Tag, reading: float) -> float:
    """Return the variance that an instrument declares, or a small share of its reading where it declares none."""
    declared = tag.noise**2 + tag.quantum**2 / 12.0
    return declared or (LEAST_NOISE * abs(reading)) ** 2 or LEAST_NOISE**2


def _tried(centre: Ensemble, estimation: Estimation, reads: list[str], deviation: np.ndarray) -> Trial:
    plant, begin = centre.plant, centre.member_state()
    named = {path for u in estimation.unknowns for path in u.paths}
    states = remembered(centre.compiled, plant, begin, estimation.every)
    states = tuple(p for p in states if p not in named and roomy(plant, p, float(centre.get(p)[0])))
    return tried(centre.compiled, plant, begin, estimation.unknowns, states, deviation, estimation.every, reads)


def _chosen(plant: Plant, trial: Trial) -> tuple[Unknown, ...]:
    states = tuple(
        Unknown(p, (p,), STATE_SPREAD * plant.nominal(p), STATE_WANDER * plant.nominal(p) * 60.0, relative=False)
        for p in trial.remembered
    )
    chosen = (*states, *trial.kept)
    if not chosen:
        raise PlantError(f"{plant.name}: estimate: no tag sees any unknown; add a tag or widen a spread")
    return chosen


def _placed(centre: Ensemble, unknowns: tuple[Unknown, ...], outputs: tuple[str, ...], biases: int) -> Places:
    layout, n = centre.layout, len(unknowns)
    cells = [(i, layout.rows[path]) for i, u in enumerate(unknowns) for path in u.paths]
    taken = {row for _, row in cells}
    return Places(
        kind=np.array([LOGARITHMIC if u.relative else LINEAR for u in unknowns], np.int64),
        base=np.array([float(centre.get(u.paths[0])[0]) for u in unknowns]),
        scale=np.array([u.spread for u in unknowns]),
        low=np.full(n, -np.inf),
        high=np.full(n, np.inf),
        cells=np.array(cells, np.int64),
        first=np.array([next(k for k, (j, _) in enumerate(cells) if j == i) for i in range(n)], np.int64),
        outputs=np.array([layout.rows[path] for path in outputs], np.int64),
        biases=biases,
        followers=np.array([r for r in range(layout.nx) if r not in taken], np.int64),
        states=layout.nx,
        previous=layout.xp,
        persistent=layout.persistent,
    )
