"""Waiting for what a page comes to."""

import time
from typing import Any


def until(page: Any, condition: str, seconds: float = 60.0) -> Any:
    """Wait until an expression of the page is true; its policy forbids Playwright's own way, which needs eval."""
    deadline = time.monotonic() + seconds
    while not (found := _evaluated(page, condition)):
        assert time.monotonic() < deadline, f"never: {condition}"
        page.wait_for_timeout(50)
    return found


def _evaluated(page: Any, condition: str) -> Any:
    from playwright.sync_api import Error

    try:
        return page.evaluate(condition)
    except Error as err:
        if "context was destroyed" in str(err):
            return None  # the page is being loaded anew
        raise
