"""Plots of validation pages, each an SVG file: a free run beside its readings, and advisories over labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from scenarios.dataset.pictures import Line, curve, thinned
from scenarios.drawing import Axis, axis, line, path, rectangle, text, ticks, wide, x_axis, y_axis
from scenarios.markup import Markup, element, joined
from scenarios.shown import scale
from scenarios.validation.detecting import TEACH, Watched
from twin.calibrate.compared import Compared
from twin.runs import Scale

WIDTH: Final = 900.0
LEFT, RIGHT, TOP = 70.0, 890.0, 66.0
RUN, BETWEEN, ERROR = 240.0, 48.0, 130.0
"""Heights of the free run, of what is between, and of its error."""
ROW: Final = 22.0
NAMES: Final = 110.0
STYLE: Final = Path(__file__).with_name("plots.css")


def free_run(compared: Compared, tag: str, title: str) -> str:
    """Return a plot of a tag's free run with its 95 % band beside the readings, and of its error below."""
    plant, found, unit = compared.plant, compared.score, compared.units[tag]
    own = Scale.of(plant.quantity(plant.tags[tag].reads).unit, unit)
    read, predicted = own(compared.record.values[tag]), own(found.predicted[tag])
    half = own.factor * found.halfwidth[tag]
    by = scale("s", [float(compared.record.times[-1])])
    time, scored = by.factor * compared.record.times, slice(found.initialised, None)
    x = Axis(float(time[0]), float(time[-1]), LEFT, RIGHT)
    bottom = TOP + RUN
    run = _panel(x, (TOP, bottom), f"[{unit}]", (time, predicted - half, predicted + half), [
        Line(time, read, "line v2", None, 1.5), Line(time, predicted, "line v1", "6 3", 1.5),
    ])  # fmt: skip
    top, bottom = bottom + BETWEEN, bottom + BETWEEN + ERROR
    beside = scale(unit, [found.tags[tag].rmse * own.factor])
    error, half = beside.factor * (predicted - read)[scored], beside.factor * half
    residual = _panel(x, (top, bottom), f"free run less reading [{beside.difference_symbol}]",
                      (time, -half, half), [Line(time[scored], error, "line v0", None, 1.0)])  # fmt: skip
    axes = [x_axis(x, top, bottom, ticks(x.low, x.high, 9), f"time [{by.symbol}]"),
            x_axis(x, TOP, TOP + RUN, ticks(x.low, x.high, 9))]  # fmt: skip
    key = _key([("line v2", None, "reading"), ("line v1", "6 3", "free run"), ("band v1", None, "predicted 95 % band")])
    said = f"{tag}: free run, readings and predicted 95 % band over time; the error below"
    return _file(bottom + 40.0, (title, said), text(LEFT, 18.0, title), key, *axes, run, residual)


def _panel(
    x: Axis, between: tuple[float, float], name: str, band: tuple[np.ndarray, np.ndarray, np.ndarray],
    lines: Sequence[Line],
) -> Markup:  # fmt: skip
    """Return curves over a band, with their axis."""
    top, bottom = between
    time, low, high = band
    drawn = (low, high, *(each.y for each in lines))
    y = axis([float(end) for each in drawn for end in (np.nanmin(each), np.nanmax(each))], bottom, top)
    edges = [thinned(time, edge) for edge in (high, low)]
    upper, lower = ([(x.at(float(a)), y.at(float(b))) for a, b in zip(*edge, strict=True)] for edge in edges)
    return joined(
        y_axis(y, LEFT, RIGHT, ticks(y.low, y.high, 5), name),
        path([*upper, *reversed(lower)], closed=True, class_="band v1"), *(curve(each, x, y) for each in lines),
    )  # fmt: skip


def advisories(files: Sequence[Watched], title: str) -> str:
    """Return a plot of when advisories stood in files, over when they are labelled."""
    by = scale("s", [float(each.time[-1]) for each in files])
    x = Axis(0.0, by.factor * max(float(each.time[-1]) for each in files), NAMES, RIGHT)
    bottom = TOP + ROW * len(files)
    parts = []
    for k, each in enumerate(files):
        y, time = TOP + ROW * k, by.factor * each.time
        parts.append(text(NAMES - 8.0, y + 15.0, each.file.rpartition("/")[2], text_anchor="end", class_="small"))
        parts.append(line(NAMES, y + ROW, x.at(float(time[-1])), y + ROW, class_="grid"))
        parts.append(_strip(x, (0.0, float(time[min(TEACH, time.size) - 1])), (y + 2.0, 18.0), "band v0"))
        parts += [_strip(x, span, (y + 2.0, 18.0), "band v2") for span in _spans(time, each.anomaly)]
        parts += [_strip(x, span, (y + 7.0, 8.0), "bar") for span in _spans(time, each.advised)]
    key = _key([("band v0", None, "teaches"), ("band v2", None, "labelled"), ("bar", None, "advisory stands")])
    below = x_axis(x, TOP, bottom, ticks(x.low, x.high, 9), f"time [{by.symbol}]")
    said = "by file: rows that teach, rows labelled as anomalous, and when an advisory stood"
    return _file(bottom + 40.0, (title, said), text(LEFT, 18.0, title), key, below, *parts)


def _spans(time: np.ndarray, which: np.ndarray) -> list[tuple[float, float]]:
    """Return beginnings and ends of runs of rows."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], which.astype(int), [0]])))
    return [(float(time[a]), float(time[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _strip(x: Axis, span: tuple[float, float], across: tuple[float, float], look: str) -> Markup:
    begin, end = (x.at(each) for each in span)
    return rectangle(begin, across[0], max(end - begin, 1.0), across[1], class_=look)


def _key(entries: Sequence[tuple[str, str | None, str]]) -> Markup:
    """Return which look is what."""
    parts, left = [], LEFT
    for look, dash, said in entries:
        if look.startswith("line"):
            parts.append(line(left, 34.0, left + 26.0, 34.0, class_=look, stroke_dasharray=dash))
        else:
            parts.append(rectangle(left, 29.0, 26.0, 10.0, class_=look))
        parts.append(text(left + 32.0, 38.0, said))
        left += 60.0 + wide(said)
    return joined(*parts)


def _file(height: float, words: tuple[str, str], *parts: str) -> str:
    """Return a whole SVG file."""
    title, description = words
    style = Markup(f"<style>{STYLE.read_text(encoding='utf-8')}</style>")
    return element(
        "svg", element("title", title), element("desc", description), style, *parts, xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:g} {height:g}", width=f"{WIDTH:g}", height=f"{height:g}", role="img",
    )  # fmt: skip
