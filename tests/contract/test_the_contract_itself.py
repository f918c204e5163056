"""The contract's own tools: a slip that they are there to find is found."""

import math

import pytest

from tests.probe import NONE, Probe, UnitMismatchError, lifted
from twin.declare import Constant, Source
from twin.units import dimensions

GRAVITY = Constant("m/s2", "standard gravity", 9.80665, Source("guess", "after the standard value"))
METRE, SECOND = dimensions("m"), dimensions("s")


def fall(height):
    return math.sqrt(2 * height / GRAVITY)


def total(heights, h):
    time = fall(max(h, 0.0)) + fall(heights)
    return time


def test_units_pass_through_helpers_constants_and_roots() -> None:
    time = lifted(total)(Probe(1.0, METRE), Probe(2.0, METRE))
    assert time.dims == SECOND
    assert time.value == pytest.approx(total(1.0, 2.0))


def test_a_zero_has_the_units_of_its_neighbour() -> None:
    assert lifted(total)(Probe(1.0, METRE), Probe(-2.0, METRE)).dims == SECOND
    assert Probe(1.0, METRE) < math.inf


@pytest.mark.parametrize(
    "slip",
    [
        lambda x, t: x + t,
        lambda x, t: x - 1.0,
        lambda x, t: 1.0 + x,
        lambda x, t: max(x, 1e-9),
        lambda x, t: x if x > t else t,
        lambda x, t: math.exp(x),
        lambda x, t: math.pow(x, t / t),
        lambda x, t: math.pow(2.0, x),
        lambda x, t: x + GRAVITY * t,
    ],
)
def test_a_slip_in_the_units_is_found(slip) -> None:
    with pytest.raises(UnitMismatchError):
        lifted(slip)(Probe(2.0, METRE), Probe(3.0, SECOND))


def test_powers_and_quotients_count_dimensions() -> None:
    x = Probe(2.0, METRE)
    assert (x**3 / x).dims == dimensions("m2")
    assert (math.pi * x / x).dims == NONE
    assert (1 / x).dims == dimensions("1/m")
