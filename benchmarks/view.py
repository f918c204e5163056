"""How soon a reading is seen, what people who look cost, and how fast a day opens: the view in a real browser.

A plant of 25 tags sends ten readings a second of each through a gateway; ingest, twin and view are processes of their
own, and Chromium draws an asset's page. Then 50 clients hold streams and open pages. Last, a day of 20 tags at 10 Hz,
all of one asset, is opened by a view that has just started.

Latency is from the reading's own time to the end of the frame in which the board has drawn it; the browser draws in
software, on the same two cores.
"""

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measures.view_day import HERTZ, lived
from benchmarks.processes import Follower, Ingest, until
from benchmarks.report import report
from twin.live.shown import AHEAD_EVERY

PLANT = Path(__file__).parents[1] / "scenarios" / "plants" / "cooling_station.yaml"
ASSET = "pump_2"
CLIENTS, FEW = 50, 10
WARM = 330.0
"""Until the view keeps as many instants as it ever will, and five minutes are there to be shown [s]."""
LOOKS = 2.0 * AHEAD_EVERY
"""How long processors are watched [s]: of a twin that looks ahead now and then as often each time."""
TARGETS = {
    "p95_ms": ("<=", 250.0), "server_cpu_percent_per_client": ("<=", 2.0), "page_p95_ms": ("<=", 500.0),
    "twin_slowdown": ("<=", 1.05), "open_s": ("<=", 1.0), "rss_growth_mib_per_h": ("<=", 5.0),
}  # fmt: skip
# Each frame in which the board has drawn: how old the newest reading on it is.
_WATCH = """() => {
  window.ages = [];
  let frames = -1;
  const look = () => {
    const board = [...window.twinView.boards.values()][0];
    const drawn = board?.stats?.frames ?? -1;
    if (drawn > frames) {
      frames = drawn;
      const newest = board.state().until;
      setTimeout(() => window.ages.push([newest, Date.now() / 1000 - newest]), 0);
    }
    requestAnimationFrame(look);
  };
  look();
}"""


def fast_plant(folder: Path) -> Path:
    """Write the plant with all tags, and the twin's instants, at 10 Hz."""
    text = PLANT.read_text(encoding="utf-8").replace("every: 1 s", "every: 100 ms")
    text = text.replace("estimate:\n", "estimate:\n  every: 100 ms\n  lag: 300 ms\n")
    file = folder / "cooling_station.yaml"
    file.write_text(text, encoding="utf-8")
    return file


class Source:
    """A gateway that sends what the plant shows at rest, with its noise, ten times a second."""

    def __init__(self, plant: Path, address: str, folder: Path) -> None:
        from twin.estimate.ground import ground
        from twin.gateway.gateway import Gateway
        from twin.plant import Plant
        from twin.units import scale

        found = Plant.load(plant)
        start = ground(found)
        self.rows: list[tuple[str, float, float]] = []
        for tag, shown, variance in zip(start.tags, start.shown, start.noise, strict=False):
            factor, offset = scale(tag.unit, found.quantity(tag.reads).unit)
            self.rows.append((tag.name, (shown - offset) / factor, float(np.sqrt(variance)) / factor))
        units = {tag.name: tag.unit for tag in start.tags}
        self.gateway = Gateway("plant", address, folder / "gateway.buffer", units)
        self._stop, self._thread = threading.Event(), threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        rng, k = np.random.default_rng(1), int(time.time() * HERTZ) + 1
        while not self._stop.is_set():
            self._stop.wait(max(0.0, k / HERTZ - time.time()))
            noise = rng.standard_normal(len(self.rows))
            at = k * (1_000_000 // HERTZ)
            self.gateway.put([(n, at, v + s * e, 0) for (n, v, s), e in zip(self.rows, noise, strict=True)])
            k = max(k + 1, int(time.time() * HERTZ))

    def close(self) -> None:
        """Stop sending."""
        self._stop.set()
        self._thread.join(5.0)
        self.gateway.close()


@contextmanager
def viewed(data: Path) -> Iterator[tuple[int, int]]:
    """Run the view of a folder; yield its process and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "twin", "view", str(data), "--port", "0"], stdout=subprocess.DEVNULL
    )
    told: dict[str, Any] = {}

    def there() -> bool:
        try:
            told.update(json.loads((data / "view.json").read_text()))
        except (OSError, ValueError):
            return False
        return bool(told["pid"] == process.pid)

    try:
        until(there, 60.0)
        yield process.pid, int(told["port"])
    finally:
        process.terminate()
        process.wait(20.0)


def cpu(pid: int) -> float:
    """Return the processor time that a process has used [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def rss(pid: int) -> float:
    """Return how much memory a process holds [MiB]."""
    return float(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024.0


@contextmanager
def streams(port: int, count: int) -> Iterator[None]:
    """Hold so many streams of the asset open, and read what comes; from 50 addresses, as 50 panels would."""
    stop, opened = threading.Event(), []

    def read(number: int) -> None:
        source = (f"127.0.1.{1 + number}", 0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30.0, source_address=source)
        since = round(time.time() * 1e6)
        connection.request("GET", f"/api/v1/stream?asset={ASSET}&since={since}")
        answer = connection.getresponse()
        opened.append(number)
        while not stop.is_set() and answer.read1(65536):
            pass
        connection.close()

    threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    until(lambda: len(opened) == count, 30.0)
    yield
    stop.set()
    for thread in threads:
        thread.join(5.0)


def page(port: int) -> float:
    """Open the asset's page as a browser does: document, its content, its trend; return how long it took [s]."""
    base, begun = f"http://127.0.0.1:{port}", time.perf_counter()
    asked = {
        "output": "frame.children", "outputs": {"id": "frame", "property": "children"},
        "inputs": [
            {"id": "url", "property": "pathname", "value": "/asset"},
            {"id": "url", "property": "search", "value": f"?name={ASSET}"},
            {"id": "language", "property": "data", "value": "en"},
        ],
        "changedPropIds": ["url.pathname"],
    }  # fmt: skip
    content = urllib.request.Request(
        f"{base}/_dash-update-component", json.dumps(asked).encode(), {"Content-Type": "application/json"}
    )
    for what in (f"{base}/asset?name={ASSET}", content, f"{base}/api/v1/trend?asset={ASSET}&span=300"):
        with urllib.request.urlopen(what, timeout=30.0) as answer:
            answer.read()
    return time.perf_counter() - begun


def live(folder: Path, seconds: float) -> dict[str, Any]:
    """Return what is measured beside a running twin."""
    from playwright.sync_api import sync_playwright

    data = folder / "data"
    data.mkdir()
    plant = fast_plant(folder)
    with ExitStack() as stack:
        ingest = stack.enter_context(Ingest(data))
        twin = Follower(data, str(plant))
        stack.enter_context(twin)
        source = Source(plant, ingest.address, folder)
        stack.callback(source.close)
        until(lambda: twin.ready() and twin.told["settled"] > 0, 60.0)
        pid, port = stack.enter_context(viewed(data))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.goto(f"http://127.0.0.1:{port}/asset?name={ASSET}")
        tab.wait_for_selector(".board canvas")
        tab.wait_for_timeout(WARM * 1e3)
        for _ in range(12):  # its threads keep the memory of the largest answer that each has made
            page(port)
        tab.evaluate(_WATCH)
        memory, begun = [], time.monotonic()
        while time.monotonic() - begun < seconds:
            tab.wait_for_timeout(1e3)
            memory.append((time.monotonic() - begun, rss(pid)))
        grown = 3600.0 * float(np.polyfit(*np.array(memory).T, 1)[0])
        ages = seen(tab.evaluate("window.ages"))
        gaps = tab.evaluate("[...window.twinView.boards.values()][0].stats.gaps")
        browser.close()
        return {
            "p50_ms": round(1e3 * float(np.median(ages)), 1), "p95_ms": round(1e3 * float(np.quantile(ages, 0.95)), 1),
            "updates_per_s": round(len(ages) / seconds, 1), "gaps": gaps, "tags": len(source.rows),
            "rss_mib": round(rss(pid), 1), "rss_growth_mib_per_h": round(grown, 1), **crowd(pid, twin, port),
        }  # fmt: skip


def seen(frames: list[list[float]]) -> list[float]:
    """Return the age at which each instant was drawn first [s]."""
    first: dict[float, float] = {}
    for newest, age in frames:
        first.setdefault(newest, age)
    return list(first.values())


def crowd(pid: int, twin: Follower, port: int) -> dict[str, Any]:
    """Return what clients cost the view, and what they cost the twin."""
    alone, before = busy((pid, twin.pid), LOOKS), twin_age(twin)
    with streams(port, FEW):
        few = busy((pid, twin.pid), LOOKS)
    with streams(port, CLIENTS):
        pages: list[float] = []
        with_all = busy((pid, twin.pid), LOOKS)
        after = twin_age(twin)
        for _ in range(60):
            pages.append(page(port))
    return {
        "server_cpu_percent_per_client": round(100.0 * (with_all[0] - alone[0]) / CLIENTS, 2),
        "server_cpu_percent_per_client_of_10": round(100.0 * (few[0] - alone[0]) / FEW, 2),
        "server_cpu_percent_alone": round(100.0 * alone[0], 1),
        "page_p50_ms": round(1e3 * float(np.median(pages)), 1),
        "page_p95_ms": round(1e3 * float(np.quantile(pages, 0.95)), 1),
        "twin_slowdown": round(with_all[1] / alone[1], 3),
        "twin_behind_s": [round(before, 2), round(after, 2)],
    }


def busy(pids: tuple[int, int], seconds: float) -> list[float]:
    """Return the share of a core that each process uses."""
    before, begun = [cpu(pid) for pid in pids], time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - begun
    return [(cpu(pid) - was) / elapsed for pid, was in zip(pids, before, strict=True)]


def twin_age(twin: Follower) -> float:
    """Return how far the newest reading that the twin has taken lies back: the median over three seconds [s]."""
    found = []
    for _ in range(60):
        if twin.ready():
            found.append(twin.file.stat().st_mtime - float(twin.told["newest"]))
        time.sleep(0.05)
    return float(np.median(found))


def day(folder: Path, hours: float) -> dict[str, Any]:
    """Return how long a view that has just started takes to show a day."""
    from playwright.sync_api import sync_playwright

    data = folder / "day"
    data.mkdir()
    begun = time.monotonic()
    lived(data, hours)
    wrote = time.monotonic() - begun
    with viewed(data) as (_, port), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.goto(f"http://127.0.0.1:{port}/asset?name=pump_1")
        tab.wait_for_selector(".board canvas")
        opened = []
        for _ in range(5):
            tab.click("[role=radio]:has-text('5 min')")
            tab.wait_for_timeout(1500)
            before = time.perf_counter()
            tab.click("[role=radio]:has-text('24 h')")
            while not tab.evaluate(
                "(() => { const b = [...window.twinView.boards.values()][0];"
                f" const t = b.data('T-1')?.t ?? []; return t.at(-1) - t[0] > {0.9 * 3600.0 * hours}; }})()"
            ):
                tab.wait_for_timeout(5)
            opened.append(time.perf_counter() - before)
        browser.close()
    return {
        "open_s": round(max(opened), 2), "open_s_median": round(float(np.median(opened)), 2),
        "instants": round(hours * 3600.0 * HERTZ),
        "history_mib": round((data / "history.sqlite").stat().st_size / 2**20),
        "write_us_per_instant": round(1e6 * wrote / (hours * 3600.0 * HERTZ), 1),
    }  # fmt: skip


def chromium() -> str | None:
    """Return the system's browser; without one Playwright's own is taken."""
    return next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--hours", type=float, default=24.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = live(Path(folder), options.seconds)
        figures |= day(Path(folder), options.hours)
    report(figures, TARGETS)


if __name__ == "__main__":
    main()
