"""Data: what comes in, what is lost on the way, and how well the twin follows."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from dash import html

from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from twin.history.row import NOTHING, Columns
from viz import parts
from viz.feed import Seen
from viz.words import Language, word

LOOKED_AT = 3600
"""Instants over which shares are computed; of intervals it couldn't be said how many readings were good."""
COUNTS = ("late", "unknown_tag", "wrong_unit", "future", "impossible", "lost", "unreadable")
_QUALITIES = ("good", "uncertain", "bad", "nothing")


def content(seen: Seen, language: Language, folder: Path, alive: dict[str, bool]) -> Any:
    """Return the page; `alive` says which processes run."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    try:
        with History(folder) as history:
            columns = history.trend(seen.now - LOOKED_AT * plan.every, seen.now, LOOKED_AT)
    except UNREADABLE as err:
        return html.P(str(err), role="alert", className="wrong")
    return html.Div([
        html.H1(word("data", language)),
        html.Div(live(seen, plan, language, alive), id="data-pulse"),
        _following(columns, plan, language),
        _tags(seen, columns, plan, language),
    ])  # fmt: skip


def live(seen: Seen, plan: Plan, language: Language, alive: dict[str, bool]) -> Any:
    """Return what changes from second to second."""
    return html.Div([
        html.Div([_processes(seen, language, alive), _counted(seen, language)], className="two"),
        _gateways(seen, plan, language),
        _recipe(seen, plan, language),
    ])  # fmt: skip


def _processes(seen: Seen, language: Language, alive: dict[str, bool]) -> Any:
    status = seen.status
    said = [
        (word(name, language), word("running_process" if alive.get(key) else "not_running", language))
        for name, key in (("ingest", "ingest"), ("twin_process", "twin"), ("recorder", "recorder"))
    ]
    lag = status.get("lag_s")
    said += [
        (word("entry", language), f"{status.get('entry', 0):,}"),
        (word("behind", language), f"{status.get('behind_entries', 0):,}"),
        (word("lag", language), parts.NONE if lag is None else f"{lag:.1f} s"),
    ]
    return parts.panel(word("processes", language), _pairs(said))


def _counted(seen: Seen, language: Language) -> Any:
    counts = seen.status.get("counts", {})
    return parts.panel(
        word("counted", language),
        _pairs([(word(f"count_{name}", language), f"{counts.get(name, 0):,}") for name in COUNTS]),
    )


def _pairs(said: list[tuple[str, str]]) -> html.Dl:
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in said], className="figures")


def _gateways(seen: Seen, plan: Plan, language: Language) -> Any:
    rows = []
    for name, g in sorted(seen.status.get("gateways", {}).items()):
        state = "gateway_comes" if g["comes"] else "gateway_silent" if g["alive"] else "gateway_gone"
        rows.append((
            name, html.Span(word(state, language)) if g["comes"] else parts.beyond(word(state, language)),
            parts.clock(g["newest"], plan), f"{g['ahead_s']:+.1f} s", f"{g['rate']:g} x", f"{g['lost']:,}",
            f"{g['late']:,}",
        ))  # fmt: skip
    heads = [word(n, language) for n in ("gateway", "state", "newest", "skew", "rate", "lost", "late")]
    kinds = ("name", "", "time", "number", "number", "number", "number")
    return parts.panel(word("gateways", language), parts.table(heads, rows, word("gateways", language), kinds))


def _recipe(seen: Seen, plan: Plan, language: Language) -> Any:
    """Return what the recipe has found in the readings, and what it did about it."""
    found = seen.status.get("recipe", [])
    if not found:
        return parts.panel(word("recipe", language), parts.quiet(word("recipe_none", language)))
    rows = [(tag, (english, korean)[language == "ko"], f"{times:,}", parts.clock(last, plan))
            for tag, english, korean, times, last in found]  # fmt: skip
    heads = [word(n, language) for n in ("tag", "what", "times", "newest")]
    shown = parts.table(heads, rows, word("recipe", language), ("name", "", "number", "time"))
    return parts.panel(word("recipe", language), shown)


def _following(columns: Columns, plan: Plan, language: Language) -> Any:
    """Return how the filter does: what innovations amount to, and how many readings lie in their band."""
    if not columns.times.size:
        return None
    inside = _inside(columns, plan)
    said = [
        (word("nis", language), parts.number(float(np.nanmean(columns.fit)), 3)),
        (word("coverage", language), f"{np.nanmean(inside):.1%}" if np.isfinite(inside).any() else parts.NONE),
    ]
    return parts.panel(word("filter_health", language), _pairs(said))


def _inside(columns: Columns, plan: Plan) -> np.ndarray:
    """Return for each tag the share of its readings within the 95 % band; NaN where there are none."""
    m = plan.tags
    middle = 0.5 * (columns.low + columns.high)
    off = np.abs(middle - columns.expected[:m]) <= 1.96 * columns.deviation[:m]
    known = np.isfinite(middle) & np.isfinite(columns.expected[:m])
    count = known.sum(axis=1)
    return np.where(count > 0, (off & known).sum(axis=1) / np.maximum(count, 1), math.nan)


def _tags(seen: Seen, columns: Columns, plan: Plan, language: Language) -> Any:
    heard, now = seen.status.get("heard", {}), seen.status.get("newest") or seen.now
    inside = _inside(columns, plan) if columns.times.size else np.full(plan.tags, math.nan)
    rows = []
    for i, shown in enumerate(plan.outputs[: plan.tags]):
        quality = columns.quality[i] if columns.times.size else np.array([NOTHING])
        last = heard.get(shown.name, 0.0)
        newest = int(quality[-1])
        rows.append((
            shown.name, shown.asset, f"{max(0.0, now - last):.0f} s" if last else parts.NONE,
            html.Span(word(_QUALITIES[newest], language), className="beyond" if newest == 2 else ""),
            f"{(quality == 0).mean():.1%}", f"{inside[i]:.1%}" if math.isfinite(inside[i]) else parts.NONE,
        ))  # fmt: skip
    heads = [word(n, language) for n in ("tag", "asset", "heard", "quality", "quality_share", "coverage")]
    kinds = ("name", "", "number", "", "number", "number")
    return parts.panel(word("quality", language), parts.table(heads, rows, word("quality", language), kinds))
