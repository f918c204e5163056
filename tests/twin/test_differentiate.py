"""Partial derivatives of every shipped equation against central differences."""

import math
from types import SimpleNamespace

import pytest

from tests.plants import EQUIPMENT
from tests.points import anywhere, evaluated
from twin import catalogue
from twin.catalogue import find
from twin.declare import Input, Output, State
from twin.differentiate import partials
from twin.formula import parse

STEP = 1e-6
# lanemath's functions, in plain Python: the partials' text then runs without a compiler
PLAIN = SimpleNamespace(
    exp=math.exp, expm1=math.expm1, log=math.log, tanh=math.tanh, sqrt=math.sqrt, pow=math.pow,
    sin=math.sin, cos=math.cos, max2=max, min2=min, fma=lambda a, b, c: a * b + c,
)  # fmt: skip


def run(found, arguments):
    """Return the partials as ``(returned, argument): value``."""
    values = iter(())
    if found.results:
        space = {"_m": PLAIN, **dict(zip(found.arguments, arguments, strict=True))}
        exec("\n".join(found.lines), space)
        values = iter([space[name] for name in found.results])
    return {(r, a): float(constant) if constant else next(values) for r, a, constant in found.entries}


def differences(formula, point, argument):
    """Return derivatives of a formula's results by one argument from both sides, by returned name."""
    width = STEP * max(abs(point[argument]), 1e-3)

    def at(shift):
        result = formula.function(*(point[a] + (shift if a == argument else 0.0) for a in formula.arguments))
        return result if isinstance(result, tuple) else (result,)

    low, here, high = at(-width), at(0.0), at(width)
    return {
        name: ((b - a) / width, (c - b) / width, max(abs(a), abs(b), abs(c)) / width)
        for name, a, b, c in zip(formula.returns, low, here, high, strict=True)
    }


@pytest.mark.parametrize("name", catalogue.names())
def test_partials_equal_differences_wherever_both_sides_agree(name):
    cls = catalogue.find(name)
    active = [*cls.roles[State], *cls.roles[Input], *cls.roles[Output]]
    checked = 0
    for point in list(anywhere(cls, seed=5))[:60]:
        known = evaluated(cls, point)
        for key, formula in {**cls.outputs, **cls.dynamics}.items():
            exact = run(partials(cls, key, formula, active), [known[a] for a in formula.arguments])
            # at exactly zero stand the kinks of |x| and of dead bands, which differences from both sides smooth over
            for argument in (a for a in formula.arguments if a in active and known[a] != 0.0):
                try:
                    sides = differences(formula, known, argument)
                except (ValueError, ZeroDivisionError, OverflowError):
                    continue  # the difference left the domain of the equation
                for returned, (left, right, scale) in sides.items():
                    noise = 1e-9 * scale + 1e-12
                    if abs(left - right) > 1e-3 * max(abs(left), abs(right)) + noise:
                        continue  # a kink: no derivative
                    assert exact.get((returned, argument), 0.0) == pytest.approx(
                        0.5 * (left + right), rel=2e-3, abs=noise
                    )
                    checked += 1
    assert checked > 100


def test_a_derivative_of_one_is_known_without_computing_it():
    cls = find("oscillator", EQUIPMENT)
    found = partials(cls, "motion", cls.dynamics["motion"], ["v", "push"])
    assert found.entries == (("d_x", "v", "1.0"), ("d_v", "push", "1.0"))
    assert found.results == ()


def test_the_derivative_of_a_power_of_itself_has_both_terms():
    def tower(x):
        y = math.pow(x, x)
        return y

    formula = parse(tower, "tower")
    exact = run(partials(find("oscillator", EQUIPMENT), "tower", formula, ["x"]), [1.7])
    assert exact["y", "x"] == pytest.approx(1.7**1.7 * (1.0 + math.log(1.7)), rel=1e-12)
