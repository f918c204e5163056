"""Modes of a plant that no instrument shows: what equipment remembers, changes by itself, and acts by."""

from collections.abc import Iterator

from twin.declare import Asset, Due, Input, Memory, Output, State
from twin.formula import Formula, names_in, needed
from twin.plant import Estimation, Plant

NAMED = 5
"""Modes that an error names."""


def hidden_modes(plant: Plant) -> tuple[str, ...]:
    """Return ``asset.memory`` of every mode that nobody can know for certain.

    It is a memory that an equation or a guard reads, that no tag reads, and that changes by what the plant does: a
    transition sets it when a state, an output or what is wired says so. What only changes with the clock, or with
    a selector that is set from outside, is known.
    """
    read = {tag.reads for tag in plant.tags.values()}
    found = []
    for asset, cls in plant.assets.items():
        wired = {path.partition(".")[2] for path in plant.wires if path.partition(".")[0] == asset}
        moved = {*cls.roles[State], *cls.roles[Output], *cls.roles[Memory], *wired & set(cls.roles[Input])}
        formulas = [*cls.outputs.values(), *cls.dynamics.values(), *cls.guards.values()]
        acted_on = {name for formula in formulas for name in formula.arguments}
        changed = set(_changed(cls, moved))
        found += [f"{asset}.{m}" for m in cls.roles[Memory] if m in acted_on & changed and f"{asset}.{m}" not in read]
    return tuple(found)


def refusal(plant: Plant, estimation: Estimation) -> str:
    """Return why the filter that an estimation asks for can't follow the plant; empty where it can."""
    hidden = [path for path in hidden_modes(plant) if path not in estimation.assumed]
    if estimation.filter != "unscented" or not hidden:
        return ""
    first, others = hidden[0], hidden[1:]
    asset, _, memory = first.partition(".")
    more = ", ".join(others[: NAMED - 1]) + (f" and {len(others) - NAMED + 1} more" if len(others) >= NAMED else "")
    return (
        f"estimate.filter: the unscented filter follows one mode at a time, and no tag reads {memory!r} of {asset}, "
        f"which changes by itself{f' (nor {more})' if others else ''}; add a tag that reads {first}, write "
        f"'filter: ensemble', or put {first} under 'assume' where the twin's own equations may be believed"
    )


def _changed(cls: type[Asset], moved: set[str]) -> Iterator[str]:
    """Yield memories that a transition sets by what has `moved`."""
    by_itself = _by_itself(cls, moved)
    for name, (_, _, formula) in cls.transitions.items():
        for returned, result in zip(formula.returns, formula.results, strict=True):
            # What keeps its value, as counters and latches do, moves by nothing but itself.
            if returned in cls.roles[Memory] and (name in by_itself or _reads(formula, result) & (moved - {returned})):
                yield returned


def _by_itself(cls: type[Asset], moved: set[str]) -> set[str]:
    """Return transitions that happen when the plant moves: by a guard over it, or at a due that such a one set."""
    reached: set[str] = set()
    armed: set[str] = set()
    while True:
        more = {
            name
            for name, (kind, trigger, _) in cls.transitions.items()
            if (trigger in armed if kind == "at" else set(cls.guards[trigger].arguments) & moved)
        }
        if more == reached:
            return reached
        reached = more
        armed = {r for name in reached for r in cls.transitions[name][2].returns if r in cls.roles[Due]}


def _reads(formula: Formula, result: str) -> set[str]:
    """Return the arguments that a result is computed from."""
    lines = needed(formula.lines, [result])
    names = {name for line in lines for name in names_in(line.expression)} | {result}
    return names & set(formula.arguments)
