"""What there is to ask, and what a scenario changes: for people, and for forms."""

from pathlib import Path
from typing import Any

import click

from scenarios.changes import FLOW, Change
from scenarios.library import names, path_of
from scenarios.measures import korean_of
from scenarios.scenario import Scenario, load
from twin.cli.arguments import print_json
from twin.errors import TwinError


def listed(library: Path | None, as_json: bool) -> None:
    """Print the scenarios there are; one that is wrong is told with its error."""
    found = []
    for name, path in names(library).items():
        entry: dict[str, Any] = {"name": name, "file": str(path)}
        try:
            scenario = load(path)
            entry |= {"plant": scenario.plant.name, "question": dict(scenario.question)}
        except TwinError as err:
            entry |= {"plant": "", "question": {"en": str(err), "ko": str(err)}, "error": str(err)}
        found.append(entry)
    if as_json:
        print_json({"scenarios": found})
        return
    for entry in found:
        click.echo(f"{entry['name']}: {entry['question']['en']}")


def described(name: str, library: Path | None, extra: Path | None, as_json: bool) -> None:
    """Print what a scenario changes and reports."""
    scenario = load(path_of(name, library), extra)
    found = _description(scenario)
    if as_json:
        print_json(found)
        return
    click.echo(scenario.question["en"])
    for variant in found["variants"]:
        changes = ", ".join(f"{c['path']}: {c['text']}" for c in variant["changes"]) or "nothing is changed"
        click.echo(f"  {variant['name']}: {changes}")
    click.echo("reports " + ", ".join(measure["name"] for measure in found["measures"]))


def _description(scenario: Scenario) -> dict[str, Any]:
    return {
        "scenario": scenario.name, "question": dict(scenario.question), "plant": scenario.plant.name,
        "start": scenario.start, "length": scenario.length, "replications": scenario.replications,
        "seed": scenario.seed, "assume": [_change(scenario, each) for each in scenario.assume],
        "variants": [
            {
                "name": variant.name, "about": dict(variant.about or {"en": variant.name, "ko": variant.name}),
                "changes": [_change(scenario, each) for each in variant.changes],
                "later": [
                    {"at": step.at, "path": each.path, "text": each.text}
                    for step in variant.schedule for each in step.changes
                ],
            }
            for variant in scenario.variants
        ],
        "vary": _varied(scenario),
        "measures": [measure._asdict() for measure in scenario.measures],
    }  # fmt: skip


def _varied(scenario: Scenario) -> list[dict[str, str]]:
    """Return what a design varies, and between what."""
    vary = scenario.vary
    if vary is None:
        return []
    return [
        {
            "path": path,
            "text": ", ".join(map(str, given)) if isinstance(given[0], str) else
            f"{given[0]:g} … {given[1]:g} {vary.units[path] if vary.units[path] != '1' else ''}".strip(),
        }
        for path, given in vary.over.items()
    ]  # fmt: skip


def _change(scenario: Scenario, each: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"path": each.path, "text": each.text, "unit": "", "low": None, "high": None}
    if each.path.startswith(FLOW):
        place = each.path.removeprefix(FLOW)
        return found | {"english": place, "korean": place}
    quantity = scenario.plant.quantity(each.path)
    low, high = quantity.bounds
    korean = korean_of(scenario.plant, each.path)
    return found | {"unit": quantity.unit, "low": low, "high": high, "english": quantity.doc, "korean": korean}
