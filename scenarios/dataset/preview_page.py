"""The pages of a preview: signals, truth and labels of one run of each class over time."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from scenarios.dataset.pictures import Line, Plot, Region, figure, key, plot, word
from scenarios.dataset.spec import SPLITS, Spec
from scenarios.markup import Markup, element
from scenarios.report import page
from scenarios.report_parts import bdi, cell, heading, table
from scenarios.shown import scale, shown, time_said
from scenarios.words import Language
from twin.monitor import words as monitor

if TYPE_CHECKING:
    from scenarios.dataset.previewing import Preview, Shown

MEASURED, TRUE, SOUND = "line v5", "line v1", "line v2"
FAULTY, SENSOR = "band v2", "band v3"
MODES = ("cell state-off", "cell state-idle", "band v4")
DASH = "6 3"
WIDTH, HEIGHT, LOW = 720.0, 190.0, 120.0


def preview_page(found: "Preview", language: Language) -> str:
    """Return the page."""
    spec = found.spec
    size = f"{found.size / 2**20:,.0f} MiB"
    length = time_said(spec.length, language)
    said = word("preview_estimate", language, found.runs, length, spec.rows, len(spec.channels), size)
    notes = (spec.about, word("preview_about", language), word("preview_channels", language))
    answer = element(
        "section", element("p", said, class_="said"), *(element("p", note, class_="quiet") for note in notes),
        class_="answer",
    )  # fmt: skip
    counts = element("section", element("h2", word("counts_heading", language)), _counts(found, language))
    runs = [_run(spec, each, f"run-{k}", language) for k, each in enumerate(found.shown)]
    return page(word("preview_title", language, spec.name), language, answer, counts, _key(language), *runs)


def _counts(found: "Preview", language: Language) -> Markup:
    """Return how many runs of each class each split has, and all of them."""
    head = [heading(word("class", language)), *(heading(split, class_="number") for split in SPLITS)]
    head.append(heading(word("all_splits", language), class_="number"))
    table_ = [(name, [found.counts[split][name] for split in SPLITS]) for name in found.spec.classes]
    table_.append((word("all_classes", language), [sum(found.counts[split].values()) for split in SPLITS]))
    rows = []
    for name, counts in table_:
        cells = [cell(str(count), class_="number") for count in (*counts, sum(counts))]
        rows.append(element("tr", heading(bdi(name), row=True), *cells))
    return table(word("counts_caption", language), head, rows, language)


def _key(language: Language) -> Markup:
    entries = [
        (MEASURED, None, word("measured_line", language)), (TRUE, None, word("true_line", language)),
        (SOUND, DASH, word("sound_line", language)), (FAULTY, None, word("faulty_region", language)),
        (SENSOR, None, word("sensor_region", language)),
    ]  # fmt: skip
    return element("section", key(entries, "key"))


def _run(spec: Spec, each: "Shown", name: str, language: Language) -> Markup:
    """Return one run."""
    title = word("sensor_heading" if each.sensor else "class_heading", language, each.name)
    return element("section", element("h2", title), *_parts(spec, each, name, language))


def _parts(spec: Spec, each: "Shown", name: str, language: Language) -> Iterator[Markup]:
    if not each.drawn:
        yield element("p", word("no_run", language, spec.runs))
        return
    yield element("p", " ".join(_said(spec, each, language)))
    if each.failure:
        yield element("p", word("run_failed", language, each.failure))
        return
    time = scale("s", [spec.length])
    times = time.of(1.0) * np.arange(len(each.truth)) * spec.every
    regions = [*_spans(each.severity > 0.0, times, FAULTY)]
    strips = _modes(spec, each, times)
    faulty = each.drawn["fault"] > 0
    x_name = word("time_axis", language, time.symbol)
    for k, channel in enumerate(each.channels):
        column = spec.channels[channel]
        lines = [Line(times, each.signals[:, channel], MEASURED, None, 1.0)]
        lines += [Line(times, each.sound[:, channel], SOUND, DASH)] if faulty else []
        lines.append(Line(times, each.truth[:, channel], TRUE))
        own = [*regions, *_spans(each.sensor_fault[:, channel] > 0, times, SENSOR), *strips]
        unit = monitor.unit(column.unit)
        y_name = f"[{unit}]" if unit else ""
        caption = word("channel_caption", language, column.name, column.doc)
        field = Plot(lines, x_name, y_name, own, WIDTH, HEIGHT)
        yield figure(plot(field, (caption, word("course_desc", language)), f"{name}-{k}"), caption)
    yield from _labels(each, times, x_name, name, language)


def _labels(each: "Shown", times: np.ndarray, x_name: str, name: str, language: Language) -> Iterator[Markup]:
    """Yield severity where there is a fault, and remaining life where it is known."""
    if each.severity.any():
        caption = word("severity_caption", language)
        lines = [Line(times, each.severity, "line v2")]
        field = Plot(lines, x_name, word("severity", language), (), WIDTH, LOW, y_range=(0.0, 1.0))
        yield figure(plot(field, (caption, word("course_desc", language)), f"{name}-severity"), caption)
    if np.isfinite(each.life).any():
        caption = word("life_caption", language)
        field = Plot([Line(times, each.life, "line v4")], x_name, word("life", language), (), WIDTH, LOW)
        yield figure(plot(field, (caption, word("course_desc", language)), f"{name}-life"), caption)


def _said(spec: Spec, each: "Shown", language: Language) -> Iterator[str]:
    """Yield what was drawn of a run."""
    drawn = each.drawn
    duty = spec.duties[int(drawn["duty"])].name if spec.duties else "—"
    split = SPLITS[int(drawn["split"])]
    yield word("run_said", language, int(drawn["number"]), int(drawn["machine"]), split, duty)
    if drawn["fault"]:
        fault = spec.faults[int(drawn["fault"]) - 1]
        yield from [fault.about] if fault.about else []
        onset = time_said(round(drawn["onset"]), language)
        yield word("fault_said", language, onset, shown(float(f"{drawn['severity']:.3g}")))
    if drawn["sensor_fault"]:
        sensor = spec.sensor_faults[int(drawn["sensor_fault"]) - 1]
        ends = [time_said(round(min(drawn[key], spec.length)), language) for key in ("sensor_onset", "sensor_end")]
        yield word("sensor_said", language, sensor.tag, sensor.kind, *ends)


def _spans(where: np.ndarray, times: np.ndarray, look: str, strip: str = "") -> Iterator[Region]:
    """Yield the stretches in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(int), [0]])))
    last = len(times) - 1
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield Region(float(times[begin]), float(times[min(end, last)]), look, strip)


def _modes(spec: Spec, each: "Shown", times: np.ndarray) -> list[Region]:
    """Return the modes as strips, where there are several."""
    found: list[Region] = []
    if len(spec.modes) > 1:
        for code, mode in enumerate(spec.modes):
            found += _spans(each.mode == code, times, MODES[code % len(MODES)], mode.name)
    return found
