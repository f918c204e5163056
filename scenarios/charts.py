"""The charts of a report: intervals, courses of time, what is traded off, and what a number depends on."""

import math
from collections.abc import Sequence
from typing import Final

from scenarios.answer import Answer, Curve, Index, Number, Swing, Told, Variant
from scenarios.drawing import (
    STYLES,
    Axis,
    axis,
    dashes,
    fitted,
    line,
    marker,
    path,
    rectangle,
    spread,
    svg,
    text,
    ticks,
    wide,
    x_axis,
    y_axis,
)  # fmt: skip
from scenarios.markup import Markup, joined
from scenarios.sentences import called, label
from scenarios.shown import NONE, Scale, number_said, scale, scale_of, shown, with_unit
from scenarios.words import Language, word
from twin.monitor.words import plain

WIDE: Final = 720.0
NARROW: Final = 360.0
MOST_LINES: Final = 24
"""Variants in one plot of intervals."""


def scaled_name(told: Told, by: Scale, language: Language) -> str:
    """Return a number's name with its unit in brackets."""
    return f"{label(told, language)} [{by.symbol}]" if by.symbol else label(told, language)


def forest(
    answer: Answer, told: Told, variants: Sequence[tuple[int, Variant]], *, name: str, language: Language
) -> Markup:
    """Return the mean and interval of every variant, one below the other, beside the first one's mean.

    Parameters
    ----------
    variants : sequence of (int, Variant)
        Those that are drawn, with their places in the answer.
    name : str
        The drawing's own on the page.
    """
    numbers = [variant.numbers[told.name] for _, variant in variants]
    by = scale_of(told, [each.numbers[told.name] for each in answer.variants])
    drawn = [by.of(v) for n in numbers for v in (n.low, n.middle, n.high) if v is not None]
    bottom = 8.0 + 24.0 * len(numbers)
    x = axis(drawn, 104.0, NARROW - 78.0)
    parts = [x_axis(x, 4.0, bottom, ticks(x.low, x.high, 5))]
    first = answer.variants[0].numbers[told.name].middle
    if first is not None:
        parts.append(line(x.at(by.of(first)), 4.0, x.at(by.of(first)), bottom, class_="base"))
    said, few = [], len(answer.variants) <= STYLES  # more can't be told apart
    for row, ((k, variant), number) in enumerate(zip(variants, numbers, strict=True)):
        y, words = 20.0 + 24.0 * row, number_said(number, by, language)
        said.append(f"{called(variant, language)} {words.middle} ({words.interval})")
        parts.append(text(0.0, y + 4.0, fitted(called(variant, language), 98.0)))
        parts.append(_whisker(number, by, x, y, k if few else 0))
        parts.append(text(NARROW, y + 4.0, fitted(words.middle, 76.0), text_anchor="end", class_="value"))
    title = word("forest_caption", language, scaled_name(told, by, language))
    return svg(NARROW, bottom + 22.0, (title, word("forest_desc", language, "; ".join(said))), name, *parts)


def _whisker(number: Number, by: Scale, x: Axis, y: float, k: int) -> Markup:
    if number.middle is None:
        return joined()
    parts = []
    if number.low is not None and number.high is not None:
        low, high = x.at(by.of(number.low)), x.at(by.of(number.high))
        parts = [line(low, y, high, y, class_=f"line v{k % STYLES}")]
        parts += [line(end, y - 4.0, end, y + 4.0, class_=f"line v{k % STYLES}") for end in (low, high)]
    return joined(*parts, marker(k, x.at(by.of(number.middle)), y))


def course(curves: Sequence[tuple[int, str, Curve]], length: float, *, name: str, language: Language) -> Markup:
    """Return a quantity over time: medians and bands of variants, labelled where they end.

    Parameters
    ----------
    curves : sequence of (int, str, Curve)
        Place of the variant in the answer, its name, and its course of the same quantity.
    length : float
        What is looked at [s].
    """
    whole = [value for _, _, c in curves for value in (*c.low, *c.high)]
    by, time = scale(curves[0][2].unit, whole), scale("s", [length])
    top, bottom, left, right = 24.0, 214.0, 62.0, WIDE - 118.0
    x = Axis(0.0, time.of(length), left, right)
    y = axis([by.of(value) for value in whole], bottom, top)
    parts = [
        x_axis(
            x, top, bottom, ticks(x.low, x.high, 9, hours=time.unit == "h"), word("hours_axis", language, time.symbol)
        ),
        y_axis(y, left, right, ticks(y.low, y.high, 5), f"[{by.symbol}]" if by.symbol else ""),
    ]
    for k, _, c in curves:
        across = [x.at(time.of(t)) for t in c.times]
        edge = [(a, y.at(by.of(v))) for a, v in zip(across, c.high, strict=True)]
        back = [(a, y.at(by.of(v))) for a, v in zip(across, c.low, strict=True)]
        parts.append(path([*edge, *reversed(back)], closed=True, class_=f"band v{k % STYLES}"))
    for order, (k, _, c) in enumerate(curves):
        points = [(x.at(time.of(t)), y.at(by.of(v))) for t, v in zip(c.times, c.middle, strict=True)]
        parts.append(path(points, class_=f"line v{k % STYLES}", stroke_dasharray=dashes(k)))
        every = max(1, len(points) // 6)
        parts += [marker(k, *point, radius=3.5) for point in points[every * (order + 1) // (len(curves) + 1) :: every]]
    ends = [y.at(by.of(c.middle[-1])) for _, _, c in curves]
    for (k, said, _), at, to in zip(curves, ends, spread(ends, 15.0, top, bottom), strict=True):
        parts.append(line(right, at, right + 8.0, to, class_="leader"))
        parts.append(marker(k, right + 14.0, to, radius=3.5))
        parts.append(text(right + 22.0, to + 4.0, fitted(said, 96.0)))
    ended = "; ".join(f"{said} {with_unit(shown(by.of(c.middle[-1])), by.symbol, language)}" for _, said, c in curves)
    title = word("course_caption", language, plain(curves[0][2].path))
    return svg(WIDE, bottom + 40.0, (title, word("course_desc", language, ended)), name, *parts)


def pareto(answer: Answer, *, name: str, language: Language) -> Markup:
    """Return two numbers of every variant against each other; those of the front are numbered and joined."""
    one, other = (answer.told(each) for each in answer.pareto_of)
    known = [v for v in answer.variants if all(v.numbers[t.name].middle is not None for t in (one, other))]
    scales = [scale_of(told, [v.numbers[told.name] for v in known]) for told in (one, other)]

    def place(variant: Variant) -> tuple[float, float]:
        a, b = (variant.numbers[told.name].middle or 0.0 for told in (one, other))
        return scales[0].of(a), scales[1].of(b)

    top, bottom, left, right = 26.0, 300.0, 72.0, 560.0
    x = axis([place(v)[0] for v in known], left, right)
    y = axis([place(v)[1] for v in known], bottom, top)
    parts = [
        x_axis(x, top, bottom, ticks(x.low, x.high, 6), fitted(scaled_name(one, scales[0], language), 480.0)),
        y_axis(y, left, right, ticks(y.low, y.high, 6), fitted(scaled_name(other, scales[1], language), 480.0)),
    ]
    front = [variant for variant in front_of(answer) if variant in known]
    points = [(x.at(a), y.at(b)) for a, b in map(place, known)]
    parts += [marker(0, *at, radius=3.5, look="hollow") for at, v in zip(points, known, strict=True) if v not in front]
    joint = [(x.at(a), y.at(b)) for a, b in map(place, front)]
    parts += [path(joint, class_="line v1")] if len(joint) > 1 else []
    for k, (a, b) in enumerate(joint):
        parts += [marker(3, a, b, look="mark v1"), text(a + 8.0, b - 6.0, str(k + 1), class_="value")]
    parts += [marker(3, right + 20.0, top + 8.0, look="mark v1"), marker(0, right + 20.0, top + 28.0, look="hollow")]
    for k, key in enumerate(("pareto_front", "pareto_rest")):
        parts.append(text(right + 30.0, top + 12.0 + 20.0 * k, word(key, language)))
    title = word("pareto_caption", language, label(one, language), label(other, language))
    return svg(WIDE, bottom + 40.0, (title, word("pareto_desc", language, len(known), len(front))), name, *parts)


def front_of(answer: Answer) -> list[Variant]:
    """Return the variants of the front in the order of the first number."""
    named = {variant.name: variant for variant in answer.variants}
    first = answer.pareto_of[0]
    front = [named[name] for name in answer.pareto if name in named]
    return sorted(front, key=lambda variant: variant.numbers[first].middle or 0.0)


def tornado(answer: Answer, told: Told, swings: Sequence[Swing], *, name: str, language: Language) -> Markup:
    """Return what each factor's low and high bound change of a number, the widest first."""
    by = scale_of(told, [variant.numbers[told.name] for variant in answer.variants])
    ranked = sorted(swings, key=lambda each: -(max(each.low, each.high, 0.0) - min(each.low, each.high, 0.0)))
    values = [by.span(value) for each in ranked for value in (each.low, each.high)]
    bottom, x = 30.0 + 34.0 * len(ranked), axis(values, 190.0, WIDE - 30.0, zero=True)
    x = Axis(x.low - 0.08 * (x.high - x.low), x.high + 0.08 * (x.high - x.low), x.begin, x.end)
    unit = word("points_axis", language) if by.points else by.difference_symbol
    parts: list[str] = [x_axis(x, 26.0, bottom, ticks(x.low, x.high, 6), f"[{unit}]" if unit else "")]
    for row, swing in enumerate(ranked):
        y = 34.0 + 34.0 * row
        parts.append(text(0.0, y + 15.0, fitted(plain(swing.factor), 182.0)))
        for value, look, shift in ((swing.low, "bar hollow", 0.0), (swing.high, "bar full", 12.0)):
            ends = sorted((x.at(0.0), x.at(by.span(value))))
            parts.append(rectangle(ends[0], y + shift, max(ends[1] - ends[0], 0.5), 11.0, class_=look))
            said, right = shown(float(f"{by.span(value):.3g}"), signed=True), value >= 0.0
            at = x.at(by.span(value)) + (5.0 if right else -5.0)
            parts.append(text(at, y + shift + 9.5, said, class_="small", text_anchor="start" if right else "end"))
    parts.append(line(x.at(0.0), 26.0, x.at(0.0), bottom, class_="base"))
    parts.append(_key([("bar hollow", "tornado_low"), ("bar full", "tornado_high")], 190.0, language))
    title = word("tornado_caption", language, scaled_name(told, by, language))
    said = "; ".join(plain(swing.factor) for swing in ranked)
    return svg(WIDE, bottom + 38.0, (title, word("tornado_desc", language, said)), name, *parts)


def _key(looks: Sequence[tuple[str, str]], left: float, language: Language) -> Markup:
    """Return what bars mean, above a field."""
    parts = []
    for look, key in looks:
        said = word(key, language)
        parts += [rectangle(left, 5.0, 16.0, 11.0, class_=look), text(left + 22.0, 15.0, said)]
        left += 46.0 + wide(said)
    return joined(*parts)


def indices(answer: Answer, told: Told, found: Sequence[Index], *, name: str, language: Language) -> Markup:
    """Return the shares of a number's variance that are due to each factor, with their intervals."""
    ranked = sorted(found, key=lambda each: -(each.total.middle or 0.0))
    by = Scale("%", 100.0, 0.0, True)
    values = [by.of(v) for i in ranked for n in (i.first, i.total) for v in (n.low, n.middle, n.high) if v is not None]
    bottom, x = 30.0 + 36.0 * len(ranked), axis([*values, 100.0], 190.0, WIDE - 110.0, zero=True)
    parts: list[str] = [x_axis(x, 26.0, bottom, ticks(x.low, x.high, 6), "[%]")]
    said = []
    for row, index in enumerate(ranked):
        y = 33.0 + 36.0 * row
        parts.append(text(0.0, y + 17.0, fitted(plain(index.factor), 182.0)))
        for number, look, shift in ((index.first, "bar full", 0.0), (index.total, "bar hollow", 14.0)):
            parts.append(_share(number, by, x, y + shift, look))
            words = number_said(number, by, language)
            parts.append(text(WIDE, y + shift + 10.0, fitted(words.middle, 100.0), text_anchor="end", class_="value"))
        said.append(f"{plain(index.factor)} {number_said(index.total, by, language).middle}")
    parts.append(line(x.at(0.0), 26.0, x.at(0.0), bottom, class_="base"))
    parts.append(_key([("bar full", "index_first"), ("bar hollow", "index_total")], 190.0, language))
    title = word("indices_caption", language, label(told, language))
    return svg(WIDE, bottom + 38.0, (title, word("indices_desc", language, "; ".join(said) or NONE)), name, *parts)


def _share(number: Number, by: Scale, x: Axis, y: float, look: str) -> Markup:
    if number.middle is None:
        return joined()
    ends = sorted((x.at(0.0), x.at(by.of(number.middle))))
    parts = [rectangle(ends[0], y, max(ends[1] - ends[0], 0.5), 12.0, class_=look)]
    if number.low is not None and number.high is not None and math.isfinite(number.low + number.high):
        parts.append(line(x.at(by.of(number.low)), y + 6.0, x.at(by.of(number.high)), y + 6.0, class_="error"))
    return joined(*parts)
