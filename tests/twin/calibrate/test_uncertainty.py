"""How far estimates may be off, against closed forms; what the data can't tell is named."""

from pathlib import Path

import numpy as np
import pytest

from tests.twin.calibrate.bench import plant, pushes, record, study
from twin.calibrate.levenberg import solve
from twin.calibrate.uncertainty import correlation_time, correlations, covariance, information, unidentified

ROWS = 60_000


def autoregressive(a: float, rows: int = ROWS, seed: int = 3) -> np.ndarray:
    """Return x[k] = a x[k-1] + noise, stationary."""
    noise = np.random.default_rng(seed).standard_normal(rows)
    found = np.empty(rows)
    found[0] = noise[0] / np.sqrt(1.0 - a * a)
    for k in range(1, rows):
        found[k] = a * found[k - 1] + noise[k]
    return found


@pytest.mark.parametrize("a", [0.0, 0.5, 0.9, 0.97])
def test_correlation_time_of_a_first_order_process_is_its_closed_form(a: float) -> None:
    expected = (1.0 + a) / (1.0 - a)
    # Sokal 1997, eq. 3.19: var(tau) is 2 (2 M + 1) / n tau^2 in these units, with a window M of WINDOW = 6 tau.
    error = expected * np.sqrt(2.0 * (12.0 * expected + 1.0) / ROWS)
    # What the window cuts off is below exp(-12): for AR(1) the tail at 6 tau is a^(6 (1 + a) / (1 - a)).
    assert correlation_time(autoregressive(a)) == pytest.approx(expected, abs=4.0 * error)


def test_missing_readings_hardly_change_a_correlation_time() -> None:
    whole = autoregressive(0.9)
    whole[1000:1400] = np.nan
    assert correlation_time(whole) == pytest.approx(19.0, rel=0.25)


def test_rows_that_alternate_or_never_move_count_as_one_each() -> None:
    assert correlation_time(np.tile([1.0, -1.0], 500)) == 1.0
    assert correlation_time(np.full(100, 3.0)) == 1.0


def test_a_drift_leaves_no_more_than_two_independent_rows() -> None:
    assert correlation_time(np.linspace(-1.0, 1.0, 400)) <= 200.0


def test_covariance_is_the_inverse_of_the_information_whatever_the_units() -> None:
    jacobian = np.random.default_rng(2).standard_normal((50, 3)) * [1.0, 1e-6, 1e6]
    info = information(jacobian, np.array([np.inf, 1e5, np.inf]))
    units = np.diag([1.0, 1e6, 1e-6])
    expected = units @ np.linalg.inv(units @ info @ units) @ units
    found = covariance(info, np.array([1.0, 1e6, 1e-6]))
    np.testing.assert_allclose(found, expected, rtol=1e-8)
    np.testing.assert_allclose(np.diag(correlations(found)), 1.0)


def seen(folder: Path, **spreads: float) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], int]:
    """Return what 200 rows say of these parameters, at noise of 2 cm."""
    made = study(plant(folder), record(200), **spreads)
    look = solve(made, made.box, made.problems(made.start()[None], made.weight(np.array([0.02]))), iterations=0)
    return information(look.jacobian[0], made.told), made.box.spread, made.names, made.shared


def test_of_two_factors_of_a_product_one_is_held_and_its_partner_named(tmp_path: Path) -> None:
    held = unidentified(*seen(tmp_path, first=0.4, second=0.3, lag=2.0))
    assert len(held) == 1
    assert {held[0].name, held[0].partner} == {"it.first", "it.second"}
    assert "acts only together with" in held[0].why


def test_what_is_told_less_well_than_it_was_known_is_held_and_said_so() -> None:
    # Alone each is known to 0.8 spreads; beside each other, correlated by 0.7, to 0.8 / sqrt(1 - 0.49) = 1.12.
    held = unidentified(np.array([[1.0, 0.7], [0.7, 1.0]]) / 0.64, np.ones(2), ("a.gain", "a.lag"), 2)
    assert len(held) == 1
    assert {held[0].name, held[0].partner} == {"a.gain", "a.lag"}
    says = "beside the others the data tell it to 1.12 of its spread, less than was known; most like a."
    assert held[0].why.startswith(says)
    assert held[0].why.endswith("(correlation 0.70)")


def test_the_gain_of_an_input_that_rests_at_zero_is_held_by_name(tmp_path: Path) -> None:
    held = unidentified(*seen(tmp_path, first=0.4, side=0.5, lag=2.0))
    assert [each.name for each in held] == ["it.side"]
    assert "the data don't excite it" in held[0].why
    assert not held[0].partner


def test_nothing_is_held_where_the_data_tell_all(tmp_path: Path) -> None:
    assert pushes(200, 1).std() > 0.3
    assert unidentified(*seen(tmp_path, first=0.4, lag=2.0)) == []
