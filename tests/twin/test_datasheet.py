"""Data sheets hold what is declared, and docs/equipment.md is what they say today."""

from pathlib import Path

import pytest

from tests.store import folder_of_assets
from twin.catalogue import find
from twin.datasheet import describe, document, markdown


def test_the_committed_data_sheets_are_those_of_the_declarations(repository: Path) -> None:
    committed = (repository / "docs" / "equipment.md").read_text(encoding="utf-8")
    assert committed == document(), "run `python -m twin.datasheet > docs/equipment.md`"


@pytest.fixture
def sheet(tmp_path: Path) -> str:
    return markdown(describe("store", find("store", folder_of_assets(tmp_path))))


def test_a_data_sheet_holds_every_declaration(sheet: str) -> None:
    assert "| `size` | m2 | cross-section | 1 | 0.1 to 10 | guess: after nothing in particular |" in sheet
    assert "| `level` | m | height of what is stored | 0 | -1 to 5 |" in sheet
    assert "| `passed` | m3/s | what passes on |" in sheet
    assert "| `half_full` | level |  |" in sheet
    assert "| `count` | on half_full | halves | halves |" in sheet
    assert "### Faults" not in sheet, "there are none"


def test_a_data_sheet_is_a_table_for_every_reader_of_markdown(sheet: str) -> None:
    rows = [line for line in sheet.splitlines() if line.startswith("|")]
    blocks = [block for block in sheet.split("\n\n") if block.startswith("|")]
    assert sum(len(block.splitlines()) for block in blocks) == len(rows)
    for block in blocks:
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1
