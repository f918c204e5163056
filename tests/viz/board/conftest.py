"""The trend board on a page of a browser that stands in New York."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.viz.board.server import START, Plant
from viz.parts import words

MOUNT = """options => {
    window.ranges = []; window.links = [];
    document.addEventListener("twin:range", ({detail}) => ranges.push(detail));
    document.addEventListener("twin:link", ({detail}) => links.push(detail));
    window.board = twinBoard.mount(document.getElementById("board"), options);
}"""
OPTIONS = {"base": "/api/v1", "asset": "pump_2", "span": 300, "zone": "Asia/Seoul", "language": "en"}
OPTIONS |= {"words": words("en")}
OPTIONS |= {"units": {"bar": {"kPa": [100, 0], "psi": [14.5038, 0]}}}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("no chromium, chromium-browser or google-chrome on PATH: install one to test the live view")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def plant() -> Iterator[Plant]:
    plant = Plant()
    yield plant
    plant.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to say on its console, and its dialogs."""
    return []


@pytest.fixture
def page(browser: Browser, plant: Plant, complaints: list[str]) -> Iterator[Page]:
    """Return a page of a browser that stands in New York; it must end without a complaint."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, has_touch=True, timezone_id="America/New_York", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000.0)
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    page.goto(f"http://127.0.0.1:{plant.port}/")
    yield page
    context.close()
    assert complaints == []


def wait(page: Page, condition: str, seconds: int = 10) -> None:
    """Wait for a condition in the page; the policy forbids the eval that Playwright's own wait_for_function needs."""
    page.evaluate(f"""async () => {{
        const end = performance.now() + {seconds} * 1000;
        while (!({condition})) {{
            if (performance.now() > end) throw new Error("never came: " + {json.dumps(condition)});
            await new Promise(go => setTimeout(go, 10));
        }}
    }}""")


def mount(page: Page, **more: Any) -> None:
    """Mount the board and wait until its rows are drawn."""
    page.evaluate(MOUNT, OPTIONS | more)
    wait(page, "board.stats.frames > 0 && board.state().names.length > 0")


def outage_excused(complaints: list[str]) -> None:
    """Excuse what the browser itself reports of requests that a dead server refused."""
    complaints[:] = [text for text in complaints if not text.startswith("Failed to load resource")]


def drag(page: Page, start: int, end: int) -> None:
    """Drag over the first plot from one x to another."""
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + end, box["y"] + 60, steps=4)
    page.mouse.up()


def seconds(page: Page, name: str = "PI-102") -> list[int]:
    """Return the seconds after START of the rows the board holds."""
    return [round(time - START) for time in page.evaluate(f"board.data({json.dumps(name)}).t")]


def touched(page: Page, path: list[list[float]], y: float) -> None:
    """Put fingers down at the first x of a path, one finger each, move them through the others, and lift them."""
    session = page.context.new_cdp_session(page)
    for k, xs in enumerate(path):
        points = [{"x": x, "y": y, "id": i} for i, x in enumerate(xs)]
        kind = "touchMove" if k else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
