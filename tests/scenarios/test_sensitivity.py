"""Sensitivities against functions whose answers have a closed form."""

import math

import numpy as np
import pytest
from scipy.stats import sobol_indices as of_scipy

from scenarios.designs import Case, Factor, grid, one_at_a_time
from scenarios.sensitivity import main_effects, saltelli_cases, sobol_indices, tornado
from twin.errors import PlantError, SimulationError

ANGLES = [Factor(name, -math.pi, math.pi) for name in ("one", "two", "three")]


def ishigami(case: Case) -> float:
    """Return Ishigami's function with a = 7 and b = 0.1."""
    return math.sin(case["one"]) * (1.0 + 0.1 * case["three"] ** 4) + 7.0 * math.sin(case["two"]) ** 2


def shares() -> dict[str, tuple[float, float]]:
    """Return the first-order and total indices of Ishigami's function.

    Ishigami and Homma (1990): V1 = (1 + b pi^4 / 5)^2 / 2, V2 = a^2 / 8, V13 = 8 b^2 pi^8 / 225, all others 0.
    """
    v1 = 0.5 * (1.0 + 0.1 * math.pi**4 / 5.0) ** 2
    v2 = 49.0 / 8.0
    v13 = 8.0 * 0.01 * math.pi**8 / 225.0
    whole = v1 + v2 + v13
    return {"one": (v1 / whole, (v1 + v13) / whole), "two": (v2 / whole, v2 / whole), "three": (0.0, v13 / whole)}


@pytest.mark.parametrize("seed", range(5))
def test_the_indices_of_ishigami_s_function_lie_in_their_intervals(seed: int) -> None:
    found = sobol_indices(ANGLES, [ishigami(case) for case in saltelli_cases(ANGLES, 1024, seed)])
    for name, (first, total) in shares().items():
        assert found[name].first.low <= first <= found[name].first.high
        assert found[name].total.low <= total <= found[name].total.high
        assert found[name].total.size == 1024


def test_an_interval_of_the_indices_narrows_with_the_root_of_the_cases() -> None:
    """Sixteen times the cases, a quarter of the width; from 999 resamples a width is known to some 3 %, and from 256
    cases a variance to some 10 %: together within 20 %.
    """
    widths = []
    for count in (256, 4096):
        found = sobol_indices(ANGLES, [ishigami(case) for case in saltelli_cases(ANGLES, count, 1)])
        widths.append([each.half for name in found for each in found[name]])
    assert np.mean(widths[0]) / np.mean(widths[1]) == pytest.approx(4.0, rel=0.2)


def test_the_indices_are_those_that_scipy_gives() -> None:
    values = np.array([ishigami(case) for case in saltelli_cases(ANGLES, 64, 3)])
    table = values.reshape(5, 1, 64)
    expected = of_scipy(func={"f_A": table[0], "f_B": table[1], "f_AB": table[2:]}, n=64)
    found = sobol_indices(ANGLES, values).values()
    assert [each.first.middle for each in found] == pytest.approx(expected.first_order.ravel(), rel=1e-12)
    assert [each.total.middle for each in found] == pytest.approx(expected.total_order.ravel(), rel=1e-12)


def test_saltelli_s_cases_are_a_b_and_a_with_one_factor_of_b() -> None:
    cases = saltelli_cases(ANGLES, 8, 4)
    a, b, pages = cases[:8], cases[8:16], cases[16:]
    assert len(pages) == 24
    for j, factor in enumerate(ANGLES):
        page = [one | {factor.name: other[factor.name]} for one, other in zip(a, b, strict=True)]
        assert pages[8 * j : 8 * j + 8] == page


def test_the_indices_of_a_sum_are_its_coefficients_squares() -> None:
    """Of 3 x + 4 y, with x and y alike, 9/25 and 16/25; without interactions first order and total are the same."""
    factors = [Factor("x", 0.0, 1.0), Factor("y", 0.0, 1.0)]
    values = [3.0 * case["x"] + 4.0 * case["y"] for case in saltelli_cases(factors, 1024, 5)]
    found = sobol_indices(factors, values)
    for name, share in (("x", 0.36), ("y", 0.64)):
        assert found[name].first.low <= share <= found[name].first.high
        assert found[name].total.low <= share <= found[name].total.high


def test_a_factor_alone_has_all_the_variance() -> None:
    factors = [Factor("x", 0.0, 1.0)]
    found = sobol_indices(factors, [case["x"] for case in saltelli_cases(factors, 512, 6)])["x"]
    assert found.first.low <= 1.0 <= found.first.high
    assert found.total.low <= 1.0 <= found.total.high


def test_what_never_varies_depends_on_nothing() -> None:
    found = sobol_indices(ANGLES, [4.0] * 5 * 16)
    assert all(each.first == each.total == (0.0, 0.0, 0.0, 16) for each in found.values())


def test_the_same_seed_gives_the_same_bootstrap() -> None:
    values = [ishigami(case) for case in saltelli_cases(ANGLES, 32, 7)]
    assert sobol_indices(ANGLES, values, seed=3) == sobol_indices(ANGLES, values, seed=3)
    assert sobol_indices(ANGLES, values, seed=3) != sobol_indices(ANGLES, values, seed=4)


def test_one_at_a_time_gives_the_coefficients_of_a_linear_function() -> None:
    base = {"x": 1.0, "y": 2.0, "z": 3.0}
    factors = [Factor("x", 0.0, 2.0), Factor("y", 1.0, 4.0), Factor("z", 2.5, 3.0)]
    coefficients = {"x": 2.0, "y": -5.0, "z": 0.25}
    cases = one_at_a_time(base, factors)
    swings = tornado(base, cases, [sum(coefficients[name] * case[name] for name in case) for case in cases])
    assert [swing.name for swing in swings] == ["y", "x", "z"]
    bounds = {factor.name: factor for factor in factors}
    for name, low, high in swings:
        assert low == coefficients[name] * (bounds[name].low - base[name])
        assert high == coefficients[name] * (bounds[name].high - base[name])


def test_a_factor_whose_bounds_both_lower_the_answer_has_a_wide_swing() -> None:
    base = {"x": 0.0, "y": 0.0}
    cases = one_at_a_time(base, [Factor("y", -1.0, 1.0), Factor("x", -1.0, 1.0)])
    swings = tornado(base, cases, [0.5 * case["y"] - 4.0 * case["x"] ** 2 for case in cases])
    assert [(swing.name, swing.low, swing.high, swing.width) for swing in swings] == [
        ("x", -4.0, -4.0, 4.0), ("y", -0.5, 0.5, 1.0),
    ]  # fmt: skip


def test_a_base_on_a_bound_still_says_which_factor_moved() -> None:
    base = {"x": 0.0}
    cases = one_at_a_time(base, [Factor("x", 0.0, 2.0)])
    assert tornado(base, cases, [1.0, 1.0, 5.0]) == [("x", 0.0, 4.0)]


def test_main_effects_of_a_sum_are_its_parts_less_their_means() -> None:
    levels = {"x": [1.0, 2.0, 6.0], "y": [0.0, 10.0]}
    values = [case["x"] ** 2 + 0.5 * case["y"] for case in grid(levels)]
    effects = main_effects(levels, values)
    mean = (1.0 + 4.0 + 36.0) / 3.0
    assert effects["x"] == pytest.approx({1.0: 1.0 - mean, 2.0: 4.0 - mean, 6.0: 36.0 - mean}, rel=1e-12)
    assert effects["y"] == pytest.approx({0.0: -2.5, 10.0: 2.5}, rel=1e-12)


def test_a_design_that_is_not_whole_is_refused() -> None:
    with pytest.raises(PlantError, match="values: 79 for 3 factors; give those of saltelli_cases, all of them"):
        sobol_indices(ANGLES, [1.0] * 79)
    with pytest.raises(PlantError, match="design: 3 points are no power of 2; give 2 or 4"):
        sobol_indices(ANGLES, [1.0] * 15)
    with pytest.raises(PlantError, match="design: 20 points are no power of 2; give 16 or 32"):
        saltelli_cases(ANGLES, 20, 1)
    with pytest.raises(PlantError, match="design: 163840 cases"):
        saltelli_cases(ANGLES, 2**15, 1)
    with pytest.raises(PlantError, match="values: 3 for 4 cases; give those of the grid, all of them"):
        main_effects({"x": [1.0, 2.0], "y": [1.0, 2.0]}, [1.0, 2.0, 3.0])


def test_a_bootstrap_that_says_nothing_is_refused() -> None:
    with pytest.raises(PlantError, match=r"bootstrap: confidence 0\.95 from 50 resamples"):
        sobol_indices(ANGLES, [1.0] * 10, resamples=50)
    with pytest.raises(PlantError, match="bootstrap: confidence 95 from 999 resamples"):
        sobol_indices(ANGLES, [1.0] * 10, confidence=95.0)


def test_a_tornado_of_other_cases_is_refused() -> None:
    base = {"x": 1.0, "y": 1.0}
    with pytest.raises(PlantError, match="tornado: 3 cases, 2 values"):
        tornado(base, [base, base, base], [1.0, 2.0])
    with pytest.raises(PlantError, match="tornado: cases 1 and 2 move 2 factors"):
        tornado(base, [base, {"x": 0.0, "y": 1.0}, {"x": 1.0, "y": 2.0}], [1.0, 2.0, 3.0])


def test_a_value_that_is_not_finite_is_refused_by_its_place() -> None:
    with pytest.raises(SimulationError, match="values: value 2 of 5 is nan"):
        sobol_indices(ANGLES, [1.0, math.nan, 1.0, 1.0, 1.0])
