"""What a report says in words: sentences no surer than their interval, numbers in units that people use."""

import pytest

from scenarios import shown
from scenarios.answer import Answer, Difference, Number
from scenarios.report import report, sentences
from scenarios.words import Language
from tests.scenarios.answers import (
    ENERGY,
    HOTTEST,
    NO_NUMBER,
    OEE,
    answer,
    designed,
    difference,
    number,
    two,
    typed,
    variant,
)  # fmt: skip


def said(found: Answer, language: Language = "en") -> str:
    return typed(" ".join(sentences(found, language)))


@pytest.mark.parametrize(
    ("found", "english", "korean"),
    [
        (
            two(Number(0.75, 0.657, 0.826, 100), Number(0.0, 0.0, 0.037, 100), difference(-0.75, 0.087)),
            (
                "Order friday is on time with probability 75 % (66 to 83 %) as it is, "
                "and 0 % (0 to 4 %) with “slower”. "
                "With “slower” it is 75 points lower (66 to 84 points), which is worse."
            ),
            (
                "주문 friday가 납기를 지킬 확률은 현재 조건에서 75%(66~83%), 'slower' 조건에서 0%(0~4%)입니다. "
                "'slower' 조건에서는 75%p 하락(66~84%p)하며, 악화에 해당합니다."
            ),
        ),
        (
            two(number(0.924, 0.004), number(0.93, 0.005), difference(0.006, 0.009), OEE),
            "With “slower” no difference was shown: it lies between 0.3 points lower and 1.5 points higher.",
            "차이가 확인되지 않았습니다. 차이의 구간은 0.3%p 하락에서 1.5%p 상승까지입니다.",
        ),
        (
            two(number(7.2e6, 3.6e5), number(5.4e6, 3.6e5), difference(-1.8e6, 4e5), ENERGY),
            (
                "On average, “energy per good part” is 2.00 kWh (1.90 to 2.10 kWh) as it is, "
                "and 1.50 kWh (1.40 to 1.60 kWh) with “slower”. "
                "With “slower” it is 0.50 kWh less (0.39 to 0.61 kWh), which is better."
            ),
            "'양품당 에너지'의 평균값은 현재 조건에서 2.00 kWh(1.90~2.10 kWh)",
        ),
        (
            two(number(350.0, 1.0), number(354.0, 1.0), difference(4.0, 0.5), HOTTEST),
            "With “slower” it is 4.0 K more (3.5 to 4.5 K). In brackets",
            "'slower' 조건에서는 4.0 K 증가(3.5~4.5 K)합니다.",
        ),
        (
            two(Number(1.0, 0.963, 1.0, 100), Number(0.0, 0.0, 0.037, 100), difference(-1.0, 0.0, None)),
            (
                "probability 100 % (96 to 100 %) as it is, and 0 % (0 to 4 %) with “slower”. "
                "With “slower” it is 100 points lower (in each of 100 pairs), which is worse."
            ),
            "100%p 하락(반복 쌍 100개 모두)하며",
        ),
        (
            two(Number(0.0, 0.0, 0.037, 100), Number(0.0, 0.0, 0.037, 100), difference(0.0, 0.0, None)),
            "With “slower” it is the same in each of the 100 pairs of replications.",
            "반복 쌍 100개 모두에서 값이 같습니다.",
        ),
        (
            two(Number(1.0, None, None, 1), Number(0.0, None, None, 1), Difference(None, None, None, 1, None)),
            "With “slower” there are too few pairs of replications to tell a difference.",
            "반복 쌍이 부족하여",
        ),
        (
            two(NO_NUMBER, number(5.4e6, 3.6e5), Difference(None, None, None, 0, None), ENERGY),
            (
                "On average, “energy per good part” is 1.50 kWh (1.40 to 1.60 kWh) with “slower”. "
                "No replication has a value of “energy per good part” as it is."
            ),
            "현재 조건에서 '양품당 에너지' 값이 나온 반복이 없습니다.",
        ),
        (
            answer([variant("as_is", {OEE.name: number(0.924, 0.004)})], [OEE]),
            "is 92.4 % (92.0 to 92.8 %) as it is. In brackets: the 95 % interval from 100 replications.",
            "현재 조건에서 92.4%(92.0~92.8%)입니다. 괄호 안은 반복 100회의 95% 신뢰구간입니다.",
        ),
        (
            answer([variant("as_is", {OEE.name: NO_NUMBER})], [OEE]),
            "No replication has a value of “op_10: Overall equipment effectiveness index” as it is.",
            "값이 나온 반복이 없습니다.",
        ),
    ],
    ids=["worse", "none", "better", "neither", "certain", "same", "single", "missing", "one", "nothing"],
)  # fmt: skip
def test_the_answer_is_said_with_its_interval_and_no_surer_than_it_is(found: Answer, english: str, korean: str) -> None:
    assert english in said(found)
    assert korean in said(found, "ko")
    assert english.partition(" In brackets")[0] in typed(report(found, "en"))


def test_what_was_interrupted_or_failed_is_said_beside_the_answer() -> None:
    first = variant("as_is", {OEE.name: number(0.9, 0.01)}, failures={"as_is/3": "too hot", "as_is/4": "too hot"})
    found = answer([first], [OEE], ending="interrupted")
    assert "The run was interrupted: this is the answer of what had finished." in said(found)
    assert "2 replications failed and count nowhere" in said(found)
    assert "실행이 중단되었습니다." in said(found, "ko")


def test_of_many_variants_the_extremes_are_said_to_be_flattered_and_the_best_to_be_of_a_search() -> None:
    found = said(designed())
    assert "The best case found in 60 evaluations is “case_59” (spindle_1.speed_set = 359)" in found
    assert "Of 60 variants the lowest is 60.0 % (59.0 to 61.0 %) with “case_0” and the highest 71.8 %" in found
    assert "flattered by chance" in found


def test_of_three_variants_each_is_said() -> None:
    cases = [variant("as_is", {OEE.name: number(0.9, 0.01)})]
    cases += [variant(n, {OEE.name: number(0.8, 0.01)}, {OEE.name: difference(-0.1, 0.01)}) for n in ("a", "b")]
    found = said(answer(cases, [OEE]))
    assert "is 90.0 % (89.0 to 91.0 %) as it is; 80.0 % (79.0 to 81.0 %) with “a”; 80.0 %" in found
    assert found.count("which is worse") == 2


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("s", 45.0, "45 s"), ("s", 600.0, "10 min"), ("s", 374400.0, "104 h"), ("s", 30 * 86400.0, "30 days"),
        ("J", 7.2e6, "2 kWh"), ("J", 36000.0, "10 Wh"), ("K", 293.15, "20 °C"), ("1/s", 0.01, "36 /h"),
        ("m3/s", 0.01, "36 m³/h"), ("rad/s", 104.7197551, "1000 rpm"), ("Pa", 2e5, "2 bar"), ("1", 12345.0, "12,340"),
        ("KRW", -1500.0, "-1,500 KRW"), ("m", 0.0021, "2.1 mm"), ("W", 1500.0, "1.5 kW"), ("kg", 0.0, "0 kg"),
    ],
)  # fmt: skip
def test_numbers_come_in_units_that_people_use(unit: str, value: float, text: str) -> None:
    by = shown.scale(unit, [value])
    found = typed(shown.with_unit(shown.shown(float(f"{by.of(value):.4g}")), by.symbol, "en"))
    assert found.replace(",", "") == text.replace(",", "")


@pytest.mark.parametrize(
    ("value", "half", "digits"),
    [(0.75, 0.085, 2), (1415.3, 6.5, 0), (103.45, 0.24, 2), (1415.3, 1.7, 1), (5.0, None, 0), (0.1234567, None, 4),
     (1.0, 0.0, 0), (3.0, 1e-9, shown.MOST_DECIMALS)],
)  # fmt: skip
def test_the_interval_decides_the_digits(value: float, half: float | None, digits: int) -> None:
    assert shown.decimals(value, half) == digits


def test_what_is_not_there_is_a_dash() -> None:
    assert shown.shown(None) == "—"
    assert shown.number_said(NO_NUMBER, shown.Scale("K"), "en") == ("—", "")
    assert shown.shown(-0.0004, 2) == "0.00"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.7775e-6, None, "1.78e-06"), (-4.2e-5, 6, "-4.20e-05"), (0.00012345, None, "0.000123"), (4e-5, 2, "0.00")],
)
def test_a_tiny_number_keeps_three_digits_unless_its_interval_is_wider(
    value: float, digits: int | None, text: str
) -> None:
    assert typed(shown.shown(value, digits)) == text


def test_nine_replications_in_ten_are_told_where_they_differ() -> None:
    by = shown.Scale("W", 1e-3)
    assert typed(shown.spread_said(Number(2e3, 1.9e3, 2.1e3, 50, 1e3, 3.2e3), by, "en")) == "9 in 10: 1.0 to 3.2 W"
    assert shown.spread_said(Number(2e3, 2e3, 2e3, 50, 2e3, 2e3), by, "en") == ""
    assert shown.spread_said(Number(2e3, 1.9e3, 2.1e3, 5), by, "en") == ""
