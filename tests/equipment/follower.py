"""x' = (first second push + side aside - x) / lag: a closed form between steps, two factors that only act together."""

from twin.declare import Asset, Input, Param, Source, State, balance, physics

CHOSEN = Source("guess", "closed form: x = end + (x_0 - end) exp(-t / lag), end = first second push + side aside")


class Follower(Asset):
    """First-order lag behind two inputs; valid everywhere."""

    first = Param("1", "a factor", 2.0, (0.0, 1e3), CHOSEN)
    second = Param("1", "the other factor", 1.5, (0.0, 1e3), CHOSEN)
    side = Param("1", "gain of the input aside", 1.0, (-1e3, 1e3), CHOSEN)
    lag = Param("s", "time constant", 5.0, (1e-2, 1e6), CHOSEN)
    x = State("m", "position", 0.0, (-100.0, 100.0))
    push = Input("m", "what it follows", 0.0, (-20.0, 20.0))
    aside = Input("m", "another that it follows", 0.0, (-20.0, 20.0))

    @physics
    def follow(x, push, aside, first, second, side, lag):
        d_x = (first * second * push + side * aside - x) / lag
        return d_x

    @balance
    def pursuit(x, d_x, push, aside, first, second, side, lag):
        stored = lag * d_x
        supplied = first * second * push + side * aside - x
        return stored, supplied
