"""docs/recipes.md names every key as the models declare it, and its examples are right."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tests.twin.clean.bench import plant
from twin.clean.block import STATUSES
from twin.clean.recipe_file import (
    AlignEntry,
    CalibrationEntry,
    ChangeEntry,
    CounterEntry,
    RangeEntry,
    RecipeFile,
    SpikeEntry,
    StuckEntry,
    TagEntry,
)
from twin.clean.recipe_loader import load
from twin.clean.recording import Recording
from twin.clean.recording_file import ColumnEntry, FormatEntry, LongEntry, RecordingFile, TimeEntry
from twin.clean.tally import CAUSES

SECTIONS = {
    "A tag": TagEntry,
    "`range`": RangeEntry,
    "`stuck`": StuckEntry,
    "`spike`": SpikeEntry,
    "`calibration`": CalibrationEntry,
    "`changes`": ChangeEntry,
    "`counter`": CounterEntry,
    "`align`": AlignEntry,
    "The recipe": RecipeFile,
    "The recording": RecordingFile,
    "`time`": TimeEntry,
    "`columns`": ColumnEntry,
    "`format`": FormatEntry,
    "`long`": LongEntry,
}


def table(model: type[BaseModel]) -> str:
    """Return the keys of a model as a table: key, what it is where it is omitted, what it means."""
    lines = ["| key | omitted | meaning |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        default = field.default
        if default is PydanticUndefined:
            shown = "must be given"
        elif isinstance(default, BaseModel) or not default:
            shown = ""
        else:
            shown = f"`{default}`"
        lines.append(f"| `{field.alias or name}` | {shown} | {(field.description or '').replace('|', '&#124;')} |")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "recipes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_stands_on_the_page_as_it_is_declared(page: str, title: str) -> None:
    assert f"### {title}\n\n{table(SECTIONS[title])}\n" in page, (
        f"put this under '### {title}':\n{table(SECTIONS[title])}"
    )


def test_every_key_has_a_meaning() -> None:
    assert [(m.__name__, n) for m in SECTIONS.values() for n, f in m.model_fields.items() if not f.description] == []


def test_every_status_and_every_finding_stands_on_the_page(page: str) -> None:
    assert [name for name in STATUSES if f"`{name}`" not in page] == []
    assert [cause for cause in CAUSES if f"`{cause}`" not in page] == []


def test_the_examples_of_the_page_are_right(page: str, tmp_path: Path) -> None:
    recipe, recording = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    bench = plant(tmp_path)
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (tmp_path / "recording.yaml").write_text(recording, encoding="utf-8")
    assert len(load(tmp_path / "recipe.yaml", bench).tags) == len(bench.tags)
    assert Recording.load(tmp_path / "recording.yaml").recipe == load(tmp_path / "recipe.yaml", bench)
