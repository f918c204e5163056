"""Our elementary functions against the C library's, in units of the last place."""

import math

import numpy as np
import pytest
from numba import njit

from twin import lanemath

RANGES = {
    "exp": (-700.0, 700.0, 1.0),
    "expm1": (-5.0, 5.0, 3.0),
    "tanh": (-5.0, 5.0, 4.0),
    "log": (1e-300, 1e300, 2.0),
    "sin": (-1e5, 1e5, 2.0),
    "cos": (-1e5, 1e5, 2.0),
}


def applied(function, values):
    @njit(error_model="numpy")
    def each(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    out = np.empty_like(values)
    each(values, out)
    return out


def in_last_places(values, exact):
    return np.max(np.abs((values - exact) / np.spacing(np.abs(exact).astype(values.dtype))))


@pytest.mark.parametrize("name", RANGES)
def test_a_function_is_as_exact_as_its_docstring_says(name):
    low, high, limit = RANGES[name]
    x = np.random.default_rng(1).uniform(low, high, 20_000) if name != "log" else np.logspace(-300, 300, 20_000)
    assert in_last_places(applied(getattr(lanemath, name), x), getattr(np, name)(x.astype(np.longdouble))) <= limit


@pytest.mark.parametrize("name", RANGES)
def test_a_float32_function_is_within_three_last_places(name):
    _, high, _ = RANGES[name]
    bound = {"exp": 85.0, "log": 1e30, "sin": 100.0, "cos": 100.0}.get(name, high)
    x = np.random.default_rng(1).uniform(-bound if name != "log" else 1e-30, bound, 20_000).astype(np.float32)
    assert in_last_places(applied(getattr(lanemath, f"{name}32"), x), getattr(np, name)(x.astype(np.longdouble))) <= 3.0


@pytest.mark.parametrize("name", ["exp", "expm1", "tanh", "log", "sin", "cos"])
def test_not_a_number_stays_not_a_number(name):
    assert np.isnan(applied(getattr(lanemath, name), np.array([math.nan]))[0])


def test_the_ends_of_the_exponential_are_zero_and_infinity():
    assert applied(lanemath.exp, np.array([-1e4, 1e4, -math.inf, math.inf])).tolist() == [0.0, math.inf, 0.0, math.inf]


def test_a_power_loses_no_more_than_its_exponent_times_the_logarithm_does():
    @njit(error_model="numpy")
    def each(a, b, out):
        for i in range(a.size):
            out[i] = lanemath.pow(a[i], b[i])

    a, b = np.random.default_rng(1).uniform([[1e-3], [-3.0]], [[1e3], [3.0]], (2, 20_000))
    out = np.empty_like(a)
    each(a, b, out)
    exact = a.astype(np.longdouble) ** b
    assert np.all(np.abs((out - exact) / np.spacing(exact.astype(float))) <= 2.0 + 1.5 * np.abs(b * np.log(a)))
