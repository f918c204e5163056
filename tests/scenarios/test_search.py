"""Pareto fronts against brute force, searches against a quadratic and their budget."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.designs import Case, Factor
from scenarios.search import Optimum, optimise, optimise_with_optuna, pareto_front
from twin.errors import PlantError, SimulationError

FACTORS = [Factor("speed", 0.0, 10.0), Factor("load", -5.0, 5.0)]
TABLES = st.integers(2, 3).flatmap(
    lambda columns: st.tuples(
        st.lists(st.tuples(*[st.integers(-3, 3).map(float)] * columns), min_size=1, max_size=30),
        st.tuples(*[st.booleans()] * columns),
    )
)


class Bowl:
    """A quadratic of minimum 4 at (3, 1) with an axis askew, which counts what it is asked."""

    def __init__(self, sign: float = 1.0) -> None:
        self.sign = sign
        self.batches: list[int] = []

    def __call__(self, cases: list[Case]) -> list[float]:
        self.batches.append(len(cases))
        return [self.sign * self.value(case["speed"] - 3.0, case["load"] - 1.0) for case in cases]

    @staticmethod
    def value(x: float, y: float) -> float:
        return 4.0 + x * x + x * y + 2.0 * y * y


def agrees(found: Optimum, bowl: Bowl, budget: int) -> None:
    """Check what every search promises."""
    assert found.evaluations == len(found.history) == sum(bowl.batches) <= budget
    assert found.value == min(trial.value for trial in found.history)
    assert (found.case, found.value) in found.history
    for factor in FACTORS:
        assert all(factor.low <= trial.case[factor.name] <= factor.high for trial in found.history)


@given(TABLES)
def test_a_pareto_front_is_what_brute_force_finds(table: tuple[list[tuple[float, ...]], tuple[bool, ...]]) -> None:
    rows, maximise = table
    costs = [[-value if more else value for value, more in zip(row, maximise, strict=True)] for row in rows]

    def dominates(one: list[float], other: list[float]) -> bool:
        return all(a <= b for a, b in zip(one, other, strict=True)) and one != other

    expected = [i for i, row in enumerate(costs) if not any(dominates(other, row) for other in costs)]
    assert pareto_front(rows, maximise) == expected


def test_cases_that_are_alike_stay_on_the_front_together() -> None:
    assert pareto_front([(1.0, 0.0), (2.0, 5.0), (1.0, -0.0), (0.0, 0.0)], [True, False]) == [0, 1, 2]


def test_values_that_are_no_table_are_refused() -> None:
    with pytest.raises(PlantError, match=r"front: values of shape \(1, 2\) for 3 flags"):
        pareto_front([(1.0, 2.0)], [True, False, True])
    with pytest.raises(PlantError, match=r"front: values of shape \(2, 1\) for 1 flags"):
        pareto_front([(1.0,), (2.0,)], [True])
    with pytest.raises(SimulationError, match="front: value 2 of 2 is nan"):
        pareto_front([(1.0, float("nan"))], [True, False])


@pytest.mark.parametrize("seed", range(3))
def test_a_search_finds_the_minimum_of_a_quadratic_within_its_budget(seed: int) -> None:
    """COBYQA's last trust region has a radius of a millionth of the ranges, which are 10."""
    bowl = Bowl()
    found = optimise(bowl, FACTORS, 120, seed)
    agrees(found, bowl, 120)
    assert found.case["speed"] == pytest.approx(3.0, abs=1e-5)
    assert found.case["load"] == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("budget", [*range(10, 40), 63, 64, 65, 200])
def test_a_search_never_exceeds_its_budget(budget: int) -> None:
    bowl = Bowl()
    agrees(optimise(bowl, FACTORS, budget, 1, batch=8), bowl, budget)


@pytest.mark.parametrize("factors", [FACTORS[:1], [Factor(f"x{i}", -1.0, 1.0) for i in range(12)]])
def test_a_search_of_one_factor_or_of_twelve_keeps_to_its_budget(factors: list[Factor]) -> None:
    found = optimise(lambda cases: [sum(value**2 for value in case.values()) for case in cases], factors, 50, 1)
    assert found.evaluations <= 50
    assert found.value < found.history[0].value


def test_a_search_for_the_maximum_finds_that_of_the_bowl_turned_over() -> None:
    upright, turned = Bowl(), Bowl(-1.0)
    low, high = optimise(upright, FACTORS, 80, 2), optimise(turned, FACTORS, 80, 2, maximise=True)
    assert high.case == low.case
    assert high.value == -low.value


def test_a_search_finds_a_minimum_on_a_corner() -> None:
    found = optimise(lambda cases: [case["speed"] + case["load"] for case in cases], FACTORS, 100, 3)
    assert found.case == pytest.approx({"speed": 0.0, "load": -5.0}, abs=1e-5)


def test_a_search_asks_for_batches_until_one_case_at_a_time_is_better() -> None:
    bowl = Bowl()
    optimise(bowl, FACTORS, 100, 4, batch=25)
    assert bowl.batches[:3] == [25, 25, 25]
    assert set(bowl.batches[3:]) == {1}


def test_the_same_seed_gives_the_same_search() -> None:
    assert optimise(Bowl(), FACTORS, 40, 5) == optimise(Bowl(), FACTORS, 40, 5)
    assert optimise(Bowl(), FACTORS, 40, 5) != optimise(Bowl(), FACTORS, 40, 6)


def test_what_never_varies_ends_the_search_early() -> None:
    found = optimise(lambda cases: [7.0] * len(cases), FACTORS, 100, 1)
    assert found.value == 7.0
    assert found.evaluations <= 100


def test_a_search_that_cannot_be_is_refused() -> None:
    with pytest.raises(PlantError, match="search: 9 evaluations, 16 at a time; give 10 and 5 at least"):
        optimise(Bowl(), FACTORS, 9, 1)
    with pytest.raises(PlantError, match="search: 90 evaluations, 4 at a time"):
        optimise(Bowl(), FACTORS, 90, 1, batch=4)
    with pytest.raises(PlantError, match="factor 'speed' comes twice"):
        optimise(Bowl(), [FACTORS[0], FACTORS[0]], 90, 1)


def test_answers_that_mean_nothing_end_a_search() -> None:
    with pytest.raises(SimulationError, match="search: value 1 of 16 is nan"):
        optimise(lambda cases: [float("nan")] * len(cases), FACTORS, 90, 1)
    with pytest.raises(SimulationError, match="search: 1 values for 16 cases; return one for each"):
        optimise(lambda _: [1.0], FACTORS, 90, 1)


def test_an_evaluation_that_fails_is_told_in_its_own_words() -> None:
    def fails(_: list[Case]) -> list[float]:
        raise ValueError("no head at this speed")

    with pytest.raises(SimulationError, match="search: evaluating 16 cases failed: no head at this speed; mend it"):
        optimise(fails, FACTORS, 90, 1)


def test_a_missing_optuna_is_refused_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(PlantError, match=r"optuna: not installed; pip install 'equipment-twin\[optimise\]'"):
        optimise_with_optuna(Bowl(), FACTORS, 20, 1)


def test_optuna_uses_all_its_budget_in_batches_and_comes_nearer_than_its_first_batch() -> None:
    pytest.importorskip("optuna")
    bowl = Bowl()
    found = optimise_with_optuna(bowl, FACTORS, 100, 1)
    agrees(found, bowl, 100)
    assert bowl.batches == [16] * 6 + [4]
    assert found.value < min(trial.value for trial in found.history[:16])


def test_optuna_finds_the_same_with_the_same_seed_and_turned_over() -> None:
    pytest.importorskip("optuna")
    low = optimise_with_optuna(Bowl(), FACTORS, 40, 2)
    assert low == optimise_with_optuna(Bowl(), FACTORS, 40, 2)
    high = optimise_with_optuna(Bowl(-1.0), FACTORS, 40, 2, maximise=True)
    assert (high.case, -high.value) == (low.case, low.value)
