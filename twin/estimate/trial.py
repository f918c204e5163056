"""The trial before a twin starts: what each unknown and each fault does to the tags, and so what the tags can tell."""

from typing import NamedTuple

import numpy as np

from twin.declare import Fault
from twin.ensemble import Compiled, Ensemble
from twin.errors import SimulationError
from twin.plant import Plant, Unknown

HORIZON = 1200.0
"""How long the trial runs [s]."""
LOOKS = 40
SHARE = 0.1
"""Share of an unknown's spread by which it is moved: small, so that effects add."""
SEEN = 0.1
"""An unknown that moves no tag by this share of its noise isn't estimated."""
REMEMBERS = 0.5
"""A state that keeps less than this share of a disturbance from one instant to the next follows the others."""
TOLD = 0.5
"""Where the tags leave less than this share of the spread, they tell the unknown."""
ALIKE = 0.98


class Trial(NamedTuple):
    """What was tried.

    Attributes
    ----------
    kept : tuple of Unknown
        Unknowns that some tag sees.
    left : dict
        By name: share of its spread that the tags leave of each unknown after the trial's time; 1 where no tag sees it.
    remembered : tuple of str
        States that are unknowns too.
    faults : dict
        By path: severity, SI, that moves some tag by five standard deviations within the trial, or half of the most
        that there can be.
    unseen : tuple of str
        Faults that move no tag.
    alike : tuple of pairs
        Faults that move the tags alike.
    """

    kept: tuple[Unknown, ...]
    left: dict[str, float]
    remembered: tuple[str, ...]
    faults: dict[str, float]
    unseen: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]


def remembered(compiled: Compiled, plant: Plant, start: tuple[np.ndarray, np.ndarray], every: float) -> tuple[str, ...]:
    """Return the states that keep at least half of a small disturbance for `every` seconds."""
    states = compiled.layout.states
    tried = Ensemble(plant, 1 + len(states), compiled)
    tried.restore(*start)
    moved = np.zeros(len(states))
    for i, path in enumerate(states):
        moved[i] = _step_inside(plant, path, float(tried.get(path)[0]), 1e-3 * plant.nominal(path))
        tried.set(path, float(tried.get(path)[0]) + moved[i], [1 + i])
    _advance(tried, tried.time + every)
    ends = {i: float((v := tried.get(p))[1 + i] - v[0]) for i, p in enumerate(states)}
    return tuple(p for i, p in enumerate(states) if moved[i] and abs(ends[i] / moved[i]) >= REMEMBERS)


def roomy(plant: Plant, path: str, value: float) -> bool:
    """Return whether a state stands far enough from its bounds to be believed a little off either way."""
    low, high = plant.quantity(path).bounds
    return min(value - low, high - value) > plant.nominal(path)


def _step_inside(plant: Plant, path: str, value: float, step: float) -> float:
    """Return the step, or its opposite, that stays inside the bounds; 0 where neither does."""
    low, high = plant.quantity(path).bounds
    return step if value + step <= high else -step if value - step >= low else 0.0


def _advance(tried: Ensemble, until: float) -> None:
    """Advance; a member that fails stands still, and only the centre's failure is one."""
    try:
        tried.advance(until)
    except SimulationError:
        if 0 in tried.failures():
            raise


def tried(
    compiled: Compiled,
    plant: Plant,
    start: tuple[np.ndarray, np.ndarray],
    unknowns: tuple[Unknown, ...],
    states: tuple[str, ...],
    noise: np.ndarray,
    every: float,
    reads: list[str],
) -> Trial:
    """Move each unknown, state and fault by a little, run ahead, and see what the tags would show.

    Parameters
    ----------
    noise : (m,)
        Standard deviation of what each tag shows of the quantity in `reads`, SI.
    """
    faults = plant.paths(Fault)
    candidates = [*unknowns, *(Unknown(p, (p,), plant.nominal(p), 0.0, relative=False) for p in states)]
    run = Ensemble(plant, 1 + len(candidates) + len(faults), compiled)
    run.restore(*start)
    for i, unknown in enumerate(candidates):
        for path in unknown.paths:
            value = float(run.get(path)[0])
            size = unknown.spread * (abs(value) if unknown.relative else 1.0)
            run.set(path, value + _step_inside(plant, path, value, SHARE * size), [1 + i])
    severities = np.array([_small(plant, path) for path in faults])
    for i, path in enumerate(faults):
        run.set(path, float(run.get(path)[0]) + severities[i], [1 + len(candidates) + i])
    seen = _effects(run, reads, noise, every)
    n = len(candidates)
    effect = seen[:n] / SHARE
    strength = np.abs(effect).max(axis=(1, 2)) if n else np.zeros(0)
    kept = strength >= SEEN
    left = _left(_weighted(effect[kept], every))
    shares = dict(zip([u.name for u, k in zip(candidates, kept, strict=True) if k], left, strict=True))
    units, unseen = _units(plant, faults, severities, seen[n:])
    return Trial(
        tuple(u for u, k in zip(unknowns, kept, strict=False) if k),
        {u.name: float(shares.get(u.name, 1.0)) for u in candidates},
        tuple(p for p, k in zip(states, kept[len(unknowns) :], strict=True) if k),
        units,
        unseen,
        _alike(faults, _weighted(seen[n:], every), [f for f in faults if f in units]),
    )


def _small(plant: Plant, path: str) -> float:
    low, high = plant.quantity(path).bounds
    value = plant.value(path)
    return _step_inside(plant, path, value, 1e-3 * (high - low))


def _effects(run: Ensemble, reads: list[str], noise: np.ndarray, every: float) -> np.ndarray:
    """Return what each member's tags show beside the first's, in standard deviations, (members - 1, tags, looks)."""
    begin = run.time
    shown = np.empty((run.members - 1, len(reads), 1 + LOOKS))
    for k in range(1 + LOOKS):  # the first look is at what is soon forgotten
        _advance(run, begin + max(every, HORIZON * k / LOOKS))
        for j, path in enumerate(reads):
            values = run.get(path)
            shown[:, j, k] = (values[1:] - values[0]) / noise[j]
    failed = [m - 1 for m in run.failures() if m]
    shown[failed] = 0.0
    return np.where(np.isfinite(shown), shown, 0.0)


def _weighted(shown: np.ndarray, every: float) -> np.ndarray:
    """Return what is shown as if the readings that each look stands for were one."""
    readings = np.array([1.0, *(max(1.0, HORIZON / LOOKS / every) for _ in range(LOOKS))])
    return np.asarray(shown * np.sqrt(readings))


def _left(effect: np.ndarray) -> np.ndarray:
    """Return the share of its spread that a least-squares fit to the trial's readings would leave of each unknown."""
    n = len(effect)
    if not n:
        return np.zeros(0)
    matrix = effect.reshape(n, -1)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(matrix @ matrix.T + np.eye(n)))))


def _units(
    plant: Plant, faults: list[str], severities: np.ndarray, seen: np.ndarray
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the severity of each fault that moves some tag by five standard deviations, and the faults no tag sees."""
    units, unseen = {}, []
    for path, small, shown in zip(faults, severities, seen, strict=True):
        most = np.abs(shown).max(initial=0.0)
        low, high = plant.quantity(path).bounds
        largest = 0.5 * max(high, -low)
        unit = min(5.0 * abs(small) / most, largest) if most > 0.0 else 0.0
        if unit and most * unit / abs(small) >= 1.0:
            units[path] = float(unit * np.sign(small))
        else:
            unseen.append(path)
    return units, tuple(unseen)


def _alike(faults: list[str], seen: np.ndarray, known: list[str]) -> tuple[tuple[str, str], ...]:
    shapes = {path: shown.reshape(-1) for path, shown in zip(faults, seen, strict=True) if path in known}
    unit = {path: shape / np.sqrt(shape @ shape) for path, shape in shapes.items()}
    return tuple((a, b) for i, a in enumerate(known) for b in known[i + 1 :] if unit[a] @ unit[b] > ALIKE)
