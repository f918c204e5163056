"""A small plant with instruments of several dimensions, and short ways to recipes, blocks and files."""

from pathlib import Path
from typing import Any

import numpy as np

from twin.clean.block import Block, joined
from twin.clean.cleaner import Cleaner
from twin.clean.recipe import Recipe
from twin.clean.recipe_file import RecipeFile
from twin.clean.recipe_loader import PAGE, resolved
from twin.clean.tally import Finding
from twin.plant import Plant
from twin.read import parse
from twin.shape import validated

PLANT = """\
plant: bench
assets:
  tank: {is: tank}
tags:
  LI: {reads: tank.level, unit: cm}
  PI: {reads: tank.pressure, unit: bar}
  TI: {reads: tank.T, unit: degC}
  FI: {reads: tank.drain, unit: l/min}
  XI: {reads: tank.overflows}
"""
LI, PI, TI, FI, XI = range(5)

SECOND = 1_000_000


def plant(folder: Path) -> Plant:
    """Write and load the plant."""
    (folder / "plant.yaml").write_text(PLANT, encoding="utf-8")
    return Plant.load(folder / "plant.yaml")


def recipe(plant: Plant, text: str) -> Recipe:
    """Return the recipe in YAML `text`."""
    tree = parse(text, "r.yaml")
    return resolved(tree, validated(tree, RecipeFile, PAGE), plant)


def cleaner(plant: Plant, text: str, **units: str) -> Cleaner:
    """Return a cleaner by the recipe in YAML `text`."""
    return Cleaner(recipe(plant, text), units)


def series(tag: int, values: Any, *, every: float = 1.0, start: float = 1000.0, quality: Any = None) -> Block:
    """Return readings of one tag, `every` so many seconds."""
    time = ((start + every * np.arange(len(values))) * SECOND).astype(np.int64)
    return Block.of(np.full(len(values), tag), time, values, quality)


def mixed(*blocks: Block) -> Block:
    """Return readings of several tags in order of time."""
    whole = joined(blocks)
    return whole.part(np.argsort(whole.time, kind="stable"))


def found(engine: Cleaner, cause: str) -> list[Finding]:
    """Return what was found of one kind."""
    return [finding for finding in engine.tally.findings() if finding.cause == cause]
