"""The runs of a data set as a list: of a split, a class and a machine, some at a time."""

from typing import Any, NamedTuple

from dash import dcc, html

from twin.monitor.words import plain
from viz import parts
from viz.data_sets import Manifest
from viz.pages.data_sets import address, elapsed, scrolled
from viz.words import Language, word

EACH = 50
"""Runs on a page."""


class Asked(NamedTuple):
    """Which runs the address asks for, as it is written there; the first is counted from 0."""

    split: str = ""
    kind: str = ""
    machine: str = ""
    first: int = 0

    def query(self) -> dict[str, str]:
        """Return what an address says of it, but where it begins."""
        return {"split": self.split, "kind": self.kind, "machine": self.machine}


def content(name: str, found: Manifest, asked: Asked, listed: dict[str, Any] | None, language: Language) -> list[Any]:
    """Return the form by which runs are chosen, and those that were chosen, if any could be."""
    shown = [_table(name, found, asked, listed, language)] if listed is not None else []
    return [
        html.Div([_form(name, found, asked, language), _number(name, found, language)], className="choosing"),
        *shown,
    ]


def _form(name: str, found: Manifest, asked: Asked, language: Language) -> html.Form:
    """Return the form: sent by the browser as the address of the page that it asks for."""
    return html.Form([
        dcc.Input(type="hidden", name="set", value=name), dcc.Input(type="hidden", name="part", value="runs"),
        _select("split", word("set_split", language), list(found.splits), asked.split, language),
        _select("kind", word("set_class", language), [kind.name for kind in found.classes], asked.kind, language),
        html.Label([word("set_machine", language), dcc.Input(
            asked.machine, type="text", name="machine", inputMode="numeric", autoComplete="off", maxLength=12,
            className="few",
        )]),
        html.Button(word("set_show", language), className="main"),
    ], method="get", action="/data-sets", className="form")  # fmt: skip


def _select(name: str, label: str, values: list[str], chosen: str, language: Language) -> html.Label:
    options = [html.Option(word("set_all", language), value="")]
    options += [html.Option(plain(value), value=value, selected="selected" if value == chosen else None)
                for value in values]  # fmt: skip
    return html.Label([label, html.Select(options, name=name, key=f"{name} {chosen}")])


def _number(name: str, found: Manifest, language: Language) -> html.Form:
    return html.Form([
        dcc.Input(type="hidden", name="set", value=name),
        html.Label([word("set_open_run", language), dcc.Input(
            "", type="text", name="run", inputMode="numeric", autoComplete="off", maxLength=12,
            placeholder=f"0 … {found.runs - 1}", className="few",
        )]),
        html.Button(word("open", language)),
    ], method="get", action="/data-sets", className="form")  # fmt: skip


def _table(name: str, found: Manifest, asked: Asked, listed: dict[str, Any], language: Language) -> Any:
    heading, of = word("runs", language), listed["of"]
    if not of:
        return parts.panel(heading, parts.quiet(word("set_none_chosen", language)))
    heads = [word(n, language) for n in (
        "set_run", "set_split", "set_class", "set_severity", "set_onset", "set_machine", "set_sensor_fault",
    )]  # fmt: skip
    rows = [_row(name, found, asked, run, language) for run in listed["runs"]]
    kinds = ("number", "", "", "number", "number", "number", "")
    last = min(asked.first + EACH, of)
    said = word("set_listed", language, f"{asked.first + 1:,}", f"{last:,}", f"{of:,}")
    return parts.panel(
        heading, html.P(said, role="status"), _pager(name, asked, of, language),
        scrolled(heads, rows, heading, kinds),
    )  # fmt: skip


def _row(name: str, found: Manifest, asked: Asked, run: dict[str, Any], language: Language) -> tuple[Any, ...]:
    number, faulty = run["number"], run["fault"] != 0
    link = dcc.Link(f"{number:,}", href=address(name, run=number, **asked.query()))
    sensor = plain(run["sensor_kind"]) or parts.NONE
    return (
        link, plain(run["split"]), plain(run["kind"]),
        percent(run.get("severity")) if faulty else parts.NONE,
        elapsed(run["onset"], found.every) if faulty and run.get("onset") is not None else parts.NONE,
        str(run.get("machine", parts.NONE)),
        [sensor, " ", parts.beyond(word("set_run_failed", language))] if run.get("failed") else sensor,
    )  # fmt: skip


def percent(share: float | None) -> str:
    """Return a share as people read it; a dash for none."""
    return parts.NONE if share is None else f"{100.0 * share:.0f} %"


def _pager(name: str, asked: Asked, of: int, language: Language) -> html.Nav | None:
    if of <= EACH:
        return None
    last = (of - 1) // EACH * EACH
    steps = (
        ("set_first_page", 0), ("set_previous_page", asked.first - EACH), ("set_next_page", asked.first + EACH),
        ("set_last_page", last),
    )  # fmt: skip
    shown = []
    for key, first in steps:
        here = 0 <= first <= last and first != asked.first
        href = address(name, part="runs", first=first or "", **asked.query()) if here else ""
        shown.append(step(word(key, language), href))
    return html.Nav(shown, className="pager", **parts.labelled(word("set_pages", language)))


def step(said: str, href: str) -> Any:
    """Return a link to the next of something; without an address, where it would be."""
    if href:
        return dcc.Link(said, href=href, className="button")
    return html.Span(said, className="button off", **parts.attributes({"aria-disabled": "true"}))
