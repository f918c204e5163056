"""Numbers of what-if runs as tables: variants beside each other, and two runs beside each other."""

import math
from collections.abc import Sequence
from typing import Any

from dash import html

from viz import parts
from viz.answers import Answer, Number, Scale, Told, Variant, Verdict, apart, judged, scale_of, verdict
from viz.jobs import Job
from viz.words import Language, word

MOST_VARIANTS = 8
"""Variants that stand beside each other; a design has hundreds, and its report draws them."""
SHAPES: dict[Verdict, str] = {"better": "▲", "worse": "▼", "other": "◆", "unclear": "="}
RANGES = {"outside": "range_outside", "never calibrated": "range_never", "inside": "range_inside"}
WORDS: dict[Verdict, str] = {
    "better": "is_better", "worse": "is_worse", "other": "is_other", "unclear": "is_unclear",
}  # fmt: skip


def variants(answer: Answer, language: Language) -> Any:
    """Return every measure of every variant with its interval, and what it differs by from the first."""
    shown = answer.variants[:MOST_VARIANTS]
    heads = [word("measure", language), *(_headed(each, language) for each in shown)]
    rows = []
    for told in answer.measures:
        scale = scale_of(told, _numbers(told, shown), answer.currency)
        cells = [_measured(each.numbers.get(told.name), scale, language) for each in shown]
        for k, each in enumerate(shown[1:], 1):
            differs = _differs(told, each.differences.get(told.name), scale, language)
            cells[k] = html.Div([cells[k], differs], className="pair")
        rows.append([_named(told, scale, language), *cells])
    more = len(answer.variants) - len(shown)
    return html.Div([
        parts.table(heads, rows, word("result", language), ("", *("number" for _ in shown))),
        parts.quiet(word("variants_more", language, more)) if more > 0 else None,
    ])  # fmt: skip


def beside(first: Answer, second: Answer, language: Language) -> list[Any]:
    """Return a table for each variant that two runs have both."""
    common = [v.name for v in first.variants if any(o.name == v.name for o in second.variants)][:MOST_VARIANTS]
    measures = [told for told in first.measures if any(other.name == told.name for other in second.measures)]
    if not common or not measures:
        return [parts.quiet(word("beside_nothing", language))]
    heads = [word(n, language) for n in ("measure", "run_first", "run_second", "run_difference")]
    found = []
    for name in common:
        pair = [next(v for v in answer.variants if v.name == name) for answer in (first, second)]
        heading = f"{word('variant', language)}: {pair[0].said(language)}"
        rows = [_pair(told, pair, first.currency, language) for told in measures]
        found.append(parts.panel(heading, parts.table(heads, rows, heading, ("", "number", "number", "number"))))
    return found


def settings(one: Job, other: Job, language: Language) -> Any:
    """Return what two runs were asked otherwise than each other."""
    asked = [_asked(job, language) for job in (one, other)]
    places = list(dict.fromkeys([*asked[0], *asked[1]]))
    same = word("as_scenario", language)
    rows = [
        (place, *(values.get(place, same) for values in asked))
        for place in places if asked[0].get(place) != asked[1].get(place)
    ]  # fmt: skip
    if not rows:
        return parts.quiet(word("asked_alike", language))
    heads = [word(n, language) for n in ("place", "run_first", "run_second")]
    return parts.panel(
        word("asked_differently", language), parts.table(heads, rows, word("asked_differently", language))
    )


def _asked(job: Job, language: Language) -> dict[str, str]:
    found = {"": job.scenario, **dict(change.split("=", 1) for change in job.changes)}
    found[word("scenario", language)] = found.pop("")
    for name, value in (("replications", job.replications), ("precision", job.precision), ("seed", job.seed)):
        if value not in (None, ""):
            found[word(name, language)] = str(value)
    if job.start:
        found[word("start_from", language)] = word(f"from_{job.start}", language)
    return found


def _pair(told: Told, pair: Sequence[Variant], currency: str, language: Language) -> list[Any]:
    scale = scale_of(told, _numbers(told, pair), currency)
    one, other = (v.numbers.get(told.name, Number()) for v in pair)
    cells = [_named(told, scale, language), _measured(one, scale, language), _measured(other, scale, language)]
    if one.middle is None or other.middle is None:
        return [*cells, parts.NONE]
    difference = other.middle - one.middle
    found = judged(told, difference) if apart(one, other) else "unclear"
    return [*cells, [html.Div(_signed(difference, scale)), _marked(found, language)]]


def _numbers(told: Told, shown: Sequence[Variant]) -> list[Number]:
    return [each.numbers[told.name] for each in shown if told.name in each.numbers]


def _headed(variant: Variant, language: Language) -> Any:
    """Return a variant's name, and below it where its changes stand to what was calibrated."""
    key = RANGES.get(variant.calibration)
    return [html.Span(variant.said(language)), html.Div(word(key, language), className="note") if key else None]


def _named(told: Told, scale: Scale, language: Language) -> Any:
    said = f"{told.said(language)} [{scale.unit}]" if scale.unit else told.said(language)
    return [html.Span(said), html.Div(told.name, className="note")]


def _measured(number: Number | None, scale: Scale, language: Language) -> Any:
    """Return a mean with its interval below it, and between which values nine of ten replications lie."""
    if number is None or number.middle is None:
        return parts.NONE
    low, middle, high = (_scaled(end, scale, scale.offset) for end in (number.low, number.middle, number.high))
    lines = [html.Div(_text(middle)), html.Div(f"{_text(low)} … {_text(high)}", className="note")]
    if number.p5 is not None and number.p95 is not None and number.p5 != number.p95:
        ends = [_text(_scaled(end, scale, scale.offset)) for end in (number.p5, number.p95)]
        lines.append(html.Div(word("nine_in_ten", language, " … ".join(ends)), className="note"))
    return html.Div(lines, className="measured")


def _differs(told: Told, number: Number | None, scale: Scale, language: Language) -> Any:
    if number is None or number.middle is None:
        return None
    low, high = (_signed(end, scale, bare=True) for end in (number.low, number.high))
    return html.Div([
        html.Div(_signed(number.middle, scale)), html.Div(f"{low} … {high}", className="note"),
        _marked(verdict(told, number), language),
    ], className="differs")  # fmt: skip


def _marked(found: Verdict, language: Language) -> html.Div:
    """Return a verdict by its shape and in words."""
    return html.Div([html.Span(SHAPES[found], **parts.MUTE), f" {word(WORDS[found], language)}"], className=found)


def _signed(value: float | None, scale: Scale, *, bare: bool = False) -> str:
    scaled = _scaled(value, scale, 0.0)
    unit = "%p" if scale.unit == "%" else "K" if scale.offset else scale.unit
    sign = "+" if scaled > 0.0 else ""
    return f"{sign}{_text(scaled)}" if bare else f"{sign}{_text(scaled)} {unit}".strip()


def _scaled(value: float | None, scale: Scale, offset: float) -> float:
    return math.nan if value is None else (value - offset) / scale.factor


def _text(value: float) -> str:
    said = f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else parts.number(value)
    return said.replace("-", "\N{MINUS SIGN}")
