"""What archives hold, as boards show it: readings as they were received, whether a twin followed them or not."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from twin.errors import DataError, unknown
from twin.history.plan import Plan
from twin.history.row import NOTHING, shown_quality
from twin.keep.manifest import FOLDER, Record, load, sha256_of
from twin.keep.reading import Archive, Trace
from twin.monitor.words import unit
from viz.payload import HOLE, MICRO, told
from viz.titles import title
from viz.words import Language

TOGETHER = 8
"""Tags that are shown together where no plant says which belong together."""


class Group(NamedTuple):
    """Tags of an archive that are shown together."""

    name: str
    tags: tuple[str, ...]


def groups(folder: Path, name: str, plan: Plan | None) -> list[Group]:
    """Return the tags of an archive: those of each asset, and others some at a time.

    Raises
    ------
    DataError
        If there is no such archive, or it isn't whole.
    """
    with _opened(folder, name)[0] as archive:
        tags = archive.tags()
    asset_of = {shown.name: shown.asset for shown in (plan.outputs[: plan.tags] if plan else ())}
    found: dict[str, list[str]] = {}
    for tag in tags:
        found.setdefault(asset_of.get(tag, ""), []).append(tag)
    others = found.pop("", [])
    parts = [others[first : first + TOGETHER] for first in range(0, len(others), TOGETHER)]
    return [
        *(Group(asset, tuple(mine)) for asset, mine in sorted(found.items())),
        *(Group(part[0] if len(part) == 1 else f"{part[0]} … {part[-1]}", tuple(part)) for part in parts),
    ]


def trend(
    folder: Path, name: str, tags: Sequence[str], plan: Plan | None, language: Language,
    *, span: float, until: float | None, points: int,
) -> dict[str, Any]:  # fmt: skip
    """Return a span of an archive for a board, in the units in which it was received.

    Parameters
    ----------
    span : float
        How long it is [s].
    until : float or None
        Its end; None for that of the archive.

    Raises
    ------
    DataError
        If there is no such archive or tag, or it isn't whole.
    """
    archive, record = _opened(folder, name)
    with archive:
        traces = {shown: trace for tag in tags for shown, trace in _named(tag, archive[tag]).items()}
    end = record.until / MICRO if until is None else until
    grid, cells, every, intervals = _grid([trace.time / MICRO for trace in traces.values()], end - span, end, points)
    known = {shown.name: shown for shown in (plan.outputs[: plan.tags] if plan else ())}
    charts = []
    for shown, trace in traces.items():
        mine = known.get(shown)
        charts.append({
            "name": shown, "title": title(mine.title, language) if mine else "", "unit": unit(trace.unit),
            "asset": mine.asset if mine else "", "kind": "reading", "low": None, "high": None, "healthy": None,
        })  # fmt: skip
    columns = {
        shown: _column(trace, cell, grid.size) for (shown, trace), cell in zip(traces.items(), cells, strict=True)
    }
    return {
        "seq": 0, "from": end - span, "until": end, "live": False, "intervals": intervals, "charts": charts,
        "t": np.round(grid, 6).tolist(), "columns": columns, "ahead": None, "gap": HOLE * every,
    }  # fmt: skip


def _opened(folder: Path, name: str) -> tuple[Archive, Record]:
    """Return an archive, open, once it was found to be what was written."""
    manifest = load(folder)
    record = manifest.named(name)
    path = folder / FOLDER / name
    if record is None:
        raise DataError(f"{folder / FOLDER}: {unknown('archive', name[:80], [r.name for r in manifest.archives])}")
    try:
        about = path.stat()
    except OSError as err:
        raise DataError(f"{path}: can't be read: {err.strerror}; see `twin archive verify`") from None
    if path.is_symlink() or not _whole(path, record.sha256, about.st_mtime_ns, about.st_size):
        raise DataError(f"{path}: is not what was written; see `twin archive verify`")
    return Archive(path), record


@lru_cache(256)
def _whole(path: Path, sha256: str, changed: int, size: int) -> bool:
    """Return whether a file is what was written; asked once for a file that didn't change."""
    return sha256_of(path) == sha256


def _named(tag: str, traces: Sequence[Trace]) -> Mapping[str, Trace]:
    """Return what several gateways sent under one name, or in several units, each under a name of its own."""
    if len(traces) == 1:
        return {tag: traces[0]}
    return {f"{tag} · {trace.gateway} · {unit(trace.unit)}": trace for trace in traces}


def _grid(
    times: Sequence[np.ndarray], after: float, until: float, points: int
) -> tuple[np.ndarray, list[np.ndarray], float, bool]:
    """Return times to show, each tag's readings' rows among them, how far apart they are, and if they are intervals.

    They are the readings' own as long as there are few, else the middles of intervals; a row is -1 outside.
    """
    inside = [(t > after) & (t <= until) for t in times]
    own = np.unique(np.concatenate([t[i] for t, i in zip(times, inside, strict=True)])) if times else np.zeros(0)
    apart = [float(np.median(np.diff(np.sort(t[i])))) for t, i in zip(times, inside, strict=True) if i.sum() > 2]
    if own.size <= 4 * points:
        cells = [np.where(i, np.searchsorted(own, t), -1) for t, i in zip(times, inside, strict=True)]
        return own, cells, max(apart, default=1.0), False
    length = (until - after) / points
    raw = [np.where(i, np.ceil((t - after) / length).astype(int) - 1, -1) for t, i in zip(times, inside, strict=True)]
    used = np.unique(np.concatenate([r[r >= 0] for r in raw]))
    cells = [np.where(r >= 0, np.searchsorted(used, r), -1) for r in raw]
    return after + (used + 0.5) * length, cells, max([length, *apart]), True


def _column(trace: Trace, cell: np.ndarray, size: int) -> dict[str, Any]:
    """Return least and most of each row, and the worst quality."""
    inside = cell >= 0
    cell, value = cell[inside], trace.value[inside]
    low, high, worst = np.full(size, np.nan), np.full(size, np.nan), np.full(size, -1, np.int8)
    np.fmin.at(low, cell, value)
    np.fmax.at(high, cell, value)
    np.maximum.at(worst, cell, shown_quality(trace.quality[inside], value).astype(np.int8))
    nothing = [None] * size
    quality = np.where(worst < 0, NOTHING, worst)
    return {"lo": told(low), "hi": told(high), "twin": nothing, "deviation": nothing, "quality": quality.tolist()}
