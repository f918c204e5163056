"""Servo axis on a ball screw: moving mass, asymmetric friction, position loop, end stops."""

import math

from twin.declare import (Asset, Constant, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance,
                          guard, on, physics)

IDIM = Source("sheet", "[emps] reference parameters and +-10 bounds of the EMPS rig as meco-group/nlgreyfast has them")
RIG = Source("sheet", "[emps_record] constants in the record DATA_EMPS.mat")
NONE = Source("guess", "none in the rig's reference model")
SMOOTH = Source("guess", "numerical: the sign of the speed is rounded over a hundredth of the rig's top speed")
STOP = Source("guess", "no data; rubber bumpers that stop the rig's mass within some 10 mm")
SAFETY = Source("guess", "after usual limits of small positioning axes")
FORM = Source("guess", "closed form: the equations above evaluated by hand, far from v = 0")

GRIP = Constant("m", "depth over which a bumper's damper comes to grip", 1e-3, STOP)


class ServoAxis(Asset):
    """One linear axis as of the EMPS benchmark: force by drive gain, friction, optional position loop.

        M dv/dt = gtau u - F(v) - bumpers
        F(v)    = (Fv + Fv_more sgn v) v + (Fc + Fs exp(-(v/v_s)^2)) tanh(v/v_0) + offset
        Fc      = Fc_plus or Fc_minus by direction
        u       = clip(k_v (k_p (reference - position) - v), +-u_max), or clip(command, +-u_max) with the loop open

    `reference` is `q_ref` and a smooth shuttle of length `stroke`. A limit switch or a lost reference blocks the drive
    for `holdoff`; beyond a switch it only drives back. Far from rest, offset and unequal Coulomb forces are the same:
    fit one. Valid for a stiff screw: resonances, pre-sliding, cogging and sampling are left out; the rounded sign of
    the speed lets a pushed slide creep. Janot, Gautier and Brunot (2019) set up the rig and its record.
    """

    M = Param("kg", "moving mass with the rotating parts, seen at the slide", 95.1089, (0.1, 1e4), IDIM)
    gtau = Param("N/V", "drive gain", 35.15065, (0.01, 1e4), IDIM)
    Fv = Param("N.s/m", "viscous friction", 203.5034, (0.0, 1e5), IDIM)
    Fv_more = Param("N.s/m", "viscous friction more forwards, less backwards", 0.0, (-1e5, 1e5), NONE)
    Fc_plus = Param("N", "Coulomb friction while moving forwards", 20.3935, (0.0, 1e4), IDIM)
    Fc_minus = Param("N", "Coulomb friction while moving backwards", 20.3935, (0.0, 1e4), IDIM)
    offset = Param("N", "constant force against forward motion", -3.1648, (-1e4, 1e4), IDIM)
    Fs = Param("N", "Stribeck force on top of Coulomb's near rest", 0.0, (0.0, 1e4), NONE)
    v_s = Param("m/s", "speed over which the Stribeck force fades", 0.005, (1e-4, 1.0), SMOOTH)
    v_0 = Param("m/s", "speed over which Coulomb friction changes sign", 1e-3, (2e-4, 0.1), SMOOTH)
    k_p = Param("1/s", "gain of the position loop", 160.18, (0.0, 1e3), RIG)
    k_v = Param("V.s/m", "gain of the speed loop", 243.45, (0.0, 1e4), RIG)
    u_max = Param("V", "largest drive command", 10.0, (0.1, 1e3), IDIM)
    stroke = Param("m", "length of the built-in shuttle", 0.0, (0.0, 10.0), SAFETY)
    cycle = Param("s", "period of the shuttle", 8.0, (0.1, 1e5), SAFETY)
    q_min = Param("m", "lower limit switch", -0.1, (-10.0, 0.0), SAFETY)
    q_max = Param("m", "upper limit switch", 0.4, (0.0, 10.0), SAFETY)
    gap = Param("m", "bumper behind the limit switch", 0.01, (0.0, 1.0), STOP)
    k_stop = Param("N/m", "stiffness of a bumper", 5e4, (1.0, 1e6), STOP)
    c_stop = Param("N.s/m", "damping of a bumper", 1500.0, (0.0, 1e5), STOP)
    v_gap = Param("m/s", "speed over which the lost motion changes side", 0.01, (1e-3, 1.0), SMOOTH)
    lag_max = Param("m", "following error that blocks the drive", 0.02, (1e-5, 10.0), SAFETY)
    holdoff = Param("s", "time an operator needs to reset the drive", 30.0, (0.1, 1e5), SAFETY)

    q = State("m", "position of the slide", 0.0, (-20.0, 20.0), nominal=1e-3)
    v = State("m/s", "speed of the slide", 0.0, (-50.0, 50.0), nominal=1e-2)

    command = Input("V", "drive command while the loop is open", 0.0, (-1e3, 1e3))
    q_ref = Input("m", "reference position", 0.0, (-10.0, 10.0))

    reference = Output("m", "position asked for")
    position = Output("m", "position the encoder reads")
    following_error = Output("m", "reference less measured position")
    wanted = Output("V", "command asked for")
    voltage = Output("V", "command at the drive")
    force = Output("N", "force of the drive")
    friction = Output("N", "force of friction")
    bumper = Output("N", "force of the bumpers, against motion beyond the switches")

    friction_growth = Fault("1", "rise of all friction, as a fraction", 0.0, (0.0, 5.0), within=28800.0,
                            respond="Lubricate the screw and the guides; look for chips under the wipers.")
    backlash = Fault("m", "lost motion between encoder and slide", 0.0, (0.0, 1e-3), within=604800.0,
                     respond="Measure the lost motion with a dial gauge and renew or preload the nut.")
    drive_fade = Fault("1", "fraction of the drive's force lost", 0.0, (0.0, 0.9), within=28800.0,
                       respond="Check the amplifier's supply, the motor's magnets and the coupling.")
    closed_loop = Memory("1", "1 follows the reference, 0 obeys the command", 1.0, (0.0, 1.0))
    blocked = Memory("1", "1 while the drive is off after a limit or a lost reference", 0.0, (0.0, 1.0))
    reset = Due("when the operator resets the drive")

    known = (Known(FORM, {"v": 0.1, "closed_loop": 0.0, "command": 1.0},
                   {"force": (35.15065, 1e-4), "friction": (37.57905, 1e-4)}),
             Known(FORM, {"v": -0.1, "closed_loop": 0.0}, {"friction": (-43.90865, 1e-4)}),
             Known(FORM, {"v": 0.05, "q_ref": 1e-4}, {"voltage": (-8.272918, 1e-5)}))

    @physics
    def control(t, q, v, q_ref, stroke, cycle, backlash, v_gap, command, closed_loop, k_p, k_v):
        reference = q_ref + 0.5 * stroke * (1 - math.cos(2 * math.pi * t / cycle))
        position = q + 0.5 * backlash * math.tanh(v / v_gap)
        following_error = reference - position
        wanted = closed_loop * k_v * (k_p * following_error - v) + (1 - closed_loop) * command
        return reference, position, following_error, wanted

    @physics
    def amplifier(q, wanted, blocked, u_max, q_min, q_max, gtau, drive_fade):
        upper = 0.0 * u_max if q > q_max else u_max
        lower = 0.0 * u_max if q < q_min else -u_max
        voltage = (1 - blocked) * max(min(wanted, upper), lower)
        force = gtau * (1 - drive_fade) * voltage
        return voltage, force

    @physics
    def resistance(q, v, Fv, Fv_more, Fc_plus, Fc_minus, Fs, v_s, v_0, offset, friction_growth, q_min, q_max, gap,
                   k_stop, c_stop):
        side = math.tanh(v / v_0)
        coulomb = 0.5 * ((Fc_plus + Fc_minus) * side + (Fc_plus - Fc_minus) * math.fabs(side))
        stribeck = Fs * math.exp(-((v / v_s) ** 2)) * side
        friction = (1 + friction_growth) * ((Fv + Fv_more * side) * v + coulomb + stribeck) + offset
        above = max(q - q_max - gap, 0.0)
        below = max(q_min - gap - q, 0.0)
        bumper = k_stop * (above - below) + c_stop * v * (above + below) / (above + below + GRIP)
        return friction, bumper

    @physics
    def dynamics(v, M, force, friction, bumper):
        d_q = v
        d_v = (force - friction - bumper) / M
        return d_q, d_v

    @balance
    def kinetic_energy(v, d_v, M, force, friction, bumper):
        stored = M * v * d_v
        supplied = (force - friction - bumper) * v
        return stored, supplied

    @guard
    def beyond_limit(q, q_min, q_max):
        excess = max(q - q_max, q_min - q)
        return excess

    @guard
    def lost_reference(following_error, lag_max, closed_loop, blocked):
        excess = closed_loop * (1 - blocked) * math.fabs(following_error) - lag_max
        return excess

    @on("beyond_limit")
    def stop_at_limit(t, holdoff):
        blocked = 1.0
        reset = t + holdoff
        return blocked, reset

    @on("lost_reference")
    def stop_lost(t, holdoff):
        blocked = 1.0
        reset = t + holdoff
        return blocked, reset

    @at("reset")
    def release():
        blocked = 0.0
        reset = math.inf
        return blocked, reset
