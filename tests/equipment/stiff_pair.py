"""Two linear lags six decades apart: stiff, with a closed form."""

from twin.declare import Asset, Param, Source, State, balance, physics

CHOSEN = Source("guess", "closed form: two exponentials")


class StiffPair(Asset):
    """A fast state that follows a slow one; valid always."""

    fast = Param("1/s", "rate of the fast state", 1e6, (0.0, 1e9), CHOSEN)
    slow = Param("1/s", "rate of the slow state", 1.0, (0.0, 1e3), CHOSEN)
    a = State("1", "fast state", 0.0, (-10.0, 10.0))
    b = State("1", "slow state", 1.0, (-10.0, 10.0))

    @physics
    def lags(a, b, fast, slow):
        d_a = fast * (b - a)
        d_b = -slow * b
        return d_a, d_b

    @balance
    def gap(a, b, d_a, fast):
        stored = d_a
        supplied = fast * b - fast * a
        return stored, supplied
