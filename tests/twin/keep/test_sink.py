"""HDF5 on a disk that fills up: it neither crashes nor leaves anything behind."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.errors import DataError
from twin.keep.sink import Sink
from twin.keep.writing import Written

ROWS = 200_000


def columns(seed: int = 0) -> dict[str, np.ndarray]:
    chance = np.random.default_rng(seed)
    return {
        "time": np.arange(ROWS),
        "value": chance.normal(size=ROWS),
        "quality": np.zeros(ROWS, np.uint32),
        "frame": np.zeros(ROWS, np.uint32),
    }


def test_a_sink_reads_what_was_written(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file:
        sink = Sink(file.fileno())
        assert sink.write(memoryview(b"abcdef")) == 6
        assert sink.seek(2) == 2
        assert sink.write(memoryview(b"X")) == 1
        assert sink.tell() == 3
        sink.seek(0)
        assert sink.read(8) == b"abXdef\0\0"
        assert sink.seek(-2, os.SEEK_END) == 4
        assert sink.truncate(3) == 3
        assert (tmp_path / "file").stat().st_size == 3
        assert sink.error is None


@pytest.mark.parametrize("room", [0, 100, 5_000, 60_000, 600_000, 2_000_000])
def test_a_disk_that_fills_up_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    left = [room]
    real = os.pwrite

    def pwrite(handle: int, data: Any, at: int) -> int:
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(handle, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(DataError, match="No space left on device; make room"):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


def write(folder: Path) -> None:
    with Written(folder) as file:
        for seed in range(3):
            file.put("readings", columns(seed))
        file.finish({"content": file.content()})


@pytest.mark.parametrize("call", ["fsync", "ftruncate", "pread"])
def test_a_disk_that_fails_is_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, fail)
    if call == "pread":  # HDF5 may need nothing back
        with (tmp_path / "file").open("w+b") as file:
            sink = Sink(file.fileno())
            assert sink.read(3) == b"\0\0\0"
            assert isinstance(sink.error, OSError)
            return
    with pytest.raises(DataError, match="Input/output error"):
        write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        Written(tmp_path / "none")
