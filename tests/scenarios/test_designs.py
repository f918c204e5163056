"""Designs against what their definitions promise of every case."""

from itertools import combinations

import numpy as np
import pytest

from scenarios.designs import (
    MOST_CASES,
    Case,
    Factor,
    cases_at,
    grid,
    latin_hypercube,
    one_at_a_time,
    sobol_points,
    unit_sobol,
)
from twin.errors import PlantError

FACTORS = [Factor("speed", 1.0, 2.0), Factor("load", -5.0, 5.0), Factor("delay", 0.0, 1e-3)]


def strata(cases: list[Case], factor: Factor, parts: int) -> list[int]:
    """Return in which of so many equal parts of the factor's range each case lies."""
    return [int((case[factor.name] - factor.low) / (factor.high - factor.low) * parts) for case in cases]


def test_a_grid_has_every_combination_with_the_last_factor_changing_fastest() -> None:
    assert grid({"a": [1, 2], "b": [0.5, 0.25]}) == [
        {"a": 1.0, "b": 0.5}, {"a": 1.0, "b": 0.25}, {"a": 2.0, "b": 0.5}, {"a": 2.0, "b": 0.25},
    ]  # fmt: skip
    assert all(type(value) is float for case in grid({"a": [1, 2]}) for value in case.values())


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (7, 1), (100, 2), (1000, 3)])
def test_a_latin_hypercube_has_exactly_one_case_in_each_stratum(count: int, seed: int) -> None:
    cases = latin_hypercube(FACTORS, count, seed)
    for factor in FACTORS:
        assert sorted(strata(cases, factor, count)) == list(range(count))


def test_a_latin_hypercube_orders_its_factors_independently() -> None:
    """A rank correlation of independent orders has the standard error 1 / sqrt(n - 1)."""
    cases = latin_hypercube(FACTORS, 1000, 4)
    for one, other in combinations(FACTORS, 2):
        ranks = np.corrcoef(strata(cases, one, 1000), strata(cases, other, 1000))
        assert abs(ranks[0, 1]) <= 3.0 / np.sqrt(999.0)


def test_a_factor_keeps_its_latin_values_when_others_come_and_go() -> None:
    all_three, alone = latin_hypercube(FACTORS, 20, 5), latin_hypercube(FACTORS[1:2], 20, 5)
    assert [case["load"] for case in all_three] == [case["load"] for case in alone]


@pytest.mark.parametrize("count", [1, 2, 64, 1024])
def test_sobol_points_have_exactly_one_case_in_each_stratum(count: int) -> None:
    cases = sobol_points(FACTORS, count, 6)
    for factor in FACTORS:
        assert sorted(strata(cases, factor, count)) == list(range(count))


def test_the_first_two_factors_have_one_sobol_point_in_every_box_of_a_point_s_volume() -> None:
    """The first two coordinates of a Sobol' sequence are a (0, m, 2)-net, which a digital shift leaves one."""
    points = unit_sobol(["a", "b"], 256, 7)
    for k in range(9):
        boxes = np.floor(points * [2**k, 2 ** (8 - k)]).astype(int)
        assert len({tuple(box) for box in boxes.tolist()}) == 256


def test_the_first_half_of_sobol_points_is_the_design_of_half_the_size() -> None:
    assert sobol_points(FACTORS, 64, 8)[:32] == sobol_points(FACTORS, 32, 8)


def test_a_factor_added_at_the_end_leaves_the_sobol_points_of_the_others() -> None:
    fewer, more = sobol_points(FACTORS[:2], 16, 9), sobol_points(FACTORS, 16, 9)
    assert [{name: case[name] for name in ("speed", "load")} for case in more] == fewer


def test_sobol_points_never_touch_the_bounds_of_the_unit_cube() -> None:
    points = unit_sobol([f"factor {i}" for i in range(40)], 2048, 10)
    assert (points > 0.0).all()
    assert (points < 1.0).all()


def test_sobol_points_integrate_a_product_better_than_random_ones() -> None:
    """The integral of (1/2 + x)(1/2 + y)(1/2 + z) is 1; n random points err by sqrt(((13/12)^3 - 1) / n)."""
    errors = [np.prod(0.5 + unit_sobol(["x", "y", "z"], 1024, seed), axis=1).mean() - 1.0 for seed in range(20)]
    random = np.sqrt(((13.0 / 12.0) ** 3 - 1.0) / 1024.0)
    assert np.sqrt(np.mean(np.square(errors))) < 0.1 * random


def test_the_same_seed_gives_the_cases_it_always_gave() -> None:
    """Recorded once: the numbers are a function of seed and names, not of the machine or a library's version."""
    assert latin_hypercube(FACTORS[:2], 3, 7) == [
        {"speed": 1.5129345486119976, "load": -2.306745786694667},
        {"speed": 1.8677932038028717, "load": 3.541544494139178},
        {"speed": 1.2192588807508646, "load": 1.2468475078318528},
    ]
    assert sobol_points(FACTORS[:2], 2, 7) == [
        {"speed": 1.4300023299465754, "load": -2.0328857131482945},
        {"speed": 1.9300023299465754, "load": 2.9671142868517055},
    ]


def test_another_seed_gives_other_cases() -> None:
    assert latin_hypercube(FACTORS, 8, 1) != latin_hypercube(FACTORS, 8, 2)
    assert sobol_points(FACTORS, 8, 1) != sobol_points(FACTORS, 8, 2)


def test_cases_stay_within_bounds_that_rounding_would_step_over() -> None:
    factor = Factor("x", 0.1, 0.7)
    placed = [case["x"] for case in cases_at([factor], np.linspace(0.0, 1.0, 1001)[:, None])]
    assert placed[0] == 0.1
    assert placed[-1] == 0.7
    assert all(0.1 <= value <= 0.7 for value in placed)


def test_one_at_a_time_is_the_base_and_then_every_factor_low_and_high() -> None:
    base = {"speed": 1.5, "load": 0.0, "other": 3.0}
    assert one_at_a_time(base, FACTORS[:2]) == [
        base, base | {"speed": 1.0}, base | {"speed": 2.0}, base | {"load": -5.0}, base | {"load": 5.0},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (2.0, 1.0, "speed: low 2 is not below high 1"),
        (1.0, 1.0, "speed: low 1 is not below high 1"),
        (float("nan"), 1.0, "speed: nan to 1; give finite bounds"),
        (0.0, float("inf"), "speed: 0 to inf; give finite bounds"),
    ],
)
def test_bounds_that_do_not_ascend_are_refused(low: float, high: float, message: str) -> None:
    with pytest.raises(PlantError, match=message):
        Factor("speed", low, high)


def test_a_factor_that_comes_twice_is_refused_by_name() -> None:
    twice = [*FACTORS, FACTORS[1]]
    for design in (lambda: latin_hypercube(twice, 4, 1), lambda: sobol_points(twice, 4, 1)):
        with pytest.raises(PlantError, match="design: factor 'load' comes twice; name each once"):
            design()
    with pytest.raises(PlantError, match="comes twice"):
        one_at_a_time({"speed": 1.5, "load": 0.0, "delay": 0.0}, twice)


def test_no_factor_is_refused() -> None:
    for design in (lambda: grid({}), lambda: latin_hypercube([], 4, 1), lambda: sobol_points([], 4, 1)):
        with pytest.raises(PlantError, match="design: no factor"):
            design()


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([], "speed: no level"),
        ([1.0, 2.0, 1.0], "speed: levels 1.0, 2.0, 1.0; give each once"),
        ([1.0, float("nan")], "speed: levels 1.0, nan; give finite ones"),
    ],
)
def test_levels_that_make_no_grid_are_refused(levels: list[float], message: str) -> None:
    with pytest.raises(PlantError, match=message):
        grid({"speed": levels})


def test_too_many_cases_are_refused_with_their_number() -> None:
    with pytest.raises(PlantError, match=f"design: 1000000 cases; give 1 to {MOST_CASES}"):
        grid({name: list(range(100)) for name in "abc"})
    with pytest.raises(PlantError, match="design: 100001 cases"):
        latin_hypercube(FACTORS, 100_001, 1)
    with pytest.raises(PlantError, match="design: 131072 cases"):
        sobol_points(FACTORS, 2**17, 1)
    with pytest.raises(PlantError, match="design: 0 cases"):
        latin_hypercube(FACTORS, 0, 1)


def test_a_count_that_is_no_power_of_two_is_refused_with_its_neighbours() -> None:
    with pytest.raises(PlantError, match="design: 100 points are no power of 2; give 64 or 128"):
        sobol_points(FACTORS, 100, 1)


def test_a_factor_that_is_not_in_the_base_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(PlantError, match="base: no factor 'load'; did you mean 'laod'"):
        one_at_a_time({"speed": 1.5, "laod": 0.0}, FACTORS[:2])


def test_a_base_outside_a_factor_s_bounds_is_refused() -> None:
    with pytest.raises(PlantError, match="speed: base 3 is outside 1 to 2; widen the bounds or move the base"):
        one_at_a_time({"speed": 3.0}, FACTORS[:1])
