"""A flood of readings, with keys, on disk before they are acknowledged, and a twin that follows."""

from pathlib import Path

import pytest

from benchmarks import ingest


@pytest.mark.slow
def test_ingest_refuses_nothing_of_a_flood_and_the_twin_catches_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "WARM", 5.0)
    monkeypatch.setattr(ingest, "BURST", 2.0)
    figures = ingest.measure(tmp_path, 5.0)  # ends when the twin has taken everything, or fails
    assert figures["journal_whole"]
    assert (figures["refused"], figures["late"]) == (0, 0)
    assert figures["rss_growth_mib"] < 5.0
    assert min(figures["readings_per_s"], figures["burst_readings_per_s"]) > 0
