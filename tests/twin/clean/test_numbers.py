"""Cells of text into numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.clean.numbers import EMPTY, MISSING, READ, UNREADABLE, Style, numbers


@pytest.mark.parametrize(
    ("style", "cell", "value", "state"),
    [
        (Style(), "1.5", 1.5, READ),
        (Style(), " -.5e3 ", -500.0, READ),
        (Style(), "inf", math.inf, READ),
        (Style(), "", math.nan, EMPTY),
        (Style(), "  ", math.nan, EMPTY),
        (Style(), "NaN", math.nan, MISSING),
        (Style(), "null", math.nan, MISSING),
        (Style(), "결측", math.nan, MISSING),
        (Style(), "1,5", math.nan, UNREADABLE),
        (Style(), "1_000", math.nan, UNREADABLE),
        (Style(), "\uff11\uff12", math.nan, UNREADABLE),
        (Style(), "0x10", math.nan, UNREADABLE),
        (Style(), "12 bar", math.nan, UNREADABLE),
        (Style(","), "1,5", 1.5, READ),
        (Style(","), "1.5", math.nan, UNREADABLE),
        (Style(",", "."), "1.234.567,5", 1234567.5, READ),
        (Style(",", "."), "1.23,5", math.nan, UNREADABLE),
        (Style(".", ","), "1,234.5", 1234.5, READ),
        (Style(".", ","), "1,23.5", math.nan, UNREADABLE),
        (Style(",", " "), "1\u202f234,5", 1234.5, READ),
        (Style(".", "'"), "1\u2019234.5", 1234.5, READ),
        (Style(missing=("xx",)), "XX", math.nan, MISSING),
        (Style(missing=("xx",)), "NaN", math.nan, UNREADABLE),
    ],
)
def test_a_cell_is_read_or_named(style: Style, cell: str, value: float, state: int) -> None:
    found = numbers([cell, "7"], style)
    np.testing.assert_array_equal(found.value, [value, 7.0])
    assert found.state.tolist() == [state, READ]


def test_modes_written_out_become_their_numbers() -> None:
    found = numbers(["운전", "정지", "3", "?"], Style(), {"운전": 1.0, "정지": 0.0})
    np.testing.assert_array_equal(found.value, [1.0, 0.0, 3.0, np.nan])
    assert found.state.tolist() == [READ, READ, READ, MISSING]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30), st.sampled_from([".", ","]))
def test_plain_numbers_are_read_quickly_and_slowly_alike(values: list[float], decimal: str) -> None:
    cells = [repr(value).replace(".", decimal) for value in values]
    quick, slow = numbers(cells, Style(decimal)), numbers(cells, Style(decimal), {"no such word": 0.0})
    np.testing.assert_array_equal(quick.value, values)
    np.testing.assert_array_equal(slow.value, values)
