"""Bytes that are wrong in a hundred thousand ways, strangers' bytes and a flood leave ingest as it was."""

import random
from pathlib import Path

import pytest

from benchmarks import fuzz


@pytest.mark.slow
def test_a_hundred_thousand_wrong_frames_leave_ingest_as_it_was(tmp_path: Path) -> None:
    figures = fuzz.fuzz(100_000, 2, tmp_path, seconds=3.0)
    wanted = ("crashes", "journal_changed", "uncounted", "descriptors_left")
    assert {name: figures[name] for name in wanted} == dict.fromkeys(wanted, 0), (tmp_path / "data.stderr").read_text()
    assert figures["rss_growth_mib"] <= 5.0
    assert figures["raw_rss_growth_mib"] <= 5.0
    assert figures["flood_rss_mib"] <= 150.0
    assert figures["honest_share"] >= 0.3  # 0.5 on a machine of one's own
    assert sum(figures["answers"].values()) > 10_000
    assert {"bad_message", "bad_version", "not_allowed", "hello_first"} <= set(figures["answers"])


def test_every_kind_of_wrong_message_is_made() -> None:
    draw = random.Random(1)
    made = [fuzz.mutated(draw) for _ in range(2000)]
    assert len({len(frames) for frames in made}) > 10
    assert sum(len(frames) == 1 for frames in made) > 1000
    assert max(len(frame) for frames in made for frame in frames) > 4000
