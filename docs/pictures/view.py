"""Take the pictures of the view: a demonstration whose fault has come, every page, in both languages.

`python docs/pictures/view.py` takes about four minutes; it needs Chromium, a Korean font, and Playwright.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PANEL = {"width": 1280, "height": 800}
"""A panel PC of a control room."""
WALL = {"width": 1920, "height": 1080}
FAULT = ".listed tr:has-text('pump_2') a"
PAGES = {
    "overview": "/",
    "asset": "/asset?name=pump_2",
    "advisories": "/advisories",
    "history": "/history?asset=exchanger",
    "data": "/data",
}


def main() -> None:
    """Run the demonstration, and take its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        demo = subprocess.Popen([
            sys.executable, "-m", "twin", "demo", "--speed", "20", "--fault-at", "10min", "--data", str(data),
            "--port", "0",
        ])  # fmt: skip
        try:
            address = f"http://127.0.0.1:{waited(data / 'view.json')['port']}"
            with sync_playwright() as playwright:
                found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
                browser = playwright.chromium.launch(
                    executable_path=next(filter(None, found), None), args=["--no-sandbox"]
                )
                tab = browser.new_page(viewport=PANEL)
                tab.goto(f"{address}/advisories")
                tab.wait_for_selector(f"{FAULT}:has-text('TI-112'), .listed tr:has-text('TI-112') a", timeout=300_000)
                for language in ("en", "ko"):
                    for name, path in PAGES.items():
                        taken(tab, f"{address}{path}", name, language)
                tab.set_viewport_size(WALL)
                taken(tab, f"{address}/", "wall", "en")
                browser.close()
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)


def waited(file: Path) -> dict[str, Any]:
    """Return what a file says once it is there."""
    while not file.exists():
        time.sleep(0.2)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def taken(tab: Any, address: str, name: str, language: str) -> None:
    """Take a picture of a page once it has settled."""
    tab.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
    tab.wait_for_selector("main")
    if name == "advisories":
        tab.click(FAULT)
        tab.wait_for_selector(".why h2")
    tab.wait_for_timeout(3000)
    tab.screenshot(path=str(HERE / f"view_{name}_{language}.png"))


if __name__ == "__main__":
    main()
