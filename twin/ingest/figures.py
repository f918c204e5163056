"""What ingest counts about itself, for people who ask how it is doing."""

import shutil
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twin.journal.entries import Draft

_ROUNDS = 1000
_ENTRY = 200  # bytes on disk beside its body
_DAY = 86_400.0


class Figures:
    """Sums since the start, and how long the latest rounds took.

    Parameters
    ----------
    folder : Path
        The data folder, on the disk whose room is told.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._began = time.monotonic()
        self._bytes = self._frames = self._full = self._dropped = 0
        self._latest: deque[tuple[float, int]] = deque(maxlen=_ROUNDS)

    def stored(self, drafts: Sequence[Draft]) -> None:
        """Count what went to disk."""
        self._bytes += sum(len(draft.body) + _ENTRY for draft in drafts)

    def answered(self, seconds: float, frames: int, *, full: bool, dropped: int) -> None:
        """Count a round: how long it took from taking to answering, and whether more was waiting."""
        self._dropped += dropped
        if frames:
            self._frames += frames
            self._full += full
            self._latest.append((seconds, frames))

    def told(self) -> dict[str, Any]:
        """Return everything as plain values."""
        seconds = sorted(seconds for seconds, _ in self._latest)
        uptime = time.monotonic() - self._began
        free = shutil.disk_usage(self._folder).free
        return {
            "uptime_s": uptime,
            "frames": self._frames,
            "answers_dropped": self._dropped,
            "ack_ms": {
                "p50": _share(seconds, 0.50) * 1e3,
                "p99": _share(seconds, 0.99) * 1e3,
                "max": _share(seconds, 1.0) * 1e3,
            },
            "queue": {"latest": self._latest[-1][1] if self._latest else 0, "full_rounds": self._full},
            "stored_bytes": self._bytes,
            "disk_free_bytes": free,
            "disk_free_days": free / (self._bytes / uptime * _DAY) if self._bytes else None,
        }


def _share(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
