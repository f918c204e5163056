"""Pipe full of liquid: inertance, Darcy friction, static lift and a check valve; its flow is a state."""

import math

from twin.declare import Asset, Constant, Fault, Input, Known, Output, Param, Source, State, balance, physics

SIZE = Source("guess", "after a 10 m run of DN 50 steel pipe")
FITTINGS = Source("guess", "after common loss coefficients: four bends, two valves, inlet and outlet")
CHECK = Source("guess", "lets through a few per cent of the forward flow; tighter would be stiffer than 1 ms steps")
SWAMEE = Source("paper", "[fluids-friction] Swamee_Jain_1976(1E5, 1E-4) is 0.018452424431901808")
CLOSED = Source("guess", "closed form: Hagen-Poiseuille, 64/Re, worked by hand")

WATER = Source("sheet", "[lsbu-water] 20 degC: density 998.2 kg/m3")
THIN = Source("sheet", "[engineersedge-water] 20 degC: 1.004e-6 m2/s")

G = Constant("m/s2", "standard gravity", 9.80665, Source("guess", "after the standard value of gravity"))
RE_MIN = 1.0  # below it the friction factor stays at 64: the loss is far below what matters, and stays finite
RE_TURBULENT = 4000.0


class Pipe(Asset):
    """Liquid column between pressure sources and pressure drops, with a check valve against return flow.

        I dQ/dt = dp_source - dp_loss - (f L/D + K) rho v|v|/2 - rho g lift,   I = rho L/A
        f = max(64/Re, 0.25 / log10((6.97/Re)^0.9 + rough/(3.7 D))^2)                      [1]_

    The second form holds for 5e3 < Re < 1e8 and 1e-6 < rough/D < 5e-2; below Re = 4000 it is frozen, so
    that f passes from laminar to turbulent without a jump. The check valve is a loss coefficient for
    return flow only; shut, it makes the shortest time constant here, some 2 ms.
    Left out: elasticity (water hammer), transport delay and heat loss of the liquid.

    References
    ----------
    .. [1] Swamee and Jain (1976), Explicit Equations for Pipe-Flow Problems, as in the library fluids.
    """

    length = Param("m", "length", 10.0, (0.01, 1e5), SIZE)
    diameter = Param("m", "inner diameter", 0.05, (1e-3, 5.0), SIZE)
    roughness = Param("m", "wall roughness", 4.5e-5, (0.0, 1e-2), SIZE)
    fittings = Param("1", "sum of the loss coefficients of bends and valves", 6.0, (0.0, 1e4), FITTINGS)
    lift = Param("m", "height of the end above the beginning's free surface", 1.0, (-1e3, 1e3), SIZE)
    check = Param("1", "loss coefficient of the check valve against return flow", 1.0e5, (0.0, 1e7), CHECK)
    rho = Param("kg/m3", "density", 998.2, (1.0, 2e3), WATER)
    nu = Param("m2/s", "kinematic viscosity", 1.004e-6, (1e-8, 1e-2), THIN)

    flow = State("m3/s", "volume flow", 0.0, (-10.0, 10.0), nominal=1e-3)
    dp_source = Input("Pa", "sum of the pressure rises that drive it", 0.0, (-1e8, 1e8))
    dp_loss = Input("Pa", "sum of the pressure drops of what is in line with it", 0.0, (-1e8, 1e8))
    velocity = Output("m/s", "mean velocity")
    factor = Output("1", "Darcy friction factor")
    dp_friction = Output("Pa", "pressure drop by friction and fittings")
    heat = Output("W", "friction power that warms the liquid")
    delivered = Output("m3/s", "flow that arrives at the end")
    blockage = Fault("1", "share of the bore that is blocked", 0.0, (0.0, 0.9),
                     respond="Find and clear the blockage, or rod the line at the next stop.", within=86400.0)
    leak = Fault("1", "share of the flow lost on the way", 0.0, (0.0, 0.9),
                 respond="Isolate the line and repair the joint.", within=3600.0)
    check_worn = Fault("1", "share of the check valve's grip lost", 0.0, (0.0, 1.0),
                       respond="Isolate the idle branch and repair the check valve.", within=86400.0)

    known = (
        Known(SWAMEE, {"flow": 0.05 * math.pi / 4, "diameter": 0.5, "roughness": 5e-5, "nu": 1e-6},
              {"factor": (0.018452424431901808, 1e-12)}),
        Known(CLOSED, {"flow": 1e-4 * math.pi / 4, "diameter": 0.01, "length": 1.0, "fittings": 0.0, "nu": 1e-3,
                       "rho": 1e3}, {"velocity": (1.0, 1e-9), "dp_friction": (32.0 * 1.0 * 1.0 / 1e-4, 1e-3)}),
    )

    @physics
    def friction(flow, diameter, length, roughness, fittings, check, rho, nu, blockage, leak, check_worn):
        velocity = flow / (math.pi / 4.0 * diameter**2)
        reynolds = max(abs(velocity) * diameter / nu, RE_MIN)
        rough = math.pow(6.97 / max(reynolds, RE_TURBULENT), 0.9) + roughness / (3.7 * diameter)
        decades = math.log(rough) / math.log(10.0)
        factor = max(64.0 / reynolds, 0.25 / decades**2)
        forward = (factor * length / diameter + fittings) / (1.0 - blockage) ** 2
        closed = check * (1.0 - check_worn) if flow < 0.0 else 0.0
        dp_friction = (forward + closed) * rho * velocity * abs(velocity) / 2.0
        heat = dp_friction * flow
        delivered = flow * (1.0 - leak)
        return velocity, factor, dp_friction, heat, delivered

    @physics
    def dynamics(dp_source, dp_loss, dp_friction, lift, rho, length, diameter):
        inertance = rho * length / (math.pi / 4.0 * diameter**2)
        d_flow = (dp_source - dp_loss - dp_friction - rho * G * lift) / inertance
        return d_flow

    @balance
    def mechanical_energy(velocity, d_flow, flow, dp_source, dp_loss, heat, lift, rho, length):
        """Kinetic energy of the column grows by what the pressures do, less lift and friction."""
        stored = rho * length * velocity * d_flow
        supplied = (dp_source - dp_loss - rho * G * lift) * flow - heat
        return stored, supplied
