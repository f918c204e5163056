"""What every test can ask for."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every machine; a slow machine is no failure.
settings.register_profile("twin", deadline=None, derandomize=True, database=None)
settings.load_profile("twin")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--assets", type=Path, metavar="DIR", help="put the asset files of this folder to the contract")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder of the checkout."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Return the folder of real recordings that TWIN_DATA names; without it the test is skipped."""
    folder = os.environ.get("TWIN_DATA")
    if not folder:
        pytest.skip("TWIN_DATA names no folder of recordings")
    return Path(folder)


def pytest_configure() -> None:
    """Hear what ends a run, and let the tests' processes hear it: a shell or nohup that runs us may ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
