"""Level transmitter: volts by level, with zero, span, a slight curve, and limits of its output."""

from twin.declare import Asset, Fault, Input, Known, Output, Param, Source, balance, physics

RANGE = Source("guess", "after common transmitters of 0 to 10 V; the span is that of a vessel of 0.25 m")
IDEAL = Source("guess", "an ideal transmitter; a recording tells better")
SUPPLY = Source("guess", "after common three-wire transmitters: 24 V, 20 mA, loads from 1 kohm up")
CLOSED = Source("guess", "closed form: the equation of the signal by hand")


class LevelTransmitter(Asset):
    """Transmitter of a liquid's level with a voltage output and a series regulator.

        straight = span (1 - span_loss) level
        signal   = zero + drift + straight + curvature (straight - middle)^2,  kept between low and high
        power    = supply (idle + current),   current = signal/load

    The curve stands for what makes a real transmitter not quite straight: the vessel's shape, the cell, the float's
    arm. It bends the signal by `curvature` times the square of the distance from `middle`, where it changes nothing.
    Valid while the signal rises with the level, and for levels slow against the transmitter: its lag is left out.
    What is beyond the limits can't be told from the signal.
    """

    zero = Param("V", "signal of an empty vessel", 0.0, (-10.0, 10.0), IDEAL)
    span = Param("V/m", "rise of the signal with the level", 40.0, (1e-3, 1e4), RANGE)
    curvature = Param("1/V", "bend of the signal about its middle", 0.0, (-0.5, 0.5), IDEAL)
    middle = Param("V", "where the bend is nothing", 5.0, (-100.0, 100.0), RANGE)
    low = Param("V", "lowest signal that the output gives", 0.0, (-100.0, 1.0), RANGE)
    high = Param("V", "highest signal that the output gives", 10.0, (2.0, 100.0), RANGE)
    supply = Param("V", "supply voltage", 24.0, (1.0, 250.0), SUPPLY)
    idle = Param("A", "current of the electronics", 0.02, (0.0, 1.0), SUPPLY)
    load = Param("ohm", "resistance that reads the signal", 1e4, (500.0, 1e8), SUPPLY)

    level = Input("m", "level of the liquid", 0.0, (-200.0, 200.0))

    signal = Output("V", "signal at the output")
    current = Output("A", "current through the load")
    power = Output("W", "power taken from the supply")
    heat = Output("W", "power that warms the transmitter")

    drift = Fault("V", "shift of the zero", 0.0, (-5.0, 5.0), within=7 * 86400.0,
                  respond="Check the zero against a dipped level and adjust it.")
    span_loss = Fault("1", "share of the span lost to a clogged line or a coated cell", 0.0, (0.0, 1.0), within=86400.0,
                      respond="Flush the line and clean the cell; read the level by eye meanwhile.")

    known = (
        Known(CLOSED, {"level": 0.1, "zero": 0.5}, {"signal": (4.5, 1e-12), "power": (0.4908, 1e-12)}),
        Known(CLOSED, {"level": 0.2, "curvature": -0.02}, {"signal": (7.82, 1e-12)}),
        Known(CLOSED, {"level": 0.3}, {"signal": (10.0, 1e-12)}),
        Known(CLOSED, {"level": 0.1, "drift": 0.25, "span_loss": 0.5}, {"signal": (2.25, 1e-12)}),
    )

    @physics
    def transmitter(level, zero, span, curvature, middle, low, high, drift, span_loss):
        straight = span * (1 - span_loss) * level
        bent = zero + drift + straight + curvature * (straight - middle) ** 2
        signal = min(max(bent, low), high)
        return signal

    @physics
    def electronics(signal, supply, idle, load):
        current = signal / load
        power = supply * (idle + current)
        heat = supply * idle + (supply - signal) * current
        return current, power, heat

    @balance
    def energy(signal, current, power, heat):
        """Power from the supply warms the transmitter or reaches the load."""
        stored = heat + signal * current
        supplied = power
        return stored, supplied
