"""Faults of instruments do what their labels say, by closed forms; readings are missing as often as they should be."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, chi2

from scenarios.dataset.drawing import Draws, Lot
from scenarios.dataset.loading import load
from scenarios.dataset.measuring import Instruments, Measured
from scenarios.dataset.simulating import BLOCK
from scenarios.dataset.spec import KINDS, SPIKY, Between, Missing, Spec
from twin.errors import PlantError

ROWS, ONSET, END = 3 * BLOCK, BLOCK - 24, 2 * BLOCK + 51
"""Rows; the last one before an instrument's fault, and the last one with it: it lasts across two borders of blocks."""
SIZE = -0.03
SPEC = """
dataset: instruments
about: Two tanks, whose level is shown wrongly in every way there is.
plants: [two_tanks]
length: 4 h
sampling: {every: 4 s}
healthy: 100 %
sensor_faulty: 50 %
sensor_faults:
  offset: {tag: level, kind: offset, size: [1 mm, 1 mm]}
  drift: {tag: level, kind: drift, size: [1 mm, 1 mm]}
  gain: {tag: level, kind: gain, size: [1 %, 1 %]}
  stuck: {tag: level, kind: stuck}
  noise: {tag: level, kind: noise, size: [1 mm, 1 mm]}
  spikes: {tag: level, kind: spikes, size: [1 mm, 1 mm]}
  gap: {tag: level, kind: gap}
splits: {train: 70 %, validation: 10 %, test: 20 %, unseen_machine: 0, unseen_severity: 0, unseen_fault: 0}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    path = tmp_path / "instruments.yaml"
    path.write_text(SPEC)
    return load(path)


def delayed(spec: Spec, delay: int) -> Spec:
    """Return a specification whose instruments show what was `delay` rows ago."""
    plant = spec.plant
    return replace(spec, plants=(replace(plant, tags={n: tag._replace(delay=delay) for n, tag in plant.tags.items()}),))


def faulty(spec: Spec, runs: int, kind: str = "") -> Draws:
    """Return runs whose level is shown wrongly in one way, or rightly."""
    draws, code = Lot(spec, runs, 3).draws(0, runs), KINDS.index(kind) + 1 if kind else 0
    said = {
        "sensor_fault": np.full(runs, code, np.uint8),
        "sensor_size": np.full(runs, SIZE),
        "sensor_onset": np.full(runs, ONSET * spec.every if kind else np.inf),
        "sensor_end": np.full(runs, END * spec.every if kind else np.inf),
    }
    return Draws(**({field.name: getattr(draws, field.name) for field in fields(draws)} | said))


def shown(spec: Spec, draws: Draws, rows: int = ROWS, block: int = BLOCK) -> Measured:
    """Return what instruments show of levels that rise and fall, a block at a time."""
    level = 0.1 + 0.02 * np.sin(np.arange(rows) / 50.0)
    truth = np.broadcast_to(level, (2, draws.count, rows))
    instruments = Instruments(spec, draws, {})
    blocks = [instruments.measured(truth[:, :, k : k + block], k) for k in range(0, rows, block)]
    return Measured(*(np.concatenate(pieces, axis=1) for pieces in zip(*blocks, strict=True)))


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_an_instrument_is_wrong_exactly_where_its_label_says(spec: Spec, kind: str, delay: int) -> None:
    spec = delayed(spec, delay)
    sound, wrong = shown(spec, faulty(spec, 2)), shown(spec, faulty(spec, 2, kind))
    labelled = np.zeros((2, ROWS), bool)
    labelled[:, ONSET + 1 : END + 1] = True
    np.testing.assert_array_equal(wrong.sensor_fault[:, :, 1], np.where(labelled, KINDS.index(kind) + 1, 0))
    assert not wrong.sensor_fault[:, :, 0].any()
    np.testing.assert_array_equal(wrong.signals[:, :, 0], sound.signals[:, :, 0])
    np.testing.assert_array_equal(wrong.signals[~labelled, 1], sound.signals[~labelled, 1])
    np.testing.assert_array_equal(np.isnan(wrong.signals), wrong.quality == 1)
    missing = labelled & (kind == "gap")
    missing[:, :delay] = True  # nothing has come through the delay yet
    np.testing.assert_array_equal(wrong.quality[:, :, 1], missing)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("kind", ["offset", "drift", "gain", "stuck"])
def test_errors_of_an_instrument_have_their_closed_forms(spec: Spec, kind: str, delay: int) -> None:
    spec = delayed(spec, delay)
    sound, wrong = (shown(spec, faulty(spec, 1, which)).signals[0, ONSET + 1 : END + 1, 1] for which in ("", kind))
    time, level = np.arange(1, END - ONSET + 1), 0.1 + 0.02 * np.sin((np.arange(ONSET + 1, END + 1) - delay) / 50.0)
    expected = {
        "offset": sound + SIZE,
        "drift": sound + SIZE * time / (END - ONSET),
        "gain": sound + SIZE * level,
        "stuck": np.broadcast_to(sound[0], sound.shape),
    }[kind]
    np.testing.assert_allclose(wrong, expected, atol=2e-8)


def test_a_noisy_instrument_has_the_noise_that_its_label_says(spec: Spec) -> None:
    sound, wrong = (shown(spec, faulty(spec, 20, kind)).signals[:, ONSET + 1 : END + 1, 1] for kind in ("", "noise"))
    error = (wrong - sound).astype(float)
    low, high = chi2.ppf([1e-4, 1 - 1e-4], error.size)
    assert low < np.sum(error**2) / SIZE**2 < high
    assert abs(error.mean()) < 4 * abs(SIZE) / np.sqrt(error.size)


def test_spikes_hit_their_share_of_the_readings_in_both_directions(spec: Spec) -> None:
    sound, wrong = (shown(spec, faulty(spec, 20, kind)).signals[:, ONSET + 1 : END + 1, 1] for kind in ("", "spikes"))
    error = (wrong - sound).astype(float)
    hit = np.abs(error) > 1e-6
    np.testing.assert_allclose(np.abs(error[hit]), abs(SIZE), rtol=1e-5)
    low, high = binom.ppf([1e-4, 1 - 1e-4], error.size, SPIKY)
    assert low <= hit.sum() <= high
    low, high = binom.ppf([1e-4, 1 - 1e-4], hit.sum(), 0.5)
    assert low <= (error > 1e-6).sum() <= high


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_any_size_show_the_same(spec: Spec, kind: str) -> None:
    spec = replace(delayed(spec, 3), missing=Missing(0.01, 1e-3, Between(4.0, 400.0)))
    draws = faulty(spec, 3, kind)
    whole = shown(spec, draws, block=ROWS)
    for found in (shown(spec, draws), shown(spec, draws, block=100)):
        for one, other in zip(found, whole, strict=True):
            np.testing.assert_array_equal(one, other)


def test_readings_are_missing_as_often_as_is_said(spec: Spec) -> None:
    draws, runs = faulty(spec, 40), 40
    each = shown(replace(spec, missing=Missing(0.05, 0.0, Between(0.0, 0.0))), draws).quality
    low, high = binom.ppf([1e-4, 1 - 1e-4], each.size, 0.05)
    assert low <= each.sum() <= high
    assert (each[:, :, 0] != each[:, :, 1]).any()  # each reading for itself
    # Gaps of one row, so many an hour: a row begins one, or none.
    rate = 30.0 / 3600.0
    gaps = shown(replace(spec, missing=Missing(0.0, rate, Between(4.0, 4.0))), draws).quality
    np.testing.assert_array_equal(gaps[:, :, 0], gaps[:, :, 1])  # all readings at once
    low, high = binom.ppf([1e-4, 1 - 1e-4], runs * ROWS, rate * spec.every)
    assert low <= gaps[:, :, 0].sum() <= high


def test_a_gap_lasts_as_long_as_is_said(spec: Spec) -> None:
    missing = Missing(0.0, 0.2 / 3600.0, Between(40.0, 80.0))
    lost = shown(replace(spec, missing=missing), faulty(spec, 60)).quality[:, :, 0].astype(int)
    ends = np.diff(lost, prepend=0, append=0, axis=1)
    lasts = (np.nonzero(ends == -1)[1] - np.nonzero(ends == 1)[1])[np.nonzero(ends == -1)[1] < ROWS]
    assert len(lasts) > 20
    assert lasts.min() >= 10
    assert np.median(lasts) <= 20  # two may touch, most don't


def test_a_delay_is_a_time_however_often_is_sampled(tmp_path: Path) -> None:
    plant = (Path(__file__).parents[3] / "scenarios" / "plants" / "two_tanks.yaml").read_text()
    (tmp_path / "late.yaml").write_text(plant.replace("every: 4 s, noise: 1 mm", "every: 4 s, noise: 1 mm, delay: 8 s"))
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("two_tanks", "late.yaml").replace("every: 4 s", "every: 2 s"))
    assert load(path).plant.tags["level"].delay == 4
    path.write_text(SPEC.replace("two_tanks", "late.yaml").replace("every: 4 s", "every: 3 s"))
    with pytest.raises(PlantError, match=r"level lags by 8 s, no whole number of 3 s"):
        load(path)
