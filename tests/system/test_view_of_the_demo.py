"""The demonstration in a browser: its fault is told, acknowledged by a click, shelved, and comes back by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz.conftest import Page, chromium  # noqa: F401 - a fixture
from tests.viz.waiting import until
from viz.words import word

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a demonstration whose fault comes early; yield its folder."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    process = subprocess.Popen(
        [
            sys.executable, "-m", "twin", "demo", "--speed", "60", "--fault-at", "6min", "--data", str(folder),
            "--port", "0", "--for", "5min",
        ],
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": ""}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 150.0
    while not (folder / "view.json").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield folder
    process.send_signal(signal.SIGINT)
    assert process.wait(60.0) == 130


def answered(page: Any, done: str) -> bool:
    """Wait for what is said of an action: that it is done, or after ten seconds of a busy twin that it is noted."""
    page.wait_for_selector(", ".join(f'#action-said:has-text("{each}")' for each in (done, word("noted", "en"))))
    return done in page.inner_text("#action-said")


def test_the_fault_is_told_acknowledged_shelved_and_comes_back(demo: Path, chromium: Any) -> None:  # noqa: F811
    port = json.loads((demo / "view.json").read_text(encoding="utf-8"))["port"]
    view = Page(chromium, f"http://127.0.0.1:{port}")
    page = view.open("/advisories")
    link = ".listed tr:has-text('pump_2: rough') a"
    page.wait_for_selector(link, timeout=90_000)
    page.click(link)
    page.wait_for_selector(".why button.main")
    assert "bearing drag" in page.inner_text(".why dl")
    until(page, "[...window.twinView.boards.values()][0]?.state()?.names?.length > 0")

    page.click(".why button.main")
    row = ".listed tr.here"
    page.wait_for_selector(f"{row}:has-text('acknowledged'):not(:has-text('unacknowledged'))")
    answered(page, "Acknowledge: done")

    # Minutes are the twin's, which runs 60 times as fast: what is shelved comes back some fifteen seconds later. Its
    # text shows while it is shelved only, so one selector has to see both at once.
    page.fill("#shelve-minutes", "15")
    page.fill("#action-text", "<b>the mechanic is on the way</b>")
    page.press("#action-text", "Tab")
    page.click("button:has-text('Shelve')")
    page.wait_for_selector(f"{row}:has-text('shelved until'):has-text('<b>the mechanic is on the way</b>')")
    if answered(page, "Shelve: done"):
        assert page.input_value("#action-text") == ""
    page.wait_for_selector(f"{row}:not(:has-text('shelved until'))", timeout=60_000)

    audit = (demo / "view" / "audit.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["what"] for line in audit.splitlines()] == ["action", "action"]
    view.close()
    assert view.wrong == []


def test_the_twin_goes_on_when_its_view_is_killed(demo: Path) -> None:
    os.kill(json.loads((demo / "view.json").read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
    before = json.loads((demo / "twin.json").read_text(encoding="utf-8"))["entry"]
    deadline = time.monotonic() + 60.0
    while json.loads((demo / "twin.json").read_text(encoding="utf-8"))["entry"] < before + 5:
        assert time.monotonic() < deadline
        time.sleep(0.2)
