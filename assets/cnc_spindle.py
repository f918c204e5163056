"""Milling spindle: speed loop, Kienzle cutting force, extended Taylor tool wear, heat, tool changes."""

import math

from twin.declare import (Asset, Constant, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance,
                          guard, on, physics)

MILLING = Source("sheet", "[milling_power] Kc of mild steel; tool steel: 1.68 kW with a machine coefficient of 80 %")
KIENZLE = Source("fit", "Kienzle's law to the row mild steel, 520 MPa, of [milling_power]: within 1.0 %")
TAYLOR = Source("sheet", "[taylor] mild steel: n = 0.35, C = 500 m/min for one minute; an example: 5.06 min")
EXTENDED = Source("guess", "after usual exponents of the extended Taylor law; feed and depth weigh less than speed")
MACHINE = Source("guess", "after machining centres of 10 kW and 12 000 rpm, and the usual 0.3 mm of flank wear")
HEAT = Source("guess", "after machining centres: some 15 K at the nose after an hour, growth of 30 um")
FORM = Source("guess", "by definition, or numerical: keeps quotients finite at rest")

H_REF = Constant("m", "chip thickness at which kc11 holds", 1e-3, FORM)
MINUTE = Constant("s", "life at which C_taylor holds", 60.0, TAYLOR)
V_MIN = Constant("m/s", "slowest cutting speed for which a life is given", 0.1, FORM)
W_CUT = Constant("rad/s", "speed below which the cutting torque fades", 2.0, FORM)


class CncSpindle(Asset):
    """Milling spindle with one tool in use, mean cutting torque over a turn.

        M_c = kc ap ae fz z/(2 pi),   kc = kc11 (fz/1 mm)^-mc (1 + k_worn VB/VB_limit)      Kienzle
        dVB/dt = VB_limit/T,   T = 60 s (C/v_c)^(1/n) (fz_ref/fz)^x (ap_ref/ap)^y           extended Taylor

    A worn tool stops the spindle for `change_time`, an interlock while it lasts. Motor and housing are one heat
    capacity each. Valid for means over a turn; without chatter, run-out, breakage and the motor's own trip.
    """

    inertia = Param("kg.m2", "rotor, tool and holder", 0.02, (1e-4, 10.0), MACHINE)
    gain = Param("N.m.s", "gain of the speed loop", 2.0, (1e-3, 100.0), MACHINE)
    torque_max = Param("N.m", "largest drive torque", 40.0, (0.1, 1e4), MACHINE)
    P_max = Param("W", "largest drive power", 10000.0, (10.0, 1e6), MACHINE)
    drag = Param("N.m.s", "friction of the spindle's own bearings and seals", 8e-4, (0.0, 1.0), MACHINE)
    r_cu = Param("W/(N2.m2)", "loss per square of torque", 2.0, (0.0, 1e3), HEAT)
    kc11 = Param("Pa", "specific cutting force at 1 mm chip thickness", 1.4480e9, (1e7, 1e11), KIENZLE)
    mc = Param("1", "Kienzle exponent", 0.185, (0.0, 0.9), KIENZLE)
    k_worn = Param("1", "rise of the cutting force up to VB_limit, as a fraction", 0.3, (0.0, 3.0), EXTENDED)
    z = Param("1", "teeth", 4.0, (1.0, 100.0), MACHINE)
    D = Param("m", "diameter of the tool", 0.016, (1e-4, 1.0), MACHINE)
    C_taylor = Param("m/s", "cutting speed for one minute of tool life", 8.333333333, (0.01, 1e3), TAYLOR)
    n_taylor = Param("1", "Taylor exponent", 0.35, (0.05, 0.9), TAYLOR)
    x_feed = Param("1", "exponent of feed in tool life", 0.6, (0.0, 3.0), EXTENDED)
    y_depth = Param("1", "exponent of depth in tool life", 0.25, (0.0, 3.0), EXTENDED)
    fz_ref = Param("m", "feed per tooth at which C_taylor holds", 1e-4, (1e-6, 0.01), EXTENDED)
    ap_ref = Param("m", "depth at which C_taylor holds", 3e-3, (1e-5, 0.1), EXTENDED)
    VB_limit = Param("m", "flank wear at which a tool is changed", 0.3e-3, (1e-5, 0.01), MACHINE)
    change_time = Param("s", "from worn tool to cutting again", 12.0, (0.1, 1e5), MACHINE)
    C_m = Param("J/K", "heat capacity of the motor", 12000.0, (1.0, 1e7), HEAT)
    C_h = Param("J/K", "heat capacity of housing and bearings", 15000.0, (1.0, 1e7), HEAT)
    G_m = Param("W/K", "motor to coolant", 12.0, (1e-3, 1e5), HEAT)
    G_h = Param("W/K", "housing to ambient", 8.0, (1e-3, 1e5), HEAT)
    G_mh = Param("W/K", "motor to housing", 5.0, (1e-3, 1e5), HEAT)
    expansion = Param("m/K", "growth of the nose per kelvin of the housing", 2e-6, (0.0, 1e-3), HEAT)
    m_head = Param("kg", "mass that imbalance shakes", 60.0, (0.1, 1e5), MACHINE)
    a_cut = Param("m/(N.s2)", "vibration per cutting force, rms", 4e-3, (0.0, 1.0), MACHINE)

    w = State("rad/s", "spindle speed", 0.0, (-100.0, 5000.0), nominal=1.0)
    VB = State("m", "flank wear of the tool in use", 0.0, (0.0, 0.1), nominal=1e-5)
    T_m = State("K", "motor temperature", 293.15, (200.0, 600.0), nominal=10.0)
    T_h = State("K", "housing temperature", 293.15, (200.0, 600.0), nominal=10.0)
    E = State("J", "electrical energy taken in", 0.0, (-1e15, 1e15), nominal=1e4)
    speed_set = Input("rad/s", "spindle speed asked for", 400.0, (0.0, 4000.0))
    cutting = Input("1", "1 while the program cuts", 1.0, (0.0, 1.0))
    fz = Input("m", "feed per tooth", 1e-4, (1e-6, 2e-3))
    ap = Input("m", "depth of cut", 3e-3, (1e-6, 0.05))
    ae = Input("m", "width of cut", 8e-3, (0.0, 0.5))
    torque_load = Input("N.m", "torque of bearings modelled outside", 0.0, (-1e3, 1e3))
    heat_in = Input("W", "heat from bearings modelled outside", 0.0, (-1e6, 1e6))
    interlock = Input("1", "trips of what the spindle carries; 1 or more stops it", 0.0, (0.0, 100.0))
    T_amb = Input("K", "ambient and coolant temperature", 293.15, (200.0, 350.0))
    running = Output("1", "1 while the spindle may turn")
    engaged = Output("1", "1 while chips are made")
    drive = Output("N.m", "drive torque")
    cutting_torque = Output("N.m", "mean torque of the cut")
    cutting_power = Output("W", "net power of the cut")
    specific_force = Output("Pa", "specific cutting force of the tool as it is")
    tool_life = Output("s", "life of a fresh tool at this speed, feed and depth")
    power = Output("W", "electrical power taken in")
    radial_load = Output("N", "load on the front bearing")
    vibration = Output("m/s2", "vibration of the head, rms")
    thermal_growth = Output("m", "growth of the nose towards the work")
    hardness_loss = Fault("1", "extra wear rate of a soft or wrong tool, as a multiple", 0.0, (0.0, 20.0),
                          respond="Stop after this part, check the tool's grade and change the tool.", within=600.0)
    imbalance = Fault("kg.m", "static unbalance of tool and holder", 0.0, (0.0, 1e-3),
                      respond="Stop the spindle, clean the taper and balance the holder.", within=60.0)
    bearing_wear = Fault("1", "rise of the spindle bearings' friction, as a multiple", 0.0, (0.0, 30.0),
                         respond="Limit the speed, check the grease and plan a spindle exchange.", within=28800.0)
    changing = Memory("1", "1 while a tool is changed", 0.0, (0.0, 1.0))
    change_done = Due("when the new tool is in")

    known = (Known(MILLING, {"fz": 1e-4, "VB": 0.0}, {"specific_force": (2.200e9, 0.033e9)}),
             Known(MILLING, {"fz": 3e-4, "VB": 0.0}, {"specific_force": (1.820e9, 0.028e9)}),
             Known(MILLING, {"fz": 6e-4, "VB": 0.0}, {"specific_force": (1.580e9, 0.024e9)}),
             Known(MILLING, {"w": 10.6666667, "ap": 2e-3, "ae": 0.08, "fz": 2.2907e-4, "z": 12.0, "D": 0.25,
                             "kc11": 1.8e9, "mc": 0.0}, {"cutting_power": (1344.0, 4.0)}),
             Known(TAYLOR, {"w": 416.6666667, "n_taylor": 0.25, "C_taylor": 5.0}, {"tool_life": (303.6, 0.3)}))

    @physics
    def cut(w, VB, cutting, running, fz, ap, ae, z, D, kc11, mc, k_worn, VB_limit, C_taylor, n_taylor, x_feed, y_depth,
            fz_ref, ap_ref):
        engaged = running * cutting * math.tanh(max(w, 0.0) / W_CUT)
        specific_force = kc11 * math.pow(fz / H_REF, -mc) * (1 + k_worn * VB / VB_limit)
        cutting_torque = engaged * specific_force * ap * ae * fz * z / (2 * math.pi)
        cutting_power = cutting_torque * w
        fresh = MINUTE * math.pow(C_taylor / max(0.5 * D * w, V_MIN), 1 / n_taylor)
        tool_life = fresh * math.pow(fz_ref / fz, x_feed) * math.pow(ap_ref / ap, y_depth)
        return engaged, specific_force, cutting_torque, cutting_power, tool_life

    @physics
    def motor(w, speed_set, changing, interlock, gain, torque_max, P_max, r_cu):
        running = (1 - changing) * (0.0 if interlock > 0.5 else 1.0)
        limit = min(torque_max, P_max / max(w, P_max / torque_max))
        drive = max(min(gain * (running * speed_set - w), limit), -limit)
        power = drive * w + r_cu * drive**2
        return running, drive, power

    @physics
    def head(w, T_h, T_amb, cutting_torque, D, imbalance, m_head, a_cut, expansion):
        force = cutting_torque / (0.5 * D)
        radial_load = force + imbalance * w**2
        vibration = math.sqrt((a_cut * force) ** 2 + 0.5 * (imbalance * w**2 / m_head) ** 2)
        thermal_growth = expansion * (T_h - T_amb)
        return radial_load, vibration, thermal_growth

    @physics
    def dynamics(w, T_m, T_h, T_amb, power, drive, cutting_torque, torque_load, heat_in, engaged, tool_life, inertia,
                 drag, r_cu, VB_limit, C_m, C_h, G_m, G_h, G_mh, bearing_wear, hardness_loss):
        friction = drag * (1 + bearing_wear) * w
        d_w = (drive - cutting_torque - friction - torque_load) / inertia
        d_VB = engaged * VB_limit / tool_life * (1 + hardness_loss)
        d_T_m = (r_cu * drive**2 - G_mh * (T_m - T_h) - G_m * (T_m - T_amb)) / C_m
        d_T_h = (friction * w + heat_in + G_mh * (T_m - T_h) - G_h * (T_h - T_amb)) / C_h
        d_E = power
        return d_w, d_VB, d_T_m, d_T_h, d_E

    @balance
    def energy(w, d_w, d_T_m, d_T_h, d_E, inertia, C_m, C_h, cutting_power, torque_load, heat_in, T_m, T_h, T_amb,
               G_m, G_h):
        stored = inertia * w * d_w + C_m * d_T_m + C_h * d_T_h
        supplied = d_E - cutting_power - torque_load * w + heat_in - G_m * (T_m - T_amb) - G_h * (T_h - T_amb)
        return stored, supplied

    @guard
    def worn(VB, VB_limit):
        excess = VB - VB_limit
        return excess

    @on("worn")
    def fetch_tool(t, change_time):
        changing = 1.0
        change_done = t + change_time
        return changing, change_done

    @at("change_done")
    def new_tool():
        changing = 0.0
        VB = 0.0
        change_done = math.inf
        return changing, VB, change_done
