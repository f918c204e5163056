"""Deep groove ball bearing: friction heat, rating life, spall growth, defect frequencies."""

import math

from twin.declare import (Asset, Constant, Fault, Input, Known, Memory, Output, Param, Source, State, balance, guard,
                          on, physics)

TABLE = Source("sheet", "[bearing_table] row 6205: d 25 mm, D 52 mm, Cr 14 kN")
GEOMETRY = Source("sheet", "[defect_frequencies] 6205 at 1500 RPM: Z = 9, Bd = 7.94 mm, Pd = 38.5 mm, angle 0")
FREQUENCIES = Source("sheet", "[defect_frequencies_2] example: 1800 RPM, 8 elements, 10 and 50 mm")
FRICTION = Source("sheet", "[friction_coefficient] deep groove ball bearings 0.0015")
RATING = Source("sheet", "[rating_life] L10 in million revolutions; C = 16 kN, W = 2 kN, n = 3 gives 512 million")
VISCOUS = Source("guess", "after Palmgren's form, drag ~ (viscosity x speed)^(2/3), sized for a small greased bearing")
HEAT = Source("guess", "no data; 0.2 kg of steel in a housing, some 30 K above it per 60 W")
GROWTH = Source("guess", "no data; 1 mm at C/P = 10 grows to 5 mm in 30 million turns; levels as on small rigs")
LIMIT = Source("guess", "after common practice for greased bearings: warn near 80 degC, act near 100 degC")

TURN = Constant("rad", "one revolution", 2 * math.pi, Source("guess", "by definition"))
MILLION = Constant("1", "revolutions that the load rating stands for", 1e6, RATING)
W_SIGN = Constant("rad/s", "speed over which friction changes sign", 1.0, Source("guess", "numerical"))


class RollingBearing(Asset):
    """Radial ball bearing under given speed and load, carried by a housing at `T_amb`.

        friction = (mu P d/2 + M_0 (w/w_0)^(2/3) exp(-(T_b - T_0)/T_v)) sign(w)
        C_b dT_b/dt = friction w - (T_b - T_amb)/R_b
        d damage/dt = (w/2 pi)/L10,   L10 = 10^6 (C/P)^p revolutions, less for bad oil and dirt     Palmgren-Miner
        d spall/dt = growth (w/2 pi) (P/C)^q (spall + seed)/spall_ref
        BPFO, BPFI = Z w/(4 pi) (1 -+ (Bd/Pd) cos a)

    At damage 1 a spall of `spall_start` appears; at `spall_limit` the bearing has failed and is replaced: how long that
    takes is the line's business. P is the equivalent load: axial parts are the caller's. Vibration is a level, not a
    waveform. Valid for a loaded, greased bearing that turns one way; preload and skidding are left out.
    """

    C = Param("N", "basic dynamic load rating", 14000.0, (100.0, 1e7), TABLE)
    p = Param("1", "life exponent: 3 for balls", 3.0, (3.0, 3.34), RATING)
    d = Param("m", "bore", 0.025, (1e-3, 2.0), TABLE)
    balls = Param("1", "rolling elements", 9.0, (3.0, 100.0), GEOMETRY)
    Bd = Param("m", "diameter of a rolling element", 7.94e-3, (1e-4, 0.5), GEOMETRY)
    Pd = Param("m", "pitch diameter", 38.5e-3, (1e-3, 5.0), GEOMETRY)
    angle = Param("rad", "contact angle", 0.0, (0.0, 1.2), GEOMETRY)
    mu = Param("1", "coefficient of friction at the bore", 0.0015, (1e-5, 0.1), FRICTION)
    M_0 = Param("N.m", "viscous drag at w_0 and T_0", 0.025, (0.0, 100.0), VISCOUS)
    w_0 = Param("rad/s", "speed at which M_0 holds", 157.0, (1.0, 1e4), VISCOUS)
    T_0 = Param("K", "temperature at which M_0 holds", 313.15, (250.0, 400.0), VISCOUS)
    T_v = Param("K", "warming that thins the grease e times, to the power 2/3", 45.0, (5.0, 500.0), VISCOUS)
    P_min = Param("N", "smallest load counted, as by the shaft's weight", 20.0, (1.0, 1e5), LIMIT)
    C_b = Param("J/K", "heat capacity", 100.0, (1.0, 1e6), HEAT)
    R_b = Param("K/W", "bearing to housing", 0.5, (1e-3, 100.0), HEAT)
    growth = Param("m", "spall growth per revolution at P = C", 5e-8, (0.0, 1e-3), GROWTH)
    q = Param("1", "load exponent of spall growth", 3.0, (1.0, 6.0), GROWTH)
    spall_ref = Param("m", "spall length at which `growth` holds", 1e-3, (1e-5, 0.1), GROWTH)
    spall_start = Param("m", "length of a spall when it appears", 0.5e-3, (1e-5, 0.1), GROWTH)
    spall_limit = Param("m", "length at which the bearing counts as failed", 5e-3, (1e-4, 0.5), LIMIT)
    a_0 = Param("m/s2", "vibration of a sound bearing at w_0, rms", 1.0, (0.0, 1e3), GROWTH)
    a_spall = Param("m/s2", "vibration at w_0 of a spall of spall_ref, rms", 6.0, (0.0, 1e4), GROWTH)
    T_trip = Param("K", "bearing temperature that asks for a stop", 373.15, (300.0, 500.0), LIMIT)
    T_reset = Param("K", "bearing temperature that takes it back", 333.15, (290.0, 500.0), LIMIT)

    T_b = State("K", "bearing temperature", 293.15, (200.0, 700.0), nominal=10.0)
    damage = State("1", "fraction of the rating life used", 0.0, (0.0, 1e3), nominal=1e-4)
    spall = State("m", "length of the spall", 0.0, (0.0, 1.0), nominal=1e-4)
    w = Input("rad/s", "shaft speed", 0.0, (0.0, 5000.0))
    load = Input("N", "equivalent load", 1000.0, (0.0, 1e6))
    shaking = Input("m/s2", "vibration that comes from elsewhere, rms", 0.0, (0.0, 1e4))
    T_amb = Input("K", "temperature of the housing", 293.15, (200.0, 500.0))
    friction_torque = Output("N.m", "torque that the shaft must overcome")
    heat_out = Output("W", "heat given to the housing")
    life = Output("1", "revolutions that nine bearings of ten reach at this load")
    vibration = Output("m/s2", "vibration of the housing, rms")
    bpfo = Output("Hz", "balls over a point of the outer ring")
    bpfi = Output("Hz", "balls over a point of the inner ring")
    bsf = Output("Hz", "spin of a ball")
    ftf = Output("Hz", "turns of the cage")
    trip = Output("1", "1 asks the drive to stop")
    lubricant_loss = Fault("1", "fraction of the lubricating film lost",
                           respond="Grease the bearing now and look for a leaking seal.", within=3600.0)
    contamination = Fault("1", "dirt or water in the lubricant, 1 is heavy",
                          respond="Take a grease sample, flush the bearing and renew its seals.", within=86400.0)
    seed = Fault("m", "length of a spall that damage did not make", 0.0, (0.0, 5e-3), within=259200.0,
                 respond="Confirm by envelope analysis at BPFO and BPFI, then plan a change of bearing.")
    tripped = Memory("1", "1 while too hot to go on", 0.0, (0.0, 1.0))

    known = (Known(RATING, {"C": 16000.0, "load": 2000.0}, {"life": (512e6, 1.0)}),
             Known(GEOMETRY, {"w": 50 * math.pi},
                   {"ftf": (9.92, 0.005), "bpfo": (89.31, 0.02), "bpfi": (135.69, 0.02)}),
             Known(FREQUENCIES, {"w": 60 * math.pi, "balls": 8.0, "Bd": 0.010, "Pd": 0.050},
                   {"ftf": (12.0, 1e-9), "bpfo": (96.0, 1e-9), "bpfi": (144.0, 1e-9), "bsf": (72.0, 1e-9)}))

    @physics
    def kinematics(w, tripped, balls, Bd, Pd, angle):
        ratio = Bd / Pd * math.cos(angle)
        ftf = 0.5 * w / TURN * (1 - ratio)
        bpfo = balls * ftf
        bpfi = 0.5 * balls * w / TURN * (1 + ratio)
        bsf = 0.5 * w / TURN * Pd / Bd * (1 - ratio**2)
        trip = tripped
        return ftf, bpfo, bpfi, bsf, trip

    @physics
    def friction(w, T_b, T_amb, load, P_min, C, p, d, mu, M_0, w_0, T_0, T_v, R_b, lubricant_loss, contamination):
        dry = 0.5 * mu * (1 + 40 * lubricant_loss + contamination) * max(load, P_min) * d
        viscous = M_0 * (1 - lubricant_loss) * math.pow(abs(w) / w_0, 2 / 3) * math.exp(-(T_b - T_0) / T_v)
        friction_torque = (dry + viscous) * math.tanh(w / W_SIGN)
        heat_out = (T_b - T_amb) / R_b
        life = MILLION * math.pow(C / max(load, P_min), p) * (1 - 0.9 * contamination) * (1 - 0.8 * lubricant_loss)
        return friction_torque, heat_out, life

    @physics
    def shaken(w, spall, seed, shaking, contamination, lubricant_loss, a_0, a_spall, w_0, spall_ref):
        rough = a_0 * (1 + contamination + 2 * lubricant_loss)
        shocks = a_spall * (spall + seed) / spall_ref
        vibration = math.sqrt(shaking**2 + (w / w_0) ** 2 * (rough**2 + shocks**2))
        return vibration

    @physics
    def dynamics(w, load, P_min, C, spall, seed, friction_torque, heat_out, life, C_b, growth, q, spall_ref):
        d_T_b = (friction_torque * w - heat_out) / C_b
        d_damage = w / TURN / life
        d_spall = growth * w / TURN * math.pow(max(load, P_min) / C, q) * (spall + seed) / spall_ref
        return d_T_b, d_damage, d_spall

    @balance
    def heat(d_T_b, C_b, friction_torque, w, T_b, T_amb, R_b):
        stored = C_b * d_T_b
        supplied = friction_torque * w - (T_b - T_amb) / R_b
        return stored, supplied

    @guard
    def fatigued(damage):
        excess = damage - 1.0
        return excess

    @guard
    def spalled_through(spall, seed, spall_limit):
        excess = spall + seed - spall_limit
        return excess

    @guard
    def thermal_switch(T_b, tripped, T_trip, T_reset):
        excess = T_b - T_trip if tripped < 0.5 else T_reset - T_b
        return excess

    @on("fatigued")
    def start_spall(spall, spall_start):
        spall = max(spall, spall_start)
        return spall

    @on("spalled_through")
    def renew():
        damage = 0.0
        spall = 0.0
        return damage, spall

    @on("thermal_switch")
    def ask_for_stop(tripped):
        tripped = 1.0 - tripped
        return tripped
