"""x' = x^2, which ends at t = 1/x(0)."""

from twin.declare import Asset, Param, Source, State, balance, physics

CHOSEN = Source("guess", "closed form: x = 1/(1/x_0 - t)")


class Explosion(Asset):
    """Growth that ends in finite time; valid before that."""

    rate = Param("1/s", "rate at x = 1", 1.0, (0.0, 10.0), CHOSEN)
    x = State("1", "size", 1.0, (-1e300, 1e300))

    @physics
    def grow(x, rate):
        d_x = rate * x**2
        return d_x

    @balance
    def growth(x, d_x, rate):
        stored = d_x
        supplied = rate * x * x
        return stored, supplied
