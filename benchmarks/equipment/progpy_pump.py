"""ProgPy's centrifugal pump, equation by equation, so that both compute the same."""

import math

from twin.declare import Asset, Fault, Input, Output, Param, Source, State, physics

PROGPY = Source("guess", "after the defaults of progpy.models.centrifugal_pump 1.9; only for comparing speed")


class ProgpyPump(Asset):
    """Pump, its motor, bearings and oil, as in ProgPy 1.9 (Daigle and Goebel 2013)."""

    b = Param("1", "pressure by speed and flow", 17984.6, (0.0, 1e6), PROGPY)
    c = Param("1", "flow by root of pressure", 8.24123e-5, (0.0, 1.0), PROGPY)
    r = Param("1", "friction of speed", 0.008, (0.0, 1.0), PROGPY)

    w = State("1", "speed", 376.991118431, (1.0, 1e3))
    Q = State("1", "flow", 0.0, (-1.0, 1.0), nominal=1e-3)
    Tt = State("1", "thrust bearing's temperature", 290.0, (200.0, 1e3))
    Tr = State("1", "radial bearing's temperature", 290.0, (200.0, 1e3))
    To = State("1", "oil's temperature", 290.0, (200.0, 1e3))
    A = State("1", "impeller's area", 12.7084, (0.0, 100.0))
    rRadial = State("1", "radial friction", 1.8e-6, (0.0, 1.0), nominal=1e-6)
    rThrust = State("1", "thrust friction", 1.4e-6, (0.0, 1.0), nominal=1e-6)

    Tamb = Input("1", "ambient temperature", 290.0, (200.0, 400.0))
    V = Input("1", "voltage", 471.2389, (1.0, 1e3))
    pdisch = Input("1", "discharge pressure", 928654.0, (0.0, 1e8))
    psuc = Input("1", "suction pressure", 239179.0, (0.0, 1e8))
    wsync = Input("1", "synchronous speed", 376.991118431, (1.0, 1e3))
    Qout = Output("1", "discharge flow")
    wA = Fault("1", "wear rate of the impeller", 0.0, (0.0, 1.0), respond="Change the impeller.", within=86400.0)

    @physics
    def flow(Q, pdisch, psuc):
        leaked = 1e-10 * math.sqrt(abs(psuc - pdisch)) * (-1.0 if psuc < pdisch else 1.0)
        Qout = max(0.0, Q - leaked)
        return Qout

    @physics
    def dynamics(w, Q, Tt, Tr, To, A, rRadial, rThrust, Tamb, V, pdisch, psuc, wsync, Qout, b, c, r, wA):
        d_To = (1.0 * (Tt - To) + 3.0 * (Tr - To) + 1.5 * (Tamb - To)) / 8000.0
        d_Tt = (rThrust * w * w - 0.0034 * (Tt - Tamb) - 0.0026 * (Tt - To)) / 7.3
        d_Tr = (rRadial * w * w - 0.0018 * (Tr - Tamb) - 0.020 * (Tr - To)) / 2.4
        d_A = -wA * Q * Q
        d_rRadial = 0.0 * rRadial * w * w
        d_rThrust = 0.0 * rThrust * w * w
        friction = (r + rThrust + rRadial) * w
        slip = max(-1.0, min(1.0, (wsync - w) / wsync))
        rest = 0.36 + 0.076 / slip
        torque = 3.0 * 0.076 / (slip * (wsync + 0.00001)) * V * V / (rest * rest + wsync * 0.00063 * wsync * 0.00063)
        back = -9179.4 * Qout * Qout + 5.77703 * w * Qout + 0.00149204 * w * w
        pressure = A * w * w + b * w * Q + psuc - pdisch
        drawn = c * math.sqrt(abs(pressure)) * (-1.0 if pressure < 0.0 else 1.0)
        d_w = (torque - friction - back) / 50.0
        d_Q = (drawn - Q) / 5.0
        return d_w, d_Q, d_Tt, d_Tr, d_To, d_A, d_rRadial, d_rThrust
