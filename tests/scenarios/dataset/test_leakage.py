"""What a data set gives away before an onset is found; what it doesn't is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.dataset import leakage
from scenarios.dataset.checking import check
from scenarios.dataset.findings import Outcome
from scenarios.dataset.making import Order, make
from scenarios.dataset.spec import SPLITS
from tests.scenarios.dataset.planting import planted


@pytest.fixture(scope="module")
def larger(tiny_spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a data set of two tanks with as many runs as a verdict needs."""
    folder = tmp_path_factory.mktemp("leakage") / "larger"
    make(Order(tiny_spec, folder, runs=700, workers=1))
    return folder


def outcome(folder: Path, name: str = "leakage") -> Outcome:
    return next(each for each in check(folder) if each.check == name)


def test_a_score_that_orders_pairs_at_random_has_an_auc_of_a_half_within_its_interval() -> None:
    pytest.importorskip("scipy")
    generator = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        positive = generator.random(120) < 0.4
        found = leakage.auc(generator.random(120), positive)
        inside += found.low <= 0.5 <= found.high
    # 190 are expected of 200, with a standard deviation of 3
    assert 180 <= inside <= 200


def test_the_auc_is_the_share_of_pairs_in_order() -> None:
    score, positive = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True])
    # pairs: 0.4 > 0.1, 0.4 = 0.4 counts half, 0.8 > both
    assert leakage.auc(score, positive).value == pytest.approx(3.5 / 4.0)


def test_five_folds_widen_an_interval_by_half() -> None:
    found = leakage.widened(leakage.Auc(0.5, 0.02, 0.4608, 0.5392))
    assert (found.value, found.error, found.high) == pytest.approx((0.5, 0.03, 0.5 + 1.96 * 0.03))


def test_a_sound_data_set_gives_nothing_away(larger: Path) -> None:
    pytest.importorskip("sklearn")
    found = check(larger)
    assert [each.state for each in found] == ["passed"] * len(found), found


def test_an_offset_of_faulty_runs_before_their_onset_is_found(larger: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")

    def offset(file: Any) -> None:
        faulty = file["runs/fault"][:] > 0
        signals = file["signals"][:]
        signals[faulty, :, 0] += np.float32(0.02)
        file["signals"][:] = signals

    found = outcome(planted(larger, tmp_path / "copy", offset))
    assert found.state == "failed"
    assert "tells its fault before the onset" in str(found.findings[0])


def test_a_machine_that_tells_the_class_is_found_and_named(larger: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")

    def telling(file: Any) -> None:
        file["runs/machine"][:] = 2 * (file["runs/machine"][:] // 2) + (file["runs/fault"][:] > 0)

    found = outcome(planted(larger, tmp_path / "copy", telling))
    assert found.state == "failed"
    assert "most telling: machine" in found.findings[0].what


def test_a_run_that_was_copied_into_test_is_found(tiny: Path, tmp_path: Path) -> None:
    def copied(file: Any) -> None:
        split = file["runs/split"][:]
        train, test = (np.flatnonzero(split == SPLITS.index(name)) for name in ("train", "test"))
        if test.size:
            file["signals"][test[0]] = file["signals"][train[0]]

    found = outcome(planted(tiny, tmp_path / "copy", copied), "duplicates")
    assert found.state == "failed"
    assert "of test: has the same signals as run" in str(found.findings[0]) or "of train" in str(found.findings[0])


def test_a_held_out_machine_in_train_is_found(tiny: Path, tmp_path: Path) -> None:
    def shared(file: Any) -> None:
        machines, split = file["runs/machine"][:], file["runs/split"][:]
        unseen = machines[split == SPLITS.index("unseen_machine")]
        if unseen.size:
            machines[split == SPLITS.index("train")] = unseen[0]
            file["runs/machine"][:] = machines

    found = outcome(planted(tiny, tmp_path / "copy", shared), "splits")
    assert "may not share machines" in " ".join(map(str, found.findings))


def test_a_held_out_fault_in_train_is_found(tiny: Path, tmp_path: Path) -> None:
    def shared(file: Any) -> None:
        split = file["runs/split"][:]
        split[split == SPLITS.index("unseen_fault")] = SPLITS.index("train")
        file["runs/split"][:] = split

    found = outcome(planted(tiny, tmp_path / "copy", shared), "splits")
    assert "lower_leak is held out for unseen_fault" in " ".join(map(str, found.findings))


def test_without_scikit_learn_the_classifier_is_told_as_not_tried(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leakage, "learnable", lambda: False)
    found = outcome(tiny)
    assert (found.state, found.said) == ("not tried", leakage.EXTRA)
