"""What is exported is what is shown: every instant, the units chosen, and intervals where there are too many."""

import io
import json
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tests.viz.stage import Stage, served
from viz import export


def exported(address: str, kind: str = "csv", **query: Any) -> dict[str, list[str]]:
    """Return the columns of an export by their headings."""
    import csv

    asked = urllib.parse.urlencode(query)
    with urllib.request.urlopen(f"{address}/api/v1/export.{kind}?{asked}") as answer:
        rows = list(csv.reader(io.StringIO(answer.read().decode("utf-8-sig"))))
    return dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True))  # type: ignore[arg-type]


def numbers(column: list[str]) -> list[float]:
    return [float(value) for value in column]


def test_values_come_in_the_units_that_were_chosen(stage: Stage) -> None:
    units = json.dumps({"PI-101": "kPa", "TI-111": "K"})
    with served(stage.folder) as address:
        plain = exported(address, asset="pump_1", span=60)
        found = exported(address, asset="pump_1", span=60, units=units)
    bar, kilopascal = numbers(plain["PI-101 actual [bar]"]), numbers(found["PI-101 actual [kPa]"])
    assert kilopascal == pytest.approx([100.0 * v for v in bar], rel=1e-6)
    assert numbers(found["PI-101 twin, standard deviation [kPa]"]) == pytest.approx([1.0] * 60)
    assert numbers(found["TI-111 actual [K]"]) == pytest.approx(
        [v + 273.15 for v in numbers(plain["TI-111 actual [°C]"])]
    )
    assert numbers(found["TI-111 twin, standard deviation [K]"]) == pytest.approx([0.25] * 60)


def test_the_residual_is_what_the_strip_shows(stage: Stage) -> None:
    with served(stage.folder) as address:
        found = exported(address, asset="pump_1", span=60)
    assert numbers(found["PI-101 residual [standard deviations]"]) == pytest.approx([0.5] * 60, abs=1e-3)


def test_a_long_span_comes_in_intervals_with_their_extremes_and_means(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_ROWS", 40)
    monkeypatch.setattr(export, "AT_ONCE", 7)  # slices end within intervals
    with served(stage.folder) as address:
        found = exported(address, asset="pump_1", span=600)
    times = numbers(found["time [s since 1970 UTC]"])
    assert times == sorted(set(times))
    assert 20 <= len(times) <= 80
    low, middle, high = (numbers(found[f"PI-101 {name} [bar]"]) for name in ("lowest", "actual, mean", "highest"))
    assert all(a <= b <= c for a, b, c in zip(low, middle, high, strict=True))
    assert any(a < c for a, c in zip(low, high, strict=True))


def test_slices_leave_nothing_out_and_say_nothing_twice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(stage.folder) as address:
        whole = exported(address, asset="pump_1", span=500)
        monkeypatch.setattr(export, "AT_ONCE", 7)
        assert exported(address, asset="pump_1", span=500) == whole
    assert len(whole["time [s since 1970 UTC]"]) == 500
