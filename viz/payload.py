"""What the browser is sent of trends: pure functions from what is known to plain numbers in the units shown."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from twin.history.plan import Plan, Shown
from twin.history.reader import History
from twin.history.row import Columns, Row, shown_quality
from twin.monitor.words import unit
from viz.feed import Seen, since
from viz.titles import title
from viz.words import Language

MICRO = 1_000_000
HOLE = 3.5
"""Two points further apart than so many of their usual distances have a hole between them."""
DIGITS = 7


class Chart(NamedTuple):
    """Something to draw: what it is, its `row` among outputs or unknowns, and whether it is an unknown."""

    shown: Shown
    row: int
    believed: bool


def charts(plan: Plan, asset: str, names: Sequence[str] = ()) -> list[Chart]:
    """Return what is drawn of an asset, or what is called by `names`: tags first, then what no tag reads."""
    found = [Chart(shown, i, believed=False) for i, shown in enumerate(plan.outputs)]
    found += [Chart(shown, i, believed=True) for i, shown in enumerate(plan.unknowns)]
    if names:
        named = {chart.shown.name: chart for chart in reversed(found)}
        return [named[name] for name in names if name in named]
    read = {chart.shown.title for chart in found if chart.shown.kind == "tag"}
    mine = [chart for chart in found if chart.shown.asset == asset]
    return [c for c in mine if c.shown.kind == "tag" or (c.shown.kind != "parameter" and c.shown.title not in read)]


def described(chart: Chart, language: Language) -> dict[str, Any]:
    """Return what the browser needs to know of a chart once."""
    shown = chart.shown
    return {
        "name": shown.name, "title": title(shown.title, language), "unit": unit(shown.unit), "asset": shown.asset,
        "kind": "tag" if shown.kind == "tag" else "hidden",
        "low": _limit(shown, shown.low), "high": _limit(shown, shown.high),
        "healthy": [_limit(shown, v) for v in shown.usual] if shown.usual else None,
    }  # fmt: skip


def trend(
    history: History, plan: Plan, seen: Seen, wanted: Sequence[Chart], language: Language,
    *, span: float, until: float | None, points: int,
) -> dict[str, Any]:  # fmt: skip
    """Return a span of history for a board.

    Parameters
    ----------
    span : float
        How long it is [s].
    until : float or None
        Its end; None goes on living.
    """
    live = until is None
    begin, end, settled = span_of(seen, span, until)
    found = told_trend(history.trend(begin, settled, points), plan, wanted, language, begin, end)
    return {
        **found, "seq": round(settled * MICRO), "live": live, "ahead": ahead(plan, seen, wanted) if live else None
    }  # fmt: skip


def span_of(seen: Seen, span: float, until: float | None) -> tuple[float, float, float]:
    """Return begin and end of a span [s], and until when it is settled; without `until` it ends now."""
    end = until if until is not None else max(seen.now, (seen.rows[-1].time if seen.rows else 0.0))
    return end - span, end, min(end, seen.rows[-1].time) if seen.rows else end - span


def told_trend(
    columns: Columns, plan: Plan, wanted: Sequence[Chart], language: Language, begin: float, end: float
) -> dict[str, Any]:
    """Return columns of history as a board takes them; `intervals` says that they are no instants."""
    if not plan.fits(columns.low.shape[0], columns.expected.shape[0], columns.believed.shape[1]):
        columns = after(columns, math.inf)
    every = float(np.median(np.diff(columns.times))) if columns.times.size > 2 else plan.every
    return {
        "from": begin, "until": end, "intervals": every > 1.5 * plan.every,
        "charts": [described(chart, language) for chart in wanted],
        "t": np.round(columns.times, 3).tolist(),
        "columns": {chart.shown.name: _column(chart, plan, columns) for chart in wanted},
        "gap": HOLE * max(every, plan.every),
    }  # fmt: skip


def after(columns: Columns, time: float) -> Columns:
    """Return what is behind a time [s]."""
    kept = columns.times > time
    return columns if kept.all() else Columns(*(values[..., kept] for values in columns))


def delta(seen: Seen, plan: Plan, wanted: Sequence[Chart], seq: int, *, with_ahead: bool = False) -> dict[str, Any]:
    """Return what has come since `seq`, and the provisional rows behind it.

    Where more was settled than is kept, `since` says from where on there is something: the browser then asks for the
    whole trend again.
    """
    fresh = since(seen.rows, seq / MICRO)
    gone = bool(fresh) and len(fresh) == len(seen.rows) and seen.rows[0].time > seq / MICRO + plan.every
    last = round(fresh[-1].time * MICRO) if fresh else seq
    found: dict[str, Any] = {
        "since": round(fresh[0].time * MICRO) if gone else seq, "seq": last, "t": [row.time for row in fresh],
        "columns": {c.shown.name: _rows(c, plan, fresh) for c in wanted},
        "head": None, "advisories": seen.advisories, "begun": str(seen.begun), "state": seen.state,
    }  # fmt: skip
    if seen.head:
        head = [row for row in seen.head if row.time * MICRO > last]
        columns = {c.shown.name: _rows(c, plan, head) for c in wanted}
        found["head"] = {"t": [row.time for row in head], "columns": columns}
    if with_ahead:
        found["ahead"] = ahead(plan, seen, wanted)
    return found


def ahead(plan: Plan, seen: Seen, wanted: Sequence[Chart]) -> dict[str, Any] | None:
    """Return what is expected to come, of what instruments read."""
    said = seen.ahead
    if said is None:
        return None
    columns = {
        c.shown.name: {
            "twin": _told(c.shown, said["mean"][c.row]),
            "deviation": told(said["deviation"][c.row] / c.shown.factor),
        }
        for c in wanted if not c.believed and c.row < len(said["mean"])
    }  # fmt: skip
    return {"t": np.round(said["time"] + said["times"], 3).tolist(), "columns": columns}


def _column(chart: Chart, plan: Plan, columns: Columns) -> dict[str, Any]:
    shown, i = chart.shown, chart.row
    if not columns.times.size:
        read = not chart.believed and i < plan.tags
        return {name: [] for name in ("twin", "deviation", *(("lo", "hi", "quality") if read else ()))}
    if chart.believed:
        return {
            "twin": _told(shown, columns.believed[0, i]), "deviation": told(columns.believed[1, i] / shown.factor)
        }  # fmt: skip
    found = {"twin": _told(shown, columns.expected[i]), "deviation": told(columns.deviation[i] / shown.factor)}
    if i < plan.tags:
        found |= {"lo": _told(shown, columns.low[i]), "hi": _told(shown, columns.high[i])}
        found["quality"] = columns.quality[i].tolist()
        if columns.read.max(initial=0) > 1:  # intervals
            found["mean"] = _told(shown, columns.mean[i])
    return found


def _rows(chart: Chart, plan: Plan, rows: Sequence[Row]) -> dict[str, Any]:
    shown, i = chart.shown, chart.row
    if chart.believed:
        believed = np.array([row.believed[:, i] for row in rows]).reshape(-1, 2)
        return {"twin": _told(shown, believed[:, 0]), "deviation": told(believed[:, 1] / shown.factor)}
    expected = np.array([row.expected[i] for row in rows])
    deviation = np.array([row.deviation[i] for row in rows])
    found = {"twin": _told(shown, expected), "deviation": told(deviation / shown.factor)}
    if i < plan.tags:
        reading = np.array([row.reading[i] for row in rows])
        quality = shown_quality(np.array([row.quality[i] for row in rows], np.uint32), reading)
        found |= {"actual": _told(shown, reading), "quality": quality.tolist()}
    return found


def _told(shown: Shown, values: np.ndarray) -> list[float | None]:
    """Return SI values in the unit shown."""
    return told((values - shown.offset) / shown.factor)


def told(values: np.ndarray) -> list[float | None]:
    """Return numbers with as many digits as anyone reads; None for what is none."""
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in values.tolist()]


def _limit(shown: Shown, value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{(value - shown.offset) / shown.factor:.{DIGITS}g}")
