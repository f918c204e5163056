"""Ball that falls and bounces: the textbook hybrid system, with a closed form and a Zeno point."""

from twin.declare import Asset, Constant, Memory, Param, Source, State, balance, guard, on, physics

EXACT = Source("guess", "closed form: chosen, nothing is measured")
G = Constant("m/s2", "gravity", 9.81, Source("guess", "after the usual rounded value"))


class BouncingBall(Asset):
    """Point mass above a floor; each bounce keeps a share of its speed.

    Valid between bounces further apart than some microseconds; then the bounces pile up (Zeno).
    """

    restitution = Param("1", "share of the speed that a bounce keeps", 0.8, (0.0, 1.0), EXACT)
    height = State("m", "height above the floor", 1.0, (-1.0, 1e3))
    velocity = State("m/s", "upward velocity", 0.0, (-1e3, 1e3))
    bounces = Memory("1", "bounces so far")

    @physics
    def fall(velocity):
        d_height = velocity
        d_velocity = -G
        return d_height, d_velocity

    @balance
    def energy(velocity, d_height, d_velocity):
        stored = velocity * d_velocity
        supplied = -G * d_height
        return stored, supplied

    @guard
    def floor(height):
        depth = -height
        return depth

    @on("floor")
    def bounce(velocity, restitution, bounces):
        velocity = -restitution * velocity
        bounces = bounces + 1
        return velocity, bounces
