"""Level that rises at a constant rate, with behaviour that computes what it may not."""

import math

from twin.declare import Asset, Memory, Param, Source, State, balance, guard, on, physics

CHOSEN = Source("guess", "chosen for the test")


class Careless(Asset):
    """Rises; valid nowhere."""

    square = Param("1", "its root is remembered at half height", 4.0, (-100.0, 100.0), CHOSEN)
    ceiling = Param("1", "above it the second guard is not a number", 100.0, (-100.0, 100.0), CHOSEN)
    level = State("1", "level", 0.0, (-10.0, 200.0))
    kept = Memory("1", "root", 0.0, (0.0, 5.0))

    @physics
    def rise(level):
        d_level = 1.0 + 0.0 * level
        return d_level

    @balance
    def rate(d_level):
        stored = d_level
        supplied = 0.5 + 0.5 * d_level
        return stored, supplied

    @guard
    def half(level):
        height = level - 0.5
        return height

    @guard
    def under(level, ceiling):
        height = math.sqrt(ceiling - level) - 100.0
        return height

    @on("half")
    def remember(square):
        kept = math.sqrt(square)
        return kept
