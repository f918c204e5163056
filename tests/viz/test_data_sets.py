"""Data sets as the view reads them: what they hold, and what damaged and hostile files are refused with."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from scenarios.dataset.reading import Dataset
from tests.viz.data_set_files import SHARD, changed, replaced, resealed
from twin.errors import DataError
from viz import data_set_file as files
from viz import sealed
from viz.data_set_asking import Asking
from viz.data_set_reader import Chosen, Reader
from viz.data_set_trend import Series, segments, trend
from viz.data_sets import DataSets, manifest_of


@pytest.fixture
def place(labelled: Path, tmp_path: Path) -> Path:
    """Return a data set that may be changed."""
    return Path(shutil.copytree(labelled, tmp_path / "sets" / "tiny"))


@pytest.fixture
def asking() -> Iterator[Asking]:
    """Yield what asks the reading process."""
    found = Asking()
    yield found
    found.close()


def faulty(labelled: Path) -> int:
    """Return the number of a run with a fault of the equipment and one of an instrument."""
    runs = Dataset(labelled).runs
    return int(np.flatnonzero((runs["fault"] > 0) & (runs["sensor_fault"] > 0) & np.isfinite(runs["onset"]))[0])


def test_a_run_is_what_the_package_that_made_it_reads(labelled: Path) -> None:
    number = faulty(labelled)
    with Dataset(labelled) as made:
        expected = made.run(number)
    series = Reader(labelled).series(number)
    for name, values in (
        ("signals", series.signals), ("truth/signals", series.clean), ("labels/severity", series.severity),
        ("labels/mode", series.mode), ("labels/anomaly", series.anomaly), ("labels/sensor_fault", series.sensor),
        ("labels/rul", series.rul),
    ):  # fmt: skip
        assert values is not None
        np.testing.assert_array_equal(values, expected.series[name])
    found = Reader(labelled).run(number, Chosen())
    assert {name: found[name] for name in ("onset", "severity", "machine")} == {
        name: expected.drawn[name] for name in ("onset", "severity", "machine")
    }
    assert [tuple(event) for event in found["events"]] == [tuple(event) for event in expected.events]


def test_labels_as_spans_are_those_of_the_rows(labelled: Path) -> None:
    reader, number = Reader(labelled), faulty(labelled)
    found, series, every = reader.run(number, Chosen()), reader.series(number), reader.manifest.every
    assert series.anomaly is not None
    assert series.sensor is not None
    again = np.zeros_like(series.anomaly)
    for begin, end in found["wrong"]:
        again[round(begin / every) : round(end / every)] = 1
    np.testing.assert_array_equal(again, series.anomaly)
    names = [channel.name for channel in reader.manifest.channels]
    mask = np.zeros(series.sensor.shape, bool)
    for tag, begin, end, _ in found["sensors"]:
        mask[round(begin / every) : round(end / every), names.index(tag)] = True
    np.testing.assert_array_equal(mask, series.sensor > 0)


def test_runs_are_chosen_by_split_class_and_machine_a_page_at_a_time(labelled: Path) -> None:
    reader, runs = Reader(labelled), Dataset(labelled).runs
    split = reader.manifest.splits.index("train")
    code = next(kind.code for kind in reader.manifest.classes if kind.name == "leak")
    machine = int(runs["machine"][(runs["split"] == split) & (runs["fault"] == code)][0])
    mine = np.flatnonzero((runs["split"] == split) & (runs["fault"] == code) & (runs["machine"] == machine))
    found = reader.runs(Chosen("train", "leak", machine), 0, 50)
    assert [run["number"] for run in found["runs"]] == mine.tolist()
    assert reader.runs(Chosen(), 30, 20)["of"] == 40
    assert [run["number"] for run in reader.runs(Chosen(), 30, 20)["runs"]] == list(range(30, 40))
    with pytest.raises(DataError, match="no split 'trian'; did you mean 'train'"):
        reader.runs(Chosen("trian"), 0, 50)
    with pytest.raises(DataError, match="no class 'leek'; did you mean 'leak'"):
        reader.runs(Chosen("", "leek"), 0, 50)


def test_the_neighbours_of_a_run_are_those_chosen_and_the_next_of_its_class_comes_round(labelled: Path) -> None:
    reader = Reader(labelled)
    numbers = reader.numbered(Chosen("train"))
    found = reader.neighbours(int(numbers[1]), Chosen("train"))
    assert (found["previous"], found["next"], found["at"], found["of"]) == (numbers[0], numbers[2], 2, numbers.size)
    alike = np.flatnonzero(reader.columns["fault"] == reader.columns["fault"][0])
    assert reader.neighbours(int(alike[-1]), Chosen())["other"] == alike[0]
    assert reader.neighbours(0, Chosen())["previous"] is None
    assert reader.neighbours(39, Chosen())["next"] is None


def test_what_is_held_out_is_what_no_train_run_has(labelled: Path) -> None:
    runs, found = Dataset(labelled).runs, {each["name"]: each for each in Reader(labelled).splits()}
    train = set(runs["machine"][runs["split"] == 0].tolist())
    for code, name in enumerate(Reader(labelled).manifest.splits):
        mine = set(runs["machine"][runs["split"] == code].tolist())
        assert (found[name]["machines"], found[name]["new_machines"]) == (len(mine), len(mine - train))
    assert found["unseen_fault"]["new_classes"] == ["lower_leak"]
    assert found["train"]["new_classes"] == []
    leak = runs["fault"] == 1
    unseen = runs["severity"][leak & (runs["split"] == 4)]
    assert ["leak", unseen.min(), unseen.max()] in [list(each) for each in found["unseen_severity"]["new_severities"]]
    assert found["train"]["new_severities"] == []


def test_an_interval_shows_its_least_and_most_and_the_share_that_is_missing() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(100_000, 2)).astype(np.float32)
    values[generator.random(values.shape) < 0.01] = np.nan
    values[40_000:50_000, 1] = np.nan
    found = trend(Series(0.5, values), [0, 1], 0.0, 1e9, 700)
    assert (found["rows"], len(found["t"]), found["each"]) == (100_000, 700, 143)
    edges = np.linspace(0, 100_000, 700, endpoint=False).astype(int)
    for chart in found["charts"]:
        column = values[:, chart["channel"]]
        for k, (a, b) in enumerate(zip(edges, [*edges[1:], 100_000], strict=True)):
            part = column[a:b]
            assert chart["missing"][k] == pytest.approx(np.isnan(part).mean(), abs=1e-4)
            if np.isnan(part).all():
                assert chart["low"][k] is chart["high"][k] is None
            else:
                assert chart["low"][k] == pytest.approx(np.nanmin(part), rel=1e-6)
                assert chart["high"][k] == pytest.approx(np.nanmax(part), rel=1e-6)


def test_of_few_rows_each_is_shown_and_one_beyond_either_end() -> None:
    found = trend(Series(2.0, np.arange(100.0, dtype=np.float32)[:, None]), [0], 50.0, 60.0, 100)
    assert found["t"] == [50.0, 52.0, 54.0, 56.0, 58.0, 60.0]
    assert found["charts"][0]["low"] == found["charts"][0]["high"] == [25.0, 26.0, 27.0, 28.0, 29.0, 30.0]
    assert found["each"] == 1


def test_a_code_stands_from_its_first_row_until_the_next() -> None:
    assert segments(np.array([0, 0, 3, 3, 3, 1], np.uint8), 2.0) == [(0.0, 4.0, 0), (4.0, 10.0, 3), (10.0, 12.0, 1)]
    assert segments(np.empty(0, np.uint8), 1.0) == []


# --- what is refused ------------------------------------------------------------------------------------------------


def test_a_list_names_what_is_finished_unfinished_damaged_and_linked(place: Path, labelled: Path) -> None:
    root = place.parent
    shutil.copytree(labelled, root / "half")
    (root / "half" / "dataset.json").unlink()
    (root / "odd").mkdir()
    (root / "odd" / "dataset.json").write_text("{")
    (root / "elsewhere").symlink_to(labelled)
    (root / "notes").mkdir()
    sets = DataSets(root)
    found = {name: sets.listed(name) for name in sets.names()}
    assert list(found) == ["elsewhere", "half", "odd", "tiny"]
    assert found["tiny"].manifest == sets.manifest("tiny")
    assert (found["half"].shards, found["half"].manifest) == (len(list((place / "shards").glob("*.h5"))), None)
    assert "is damaged" in found["odd"].trouble
    assert "is a link, which isn't followed" in found["elsewhere"].trouble


def test_a_folder_that_is_a_data_set_is_listed_alone_and_one_that_is_not_there_is_empty(place: Path) -> None:
    assert DataSets(place).names() == ["tiny"]
    assert DataSets(place).manifest("tiny").name == "tiny"
    assert DataSets(place / "nowhere").names() == []


@pytest.mark.parametrize("name", ["..", "../tiny", "/etc", "tiny/shards", "", "\0"])
def test_a_name_that_is_no_data_set_of_the_folder_leads_nowhere(place: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such data set"):
        DataSets(place.parent).place(name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda said: said.update(runs=41), "says 41 runs, its shards have 40"),
        (lambda said: said["shards"][1].update(first=7), "begins with run 7"),
        (lambda said: said["shards"][0].update(file="../../secret.h5"), "is damaged"),
        (lambda said: said["shards"][0].update(file="shards/../x.h5"), "is damaged"),
        (lambda said: said.update(rows=10**9), "is damaged"),
        (lambda said: said.update(channels=[]), "is damaged"),
        (lambda said: said.update(every=0.0), "is damaged"),
        (lambda said: said.update(name="x" * 1000), "is damaged"),
        (lambda said: said.pop("splits"), "is damaged"),
    ],
)
def test_a_manifest_that_does_not_hang_together_is_refused(
    place: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    changed(place, change)
    with pytest.raises(DataError, match=said):
        manifest_of(place)


def test_a_manifest_of_another_version_is_read_as_far_as_it_goes(place: Path) -> None:
    changed(place, lambda said: (said.update(format=7, novelty={"a": 1}), said.pop("license")))
    assert manifest_of(place).format == 7
    assert manifest_of(place).license == ""


def test_a_manifest_too_long_to_read_is_refused(place: Path) -> None:
    with pytest.raises(DataError, match="has more than 1,000 bytes"):
        sealed.content(place, "dataset.json", 1000)


@pytest.mark.parametrize("name", ["dataset.json", "index.h5", "shards", SHARD])
def test_a_link_to_another_file_is_not_followed(place: Path, tmp_path: Path, name: str) -> None:
    (place / name).rename(tmp_path / "away")
    (place / name).symlink_to(tmp_path / "away")
    with pytest.raises(DataError, match="is reached by a link"):
        Reader(place).run(0, Chosen())


def test_a_pipe_is_no_file_and_is_not_waited_for(place: Path) -> None:
    (place / "dataset.json").unlink()
    os.mkfifo(place / "dataset.json")
    with pytest.raises(DataError, match=r"dataset\.json: is no file"):
        manifest_of(place)


@pytest.mark.parametrize(("at", "said"), [(5000, "was altered: its checksum differs"), (None, "it is cut off")])
def test_a_damaged_shard_is_named_and_the_others_are_shown(place: Path, at: int | None, said: str) -> None:
    body = bytearray((place / SHARD).read_bytes())
    if at is None:
        body = body[:-100]
    else:
        body[at] ^= 0xFF
    (place / SHARD).write_bytes(body)
    reader = Reader(place)
    with pytest.raises(DataError, match=f"shard-00000.h5: .*{said}"):
        reader.series(0)
    assert reader.series(39).signals.shape == (60, 2)
    assert reader.runs(Chosen(), 0, 50)["of"] == 40


def external(file: Any) -> None:
    """Let a shard's signals be another file's."""
    shape = file["signals"].shape
    size = int(np.prod(shape)) * 4
    replaced(file, "signals", shape=shape, dtype="<f4", external=[("/etc/passwd", 0, size)])


def virtual(file: Any) -> None:
    """Let a shard's signals be what another file's dataset is."""
    shape = file["signals"].shape
    layout = h5py.VirtualLayout(shape, "<f4")
    layout[:] = h5py.VirtualSource("/elsewhere/other.h5", "signals", shape)
    del file["signals"]
    file.create_virtual_dataset("signals", layout)


def linked(link: Any) -> Callable[[Any], None]:
    """Return what puts a link in place of a shard's signals."""

    def change(file: Any) -> None:
        del file["signals"]
        file["signals"] = link

    return change


def grouped(file: Any) -> None:
    """Let the group of the labels be another file's."""
    del file["labels"]
    file["labels"] = h5py.ExternalLink("/elsewhere/other.h5", "/labels")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (external, "stored elsewhere"), (virtual, "stored elsewhere"),
        (linked(h5py.SoftLink("/truth/signals")), "is a link"),
        (linked(h5py.ExternalLink("/etc/passwd", "/signals")), "is a link"), (grouped, "is a link"),
        (lambda f: replaced(f, "signals", shape=(2**40, 60, 2), dtype="<f4", chunks=(1, 60, 2)), "of shape"),
        (lambda f: replaced(f, "signals", shape=f["signals"].shape[:2], dtype="<f4"), "of shape"),
        (lambda f: replaced(f, "signals", shape=f["signals"].shape, dtype=h5py.string_dtype()), "is object"),
        (lambda f: replaced(f, "signals", shape=f["signals"].shape, dtype="S64"), "not of shape"),
        (lambda f: replaced(f, "signals", shape=f["signals"].shape, dtype="<f4", chunks=(1, 60, 2),
                            compression="lzf"), "has filters"),
        (lambda f: f.__delitem__("signals"), "is a link, or missing"),
        (lambda f: replaced(f, "events/run", shape=(2**40,), dtype="<i8", chunks=(1024,)), "of shape"),
        (lambda f: f["events/name"].attrs.__setitem__("flag_meanings", "x" * 60_000 * 40), "too long|can't be read"),
    ],
)  # fmt: skip
def test_a_hostile_shard_is_refused_before_anything_is_followed(
    place: Path, change: Callable[[Any], None], said: str
) -> None:
    try:
        resealed(place, SHARD, change)
    except (OSError, RuntimeError) as err:  # HDF5 itself doesn't let some be written
        pytest.skip(str(err))
    with pytest.raises(DataError, match=f"can't be read: .*({said})"):
        Reader(place).run(0, Chosen())


def test_a_shard_with_one_piece_that_unpacks_to_a_gigabyte_is_refused(place: Path) -> None:
    shape = (13, 10_000, 2_000)

    def bomb(file: Any) -> None:
        replaced(file, "signals", shape=shape, dtype="<f4", chunks=(1, *shape[1:]), compression="gzip")

    resealed(place, SHARD, bomb)
    with (
        files.opened(place, SHARD, files.Expected(manifest_of(place).shards[0].sha256)) as file,
        pytest.raises(ValueError, match="in pieces of"),
    ):
        files.numbers(file, "signals", "f", shape)


def test_an_index_of_another_number_of_runs_is_refused(place: Path) -> None:
    resealed(place, "index.h5", lambda file: replaced(file, "runs/split", data=np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match=r"index\.h5: can't be read: runs/split is uint8 of shape \(7,\)"):
        Reader(place).runs(Chosen(), 0, 50)


def test_a_code_that_nothing_names_is_shown_as_it_is(place: Path) -> None:
    resealed(place, "index.h5", lambda file: replaced(file, "runs/fault", data=np.full(40, 200, np.uint8)))
    assert Reader(place).runs(Chosen(), 0, 1)["runs"][0]["kind"] == "200"


def test_a_data_set_without_truth_duties_and_machines_is_shown_without_them(place: Path) -> None:
    resealed(place, SHARD, lambda file: [file.__delitem__(name) for name in ("truth", "events", "runs/parameters")])
    resealed(place, "index.h5", lambda file: [file.__delitem__(f"runs/{name}") for name in ("machine", "duty")])
    found = Reader(place).run(0, Chosen())
    assert (found["events"], found["parameters"], "machine" in found) == ([], [], False)
    assert trend(Reader(place).series(0), [0], 0.0, 1e9, 100)["charts"][0]["true_low"] is None
    assert Reader(place).splits()[0]["machines"] is None


# --- the process that reads -----------------------------------------------------------------------------------------


def test_the_reading_process_answers_tells_what_is_wrong_and_goes_on(asking: Asking, place: Path) -> None:
    assert asking.ask(what="runs", place=str(place), first=0, count=1)["of"] == 40
    with pytest.raises(DataError, match="there is no run 40, only 0 to 39"):
        asking.ask(what="run", place=str(place), run=40)
    with pytest.raises(DataError, match="there is no run -1"):
        asking.ask(what="trend", place=str(place), run=-1)
    shown = json.loads(asking.said(what="trend", place=str(place), run=3, channels=[0, 1, 99], points=50))
    assert [chart["channel"] for chart in shown["charts"]] == [0, 1]


def test_a_data_set_that_was_made_anew_is_read_anew(asking: Asking, place: Path) -> None:
    assert asking.ask(what="runs", place=str(place), count=1)["runs"][0]["split"] != "other"
    changed(place, lambda said: said.update(splits=["other"] * 6))
    assert asking.ask(what="runs", place=str(place), count=1)["runs"][0]["split"] == "other"


def test_a_reading_process_that_breaks_down_is_told_and_started_again(place: Path) -> None:
    dies = "import sys, os; sys.stdin.readline(); os.abort()"
    asking = Asking([sys.executable, "-c", dies])
    for _ in range(2):
        with pytest.raises(DataError, match="HDF5 breaks down over it or takes too long; move it away"):
            asking.ask(what="run", place=str(place), run=0)
    asking.close()
    with pytest.raises(DataError, match="the view is ending"):
        asking.ask(what="run", place=str(place), run=0)


def test_the_reading_process_may_write_nothing_and_ends_when_it_is_let_go(asking: Asking, place: Path) -> None:
    asking.ask(what="splits", place=str(place))
    child = asking._child
    assert child is not None
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert next(line for line in limits.splitlines() if line.startswith("Max file size")).split()[3] == "0"
    asking.close()
    assert child.poll() is not None
