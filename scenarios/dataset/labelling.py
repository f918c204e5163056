"""Labels of runs against what is true of them: severity, onset, change points, remaining life, instruments."""

import math

import numpy as np

from scenarios.dataset.findings import Findings, Outcome, several
from scenarios.dataset.manifest import Manifest
from scenarios.dataset.pieces import Known, Piece
from scenarios.dataset.simulating import FAULT, MODE, SENSOR
from scenarios.dataset.spec import Spec
from twin.declare import Fault as Declared

CLOSE = 4.0 * float(np.finfo(np.float32).eps)
"""How far numbers that were rounded to 32 bits may be off, as a share."""
ADVICE = "don't train with it: report it, and make the data set again"


class Labelling:
    """Checks every label of every row; expected labels are worked out from events, draws and truth alone."""

    name = "labels"

    def __init__(self, manifest: Manifest, known: Known) -> None:
        self._said, self._known = manifest, known
        self._findings = Findings()
        self._rows = self._proved = 0
        self._times = np.arange(manifest.rows) * manifest.every
        self._truth = [column.name for column in manifest.truth]

    def take(self, piece: Piece) -> None:
        """Check a shard's runs."""
        self._rows += piece.number.size * self._said.rows
        self._faults(piece)
        self._changes(piece)
        self._lives(piece)
        self._instruments(piece)
        if self._known.spec is not None and piece.has("truth/quantities"):
            self._severities(piece, self._known.spec)

    def outcome(self) -> Outcome:
        """Return what was found."""
        said = f"{several(self._rows, 'row')} with onsets, changes, remaining life and instruments as they were drawn"
        if self._proved:
            said += f"; severity is the truth's in {several(self._proved, 'faulty run')}"
        elif "truth" not in self._said.contents:
            said += "; severity is not proved: the data set carries no truth"
        elif self._known.spec is None:
            said += f"; severity is not proved: {self._known.why}"
        return self._findings.outcome(self.name, said)

    def _wrong(self, wrong: np.ndarray, piece: Piece, what: str) -> None:
        self._findings.rows(wrong & piece.good[:, None], piece.number, what, ADVICE)

    def _faults(self, piece: Piece) -> None:
        """Check what is wrong with the equipment, and when."""
        drawn = piece.drawn
        fault, severity, anomaly = piece["labels/fault"], piece["labels/severity"], piece["labels/anomaly"]
        after = self._times[None, :] > drawn["onset"][:, None]
        code = drawn["fault"][:, None]
        self._wrong((anomaly != 0) != (severity > 0.0), piece, "anomaly is not where severity is above 0")
        self._wrong(anomaly > 1, piece, "anomaly is neither 0 nor 1")
        self._wrong(fault != np.where(anomaly != 0, code, 0), piece, "fault is not the run's class where there is one")
        self._wrong((severity > 0.0) & ~(after & (code > 0)), piece, "severity is above 0 before the onset")
        self._wrong((code > 0) & after & ~(severity > 0.0), piece, "severity is 0 after the onset")
        most = drawn["severity"][:, None] * (1.0 + CLOSE)
        self._wrong(~((severity >= 0.0) & (severity <= most)), piece, "severity is beyond what was drawn")

    def _changes(self, piece: Piece) -> None:
        """Check the first rows after changes."""
        drawn, mode = piece.drawn, piece["labels/mode"]
        expected = np.zeros(mode.shape, np.uint8)
        for bit, name in ((FAULT, "onset"), (SENSOR, "sensor_onset"), (SENSOR, "sensor_end")):
            for run in np.flatnonzero(np.isfinite(drawn[name])):
                row = math.floor(drawn[name][run] / self._said.every + 1e-9) + 1
                if row < self._said.rows:
                    expected[run, row] |= bit
        expected[:, 1:] |= np.where(mode[:, 1:] != mode[:, :-1], MODE, 0).astype(np.uint8)
        self._wrong(piece["labels/changepoint"] != expected, piece, "changepoint is not where something changes")
        known = len(self._said.modes) or 1
        self._wrong(mode >= known, piece, f"mode is none of the {known} there are")

    def _lives(self, piece: Piece) -> None:
        """Check remaining life: a clock that is set at every end of life, and stands nowhere else."""
        events, ends = piece.events(), set(self._said.ends)
        wrong = np.zeros(piece["labels/rul"].shape, bool)
        for run, number in enumerate(piece.number):
            expected = np.full(self._said.rows, np.nan)
            for time in sorted((t for t, name in events.get(int(number), ()) if name in ends), reverse=True):
                before = self._times <= time
                expected[before] = time - self._times[before]
            found = piece["labels/rul"][run]
            off = np.abs(found - expected) > CLOSE * np.abs(expected) + 1e-6 * self._said.every
            wrong[run] = off | (np.isnan(found) != np.isnan(expected))
        self._wrong(wrong, piece, "rul is not the time to the next end of life among the events")

    def _instruments(self, piece: Piece) -> None:
        """Check where instruments are said to be faulty, and that stuck ones stand and gaps are empty."""
        drawn, signals = piece.drawn, piece["signals"]
        names = [column.name for column in self._said.channels]
        expected = np.zeros(signals.shape, np.uint8)
        standing, silent = np.zeros(signals.shape[:2], bool), np.zeros(signals.shape[:2], bool)
        for each in self._said.sensor_faults:
            channel = names.index(each.moves[0])
            for run in np.flatnonzero(drawn["sensor_fault"] == each.code):
                active = (self._times > drawn["sensor_onset"][run]) & (self._times <= drawn["sensor_end"][run])
                expected[run, active, channel] = each.code
                shown = signals[run, active, channel]
                if each.doc == "stuck":
                    known = shown[np.isfinite(shown)]
                    standing[run] = active & (known.size > 0 and bool(np.ptp(known) > 0.0))
                elif each.doc == "gap":
                    silent[run, active] = np.isfinite(shown)
        wrong = piece["labels/sensor_fault"] != expected
        self._wrong(wrong.any(axis=2), piece, "sensor_fault is not on its channel from its onset to its end")
        self._wrong(standing, piece, "an instrument that is stuck moves")
        self._wrong(silent, piece, "an instrument in a gap shows something")

    def _severities(self, piece: Piece, spec: Spec) -> None:
        """Check that severity is how far the truth has come, and that nothing else is damaged."""
        truth, severity = piece["truth/quantities"], piece["labels/severity"].astype(float)
        moved = np.zeros((len(spec.faults) + 1, len(self._truth)), bool)
        for code, fault in enumerate(spec.faults, 1):
            those = (piece.drawn["fault"] == code) & piece.good
            self._proved += int(those.sum())
            for path, to in fault.to.items():
                column = self._truth.index(path)
                moved[code, column] = True
                value = truth[those][:, :, column].astype(float)
                before = value[:, :1]
                expected = before + severity[those] * (to - before)
                off = np.abs(value - expected) > CLOSE * (np.abs(before) + abs(to)) + 1e-300
                said = f"severity is not how far {path} has come towards {to:g}"
                self._findings.rows(off, piece.number[those], said, ADVICE)
        damage = np.array([isinstance(spec.plant.quantity(path), Declared) for path in self._truth], bool)
        for column in np.flatnonzero(damage).tolist():
            values = truth[:, :, column]
            still = ~moved[piece.drawn["fault"], column]
            strays = still[:, None] & (values != values[:, :1])
            self._wrong(strays, piece, f"{self._truth[column]} moves, which the run's class doesn't move")
