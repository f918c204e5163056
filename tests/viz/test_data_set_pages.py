"""The page of data sets in a browser: listed, looked into, chosen from, a run with its labels, in both languages."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from scenarios.dataset.reading import Dataset
from tests.viz.conftest import Page
from tests.viz.data_set_files import SHARD, changed
from tests.viz.stage import Stage, advisory, asked, served
from tests.viz.test_what_if import harmless, text
from tests.viz.test_words import texts
from tests.viz.waiting import until
from viz.data_set_reader import Chosen, Reader
from viz.data_sets import DataSets
from viz.pages import data_set_run, data_set_runs, data_sets
from viz.pages.data_set_runs import Asked
from viz.pages.data_sets import elapsed
from viz.words import Language, catalogue, word

HOSTILE = "<img src=x onerror=window.hacked=1>'\"--><script>window.hacked=1</script>"
PARTS = ("part=runs", "part=channels", "part=realism", "run=1")
DRAWN = "[...(window.twinRunBoards?.values() ?? [])][0]?.board.state().data"


@pytest.fixture
def sets(labelled: Path, tmp_path: Path) -> Path:
    """Return a folder with a data set that may be changed."""
    shutil.copytree(labelled, tmp_path / "sets" / "tiny")
    return tmp_path / "sets"


@pytest.fixture
def browsed(chromium: Any, stage: Stage, sets: Path) -> Iterator[Page]:
    """Yield a page of a view of data sets; nothing may go wrong on it, nothing be asked of others."""
    with served(stage.folder, datasets=sets) as address:
        page = Page(chromium, address)
        yield page
        page.close()
        assert page.wrong == []
        assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)


def run_of(place: Path, kind: str) -> int:
    """Return the first run of a class that is wrong within its rows."""
    with Dataset(place) as made:
        code = next(each.code for each in made.manifest.classes if each.name == kind)
        return int(np.flatnonzero((made.runs["fault"] == code) & np.isfinite(made.runs["onset"]))[0])


def drawn(page: Any) -> dict[str, Any]:
    """Return what the charts show, once they do."""
    until(page, f"Boolean({DRAWN})")
    found: dict[str, Any] = page.evaluate(DRAWN)
    return found


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_data_set_is_chosen_looked_into_filtered_and_a_run_opened(
    browsed: Page, sets: Path, language: Language
) -> None:
    def said(name: str, *filled: object) -> str:
        return word(name, language, *filled)

    page = browsed.open(f"/data-sets?lang={language}")
    page.wait_for_selector("td a")
    assert "Two tanks with a leak or a blocked outlet" in text(page)
    harmless(page)
    page.click("td a:has-text('tiny')")
    page.wait_for_selector(f"h2:has-text('{said('set_balance')}')")
    for shown in (said("set_splits"), said("set_for_unseen_fault"), "lower_leak", said("set_identity")):
        assert shown in text(page)
    harmless(page)
    page.click(f"nav a:text-is('{said('set_channels')}')")
    page.wait_for_selector("td.name")
    harmless(page)
    page.click(f"nav a:text-is('{said('runs')}')")
    page.select_option("select[name=kind]", "blocked")
    page.click("button.main")
    page.wait_for_url("**kind=blocked**")
    page.wait_for_selector("td.number a")
    cells = page.eval_on_selector_all("tbody tr", "rows => rows.map(row => row.cells[2].innerText)")
    assert set(cells) == {"blocked"}
    assert page.input_value("select[name=kind]") == "blocked"
    harmless(page)
    page.click("td.number a >> nth=0")
    page.wait_for_selector("[data-run-board] .twin-chart")
    onset = Dataset(sets / "tiny").runs["onset"][run_of(sets / "tiny", "blocked")]
    worst = float(Dataset(sets / "tiny").run(run_of(sets / "tiny", "blocked")).series["labels/severity"].max())
    drawn(page)
    assert said("set_fault_begins", "blocked", elapsed(onset, 4.0), f"{100 * worst:.0f}") in text(page)
    assert said("set_every_row") in text(page)
    assert said("set_key_true") in text(page)
    harmless(page)


def test_the_charts_show_the_rows_their_labels_and_what_is_missing(browsed: Page, sets: Path) -> None:
    number = run_of(sets / "tiny", "leak")
    with Dataset(sets / "tiny") as made:
        run = made.run(number)
    page = browsed.open(f"/data-sets?set=tiny&run={number}")
    shown = drawn(page)
    for chart in shown["charts"]:
        values = run.series["signals"][:, chart["channel"]]
        assert chart["low"] == pytest.approx([None if np.isnan(v) else v for v in values.tolist()], rel=1e-6)
        assert [share > 0 for share in chart["missing"]] == np.isnan(values).tolist()
        truth = run.series["truth/signals"][:, chart["channel"]]
        assert chart["true_high"] == pytest.approx(truth.tolist(), rel=1e-6)
    assert shown["severity"] == pytest.approx(run.series["labels/severity"].tolist(), rel=1e-6)
    asked = page.evaluate("JSON.parse(document.querySelector('[data-run-board]').dataset.runBoard).run")
    assert asked["onset"] == run.drawn["onset"]
    rows = page.eval_on_selector_all(
        ".timeline tbody tr", "rows => rows.map(row => [...row.cells].map(c => c.innerText))"
    )
    assert [elapsed(run.drawn["onset"], 4.0), elapsed(240.0, 4.0), word("set_key_fault", "en"), "leak"] in rows


def test_a_range_is_zoomed_by_keys_and_fetched_more_finely(browsed: Page, sets: Path) -> None:
    page = browsed.open("/data-sets?set=tiny&run=0")
    drawn(page)
    whole = page.inner_text(".run-range")
    page.focus(".twin-plots >> nth=2")
    page.keyboard.press("+")
    until(page, f"{DRAWN}.rows < 60")
    assert page.inner_text(".run-range") != whole
    page.keyboard.press("Shift+ArrowRight")
    until(page, "!document.querySelector('.twin-cursor').hidden")
    spoken = page.inner_text(".run-board .hidden[role=status]")
    assert spoken.startswith(page.inner_text(".run-when"))
    assert word("set_measured", "en") in spoken
    page.keyboard.press("Escape")
    until(page, f"{DRAWN}.rows === 60")
    assert page.inner_text(".run-range") == whole


def test_channels_are_chosen_and_stay_chosen_for_the_next_run(browsed: Page) -> None:
    page = browsed.open("/data-sets?set=tiny&run=0")
    drawn(page)
    page.click(".run-choice > summary")
    page.uncheck(".run-boxes input >> nth=0")
    until(page, f"{DRAWN}.charts.length === 1")
    page.keyboard.press("Escape")
    page.click(f"a.button:text-is('{word('set_next', 'en')}')")
    page.wait_for_selector("h2:has-text('Run 1:')")
    until(page, "JSON.parse(document.querySelector('[data-run-board]').dataset.runBoard).address.endsWith('run=1')")
    until(page, f"{DRAWN}?.charts.map((chart) => chart.channel).join() === '1'")


def test_previous_and_next_stay_within_what_was_chosen(browsed: Page, sets: Path) -> None:
    with Dataset(sets / "tiny") as made:
        mine = made.split("test").tolist()
    page = browsed.open(f"/data-sets?set=tiny&run={mine[0]}&split=test")
    page.wait_for_selector(f"h2:has-text('1 of {len(mine)} chosen')")
    page.click(f"a.button:text-is('{word('set_next', 'en')}')")
    page.wait_for_selector(f"h2:has-text('Run {mine[1]}:')")
    page.click(f"a.button:text-is('{word('set_alike', 'en')}')")
    page.wait_for_selector(f"h2:not(:has-text('Run {mine[1]}:'))")


def test_the_language_is_switched_on_a_run(browsed: Page) -> None:
    page = browsed.open("/data-sets?set=tiny&run=3")
    drawn(page)
    page.click("#to-language")
    page.wait_for_selector(f"h2:has-text('{word('set_run_of', 'ko', 3, '').strip()}')")
    until(page, f"document.querySelector('.run-status').innerText === '{word('set_every_row', 'ko')}'")
    harmless(page)


def test_a_narrow_screen_shows_everything_and_nothing_beside_it(browsed: Page, stage: Stage) -> None:
    stage.raise_advisory(advisory())
    browsed.page.set_viewport_size({"width": 400, "height": 800})
    for query in ("", "set=tiny", *(f"set=tiny&{more}" for more in PARTS)):
        page = browsed.open(f"/data-sets?{query}")
        page.wait_for_selector(".data-sets")
        until(page, f"!document.querySelector('[data-run-board]') || Boolean({DRAWN})")
        assert (query, page.evaluate("document.documentElement.scrollWidth")) == (query, 400)
        harmless(page)


def test_an_address_that_asks_for_nothing_there_is_says_so(browsed: Page) -> None:
    for query, said in (
        ("set=nothing", "'nothing': no such data set in"), ("set=../tiny", "'../tiny': no such data set in"),
        ("set=tiny&run=40", "there is no run 40, only 0 to 39"), ("set=tiny&run=x", "there is no run -1"),
        ("set=tiny&run=99999999999999999999", "there is no run -1"),
        ("set=tiny&part=runs&machine=two", "two: no number of a machine"),
        ("set=tiny&part=runs&split=trian", "did you mean 'train'"), ("set=tiny&part=runs&first=1000", "Runs 1 to 40"),
        ("set=tiny&part=runs&kind=leak&machine=999", word("set_none_chosen", "en")),
    ):  # fmt: skip
        page = browsed.open(f"/data-sets?{query}")
        page.wait_for_selector(".data-sets")
        assert said in text(page)


def test_what_is_unfinished_damaged_or_a_link_is_told_in_the_list(browsed: Page, sets: Path, labelled: Path) -> None:
    shutil.copytree(labelled, sets / "half")
    (sets / "half" / "dataset.json").unlink()
    shutil.copytree(labelled, sets / "wrong")
    changed(sets / "wrong", lambda said: said.update(runs=7))
    (sets / "elsewhere").symlink_to(labelled)
    page = browsed.open("/data-sets")
    page.wait_for_selector("td a")
    for said in ("unfinished: 3 shards so far", f"--out {sets / 'half'} --resume", "says 7 runs", "isn't followed"):
        assert said in text(page)
    harmless(page)


def test_a_damaged_shard_is_told_on_its_runs_and_the_list_goes_on(browsed: Page, sets: Path) -> None:
    (sets / "tiny" / SHARD).write_bytes(b"nothing")
    page = browsed.open("/data-sets?set=tiny&run=0")
    page.wait_for_selector("main [role=alert]")
    assert "shard-00000.h5: has 7 bytes" in text(page)
    page = browsed.open("/data-sets?set=tiny&run=39")
    drawn(page)
    page = browsed.open("/data-sets?set=tiny&part=runs")
    page.wait_for_selector("td.number a")


def test_hostile_names_stay_text(browsed: Page, sets: Path) -> None:
    def spoil(said: dict[str, Any]) -> None:
        said["name"], said["about"] = HOSTILE, HOSTILE
        said["channels"][0].update(name=HOSTILE[:150], doc="a\u202eb", unit=HOSTILE[:100])
        said["classes"][1].update(name=HOSTILE[:150])

    changed(sets / "tiny", spoil)
    (sets / "tiny").rename(sets / "a <b> 'c' \u202e")
    address = quote("a <b> 'c' \u202e")
    for path in ("", *(f"?set={address}{part}" for part in ("", "&part=runs", "&part=channels", "&run=1"))):
        page = browsed.open(f"/data-sets{path}")
        page.wait_for_selector("h1")
        page.wait_for_timeout(150)
        assert page.evaluate("[window.hacked, document.title]") == [None, "twin"]
        assert "\u202e" not in text(page)


def test_an_empty_folder_says_how_a_data_set_is_made(chromium: Any, stage: Stage) -> None:
    with served(stage.folder) as address:
        page = Page(chromium, address)
        shown = page.open("/data-sets")
        shown.wait_for_selector(".data-sets")
        assert f"twin dataset make SPEC --out {stage.folder / 'datasets'}/NAME" in text(shown)
        page.close()
        assert page.wrong == []


def test_a_run_is_answered_within_its_bounds_only(stage: Stage, sets: Path) -> None:
    import urllib.error

    with served(stage.folder, datasets=sets) as address:
        base = f"{address}/api/v1/data-sets/trend?set=tiny&run=0"
        assert len(asked(f"{base}&channels=0,1,1,x,,7&points=1000000")["charts"]) == 2  # type: ignore[arg-type]
        for wrong, code in (
            ("&begin=5&until=4", 400),
            ("&begin=nan", 400),
            ("&run=x", 422),
            (f"&points={10**30}", 422),
        ):
            with pytest.raises(urllib.error.HTTPError) as refused:
                asked(base + wrong)
            assert refused.value.code == code
            refused.value.close()


def test_time_is_told_with_as_many_decimals_as_rows_need() -> None:
    assert [elapsed(*given) for given in ((0.0,), (3725.0,), (59.9995, 0.01), (1.25, 0.25), (-3.0,), (3e6,))] == [
        "0:00:00", "1:02:05", "0:01:00.00", "0:00:01.2", "\N{MINUS SIGN}0:00:03", "833:20:00",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_english_is_left_in_a_korean_page_of_a_data_set(sets: Path, language: Language) -> None:
    sets_of, english = DataSets(sets), {pair["en"] for pair in catalogue().values() if pair["en"] != pair["ko"]}
    found, reader = sets_of.manifest("tiny"), Reader(sets / "tiny")
    run = reader.run(run_of(sets / "tiny", "leak"), Chosen())
    shown = [
        data_sets.about(found, reader.splits(), language), data_sets.channels(found, language),
        data_sets.home([(sets_of.listed("tiny"), None)], sets, "", None, language),
        data_sets.head("tiny", found, "about", language),
        data_set_runs.content("tiny", found, Asked(), reader.runs(Chosen(), 0, 50), language),
        data_set_run.content("tiny", found, run, Asked(), language),
    ]  # fmt: skip
    left = {said for said in texts(shown) if said in english and len(said) > 3}
    assert bool(left) == (language == "en")
