"""A data set is checked: a whole one passes, and whatever is planted in one is found where it is."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.dataset.checking import FAILED, check, run
from scenarios.dataset.findings import Outcome
from scenarios.dataset.manifest import load
from scenarios.dataset.reading import Dataset
from tests.scenarios.dataset.planting import planted


def failed(folder: Path) -> dict[str, str]:
    """Return what each check that failed found."""
    found: list[Outcome] = check(folder)
    return {each.check: " | ".join(map(str, each.findings)) for each in found if each.state == "failed"}


def first_faulty(file: Any) -> int:
    """Return the first run of a shard whose fault shows before the last row."""
    return int(np.flatnonzero(file["labels/anomaly"][:].any(axis=1))[0])


def test_a_whole_data_set_passes_and_keeps_the_result(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny, tmp_path / "copy")
    assert run(tmp_path / "copy", True) == 0
    assert json.loads((tmp_path / "copy" / "check.json").read_text())["passed"]
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["passed"]
    assert said["checks"]["labels"]["state"] == "passed"
    assert "truth's in" in said["checks"]["labels"]["said"]
    assert said["checks"]["leakage"]["state"] in ("too few to tell", "not tried")


def test_a_copy_whose_checksums_were_made_again_passes(tiny: Path, tmp_path: Path) -> None:
    assert failed(planted(tiny, tmp_path / "copy")) == {}


def test_a_flipped_byte_is_found_in_its_shard(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(tiny, tmp_path / "copy")
    path = tmp_path / "copy/shards/shard-00001.h5"
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))
    assert run(tmp_path / "copy", False) == FAILED
    out = capsys.readouterr().out
    assert "shards/shard-00001.h5: was altered: its checksum differs; restore it" in out
    assert "normalisation: not tried" in out


def test_a_shard_that_is_gone_and_one_too_many_are_found(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "copy")
    (tmp_path / "copy/shards/shard-00000.h5").rename(tmp_path / "copy/shards/shard-00077.h5")
    said = failed(tmp_path / "copy")["files"]
    assert "shard-00000.h5: can't be read" in said
    assert "shard-00077.h5: belongs to nothing" in said


def test_an_altered_index_is_found(tiny: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny, tmp_path / "copy")
    path = tmp_path / "copy/index.h5"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert "index.h5: was altered" in failed(tmp_path / "copy")["files"]


def test_a_shard_that_says_other_than_the_index_is_found(tiny: Path, tmp_path: Path) -> None:
    said = load(tiny)
    counts = said.counts | {"train": dict.fromkeys(said.counts["train"], 0)}
    assert "counts, train" in failed(planted(tiny, tmp_path / "copy", counts=counts))["files"]


def wrong_fault(file: Any) -> None:
    run = first_faulty(file)
    file["labels/fault"][run, -1] = 3 if file["labels/fault"][run, -1] != 3 else 1


def wrong_severity(file: Any) -> None:
    run = first_faulty(file)
    severity = file["labels/severity"][run]
    file["labels/severity"][run] = np.where(severity > 0.0, 0.5 * severity, 0.0)


def early_severity(file: Any) -> None:
    run = first_faulty(file)
    file["labels/severity"][run, 0] = 0.1
    file["labels/anomaly"][run, 0] = 1
    file["labels/fault"][run, 0] = file["runs/fault"][run]


def lost_changepoint(file: Any) -> None:
    run = first_faulty(file)
    file["labels/changepoint"][run] = 0


def wrong_life(file: Any) -> None:
    file["labels/rul"][0, 0] = 12.0


def hidden_sensor_fault(file: Any) -> None:
    file["labels/sensor_fault"][:] = 0


def moving_while_stuck(file: Any) -> None:
    mask = file["labels/sensor_fault"][:] > 0
    signals = file["signals"][:]
    generator = np.random.default_rng(1)
    file["signals"][:] = np.where(mask, signals + generator.normal(0.0, 1e-3, signals.shape), signals)


def creeping_damage(file: Any) -> None:
    healthy = int(np.flatnonzero(file["runs/fault"][:] == 0)[0])
    file["truth/quantities"][healthy, -1, -1] += 1e-6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (wrong_fault, "fault is not the run's class"),
        (wrong_severity, "severity is not how far upper."),
        (early_severity, "row 0.*severity is above 0 before the onset"),
        (lost_changepoint, "changepoint is not where something changes"),
        (wrong_life, "run 0, row 0.*rul is not the time to the next end"),
        (hidden_sensor_fault, "sensor_fault is not on its channel"),
        (moving_while_stuck, "an instrument that is stuck moves"),
        (creeping_damage, "moves, which the run's class doesn't move"),
    ],
)
def test_a_wrong_label_is_found(tiny: Path, tmp_path: Path, change: Any, said: str) -> None:
    assert re.search(said, failed(planted(tiny, tmp_path / "copy", change))["labels"])


def dropped(file: Any) -> None:
    file["signals"][0, 5, 0] = np.nan
    file["quality"][0, 5, 0] = 0


def impossible(file: Any) -> None:
    file["truth/signals"][0, 5, 0] = 1e9


def offset(file: Any) -> None:
    if file["runs/number"][0] == 0:
        file["signals"][0] += np.float32(0.2)


def test_a_missing_value_that_quality_calls_measured_is_found(tiny: Path, tmp_path: Path) -> None:
    assert "quality is not 1 exactly where" in failed(planted(tiny, tmp_path / "copy", dropped))["ranges"]


def test_a_truth_out_of_bounds_is_found(tiny: Path, tmp_path: Path) -> None:
    assert "leaves [" in failed(planted(tiny, tmp_path / "copy", impossible))["ranges"]


def test_an_instrument_that_is_off_without_a_label_is_found(tiny: Path, tmp_path: Path) -> None:
    found = failed(planted(tiny, tmp_path / "copy", offset))
    assert found["signals"].startswith("run 0: ")
    assert "though its instrument is sound" in found["signals"]


def test_normalisation_with_test_rows_is_found(tiny: Path, tmp_path: Path) -> None:
    with Dataset(tiny) as data:
        runs = [data.window(int(run), 0, 60) for split in ("train", "test") for run in data.split(split)]
    rows = np.concatenate(runs).astype(float)
    mean, deviation = np.nanmean(rows, axis=0).tolist(), np.nanstd(rows, axis=0, ddof=1).tolist()
    said = failed(planted(tiny, tmp_path / "copy", mean=mean, deviation=deviation))["normalisation"]
    assert "are not the train split's" in said


def test_a_data_set_without_truth_says_what_it_does_not_prove(tiny: Path, tmp_path: Path) -> None:
    def without(file: Any) -> None:
        del file["truth"]

    folder = planted(tiny, tmp_path / "copy", without, contents=("parameters",))
    (folder / "spec.yaml").unlink()
    found = {each.check: each for each in check(folder)}
    assert not any(each.state == "failed" for each in found.values())
    assert "carries no truth" in found["labels"].said
    assert found["signals"].state == "not tried"
