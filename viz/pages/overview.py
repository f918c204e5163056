"""Overview: every asset at a glance, and what stands."""

import json
import math
from typing import Any
from urllib.parse import quote

from dash import dcc, html

from twin.history.plan import Plan
from viz import overview, parts
from viz.feed import Seen
from viz.overview import Tile
from viz.titles import kind
from viz.words import Language, word

BLANK = "\N{NO-BREAK SPACE}"
ON_WALL = 1
"""Tags whose course a large screen shows: nobody scrolls on a wall."""
MOST = 6
"""Advisories that are listed."""


def content(seen: Seen, language: Language) -> Any:
    """Return the page."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    return html.Div([
        html.H1(plan.plant),
        parts.quiet(plan.about) if plan.about else None,
        html.Div(flow(seen, plan, language), id="flow-pulse"),
        _legend(plan, language),
        html.Div([
            html.Div(standing(seen, plan, language), id="standing-pulse"),
            html.Div(wall(seen, plan, language), id="wall-pulse", className="wall"),
        ], className="below"),
    ])  # fmt: skip


def wall(seen: Seen, plan: Plan, language: Language) -> Any:
    """Return the course of what matters most, which a large screen has room for."""
    tags = plan.outputs[: plan.tags]
    names = [name for a in overview.announced(seen)[:1] for name in overview.evidence(a, plan)]
    names += [shown.name for shown in sorted(tags, key=lambda shown: shown.low is None and shown.high is None)]
    chosen = list(dict.fromkeys(names))[:ON_WALL]
    return html.Div(parts.board(plan, language, names=chosen, span=1800), key=" ".join(chosen)) if chosen else None


def flow(seen: Seen, plan: Plan, language: Language) -> html.Div:
    """Return the tiles in their layers; the browser draws the lines between them."""
    tiles = {tile.name: tile for tile in overview.tiles(seen)}
    layer_of = {machine.name: machine.layer for machine in plan.machines}
    links = [[link.first, link.second, link.kind] for link in plan.links if _near(link.first, link.second, layer_of)]
    return html.Div(
        [
            html.Div([_tile(tiles[name], seen, plan, language) for name in layer], className="layer")
            for layer in overview.layers(plan)
        ],
        className="flow", role="group",
        **parts.attributes({"aria-label": word("flow", language), "data-links": json.dumps(links)}),
    )  # fmt: skip


def _near(first: str, second: str, layer_of: dict[str, int]) -> bool:
    """Return whether a line is drawn: what is far apart hangs together by what lies between."""
    return abs(layer_of[first] - layer_of[second]) <= 1


def _tile(tile: Tile, seen: Seen, plan: Plan, language: Language) -> dcc.Link:
    lines = [
        html.Div([html.Span(tile.name, className="name"), _mark(tile, language)], className="top"),
        html.Div(kind(tile.title, language), className="kind"),
        html.Div(_running(tile, language), className="state"),
        html.Div(_deviation(tile, language), className="deviation"),
        html.Div(_age(tile, seen, plan, language), className="age"),
    ]  # fmt: skip
    title = f"{tile.name}: {_healthy(tile, language)}"
    return dcc.Link(
        lines, href=f"/asset?name={quote(tile.name)}", id=f"tile-{tile.name}", title=title,
        className=f"tile {'abnormal' if tile.priority else ''}",
    )  # fmt: skip


def _running(tile: Tile, language: Language) -> Any:
    """Return whether an asset runs; of one that always does how its estimated parameters are."""
    if tile.running is None:
        return _healthy(tile, language) if tile.estimated else BLANK
    said = word("running" if tile.running else "stopped", language)
    return [html.Span("▶" if tile.running else "◻", className="shape", **parts.MUTE), said]


def _mark(tile: Tile, language: Language) -> Any:
    return parts.mark(tile.priority, language, unseen=tile.unacknowledged) if tile.priority else ""


def _healthy(tile: Tile, language: Language) -> str:
    if not tile.estimated:
        return word("health_unknown", language)
    return word("health_unusual", language, ", ".join(tile.unusual)) if tile.unusual else word("health_usual", language)


def _deviation(tile: Tile, language: Language) -> Any:
    if tile.worst is None:
        return html.Span(word("no_reading", language), className="quiet")
    name, sigma = tile.worst
    far = abs(sigma) > overview.BEYOND
    shown = f"{name} {sigma:+.1f} {parts.SIGMA}"
    return parts.beyond(shown) if far else html.Span(shown)


def _age(tile: Tile, seen: Seen, plan: Plan, language: Language) -> Any:
    if math.isnan(tile.age):
        return BLANK
    if seen.state != "live":  # an age would count to an end that nobody knows
        return f"{word('last_data', language)} {parts.clock(tile.heard, plan, date=False)}"
    late = tile.age > overview.STALE * plan.every + plan.lag
    shown = f"{tile.age:.0f} s" if math.isfinite(tile.age) else parts.NONE
    return html.Span(
        f"{word('data_age', language)} {shown}" + (f" · {word('stale', language)}" if late else ""),
        className="late" if late else "",
    )


def _legend(plan: Plan, language: Language) -> html.Div:
    kinds = list(dict.fromkeys(link.kind for link in plan.links))
    lines = [
        html.Span([html.Span(className=f"line {kind}", **parts.MUTE), word(f"link_{kind}", language)])
        for kind in ("liquid", "shaft", "power", "heat", "signal") if kind in kinds
    ]  # fmt: skip
    notes = [html.Span(f"▶ {word('running', language)}"), html.Span(f"◻ {word('stopped', language)}"),
             html.Span(f"◆ {word('beyond', language)}")]  # fmt: skip
    return html.Div([html.Span(word("legend", language), className="title"), *lines, *notes], className="legend")


def standing(seen: Seen, plan: Plan, language: Language) -> Any:
    """Return what stands, the most urgent first."""
    announced = overview.announced(seen)
    if not announced:
        return parts.panel(word("advisories", language), parts.quiet(word("nothing_stands", language)))
    rows: list[Any] = [
        dcc.Link(
            [parts.mark(a.priority, language, unseen=a.state == "unacknowledged"),
             html.Span(parts.clock(a.raised, plan, date=False), className="time"),
             html.Span(parts.headline(a, language, plan, seen.now), className="headline")],
            href=f"/advisories?id={quote(a.id)}", className="row over" if a.state == "returned" else "row",
        ) for a in announced[:MOST]
    ]  # fmt: skip
    if len(announced) > MOST:
        rows.append(html.Div(word("more", language, len(announced) - MOST), className="quiet"))
    return parts.panel(word("advisories", language), html.Div(rows, className="rows"))
