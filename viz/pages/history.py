"""History: any instant that the twin has seen, and two periods side by side."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from dash import dcc, html

from twin.errors import DataError
from twin.history.plan import Plan
from twin.history.reader import UNREADABLE, History
from twin.history.row import Columns, mean
from twin.keep.manifest import Record, load
from twin.monitor.words import unit
from viz import parts, payload
from viz.api import MOST_NAMES
from viz.feed import Seen
from viz.titles import title
from viz.words import Language, word

_CLOCK = re.compile(r"[0-2]?[0-9]:[0-5][0-9](:[0-5][0-9])?")
MOST_HOURS = 48
MOST_INSTANTS = 2000
"""Beyond four times as many, a mean is that of the means of intervals."""


def content(seen: Seen, language: Language, folder: Path, asset: str, at: str, beside: str, span: float) -> Any:
    """Return the page: the asset at one instant, and at another beside it if there is one."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    names = [m.name for m in plan.machines if any(s.asset == m.name and s.kind == "tag" for s in plan.outputs)]
    chosen = asset or next(iter(names), "")
    until, wrong = _time(at, plan, seen, language)
    other, wrong_too = _time(beside, plan, seen, language) if beside else (math.nan, "")
    unknown = word("no_asset", language, asset[:40]) if chosen not in names else ""
    typed = (chosen, at.replace("T", " ") or parts.clock(until, plan), beside.replace("T", " "))
    said = [html.P(text, role="alert", className="wrong") for text in (unknown, wrong, wrong_too) if text]
    shown: list[Any] = []
    if not said:
        ends = (until, other) if beside else (until,)
        shown = [_spans(language, chosen, at, beside, span), *_periods(folder, plan, language, chosen, ends, span)]
    return html.Div([
        html.H1(word("history", language)),
        parts.quiet(word("kept_from", language, parts.clock(seen.oldest, plan), parts.clock(seen.now, plan))),
        _form(names, language, typed), *said, *shown, archives(folder, plan, language),
    ], className="past")  # fmt: skip


def _time(text: str, plan: Plan, seen: Seen, language: Language) -> tuple[float, str]:
    """Return the source time that is written in plant time, and what is wrong with it."""
    if not text:
        return seen.now, ""
    zone = ZoneInfo(plan.zone)
    day = datetime.fromtimestamp(seen.now, zone).date().isoformat()
    try:
        written = datetime.fromisoformat(f"{day}T{text}" if _CLOCK.fullmatch(text) else text)
        found = (written if written.tzinfo else written.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return math.nan, word("wrong_time", language, text[:40])
    if not seen.oldest <= found <= seen.now + 1.0:
        return math.nan, word("wrong_time", language, text[:40].replace("T", " "))
    return found, ""


def _form(names: list[str], language: Language, typed: tuple[str, str, str]) -> html.Div:
    """Return where it is chosen, with what was typed."""
    asset, at, beside = typed
    return html.Div([
        html.Label([word("asset", language), dcc.Input(
            asset, id="past-asset", list="past-assets", autoComplete="off"
        )]),
        html.Datalist([html.Option(value=name) for name in names], id="past-assets"),
        html.Label([word("period_end", language), dcc.Input(
            id="past-time", value=at, debounce=True, autoComplete="off"
        )]),
        html.Label([word("compare", language), dcc.Input(
            id="past-beside", value=beside, debounce=True, autoComplete="off", placeholder="2026-11-22 14:05:00",
        )]),
        html.Button(word("open", language), id="past-open", n_clicks=0, className="main"),
    ], className="form")  # fmt: skip


def _spans(language: Language, asset: str, at: str, beside: str, chosen: float) -> html.Nav:
    """Return a link for every length of a period: both and their means are of the same."""
    links = []
    for span in parts.SPANS:
        asked = {"asset": asset, "at": at, "beside": beside, "span": str(span)}
        here = parts.attributes({"aria-current": "true"} if span == chosen else {})
        href = _address(**{name: value for name, value in asked.items() if value})
        look = "span here" if here else "span"
        links.append(html.Span(dcc.Link(word(f"span_{span}", language), href=href, className=look), **here))
    return html.Nav(links, className="spans", **parts.labelled(word("range", language)))


def _periods(folder: Path, plan: Plan, language: Language, asset: str, ends: Sequence[float], span: float) -> list[Any]:
    """Return a board for every period; of two also their means, and both boards with the same scales."""
    if len(ends) == 1:
        return [_board(plan, language, asset, ends[0], span, "")]
    try:
        with History(folder) as history:
            found = [history.trend(end - span, end, MOST_INSTANTS) for end in ends]
    except UNREADABLE as err:
        return [html.P(str(err), role="alert", className="wrong")]
    tags = [c for c in payload.charts(plan, asset) if not c.believed and c.row < plan.tags]
    extents = {c.shown.name: extent for c in tags if (extent := _extent(c, found))}
    heads = (word("first_period", language), word("second_period", language))
    boards = [_board(plan, language, asset, *two, extents) for two in zip(ends, (span, span), heads, strict=True)]
    return [_compared(tags, plan, language, found, span), html.Div(boards, className="two")]


def _board(
    plan: Plan, language: Language, asset: str, until: float, span: float, heading: str,
    extents: Mapping[str, tuple[float, float]] | None = None,
) -> html.Div:  # fmt: skip
    when = f"{parts.clock(until - span, plan)} {parts.NONE} {parts.clock(until, plan)}"
    options = {"extents": extents} if extents else {}
    shown = parts.board(plan, language, asset=asset, until=until, span=int(span), spans=[], still=True, **options)
    return html.Div([html.H2(f"{heading} · {when}") if heading else html.H2(when), shown])


def _extent(chart: payload.Chart, periods: Sequence[Columns]) -> tuple[float, float] | None:
    """Return the least and the most that a tag read in all periods, in the unit shown."""
    known = [c for c in periods if c.times.size and np.isfinite(c.low[chart.row]).any()]
    if not known:
        return None
    low, high = (min(np.nanmin(c.low[chart.row]) for c in known), max(np.nanmax(c.high[chart.row]) for c in known))
    shown = chart.shown
    return float((low - shown.offset) / shown.factor), float((high - shown.offset) / shown.factor)


def _compared(
    tags: Sequence[payload.Chart], plan: Plan, language: Language, periods: Sequence[Columns], span: float
) -> Any:
    """Return the means of two periods, how they differ, and of how many readings they are."""
    rows = []
    for chart in tags:
        shown, i = chart.shown, chart.row
        a, b = (float(mean(c.mean[i], c.read[i])) if c.times.size else math.nan for c in periods)
        covered = [c.read[i].sum() * plan.every / span if c.times.size else 0.0 for c in periods]
        said = "" if shown.unit == "1" else unit(shown.unit)
        rows.append((
            shown.name, title(shown.title, language), parts.si_shown(shown, a), parts.si_shown(shown, b),
            f"{parts.number((a - b) / shown.factor, 3)} {said}", " / ".join(f"{min(c, 1.0):.0%}" for c in covered),
        ))  # fmt: skip
    heads = [word(n, language) for n in ("tag", "what", "first_period", "second_period", "difference", "covered")]
    kinds = ("name", "", "number", "number", "number", "number")
    return parts.panel(word("mean", language), parts.table(heads, rows, word("mean", language), kinds))


def recorded(seen: Seen, language: Language, folder: Path, name: str, group: str) -> Any:
    """Return the page of an archive: the readings of one group of its tags, as they were received."""
    from viz import archived

    plan = seen.plan
    try:
        record = next((record for record in _hours(folder) if record.name == name), None)
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
        known = _hours(folder)
    except DataError as err:
        return parts.panel(word("archives", language), html.P(str(err), role="alert", className="wrong"))
    if not known:
        return parts.panel(word("archives", language), parts.quiet(word("archive_none", language)))
    rows = []
    for record in known[:MOST_HOURS]:
        since, until = (parts.clock(time / payload.MICRO, plan) for time in (record.since, record.until))
        beside = dcc.Link(
            word("archive_twin", language), href=_address(at=_exactly(record.until / payload.MICRO, plan), span="3600")
        ) if plan else ""  # fmt: skip
        rows.append((
            dcc.Link(record.name, href=_address(archive=record.name)), f"{since} {parts.NONE} {until}", beside,
            f"{record.readings:,}", f"{record.bytes / 1048576.0:.1f} MiB",
        ))  # fmt: skip
    heads = [*(word(n, language) for n in ("archives", "time")), "", *(word(n, language) for n in ("readings", "size"))]
    shown = parts.table(heads, rows, word("archives", language), ("", "time", "", "number", "number"))
    return parts.panel(word("archives", language), shown)


def _exactly(time: float, plan: Plan) -> str:
    """Return a time with its offset: an hour may come twice."""
    return datetime.fromtimestamp(time, ZoneInfo(plan.zone)).isoformat(timespec="seconds")


def _hours(folder: Path) -> list[Record]:
    """Return the archives with readings, the newest first."""
    found = [record for record in load(folder).archives if record.readings]
    return sorted(found, key=lambda record: (record.until, record.name), reverse=True)


def _address(**asked: str) -> str:
    return f"/history?{urlencode(asked, safe=':')}"
