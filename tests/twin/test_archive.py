"""Recorded runs: what comes back is what was put in, or a sentence that says why not."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.store import folder_of_assets, plant_file
from twin.archive import FORMAT, HEAD, Run, group_name, head
from twin.errors import DataError, SimulationError
from twin.plant import Plant
from twin.recorder import Recorder
from twin.runs import run
from twin.summary import Summary

SECONDS = 40.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    path = tmp_path_factory.mktemp("stores")
    return Plant.load(plant_file(path), folder_of_assets(path)).with_values({"first.size": "2 m2"})


def record(plant: Plant, path: Path, **options: int) -> Summary:
    with Recorder(path, plant) as recorder:
        return run(plant, SECONDS, sinks=[recorder], overrides={"first.size": "2 m2"}, **options)


@pytest.fixture(scope="module")
def recorded(plant: Plant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run.h5"
    record(plant, path, members=3)
    return path


def test_what_was_recorded_comes_back(plant: Plant, recorded: Path) -> None:
    with Run.load(recorded) as found:
        trace = found["LI-1"]
        assert trace.value.shape == trace.truth.shape == trace.quality.shape == (3, 41)
        assert trace.unit == "cm"
        # Closed form: 0.1 m3/s over 2 m2 is 5 cm a second.
        np.testing.assert_allclose(trace.truth[1], 5.0 * trace.time, atol=1e-10)
        assert found["LI/2"].value.shape == (3, 81)
        assert found["TI-1"].good[:, :2].any() == np.False_
        assert list(found.tags) == ["LI/2", "LI-1", "TI-1"]
        assert found.tags["LI-1"].reads == "first.level"
        assert (found.tags["LI-1"].high, found.tags["LI-1"].low) == (200.0, -np.inf)


def test_a_recorded_run_says_what_it_is(plant: Plant, recorded: Path) -> None:
    with Run.load(recorded) as found:
        meta = found.meta
        assert (meta["plant"], meta["seed"], meta["members"], meta["time"]) == ("stores", 1, 3, SECONDS)
        assert meta["plant_text"] == plant.text
        assert meta["ending"] == "done"
        assert meta["overrides"] == {"first.size": "2 m2"}
        assert meta["solver"]["method"] == "rk4"
        assert set(meta["assets_sha256"]) == {"store"}
        assert {"twin", "numpy", "numba", "python"} <= set(meta["versions"])
        assert meta["content_sha256"] == found.content_hash()
        size = next(row for row in found.parameters if row["path"] == "first.size")
        assert size["value"] == 2.0
        assert size["source_kind"] == "plant"
        other = next(row for row in found.parameters if row["path"] == "second.size")
        assert (other["source_kind"], other["source"]) == ("guess", "after nothing in particular")
        assert "second.flow" not in {row["path"] for row in found.parameters}, "a wired input starts from nothing"
        assert "stores" in repr(found)
        assert "first.level" in found._repr_html_()


def test_the_summary_of_a_recorded_run_is_that_of_the_run(plant: Plant, tmp_path: Path) -> None:
    told = record(plant, tmp_path / "run.h5")
    with Run.load(tmp_path / "run.h5") as found:
        again = found.summary()
    assert again.crossings == told.crossings
    assert again.happenings == told.happenings
    assert {n: t._replace(mean=0.0) for n, t in again.tags.items()} == {
        n: t._replace(mean=0.0) for n, t in told.tags.items()
    }
    # Sums of other blocks round differently: n additions of numbers up to `most`, half an ulp each.
    for name, tag in told.tags.items():
        assert again.tags[name].mean == pytest.approx(tag.mean, rel=tag.good * 2**-52)


def test_the_same_run_is_the_same_file_bit_for_bit(plant: Plant, recorded: Path, tmp_path: Path) -> None:
    record(plant, tmp_path / "again.h5", members=3)
    assert (tmp_path / "again.h5").read_bytes() == recorded.read_bytes()
    record(plant, tmp_path / "other.h5", members=3, seed=2)
    with Run.load(tmp_path / "other.h5") as other, Run.load(recorded) as first:
        assert other.content_hash() != first.content_hash()


def test_rows_are_the_same_however_many_fill_a_chunk(
    plant: Plant, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin.recorder.CHUNK", 21)
    monkeypatch.setattr("twin.recorder.LEAST_ROWS", 7)
    record(plant, tmp_path / "run.h5", members=3)
    with Run.load(tmp_path / "run.h5") as small, Run.load(recorded) as large:
        assert small.content_hash() == large.content_hash()


def test_any_hdf5_reader_can_open_it_and_the_filters_are_on(recorded: Path) -> None:
    with h5py.File(recorded, "r") as file:
        value = file["tags"]["every_1_s"]["LI-1"]["value"]
        assert value.fletcher32
        assert value.shuffle
        assert (value.compression, value.compression_opts) == ("gzip", 1)
        assert value.parent.attrs["source"] == "first.level: height of what is stored"
        assert file["tags/every_0.5_s/LI%2F2"].attrs["name"] == "LI/2"


def test_a_file_appears_whole_or_not_at_all(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with pytest.raises(ZeroDivisionError), Recorder(path, plant) as recorder:
        run(plant, SECONDS, sinks=[recorder], progress=lambda time: 1 // 0)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_failed_is_recorded_up_to_there(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    with pytest.raises(SimulationError), Recorder(path, plant.with_values({"first.flow": 1.0})) as recorder:
        run(plant.with_values({"first.flow": 1.0}), SECONDS, sinks=[recorder])
    with Run.load(path) as found:
        assert found.meta["ending"] == "failed"
        assert "left its bounds" in found.meta["message"]
        assert found["LI-1"].time[-1] == 10.0


def test_a_recorded_run_may_be_replaced_but_no_other_file(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    record(plant, path)
    record(plant, path, seed=2)
    with Run.load(path) as found:
        assert found.meta["seed"] == 2
    other = tmp_path / "stores.yaml"
    other.write_text("plant: x\n", encoding="utf-8")
    with pytest.raises(DataError) as refused:
        Recorder(other, plant)
    assert str(refused.value) == f"{other}: is no recorded run; choose another name, so that it isn't overwritten"
    assert other.read_text(encoding="utf-8") == "plant: x\n"


def test_a_place_that_cannot_be_written_is_refused_before_the_run(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError) as refused:
        Recorder(tmp_path / "none" / "run.h5", plant)
    assert str(refused.value) == f"{tmp_path}/none/run.h5: there is no folder {tmp_path}/none; make it first"
    with pytest.raises(DataError) as refused:
        Recorder(tmp_path, plant)
    assert str(refused.value) == f"{tmp_path}: is a folder; name a file in it"

    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", denied)
    with pytest.raises(DataError) as refused:
        Recorder(tmp_path / "run.h5", plant)
    assert str(refused.value) == f"{tmp_path}/run.h5: can't be written: Permission denied; name another folder"


def test_a_full_disk_leaves_the_old_run_and_a_sentence(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.h5"
    record(plant, path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError) as refused:
        record(plant, path, seed=2)
    said = "can't be written: No space left on device; make room or name another folder"
    assert str(refused.value) == f"{path}: {said}"
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


def test_a_file_system_that_is_really_full_is_survived(plant: Plant, tmp_path: Path) -> None:
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", tiny], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with pytest.raises(DataError, match="No space left on device"):
            record(plant, tiny / "run.h5")
        assert list(tiny.iterdir()) == []
    finally:
        subprocess.run(["umount", tiny], check=True)


def damaged(path: Path, recorded: Path, position: int) -> Path:
    body = bytearray(recorded.read_bytes())
    body[position] ^= 0x10
    path.write_bytes(body)
    return path


def test_an_altered_byte_anywhere_is_found(recorded: Path, tmp_path: Path) -> None:
    size = recorded.stat().st_size
    for position in np.linspace(HEAD, size - 1, 60).astype(int):
        with pytest.raises(DataError) as refused:
            Run.load(damaged(tmp_path / "run.h5", recorded, int(position)))
        expected = "was altered after it was recorded: its checksum differs; copy it again"
        assert str(refused.value) == f"{tmp_path / 'run.h5'}: {expected}"
    for position in range(len(FORMAT) + 3):
        with pytest.raises(DataError):
            Run.load(damaged(tmp_path / "run.h5", recorded, position))


def test_a_cut_file_is_called_cut(recorded: Path, tmp_path: Path) -> None:
    whole, path = recorded.read_bytes(), tmp_path / "run.h5"
    for kept in (HEAD, HEAD + 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(DataError) as refused:
            Run.load(path)
        there = f"{kept - HEAD} of {len(whole) - HEAD} bytes are there"
        assert str(refused.value) == f"{path}: is cut off: {there}; copy it again"


@pytest.mark.parametrize("text", [b"", b"plant: x\n", b"\x89HDF\r\n\x1a\n" + bytes(600), b"equipment-twin run 1\n"])
def test_a_file_of_another_kind_is_called_so(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(text)
    with pytest.raises(DataError) as refused:
        Run.load(path)
    assert str(refused.value) == f"{path}: is no recorded run; `twin run --out` writes one"


def test_a_file_of_another_version_is_left_to_the_twin_that_wrote_it(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(recorded.read_bytes().replace(b"run 1\n", b"run 9\n", 1))
    with pytest.raises(DataError) as refused:
        Run.load(path)
    assert str(refused.value) == f"{path}: is of version 9, this twin reads 1; use the twin that wrote it"


def test_a_file_that_is_not_there_or_no_file_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        Run.load(tmp_path / "none.h5")
    assert str(refused.value) == f"{tmp_path}/none.h5: can't be read: No such file or directory; check the path"
    with pytest.raises(DataError, match="can't be read: Is a directory; check the path"):
        Run.load(tmp_path)


def forged(path: Path, recorded: Path, change: Callable[[h5py.File], None]) -> Path:
    """Write a recording of other content with a head that fits."""
    with h5py.File(path.with_suffix(".full"), "w", userblock_size=HEAD) as new, h5py.File(recorded, "r") as old:
        for name in old:
            old.copy(name, new)
        new.attrs.update(old.attrs)
        change(new)
    whole = path.with_suffix(".full").read_bytes()
    path.write_bytes(head(whole[HEAD:]) + whole[HEAD:])
    return path


def rename(file: h5py.File) -> None:
    file.move("tags/every_1_s/LI-1/value", "tags/every_1_s/LI-1/worth")


def shorten(file: h5py.File) -> None:
    file["tags/every_1_s/LI-1/value"].resize((3, 7))


def retype(file: h5py.File) -> None:
    del file["happenings"]
    file["happenings"] = np.zeros(3)


FORGERIES = [
    (lambda file: file.attrs.__delitem__("seed"), "there is no attribute 'seed'"),
    (lambda file: file.attrs.__setitem__("seed", "many"), "attribute 'seed' is str"),
    (lambda file: file.attrs.__setitem__("solver", "{"), "Expecting property name enclosed in double quotes"),
    (lambda file: file.attrs.__setitem__("solver", "3"), "attribute 'solver' is int"),
    (lambda file: file.__delitem__("happenings"), "object 'happenings' doesn't exist"),
    (retype, "/happenings is of another kind"),
    (rename, "object 'value' doesn't exist"),
    (shorten, "/tags/every_1_s/LI-1/value is of shape (3, 7)"),
]


@pytest.mark.parametrize(("change", "message"), FORGERIES)
def test_content_of_another_kind_behind_a_head_of_ours_is_refused(
    recorded: Path, tmp_path: Path, change: Callable[[h5py.File], None], message: str
) -> None:
    path = forged(tmp_path / "run.h5", recorded, change)
    with pytest.raises(DataError) as refused:
        Run.load(path)
    assert str(refused.value).startswith(f"{path}: is no run as twin records them: ")
    assert message in str(refused.value)
    assert str(refused.value).endswith("; record the run again")


def test_a_copy_with_a_new_head_is_a_run(recorded: Path, tmp_path: Path) -> None:
    with Run.load(forged(tmp_path / "run.h5", recorded, lambda file: None)) as found, Run.load(recorded) as run:
        assert found.content_hash() == run.content_hash()


def test_a_head_of_ours_before_no_hdf5_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(head(b"nothing") + b"nothing")
    with pytest.raises(DataError) as refused:
        Run.load(path)
    assert str(refused.value) == f"{path}: holds no HDF5 file that can be opened; record the run again"


@pytest.mark.parametrize("name", ["", " ", "a\0b", "a\nb", "\ud800"])
def test_a_name_that_hdf5_cannot_hold_is_refused_before_the_run(plant: Plant, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as refused:
        Recorder(tmp_path / "run.h5", replace(plant, tags={name: plant.tags["LI-1"]._replace(name=name)}))
    message = f"tag {name!r}: can't be recorded under this name; use letters, digits, signs"
    assert str(refused.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["time", "%74ime", "a/b", "..", "온도 1"])
def test_a_tag_of_any_other_name_is_recorded_and_comes_back(plant: Plant, tmp_path: Path, name: str) -> None:
    named = replace(plant, tags={name: plant.tags["LI-1"]._replace(name=name)}, limits={})
    record(named, tmp_path / "run.h5")
    with Run.load(tmp_path / "run.h5") as found:
        assert list(found.tags) == [name]
        assert found[name].value.shape == (1, 41)


def test_an_unknown_tag_is_answered_with_its_neighbours(recorded: Path) -> None:
    with Run.load(recorded) as found, pytest.raises(DataError) as refused:
        found["LI-2"]
    assert str(refused.value).startswith(f"{recorded}: no tag 'LI-2'; did you mean 'LI")


def test_pandas_is_asked_for_only_where_it_is_used(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with Run.load(recorded) as found, pytest.raises(DataError) as refused:
        found.to_pandas()
    assert str(refused.value) == ("to_pandas: pandas isn't installed; `pip install pandas`, or use run[tag].value")


class Pandas:
    """As much of pandas as a table needs."""

    Index = staticmethod(lambda values, name: list(values))
    Series = staticmethod(lambda values, index: dict(zip(index, values, strict=True)))
    DataFrame = dict


def test_a_table_in_pandas_leaves_out_what_is_missing(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", Pandas)
    with Run.load(recorded) as found:
        table, trace = found.to_pandas(member=1), found["TI-1"]
    assert list(table) == ["LI/2", "LI-1", "TI-1"]
    assert np.isnan([table["TI-1"][0.0], table["TI-1"][1.0]]).all()
    assert [table["TI-1"][t] for t in trace.time[2:]] == trace.value[1, 2:].tolist()


def test_the_head_is_one_block_that_tells_length_and_hash() -> None:
    said = head(b"abc").decode()
    assert len(said) == HEAD
    assert said.splitlines()[:2] == ["equipment-twin run 1", "bytes 3"]


@pytest.mark.parametrize(
    "name", ["TI-101", "Volume Flow RateRMS", "a/b", "..", ".", "50%", "a%2Fb", "Ä", "time", "%74ime"]
)
def test_every_tag_has_a_group_of_its_own(name: str) -> None:
    key = group_name(name)
    assert "/" not in key
    assert key not in (".", "..")
    assert (key == name) == (not set("/%") & set(name) and name.strip(".") != "" and name != "time")


def test_attributes_that_hold_json_are_json(recorded: Path) -> None:
    with h5py.File(recorded, "r") as file:
        for name in ("solver", "versions", "overrides", "assets_sha256"):
            json.loads(file.attrs[name], parse_constant=pytest.fail)  # what JSON has no word for, such as Infinity
        assert json.loads(file.attrs["solver"]).items() >= {"method": "rk4", "rtol": 1e-6, "step": 0.1}.items()
