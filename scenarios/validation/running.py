"""A run of `twin validate`: every recording whose files are there, page by page, and the index over them."""

import glob
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from scenarios.validation import plots
from scenarios.validation.calibrating import calibrated
from scenarios.validation.detecting import detected
from scenarios.validation.events import announced
from scenarios.validation.index import README, index
from scenarios.validation.page import Validated, page
from scenarios.validation.sources import healthy, in_order, others, source_of
from scenarios.writing import whole_file
from twin.clean.recording import Recording
from twin.cli.arguments import strict
from twin.errors import DataError, TwinError
from twin.shipped import names

Progress = Callable[[str, float], None]


@dataclass
class Outcome:
    """Recordings by what came of them: their pages, why they were skipped, and errors."""

    pages: dict[str, Path] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, TwinError] = field(default_factory=dict)
    interrupted: bool = False


def run(wanted: Sequence[str], out: Path, assets: Path | None, progress: Progress) -> Outcome:
    """Validate recordings into a folder of pages; with none named, all that are shipped.

    Each page is written when it is done. Ctrl-C ends the run early; finished pages stay, and the index is of them.

    Raises
    ------
    TwinError
        If a recording that is named isn't one, or something can't be written.
    """
    recordings = {name: Recording.load(name, assets=assets) for name in wanted or names("recordings")}
    outcome = Outcome()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise DataError(f"{out}: can't be made: {err.strerror}; name another folder with --out") from None
    index(out, {})  # what can't be read there is told before the work, not after it
    try:
        for recording in recordings.values():
            _one(recording, out, assets, (outcome, progress))
    except KeyboardInterrupt:
        outcome.interrupted = True
    without = {recording.path.stem: "the run was interrupted before" for recording in recordings.values()}
    without |= outcome.skipped | {name: f"failed: {error}" for name, error in outcome.failed.items()}
    whole_file(out / README, index(out, without).encode())
    return outcome


def _one(recording: Recording, out: Path, assets: Path | None, told: tuple[Outcome, Progress]) -> None:
    """Validate one recording, and take note of what came of it."""
    outcome, progress = told
    name = recording.path.stem
    if recording.fit is None and not recording.labels:
        outcome.skipped[name] = "has neither a section fit nor labels, so nothing says what to compare"
    elif not recording.file.is_file():
        outcome.skipped[name] = "its file isn't there; TWIN_DATA names the folder of recordings"
    else:
        try:
            found = _validated(recording, assets, lambda stage, share: progress(f"{name}: {stage}", share))
        except TwinError as err:
            outcome.failed[name] = err
        else:
            outcome.pages[name] = _written(found, out)


def _validated(recording: Recording, assets: Path | None, progress: Progress) -> Validated:
    source = source_of(recording)
    files = in_order([recording.file, *others(recording, source)])
    fitted = watched = attended = None
    if recording.fit is not None:
        fitted = calibrated(recording, source, assets, progress)
    if recording.labels:
        watched = detected(recording, files, healthy(source), assets, progress)
    if source.events is not None:
        attended = announced(recording, files, source.events, assets, progress)
    return Validated(recording, source, fitted, watched, attended)


def _written(found: Validated, out: Path) -> Path:
    """Write page, plots and result, the page last."""
    name, drawn = found.recording.path.stem, {}
    for old in out.glob(f"{glob.escape(name)}.*.svg"):  # there may be fewer plots than there were
        old.unlink()
    for file, title, plot in _plots(found, name):
        whole_file(out / file, plot.encode())
        drawn[file] = title
    result = json.dumps(strict(found.as_dict()), indent=1, allow_nan=False)
    whole_file(out / f"{name}.json", f"{result}\n".encode())
    whole_file(out / f"{name}.md", page(found, drawn).encode())
    return out / f"{name}.md"


def _plots(found: Validated, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, title and text of each plot."""
    for k, each in enumerate(found.calibrated.scores if found.calibrated else ()):
        for tag in each.found.score.tags:
            title = f"{tag}: {PurePosixPath(each.file).name}, {each.kind}"
            yield f"{name}.{tag}.{k}.svg", title, plots.free_run(each.found, tag, title)
    for k, (folder, files) in enumerate(found.detected.folders() if found.detected else ()):
        title = f"Advisories and labels in {folder or 'the files'}"
        yield f"{name}.advisories.{k}.svg", title, plots.advisories(files, title)
