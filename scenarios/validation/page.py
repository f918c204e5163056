"""The page of a validated recording in Markdown: data, plant, method, scores, published figures beside them, limits."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scenarios.dataset.card_text import cell, table
from scenarios.validation import calibration_text, detection_text, events_text
from scenarios.validation.calibrating import OTHER, SEEN, Calibrated
from scenarios.validation.detecting import Detected
from scenarios.validation.events import Announced
from scenarios.validation.sources import Source
from twin import __version__
from twin.clean.recording import Recording


class Validated(NamedTuple):
    """What came of a recording; each part where the recording asks for it."""

    recording: Recording
    source: Source
    calibrated: Calibrated | None
    detected: Detected | None
    announced: Announced | None

    @property
    def title(self) -> str:
        """Return what the page is called."""
        return self.source.title or self.recording.name

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain numbers and texts."""
        return {
            "recording": self.recording.name, "title": self.title, "plant": self.recording.plant.name,
            "version": __version__,
            "fit": None if self.calibrated is None else self.calibrated.as_dict(),
            "detection": None if self.detected is None else self.detected.as_dict(),
            "events": None if self.announced is None else self.announced.as_dict(),
            "published": [each.model_dump() for each in self.source.published],
        }  # fmt: skip


def page(found: Validated, plots: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    plots : dict
        Titles of the plots beside the page, by the name of their files.
    """
    recording, source = found.recording, found.source
    parts = [
        f"# {cell(found.title)}: `{cell(recording.name)}`",
        cell(recording.about),
        f"Made by `twin validate {cell(recording.path.stem)}`, version {__version__}; its numbers are of that run.",
        "## Data", _data(found),
        "## Plant", f"`{cell(recording.plant.name)}`: {cell(recording.plant.about)}",
    ]  # fmt: skip
    if found.calibrated is not None:
        parts += [*calibration_text.method(found.calibrated), "## Scores", *calibration_text.scores(found.calibrated)]
    if found.detected is not None:
        parts += ["## Detection", *detection_text.scores(found.detected)]
    if found.announced is not None:
        parts += ["## Events", *events_text.found_events(found.announced)]
    parts += [f"![{cell(title)}]({name})" for name, title in plots.items()]
    parts += ["## Published figures", _published(source), "## Limits", _list(_limits(found))]
    return "\n\n".join(parts) + "\n"


def _data(found: Validated) -> str:
    source = found.source
    cite = [cell(each) for each in source.cite] or ["Who recorded it isn't said."]
    if source.license:
        cite.append(f"License: {cell(source.license)}")
    files: dict[str, tuple[int, str]] = {}
    if found.calibrated is not None:
        read = {found.calibrated.file: found.calibrated.record}
        read |= {each.file: each.found.record for each in found.calibrated.scores if each.kind in (SEEN, OTHER)}
        files |= {name: (len(record.times), record.sha256) for name, record in read.items()}
    if found.detected is not None:
        watched = (*found.detected.labelled, *found.detected.healthy)
        files |= {each.file: (each.time.size, each.sha256) for each in watched}
    if found.announced is not None:
        files |= {each.file: (each.rows, each.sha256) for each in found.announced.files}
    rows = [(name, count, digest) for name, (count, digest) in files.items()]
    return f"{_list(cite)}\n\n{table(('file', 'rows', 'SHA-256'), rows)}"


def _published(source: Source) -> str:
    if not source.published:
        return "None are known for these files."
    rows = [(each.method, each.figure, each.on, each.by) for each in source.published]
    said = "As their authors give them; a figure compares with ours only where it is of the same rows."
    return f"{said}\n\n{table(('method', 'figure', 'measured on', 'source'), rows)}"


def _limits(found: Validated) -> list[str]:
    said = ["Validated is what was compared above, on these files, and nothing else of the plant."]
    if found.calibrated is not None:
        said += calibration_text.limits(found.calibrated)
    if found.detected is not None:
        said += detection_text.limits(found.detected)
    if found.announced is not None:
        said += events_text.limits(found.announced)
    return [*said, *found.source.limits]


def _list(said: Iterable[str]) -> str:
    return "\n".join(f"- {cell(each)}" for each in said)
