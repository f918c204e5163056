"""Key performance indicators of a flow, by the names and formulas of ISO 22400-2; docs/kpis.md says what each rests on.

The time model, per work unit; capital abbreviations are the standard's::

    reference time = off + POT      POT  = PDOT + PBT     PBT  = ADOT + AUBT
    AUBT           = ADET + AUPT    AUPT = AUST + APT

ADOT is time without an order, not time in repair: a failure, a blockage and a wait for crew or tool interrupt an order,
so they are delays (ADET). `ELEMENTS` says where each state belongs.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from twin.errors import SimulationError, unknown

NAN = math.nan
"""Of every indicator whose denominator is zero, or which was not measured."""

ELEMENTS: dict[str, str] = {
    "busy": "APT",
    "setup": "AUST",
    "blocked": "ADET",
    "down": "ADET",
    "waiting": "ADET",
    "tool": "ADET",
    "idle": "ADOT",
    "maintenance": "PDOT",
    "off": "",
}
"""The time element to which each state of a block belongs; `off` lies outside the planned operation time."""


class Times(NamedTuple):
    """The time elements of a work unit [s], as ISO 22400-2 calls them.

    Attributes
    ----------
    reference_time : float
        All of it.
    planned_operation_time, planned_down_time, planned_busy_time : float
        POT, when the unit can be used; of it PDOT, planned maintenance; and PBT, what is left for orders.
    actual_unit_down_time, actual_unit_busy_time : float
        ADOT, available but without an order; AUBT, used for one.
    actual_unit_delay_time, actual_unit_processing_time : float
        ADET, the order was interrupted; AUPT, it was not.
    actual_unit_setup_time, actual_production_time : float
        AUST; APT.
    """

    reference_time: float
    planned_operation_time: float
    planned_down_time: float
    planned_busy_time: float
    actual_unit_down_time: float
    actual_unit_busy_time: float
    actual_unit_delay_time: float
    actual_unit_processing_time: float
    actual_unit_setup_time: float
    actual_production_time: float


class Kpis(NamedTuple):
    """The indicators of a work unit, as fractions (not percent) and in SI; `KPIS` has the name and formula of each."""

    availability: float
    effectiveness: float
    quality_ratio: float
    overall_equipment_effectiveness: float
    net_equipment_effectiveness: float
    allocation_efficiency: float
    utilization_efficiency: float
    technical_efficiency: float
    setup_ratio: float
    scrap_ratio: float
    rework_ratio: float
    mean_operating_time_between_failures: float
    mean_time_to_restoration: float
    corrective_maintenance_ratio: float
    comprehensive_energy_consumption: float
    blocking_ratio: float
    starvation_ratio: float


class LineKpis(NamedTuple):
    """The indicators of a line, as fractions (not percent) and in SI; `KPIS` has the name and formula of each."""

    throughput_rate: float
    allocation_ratio: float
    production_process_ratio: float
    first_pass_yield: float
    worker_efficiency: float
    mean_lead_time: float
    work_in_progress: float
    energy_per_good_part: float
    orders: int
    orders_on_time: int
    on_time_ratio: float


class Kpi(NamedTuple):
    """What an indicator is called, and how to read it.

    Attributes
    ----------
    key, english, korean : str
        Short name, for columns and addresses; full ones, where it is `standard` the standard's own in English.
    unit : str
        Coherent SI; of a count and a ratio ``"1"``.
    formula : str
        With the standard's abbreviations.
    better : {"more", "less", ""}
        Which way is better; nothing where it is a mere count.
    standard : bool
        Whether it is one of ISO 22400-2; else it is this project's own.
    """

    key: str
    english: str
    korean: str
    unit: str
    formula: str
    better: Literal["more", "less", ""]
    standard: bool


KPIS: dict[str, Kpi] = {
    "availability": Kpi("availability", "Availability", "시간가동률", "1", "APT / PBT", "more", True),
    "effectiveness": Kpi("effectiveness", "Effectiveness", "성능가동률", "1", "PRI * PQ / APT", "more", True),
    "quality_ratio": Kpi("quality", "Quality ratio", "양품률", "1", "GQ / PQ", "more", True),
    "overall_equipment_effectiveness": Kpi(
        "oee", "Overall equipment effectiveness index", "설비종합효율(OEE)", "1",
        "Availability * Effectiveness * Quality ratio", "more", True),
    "net_equipment_effectiveness": Kpi(
        "nee", "Net equipment effectiveness index", "순설비효율(NEE)", "1",
        "AUPT / PBT * Effectiveness * Quality ratio", "more", True),
    "allocation_efficiency": Kpi("allocation", "Allocation efficiency", "할당효율", "1", "AUBT / PBT", "more", True),
    "utilization_efficiency": Kpi("utilization", "Utilization efficiency", "이용효율", "1", "APT / AUBT", "more", True),
    "technical_efficiency": Kpi(
        "technical", "Technical efficiency", "기술효율", "1", "APT / (APT + ADET)", "more", True),
    "setup_ratio": Kpi("setup", "Setup ratio", "작업준비율", "1", "AUST / AUPT", "less", True),
    "scrap_ratio": Kpi("scrap", "Scrap ratio", "폐기율", "1", "SQ / PQ", "less", True),
    "rework_ratio": Kpi("rework", "Rework ratio", "재작업률", "1", "RQ / PQ", "less", True),
    "mean_operating_time_between_failures": Kpi(
        "mtbf", "Mean operating time between failures", "평균고장간격(MTBF)", "s", "sum of TBF / FE", "more", True),
    "mean_time_to_restoration": Kpi(
        "mttr", "Mean time to restoration", "평균수리시간(MTTR)", "s", "sum of TTR / FE", "less", True),
    "corrective_maintenance_ratio": Kpi(
        "corrective", "Corrective maintenance ratio", "사후보전 비율", "1", "CMT / (CMT + PMT)", "less", True),
    "comprehensive_energy_consumption": Kpi(
        "energy", "Comprehensive energy consumption", "에너지원단위", "J", "energy / PQ", "less", True),
    "blocking_ratio": Kpi("blocking", "Blocking ratio", "후공정 막힘률", "1", "blocked / PBT", "less", False),
    "starvation_ratio": Kpi("starvation", "Starvation ratio", "투입 대기율", "1", "idle / PBT", "less", False),
    "throughput_rate": Kpi("throughput", "Throughput rate", "단위시간당 생산량", "1/s", "PQ / AOET", "more", True),
    "allocation_ratio": Kpi("order_allocation", "Allocation ratio", "할당비율", "1", "AUBT / AOET", "more", True),
    "production_process_ratio": Kpi(
        "process", "Production process ratio", "생산시간율", "1", "APT / AOET", "more", True),
    "first_pass_yield": Kpi("fpy", "First pass yield", "직행률(FPY)", "1", "GP / IP", "more", True),
    "worker_efficiency": Kpi("worker", "Worker efficiency", "작업자 효율", "1", "APWT / APAT", "more", True),
    "mean_lead_time": Kpi("lead", "Mean lead time", "평균 리드타임", "s", "sum of lead times / PQ", "less", False),
    "work_in_progress": Kpi("wip", "Work in progress", "재공(WIP)", "1", "mean parts held", "less", False),
    "energy_per_good_part": Kpi(
        "good_energy", "Energy per good part", "양품당 에너지", "J", "energy / GQ", "less", False),
    "orders": Kpi("orders", "Orders", "주문 수", "1", "orders with a due date that left", "", False),
    "orders_on_time": Kpi("on_time", "Orders on time", "납기준수 주문 수", "1", "by their due date", "more", False),
    "on_time_ratio": Kpi("on_time_ratio", "On-time ratio", "납기준수율", "1", "on time / orders", "more", False),
}  # fmt: skip
"""What reports and pages say of each field of `Kpis` and `LineKpis`, in their order."""


def times(spent: Mapping[str, float]) -> Times:
    """Return the time elements of a work unit.

    Parameters
    ----------
    spent : mapping
        Time in each state [s]; a state that isn't there took none.

    Raises
    ------
    SimulationError
        If a state is unknown, or a time negative or not finite.
    """
    for state, time in spent.items():
        if state not in ELEMENTS:
            raise SimulationError(f"kpi: {unknown('state', state, ELEMENTS)}")
        _check(state, time)

    def element(*names: str) -> float:
        return math.fsum(time for state, time in spent.items() if ELEMENTS[state] in names)

    return Times(
        reference_time=math.fsum(spent.values()),
        planned_operation_time=element("APT", "AUST", "ADET", "ADOT", "PDOT"),
        planned_down_time=element("PDOT"),
        planned_busy_time=element("APT", "AUST", "ADET", "ADOT"),
        actual_unit_down_time=element("ADOT"),
        actual_unit_busy_time=element("APT", "AUST", "ADET"),
        actual_unit_delay_time=element("ADET"),
        actual_unit_processing_time=element("APT", "AUST"),
        actual_unit_setup_time=element("AUST"),
        actual_production_time=element("APT"),
    )


def kpis(
    spent: Mapping[str, float],
    *,
    produced: int,
    good: int,
    scrapped: int = 0,
    reworked: int = 0,
    planned_run_time: float,
    failures: int = 0,
    energy: float | None = None,
) -> Kpis:
    """Return the indicators of a work unit over a period; what can't be said is nan.

    Parameters
    ----------
    spent : mapping
        Time in each state [s]; a state that isn't there took none.
    produced, good, scrapped, reworked : int
        PQ, GQ, SQ, RQ: each time that the unit finishes a part counts once in PQ and in at most one of the others.
    planned_run_time, failures, energy : float, int, float
        PRI * PQ, summed over part types [s]; FE; what it took, where that was measured [J].

    Raises
    ------
    SimulationError
        If a state is unknown, a number negative or not finite, or more parts are judged than were produced.
    """
    _check_judged(produced, good, scrapped, reworked)
    for name, value in {"failures": failures, "planned run time": planned_run_time, "energy": energy or 0.0}.items():
        _check(name, value)
    t = times(spent)
    busy, planned, processing = t.actual_production_time, t.planned_busy_time, t.actual_unit_processing_time
    repair, earned = spent.get("down", 0.0), planned_run_time * good
    # Products of counts and seconds are exact where they are whole: one rounding, where factors would take five.
    return Kpis(
        availability=_ratio(busy, planned), effectiveness=_ratio(planned_run_time, busy),
        quality_ratio=_ratio(good, produced),
        overall_equipment_effectiveness=_ratio(earned, planned * produced) if busy else NAN,
        net_equipment_effectiveness=_ratio(processing * earned, planned * busy * produced),
        allocation_efficiency=_ratio(t.actual_unit_busy_time, planned),
        utilization_efficiency=_ratio(busy, t.actual_unit_busy_time),
        technical_efficiency=_ratio(busy, math.fsum((busy, t.actual_unit_delay_time))),
        setup_ratio=_ratio(t.actual_unit_setup_time, processing), scrap_ratio=_ratio(scrapped, produced),
        rework_ratio=_ratio(reworked, produced), mean_operating_time_between_failures=_ratio(processing, failures),
        mean_time_to_restoration=_ratio(repair, failures),
        corrective_maintenance_ratio=_ratio(repair, math.fsum((repair, t.planned_down_time))),
        comprehensive_energy_consumption=_ratio(energy, produced),
        blocking_ratio=_ratio(spent.get("blocked", 0.0), planned),
        starvation_ratio=_ratio(spent.get("idle", 0.0), planned),
    )  # fmt: skip


def line_kpis(
    units: Sequence[Times],
    *,
    length: float,
    produced: int,
    good: int,
    first_passed: int,
    lead: float,
    held: float,
    energy: float | None = None,
    orders: int = 0,
    on_time: int = 0,
    worked: float = 0.0,
    attended: float = 0.0,
) -> LineKpis:
    """Return the indicators of a line over a period; what can't be said is nan.

    Parameters
    ----------
    units : sequence of Times
        The work units.
    length, lead, held : float
        The period's length [s]; sum of the lead times of the parts that left [s]; parts held, on average over time.
    produced, good, first_passed, orders, on_time : int
        Parts that left; good ones; of these those never reworked; orders with a due date that left; those in time.
    energy : float, optional
        What it took [J].
    worked, attended : float
        Time that the crew worked on orders, and that it was there [s].

    Raises
    ------
    SimulationError
        If a number is negative or not finite, or a part of something exceeds the whole.
    """
    for name, value in {"length": length, "lead": lead, "held": held, "energy": energy or 0.0}.items():
        _check(name, value)
    _check_part("good", good, "produced", produced)
    _check_part("first passed", first_passed, "good", good)
    _check_part("on time", on_time, "orders", orders)
    _check_part("worked", worked, "attended", attended)
    return LineKpis(
        throughput_rate=_ratio(produced, length),
        allocation_ratio=_ratio(math.fsum(unit.actual_unit_busy_time for unit in units), lead),
        production_process_ratio=_ratio(math.fsum(unit.actual_production_time for unit in units), lead),
        first_pass_yield=_ratio(first_passed, produced), worker_efficiency=_ratio(worked, attended),
        mean_lead_time=_ratio(lead, produced), work_in_progress=held if length else NAN,
        energy_per_good_part=_ratio(energy, good),
        orders=orders, orders_on_time=on_time, on_time_ratio=_ratio(on_time, orders),
    )  # fmt: skip


def _ratio(part: float | None, whole: float) -> float:
    """Return a ratio; nan where there is nothing to divide by, or nothing to divide."""
    return part / whole if whole and part is not None else NAN


def _check(name: str, value: float) -> None:
    """Refuse what no clock and no counter shows."""
    if not 0.0 <= value < math.inf:
        raise SimulationError(f"kpi: {name}: {value:g}; give a finite number that is not negative")


def _check_part(name: str, part: float, whole_name: str, whole: float) -> None:
    _check(name, part)
    _check(whole_name, whole)
    if part > whole:
        raise SimulationError(f"kpi: {name}: {part:g} of {whole:g} {whole_name}; give a part of the whole")


def _check_judged(produced: int, good: int, scrapped: int, reworked: int) -> None:
    for name, value in {"produced": produced, "good": good, "scrapped": scrapped, "reworked": reworked}.items():
        _check(name, value)
    if good + scrapped + reworked > produced:
        raise SimulationError(
            f"kpi: {good} good, {scrapped} scrapped and {reworked} reworked are more than {produced} produced; "
            "count a part once each time it is finished"
        )
