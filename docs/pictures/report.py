"""Takes the picture of a what-if report that README.md shows: `python docs/pictures/report.py`, a minute."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "twin", "what-if", "slower_spindle", "--replications", "32"]


def main() -> None:
    """Ask, and photograph the head of the answer."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        subprocess.run([*COMMAND, "--out", folder], check=True)
        found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
        browser = playwright.chromium.launch(executable_path=next(filter(None, found), None), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 940})
        page.goto(f"file://{folder}/report.en.html")
        page.screenshot(path=str(HERE / "what_if_report_en.png"))
        browser.close()


if __name__ == "__main__":
    main()
