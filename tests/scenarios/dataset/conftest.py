"""A tiny data set of two tanks, made once."""

from pathlib import Path

import pytest

from scenarios.dataset.making import Order, make

TINY = Path(__file__).parent / "tiny.yaml"


@pytest.fixture(scope="session")
def tiny_spec() -> Path:
    """Return the path of the specification."""
    return TINY


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the finished data set; copy it before you change it."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    make(Order(TINY, folder, workers=1))
    return folder
