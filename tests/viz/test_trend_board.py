"""The trend board in a real browser, against a server whose rows the test decides."""

import json
import math
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / "viz" / "static"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'"
START = 1_750_000_000  # 2025-06-16 00:06:40 in Seoul
HOSTILE = "<img src=x onerror=alert(1)>"
TAGS = {"PI-102": 2.4, "FI-101": 41.0}


def chart(name: str, title: str, unit: str, **more: Any) -> dict[str, Any]:
    """Return what the server says of one column."""
    return {"kind": "tag", "asset": "pump_2", "low": None, "high": None, "healthy": None} | {
        "name": name,
        "title": title,
        "unit": unit,
        **more,
    }


class Plant:
    """Rows at 1 Hz from START, settled as far as the test says, and the server that gives them out."""

    def __init__(self) -> None:
        self.charts = [
            chart("PI-102", "pressure rise", "bar", high=2.75),
            chart("FI-101", "volume flow", "m3/h", healthy=[38.0, 44.0]),
            chart("wear", "bearing wear", "mm", kind="hidden"),
        ]
        self.settled = 300  # rows
        self.missing: set[int] = set()
        self.quality: dict[int, int] = {}
        self.drift = 0.0
        self.forecast = True
        self.heads = 2
        self.lost = 0  # the rows up to this cursor are never streamed
        self.repeated = 0  # rows that each event sends once more
        self.streams = True
        self.asked: list[str] = []
        self.moved = threading.Condition()
        self.port = 0
        self.lines: set[socket.socket] = set()
        self.server: ThreadingHTTPServer | None = None
        self.open()

    # What it measures and expects.

    def value(self, name: str, second: int) -> dict[str, float]:
        """Return actual, twin and deviation of a column in a second."""
        base = TAGS.get(name, 0.8)
        deviation = base * 0.008 * (1 + 3 * math.exp(-second / 40))
        twin = base * (1 + 0.02 * math.sin(second / 45))
        noise = random.Random(f"{name}{second}").gauss(0, 0.7) * base * 0.008
        drift = self.drift * max(0, second - 180) * base * 0.008 if name == "PI-102" else 0
        return {"actual": twin + noise + drift, "twin": twin, "deviation": deviation}

    def rows(self, first: int, last: int) -> tuple[list[float], dict[str, dict[str, list[Any]]]]:
        """Return the rows from `first` to before `last`, without those that are missing."""
        seconds = [second for second in range(max(0, first), last) if second not in self.missing]
        columns = {}
        for entry in self.charts:
            values = [self.value(entry["name"], second) for second in seconds]
            columns[entry["name"]] = {
                "twin": [v["twin"] for v in values],
                "deviation": [v["deviation"] for v in values],
            }
            if entry["kind"] == "tag":
                columns[entry["name"]] |= {
                    "actual": [v["actual"] for v in values],
                    "quality": [self.quality.get(second, 0) for second in seconds],
                }
        return [float(START + second) for second in seconds], columns

    def sequence(self, rows: int) -> int:
        return (START + rows - 1) * 1_000_000

    def ahead(self) -> dict[str, Any] | None:
        if not self.forecast:
            return None
        steps = range(self.settled + 5, self.settled + 600, 5)
        columns = {}
        for entry in self.charts:
            values = [self.value(entry["name"], step) for step in steps]
            columns[entry["name"]] = {
                "twin": [v["twin"] for v in values],
                "deviation": [v["deviation"] * (1 + i / 20) for i, v in enumerate(values)],
            }
        return {"t": [START + step for step in steps], "columns": columns}

    def trend(self, span: float, points: int, until: float | None) -> dict[str, Any]:
        """Return a window, in buckets where it has more rows than points."""
        end = self.settled if until is None else min(self.settled, math.floor(until - START) + 1)
        times, columns = self.rows(math.ceil(end - 1 - span), end)
        size = math.ceil(len(times) / points) or 1
        given = {}
        for name, column in columns.items():
            given[name] = {field: column[field][::size] for field in ("twin", "deviation")}
            if "actual" in column:
                buckets = [column["actual"][i : i + size] for i in range(0, len(times), size)]
                given[name] |= {"lo": [min(b) for b in buckets], "hi": [max(b) for b in buckets]}
                given[name]["quality"] = column["quality"][::size]
        return {
            "seq": self.sequence(end),
            "from": START + end - 1 - span,
            "until": START + end - 1,
            "live": until is None,
            "charts": self.charts,
            "t": times[::size],
            "columns": given,
            "ahead": self.ahead(),
            "gap": 5.0 * size,
        }

    def delta(self, since: int) -> dict[str, Any]:
        """Return all rows after a cursor."""
        first = since // 1_000_000 - START + 1
        times, columns = self.rows(first, self.settled)
        head_times, head = self.rows(self.settled, self.settled + self.heads)
        return {
            "since": since,
            "seq": self.sequence(self.settled),
            "t": times,
            "columns": columns,
            "head": {"t": head_times, "columns": head} if self.heads else None,
            "ahead": self.ahead(),
        }

    def settle(self, rows: int) -> None:
        """Let time pass."""
        with self.moved:
            self.settled += rows
            self.moved.notify_all()

    def lose(self, rows: int) -> None:
        """Let time pass without telling those who listen."""
        with self.moved:
            self.settled += rows
            self.lost = self.sequence(self.settled)

    # How it goes off and on.

    def open(self) -> None:
        """Listen, on the same port as before."""

        class Handler(Answer):
            plant = self

        ThreadingHTTPServer.daemon_threads = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        """Stop listening and cut every line, as a server that dies."""
        server, self.server = self.server, None
        if server is None:
            return
        server.shutdown()
        self.thread.join()
        server.server_close()
        with self.moved:
            self.moved.notify_all()
        for line in list(self.lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class Answer(BaseHTTPRequestHandler):
    """Answers the page's requests."""

    plant: Plant

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def handle(self) -> None:
        self.plant.lines.add(self.connection)
        with suppress(OSError):
            super().handle()
        self.plant.lines.discard(self.connection)

    def give(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        address = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        plant = self.plant
        if address.path.startswith("/api/v1/"):
            plant.asked.append(self.path)
        match address.path:
            case "/":
                self.give((HERE / "board.html").read_bytes(), TYPES[".html"])
            case "/favicon.ico":
                self.give(b"", "image/x-icon", 204)
            case "/api/v1/trend":
                until = float(query["until"]) if "until" in query else None
                self.give_json(plant.trend(float(query["span"]), int(query["points"]), until))
            case "/api/v1/delta":
                self.give_json(plant.delta(int(query["since"])))
            case "/api/v1/stream":
                self.stream(int(query["since"]))
            case path if path.startswith("/static/"):
                file = STATIC / path.removeprefix("/static/")
                self.give(file.read_bytes(), TYPES[file.suffix])
            case _:
                self.give(b"", "text/plain", 404)

    def give_json(self, document: dict[str, Any]) -> None:
        self.give(json.dumps(document).encode(), "application/json")

    def stream(self, since: int) -> None:
        """Send what has settled, again and again, until the server goes off or the page goes away."""
        plant, server = self.plant, self.server
        if not plant.streams:
            self.give(b"", "text/plain", 503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.flush()
        while True:
            with plant.moved:
                while plant.server is server and plant.sequence(plant.settled) <= max(since, plant.lost):
                    plant.moved.wait()
                if plant.server is not server:
                    return
                event = plant.delta(max(since, plant.lost) - plant.repeated * 1_000_000)
            since = event["seq"]
            self.wfile.write(f"id: {since}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()


MOUNT = """options => {
    window.ranges = []; window.links = [];
    document.addEventListener("twin:range", ({detail}) => ranges.push(detail));
    document.addEventListener("twin:link", ({detail}) => links.push(detail));
    window.board = twinBoard.mount(document.getElementById("board"), options);
}"""
OPTIONS = {"base": "/api/v1", "asset": "pump_2", "span": 300, "zone": "Asia/Seoul", "language": "en"}
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
        viewport={"width": 1280, "height": 800}, timezone_id="America/New_York", reduced_motion="reduce"
    )
    page = context.new_page()
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
    expect(page.get_by_text("offline")).to_be_visible()
    wait(page, "performance.now() - down > 3000")
    plant.settle(3)
    plant.open()
    wait(page, "board.stats.rows === 4")
    plant.settle(1)
    wait(page, "board.stats.rows === 5 && links.at(-1).up")
    assert seconds(page) == list(range(305))
    assert page.evaluate("[board.stats.gaps, board.stats.dups]") == [0, 0]
    assert page.evaluate("board.stats.reconnects") >= 1
    expect(page.get_by_text("offline")).to_be_hidden()
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
    wait(page, "board.data('PI-102').shown[8][0] > 100")
    shown = page.evaluate("board.data('PI-102').shown[8].slice(0, 300)")
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
    expect(page.locator(".twin-residual").first).to_contain_text("▲ residual +")
    expect(page.locator(".twin-residual").nth(1)).not_to_contain_text("▲")


def test_the_cursor_is_shared_and_shows_the_values_of_every_chart(page: Page, plant: Plant) -> None:
    mount(page)
    box = page.locator(".u-over").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 101 / 375, box["y"] + 20)
    row = plant.value("FI-101", 100)
    expect(page.locator(".twin-actual").nth(1)).to_have_text(f"actual {row['actual']:.1f} m3/h")
    expect(page.locator(".twin-twin").nth(1)).to_have_text(
        f"twin {row['twin']:.1f} ± {1.96 * row['deviation']:.1f} m3/h"
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
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == ["5 min", "Back to live", "PNG", "unit, PI-102", "PI-102 pressure rise", "FI-101 volume flow"]
    page.keyboard.press("+")
    wait(page, "!board.state().live && Math.abs(board.state().span - 375 / 2) < 1")
    before = page.evaluate("board.state()")
    page.keyboard.press("ArrowLeft")
    wait(page, f"board.state().until < {before['until']}")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".twin-when").first).to_contain_text("cursor")
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
