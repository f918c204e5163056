"""What headers say."""

import pytest

from twin.clean.guess import is_time_name, said, spelled


@pytest.mark.parametrize(
    ("header", "kind", "unit"),
    [
        ("온도(℃)", "temperature", "degC"),
        ("수온", "temperature", ""),
        ("토출압력[bar]", "pressure", "bar"),
        ("압력 (kgf/㎠)", "pressure", "kgf/cm2"),
        ("유량 (L/min)", "flow", "l/min"),
        ("유량\uff08㎥/h\uff09", "flow", "m3/h"),
        ("전류(A)", "current", "A"),
        ("전압(V)", "voltage", "V"),
        ("회전수(rpm)", "speed", "rpm"),
        ("진동(g)", "vibration", "standard_gravity"),
        ("진동 [mm/s]", "", "mm/s"),
        ("수위(m)", "level", "m"),
        ("전력[kW]", "power", "kW"),
        ("토크(N·m)", "torque", "N.m"),
        ("밸브개도(%)", "opening", "percent"),
        ("운전상태", "state", ""),
        ("Volume Flow RateRMS", "flow", ""),
        ("Accelerometer1RMS", "vibration", ""),
        ("motor_temp (°C)", "temperature", "degC"),
        ("Temp_degC", "temperature", "degC"),
        ("pump_V", "voltage", "V"),
        ("Load(kN)", "force", "kN"),
        ("heater_on", "state", ""),
        ("Weight (g)", "", ""),
        ("region", "", ""),
        ("T1", "", ""),
        ("=cmd|' /C calc'!A0", "", ""),
        ("", "", ""),
    ],
)
def test_kind_and_unit_are_read_from_a_header(header: str, kind: str, unit: str) -> None:
    assert said(header) == (kind, unit)


def test_a_unit_beside_the_header_counts_before_one_in_it() -> None:
    assert said("pressure", "[kPa]") == ("pressure", "kPa")


@pytest.mark.parametrize(
    ("text", "unit"), [("degC", "degC"), ("m3/min", "m3/min"), ("W/K", ""), ("furlong", "furlong")]
)
def test_units_are_spelled_as_twin_knows_them(text: str, unit: str) -> None:
    assert spelled(text) == unit


@pytest.mark.parametrize(
    ("header", "expected"),
    [("datetime", True), ("측정일시", True), ("시각", True), ("Time (s)", True), ("times", True), ("온도", False)],
)
def test_headers_of_time_are_known(header: str, expected: bool) -> None:
    assert is_time_name(header) is expected
