"""Two reservoirs in a row, all linear: what a filter makes of it is known in closed form."""

from twin.declare import Asset, Fault, Input, Output, Param, Source, State, balance, physics

CHOSEN = Source("guess", "closed form: a matrix exponential")


class Cascade(Asset):
    """Levels about a working point, with a gauge that follows the lower one at once; valid always."""

    upper = Param("1/s", "rate at which the upper one drains into the lower one", 0.3, (0.0, 10.0), CHOSEN)
    lower = Param("1/s", "rate at which the lower one drains", 0.2, (0.0, 10.0), CHOSEN)
    quick = Param("1/s", "rate of the gauge", 50.0, (0.0, 1e3), CHOSEN)
    a = State("m", "upper level", 0.0, (-1e3, 1e3))
    b = State("m", "lower level", 0.0, (-1e3, 1e3))
    y = State("m", "gauge of the lower level", 0.0, (-1e3, 1e3))
    c = State("m", "level of a reservoir aside, that nobody sees", 0.0, (-1e3, 1e3))
    inflow = Input("m/s", "what fills the upper one", 0.0, (-1e3, 1e3))
    rain = Input("m/s", "what fills all of them", 0.0, (-1e3, 1e3))
    aside = Input("m/s", "what fills the one aside", 0.0, (-1e3, 1e3))
    total = Output("m", "both levels")
    seep = Fault("m/s", "loss of the upper one", 0.0, (0.0, 10.0), respond="Seal it.", within=60.0)
    drip = Fault("m/s", "another loss of the upper one", 0.0, (0.0, 10.0), respond="Seal it.", within=60.0)
    hole = Fault("m/s", "loss of the lower one", 0.0, (0.0, 10.0), respond="Seal it.", within=60.0)
    crack = Fault("m/s", "loss of the one aside", 0.0, (0.0, 10.0), respond="Seal it.", within=60.0)

    @physics
    def levels(a, b):
        total = a + b
        return total

    @physics
    def flows(a, b, y, c, inflow, rain, aside, seep, drip, hole, crack, upper, lower, quick):
        d_a = inflow + rain - seep - drip - upper * a
        d_b = upper * a + rain - hole - lower * b
        d_y = quick * (b - y)
        d_c = aside + rain - crack - lower * c
        return d_a, d_b, d_y, d_c

    @balance
    def volume(a, b, d_a, d_b, inflow, rain, seep, drip, hole, lower):
        stored = d_a + d_b
        supplied = inflow + 2.0 * rain - seep - drip - hole - lower * b
        return stored, supplied
