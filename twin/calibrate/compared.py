"""A plant's score on a recording beside those of its baselines: what `twin score` and `twin validate` say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from twin.calibrate import baselines
from twin.calibrate.freerun import roles
from twin.calibrate.record import MICRO, Record, read
from twin.calibrate.scoring import Score, as_dict, score, tag_score
from twin.calibrate.wanted import Wanted, Window, time_of, wanted
from twin.clean.recording import Recording
from twin.errors import DataError, PlantError, TwinError, unknown
from twin.plant import Plant
from twin.runs import Scale


@dataclass(frozen=True)
class Compared:
    """A score, its baselines and what they are about."""

    plant: Plant
    record: Record
    score: Score
    baselines: dict[str, dict[str, np.ndarray] | None]
    units: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return scores by tag and by baseline, in the recording's own units."""
        rows = self.score.initialised
        factors = {tag: self._factor(tag) for tag in self.score.tags}
        beside: dict[str, Any] = {}
        for name, run in self.baselines.items():
            beside[name] = None if run is None else {
                tag: as_dict(tag_score(self.record.values[tag][rows:], run[tag][rows:]), factors[tag], self.units[tag])
                for tag in self.score.tags
            }  # fmt: skip
        return {
            "plant": self.plant.name, "file": self.record.name, "sha256": self.record.sha256,
            "initialised": rows, "scored": self.score.scored,
            "begin": datetime.fromtimestamp(self.record.epoch * MICRO, UTC).isoformat(),
            "seconds": float(self.record.times[-1]),
            "tags": {tag: as_dict(each, factors[tag], self.units[tag]) for tag, each in self.score.tags.items()},
            "baselines": beside, "start": self.score.start, "notes": list(self.score.notes),
        }  # fmt: skip

    def _factor(self, tag: str) -> float:
        return Scale.of(self.plant.quantity(self.plant.tags[tag].reads).unit, self.units[tag]).factor


def compared(
    recording: Recording, plant: Plant, span: tuple[str | None, str | None] = (None, None),
    initialise: Window | None = None,
) -> Compared:  # fmt: skip
    """Return how a plant's free run and its baselines agree with a part of a recording.

    Raises
    ------
    TwinError
        If recording and plant don't suit each other, or the file has nothing to compare.
    """
    what = wanted_of(recording, plant)
    record = part_of(read(recording), span)
    found = score(plant, record, what, initialise)
    tags = roles(plant, record, what.score)
    beside: dict[str, dict[str, np.ndarray] | None] = {"persistence": None, "linear": None}
    if found.initialised:  # without a first reading there is none to hold, nor one to begin a linear model from
        beside["persistence"] = baselines.persistence(record, tags.compared, found.initialised)
        if plant.fitted is not None and plant.fitted.linear:
            beside["linear"] = _linear(plant, tags.compared).run(record, found.initialised)
    return Compared(plant, record, found, beside, units_of(recording, plant))


def _linear(plant: Plant, tags: Sequence[str]) -> baselines.Linear:
    """Return the linear models of these tags that a fitted plant carries."""
    where = f"{plant.name}: fitted.linear"
    try:
        stored = json.loads(plant.fitted.linear if plant.fitted else "")
    except (ValueError, RecursionError) as err:
        raise PlantError(f"{where}: is no JSON: {err}; fit again") from None
    linear = baselines.from_dict(stored, where)
    for tag in tags:
        if tag not in linear.models:
            raise PlantError(f"{where}: models: {unknown('tag', tag, linear.models)}; fit again")
    return linear


def wanted_of(recording: Recording, plant: Plant) -> Wanted:
    """Return what a recording wants fitted and scored, of a plant that may not be its own.

    Raises
    ------
    PlantError
        If the recording doesn't say, or the plant lacks what it says.
    """
    if recording.fit is None:
        raise PlantError(
            f"{recording.path}: has no section `fit`; say there which tags are compared: fit: {{score: [...]}}"
        )
    for column in recording.columns:
        tag = recording.recipe.tags[column.tag].tag
        if tag not in plant.tags:
            raise PlantError(f"{plant.name}: has no tag {tag!r}, which {recording.name} records; add it to the plant")
    return wanted(plant, recording.fit, recording.fit_node)


def units_of(recording: Recording, plant: Plant) -> dict[str, str]:
    """Return the unit of each tag's numbers in the recording's file."""
    return {tag: recording.units.get(tag, plant.tags[tag].unit) for tag in plant.tags}


def part_of(record: Record, span: tuple[str | None, str | None]) -> Record:
    """Return the rows between two times, each a duration from the first row or an ISO instant.

    Raises
    ------
    DataError
        If one is neither, or too few rows are left.
    """
    since, until = (_instant(record, text, name) for text, name in zip(span, ("--from", "--until"), strict=True))
    if since is not None and until is not None and since >= until:
        raise DataError(f"--from {span[0]}: isn't before --until {span[1]}; give an earlier one")
    return record if since is None and until is None else record.part(since, until)


def _instant(record: Record, text: str | None, name: str) -> int | None:
    if text is None:
        return None
    try:
        return record.epoch + round(time_of(text) / MICRO)
    except (TwinError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{name}: {text!r:.60} is neither a duration as 10min nor an ISO instant; write one") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() / MICRO)
