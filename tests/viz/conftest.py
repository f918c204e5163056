"""The browser that the view's tests drive: the system's, or the one that Playwright has installed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz import stand_in
from tests.viz.stage import Stage, served

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Yield a browser for one file of tests: while it is open, its loop runs in this thread.

    Without a browser these tests are skipped, but for CI, which brings one.
    """
    from playwright.sync_api import Error, sync_playwright

    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except Error:
            if os.environ.get("CI"):
                raise
            pytest.skip("no browser: install Chromium, or run `python -m playwright install chromium`")
        yield browser
        browser.close()


class Page:
    """A page that remembers what went wrong on it."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000.0)  # a machine that does other work besides is no failure
        self.address, self.wrong, self.asked = address, list[str](), list[str]()
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda err: self.wrong.append(str(err)))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        said = "console.error('policy', e.violatedDirective, e.blockedURI)"
        self.page.add_init_script(f"addEventListener('securitypolicyviolation', e => {said})")

    def open(self, path: str) -> Any:
        """Open a path of the view, and return the page once it is there."""
        self.page.goto(f"{self.address}{path}")
        self.page.wait_for_selector("main")
        return self.page

    def close(self) -> None:
        """Let go of it."""
        self.context.close()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return a folder in which ten minutes were lived."""
    found = Stage(tmp_path / "data")
    found.live(600)
    return found


@pytest.fixture
def control(tmp_path: Path) -> Path:
    """Return the folder by which what stands in for `twin what-if` is held up."""
    found = tmp_path / "control"
    found.mkdir()
    return found


@pytest.fixture
def asking(stage: Stage, control: Path) -> Iterator[str]:
    """Yield the address of a view whose what-if is the stand-in."""
    with served(stage.folder, command=stand_in.command(control)) as found:
        yield found


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished data set of forty short runs; copy it before you change it."""
    from scenarios.dataset.making import Order, make

    folder = tmp_path_factory.mktemp("labelled") / "tiny"
    make(Order(Path(__file__).parents[1] / "scenarios" / "dataset" / "tiny.yaml", folder, workers=1))
    return folder


@pytest.fixture
def view(chromium: Any, stage: Stage) -> Iterator[Page]:
    """Yield a page of the view over the stage; nothing may have gone wrong on it."""
    with served(stage.folder) as address:
        page = Page(chromium, address)
        yield page
        page.close()
        assert page.wrong == []
        assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)
