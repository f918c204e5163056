"""Formulas: equations read as straight-line data that computes what the Python function computes."""

import ast
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.points import executed
from twin.errors import DeclarationError
from twin.formula import Formula, names_in, needed, parse

HALF = 0.5


def doubled(x):
    twice = 2 * x
    return twice


def hypotenuse(a, b):
    c = math.sqrt(a**2 + doubled(b) ** 2)
    return c


def run(formula: Formula, *values: float) -> tuple[float, ...]:
    return tuple(executed(formula, dict(zip(formula.arguments, values, strict=True))).values())


def test_helpers_and_constants_are_written_in() -> None:
    def f(a, b):
        y = HALF * hypotenuse(a, b) + math.pi
        return y

    read = parse(f, "f")
    assert read.arguments == ("a", "b")
    assert read.returns == ("y",)
    assert names_in(read.lines[-1].expression).isdisjoint({"HALF", "math", "hypotenuse"})
    assert run(read, 3.0, 2.0) == (f(3.0, 2.0),)


def test_the_same_helper_twice_keeps_its_names_apart() -> None:
    def f(a, b):
        y = doubled(doubled(a)) + hypotenuse(hypotenuse(a, b), doubled(b))
        return y

    targets = [line.target for line in parse(f, "f").lines]
    assert len(targets) == len(set(targets))
    assert run(parse(f, "f"), 1.5, 2.5) == (f(1.5, 2.5),)


@given(st.floats(-10.0, 10.0), st.floats(-10.0, 10.0))
def test_the_lines_compute_what_the_function_computes(a: float, b: float) -> None:
    def f(a, b):
        low = min(a, b, 0.25)
        high = max(a, 1.0) if a > b else -(abs(b) ** 3)
        s = math.tanh(low) - math.exp(-math.fabs(high)) / 3 + math.log(1 + a**2) * math.cos(b) / (1 + b**4)
        return low, s, high

    assert run(parse(f, "f"), a, b) == pytest.approx(f(a, b), rel=1e-12, abs=1e-12)


def test_a_returned_argument_is_read_before_it_is_replaced() -> None:
    def swap(x, y):
        z = x
        x = y + 1
        y = z
        return x, y

    read = parse(swap, "swap")
    assert read.returns == ("x", "y")
    assert read.results != read.returns
    assert run(read, 1.0, 10.0) == swap(1.0, 10.0) == (11.0, 1.0)


def test_a_name_assigned_twice_becomes_two_lines() -> None:
    def f(a):
        b = a + 1
        b = b * b
        return b

    read = parse(f, "f")
    assert len({line.target for line in read.lines}) == len(read.lines)
    assert run(read, 2.0) == (9.0,)


def test_infinity_is_a_number_of_the_language() -> None:
    def f(due):
        never = -math.inf if due == math.inf else due
        return never

    assert run(parse(f, "f"), math.inf) == (-math.inf,)


def test_only_the_lines_that_are_needed_are_kept() -> None:
    def f(a):
        b = a + 1
        c = a + 2
        d = b * 2
        return c, d

    assert [line.target for line in needed(parse(f, "f").lines, ["d"])] == ["b", "d"]


def test_renaming_reaches_every_variable_and_no_function() -> None:
    def f(a):
        b = max(a, 1.0) if a > 0 else math.exp(a)
        return b

    (line,) = parse(f, "f").renamed(lambda n: f"pump_{n}")
    assert line.target == "pump_b"
    assert ast.unparse(line.expression) == "max(pump_a, 1.0) if pump_a > 0.0 else exp(pump_a)"


def with_if(a):
    if a > 0:
        a = 0.0
    return a


def with_loop(a):
    for _ in range(3):
        a = a + 1
    return a


def with_and(a, b):
    c = 1.0 if a > 0 and b > 0 else 0.0
    return c


def with_chain(a):
    c = 1.0 if 0 < a < 1 else 0.0
    return c


def with_expression(a):
    return a + 1


def with_argument_power(a, b):
    c = a**b
    return c


def with_print(a):
    b = print(a)  # noqa: T201 - that is the mistake
    return b


def with_too_few(a):
    b = hypotenuse(a)
    return b


def with_unknown(a):
    b = a + missing  # noqa: F821 - that is the mistake
    return b


def with_text(a):
    b = "fast"
    return b


def with_two_targets(a):
    b = c = a
    return b, c


def with_nothing(a):
    b = a  # noqa: F841 - that is the mistake


NOT_ALLOWED = "an equation can't hold this; use arithmetic, `a if b else c` and math functions"
ONLY_ASSIGNMENTS = "only `name = expression` may stand before the return; write a choice as `a if b else c`"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (with_if, "pump.f: `if a > 0:\n    a = 0.0`: " + ONLY_ASSIGNMENTS),
        (with_loop, "pump.f: `for _ in range(3):\n    a = a + 1`: " + ONLY_ASSIGNMENTS),
        (with_two_targets, "pump.f: `b = c = a`: " + ONLY_ASSIGNMENTS),
        (with_and, "pump.f: `1.0 if a > 0 and b > 0 else 0.0`: " + NOT_ALLOWED),
        (with_chain, "pump.f: `1.0 if 0 < a < 1 else 0.0`: " + NOT_ALLOWED),
        (with_text, "pump.f: `'fast'`: " + NOT_ALLOWED),
        (with_expression, "pump.f: `a + 1`: return names only; assign it to a name first"),
        (with_argument_power, "pump.f: `a ** b`: `**` takes 2, 3 or 4; write another power as math.pow(a, b)"),
        (with_too_few, "pump.f: `hypotenuse(a)`: hypotenuse takes a, b; give each its value, by position"),
        (
            with_unknown,
            "pump.f: `missing`: 'missing' is neither an argument, nor assigned above, nor a constant of the file",
        ),
        (with_nothing, "pump.f: `b = a`: the last statement must return"),
    ],
)
def test_what_equations_may_not_hold_is_refused_in_these_words(function: Callable[..., Any], message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        parse(function, "pump.f")
    assert str(refused.value) == message


def test_an_unknown_call_is_refused_with_what_there_is() -> None:
    with pytest.raises(
        DeclarationError, match=r"can't call this; there are exp, expm1, log, .* of this form, defined above the class$"
    ):
        parse(with_print, "pump.f")


def test_a_function_with_more_arguments_than_kernels_take_is_refused() -> None:
    def logarithm(x):
        y = math.log(x, 2.0)
        return y

    with pytest.raises(DeclarationError, match=r"`math\.log\(x, 2\.0\)`: log takes 1 here, not 2"):
        parse(logarithm, "it")
