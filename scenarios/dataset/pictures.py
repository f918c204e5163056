"""What the pages of a data set are drawn with: curves over shaded regions, matrices, a key of lines."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from scenarios import words
from scenarios.drawing import Axis, axis, fitted, line, path, rectangle, svg, text, ticks, wide, x_axis, y_axis
from scenarios.markup import Markup, element, joined
from scenarios.shown import shown

word = partial(words.word, file=Path(__file__).with_name("words.yaml"))
"""Return a text of these pages, see `scenarios.words.word`."""

MOST_POINTS: Final = 400
"""Of a line: more rows are drawn as the least and greatest of so many."""
LEFT: Final = 62.0
BELOW: Final = 38.0
MOST_LABEL: Final = 170.0
"""Room for names beside a matrix."""


class Line(NamedTuple):
    """A curve; broken where a value is NaN. `look` is a class of the page's style."""

    x: np.ndarray
    y: np.ndarray
    look: str
    dash: str | None = None
    width: float = 1.5


class Region(NamedTuple):
    """What is shaded from `begin` to `end`, over the whole height, or in a strip below with a name."""

    begin: float
    end: float
    look: str
    strip: str = ""


class Plot(NamedTuple):
    """Curves in one field."""

    lines: Sequence[Line]
    x_name: str
    y_name: str
    regions: Sequence[Region] = ()
    width: float = 360.0
    height: float = 190.0
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


def plot(found: Plot, words_: tuple[str, str], name: str) -> Markup:
    """Return a drawing with a title and a description; `name` is its own on the page."""
    strips = any(region.strip for region in found.regions)
    top, bottom = 22.0, found.height - BELOW - (16.0 if strips else 0.0)
    left, right = LEFT, found.width - 10.0
    x = _axis([each.x for each in found.lines], found.x_range, left, right, room=False)
    y = _axis([each.y for each in found.lines], found.y_range, bottom, top, room=True)
    parts = [_region(region, x, top, bottom) for region in found.regions if not region.strip]
    low = bottom + (16.0 if strips else 0.0)
    parts.append(x_axis(x, top, low, ticks(x.low, x.high, 6 if found.width < 500.0 else 9), found.x_name))
    few = 3 if found.height < 150.0 else 5
    parts.append(y_axis(y, left, right, ticks(y.low, y.high, few), found.y_name))
    parts += [_region(region, x, top, bottom) for region in found.regions if region.strip]
    parts += [curve(each, x, y) for each in found.lines]
    return svg(found.width, low + BELOW, words_, name, *parts)


def figure(drawing: Markup, caption: str) -> Markup:
    """Return a drawing with its caption, which scrolls where it is too wide."""
    scroll = element("div", drawing, class_="scroll", tabindex=0, role="group", aria_label=caption)
    return element("figure", element("figcaption", caption), scroll)


def key(entries: Sequence[tuple[str, str | None, str]], name: str) -> Markup:
    """Return which line is what: look, dashes, words; regions have a look that begins with ``band``."""
    parts, left = [], 0.0
    for look, dash, said in entries:
        if look.startswith("band"):
            parts.append(rectangle(left, 4.0, 26.0, 11.0, class_=look))
        else:
            parts.append(line(left, 9.5, left + 26.0, 9.5, class_=look, stroke_dasharray=dash))
        parts.append(text(left + 32.0, 14.0, said))
        left += 56.0 + wide(said)
    title = ", ".join(said for _, _, said in entries)
    return svg(max(left, 100.0), 20.0, (title, title), name, *parts)


def matrix(values: np.ndarray, names: Sequence[str], words_: tuple[str, str], name: str) -> Markup:
    """Return correlations as fields: the fuller the nearer to 1 or -1, with the number where there is room."""
    room = min(max(wide(f"99 {each}") for each in names), MOST_LABEL) + 10.0
    size = max(min(34.0, 340.0 / len(names)), 12.0)
    parts = []
    for i, row in enumerate(names):
        said = fitted(f"{i + 1} {row}", room - 8.0)
        parts.append(text(room - 6.0, (i + 0.5) * size + 4.0, said, text_anchor="end", class_="tick"))
        for j in range(len(names)):
            parts.append(_cell(float(values[i, j]), (room + j * size, i * size), size))
        parts.append(text(room + (i + 0.5) * size, len(names) * size + 15.0, str(i + 1), text_anchor="middle"))
    return svg(room + len(names) * size + 4.0, len(names) * size + 22.0, words_, name, *parts)


def _cell(value: float, place: tuple[float, float], size: float) -> Markup:
    """Return a field of a matrix."""
    strength = 0.5 * abs(value) if math.isfinite(value) else 0.0
    look, style = "mark v1" if value >= 0.0 else "mark v2", f"fill-opacity:{strength:.2f}"
    parts = [rectangle(*place, size - 1.0, size - 1.0, class_=look, style=style)]
    parts.append(rectangle(*place, size - 1.0, size - 1.0, class_="outline"))
    if size >= 28.0:
        middle = (place[0] + 0.5 * size - 0.5, place[1] + 0.5 * size + 3.5)
        said = shown(round(value, 2) + 0.0, 2) if math.isfinite(value) else shown(None)
        parts.append(text(*middle, said, text_anchor="middle", class_="small"))
    return joined(*parts)


def _axis(
    values: Sequence[np.ndarray], limits: tuple[float, float] | None, begin: float, end: float, *, room: bool
) -> Axis:
    """Return an axis that holds all values."""
    if limits is not None:
        return Axis(*limits, begin, end)
    known = [each[np.isfinite(each)] for each in values]
    ends = [float(value) for each in known if each.size for value in (each.min(), each.max())]
    if room or len(set(ends)) < 2:
        return axis(ends, begin, end)
    return Axis(min(ends), max(ends), begin, end)


def _region(region: Region, x: Axis, top: float, bottom: float) -> Markup:
    begin, end = x.at(region.begin), x.at(region.end)
    if not region.strip:
        return rectangle(begin, top, end - begin, bottom - top, class_=region.look)
    parts = [rectangle(begin, bottom + 2.0, end - begin, 13.0, class_=look) for look in (region.look, "outline")]
    if wide(region.strip, 10.0) < end - begin - 4.0:
        parts.append(text(begin + 3.0, bottom + 12.5, region.strip, class_="small"))
    return joined(*parts)


def curve(each: Line, x: Axis, y: Axis) -> Markup:
    """Return a curve, thinned to least and greatest values where it has many points, broken where it has none."""
    across, up = thinned(each.x, each.y)
    parts = []
    good = np.isfinite(up)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], good.astype(int), [0]])))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        points = [(x.at(float(a)), y.at(float(b))) for a, b in zip(across[begin:end], up[begin:end], strict=True)]
        if len(points) == 1:
            points = [(points[0][0] - 0.5, points[0][1]), (points[0][0] + 0.5, points[0][1])]
        style = f"stroke-width:{each.width:g}"
        parts.append(path(points, class_=each.look, stroke_dasharray=each.dash, style=style))
    return joined(*parts)


def thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest value of each of `MOST_POINTS` pieces, in their order."""
    if len(x) <= 2 * MOST_POINTS:
        return x, y
    kept: list[int] = []
    for piece in np.array_split(np.arange(len(x)), MOST_POINTS):
        values = y[piece]
        if np.isfinite(values).any():
            kept += sorted({int(piece[np.nanargmin(values)]), int(piece[np.nanargmax(values)])})
        else:
            kept.append(int(piece[0]))
    return x[kept], y[kept]
