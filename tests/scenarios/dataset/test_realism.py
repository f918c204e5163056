"""Distances between a data set and a recording are what their definitions say, and 0 for the same."""

import numpy as np
import pytest

from scenarios.dataset import realism
from scenarios.dataset.manifest import Column
from scenarios.dataset.recorded import Compared, Series
from scenarios.dataset.two_samples import correlations, told


def noise(seed: int, count: int, shift: float = 0.0, memory: float = 0.0, rows: int = 400) -> list[Series]:
    """Return runs of two channels: autoregressive noise of unit variance, the second half the first's."""
    generator = np.random.default_rng(seed)
    found = []
    for k in range(count):
        kicks = generator.normal(size=(rows, 2)) * np.sqrt(1.0 - memory**2)
        values = np.zeros((rows, 2))
        for row in range(rows):
            values[row] = memory * values[row - 1] + kicks[row]
        values[:, 1] = 0.6 * values[:, 0] + 0.8 * values[:, 1]
        found.append(Series(f"run {k}", values + shift))
    return found


def compared(real: list[Series], made: list[Series]) -> Compared:
    columns = tuple(Column(name, "m", f"a.{name}", "") for name in ("x", "y"))
    return Compared(columns, 1.0, tuple(real), tuple(made), ())


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the classifier, which takes its time."""
    monkeypatch.setattr(realism, "told", lambda *_: None)


@pytest.mark.usefixtures("untold")
def test_a_recording_beside_itself_is_at_no_distance() -> None:
    same = noise(1, 12)
    found = realism.measured(compared(same, same), 1)
    for view in (found.raw, found.normalised):
        assert np.allclose(np.array(view.distances), 0.0)
        assert view.correlation == 0.0


@pytest.mark.usefixtures("untold")
def test_a_shift_is_seen_as_it_is_and_gone_once_normalised() -> None:
    found = realism.measured(compared(noise(1, 12), noise(2, 12, shift=3.0)), 1)
    # of two equal distributions that are shifted, Wasserstein's distance is the shift; here in unit deviations
    assert found.raw.distances[0].wasserstein == pytest.approx(3.0, rel=0.05)
    # ... and Kolmogorov and Smirnov's is 2 Phi(3 / 2) - 1
    assert found.raw.distances[0].ks == pytest.approx(0.8664, abs=0.03)
    assert found.normalised.distances[0].wasserstein < 0.1
    assert found.normalised.distances[0].ks < 0.05


@pytest.mark.usefixtures("untold")
def test_memory_is_measured_as_the_theory_of_autoregressions_has_it() -> None:
    found = realism.measured(compared(noise(1, 30), noise(2, 30, memory=0.9)), 1)
    made = found.normalised.made[0].autocorrelation
    assert made[:8] == pytest.approx(0.9 ** np.arange(8), abs=0.06)
    assert found.normalised.distances[0].autocorrelation > 0.15
    # the one-sided density of white noise of unit variance at 1 Hz is 2 /Hz, 3 dB; of the first the mean is taken
    assert found.raw.real[0].spectrum[1:] == pytest.approx(10.0 * np.log10(2.0), abs=1.0)


def test_correlations_leave_out_what_is_missing_and_say_where_there_are_none() -> None:
    values = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [3.0, 6.0, 5.0], [4.0, np.nan, 5.0], [5.0, -50.0, np.nan]])
    found = correlations(values[:4])
    assert found[0, 1] == pytest.approx(1.0)
    assert np.isnan(found[0, 2])


def test_windows_that_lack_much_are_left_out_and_little_is_bridged() -> None:
    values = np.arange(40.0)
    values[[3, 21, 22, 23, 24]] = np.nan
    found = realism.windows(values, 10, 10)
    assert found[:, 0].tolist() == [0.0, 10.0, 30.0]
    assert found[0].tolist() == list(range(10))


def test_normalising_takes_out_median_and_deviation_of_each_run() -> None:
    values = np.append(np.arange(101.0), np.nan)
    found = realism.normalised(Series("run 0", values[:, None])).values[:, 0]
    assert np.nanmedian(found) == 0.0
    assert found[0] == pytest.approx(-50.0 / (1.4826 * 25.0))


def test_normalising_coarse_steps_takes_their_span_where_most_values_are_alike() -> None:
    values = np.repeat([32.0, 33.0], [80, 20])
    found = realism.normalised(Series("run 0", values[:, None])).values[:, 0]
    assert np.ptp(found) == pytest.approx(3.29, abs=1e-3)


def test_a_classifier_guesses_where_there_is_nothing_to_tell_and_is_sure_where_there_is() -> None:
    pytest.importorskip("sklearn")
    same = told(noise(1, 10), noise(2, 10), 32, 1)
    other = told(noise(1, 10), noise(2, 10, memory=0.9), 32, 1)
    assert same is not None
    assert same.low < 0.5
    assert same.auc < 0.61  # three standard errors of 240 windows above a guess
    assert other is not None
    assert other.auc > 0.95


def test_one_long_file_is_cut_into_parts_and_too_little_is_not_tried() -> None:
    pytest.importorskip("sklearn")
    long = noise(1, 1, rows=2000)
    found = told(long, noise(2, 10), 32, 1)
    assert found is not None
    assert found.parts == 5 + 10
    assert told(noise(1, 1, rows=100), noise(2, 10), 32, 1) is None
