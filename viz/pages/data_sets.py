"""Data sets: the list of them, and what one of them is: its classes, its splits, its channels."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from dash import dcc, html

from twin.history.plan import Plan
from twin.monitor.words import LONGEST, plain, unit
from viz import parts
from viz.data_sets import FORMAT, Column, Kind, Listed, Manifest
from viz.words import Language, word

ADDRESS = "/data-sets"
PARTS = ("about", "runs", "realism", "channels")
_HEADINGS = {"about": "set_about", "runs": "runs", "realism": "set_evidence", "channels": "set_channels"}
_MEANT = {
    "train": "set_for_train", "validation": "set_for_validation", "test": "set_for_test",
    "unseen_machine": "set_for_unseen_machine", "unseen_severity": "set_for_unseen_severity",
    "unseen_fault": "set_for_unseen_fault",
}  # fmt: skip
"""What splits are for."""
MOST_CARDS = 12
"""Splits and classes that are drawn; a table has them all."""


def address(name: str, **more: object) -> str:
    """Return where a data set is shown, or a part or a run of it."""
    asked = {key: str(value) for key, value in more.items() if value not in ("", None)}
    return f"{ADDRESS}?{urlencode({'set': name, **asked})}"


def wrong(said: str) -> html.P:
    """Return why something can't be shown."""
    return html.P(plain_long(said), role="alert", className="wrong")


def plain_long(text: str) -> str:
    """Return text from outside as one line that hides nothing, however long it is."""
    return "".join(plain(text[k : k + LONGEST]) for k in range(0, len(text), LONGEST))


def scrolled(heads: Sequence[str], rows: Iterable[Sequence[Any]], label: str, classes: Sequence[str] = ()) -> html.Div:
    """Return a table that can be scrolled by keys where the screen is narrower."""
    name = parts.labelled(label)
    return html.Div(parts.table(heads, rows, label, classes), className="scrolled", tabIndex=0, role="region", **name)


def back(language: Language) -> html.P:
    """Return the way back to the list."""
    return html.P(dcc.Link(word("all_sets", language), href=ADDRESS), className="back")


def size(count: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def elapsed(seconds: float, every: float = 1.0) -> str:
    """Return a time from a run's first row as h:mm:ss, with as many decimals as its rows need."""
    digits = 0 if every >= 1.0 else 3 if every < 0.01 else 2 if every < 0.1 else 1
    scale = 10**digits
    whole = round(abs(seconds) * scale)
    minutes, rest = divmod(whole, 60 * scale)
    tail = f".{rest % scale:0{digits}d}" if digits else ""
    sign = "\N{MINUS SIGN}" if seconds < 0 and whole else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02d}:{rest // scale:02d}{tail}"


def home(
    listed: Sequence[tuple[Listed, float | None]], folder: Path, trouble: str, plan: Plan | None, language: Language
) -> list[Any]:
    """Return the data sets there are, each with its score of realism where it has one."""
    if trouble:
        return [parts.quiet(word("sets_doc", language)), wrong(trouble)]
    if not listed:
        return [
            parts.quiet(word("sets_doc", language)), html.P(word("sets_none", language, folder)),
            parts.quiet(word("sets_elsewhere", language)),
        ]  # fmt: skip
    heads = [word(n, language) for n in ("set_name", "set_runs", "size", "set_realism", "state")]
    rows = [_listed(each, score, folder, plan, language) for each, score in listed]
    table = scrolled(heads, rows, word("data_sets", language), ("", "number", "number", "number", ""))
    return [
        parts.quiet(word("sets_doc", language)), parts.panel(word("data_sets", language), table),
        parts.quiet(word("sets_elsewhere", language)),
    ]  # fmt: skip


def _listed(each: Listed, score: float | None, folder: Path, plan: Plan | None, language: Language) -> Sequence[Any]:
    name, found = plain(each.name), each.manifest
    if each.trouble:
        return html.Span(name, className="name"), "", "", "", wrong(each.trouble)
    if found is None:
        when = parts.clock(each.written, plan)
        said = [word("set_unfinished", language, each.shards, when),
                html.Div(word("set_go_on", language, folder / name), className="note")]  # fmt: skip
        return html.Span(name, className="name"), parts.NONE, size(each.bytes), parts.NONE, said
    called = name if found.name == each.name else f"{name} · {plain(found.name)}"
    shown = [dcc.Link(called, href=address(each.name)), html.Div(plain_long(found.about), className="note")]
    realism = parts.NONE if score is None else parts.number(score, 3)
    return shown, f"{found.runs:,}", size(each.bytes), realism, word("set_finished", language)


def head(name: str, found: Manifest, part: str, language: Language) -> list[Any]:
    """Return what stands above every part of a data set."""
    links = []
    for each in PARTS:
        here = parts.attributes({"aria-current": "page"} if each == part else {})
        href = address(name, part="" if each == "about" else each)
        look = "span here" if here else "span"
        links.append(html.Span(dcc.Link(word(_HEADINGS[each], language), href=href, className=look), **here))
    other = word("set_other_format", language, found.format) if found.format != FORMAT else ""
    return [
        back(language), html.H2(plain(found.name)), html.P(plain_long(found.about)) if found.about else None,
        html.P(other, role="status", className="late") if other else None,
        html.Nav(links, className="spans", **parts.labelled(word("set_parts", language))),
    ]  # fmt: skip


def about(found: Manifest, splits: Sequence[dict[str, Any]], language: Language) -> list[Any]:
    """Return what a data set is, how its classes are spread, and what is held out."""
    return [_facts(found, language), _balance(found, language), _splits(splits, language), *_kinds(found, language)]


def _facts(found: Manifest, language: Language) -> Any:
    length = elapsed(found.rows * found.every, found.every)
    said = [
        ("set_runs", f"{found.runs:,}"), ("size", size(found.bytes)),
        ("set_run_has", word("set_rows", language, f"{found.rows:,}", f"{found.every:g}", length)),
        ("set_channels", f"{len(found.channels):,}"), ("set_machines", f"{found.machines:,}"),
        ("set_plants", ", ".join(map(plain, found.plants))), ("set_failed", f"{found.failed:,}"),
        ("set_holds", ", ".join(map(plain, found.contents))), ("seed", str(found.seed)),
        ("set_codec", plain(found.codec)), ("set_license", plain(found.license)),
        ("set_purpose", plain(found.purpose)), ("set_contract", plain(found.contract)),
        ("set_identity", plain(found.identity[:12])),
    ]  # fmt: skip
    rows = [html.Div([html.Dt(word(key, language)), html.Dd(value)]) for key, value in said if value]
    return parts.panel(word("set_about", language), html.Dl(rows, className="figures"))


def _balance(found: Manifest, language: Language) -> Any:
    """Return how many runs of each class each split has: as bars, and as a table."""
    classes = [kind.name for kind in found.classes]
    splits = [split for split in found.splits if sum(found.counts.get(split, {}).values())]
    counts = {split: [found.counts[split].get(kind, 0) for kind in classes] for split in splits}
    if not splits:
        return None
    widest = max(n / max(sum(row), 1) for row in counts.values() for n in row)
    cards = [_card(split, classes[:MOST_CARDS], counts[split], widest, language) for split in splits[:MOST_CARDS]]
    heads = [word("set_class", language), *map(plain, splits), word("set_all", language)]
    rows = [
        [plain(kind), *(f"{counts[split][k]:,}" for split in splits), f"{sum(counts[s][k] for s in splits):,}"]
        for k, kind in enumerate(classes)
    ]
    rows.append([word("set_all", language), *(f"{sum(counts[s]):,}" for s in splits), f"{found.runs:,}"])
    kinds = ("name", *("number" for _ in heads[1:]))
    heading = word("set_balance", language)
    return parts.panel(
        heading, parts.quiet(word("set_balance_doc", language)), html.Div(cards, className="balance"),
        scrolled(heads, rows, heading, kinds),
    )  # fmt: skip


def _card(split: str, classes: Sequence[str], counts: Sequence[int], widest: float, language: Language) -> html.Div:
    total = sum(counts)
    bars = [
        html.Div([
            html.Span(plain(kind), className="of"),
            html.Span(html.Span(style={"width": f"{100.0 * n / total / widest if total else 0.0:.2f}%"}),
                      className="track", **parts.MUTE),
            html.Span(f"{100.0 * n / max(total, 1):.0f} %", className="share"),
        ], className="line") for kind, n in zip(classes, counts, strict=False)
    ]  # fmt: skip
    heading = html.H3([plain(split), " ", html.Span(word("set_runs_of", language, f"{total:,}"), className="note")])
    return html.Div([heading, *bars], className="card")


def _splits(splits: Sequence[dict[str, Any]], language: Language) -> Any:
    rows = []
    for each in splits:
        meant = _MEANT.get(each["name"])
        said = html.Div(word(meant, language), className="note") if meant else None
        beyond = [
            f"{plain(kind)} {low:.0%}" + (f" … {high:.0%}" if high > low else "")
            for kind, low, high in each["new_severities"]
        ]
        rows.append((
            [html.Span(plain(each["name"]), className="name"), said], f"{each['runs']:,}", _count(each["machines"]),
            _count(each["new_machines"]), ", ".join(map(plain, each["new_classes"])) or parts.NONE,
            ", ".join(beyond) or parts.NONE,
        ))  # fmt: skip
    heads = [word(n, language) for n in (
        "set_split", "set_runs", "set_machines", "set_new_machines", "set_new_classes", "set_severities",
    )]  # fmt: skip
    heading = word("set_splits", language)
    table = scrolled(heads, rows, heading, ("", "number", "number", "number"))
    return parts.panel(heading, parts.quiet(word("set_splits_doc", language)), table)


def _count(value: int | None) -> str:
    return parts.NONE if value is None else f"{value:,}"


def _kinds(found: Manifest, language: Language) -> list[Any]:
    """Return what the classes are, the faults of instruments, and the modes."""
    heads = [word(n, language) for n in ("set_class", "what", "set_moves")]
    return [
        parts.panel(word(key, language), scrolled(heads, _rows(kinds), word(key, language), ("name", "", "")))
        for key, kinds in (
            ("set_faults", found.classes), ("set_sensor_faults", found.sensor_faults), ("set_modes", found.modes),
        ) if kinds
    ]  # fmt: skip


def _rows(kinds: Sequence[Kind]) -> list[tuple[str, str, str]]:
    return [
        (plain(kind.name), plain_long(kind.doc) or parts.NONE, ", ".join(map(plain, kind.moves)) or parts.NONE)
        for kind in kinds
    ]


def channels(found: Manifest, language: Language) -> list[Any]:
    """Return the channels with their units."""
    heads = [word(n, language) for n in ("tag", "unit", "what", "set_reads")]
    rows = [(plain(c.name), unit_of(c), plain_long(c.doc), plain(c.reads)) for c in found.channels]
    heading = word("set_channels", language)
    return [parts.panel(heading, scrolled(heads, rows, heading, ("name", "", "", "place")))]


def unit_of(channel: Column) -> str:
    """Return a channel's unit as people write it; a dash for none."""
    return parts.NONE if channel.unit in ("", "1") else unit(channel.unit)
