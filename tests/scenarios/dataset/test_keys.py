"""The page about data sets says what the files' shapes declare, and its first example can be made."""

import re
from pathlib import Path

import pytest

from scenarios.dataset.drawing import Lot
from scenarios.dataset.keys import tables
from scenarios.dataset.loading import load
from scenarios.dataset.making import check_enough


@pytest.fixture
def page(repository: Path) -> str:
    return (repository / "docs" / "datasets.md").read_text(encoding="utf-8")


def test_the_page_has_the_tables_of_today(page: str) -> None:
    inside = page.split("<!-- python -m scenarios.dataset.keys -->\n")[1].split("<!-- end -->")[0]
    assert inside == tables(), "replace what stands between the marks by what `python -m scenarios.dataset.keys` prints"


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in tables().splitlines() if line.startswith("| `")]
    assert len(rows) > 70
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_first_example_can_be_made(page: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "my_pumps.yaml").write_text(example, encoding="utf-8")
    spec = load(tmp_path / "my_pumps.yaml")
    check_enough(spec, Lot(spec, spec.runs, spec.seed))
    assert spec.classes == ("healthy", "worn_pump")
