"""Detectors that synthetic runs teach: what their features may know, and by what rows they are scored."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset.library import path_of
from scenarios.dataset.loading import load

pytest.importorskip("sklearn", reason="scikit-learn isn't installed: pip install 'equipment-twin[learn]'")

from benchmarks import synthetic_to_real
from benchmarks.measures import skab
from benchmarks.measures.detectors import (
    WINDOWS,
    against_invented,
    classifier,
    features,
    threshold,
)  # fmt: skip
from benchmarks.recordings import TEACHING

FLOW = skab.TAGS.index("VolumeFlowRateRMS")
MOTOR = skab.TAGS.index("Temperature")


def readings(rows: int = 600) -> np.ndarray:
    """Return a healthy run of noisy readings."""
    level = np.array([0.03, 0.04, 70.0, 25.0, 32.0])
    return np.asarray(level * (1.0 + 0.01 * np.random.default_rng(1).normal(size=(rows, 5))))


def test_features_of_a_row_know_nothing_of_later_rows() -> None:
    run = readings()
    changed = run.copy()
    changed[501:] *= 3.0
    assert np.array_equal(features(run, TEACHING)[:501], features(changed, TEACHING)[:501])


def test_features_of_ratios_know_nothing_of_the_operating_point() -> None:
    run = readings()
    faster = run.copy()
    faster[:, FLOW] *= 4.0
    assert np.allclose(features(run, TEACHING), features(faster, TEACHING), rtol=0.0, atol=1e-12)


def test_a_fall_of_ten_percent_reads_as_its_logarithm_when_the_window_is_full() -> None:
    run = np.tile(readings(1), (600, 1))
    run[450:, FLOW] *= 0.9
    run[450:, MOTOR] += 2.0
    found = features(run, TEACHING)
    for k, window in enumerate(WINDOWS):
        assert found[449, k * 5 + FLOW] == pytest.approx(0.0, abs=1e-9)
        assert found[450 + window, k * 5 + FLOW] == pytest.approx(np.log(0.9), abs=1e-9)
        assert found[450 + window, k * 5 + MOTOR] == pytest.approx(2.0, abs=1e-9)


def test_a_window_without_a_reading_says_nothing() -> None:
    run = readings()
    run[450:, FLOW] = np.nan
    assert not features(run, TEACHING)[450 + max(WINDOWS) :, FLOW].any()


def test_trees_that_know_healthy_rows_only_find_what_is_far_from_them() -> None:
    generator = np.random.default_rng(2)
    healthy = generator.normal(size=(2000, 3))
    score = against_invented(healthy)
    limit = threshold(score(generator.normal(size=(2000, 3))))
    assert np.mean(score(generator.normal(size=(2000, 3))) > limit) < 0.03
    assert np.all(score(np.full((5, 3), 4.9)) > limit)


def test_trees_that_were_taught_a_fall_do_not_alarm_at_a_rise() -> None:
    generator = np.random.default_rng(3)
    healthy, faulty = generator.normal(size=(1000, 1)), generator.normal(-6.0, 1.0, size=(1000, 1))
    score = classifier(np.concatenate([healthy, faulty]), np.arange(2000) >= 1000)
    assert score(np.array([[6.0]]))[0] < 0.1 < 0.9 < score(np.array([[-6.0]]))[0]


def test_an_interval_over_files_that_are_alike_has_no_width() -> None:
    counts = np.tile([30.0, 10.0, 20.0, 40.0], (7, 1))
    assert skab.f1(skab.resampled(counts)) == pytest.approx(60.0 / 90.0)


def test_a_detector_that_is_as_good_on_every_file_gains_nothing() -> None:
    counts = np.random.default_rng(4).uniform(1.0, 50.0, (9, 4))
    assert synthetic_to_real.difference(counts, counts) == (0.0, 0.0, 0.0)


def test_the_specification_samples_what_detectors_read_and_leaves_the_teaching_rows_healthy() -> None:
    asked = load(path_of(synthetic_to_real.SPECIFICATION))
    assert tuple(channel.name for channel in asked.channels) == skab.TAGS
    assert all(fault.onset.low >= TEACHING * asked.every for fault in asked.faults)
    assert asked.rows == skab.LENGTH


def test_no_labelled_row_of_the_recordings_is_among_the_healthy_ones(recordings: Path) -> None:
    files = [skab.rows(file) for file in skab.files(recordings / "skab")[:4]]
    free = skab.rows(recordings / "skab" / "anomaly-free.csv", marked=False)
    stretches = skab.healthy(free.readings, files)
    assert not any(file.labelled[:TEACHING].any() for file in files)
    assert all(file.labelled.any() for file in files)
    assert len(stretches) == len(free.readings) // skab.LENGTH + len(files)
    assert all(s.readings.shape[1] == len(skab.TAGS) and np.isfinite(s.readings).all() for s in stretches)
