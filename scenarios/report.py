"""The report of an answer: one page that needs nothing else, in English or Korean, on a screen or on paper."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from scenarios import charts, gantt
from scenarios import report_parts as parts
from scenarios.answer import Answer, Variant
from scenarios.drawing import STYLES
from scenarios.markup import Markup, element
from scenarios.sentences import FEW, answered, called, label, notes
from scenarios.shown import scale_of, time_said
from scenarios.words import Language, word
from twin.monitor.words import plain

MOST_COURSES: Final = STYLES
"""Variants in one plot of a course: more can't be told apart."""
MOST_TIMELINES: Final = 4


def report(answer: Answer, language: Language) -> str:
    """Return the report of an answer as an HTML page: no scripts, nothing that is loaded.

    Parameters
    ----------
    answer : Answer
        With one reported number and one variant at least.
    language : {"en", "ko"}
        Of all fixed words; names stay as the scenario has them.
    """
    question = " ".join((answer.question.get(language) or answer.question.get("en") or answer.scenario).split())
    return page(question, language, *_sections(answer, language))


def page(title: str, language: Language, *children: str) -> str:
    """Return an HTML page of a report's looks: no scripts, nothing that is loaded."""
    body = element("main", element("h1", title), *children)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"{element('title', title)}<style>{_style()}</style></head>\n<body>{body}</body></html>\n"
    )


def sentences(answer: Answer, language: Language) -> list[str]:
    """Return the answer in a few sentences, as the report begins, and what has to be said beside it."""
    return [*answered(answer, language), *notes(answer, language)]


def _style() -> str:
    return Path(__file__).with_name("report.css").read_text(encoding="utf-8")


def _section(key: str, language: Language, *children: str) -> Markup:
    return element("section", element("h2", word(key, language)), *children)


def _figure(drawing: Markup, caption: str) -> Markup:
    scroll = element("div", drawing, class_="scroll", tabindex=0, role="group", aria_label=caption)
    return element("figure", element("figcaption", caption), scroll)


def _folded(summary: str, content: str) -> Markup:
    return element("details", element("summary", summary), content, class_="long")


def _quiet(text: str) -> Markup:
    return element("p", text, class_="quiet")


def _sections(answer: Answer, language: Language) -> Iterator[Markup]:
    said = element("p", " ".join(answered(answer, language)), class_="said")
    yield element(
        "section", element("h2", word("answer", language)), said, *map(_quiet, notes(answer, language)), class_="answer"
    )
    several: str = parts.differences(answer, language) if len(answer.variants) > 1 else ""
    if len(answer.variants) > FEW:
        several = _folded(word("differences_from", language, called(answer.variants[0], language)), several)
    yield _section("results", language, parts.compared(answer, language), several)
    yield _section("intervals", language, _forests(answer, language))
    if any(variant.curves for variant in answer.variants):
        yield _section("courses", language, *_courses(answer, language))
    if any(variant.gantt for variant in answer.variants):
        yield _section("timeline", language, *_timelines(answer, language))
    if answer.pareto and len(answer.pareto_of) == 2:
        yield _section("trade_off", language, _pareto(answer, language), parts.front(answer, language))
    if answer.swings or answer.indices:
        yield _section("sensitivity", language, *_sensitivity(answer, language))
    changed = parts.changed(answer, language)
    folded = len(answer.variants) > FEW  # changes are columns of the results then
    yield _section("changed", language, _folded(word("changed", language), changed) if folded else changed)
    if any(variant.failures for variant in answer.variants):
        yield _section("failed", language, parts.failures(answer, language))
    yield _section("assumptions", language, parts.assumptions(answer, language))
    source = element("details", element("summary", word("source", language)), element("pre", answer.source, tabindex=0))
    yield _section("basis", language, parts.basis(answer, language), source)


def _forests(answer: Answer, language: Language) -> Markup:
    rows = parts.drawn_rows(answer)[: charts.MOST_LINES]
    found = []
    for k, told in enumerate(answer.measures):
        drawing = charts.forest(answer, told, rows, name=f"forest-{k}", language=language)
        by = scale_of(told, [variant.numbers[told.name] for variant in answer.variants])
        caption = word("forest_caption", language, charts.scaled_name(told, by, language))
        found.append(_figure(drawing, caption))
    return element("div", *found, class_="grid")


def _courses(answer: Answer, language: Language) -> Iterator[Markup]:
    kept = list(enumerate(answer.variants))
    for n, path in enumerate(dict.fromkeys(c.path for variant in answer.variants for c in variant.curves)):
        mine = [(k, called(v, language), c) for k, v in kept for c in v.curves if c.path == path and c.times]
        if mine:
            drawing = charts.course(mine[:MOST_COURSES], answer.length, name=f"course-{n}", language=language)
            yield _figure(drawing, word("course_caption", language, plain(path)))
        if len(mine) > MOST_COURSES:
            yield _quiet(word("course_limit", language, MOST_COURSES, len(mine)))


def _timelines(answer: Answer, language: Language) -> Iterator[Markup]:
    kept: Sequence[Variant] = [variant for variant in answer.variants if variant.gantt]
    drawn = kept[:MOST_TIMELINES]
    end = gantt.until(drawn, answer.length)
    if not end > 0.0:
        return
    if end < answer.length:
        yield _quiet(word("gantt_part", language, time_said(end, language), time_said(answer.length, language)))
    yield _quiet(word("gantt_grain", language, time_said(float(f"{gantt.grain(end):.2g}"), language)))
    for n, variant in enumerate(drawn):
        caption = word("gantt_caption", language, called(variant, language))
        yield _figure(gantt.timeline(variant, end, title=caption, name=f"states-{n}", language=language), caption)
    if len(kept) > len(drawn):
        yield _quiet(word("gantt_limit", language, len(drawn), len(kept)))


def _pareto(answer: Answer, language: Language) -> Markup:
    one, other = (label(answer.told(name), language) for name in answer.pareto_of)
    caption = word("pareto_caption", language, one, other)
    return _figure(charts.pareto(answer, name="pareto", language=language), caption)


def _sensitivity(answer: Answer, language: Language) -> Iterator[Markup]:
    for k, told in enumerate(answer.measures):
        by = scale_of(told, [variant.numbers[told.name] for variant in answer.variants])
        swings = [swing for swing in answer.swings if swing.number == told.name]
        if swings:
            drawing = charts.tornado(answer, told, swings, name=f"tornado-{k}", language=language)
            yield _figure(drawing, word("tornado_caption", language, charts.scaled_name(told, by, language)))
        found = [index for index in answer.indices if index.number == told.name]
        if found:
            drawing = charts.indices(answer, told, found, name=f"indices-{k}", language=language)
            yield _figure(drawing, word("indices_caption", language, label(told, language)))
