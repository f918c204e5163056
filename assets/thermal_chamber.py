"""Thermal chamber: heated, ventilated box with a thermostat (the INTO-CPS incubator)."""

import math

from twin.declare import (Asset, Due, Fault, Input, Known, Memory, Output, Param, Source, State, at, balance, guard, on,
                          physics)

INCUBATOR = Source("paper", "[incubator] startup.conf, plant param4")
OPEN_LID = Source("paper", "[incubator] mess_with_lid_mock.py: 10 G_box")
PLAIN = Source("guess", "after the published model, which has none of it; kept small")
FREE = Source("guess", "after free against forced convection")
TAIL = Source("guess", "after the air's; only a recording with a slow tail tells it")
CONTROLLER = Source("paper", "[incubator] startup.conf, controller")
STEADY = Source("guess", "closed form: at rest P = G_heater (T_heater - T_air) = G_box (T_air - T_room)")
MODES = Source("guess", "closed form: on an eigenvector all differences from T_room decay at one rate")


class ThermalChamber(Asset):
    """Heated box of three heat capacities: heater, air, and wall with content.

    The published four-parameter model of the incubator, with a lid, a wall and a sensor beside it.

        C_heater dT_heater/dt = V I on / (1 + alpha (T_heater - T_cold)) - G_heater (T_heater - T_air)   [1]_
        C_air dT_air/dt       = G_heater (T_heater - T_air) - G_loss (T_air - T_room) - G_wall (T_air - T_wall)
        C_wall dT_wall/dt     = G_wall (T_air - T_wall)
        tau dT_sensor/dt      = T_air - T_sensor
        G_loss                = (1 - lid) G_box + lid G_open_lid                                   [1]_

    With G_wall at its default of zero and the lid shut it is the published model. The thermostat heats in
    pulses with gaps between them up to T_desired, then waits until the box is lower_bound colder [1]_.

    Valid for well stirred air, 0 to 100 degC. Left out: the fan's own heat, humidity, radiation as a term
    of its own, and lag of the lid.

    References
    ----------
    .. [1] INTO-CPS Association, example_digital-twin_incubator: four_parameter_model.py,
       seven_parameter_model.py and controller_model_sm.py.
    """

    C_air = Param("J/K", "heat capacity of air and what follows it at once", 267.55929458, (10.0, 1e6), INCUBATOR)
    G_box = Param("W/K", "loss of the shut box to the room", 0.5763498, (1e-3, 1e3), INCUBATOR)
    C_heater = Param("J/K", "heat capacity of the heater", 329.25376821, (10.0, 1e6), INCUBATOR)
    G_heater = Param("W/K", "heater to air with the fan running", 1.67053237, (1e-3, 1e3), INCUBATOR)
    V_heater = Param("V", "heater voltage", 12.15579391, (0.0, 1e3), INCUBATOR)
    I_heater = Param("A", "heater current", 1.53551347, (0.0, 100.0), INCUBATOR)
    G_open_lid = Param("W/K", "loss with the lid open", 5.763498, (1e-3, 1e4), OPEN_LID)
    alpha = Param("1/K", "rise of the heater's resistance with its temperature", 0.0, (-0.01, 0.02), PLAIN)
    T_cold = Param("K", "heater temperature at which voltage and current hold", 293.15, (250.0, 600.0), PLAIN)
    C_wall = Param("J/K", "heat capacity of wall and content", 300.0, (10.0, 1e7), TAIL)
    G_wall = Param("W/K", "air to wall and content", 0.0, (0.0, 1e3), PLAIN)
    tau = Param("s", "lag of the thermometer", 1.0, (0.1, 600.0), PLAIN)
    still = Param("1", "share of G_heater that remains without a fan", 0.4, (0.0, 1.0), FREE)
    T_desired = Param("K", "temperature at which heating stops", 308.15, (273.15, 373.15), CONTROLLER)
    lower_bound = Param("K", "how far the box cools before heating starts again", 5.0, (0.1, 50.0), CONTROLLER)
    heating_time = Param("s", "length of a heating pulse", 20.0, (1.0, 1e5), CONTROLLER)
    heating_gap = Param("s", "gap between heating pulses", 30.0, (1.0, 1e5), CONTROLLER)

    T_heater = State("K", "heater temperature", 294.15, (200.0, 600.0), nominal=1.0)
    T_air = State("K", "air temperature in the box", 294.15, (200.0, 600.0), nominal=1.0)
    T_wall = State("K", "temperature of wall and content", 294.15, (200.0, 600.0), nominal=1.0)
    T_sensor = State("K", "what the thermometer in the box shows", 294.15, (200.0, 600.0), nominal=1.0)

    T_room = Input("K", "room temperature", 294.15, (250.0, 330.0))
    automatic = Input("1", "1: the thermostat switches the heater, 0: heater_on does", 1.0, (0.0, 1.0))
    heater_on = Input("1", "heater command while the thermostat is off", 0.0, (0.0, 1.0))
    fan_on = Input("1", "fan command", 1.0, (0.0, 1.0))

    heating = Memory("1", "1 while the thermostat heats", 0.0, (0.0, 1.0))
    next_switch = Due("end of the present pulse or gap; never while cooling down", 0.0)

    lid_open = Fault("1", "how far the lid stands open", respond="Close the lid and check its seal.", within=60.0)
    fan_loss = Fault("1", "share of the fan's air lost", respond="Stop heating and free the fan.", within=600.0)
    heater_loss = Fault("1", "share of the heater lost", respond="Replace the open element.", within=3600.0)

    heater = Output("1", "1 while the heater's relay is closed")
    heater_power = Output("W", "electrical power of the heater")
    heater_flow = Output("W", "heat from heater to air")
    box_loss = Output("W", "heat from box to room")

    known = (
        Known(STEADY, {"automatic": 0.0, "heater_on": 1.0, "T_room": 294.15, "T_air": 326.5355, "T_wall": 326.5355,
                       "T_heater": 337.7087},
              {"heater_power": (18.66538, 1e-5), "box_loss": (18.6654, 1e-4), "d_T_air": (0.0, 1e-6),
               "d_T_heater": (0.0, 1e-6)}),
        Known(MODES, {"automatic": 0.0, "T_room": 294.15, "T_air": 304.15, "T_wall": 304.15, "T_heater": 306.2113046},
              {"d_T_air": (10.0 * -8.671056900e-4, 1e-9), "d_T_heater": (12.0613046 * -8.671056900e-4, 1e-9)}),
        Known(MODES, {"automatic": 0.0, "T_room": 294.15, "T_air": 304.15, "T_wall": 304.15, "T_heater": 287.4125586},
              {"d_T_air": (10.0 * -1.260428486e-2, 1e-9), "d_T_heater": (-6.7374414 * -1.260428486e-2, 1e-9)}),
    )

    @physics
    def switches(T_air, T_heater, automatic, heating, heater_on, fan_on, V_heater, I_heater, alpha, T_cold, G_heater,
                 still, fan_loss, heater_loss):
        heater = automatic * heating + (1 - automatic) * heater_on
        warmer = 1 + alpha * (T_heater - T_cold)
        heater_power = heater * V_heater * I_heater / warmer * (1 - heater_loss)
        heater_flow = G_heater * (still + (1 - still) * fan_on * (1 - fan_loss)) * (T_heater - T_air)
        return heater, heater_power, heater_flow

    @physics
    def losses(T_air, T_room, G_box, G_open_lid, lid_open):
        box_loss = ((1 - lid_open) * G_box + lid_open * G_open_lid) * (T_air - T_room)
        return box_loss

    @physics
    def dynamics(T_air, T_wall, T_sensor, heater_power, heater_flow, box_loss, C_heater, C_air, C_wall, G_wall, tau):
        wall_flow = G_wall * (T_air - T_wall)
        d_T_heater = (heater_power - heater_flow) / C_heater
        d_T_air = (heater_flow - box_loss - wall_flow) / C_air
        d_T_wall = wall_flow / C_wall
        d_T_sensor = (T_air - T_sensor) / tau
        return d_T_heater, d_T_air, d_T_wall, d_T_sensor

    @balance
    def energy(d_T_heater, d_T_air, d_T_wall, C_heater, C_air, C_wall, heater_power, box_loss):
        stored = C_heater * d_T_heater + C_air * d_T_air + C_wall * d_T_wall
        supplied = heater_power - box_loss
        return stored, supplied

    @guard
    def too_cold(T_sensor, T_desired, lower_bound, automatic):
        margin = automatic * (T_desired - T_sensor) - lower_bound
        return margin

    @guard
    def too_hot(T_sensor, T_desired):
        margin = T_sensor - T_desired
        return margin

    @on("too_cold")
    def heat_again(t, heating, next_switch, heating_time):
        heating = 1.0 if next_switch == math.inf else heating
        next_switch = t + heating_time if next_switch == math.inf else next_switch
        return heating, next_switch

    @on("too_hot")
    def cool_down(heating, next_switch):
        next_switch = math.inf if heating > 0.5 else next_switch
        heating = 0.0
        return heating, next_switch

    @at("next_switch")
    def pulse(t, heating, T_sensor, T_desired, heating_time, heating_gap):
        after_gap = t + heating_time if T_sensor <= T_desired else math.inf
        resumed = 1.0 if T_sensor <= T_desired else 0.0
        next_switch = t + heating_gap if heating > 0.5 else after_gap
        heating = 0.0 if heating > 0.5 else resumed
        return heating, next_switch
