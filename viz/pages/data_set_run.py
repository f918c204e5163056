"""One run of a data set: its channels with their labels over them, and what happens in it in words."""

import json
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html

from twin.monitor.words import duration, plain, unit
from viz import parts
from viz.api import BASE
from viz.data_sets import Manifest
from viz.pages.data_set_runs import Asked, step
from viz.pages.data_sets import address, elapsed, scrolled, unit_of
from viz.words import Language, word

CHARTS = 4
"""Channels that are drawn before anybody chooses."""
_SAID = {
    "labels": "set_labels", "labels_doc": "set_labels_doc", "severity": "set_severity", "measured": "set_measured",
    "true": "set_true", "missing": "set_missing", "whole": "set_whole", "channels": "set_channels",
    "every_row": "set_every_row", "reduced": "set_reduced", "onset": "set_onset", "lane_fault": "set_lane_fault",
    "lane_mode": "set_lane_mode", "lane_sensor": "set_lane_sensor", "key_measured": "set_key_measured",
    "key_true": "set_key_true", "key_onset": "set_key_onset", "key_fault": "set_key_fault",
    "key_sensor": "set_key_sensor", "key_mode": "set_key_mode", "key_missing": "set_key_missing",
    "rul": "set_life", "at": "set_at", "offline": "offline",
}  # fmt: skip
"""What the charts say, by what they call it."""


def content(name: str, found: Manifest, run: dict[str, Any], asked: Asked, language: Language) -> list[Any]:
    """Return a run's page; `run` is what `viz.data_set_reader.Reader.run` returned."""
    where = word("set_run_where", language, plain(run["split"]), run.get("machine", parts.NONE))
    chosen = any(asked.query().values())
    at = f" · {word('set_run_at', language, run['at'], run['of'])}" if chosen and run["at"] else ""
    listed = address(name, part="runs", **asked.query())
    upward = dcc.Link(f"{word('runs', language)} · {plain(found.name)}", href=listed)
    return [
        html.P(upward, className="back"),
        html.H2([word("set_run_of", language, f"{run['number']:,}", plain(run["kind"])),
                 html.Span(f"{where}{at}", className="kind")]),
        _neighbours(name, run, asked, language),
        html.Div([html.P(said) for said in told(found, run, language)], className="told"),
        parts.quiet(word("set_keys", language)),
        html.Div(**parts.attributes({"data-run-board": json.dumps(board(name, found, run, language))})),
        _timeline(found, run, language),
        _own(run, language),
    ]  # fmt: skip


def _neighbours(name: str, run: dict[str, Any], asked: Asked, language: Language) -> html.Nav:
    shown = []
    for key, number in (("set_previous", run["previous"]), ("set_next", run["next"]), ("set_alike", run["other"])):
        kept = asked.query() if key != "set_alike" else {}
        shown.append(step(word(key, language), "" if number is None else address(name, run=number, **kept)))
    return html.Nav(shown, className="pager", **parts.labelled(word("set_neighbours", language)))


def told(found: Manifest, run: dict[str, Any], language: Language) -> list[str]:
    """Return what a run is about, in sentences."""
    every, length = found.every, found.rows * found.every
    said = [_fault(run, every, length, language)]
    said += [
        word("set_sensor_said", language, plain(kind), plain(tag), elapsed(begin, every), elapsed(end, every))
        for tag, begin, end, kind in run["sensors"][:CHARTS]
    ]
    if run["life"]:
        said.append(word("set_life_said", language, *(duration(life, language) for life in run["life"])))
    missing = run["missing"]
    worst = max(range(len(missing)), key=missing.__getitem__)
    if missing[worst]:
        share, most = (_share(value) for value in (sum(missing) / len(missing), missing[worst]))
        said.append(word("set_missing_said", language, share, plain(found.channels[worst].name), most))
    else:
        said.append(word("set_missing_none", language))
    if run.get("failed"):
        said.insert(0, word("set_run_failed", language))
    return said


def _fault(run: dict[str, Any], every: float, length: float, language: Language) -> str:
    onset = run.get("onset")
    if run["fault"] == 0 or onset is None:
        return word("set_no_fault", language)
    if onset >= length:
        return word("set_fault_later", language, plain(run["kind"]))
    worst = f"{100.0 * (run['worst'] or 0.0):.0f}"
    return word("set_fault_begins", language, plain(run["kind"]), elapsed(onset, every), worst)


def _share(value: float) -> str:
    return f"{100.0 * value:.1f} %" if value >= 0.001 else f"{100.0 * value:.2g} %"


def board(name: str, found: Manifest, run: dict[str, Any], language: Language) -> dict[str, Any]:
    """Return what the browser needs to draw a run."""
    length = found.rows * found.every
    onset = run.get("onset") if run["fault"] else None
    return {
        "address": f"{BASE}/data-sets/trend?{urlencode({'set': name, 'run': run['number']})}",
        "every": found.every, "length": max(length - found.every, found.every),
        "channels": [
            {"name": plain(c.name), "doc": plain(c.doc), "unit": "1" if unit_of(c) == parts.NONE else unit_of(c)}
            for c in found.channels
        ],
        "set": name, "chosen": chosen(found, run),
        "run": {
            "kind": plain(run["kind"]), "onset": onset, "wrong": run["wrong"], "life": run["life"],
            "modes": [(a, b, plain(text)) for a, b, text in run["modes"]],
            "sensors": [(plain(tag), a, b, plain(kind)) for tag, a, b, kind in run["sensors"]],
        },
        "words": {key: word(said, language, "{0}") for key, said in _SAID.items()},  # a place is filled by the browser
    }  # fmt: skip


def chosen(found: Manifest, run: dict[str, Any]) -> list[int]:
    """Return the channels that a run is shown by first: faulty instruments, those at the fault's asset, then others."""
    faulty = {tag for tag, *_ in run["sensors"]}
    moves = next((kind.moves for kind in found.classes if kind.code == run["fault"]), ())
    assets = {move.partition(".")[0] for move in moves}

    def rank(index: int) -> tuple[bool, bool, int]:
        channel = found.channels[index]
        return channel.name not in faulty, channel.reads.partition(".")[0] not in assets, index

    return sorted(sorted(range(len(found.channels)), key=rank)[:CHARTS])


def _timeline(found: Manifest, run: dict[str, Any], language: Language) -> Any:
    """Return the labels of a run in the order of time, and its events."""
    every = found.every
    begun = run.get("onset")  # the first row that is labelled comes after it
    spans = [
        (begun if begun is not None and begun <= a <= begun + every else a, b, "set_key_fault", plain(run["kind"]))
        for a, b in run["wrong"]
    ]
    spans += [(a, b, "set_lane_mode", plain(text)) for a, b, text in run["modes"]]
    spans += [(a, b, "set_key_sensor", f"{plain(tag)}: {plain(kind)}") for tag, a, b, kind in run["sensors"]]
    spans.sort(key=lambda span: (span[0], span[2]))
    rows = [(elapsed(a, every), elapsed(b, every), word(key, language), text) for a, b, key, text in spans]
    heading = word("set_timeline", language)
    heads = [word(n, language) for n in ("set_from", "set_until", "what", "set_labels")]
    table = scrolled(heads, rows, heading, ("number", "number", "", "")) if rows else None
    return parts.panel(
        heading, table or parts.quiet(word("set_no_labels", language)), _events(found, run, language), name="timeline"
    )


def _events(found: Manifest, run: dict[str, Any], language: Language) -> Any:
    """Return the transitions of a run's equipment, to be opened: there may be many."""
    if not run["events"]:
        return None
    length = found.rows * found.every
    rows = [
        (elapsed(at, found.every), [plain(text), word("set_after_run", language) if at > length else ""])
        for at, text in run["events"]
    ]
    heading = word("set_events", language, len(rows))
    table = scrolled([word(n, language) for n in ("time", "set_event")], rows, heading, ("number", ""))
    return html.Details([html.Summary(heading), table])


def _own(run: dict[str, Any], language: Language) -> Any:
    """Return what was drawn for a run."""
    known = (run.get(key, parts.NONE) for key in ("seed", "duty", "plant"))
    said = parts.quiet(word("set_drawn_by", language, *known))
    heading = word("set_parameters", language)
    if not run["parameters"]:
        return parts.panel(heading, said)
    rows = [
        (plain(path), parts.number(value) + ("" if its == "1" else f" {unit(its)}"))
        for path, value, its in run["parameters"] if value is not None
    ]  # fmt: skip
    heads = [word(n, language) for n in ("parameter", "value")]
    table = scrolled(heads, rows, heading, ("place", "number"))
    return parts.panel(heading, said, html.Details([html.Summary(f"{heading} ({len(rows)})"), table]))
