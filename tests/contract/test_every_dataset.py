"""What every shipped specification of a data set keeps: it is whole, its runs are finished, one can learn from it."""

from pathlib import Path

import numpy as np
import pytest

from scenarios.dataset.drawing import Lot
from scenarios.dataset.library import names
from scenarios.dataset.loading import load
from scenarios.dataset.simulating import Simulation
from scenarios.dataset.spec import SPLITS

SPECS = names()
RUNS = 16


@pytest.fixture(params=SPECS)
def path(request: pytest.FixtureRequest) -> Path:
    return SPECS[request.param]


def test_a_specification_is_named_as_its_file_and_says_what_everything_is(path):
    spec = load(path)
    assert spec.name == path.stem
    assert spec.about
    for each in (*spec.faults, *spec.modes):
        assert each.about.endswith("."), each.name


def test_every_split_has_all_the_classes_that_it_can_have(path):
    spec = load(path)
    lot = Lot(spec, spec.runs, spec.seed)
    for split, share, counts in zip(SPLITS, spec.splits.shares, lot.counts, strict=True):
        np.testing.assert_array_equal(counts > 0, (lot.class_shares(split) > 0.0) & (share > 0.0))
        assert bool(counts[0]) == bool(share)


def test_runs_are_finished_and_differ(path):
    spec = load(path)
    lot = Lot(spec, RUNS, spec.seed)
    simulation = Simulation(spec, lot, lot.draws(0, RUNS))
    signals = np.concatenate([rows.signals for rows in simulation.rows()], axis=1)
    end = simulation.end()
    assert end.failures == {}
    assert signals.shape == (RUNS, spec.rows, len(spec.channels))
    assert len({signals[run].tobytes() for run in range(RUNS)}) == RUNS
    assert np.isfinite(signals).mean() > 0.9
    if spec.ends:
        assert any(happening.name in spec.ends for happening in end.happenings)
