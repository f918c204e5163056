"""Counterflow heat exchanger: effectiveness-NTU duty, two outlet temperatures, fouling that grows."""

import math

from twin.declare import Asset, Constant, Fault, Input, Known, Output, Param, Source, State, balance, physics

NTU_PAGE = Source("sheet", "[calculatorlib-ntu] UA 1000 W/K, C 500 and 800 W/K: effectiveness 0.7487")
SIZE = Source("guess", "after a plate heat exchanger for about 100 kW, water to water")
FILM = Source("guess", "after the 0.8 power of velocity in turbulent film coefficients")
FOULING = Source("guess", "after common cooling-water experience of weeks")

WATER = Source("sheet", "[lsbu-water] 20 degC: density 998.2 kg/m3")
WARM = Source("sheet", "[wfrjr-water] specific heat of water at 20 degC 4.1818 kJ/kgC")
REST = Source("guess", "no data; keeps rates finite at rest")

RHO = Constant("kg/m3", "water near 20 degC", 998.2, WATER)
HEAT_CAPACITY = Constant("J/(kg.K)", "heat capacity of water", 4181.8, WARM)
RHO_C = 998.2 * 4181.8  # for the Known point below
FLOW_MIN = Constant("m3/s", "flow below which film coefficients stay", 1e-6, REST)


def counterflow(ntu, ratio):
    """Return the effectiveness of counterflow; exact also where both capacity rates are equal."""
    spread = max(1.0 - ratio, 1e-9)
    gone = -math.expm1(-ntu * spread)
    return gone / (spread + ratio * gone)


class HeatExchanger(Asset):
    """Counterflow exchanger, steadily exact by effectiveness-NTU; each side is one mixed capacity.

        duty = eps C_min (T_in - T_cold_in)
        eps  = (1 - exp(-N (1 - C)))/(1 - C exp(-N (1 - C))),  N = UA/C_min, C = C_min/C_max  [1]_
        1/UA = 1/G_hot + R_f/area + 1/G_cold,   G ~ flow^0.8
        C_hot dT_hot/dt = rho c Q (T_in - T_hot) - duty + dp Q
        dR_f/dt = (fouling - R_f)/fouling_time, the asymptotic growth of Kern and Seaton      [2]_

    Half of the metal counts to each side. Valid for liquid water on both sides, forward flow, and changes slower
    than the liquid takes to pass. Left out: the delay along the plates, a stopped side cooling to
    the other, heat loss of the shell, change of properties with temperature.

    References
    ----------
    .. [1] Effectiveness of a counterflow exchanger, as in any heat transfer text.
    .. [2] Kern and Seaton (1959), R_f(t) = R_max (1 - exp(-t/tau)), as in NeqSim's FoulingModel.
    """

    G_hot = Param("W/K", "film and wall conductance of the hot side at nominal flow", 3.6e4, (1.0, 1e8), SIZE)
    G_cold = Param("W/K", "film conductance of the cold side at nominal flow", 3.6e4, (1.0, 1e8), SIZE)
    flow_hot_nom = Param("m3/s", "nominal hot flow", 8e-3, (1e-6, 10.0), SIZE)
    flow_cold_nom = Param("m3/s", "nominal cold flow", 8e-3, (1e-6, 10.0), SIZE)
    exponent = Param("1", "how conductance follows flow", 0.8, (0.0, 1.0), FILM)
    area = Param("m2", "heat transfer area", 6.0, (0.01, 1e4), SIZE)
    dp_nom = Param("Pa", "pressure drop of the hot side at nominal flow", 4.0e4, (0.0, 1e7), SIZE)
    capacity_hot = Param("J/K", "heat capacity of the hot side with half of the metal", 4.0e4, (1.0, 1e9), SIZE)
    capacity_cold = Param("J/K", "heat capacity of the cold side with half of the metal", 4.0e4, (1.0, 1e9), SIZE)
    fouling_time = Param("s", "time constant of fouling", 1.2e6, (1.0, 1e9), FOULING)

    T_hot = State("K", "temperature at the hot outlet", 293.15, (263.15, 393.15), nominal=10.0)
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
        Known(NTU_PAGE, {"flow": 500.0 / RHO_C, "flow_hot_nom": 500.0 / RHO_C, "G_hot": 2000.0,
                         "flow_cold": 800.0 / RHO_C, "flow_cold_nom": 800.0 / RHO_C, "G_cold": 2000.0},
              {"effectiveness": (0.7487, 1e-4), "UA": (1000.0, 1e-6)}),
    )

    @physics
    def exchange(flow, T_in, flow_cold, T_cold_in, R_f, G_hot, G_cold, flow_hot_nom, flow_cold_nom, exponent, area,
                 dp_nom, clog):
        hot = max(flow, FLOW_MIN)
        cold = max(flow_cold, FLOW_MIN)
        film_hot = G_hot * math.pow(hot / flow_hot_nom, exponent)
        film_cold = G_cold * math.pow(cold / flow_cold_nom, exponent)
        UA = (1.0 - clog) / (1.0 / film_hot + R_f / area + 1.0 / film_cold)
        c_min = RHO * HEAT_CAPACITY * min(hot, cold)
        effectiveness = counterflow(UA / c_min, min(hot, cold) / max(hot, cold))
        least = RHO * HEAT_CAPACITY * min(max(flow, 0.0), flow_cold)
        duty = effectiveness * least * (T_in - T_cold_in)
        dp = dp_nom * flow * abs(flow) / (flow_hot_nom * (1.0 - clog)) ** 2
        return dp, duty, effectiveness, UA

    @physics
    def dynamics(T_hot, T_cold, R_f, flow, T_in, flow_cold, T_cold_in, duty, dp, capacity_hot, capacity_cold, fouling,
                 fouling_time):
        d_T_hot = (RHO * HEAT_CAPACITY * max(flow, 0.0) * (T_in - T_hot) - duty + dp * flow) / capacity_hot
        d_T_cold = (RHO * HEAT_CAPACITY * flow_cold * (T_cold_in - T_cold) + duty) / capacity_cold
        d_R_f = (fouling - R_f) / fouling_time
        return d_T_hot, d_T_cold, d_R_f

    @balance
    def energy(T_hot, T_cold, d_T_hot, d_T_cold, flow, T_in, flow_cold, T_cold_in, dp, capacity_hot, capacity_cold):
        """Both sides together: what the streams bring less what they carry off."""
        stored = capacity_hot * d_T_hot + capacity_cold * d_T_cold
        carried = max(flow, 0.0) * (T_in - T_hot) + flow_cold * (T_cold_in - T_cold)
        supplied = RHO * HEAT_CAPACITY * carried + dp * flow
        return stored, supplied
