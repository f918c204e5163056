"""Centrifugal pump whose packing rubs and whose coupling stirs air, as the plant's pump does not."""

import math

from twin.declare import (Asset, Constant, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance,
                          guard, on, physics)

LIKE = Source("guess", "as `centrifugal_pump`, whose plant this factory is taken for")
RUB = Source("guess", "after packed glands of small pumps: a seventh of the bearing's drag at speed, more at creep")
FORM = Source("guess", "closed form, worked by hand")

G = Constant("m/s2", "standard gravity", 9.80665, LIKE)
RHO = Constant("kg/m3", "water near 20 degC", 998.2, LIKE)
P_MAGNUS = Constant("Pa", "vapour pressure at 0 degC", 611.2, LIKE)
T_ICE = Constant("K", "0 degC", 273.15, LIKE)
T_MAGNUS = Constant("K", "offset of the Magnus form", 243.12, LIKE)
NPSH_MIN = Constant("m", "floor of the required suction head", 0.1, LIKE)
W_SEAL = Constant("rad/s", "speed over which seal friction builds up", 1.0, LIKE)
KNEE = 2.0922957  # atanh(0.97): by definition 3 % of the head is lost where NPSH available = NPSH required


class RubbingPump(Asset):
    """The plant's `centrifugal_pump` with two more terms of friction, for a factory unlike its twin.

        T_friction = drag (1 + rough) w + (rub + stick exp(-(w/w_s)^2)) tanh(w/w_seal) + windage w |w|

    Stribeck's fall from `rub + stick` at creep to `rub` at speed; air stirred by the coupling goes with the square of
    speed. All of it warms the bearing. States, wires, faults and trips are the pump's. Valid where that pump is.
    """

    w_nom = Param("rad/s", "speed at which the curves hold, 2900 rpm", 303.687, (1.0, 1e3), LIKE)
    flow_nom = Param("m3/s", "flow of best efficiency at that speed", 0.011, (1e-6, 10.0), LIKE)
    head_0 = Param("m", "shut-off head", 25.58, (1.0, 500.0), LIKE)
    head_1 = Param("s/m2", "slope of the head curve at shut-off", 447.0, (-1e5, 1e5), LIKE)
    head_2 = Param("s2/m5", "curvature of the head curve", 6.01e4, (0.0, 1e9), LIKE)
    torque_0 = Param("N.m", "torque at shut-off", 4.39, (0.0, 1e5), LIKE)
    torque_1 = Param("N.s/m2", "slope of the torque curve at shut-off", 795.0, (0.0, 1e7), LIKE)
    torque_2 = Param("N.s2/m5", "curvature of the torque curve", 1.559e4, (0.0, 1e9), LIKE)
    npsh_0 = Param("m", "required suction head at no flow", 1.5, (0.0, 50.0), LIKE)
    npsh_2 = Param("s2/m5", "growth of the required suction head", 2.0e4, (0.0, 1e9), LIKE)
    inertia = Param("kg.m2", "impeller, coupling and motor rotor", 0.02, (1e-4, 100.0), LIKE)
    rub = Param("N.m", "drag of the packing at speed", 0.01, (0.0, 10.0), RUB)
    stick = Param("N.m", "more drag of the packing at creep", 0.05, (0.0, 10.0), RUB)
    w_s = Param("rad/s", "speed over which that fades", 20.0, (0.1, 1e3), RUB)
    windage = Param("N.m.s2", "air stirred by the coupling, per square of speed", 1e-7, (0.0, 1e-3), RUB)
    drag = Param("N.m.s", "bearing and seal drag", 4.5e-4, (0.0, 1.0), LIKE)
    seal_dry = Param("N.m", "drag of a seal without liquid", 0.4, (0.0, 100.0), LIKE)
    capacity = Param("J/K", "heat capacity of the bearing bracket", 900.0, (1.0, 1e6), LIKE)
    resistance = Param("K/W", "bearing bracket to ambient", 0.6, (1e-3, 1e3), LIKE)
    eccentricity = Param("m", "offset of the rotor's centre of mass", 3.0e-5, (0.0, 1e-2), LIKE)
    roar = Param("m/s2", "vibration of full cavitation at nominal speed", 15.0, (0.0, 1e3), LIKE)
    T_trip = Param("K", "bearing temperature that trips", 363.15, (273.15, 500.0), LIKE)
    T_reset = Param("K", "bearing temperature below which it may restart", 338.15, (273.15, 500.0), LIKE)
    dry_delay = Param("s", "how long it may run without flow", 20.0, (0.0, 1e4), LIKE)
    rest = Param("s", "wait after a trip", 300.0, (1.0, 1e5), LIKE)

    w = State("rad/s", "shaft speed", 0.0, (-200.0, 1e3), nominal=100.0)
    T_b = State("K", "bearing temperature", 293.15, (200.0, 600.0), nominal=10.0)
    torque = Input("N.m", "shaft torque from the motor", 0.0, (-1e4, 1e4))
    flow = Input("m3/s", "delivered flow", 0.0, (-10.0, 10.0))
    p_suction = Input("Pa", "absolute pressure at the head of the suction line", 101325.0, (0.0, 1e7))
    dp_suction = Input("Pa", "pressure that the suction line loses", 0.0, (-1e7, 1e7))
    flooded = Input("1", "share of liquid, not air, at the suction", 1.0, (0.0, 1.0))
    T_liquid = Input("K", "temperature of the liquid", 293.15, (263.15, 393.15))
    T_amb = Input("K", "ambient temperature", 293.15, (200.0, 350.0))
    head = Output("m", "head across the pump")
    dp = Output("Pa", "pressure rise across the pump")
    torque_liquid = Output("N.m", "torque that the impeller takes")
    heat = Output("W", "losses that warm the liquid")
    npsh = Output("m", "suction head at hand above vapour pressure")
    vibration = Output("m/s2", "root mean square acceleration of the bearing bracket")
    friction = Output("N.m", "torque lost in bearing, packing and coupling")
    permit = Output("1", "1 the drive may run, 0 tripped")
    wear = Fault("1", "share of the shut-off head lost to a worn impeller", 0.0, (0.0, 0.6),
                 respond="Plan an impeller change; run the other pump meanwhile.", within=7 * 86400.0)
    leakage = Fault("1", "flow back through worn rings, as a share of the nominal flow", 0.0, (0.0, 0.6),
                    respond="Renew the wear rings at the next stop.", within=7 * 86400.0)
    clog = Fault("m", "head lost in the suction strainer at nominal flow", 0.0, (0.0, 9.0),
                 respond="Clean the suction strainer.", within=8 * 3600.0)
    rough = Fault("1", "extra bearing drag, as a multiple", 0.0, (0.0, 50.0),
                  respond="Check lubrication and change over to the other pump.", within=3600.0)
    unbalance = Fault("m", "extra offset of the rotor's centre of mass", 0.0, (0.0, 1e-3),
                      respond="Stop, inspect the impeller and balance it.", within=86400.0)
    running = Memory("1", "1 permitted, 0 tripped", 1.0, (0.0, 1.0))
    restart = Due("when a tripped pump is tried again")
    dry_trip = Due("when a run without flow trips")

    known = (Known(FORM, {"w": 303.687 / 2, "flow": 5e-3, "p_suction": 1e6}, {"head": (6.01, 1e-3)}),
             Known(FORM, {"w": 300.0, "drag": 0.0}, {"friction": (0.01 + 0.009, 1e-12)}))

    @physics
    def impeller(w, flow, p_suction, dp_suction, flooded, T_liquid, running, w_nom, flow_nom, head_0, head_1, head_2,
                 torque_0, torque_1, torque_2, npsh_0, npsh_2, wear, leakage, clog, eccentricity, unbalance, roar):
        p_vapour = P_MAGNUS * math.exp(17.62 * (T_liquid - T_ICE) / (T_MAGNUS + T_liquid - T_ICE))
        npsh = (p_suction - dp_suction - p_vapour) / (RHO * G) - clog * (flow / flow_nom) ** 2
        r = w / w_nom
        through = flow + leakage * flow_nom * r
        required = max(npsh_0 * r**2 + npsh_2 * through**2, NPSH_MIN)
        fill = flooded * math.tanh(KNEE * max(npsh, 0.0) / required)
        risen = (1.0 - wear) * head_0 * r**2 + head_1 * r * through - head_2 * through * abs(through)
        head = fill * risen - clog * flow * abs(flow) / flow_nom**2
        dp = RHO * G * head
        torque_liquid = fill * (torque_0 * r**2 + torque_1 * r * through - torque_2 * through**2)
        heat = torque_liquid * w - dp * flow
        vibration = math.sqrt((w**2 * (eccentricity + unbalance)) ** 2 / 2.0 + ((1.0 - fill) * roar * r**2) ** 2)
        permit = running
        return npsh, head, dp, torque_liquid, heat, vibration, permit

    @physics
    def rubbing(w, flooded, drag, rough, seal_dry, rub, stick, w_s, windage):
        packing = (rub + stick * math.exp(-((w / w_s) ** 2)) + seal_dry * (1.0 - flooded)) * math.tanh(w / W_SEAL)
        friction = drag * (1.0 + rough) * w + packing + windage * w * abs(w)
        return friction

    @physics
    def dynamics(w, T_b, torque, torque_liquid, friction, T_amb, inertia, capacity, resistance):
        d_w = (torque - torque_liquid - friction) / inertia
        d_T_b = (friction * w - (T_b - T_amb) / resistance) / capacity
        return d_w, d_T_b

    @balance
    def energy(w, T_b, d_w, d_T_b, torque, dp, flow, heat, T_amb, inertia, capacity, resistance):
        stored = inertia * w * d_w + capacity * d_T_b
        supplied = torque * w - dp * flow - heat - (T_b - T_amb) / resistance
        return stored, supplied

    @guard
    def overheated(T_b, T_trip):
        margin = T_b - T_trip
        return margin

    @guard
    def starved(w, flow, w_nom, flow_nom):
        margin = min(w / w_nom - 0.5, 0.05 - flow / flow_nom)
        return margin

    @on("overheated")
    def trip_hot(t, rest):
        running = 0.0
        restart = t + rest
        return running, restart

    @on("starved")
    def watch_dry(t, dry_delay):
        dry_trip = t + dry_delay
        return dry_trip

    @at("dry_trip")
    def trip_dry(t, w, flow, w_nom, flow_nom, rest, running, restart):
        dry = 1.0 if min(w / w_nom - 0.4, 0.06 - flow / flow_nom) > 0.0 else 0.0
        running = running * (1.0 - dry)
        restart = t + rest if dry > 0.5 else restart
        dry_trip = math.inf
        return running, dry_trip, restart

    @at("restart")
    def try_again(t, T_b, T_reset, rest):
        running = 1.0 if T_b < T_reset else 0.0
        restart = math.inf if T_b < T_reset else t + rest
        return running, restart
