"""What charts are drawn with: axes, marks, labels that fit, as inline SVG that follows the page's colours."""

import math
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from scenarios.markup import Markup, element, joined
from scenarios.shown import shown

SIZE: Final = 12.0
"""Of text, in the drawing's units."""
STYLES: Final = 6
"""Looks that variants can have: colour, dashes and marker together."""
_DASHES = (None, "8 4", "2 3", "10 3 2 3", "5 2", "1 5")
_HOURS = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 12.0, 24.0, 48.0, 96.0)


class Axis(NamedTuple):
    """Where values lie on a drawing: `low` at `begin`, `high` at `end`."""

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return where a value lies, kept inside."""
        share = (value - self.low) / (self.high - self.low)
        return self.begin + min(max(share, 0.0), 1.0) * (self.end - self.begin)


class Panel(NamedTuple):
    """A drawing's field, and its axes."""

    x: Axis
    y: Axis


def axis(values: Sequence[float], begin: float, end: float, *, zero: bool = False) -> Axis:
    """Return an axis that holds all values with a little room, and 0 if asked for."""
    known = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    size = max(abs(low), abs(high))
    room = 0.06 * (high - low) if high - low > 1e-9 * size else 0.05 * size or 1.0
    return Axis(low - room, high + room, begin, end)


def ticks(low: float, high: float, most: int = 5, *, hours: bool = False) -> list[float]:
    """Return round numbers between two values; `hours` come in parts of a day."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [*_HOURS] if hours and rough <= _HOURS[-1] else [m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0)]
    step = next(each for each in steps if each >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(values: Sequence[float]) -> list[str]:
    """Return ticks with as many decimals as tell them apart."""
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) if values else 1.0
    scaled = [d for d in range(7) if math.isclose(round(step, d), step, rel_tol=1e-6)]
    digits = scaled[0] if scaled else 6
    return [shown(value, digits) for value in values]


def svg(width: float, height: float, words: tuple[str, str], name: str, *parts: str) -> Markup:
    """Return a drawing with a title and a description for those who don't see it; `name` is its own on the page."""
    title, description = words
    return element(
        "svg", element("title", title, id=f"{name}-t"), element("desc", description, id=f"{name}-d"), *parts,
        viewBox=f"0 0 {width:g} {height:g}", role="img", aria_labelledby=f"{name}-t", aria_describedby=f"{name}-d",
        style=f"--wide:{width:g}px",
    )  # fmt: skip


def text(x: float, y: float, said: str, **attributes: object) -> Markup:
    """Return a label."""
    return element("text", said, x=f"{x:.1f}", y=f"{y:.1f}", **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> Markup:
    """Return a straight line."""
    return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", **attributes)


def rectangle(x: float, y: float, width: float, height: float, **attributes: object) -> Markup:
    """Return a rectangle."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{max(width, 0.0):.1f}", "height": f"{height:.1f}"}
    return element("rect", **place, **attributes)


def path(points: Sequence[tuple[float, float]], *, closed: bool = False, **attributes: object) -> Markup:
    """Return a line through points."""
    said = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else "")
    return element("path", d=said, **attributes)


def dashes(k: int) -> str | None:
    """Return how the line of variant k is dashed."""
    return _DASHES[k % STYLES]


def marker(k: int, x: float, y: float, *, radius: float = 4.5, look: str = "") -> Markup:
    """Return the mark of variant k: circle, square, triangle, diamond, cross, triangle on its head."""
    kind, r = k % STYLES, radius
    classes = look or f"mark v{kind}"
    if kind == 0:
        return element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=f"{r:g}", class_=classes)
    if kind == 1:
        return rectangle(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, class_=classes)
    if kind == 4:
        arms = [
            f"M{x - r:.1f} {y - r:.1f}L{x + r:.1f} {y + r:.1f}",
            f"M{x - r:.1f} {y + r:.1f}L{x + r:.1f} {y - r:.1f}",
        ]
        return element("path", d="".join(arms), class_=f"line v{kind}")
    corners = {
        2: ((0.0, -1.2), (1.1, 0.9), (-1.1, 0.9)),
        3: ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
        5: ((0.0, 1.2), (1.1, -0.9), (-1.1, -0.9)),
    }[kind]
    return path([(x + r * a, y + r * b) for a, b in corners], closed=True, class_=classes)


def wide(said: str, size: float = SIZE) -> float:
    """Return about how wide a label is."""
    return sum(size * (1.05 if unicodedata.east_asian_width(c) in "WF" else 0.6) for c in said)


def fitted(said: str, width: float, size: float = SIZE) -> str:
    """Return a label that is no wider, cut visibly."""
    if wide(said, size) <= width:
        return said
    while said and wide(f"{said}…", size) > width:
        said = said[:-1]
    return f"{said}…"


def spread(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Return places for labels that don't overlap, near where they are wanted."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    found = [0.0] * len(places)
    last = low - apart
    for i in order:
        last = found[i] = max(places[i], last + apart)
    last = high + apart
    for i in reversed(order):
        last = found[i] = min(found[i], last - apart)
    return found


def x_axis(x: Axis, top: float, bottom: float, values: Sequence[float], name: str = "") -> Markup:
    """Return an axis below a field: lines through it, numbers, what it is."""
    parts = [line(x.begin, bottom, x.end, bottom, class_="frame")]
    for value, said in zip(values, tick_text(values), strict=True):
        parts.append(line(x.at(value), top, x.at(value), bottom, class_="grid"))
        parts.append(text(x.at(value), bottom + 15.0, said, class_="tick", text_anchor="middle"))
    if name:
        parts.append(text(0.5 * (x.begin + x.end), bottom + 31.0, name, class_="tick", text_anchor="middle"))
    return joined(*parts)


def y_axis(y: Axis, left: float, right: float, values: Sequence[float], name: str = "") -> Markup:
    """Return an axis left of a field."""
    parts = []
    for value, said in zip(values, tick_text(values), strict=True):
        parts.append(line(left, y.at(value), right, y.at(value), class_="grid"))
        parts.append(text(left - 6.0, y.at(value) + 4.0, said, class_="tick", text_anchor="end"))
    if name:
        parts.append(text(left, min(y.begin, y.end) - 8.0, name, class_="tick", text_anchor="start"))
    return joined(*parts)
