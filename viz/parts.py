"""What several pages show alike: times, numbers, marks of priority, boards, tables."""

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html

from twin.documents import Advisory
from twin.history.plan import Plan, Shown
from twin.monitor import texts
from twin.monitor.words import unit
from viz.words import Language, word

SPANS = (300, 1800, 3600, 28800, 86400, 604800)
"""Time ranges that a board offers [s]."""
UNITS: dict[str, dict[str, tuple[float, float]]] = {
    "bar": {"kPa": (100.0, 0.0), "mbar": (1000.0, 0.0)},
    "kPa": {"bar": (0.01, 0.0), "mbar": (10.0, 0.0)},
    "Pa": {"kPa": (1e-3, 0.0), "bar": (1e-5, 0.0)},
    "degC": {"K": (1.0, 273.15)},
    "rpm": {"rad/s": (math.pi / 30.0, 0.0), "Hz": (1.0 / 60.0, 0.0)},
    "l/s": {"m3/h": (3.6, 0.0), "l/min": (60.0, 0.0)},
    "m3/s": {"m3/h": (3600.0, 0.0), "l/s": (1000.0, 0.0)},
    "kW": {"W": (1000.0, 0.0)},
    "W": {"kW": (1e-3, 0.0)},
    "m": {"mm": (1000.0, 0.0)},
}
"""Other units that a value can be shown in: factor and offset from the first."""
_WORDS = (
    "actual", "twin", "band", "residual", "ahead", "now", "paused", "back_to_live", "cursor", "no_data", "stale",
    "age", "offline", "png", "limit_high", "limit_low", "range", "unit", "uncertain", "bad", "healthy", "outside",
    "state_live", "state_behind", "state_silent", "state_ended", "export", "fetching", "file_csv", "file_parquet",
)  # fmt: skip
FARTHEST = 250_000_000_000.0
"""Later times have years that no calendar here has [s]."""
NONE = "\N{EN DASH}"
"""Where there is no value."""
SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
UNITS_SHOWN = {unit(one): {unit(other): scale for other, scale in others.items()} for one, others in UNITS.items()}
"""The same by how units are spelt."""
_SHAPES = {1: "■", 2: "▲", 3: "●"}


def attributes(named: dict[str, str]) -> dict[str, Any]:
    """Return attributes that are no words of Python, as components take them."""
    return dict(named)


MUTE = attributes({"aria-hidden": "true"})
"""For what only repeats by its shape what is said beside it."""


def labelled(text: str) -> dict[str, Any]:
    """Return the attribute that says what a component is."""
    return attributes({"aria-label": text})


def beyond(text: str) -> html.Span:
    """Return what is abnormal, marked by shape and colour."""
    return html.Span(f"◆ {text}", className="beyond")


def board(plan: Plan | None, language: Language, **options: Any) -> html.Div:
    """Return where the browser puts a board of trends: of an `asset`, or of `names`; `until` [s] opens the past."""
    said = {
        "zone": zone_of(plan), "language": language, "units": UNITS_SHOWN, "spans": SPANS, "span": 300,
        "words": words(language),
        **options,
    }  # fmt: skip
    return html.Div(className="board", **attributes({"data-board": json.dumps(said)}))


def zone_of(plan: Plan | None) -> str:
    """Return the plant's zone; of readings that no plant is known for UTC."""
    return plan.zone if plan else "UTC"


def words(language: Language) -> dict[str, Any]:
    """Return what a board says."""
    spans = {str(span): word(f"span_{span}", language) for span in SPANS}
    return {**{name: word(name, language) for name in _WORDS}, "spans": spans}


def clock(time: float, plan: Plan | None, *, date: bool = True) -> str:
    """Return a source time in the plant's zone."""
    if not 0.0 < time < FARTHEST:
        return NONE
    return datetime.fromtimestamp(time, ZoneInfo(zone_of(plan))).strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")


def number(value: float, digits: int = 4) -> str:
    """Return a number as people read it; a dash for none."""
    return f"{value:.{digits}g}" if math.isfinite(value) else NONE


def si_shown(shown: Shown, value: float) -> str:
    """Return an SI value with the unit that it is shown in."""
    said = "" if shown.unit == "1" else f" {unit(shown.unit)}"
    return f"{number((value - shown.offset) / shown.factor)}{said}"


def mark(priority: int, language: Language, *, unseen: bool = False) -> html.Span:
    """Return a mark of priority: shape, number and colour."""
    label = f"{word('priority', language)} {priority}"
    seen = " unseen" if unseen else ""
    return html.Span(
        f"{_SHAPES.get(priority, '●')} {priority}",
        className=f"mark p{priority}{seen}",
        role="img",
        **attributes({"aria-label": label}),
    )


def said(advisory: Advisory, language: Language, plan: Plan, now: float) -> texts.Text:
    """Return an advisory in words; one that is over is told as it was when it ended."""
    now = advisory.changed if advisory.state == "returned" else now
    return texts.text(advisory.code, advisory.values, language, now=now, zone=ZoneInfo(plan.zone))


def headline(advisory: Advisory, language: Language, plan: Plan, now: float) -> str:
    """Return what an advisory says in a line, and that it is over if it is."""
    text = said(advisory, language, plan, now).headline
    over = word("over_since", language, clock(advisory.changed, plan, date=False), text)
    return over if advisory.state == "returned" else text


def table(heads: Sequence[Any], rows: Iterable[Sequence[Any]], label: str, classes: Sequence[str] = ()) -> html.Table:
    """Return a table; columns whose class is ``number`` stand at the right."""
    kinds = [*classes, *[""] * (len(heads) - len(classes))]
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(h, scope="col", className=k) for h, k in zip(heads, kinds, strict=True)])),
            html.Tbody([
                html.Tr([html.Td(c, className=k) for c, k in zip(row, kinds, strict=True)]) for row in rows
            ]),
        ],
        **attributes({"aria-label": label}),
    )  # fmt: skip


def panel(heading: str, *children: Any, name: str = "") -> html.Section:
    """Return a part of a page under its heading."""
    return html.Section([html.H2(heading), *children], className=f"panel {name}".strip())


def quiet(text: str) -> html.P:
    """Return a sentence that asks for no attention."""
    return html.P(text, className="quiet")
