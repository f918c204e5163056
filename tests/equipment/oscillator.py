"""Mass on a spring: a closed form for any step, with two marks on its way."""

from twin.declare import Asset, Fault, Input, Memory, Output, Param, Source, State, balance, guard, on, physics

EXACT = Source("guess", "closed form: x = cos(w t)")


class Oscillator(Asset):
    """Undamped mass on a spring; valid for any amplitude."""

    w = Param("rad/s", "angular frequency", 1.0, (0.0, 1e6), EXACT)
    first = Param("m", "a mark", 0.25, (-2.0, 2.0), EXACT)
    second = Param("m", "another mark", 0.2, (-2.0, 2.0), EXACT)
    x = State("m", "position", 1.0, (-10.0, 10.0))
    v = State("m/s", "velocity", 0.0, (-1e3, 1e3))
    push = Input("m/s2", "acceleration from outside", 0.0, (-1e3, 1e3))
    energy = Output("m2/s2", "energy over mass")
    loose = Fault("1", "share of the stiffness lost", 0.0, (0.0, 0.9), respond="Tighten the spring.", within=60.0)
    order = Memory("1", "digits of the marks as they were passed")

    @physics
    def store(x, v, w, loose):
        energy = 0.5 * v**2 + 0.5 * (1.0 - loose) * (w * x) ** 2
        return energy

    @physics
    def motion(x, v, w, push, loose):
        d_x = v
        d_v = push - (1.0 - loose) * w**2 * x
        return d_x, d_v

    @balance
    def power(v, x, d_v, d_x, w, push, loose):
        stored = v * d_v + (1.0 - loose) * w**2 * x * d_x
        supplied = push * v
        return stored, supplied

    @guard
    def below_second(x, second):
        gap = second - x
        return gap

    @guard
    def below_first(x, first):
        gap = first - x
        return gap

    @on("below_second")
    def note_second(order):
        order = 10.0 * order + 2.0
        return order

    @on("below_first")
    def note_first(order):
        order = 10.0 * order + 1.0
        return order
