"""The view as an application: its shell, its pages, and what happens when something is clicked."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from twin.history.plan import Plan
from viz import overview as glance
from viz import parts
from viz.accounts import may
from viz.acts import Acts
from viz.api import Api
from viz.asker import Asker, asker
from viz.audit import Audit
from viz.data_set_page import DataSetPage
from viz.feed import STATES, Feed, Seen, running
from viz.pages import advisories, asset, data, history, overview
from viz.runner import COMMAND
from viz.whatif import WhatIf
from viz.words import Language, language_of, word

STATIC = Path(__file__).with_name("static")
PAGES = {
    "/": "overview", "/asset": "asset", "/advisories": "advisories", "/history": "history", "/what-if": "what_if",
    "/data-sets": "data_sets", "/data": "data",
}  # fmt: skip
SCRIPTS = (
    "vendor/uPlot.iife.min.js", "trend_format.js", "trend_data.js", "trend_link.js", "trend_feed.js", "trend_draw.js",
    "trend_plot.js", "trend_chart.js", "trend_toolbar.js", "trend_png.js", "trend_touch.js", "trend_file.js",
    "trend.js", "act.js", "what_if.js", "data_set_draw.js", "data_set_plots.js", "data_set.js", "view.js",
)  # fmt: skip
STYLES = ("vendor/uPlot.min.css", "trend.css", "view.css", "data_set.css")

_log = logging.getLogger("viz")
_seconds = re.compile(r"[1-9][0-9]{0,6}")
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""


def apart(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return a callback that answers in a thread: Dash's would hold up every stream while it reads or waits."""

    async def answered(*given: Any) -> Any:
        try:
            return await asyncio.to_thread(answer, *given)
        except PreventUpdate:
            raise
        except Exception:
            _log.exception("a page can't be shown")  # Dash answers 500 and says nothing
            raise

    return answered


class View:
    """A Dash application over what a twin says.

    Parameters
    ----------
    feed : Feed
    audit : Audit
        Where actions are recorded before they are done.
    login : bool
        Whether people log in, and so can log out.
    command : sequence of str
        What `twin what-if` is called by.
    datasets : Path or None
        Where data sets are; else in the folder ``datasets`` of the twin's data.
    """

    def __init__(
        self, feed: Feed, audit: Audit, *, login: bool = False, command: Sequence[str] = COMMAND,
        datasets: Path | None = None,
    ) -> None:  # fmt: skip
        self.feed, self.audit, self.login = feed, audit, login
        # Its own pages of documentation would load scripts from elsewhere.
        self.server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self.api = Api(feed)
        self.api.exported = self._exported
        self.server.include_router(self.api.router())
        self.what_if = WhatIf(feed, audit, command)
        self.data_sets = DataSetPage(feed, datasets)
        self.server.include_router(Acts(feed, audit).router())
        self.server.include_router(self.what_if.router())
        self.server.include_router(self.data_sets.router())
        self.server.get("/healthz")(self.api.health)
        self.server.mount("/static", StaticFiles(directory=STATIC), name="static")
        # Dash would serve the folder `assets` beside the program, which holds equipment: it is pointed at its own.
        self.dash = Dash(
            __name__, server=self.server, # type: ignore[arg-type]
            assets_folder=str(STATIC), assets_ignore=".*", assets_url_path="_unused",
            serve_locally=True, update_title="", title="twin", suppress_callback_exceptions=True,
            external_scripts=[f"/static/{name}" for name in SCRIPTS],
            external_stylesheets=[f"/static/{name}" for name in STYLES], index_string=_INDEX,
        )  # fmt: skip
        self.dash.backend.websocket_capability = False  # else every page starts a worker for what nobody uses
        self.dash.layout = self._shell
        self._declare()

    def _exported(self, what: str) -> None:
        """Record who took what away."""
        who = asker()
        self.audit.write("export", who=who.account.name, role=who.account.role, address=who.address, target=what)

    def _shell(self) -> html.Div:
        return html.Div([
            dcc.Location(id="url"),
            dcc.Store(id="language", storage_type="local"),
            dcc.Store(id="pulse"),
            dcc.Store(id="beat"),
            dcc.Store(id="slow"),
            html.Div(id="frame"),
        ], id="root")  # fmt: skip

    def _declare(self) -> None:
        app = self.dash
        app.callback(
            Output("frame", "children"), Input("url", "pathname"), Input("url", "search"), Input("language", "data")
        )(apart(self.frame))
        spoken = State("language", "data")
        for pace, target, shown in (
            ("beat", "flow-pulse", self.flow), ("slow", "banner", self.banner),
            ("slow", "standing-pulse", self.standing), ("slow", "listed-pulse", self.listed),
            ("slow", "told-pulse", self.told), ("slow", "choices-pulse", self.choices),
            ("slow", "reasons-pulse", self.reasons), ("slow", "figures-pulse", self.figures),
        ):  # fmt: skip
            app.callback(Output(target, "children"), Input(pace, "data"), State("url", "search"), spoken)(apart(shown))
        for target, told in (
            ("does-pulse", self.does), ("why", self.gone), ("wall-pulse", self.wall), ("log-pulse", self.log),
        ):  # fmt: skip
            app.callback(
                Output(target, "children"), Input("pulse", "data"), State("url", "search"), spoken,
                prevent_initial_call=True,
            )(apart(told))  # fmt: skip
        app.callback(Output("data-pulse", "children"), Input("beat", "data"), State("url", "search"), spoken)(
            apart(self.data)
        )
        app.callback(
            Output("estimates-pulse", "children"), Input("beat", "data"), State("url", "search"),
            spoken,
        )(apart(self.estimates))  # fmt: skip
        self.what_if.declare(app, apart, lambda search, language: (_query(search), _spoken(search, language)))
        app.callback(
            Output("url", "href"), Input("past-open", "n_clicks"), State("past-asset", "value"),
            State("past-time", "value"), State("past-beside", "value"), State("url", "search"),
            prevent_initial_call=True,
        )(apart(self.open))  # fmt: skip

    def frame(self, pathname: str, search: str, language: str | None) -> Any:
        """Return everything that is on the screen."""
        spoken, seen = _spoken(search, language), self.feed.seen
        page = PAGES.get(pathname or "/", "overview")
        return html.Div([
            html.A(word("skip", spoken), href="#main", className="skip"),
            _header(seen, spoken, page, asker(), login=self.login),
            html.Div(self.banner(None, search, language), id="banner", role="status", className="banner"),
            html.Main(self._page(page, seen, spoken, _query(search)), id="main", tabIndex=-1),
        ], lang=spoken, **parts.attributes({"data-page": page, "data-zone": seen.plan.zone if seen.plan else "UTC",
            "data-waiting": "" if seen.plan else "yes",
            "data-offline": word("offline", spoken),
            **{f"data-{state}": word(f"state_{state}", spoken) for state in STATES}}))  # fmt: skip

    def _page(self, page: str, seen: Seen, language: Language, query: dict[str, str]) -> Any:
        if page == "overview":
            return overview.content(seen, language)
        if page == "asset":
            return asset.content(seen, language, query.get("name", ""))
        if page == "advisories":
            return advisories.content(seen, language, asker().account, query.get("id", ""))
        if page == "what_if":
            return self.what_if.content(query, language, asker().account)
        if page == "data_sets":
            return self.data_sets.content(query, language)
        if page == "history" and query.get("archive"):
            return history.recorded(seen, language, self.feed.folder, query["archive"], query.get("group", ""))
        if page == "history" and seen.plan is None:
            return history.alone(language, self.feed.folder)
        if page == "history":
            span = query.get("span", "")
            seconds = float(span) if _seconds.fullmatch(span) and float(span) <= max(parts.SPANS) else 1800.0
            asked = (query.get("asset", ""), query.get("at", ""), query.get("beside", ""))
            return history.content(seen, language, self.feed.folder, *asked, seconds)
        return data.content(seen, language, self.feed.folder, running(self.feed.folder, seen.status))

    def banner(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return the line of what is most urgent; of a twin that has ended it says so."""
        seen, spoken = self.feed.seen, _spoken(search, language)
        if seen.plan is None or seen.state == "live":
            return _banner(seen, spoken)
        late = f"{float(seen.status.get('behind_s', 0.0)):.0f}"
        said = word("behind_by", spoken, late) if seen.state == "behind" else word(seen.state, spoken)
        return [_banner(seen, spoken), html.Span(said, className="ended")]

    def flow(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return the tiles anew."""
        seen = self.feed.seen
        return overview.flow(seen, _planned(seen), _spoken(search, language))

    def standing(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return what stands, below the tiles."""
        seen = self.feed.seen
        return overview.standing(seen, _planned(seen), _spoken(search, language))

    def wall(self, _pulse: Any, search: str, language: str | None) -> Any:
        """Return the course of what matters most now."""
        seen = self.feed.seen
        return overview.wall(seen, _planned(seen), _spoken(search, language))

    def listed(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return the list of advisories anew."""
        seen = self.feed.seen
        return advisories.listed(seen, _planned(seen), _spoken(search, language), _query(search).get("id", ""))

    def choices(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return the list of assets anew."""
        seen, name = self.feed.seen, _query(search).get("name", "")
        if not name:
            raise PreventUpdate
        return asset.choices(seen, _planned(seen), _spoken(search, language), name)

    def told(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return what stands about the asset that is shown, anew."""
        seen, name = self.feed.seen, _query(search).get("name", "")
        if not name:
            raise PreventUpdate
        return asset.told(seen, _planned(seen), _spoken(search, language), name)

    def reasons(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return why an advisory stands, anew."""
        seen = self.feed.seen
        return advisories.reasons(seen, _planned(seen), _spoken(search, language), _query(search).get("id", ""))

    def figures(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return how much the operator is told."""
        return advisories.figures(self.feed.seen, _spoken(search, language))

    def does(self, _pulse: Any, search: str, language: str | None) -> Any:
        """Return what can be done about the advisory that is open."""
        if not may(asker().account, "acknowledge"):
            raise PreventUpdate
        return advisories.buttons(self.feed.seen, _spoken(search, language), _query(search).get("id", ""))

    def gone(self, _pulse: Any, search: str, language: str | None) -> Any:
        """Return what is said in place of an advisory that was open and stands no more."""
        seen, chosen = self.feed.seen, _query(search).get("id", "")
        if any(a.id == chosen for a in seen.standing):
            raise PreventUpdate  # what is typed stays
        return advisories.why(seen, _planned(seen), _spoken(search, language), asker().account, chosen)

    def log(self, _pulse: Any, search: str, language: str | None) -> Any:
        """Return what happened and was done."""
        seen = self.feed.seen
        return advisories.log(seen, _planned(seen), _spoken(search, language))

    def data(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return what comes in now."""
        seen = self.feed.seen
        return data.live(seen, _planned(seen), _spoken(search, language), running(self.feed.folder, seen.status))

    def estimates(self, _beat: Any, search: str, language: str | None) -> Any:
        """Return the estimated parameters of the asset that is shown."""
        seen, name = self.feed.seen, _query(search).get("name", "")
        if not name:
            raise PreventUpdate
        return asset.estimates(seen, _planned(seen), _spoken(search, language), name)

    def open(self, clicks: int, name: str | None, at: str | None, beside: str | None, search: str) -> str:
        """Return the address of an instant."""
        if not clicks:  # the button has only just appeared
            raise PreventUpdate
        asked = {"asset": name, "at": _instant(at), "beside": _instant(beside), "span": _query(search).get("span")}
        return f"/history?{urlencode({key: value for key, value in asked.items() if value}, safe=':')}"


def _instant(text: str | None) -> str:
    return (text or "").strip().replace(" ", "T")


def _planned(seen: Seen) -> Plan:
    """Return the plan, or leave the page as it is until there is one."""
    if seen.plan is None:
        raise PreventUpdate
    return seen.plan


def _query(search: str | None) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((search or "").removeprefix("?")).items()}


def _spoken(search: str | None, language: str | None) -> Language:
    return language_of(_query(search).get("lang", "") or language or "")


def _header(seen: Seen, language: Language, page: str, who: Asker, *, login: bool) -> html.Header:
    links = [
        dcc.Link(word(name, language), href=path, className="here" if name == page else "", id=f"go-{name}")
        for path, name in PAGES.items()
    ]
    out = html.Form(html.Button(word("logout", language)), action="/logout", method="post") if login else None
    return html.Header([
        html.Span([
            word("title", language), html.Span(seen.plan.plant if seen.plan else "", className="plant"),
        ], className="brand"),
        html.Nav(links, **parts.attributes({"aria-label": word("navigation", language)})),
        html.Span([
            html.Span(word("plant_time", language), className="title"),
            html.Span(parts.NONE, id="clock", className="time"),
            html.Span("●" if seen.state == "live" else "✕", id="link", className="link", **parts.MUTE),
            html.Span(word(f"state_{seen.state}", language), id="link-said", role="status"),
        ], className="clock"),
        html.Button(word("language", language), id="to-language", title=word("language_doc", language),
                    **parts.attributes({"data-to": "en" if language == "ko" else "ko"})),
        html.Span(f"{who.account.name} · {who.account.role}", className="who"),
        out,
    ])  # fmt: skip


def _banner(seen: Seen, language: Language) -> Any:
    """Return the most urgent advisory, and how many there are."""
    if seen.trouble:
        return html.Span(seen.trouble, className="wrong")
    announced = glance.announced(seen)
    if not announced or seen.plan is None:
        return html.Span(word("nothing_stands", language), className="quiet")
    first = announced[0]
    states = Counter(a.state for a in announced)
    counts = [
        word(name, language, count) for name, count in (
            ("active_count", states["unacknowledged"] + states["acknowledged"]),
            ("unacknowledged_count", states["unacknowledged"]), ("over_count", states["returned"]),
        ) if count
    ]  # fmt: skip
    return dcc.Link([
        parts.mark(first.priority, language, unseen=first.state == "unacknowledged"),
        html.Span(parts.headline(first, language, seen.plan, seen.now), className="headline"),
        html.Span(" · ".join(counts), className="counts"),
    ], href=f"/advisories?id={first.id}", className=f"urgent p{first.priority}")  # fmt: skip
