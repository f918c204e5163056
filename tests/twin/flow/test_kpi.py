"""Indicators against arithmetic done by hand, the identities of the time model, and published examples."""

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import SimulationError
from twin.flow.kpi import ELEMENTS, KPIS, Kpis, LineKpis, Times, kpis, line_kpis, times
from twin.flow.records import State
from twin.units import dimensions

ROUNDING = Fraction(1, 2**53)
"""The most by which one operation is off, as a fraction of its result."""
SHIFT = {
    "off": 1800.0, "maintenance": 1200.0, "setup": 1500.0, "busy": 20_500.0, "blocked": 700.0, "down": 1500.0,
    "waiting": 500.0, "tool": 300.0, "idle": 800.0,
}  # fmt: skip
COUNTS: dict[str, Any] = {
    "produced": 480, "good": 456, "scrapped": 16, "reworked": 8, "planned_run_time": 40.0 * 480, "failures": 2,
    "energy": 86.4e6,
}  # fmt: skip
LINE: dict[str, Any] = {
    "length": 28_800.0, "produced": 464, "good": 448, "first_passed": 441, "lead": 464 * 300.0, "held": 5.5,
    "energy": 134.4e6, "orders": 20, "on_time": 17, "worked": 24_300.0, "attended": 27_000.0,
}  # fmt: skip

# Whole multiples of 1/1024 s below 2^20 s: their sums have no rounding.
exact = st.integers(0, 2**30).map(lambda k: k / 1024)
spent_times = st.dictionaries(st.sampled_from(sorted(ELEMENTS)), exact)


def test_a_shift_worked_by_hand_gives_these_indicators_to_the_last_digit() -> None:
    """Compare with a shift of 8 h = 28 800 s.

    A break of 1 800 s (off) leaves POT = 27 000 s, planned maintenance of 1 200 s (PDOT) leaves PBT = 25 800 s. Of it
    the unit is without parts for 800 s (ADOT): AUBT = 25 000 s. Two failures of 900 s and 600 s, 700 s blocked,
    500 s waiting for crew, 300 s of tool changes: ADET = 3 000 s, AUPT = 22 000 s. A setup of 1 500 s (AUST) leaves
    APT = 20 500 s. 480 parts of 40 s each (PRI * PQ = 19 200 s): 456 good, 16 scrap, 8 to be reworked. 86.4 MJ.

    Availability = 20500/25800 = 205/258, Effectiveness = 19200/20500 = 192/205, Quality ratio = 456/480 = 19/20,
    OEE = 205/258 * 192/205 * 19/20 = 40 * 456 / 25800 = 152/215, some 70.7 %,
    NEE = 22000/25800 * 192/205 * 19/20 = 110/129 * 912/1025 = 20064/26445.
    """
    assert times(SHIFT) == Times(
        28_800.0, 27_000.0, 1200.0, 25_800.0, 800.0, 25_000.0, 3000.0, 22_000.0, 1500.0, 20_500.0
    )
    expected = {
        "availability": Fraction(205, 258),
        "effectiveness": Fraction(192, 205),
        "quality_ratio": Fraction(19, 20),
        "overall_equipment_effectiveness": Fraction(152, 215),
        "net_equipment_effectiveness": Fraction(20_064, 26_445),
        "allocation_efficiency": Fraction(25_000, 25_800),
        "utilization_efficiency": Fraction(20_500, 25_000),
        "technical_efficiency": Fraction(20_500, 20_500 + 3000),
        "setup_ratio": Fraction(1500, 22_000),
        "scrap_ratio": Fraction(16, 480),
        "rework_ratio": Fraction(8, 480),
        "mean_operating_time_between_failures": Fraction(22_000, 2),
        "mean_time_to_restoration": Fraction(900 + 600, 2),
        "corrective_maintenance_ratio": Fraction(1500, 1500 + 1200),
        "comprehensive_energy_consumption": Fraction(86_400_000, 480),
        "blocking_ratio": Fraction(700, 25_800),
        "starvation_ratio": Fraction(800, 25_800),
    }
    assert kpis(SHIFT, **COUNTS)._asdict() == {name: float(fraction) for name, fraction in expected.items()}


def test_a_line_worked_by_hand_gives_these_indicators_to_the_last_digit() -> None:
    """Compare with two such units, 464 parts out in 28 800 s after 300 s each, 448 of them good, 441 at once."""
    assert line_kpis([times(SHIFT)] * 2, **LINE) == LineKpis(
        throughput_rate=464 / 28_800,
        allocation_ratio=float(Fraction(2 * 25_000, 464 * 300)),
        production_process_ratio=float(Fraction(2 * 20_500, 464 * 300)),
        first_pass_yield=441 / 464,
        worker_efficiency=0.9,
        mean_lead_time=300.0,
        work_in_progress=5.5,
        energy_per_good_part=300_000.0,
        orders=20,
        orders_on_time=17,
        on_time_ratio=0.85,
    )


def test_a_published_oee_is_reproduced() -> None:
    """Compare with Vorne Industries' OEE worksheet, <https://vdocuments.us/download/oee-worksheet>.

    8 hours, breaks of 60 minutes, 47 minutes of down time, ideally 60 pieces a minute, 19,271 pieces, 423 rejects:
    "0.8881 (88.81%)", "0.8611 (86.11%)", "0.9780 (97.80%)", "0.7479 (74.79%)"; the last is their product as it was
    rounded there, that of the exact factors is 0.747936...
    """
    spent = {"off": 3600.0, "down": 47 * 60.0, "busy": (480 - 60 - 47) * 60.0}
    found = kpis(spent, produced=19_271, good=19_271 - 423, scrapped=423, planned_run_time=19_271 * 1.0)
    assert [f"{ratio:.4f}" for ratio in found[:4]] == ["0.8881", "0.8611", "0.9780", "0.7479"]


def test_published_times_between_and_to_repair_are_reproduced() -> None:
    """Compare with <https://easypeashenglish.tistory.com/39>: up 10, 9, 8 h, down 2, 4, 3 h: means of 9 h and 3 h.

    That page calls 9 h MTTF, and 12 h MTBF; operating time between failures, as ISO 22400-2 takes it, is 9 h.
    """
    spent = {"busy": 27 * 3600.0, "down": 9 * 3600.0}
    found = kpis(spent, produced=0, good=0, planned_run_time=0.0, failures=3)
    assert found.mean_operating_time_between_failures == 9 * 3600.0
    assert found.mean_time_to_restoration == 3 * 3600.0


@given(spent_times)
def test_the_parts_of_the_time_model_sum_to_the_whole(spent: dict[str, float]) -> None:
    t = times(spent)
    assert t.reference_time == sum(spent.values())
    assert t.reference_time == spent.get("off", 0.0) + t.planned_operation_time
    assert t.planned_operation_time == t.planned_down_time + t.planned_busy_time
    assert t.planned_busy_time == t.actual_unit_down_time + t.actual_unit_busy_time
    assert t.actual_unit_busy_time == t.actual_unit_delay_time + t.actual_unit_processing_time
    assert t.actual_unit_processing_time == t.actual_unit_setup_time + t.actual_production_time


@given(spent_times, st.integers(1, 10**6), st.data())
def test_oee_is_the_product_of_its_factors_and_the_share_of_time_that_good_parts_needed(
    spent: dict[str, float], produced: int, data: st.DataObject
) -> None:
    spent = {**spent, "busy": data.draw(exact.filter(bool))}
    good, cycle = data.draw(st.integers(0, produced)), data.draw(exact.filter(bool))
    found = kpis(spent, produced=produced, good=good, planned_run_time=cycle * produced)
    planned = Fraction(times(spent).planned_busy_time)
    exactly = Fraction(cycle) * good / planned
    product = Fraction(found.availability * found.effectiveness * found.quality_ratio)
    # cycle * produced, two products and a quotient, one of the roundings below the line, where it counts at most twice;
    # of the factors, cycle * produced, three quotients and two products.
    assert abs(Fraction(found.overall_equipment_effectiveness) - exactly) <= exactly * ((1 + ROUNDING) ** 5 - 1)
    assert abs(product - exactly) <= exactly * ((1 + ROUNDING) ** 6 - 1)


@given(spent_times)
def test_ratios_of_times_are_fractions_or_nan(spent: dict[str, float]) -> None:
    found = kpis(spent, produced=0, good=0, planned_run_time=0.0)
    for name in ("availability", "allocation_efficiency", "utilization_efficiency", "technical_efficiency",
                 "setup_ratio", "corrective_maintenance_ratio", "blocking_ratio", "starvation_ratio"):  # fmt: skip
        ratio = getattr(found, name)
        assert math.isnan(ratio) or 0.0 <= ratio <= 1.0


def test_what_would_be_divided_by_zero_is_nan() -> None:
    idle = kpis({"idle": 100.0}, produced=0, good=0, planned_run_time=0.0, energy=5.0)
    said = {name for name, value in idle._asdict().items() if not math.isnan(value)}
    assert said == {"availability", "allocation_efficiency", "blocking_ratio", "starvation_ratio"}
    assert idle.availability == 0.0
    assert idle.starvation_ratio == 1.0
    assert all(map(math.isnan, kpis({}, produced=0, good=0, planned_run_time=0.0)))
    nothing = line_kpis([], length=0.0, produced=0, good=0, first_passed=0, lead=0.0, held=0.0)
    assert all(math.isnan(value) for name, value in nothing._asdict().items() if not name.startswith("orders"))


def test_energy_that_was_not_measured_is_nan_and_none_is_zero() -> None:
    counts = {**COUNTS, "energy": None}
    assert math.isnan(kpis(SHIFT, **counts).comprehensive_energy_consumption)
    assert kpis(SHIFT, **{**counts, "energy": 0.0}).comprehensive_energy_consumption == 0.0
    assert math.isnan(line_kpis([], **{**LINE, "energy": None}).energy_per_good_part)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"spent": {"busy": -1.0}}, "kpi: busy: -1; give a finite number that is not negative"),
        ({"spent": {"idle": math.inf}}, "kpi: idle: inf; give"),
        ({"spent": {"off": math.nan}}, "kpi: off: nan; give"),
        ({"spent": {"bussy": 1.0}}, "kpi: no state 'bussy'; did you mean 'busy'?"),
        ({"produced": -1}, "kpi: produced: -1; give"),
        ({"failures": -2}, "kpi: failures: -2; give"),
        ({"planned_run_time": math.nan}, "kpi: planned run time: nan; give"),
        ({"energy": -5.0}, "kpi: energy: -5; give"),
        ({"energy": math.nan}, "kpi: energy: nan; give"),
        ({"good": 481, "scrapped": 0, "reworked": 0},
         "kpi: 481 good, 0 scrapped and 0 reworked are more than 480 produced; count a part once each time"),
        ({"scrapped": 17}, "kpi: 456 good, 17 scrapped and 8 reworked are more than 480 produced; count"),
    ],
)  # fmt: skip
def test_numbers_that_no_unit_can_have_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(SimulationError, match="^" + re.escape(says)):
        kpis(**{"spent": SHIFT, **COUNTS, **changed})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"length": -1.0}, "kpi: length: -1; give"),
        ({"held": math.inf}, "kpi: held: inf; give"),
        ({"good": 465}, "kpi: good: 465 of 464 produced; give a part of the whole"),
        ({"first_passed": 449}, "kpi: first passed: 449 of 448 good; give"),
        ({"on_time": 21}, "kpi: on time: 21 of 20 orders; give"),
        ({"worked": 27_001.0}, "kpi: worked: 27001 of 27000 attended; give"),
        ({"attended": math.nan}, "kpi: attended: nan; give"),
    ],
)
def test_numbers_that_no_line_can_have_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(SimulationError, match="^" + re.escape(says)):
        line_kpis([], **{**LINE, **changed})


def test_every_state_of_a_block_has_its_place_in_the_time_model() -> None:
    assert {state.name.lower() for state in State} <= set(ELEMENTS)


def test_every_indicator_is_declared_once_in_order() -> None:
    assert list(KPIS) == [*Kpis._fields, *LineKpis._fields]
    for taken in (lambda kpi: kpi.key, lambda kpi: kpi.english, lambda kpi: kpi.korean):
        assert len({taken(kpi) for kpi in KPIS.values()}) == len(KPIS)
    for kpi in KPIS.values():
        assert re.fullmatch(r"[a-z_]+", kpi.key)
        assert re.search(r"[가-힣]", kpi.korean)
        dimensions(kpi.unit)


@pytest.mark.parametrize("name", KPIS)
def test_docs_kpis_says_of_each_indicator_what_is_declared(name: str, repository: Path) -> None:
    kpi = KPIS[name]
    row = f"| `{name}` | {kpi.english} | {kpi.korean} | {kpi.formula} | {kpi.unit} | {kpi.better} |"
    assert row in (repository / "docs/kpis.md").read_text(encoding="utf-8").splitlines()


def test_docs_kpis_maps_the_states_as_declared(repository: Path) -> None:
    text = (repository / "docs/kpis.md").read_text(encoding="utf-8")
    assert all(f"| `{state}` | {element or 'outside POT'} |" in text for state, element in ELEMENTS.items())
