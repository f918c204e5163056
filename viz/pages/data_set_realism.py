"""How real a data set is, and what a check of it found."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from dash import html

from twin.errors import TwinError
from twin.monitor.words import plain
from viz import data_set_realism as files
from viz import parts, sealed
from viz.api import BASE
from viz.data_set_realism import MEASURES, VIEWS, Checked, Realism
from viz.data_sets import Manifest
from viz.pages.data_sets import plain_long, scrolled, wrong
from viz.words import Language, word

MOST_FINDINGS = 20
_MEASURES = {
    "wasserstein": "set_wasserstein", "ks": "set_ks", "spectrum": "set_spectrum",
    "autocorrelation": "set_autocorrelation",
}  # fmt: skip
_VIEWS = {"normalised": "set_normalised", "raw": "set_raw", "itself": "set_itself"}
_STATES = {
    "passed": "set_passed", "failed": "set_not_passed", "not tried": "set_not_tried",
    "too few to tell": "set_too_few",
}  # fmt: skip


def content(name: str, place: Path, found: Manifest, language: Language) -> list[Any]:
    """Return what `twin dataset compare` and `twin dataset check` have found; else how to have it found."""
    return [_realism(name, place, found, language), _check(place, language)]


def _realism(name: str, place: Path, found: Manifest, language: Language) -> Any:
    heading = word("set_realism", language)
    try:
        looked = files.realism_of(place)
    except TwinError as err:
        return parts.panel(heading, wrong(str(err)))
    if looked is None:
        return parts.panel(
            heading, html.P(word("set_realism_none", language)),
            html.P(html.Code(f"twin dataset compare {quote(str(place))} RECORDING")),
        )  # fmt: skip
    other = word("set_realism_old", language) if looked.identity not in ("", found.identity) else ""
    scored = None
    if looked.score is not None and looked.score_itself is not None:
        scored = word("set_scored", language, f"{looked.score:.0f}", f"{looked.score_itself:.0f}",
                      plain(looked.recording))  # fmt: skip
    return parts.panel(
        heading, wrong(other) if other else None,
        html.P(scored) if scored else None, _told(looked, language),
        parts.quiet(word("set_score_alone", language)), _reports(name, place, language),
        html.H3(word("set_distances", language)), parts.quiet(word("set_distances_doc", language)),
        _distances(looked, language), html.H3(word("set_classifier", language)), _classifier(looked, language),
    )  # fmt: skip


def _told(looked: Realism, language: Language) -> html.P | None:
    """Return in a sentence what a classifier tells."""
    aucs = [each.auc if each else None for each in (looked.classifier.get("raw"), looked.classifier.get("normalised"))]
    if any(auc is None for auc in aucs):
        return None
    return html.P(word("set_told", language, *(f"{auc:.2f}" for auc in aucs)))


def _reports(name: str, place: Path, language: Language) -> html.P | None:
    """Return links to the reports with their plots, the reader's language first."""
    there: list[tuple[Language, str]] = [("en", "report_en"), ("ko", "report_ko")]
    shown: list[Any] = []
    for each, said in there[::-1] if language == "ko" else there:
        if sealed.present(place, files.REPORTS[each]):
            href = f"{BASE}/data-sets/realism?{urlencode({'set': name, 'lang': each})}"
            shown += [html.A(word(said, language), href=href, target="_blank"), " "]
    return html.P([word("set_plots", language), " ", *shown]) if shown else None


def _distances(looked: Realism, language: Language) -> Any:
    heads = [word("tag", language), *(word(_MEASURES[measure], language) for measure in MEASURES)]
    rows = [
        [plain(channel.name), *(
            _cell([getattr(getattr(channel, view), measure) for view in VIEWS], language) for measure in MEASURES
        )] for channel in looked.channels
    ]  # fmt: skip
    return scrolled(heads, rows, word("set_distances", language), ("name", *("number" for _ in MEASURES)))


def _cell(values: Sequence[float | None], language: Language) -> html.Div:
    """Return a distance of normalised values, and below it as they are, and of the recording to itself."""
    first, *others = (parts.NONE if value is None else parts.number(value, 3) for value in values)
    said = word("set_beside", language, *others)
    return html.Div([html.Div(first), html.Div(said, className="note")])


def _classifier(looked: Realism, language: Language) -> Any:
    rows = []
    for view in VIEWS:
        told, apart = looked.classifier.get(view), looked.correlation.get(view)
        auc = parts.NONE if told is None or told.auc is None else f"{told.auc:.2f}"
        known = told is not None and told.low is not None and told.high is not None
        interval = f"{told.low:.2f} … {told.high:.2f}" if told and known else word("set_not_tried", language)
        distance = apart.distance if apart else None
        rows.append((
            word(_VIEWS[view], language), auc, interval, parts.NONE if distance is None else parts.number(distance, 3)
        ))  # fmt: skip
    heads = [word(n, language) for n in ("what", "set_auc", "set_interval", "set_correlations")]
    return scrolled(heads, rows, word("set_classifier", language), ("", "number", "number", "number"))


def _check(place: Path, language: Language) -> Any:
    heading = word("set_check", language)
    try:
        found = files.check_of(place)
    except TwinError as err:
        return parts.panel(heading, wrong(str(err)))
    if found is None:
        return parts.panel(
            heading, html.P(word("set_check_none", language)),
            html.P(html.Code(f"twin dataset check {quote(str(place))}")),
        )  # fmt: skip
    whole = word("set_check_passed", language)
    said = html.P(whole, className="ending") if found.passed else html.P(
        parts.beyond(word("set_check_failed", language)))  # fmt: skip
    return parts.panel(heading, said, _outcomes(found, language))


def _outcomes(found: Checked, language: Language) -> Any:
    rows = []
    for name, outcome in found.checks.items():
        state = word(_STATES[outcome.state], language) if outcome.state in _STATES else plain(outcome.state)
        findings = [
            html.Div(plain_long(": ".join(text for text in (each.where, each.what, each.todo) if text)))
            for each in outcome.findings[:MOST_FINDINGS]
        ]
        more = len(outcome.findings) - MOST_FINDINGS
        rows.append((
            plain(name), parts.beyond(state) if outcome.state == "failed" else state,
            [html.Div(plain_long(outcome.said)), *findings, word("more", language, more) if more > 0 else None],
        ))  # fmt: skip
    heads = [word(n, language) for n in ("set_check", "state", "what")]
    return scrolled(heads, rows, word("set_check", language), ("name", "", ""))
