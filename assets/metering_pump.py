"""Metering pump: flow by a command in volts, with a dead band below which nothing is delivered."""

from twin.declare import Asset, Fault, Input, Known, Output, Param, Source, balance, physics

SIZE = Source("guess", "after small laboratory pumps of some 2 l/min at 10 V")
IDEAL = Source("guess", "an ideal pump; a recording tells better")
CLOSED = Source("guess", "closed form: the equations by hand")


class MeteringPump(Asset):
    """Small pump whose flow follows its command beyond a dead band, whatever the pressure.

        drive     = max(command - dead - dead_rise, 0)
        displaced = gain drive/(1 + droop drive)
        flow      = (1 - slip) displaced

    `droop` is for pumps that gain less and less; with its value of 0 the flow is straight. Valid for forward flow
    against a head that hardly changes, and for commands slow against the motor, whose lag is left out with the pulses.
    """

    gain = Param("m3/(s.V)", "flow per volt beyond the dead band", 4e-6, (1e-12, 1.0), SIZE)
    dead = Param("V", "command at which delivery begins", 0.5, (0.0, 100.0), SIZE)
    droop = Param("1/V", "share of the gain lost per volt", 0.0, (0.0, 10.0), IDEAL)

    command = Input("V", "command to the motor", 0.0, (-1e3, 1e3))

    displaced = Output("m3/s", "flow that the pump would deliver without slip")
    flow = Output("m3/s", "flow delivered")
    fallen_back = Output("m3/s", "flow that falls back inside the pump")

    slip = Fault("1", "share of the flow that falls back through worn valves or is lost to air", 0.0, (0.0, 1.0),
                 within=86400.0, respond="Vent the pump and its suction line; renew the valves if the flow stays low.")
    dead_rise = Fault("V", "rise of the dead band", 0.0, (0.0, 10.0), within=7 * 86400.0,
                      respond="Free the motor and the pump head; check the amplifier.")

    known = (
        Known(CLOSED, {"command": 3.0}, {"flow": (1e-5, 1e-17)}),
        Known(CLOSED, {"command": 0.4}, {"flow": (0.0, 1e-17)}),
        Known(CLOSED, {"command": 2.5, "droop": 0.5}, {"flow": (4e-6, 1e-17)}),
        Known(CLOSED, {"command": 3.0, "slip": 0.5, "dead_rise": 0.5}, {"flow": (4e-6, 1e-17)}),
    )

    @physics
    def pump(command, gain, dead, droop, slip, dead_rise):
        drive = max(command - dead - dead_rise, 0.0)
        displaced = gain * drive / (1 + droop * drive)
        flow = (1 - slip) * displaced
        fallen_back = slip * displaced
        return displaced, flow, fallen_back

    @balance
    def volume(displaced, flow, fallen_back):
        stored = flow + fallen_back
        supplied = displaced
        return stored, supplied
