"""What moves in a factory beside its own dynamics: spread numbers, wandering inputs, load steps, growing faults."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from twin.factory.truth import Disturbance, Mishap, Truth
from twin.plant import Plant
from twin.streams import member_seeds, normal, uniform

FARTHEST = 3.0
"""No parameter is drawn farther from its data sheet than this many standard deviations."""

Forced = dict[str, np.ndarray]
"""Values of every member by ``asset.quantity``, SI, each of shape (members,)."""


class Member(NamedTuple):
    """One factory of several: its seed, what goes wrong in it and when, in seconds from its first reading.

    Nothing goes wrong where `fault` is empty; an `onset` of None is the fault's own.
    """

    seed: int = 1
    fault: str = ""
    onset: float | None = None


def seeds_of(members: Sequence[Member]) -> np.ndarray:
    """Return the seeds of the members' random streams; each is the one it has when it is alone."""
    return np.array([member_seeds(member.seed, 1)[0] for member in members], np.uint64)


def spread_values(spread: dict[str, float], plant: Plant, seeds: np.ndarray) -> Forced:
    """Return spread parameters: ``value * exp(size * z)``, z normal and cut at `FARTHEST`.

    A draw that leaves a parameter's bounds is divided by instead.
    """
    found = {}
    for path, size in spread.items():
        value, (low, high) = plant.value(path), plant.quantity(path).bounds
        share = ndtr(-FARTHEST) + uniform(seeds, path, "spread", 0, 1)[:, 0] * (1.0 - 2.0 * ndtr(-FARTHEST))
        factor = np.exp(size * ndtri(share))
        up = value * factor
        found[path] = np.where((low <= up) & (up <= high), up, value / factor)
    return found


class Forcing:
    """Values that a factory's members are given from outside, step by step of `hold`.

    Parameters
    ----------
    truth : Truth
    members : sequence of Member
    base : dict
        Values of every member before anything moves them, for every path in `paths`.
    """

    def __init__(self, truth: Truth, members: Sequence[Member], base: Forced) -> None:
        self._truth, self._base, self._seeds = truth, base, seeds_of(members)
        self._mishaps = {m.fault: truth.mishap(m.fault) for m in members if m.fault}
        self._concerned = {name: np.array([m.fault == name for m in members]) for name in self._mishaps}
        self.onsets = np.array([_onset(truth, member) for member in members])
        self._wandered: dict[str, np.ndarray] = {}
        self._step = -1

    @staticmethod
    def paths(truth: Truth, members: Sequence[Member]) -> list[str]:
        """Return what may be moved."""
        disturbed = [path for d in truth.disturbances for path in d.paths]
        return list(dict.fromkeys([*disturbed, *(p for m in members if m.fault for p in truth.mishap(m.fault).to)]))

    def next(self) -> Forced:
        """Return the values of the next step; steps are taken in order, the first at the very beginning."""
        self._step += 1
        values: Forced = {}
        for disturbance in self._truth.disturbances:
            moved = self._disturbed(disturbance)
            for path in disturbance.paths:
                values[path] = values.get(path, self._base[path]) + moved
        now = self._step * self._truth.hold - self._truth.settle
        for name, mishap in self._mishaps.items():
            share = mishap.progress(now - self.onsets) * self._concerned[name]
            for path, target in mishap.to.items():
                value = values.get(path, self._base[path])
                # at both ends exact: a fault that has not begun changes no bit, one that is over is where it goes
                values[path] = np.where(share == 1.0, target, value + share * (target - value))
        return values

    def progress(self, time: float) -> np.ndarray:
        """Return how far each member's fault has come at a time after the first reading, 0 to 1."""
        total = np.zeros(len(self.onsets))
        for name, mishap in self._mishaps.items():
            total += mishap.progress(time - self.onsets) * self._concerned[name]
        return total

    def sensors(self, tag: str, times: np.ndarray) -> np.ndarray | None:
        """Return the error (SI) that faults put on an instrument, shape (members, times); None where there is none."""
        found: np.ndarray | None = None
        for name, mishap in self._mishaps.items():
            if tag in mishap.sensors:
                share = mishap.progress(times[None, :] - self.onsets[:, None]) * self._concerned[name][:, None]
                found = share * mishap.sensors[tag] + (0.0 if found is None else found)
        return found

    def _disturbed(self, disturbance: Disturbance) -> np.ndarray:
        """Return how far it is from the plant's value: a level, or an Ornstein-Uhlenbeck process."""
        if disturbance.levels:
            number = self._step // round(disturbance.every / self._truth.hold)
            drawn = uniform(self._seeds, disturbance.name, "level", number, 1)[:, 0]
            return np.array(disturbance.levels, float)[(drawn * len(disturbance.levels)).astype(np.intp)]
        kick = normal(self._seeds, disturbance.name, "wander", self._step, 1)[:, 0]
        kept = math.exp(-self._truth.hold / disturbance.over)
        before = self._wandered.get(disturbance.name)
        self._wandered[disturbance.name] = (
            disturbance.size * kick if before is None
            else kept * before + disturbance.size * math.sqrt(1.0 - kept**2) * kick
        )  # fmt: skip
        return self._wandered[disturbance.name]


def _onset(truth: Truth, member: Member) -> float:
    if not member.fault:
        return np.inf
    mishap: Mishap = truth.mishap(member.fault)
    return mishap.at if member.onset is None else member.onset
