"""What `twin dataset compare` and `twin dataset check` found, on the page of a data set."""

import json
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.viz.conftest import Page
from tests.viz.stage import Stage, served
from tests.viz.test_what_if import harmless, text
from twin.errors import DataError
from viz.data_set_realism import Channel, Distances, check_of, realism_of
from viz.words import Language, word

FIGURES = {"wasserstein": 0.579, "ks": 0.288, "spectrum": 4.07, "autocorrelation": None}
DOCUMENT: dict[str, Any] = {
    "format": 1, "identity": "", "recording": "bench", "score": 41.2, "score_itself": 77.4,
    "classifier": {"raw": {"auc": 0.63, "low": 0.51, "high": 0.74, "windows": 80, "parts": 9},
                   "normalised": {"auc": 0.94, "low": 0.92, "high": 0.96, "windows": 80, "parts": 9}, "itself": None},
    "correlation": {"normalised": {"distance": 0.12, "real": [], "made": []}},
    "channels": [{"name": "level", "unit": "m", "raw": {"ks": 0.305}, "normalised": FIGURES, "itself": {}}],
}  # fmt: skip


@pytest.fixture
def place(labelled: Path, tmp_path: Path) -> Path:
    """Return a data set with figures of a comparison and its reports."""
    found = Path(shutil.copytree(labelled, tmp_path / "sets" / "tiny"))
    (found / "realism").mkdir()
    (found / "realism" / "realism.json").write_text(json.dumps(DOCUMENT, indent=1), encoding="utf-8")
    for language in ("en", "ko"):
        report = f"<!DOCTYPE html><title>r</title><h1>{language}</h1><script>document.title='hacked'</script>"
        (found / "realism" / f"realism.{language}.html").write_text(report, encoding="utf-8")
    return found


@pytest.fixture
def address(stage: Stage, place: Path) -> Iterator[str]:
    """Yield the address of a view of it."""
    with served(stage.folder, datasets=place.parent) as found:
        yield found


def test_what_the_commands_write_is_read(labelled: Path, tmp_path: Path) -> None:
    from scenarios.dataset.comparing import run

    place = Path(shutil.copytree(labelled, tmp_path / "tiny"))
    lines = ["seconds,level", *(f"{4 * k},{1000 + k % 7}" for k in range(120))]
    (tmp_path / "bench.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    recording = tmp_path / "bench.yaml"
    recording.write_text(
        "recording: bench\nabout: A tank.\nplant: two_tanks\nfile: bench.csv\n"
        'time: {columns: seconds, format: elapsed_s, start: "2024-01-01T00:00:00Z"}\n'
        "columns: {level: {tag: level, unit: mm}}\nrecipe: {tags: {level: {range: {low: 0 m, high: 10 m}}}}\n",
        encoding="utf-8",
    )
    assert run(place, str(recording), (), None, False) == 0
    written, found = json.loads((place / "realism" / "realism.json").read_bytes()), realism_of(place)
    assert found is not None
    assert (found.score, found.score_itself, found.identity) == (
        written["score"], written["score_itself"], written["identity"],
    )  # fmt: skip
    assert found.channels[0].normalised.ks == written["channels"][0]["normalised"]["ks"]
    check = [sys.executable, "-m", "twin", "dataset", "check", str(place), "--json"]
    done = subprocess.run(check, capture_output=True, check=False)
    (place / "check.json").write_bytes(done.stdout)
    checked = check_of(place)
    assert checked is not None
    assert checked.passed == (done.returncode == 0)
    assert checked.checks["labels"].state == "passed"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_figures_are_shown_channel_by_channel_with_what_they_mean(
    chromium: Any, address: str, language: Language
) -> None:
    page = Page(chromium, address)
    shown = page.open(f"/data-sets?set=tiny&part=realism&lang={language}")
    shown.wait_for_selector("td.name")
    for said in (
        word("set_scored", language, 41, 77, "bench"), word("set_told", language, "0.63", "0.94"), "0.288",
        word("set_beside", language, "0.305", "\N{EN DASH}"), word("set_check_none", language),
    ):  # fmt: skip
        assert said in text(shown)
    harmless(shown)
    with shown.context.expect_page() as opened:
        shown.click("a[target=_blank] >> nth=0")
    opened.value.wait_for_load_state()
    assert (opened.value.inner_text("h1"), opened.value.title()) == (language, "r")
    shown.goto(f"{address}/data-sets")
    shown.wait_for_selector("td a")
    assert shown.inner_text("tbody tr >> nth=0").split()[-2:] == ["41.2", word("set_finished", language)]
    page.close()
    assert [said for said in page.wrong if "Content Security Policy" not in said and "sandboxed" not in said] == []


def test_a_check_that_failed_says_what_and_where(chromium: Any, address: str, place: Path) -> None:
    finding = {"where": "run 3, row 7", "what": "severity is not the truth's", "todo": "report it"}
    checks = {"labels": {"state": "failed", "said": "2400 rows", "findings": [finding] * 25, "numbers": {}}}
    said = "labels: failed\n" + json.dumps({"passed": False, "checks": checks}) + "\n"
    (place / "check.json").write_text(said, encoding="utf-8")
    page = Page(chromium, address)
    shown = page.open("/data-sets?set=tiny&part=realism")
    shown.wait_for_selector(".beyond")
    for expected in ("run 3, row 7: severity is not the truth's: report it", "and 5 more", "found something wrong"):
        assert expected in text(shown)
    page.close()
    assert page.wrong == []


@pytest.mark.parametrize("written", ["{", '{"channels": 3}', "[" * 100_000, ""], ids=["cut", "odd", "deep", "empty"])
def test_figures_that_are_none_are_told_and_the_rest_is_shown(
    place: Path, written: str, stage: Stage, chromium: Any
) -> None:
    (place / "realism" / "realism.json").write_text(written, encoding="utf-8")
    (place / "check.json").write_text(written, encoding="utf-8")
    with pytest.raises(DataError, match="is not understood"):
        realism_of(place)
    with pytest.raises(DataError, match="is not understood"):
        check_of(place)
    with served(stage.folder, datasets=place.parent) as address:
        page = Page(chromium, address)
        shown = page.open("/data-sets?set=tiny&part=realism")
        shown.wait_for_selector("main [role=alert]")
        assert len(shown.query_selector_all("main [role=alert]")) == 2
        shown.goto(f"{address}/data-sets")
        shown.wait_for_selector("td a")
        page.close()
        assert page.wrong == []


def test_figures_and_reports_behind_a_link_are_not_read(place: Path, tmp_path: Path, address: str) -> None:
    shutil.move(place / "realism", tmp_path / "away")
    (place / "realism").symlink_to(tmp_path / "away")
    with pytest.raises(DataError, match="is reached by a link"):
        realism_of(place)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/api/v1/data-sets/realism?set=tiny", timeout=60.0)
    assert refused.value.code == 404
    refused.value.close()


def test_what_is_missing_in_figures_is_none_and_what_is_new_is_left_aside(place: Path) -> None:
    (place / "realism" / "realism.json").write_text('{"channels": [{"name": "a", "new": 1}], "newer": {}}')
    found = realism_of(place)
    assert found is not None
    assert (found.score, found.channels) == (None, [Channel("a", "1", Distances(), Distances(), Distances())])
