"""Plants of one press or two, whose flow is exact, for the tests of how flow and physics meet."""

from pathlib import Path

from twin.plant import Plant
from twin.plant_loader import built
from twin.read import parse

EQUIPMENT = Path(__file__).parents[2] / "equipment"


def read(flow: str, *, method: str = "rodas4", values: str = "", more: str = "") -> Plant:
    """Return a plant of the asset `press`, with a section `flow` and perhaps others."""
    text = (
        f"plant: pressing\nsolver: {{method: {method}, step: 1 s}}\n"
        f"assets:\n  press: {{is: press, with: {{{values}}}}}\n  other: {{is: press}}\n{more}flow:\n{flow}"
    )
    return built(parse(text, "pressing.yaml"), text, EQUIPMENT)


def line(station: str = "", *, source: str = "", top: str = "", takes: str = "40 s") -> str:
    """Return a section `flow` of a source, a station that drives the press while it is busy, and a sink."""
    return (
        f"{top}  line:\n    raw: {{is: source, to: mill{source}}}\n    mill:\n      is: station\n      to: done\n"
        f"      takes: {takes}\n      drives: {{press.works: {{busy: 1, else: 0}}}}\n"
        + "".join(f"      {each.strip()}\n" for each in station.split(";") if each.strip())
        + "    done: {is: sink}\n"
    )
