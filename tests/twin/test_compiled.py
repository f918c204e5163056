"""Machine code is used as long as every source of it is as it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from twin.compiled import refresh

CALLER = "from numba import njit\nfrom {name}_callee import g\n\n\n@njit(cache=True)\ndef f(x):\n    return g(x)\n"
CALLEE = "from numba import njit\n\n\n@njit(cache=True)\ndef g(x):\n    return {factor} * x\n"


def asked(folder: Path) -> str:
    """Return what the caller gives in a new process, after a refresh."""
    script = (
        "from pathlib import Path; from twin.compiled import refresh; "
        f"refresh([Path({str(folder)!r})]); import sys; sys.path.insert(0, {str(folder)!r}); "
        "import kept_caller; print(kept_caller.f(3), sum(kept_caller.f.stats.cache_hits.values()))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_edit_in_what_is_called_reaches_who_calls_it(tmp_path: Path) -> None:
    (tmp_path / "kept_caller.py").write_text(CALLER.format(name="kept"))
    (tmp_path / "kept_callee.py").write_text(CALLEE.format(factor=2))
    assert [asked(tmp_path), asked(tmp_path)] == ["6 0", "6 1"]
    (tmp_path / "kept_callee.py").write_text(CALLEE.format(factor=5))
    assert [asked(tmp_path), asked(tmp_path)] == ["15 0", "15 1"]


def test_where_nothing_can_be_written_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.py").write_text("")
    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.setattr(Path, "write_text", refused)
    assert refresh([tmp_path]) is False
