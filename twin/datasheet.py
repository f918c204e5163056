"""Data sheets of equipment, generated from its declarations: ``python -m twin.datasheet > docs/equipment.md``."""

import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

from twin.catalogue import find, names
from twin.declare import Asset, Due, Fault, Input, Memory, Output, Param, Quantity, State
from twin.formula import Formula

Row = dict[str, Any]
Columns = tuple[tuple[str, Callable[[Row], str]], ...]


def _number(value: float | None) -> str:
    return "" if value is None or math.isinf(value) else f"{value:.6g}"


def _bounds(row: Row) -> str:
    low, high = row["bounds"]
    if math.isinf(low) and math.isinf(high):
        return ""
    return f"{_number(low) or '-inf'} to {_number(high) or 'inf'}"


def _source(row: Row) -> str:
    return f"{row['source_kind']}: {row['source']}" if row["source_kind"] else ""


_NAME = ("name", lambda row: str(row["name"]))
_MEANING = ("meaning", lambda row: str(row["doc"]))
_QUANTITY: Columns = (_NAME, ("unit", lambda row: str(row["unit"])), _MEANING)
_VALUE: Columns = (("value", lambda row: _number(row["value"])), ("bounds", _bounds))

TABLES: tuple[tuple[str, str, Columns], ...] = (
    ("Parameters", "param", (*_QUANTITY, *_VALUE, ("source", _source))),
    ("States", "state", (*_QUANTITY, *_VALUE)),
    ("Inputs", "input", (*_QUANTITY, *_VALUE)),
    ("Outputs", "output", _QUANTITY),
    (
        "Faults",
        "fault",
        (
            *_QUANTITY,
            *_VALUE,
            ("respond", lambda row: str(row["respond"])),
            ("within", lambda row: f"{_number(row['within'])} s"),
        ),
    ),
    ("Memory", "memory", (*_QUANTITY, *_VALUE)),
    ("Due times", "due", (_NAME, _MEANING)),
    ("Guards", "guard", (_NAME, ("reads", lambda row: ", ".join(row["reads"])), _MEANING)),
    (
        "Transitions",
        "transition",
        (
            _NAME,
            ("when", lambda row: str(row["when"])),
            ("reads", lambda row: ", ".join(row["reads"])),
            ("sets", lambda row: ", ".join(row["sets"])),
        ),
    ),
    ("Conserved", "balance", (_NAME, _MEANING)),
    (
        "Known points",
        "known",
        (
            ("source", _source),
            ("given", lambda row: _pairs(row["given"])),
            ("expect", lambda row: _pairs(row["expect"])),
        ),
    ),
)
"""Heading, key of `describe`, and the columns of each table of a data sheet."""


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(
        f"{n} = {v[0]:.6g} ± {v[1]:.2g}" if isinstance(v, tuple) else f"{n} = {v:.6g}" for n, v in values.items()
    )


def describe(name: str, cls: type[Asset]) -> dict[str, Any]:
    """Return all that is declared about a piece of equipment, as plain values."""
    text = inspect.getdoc(cls) or ""
    sheet: dict[str, Any] = {"name": name, "title": text.partition("\n")[0].rstrip("."), "text": text}
    for role in (Param, State, Input, Output, Fault, Memory, Due):
        sheet[role.__name__.lower()] = [_quantity(n, q) for n, q in cls.roles[role].items()]
    sheet["guard"] = [{"name": n, "reads": list(f.arguments), "doc": _doc(f)} for n, f in cls.guards.items()]
    sheet["transition"] = [
        {"name": n, "when": f"{kind} {trigger}", "reads": list(f.arguments), "sets": list(f.returns)}
        for n, (kind, trigger, f) in cls.transitions.items()
    ]
    sheet["balance"] = [{"name": n, "doc": _doc(f)} for n, f in cls.balances.items()]
    sheet["known"] = [
        {"source_kind": k.source.kind, "source": k.source.text, "given": k.given, "expect": k.expect} for k in cls.known
    ]
    return sheet


def _doc(formula: Formula) -> str:
    return (inspect.getdoc(formula.function) or "").partition("\n")[0]


def _quantity(name: str, quantity: Quantity) -> Row:
    row: Row = {
        "name": name,
        "unit": quantity.unit,
        "doc": quantity.doc,
        "value": quantity.value,
        "bounds": quantity.bounds,
    }
    row["source_kind"], row["source"] = quantity.source or ("", "")
    if isinstance(quantity, Fault):
        row["respond"], row["within"] = quantity.respond, quantity.within
    return row


def markdown(sheet: dict[str, Any]) -> str:
    """Return a data sheet as a section of Markdown."""
    lines = [f"## {sheet['name']}", "", "```text", sheet["text"], "```", ""]
    for heading, key, columns in TABLES:
        if sheet[key]:
            lines += [f"### {heading}", "", _line(title for title, _ in columns), _line("---" for _ in columns)]
            lines += [*(_line(_cell(title, cell(row)) for title, cell in columns) for row in sheet[key]), ""]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(title: str, text: str) -> str:
    if title == "name":
        return f"`{text}`"
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("*", "\\*")


def document() -> str:
    """Return ``docs/equipment.md``: a section for every installed piece of equipment."""
    sheets = [describe(name, find(name)) for name in names()]
    head = [
        "# Equipment",
        "",
        "Generated from the declarations in `assets/` by `python -m twin.datasheet > docs/equipment.md`.",
        "Values, bounds and units are coherent SI. A source is `sheet` or `paper` where it was read",
        "([sources.md](sources.md) quotes it), `fit` where it was fitted to a recording, `guess` where it was guessed.",
        "",
        *(f"* [{sheet['name']}](#{sheet['name']}): {sheet['title']}" for sheet in sheets),
        "",
    ]
    return "\n".join([*head, *(markdown(sheet) for sheet in sheets)]).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
