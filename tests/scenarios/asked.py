"""A small question for the tests of scenarios: a press, a saw that is slower, a rack between, all times constant."""

from collections.abc import Mapping
from pathlib import Path

from scenarios.branch import evaluate
from scenarios.results import Failed, Result
from scenarios.scenario import Scenario, scenario
from scenarios.sweep import branches_of, common_of
from twin.read import parse

EQUIPMENT = Path(__file__).parents[1] / "equipment"
PLANT = """plant: pressing
assets:
  press: {is: press}
tags:
  EI-1: {reads: press.E, unit: kJ}
flow:
  begins: Mon 06:00
  shifts: {early: {from: "06:00", to: "06:30"}}
  crews: {men: {size: 2}, others: {size: 3, shift: early}}
  line:
    raw: {is: source, to: mill, orders: {first: {count: 3, due: 51 min}, rest: {count: 1000, due: 50 min}}}
    mill:
      is: station
      to: rack
      takes: 40 s
      drives: {press.works: {busy: 1, else: 0}}
      meters: [press.E]
      pace: {by: press.speed, at: 1}
      trips: [press.tripped]
      power: {busy: 100 W, else: 10 W}
      needs: {work: men}
    rack: {is: buffer, to: saw, capacity: 2}
    saw: {is: station, to: done, takes: TIME}
    done: {is: sink}
"""
ASKED = {
    "scenario": "asked",
    "question": "{en: What if?, ko: 만약?}",
    "plant": "plant.yaml",
    "for": "1 h",
    "replications": "3",
    "report": "[line.done]",
}


def text_of(changes: Mapping[str, str | None]) -> str:
    """Return a scenario's text; a key that becomes None is left out."""
    return "".join(f"{key}: {value}\n" for key, value in {**ASKED, **changes}.items() if value is not None)


def ask(folder: Path, saw: str = "1000 s", **changes: str | None) -> Scenario:
    """Return a scenario with some keys otherwise, `for` as `length`."""
    if "length" in changes:
        changes["for"] = changes.pop("length")
    (folder / "plant.yaml").write_text(PLANT.replace("TIME", saw))
    text = text_of(changes)
    (folder / "asked.yaml").write_text(text)
    return scenario(parse(text, "asked.yaml"), text, folder, EQUIPMENT)


def answers(asked: Scenario, replications: int = 1) -> dict[str, Result | Failed]:
    """Return what branches come to, by key, run here."""
    branches = branches_of(asked.variants, replications)
    found = evaluate(common_of(asked, None), branches)
    return {branch.key: each for branch, each in zip(branches, found, strict=True)}
