"""History: any instant that the twin has seen, and two periods side by side."""

import math
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from dash import dcc, html

from twin.errors import DataError
from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from twin.keep.manifest import load
from twin.monitor.words import unit
from viz import parts, payload
from viz.feed import Seen
from viz.titles import title
from viz.words import Language, word

MOST_HOURS = 48
MOST_INSTANTS = 8000
"""A mean is that of readings for so many instants, and somewhat more; beyond, that of intervals' middles."""


def content(seen: Seen, language: Language, folder: Path, asset: str, at: str, beside: str, span: float) -> Any:
    """Return the page: the asset at one instant, and at another beside it if there is one."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    names = [m.name for m in plan.machines if any(s.asset == m.name and s.kind == "tag" for s in plan.outputs)]
    chosen = asset if asset in names else next(iter(names), "")
    until, wrong = _time(at, plan, seen, language)
    other, wrong_too = _time(beside, plan, seen, language) if beside else (math.nan, "")
    boards = [_period(plan, language, chosen, until, span, word("first_period", language) if beside else "")]
    if beside:
        boards.append(_period(plan, language, chosen, other, span, word("second_period", language)))
    return html.Div([
        html.H1(word("history", language)),
        parts.quiet(word("kept_from", language, parts.clock(seen.oldest, plan), parts.clock(seen.now, plan))),
        _form(names, plan, language, chosen, until, other),
        html.P(wrong or wrong_too, role="alert", className="wrong") if wrong or wrong_too else None,
        _compared(folder, plan, language, chosen, until, other, span) if beside and not wrong_too else None,
        html.Div(boards, className="two" if beside else ""),
        archives(folder, plan, language),
    ], className="past")  # fmt: skip


def _time(text: str, plan: Plan, seen: Seen, language: Language) -> tuple[float, str]:
    """Return the source time that is written in plant time, and what is wrong with it."""
    if not text:
        return seen.now, ""
    try:
        written = datetime.fromisoformat(text)
        found = (written if written.tzinfo else written.replace(tzinfo=ZoneInfo(plan.zone))).timestamp()
    except (ValueError, OverflowError):
        return seen.now, word("wrong_time", language, text[:40])
    if not seen.oldest <= found <= seen.now + 1.0:
        return seen.now, word("wrong_time", language, text[:40])
    return found, ""


def _form(names: list[str], plan: Plan, language: Language, chosen: str, until: float, other: float) -> html.Div:
    return html.Div([
        html.Label([word("asset", language), dcc.Input(
            chosen, id="past-asset", list="past-assets", autoComplete="off"
        )]),
        html.Datalist([html.Option(value=name) for name in names], id="past-assets"),
        html.Label([word("time", language), dcc.Input(
            id="past-time", value=parts.clock(until, plan), debounce=True, autoComplete="off"
        )]),
        html.Label([word("compare", language), dcc.Input(
            id="past-beside", value=parts.clock(other, plan) if math.isfinite(other) else "", debounce=True,
            autoComplete="off", placeholder="2026-11-22 14:05:00",
        )]),
        html.Button(word("open", language), id="past-open", n_clicks=0, className="main"),
    ], className="form")  # fmt: skip


def _period(plan: Plan, language: Language, asset: str, until: float, span: float, heading: str) -> html.Div:
    shown = parts.board(plan, language, asset=asset, until=until, span=int(span)) if asset else None
    return html.Div([html.H2(f"{heading} · {parts.clock(until, plan)}") if heading else None, shown])


def _compared(
    folder: Path, plan: Plan, language: Language, asset: str, first: float, second: float, span: float
) -> Any:
    """Return the means of two periods, and how they differ."""
    try:
        with History(folder) as history:
            one, other = (history.trend(end - span, end, MOST_INSTANTS) for end in (first, second))
    except UNREADABLE as err:
        return html.P(str(err), role="alert", className="wrong")
    rows = []
    for chart in payload.charts(plan, asset):
        shown, i = chart.shown, chart.row
        if chart.believed or i >= plan.tags or not (one.times.size and other.times.size):
            continue
        a, b = (_mean(0.5 * (c.low[i] + c.high[i])) for c in (one, other))
        said = "" if shown.unit == "1" else unit(shown.unit)
        rows.append((
            shown.name, title(shown.title, language), parts.si_shown(shown, a), parts.si_shown(shown, b),
            f"{parts.number((b - a) / shown.factor, 3)} {said}",
        ))  # fmt: skip
    heads = [word(n, language) for n in ("tag", "what", "first_period", "second_period", "difference")]
    return parts.panel(
        word("mean", language),
        parts.table(heads, rows, word("mean", language), ("name", "", "number", "number", "number")),
    )


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def archives(folder: Path, plan: Plan, language: Language) -> Any:
    """Return the hours that the recorder has archived, the newest first; each opens its end."""
    try:
        known = [record for record in load(folder).archives if record.readings]
    except DataError as err:
        return parts.panel(word("archives", language), html.P(str(err), role="alert", className="wrong"))
    if not known:
        return parts.panel(word("archives", language), parts.quiet(word("archive_none", language)))
    rows = []
    for record in sorted(known, key=lambda record: record.until)[-MOST_HOURS:][::-1]:
        since, until = (parts.clock(time / payload.MICRO, plan) for time in (record.since, record.until))
        rows.append((
            dcc.Link(record.name, href=f"/history?at={until.replace(' ', 'T')}&span=3600"),
            f"{since} {parts.NONE} {until}", f"{record.readings:,}", f"{record.bytes / 1048576.0:.1f} MiB",
        ))  # fmt: skip
    heads = [word(n, language) for n in ("archives", "time", "readings", "size")]
    shown = parts.table(heads, rows, word("archives", language), ("", "time", "number", "number"))
    return parts.panel(word("archives", language), shown)
