"""A run's summary as a table for people and as JSON for programs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from twin.summary import Summary

_NUMBERS = ("least", "mean", "most", "last", "missing")


def as_dict(summary: "Summary") -> dict[str, Any]:
    """Return the summary as plain values; times in seconds, tags in their units."""
    return {
        "plant": summary.plant,
        "seed": summary.seed,
        "members": summary.members,
        "time": summary.time,
        "ending": summary.ending,
        "message": summary.message,
        "tags": {name: tag._asdict() for name, tag in summary.tags.items()},
        "crossings": [crossing._asdict() for crossing in summary.crossings],
        "happenings": summary.happenings,
        "elapsed": summary.elapsed,
        "speed": summary.speed,
    }


def show(summary: "Summary", console: "Console") -> None:
    """Print the summary."""
    from rich.markup import escape

    from twin.cli.arguments import table

    speed = f", {summary.speed:.3g} simulated seconds a second" if summary.elapsed else ""
    members = f", {summary.members} members" if summary.members > 1 else ""
    console.print(f"[bold]{escape(summary.plant)}[/bold]: {span(summary.time)}{members}, seed {summary.seed}{speed}")
    if summary.ending != "done":
        console.print(f"[bold red]{summary.ending}[/bold red]: {escape(summary.message)}")
    if summary.tags:
        rows = table("tag", "unit", *_NUMBERS, right=_NUMBERS)
        for name, tag in summary.tags.items():
            numbers = (f"{v:.5g}" if tag.good else "" for v in (tag.least, tag.mean, tag.most, tag.last))
            rows.add_row(escape(name), escape(tag.unit), *numbers, str(tag.missing))
        console.print(rows)
    for c in summary.crossings:
        side = "below" if c.limit == "low" else "above"
        level = f"{c.level:.5g} {c.unit}"
        console.print(f"[red]limit[/red] {escape(c.tag)} first {side} {escape(level)} at {span(c.time)}")
    for name, count in summary.happenings.items():
        console.print(f"{count:>6} x {escape(name)}")


def span(seconds: float) -> str:
    """Return a time for people: ``90 s``, ``10 min``, ``1 h 30 min``."""
    if seconds < 120.0:
        return f"{seconds:.4g} s"
    minutes, rest = divmod(seconds, 60.0)
    hours, minutes = divmod(minutes, 60.0)
    parts = ((f"{hours:.0f}", "h"), (f"{minutes:.0f}", "min"), (f"{rest:.3g}", "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number != "0")
