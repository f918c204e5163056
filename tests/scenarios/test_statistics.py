"""Intervals against worked examples, exact coverages, and repeated samples with fixed seeds.

Of 1000 repeats, 95 % intervals should cover the truth in 930 to 970: three standard errors, sqrt(0.95 * 0.05 / 1000).
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from scenarios.statistics import (
    LEAST_REPLICATIONS,
    MOST_REPLICATIONS,
    Interval,
    batch_interval,
    difference,
    mean_interval,
    precise,
    replications_needed,
    wilson,
)
from twin.errors import PlantError, SimulationError
from twin.streams import member_seeds, normal, uniform

REPEATS = 1000
Draw = Callable[[int, int, int], np.ndarray]


def normals(seed: int, repeats: int, count: int) -> np.ndarray:
    """Return samples of mean 10 and standard deviation 3, one a row."""
    return 10.0 + 3.0 * normal(member_seeds(seed, repeats), "sample", "normal", 0, count)


def exponentials(seed: int, repeats: int, count: int) -> np.ndarray:
    """Return samples of mean 10, one a row."""
    return -10.0 * np.log(uniform(member_seeds(seed, repeats), "sample", "exponential", 0, count))


def covers(interval: Interval, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def stopped(values: np.ndarray, within: float, least: int = LEAST_REPLICATIONS) -> Interval:
    """Return the interval after the first replication with which the rule is content."""
    count = next(n for n in range(1, values.size + 1) if precise(values[:n], within, least=least))
    return mean_interval(values[:count])


def test_the_interval_of_one_to_five_is_that_of_a_printed_t_table() -> None:
    """t(0.975, 4) = 2.776 in every table, s = sqrt(5/2): 3 +- 2.776 sqrt(5/2) / sqrt(5), to the table's rounding."""
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.middle == 3.0
    assert interval.half == pytest.approx(2.776 * math.sqrt(0.5), abs=0.0005 * math.sqrt(0.5))
    assert interval.high - 3.0 == pytest.approx(3.0 - interval.low)
    assert interval.size == 5


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.99])
def test_the_interval_is_that_of_scipy_s_t_test(confidence: float) -> None:
    values = normals(3, 1, 12)[0]
    found = mean_interval(values, confidence)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
    assert [found.low, found.high] == pytest.approx([expected.low, expected.high], rel=1e-12)


def test_one_replication_has_a_mean_and_no_interval() -> None:
    assert mean_interval([4.0]) == (4.0, -math.inf, math.inf, 1)


def test_replications_that_are_all_alike_have_an_interval_of_no_width() -> None:
    assert mean_interval([0.1] * 7) == (0.1, 0.1, 0.1, 7)


@pytest.mark.parametrize(("draw", "count", "seed"), [(normals, 5, 1), (normals, 30, 2), (exponentials, 100, 3)])
def test_an_interval_of_95_percent_covers_the_mean_in_93_to_97_percent(draw: Draw, count: int, seed: int) -> None:
    covered = sum(covers(mean_interval(row), 10.0) for row in draw(seed, REPEATS, count))
    assert 0.93 * REPEATS <= covered <= 0.97 * REPEATS


def test_a_paired_interval_of_95_percent_covers_the_difference_in_93_to_97_percent() -> None:
    common, one, other = (normals(seed, REPEATS, 10) for seed in (11, 12, 13))
    found = [difference(a, b) for a, b in zip(common + 0.3 * one + 1.0, common + 0.3 * other, strict=True)]
    covered = sum(covers(each.interval, 1.0) for each in found)
    assert 0.93 * REPEATS <= covered <= 0.97 * REPEATS


def test_a_paired_interval_of_skewed_values_covers_the_difference_in_93_to_97_percent() -> None:
    common, one, other = (exponentials(seed, REPEATS, 20) for seed in (14, 15, 16))
    covered = sum(covers(difference(row, 0.0 * row).interval, 0.0) for row in one - other)
    paired = sum(
        covers(difference(a, b).interval, 0.0) for a, b in zip(common + 0.3 * one, common + 0.3 * other, strict=True)
    )
    assert 0.93 * REPEATS <= covered <= 0.97 * REPEATS
    assert 0.93 * REPEATS <= paired <= 0.97 * REPEATS


def test_a_difference_is_a_t_interval_of_the_pairs_compared_with_welch_s() -> None:
    """Differences 1, 2, 3: 2 +- 4.303 / sqrt(3), with t(0.975, 2) = 4.303 from the table."""
    ones, others = [5.0, 7.0, 9.0], [4.0, 5.0, 6.0]
    found = difference(ones, others)
    assert found.interval.middle == 2.0
    assert found.interval.half == pytest.approx(4.303 / math.sqrt(3.0), abs=0.0005 / math.sqrt(3.0))
    welch = stats.ttest_ind(ones, others, equal_var=False).confidence_interval(0.95)
    assert found.reduction == pytest.approx(1.0 - 2.0 * found.interval.half / (welch.high - welch.low), rel=1e-9)


def test_pairing_narrows_the_interval_by_what_the_correlation_promises() -> None:
    """Var(X - Y) = 2 s^2 (1 - r): with r = 0.9 the half width shrinks by 1 - sqrt(0.1)."""
    common, one, other = (normals(seed, 1, 5000)[0] for seed in (21, 22, 23))
    found = difference(3.0 * common + one, 3.0 * common + other)
    ratio = math.sqrt(0.1)
    # A sample correlation r has the standard error (1 - r^2) / sqrt(n); the ratio sqrt(1 - r) follows by its slope.
    error = (1.0 - 0.9**2) / math.sqrt(5000.0) / (2.0 * ratio)
    assert 1.0 - found.reduction == pytest.approx(ratio, abs=3.0 * error)


def test_pairing_of_opposite_answers_widens_the_interval() -> None:
    assert difference([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).reduction < 0.0


def test_a_reduction_is_unknown_for_one_pair_and_for_what_never_varies() -> None:
    assert math.isnan(difference([1.0], [2.0]).reduction)
    assert math.isnan(difference([1.0, 1.0], [2.0, 2.0]).reduction)


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(319, 715, 0.4101018, 0.4827814), (6, 52, 0.05396969, 0.22971664)],
)
def test_wilson_s_interval_is_the_published_one(successes: int, count: int, low: float, high: float) -> None:
    """R's prop.test without continuity correction is Wilson's interval; both outputs are published.

    319 heads of 715: Gustavus Adolphus College, MCS 142, homepages.gac.edu/~anienow2/MCS_142/R/R-1-prop.html, "95
    percent confidence interval: 0.4101018 0.4827814". 6 of 52: R bug report PR#2794 of 2003, "0.05396969 0.22971664".
    """
    found = wilson(successes, count)
    assert found.middle == successes / count
    assert found.low == pytest.approx(low, abs=0.5e-7)
    assert found.high == pytest.approx(high, abs=0.5e-7)


def test_wilson_s_interval_of_nothing_and_of_everything_ends_at_zero_and_at_one() -> None:
    """No success in n gives z^2 / (n + z^2) as the upper bound."""
    z = stats.norm.ppf(0.975)
    assert wilson(0, 20) == pytest.approx((0.0, 0.0, z**2 / (20.0 + z**2), 20))
    assert wilson(20, 20) == pytest.approx((1.0, 20.0 / (20.0 + z**2), 1.0, 20))


def test_wilson_s_interval_covers_a_tenth_of_50_trials_with_the_probability_of_1_to_9_successes() -> None:
    """The interval holds p where |k - n p| <= z sqrt(n p (1 - p)), here 4.16: that is exactly 97.03 %.

    Counts being whole, no interval covers exactly 95 %: the neighbours, 1 to 8 and 2 to 9, have 93.7 and 94.2 %.
    """
    covered = [k for k in range(51) if covers(wilson(k, 50), 0.1)]
    assert covered == list(range(1, 10))
    coverage = sum(math.comb(50, k) * 0.1**k * 0.9 ** (50 - k) for k in covered)
    assert 0.93 <= coverage <= 0.9704


def test_wilson_s_interval_of_50_trials_covers_95_percent_on_average_over_the_probability() -> None:
    bounds = [wilson(k, 50) for k in range(51)]
    low, high = np.array([each.low for each in bounds]), np.array([each.high for each in bounds])
    chances = np.linspace(0.05, 0.95, 1801)[:, None]
    inside = (low <= chances) & (chances <= high)
    coverage = (stats.binom.pmf(np.arange(51), 50, chances) * inside).sum(axis=1)
    assert 0.945 <= coverage.mean() <= 0.955


@pytest.mark.parametrize(("draw", "within", "seed"), [(normals, 0.1, 31), (exponentials, 0.3, 32)])
def test_a_rule_that_stops_at_a_share_of_the_mean_covers_it_in_at_least_92_percent(
    draw: Draw, within: float, seed: int
) -> None:
    found = [stopped(row, within) for row in draw(seed, 2 * REPEATS, 300)]
    assert sum(covers(each, 10.0) for each in found) >= 0.92 * 2 * REPEATS
    assert all(each.half <= within * each.middle and each.size >= LEAST_REPLICATIONS for each in found)


def test_a_rule_that_may_stop_after_two_replications_covers_the_mean_less_often() -> None:
    rows = normals(33, 2 * REPEATS, 300)
    early, later = (np.array([covers(stopped(row, 0.1, least), 10.0) for row in rows]) for least in (2, 10))
    # On the same samples, the difference of the two numbers has the root of the samples they disagree on as its error.
    assert later.sum() - early.sum() > 3.0 * math.sqrt((early != later).sum())


def test_nine_replications_are_never_precise() -> None:
    assert not precise([5.0] * 9, 0.1)
    assert precise([5.0] * 10, 0.1)


def test_a_mean_of_zero_is_never_precise_to_a_share_but_may_be_to_an_absolute_width() -> None:
    values = [-1.0, 1.0] * 50
    assert not precise(values, 0.5)
    assert precise(values, 0.5, relative=False)


def test_the_replications_needed_are_the_fewest_that_the_spread_so_far_allows() -> None:
    values = normals(41, 1, 12)[0]
    needed = replications_needed(values, 0.25, relative=False)

    def half(count: int) -> float:
        return float(stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count))

    assert half(needed) <= 0.25 < half(needed - 1)
    share = 0.25 / abs(values.mean())
    assert replications_needed(values, share) == needed


def test_the_replications_needed_are_those_there_are_exactly_if_these_are_precise() -> None:
    for row in normals(42, 50, 40):
        assert (replications_needed(row, 0.1) == 40) == precise(row, 0.1)


def test_the_replications_needed_end_at_a_million() -> None:
    assert replications_needed([7.0], 0.1) == MOST_REPLICATIONS
    assert replications_needed([-1.0, 1.0], 0.1) == MOST_REPLICATIONS
    assert replications_needed([1.0, 1.0], 0.1) == LEAST_REPLICATIONS


def test_batch_means_of_a_series_with_memory_cover_its_mean_and_single_values_do_not() -> None:
    """x' = 0.5 x + e remembers some 3 values; batches of 200 are as good as independent."""
    shocks = normal(member_seeds(51, REPEATS), "series", "shocks", 0, 4050)
    series = lfilter([1.0], [1.0, -0.5], shocks)[:, 50:]
    batched = sum(covers(batch_interval(row), 0.0) for row in series)
    single = sum(covers(mean_interval(row), 0.0) for row in series)
    assert 0.93 * REPEATS <= batched <= 0.97 * REPEATS
    assert single < 0.8 * REPEATS


def test_batches_leave_out_the_first_values_that_do_not_fill_them() -> None:
    assert batch_interval([100.0, 1.0, 3.0, 5.0, 7.0], 2) == mean_interval([2.0, 6.0])


def test_a_value_that_is_not_finite_is_refused_by_name_and_place() -> None:
    message = r"throughput: value 2 of 3 is nan; mend what gave it, it is not left out"
    with pytest.raises(SimulationError, match=message):
        mean_interval([1.0, math.nan, 2.0], name="throughput")
    with pytest.raises(SimulationError, match="throughput: value 3 of 3 is -inf"):
        difference([1.0, 2.0, 3.0], [1.0, 2.0, -math.inf], name="throughput")
    with pytest.raises(SimulationError, match="value 1 of 1 is inf"):
        precise([math.inf], 0.1)


def test_no_value_is_refused() -> None:
    with pytest.raises(SimulationError, match=r"values: shape \(0,\)"):
        mean_interval([])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_a_confidence_outside_zero_to_one_is_refused(confidence: float) -> None:
    with pytest.raises(PlantError, match=r"confidence: .*between 0 and 1, such as 0\.95"):
        mean_interval([1.0, 2.0], confidence)
    with pytest.raises(PlantError, match="confidence: "):
        wilson(1, 2, confidence)


def test_pairs_of_different_number_are_refused() -> None:
    with pytest.raises(PlantError, match="lead time: 3 replications against 2; pairs need as many of both"):
        difference([1.0, 2.0, 3.0], [1.0, 2.0], name="lead time")


@pytest.mark.parametrize(("successes", "count"), [(3, 2), (-1, 2), (0, 0)])
def test_more_successes_than_trials_are_refused(successes: int, count: int) -> None:
    with pytest.raises(PlantError, match=f"trips: {successes} of {count} trials"):
        wilson(successes, count, name="trips")


def test_a_precision_of_five_is_not_taken_for_five_percent() -> None:
    with pytest.raises(PlantError, match=r"precision: 5; give a share of the mean between 0 and 1, such as 0\.05"):
        precise([1.0, 2.0], 5.0)
    with pytest.raises(PlantError, match="precision: 0; give a positive half width"):
        replications_needed([1.0, 2.0], 0.0, relative=False)
    with pytest.raises(PlantError, match="precision: 1 replications at least"):
        precise([1.0, 2.0], 0.1, least=1)


def test_batches_of_less_than_two_values_are_refused() -> None:
    with pytest.raises(PlantError, match="level: 5 values in 3 batches"):
        batch_interval([1.0] * 5, 3, name="level")
    with pytest.raises(PlantError, match="level: 5 values in 1 batches"):
        batch_interval([1.0] * 5, 1, name="level")
