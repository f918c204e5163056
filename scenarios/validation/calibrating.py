"""A recording's plant fitted, and scored on what it was fitted to and on what it was not."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from scenarios.validation.sources import Source, is_seen, others, told
from twin.calibrate import fitted_file
from twin.calibrate.compared import Compared, compared, wanted_of
from twin.calibrate.fitting import Fit, fit
from twin.calibrate.record import Record, read
from twin.calibrate.study import Study
from twin.clean.recording import Recording
from twin.cli.fit import as_dict, linear_of
from twin.errors import TwinError
from twin.plant import Plant

Progress = Callable[[str, float], None]

OWN, HELD_OUT, SEEN, OTHER = "fitted", "second half", "file seen before", "other file"


class Scored(NamedTuple):
    """A score: of the rows that were fitted, of a record's second half after a fit to its first, or of another file.

    A file was seen before if the values that the fit begins from were found with it.
    """

    kind: str
    file: str
    found: Compared


@dataclass(frozen=True)
class Calibrated:
    """What a recording's plant came to.

    Attributes
    ----------
    recording : Recording
    file : str
        Where its file lies below the folder of recordings.
    fit : Fit
    scores : tuple of Scored
    unread : tuple of (str, str)
        Other files that can't be scored, and why.
    """

    recording: Recording
    file: str
    fit: Fit
    scores: tuple[Scored, ...]
    unread: tuple[tuple[str, str], ...]

    @property
    def record(self) -> Record:
        """Return the rows that were fitted."""
        return self.fit.study.records[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the fit and all scores as plain numbers and texts."""
        return {
            **as_dict(self.fit, self.recording),
            "scores": [{"kind": each.kind, **each.found.as_dict(), "file": each.file} for each in self.scores],
            "unread": dict(self.unread),
        }


def calibrated(
    recording: Recording, source: Source, assets: Path | None = None,
    progress: Progress = lambda stage, share: None,
) -> Calibrated:  # fmt: skip
    """Fit a recording's plant to its file and score it there and on other files; without those, on the second half.

    Raises
    ------
    TwinError
        If it can't be fitted; another file that can't be scored is named instead.
    """
    record, file = read(recording), told(recording.file)
    found = _fit(recording, record, progress)
    plant = _fitted_plant(found, recording, assets)
    scores, unread = [Scored(OWN, file, compared(recording, plant))], []
    for path in others(recording, source):
        progress(f"score of {path.name}", 1.0)
        try:
            other = Recording.load(recording.path, path, assets=assets)
            kind = SEEN if is_seen(source, path) else OTHER
            scores.append(Scored(kind, told(path), compared(other, plant)))
        except TwinError as err:
            unread.append((told(path), str(err).replace(str(path), path.name)))
    if len(scores) == 1:
        scores += _second_half(recording, record, assets, progress)
    return Calibrated(recording, file, found, tuple(scores), tuple(unread))


def _fit(recording: Recording, record: Record, progress: Progress) -> Fit:
    what = wanted_of(recording, recording.plant)
    return fit(Study(recording.plant, [record], what, what.free), progress=progress)


def _fitted_plant(found: Fit, recording: Recording, assets: Path | None) -> Plant:
    """Return the plant as `twin fit` would write it, and `twin score` read it."""
    text = fitted_file.written(found, recording.name, json.dumps(linear_of(found.study)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fitted.yaml"
        path.write_text(text, encoding="utf-8")
        return Plant.load(path, assets)


def _second_half(recording: Recording, record: Record, assets: Path | None, progress: Progress) -> Iterator[Scored]:
    """Yield the score of the second half by a plant that has seen the first one only."""
    half = len(record.times) // 2
    instant = round(0.5 * (record.times[half - 1] + record.times[half]) * 1e6)
    first = record.part(until=record.epoch + instant)
    plant = _fitted_plant(_fit(recording, first, progress), recording, assets)
    yield Scored(HELD_OUT, told(recording.file), compared(recording, plant, (f"{instant * 1e-6:.6f} s", None)))
