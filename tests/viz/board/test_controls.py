"""The trend board's controls, in a real browser: ranges, cursor, units, keys, fingers, files."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Page, expect

from tests.viz.board.conftest import drag, mount, outage_excused, touched, wait
from tests.viz.board.server import HOSTILE, START, Plant, chart


def test_a_drag_zooms_and_pauses_while_rows_are_taken_in_and_back_to_live_returns(page: Page, plant: Plant) -> None:
    mount(page)
    back = page.get_by_role("button", name="Back to live")
    expect(back).to_have_attribute("aria-disabled", "true")
    drag(page, 200, 500)
    wait(page, "!board.state().live")
    expect(page.get_by_text("Paused")).to_be_visible()
    held = page.evaluate("board.state()")
    assert held["span"] == pytest.approx(300 * 1.25 * 300 / 1180, rel=0.02)
    wait(page, "board.data('PI-102').t.length < 150")
    assert [path for path in plant.asked if "until=" in path], "the range is asked for anew, and finer"
    plant.settle(10)
    wait(page, "board.stats.rows === 10")
    after = page.evaluate("board.state()")
    assert (after["from"], after["until"]) == (held["from"], held["until"])
    back.click()
    wait(page, f"board.state().live && board.state().until >= {START + 309}")
    expect(page.get_by_text("Paused")).to_be_hidden()
    wait(page, "board.data('PI-102').t.length === 301 || board.data('PI-102').t.length === 300")


def test_escape_returns_to_live(page: Page, plant: Plant) -> None:
    mount(page)
    page.evaluate(f"board.setUntil({START + 200})")
    wait(page, "!board.state().live && ranges.at(-1).live === false")
    assert page.evaluate("[board.state().from, board.state().until]") == [START - 100, START + 200]
    page.keyboard.press("Escape")
    wait(page, "board.state().live && ranges.at(-1).live")


def test_a_unit_shows_converted_values_and_leaves_the_data_alone(page: Page, plant: Plant) -> None:
    mount(page)
    before = page.evaluate("board.data('PI-102').hi")
    page.get_by_label("unit, PI-102").select_option("kPa")
    wait(page, "board.data('PI-102').shown[11][0] > 100")
    shown = page.evaluate("board.data('PI-102').shown[11].slice(0, 300)")
    assert shown == pytest.approx([value * 100 for value in before])
    assert page.evaluate("board.data('PI-102').hi") == before
    expect(page.locator(".twin-actual").first).to_contain_text("kPa")
    assert page.evaluate("ranges.at(-1).units['PI-102']") == "kPa"
    page.reload()
    mount(page)
    expect(page.get_by_label("unit, PI-102")).to_have_value("kPa")


def test_hostile_names_and_units_are_text(page: Page, plant: Plant) -> None:
    plant.charts += [chart(HOSTILE, HOSTILE, HOSTILE), chart("__proto__", "constructor", "toString", kind="parameter")]
    mount(page, asset=HOSTILE, units={HOSTILE: {f"{HOSTILE}2": [2, 0]}})
    expect(page.locator(".twin-name").nth(3)).to_have_text(HOSTILE)
    expect(page.locator(".twin-name").nth(4)).to_have_text("__proto__")
    page.get_by_label(f"unit, {HOSTILE}").select_option(f"{HOSTILE}2")
    plant.settle(1)
    wait(page, "board.stats.rows === 1")
    assert page.locator("#board img").count() == 0


def test_a_residual_outside_three_sigma_is_told_by_shape_and_number(page: Page, plant: Plant) -> None:
    plant.drift = 0.2
    mount(page)
    expect(page.locator(".twin-residual").first).to_contain_text("▲ Residual +")
    expect(page.locator(".twin-residual").nth(1)).not_to_contain_text("▲")


def test_the_cursor_is_shared_and_shows_the_values_of_every_chart(page: Page, plant: Plant) -> None:
    mount(page)
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 101 / 375, box["y"] + 20)
    row = plant.value("FI-101", 100)
    expect(page.locator(".twin-actual").nth(1)).to_have_text(f"Actual {row['actual']:.1f} m3/h")
    expect(page.locator(".twin-twin").nth(1)).to_have_text(
        f"Twin {row['twin']:.1f} ± {1.96 * row['deviation']:.1f} m3/h"
    )
    assert page.locator(".twin-cursor:visible").count() == 3
    page.mouse.move(5, 5)
    expect(page.locator(".twin-when").first).to_have_text("now 06-16 00:11:39")


def test_times_are_the_plants_and_not_the_browsers(page: Page, plant: Plant) -> None:
    assert page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") == "America/New_York"
    mount(page)
    expect(page.locator(".twin-when").first).to_have_text("now 06-16 00:11:39")
    labels = """zone => { const clock = twinTrend.clock(zone);
        return clock.ticks(1741489200, 1741507200, 3600).map(s => clock.label(s, 3600)); }"""
    spring = page.evaluate(labels, "America/New_York")
    assert spring == ["22:00", "23:00", "03-09", "01:00", "03:00", "04:00"], "an hour that does not exist has no label"
    assert page.evaluate(labels, "Asia/Seoul") == ["12:00", "13:00", "14:00", "15:00", "16:00", "17:00"]


def test_every_control_is_reached_and_worked_with_the_keyboard(page: Page, plant: Plant) -> None:
    mount(page)
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    ranges = ["5 min", "Back to live", "CSV", "Parquet", "PNG"]
    assert reached == [*ranges, "Unit, PI-102", "PI-102 pressure rise", "FI-101 volume flow"]
    page.keyboard.press("+")
    wait(page, "!board.state().live && Math.abs(board.state().span - 375 / 2) < 1")
    before = page.evaluate("board.state()")
    page.keyboard.press("ArrowLeft")
    wait(page, f"board.state().until < {before['until']}")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".twin-when").first).to_contain_text("Cursor")
    page.keyboard.press("Escape")
    wait(page, "board.state().live")
    page.get_by_role("radio", name="5 min").focus()
    page.keyboard.press("ArrowRight")
    wait(page, "board.state().span === 1800")
    expect(page.get_by_role("radio", name="30 min")).to_be_focused()
    expect(page.get_by_role("radio", name="30 min")).to_be_checked()


def test_the_picture_is_downloaded_under_a_name_that_says_what_and_when(page: Page, plant: Plant) -> None:
    plant.forecast = False
    mount(page, asset="pump_2/../x")
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    assert download.value.suggested_filename == "pump_2_.._x_20250616-000639_20250616-001139.png"
    picture = Path(download.value.path()).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[i : i + 4]) for i in (16, 20))
    assert width == page.locator(".twin-plots").first.bounding_box()["width"]
    assert height > 3 * 150


def test_one_finger_moves_a_chart_and_two_zoom_it(page: Page, plant: Plant) -> None:
    mount(page)
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    before = page.evaluate("board.state()")
    touched(page, [[box["x"] + 300], [box["x"] + 350], [box["x"] + 400]], box["y"] + 60)
    moved = page.evaluate("board.state()")
    shown = 1.25 * 300 / box["width"]  # seconds a pixel, the forecast's share with them
    assert not moved["live"]
    assert before["from"] - moved["from"] == pytest.approx(100 * shown, rel=0.02)
    touched(page, [[box["x"] + 300, box["x"] + 500], [box["x"] + 200, box["x"] + 600]], box["y"] + 60)
    zoomed = page.evaluate("board.state()")
    assert zoomed["span"] == pytest.approx(moved["span"] / 2, rel=0.02)
    middle = moved["from"] + 400 * shown
    assert zoomed["from"] + 400 * shown / 2 == pytest.approx(middle, abs=1.0)


def test_a_tap_moves_nothing(page: Page, plant: Plant) -> None:
    mount(page)
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    touched(page, [[box["x"] + 300], [box["x"] + 303]], box["y"] + 60)
    assert page.evaluate("board.state().live")


def test_a_file_is_asked_for_as_it_is_shown_and_a_refusal_is_told(
    page: Page, plant: Plant, complaints: list[str]
) -> None:
    mount(page, names=["PI-102", "odd,name"])
    page.get_by_label("Unit, PI-102").select_option("kPa")
    page.get_by_role("button", name="CSV").click()
    expect(page.locator(".twin-note")).to_have_text("300 rows are too many; ask for fewer")
    asked = urlparse(next(address for address in plant.asked if "export.csv" in address))
    query = parse_qs(asked.query)
    assert json.loads(query["units"][0])["PI-102"] == "kPa"
    assert query["names"] == ["PI-102,odd%2Cname"]
    assert float(query["span"][0]) == 300.0
    outage_excused(complaints)
