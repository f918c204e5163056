"""Asset: twin and actual side by side, and what is estimated that no instrument shows."""

from typing import Any
from urllib.parse import quote

from dash import dcc, html

from twin.history.plan import Plan, Shown
from twin.history.row import Row
from viz import overview, parts, payload
from viz.feed import Seen
from viz.titles import kind, title
from viz.words import Language, word


def content(seen: Seen, language: Language, name: str) -> Any:
    """Return the page of an asset; the first one with a tag if there is no such asset."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    if not plan.machines:
        return parts.quiet(word("waiting", language))
    machines = {machine.name: machine for machine in plan.machines}
    chosen = name if name in machines else _first(seen, plan)
    machine, drawn = machines[chosen], _ordered(seen, plan, chosen)
    measured = any(chart.shown.kind == "tag" for chart in drawn)
    return html.Div([
        html.Nav(choices(seen, plan, language, chosen), className="assets", id="choices-pulse",
            **parts.labelled(word("all_assets", language))),
        html.Div([
            html.H1([chosen, html.Span(kind(machine.title, language), className="kind")]),
            parts.quiet(word("no_tags", language)) if not measured else None,
            html.Div(told(seen, plan, language, chosen), id="told-pulse"),
            parts.board(plan, language, asset=chosen, names=[c.shown.name for c in drawn]) if drawn else None,
            html.Div(estimates(seen, plan, language, chosen), id="estimates-pulse"),
        ], className="content"),
    ], className="asset", **parts.attributes({"data-asset": chosen}))  # fmt: skip


def _first(seen: Seen, plan: Plan) -> str:
    """Return the asset that is worth a look: with the most urgent advisory, else the first that a tag reads."""
    urgent = [tile for tile in overview.tiles(seen) if tile.priority]
    if urgent:
        return min(urgent, key=lambda tile: tile.priority).name
    tagged = [machine.name for machine in plan.machines if any(s.asset == machine.name for s in plan.outputs)]
    return (tagged or [plan.machines[0].name])[0]


def _ordered(seen: Seen, plan: Plan, asset: str) -> list[payload.Chart]:
    """Return what is drawn of an asset, first what an advisory points at, so that it needn't be looked for."""
    mine = overview.announced(seen, asset)
    pointed = list(dict.fromkeys(name for a in mine for name in overview.evidence(a, plan)))
    return sorted(
        payload.charts(plan, asset),
        key=lambda c: pointed.index(c.shown.name) if c.shown.name in pointed else len(pointed),
    )


def told(seen: Seen, plan: Plan, language: Language, asset: str) -> Any:
    """Return a link to every advisory about an asset."""
    rows = [
        dcc.Link(
            [parts.mark(a.priority, language, unseen=a.state == "unacknowledged"),
             html.Span(parts.headline(a, language, plan, seen.now), className="headline")],
            href=f"/advisories?id={quote(a.id)}", className="row over" if a.state == "returned" else "row",
        ) for a in overview.announced(seen, asset)
    ]  # fmt: skip
    return html.Div(rows, className="rows told", **parts.labelled(word("about_here", language))) if rows else None


def choices(seen: Seen, plan: Plan, language: Language, chosen: str) -> list[Any]:
    """Return a link to every asset, with a mark where something is wrong."""
    found = []
    for tile in overview.tiles(seen):
        here: dict[str, Any] = {"aria-current": "page"} if tile.name == chosen else {}
        sign = parts.mark(tile.priority, language, unseen=tile.unacknowledged) if tile.priority else None
        found.append(html.Div(dcc.Link(
            [html.Span(tile.name), sign], href=f"/asset?name={quote(tile.name)}",
            className="choice here" if here else "choice",
        ), **here))  # fmt: skip
    return found


def estimates(seen: Seen, plan: Plan, language: Language, asset: str) -> Any:
    """Return the estimated parameters with their bands, the unusual ones first."""
    row = (seen.head or seen.rows or (None,))[-1]
    rows = [_estimate(shown, i, row, language) for i, shown in enumerate(plan.unknowns) if _belongs(shown, asset)]
    if not rows:
        return None
    rows.sort(key=lambda pair: not pair[0])
    heads = [word(n, language) for n in ("parameter", "what", "value", "band", "usual", "state")]
    return parts.panel(
        word("estimated", language),
        parts.table(
            heads,
            [cells for _, cells in rows],
            word("estimated", language),
            ("name", "", "number", "number", "number", ""),
        ),
    )


def _belongs(shown: Shown, asset: str) -> bool:
    return shown.asset == asset and shown.kind != "hidden"


def _estimate(shown: Shown, i: int, row: Row | None, language: Language) -> tuple[bool, list[Any]]:
    """Return whether a parameter is unusual, and the cells that tell of it."""
    name = shown.name.partition(".")[2] or shown.name
    usual = (
        f" {parts.NONE} ".join(parts.si_shown(shown, v).partition(" ")[0] for v in shown.usual)
        if shown.usual
        else parts.NONE
    )
    if row is None or i >= row.believed.shape[1]:
        return False, [name, title(shown.title, language), parts.NONE, parts.NONE, usual, ""]
    value, deviation = row.believed[:, i]
    off = shown.usual is not None and overview.unusual(value, deviation, shown.usual)
    outside = shown.usual is not None and not shown.usual[0] <= value <= shown.usual[1]
    said = word("outside_usual" if outside else "health_usual", language) if shown.usual else ""
    state = html.Span(f"◆ {word('health_unusual', language, '').strip()}", className="beyond") if off else said
    band = f"± {parts.number(1.96 * deviation / shown.factor, 2)}"
    return off, [name, title(shown.title, language), parts.si_shown(shown, value), band, usual, state]
