"""Which pieces of equipment are put to the contract: all that ship, or those of one's own folder."""

from pathlib import Path

import pytest

from twin.catalogue import find, names, path_of
from twin.declare import Asset


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stem" in metafunc.fixturenames:
        folder = metafunc.config.getoption("--assets")
        own = set(names(folder)) - set(names()) if folder else names()
        metafunc.parametrize("stem", sorted(own))


@pytest.fixture
def cls(stem: str, pytestconfig: pytest.Config) -> type[Asset]:
    return find(stem, pytestconfig.getoption("--assets"))


@pytest.fixture
def file(stem: str, pytestconfig: pytest.Config) -> Path:
    """Return the file that declares the asset."""
    return path_of(stem, pytestconfig.getoption("--assets"))
