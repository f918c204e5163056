"""Advisories: what stands, why, and what people do about it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from dash import dcc, html

from twin.documents import Advisory
from twin.errors import TwinError
from twin.history.plan import Plan
from twin.monitor import texts
from twin.monitor.words import percent
from twin.service import LONGEST, Kind
from viz import overview, parts
from viz.accounts import Account, may
from viz.acts import LONGEST_TEXT
from viz.feed import Seen
from viz.words import Language, word

MOST_TAGS = 4
"""Tags whose course is shown as evidence."""
LOG = 60
"""Changes that are listed."""
SHELVE = 60
"""For how long is offered to shelve [min]."""


def content(seen: Seen, language: Language, account: Account, chosen: str) -> Any:
    """Return the page, with the advisory `chosen` opened."""
    plan = seen.plan
    if plan is None:
        return parts.quiet(word("waiting", language))
    return html.Div([
        html.H1(word("advisories", language)),
        parts.quiet(word("advisory_only", language)),
        html.Div([
            html.Div([
                html.Div(listed(seen, plan, language, chosen), id="listed-pulse", className="listed"),
                html.Div(log(seen, plan, language), id="log-pulse"),
                html.Div(figures(seen, language), id="figures-pulse"),
            ]),
            html.Div(why(seen, plan, language, account, chosen), id="why", className="why"),
        ], className="two"),
    ])  # fmt: skip


def ordered(standing: Sequence[Advisory]) -> list[Advisory]:
    """Return advisories as they are listed: active ones, returned ones, hidden ones; urgent before others, then new."""
    return sorted(standing, key=lambda a: (overview.rank(a), a.priority, -a.raised))


def listed(seen: Seen, plan: Plan, language: Language, chosen: str) -> Any:
    """Return the list of what stands."""
    if not seen.standing:
        return parts.quiet(word("nothing_stands", language))
    rows = []
    for a in ordered(seen.standing):
        here: dict[str, Any] = {"aria-current": "true"} if a.id == chosen else {}
        link = dcc.Link(
            parts.headline(a, language, plan, seen.now), href=f"/advisories?id={quote(a.id)}", className="headline"
        )
        rows.append(html.Tr([
            html.Td(parts.mark(a.priority, language, unseen=a.state == "unacknowledged")),
            html.Td(parts.clock(a.raised, plan), className="time"),
            html.Td([link, _hidden(a, plan, language)]),
            html.Td(texts.word("states", a.state, language), className=f"life {a.state}"),
        ], className="here" if here else "", **here))  # fmt: skip
    heads = [word(n, language) for n in ("priority", "raised", "headline", "state")]
    return html.Table(
        [html.Thead(html.Tr([html.Th(h, scope="col") for h in heads])), html.Tbody(rows)],
        **parts.attributes({"aria-label": word("advisories", language)}),
    )


def _hidden(a: Advisory, plan: Plan, language: Language) -> Any:
    if a.state in overview.ANNOUNCED:
        return html.Div(a.note, className="note") if a.note else None
    kind = texts.word("states", a.state, language)
    until = parts.clock(a.until, plan)
    return html.Div(word("hidden_until", language, kind, until, a.by, a.reason), className="note")


def why(seen: Seen, plan: Plan, language: Language, account: Account, chosen: str) -> Any:
    """Return what is known of one advisory, and what can be done about it."""
    a = next((a for a in seen.standing if a.id == chosen), None)
    if a is None:
        gone = any(change.advisory == chosen for change in seen.changes)
        return parts.quiet(word("over_now" if gone else "choose_advisory", language)) if gone or seen.standing else None
    tags = overview.evidence(a, plan)[:MOST_TAGS]
    return html.Section([
        html.Div(reasons(seen, plan, language, chosen), id="reasons-pulse"),
        _actions(seen, language, account, chosen),
        html.H3(word("evidence", language)) if tags else None,
        parts.board(plan, language, names=tags, span=1800) if tags else None,
    ], **parts.attributes({"aria-label": word("why", language)}))  # fmt: skip


def reasons(seen: Seen, plan: Plan, language: Language, chosen: str) -> Any:
    """Return an advisory in words, and what may explain it."""
    a = next((a for a in seen.standing if a.id == chosen), None)
    if a is None:
        return None
    text = parts.said(a, language, plan, seen.now)
    lines = [
        html.Div([html.Dt(word(name, language)), html.Dd(line)])
        for name, line in (("why", text.why), ("outlook", text.outlook), ("do", text.do), ("tell_more", text.tell_more))
        if line
    ]
    headline = html.H2([parts.mark(a.priority, language), text.headline])
    return [headline, html.Dl(lines), _explanations(a, language)]


def _explanations(a: Advisory, language: Language) -> Any:
    """Return what may explain it, each with its probability."""
    found = _candidates(a, language)
    if not found:
        return None
    if (rest := 1.0 - sum(p for _, p in found)) > 0.005:
        found.append((word("something_else", language), rest))
    bars = [
        html.Div([
            html.Span(name, className="name"),
            html.Meter(value=str(round(p, 3)), min="0", max="1", **parts.labelled(f"{name}: {percent(p, language)}")),
            html.Span(percent(p, language), className="number"),
        ], className="bar") for name, p in found
    ]  # fmt: skip
    return html.Div([html.H3(word("explanations", language)), *bars], className="explanations")


def _candidates(a: Advisory, language: Language) -> list[tuple[str, float]]:
    packed = a.values.get("candidates")
    try:
        if isinstance(packed, str):
            entries = msgspec.json.decode(packed, type=list[tuple[float, str, str, str]])
            return [(texts.named("fault", _one(entry[1:]), "", language), entry[0]) for entry in entries]
        fault = a.values.get("fault")
        if isinstance(fault, str):
            return [(texts.named("fault", fault, "", language), a.probability)]
    except (msgspec.DecodeError, TwinError):
        return []  # what is told above says it in words
    return []


def _one(entry: tuple[str, ...]) -> str:
    return msgspec.json.encode(entry).decode()


def _actions(seen: Seen, language: Language, account: Account, chosen: str) -> Any:
    """Return what this person may do; what is typed stays while the buttons follow the advisory."""
    if not may(account, "acknowledge"):
        return parts.quiet(word("may_not", language, account.role))
    typed = html.Div([
        html.Label([word("minutes", language), dcc.Input(
            SHELVE, id="shelve-minutes", type="number", min=1, max=LONGEST, step=1, className="few",
        )]),
        html.Label([word("reason", language), dcc.Input(id="action-text", maxLength=LONGEST_TEXT, autoComplete="off")]),
    ], className="form")  # fmt: skip
    offered = html.Div(buttons(seen, language, chosen), id="does-pulse", className="form")
    said = html.P(id="action-said", role="status", **parts.attributes({
        "data-wait": word("asking", language), "data-failed": word("no_answer", language),
    }))  # fmt: skip
    return html.Div([typed, offered, said], className="actions")


def buttons(seen: Seen, language: Language, chosen: str) -> list[Any]:
    """Return a button for everything that can be done about an advisory as it stands."""
    a = next((a for a in seen.standing if a.id == chosen), None)
    if a is None:
        return []
    offered = []
    if a.state in ("unacknowledged", "returned"):
        offered.append(html.Button(word("acknowledge", language), **_does("acknowledge", a), className="main"))
    if a.state == "shelved":
        offered.append(html.Button(word("unshelve", language), **_does("unshelve", a)))
    else:
        offered.append(html.Button(word("shelve", language), **_does("shelve", a)))
    return [*offered, html.Button(word("comment_do", language), **_does("comment", a))]


def _does(kind: Kind, a: Advisory) -> dict[str, Any]:
    return parts.attributes({"data-does": kind, "data-target": a.id})


def figures(seen: Seen, language: Language) -> Any:
    """Return how much the operator is told."""
    rates = seen.status.get("rates")
    if not rates:
        return None
    counts = [(word(name, language), str(rates[name])) for name in ("last_10_min", "last_hour", "standing", "hidden")]
    counts.append((word("flood", language), word("yes" if rates["flood"] else "no", language)))
    top = [f"{texts.subject(key, language)} ({count})" for key, count in rates["top"]]
    named = {"chattering": [texts.subject(key, language) for key in rates["chattering"]], "top": top}
    counts += [(word(name, language), ", ".join(said) or parts.NONE) for name, said in named.items()]
    return parts.panel(
        word("figures", language),
        html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in counts], className="figures"),
    )


def log(seen: Seen, plan: Plan, language: Language) -> Any:
    """Return what happened and was done, the newest first."""
    if not seen.changes:
        return parts.panel(word("log", language), parts.quiet(word("log_empty", language)))
    rows = [(parts.clock(c.time, plan), texts.said(c, language)) for c in reversed(seen.changes[-LOG:])]
    heads = (word("time", language), word("what", language))
    return parts.panel(word("log", language), parts.table(heads, rows, word("log", language), ("time",)))
