"""Bounded least squares against closed forms: NumPy's least squares, bounds, outliers, priors, many at once."""

import numpy as np
import pytest

from twin.calibrate.levenberg import HUBER, STEP, Box, Model, Problems, Solved, solve
from twin.calibrate.uncertainty import covariance, information

ROWS = 80


def box(count: int, **parts: float | list[float]) -> Box:
    known = {"low": -np.inf, "high": np.inf, "spread": 1.0, "centre": 0.0, "prior": np.inf} | parts
    return Box(**{name: np.broadcast_to(np.asarray(value, float), count).copy() for name, value in known.items()})


def linear(design: np.ndarray) -> Model:
    return lambda at: at @ design.T


def decay(at: np.ndarray) -> np.ndarray:
    """Return a exp(-b t) at 40 times."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(at[:, :1] * np.exp(-at[:, 1:] * np.linspace(0.0, 4.0, 40)))


def problems(data: np.ndarray, start: np.ndarray, sigma: float = 1.0, held: np.ndarray | None = None) -> Problems:
    start = np.atleast_2d(start)
    weight = np.full((1, data.shape[-1]), 1.0 / sigma)
    return Problems(np.atleast_2d(data), weight, start, np.zeros((1, start.shape[1]), bool) if held is None else held)


@pytest.fixture(scope="module")
def line() -> tuple[np.ndarray, np.ndarray]:
    """Return a design of three columns, of quite different sizes, and noisy data."""
    stream = np.random.default_rng(4)
    design = np.column_stack([np.ones(ROWS), np.linspace(0, 10, ROWS), 1e-3 * stream.standard_normal(ROWS)])
    return design, design @ [1.0, -2.0, 500.0] + 0.1 * stream.standard_normal(ROWS)


def test_a_linear_problem_has_numpys_solution_and_covariance(line: tuple[np.ndarray, np.ndarray]) -> None:
    design, data = line
    known = box(3, spread=[1.0, 1.0, 100.0])
    solved = solve(linear(design), known, problems(data, np.zeros(3), 0.1))
    best, squares, _, _ = np.linalg.lstsq(design, data, rcond=None)
    # Ended by a relative gain of 1e-6 of the cost: in standard deviations sqrt(2e-6 cost).
    near = np.sqrt(2e-6 * float(squares[0]) / 0.01)
    inverse = np.linalg.inv(design.T @ design) * 0.01
    assert solved.converged.all()
    assert np.all(np.abs(solved.found[0] - best) <= near * np.sqrt(np.diag(inverse)))
    assert solved.cost[0] == pytest.approx(0.5 * float(squares[0]) / 0.01, rel=2e-6)
    np.testing.assert_allclose(
        covariance(information(solved.jacobian[0], known.prior), known.spread), inverse, rtol=1e-6
    )


def test_a_solution_behind_a_bound_is_at_the_bound_and_the_rest_is_best_there(
    line: tuple[np.ndarray, np.ndarray],
) -> None:
    design, data = line
    known = box(3, low=[-np.inf, -1.5, -np.inf], spread=[1.0, 1.0, 100.0])
    solved = solve(linear(design), known, problems(data, np.zeros(3)))
    assert solved.found[0, 1] == -1.5
    rest = np.linalg.lstsq(design[:, [0, 2]], data + 1.5 * design[:, 1], rcond=None)[0]
    np.testing.assert_allclose(solved.found[0, [0, 2]], rest, rtol=1e-3)


def test_a_start_outside_the_bounds_begins_at_them(line: tuple[np.ndarray, np.ndarray]) -> None:
    seen: list[np.ndarray] = []

    def model(at: np.ndarray) -> np.ndarray:
        seen.append(at.copy())
        return np.asarray(at @ line[0].T)

    solve(model, box(3, low=-3.0, high=3.0), problems(line[1], np.array([9.0, -9.0, 9.0])))
    tried = np.concatenate(seen)
    assert tried[0].tolist() == [3.0, -3.0, 3.0]
    assert np.abs(tried).max() <= 3.0, "no run leaves the bounds"


def test_an_iteration_is_one_call_of_the_model_and_what_is_known_is_not_asked_again() -> None:
    calls: list[int] = []

    def model(at: np.ndarray) -> np.ndarray:
        calls.append(len(at))
        return decay(at)

    data = decay(np.array([[2.0, 0.7]]))[0] + 0.01 * np.random.default_rng(8).standard_normal(40)
    solved = solve(model, box(2), problems(data, np.array([1.5, 0.9]), 0.01))
    assert solved.converged.all()
    # One call looks at the start and the two differences about it; then six trials and two differences each time.
    assert calls == [3, *[8] * (len(calls) - 1)]
    assert len(calls) <= solved.iterations + 2
    calls.clear()
    again = problems(data, solved.found, 0.02)
    after = solve(model, box(2), again, known=solved.known, iterations=0)
    assert calls == []
    anew = solve(model, box(2), again, iterations=0)
    np.testing.assert_array_equal(after.jacobian, anew.jacobian)
    np.testing.assert_array_equal(after.cost, anew.cost)


def test_outliers_move_a_robust_solution_little_and_a_plain_one_far() -> None:
    stream = np.random.default_rng(5)
    data = 3.0 + 0.1 * stream.standard_normal(200)
    data[:20] += 5.0
    model = linear(np.ones((200, 1)))
    plain, robust = (
        solve(model, box(1), problems(data, np.zeros(1), 0.1), robust=each).found[0, 0] for each in (False, True)
    )
    assert plain == pytest.approx(data.mean(), abs=1e-4)
    # Huber's estimate solves sum psi(r) = 0: 20 outliers pull with HUBER each against 180 rows, about 78 % inside it.
    assert robust == pytest.approx(3.0, abs=0.1 * (20 * HUBER / (180 * 0.78) + 3.0 / np.sqrt(180)))
    psi = np.clip((data - robust) / 0.1, -HUBER, HUBER)
    assert abs(psi.sum()) < 0.2


def test_many_problems_at_once_are_solved_as_each_alone_to_the_bit() -> None:
    stream = np.random.default_rng(6)
    truth = np.column_stack([stream.uniform(1, 3, 6), stream.uniform(0.3, 2, 6)])
    data = decay(truth) + 0.01 * stream.standard_normal((6, 40))
    start = truth * stream.uniform(0.6, 1.6, truth.shape)
    together = solve(decay, box(2, low=0.0, high=50.0), problems(data, start, 0.01))
    for k in range(6):
        alone = solve(decay, box(2, low=0.0, high=50.0), problems(data[k], start[k], 0.01))
        assert alone.found[0].tolist() == together.found[k].tolist()
        assert alone.cost[0] == together.cost[k]
        assert alone.jacobian[0].tolist() == together.jacobian[k].tolist()
    np.testing.assert_allclose(together.found, truth, rtol=0.05)


def test_a_start_that_fails_leaves_the_others_alone() -> None:
    def model(at: np.ndarray) -> np.ndarray:
        return np.where(at[:, :1] > 10.0, np.nan, decay(at))

    data = decay(np.array([[2.0, 0.7]]))[0]
    solved = solve(model, box(2), problems(data, np.array([[20.0, 1.0], [1.0, 1.0], [np.nan, 1.0]]), 0.01))
    assert np.isinf(solved.cost[[0, 2]]).all()
    assert not solved.converged[[0, 2]].any()
    np.testing.assert_allclose(solved.found[1], [2.0, 0.7], rtol=1e-4)
    assert np.isfinite(solved.jacobian).all()


def test_starts_that_all_fail_cost_infinitely_much() -> None:
    solved = solve(lambda at: np.full((len(at), 40), np.nan), box(2), problems(np.zeros(40), np.ones((3, 2))))
    assert np.isinf(solved.cost).all()
    assert not solved.converged.any()


def test_a_trial_that_fails_is_not_taken() -> None:
    def model(at: np.ndarray) -> np.ndarray:
        return np.where(at[:, 1:] > 0.71, np.nan, decay(at))

    solved = solve(model, box(2), problems(decay(np.array([[2.0, 0.7]]))[0], np.array([1.0, 0.1]), 0.01))
    np.testing.assert_allclose(solved.found[0], [2.0, 0.7], rtol=1e-4)


def test_a_prior_counts_as_one_more_reading() -> None:
    data = np.full(4, 2.0)
    solved = solve(linear(np.ones((4, 1))), box(1, centre=1.0, prior=0.5), problems(data, np.zeros(1)))
    # Four readings of weight 1 at 2, one of weight 4 at 1.
    assert solved.found[0, 0] == pytest.approx((4 * 2.0 + 4 * 1.0) / 8.0, rel=1e-4)


def test_what_is_held_stays_and_has_no_slope() -> None:
    data = decay(np.array([[2.0, 0.7]]))[0]
    solved = solve(decay, box(2), problems(data, np.array([1.0, 0.5]), held=np.array([[False, True]])))
    assert solved.found[0, 1] == 0.5
    assert not solved.jacobian[0, :, 1].any()
    shape = decay(np.array([[1.0, 0.5]]))[0]
    assert solved.found[0, 0] == pytest.approx(float(data @ shape / (shape @ shape)), rel=1e-4)


@pytest.mark.parametrize("part", ["data", "weight"])
def test_rows_without_reading_or_weight_count_for_nothing(line: tuple[np.ndarray, np.ndarray], part: str) -> None:
    design, data = line
    whole, nothing = problems(data, np.zeros(3)), {"data": np.nan, "weight": 0.0}[part]
    left = whole._replace(**{part: np.where(np.arange(ROWS) < 30, nothing, getattr(whole, part))})
    solved = solve(linear(design), box(3, spread=[1, 1, 100]), left)
    np.testing.assert_allclose(solved.found[0], np.linalg.lstsq(design[30:], data[30:], rcond=None)[0], rtol=1e-2)
    assert not solved.residual[0, :30].any()
    assert not solved.jacobian[0, :30].any()


def test_at_an_upper_bound_slopes_are_taken_inwards() -> None:
    seen: list[np.ndarray] = []

    def model(at: np.ndarray) -> np.ndarray:
        seen.append(at.copy())
        return decay(at)

    solved: Solved = solve(model, box(2, high=[2.0, 0.7]), problems(decay(np.array([[3.0, 0.7]]))[0], np.ones(2)))
    assert solved.found[0, 0] == 2.0
    assert np.concatenate(seen).max(axis=0)[0] <= 2.0
    slope = (decay(solved.found)[0] - decay(solved.found - [STEP, 0.0])[0]) / STEP
    np.testing.assert_allclose(solved.jacobian[0, :, 0], slope, atol=1e-12)


def test_nothing_to_differ_in_ends_at_once() -> None:
    solved = solve(decay, box(2), problems(np.zeros(40), np.ones(2), held=np.ones((1, 2), bool)))
    assert solved.found[0].tolist() == [1.0, 1.0]
    assert solved.converged.all()
    assert solved.iterations <= 2
