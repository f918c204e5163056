"""Declarations: what could not be simulated is refused while the file is imported, in these words."""

import math
from collections.abc import Callable

import pytest

from twin.declare import (
    Asset,
    Constant,
    Due,
    Fault,
    Input,
    Memory,
    Output,
    Param,
    Source,
    State,
    at,
    balance,
    guard,
    on,
    physics,
)
from twin.errors import DeclarationError

GUESS = Source("guess", "after nothing in particular")


class Kettle(Asset):
    """Water heated until it trips; the smallest asset with a word of every kind."""

    capacity = Param("J/K", "heat capacity", 4180.0, (1.0, 1e6), GUESS)
    resistance = Param("K/W", "to ambient", 2.0, (0.1, 10.0), GUESS)
    pause = Param("s", "wait after a trip", 60.0, (0.0, 1e4), GUESS)
    T = State("K", "water temperature", 293.15, (273.15, 400.0), nominal=1.0)
    power = Input("W", "heater power", 2000.0, (0.0, 4000.0))
    loss = Output("W", "heat to ambient")
    scale = Fault("1", "share of the power lost to scale", respond="Descale the element.", within=60.0)
    on_ = Memory("1", "1 heats", 1.0, (0.0, 1.0))
    again = Due("end of the wait")

    @physics
    def outward(T, resistance):
        loss = (T - 293.15) / resistance
        return loss

    @physics
    def warming(power, on_, scale, loss, capacity):
        d_T = (power * on_ * (1 - scale) - loss) / capacity
        return d_T

    @guard
    def boiling(T):
        over = T - 373.15
        return over

    @on("boiling")
    def trip(t, pause):
        on_ = 0.0
        again = t + pause
        return on_, again

    @at("again")
    def resume():
        on_ = 1.0
        again = math.inf
        return on_, again

    @balance
    def energy(d_T, capacity, power, on_, scale, loss):
        stored = capacity * d_T
        supplied = power * on_ * (1 - scale) - loss
        return stored, supplied


def test_every_word_of_the_body_is_filed_under_its_role() -> None:
    assert {role.__name__: tuple(names) for role, names in Kettle.roles.items()} == {
        "Param": ("capacity", "resistance", "pause"),
        "Fault": ("scale",),
        "State": ("T",),
        "Input": ("power",),
        "Output": ("loss",),
        "Memory": ("on_",),
        "Due": ("again",),
    }
    assert (list(Kettle.outputs), list(Kettle.dynamics)) == (["outward"], ["warming"])
    assert (list(Kettle.guards), list(Kettle.balances)) == (["boiling"], ["energy"])
    assert {n: (kind, trigger) for n, (kind, trigger, _) in Kettle.transitions.items()} == {
        "trip": ("on", "boiling"),
        "resume": ("at", "again"),
    }


def test_an_equation_stays_a_plain_function_of_floats() -> None:
    assert Kettle.outward(313.15, 2.0) == 10.0
    assert Kettle.boiling(T=383.15) == 10.0


def test_quantities_come_parameters_first() -> None:
    assert list(Kettle.quantities())[:4] == ["capacity", "resistance", "pause", "scale"]


def test_a_constant_is_a_float_that_knows_its_unit() -> None:
    g = Constant("m/s2", "standard gravity", 9.80665, GUESS)
    assert g * 2 == 19.6133
    assert (g.unit, g.source) == ("m/s2", GUESS)


def test_a_state_without_nominal_is_scaled_by_its_value() -> None:
    assert State("K", "x", -300.0).nominal == 300.0
    assert State("m", "x").nominal == 1.0


def unknown_argument() -> None:
    class Pump(Asset):
        head_0 = Param("m", "head", 32.0, (1.0, 500.0), GUESS)
        head = Output("m", "head")

        @physics
        def lift(head_O):
            head = head_O
            return head


def missing_derivative() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")
        T_b = State("K", "bearing temperature")

        @physics
        def turning(w):
            d_w = -w
            return d_w


def missing_output() -> None:
    class Pump(Asset):
        head = Output("m", "head")


def undeclared_return() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")

        @physics
        def turning(w):
            d_w = -w
            d_v = w
            return d_w, d_v


def returned_twice() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")
        p = Output("W", "power")

        @physics
        def one(w):
            p = w
            return p

        @physics
        def two(w):
            p = w
            return p

        @physics
        def turning(w):
            d_w = -w
            return d_w


def outside_bounds() -> None:
    class Pump(Asset):
        eta = Param("1", "efficiency", 1.62, (0.05, 0.95), GUESS)


def not_a_number() -> None:
    class Pump(Asset):
        eta = Input("1", "efficiency", math.nan)


def unparsable_unit() -> None:
    class Pump(Asset):
        p = Input("Bar", "pressure")


def no_source() -> None:
    class Pump(Asset):
        eta = Param("1", "efficiency", 0.62, (0.05, 0.95))


def no_key() -> None:
    class Pump(Asset):
        eta = Param("1", "efficiency", 0.62, (0.05, 0.95), Source("paper", "a good book"))


def named_t() -> None:
    class Pump(Asset):
        t = Input("K", "temperature")


def named_like_a_derivative() -> None:
    class Pump(Asset):
        d_w = Input("rad/s2", "acceleration")


def named_with_two_underscores() -> None:
    class Pump(Asset):
        head__0 = Input("m", "head")


def named_as_private() -> None:
    class Pump(Asset):
        _head = Input("m", "head")


def guard_of_two() -> None:
    class Pump(Asset):
        p = Input("Pa", "pressure")

        @guard
        def too_high(p):
            a = p
            b = p
            return a, b


def balance_of_one() -> None:
    class Pump(Asset):
        p = Input("Pa", "pressure")

        @balance
        def mass(p):
            stored = p
            return stored


def unknown_guard() -> None:
    class Pump(Asset):
        p = Input("Pa", "pressure")

        @guard
        def too_high(p):
            over = p
            return over

        @on("too_hihg")
        def trip():
            p = 0.0
            return p


def unknown_due() -> None:
    class Pump(Asset):
        restart = Due("end of the wait")

        @at("restrat")
        def start():
            restart = math.inf
            return restart


def transition_that_sets_a_parameter() -> None:
    class Pump(Asset):
        eta = Param("1", "efficiency", 0.62, (0.05, 0.95), GUESS)
        stopped = Memory("1", "1 stopped")

        @guard
        def low(eta):
            margin = eta
            return margin

        @on("low")
        def trip(eta):
            eta = 0.5 * eta
            return eta


def equation_that_reads_a_due() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")
        restart = Due("end of the wait")

        @physics
        def turning(w, restart):
            d_w = -w / restart
            return d_w

        @at("restart")
        def start():
            restart = math.inf
            return restart


def guard_that_reads_a_due() -> None:
    class Pump(Asset):
        restart = Due("end of the wait")

        @guard
        def soon(t, restart):
            margin = t - restart
            return margin


def balance_that_reads_a_due() -> None:
    class Pump(Asset):
        restart = Due("end of the wait")

        @balance
        def time(t, restart):
            stored = t
            supplied = restart
            return stored, supplied


def outputs_beside_derivatives() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")
        power = Output("W", "power")
        torque = Output("N.m", "torque")

        @physics
        def turning(w):
            d_w = -w
            power = w
            torque = 1.0
            return d_w, power, torque


def body_with_if() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")

        @physics
        def turning(w):
            if w > 0:
                w = 0.0
            d_w = -w
            return d_w


def returned_expression() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")

        @physics
        def turning(w):
            return -w


def returned_but_not_assigned() -> None:
    class Pump(Asset):
        w = State("rad/s", "speed")

        @physics
        def turning(w):
            rate = -w  # noqa: F841 - that is the mistake
            return d_w  # noqa: F821


RESERVED = "names that start with '_' or 'd_', hold '__' or are 't' are reserved; rename it"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (unknown_argument, "Pump.lift: no quantity 'head_O'; did you mean 'head_0' or 'head'?"),
        (missing_derivative, "Pump: no function returns d_T_b; add the equation"),
        (missing_output, "Pump: no function returns head; add the equation"),
        (undeclared_return, "Pump: returns 'd_v', which is not declared; declare it or drop it"),
        (returned_twice, "Pump: 'p' is returned by two functions; one must own it"),
        (outside_bounds, "Pump.eta: 1.62 1 is outside [0.05, 0.95]; mend value or bounds"),
        (not_a_number, "Pump.eta: nan 1 is outside [-inf, inf]; mend value or bounds"),
        (unparsable_unit, "Pump.p: no coherent SI unit 'Bar'; there are "),
        (no_source, "Pump.eta: a parameter needs a Source; an honest guess is Source('guess', 'after ...')"),
        (no_key, "Pump.eta: a paper source starts with its [key] in docs/sources.md; else call it a guess"),
        (named_t, f"Pump.t: {RESERVED}"),
        (named_like_a_derivative, f"Pump.d_w: {RESERVED}"),
        (named_with_two_underscores, f"Pump.head__0: {RESERVED}"),
        (named_as_private, f"Pump._head: {RESERVED}"),
        (guard_of_two, "Pump.too_high: a guard returns one number; it returns 2"),
        (balance_of_one, "Pump.mass: a balance returns stored, supplied; two names"),
        (unknown_guard, "Pump.trip: no guard 'too_hihg'; did you mean 'too_high'?"),
        (unknown_due, "Pump.start: no Due 'restrat'; did you mean 'restart'?"),
        (transition_that_sets_a_parameter, "Pump.trip: a transition can't set 'eta': no state, input, memory or due"),
        (
            equation_that_reads_a_due,
            "Pump.turning: only a transition may read a Due; keep what 'restart' means in a Memory",
        ),
        (guard_that_reads_a_due, "Pump.soon: only a transition may read a Due; keep what 'restart' means in a Memory"),
        (
            balance_that_reads_a_due,
            "Pump.time: only a transition may read a Due; keep what 'restart' means in a Memory",
        ),
        (outputs_beside_derivatives, "Pump.turning: returns derivatives and also power, torque; make it two functions"),
        (body_with_if, "Pump.turning: `if w > 0:\n    w = 0.0`: only `name = expression` may stand before the return"),
        (returned_expression, "Pump.turning: `-w`: return names only; assign it to a name first"),
        (returned_but_not_assigned, "Pump.turning: returns 'd_w', which it never assigns"),
    ],
    ids=lambda x: x.__name__ if callable(x) else "",
)
def test_what_could_not_be_simulated_is_refused_in_these_words(declare: Callable[[], None], message: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        declare()
    assert str(refused.value).startswith(message)


def test_a_fault_rests_on_its_healthy_value() -> None:
    fault = Fault("1", "wear", 1.0, (0.5, 1.0), respond="Replace it.", within=3600)
    assert (fault.value, fault.bounds, fault.within) == (1.0, (0.5, 1.0), 3600.0)


def test_a_due_that_nothing_set_never_comes() -> None:
    assert Due("end of the wait").value == math.inf
