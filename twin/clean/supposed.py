"""What a drafted plant supposes until a person knows better: noise of its instruments, and what a twin must find."""

import math
import re
from collections.abc import Sequence

import numpy as np

from twin.clean.match import Match, Model
from twin.declare import Input, Memory, State
from twin.plant import Plant

GAUSSIAN = 1.4826
"""Standard deviation of normal numbers over the median of their distances from the median."""
SECOND = math.sqrt(6.0)
"""Standard deviation of second differences of white noise over its own."""
LEAST = 1e-12
"""Noise below it is a rounding error's."""
WARM = "10 K"
SHARE = "20 %"
MOST = 12
"""More unknowns than this are for a person to choose: each costs time at every instant."""
SHORTEST, LONGEST = 1.0, 3600.0
"""Time between corrections [s]."""


def noise(values: np.ndarray) -> float:
    """Return the standard deviation of white noise on readings, in their unit; never 0.

    Second differences take level and slope away, the median of their sizes takes jumps away. Readings whose display
    stands still show their resolution instead, and a constant a thousandth of itself.
    """
    finite = values[np.isfinite(values)]
    bends = np.abs(np.diff(finite, 2)) if finite.size > 2 else np.zeros(1)
    found = GAUSSIAN * float(np.median(bends)) / SECOND
    if found > LEAST:
        return found
    steps = np.abs(np.diff(finite))
    steps = steps[steps > 0.0]
    size = float(np.max(np.abs(finite), initial=0.0))
    return max(float(steps.min()) / math.sqrt(12.0) if steps.size else 1e-3 * size or 1e-3, LEAST)


def section(model: Model, read: Sequence[tuple[Match, str]], period: float) -> list[str]:
    """Return the section `estimate` of a draft: what its model doesn't know, else what no twin knows at its start."""
    lines = [
        "# guess: what isn't known for certain, and by how much a reading may be off before that matters (half of what",
        "# this file spans). `twin observe` on this file says what the tags can tell of it, and what not",
        "estimate:",
        f"  every: {min(max(period, SHORTEST), LONGEST):g} s",
    ]
    own = section_of(model.plant.text, "estimate")
    told = [part for key in ("unknown", "known") if (part := section_of(own, f"  {key}"))]
    if told:
        lines += [part.rstrip() for part in told]
    else:
        unsure = [f"    {path}: {{spread: {off}, wander: {off}}}" for path, off in _unknowns(model, read)]
        lines += ["  unknown:", *unsure] if unsure else ['  unknown: {"*": 10 %}']
    if model.plant.paths(Memory):
        lines.append('  assume: ["*"]  # modes that no tag reads are as the twin\'s own equations make them')
    spans = [f"    {tag}: {size(_span(match), match.unit)}" for match, tag in read if _span(match) > LEAST]
    return [*lines, "  tolerance:", *spans] if spans else lines


def size(value: float, unit: str) -> str:
    """Return a size as a plant file has it; per cent are told as a share, where they would be one of a reading."""
    return f"{value / 100.0:.3g} 1" if unit == "%" else f"{value:.3g} {unit or 1}"


def measured(match: Match, plant: Plant) -> bool:
    """Return whether a column holds what an instrument reads of a continuous quantity."""
    return match.column.role == "number" and not isinstance(plant.quantity(match.reads), Memory)


def section_of(text: str, key: str) -> str:
    """Return a section of a plant file as it is written, or nothing; spaces before `key` say how deep it is.

    Comments at its end are about what follows.
    """
    deep = " " * (len(key) - len(key.lstrip()) + 1)
    begin = re.search(rf"^{key}:.*\n(?:{deep}.*\n| *#.*\n|\n)*", text.rstrip("\n") + "\n", re.MULTILINE)
    return re.sub(r"(?:\n *(?:#.*)?)+\Z", "", begin[0].rstrip("\n")) + "\n" if begin else ""


def _unknowns(model: Model, read: Sequence[tuple[Match, str]]) -> list[tuple[str, str]]:
    """Return states and held inputs that nothing sets, each with what it may be off by; the states first."""
    plant, told = model.plant, {match.reads for match, _ in read}
    free = [
        p for p in plant.paths(State, Input) if p not in plant.wires and not (p in told and p in plant.paths(Input))
    ]
    sized = [(path, WARM if plant.quantity(path).unit == "K" else SHARE) for path in free if plant.value(path) != 0.0]
    return sized[:MOST]


def _span(match: Match) -> float:
    """Return half of what a column of numbers spans, but for what is rare; 0 where it stands still."""
    values = match.column.values if match.column.role == "number" else match.column.values[:0]
    low, high = np.quantile(values, (0.01, 0.99)) if values.size else (0.0, 0.0)
    return float(high - low) / 2.0
