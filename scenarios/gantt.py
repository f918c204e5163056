"""What stations did and how many parts buffers held over time, drawn as one timeline."""

from collections.abc import Sequence
from typing import Final

from scenarios.answer import Level, Span, Variant
from scenarios.drawing import Axis, fitted, path, rectangle, svg, text, ticks, wide, x_axis
from scenarios.markup import Markup, element, joined
from scenarios.shown import scale, shown, with_unit
from scenarios.words import Language, word
from twin.monitor.words import plain

LONGEST: Final = 8 * 3600.0
"""More can't be read on a page [s]."""
WIDE: Final = 720.0
_LEFT, _RIGHT = 96.0, WIDE - 46.0
_ROW, _HIGH = 26.0, 18.0
# As they stand in the legend; of what stands still even a moment is drawn.
_ORDER = ("off", "idle", "busy", "setup", "blocked", "tool", "waiting", "maintenance", "down")
_ALWAYS = ("down", "maintenance", "waiting")
_COLUMNS = 280
"""Into which a timeline is divided: each shows one state, or changes within seconds would be a blur."""
# Strokes of each state's pattern, in a square of 6; solid where there are none.
_STROKES = {
    "setup": "M3 0V6", "blocked": "M-1 1L1 -1M0 6L6 0M5 7L7 5", "maintenance": "M0 3H6",
    "tool": "M-1 5L1 7M0 0L6 6M5 -1L7 1", "waiting": "M2 3H4", "down": "M0 6L6 0M0 0L6 6",
}  # fmt: skip


def until(variants: Sequence[Variant], length: float) -> float:
    """Return up to when timelines are drawn [s]: as far as all have one, and as can be read."""
    ends = [max(span.end for span in variant.gantt) for variant in variants if variant.gantt]
    return min([length, LONGEST, *ends])


def grain(end: float) -> float:
    """Return how long a column of a timeline is [s]."""
    return end / _COLUMNS


def timeline(variant: Variant, end: float, *, title: str, name: str, language: Language) -> Markup:
    """Return a variant's timeline up to a time [s]; `name` is the drawing's own on the page."""
    blocks = list(dict.fromkeys(span.block for span in variant.gantt))
    time = scale("s", [end])
    x = Axis(0.0, time.of(end), _LEFT, _RIGHT)
    seen = {span.state for span in variant.gantt if span.begin < end}
    used = [state for state in (*_ORDER, *sorted(seen - set(_ORDER))) if state in seen]
    legend, top = _legend(used, name, language)
    bottom = top + _ROW * len(blocks) + (40.0 * len(variant.levels))
    marks = ticks(x.low, x.high, 9, hours=time.unit == "h")
    parts = [_patterns(used, name), legend]
    parts.append(x_axis(x, top, bottom, marks, word("hours_axis", language, time.symbol)))
    said = []
    for row, block in enumerate(blocks):
        mine = [span for span in variant.gantt if span.block == block and span.begin < end]
        parts.append(text(0.0, top + _ROW * row + 17.0, fitted(plain(block), _LEFT - 8.0)))
        parts.append(_row(mine, used, x, (top + _ROW * row + 4.0, name, end)))
        busy = sum(min(span.end, end) - max(span.begin, 0.0) for span in mine if span.state == "busy") / end
        share = with_unit(shown(100.0 * busy, 0), "%", language)
        parts.append(text(WIDE, top + _ROW * row + 17.0, share, class_="value", text_anchor="end"))
        said.append(f"{plain(block)}: {_shares(mine, end, language)}.")
    for row, level in enumerate(variant.levels):
        parts.append(_level(level, x, top + _ROW * len(blocks) + 40.0 * row, end))
    description = word("gantt_desc", language, " ".join(said))
    return svg(WIDE, bottom + 38.0, (title, description), name, *parts)


def _look(state: str) -> str:
    return f"state-{state}" if state in _ORDER else "state-other"


def _fill(state: str, name: str) -> str | None:
    return f"url(#{name}-{state})" if state in _STROKES else None


def state_said(state: str, language: Language) -> str:
    """Return what a state is called."""
    return word(f"state_{state}", language) if state in _ORDER else plain(state)


def _patterns(used: Sequence[str], name: str) -> Markup:
    found = []
    for state in used:
        if state in _STROKES:
            back = rectangle(0.0, 0.0, 6.0, 6.0, class_=f"back {_look(state)}")
            strokes = element("path", d=_STROKES[state], class_=f"strokes {_look(state)}")
            found.append(
                element(
                    "pattern", back, strokes, id=f"{name}-{state}", width=6, height=6, patternUnits="userSpaceOnUse"
                )
            )
    return element("defs", *found)


def _legend(used: Sequence[str], name: str, language: Language) -> tuple[Markup, float]:
    """Return what patterns mean, and where it ends."""
    parts, left, top = [], 0.0, 4.0
    for state in used:
        said = state_said(state, language)
        if left + 30.0 + wide(said) > WIDE:
            left, top = 0.0, top + 20.0
        parts.append(rectangle(left, top, 20.0, 13.0, class_=f"cell swatch {_look(state)}", fill=_fill(state, name)))
        parts.append(text(left + 26.0, top + 11.0, fitted(said, 200.0)))
        left += 44.0 + wide(fitted(said, 200.0))
    return joined(*parts), top + 24.0


def _row(spans: Sequence[Span], used: Sequence[str], x: Axis, place: tuple[float, str, float]) -> Markup:
    """Return a block's row: one path a state, which is far shorter than a rectangle a span."""
    y, name, end = place
    columns = _columns(spans, end)
    wide_ = (x.end - x.begin) / _COLUMNS
    cells: dict[str, list[str]] = {}
    begin = 0
    for k in range(1, _COLUMNS + 1):
        if k == _COLUMNS or columns[k] != columns[begin]:
            left, width = x.begin + begin * wide_, (k - begin) * wide_
            cells.setdefault(columns[begin], []).append(f"M{left:.1f} {y:.1f}h{width:.1f}v{_HIGH:g}h{-width:.1f}z")
            begin = k
    parts = [
        element("path", d="".join(cells[state]), class_=f"cell {_look(state)}", fill=_fill(state, name))
        for state in used
        if state in cells
    ]
    return joined(*parts, rectangle(x.begin, y, x.end - x.begin, _HIGH, class_="outline"))


def _columns(spans: Sequence[Span], end: float) -> list[str]:
    """Return what took most of each column, or what stood still in it; nothing where nothing is known."""
    step = grain(end)
    spent: list[dict[str, float]] = [{} for _ in range(_COLUMNS)]
    for span in spans:
        first, last = max(span.begin, 0.0), min(span.end, end)
        for k in range(int(first / step), min(int(last / step), _COLUMNS - 1) + 1):
            part = min(last, (k + 1) * step) - max(first, k * step)
            if part > 0.0:
                spent[k][span.state] = spent[k].get(span.state, 0.0) + part
    found = []
    for column in spent:
        stood = [state for state in _ALWAYS if state in column]
        found.append(stood[0] if stood else max(column, key=lambda state: column[state], default=""))
    return found


def _shares(spans: Sequence[Span], end: float, language: Language) -> str:
    spent: dict[str, float] = {}
    for span in spans:
        spent[span.state] = spent.get(span.state, 0.0) + max(min(span.end, end) - max(span.begin, 0.0), 0.0)
    ranked = sorted(spent.items(), key=lambda each: -each[1])
    return ", ".join(
        f"{state_said(state, language)} {with_unit(shown(100.0 * t / end, 0), '%', language)}" for state, t in ranked
    )


def _level(level: Level, x: Axis, top: float, end: float) -> Markup:
    """Return how many parts a buffer held: the mean of each column, and the least and the most."""
    columns = _held(level, end)
    most = max(high for _, _, high in columns)
    y = Axis(0.0, max(most, 1.0), top + 36.0, top + 10.0)
    wide_ = (x.end - x.begin) / _COLUMNS
    across = [(x.begin + k * wide_, x.begin + (k + 1) * wide_) for k in range(_COLUMNS)]
    lows, means, highs = (
        [(at, y.at(column[i])) for ends, column in zip(across, columns, strict=True) for at in ends] for i in range(3)
    )
    return joined(
        text(0.0, top + 28.0, fitted(plain(level.block), _LEFT - 30.0)),
        text(_LEFT - 6.0, top + 16.0, str(max(round(most), 1)), class_="small", text_anchor="end"),
        text(_LEFT - 6.0, top + 38.0, "0", class_="small", text_anchor="end"),
        path([*highs, *reversed(lows)], closed=True, class_="band v0"),
        path(means, class_="line level"),
    )


def _held(level: Level, end: float) -> list[tuple[float, float, float]]:
    """Return the least, the mean and the most of each column."""
    step = grain(end)
    times = [max(when, 0.0) for when in level.times]
    steps = [(0.0, 0.0), *zip(times, map(float, level.held), strict=True)]
    ends = [*(when for when, _ in steps[1:]), end]
    areas = [0.0] * _COLUMNS
    lows, highs = [float("inf")] * _COLUMNS, [0.0] * _COLUMNS
    for (begin, held), stop in zip(steps, ends, strict=True):
        for k in range(int(begin / step), min(int(min(stop, end) / step), _COLUMNS - 1) + 1):
            part = min(stop, end, (k + 1) * step) - max(begin, k * step)
            if part > 0.0:
                areas[k] += held * part
                lows[k], highs[k] = min(lows[k], held), max(highs[k], held)
    return [(min(low, high), area / step, high) for low, area, high in zip(lows, areas, highs, strict=True)]
