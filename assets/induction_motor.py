"""Squirrel-cage induction motor: dq fluxes, winding and frame heat, insulation ageing, thermistors."""

import math

from twin.declare import (Asset, Constant, Fault, Input, Known, Memory, Output, Param, Source, State, balance, guard,
                          on, physics)

RECORD = Source("sheet", "[modelica_buildings_5hp] record IM_5HP_400V_50Hz: generic 5 hp cage motor, 400 V, 4 poles")
HEAT = Source("guess", "after a fan-cooled 4 kW frame: some 50 K frame and 70 K winding rise at rated load")
LOSS = Source("guess", "after usual shares of the loss of a 4 kW motor: iron 2 %, friction and fan 1 % of the output")
TRIP = Source("guess", "after thermistors of insulation class F, 20 000 h; reset where the frame has cooled")
SHORT = Source("guess", "no data; a tenth of the turns shorted heats like a third of the rated copper loss")
RULE = Source("guess", "common textbook value or rule of thumb")
CIRCUIT = Source("guess", "closed form: phasors of the T equivalent circuit at 326.6 V peak, 50 Hz, slip 0.05, 20 degC")

ALPHA = Constant("1/K", "rise of copper's resistance per kelvin at T_0", 0.00393, RULE)
HALVING = Constant("K", "rise that halves the life of insulation", 10.0, RULE)
V_BLOCK = Constant("V", "below this amplitude the inverter blocks", 0.5, Source("guess", "numerical: off from slow"))


class InductionMotor(Asset):
    """Cage motor without shaft: the driven machine owns speed `w` and takes `torque`.

    Peak-valued space vectors in the frame that turns with the supply, voltage on the d axis::

        d psi_sd/dt = u - R_s i_sd + w_e psi_sq             psi_s = L_s i_s + L_m i_r
        d psi_sq/dt =   - R_s i_sq - w_e psi_sd             psi_r = L_m i_s + L_r i_r
        d psi_rd/dt =   - R_r i_rd + (w_e - p w) psi_rq     torque = 3/2 p (psi_sd i_sq - psi_sq i_sd) - drag w
        d psi_rq/dt =   - R_r i_rq - (w_e - p w) psi_rd

    The cage is as warm as the winding. A blocked inverter or an open contactor is a large series resistance, so that
    the flux dies without a jerk. Valid for sinusoidal supply; saturation, skin effect, harmonics and unbalance are
    left out. Broken bars raise the mean rotor resistance; their sidebands are not modelled.
    """

    R_s = Param("ohm", "stator resistance per phase at T_0", 1.405, (1e-3, 100.0), RECORD)
    R_r = Param("ohm", "rotor resistance at T_0, seen from the stator", 1.395, (1e-3, 100.0), RECORD)
    L_s = Param("H", "stator inductance, leakage and mutual", 0.178039, (1e-4, 10.0), RECORD)
    L_r = Param("H", "rotor inductance, leakage and mutual", 0.178039, (1e-4, 10.0), RECORD)
    L_m = Param("H", "mutual inductance", 0.1722, (1e-4, 10.0), RECORD)
    pole_pairs = Param("1", "pole pairs", 2.0, (1.0, 20.0), RECORD)
    R_open = Param("ohm", "series resistance that stands for a blocked inverter", 15.0, (0.0, 30.0), TRIP)
    R_iron = Param("ohm", "resistance across the stator flux that stands for iron loss", 2000.0, (10.0, 1e6), LOSS)
    drag = Param("N.m.s", "bearings and fan", 1.5e-3, (0.0, 1.0), LOSS)
    R_short = Param("ohm", "resistance of a fully shorted winding", 200.0, (1.0, 1e4), SHORT)
    T_0 = Param("K", "temperature of the resistances above", 293.15, (250.0, 350.0), RULE)
    C_w = Param("J/K", "heat capacity of winding and cage", 2500.0, (10.0, 1e6), HEAT)
    C_f = Param("J/K", "heat capacity of core and frame", 15000.0, (10.0, 1e7), HEAT)
    G_wf = Param("W/K", "winding to frame", 15.0, (0.1, 1e4), HEAT)
    G_0 = Param("W/K", "frame to ambient at standstill", 4.0, (0.01, 1e4), HEAT)
    G_fan = Param("W/K", "added by the shaft's fan at w_nom", 8.0, (0.0, 1e4), HEAT)
    w_nom = Param("rad/s", "speed at which G_fan holds", 150.0, (1.0, 1e3), HEAT)
    T_trip = Param("K", "winding temperature at which the thermistors open the contactor", 423.15, (300.0, 500.0), TRIP)
    T_reset = Param("K", "winding temperature below which it closes again", 373.15, (290.0, 500.0), TRIP)
    T_class = Param("K", "winding temperature at which the insulation lives `life`", 428.15, (350.0, 550.0), TRIP)
    life = Param("s", "life of the insulation at T_class", 7.2e7, (1e3, 1e10), TRIP)

    psi_sd = State("Wb", "stator flux linkage, d", 0.0, (-10.0, 10.0), nominal=0.1)
    psi_sq = State("Wb", "stator flux linkage, q", 0.0, (-10.0, 10.0), nominal=0.1)
    psi_rd = State("Wb", "rotor flux linkage, d", 0.0, (-10.0, 10.0), nominal=0.1)
    psi_rq = State("Wb", "rotor flux linkage, q", 0.0, (-10.0, 10.0), nominal=0.1)
    T_w = State("K", "winding temperature", 293.15, (200.0, 600.0), nominal=10.0)
    T_f = State("K", "frame temperature", 293.15, (200.0, 600.0), nominal=10.0)
    ageing = State("1", "fraction of the insulation's life that is gone", 0.0, (0.0, 10.0), nominal=1e-4)
    voltage = Input("V", "amplitude of the phase voltage", 0.0, (0.0, 2000.0))
    w_e = Input("rad/s", "electrical frequency of the supply", 0.0, (-2000.0, 2000.0))
    w = Input("rad/s", "shaft speed, from the driven machine", 0.0, (-1000.0, 1000.0))
    T_amb = Input("K", "ambient temperature", 293.15, (200.0, 350.0))
    torque = Output("N.m", "torque at the shaft")
    current = Output("A", "line current, rms")
    power = Output("W", "electrical power taken in")
    losses = Output("W", "heat made inside")
    frame_loss = Output("W", "the part of the heat made in core, bearings and fan")
    cooling = Output("W", "heat that the frame gives to the air")
    i_sd = Output("A", "stator current, d, peak")
    i_sq = Output("A", "stator current, q, peak")
    i_rd = Output("A", "rotor current, d, peak, seen from the stator")
    i_rq = Output("A", "rotor current, q, peak, seen from the stator")
    u = Output("V", "amplitude behind the thermistors' contactor")
    r_s = Output("ohm", "stator circuit's resistance as it is")
    r_r = Output("ohm", "cage's resistance as it is")
    broken_bars = Fault("1", "fraction of the cage's bars that no longer carry current", 0.0, (0.0, 0.5),
                        respond="Unload the motor, have its current spectrum measured.", within=604800.0)
    fan_loss = Fault("1", "fraction of the fan's cooling lost",
                     respond="Reduce the load, clear the cowl and replace the fan.", within=3600.0)
    shorted_turns = Fault("1", "fraction of a winding's turns bridged by a short", 0.0, (0.0, 0.3),
                          respond="Stop the motor at once and have its winding tested.", within=60.0)
    tripped = Memory("1", "1 while the thermistors hold the contactor open", 0.0, (0.0, 1.0))

    known = (Known(CIRCUIT, {"voltage": 326.5986323710904, "w_e": 314.1592653589793, "w": 149.22565104551518,
                             "drag": 0.0, "R_iron": 1e6, "psi_sd": 0.029517079129616, "psi_sq": -0.992682118878645,
                             "psi_rd": -0.094060317008687, "psi_rq": -0.947960152858945},
                   {"torque": (30.65505, 1e-3), "current": (8.763537, 1e-4), "power": (5139.14, 0.01)}),)

    @physics
    def circuit(psi_sd, psi_sq, psi_rd, psi_rq, w, L_s, L_r, L_m, pole_pairs, drag, voltage, tripped, T_w, T_0, R_s,
                R_r, R_open, broken_bars):
        sigma = L_s * L_r - L_m**2
        i_sd = (L_r * psi_sd - L_m * psi_rd) / sigma
        i_sq = (L_r * psi_sq - L_m * psi_rq) / sigma
        i_rd = (L_s * psi_rd - L_m * psi_sd) / sigma
        i_rq = (L_s * psi_rq - L_m * psi_sq) / sigma
        torque = 1.5 * pole_pairs * (psi_sd * i_sq - psi_sq * i_sd) - drag * w
        u = voltage * (1 - tripped)
        warm = 1 + ALPHA * (T_w - T_0)
        r_s = R_s * warm + (R_open if u < V_BLOCK else 0.0)
        r_r = R_r * warm / (1 - broken_bars)
        return i_sd, i_sq, i_rd, i_rq, torque, u, r_s, r_r

    @physics
    def heat(u, i_sd, i_sq, i_rd, i_rq, r_s, r_r, psi_sd, psi_sq, w_e, w, w_nom, T_f, T_amb, R_iron, R_short, drag, G_0,
             G_fan, shorted_turns, fan_loss):
        i_short = u * shorted_turns / R_short
        iron = 1.5 * w_e**2 * (psi_sd**2 + psi_sq**2) / R_iron
        current = math.sqrt(0.5 * ((i_sd + i_short) ** 2 + i_sq**2))
        power = 1.5 * u * (i_sd + i_short) + iron
        frame_loss = iron + drag * w**2
        losses = 1.5 * (r_s * (i_sd**2 + i_sq**2) + r_r * (i_rd**2 + i_rq**2) + u * i_short) + frame_loss
        cooling = (G_0 + G_fan * (1 - fan_loss) * abs(w) / w_nom) * (T_f - T_amb)
        return current, power, frame_loss, losses, cooling

    @physics
    def fluxes(u, r_s, r_r, i_sd, i_sq, i_rd, i_rq, psi_sd, psi_sq, psi_rd, psi_rq, w_e, w, pole_pairs):
        slip = w_e - pole_pairs * w
        d_psi_sd = u - r_s * i_sd + w_e * psi_sq
        d_psi_sq = -r_s * i_sq - w_e * psi_sd
        d_psi_rd = -r_r * i_rd + slip * psi_rq
        d_psi_rq = -r_r * i_rq - slip * psi_rd
        return d_psi_sd, d_psi_sq, d_psi_rd, d_psi_rq

    @physics
    def warming(T_w, T_f, losses, frame_loss, cooling, C_w, C_f, G_wf, T_class, life):
        inner = G_wf * (T_w - T_f)
        d_T_w = (losses - frame_loss - inner) / C_w
        d_T_f = (frame_loss + inner - cooling) / C_f
        d_ageing = math.pow(2.0, (T_w - T_class) / HALVING) / life
        return d_T_w, d_T_f, d_ageing

    @balance
    def energy(i_sd, i_sq, i_rd, i_rq, d_psi_sd, d_psi_sq, d_psi_rd, d_psi_rq, d_T_w, d_T_f, C_w, C_f, power, torque, w,
               cooling):
        field = 1.5 * (i_sd * d_psi_sd + i_sq * d_psi_sq + i_rd * d_psi_rd + i_rq * d_psi_rq)
        stored = field + C_w * d_T_w + C_f * d_T_f
        supplied = power - torque * w - cooling
        return stored, supplied

    @guard
    def thermistors(T_w, tripped, T_trip, T_reset):
        excess = T_w - T_trip if tripped < 0.5 else T_reset - T_w
        return excess

    @guard
    def worn_out(ageing):
        excess = ageing - 1.0
        return excess

    @on("thermistors")
    def open_or_close(tripped):
        tripped = 1.0 - tripped
        return tripped
