"""PID temperature controller with output limits, back-calculation and bumpless manual operation."""

from twin.declare import Asset, Fault, Input, Known, Memory, Output, Param, Source, State, balance, guard, on, physics

TUNING = Source("guess", "after a slow temperature loop; tune to the plant")
FORM = Source("guess", "limits and weights after common practice")
TRACKING = Source("sheet", "[buildings-limpid] Ni = 0.9, Ni*Ti is the time constant of anti-windup compensation")
CLOSED = Source("guess", "closed form: proportional and integral action, worked by hand")


class PidController(Asset):
    """PID controller of a temperature that moves a final element between two limits.

        v  = gain (b setpoint - y) + integral - gain T_d (y - y_f)/T_f
        u  = min(max(v, low), high)                  in automatic;  manual, limited, by hand
        d integral/dt = gain/T_i (setpoint - y) + (u - v)/T_t        [1]_
        d y_f/dt      = (y - y_f)/T_f

    The derivative acts on the measurement alone. By hand, only the tracking term moves the integral, so v
    follows u and the change back to automatic is without a bump; the change to hand takes over u.
    A negative gain opens on a rising measurement. Holds for loops much slower than the controller's sampling.
    Left out: sampling, quantised output.

    References
    ----------
    .. [1] Back-calculation, as in block LimPID of the Modelica Buildings library.
    """

    gain = Param("1/K", "proportional gain, negative to open on a rising measurement", 0.02, (-100.0, 100.0), TUNING)
    T_i = Param("s", "integral time", 40.0, (1e-3, 1e6), TUNING)
    T_d = Param("s", "derivative time, 0 for none", 0.0, (0.0, 1e5), TUNING)
    T_f = Param("s", "filter of the derivative", 1.0, (0.02, 1e5), TUNING)
    T_t = Param("s", "tracking time of the integral at a limit or by hand", 36.0, (0.01, 1e6), TRACKING)
    weight = Param("1", "share of the set point in the proportional action", 1.0, (0.0, 1.0), FORM)
    low = Param("1", "least output", 0.0, (-10.0, 10.0), FORM)
    high = Param("1", "greatest output", 1.0, (-10.0, 10.0), FORM)

    integral = State("1", "integral action", 0.5, (-1e3, 1e3), nominal=0.1)
    y_f = State("K", "filtered measurement", 293.15, (0.0, 1e3), nominal=1.0)
    setpoint = Input("K", "wanted value", 293.15, (0.0, 1e3))
    measurement = Input("K", "measured value", 293.15, (0.0, 1e3))
    manual = Input("1", "output set by hand", 0.5, (-10.0, 10.0))
    auto = Input("1", "selector: 1 automatic, 0 by hand", 1.0, (0.0, 1.0))
    command = Output("1", "output to the final element")
    unlimited = Output("1", "output before its limits")
    error = Output("K", "set point less measurement")
    bias = Fault("K", "error of the transmitter", 0.0, (-20.0, 20.0),
                 respond="Compare the transmitter with its neighbour and recalibrate it.", within=86400.0)
    automatic = Memory("1", "1 automatic, 0 by hand", 1.0, (0.0, 1.0))

    known = (
        Known(CLOSED, {"setpoint": 300.0, "measurement": 290.0, "y_f": 290.0, "gain": 0.02, "integral": 0.3},
              {"command": (0.5, 1e-9), "error": (10.0, 1e-9)}),
        Known(CLOSED, {"setpoint": 400.0, "measurement": 290.0, "y_f": 290.0, "gain": 0.02, "integral": 0.3},
              {"command": (1.0, 1e-9), "unlimited": (2.5, 1e-9)}),
    )

    @physics
    def action(integral, y_f, setpoint, measurement, manual, automatic, gain, T_d, T_f, weight, low, high, bias):
        seen = measurement + bias
        error = setpoint - seen
        unlimited = gain * (weight * setpoint - seen) + integral - gain * T_d * (seen - y_f) / T_f
        chosen = automatic * unlimited + (1.0 - automatic) * manual
        command = min(max(chosen, low), high)
        return command, unlimited, error

    @physics
    def dynamics(y_f, measurement, bias, error, command, unlimited, automatic, gain, T_i, T_f, T_t):
        d_integral = automatic * gain / T_i * error + (command - unlimited) / T_t
        d_y_f = (measurement + bias - y_f) / T_f
        return d_integral, d_y_f

    @balance
    def tracking(d_integral, error, command, unlimited, automatic, gain, T_i, T_t):
        """Balance what the integral gains with what the error gives less what the limits cut off."""
        stored = d_integral * T_i * T_t
        supplied = automatic * gain * error * T_t - (unlimited - command) * T_i
        return stored, supplied

    @guard
    def saturated(unlimited, low, high):
        margin = max(unlimited - high, low - unlimited)
        return margin

    @guard
    def to_hand(auto):
        margin = 0.5 - auto
        return margin

    @on("to_hand")
    def take_over(command):
        automatic = 0.0
        manual = command
        return automatic, manual

    @guard
    def to_automatic(auto):
        margin = auto - 0.5
        return margin

    @on("to_automatic")
    def hand_back(integral, command, unlimited):
        automatic = 1.0
        integral = integral + command - unlimited
        return automatic, integral
