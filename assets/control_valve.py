"""Control valve: Kv by travel, equal percentage or linear, actuator with limited speed, stiction."""

import math

from twin.declare import (Asset, Constant, Fault, Input, Known, Memory, Output, Param, Source, State, balance, guard,
                          on, physics)

CHARACTERISTIC = Source("sheet", "[force-valves] rangeability R, typically between 30 and 50")
TYPICAL = Source("sheet", "[tnlab-characteristics] equal percentage, R 50: 14 +- 3 % of the greatest at half travel")
SIZE = Source("guess", "after a DN 50 globe valve")
ACTUATOR = Source("guess", "after common pneumatic actuators with positioner")
STICTION = Source("guess", "after the two-parameter form of He and others (2007), in continuous time")
CLOSED = Source("guess", "closed form: Kv is the flow of water at 1 bar, by definition")

DEFINITION = Source("sheet", "[force-valves] Kv: water flow under a differential pressure of 1 bar")

BAR = Constant("Pa", "pressure drop at which Kv is defined", 1.0e5, DEFINITION)
SETTLED = 1e-4  # less stiction than this share of the stroke is none


class ControlValve(Asset):
    """Control valve in turbulent liquid flow, without choking.

        dp = (Q/Kv)^2 (rho/rho_water) 1 bar                                                [1]_
        Kv = Kvs R^(x - 1)  (equal percentage)  or  Kvs max(x, 1/R)  (linear)              [1]_
        dx/dt = (command - x -+ kinetic s)/lag, at most 1/stroke_time; 0 while the stem sticks

    Below 1/R the trim does not control: the valve here never shuts tighter than Kvs/R. With stiction s
    friction takes `kinetic` s of the drive; the stem sticks once it has come that near, and moves again
    when the command is s away. Valid for water-like liquids, fully turbulent, above 1/R of the stroke's Kv.
    Left out: choked flow and flashing, viscous flow, hysteresis of the positioner.

    References
    ----------
    .. [1] The flow coefficient and the inherent characteristics, as in IEC 60534.
    """

    kvs = Param("m3/s", "flow of water at 1 bar, fully open", 20.0 / 3600.0, (1e-7, 10.0), SIZE)
    rangeability = Param("1", "Kvs over the least Kv that it controls", 50.0, (5.0, 200.0), CHARACTERISTIC)
    linear = Param("1", "1 linear, 0 equal percentage", 0.0, (0.0, 1.0), SIZE)
    lag = Param("s", "time constant of actuator and positioner", 0.8, (0.01, 100.0), ACTUATOR)
    stroke_time = Param("s", "least time for the whole stroke", 5.0, (0.05, 1e3), ACTUATOR)
    kinetic = Param("1", "where a sticky stem stops, over where it breaks away", 0.3, (0.01, 0.9), STICTION)
    rho_ratio = Param("1", "density over that of water", 1.0, (0.1, 5.0), Source("guess", "water"))

    position = State("1", "stem travel, 1 open", 0.5, (-0.01, 1.01), nominal=0.1)
    command = Input("1", "wanted travel", 0.5, (-10.0, 10.0))
    flow = Input("m3/s", "flow through the valve", 0.0, (-10.0, 10.0))
    kv = Output("m3/s", "flow of water at 1 bar at this travel")
    dp = Output("Pa", "pressure drop")
    heat = Output("W", "throttled power that warms the liquid")
    error = Output("1", "travel still to go")
    stiction = Fault("1", "share of the stroke that the command must move before a stuck stem does", 0.0, (0.0, 0.5),
                     respond="Put the loop in manual, then ease or repack the stem.", within=8 * 3600.0)
    deposit = Fault("1", "share of Kv lost to deposits or a stuck object in the trim", 0.0, (0.0, 0.95),
                    respond="Stroke the valve fully; inspect the trim if the flow stays low.", within=86400.0)
    stuck = Memory("1", "1 the stem sticks", 0.0, (0.0, 1.0))
    slips = Memory("1", "times the stem broke away", 0.0, (0.0, 1e9))

    known = (
        Known(CLOSED, {"position": 1.0, "flow": 20.0 / 3600.0}, {"dp": (1.0e5, 1e-3)}),
        Known(TYPICAL, {"position": 0.5, "rangeability": 50.0, "kvs": 0.01}, {"kv": (0.0014, 0.0003)}),
        Known(CLOSED, {"position": 0.5, "rangeability": 49.0, "kvs": 0.01}, {"kv": (0.01 / 7.0, 1e-9)}),
    )

    @physics
    def throttle(position, flow, kvs, rangeability, linear, rho_ratio, deposit):
        travel = min(max(position, 0.0), 1.0)
        percentage = math.exp(math.log(rangeability) * (travel - 1.0))
        share = linear * max(travel, 1.0 / rangeability) + (1.0 - linear) * percentage
        kv = kvs * share * (1.0 - deposit)
        dp = BAR * rho_ratio * flow * abs(flow) / kv**2
        heat = BAR * rho_ratio * abs(flow) ** 3 / kv**2
        return kv, dp, heat

    @physics
    def wanted(command, position):
        error = min(max(command, 0.0), 1.0) - position
        return error

    @physics
    def stem(error, stuck, stiction, kinetic, lag, stroke_time):
        drive = max(error - kinetic * stiction, 0.0) + min(error + kinetic * stiction, 0.0)
        speed = min(max(drive / lag, -1.0 / stroke_time), 1.0 / stroke_time)
        held = stuck if stiction > 0.0 else 0.0
        d_position = (1.0 - held) * speed
        return d_position

    @balance
    def power(dp, flow, heat):
        """All the work that the valve takes from the flow warms the liquid."""
        stored = heat
        supplied = dp * flow
        return stored, supplied

    @guard
    def arrives(error, stiction, kinetic):
        """Never above zero without stiction."""
        margin = min(1.1 * kinetic * stiction - abs(error), stiction - SETTLED)
        return margin

    @on("arrives")
    def stick():
        stuck = 1.0
        return stuck

    @guard
    def breaks_away(error, stiction):
        """Never above zero without stiction."""
        margin = min(abs(error) - stiction, stiction - SETTLED)
        return margin

    @on("breaks_away")
    def slip(stuck, slips):
        slips = slips + stuck
        stuck = 0.0
        return stuck, slips
