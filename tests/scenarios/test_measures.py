"""What a scenario reports, against numbers worked out by hand of a line whose times are constant.

The mill's parts are done at 40, 80, 120 and 160 s; by then saw and rack are full. The saw takes 1000 s, so that one
more is begun at 1040, 2040 and 3040 s: in one hour the mill works 7 x 40 s. Three parts leave, at 1040, 2040 and
3040 s, that were begun at 0, 40 and 80 s.
"""

from pathlib import Path

import pytest

from tests.scenarios.asked import answers, ask

HOUR, BUSY = 3600.0, 7 * 40.0
JOULES = 500.0 * BUSY + 100.0 * BUSY + 10.0 * (HOUR - BUSY)
WORKED_OUT = {
    "mill.busy": BUSY,
    "mill.blocked": HOUR - BUSY,
    "mill.idle": 0.0,
    "mill.made": 7.0,
    "mill.failures": 0.0,
    "mill.setups": 0.0,
    "mill.services": 0.0,
    "mill.held": 1.0,
    "mill.oee": BUSY / HOUR,
    "saw.busy": HOUR - 40.0,
    "saw.idle": 40.0,
    "rack.held": (40.0 + 2.0 * (HOUR - 120.0)) / HOUR,
    "line.done": 3.0,
    "line.scrapped": 0.0,
    "line.escaped": 0.0,
    "line.throughput": 3.0 / HOUR,
    "line.lead": (1040.0 + 2000.0 + 2960.0) / 3.0,
    "line.energy": JOULES,
    "line.good_energy": JOULES / 3.0,
    "order.first.done": 3.0,
    "order.first.on_time": 1.0,
    "order.first.finished": 3040.0,
    "order.first.late": 0.0,
    "order.rest.done": 0.0,
    "order.rest.on_time": 0.0,
    "order.rest.finished": HOUR,
    "order.rest.late": 600.0,
    "crew.men.busy": BUSY / HOUR,
    "crew.others.busy": 0.0,
    "press.E": 500.0 * BUSY,
    "EI-1": 500.0 * BUSY,
    "max(press.E)": 500.0 * BUSY,
    "min(press.E)": 0.0,
    "max(EI-1)": 500.0 * BUSY,
    # Per joule, part, late order and person-second: two men for an hour, three others for the half hour of their shift.
    "line.cost": 3 * 90.0 - JOULES / 3.6e6 * 200.0 - 50.0 - 2 * 10.0 - 3 * 0.5 * 8.0,
}
MONEY = "{energy: 200, scrap: 7, part: 90, late: 50, crew: {men: 10, others: 8}}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """Return every number of one run."""
    asked = ask(tmp_path_factory.mktemp("asked"), report=str(list(WORKED_OUT)), money=MONEY)
    (values,) = answers(asked).values()
    assert isinstance(values, dict)
    return {name: float(values[name]) for name in WORKED_OUT}


@pytest.mark.parametrize("name", WORKED_OUT)
def test_a_number_is_what_is_worked_out_by_hand(found: dict[str, float], name: str) -> None:
    assert found[name] == pytest.approx(WORKED_OUT[name], rel=1e-9, abs=1e-6)


def test_work_in_progress_is_what_mill_rack_and_saw_hold(tmp_path: Path) -> None:
    (values,) = answers(ask(tmp_path, report="[line.wip, mill.held, rack.held, saw.held]")).values()
    assert isinstance(values, dict)
    assert values["line.wip"] == pytest.approx(values["mill.held"] + values["rack.held"] + values["saw.held"])


def test_what_was_before_the_warm_up_s_end_counts_nowhere(tmp_path: Path) -> None:
    # From 1000 to 3000 s: the mill works at 1040 and 2040 s, two parts leave; between events too time is told.
    names = "[mill.busy, mill.blocked, saw.busy, line.done, rack.held, line.energy, crew.men.busy, crew.others.busy]"
    asked = ask(tmp_path, report=names, warm_up="1000 s", length="2000 s")
    (values,) = answers(asked).values()
    assert isinstance(values, dict)
    energy = 600.0 * 80.0 + 10.0 * 1920.0
    expected = [80.0, 1920.0, 2000.0, 2.0, 2.0, energy, 80.0 / 2000.0, 0.0]
    assert [values[name] for name in asked.report] == pytest.approx(expected)


def test_an_order_that_is_never_finished_is_not_on_time(tmp_path: Path) -> None:
    asked = ask(
        tmp_path, length="1 min", report="[order.first.on_time, order.first.finished, order.first.late, line.lead]"
    )
    (values,) = answers(asked).values()
    assert isinstance(values, dict)
    assert [values[name] for name in asked.report[:3]] == [0.0, 60.0, 0.0]
    assert values["line.lead"] != values["line.lead"]  # of no part


def test_a_branch_that_fails_says_why_and_leaves_the_others_alone(tmp_path: Path) -> None:
    asked = ask(tmp_path, variants="{as_is: {}, hot: {press.E: 999999999999999.5, press.power: 1 MW}}")
    found = answers(asked, 2)
    assert found["as_is/0"]["line.done"] == found["as_is/1"]["line.done"] == 3.0  # type: ignore[index]
    for key in ("hot/0", "hot/1"):
        assert "press.E = 1e+15 J left its bounds" in found[key].reason  # type: ignore[union-attr]
    assert "left its bounds" in answers(ask(tmp_path, assume="{press.E: 999999999999999.5}"))["as_is/0"].reason  # type: ignore[union-attr]


def test_a_branch_that_fails_while_warming_up_leaves_the_others_alone(tmp_path: Path) -> None:
    asked = ask(tmp_path, warm_up="30 min", length="30 min", variants="{as_is: {}, hot: {press.E: 999999999999999.5}}")
    found = answers(asked)
    assert found["as_is/0"]["line.done"] == 2.0  # type: ignore[index]
    assert "left its bounds" in found["hot/0"].reason  # type: ignore[union-attr]


def test_numbers_that_join_station_and_equipment_are_each_variant_s_own(tmp_path: Path) -> None:
    asked = ask(tmp_path, report="[mill.busy]", variants="{as_is: {}, fast: {flow.mill.pace.at: 0.5}}")
    found = answers(asked)
    assert found["as_is/0"]["mill.busy"] == pytest.approx(BUSY)  # type: ignore[index]
    assert found["fast/0"]["mill.busy"] == pytest.approx(0.5 * BUSY)  # type: ignore[index]
