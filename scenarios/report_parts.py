"""The tables of a report."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from scenarios.answer import Answer, Range, Told, Variant
from scenarios.charts import front_of
from scenarios.markup import Markup, element, joined
from scenarios.sentences import FEW, called, label
from scenarios.shown import (
    NONE,
    difference_said,
    number_said,
    scale,
    scale_of,
    shown,
    spread_said,
    time_said,
    verdict,
    with_unit,
)
from scenarios.words import Language, word
from twin.monitor.words import plain

MOST_ROWS: Final = 40
"""Variants in a table; those of the front and the best are always there."""
_RANGES = {"inside": "inside", "outside": "outside", "never calibrated": "never"}


def cell(*children: str, name: str = "td", **attributes: object) -> Markup:
    """Return a cell of a table."""
    return element(name, *children, **attributes)


def heading(*children: str, row: bool = False, **attributes: object) -> Markup:
    """Return a heading of a column, or of a row."""
    return element("th", *children, scope="row" if row else "col", **attributes)


def table(
    caption: str, head: Sequence[str], rows: Sequence[Markup], language: Language, *, hidden: bool = False
) -> Markup:
    """Return a table with a caption, which scrolls where it is too wide; a hidden caption is heard only."""
    whole = element(
        "table",
        element("caption", element("span", caption, class_="hidden" if hidden else None)),
        element("thead", element("tr", *head)),
        element("tbody", *rows),
    )
    return element(
        "div", whole, class_="scroll", tabindex=0, role="group", aria_label=word("scroll", language, caption)
    )


def bdi(text: str) -> Markup:
    """Return a name that can't turn the text around it."""
    return element("bdi", text)


def drawn_rows(answer: Answer) -> list[tuple[int, Variant]]:
    """Return the variants that have a row, with their places."""
    always = {answer.variants[0].name, *answer.pareto, *([answer.best.variant] if answer.best else [])}
    left = MOST_ROWS - sum(variant.name in always for variant in answer.variants)
    found = []
    for k, variant in enumerate(answer.variants):
        if variant.name in always or left > 0:
            found.append((k, variant))
            left -= variant.name not in always
    return found


def compared(answer: Answer, language: Language) -> Markup:
    """Return the variants side by side, or below each other where they are many, and what their small print means."""
    rows = _side_by_side(answer, language) if len(answer.variants) <= FEW else _below(answer, language)
    numbers = [number for variant in answer.variants for number in variant.numbers.values()]
    spread = any(number.p5 is not None and number.p5 != number.p95 for number in numbers)
    return joined(rows, element("p", word("nine_in_ten_note", language), class_="quiet") if spread else "")


def _below(answer: Answer, language: Language) -> Markup:
    paths = list(dict.fromkeys(path for variant in answer.variants for path in variant.changes))[:6]
    head = [heading(word("variant", language)), *(heading(bdi(plain(path))) for path in paths)]
    head += [heading(label(told, language), class_="number") for told in answer.measures]
    rows = []
    for _, variant in drawn_rows(answer):
        cells = [heading(bdi(called(variant, language)), row=True)]
        cells += [cell(plain(variant.changes.get(path, NONE))) for path in paths]
        cells += [_value(answer, told, variant, language) for told in answer.measures]
        rows.append(element("tr", *cells))
    hidden = len(answer.variants) - len(rows)
    more = element("p", word("more_rows", language, hidden), class_="quiet") if hidden else ""
    return joined(table(word("variants_compared", language), head, rows, language), more)


def _side_by_side(answer: Answer, language: Language) -> Markup:
    head = [heading(word("measure", language))]
    for k, variant in enumerate(answer.variants):
        base = element("span", word("compared_with", language), class_="under") if not k and answer.variants[1:] else ""
        head.append(heading(bdi(called(variant, language)), base, class_="number"))
    rows = []
    for told in answer.measures:
        cells = [heading(label(told, language), _under(told, language), row=True)]
        cells += [_value(answer, told, variant, language) for variant in answer.variants]
        rows.append(element("tr", *cells))
    return table(word("variants_compared", language), head, rows, language)


def _under(told: Told, language: Language) -> Markup:
    """Return what stands below a number's name: how the scenario calls it, and which way is better."""
    said = [element("code", plain(told.name))]
    if told.probability:
        said.append(joined(word("probability_note", language)))
    if told.better in ("more", "less"):
        said.append(joined(word(f"wanted_{told.better}", language)))
    return element("span", Markup(" · ".join(said)), class_="under")


def _value(answer: Answer, told: Told, variant: Variant, language: Language) -> Markup:
    number = variant.numbers[told.name]
    by = scale_of(told, [each.numbers[told.name] for each in answer.variants])
    said = number_said(number, by, language)
    if number.middle is None:
        return cell(NONE, element("span", word("no_value", language), class_="under"), class_="number")
    under = [each for each in (said.interval, spread_said(number, by, language)) if each]
    if number.size != variant.replications:
        under.append(word("in_each", language, number.size))
    parts = [element("span", each, class_="under") for each in under]
    return cell(element("span", said.middle, class_="value"), *parts, class_="number")


def differences(answer: Answer, language: Language) -> Markup:
    """Return how variants differ from the first, what that says, and how much common random numbers helped."""
    head = [heading(word("measure", language)), heading(word("variant", language))]
    head += [heading(word(key, language), class_="number") for key in ("difference", "interval")]
    head += [heading(word("says", language)), heading(word("narrowed", language), class_="number")]
    head.append(heading(word("size", language), class_="number"))
    rows, others = [], [variant for _, variant in drawn_rows(answer) if variant is not answer.variants[0]]
    for told in answer.measures:
        for k, variant in enumerate(others):
            first = [heading(label(told, language), row=True, rowspan=len(others))] if k == 0 else []
            rows.append(element("tr", *first, *_difference(answer, told, variant, language)))
    return table(word("differences_from", language, called(answer.variants[0], language)), head, rows, language)


def _difference(answer: Answer, told: Told, variant: Variant, language: Language) -> list[Markup]:
    by = scale_of(told, [each.numbers[told.name] for each in answer.variants])
    found = variant.differences[told.name]
    said, which = difference_said(found, by, language), verdict(found, told.better)
    saved = found.reduction
    narrowed = (
        NONE if saved is None else word("narrower" if saved > -0.005 else "wider", language, f"{abs(100 * saved):.0f}")
    )
    return [
        heading(bdi(called(variant, language)), row=True), cell(said.middle, class_="number"),
        cell(said.interval or NONE, class_="number"),
        cell(element("span", word(f"verdict_{which}", language), class_=f"verdict {which}")),
        cell(narrowed, class_="number"), cell(str(found.size), class_="number"),
    ]  # fmt: skip


def changed(answer: Answer, language: Language) -> Markup:
    """Return what each variant does otherwise, and where that stands to what was calibrated."""
    head = [heading(word(key, language)) for key in ("variant", "path", "change", "becomes", "range")]
    rows = []
    for _, variant in drawn_rows(answer):
        lines = _changes(variant, language)
        name = heading(bdi(called(variant, language)), row=True, rowspan=len(lines))
        rows += [element("tr", *([name] if k == 0 else []), *cells) for k, cells in enumerate(lines)]
    return table(word("changed", language), head, rows, language, hidden=True)


def _changes(variant: Variant, language: Language) -> list[list[Markup]]:
    ranges = {(each.path, each.at): each for each in variant.ranges}
    found = []
    for path, said in variant.changes.items():
        found.append([cell(bdi(plain(path))), cell(plain(said)), *_range(path, ranges.get((path, "")), language)])
    for step in variant.schedule:
        after = word("later", language, plain(_time(step.get("at", NONE), language)))
        for path, said in step.items():
            if path != "at":
                found.append(
                    [
                        cell(bdi(plain(path))),
                        cell(f"{plain(said)} ({after})"),
                        *_range(path, ranges.get((path, step["at"])), language),
                    ]
                )
    return found or [[cell(word("nothing_changed", language), colspan=4)]]


def _time(said: str, language: Language) -> str:
    """Return a time of a schedule, which is written in seconds, as people read it."""
    number, _, unit = said.partition(" ")
    try:
        return time_said(float(number), language) if unit == "s" else said
    except ValueError:
        return said


def _range(path: str, found: Range | None, language: Language) -> list[Markup]:
    """Return what a changed quantity becomes, and where that stands."""
    if found is None:
        return [cell(NONE), cell(word("range_flow", language) if path.startswith("flow.") else NONE)]
    by = scale(found.unit, [found.value])
    value = with_unit(shown(by.of(found.value)), by.symbol, language)
    key = _RANGES.get(found.verdict)
    said = [
        element(
            "span", word(f"range_{key}", language) if key else plain(found.verdict), class_=f"range {key or 'other'}"
        )
    ]
    if found.low is not None and found.high is not None:
        ends = (shown(by.of(found.low)), with_unit(shown(by.of(found.high)), by.symbol, language))
        said.append(element("span", word("range_span", language, *ends), class_="note"))
    return [cell(value), cell(*said)]


def failures(answer: Answer, language: Language) -> Markup:
    """Return how many replications failed, and why: variant by variant, or all together where those are many."""
    few = len(answer.variants) <= FEW
    groups = [(called(each, language), each.failures) for each in answer.variants] if few else []
    if not few:
        groups = [("", {key: said for each in answer.variants for key, said in each.failures.items()})]
    head = [heading(word("variant", language))] if few else []
    head += [heading(word("count", language), class_="number")]
    head += [heading(word("reason", language)), heading(word("which", language))]
    rows = []
    for name, failed in groups:
        for reason, count in Counter(failed.values()).most_common(MOST_ROWS):
            keys = [key for key, said in failed.items() if said == reason]
            which = ", ".join(plain(key.rpartition("/")[2] if few else key) for key in keys[:10])
            which += ", …" if count > 10 else ""
            first = [heading(bdi(name), row=True)] if few else []
            rows.append(element("tr", *first, cell(str(count), class_="number"), cell(reason), cell(which)))
    return table(word("failed", language), head, rows, language, hidden=True)


def front(answer: Answer, language: Language) -> Markup:
    """Return the variants of the front, numbered as they are drawn."""
    told = [answer.told(name) for name in answer.pareto_of]
    head = [heading(text) for text in ("#", word("variant", language))]
    head += [heading(label(each, language), class_="number") for each in told]
    rows = []
    for k, variant in enumerate(front_of(answer)):
        cells = [cell(str(k + 1)), heading(bdi(called(variant, language)), row=True)]
        rows.append(element("tr", *cells, *(_value(answer, each, variant, language) for each in told)))
    return table(word("front_table", language), head, rows, language)


def assumptions(answer: Answer, language: Language) -> Markup:
    """Return what every variant assumes, and how it was run."""
    ranges = {each.path: each for each in answer.variants[0].ranges if not each.at}
    rows = [
        element("tr", heading(bdi(plain(path)), row=True), cell(plain(said)), *_range(path, ranges.get(path), language))
        for path, said in answer.assumptions.items()
    ]
    head = [heading(word(key, language)) for key in ("path", "change", "becomes", "range")]
    first = (
        table(word("assumed", language), head, rows, language)
        if rows
        else element("p", f"{word('assumed', language)}: {word('assumed_nothing', language)}")
    )
    basis = answer.basis
    start = word("start_rest", language) if basis.start == "rest" else plain(basis.start)
    facts = [
        ("length", time_said(answer.length, language)), ("warm_up", time_said(answer.warm_up, language)),
        ("replications", str(answer.replications)), ("seed", str(basis.seed)), ("start", start),
        *_begun(basis.start_time), ("random_numbers", word("random_common", language)), ("rtol", f"{basis.rtol:g}"),
        ("guesses", word("of_parameters", language, basis.guesses, basis.parameters)),
    ]  # fmt: skip
    return joined(first, element("h3", word("settings", language)), listed(facts, language))


def _begun(time: float | None) -> list[tuple[str, str]]:
    """Return when a start from a live twin was, if a calendar has it."""
    try:
        return [] if time is None else [("start_time", f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}")]
    except (OverflowError, ValueError, OSError):
        return []


def basis(answer: Answer, language: Language) -> Markup:
    """Return what an answer rests on."""
    found = answer.basis
    facts = [
        ("plant", plain(found.plant)), ("plant_hash", found.plant_sha256), ("scenario", plain(answer.scenario)),
        ("scenario_hash", found.scenario_sha256), ("start_digest", found.start_digest or word("none", language)),
        ("results_digest", found.results), ("version", found.version),
    ]  # fmt: skip
    return joined(listed(facts, language), element("p", word("same_basis", language), class_="quiet"))


def listed(facts: Sequence[tuple[str, str]], language: Language) -> Markup:
    """Return names and what they are."""
    rows = [element("div", element("dt", word(key, language)), element("dd", said)) for key, said in facts]
    return element("dl", *rows)
