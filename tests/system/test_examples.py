"""Every example runs and prints what its committed output says."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
NEEDS = {"06_train_with_torch": "torch"}
"""What an example needs and no extra of ours brings."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_prints_its_committed_output(path):
    if path.stem in NEEDS and importlib.util.find_spec(NEEDS[path.stem]) is None:
        pytest.skip(f"{NEEDS[path.stem]} isn't installed")
    found = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=True)
    assert found.stdout == path.with_suffix(".out").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_is_shorter_than_forty_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
