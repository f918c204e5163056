"""What moves in runs from outside, step by step: modes, environment, growing faults."""

import math
from collections.abc import Iterator

import numpy as np

from scenarios.dataset.drawing import Draws
from scenarios.dataset.spec import Between, Spec
from twin.factory.truth import Disturbance
from twin.streams import normal, uniform

Values = dict[str, np.ndarray]
"""Values by ``asset.quantity``, SI, each of shape (runs,)."""

BLOCK = 256
"""Random numbers of a stream that are drawn at once."""


def drawn(ranges: dict[str, Between], seeds: np.ndarray, purpose: str) -> Values:
    """Return an even draw from each range, one for each seed."""
    return {p: low + (high - low) * uniform(seeds, p, purpose, 0, 1)[:, 0] for p, (low, high) in ranges.items()}


def grown(growth: str, since: np.ndarray, over: np.ndarray) -> np.ndarray:
    """Return how far a fault has come, 0 to 1, at times `since` its onset [s]; nothing happens before."""
    late = np.maximum(since, 0.0)
    if growth == "step":
        return np.where(since > 0.0, 1.0, 0.0)
    if growth == "exponential":
        return np.asarray(-np.expm1(-late / over))
    share = np.minimum(late / over, 1.0)
    return np.asarray(share if growth == "ramp" else share**2)


class Moving:
    """Values that runs are given from outside in each step of `hold` from the first row on.

    Parameters
    ----------
    base : dict
        Values of every run before anything moves them, for every path in `paths`.
    """

    def __init__(self, spec: Spec, draws: Draws, base: Values) -> None:
        self._spec, self._draws = spec, draws
        self._base = dict(base)
        for disturbance, between in spec.environment:
            if between is not None:
                share = uniform(draws.seed, disturbance.name, "value", 0, 1)[:, 0]
                value = between.low + (between.high - between.low) * share
                self._base |= dict.fromkeys(disturbance.paths, value)
        self._steps = round((spec.length + spec.horizon) / spec.hold) + 2
        self._modes = _modes(spec, draws, self._steps)
        self._set = [drawn(mode.values, draws.seed, f"mode {mode.name}") for mode in spec.modes]
        self._wander = {s.disturbance.name: _wandering(s.disturbance, draws.seed, spec.hold) for s in spec.environment}

    @staticmethod
    def paths(spec: Spec) -> list[str]:
        """Return what may be moved."""
        moved = [path for s in spec.environment for path in s.disturbance.paths]
        moved += [path for mode in spec.modes for path in mode.values]
        return list(dict.fromkeys([*moved, *(path for fault in spec.faults for path in fault.to)]))

    def steps(self) -> Iterator[Values]:
        """Yield the values of each step."""
        spec = self._spec
        for step in range(self._steps):
            values: Values = {}
            for path in (path for mode in self._set for path in mode):
                values[path] = self._base[path]
            for code, mode in enumerate(self._set):
                for path, value in mode.items():
                    values[path] = np.where(self._modes[:, step] == code, value, values[path])
            for surrounding in spec.environment:
                moved = next(self._wander[surrounding.disturbance.name])
                for path in surrounding.disturbance.paths:
                    values[path] = values.get(path, self._base[path]) + moved
            severity = self.severity(step)
            for code, fault in enumerate(spec.faults, 1):
                share = np.where(self._draws.fault == code, severity, 0.0)
                for path, to in fault.to.items():
                    value = values.get(path, self._base[path])
                    # at both ends exact: a fault that has not begun changes no bit
                    values[path] = np.where(share == 1.0, to, value + share * (to - value))
            yield values

    def severity(self, step: int) -> np.ndarray:
        """Return how bad each run's fault is in a step, 0 to 1: what it has come to by the step's end."""
        draws, found = self._draws, np.zeros(self._draws.count)
        since = (step + 1) * self._spec.hold - draws.onset
        for code, fault in enumerate(self._spec.faults, 1):
            share = draws.severity * grown(fault.growth, since, draws.over)
            found = np.where(draws.fault == code, share, found)
        return found

    def severities(self, first: int, count: int) -> np.ndarray:
        """Return the severity in force at rows from `first` on, shape (runs, count)."""
        steps = self._step_of(np.arange(first, first + count))
        found = [self.severity(step) for step in range(steps[0], steps[-1] + 1)]
        return np.asarray(np.stack(found, axis=1)[:, steps - steps[0]])

    def modes(self, first: int, count: int) -> np.ndarray:
        """Return the mode in force at rows from `first` on, uint8 of shape (runs, count)."""
        return np.asarray(self._modes[:, self._step_of(np.arange(first, first + count))])

    def _step_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the step that ends at a row, or in which it lies: rows see what was before a change."""
        times = rows * self._spec.every / self._spec.hold
        return np.asarray(np.maximum(np.ceil(times - 1e-9).astype(int) - 1, 0))


def _modes(spec: Spec, draws: Draws, steps: int) -> np.ndarray:
    """Return the mode of every run in every step, uint8 of shape (runs, steps)."""
    found = np.zeros((draws.count, steps), np.uint8)
    phase = uniform(draws.seed, "duty", "phase", 0, 1)[:, 0]
    for code, duty in enumerate(spec.duties):
        those = np.flatnonzero(draws.duty == code)
        if duty.cycle:
            lengths = [round(time / spec.hold) for _, time in duty.cycle]
            pattern = np.repeat(np.array([mode for mode, _ in duty.cycle], np.uint8), lengths)
            for run in those:
                found[run] = np.resize(np.roll(pattern, -int(phase[run] * len(pattern))), steps)
            continue
        most = steps // max(round(duty.each.low / spec.hold), 1) + 2
        each = uniform(draws.seed[those], "duty", "lasts", 0, most)
        which = (uniform(draws.seed[those], "duty", "mode", 0, most) * len(duty.modes)).astype(int)
        lasts = np.maximum(np.round((duty.each.low + (duty.each.high - duty.each.low) * each) / spec.hold), 1)
        for row, run in enumerate(those):
            codes = np.repeat(np.array(duty.modes, np.uint8)[which[row]], lasts[row].astype(int))
            found[run] = np.resize(codes, steps)
    return found


def _wandering(disturbance: Disturbance, seeds: np.ndarray, hold: float) -> Iterator[np.ndarray]:
    """Yield how far inputs are from their value, step by step: a level, or an Ornstein-Uhlenbeck process."""
    step, last = 0, np.zeros(len(seeds))
    kept = math.exp(-hold / disturbance.over)
    while True:
        if disturbance.levels:
            number = math.floor(step * hold / disturbance.every + 1e-9)
            share = uniform(seeds, disturbance.name, "level", number, 1)[:, 0]
            yield np.asarray(np.array(disturbance.levels, float)[(share * len(disturbance.levels)).astype(np.intp)])
        elif not disturbance.size:
            yield last
        else:
            if step % BLOCK == 0:
                kicks = normal(seeds, disturbance.name, "wander", step, BLOCK)
            kick = disturbance.size * kicks[:, step % BLOCK]
            last = kick if step == 0 else kept * last + math.sqrt(1.0 - kept**2) * kick
            yield last
        step += 1
