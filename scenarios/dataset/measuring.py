"""What instruments show of runs: noise and constant errors, faults of their own, and readings that don't arrive."""

from typing import NamedTuple

import numpy as np

from scenarios.dataset.drawing import Draws
from scenarios.dataset.spec import SPIKY, SensorFault, Spec
from twin.quality import GOOD
from twin.runs import Scale
from twin.sensors import Carry, readings
from twin.streams import normal, uniform

MEASURED, MISSING = 0, 1
"""Qualities of a value: it was measured, or there is none (NaN)."""


class Measured(NamedTuple):
    """Rows of signals in the channels' units, NaN where there is none, and what is true of them.

    Attributes
    ----------
    signals : numpy.ndarray
        float32, shape (runs, rows, channels).
    quality, sensor_fault : numpy.ndarray
        uint8, of the same shape; the code of what is wrong with the instrument, 0 nothing.
    """

    signals: np.ndarray
    quality: np.ndarray
    sensor_fault: np.ndarray


class Instruments:
    """The instruments of some runs, which remember from one block of rows to the next.

    Parameters
    ----------
    errors : dict
        Constant error of each machine's instrument in SI, by tag, shape (runs,).
    """

    def __init__(self, spec: Spec, draws: Draws, errors: dict[str, np.ndarray]) -> None:
        self._spec, self._draws, self._errors = spec, draws, errors
        plant = spec.plant
        self._tags = list(plant.tags.values())
        self.scales = [Scale.of(plant.quantity(tag.reads).unit, tag.unit) for tag in self._tags]
        self._carries: list[Carry | None] = [None] * len(self._tags)
        self._stuck = np.full(draws.count, np.nan)

    def measured(self, truth: np.ndarray, first: int) -> Measured:
        """Return what is shown of the truth (SI) of rows from `first` on, shape (channels, runs, rows)."""
        channels, runs, rows = truth.shape
        signals = np.empty((runs, rows, channels), np.float32)
        quality = np.zeros((runs, rows, channels), np.uint8)
        codes = np.zeros((runs, rows, channels), np.uint8)
        times = (first + np.arange(rows)) * self._spec.every
        lost = self._gaps(first, rows)
        for c, tag in enumerate(self._tags):
            seen = truth[c] + self._errors[tag.name][:, None] if tag.name in self._errors else truth[c]
            faulty = [(code, f) for code, f in enumerate(self._spec.sensor_faults, 1) if f.channel == c]
            for code, fault in faulty:
                # what is seen now is shown after the delay, and the label is about what is shown
                seen = self._disturbed(seen, fault, self._draws.sensor_fault == code, first + tag.delay)
            scale = self.scales[c]
            zero = 0.0 - scale.offset / scale.factor
            shown = readings(tag, seen, first, self._draws.seed, self._carries[c], zero=zero)
            self._carries[c] = shown.carry
            value, bad = scale(shown.value), (shown.quality != GOOD) | lost
            if self._spec.missing.each:
                bad = bad | (uniform(self._draws.seed, tag.name, "missing", first, rows) < self._spec.missing.each)
            for code, fault in faulty:
                value, bad = self._after(value, bad, fault, self._draws.sensor_fault == code, times)
                codes[:, :, c] = np.where(self._active(self._draws.sensor_fault == code, times), code, codes[:, :, c])
            signals[:, :, c] = np.where(bad, np.nan, value)
            quality[:, :, c] = bad
        return Measured(signals, quality, codes)

    def _active(self, those: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Return where an instrument of some runs is faulty, shape (runs, rows)."""
        draws = self._draws
        begun = times[None, :] > draws.sensor_onset[:, None]
        return np.asarray(those[:, None] & begun & (times[None, :] <= draws.sensor_end[:, None]))

    def _disturbed(self, seen: np.ndarray, fault: SensorFault, those: np.ndarray, first: int) -> np.ndarray:
        """Return what a faulty instrument makes of what it sees, before it is noisy and rounded."""
        times = (first + np.arange(seen.shape[1])) * self._spec.every
        active = self._active(those, times)
        if not active.any():
            return seen
        size, rows = self._draws.sensor_size[:, None], len(times)
        if fault.kind == "offset":
            error: np.ndarray = np.broadcast_to(size, seen.shape)
        elif fault.kind == "gain":
            error = size * seen
        elif fault.kind == "drift":
            with np.errstate(invalid="ignore"):
                share = (times - self._draws.sensor_onset[:, None]) / np.subtract(
                    self._draws.sensor_end, self._draws.sensor_onset, where=those, out=np.ones(len(those))
                )[:, None]
            error = size * np.where(active, share, 0.0)
        elif fault.kind == "noise":
            error = size * normal(self._draws.seed, fault.name, "noise", first, rows)
        elif fault.kind == "spikes":
            hit = uniform(self._draws.seed, fault.name, "spikes", first, rows) < SPIKY
            sign = np.where(uniform(self._draws.seed, fault.name, "sign", first, rows) < 0.5, -1.0, 1.0)
            error = size * sign * hit
        else:
            return seen
        return np.where(active, seen + error, seen)

    def _after(
        self, value: np.ndarray, bad: np.ndarray, fault: SensorFault, those: np.ndarray, times: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return values that stand still or are missing: what no noise is added to."""
        if fault.kind not in ("stuck", "gap"):
            return value, bad
        active = self._active(those, times)
        if fault.kind == "gap":
            return value, bad | active
        begun = active.argmax(axis=1)
        before = np.take_along_axis(value, begun[:, None], axis=1)[:, 0]
        starts = active.any(axis=1) & ~(active[:, 0] & np.isfinite(self._stuck))
        self._stuck = np.where(starts, before, self._stuck)
        return np.where(active, self._stuck[:, None], value), bad

    def _gaps(self, first: int, rows: int) -> np.ndarray:
        """Return where nothing arrives at all, shape (runs, rows): each row may begin a gap."""
        spec, seeds = self._spec, self._draws.seed
        lost = np.zeros((len(seeds), rows), bool)
        rate = spec.missing.gaps * spec.every
        if not rate:
            return lost
        longest = round(spec.missing.lasts.high / spec.every)
        early = max(first - longest, 0)
        begins = uniform(seeds, "gap", "begins", early, first + rows - early) < rate
        low, high = spec.missing.lasts
        for run, row in zip(*np.nonzero(begins), strict=True):
            share = uniform(seeds[run : run + 1], "gap", "lasts", early + int(row), 1)[0, 0]
            begin = early + int(row) - first
            lost[run, max(begin, 0) : max(begin + max(round((low + (high - low) * share) / spec.every), 1), 0)] = True
        return lost
