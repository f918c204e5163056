"""The trend board's rows: how they come, are kept and are drawn, in a real browser."""

from playwright.sync_api import Page, expect

from tests.viz.board.conftest import MOUNT, OPTIONS, mount, outage_excused, seconds, wait
from tests.viz.board.server import START, Plant


def test_charts_grow_with_the_stream(page: Page, plant: Plant) -> None:
    mount(page)
    plant.settle(5)
    wait(page, "board.stats.rows === 5")
    assert seconds(page) == list(range(305))
    wait(page, f"board.data('PI-102').shown[0].includes({START + 304})")
    actual = page.evaluate("board.data('PI-102').hi.at(-1)")
    assert actual == plant.value("PI-102", 304)["actual"]


def test_charts_stay_gapless_through_an_outage_of_three_seconds(
    page: Page, plant: Plant, complaints: list[str]
) -> None:
    mount(page)
    plant.settle(1)
    wait(page, "board.stats.rows === 1")
    page.evaluate("window.down = performance.now()")
    plant.close()
    wait(page, "links.some(({up}) => !up)")
    expect(page.get_by_text("no connection")).to_be_visible()
    wait(page, "performance.now() - down > 3000")
    plant.settle(3)
    plant.open()
    wait(page, "board.stats.rows === 4")
    plant.settle(1)
    wait(page, "board.stats.rows === 5 && links.at(-1).up")
    assert seconds(page) == list(range(305))
    assert page.evaluate("[board.stats.gaps, board.stats.dups]") == [0, 0]
    assert page.evaluate("board.stats.reconnects") >= 1
    expect(page.get_by_text("no connection")).to_be_hidden()
    outage_excused(complaints)


def test_a_server_without_a_stream_is_asked_every_second(page: Page, plant: Plant, complaints: list[str]) -> None:
    plant.streams = False
    mount(page)
    wait(page, "board.stats.polling")
    plant.settle(2)
    wait(page, "board.stats.rows === 2")
    assert page.evaluate("links.at(-1).up")
    outage_excused(complaints)


def test_rows_that_never_came_are_counted_and_fetched(page: Page, plant: Plant) -> None:
    mount(page)
    wait(page, "links.length > 0")
    plant.lose(4)
    plant.settle(1)
    wait(page, f"board.stats.gaps === 1 && board.data('PI-102').t.at(-1) === {START + 304}")
    assert seconds(page) == list(range(4, 305))


def test_rows_that_come_twice_are_kept_once(page: Page, plant: Plant) -> None:
    mount(page)
    plant.repeated = 3
    plant.settle(2)
    wait(page, "board.stats.rows === 2")
    assert page.evaluate("board.stats.dups") == 3
    assert seconds(page) == list(range(302))


def test_a_hole_is_not_joined(page: Page, plant: Plant) -> None:
    plant.missing = set(range(100, 110))
    mount(page)
    shown = page.evaluate("board.data('PI-102').shown")
    between = [i for i, time in enumerate(shown[0]) if 99 < time - START < 110]
    assert len(between) == 1
    assert all(column[between[0]] is None for column in shown[1:])
    types = page.evaluate(f"board.data('PI-102').shown.slice(1).map(column => column[{between[0]}] === null)")
    assert all(types), "undefined would be joined"


def test_two_missing_rows_are_no_hole(page: Page, plant: Plant) -> None:
    plant.missing = {100, 101}
    mount(page)
    shown = page.evaluate("board.data('PI-102').shown[0]")
    assert not [time for time in shown if 99 < time - START < 102]


def test_a_bad_reading_breaks_the_line_of_the_readings_alone(page: Page, plant: Plant) -> None:
    plant.quality = {50: 2}
    mount(page)
    row = page.evaluate("(({ lo, hi, twin, bad }) => [lo[50], hi[50], twin[50], bad[50]])(board.data('PI-102').plan)")
    assert row[:2] == [None, None]
    assert row[2] is not None
    assert row[3]
    assert page.evaluate("board.data('PI-102').hi[50]") == plant.value("PI-102", 50)["actual"]


def test_head_rows_are_replaced_and_go_when_settled_rows_pass_them(page: Page, plant: Plant) -> None:
    mount(page)
    times = "board.data('PI-102').plan.t.slice(0, board.data('PI-102').plan.past)"
    plant.settle(1)
    wait(page, f"{times}.at(-1) === {START + 302}")
    plant.settle(1)
    wait(page, f"{times}.at(-1) === {START + 303}")
    assert [time - START for time in page.evaluate(times)] == list(range(304))
    plant.heads = 0
    plant.settle(2)
    wait(page, f"board.stats.rows === 4 && {times}.length === 304")
    assert [time - START for time in page.evaluate(times)] == list(range(304))


def test_the_forecast_lies_right_of_now(page: Page, plant: Plant) -> None:
    mount(page)
    plan = page.evaluate("board.data('PI-102').plan")
    ahead = [
        time for time, value in zip(plan["t"][plan["past"] :], plan["aheadTwin"][plan["past"] :], strict=True) if value
    ]
    assert min(ahead) > START + 299
    assert page.evaluate("ranges.at(-1).until") == START + 299, "what the page exports ends now"
    assert plan["aheadTwin"][plan["past"] - 1] == plan["twin"][plan["past"] - 1], "it starts where the expectation is"


def test_nothing_is_drawn_while_nobody_sees_it(page: Page, plant: Plant) -> None:
    mount(page)
    hide = """hidden => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    frames = page.evaluate("board.stats.frames")
    plant.settle(1)
    wait(page, "board.stats.rows === 1")
    plant.settle(1)
    wait(page, "board.stats.rows === 2")
    assert page.evaluate("board.stats.frames") == frames
    page.evaluate(hide, False)
    wait(page, f"board.stats.frames === {frames + 1} && board.data('PI-102').plan.t.includes({START + 301})")


def test_a_long_live_range_is_fetched_anew_before_single_rows_pile_up(page: Page, plant: Plant) -> None:
    plant.settled = 2400
    mount(page, span=3600)
    first = page.evaluate("board.data('PI-102').t.length")
    assert first <= 1180
    plant.settle(900)
    wait(page, f"board.data('PI-102').t.length < 1180 && board.data('PI-102').seq === {plant.sequence(3300)}")
    lows, highs = page.evaluate("[board.data('PI-102').lo, board.data('PI-102').hi]")
    actual = plant.rows(0, 3300)[1]["PI-102"]["actual"]
    assert (min(lows), max(highs)) == (min(actual), max(actual)), "a bucket hides no extreme"


def test_a_wide_first_band_does_not_squash_the_rest(page: Page, plant: Plant) -> None:
    value = plant.value
    plant.value = lambda name, second: value(name, second) | ({"deviation": 1e3} if second < 5 else {})
    plant.forecast = False
    mount(page)
    scale = page.evaluate("board.data('PI-102').y")
    assert scale["max"] - scale["min"] < 1


def test_a_board_opens_in_the_past_with_the_columns_asked_for(page: Page, plant: Plant) -> None:
    mount(page, until=START + 200, span=100, spans=[100, 300], only=["FI-101", "wear"])
    state = page.evaluate("board.state()")
    assert state["names"] == ["FI-101", "wear"]
    assert (state["from"], state["until"], state["live"]) == (START + 100, START + 200, False)
    wait(page, "board.data('FI-101').t.length === 111")
    assert seconds(page, "FI-101")[0] <= 100, "the line runs to the left edge"
    assert seconds(page, "FI-101")[-1] >= 200, "and to the right one"


def test_an_unsteady_server_is_asked_until_it_answers(page: Page, plant: Plant, complaints: list[str]) -> None:
    plant.close()
    page.evaluate(MOUNT, OPTIONS)
    expect(page.get_by_text("no data")).to_be_visible()
    wait(page, "links.some(({up}) => !up)")
    plant.open()
    wait(page, "board.stats.frames > 0 && links.at(-1).up")
    expect(page.get_by_text("no data").first).to_be_hidden()
    outage_excused(complaints)


def test_an_archive_is_shown_without_a_stream(page: Page, plant: Plant) -> None:
    mount(page, archive="2025-06")
    assert not page.evaluate("board.state().live")
    assert all("archive=2025-06" in path for path in plant.asked)
    assert not [path for path in plant.asked if "/stream" in path]


def test_a_destroyed_board_leaves_nothing_behind(page: Page, plant: Plant) -> None:
    mount(page)
    page.evaluate("board.destroy()")
    asked = len(plant.asked)
    plant.settle(1)
    page.keyboard.press("Escape")
    wait(page, "document.getElementById('board').children.length === 0")
    mount(page)
    assert len([path for path in plant.asked[asked:] if "/trend" in path]) == 1
