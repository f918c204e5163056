"""MATLAB files: vectors of one length are columns, the rest is named, and what is no such file is refused."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from twin.clean import apart, mat_table
from twin.clean.notes import Notes
from twin.clean.recording_file import FormatEntry
from twin.clean.table import ROWS, Table, open_table
from twin.errors import DataError


def opened(path: Path, notes: Notes | None = None) -> Table:
    return open_table(path, FormatEntry(), notes or Notes())


def cells(table: Table, name: str) -> np.ndarray:
    return np.concatenate([np.asarray(piece.cells[name]) for piece in table.pieces([name])])


@pytest.mark.parametrize("compressed", [False, True])
def test_standing_and_lying_vectors_of_one_length_are_columns_and_the_rest_is_named(
    tmp_path: Path, compressed: bool
) -> None:
    time = np.arange(ROWS + 7) * 1e-3
    saved: dict[str, Any] = {
        "t": time[:, None],
        "lying": -time[None, :],
        "on": time[:, None] > 5.0,
        "count": np.arange(time.size, dtype=np.int16)[:, None],
        "gain": 35.15,
        "short": np.ones((3, 1)),
        "plane": np.ones((4, 4)),
        "phasor": 1j * time[:, None],
        "said": "text",
        "sets": {"a": time},
    }
    savemat(tmp_path / "f.mat", saved, do_compression=compressed)
    notes = Notes()
    table = opened(tmp_path / "f.mat", notes)
    assert table.columns == ("t", "lying", "on", "count")
    assert notes.facts["no columns of readings"] == "gain, phasor, plane, said, sets, short"
    assert notes.facts["rows"] == str(time.size)
    np.testing.assert_array_equal(cells(table, "t"), time)
    np.testing.assert_array_equal(cells(table, "lying"), -time)
    np.testing.assert_array_equal(cells(table, "on").astype(bool), time > 5.0)
    np.testing.assert_array_equal(cells(table, "count"), np.arange(time.size))
    pieces = list(table.pieces(["t", "on"]))
    assert [piece.line.size for piece in pieces] == [ROWS, 7]
    with pytest.raises(DataError, match="no column 'tt'; did you mean 't'"):
        next(iter(table.pieces(["tt"])))


def test_a_file_whose_vectors_make_no_one_table_is_refused(tmp_path: Path) -> None:
    savemat(tmp_path / "f.mat", {"a": np.ones((3, 1)), "b": np.ones((4, 1))})
    with pytest.raises(DataError, match="as many vectors have 3 values as 4; save one table in a file"):
        opened(tmp_path / "f.mat")
    savemat(tmp_path / "f.mat", {"a": 1.0, "b": np.ones((4, 4))})
    with pytest.raises(DataError, match="holds no numeric vectors; save each signal as one column"):
        opened(tmp_path / "f.mat")


def test_a_file_of_version_7_3_is_named_as_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.mat", "w", userblock_size=512) as file:
        file["t"] = np.ones((1, 9))
    with pytest.raises(DataError, match=r"is of MATLAB version 7\.3, which is HDF5 inside; save it with -v7"):
        opened(tmp_path / "f.mat")
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (tmp_path / "f.mat").write_bytes(header.ljust(512, b"\0") + (tmp_path / "f.mat").read_bytes()[512:])
    with pytest.raises(DataError, match=r"is of MATLAB version 7\.3"):
        opened(tmp_path / "f.mat")


def test_what_is_no_matlab_file_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f.mat").write_bytes(b"time,value\n1,2\n" * 99)
    with pytest.raises(DataError, match=r"f\.mat: is no MATLAB file of version 5 to 7"):
        opened(tmp_path / "f.mat")
    with pytest.raises(DataError, match=r"none\.mat: can't be read"):
        opened(tmp_path / "none.mat")
    savemat(tmp_path / "f.mat", {"t": np.arange(9.0)[:, None]})
    monkeypatch.setattr(mat_table, "MAX_BYTES", 64)
    with pytest.raises(DataError, match="split it, or save it as HDF5 or Parquet"):
        opened(tmp_path / "f.mat")


def test_a_small_file_that_unpacks_to_more_than_the_memory_is_refused(tmp_path: Path) -> None:
    """A vector that says of itself that it is long is counted before it is read; one that lies meets the limit."""

    def element(kind: int, data: bytes, size: int | None = None) -> bytes:
        return struct.pack("<II", kind, len(data) if size is None else size) + data + b"\0" * (-len(data) % 8)

    savemat(tmp_path / "f.mat", {})
    header = (tmp_path / "f.mat").read_bytes()[:128]
    for length, said in ((1 << 29, "its vectors claim over 1 GiB"), (2, "it is damaged|breaks down")):
        matrix = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<ii", length, 1)) + element(1, b"t")
        matrix += struct.pack("<II", 9, 0xFFFFFFF0) + bytes(1 << 20)
        packed = zlib.compress(struct.pack("<II", 14, len(matrix)) + matrix)
        (tmp_path / "f.mat").write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
        with pytest.raises(DataError, match=said):
            opened(tmp_path / "f.mat")


def test_no_mutation_of_a_matlab_file_ends_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SECONDS", 10)
    path = tmp_path / "f.mat"
    savemat(path, {"t": np.arange(50.0)[:, None], "v": np.arange(50.0)[:, None]}, do_compression=True)
    raw, rng = path.read_bytes(), np.random.default_rng(3)
    for _ in range(4):
        mutant = bytearray(raw)
        for place in rng.integers(128, len(raw), 4):
            mutant[place] = rng.integers(256)
        path.write_bytes(mutant)
        with suppress(DataError):
            table = opened(path)
            cells(table, table.columns[0])


@pytest.mark.data
def test_the_record_of_the_positioning_axis_is_read(recordings: Path) -> None:
    notes = Notes()
    table = opened(recordings / "emps" / "DATA_EMPS.mat", notes)
    assert set(table.columns) == {"t", "qm", "qg", "vir"}
    assert notes.facts["no columns of readings"] == "gtau, kp, kv"
    assert cells(table, "qm").shape == (24841,)
