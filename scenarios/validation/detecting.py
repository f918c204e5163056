"""The live monitor run over every file of a recording's source, scored point by point and pooled."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scenarios.validation.sources import told
from twin.calibrate.record import MICRO
from twin.clean.recording import Recording
from twin.cli.detect import scores
from twin.errors import TwinError
from twin.live.offline import detect, labelled
from twin.live.pointwise import Points

Progress = Callable[[str, float], None]

TEACH = 400
"""Rows of each file that teach, and aren't scored."""


class Watched(NamedTuple):
    """What the monitor said of a file.

    Attributes
    ----------
    file, sha256 : str
    time : (rows,)
        From the first row [s].
    advised : bool, (rows,)
    anomaly : bool, (rows,)
        Whether it is labelled; empty where the file has no labels.
    scores : dict
        As `twin detect` tells them.
    """

    file: str
    sha256: str
    time: np.ndarray
    advised: np.ndarray
    anomaly: np.ndarray
    scores: dict[str, Any]

    @property
    def folder(self) -> str:
        """Return where the file lies."""
        return self.file.rpartition("/")[0]


@dataclass(frozen=True)
class Detected:
    """What the monitor said of all files: those with labels, those in which nothing is wrong, and unreadable ones."""

    recording: Recording
    labelled: tuple[Watched, ...]
    healthy: tuple[Watched, ...]
    unread: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return scores as plain numbers and texts."""
        return {
            "plant": self.recording.plant.name, "teach": TEACH,
            "pooled": pooled(self.labelled), "folders": {name: pooled(part) for name, part in self.folders()},
            "files": {each.file: {"sha256": each.sha256, "rows": each.time.size, **each.scores}
                      for each in (*self.labelled, *self.healthy)},
            "unread": dict(self.unread),
        }  # fmt: skip

    def folders(self) -> Iterator[tuple[str, list[Watched]]]:
        """Yield files with labels folder by folder."""
        for folder in dict.fromkeys(each.folder for each in self.labelled):
            yield folder, [each for each in self.labelled if each.folder == folder]


def pooled(files: Iterable[Watched]) -> dict[str, Any]:
    """Return scores over the rows of several files together, of the twin and of detectors that look at no reading."""
    parts = [each.scores for each in files]
    names = list(parts[0]["baselines"]) if parts else []
    return {
        **_summed(parts), "files": len(parts),
        "baselines": {name: _summed([part["baselines"][name] for part in parts]) for name in names},
    }  # fmt: skip


def _summed(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return Points(*(sum(part[name] for part in parts) for name in Points._fields)).as_dict()


def detected(
    recording: Recording, files: Sequence[Path], healthy: Sequence[Path], assets: Path | None = None,
    progress: Progress = lambda stage, share: None,
) -> Detected:  # fmt: skip
    """Run the monitor over files, each taught by its first rows.

    Parameters
    ----------
    files, healthy : sequence of Path
        Files with labels, and files in which nothing is wrong.

    Raises
    ------
    KeyboardInterrupt
        If it was interrupted.
    """
    with_labels, without, unread = [], [], []
    paths = (*files, *(path for path in healthy if path not in files))
    for k, path in enumerate(paths):
        progress(told(path), k / len(paths))
        try:
            watched = _watched(Recording.load(recording.path, path, assets=assets))
        except TwinError as err:
            unread.append((told(path), str(err).replace(str(path), path.name)))
            continue
        if path in healthy:
            without.append(watched)
        elif watched.scores["tp"] is None:
            unread.append((told(path), watched.scores["unscored"]))
        else:
            with_labels.append(watched)
    return Detected(recording, tuple(with_labels), tuple(without), tuple(unread))


def _watched(recording: Recording) -> Watched:
    rows = labelled(recording)
    found = detect(recording, TEACH)
    if found.rows < rows.time.size:  # it returns what was done when it is interrupted
        raise KeyboardInterrupt
    time = (rows.time - rows.time[0]) * MICRO
    digest = hashlib.sha256(recording.file.read_bytes()).hexdigest()
    return Watched(told(recording.file), digest, time, found.advised, rows.anomaly > 0.0, scores(rows, found, TEACH))
