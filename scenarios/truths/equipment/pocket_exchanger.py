"""Counterflow heat exchanger with a pocket of liquid behind its plates and a gasket that may fail."""

import math

from twin.declare import Asset, Constant, Fault, Input, Known, Output, Param, Source, State, balance, physics

LIKE = Source("guess", "as `heat_exchanger`, whose plant this factory is taken for")
POCKET = Source("guess", "after some 12 m of DN 100 between plates and thermometer, with its steel")
GASKET = Source("guess", "after plate exchangers whose gaskets are sound")
FORM = Source("guess", "closed form: mixing and effectiveness of counterflow, worked by hand")

RHO = Constant("kg/m3", "water near 20 degC", 998.2, LIKE)
HEAT_CAPACITY = Constant("J/(kg.K)", "heat capacity of water", 4181.8, LIKE)
RHO_C = 998.2 * 4181.8  # for the Known point below
FLOW_MIN = Constant("m3/s", "flow below which film coefficients stay", 1e-6, LIKE)


def counterflow(ntu, ratio):
    """Return the effectiveness of counterflow; exact also where both capacity rates are equal."""
    spread = max(1.0 - ratio, 1e-9)
    gone = -math.expm1(-ntu * spread)
    return gone / (spread + ratio * gone)


class PocketExchanger(Asset):
    """The plant's `heat_exchanger` with two things that it lacks, for a factory unlike its twin.

        C_pocket dT_hot/dt = rho c Q ((1 - bypass) T_plate + bypass T_in - T_hot)
        C_hot dT_plate/dt  = rho c (1 - bypass) Q (T_in - T_plate) - duty + dp Q
        dp                 = dp_nom ((1 - bypass) Q)^2/(Q_nom (1 - clog))^2

    What leaves the plates, `T_plate`, passes a mixed pocket before it is measured and goes on as `T_hot`. `bypass` is
    the share of the hot flow that a failed gasket lets past the plates: no fault, for the twin's exchanger has none
    such. Effectiveness, films and fouling are those of `heat_exchanger`. Valid where that is.
    """

    G_hot = Param("W/K", "film and wall conductance of the hot side at nominal flow", 3.6e4, (1.0, 1e8), LIKE)
    G_cold = Param("W/K", "film conductance of the cold side at nominal flow", 3.6e4, (1.0, 1e8), LIKE)
    flow_hot_nom = Param("m3/s", "nominal hot flow", 8e-3, (1e-6, 10.0), LIKE)
    flow_cold_nom = Param("m3/s", "nominal cold flow", 8e-3, (1e-6, 10.0), LIKE)
    exponent = Param("1", "how conductance follows flow", 0.8, (0.0, 1.0), LIKE)
    area = Param("m2", "heat transfer area", 6.0, (0.01, 1e4), LIKE)
    dp_nom = Param("Pa", "pressure drop of the hot side at nominal flow", 4.0e4, (0.0, 1e7), LIKE)
    capacity_hot = Param("J/K", "heat capacity of the hot side with half of the metal", 4.0e4, (1.0, 1e9), LIKE)
    capacity_cold = Param("J/K", "heat capacity of the cold side with half of the metal", 4.0e4, (1.0, 1e9), LIKE)
    capacity_pocket = Param("J/K", "heat capacity of the pocket behind the plates", 1.2e5, (1.0, 1e9), POCKET)
    bypass = Param("1", "share of the hot flow that leaks past the plates", 0.0, (0.0, 0.9), GASKET)
    fouling_time = Param("s", "time constant of fouling", 1.2e6, (1.0, 1e9), LIKE)

    T_hot = State("K", "temperature at the hot outlet, behind the pocket", 293.15, (263.15, 393.15), nominal=10.0)
    T_plate = State("K", "temperature of the hot side of the plates", 293.15, (263.15, 393.15), nominal=10.0)
    T_cold = State("K", "temperature at the cold outlet", 288.15, (263.15, 393.15), nominal=10.0)
    R_f = State("m2.K/W", "fouling resistance", 0.0, (-1e-9, 0.1), nominal=1e-4)
    flow = Input("m3/s", "hot flow", 0.0, (-10.0, 10.0))
    T_in = Input("K", "temperature at the hot inlet", 303.15, (263.15, 393.15))
    flow_cold = Input("m3/s", "cold flow", 8e-3, (0.0, 10.0))
    T_cold_in = Input("K", "temperature at the cold inlet", 288.15, (263.15, 393.15))
    dp = Output("Pa", "pressure drop of the hot side")
    duty = Output("W", "heat from hot to cold")
    effectiveness = Output("1", "duty over the greatest possible")
    UA = Output("W/K", "overall conductance")
    fouling = Fault("m2.K/W", "fouling resistance towards which the surface grows", 0.0, (0.0, 5e-3),
                    respond="Plan a chemical or mechanical cleaning of the plates.", within=14 * 86400.0)
    clog = Fault("1", "share of the hot channels that are clogged", 0.0, (0.0, 0.9),
                 respond="Backflush the exchanger; open it if the pressure drop stays.", within=86400.0)

    known = (
        Known(FORM, {"flow": 500.0 / RHO_C, "flow_hot_nom": 500.0 / RHO_C, "G_hot": 2000.0,
                     "flow_cold": 800.0 / RHO_C, "flow_cold_nom": 800.0 / RHO_C, "G_cold": 2000.0},
              {"effectiveness": (0.7487, 1e-4), "UA": (1000.0, 1e-6)}),
        Known(FORM, {"flow": 8e-3, "bypass": 0.5}, {"dp": (1.0e4, 1e-9)}),
    )

    @physics
    def exchange(flow, T_in, flow_cold, T_cold_in, R_f, G_hot, G_cold, flow_hot_nom, flow_cold_nom, exponent, area,
                 dp_nom, clog, bypass):
        through = flow * (1.0 - bypass)
        hot = max(through, FLOW_MIN)
        cold = max(flow_cold, FLOW_MIN)
        film_hot = G_hot * math.pow(hot / flow_hot_nom, exponent)
        film_cold = G_cold * math.pow(cold / flow_cold_nom, exponent)
        UA = (1.0 - clog) / (1.0 / film_hot + R_f / area + 1.0 / film_cold)
        c_min = RHO * HEAT_CAPACITY * min(hot, cold)
        effectiveness = counterflow(UA / c_min, min(hot, cold) / max(hot, cold))
        least = RHO * HEAT_CAPACITY * min(max(through, 0.0), flow_cold)
        duty = effectiveness * least * (T_in - T_cold_in)
        dp = dp_nom * through * abs(through) / (flow_hot_nom * (1.0 - clog)) ** 2
        return dp, duty, effectiveness, UA

    @physics
    def dynamics(T_hot, T_plate, T_cold, R_f, flow, T_in, flow_cold, T_cold_in, duty, dp, bypass, capacity_hot,
                 capacity_pocket, capacity_cold, fouling, fouling_time):
        hot = RHO * HEAT_CAPACITY * max(flow, 0.0)
        d_T_plate = (hot * (1.0 - bypass) * (T_in - T_plate) - duty + dp * flow) / capacity_hot
        d_T_hot = hot * ((1.0 - bypass) * T_plate + bypass * T_in - T_hot) / capacity_pocket
        d_T_cold = (RHO * HEAT_CAPACITY * flow_cold * (T_cold_in - T_cold) + duty) / capacity_cold
        d_R_f = (fouling - R_f) / fouling_time
        return d_T_hot, d_T_plate, d_T_cold, d_R_f

    @balance
    def energy(T_hot, T_cold, d_T_hot, d_T_plate, d_T_cold, flow, T_in, flow_cold, T_cold_in, dp, capacity_hot,
               capacity_pocket, capacity_cold):
        """Both sides and the pocket together: what the streams bring less what they carry off."""
        stored = capacity_hot * d_T_plate + capacity_pocket * d_T_hot + capacity_cold * d_T_cold
        carried = max(flow, 0.0) * (T_in - T_hot) + flow_cold * (T_cold_in - T_cold)
        supplied = RHO * HEAT_CAPACITY * carried + dp * flow
        return stored, supplied
