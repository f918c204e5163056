"""Clock that ticks by a Due and is reset by an input."""

from math import inf

from twin.declare import Asset, Due, Input, Memory, Param, Source, State, at, balance, guard, on, physics

CHOSEN = Source("guess", "chosen for the test")


class Timer(Asset):
    """Ticks at a period while enabled; valid always."""

    period = Param("s", "time between ticks", 0.3, (1e-3, 1e3), CHOSEN)
    age = State("s", "time since the last tick", 0.0, (0.0, 1e6))
    enable = Input("1", "1 ticks", 1.0, (0.0, 1.0))
    ticks = Memory("1", "ticks so far")
    tick = Due("next tick", 0.3)

    @physics
    def grow(age):
        d_age = 1.0 + 0.0 * age
        return d_age

    @balance
    def passing(d_age):
        stored = d_age
        supplied = 0.5 * d_age + 0.5
        return stored, supplied

    @guard
    def enabled(enable):
        on_now = enable - 0.5
        return on_now

    @guard
    def disabled(enable):
        off_now = 0.5 - enable
        return off_now

    @at("tick")
    def count(t, ticks, period):
        ticks = ticks + 1.0
        tick = t + period
        age = 0.0 * t
        return ticks, tick, age

    @on("disabled")
    def stop():
        tick = inf
        return tick

    @on("enabled")
    def go(t, period):
        tick = t + period
        return tick
