"""A recording as arrays: rows of what its recipe left, in SI, with times from the first row."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.clean.block import BAD, joined
from twin.clean.reader import blocks
from twin.clean.recording import Recording
from twin.errors import DataError

MICRO = 1e-6
MOST_ROWS = 2_000_000
FEWEST_ROWS = 10


class Record(NamedTuple):
    """Rows of one file.

    Attributes
    ----------
    name, sha256 : str
        The file's name, and the hash of its bytes.
    epoch : int
        Instant of the first row [us UTC].
    times : (rows,)
        From the first row [s].
    values : dict
        By tag, shape (rows,): SI, NaN where there is no usable reading.
    """

    name: str
    sha256: str
    epoch: int
    times: np.ndarray
    values: dict[str, np.ndarray]

    @property
    def period(self) -> float:
        """Return the median time between rows [s]."""
        return float(np.median(np.diff(self.times)))

    def part(self, since: int | None = None, until: int | None = None) -> "Record":
        """Return the rows from one instant to another [us UTC].

        Raises
        ------
        DataError
            If too few rows are left.
        """
        instants = self.epoch + np.round(self.times / MICRO).astype(np.int64)
        kept = (instants >= (instants[0] if since is None else since)) & (
            instants <= (instants[-1] if until is None else until)
        )
        if kept.sum() < FEWEST_ROWS:
            raise DataError(f"{self.name}: {kept.sum()} rows in this span, at least {FEWEST_ROWS} are needed; widen it")
        first = int(np.argmax(kept))
        return self._replace(
            epoch=int(instants[first]), times=self.times[kept] - self.times[first],
            values={tag: column[kept] for tag, column in self.values.items()},
        )  # fmt: skip


def read(recording: Recording) -> Record:
    """Return the rows of a recording's file after its recipe.

    Raises
    ------
    DataError
        If the file can't be read, or has too few rows.
    """
    path = recording.file_there()
    engine = recording.cleaner()
    cleaned = [engine.put(block) for block in blocks(recording)]
    block = joined([*cleaned, engine.finish()])
    instants, row = np.unique(block.time, return_inverse=True)
    if not FEWEST_ROWS <= len(instants) <= MOST_ROWS:
        raise DataError(
            f"{path.name}: {len(instants)} rows; {FEWEST_ROWS} to {MOST_ROWS} can be compared with a plant, "
            "give another file or a part of it"
        )
    values = {}
    for column in recording.columns:
        tag = recording.recipe.tags[column.tag].tag
        mine = (block.tag == column.tag) & (block.quality < BAD)
        values[tag] = np.full(len(instants), np.nan)
        values[tag][row[mine]] = block.value[mine]
    times = (instants - instants[0]) * MICRO
    return Record(path.name, _sha256(path), int(instants[0]), times, values)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
