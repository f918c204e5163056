"""What is drawn of runs: exact shares, held-out machines, and nothing that tells a fault from its circumstances."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency, kstest

from scenarios.dataset.drawing import Draws, Lot, allotted
from scenarios.dataset.library import names
from scenarios.dataset.loading import load
from scenarios.dataset.spec import SPLITS, Between, Spec

RUNS, SEED = 20_000, 11
UNLIKELY = 1e-3
"""A fair draw fails a test about as often; the seed is fixed, so it is found once and for all."""


@pytest.fixture(scope="module")
def spec() -> Spec:
    return load(names()["pump_station_faults"])


@pytest.fixture(scope="module")
def draws(spec: Spec) -> Draws:
    return Lot(spec, RUNS, SEED).draws(0, RUNS)


def split(draws: Draws, name: str) -> Draws:
    """Return the runs of a split."""
    return draws.picked(draws.split == SPLITS.index(name))


def test_splits_have_exactly_their_shares(spec: Spec, draws: Draws) -> None:
    counts = np.bincount(draws.split, minlength=len(SPLITS))
    np.testing.assert_allclose(counts, np.array(spec.splits.shares) * RUNS, atol=1.0)
    assert counts.sum() == RUNS


@pytest.mark.parametrize("name", SPLITS)
def test_every_split_has_exactly_the_shares_of_its_classes(spec: Spec, draws: Draws, name: str) -> None:
    mine = split(draws, name)
    counts = np.bincount(mine.fault, minlength=len(spec.classes))
    assert abs(counts[0] - spec.healthy * mine.count) <= 1
    held = [fault for fault in spec.faults if fault.name in spec.splits.faults]
    seen = [fault for fault in spec.faults if fault not in held]
    those = {"unseen_fault": held, "unseen_severity": [fault for fault in seen if fault.unseen]}.get(name, seen)
    for fault, count in zip(spec.faults, counts[1:], strict=True):
        wanted = (1 - spec.healthy) * mine.count / len(those) if fault in those else 0.0
        assert abs(count - wanted) <= 1, fault.name


@pytest.mark.parametrize(("shares", "count"), [((0.5, 0.3, 0.2), 7), ((1.0, 1.0, 1.0), 100), ((0.1, 0.9), 1)])
def test_whole_numbers_are_allotted_within_one_of_their_shares(shares: tuple[float, ...], count: int) -> None:
    found = allotted(np.array(shares), count)
    assert found.sum() == count
    assert (np.abs(found - np.array(shares) / sum(shares) * count) < 1.0).all()


def test_machines_that_are_held_out_are_in_no_other_split(spec: Spec, draws: Draws) -> None:
    unseen = set(split(draws, "unseen_machine").machine)
    seen = set(draws.machine[draws.split != SPLITS.index("unseen_machine")])
    assert not unseen & seen
    assert len(unseen) == round(spec.splits.machines * spec.machines.number)
    assert unseen | seen == set(range(spec.machines.number))


def test_splits_by_machine_share_none(spec: Spec) -> None:
    spec = replace(spec, splits=spec.splits._replace(by="machine"))
    draws = Lot(spec, RUNS, SEED).draws(0, RUNS)
    of = [set(split(draws, name).machine) for name in ("train", "validation", "test", "unseen_machine")]
    assert sum(map(len, of)) == len(set.union(*of)) == spec.machines.number
    for name in ("unseen_severity", "unseen_fault"):
        assert set(split(draws, name).machine) <= of[2]


def test_severities_keep_to_their_bands(spec: Spec, draws: Draws) -> None:
    for code, fault in enumerate(spec.faults, 1):
        apart = draws.split == SPLITS.index("unseen_severity")
        seen = draws.severity[(draws.fault == code) & ~apart]
        assert fault.severity.low <= seen.min() <= seen.max() <= fault.severity.high
        assert even(seen, fault.severity) > UNLIKELY
        unseen = draws.severity[(draws.fault == code) & apart]
        assert bool(len(unseen)) == (fault.unseen is not None)
        if fault.unseen:
            assert fault.unseen.low <= unseen.min() <= unseen.max() <= fault.unseen.high
    assert not draws.severity[draws.fault == 0].any()


def test_onsets_are_even_over_their_range_and_on_the_grid(spec: Spec, draws: Draws) -> None:
    for code, fault in enumerate(spec.faults, 1):
        onset = draws.onset[draws.fault == code]
        np.testing.assert_array_equal(onset, np.round(onset / spec.hold) * spec.hold)
        assert fault.onset.low - spec.hold < onset.min() <= onset.max() <= fault.onset.high
        # Put back evenly within their steps, they are even over the range.
        spread = onset + spec.hold * (np.arange(len(onset)) % 97 + 0.5) / 97.0
        assert even(spread, Between(fault.onset.low, fault.onset.high)) > UNLIKELY
    assert np.isinf(draws.onset[draws.fault == 0]).all()


def even(values: np.ndarray, between: Between) -> float:
    """Return the p-value of Kolmogorov and Smirnov that values are even over a range."""
    return float(kstest(values, "uniform", args=(between.low, between.high - between.low)).pvalue)


def test_duties_and_instrument_faults_have_their_shares(spec: Spec, draws: Draws) -> None:
    shares = np.array([duty.share for duty in spec.duties])
    far = 4.0 * np.sqrt(0.25 * RUNS)  # four standard deviations of a binomial count, at most
    np.testing.assert_allclose(np.bincount(draws.duty), shares / shares.sum() * RUNS, atol=far)
    wanted = spec.sensor_faulty * RUNS / len(spec.sensor_faults)
    counts = np.bincount(draws.sensor_fault, minlength=len(spec.sensor_faults) + 1)
    np.testing.assert_allclose(counts[1:], wanted, atol=4.0 * np.sqrt(wanted))
    for code, fault in enumerate(spec.sensor_faults, 1):
        mine = draws.picked(draws.sensor_fault == code)
        sizes = np.abs(mine.sensor_size)
        assert ((fault.size.low <= sizes) & (sizes <= fault.size.high)).all()
        lasts = mine.sensor_end - mine.sensor_onset
        assert ((fault.lasts.low - spec.every <= lasts) & (lasts <= fault.lasts.high + 2 * spec.every)).all()
        if fault.size.high:
            assert 0.4 < (mine.sensor_size > 0).mean() < 0.6


@pytest.mark.parametrize("what", ["machine", "duty", "sensor_fault", "plant"])
def test_the_circumstances_of_a_run_say_nothing_of_its_fault(draws: Draws, what: str) -> None:
    mine = split(draws, "train")
    assert independent(getattr(mine, what), mine.fault) > UNLIKELY


@pytest.mark.parametrize("what", ["machine", "duty", "severity", "sensor_fault"])
def test_when_a_fault_begins_says_nothing_of_the_rest(draws: Draws, what: str) -> None:
    mine = split(draws, "train")
    mine = mine.picked(mine.fault > 0)
    halves = getattr(mine, what)
    if what == "severity":
        halves = halves > np.median(halves)
    assert independent(halves, mine.onset > np.median(mine.onset)) > UNLIKELY


def test_the_order_of_runs_says_nothing_of_their_classes(draws: Draws) -> None:
    assert independent(draws.number * 20 // RUNS, draws.fault) > UNLIKELY
    assert independent(draws.number * 20 // RUNS, draws.split) > UNLIKELY


def independent(one: np.ndarray, other: np.ndarray) -> float:
    """Return the p-value of the chi-square test that two codes are independent."""
    rows, columns = (np.unique(codes, return_inverse=True)[1] for codes in (one, other))
    table = np.zeros((rows.max() + 1, columns.max() + 1), int)
    np.add.at(table, (rows, columns), 1)
    return 1.0 if min(table.shape) == 1 else float(chi2_contingency(table).pvalue)


@pytest.mark.parametrize("sizes", [(1,) * 50, (7, 16, 27), (50,)])
def test_whoever_draws_a_run_draws_the_same(spec: Spec, sizes: tuple[int, ...]) -> None:
    whole = Lot(spec, 1000, SEED).draws(400, 50)
    first = 400
    for size in sizes:
        found = Lot(spec, 1000, SEED).draws(first, size)
        for field in fields(Draws):
            np.testing.assert_array_equal(
                getattr(found, field.name), getattr(whole, field.name)[first - 400 : first - 400 + size]
            )
        first += size


def test_streams_of_a_run_do_not_depend_on_how_many_there_are(spec: Spec) -> None:
    few, many = Lot(spec, 100, SEED).draws(0, 100), Lot(spec, 10_000, SEED).draws(0, 100)
    np.testing.assert_array_equal(few.seed, many.seed)
    assert len(np.unique(many.seed)) == 100


def test_another_seed_draws_other_runs(spec: Spec) -> None:
    one, other = (Lot(spec, 100, seed).draws(0, 100) for seed in (1, 2))
    for name in ("seed", "fault", "machine", "severity", "sensor_fault"):
        assert (getattr(one, name) != getattr(other, name)).any()
