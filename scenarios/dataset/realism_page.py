"""The report of a data set's realism: what it comes to, channel by channel, as a page in English or Korean."""

import math
from collections.abc import Iterator

import numpy as np

from scenarios.dataset.findings import listed
from scenarios.dataset.pictures import Line, Plot, figure, key, matrix, plot, word
from scenarios.dataset.realism import PROBABILITIES, Distances, Realism
from scenarios.dataset.recorded import Compared
from scenarios.dataset.two_samples import Told
from scenarios.markup import Markup, element, joined
from scenarios.report import page
from scenarios.report_parts import bdi, cell, heading, table
from scenarios.shown import NONE, shown, time_said
from scenarios.words import Language
from twin.monitor import words as monitor

REAL, MADE = "line v2", "line v1"
DASH = "6 3"
"""Of the recording, so that it is told from the data set without colours."""
INNER = slice(1, -1)
"""Quantiles that are drawn: the extremes of many values would squeeze all others."""
MEASURES = ("wasserstein", "ks", "spectrum", "autocorrelation")


def realism_page(names: tuple[str, str], compared: Compared, found: Realism, language: Language) -> str:
    """Return the page.

    Parameters
    ----------
    names : (str, str)
        Of the data set and of the recording.
    """
    said = [element("p", each, class_="said") for each in sentences(compared, found, language)[:2]]
    quiet = [element("p", each, class_="quiet") for each in sentences(compared, found, language)[2:]]
    return page(
        word("realism_title", language, *names), language,
        element("section", *said, *quiet, class_="answer"),
        _section("channels_heading", language, _channels(compared, found, language)),
        _section("classifier_heading", language, _classifier(found, language)),
        _section("plots_heading", language, _key(language), *_plots(compared, found, language)),
        _section("correlations_heading", language, *_correlations(compared, found, language)),
        _section("method_heading", language, *_method(found, language)),
    )  # fmt: skip


def sentences(compared: Compared, found: Realism, language: Language) -> list[str]:
    """Return what it comes to, and which rows were compared."""
    every = time_said(compared.every, language)
    said = [
        word("realism_score", language, number(found.score), number(found.score_itself)),
        word("realism_told", language, _auc(found.raw.told), _auc(found.normalised.told)),
        word("realism_never_alone", language),
        word(
            "rows_labelled" if compared.marked else "rows_all", language, len(compared.real), len(compared.made), every
        ),
    ]
    if compared.marked and compared.unmarked:
        said.append(word("rows_unmarked", language, listed(compared.unmarked)))
    return said


def number(value: float) -> str:
    """Return a number with three digits."""
    return shown(float(f"{value:.3g}")) if math.isfinite(value) else NONE


def _auc(told: Told | None) -> str:
    return NONE if told is None else number(told.auc)


def _section(name: str, language: Language, *children: str) -> Markup:
    return element("section", element("h2", word(name, language)), *children)


def _channels(compared: Compared, found: Realism, language: Language) -> Markup:
    head = [heading(word("channel", language)), *(heading(word(m, language), class_="number") for m in MEASURES)]
    rows = []
    for k, column in enumerate(compared.channels):
        three = [view.distances[k] for view in (found.normalised, found.raw, found.itself)]
        cells = [_cell(three, measure, language) for measure in MEASURES]
        rows.append(element("tr", heading(bdi(column.name), row=True), *cells))
    return table(word("channels_caption", language), head, rows, language)


def _cell(three: list[Distances], measure: str, language: Language) -> Markup:
    """Return a distance of normalised values, above those as they are and of the recording itself."""
    own, raw, itself = (number(getattr(each, measure)) for each in three)
    under = [word("recording_itself", language, itself)]
    if measure != "autocorrelation":  # it is about each run's own mean: the same either way
        under.insert(0, word("as_they_are", language, raw))
    parts = [element("span", own, class_="value"), *(element("span", each, class_="under") for each in under)]
    return cell(*parts, class_="number")


def _classifier(found: Realism, language: Language) -> Markup:
    names = ("values", "auc", "interval", "windows", "parts")
    head = [heading(word(name, language), class_="number" if k else None) for k, name in enumerate(names)]
    rows = []
    for name, view in (("raw", found.raw), ("normalised", found.normalised), ("itself", found.itself)):
        told = view.told
        if told is None:
            cells = [cell(word("not_tried", language), colspan=4)]
        else:
            interval = word("between", language, number(told.low), number(told.high))
            said = (number(told.auc), interval, str(told.windows), str(told.parts))
            cells = [cell(each, class_="number") for each in said]
        rows.append(element("tr", heading(word(name, language), row=True), *cells))
    return table(word("classifier_caption", language, found.window), head, rows, language)


def _key(language: Language) -> Markup:
    return key([(REAL, DASH, word("the_recording", language)), (MADE, None, word("the_data_set", language))], "key")


def _plots(compared: Compared, found: Realism, language: Language) -> Iterator[Markup]:
    """Yield four plots of each channel."""
    for k, column in enumerate(compared.channels):
        unit = monitor.unit(column.unit)
        below, own = word("share_below", language), word("in_deviations", language)
        share = PROBABILITIES[INNER]
        drawn = []
        for name, view, x_name in (("raw", found.raw, f"[{unit}]"), ("normalised", found.normalised, own)):
            both = [each.quantiles[INNER] for each in (view.real[k], view.made[k])]
            drawn.append((f"plot_{name}", Plot(_pair([(each, share[: each.size]) for each in both]), x_name, below)))
        real, made = found.normalised.real[k], found.normalised.made[k]
        rate = 1.0 / (found.window * compared.every)
        spectra = [(rate * (1.0 + np.arange(each.spectrum.size)), each.spectrum) for each in (real, made)]
        drawn.append(("plot_spectrum", Plot(_pair(spectra), word("frequency", language), word("density", language))))
        memory = [each.autocorrelation for each in (real, made)]
        lags = [(compared.every * np.arange(each.size), each) for each in memory]
        drawn.append(("plot_memory", Plot(_pair(lags), word("lag", language), "")))
        figures = []
        for n, (name, each) in enumerate(drawn):
            caption = word(name, language, column.name)
            drawing = plot(each, (caption, word("plot_desc", language)), f"plot-{k}-{n}")
            figures.append(figure(drawing, caption))
        yield element("div", *figures, class_="grid")


def _pair(curves: list[tuple[np.ndarray, np.ndarray]]) -> list[Line]:
    """Return the data set's curve, and the recording's over it."""
    real, made = curves
    return [Line(*made, MADE, None, 2.0), Line(*real, REAL, DASH, 2.0)]


def _correlations(compared: Compared, found: Realism, language: Language) -> Iterator[Markup]:
    three = (found.normalised.correlation, found.raw.correlation, found.itself.correlation)
    yield element("p", word("correlations_said", language, *map(number, three)))
    names = [column.name for column in compared.channels]
    figures = []
    for side in ("real", "made"):
        caption = word(f"correlations_{side}", language)
        values = getattr(found.normalised, f"correlation_{side}")
        drawing = matrix(values, names, (caption, word("correlations_desc", language)), f"matrix-{side}")
        figures.append(figure(drawing, caption))
    yield element("div", *figures, class_="grid")


def _method(found: Realism, language: Language) -> list[Markup]:
    said = [
        word("method_normalised", language), word("method_windows", language, found.window),
        word("method_classifier", language), word("method_score", language),
    ]  # fmt: skip
    return [element("p", joined(each)) for each in said]
