"""Units: coherent SI inside, everything else converted or refused at the edges."""

import math

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.units import _COMMON, _pint, check_convertible, difference_to_si, dimensions, from_si, scale, spell, to_si


@pytest.mark.parametrize(
    ("text", "exponents"),
    [
        ("1", (0, 0, 0, 0, 0)),
        ("rad/s", (0, 0, -1, 0, 0)),
        ("W/(m2.K)", (0, 1, -3, -1, 0)),
        ("N.m.s", (2, 1, -1, 0, 0)),
        ("1/K", (0, 0, 0, -1, 0)),
        ("kg.m-3", (-3, 1, 0, 0, 0)),
        ("ohm", (2, 1, -3, 0, -2)),
    ],
)
def test_a_coherent_unit_has_these_dimensions(text: str, exponents: tuple[int, ...]) -> None:
    assert dimensions(text) == exponents


@pytest.mark.parametrize(("one", "other"), [("Wb", "V.s"), ("H", "ohm.s"), ("C", "F.V"), ("J", "N.m"), ("T", "Wb/m2")])
def test_two_spellings_of_one_unit_agree(one: str, other: str) -> None:
    assert dimensions(one) == dimensions(other)


@pytest.mark.parametrize("text", ["W/K/m", "2m", "m^2", "bar", "m2K", "degC", "", "W/", "/s", "W/(m2.K", "m2)"])
def test_what_is_no_product_of_coherent_units_is_refused(text: str) -> None:
    with pytest.raises(TwinError):
        dimensions(text)


def test_an_unknown_unit_is_answered_with_its_neighbours() -> None:
    with pytest.raises(TwinError) as refused:
        dimensions("Paa/s")
    assert str(refused.value) == "no coherent SI unit 'Paa'; did you mean 'Pa'? (in 'Paa/s')"


def test_a_quotient_that_can_be_read_two_ways_is_refused() -> None:
    with pytest.raises(TwinError) as refused:
        dimensions("W/m2.K")
    assert str(refused.value) == "'W/m2.K' can be read two ways; put what divides in brackets: 'W/(m2.K)'"


def test_dimensions_are_spelled_as_a_product() -> None:
    assert spell(dimensions("W/(m2.K)")) == "kg.s-3.K-1"
    assert spell(dimensions("rad")) == "1"


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("20 degC", "K", 293.15),
        ("34 m", "m", 34.0),
        ("7 bar", "Pa", 7e5),
        ("1450 rpm", "rad/s", 1450 * math.pi / 30),
        ("3 m3/h", "m3/s", 3 / 3600),
        ("2 kW/(m2.K)", "W/(m2.K)", 2000.0),
        ("5", "W", 5.0),
        (5, "W", 5.0),
        ("1e-3 1", "1", 1e-3),
        ("50 %", "1", 0.5),
        ("10 min", "s", 600.0),
    ],
)
def test_a_value_with_a_unit_becomes_this_number(text: str | float, declared: str, value: float) -> None:
    assert to_si(text, declared) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "declared", "message"),
    [
        ("fast", "rad/s", "'fast' is not a number with a unit; write it like '1.5 rad/s'"),
        ("3 furlogs", "m", "unknown unit 'furlogs' in '3 furlogs'; the value is in m"),
        ("3 kg", "m", "'3 kg' is not a value in m; kg measures something else"),
        ("nan m", "m", "'nan m' is not a finite number"),
        ("inf", "s", "'inf' is not a finite number"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_these_words(text: str, declared: str, message: str) -> None:
    with pytest.raises(TwinError) as refused:
        to_si(text, declared)
    assert str(refused.value) == message


@given(st.floats(-200.0, 2000.0))
def test_a_temperature_survives_the_way_out_and_back(celsius: float) -> None:
    assert from_si(to_si(f"{celsius!r} degC", "K"), "K", "degC") == pytest.approx(celsius, abs=1e-9)


def test_a_unit_that_measures_something_else_is_not_convertible() -> None:
    check_convertible("degC", "K")
    with pytest.raises(TwinError, match="kg measures something else"):
        check_convertible("kg", "K")


@pytest.mark.parametrize(("text", "kelvin"), [("0.2 degC", 0.2), ("0.9 degF", 0.5), ("0.3 K", 0.3), ("0.3", 0.3)])
def test_a_difference_of_temperatures_has_no_offset(text: str, kelvin: float) -> None:
    assert difference_to_si(text, "K") == pytest.approx(kelvin, rel=1e-12)


@pytest.mark.parametrize("unit", ["m**9**9**9", "m^9^9", "m" * 60, "m;import os", "__import__"])
def test_a_unit_that_is_no_unit_is_refused_at_once(unit: str) -> None:
    with pytest.raises(TwinError, match="unknown unit"):
        to_si(f"1 {unit}", "m")


@pytest.mark.parametrize("text", ["1_0 m", "１ m", "0x10 m", "1e99999 m", "one m"])  # noqa: RUF001
def test_a_number_that_python_would_read_but_people_would_not_is_refused(text: str) -> None:
    with pytest.raises(TwinError, match=r"is not a number with a unit|is not a finite number"):
        to_si(text, "m")


@pytest.mark.parametrize("unit", _COMMON)
def test_a_common_unit_is_what_pint_says_it_is(unit: str) -> None:
    base, factor, offset = _COMMON[unit]
    registry = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for value in (-3.5, 0.0, 20.0):
        exact = registry.Quantity(value, _pint(unit)).to(_pint(base)).magnitude
        assert to_si(f"{value} {unit}", base) == pytest.approx(exact, rel=1e-14, abs=1e-14)
        assert from_si(value * factor + offset, base, unit) == pytest.approx(value, rel=1e-12, abs=1e-10)


@pytest.mark.parametrize("text", ["1 min", "2 bar", "3 degC", "4 l/min"])
def test_a_common_unit_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(TwinError, match="is not a value in kg; "):
        to_si(text, "kg")


@pytest.mark.parametrize(
    ("written", "declared", "factor", "offset"),
    [
        ("Pa", "Pa", 1.0, 0.0),
        ("degC", "K", 1.0, 273.15),
        ("bar", "Pa", 1e5, 0.0),
        ("degF", "K", 5.0 / 9.0, 459.67 * 5.0 / 9.0),
        ("kgf/cm2", "Pa", 98066.5, 0.0),
        ("percent", "1", 0.01, 0.0),
        ("rpm", "rad/s", math.pi / 30.0, 0.0),
        ("kHz", "Hz", 1e3, 0.0),
    ],
)
def test_a_unit_is_a_factor_and_an_offset(written: str, declared: str, factor: float, offset: float) -> None:
    assert scale(written, declared) == pytest.approx((factor, offset), rel=1e-14)


@pytest.mark.parametrize(
    ("written", "declared", "said"),
    [
        ("K", "Pa", "'K' is not a value in Pa; K measures something else"),
        ("nonsense", "Pa", "unknown unit 'nonsense'"),
        ("Hz", "rad/s", "are 2 pi apart, one counting cycles"),
        ("rpm", "Hz", "are 2 pi apart, one counting cycles"),
        ("dBm", "W", "'dBm' has no steps of one size; convert the readings to W before"),
    ],
)
def test_a_unit_that_is_no_factor_and_offset_is_refused(written: str, declared: str, said: str) -> None:
    with pytest.raises(TwinError, match=said):
        scale(written, declared)
