"""Variable speed drive: V/f control with ramp and slip correction, heat-sink temperature, trips."""

import math

from twin.declare import (Asset, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance, guard, on,
                          physics)

SUPPLY = Source("guess", "after a 400 V, 50 Hz mains and motor: 400 V x sqrt(2/3) peak at 2 pi 50 rad/s")
SETTING = Source("guess", "after usual factory settings of 4 kW drives; tuned on the induction motor of this folder")
HEAT = Source("guess", "after 4 kW drives: some 97 % efficient at rated load, sink 35 K above ambient")
TRIP = Source("guess", "after usual limits of power modules: 85 degC at the sink, three times the rated current")
FORM = Source("guess", "closed form: amplitude = boost + V_nom w_e/w_e_nom up to what the link can give")


class VariableSpeedDrive(Asset):
    """Frequency inverter with constant volts per hertz and a PI correction of the slip.

        d w_ramp/dt  = clip((speed_set - w_ramp)/tau, -ramp, ramp)
        w_e          = p (w_ramp + clip(K_p e + integral, +-slip_max)),  e = w_ramp - w
        voltage      = min(V_boost + V_nom w_e/w_e_nom, V_max)
        losses       = P_0 + V_f I + R_d I^2
        C dT_sink/dt = losses - (T_sink - T_amb)/(R_th (1 + 4 fan_loss))

    While stopped or tripped the output is blocked and the ramp follows the shaft, so that a restart catches a
    coasting machine. Valid for one direction of rotation; switching, dead time and the link's ripple are left out,
    and a braking resistor of any size is taken for granted.
    """

    pole_pairs = Param("1", "pole pairs of the motor it feeds", 2.0, (1.0, 20.0), SETTING)
    V_nom = Param("V", "phase amplitude at w_e_nom", 326.6, (1.0, 2000.0), SUPPLY)
    w_e_nom = Param("rad/s", "electrical frequency at which V_nom is due", 314.16, (1.0, 4000.0), SUPPLY)
    V_max = Param("V", "largest phase amplitude that the link can give", 335.0, (1.0, 2000.0), SUPPLY)
    V_boost = Param("V", "amplitude added to cover the stator's resistance", 12.0, (0.0, 100.0), SETTING)
    ramp = Param("rad/s2", "steepest change of the speed reference", 30.0, (0.1, 1e4), SETTING)
    tau = Param("s", "softness of the ramp's ends", 0.1, (0.01, 10.0), SETTING)
    K_p = Param("1", "proportional gain of the slip correction", 0.2, (0.0, 2.0), SETTING)
    K_i = Param("1/s", "integral gain of the slip correction", 1.0, (0.0, 10.0), SETTING)
    slip_max = Param("rad/s", "largest slip correction, at the shaft", 12.0, (0.0, 100.0), SETTING)
    P_0 = Param("W", "control and fan", 30.0, (0.0, 1e4), HEAT)
    V_f = Param("V", "on-state and switching loss per ampere", 7.0, (0.0, 100.0), HEAT)
    R_d = Param("ohm", "loss per ampere squared", 0.3, (0.0, 10.0), HEAT)
    C = Param("J/K", "heat capacity of the sink", 800.0, (1.0, 1e6), HEAT)
    R_th = Param("K/W", "sink to ambient with the fan running", 0.3, (1e-3, 100.0), HEAT)
    T_trip = Param("K", "sink temperature that trips the drive", 358.15, (300.0, 450.0), TRIP)
    T_reset = Param("K", "sink temperature below which it may restart", 343.15, (290.0, 450.0), TRIP)
    I_trip = Param("A", "rms current that trips the drive", 25.0, (0.1, 1e4), TRIP)
    holdoff = Param("s", "wait after a trip before a restart is tried", 120.0, (1.0, 1e5), TRIP)

    w_ramp = State("rad/s", "ramped speed reference", 0.0, (-1e3, 1e3), nominal=1.0)
    integral = State("rad/s", "integral part of the slip correction", 0.0, (-200.0, 200.0), nominal=0.1)
    T_sink = State("K", "heat-sink temperature", 293.15, (200.0, 500.0), nominal=10.0)

    speed_set = Input("rad/s", "shaft speed asked for", 150.0, (0.0, 500.0))
    w = Input("rad/s", "measured shaft speed", 0.0, (-1000.0, 1000.0))
    enable = Input("1", "1 runs, 0 lets the motor coast", 1.0, (0.0, 1.0))
    current = Input("A", "motor current, rms", 0.0, (0.0, 1e4))
    load_power = Input("W", "electrical power the motor takes", 0.0, (-1e6, 1e6))
    T_amb = Input("K", "ambient temperature", 293.15, (200.0, 350.0))

    voltage = Output("V", "amplitude of the phase voltage")
    w_e = Output("rad/s", "electrical frequency")
    losses = Output("W", "heat made in the drive")
    running = Output("1", "1 while the output is live")
    wanted = Output("rad/s", "slip correction asked for")
    correction = Output("rad/s", "slip correction made")
    power = Output("W", "power taken from the mains")

    fan_loss = Fault("1", "fraction of the sink's forced cooling lost",
                     respond="Reduce the load, clean the sink and replace the drive's fan.", within=3600.0)
    link_sag = Fault("1", "fraction of the link's voltage lost to worn capacitors or a missing phase", 0.0, (0.0, 0.5),
                     respond="Check the mains phases, then have the link capacitors renewed.", within=86400.0)
    tripped = Memory("1", "1 while the output is blocked after a trip", 0.0, (0.0, 1.0))
    restart = Due("when a restart is tried")

    known = (
        Known(FORM, {"w_ramp": 78.54, "w": 78.54, "integral": 0.0}, {"w_e": (157.08, 1e-6), "voltage": (175.3, 1e-3)}),
        Known(FORM, {"w_ramp": 200.0, "w": 200.0, "integral": 0.0}, {"w_e": (400.0, 1e-6), "voltage": (335.0, 1e-9)}),
        Known(FORM, {"enable": 0.0}, {"voltage": (0.0, 1e-9)}),
    )

    @physics
    def slip_control(w_ramp, integral, w, K_p, slip_max, pole_pairs):
        wanted = K_p * (w_ramp - w) + integral
        correction = max(min(wanted, slip_max), -slip_max)
        w_e = pole_pairs * (w_ramp + correction)
        return w_e, wanted, correction

    @physics
    def volts_per_hertz(w_e, enable, tripped, V_nom, w_e_nom, V_boost, V_max, link_sag):
        running = enable * (1 - tripped)
        voltage = running * min(V_boost + V_nom * math.fabs(w_e) / w_e_nom, V_max * (1 - link_sag))
        return running, voltage

    @physics
    def mains(current, load_power, P_0, V_f, R_d):
        losses = P_0 + V_f * current + R_d * current**2
        power = load_power + losses
        return losses, power

    @physics
    def dynamics(w_ramp, integral, T_sink, speed_set, w, running, wanted, correction, losses, T_amb, ramp, tau, K_i, C,
                 R_th, fan_loss):
        catching = (1 - running) * (w - w_ramp) / tau
        d_w_ramp = running * max(min((speed_set - w_ramp) / tau, ramp), -ramp) + catching
        rising = K_i * (w_ramp - w) + (correction - wanted) / tau
        d_integral = running * rising - (1 - running) * integral / tau
        d_T_sink = (losses - (T_sink - T_amb) / (R_th * (1 + 4 * fan_loss))) / C
        return d_w_ramp, d_integral, d_T_sink

    @balance
    def thermal(d_T_sink, C, power, load_power, T_sink, T_amb, R_th, fan_loss):
        stored = C * d_T_sink
        supplied = power - load_power - (T_sink - T_amb) / (R_th * (1 + 4 * fan_loss))
        return stored, supplied

    @guard
    def overheated(T_sink, T_trip):
        excess = T_sink - T_trip
        return excess

    @guard
    def overloaded(current, I_trip):
        excess = current - I_trip
        return excess

    @on("overheated")
    def trip_on_heat(t, holdoff):
        tripped = 1.0
        restart = t + holdoff
        return tripped, restart

    @on("overloaded")
    def trip_on_current(t, holdoff):
        tripped = 1.0
        restart = t + holdoff
        return tripped, restart

    @at("restart")
    def try_again(t, T_sink, T_reset, holdoff):
        tripped = 1.0 if T_sink > T_reset else 0.0
        restart = t + holdoff if T_sink > T_reset else math.inf
        return tripped, restart
