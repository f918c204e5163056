"""The worked example of docs/add-equipment.md does what that page says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from twin.plant import Plant


@pytest.fixture
def example(repository: Path, tmp_path: Path) -> Path:
    """Return a folder with the page's files, written as the page says."""
    page = (repository / "docs" / "add-equipment.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_page_holds_an_asset_and_a_plant_that_uses_it(example: Path) -> None:
    plant = Plant.load(example / "extract.yaml", extra=example / "my_assets")
    assert {cls.__name__ for cls in plant.assets.values()} == {"CentrifugalFan"}


def test_the_asset_of_the_page_passes_the_contract(example: Path, repository: Path) -> None:
    contract = [sys.executable, "-m", "pytest", "-q", "tests/contract/test_every_asset.py", "--assets"]
    done = subprocess.run(
        [*contract, example / "my_assets"], cwd=repository, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
