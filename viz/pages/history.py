"""History: any instant that the twin has seen, and two periods side by side."""

import math
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dash import dcc, html

from twin.errors import DataError
from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from twin.history.row import mean
from twin.keep.manifest import load
from twin.monitor.words import unit
from viz import parts, payload
from viz.api import MOST_NAMES
from viz.feed import Seen
from viz.titles import title
from viz.words import Language, word

MOST_HOURS = 48
MOST_INSTANTS = 2000
"""Beyond four times as many, a mean is that of the means of intervals."""


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
        a, b = (float(mean(c.mean[i], c.read[i])) for c in (one, other))
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


def recorded(seen: Seen, language: Language, folder: Path, name: str, group: str) -> Any:
    """Return the page of an archive: the readings of one group of its tags, as they were received."""
    from viz import archived

    plan = seen.plan
    try:
        record = next((record for record in archived.listed(folder) if record.name == name), None)
        found = archived.groups(folder, name, plan)
    except DataError as err:
        return html.P(str(err), role="alert", className="wrong")
    number = int(group) if group.isascii() and group.isdecimal() and len(group) < 6 else 0
    number = number if number < len(found) else 0
    if record is None or not found:
        return html.P(word("archive_none", language), role="alert", className="wrong")
    since, until = (record.since / payload.MICRO, record.until / payload.MICRO)
    links = []
    for i, part in enumerate(found):
        here = parts.attributes({"aria-current": "page"} if i == number else {})
        look = "choice here" if here else "choice"
        links.append(html.Div(dcc.Link(part.name, href=_address(archive=name, group=str(i)), className=look), **here))
    span = min((s for s in parts.SPANS if s >= until - since), default=parts.SPANS[-1])
    return html.Div([
        html.H1(word("history", language)),
        parts.quiet(word("archive_open", language, name, parts.clock(since, plan), parts.clock(until, plan))),
        dcc.Link(word("back", language), href="/history"),
        html.Div([
            html.Nav(links, className="assets", **parts.labelled(word("archive_tags", language))),
            parts.board(plan, language, names=found[number].tags[:MOST_NAMES], archive=name, span=span),
        ], className="asset"),
    ], className="past")  # fmt: skip


def alone(language: Language, folder: Path) -> Any:
    """Return the page of a folder without a history."""
    return html.Div([
        html.H1(word("history", language)), parts.quiet(word("archive_alone", language)),
        archives(folder, None, language),
    ], className="past")  # fmt: skip


def archives(folder: Path, plan: Plan | None, language: Language) -> Any:
    """Return the hours that the recorder has archived, the newest first; each opens, alone or with the twin."""
    try:
        known = sorted((r for r in load(folder).archives if r.readings), key=lambda r: (r.until, r.name))
    except DataError as err:
        return parts.panel(word("archives", language), html.P(str(err), role="alert", className="wrong"))
    if not known:
        return parts.panel(word("archives", language), parts.quiet(word("archive_none", language)))
    rows = []
    for record in known[-MOST_HOURS:][::-1]:
        since, until = (parts.clock(time / payload.MICRO, plan) for time in (record.since, record.until))
        beside = dcc.Link(
            word("archive_twin", language), href=_address(at=until.replace(" ", "T"), span="3600")
        ) if plan else ""  # fmt: skip
        rows.append((
            dcc.Link(record.name, href=_address(archive=record.name)), f"{since} {parts.NONE} {until}", beside,
            f"{record.readings:,}", f"{record.bytes / 1048576.0:.1f} MiB",
        ))  # fmt: skip
    heads = [*(word(n, language) for n in ("archives", "time")), "", *(word(n, language) for n in ("readings", "size"))]
    shown = parts.table(heads, rows, word("archives", language), ("", "time", "", "number", "number"))
    return parts.panel(word("archives", language), shown)


def _address(**asked: str) -> str:
    return f"/history?{urlencode(asked, safe=':')}"
