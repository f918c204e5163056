"""What the browser is sent: units, holes, cursors, and what tiles say, from instants alone."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.viz.stage import T0, Stage, advisory, instant, plan
from twin.history.reader import History
from twin.history.row import Row
from twin.live.scribe import row_of
from viz import overview, payload
from viz.feed import Feed, Seen, since

PLAN = plan()


def seen(count: int, **more: object) -> Seen:
    rows = tuple(row_of(instant(k)) for k in range(count))
    return Seen(number=1, plan=PLAN, rows=rows, **more)  # type: ignore[arg-type]


def test_values_are_sent_in_the_unit_shown_and_bands_without_offset() -> None:
    delta = payload.delta(seen(3), PLAN, payload.charts(PLAN, "pump_1"), 0)
    heat = delta["columns"]["TI-111"]
    assert heat["twin"] == pytest.approx([46.85, 46.851, 46.852], abs=1e-4)
    assert heat["deviation"] == [0.25, 0.25, 0.25]
    assert heat["actual"] == pytest.approx([46.975, 46.976, 46.977], abs=1e-4)
    assert delta["columns"]["PI-101"]["deviation"] == [0.01, 0.01, 0.01]


def test_a_delta_holds_what_came_after_its_number_and_ends_with_the_newest() -> None:
    state = seen(10)
    charts = payload.charts(PLAN, "tank")
    at = round((T0 + 6) * payload.MICRO)
    delta = payload.delta(state, PLAN, charts, at)
    assert (delta["since"], delta["seq"], delta["t"]) == (at, round((T0 + 9) * payload.MICRO), [T0 + 7, T0 + 8, T0 + 9])
    assert payload.delta(state, PLAN, charts, delta["seq"])["t"] == []


def test_who_asks_from_before_what_is_kept_is_told_that_there_is_a_hole() -> None:
    state = seen(10)
    delta = payload.delta(state, PLAN, payload.charts(PLAN, "tank"), round((T0 - 100) * payload.MICRO))
    assert delta["since"] == round(T0 * payload.MICRO)


def test_provisional_instants_are_sent_apart_and_only_those_behind_the_settled() -> None:
    head = tuple(row_of(instant(k)) for k in (9, 10, 11))
    delta = payload.delta(seen(10, head=head), PLAN, payload.charts(PLAN, "tank"), 0)
    assert delta["head"]["t"] == [T0 + 10, T0 + 11]
    assert len(delta["head"]["columns"]["LI-101"]["actual"]) == 2


def test_what_is_no_number_is_sent_as_nothing() -> None:
    row = row_of(instant(1, hole=True))
    delta = payload.delta(Seen(plan=PLAN, rows=(row,)), PLAN, payload.charts(PLAN, "tank"), 0)
    column = delta["columns"]["LI-101"]
    assert (column["actual"], column["quality"]) == ([None], [3])


def test_a_hidden_state_is_drawn_with_the_asset_and_a_parameter_is_not() -> None:
    assert [chart.shown.name for chart in payload.charts(PLAN, "pump_1")] == ["PI-101", "TI-111", "pump_1.w"]
    assert [chart.shown.name for chart in payload.charts(PLAN, "", ["pump_1.head_0", "nothing"])] == ["pump_1.head_0"]


def test_a_trend_and_the_deltas_after_it_are_the_trend_that_is_asked_for_later(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "data")
    stage.live(100)
    charts = payload.charts(PLAN, "pump_1")
    feed = Feed(stage.folder)
    try:
        with History(stage.folder) as history:
            first = payload.trend(history, PLAN, feed.seen, charts, "en", span=60.0, until=None, points=500)
            stage.live(20)
            while feed.seen.rows[-1].time < T0 + 119:
                pass
            delta = payload.delta(feed.seen, PLAN, charts, first["seq"])
            later = payload.trend(history, PLAN, feed.seen, charts, "en", span=60.0, until=None, points=500)
    finally:
        feed.close()
    assert [*first["t"], *delta["t"]][-60:] == later["t"]
    joined = [*first["columns"]["TI-111"]["hi"], *delta["columns"]["TI-111"]["actual"]]
    assert joined[-60:] == later["columns"]["TI-111"]["hi"]


def test_only_what_is_newer_is_told() -> None:
    rows = seen(5).rows
    assert [row.time for row in since(rows, T0 + 2)] == [T0 + 3, T0 + 4]
    assert since(rows, T0 + 99) == []
    assert len(since(rows, 0.0)) == 5


def tile(state: Seen, name: str = "pump_1") -> overview.Tile:
    return next(tile for tile in overview.tiles(state) if tile.name == name)


def test_a_tile_names_the_tag_that_is_furthest_off_and_how_far() -> None:
    row = row_of(instant(1))
    off = row._replace(reading=row.expected + np.array([0.0, -4.0 * 0.25, 0.0]))
    assert tile(Seen(plan=PLAN, rows=(off,))).worst == ("TI-111", pytest.approx(-4.0))
    assert tile(Seen(plan=PLAN, rows=(row_of(instant(1, hole=True)),))).worst is None


def test_one_reading_far_off_by_chance_colours_no_tile_and_three_of_five_do() -> None:
    calm = row_of(instant(1))
    far = calm._replace(reading=calm.expected + np.array([0.0, 5.0 * 0.25, 0.0]))
    assert tile(Seen(plan=PLAN, rows=(calm, calm, calm, calm, far))).worst[1] == pytest.approx(0.5)  # type: ignore[index]
    assert tile(Seen(plan=PLAN, rows=(calm, far, calm, far, far))).worst == ("TI-111", pytest.approx(5.0))


@pytest.mark.parametrize(
    ("value", "deviation", "unusual"), [(25.5, 0.2, ()), (29.0, 0.2, ("head_0",)), (29.0, 5.0, ())]
)
def test_a_parameter_is_unusual_with_its_whole_band_or_not_at_all(
    value: float, deviation: float, unusual: tuple[str, ...]
) -> None:
    row: Row = row_of(instant(1))._replace(believed=np.array([[290.0, value], [0.1, deviation]]))
    assert tile(Seen(plan=PLAN, rows=(row,))).unusual == unusual


def test_a_tile_tells_how_old_its_data_are_and_that_it_never_had_any() -> None:
    state = seen(
        10, status={"heard": {"PI-101": T0 + 4, "TI-111": T0 + 6}, "newest": T0 + 10, "running": {"pump_1": False}}
    )
    assert tile(state).age == 4.0
    assert tile(state).running is False
    assert tile(state, "tank").age == math.inf


def test_the_most_urgent_active_advisory_marks_the_tile_and_a_returned_one_does_not() -> None:
    standing = (
        advisory(1, priority=2),
        advisory(2, priority=1, state="returned"),
        advisory(3, priority=1, about=("tank",)),
    )
    assert tile(seen(1, standing=standing)).priority == 2


def test_evidence_is_what_the_advisory_names_in_its_order() -> None:
    assert overview.evidence(advisory(), PLAN) == ["TI-111", "PI-101"]
    bare = advisory(values={}, key="gateway:gw", about=())
    assert overview.evidence(bare, PLAN) == []


def test_assets_are_laid_out_so_that_neighbours_stand_beside_each_other() -> None:
    assert overview.layers(PLAN) == [["tank"], ["pump_1"]]
