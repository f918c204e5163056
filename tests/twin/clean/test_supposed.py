"""What a draft supposes: noise as it is in the readings, sections as they are written, sizes as a plant reads them."""

import numpy as np
import pytest

from twin.clean.supposed import noise, section_of, size

TEXT = """\
plant: p
assets:
  # two of them
  a: {is: tank}

  b: {is: tank}
# about the wires
wires: {}
estimate:
  unknown:
    a.area: 5 %
  known: [a.height,
    b.height]
  # about what follows
  assume: ["*"]
"""


@pytest.mark.parametrize("sigma", [1e-4, 0.3, 50.0])
def test_noise_is_found_on_a_slope_with_steps_and_spikes(sigma: float) -> None:
    random = np.random.default_rng(3)
    values = 100.0 + 1e-2 * sigma * np.arange(20_000.0) + random.normal(0.0, sigma, 20_000)
    values[7_000:] += 100.0 * sigma
    values[::500] += 1000.0 * sigma
    assert noise(values) == pytest.approx(sigma, rel=0.03)  # 2 % of the readings' differences are spikes


def test_a_display_that_mostly_stands_still_shows_its_resolution() -> None:
    values = np.repeat([20.0, 20.5, 20.0], 100)
    assert noise(values) == pytest.approx(0.5 / 12.0**0.5)  # variance of a uniform error of one digit


@pytest.mark.parametrize(("values", "found"), [([5.0] * 9, 5e-3), ([0.0] * 9, 1e-3), ([], 1e-3), ([np.nan, 2.0], 2e-3)])
def test_a_constant_is_not_taken_as_exact(values: list[float], found: float) -> None:
    assert noise(np.array(values)) == pytest.approx(found)


def test_a_section_is_cut_out_as_it_is_written_without_what_is_said_of_the_next() -> None:
    assert section_of(TEXT, "assets") == "assets:\n  # two of them\n  a: {is: tank}\n\n  b: {is: tank}\n"
    assert section_of(TEXT, "wires") == "wires: {}\n"
    estimate = section_of(TEXT, "estimate")
    assert section_of(estimate, "  unknown") == "  unknown:\n    a.area: 5 %\n"
    assert section_of(estimate, "  known") == "  known: [a.height,\n    b.height]\n"
    assert section_of(TEXT, "solver") == ""


def test_per_cent_are_a_share_where_a_plant_would_read_them_as_one_of_the_reading() -> None:
    assert (size(5.0, "%"), size(0.25, "bar"), size(2.0, "")) == ("0.05 1", "0.25 bar", "2 1")
