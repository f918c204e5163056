"""The repository keeps its budgets, and the installed package its promises."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 50

# Folders of one person's machine, and hosts that pip and apt find without being told.
PRIVATE = re.compile(r"(?<![\w.~<-])/(?:work|root|home/\w+|tmp/\w+)\b|(?:pypi|pythonhosted|debian|npmjs)\.org")

SLOW_TO_IMPORT = ("dash", "numba", "pint", "scipy")

HELP = """
import sys
from twin.cli import main
sys.argv = ["twin", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sorted(sys.modules))
"""


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    """Return every file that is or would be committed."""
    asked = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, cwd=repository, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := repository / name).is_file()]


@pytest.fixture(scope="module")
def modules(files: list[Path], repository: Path) -> list[Path]:
    """Return every Python file outside tests/."""
    return [f for f in files if f.suffix == ".py" and f.relative_to(repository).parts[0] != "tests"]


def test_no_file_is_longer_than_its_budget(modules: list[Path]) -> None:
    lengths = {str(f): len(f.read_text(encoding="utf-8").splitlines()) for f in modules}
    assert {name: n for name, n in lengths.items() if n > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_its_budget(modules: list[Path]) -> None:
    lengths = {where: n for f in modules for where, n in function_lengths(f)}
    assert lengths, "no function was found to measure"
    assert {where: n for where, n in lengths.items() if n > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_file_names_a_machine_of_ours(files: list[Path]) -> None:
    found = {str(f): hits for f in files if (hits := PRIVATE.findall(f.read_text(encoding="utf-8", errors="ignore")))}
    assert found == {}


def test_help_answers_without_the_slow_imports() -> None:
    run = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Usage:" in run.stdout
    loaded = set(run.stdout.rpartition("loaded:")[2].split())
    assert loaded.isdisjoint(SLOW_TO_IMPORT), loaded.intersection(SLOW_TO_IMPORT)


def test_the_built_in_assets_arrive_by_one_entry_point() -> None:
    assert [(e.name, e.value) for e in entry_points(group="twin.assets", name="builtin")] == [("builtin", "assets")]


def function_lengths(file: Path) -> Iterator[tuple[str, int]]:
    """Yield where each function of `file` begins, and its number of lines."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{file}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1
