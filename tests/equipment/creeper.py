"""x' = (end - x) / lag, near its end so slow that a step as short as an event's tolerance is lost in rounding."""

from twin.declare import Asset, Memory, Param, Source, State, balance, guard, on, physics

CHOSEN = Source("guess", "closed form: x = end - (end - x_0) exp(-t / lag)")


class Creeper(Asset):
    """Growth that slows down towards its end, and a mark that it passes; valid everywhere."""

    end = Param("1", "where it ends", 305.15, (0.0, 1e3), CHOSEN)
    lag = Param("s", "time constant", 1000.0, (0.0, 1e6), CHOSEN)
    mark = Param("1", "what it passes", 305.147, (0.0, 1e3), CHOSEN)
    x = State("1", "size", 300.0, (0.0, 1e3))
    passed = Memory("1", "1 once it has passed", 0.0, (0.0, 1.0))

    @physics
    def grow(x, end, lag):
        d_x = (end - x) / lag
        return d_x

    @guard
    def passes(x, mark):
        margin = x - mark
        return margin

    @on("passes")
    def note():
        passed = 1.0
        return passed

    @balance
    def growth(x, d_x, end, lag):
        stored = d_x
        supplied = (end - x) / lag
        return stored, supplied
