"""The kernel cache when it is missing, shared, damaged or in the way."""

import os
import subprocess
import sys

import pytest

from twin.errors import KernelError
from twin.module import digest, load

RUN = (
    "from tests.plants import one\nfrom twin.ensemble import Ensemble\n"
    "e = Ensemble(one('explosion'))\ne.advance(0.5)\nprint(e.digest())"
)
TEXT = (
    '"""Generated for a test."""\nfrom numba import njit\n\n'
    "@njit('f8(f8)', cache=True)\ndef twice(x):\n    return 2.0 * x\n"
)


def start(cache):
    environment = {**os.environ, "TWIN_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )


def forget(name):
    sys.modules.pop(f"twin_{name}_{digest(TEXT)}", None)


def test_two_processes_that_compile_the_same_plant_at_once_both_get_it(tmp_path):
    running = [start(tmp_path / "cache") for _ in range(2)]
    results = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0], results
    assert results[0][0] == results[1][0]
    assert not list((tmp_path / "cache").glob("*.tmp"))


def test_a_cache_that_can_not_be_written_is_refused_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(KernelError) as refused:
        load(TEXT, "refused")
    assert str(refused.value) == (
        f"{tmp_path}/file/cache: kernel cache can't be written: Not a directory; "
        "make room or set TWIN_CACHE to a writable folder"
    )


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 60])
def test_machine_code_cut_short_is_made_anew(tmp_path, monkeypatch, suffix, left):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    load(TEXT, "cut")
    (file,) = (tmp_path / "__pycache__").glob(f"*.{suffix}")
    whole = file.stat().st_size
    os.truncate(file, left)
    forget("cut")
    assert load(TEXT, "cut").twice(2.0) == 4.0
    assert next((tmp_path / "__pycache__").glob(f"*.{suffix}")).stat().st_size >= whole - 64
    forget("cut")


def test_a_generated_module_that_was_edited_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_CACHE", str(tmp_path))
    load(TEXT, "edited")
    (path,) = tmp_path.glob("*.py")
    path.write_text(TEXT.replace("2.0", "3.0"))
    forget("edited")
    assert load(TEXT, "edited").twice(2.0) == 4.0
    forget("edited")
