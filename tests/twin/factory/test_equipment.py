"""The equipment that only factories have keeps the contract of all equipment."""

import re
import subprocess
import sys
from pathlib import Path


def test_the_equipment_of_the_truths_passes_the_contract(repository: Path) -> None:
    folder = repository / "scenarios" / "truths" / "equipment"
    contract = [sys.executable, "-m", "pytest", "-q", "tests/contract/test_every_asset.py", "--assets"]
    done = subprocess.run([*contract, folder], cwd=repository, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
