"""Changes of a plant as people write them: absolute, or beside what it was; of equipment, or of its flow."""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from twin.errors import PlantError, TwinError, unknown
from twin.plant import Plant, setting
from twin.read import Node, parse
from twin.units import difference_to_si, to_si

FLOW = "flow."
_SIGNED = re.compile(r"\s*([+-])\s*(\d.*|\.\d.*)", re.DOTALL)
_SECTIONS = ("crews", "shifts", "tools")
_COUNTED = (".capacity", ".size", ".servers", ".batch", ".count")


class Change(NamedTuple):
    """A number or text that a variant has otherwise: set to it, more or less by it, or by a share of what it was."""

    path: str
    how: Literal["to", "by", "times"]
    text: str
    where: str = ""


def change(path: str, text: str, where: str = "") -> Change:
    """Return what is meant by ``-10 %``, ``+8 K`` or ``= -5 degC``."""
    text = text.strip()
    if text.startswith("="):
        return Change(path, "to", text[1:].strip(), where)
    if not _SIGNED.fullmatch(text):
        return Change(path, "to", text, where)
    return Change(path, "times" if text.endswith("%") else "by", text, where)


def of_flow(changes: Iterable[Change]) -> list[Change]:
    """Return those of the flow."""
    return [each for each in changes if each.path.startswith(FLOW)]


def of_equipment(changes: Iterable[Change]) -> list[Change]:
    """Return those of the equipment."""
    return [each for each in changes if not each.path.startswith(FLOW)]


def edited(tree: Node, changes: Iterable[Change]) -> Node:
    """Return a plant's tree with its flow changed.

    Raises
    ------
    PlantError
        If the plant has no such place.
    """
    found = copy.deepcopy(tree)
    for each in of_flow(changes):
        if each.how != "to":
            raise PlantError(
                f"{each.where}: {each.path}: {each.text}: say what it becomes; a flow's texts can't be added"
            )
        steps = each.path.removeprefix(FLOW).split(".")
        if steps[0] not in _SECTIONS and steps[0] != "begins":
            steps = ["line", *steps]
        _put(found, _keys(found, ["flow", *steps]), each)
    return found


def _keys(tree: Node, steps: list[str]) -> list[str]:
    """Return steps with those put together that are one key, as ``asset.input`` is in ``drives``."""
    node: object = tree
    found = []
    while steps:
        pair = ".".join(steps[:2])
        key = pair if isinstance(node, Node) and steps[0] not in node and pair in node else steps[0]
        node = node.get(key) if isinstance(node, Node) else None
        found.append(key)
        steps = steps[1 + (key == pair and len(steps) > 1) :]
    return found


def _put(tree: Node, steps: list[str], each: Change) -> None:
    node: object = tree
    for depth, step in enumerate(steps[:-1]):
        if not isinstance(node, Node) or step not in node:
            known = [key for key in node if isinstance(key, str)] if isinstance(node, Node) else []
            said = unknown("place", step, known) if depth else "the plant has no section `flow`; give it one"
            raise PlantError(f"{each.where}: {each.path}: {said}")
        node = node[step]
    if not isinstance(node, Node):
        raise PlantError(f"{each.where}: {each.path}: {steps[-2]} has no parts; change it as a whole")
    whole = each.text[:1] in ("{", "[")
    if isinstance(node.get(steps[-1]), Node | list) and not whole:
        raise PlantError(f"{each.where}: {each.path}: it has parts of its own; name one of them, or give all: {{...}}")
    node[steps[-1]] = parse(f"it: {each.text}", each.where or "change")["it"] if whole else each.text
    node.lines[steps[-1]] = each.where or node.where


def flowed(value: object) -> str:
    """Return what was read from YAML as text on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {flowed(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flowed(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class Amount(NamedTuple):
    """What becomes of a quantity in SI: ``factor * value + offset``."""

    path: str
    factor: float
    offset: float


def amount(plant: Plant, each: Change) -> Amount:
    """Return a change of equipment in SI.

    Raises
    ------
    PlantError
        If there is no such quantity, or the plant's own value would leave its bounds.
    """
    try:
        unit = plant.quantity(each.path).unit
        if each.how == "to":
            return Amount(each.path, 0.0, setting(plant, each.path, each.text))
        if each.how == "times":
            found = Amount(each.path, 1.0 + to_si(each.text.replace(" ", "").replace("%", " %"), "1"), 0.0)
        else:
            found = Amount(each.path, 1.0, difference_to_si(each.text.replace("+ ", "+").replace("- ", "-"), unit))
        setting(plant, each.path, found.factor * plant.value(each.path) + found.offset)
    except TwinError as err:
        raise PlantError(f"{each.where}: {err}" if each.where else str(err)) from None
    return found


def later(plant: Plant, each: Change) -> float:
    """Return what a change of a schedule sets, SI: one that is relative is beside the plant file's value.

    Raises
    ------
    PlantError
        As `amount` does.
    """
    change = amount(plant, each)
    return change.factor * plant.value(each.path) + change.offset


def values_of(plant: Plant, changes: Iterable[Change]) -> dict[str, float]:
    """Return what becomes of the plant's own values, SI, by path; of several changes of one, each rests on the last.

    Raises
    ------
    PlantError
        If there is no such quantity, or a value leaves its bounds.
    """
    found: dict[str, float] = {}
    for each in of_equipment(changes):
        change = amount(plant, each)
        before = found.get(each.path, plant.value(each.path)) if change.factor else 0.0
        try:
            found[each.path] = setting(plant, each.path, change.factor * before + change.offset)
        except TwinError as err:
            raise PlantError(f"{each.where}: {err}" if each.where else str(err)) from None
    return found


def written(path: str, value: float, unit: str) -> str:
    """Return a point of a design as a change's text; what is counted is rounded to a whole number."""
    if path.startswith(FLOW):
        return str(round(value)) if float(value).is_integer() or path.endswith(_COUNTED) else repr(value)
    return f"{value!r} {unit}" if unit != "1" else repr(value)


def told(changes: Iterable[Change]) -> Mapping[str, str]:
    """Return changes as they were written, by path."""
    return {each.path: each.text for each in changes}
