"""Air compressor: oil-injected screw with load/unload band, oil circuit and its receiver."""

import math

from twin.declare import (Asset, Constant, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance,
                          guard, on, physics)

SIMPLE_AIR = Source("paper", "[simple-air] Modelica.Media.Air.SimpleAir")
WORK = Source("paper", "[isentropic-work] worked example with exponent 1.4: 1.306 kW")
HOT = Source("paper", "[screw-temperatures] cut-out typically 110-120 degC")
WARM = Source("guess", "after the normal 70-95 degC of [screw-temperatures] and wax elements")
SIZE = Source("guess", "after a 75 kW class machine; twice the 1 US gallon per cfm of [receiver-sizing]")
USUAL = Source("guess", "after common 75 kW machines: band 7.0 to 7.8 bar gauge, 40 kg of oil, 200 kg of iron")
POWER = Source("guess", "after [isentropic-efficiency], 70-80 %, and [unloaded-power], 25-40 % for rotary screws")

R = Constant("J/(kg.K)", "gas constant of dry air, 8.314463/0.0289651159", 287.0509, SIMPLE_AIR)
CP = Constant("J/(kg.K)", "heat capacity of dry air at constant pressure", 1005.45, SIMPLE_AIR)
KAPPA = Constant("1", "ratio of specific heats of air", 1.4, WORK)
EXPONENT = (KAPPA - 1) / KAPPA
CRITICAL = math.pow(2 / (KAPPA + 1), 1 / EXPONENT)  # pressure ratio below which a leak is choked
CHOKED = math.sqrt(KAPPA * math.pow(2 / (KAPPA + 1), (KAPPA + 1) / (KAPPA - 1)))


class AirCompressor(Asset):
    """Oil-injected screw compressor, loaded and unloaded by a pressure band, on its own receiver.

        m           = p_s Q/(R T_amb) while loaded,  p_s = p_amb - dp_clean/(1 - clogging)^2
        P_is        = kappa/(kappa - 1) p_s Q ((p_2/p_s)^((kappa - 1)/kappa) - 1),  p_2 = p + dp_separator
        C dT_oil/dt = P_shaft - m cp (T_oil - T_amb) - (UA_case + UA_cooler (1 - fouling) s)(T_oil - T_amb)

    Leaks are choked [choked-leak], an ellipse beyond; s opens the thermostatic valve. To join two receivers, wire
    p_header both ways, with one k. Valid for dry air, 1 to 16 bar, fixed speed, without blow-down and moisture.
    """

    volume_flow = Param("m3/s", "free air swallowed while loaded", 0.16, (1e-4, 10.0), SIZE)
    V = Param("m3", "receiver volume", 2.6, (0.01, 1e3), SIZE)
    T_rec = Param("K", "air temperature in the receiver", 308.15, (250.0, 400.0), USUAL)
    p_load = Param("Pa", "absolute pressure below which it loads", 801325.0, (1.5e5, 1.6e6), USUAL)
    p_unload = Param("Pa", "absolute pressure above which it unloads", 881325.0, (1.5e5, 1.6e6), USUAL)
    k = Param("kg/(s.Pa)", "conductance of a header to another receiver", 0.0, (0.0, 1e-3), USUAL)
    dp_clean = Param("Pa", "loss of the clean inlet filter", 1500.0, (0.0, 5e3), USUAL)
    dp_separator = Param("Pa", "loss of the oil separator", 2e4, (0.0, 1e5), USUAL)
    eta_s = Param("1", "isentropic efficiency of the air end", 0.75, (0.3, 1.0), POWER)
    idle = Param("1", "shaft power unloaded over loaded at p_unload", 0.3, (0.0, 1.0), POWER)
    eta_motor = Param("1", "motor efficiency", 0.94, (0.5, 1.0), USUAL)
    U_line = Param("V", "line voltage", 400.0, (100.0, 1e4), USUAL)
    power_factor = Param("1", "power factor of the motor", 0.87, (0.3, 1.0), USUAL)
    C = Param("J/K", "heat capacity of oil, air end and separator", 1.7e5, (1e3, 1e7), USUAL)
    UA_cooler = Param("W/K", "clean oil cooler, thermostat open", 1300.0, (1.0, 1e5), USUAL)
    UA_case = Param("W/K", "casing to ambient", 40.0, (0.1, 1e4), USUAL)
    T_open = Param("K", "thermostatic valve half open; below it a restart is allowed", 351.15, (300.0, 380.0), WARM)
    width = Param("K", "span of the thermostatic valve", 6.0, (0.5, 50.0), WARM)
    T_trip = Param("K", "oil temperature that stops the machine", 383.15, (320.0, 420.0), HOT)
    cooldown = Param("s", "wait after a trip", 600.0, (1.0, 1e5), USUAL)

    p = State("Pa", "absolute pressure in the receiver", 841325.0, (9e4, 1.7e6), nominal=1e4)
    T_oil = State("K", "oil temperature", 343.15, (230.0, 500.0), nominal=1.0)
    demand = Input("kg/s", "air that the consumers draw", 0.1, (0.0, 20.0))
    p_header = Input("Pa", "absolute pressure in the other receiver", 841325.0, (9e4, 1.7e6))
    p_amb = Input("Pa", "ambient pressure", 101325.0, (7e4, 1.1e5))
    T_amb = Input("K", "ambient temperature", 298.15, (230.0, 330.0))
    enable = Input("1", "1 runs, 0 stops", 1.0, (0.0, 1.0))
    running = Memory("1", "0 while stopped by a trip", 1.0, (0.0, 1.0))
    loaded = Memory("1", "1 while the pressure band asks for air", 1.0, (0.0, 1.0))
    restart = Due("end of the wait after a trip")
    leak = Fault("m2", "area of the leaks", 0.0, (0.0, 2e-4), respond="Find and mend the leak.", within=86400.0)
    clogging = Fault("1", "share of the filter blocked", 0.0, (0.0, 0.8), respond="Replace the filter.", within=86400.0)
    fouling = Fault("1", "share of the cooler lost", 0.0, (0.0, 0.95), respond="Clean the oil cooler.", within=3600.0)
    dp_filter = Output("Pa", "pressure loss of the inlet filter")
    mass_flow = Output("kg/s", "air delivered to the receiver")
    shaft_power = Output("W", "power at the air end's shaft")
    motor_power = Output("W", "electrical power of the motor")
    current = Output("A", "motor current")
    drawn = Output("kg/s", "air that the consumers get")
    leak_flow = Output("kg/s", "air lost through leaks")
    oil_heat = Output("W", "heat from oil to ambient")

    known = (Known(WORK, {"p_amb": 101300.0, "volume_flow": 0.3 / 60, "p": 7e5, "dp_clean": 0.0, "dp_separator": 0.0,
                          "eta_s": 1.0}, {"shaft_power": (1306.0, 1.0)}),
             Known(Source("paper", "[receiver-sizing] worked example, 100 to 60 psi in 5 min"),
                   {"p_amb": 101352.9, "volume_flow": 0.1179869, "dp_clean": 0.0, "T_amb": 293.15, "T_rec": 293.15,
                    "V": 5.203219, "demand": 0.1651817 * 101352.9 / (287.0509 * 293.15)}, {"d_p": (-919.3009, 0.1)}))

    @physics
    def air_end(p, p_amb, T_amb, enable, running, loaded, volume_flow, dp_clean, dp_separator, p_unload, eta_s, idle,
                eta_motor, U_line, power_factor, clogging):
        loading = enable * running * loaded
        dp_filter = loading * dp_clean / (1 - clogging) ** 2
        p_s = max(p_amb - dp_filter, 0.1 * p_amb)
        mass_flow = loading * p_s * volume_flow / (R * T_amb)
        loaded_work = loading * p_s * (math.pow((p + dp_separator) / p_s, EXPONENT) - 1) / EXPONENT
        idling = enable * running * (1 - loaded) * idle * p_amb * (math.pow(p_unload / p_amb, EXPONENT) - 1) / EXPONENT
        shaft_power = volume_flow * (loaded_work + idling) / eta_s
        motor_power = shaft_power / eta_motor
        current = motor_power / (math.sqrt(3) * U_line * power_factor)
        return dp_filter, mass_flow, shaft_power, motor_power, current

    @physics
    def losses(p, T_oil, p_amb, T_amb, demand, leak, T_rec, UA_case, UA_cooler, fouling, T_open, width):
        drawn = demand * min(max(2 * (p - p_amb) / p_amb, 0.0), 1.0)
        beyond = min(max((p_amb / p - CRITICAL) / (1 - CRITICAL), 0.0), 1.0)
        leak_flow = leak * p / math.sqrt(R * T_rec) * CHOKED * math.sqrt(1 - beyond**2)
        opening = 0.5 + 0.5 * math.tanh((T_oil - T_open) / width)
        oil_heat = (UA_case + UA_cooler * (1 - fouling) * opening) * (T_oil - T_amb)
        return drawn, leak_flow, oil_heat

    @physics
    def dynamics(p, T_oil, mass_flow, drawn, leak_flow, p_header, k, shaft_power, oil_heat, T_amb, T_rec, V, C):
        d_p = R * T_rec * (mass_flow + k * (p_header - p) - drawn - leak_flow) / V
        d_T_oil = (shaft_power - mass_flow * CP * (T_oil - T_amb) - oil_heat) / C
        return d_p, d_T_oil

    @balance
    def energy(d_T_oil, C, motor_power, eta_motor, oil_heat, mass_flow, T_oil, T_amb):
        stored = C * d_T_oil + mass_flow * CP * (T_oil - T_amb)
        supplied = motor_power * eta_motor - oil_heat
        return stored, supplied

    @balance
    def air(p, d_p, V, T_rec, mass_flow, p_header, k, drawn, leak_flow):
        stored = V * d_p / (R * T_rec)
        supplied = mass_flow + k * (p_header - p) - drawn - leak_flow
        return stored, supplied

    @guard
    def too_low(p, p_load):
        margin = p_load - p
        return margin

    @guard
    def too_high(p, p_unload):
        margin = p - p_unload
        return margin

    @guard
    def overheated(T_oil, T_trip):
        margin = T_oil - T_trip
        return margin

    @on("too_low")
    def load():
        loaded = 1.0
        return loaded

    @on("too_high")
    def unload():
        loaded = 0.0
        return loaded

    @on("overheated")
    def trip(t, cooldown):
        running = 0.0
        restart = t + cooldown
        return running, restart

    @at("restart")
    def start(t, T_oil, T_open, cooldown):
        running = 1.0 if T_oil < T_open else 0.0
        restart = math.inf if T_oil < T_open else t + cooldown
        return running, restart
