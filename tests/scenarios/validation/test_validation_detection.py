"""Scores of detection over several files, and which files belong to a recording."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenarios.validation import detection_text
from scenarios.validation.detecting import Detected, Watched, pooled
from scenarios.validation.plots import advisories
from scenarios.validation.sources import Source, healthy, in_order, is_seen, others, source_of, told
from twin.clean.recording import Recording
from twin.errors import PlantError
from twin.live.pointwise import Points
from twin.shipped import names


def watched(file: str, counts: tuple[int, int, int, int]) -> Watched:
    """Return a file that was watched with these right alarms, false ones, silent rows and missed ones."""
    alike = [(True, True), (True, False), (False, False), (False, True)]
    rows = [pair for pair, count in zip(alike, counts, strict=True) for _ in range(count)]
    advised, anomaly = np.array([(False, False)] * 400 + rows).T
    said: dict[str, Any] = {
        **Points(*counts).as_dict(), "delay_s": 3.0, "unscored": None,
        "baselines": {"always": Points(counts[0] + counts[3], counts[1] + counts[2], 0, 0).as_dict()},
    }  # fmt: skip
    return Watched(file, "0" * 64, np.arange(advised.size, dtype=float), advised, anomaly, said)


FILES = [watched("a/1.csv", (30, 10, 50, 10)), watched("a/2.csv", (0, 0, 60, 40)), watched("b/1.csv", (20, 0, 20, 0))]


def test_pooled_scores_are_those_of_all_rows_together() -> None:
    found = pooled(FILES)
    tp, fp, tn, fn = 50, 10, 130, 50
    assert found["f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert (found["far"], found["mar"], found["files"]) == (fp / (fp + tn), fn / (fn + tp), 3)
    precision = 100 / 240  # always alarming finds every labelled row
    assert found["baselines"]["always"]["f1"] == pytest.approx(2 * precision / (precision + 1.0))


def test_a_page_tells_every_file_every_folder_and_what_was_not_found() -> None:
    well = watched("well.csv", (0, 25, 75, 0))
    found = Detected(Recording.load("skab"), tuple(FILES), (well,), (("c.csv", "no labels"),))
    text = "\n".join(detection_text.scores(found))
    for said in ("twin, all files", "twin, a", "twin, b", "always alarming", "a/2.csv", "an advisory stands at 25.0 %"):
        assert said in text
    limits = " ".join(detection_text.limits(found))
    assert "Nothing of what is labelled in a/2.csv was found" in limits
    assert "c.csv was not scored: no labels" in limits


def test_a_plot_of_advisories_shows_each_file() -> None:
    drawn = advisories(FILES, "title")
    assert drawn.count('class="bar"') == 1 + 2  # of the key, and of the files with alarms
    assert drawn.count(">1.csv<") == 2


def test_files_come_in_the_order_that_people_count_in() -> None:
    paths = [Path(f"{name}.csv") for name in ("b/10", "b/9", "a/11", "b/1")]
    assert [path.as_posix() for path in in_order(paths)] == ["a/11.csv", "b/1.csv", "b/9.csv", "b/10.csv"]


def test_every_source_is_of_a_shipped_recording_and_says_who_recorded_it() -> None:
    for name in names("recordings"):
        assert source_of(Recording.load(name)).cite, name


def test_other_files_are_those_of_the_patterns_without_those_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_DATA", str(tmp_path))
    for name in ("skab/valve1/0.csv", "skab/valve1/1.csv", "skab/well.csv", "skab/valve1/events.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    recording = Recording.load("skab")
    source = Source(
        files=("skab/*/*.csv",), leave_out=("skab/*/events.csv",), healthy=("skab/well.csv",), seen=("skab/valve1/*",)
    )
    assert [told(path) for path in others(recording, source)] == ["skab/valve1/1.csv"]
    assert [told(path) for path in healthy(source)] == ["skab/well.csv"]
    assert is_seen(source, tmp_path / "skab/valve1/1.csv")
    assert not is_seen(source, tmp_path / "skab/well.csv")
    assert [path.name for path in others(recording, Source())] == ["1.csv", "events.csv"]


def test_a_wrong_list_of_sources_is_refused_with_its_line(tmp_path: Path) -> None:
    wrong = tmp_path / "sources.yaml"
    wrong.write_text("recordings:\n  emps:\n    titel: Axis\n", encoding="utf-8")
    with pytest.raises(PlantError, match=r"sources\.yaml:3: .*did you mean 'title'"):
        source_of(Recording.load("emps"), wrong)
