"""Relay without hysteresis: switches without end at its set point."""

from twin.declare import Asset, Memory, Param, Source, State, balance, guard, on, physics

CHOSEN = Source("guess", "chosen for the test")


class Relay(Asset):
    """A level that a relay drives up below the set point and down above it; valid nowhere near it."""

    goal = Param("1", "set point", 0.5, (0.0, 1.0), CHOSEN)
    level = State("1", "level", 0.0, (-10.0, 10.0))
    up = Memory("1", "1 drives up, 0 down", 1.0, (0.0, 1.0))

    @physics
    def drive(up):
        d_level = 2.0 * up - 1.0
        return d_level

    @balance
    def rate(d_level, up):
        stored = d_level
        supplied = up - (1.0 - up)
        return stored, supplied

    @guard
    def above(level, goal):
        gap = level - goal
        return gap

    @guard
    def below(level, goal):
        gap = goal - level
        return gap

    @on("above")
    def fall():
        up = 0.0
        return up

    @on("below")
    def rise():
        up = 1.0
        return up
