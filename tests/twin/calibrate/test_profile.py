"""Profile likelihoods: of a linear model a parabola, and what a fit's interval says."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from tests.twin.calibrate.bench import plant, record, study
from twin.calibrate.fitting import Fit, Ways, fit
from twin.calibrate.profile import POINTS, REACH, profile


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fit:
    return fit(study(plant(tmp_path_factory.mktemp("plant")), record(), first=0.4), Ways(starts=2, blocks=0))


def test_a_linear_parameters_profile_is_the_parabola_of_its_deviation(fitted: Fit) -> None:
    found = profile(fitted, "it.first")  # with a fixed lag, readings are linear in gain and beginning
    z = np.linspace(-REACH, REACH, POINTS)
    np.testing.assert_allclose(found.values, fitted.found[0] + z * fitted.estimates[0].deviation)
    # The deviation has the prior of the beginning weighed by the memory of its residuals, the profile has it as it is.
    np.testing.assert_allclose(found.loss, z**2, rtol=0.05, atol=0.01)
    assert found.loss.min() == found.loss[POINTS // 2] < 0.01


def test_the_profile_crosses_its_limit_where_the_interval_ends(tmp_path: Path) -> None:
    made = fit(study(plant(tmp_path), record()), Ways(starts=2, blocks=0))
    found = profile(made, "it.lag")
    right = found.values > made.found[1]
    end = np.interp(chi2.ppf(0.95, 1), found.loss[right], found.values[right])
    assert end == pytest.approx(made.estimates[1].high, abs=0.1 * made.estimates[1].deviation)


def test_a_profile_stays_inside_the_bounds(tmp_path: Path) -> None:
    made = fit(study(plant(tmp_path), record(40, noise=1.0), first=0.5), Ways(starts=2, blocks=0))
    low, high = made.study.box.low[0], made.study.box.high[0]
    values = profile(made, "it.first").values
    assert low <= values.min() <= values.max() <= high


def test_an_unknown_that_is_none_has_no_profile(fitted: Fit) -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        profile(fitted, "it.lag")
