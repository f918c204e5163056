"""Open tank: level, temperature, Torricelli outlet, overflow over the rim, leak."""

import math

from twin.declare import (Asset, Constant, Fault, Input, Known, Memory, Output, Param, Source, State, balance, guard,
                          on, physics)

SIZE = Source("guess", "after a 0.5 m3 buffer tank of a small cooling station")
ORIFICE = Source("sheet", "[powderprocess-torricelli] C = 0.6 for a non profiled orifice")
WEIR = Source("sheet", "[calculeaf-weir] Q = C_d (2/3) sqrt(2 g) b H^1.5")
EXAMPLE = Source("sheet", "[byjus-weir] effective length 3.928 m, head 0.36 m: 1.84 L H^1.5 = 1.56 m3/s")
CLOSED = Source("guess", "closed form: Torricelli, area C sqrt(2 g h), worked by hand")

WATER = Source("sheet", "[lsbu-water] 20 degC: density 998.2 kg/m3")
WARM = Source("sheet", "[wfrjr-water] specific heat of water at 20 degC 4.1818 kJ/kgC")
REST = Source("guess", "no data; keeps rates finite at rest")

G = Constant("m/s2", "standard gravity", 9.80665, Source("guess", "after the standard value of gravity"))
RHO = Constant("kg/m3", "water near 20 degC", 998.2, WATER)
HEAT_CAPACITY = Constant("J/(kg.K)", "heat capacity of water", 4181.8, WARM)
P_AIR = Constant("Pa", "pressure on the free surface", 101325.0, Source("guess", "standard atmosphere"))
METRE = Constant("m", "scale of the weir's power law", 1.0, Source("guess", "definition"))
LEVEL_MIN = Constant("m", "depth at which outflow fades and mixing volume stays", 1e-4, REST)


class Tank(Asset):
    """Well-mixed open tank of constant cross-section.

        A dh/dt        = flow_in - flow_out - drain - overflow - hole
        drain          = C A_outlet sqrt(2 g h)                                            [1]_
        overflow       = 2/3 C b sqrt(2 g) (h - height)^n,  n = 3/2 over a sharp rim         [2]_
        rho c A h dT/dt = rho c flow_in (T_in - T) + heat + flooded load - UA (T - T_amb)

    `flow_out` is what pumps draw; `drain` leaves by gravity. The share `caught` of the overflow is led on
    (`spill`), the rest is lost. `flooded` falls to 0 as the level falls below the suction pipe's mouth, and
    with it the `load` that the process can still put in. Valid for liquid water below its boiling point and for
    inflows too slow to stir waves. Left out: evaporation, stratification, the liquid's inertia.

    References
    ----------
    .. [1] Torricelli's law with an orifice coefficient.
    .. [2] The rectangular sharp-crested weir; other exponents serve rims of other shape.
    """

    area = Param("m2", "cross-section", 0.5, (1e-4, 1e4), SIZE)
    height = Param("m", "rim above the bottom", 1.2, (0.01, 100.0), SIZE)
    outlet_area = Param("m2", "bore of the gravity outlet, 0 if none", 3e-4, (0.0, 10.0), SIZE)
    discharge = Param("1", "discharge coefficient of outlet, hole and weir", 0.6, (0.05, 1.0), ORIFICE)
    weir_width = Param("m", "length of the rim that overflows", 0.3, (0.0, 100.0), SIZE)
    weir_exponent = Param("1", "exponent of the overflow", 1.5, (0.5, 3.0), WEIR)
    caught = Param("1", "share of the overflow that is led on", 0.0, (0.0, 1.0), SIZE)
    suction_level = Param("m", "level below which the suction draws air", 0.15, (1e-3, 100.0), SIZE)
    low_level = Param("m", "level that is announced as low", 0.3, (0.0, 100.0), SIZE)
    conductance = Param("W/K", "heat loss to ambient", 15.0, (0.0, 1e6), SIZE)

    level = State("m", "level above the bottom", 0.8, (-0.2, 120.0), nominal=0.1)
    T = State("K", "temperature of the liquid", 293.15, (263.15, 393.15), nominal=10.0)
    flow_in = Input("m3/s", "sum of the inflows", 0.0, (-10.0, 10.0))
    T_in = Input("K", "temperature of the inflow", 293.15, (263.15, 393.15))
    flow_out = Input("m3/s", "sum of the flows that pumps draw", 0.0, (-10.0, 10.0))
    heat = Input("W", "heat of pumps and friction that ends in the liquid", 0.0, (-1e8, 1e8))
    load = Input("W", "heat that the process puts in", 0.0, (-1e8, 1e8))
    T_amb = Input("K", "ambient temperature", 293.15, (200.0, 350.0))
    pressure = Output("Pa", "absolute pressure at the bottom")
    drain = Output("m3/s", "flow through the gravity outlet")
    overflow = Output("m3/s", "flow over the rim")
    spill = Output("m3/s", "overflow that is led on")
    hole = Output("m3/s", "flow through the leak")
    loss = Output("W", "heat lost to ambient")
    flooded = Output("1", "share of liquid, not air, at the suction")
    leak = Fault("m2", "area of a hole at the bottom", 0.0, (0.0, 0.1),
                 respond="Find the leak, refill and isolate the tank.", within=1800.0)
    blocked = Fault("1", "share of the gravity outlet that is blocked", 0.0, (0.0, 1.0),
                    respond="Clear the outlet; reduce the inflow meanwhile.", within=1800.0)
    overflows = Memory("1", "times the rim was reached", 0.0, (0.0, 1e9))
    lows = Memory("1", "times the low level was reached", 0.0, (0.0, 1e9))

    known = (
        Known(CLOSED, {"level": 1.0, "outlet_area": 1e-3, "discharge": 0.6},
              {"drain": (0.6e-3 * math.sqrt(2 * 9.80665), 3e-7)}),
        Known(EXAMPLE, {"level": 1.36, "height": 1.0, "weir_width": 3.928, "discharge": 1.84 / 2.9525,
                        "weir_exponent": 1.5}, {"overflow": (1.56, 6e-3)}),
    )

    @physics
    def outlets(level, T, height, outlet_area, discharge, weir_width, weir_exponent, caught, suction_level, leak,
                blocked, conductance, T_amb):
        depth = max(level, 0.0)
        jet = math.sqrt(2.0 * G) * depth / math.sqrt(depth + LEVEL_MIN)
        drain = discharge * outlet_area * (1.0 - blocked) * jet
        hole = discharge * leak * jet
        over = max(level - height, 0.0)
        full = 2.0 / 3.0 * discharge * weir_width * math.sqrt(2.0 * G * METRE) * METRE
        overflow = full * math.pow(over / METRE, weir_exponent)
        spill = caught * overflow
        pressure = P_AIR + RHO * G * level
        flooded = min(depth / suction_level, 1.0)
        loss = conductance * (T - T_amb)
        return drain, hole, overflow, spill, pressure, flooded, loss

    @physics
    def dynamics(level, T, flow_in, T_in, flow_out, drain, hole, overflow, heat, load, loss, flooded, area):
        d_level = (flow_in - flow_out - drain - hole - overflow) / area
        warmth = RHO * HEAT_CAPACITY * max(flow_in, 0.0) * (T_in - T) + heat + load * flooded - loss
        d_T = warmth / (RHO * HEAT_CAPACITY * area * max(level, LEVEL_MIN))
        return d_level, d_T

    @balance
    def volume(d_level, flow_in, flow_out, drain, hole, overflow, area):
        stored = area * d_level
        supplied = flow_in - flow_out - drain - hole - overflow
        return stored, supplied

    @balance
    def energy(level, T, d_level, d_T, flow_in, T_in, flow_out, drain, hole, overflow, heat, load, loss, flooded, area):
        """Heat content of the liquid, from 0 K, against what flows in and out."""
        stored = RHO * HEAT_CAPACITY * area * (d_level * T + max(level, LEVEL_MIN) * d_T)
        carried = max(flow_in, 0.0) * T_in + min(flow_in, 0.0) * T - (flow_out + drain + hole + overflow) * T
        supplied = RHO * HEAT_CAPACITY * carried + heat + load * flooded - loss
        return stored, supplied

    @guard
    def overflowing(level, height):
        margin = level - height
        return margin

    @on("overflowing")
    def count_overflow(overflows):
        overflows = overflows + 1.0
        return overflows

    @guard
    def running_low(level, low_level):
        margin = low_level - level
        return margin

    @on("running_low")
    def count_low(lows):
        lows = lows + 1.0
        return lows
