"""Values of runs: finite, within bounds, missing where quality says so, near the truth, and normalised by train."""

from typing import NamedTuple

import numpy as np

from scenarios.dataset.findings import Findings, Outcome, listed, several
from scenarios.dataset.labelling import ADVICE, CLOSE
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.measuring import MEASURED, MISSING
from scenarios.dataset.pieces import Known, Piece
from twin.runs import Scale

FAR = 6.0
"""Robust deviations from what other runs' errors are, beyond which an instrument can't be as it is said to be."""
REFERENCE = 2000
"""Runs from which is learnt how far instruments are off."""
FEWEST = 8
"""Of them: a deviation of fewer says nothing."""
ROBUST = 1.4826
"""Of a normal distribution: its standard deviation over its median absolute one."""
SAME = 1e-6
"""How exactly the train split's mean and deviation are to be found again, in deviations."""


class Ranges:
    """Checks that numbers are there and possible."""

    name = "ranges"

    def __init__(self, manifest: Manifest, known: Known) -> None:
        self._said, self._why = manifest, known.why
        self._findings = Findings()
        self._failed: list[int] = []
        self._bounds: dict[str, list[tuple[float, float]]] = {}
        if known.spec is not None:
            quantity = known.spec.plant.quantity
            self._bounds["truth/quantities"] = [quantity(column.name).bounds for column in manifest.truth]
            clean = []
            for column in manifest.channels:
                scale = Scale.of(quantity(column.reads).unit, column.unit)
                low, high = sorted(float(scale(bound)) for bound in quantity(column.reads).bounds)
                clean.append((low, high))
            self._bounds["truth/signals"] = clean

    def take(self, piece: Piece) -> None:
        """Check a shard's runs."""
        signals, quality, good = piece["signals"], piece["quality"], piece.good[:, None]
        self._failed += piece.number[~piece.good].tolist()
        missing = np.isnan(signals)
        wrong = (quality != np.where(missing, MISSING, MEASURED)).any(axis=2)
        self._findings.rows(wrong, piece.number, "quality is not 1 exactly where there is no number", ADVICE)
        self._findings.rows(np.isinf(signals).any(axis=2), piece.number, "a signal is infinite", ADVICE)
        there = ~missing.all(axis=2) & ~good
        self._findings.rows(there, piece.number, "a run that failed has numbers", ADVICE)
        for series, columns in (("truth/quantities", self._said.truth), ("truth/signals", self._said.channels)):
            if not piece.has(series):
                continue
            values = piece[series]
            lost = ~np.isfinite(values) & good[:, :, None]
            self._findings.rows(lost.any(axis=2), piece.number, f"{series} has no number", ADVICE)
            for k, (low, high) in enumerate(self._bounds.get(series, ())):
                slack = CLOSE * max(abs(b) for b in (low, high, 0.0) if np.isfinite(b))
                beyond = ((values[:, :, k] < low - slack) | (values[:, :, k] > high + slack)) & good
                said = f"the truth of {columns[k].name} leaves [{low:g}, {high:g}] {columns[k].unit}"
                self._findings.rows(beyond, piece.number, said, "mend the specification, or report it")

    def outcome(self) -> Outcome:
        """Return what was found."""
        said = f"numbers are finite in all but {several(len(self._failed), 'failed run')}" if self._failed else (
            "numbers are finite, and missing where quality says so"
        )  # fmt: skip
        said += f" ({listed(self._failed)})" if self._failed else ""
        if "truth" not in self._said.contents:
            said += "; bounds: the data set carries no truth"
        else:
            said += "; the truth is within bounds" if self._bounds else f"; bounds not checked: {self._why}"
        return self._findings.outcome(self.name, said)


class _Errors(NamedTuple):
    """Of some runs and each instrument, shape (runs, channels): its error's median and robust deviation, and steps.

    Attributes
    ----------
    step : numpy.ndarray
        The least difference of two values that it shows: its resolution.
    size : numpy.ndarray
        The greatest value that it measures.
    """

    number: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    step: np.ndarray
    size: np.ndarray


class Agreement:
    """Checks that instruments that are said to be sound show the truth, no farther off than they are in other runs.

    The error's median in a run is compared with that of the first `REFERENCE` runs: beyond `FAR` times their spread
    and the noise together, and a step of its resolution, something is wrong with the instrument that no label tells.
    Constant errors of machines that the specification declares count as spread, for few machines show little of it.
    """

    name = "signals"

    def __init__(self, manifest: Manifest, known: Known) -> None:
        self._said = manifest
        self._findings = Findings()
        self._declared = np.zeros(len(manifest.channels))
        if known.spec is not None:
            for c, column in enumerate(manifest.channels):
                unit = known.spec.plant.quantity(column.reads).unit
                error = known.spec.machines.instruments.get(column.name, 0.0)
                self._declared[c] = abs(Scale.of(unit, column.unit).factor) * error
        self._held: list[_Errors] | None = []
        self._usual = self._most = np.zeros(len(manifest.channels))
        self._runs = 0

    def take(self, piece: Piece) -> None:
        """Check a shard's runs."""
        if not piece.has("truth/signals") or not piece.good.any():
            return
        sound = (piece["quality"] == MEASURED) & (piece["labels/sensor_fault"] == 0)
        with np.errstate(invalid="ignore"):
            error = np.where(sound, piece["signals"].astype(float) - piece["truth/signals"], np.nan)[piece.good]
        signals = piece["signals"][piece.good]
        count, _, channels = error.shape
        middle, spread, step = (np.full((count, channels), np.nan) for _ in range(3))
        for run in range(count):
            for c in range(channels):
                known = error[run, ~np.isnan(error[run, :, c]), c]
                if known.size:
                    middle[run, c] = np.median(known)
                    spread[run, c] = ROBUST * np.median(np.abs(known - middle[run, c]))
                    values = np.unique(signals[run, np.isfinite(signals[run, :, c]), c])
                    step[run, c] = np.diff(values).min() if values.size > 1 else np.nan
        size = np.abs(piece["truth/signals"][piece.good]).max(axis=1)
        found = _Errors(piece.number[piece.good], middle, spread, step, size)
        self._runs += count
        if self._held is None:
            self._judge(found)
            return
        self._held.append(found)
        if self._runs >= REFERENCE:
            self._settle()

    def outcome(self) -> Outcome:
        """Return what was found."""
        if "truth" not in self._said.contents:
            return Outcome(self.name, "not tried", "the data set carries no truth to compare signals with")
        if self._held is not None and self._runs >= FEWEST:
            self._settle()
        if self._runs < FEWEST:
            said = f"{several(self._runs, 'run')} don't tell how far instruments are usually off"
            return Outcome(self.name, "too few to tell", said)
        return self._findings.outcome(
            self.name, f"instruments that are said to be sound show the truth but for noise in {self._runs} runs"
        )

    def _settle(self) -> None:
        """Learn how far instruments are off, and judge the runs that were held back."""
        held = self._held or []
        self._held = None
        middle = np.concatenate([each.middle for each in held])
        noise = np.concatenate([each.spread for each in held])
        usual = _median(middle)
        about = np.maximum(ROBUST * _median(np.abs(middle - usual)), self._declared)
        step = _median(np.concatenate([each.step for each in held]))
        self._usual, self._most = usual, FAR * np.hypot(about, _median(noise)) + step
        for each in held:
            self._judge(each)

    def _judge(self, errors: _Errors) -> None:
        most, off = self._most, np.abs(errors.middle - self._usual)
        for run, channel in zip(*np.nonzero(off > most + CLOSE * errors.size), strict=True):
            column = self._said.channels[channel]
            self._findings.add(
                f"run {errors.number[run]}",
                f"{column.name} is off by more than {most[channel]:.3g} {column.unit} though its instrument is sound",
                ADVICE,
            )


def _median(values: np.ndarray) -> np.ndarray:
    """Return the median of each column's known values; 0 where none is known."""
    return np.array([np.median(v[~np.isnan(v)]) if (~np.isnan(v)).any() else 0.0 for v in values.T])


class Normalisation:
    """Checks that what all splits are normalised with is the train split's own mean and deviation."""

    name = "normalisation"

    def __init__(self, manifest: Manifest) -> None:
        self._said = manifest
        self._mean = np.array(manifest.mean)
        channels = len(manifest.channels)
        self._count, self._sum, self._squares = (np.zeros(channels) for _ in range(3))

    def take(self, piece: Piece) -> None:
        """Add up a shard's train runs, about the mean that is said."""
        train = (piece.drawn["split"] == self._said.splits.index("train")) & piece.good
        for signals in piece["signals"][train]:
            apart = np.where(np.isfinite(signals), signals - self._mean, 0.0)
            self._count += np.isfinite(signals).sum(axis=0)
            self._sum += apart.sum(axis=0)
            self._squares += (apart**2).sum(axis=0)

    def outcome(self) -> Outcome:
        """Return what was found."""
        findings = Findings()
        count = np.maximum(self._count, 1.0)
        mean = self._mean + self._sum / count
        deviation = np.sqrt(np.maximum(self._squares - self._sum**2 / count, 0.0) / np.maximum(count - 1.0, 1.0))
        for k, column in enumerate(self._said.channels):
            said = self._said.mean[k], self._said.deviation[k]
            room = SAME * max(deviation[k], said[1]) + 1e-12 * abs(mean[k])
            if self._count[k] and not (abs(said[0] - mean[k]) <= room and abs(said[1] - deviation[k]) <= room):
                findings.add(
                    f"dataset.json, {column.name}",
                    f"mean {said[0]:.7g} and deviation {said[1]:.7g} are not the train split's, {mean[k]:.7g} and "
                    f"{deviation[k]:.7g}",
                    "other splits leak into it: take the train split's",
                )
        return findings.outcome(self.name, "mean and deviation are the train split's own")
