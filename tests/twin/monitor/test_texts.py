"""Every message in both languages, with every parameter; what is missing or hostile; times and numbers."""

import json
import re
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.catalogue import find
from twin.errors import DeclarationError, TwinError
from twin.monitor import names
from twin.monitor.life import Change
from twin.monitor.messages import FIELD, LANGUAGES, catalogue, read_catalogue
from twin.monitor.rules import DEFAULT
from twin.monitor.texts import Text, Values, check, codes, said, text, word
from twin.monitor.words import Setting, clock, duration, number, percent, relative, unit

SEOUL = ZoneInfo("Asia/Seoul")
NOW = 1_795_330_000.0  # 2026-11-22 15:46:40 in Seoul
PUMP = find("centrifugal_pump")
WORN = names.fault("pump_1.wear", PUMP)
LIKELY = names.faults([("pump_1.wear", PUMP, 0.55), ("pump_1.leakage", PUMP, 0.41)])

OF_KIND: dict[str, float | str] = {
    "name": "TI-101",
    "number": 1.5,
    "count": 12.0,
    "quantity": 38.25,
    "percent": 0.834,
    "sigma": -6.24,
    "duration": 7200.0,
    "unit": "degC",
    "time": NOW + 2400.0,
    "asset": names.asset("pump_1", PUMP),
    "place": names.place("pump_1.T_b", PUMP),
    "places": names.places([("pump_1.T_b", PUMP), ("ambient", None)]),
    "fault": WORN["fault"],
    "faults": LIKELY,
    "advice": WORN["respond"],
    "readings": names.readings([("PI-101", -6.24), ("FI-101", 4.1)]),
}


def all_values(code: str, *, optional: bool = True) -> dict[str, float | str]:
    """Return a value for every declared parameter of a message."""
    message = catalogue().messages[code]
    declared = {**message.parameters, **(message.optional if optional else {})}
    values: dict[str, float | str] = {}
    for name, kind in declared.items():
        base, _, argument = kind.partition(":")
        values[name] = next(iter(catalogue().choices[argument])) if base == "choice" else OF_KIND[base]
    return values


def told(code: str, values: Values, language: str = "en", now: float = NOW) -> Text:
    return text(code, values, language, now=now, zone=SEOUL)


WEAR = {"probability": 0.834, "since": NOW - 2400.0, "readings": OF_KIND["readings"]} | WORN
AHEAD = {"limit_tag": "TI-111", "limit": 80.0, "unit": "degC", "direction": "high", "crossing": NOW + 2400.0}


def test_a_fault_reads_as_an_operator_expects() -> None:
    assert told("fault", {**WEAR, **AHEAD, "early": NOW + 1500.0, "late": NOW + 4000.0}) == Text(
        "pump_1: wear suspected (83 %)",
        "Since 15:06 (40 min ago) averaged readings differ from what the twin expects: PI-101 6.2 sigma too low, "
        "FI-101 4.1 sigma too high. Of all declared faults this one explains it best: share of the shut-off head "
        "lost to a worn impeller.",
        "If it goes on like this, TI-111 rises above 80 °C at 16:26 (in 40 min), most likely between 16:11 and 16:53.",
        "Plan an impeller change; run the other pump meanwhile. Act within 7 days.",
        "No declared quantity is known whose reading would make this surer.",
    )
    assert told("fault", {**WEAR, **AHEAD, "tell": OF_KIND["place"]}, "ko") == Text(
        "pump_1 임펠러 마모 의심 (83%)",
        "15:06(40분 전)부터 평균한 실측값이 트윈의 예상과 다릅니다: PI-101 6.2\u03c3 낮음, FI-101 4.1\u03c3 높음. "
        "선언된 고장 가운데 임펠러 마모가 이를 가장 잘 설명합니다: 임펠러 마모로 줄어든 체절 양정의 비율.",
        "이대로 가면 16:26(40분 뒤)에 TI-111이 80 °C를 넘을 것으로 예측됩니다.",
        "임펠러 교체를 계획하고, 그동안 다른 펌프로 운전하십시오. 7일 안에 조치하십시오.",
        "pump_1 베어링 온도(T_b)를 측정하면 더 확실해집니다.",
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", codes())
def test_a_message_says_all_its_parameters_in_both_languages(code: str, language: str) -> None:
    message = catalogue().messages[code]
    lines = message.lines[language].values()
    used = {field[0] for line in lines for sentence in line for said in sentence for field in FIELD.findall(said)}
    declared = {**message.parameters, **message.optional}
    assert used == {name for name, kind in declared.items() if kind != "unit"}


@pytest.mark.parametrize("optional", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", codes())
def test_every_line_of_every_message_is_told(code: str, language: str, optional: bool) -> None:
    for line in told(code, all_values(code, optional=optional), language):
        assert line
        assert line == " ".join(line.split())
        assert not re.search(r"[{}�]|\bnan\b|None", line)
        assert bool(re.search("[가-힣]", line)) == (language == "ko")


@pytest.mark.parametrize("code", codes())
def test_a_missing_parameter_is_named(code: str) -> None:
    whole = all_values(code, optional=False)
    for name in whole:
        with pytest.raises(TwinError, match=f"^message {code}: no value for '{name}'; give it"):
            told(code, {n: v for n, v in whole.items() if n != name})


@pytest.mark.parametrize("code", codes())
def test_a_parameter_of_another_kind_is_named(code: str) -> None:
    whole = all_values(code)
    for name, value in whole.items():
        with pytest.raises(TwinError, match=f"^message {code}: {name} = "):
            check(code, {**whole, name: 1.0 if isinstance(value, str) else "1"})


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(TwinError, match=r"^message stale: last = nan; leave out what can't be computed"):
        told("stale", {"source": "g", "last": float("nan")})
    with pytest.raises(TwinError, match=r"^message stale: last: 1e\+30 s is no time of a calendar"):
        told("stale", {"source": "g", "last": 1e30})


def test_every_code_that_has_a_rule_has_a_text() -> None:
    assert set(DEFAULT) | {"flood"} == set(codes())


def test_what_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(TwinError, match="no message code 'falt'; did you mean 'fault'"):
        told("falt", {})
    with pytest.raises(TwinError, match="no language 'kr'"):
        told("fault", WEAR, "kr")
    with pytest.raises(TwinError, match=r"^message clock: direction: no clock 'up'"):
        told("clock", {"source": "g", "offset": 5.0, "direction": "up"})
    with pytest.raises(TwinError, match=r"pump_1\.waer: no fault 'waer'; did you mean 'wear'"):
        names.fault("pump_1.waer", PUMP)


@pytest.mark.parametrize("kind", ["fault", "faults", "place", "places", "asset", "readings", "advice"])
def test_a_packed_name_that_is_none_is_refused(kind: str) -> None:
    code, name = next(
        (code, name)
        for code, message in catalogue().messages.items()
        for name, k in {**message.parameters, **message.optional}.items()
        if k == kind
    )
    for wrong in ("", "pump_1.wear", "[1, 2]", '{"a": 1}', "[" * 9999, "\ud800"):
        with pytest.raises(TwinError, match=f"^message {code}: {name}: .* is no packed name"):
            told(code, {**all_values(code), name: wrong})


# Text from outside

HOSTILE = ["<script>alert(1)</script>", "{since}", "{source:은}", "%s %(x)s", "$(reboot)", "a\\nb", "TI-101\u200d"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_stands_in_a_name_is_shown_and_not_read(hostile: str, language: str) -> None:
    shown = "".join("�" if c == "\u200d" else c for c in hostile)
    assert shown in told("stale", {"source": hostile, "last": NOW}, language).headline
    assert shown in told("unknown", {"readings": names.readings([(hostile, 5.0)]), "since": NOW}, language).headline


@given(st.text(max_size=300), st.sampled_from(LANGUAGES))
def test_no_name_breaks_a_line_or_turns_its_direction(name: str, language: str) -> None:
    headline = told("stale", {"source": name, "last": NOW}, language).headline
    assert not re.search("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", headline)
    assert len(headline) < 250


# Assets that nobody translated


def test_what_is_not_translated_is_told_in_the_words_of_its_declaration() -> None:
    foreign = json.dumps(("fan_1.dirt", "CentrifugalFan", "share of the pressure lost to dirt"))
    advice = json.dumps(("fan_1.dirt", "CentrifugalFan", "Clean the wheel."))
    got = told("fault", {**WEAR, "fault": foreign, "respond": advice, "within": 600.0}, "ko")
    assert got.headline == "fan_1 dirt 의심 (83%)"
    assert "share of the pressure lost to dirt" in got.why
    assert got.do == "Clean the wheel. 10분 안에 조치하십시오."
    near = json.dumps(("fan_1", "CentrifugalFan", ""))
    assert "fan_1 (centrifugal fan)" in told("unknown", {**all_values("unknown"), "near": near}).do


def test_a_translation_of_other_words_is_not_used() -> None:
    changed = json.dumps(("pump_1.wear", "CentrifugalPump", "share of the head lost at the design point"))
    assert "share of the head lost at the design point" in told("fault", {**WEAR, "fault": changed}, "ko").why


# Numbers and times


@pytest.mark.parametrize(
    ("seconds", "english", "korean"),
    [(0, "0 s", "0초"), (8.4, "8.4 s", "8.4초"), (59.0, "59 s", "59초"), (60, "1 min", "1분"), (3599, "1 h", "1시간"),
     (5400, "1 h 30 min", "1시간 30분"), (8 * 3600, "8 h", "8시간"), (36900, "10 h", "10시간"),
     (86400, "24 h", "24시간"), (7 * 86400, "7 days", "7일")],
)  # fmt: skip
def test_a_length_of_time_reads_in_its_largest_units(seconds: float, english: str, korean: str) -> None:
    assert (duration(seconds, "en"), duration(seconds, "ko")) == (english, korean)


@pytest.mark.parametrize(
    ("ahead", "english", "korean"),
    [
        (0.2, "now", "지금"),
        (2400, "in 40 min", "40분 뒤"),
        (-2400, "40 min ago", "40분 전"),
        (-12, "12 s ago", "12초 전"),
    ],
)
def test_a_time_is_relative_to_when_it_is_read(ahead: float, english: str, korean: str) -> None:
    assert relative(NOW + ahead, Setting("en", NOW, UTC)) == english
    assert relative(NOW + ahead, Setting("ko", NOW, UTC)) == korean


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [(0, "15:46"), (9 * 3600, "11-23 00:46"), (-16 * 3600, "11-21 23:46"), (60 * 86400, "2027-01-21 15:46")],
)
def test_a_time_is_the_plants_with_the_date_where_it_is_not_today(ahead: float, shown: str) -> None:
    assert clock(NOW + ahead, Setting("en", NOW, SEOUL)) == shown


def test_the_zone_decides_not_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert clock(NOW, Setting("en", NOW, SEOUL)) == "15:46"
    assert clock(NOW, Setting("en", NOW, UTC)) == "06:46"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-0.0, "0"), (38.249, "38.25"), (0.4, "0.4"), (123456.7, "123457"), (-0.00123456, "-0.001235"),
     (1e20, "1e+20")],
)  # fmt: skip
def test_a_number_has_four_digits(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("chance", "shown"),
    [(0.0, "0 %"), (0.004, "<1 %"), (0.834, "83 %"), (0.99, "99 %"), (0.9951, ">99 %"), (1.0, "100 %")],
)
def test_what_is_likely_is_never_certain(chance: float, shown: str) -> None:
    assert percent(chance, "en") == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [("degC", "°C"), ("m3/h", "m³/h"), ("m/s2", "m/s²"), ("1", ""), ("kW/K", "kW/K"), ("m2.K/W", "m²·K/W"),
     ("s-1", "s⁻¹"), ("%", "%"), ("\n", "�")],
)  # fmt: skip
def test_a_unit_is_written_as_people_do(written: str, shown: str) -> None:
    assert unit(written) == shown


# The log


@pytest.mark.parametrize(
    ("change", "english", "korean"),
    [
        (Change(1.0, "adv-1", "normal", "unacknowledged", "twin", "", "raised", "pump_1.wear"),
         "adv-1 pump_1.wear · raised · normal → unacknowledged", "adv-1 pump_1.wear · 발생 · 정상 → 미확인"),
        (Change(1.0, "adv-1", "acknowledged", "acknowledged", "kim", "hot\nbearing", "comment", "pump_1.wear"),
         "adv-1 pump_1.wear · comment · kim · hot�bearing", "adv-1 pump_1.wear · 메모 · kim · hot�bearing"),
        (Change(1.0, "", "normal", "out_of_service", "lee", "calibration", "bypass", "TI-101"),
         "TI-101 · bypassed · normal → out of service · lee · calibration",
         "TI-101 · 바이패스 · 정상 → 사용 중지 · lee · calibration"),
    ],
)  # fmt: skip
def test_the_log_says_what_changed_by_whom_and_why(change: Change, english: str, korean: str) -> None:
    assert (said(change), said(change, "ko")) == (english, korean)


def test_every_cause_and_state_of_the_machine_has_its_words(repository: Path) -> None:
    sources = [p.read_text(encoding="utf-8") for p in sorted((repository / "twin" / "monitor").glob("*.py"))]
    causes = {c for s in sources for c in re.findall(r'"(\w+_over|refused_\w+|renamed|raised|returned|flood)"', s)}
    kinds = set(re.findall(r'^    "(\w+)": _\w+,$', "".join(sources), flags=re.MULTILINE))
    for cause in sorted(causes | kinds | {"start", "stop"}):
        assert word("causes", cause, "ko")
    with pytest.raises(TwinError, match="states: no word 'asleep'"):
        word("states", "asleep")
    with pytest.raises(TwinError, match="no section of words 'colours'"):
        word("colours", "red")


# The catalogue itself

GOOD = """
messages:
  a:
    parameters: {tag: name, limit: "choice:limit"}
    optional: {n: number}
    en: &lines {headline: "{tag}", why: "{limit.to}", outlook: x, do: [["{n}", x]], tell_more: x}
    ko: {headline: "{tag:은}", why: x, outlook: x, do: x, tell_more: x}
choices: {limit: {high: {to: [up, 위]}}}
words: {states: {normal: [normal, 정상]}}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{tag}", "{tga}", "t.yaml: a: en headline: no parameter 'tga'"),
        ("{limit.to}", "{limit}", "t.yaml: a: en why: limit has no part ''"),
        ("{tag:은}", "{tag:에서}", "t.yaml: a: ko headline: no particle '에서'"),
        ('"{tag}"', '"{tag:은}"', "t.yaml: a: en headline: no particle '은'"),
        ('["{n}", x]', '["{n}"]', "t.yaml: a: en do: may be empty"),
        ("outlook: x, do: x", "do: x", "incomplete near 'outlook'"),
        ("[normal, 정상]", "[normal]", "incomplete near zip"),
        ("n: number", "n: quantity:u", "t.yaml: a: n: no kind of parameter 'quantity:u'"),
        ("choice:limit", "choice:limt", "t.yaml: a: limit: no kind of parameter 'choice:limt'"),
        ("n: number", "n: numbr", "t.yaml: a: n: no kind of parameter 'numbr'; did you mean 'number'"),
    ],
)
def test_a_catalogue_that_is_not_whole_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert set(read_catalogue(file).messages) == {"a"}
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError, match=re.escape(said)):
        read_catalogue(file)
