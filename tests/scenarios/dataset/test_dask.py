"""A data set that a Dask cluster makes: the bytes of one machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.dataset.making import Order, make
from tests.scenarios.dataset.test_making import hashes
from tests.scenarios.test_execution_dask import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), Path(__file__).parents[3])
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_cluster_changes_no_byte(tiny: Path, tiny_spec: Path, tmp_path: Path, cluster: Cluster) -> None:
    make(Order(tiny_spec, tmp_path / "out", dask=cluster.address))
    assert hashes(tmp_path / "out") == hashes(tiny)
